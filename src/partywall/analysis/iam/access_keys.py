"""Which values of a condition key a caller can bring, so that a condition is judged by whom it lets in.

IAM User Guide: AWS global condition context keys. Amazon S3 User Guide: Blocking public access to your Amazon
S3 storage, The meaning of "public". Service Authorization Reference: condition keys of each service.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from partywall.analysis import condition_keys as keys
from partywall.analysis.globs import has_wildcard
from partywall.analysis.iam.context import ALWAYS, UNKNOWN, Facts, Unknown, Values
from partywall.analysis.iam.oidc import claim_pins, issuer_of
from partywall.analysis.iam.principal import Kind, Principal


class Outsider(enum.StrEnum):
    """Kinds of callers from outside a resource's account."""

    ANONYMOUS = "anonymous"
    ANY = "any_principal"
    FOREIGN = "foreign_account"
    ORGANIZATION = "organization_account"
    SCANNED = "scanned_account"
    SERVICE = "service"
    FEDERATED = "federated"


class Route(enum.StrEnum):
    """How a request comes: with a public source address, or by a VPC endpoint of the caller's own."""

    INTERNET = "internet"
    ENDPOINT = "VPC endpoint"


@dataclass(frozen=True, eq=False)
class Caller:
    """One caller of a kind, with what is settled of their request context."""

    kind: Outsider
    label: str
    """How reports name them: an account id, organization, service, provider; "*" for everyone."""
    principal: Principal
    account: str
    """Of the caller; of an anonymous one the account that owns their VPC endpoint."""
    organization: str = ""
    """"" none."""
    outside: str = ""
    """The organization that it is known not to be in, where its own is not known."""
    generic: bool = True
    """Any user or role of the account may be meant, so that their ARN is open."""
    route: Route = Route.INTERNET
    source: str | None = None
    """Of a service: the account for which it acts."""
    for_owner: bool = False
    """That is the resource's owner, or another account that the policies name."""
    source_organization: str = ""
    sourced: bool = False
    """Of a service: the request carries the keys of its source."""
    fixed: dict[str, Values | None] = field(default_factory=dict["str", "Values | None"])


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a caller can give a key: those of some pattern, and not those that `pinned` ties to
    somebody else. `texts` "" in it stands for any text."""

    patterns: tuple[str, ...] = ("*",)
    missing: bool = True
    """The caller can leave the key out."""
    pinned: Callable[[str, bool], bool] | None = None
    """(value of the policy, it is compared with wildcards) -> whoever brings it is told by it."""
    guess: bool = False
    """Which of the values it is, is not told: a condition holds only if it does of all of them."""
    addresses: bool = False
    """Public IP addresses: narrow ranges are somebody's own."""


FREE: Final = Domain()
Settled = Values | None
"""None: the key is missing."""


def domain(key: str, caller: Caller, resource: Facts, strict: bool) -> Domain | Settled | Unknown:
    """The values of `key` (in lower case) that a caller can bring.

    `strict`: not those that the policy ties to one network, endpoint or other fixed thing.
    """
    if key in caller.fixed:
        return caller.fixed[key]
    by_key = _DOMAINS.get(key)
    if by_key is not None:
        return by_key(caller, strict)
    if key.startswith("kms:encryptioncontext:aws:") and caller.kind is Outsider.SERVICE:
        # The service fills these in with the ARN that it acts for (KMS guide, Encryption context).
        return _source_arn(caller, strict)
    who = caller.principal.keys
    for facts in (who, resource):
        found = facts.values.get(key)
        if found is not None:
            return found
        if key in facts.missing or key.startswith(facts.families or "\0"):
            return None
    if caller.principal.kind is Kind.WEB_IDENTITY and key.rpartition(":")[0] == _issuer(caller):
        return _claim(key, caller, strict)
    if caller.principal.kind is Kind.WEB_IDENTITY and "." in key.rpartition(":")[0]:
        # A claim of another provider's tokens.
        return None
    if caller.principal.kind is Kind.ANONYMOUS and keys.is_signed_only(key):
        return None
    if key == "lambda:functionurlauthtype" and caller.principal.kind is Kind.ANONYMOUS:
        # AWS Lambda Developer Guide, Control access to Lambda function URLs: others are asked to sign.
        return ("NONE",)
    if key.startswith(("aws:resourcetag/", "aws:resourceorg")) or key in keys.DATES | {"aws:principaltype"}:
        return UNKNOWN
    if key == "sts:externalid" and strict and caller.kind is not Outsider.ANY:
        # Whoever brings the one that is asked for, the owner has told them.
        return Domain(pinned=_literal)
    if key in keys.FIXED:
        return Domain(pinned=_is_fixed(key) if strict else None)
    if keys.is_open(key) or keys.is_signed_only(key):
        return Domain(missing=key not in ALWAYS)
    return UNKNOWN


def _issuer(caller: Caller) -> str:
    return issuer_of(caller.principal.provider).lower()


