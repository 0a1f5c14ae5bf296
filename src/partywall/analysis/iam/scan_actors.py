"""Principals and holders of roles as an `EscalationWorld`, twice where something was not read.

Whatever was not read can lie between two extremes: that it grants nothing, and that it grants everything.
Escalation over both worlds brackets the truth: what they agree on is known, all else is not. (More rights
never make a path longer or less certain.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from partywall.analysis.iam import gaad
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Policy, Statement, parse
from partywall.analysis.iam.escalation_steps import Step, steps
from partywall.analysis.iam.escalation_world import Accounts, Actor, Group, Holding
from partywall.analysis.iam.evaluate import Layer, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.holdings import SOURCES, Holder, Holders, services_of
from partywall.analysis.iam.people import People, Person
from partywall.analysis.iam.principal import Kind, Principal, principal

_DOCUMENT: Final = "2012-10-17"
_ALL: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EVERYTHING: Final = PolicySet(
    (parse({"Version": _DOCUMENT, "Statement": _ALL}, "whatever was not read, taken to allow everything"),)
)
_NOTHING: Final = PolicySet(())
_PASSWORD: Final = ("user-with-password", "user-without-password")
Granted = Callable[[str], bool]

IDENTITIES: Final = "identities"
PRINCIPALS: Final = "principals"
SCPS: Final = "scps"
RCPS: Final = "rcps"
VERSIONS: Final = "versions"
PASSWORDS: Final = "passwords"
"""Gaps: names of what was not read; those of holders are `holders:KIND`."""
_WORDS: Final = {
    IDENTITIES: "policies of users, groups or roles",
    PRINCIPALS: "the users and roles of an account",
    SCPS: "service control policies",
    RCPS: "resource control policies",
    VERSIONS: "other versions of policies",
    PASSWORDS: "which users have a password",
}
_ACRONYMS: Final = ("ec2", "ecs", "eks", "emr")


@dataclass(slots=True)
class Reading:
    """What was read of some accounts, and `gaps`: what was not -> the accounts concerned."""

    people: People
    holders: Holders
    partition: str = "aws"
    gaps: dict[str, set[str]] = field(default_factory=dict[str, set[str]])


def reading(people: People, holders: Holders) -> Reading:
    """A reading with its gaps found."""
    made = Reading(people, holders)
    gaps: dict[str, set[str]] = {}

    def gap(name: str, account: str) -> None:
        gaps.setdefault(name, set()).add(account)

    for person in people.persons:
        who = person.identity.principal
        made.partition = who.arn.split(":", 2)[1]
        if person.identity.unread or (who.kind is Kind.ROLE and person.trust is None):
            gap(IDENTITIES, who.account)
        if who.kind is Kind.USER and person.password is None:
            gap(PASSWORDS, who.account)
    for group in people.groups:
        if group.unread:
            gap(IDENTITIES, group.arn.split(":")[4])
    for arn, versions in people.versions.items():
        if versions is None:
            gap(VERSIONS, arn.split(":")[4])
    for account in people.world.accounts.values():
        if not account.principals_known:
            gap(PRINCIPALS, account.id)
        if Layer.SCP in account.unread:
            gap(SCPS, account.id)
        if Layer.RCP in account.unread:
            gap(RCPS, account.id)
    for holder in holders.found:
        if holder.roles is None:
            gap(f"holders:{holder.kind}", holder.account)
    for kind, places in holders.unlisted.items():
        for account, _ in places:
            gap(f"holders:{kind}", account)
    made.gaps = gaps
    return made


def gap_words(gap: str) -> str:
    """What a gap leaves unknown, as a noun; of holders, those in some Region or account."""
    words = gap.removeprefix("holders:").split("-")
    return _WORDS.get(gap) or f"{' '.join(w.upper() if w in _ACRONYMS else w for w in words)}s"


def from_files(paths: Iterable[Path], *, strict: bool = False) -> Reading:
    """What `aws iam get-account-authorization-details` wrote, a file per account. Such files tell of no
    resources that hold roles: there are none, or (`strict`) they are not known. Raises UserError."""
    people = gaad.people(paths, strict=strict)
    places = {(account, "*") for account in people.world.accounts}
    unlisted = {source.kind: set(places) for source in SOURCES} if strict else {}
    if not strict:
        people.world.assumptions.append(
            "the files hold no functions, instances and other holders of roles: taken to be none"
        )
    return reading(people, Holders([], unlisted))


def catalogue(given: Reading, granted: Granted) -> tuple[Step, ...]:
    """The steps, those on passwords made to fit what is not known of passwords: left out, or of any user."""
    listed = steps()
    if PASSWORDS not in given.gaps:
        return listed
    if granted(PASSWORDS):
        return tuple(replace(s, reach="user") if s.reach in _PASSWORD else s for s in listed)
    return tuple(s for s in listed if s.reach not in _PASSWORD)


def accounts(given: Reading, granted: Granted) -> Accounts:
    """The world in which a gap grants everything where `granted` says so, and nothing elsewhere."""
    return _Builder(given, granted).made()


class _Builder:
    def __init__(self, given: Reading, granted: Granted) -> None:
        self.given = given
        self.granted = granted
        self.people = given.people
        self._levels: dict[tuple[str, bool], tuple[PolicySet, ...]] = {}
        self._roles: dict[str, list[Actor]] = {}
        self._assumed: dict[tuple[int, str, str], bool] = {}

    def made(self) -> Accounts:
        actors = [self._actor(person) for person in self.people.persons]
        unlisted = self.given.gaps.get(PRINCIPALS, set())
        if unlisted and self.granted(PRINCIPALS):
            for account in sorted(unlisted):
                actors += self._strangers(account)
        for actor in actors:
            if actor.principal.kind is Kind.ROLE:
                self._roles.setdefault(actor.principal.account, []).append(actor)
        widest = EVERYTHING if self.granted(IDENTITIES) else _NOTHING
        groups = [Group(g.arn, widest if g.unread else g.policies) for g in self.people.groups]
        versions: dict[str, Sequence[Policy]] = {
            arn: found if found is not None else EVERYTHING.policies if self.granted(VERSIONS) else ()
            for arn, found in self.people.versions.items()
        }
        return Accounts(actors, groups, self._holdings(), versions)

    # Principals.

    def _actor(self, person: Person) -> Actor:
        identity = person.identity
        who, grants = identity.principal, self.granted(IDENTITIES)
        own, boundary = identity.policies, identity.boundary
        if Layer.IDENTITY in identity.unread:
            known = own.policies if own is not None else ()
            own = self.people.world.policy_set((*known, *EVERYTHING.policies)) if grants else _NOTHING
        if Layer.BOUNDARY in identity.unread:
            boundary = None if grants else _NOTHING
        trust = person.trust
        if who.kind is Kind.ROLE and trust is None:
            trust = _ANYONE if grants else _NOTHING
        policies = Policies(
            own if own is not None else _NOTHING,
            boundary=boundary,
            scps=self._organization(who.account, Layer.SCP),
            rcps=self._organization(who.account, Layer.RCP),
        )
        return Actor(who, policies, trust, person.managed, person.groups, person.password)

    def _organization(self, account_id: str, layer: Layer) -> tuple[PolicySet, ...]:
        account = self.people.world.account(account_id)
        scps = layer is Layer.SCP
        levels = account.scps if scps else account.rcps
        if layer in account.unread:
            return () if self.granted(SCPS if scps else RCPS) else (*levels, _NOTHING)
        # What every level allows without a denial need not be asked of each request.
        free = all(s.allow for level in levels for p in level.policies for s in p.statements)
        return () if free and not scps else tuple(levels)

    def _strangers(self, account: str) -> list[Actor]:
        """Administrators who trust everybody, in place of the roles of an account that were not listed."""
        shape = f"arn:{self.given.partition}:iam::{account}:role/*"
        return [
            Actor(principal(arn), Policies(EVERYTHING), _ANYONE)
            for arn in self._examples(shape, ("sts:assumerole", "iam:passrole"))
        ]

    # Holders.

    def _holdings(self) -> list[Holding]:
        found: dict[tuple[str, str, str], Holding] = {}
        for holder in self.given.holders.found:
            for role in self._held(holder):
                found.setdefault((holder.kind, holder.arn, role), Holding(holder.kind, holder.arn, role))
        for source in SOURCES:
            places = self.given.holders.unlisted.get(source.kind)
            if not places or not self.granted(f"holders:{source.kind}"):
                continue
            actions = [
                action.lower()
                for step in steps()
                if step.holding == source.kind
                for action, on in step.needs.items()
                if on == "holding"
            ]
            for account in sorted({a for a, _ in places}):
                regions = {r for a, r in places if a == account}
                for arn in self._placed(source.shape, account, regions, tuple(dict.fromkeys(actions))):
                    for role in ["", *self._assumable(account, source.services)]:
                        found.setdefault((source.kind, arn, role), Holding(source.kind, arn, role))
        return list(found.values())

    def _held(self, holder: Holder) -> Iterable[str]:
        """The roles whose credentials a holder has: "" where it has none."""
        services = services_of(holder.kind)
        if holder.roles is not None:
            able = {a.principal.arn for a in self._roles.get(holder.account, ()) if self._may(a, services)}
            return [role for role in holder.roles if role in able] or [""]
        if self.granted(f"holders:{holder.kind}"):
            return ["", *self._assumable(holder.account, services)]
        return [""]

    def _assumable(self, account: str, services: tuple[str, ...]) -> list[str]:
        return [a.principal.arn for a in self._roles.get(account, ()) if self._may(a, services)]

    def _may(self, role: Actor, services: tuple[str, ...]) -> bool:
        """Whether one of these may assume a role, without which a resource holds it in vain."""
        return role.trust is None or any(self._trusts(role, role.trust, service) for service in services)

    def _trusts(self, role: Actor, trust: PolicySet, service: str) -> bool:
        account = role.principal.account
        key = (id(trust), service, account)
        found = self._assumed.get(key)
        if found is None and service == "oidc":
            found = self._assumed[key] = any(
                s.allow and s.principal is not None and (s.principal.everyone or _oidc(s.principal.named))
                for p in trust.policies
                for s in p.statements
            )
        elif found is None:
            request = Request(
                Principal(Kind.SERVICE, service),
                "sts:AssumeRole",
                Resource(role.principal.arn, account),
                Context({"aws:SourceAccount": account}),
            )
            found = self._assumed[key] = decide(request, Policies(resource=trust)).may
        return found

    def _placed(self, shape: str, account: str, regions: set[str], actions: tuple[str, ...]) -> list[str]:
        """ARNs of a kind in the Regions that were not listed, one for each pattern that policies name."""
        service, _, _, rest = shape.split(":", 3)
        places = ["*"] if "*" in regions else sorted(regions)
        wide = [f"arn:{self.given.partition}:{service}:{region}:{account}:{rest}" for region in places]
        found = {_filled(wide[0].replace(":*:", ":us-east-1:", 1)): None}
        for pattern in self._patterns(actions):
            made = next((m for shape in wide if (m := _meet(pattern, shape)) is not None), None)
            if made is not None:
                found[made] = None
        return list(found)

    def _examples(self, shape: str, actions: tuple[str, ...]) -> list[str]:
        """One ARN of a shape, and one more for each pattern of it on which some policy allows an action."""
        found = {_filled(shape): None}
        for pattern in self._patterns(actions):
            made = _meet(pattern, shape)
            if made is not None:
                found[made] = None
        return list(found)

    def _patterns(self, actions: tuple[str, ...]) -> Iterable[str]:
        for statement in self._allowing:
            if any(statement.action_matches(a) for a in actions):
                yield from statement.resources or ()

    @cached_property
    def _allowing(self) -> list[Statement]:
        policies: Mapping[int, Policy] = {
            id(policy): policy
            for person in self.people.persons
            for policy in (person.identity.policies.policies if person.identity.policies else ())
        }
        return [
            s
            for policy in policies.values()
            for s in policy.statements
            if s.allow and s.resources and not s.not_resource
        ]


_ANYONE: Final = PolicySet(
    (
        parse(
            {
                "Version": _DOCUMENT,
                "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:*"},
            },
            "a trust policy that was not read",
            principal=True,
        ),
    )
)
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_WILD: Final = re.compile(r"[*?]+")


def _oidc(named: Iterable[tuple[str, str]]) -> bool:
    return any(kind == "Federated" and ":oidc-provider/" in text for kind, text in named)


def _filled(shape: str) -> str:
    return _WILD.sub("x", shape)


def _meet(pattern: str, shape: str) -> str | None:
    """An ARN that a pattern of a policy and a shape both match; None where the pattern is of another."""
    if pattern.strip("*") == "":
        return None
    mine, theirs = _VARIABLE.sub("*", pattern).split(":", 5), shape.split(":", 5)
    if len(mine) < 6:
        mine += ["*"] * (6 - len(mine))
    made: list[str] = []
    for own, other in zip(mine[:5], theirs[:5], strict=True):
        if own == other or other == "*":
            made.append(_WILD.sub("x", own))
        elif re.fullmatch(_WILD.sub(".*", re.escape(own).replace(r"\*", "*").replace(r"\?", "?")), other):
            made.append(other)
        else:
            return None
    head = theirs[5].partition("*")[0]
    own = mine[5]
    if not own.startswith(head):
        wild = _WILD.search(own)
        if wild is None or not head.startswith(own[: wild.start()]):
            return None
        own = head + own[wild.start() :]
    return ":".join((*made, _WILD.sub("x", own)))
