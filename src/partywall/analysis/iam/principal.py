"""Who makes a request, and how a Principal element names them.

IAM User Guide: AWS JSON policy elements: Principal, NotPrincipal; AWS global condition context keys.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from partywall.analysis.iam.context import Facts, Values
from partywall.analysis.iam.document import Statement
from partywall.errors import UserError

_ACCOUNT: Final = re.compile(r"\d{12}")
# Page "AWS global condition context keys": these come with the credentials of a role's session.
_OF_ROLES: Final = frozenset(
    (
        "aws:federatedprovider",
        "aws:sourceidentity",
        "aws:ec2instancesourcevpc",
        "aws:ec2instancesourceprivateipv4",
        "lambda:sourcefunctionarn",
        "ec2:roledelivery",
        "ec2:sourceinstancearn",
    )
)
# Page "AWS JSON policy elements: Principal": the web identity providers that go by their name.
_PROVIDERS: Final = frozenset(
    ("accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com")
)
_ARN: Final = re.compile(r"arn:([a-z-]+):(iam|sts)::(\d{12}):([^/]+)(?:/(.+))?")


# What the context says of the caller, and what only some kinds of callers' requests carry.
_OF_CALLERS: Final = _OF_ROLES | {
    "aws:userid",
    "aws:username",
    "kms:calleraccount",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "aws:tokenissuetime",
}


class Kind(enum.StrEnum):
    """Kinds of principals."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    """A session of a role, whatever its name."""
    ROLE_SESSION = "role session"
    """A named session of a role."""
    FEDERATED_USER = "federated user"
    """A session of GetFederationToken."""
    SERVICE = "service"
    WEB_IDENTITY = "web identity"
    SAML = "SAML"
    ANONYMOUS = "anonymous"
    CANONICAL = "canonical user"


class Form(enum.IntEnum):
    """How closely a Principal element names the requester, which decides what else must allow."""

    NONE = 0
    ACCOUNT = 1
    """The account as a whole: its own policies must allow too."""
    ROLE = 2
    """The role (or a federated user's IAM user): boundary and session policies still limit."""
    DIRECT = 3
    """The user, the session, the service, or everyone: nothing of the identity's is asked."""


@dataclass(frozen=True)
class Principal:
    """One requester. `arn` is the user's, role's or session's; of a service its name, "" for anonymous ones.

    `tags` are those of the principal, session tags included; None where they are not known.
    """

    kind: Kind
    arn: str = ""
    account: str = ""
    unique_id: str = ""
    role_arn: str = ""
    """The ARN of a session's role with its path, where known."""
    user_arn: str = ""
    """Of a federated user: the IAM user who asked for the token."""
    session_name: str = ""
    tags: Mapping[str, str] | None = None
    organization: str | None = None
    """The organization's id; "" where the account is in none, None where that is not known."""
    organization_path: str | None = None
    """Such as `o-abc/r-def/ou-ghi/`."""
    management: bool = False
    """Of the organization's management account: SCPs do not apply."""
    service_linked: bool = False
    """A service-linked role: neither SCPs nor RCPs apply."""
    provider: str = ""
    """The SAML or OIDC provider's ARN or name."""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def names(self) -> dict[str, Form]:
        """Principal texts (kind and colon before them) that name this principal, and how closely."""
        if self.kind is Kind.SERVICE:
            return {f"Service:{self.arn}": Form.DIRECT}
        if self.kind in (Kind.WEB_IDENTITY, Kind.SAML):
            return {f"Federated:{self.provider}": Form.DIRECT}
        if self.kind is Kind.CANONICAL:
            return {f"CanonicalUser:{self.arn}": Form.DIRECT}
        if self.kind is Kind.ANONYMOUS:
            return {}
        partition = self.arn.split(":", 2)[1]
        names = {
            f"AWS:{self.account}": Form.ACCOUNT,
            f"AWS:arn:{partition}:iam::{self.account}:root": Form.ACCOUNT,
        }
        if self.kind is Kind.ROLE:
            names[f"AWS:{self.arn}"] = Form.ROLE
        elif self.kind is Kind.ROLE_SESSION:
            names[f"AWS:{self.arn}"] = Form.DIRECT
            names[f"AWS:{self.role_arn}"] = Form.ROLE
        elif self.kind is Kind.FEDERATED_USER:
            names[f"AWS:{self.arn}"] = Form.DIRECT
            if self.user_arn:
                names[f"AWS:{self.user_arn}"] = Form.ROLE
        elif self.kind is Kind.USER:
            names[f"AWS:{self.arn}"] = Form.DIRECT
        if self.unique_id:
            closest = Form.DIRECT if self.kind is Kind.USER else Form.ROLE
            names[f"AWS:{self.unique_id}"] = closest
        names["Group:authenticated"] = Form.DIRECT
        if canonical := self.fields.get("canonical_id"):
            names[f"CanonicalUser:{canonical}"] = Form.ACCOUNT
        return names

    def form(self, statement: Statement) -> Form:
        """How a statement's Principal names this principal; of NotPrincipal DIRECT where it spares them not.

        An account in NotPrincipal spares its root user alone: page "NotPrincipal" wants the user's or the
        role's ARN there as well.
        """
        element = statement.principal
        if element is None:
            return Form.DIRECT
        names = self.names
        if statement.not_principal:
            spared = element.everyone or any(
                names.get(f"{kind}:{text}", Form.NONE) > Form.ACCOUNT
                or (self.kind is Kind.ROOT and f"{kind}:{text}" in names)
                for kind, text in element.named
            )
            return Form.NONE if spared else Form.DIRECT
        if element.everyone:
            # Services too: page "Global condition keys" tells how to spare them from such a Deny.
            return Form.DIRECT
        found = Form.NONE
        for kind, text in element.named:
            found = max(found, names.get(f"{kind}:{text}", Form.NONE))
        return found

    @cached_property
    def keys(self) -> Facts:
        """What the request context holds of this principal.

        Page "AWS global condition context keys" and, of `aws:userid` and `aws:username`, the table of
        "Policy variables".
        """
        values: dict[str, Values] = {}
        missing: set[str] = set()
        families: list[str] = []

        def put(key: str, value: str | None) -> None:
            if value is None:
                return
            if value:
                values[key] = (value,)
            else:
                missing.add(key)

        signed = self.kind not in (Kind.ANONYMOUS, Kind.SERVICE, Kind.WEB_IDENTITY, Kind.SAML, Kind.CANONICAL)
        service = self.kind is Kind.SERVICE
        put("aws:principaltype", _TYPES[self.kind])
        put("aws:principalisawsservice", "true" if service else "false")
        put("aws:principalservicename", self.arn if service else "")
        put("aws:principalarn", (self.role_arn or self.arn) if signed else "")
        # This one is in every request; an unsigned one has a word in its place.
        unsigned = "anonymous" if self.kind is Kind.ANONYMOUS else ""
        put("aws:principalaccount", self.account if signed else unsigned)
        # Page "Condition keys for AWS KMS": the caller's account.
        put("kms:calleraccount", self.account if signed else "")
        put("aws:principalorgid", self.organization if signed else "")
        put("aws:principalorgpaths", self.organization_path if signed else "")
        put("aws:username", self.arn.rpartition("/")[2] if self.kind is Kind.USER else "")
        if self.kind is Kind.USER:
            put("aws:userid", self.unique_id or None)
        elif self.kind is Kind.ROOT:
            put("aws:userid", self.account)
        elif self.kind is Kind.ROLE_SESSION and self.unique_id and self.session_name:
            put("aws:userid", f"{self.unique_id}:{self.session_name}")
        elif self.kind is Kind.FEDERATED_USER:
            put("aws:userid", f"{self.account}:{self.arn.rpartition('/')[2]}")
        elif not signed:
            put("aws:userid", "")
        if not service:
            # Only a service's own call on somebody's behalf carries these.
            missing |= {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"}
        if self.kind in (Kind.USER, Kind.ROOT):
            # Of sessions of roles alone; a user's own session (GetSessionToken) carries none of them.
            missing |= _OF_ROLES
        if self.kind in (Kind.ANONYMOUS, Kind.SERVICE):
            missing |= {"aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime"}
        if self.tags is not None or not signed:
            families.append("aws:principaltag/")
            for key, value in (self.tags or {}).items():
                values[f"aws:principaltag/{key.lower()}"] = (value,)
        return Facts(values, frozenset(missing), tuple(families))


_TYPES: Final = {
    Kind.ROOT: "Account",
    Kind.USER: "User",
    Kind.ROLE: "AssumedRole",
    Kind.ROLE_SESSION: "AssumedRole",
    Kind.FEDERATED_USER: "FederatedUser",
    Kind.SERVICE: None,
    Kind.WEB_IDENTITY: None,
    Kind.SAML: None,
    Kind.ANONYMOUS: "Anonymous",
    Kind.CANONICAL: None,
}

ANONYMOUS: Final = Principal(Kind.ANONYMOUS)


def principal(text: str, **known: object) -> Principal:
    """The principal that a text names: an ARN, an account id, a service's name, or `*` for anonymous.

    `known` gives more fields of `Principal`. Raises UserError where the text names none.
    """
    extra: dict[str, object] = dict(known)
    if text in ("*", "anonymous"):
        return Principal(Kind.ANONYMOUS, **extra)  # pyright: ignore[reportArgumentType]
    if _ACCOUNT.fullmatch(text):
        text = f"arn:aws:iam::{text}:root"
    if text in _PROVIDERS:
        extra.setdefault("provider", text)
        return Principal(Kind.WEB_IDENTITY, text, **extra)  # pyright: ignore[reportArgumentType]
    found = _ARN.fullmatch(text)
    if found is None:
        if re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?|[a-z0-9.-]+\.amazon\.com", text):
            return Principal(Kind.SERVICE, text, **extra)  # pyright: ignore[reportArgumentType]
        raise UserError(
            f"{text!r} is no principal: give the ARN of a user, role or session, an account id, a service"
            " such as lambda.amazonaws.com, or * for anyone"
        )
    partition, service, account, sort, rest = found.groups()
    extra.update(account=account)
    if service == "iam" and sort == "root":
        kind = Kind.ROOT
    elif service == "iam" and sort == "user" and rest:
        kind = Kind.USER
    elif service == "iam" and sort == "role" and rest:
        kind = Kind.ROLE
        if rest.startswith("aws-service-role/"):
            extra.setdefault("service_linked", True)
    elif service == "sts" and sort == "assumed-role" and rest and "/" in rest:
        kind = Kind.ROLE_SESSION
        name, _, session = rest.partition("/")
        extra.setdefault("role_arn", f"arn:{partition}:iam::{account}:role/{name}")
        extra.setdefault("session_name", session)
        if name.startswith("AWSServiceRoleFor"):
            extra.setdefault("service_linked", True)
    elif service == "sts" and sort == "federated-user" and rest:
        kind = Kind.FEDERATED_USER
    elif service == "iam" and sort in ("saml-provider", "oidc-provider") and rest:
        kind = Kind.SAML if sort == "saml-provider" else Kind.WEB_IDENTITY
        extra.setdefault("provider", text)
    else:
        raise UserError(
            f"{text!r} is no principal that makes requests: groups and instance profiles do not, their"
            " users and roles do"
        )
    return Principal(kind, text, **extra)  # pyright: ignore[reportArgumentType]


def of_caller(key: str) -> bool:
    """Whether a condition key (in lower case) may differ between callers of the same request."""
    return key.startswith("aws:principal") or key in _OF_CALLERS