def _claim(key: str, caller: Caller, strict: bool) -> Domain | Unknown:
    claim = key.rpartition(":")[2]
    # Every OpenID Connect token has these.
    missing = claim not in ("sub", "aud")
    if not strict:
        return Domain(missing=missing)
    issuer = _issuer(caller)
    if claim_pins(issuer, claim, "", False) is None:
        return UNKNOWN
    return Domain(missing=missing, pinned=lambda value, wild: bool(claim_pins(issuer, claim, value, wild)))


def _literal(value: str, wild: bool) -> bool:
    return not (wild and has_wildcard(value))


def _is_fixed(key: str) -> Callable[[str, bool], bool]:
    return _endpoint_is_fixed if key == "sns:endpoint" else _literal


def _endpoint_is_fixed(value: str, wild: bool) -> bool:
    # `*@example.com` and `https://example.com/*` still fix whose endpoint it is.
    if _literal(value, wild):
        return True
    if "@" in value:
        return "*" not in value.rpartition("@")[2]
    scheme, mark, rest = value.partition("://")
    host = rest.partition("/")[0]
    return bool(mark and host) and not has_wildcard(scheme) and not has_wildcard(host)


def _unique_id_is_fixed(value: str, wild: bool) -> bool:
    return not (wild and has_wildcard(value.partition(":")[0]))


def _bucket_is_fixed(value: str, wild: bool) -> bool:
    # An S3 bucket's ARN has no account, but its name is one owner's only.
    parts = value.split(":", 5)
    fixed = len(parts) == 6 and not has_wildcard(parts[5].partition("/")[0])
    return not wild or (fixed and not has_wildcard(parts[4]))


def _principal_arn(caller: Caller, strict: bool) -> Domain | Settled:
    del strict
    who = caller.principal
    if not caller.generic or who.kind not in (Kind.ROLE_SESSION, Kind.USER):
        return who.keys.values.get("aws:principalarn")
    partition = who.arn.split(":", 2)[1]
    kind = "user" if who.kind is Kind.USER else "role"
    return Domain((f"arn:{partition}:iam::{caller.account}:{kind}/*",), missing=False)


def _user_id(caller: Caller, strict: bool) -> Domain | Settled | Unknown:
    who = caller.principal
    if who.kind is Kind.ROOT:
        return (caller.account,)
    if who.kind not in (Kind.ROLE_SESSION, Kind.ROLE, Kind.USER):
        return None
    pattern = "AIDA*" if who.kind is Kind.USER else "AROA*:*"
    if caller.kind is Outsider.ANY or strict:
        return Domain((pattern,), missing=False, pinned=_unique_id_is_fixed)
    # Whether a unique id that the policy names is of this account is not told.
    return UNKNOWN


def _user_name(caller: Caller, strict: bool) -> Domain | Settled:
    del strict
    who = caller.principal
    if who.kind is not Kind.USER:
        return None
    return Domain(missing=False) if caller.generic else (who.arn.rpartition("/")[2],)


def _account(caller: Caller, strict: bool) -> Settled:
    del strict
    # Page "AWS global condition context keys": every request has the key; of these it is no account's.
    if caller.principal.kind is Kind.ANONYMOUS:
        return ("anonymous",)
    if caller.principal.kind is Kind.SERVICE:
        return (caller.principal.arn,)
    return None if caller.principal.kind is Kind.CANONICAL else (caller.account,)


def _organization(caller: Caller, strict: bool) -> Domain | Settled | Unknown:
    del strict
    who = caller.principal
    if who.kind in (Kind.ANONYMOUS, Kind.SERVICE, Kind.WEB_IDENTITY, Kind.SAML):
        return None
    if who.organization is not None:
        return (who.organization,) if who.organization else None
    return _some_organization(caller, "o-*", "")


def _some_organization(caller: Caller, pattern: str, tail: str) -> Domain | Unknown:
    if not caller.outside:
        return UNKNOWN
    ours = f"{caller.outside}{tail}"
    return Domain((pattern,), guess=True, pinned=lambda value, _: value.startswith(ours))


def _org_paths(caller: Caller, strict: bool) -> Domain | Settled | Unknown:
    del strict
    unsigned = (Kind.ANONYMOUS, Kind.SERVICE, Kind.WEB_IDENTITY, Kind.SAML)
    if caller.principal.organization is None and caller.principal.kind not in unsigned:
        return _some_organization(caller, "o-*/*", "/")
    if not caller.organization or not caller.principal.organization:
        return None
    return Domain((f"{caller.organization}/*",), missing=False)


def _address(caller: Caller, strict: bool) -> Domain | Settled:
    if caller.route is Route.ENDPOINT:
        return None
    if caller.principal.kind is Kind.SERVICE:
        # Its addresses are nobody's own.
        return Domain(addresses=True)
    return Domain(missing=False, addresses=strict)


def _by_endpoint(prefix: str) -> Callable[[Caller, bool], Domain | Settled]:
    def made(caller: Caller, strict: bool) -> Domain | Settled:
        if caller.route is not Route.ENDPOINT:
            return None
        return Domain((f"{prefix}*",), missing=False, pinned=_literal if strict else None)

    return made


