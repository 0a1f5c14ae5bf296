"""The callers from outside that a resource's policies may let in: strangers, and those whom they name.

IAM User Guide: AWS JSON policy elements: Principal; The confused deputy problem. Callers are candidates only:
whether one is let in is decided afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from partywall.analysis import condition_keys as keys
from partywall.analysis.globs import has_wildcard
from partywall.analysis.iam.access_keys import ORGANIZED, ROUTED, SOURCED, Caller, Outsider, Route, account_of
from partywall.analysis.iam.context import Values
from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.operators import Condition
from partywall.analysis.iam.patterns import glob
from partywall.analysis.iam.principal import ANONYMOUS, Form, Kind, Principal, principal
from partywall.analysis.principals import AWS_OWNED_ACCOUNTS, UNIQUE_ID, WEB_PROVIDERS
from partywall.errors import UserError

_ORIGIN_ACCESS: Final = re.compile(r"arn:[a-z-]+:iam::cloudfront:user/CloudFront Origin Access Identity \w+")
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{3,32}")
_WHO: Final = frozenset(
    (
        "aws:principalarn",
        "aws:principaltype",
        "aws:userid",
        "aws:username",
        "aws:tokenissuetime",
    )
)
_SIGNED: Final = frozenset((Outsider.ANY, Outsider.FOREIGN, Outsider.ORGANIZATION, Outsider.SCANNED))
_ANY_SERVICE: Final = "partywall.amazonaws.com"
_ANY_PROVIDER: Final = "accounts.google.com"


@dataclass(frozen=True)
class Zone:
    """Where a resource's owner stands: whose accounts are the owner's organization's, and which are scanned.

    `organization`: "" the owner is in none, None not known. `members`: accounts of it, None not listed.
    """

    owner: str
    organization: str | None = ""
    scanned: Mapping[str, str | None] = field(default_factory=dict["str", "str | None"])
    """Account -> its organization, likewise."""
    members: frozenset[str] | None = None
    canonical: Mapping[str, str] = field(default_factory=dict[str, str])
    """S3 canonical user id -> account, of those that are known."""

    def places(self, account: str) -> tuple[Outsider, ...]:
        """The kinds of which another account may be: one where that is known."""
        theirs = self.scanned.get(account, "") if account in self.scanned else None
        if self.organization and (theirs == self.organization or account in (self.members or ())):
            return (Outsider.ORGANIZATION,)
        if account in self.scanned:
            if theirs is None or self.organization is None:
                settled = theirs == "" or self.organization == ""
                return (Outsider.SCANNED,) if settled else (Outsider.SCANNED, Outsider.ORGANIZATION)
            return (Outsider.SCANNED,)
        if self.organization == "" or self.members is not None:
            return (Outsider.FOREIGN,)
        return (Outsider.FOREIGN, Outsider.ORGANIZATION)

    def places_of_organization(self, organization: str) -> tuple[Outsider, ...]:
        """The kinds of which the accounts of an organization may be."""
        if self.organization is None:
            return (Outsider.FOREIGN, Outsider.ORGANIZATION)
        same = organization == self.organization
        return (Outsider.ORGANIZATION,) if same else (Outsider.FOREIGN,)


class _Origin(Principal):
    """A CloudFront origin access identity, which policies name as if it were a user."""

    @cached_property
    def names(self) -> dict[str, Form]:
        return {f"AWS:{self.arn}": Form.DIRECT}


class Callers:
    """All callers that the statements of a resource may let in.

    `doubted`: kinds of which some principal of no known form may be, once `all` has run.
    """

    def __init__(
        self, statements: Sequence[Statement], zone: Zone, *, partition: str = "aws", roles: bool = False
    ) -> None:
        self.zone = zone
        self.roles = roles
        self.partition = partition
        self.conditions = [c for s in statements for c in s.conditions]
        self.asked = {c.lower_key for c in self.conditions}
        self.asked |= {k for c in self.conditions for v in c.values if "${" in v for k in _keys_in(v)}
        allows = [s for s in statements if s.allow and s.principal is not None]
        self.everyone = any(s.not_principal or (s.principal and s.principal.everyone) for s in allows)
        self.named = sorted({pair for s in allows if s.principal for pair in s.principal.named})
        spared = {pair for s in statements if s.not_principal and s.principal for pair in s.principal.named}
        self.candidates = sorted({*self.named, *spared})
        self.doubted: set[Outsider] = set()
        self._taken = " ".join([v for c in self.conditions for v in c.values] + [t for _, t in self.named])

    def all(self) -> list[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        """(caller, the kinds of which it may be, it is named, it is a stranger to the owner)."""
        found: list[tuple[Caller, tuple[Outsider, ...], bool, bool]] = []
        group = any(kind == "Group" for kind, _ in self.named)
        if self.everyone:
            for route in self._routes():
                caller = Caller(Outsider.ANONYMOUS, "*", ANONYMOUS, self.fresh, route=route)
                found.append((caller, (Outsider.ANONYMOUS,), False, True))
        if self.everyone or group:
            found += ((c, (Outsider.ANY,), False, True) for c in self._strangers())
            found += ((c, (Outsider.ANY,), False, True) for c in self._deputies() if self.everyone)
            found += self._insiders()
        found += self._accounts()
        found += self._organizations()
        found += self._services()
        found += self._federated()
        found += self._canonical()
        return found

    # Accounts.

    @cached_property
    def fresh(self) -> str:
        """An account that nobody names."""
        numbers = (str(n) for n in range(999999999999, 0, -1))
        return next(n for n in numbers if n not in self._taken and n != self.zone.owner)

    @cached_property
    def _fresh_organization(self) -> str:
        names = (f"o-partywall{n or ''}" for n in range(len(self._taken) + 2))
        return next(n for n in names if n not in self._taken)

    def _routes(self) -> list[Route]:
        return list(Route) if self.asked & ROUTED else [Route.INTERNET]

    def _values(self, wanted: Iterable[str]) -> Iterator[tuple[Condition, str]]:
        wanted = frozenset(wanted)
        return ((c, v) for c in self.conditions if c.lower_key in wanted for v in c.values)

    def _loose_accounts(self) -> set[str]:
        """Accounts of strangers: a fresh one, and one of each pattern that leaves the account open."""
        made = {self.fresh}
        for _, value in self._values(keys.ACCOUNTS | keys.ARNS):
            pattern = (value.split(":", 5) + [""] * 5)[4] if ":" in value else value
            if has_wildcard(pattern) and pattern.strip("*"):
                made |= {a for a in (_fill_account(pattern),) if a and a != self.zone.owner}
        return made

    def _loose_organizations(self) -> set[str]:
        made = {self._fresh_organization}
        for _, value in self._values(keys.ORGANIZATIONS):
            pattern = value.partition("/")[0]
            if has_wildcard(pattern) and pattern.startswith("o-"):
                made.add(re.sub(r"\*+", "partywall", pattern).replace("?", "0"))
        return made - {self.zone.organization}

    def _strangers(self) -> Iterator[Caller]:
        """Principals of accounts unrelated to the owner and to whom the policies name."""
        organizations = ["", *sorted(self._loose_organizations())] if self.asked & ORGANIZED else [""]
        for account in sorted(self._loose_accounts()):
            for organization in organizations:
                yield from self._people(Outsider.ANY, "*", account, organization)

    def _people(self, kind: Outsider, label: str, account: str, organization: str | None) -> Iterator[Caller]:
        """A role, and where it makes a difference a user and the root user, of an account."""
        makers = [self._role, self._user, self._root] if self.asked & _WHO else [self._role]
        for make in makers:
            who = make(account, organization)
            for route in self._routes():
                yield Caller(kind, label, who, account, organization or "", route=route)

    def _role(self, account: str, organization: str | None) -> Principal:
        return Principal(
            Kind.ROLE_SESSION,
            f"arn:{self.partition}:sts::{account}:assumed-role/partywall-example/session",
            account,
            role_arn=f"arn:{self.partition}:iam::{account}:role/partywall-example",
            session_name="session",
            organization=organization,
        )

    def _user(self, account: str, organization: str | None) -> Principal:
        arn = f"arn:{self.partition}:iam::{account}:user/partywall-example"
        return Principal(Kind.USER, arn, account, organization=organization)

    def _root(self, account: str, organization: str | None) -> Principal:
        arn = f"arn:{self.partition}:iam::{account}:root"
        return Principal(Kind.ROOT, arn, account, organization=organization)

    def _insiders(self) -> Iterator[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        """For those let in as everyone: accounts of each other kind, which are among them."""
        zone = self.zone
        for caller in self._strangers():
            yield replace(caller, kind=Outsider.FOREIGN), (Outsider.FOREIGN,), False, True
        if zone.organization != "":
            places = (Outsider.ORGANIZATION,)
            for c in self._people(Outsider.ORGANIZATION, "*", self.fresh, zone.organization):
                yield c, places, False, True
        others = sorted(a for a in zone.scanned if a != zone.owner)
        known = [a for a in others if zone.places(a) == (Outsider.SCANNED,)]
        for account in known[:1]:
            for c in self._people(Outsider.SCANNED, "*", account, zone.scanned.get(account)):
                yield c, (Outsider.SCANNED,), False, True
        for account in [a for a in others if len(zone.places(a)) == 2][:1]:
            for c in self._people(Outsider.SCANNED, "*", account, None):
                yield c, (Outsider.SCANNED, Outsider.ORGANIZATION), False, True

    def _organization_of(self, account: str) -> str | None:
        if account in self.zone.scanned:
            return self.zone.scanned[account]
        if self.zone.organization and account in (self.zone.members or ()):
            return self.zone.organization
        return None

    def _accounts(self) -> Iterator[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        """Those whom a principal element or a condition names."""
        named: dict[str, list[Principal]] = {}
        for kind, text in self.candidates:
            if kind != "AWS" or _ORIGIN_ACCESS.fullmatch(text) or UNIQUE_ID.fullmatch(text):
                continue
            try:
                who = principal(text)
            except UserError:
                # AWS takes none with wildcards; what such a one would mean is not told.
                if has_wildcard(text):
                    self.doubted |= _SIGNED
                continue
            if who.kind in (Kind.WEB_IDENTITY, Kind.SAML, Kind.SERVICE, Kind.ANONYMOUS):
                continue
            named.setdefault(who.account, []).append(who)
        for _, value in self._values((keys.ACCOUNTS | keys.ARNS | {"aws:userid"}) - SOURCED):
            if account := account_of(value):
                named.setdefault(account, [])
        for account in sorted(named.keys() - {self.zone.owner}):
            organization = self._organization_of(account)
            if account in AWS_OWNED_ACCOUNTS:
                for caller in self._people(Outsider.SERVICE, account, account, ""):
                    yield caller, (Outsider.SERVICE,), True, False
                continue
            places = self.zone.places(account)
            outside = (self.zone.organization or "none") if places == (Outsider.FOREIGN,) else ""
            for caller in self._people(places[0], account, account, organization):
                yield replace(caller, outside=outside), places, True, False
            for who in named[account]:
                if who.kind is Kind.ROOT:
                    continue
                known = replace(who, organization=organization)
                if who.kind is Kind.ROLE:
                    known = _session_of(known)
                for route in self._routes():
                    caller = Caller(
                        places[0], account, known, account, organization or "", generic=False, route=route
                    )
                    yield replace(caller, outside=outside), places, True, False

    def _organizations(self) -> Iterator[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        wanted = {"aws:principalorgid", "aws:principalorgpaths", "aws:vpceorgid", "aws:vpceorgpaths"}
        found = {v.partition("/")[0] for _, v in self._values(wanted)}
        if self.zone.organization and "aws:resourceorgid" in self.asked:
            found.add(self.zone.organization)
        for organization in sorted(o for o in found if _ORGANIZATION.fullmatch(o)):
            places = self.zone.places_of_organization(organization)
            for caller in self._people(places[0], organization, self.fresh, organization):
                yield caller, places, True, False

    # Services.

    def _services(self) -> Iterator[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        names = {text for kind, text in self.named if kind == "Service"}
        if self.everyone:
            names |= {v for _, v in self._values(keys.SERVICES) if not has_wildcard(v)}
        for name in sorted(names):
            yield from self._service(name, name)
        if self.everyone:
            yield from self._service(_ANY_SERVICE, "*")
        for text in [t for k, t in self.named if k == "AWS" and _ORIGIN_ACCESS.fullmatch(t)]:
            who = _Origin(Kind.CANONICAL, text)
            for route in self._routes():
                yield Caller(Outsider.SERVICE, text, who, "", route=route), (Outsider.SERVICE,), True, False

    def _service(
        self, name: str, label: str, *, sourced: bool = False
    ) -> Iterator[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        zone = self.zone
        base = Caller(Outsider.SERVICE, label, Principal(Kind.SERVICE, name), "", generic=False)
        kinds, named = (Outsider.SERVICE,), label != "*"
        sourced = sourced or any(
            k in SOURCED or k.startswith("kms:encryptioncontext:aws:") for k in self.asked
        )
        yield base, kinds, named, True
        if not sourced:
            return
        own = replace(
            base,
            source=zone.owner,
            source_organization=zone.organization or "",
            sourced=True,
            for_owner=True,
        )
        yield own, kinds, named, False
        for account in sorted(self._loose_accounts()):
            for organization in ["", *sorted(self._loose_organizations())]:
                stranger = replace(own, source=account, source_organization=organization, for_owner=False)
                yield stranger, kinds, named, True
        yield from self._sources(own, name)

    def _deputies(self) -> Iterator[Caller]:
        """Some service that calls for a stranger: whoever has it do so is let in by it.

        Of policies that ask for a service to call (`aws:PrincipalIsAWSService`) that is not said: they mean
        services, and whether those must act for the owner is told of them.
        """
        told: dict[str, Values | None] = dict.fromkeys(
            ("aws:principalisawsservice", "aws:principalservicename", "aws:principalservicenameslist")
        )
        for caller, kinds, _, stranger in self._service(_ANY_SERVICE, "*", sourced=True):
            if caller.sourced and stranger and kinds == (Outsider.SERVICE,):
                yield replace(caller, kind=Outsider.ANY, fixed=told)

    def _sources(self, base: Caller, name: str) -> Iterator[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        """A service acting for other accounts that a condition names."""
        zone = self.zone
        accounts = {account_of(v) for _, v in self._values(SOURCED)} - {"", zone.owner}
        for account in sorted(accounts - AWS_OWNED_ACCOUNTS):
            places = zone.places(account)
            organization = self._organization_of(account) or ""
            label = f"{account} by {name}"
            caller = replace(
                base, kind=places[0], label=label, source=account, source_organization=organization
            )
            yield caller, places, True, False
        found = {v.partition("/")[0] for _, v in self._values(("aws:sourceorgid", "aws:sourceorgpaths"))}
        for organization in sorted(o for o in found if _ORGANIZATION.fullmatch(o)):
            places = zone.places_of_organization(organization)
            label = f"{organization} by {name}"
            caller = replace(
                base, kind=places[0], label=label, source=self.fresh, source_organization=organization
            )
            yield caller, places, True, False
            yield replace(caller, kind=Outsider.SERVICE, label=name), (Outsider.SERVICE,), True, False

    # Others.

    def _federated(self) -> Iterator[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        providers = [text for kind, text in self.named if kind == "Federated"]
        for provider in providers:
            account = account_of(provider)
            if not account and provider not in WEB_PROVIDERS:
                self.doubted.add(Outsider.FEDERATED)
            saml = ":saml-provider/" in provider
            who = Principal(Kind.SAML if saml else Kind.WEB_IDENTITY, provider=provider)
            for route in self._routes():
                caller = Caller(Outsider.FEDERATED, provider, who, "", route=route)
                yield caller, (Outsider.FEDERATED,), True, False
        if self.everyone and self.roles:
            who = Principal(Kind.WEB_IDENTITY, provider=_ANY_PROVIDER)
            yield Caller(Outsider.FEDERATED, "*", who, ""), (Outsider.FEDERATED,), False, True

    def _canonical(self) -> Iterator[tuple[Caller, tuple[Outsider, ...], bool, bool]]:
        for text in [t for k, t in self.named if k == "CanonicalUser"]:
            account = self.zone.canonical.get(text, "")
            if account == self.zone.owner:
                continue
            places = self.zone.places(account or self.fresh)
            who = Principal(Kind.CANONICAL, text)
            for route in self._routes():
                caller = Caller(places[0], account or f"canonical user {text}", who, account, route=route)
                yield caller, places, True, False


def _session_of(role: Principal) -> Principal:
    """A session of a role: what calls is one, and its ARN is told by `aws:PrincipalArn` as the role's."""
    head, _, path = role.arn.partition(":role/")
    session = f"{head.replace(':iam:', ':sts:')}:assumed-role/{path.rpartition('/')[2]}/session"
    return replace(role, kind=Kind.ROLE_SESSION, arn=session, role_arn=role.arn, session_name="session")


def _fill_account(pattern: str) -> str:
    """An account id that a pattern with wildcards matches, "" where there is none."""
    stars = pattern.count("*")
    if not stars:
        made = pattern.replace("?", "0")
        return made if glob("????????????")(made) and made.isdigit() else ""
    room = 12 - (len(pattern) - stars)
    if room < 0:
        return ""
    made = pattern.replace("*", "0" * room, 1).replace("*", "").replace("?", "0")
    return made if made.isdigit() and len(made) == 12 else ""


def _keys_in(text: str) -> Iterator[str]:
    return (found.partition(",")[0].strip().lower() for found in re.findall(r"\$\{([^}]*)\}", text))