def _of_endpoint(value: Callable[[Caller], str]) -> Callable[[Caller, bool], Domain | Settled]:
    """Keys that tell whose endpoint the request comes by; a stranger's own, unless another's is let in."""

    def made(caller: Caller, strict: bool) -> Domain | Settled:
        if caller.route is not Route.ENDPOINT:
            return None
        if not strict:
            return Domain(missing=False)
        told = value(caller)
        return (Domain((told,), missing=False) if has_wildcard(told) else (told,)) if told else None

    return made


def _by_thing(pattern: str) -> Callable[[Caller, bool], Domain | Settled]:
    """Keys with the ARN of what the request comes by; `{account}` is that of its owner."""

    def made(caller: Caller, strict: bool) -> Domain:
        return Domain((pattern.replace("{account}", caller.account),)) if strict else FREE

    return made


def _mount_target(caller: Caller, strict: bool) -> Domain | Settled:
    del caller
    return ("false",) if strict else FREE


def _own_vpc(caller: Caller, strict: bool) -> Domain:
    del caller
    return Domain(("vpc-*",), pinned=_literal if strict else None)


def _source_account(caller: Caller, strict: bool) -> Settled:
    del strict
    return (caller.source,) if caller.sourced and caller.source else None


def _source_arn(caller: Caller, strict: bool) -> Domain | Settled:
    if not caller.sourced or not caller.source:
        return None
    patterns = (f"arn:aws*:*:*:{caller.source}:*", "arn:aws*:s3:::*")
    foreign = strict and not caller.for_owner
    return Domain(patterns, missing=False, pinned=_bucket_is_fixed if foreign else None)


def _source_org(caller: Caller, strict: bool) -> Settled:
    del strict
    return (caller.source_organization,) if caller.sourced and caller.source_organization else None


def _source_paths(caller: Caller, strict: bool) -> Domain | Settled:
    del strict
    if not (caller.sourced and caller.source_organization):
        return None
    return Domain((f"{caller.source_organization}/*",), missing=False)


def _service_names(caller: Caller, strict: bool) -> Settled:
    del strict
    return (caller.principal.arn,) if caller.principal.kind is Kind.SERVICE else None


_DOMAINS: Final[dict[str, Callable[[Caller, bool], Domain | Settled | Unknown]]] = {
    "aws:principalarn": _principal_arn,
    "aws:principalaccount": _account,
    "kms:calleraccount": _account,
    "aws:principalorgid": _organization,
    "aws:principalorgpaths": _org_paths,
    "aws:principalservicenameslist": _service_names,
    "aws:userid": _user_id,
    "aws:username": _user_name,
    "aws:sourceip": _address,
    "aws:sourcevpc": _by_endpoint("vpc-"),
    "aws:sourcevpce": _by_endpoint("vpce-"),
    "vpc-lattice-svcs:sourcevpc": _own_vpc,
    "aws:ec2instancesourcevpc": _own_vpc,
    "aws:vpceaccount": _of_endpoint(lambda c: c.account),
    "vpc-lattice-svcs:sourcevpcowneraccount": _by_thing("{account}"),
    "aws:vpceorgid": _of_endpoint(lambda c: c.organization),
    "aws:vpceorgpaths": _of_endpoint(lambda c: c.organization and f"{c.organization}/*"),
    "aws:sourcevpcarn": _of_endpoint(lambda c: f"arn:aws*:ec2:*:{c.account}:vpc/*"),
    "s3:dataaccesspointaccount": _by_thing("{account}"),
    "s3:dataaccesspointarn": _by_thing("arn:aws*:s3*:*:{account}:accesspoint/*"),
    "elasticfilesystem:accesspointarn": _by_thing("arn:aws*:elasticfilesystem:*:{account}:access-point/*"),
    "ec2:sourceinstancearn": _by_thing("arn:aws*:ec2:*:{account}:instance/*"),
    "ssm:sourceinstancearn": _by_thing("arn:aws*:*:*:{account}:*"),
    "lambda:sourcefunctionarn": _by_thing("arn:aws*:lambda:*:{account}:function:*"),
    "elasticfilesystem:accessedviamounttarget": _mount_target,
    "aws:sourceaccount": _source_account,
    "aws:sourceowner": _source_account,
    "aws:sourcearn": _source_arn,
    "aws:sourceorgid": _source_org,
    "aws:sourceorgpaths": _source_paths,
}
ROUTED: Final = frozenset(
    (
        "aws:sourceip",
        "aws:vpcsourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:sourcevpcarn",
    )
)
"""Keys whose presence depends on the route of the request."""
ORGANIZED: Final = frozenset(
    ("aws:principalorgid", "aws:principalorgpaths", "aws:vpceorgid", "aws:vpceorgpaths")
)
SOURCED: Final = frozenset(
    ("aws:sourceaccount", "aws:sourceowner", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths")
)


@lru_cache(maxsize=4096)
def account_of(arn: str) -> str:
    """The account of an ARN, or an account id itself; "" where there is none or it has wildcards."""
    account = arn if ":" not in arn else (arn.split(":", 5) + [""] * 5)[4]
    return account if len(account) == 12 and account.isdigit() else ""
