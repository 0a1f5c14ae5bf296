"""Who from outside a resource's account its policies let in: for each kind of caller, in three values.

IAM User Guide: IAM Access Analyzer resource types for external access; Cross-account policy evaluation logic.
What the caller's own account must allow besides is taken to be allowed: it is not the owner's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from partywall.analysis.iam.access_actions import Cell, fits, universe
from partywall.analysis.iam.access_callers import Callers, Zone
from partywall.analysis.iam.access_keys import Caller, Outsider, Settled
from partywall.analysis.iam.access_resources import candidates, covers
from partywall.analysis.iam.access_solver import Clause, Solver
from partywall.analysis.iam.context import Facts, Values
from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.evaluate import RCP_SERVICES, Tri, both, either
from partywall.analysis.iam.operators import Condition
from partywall.analysis.iam.principal import Form, Kind
from partywall.analysis.iam.request import Resource
from partywall.analysis.iam.rules import PolicySet

GROUPS: Final = ("read", "write", "permissions")
PUBLIC: Final = (Outsider.ANONYMOUS, Outsider.ANY)
_TRUST: Final = {
    Kind.WEB_IDENTITY: "sts:assumerolewithwebidentity",
    Kind.SAML: "sts:assumerolewithsaml",
}
_BLOCK: Final = "Block Public Access"


@dataclass(frozen=True, slots=True)
class Target:
    """A resource with all that bears on callers from outside."""

    arn: str
    account: str
    service: str
    """The prefix of the actions that its policies name, or several with blanks between them."""
    policies: PolicySet | None = None
    parts: tuple[str, ...] = ()
    """Patterns of the ARNs beneath it."""
    unread: bool = False
    """Something of its own policies was not told."""
    rcps: tuple[PolicySet, ...] = ()
    rcps_unread: bool = False
    public_blocked: Tri = False
    tags: Mapping[str, str] | None = None
    organization: str | None = None
    management: bool = False
    settings: Mapping[str, Values | None] = field(default_factory=dict[str, "Values | None"])
    """Condition keys that the resource's own configuration settles; None: they are never there."""
    signed_only: bool = False
    """Its service takes no anonymous calls."""
    actions: tuple[str, ...] = ()
    """The only actions that its policies can grant (in lower case); none means all of the service's."""
    enclosed: Tri = False
    """It is reached from within a VPC only."""

    @property
    def facts(self) -> Facts:
        """What the request context holds of it."""
        mine = Resource(self.arn, self.account, self.tags, self.organization, self.management).keys
        told = {k: v for k, v in self.settings.items() if v is not None}
        never = frozenset(k for k, v in self.settings.items() if v is None)
        return Facts({**mine.values, **told}, mine.missing | never, mine.families)


@dataclass(frozen=True, slots=True)
class Witness:
    """A request that shows an access: `context` key -> values, None for a key that is missing."""

    caller: Caller
    action: str
    resource: str
    context: Mapping[str, Settled]
    statement: Statement


@dataclass(slots=True)
class _Found:
    """What one caller can do, as one reading of the conditions has it."""

    tri: Tri = False
    groups: dict[str, Tri] = field(default_factory=lambda: dict[str, Tri].fromkeys(GROUPS, False))
    every: Tri = True
    actions: set[str] = field(default_factory=set[str])
    sure: set[str] = field(default_factory=set[str])
    """Of `actions` those that are certain."""
    statements: dict[str, Statement] = field(default_factory=dict[str, Statement])
    witness: Witness | None = None
    principals: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class Reach:
    """What callers of one name can do: `sure` actions, and all that they perhaps can."""

    access: Tri = False
    unbound: Tri = False
    sure: set[str] = field(default_factory=set[str])
    actions: set[str] = field(default_factory=set[str])
    statements: dict[str, Statement] = field(default_factory=dict[str, Statement])


@dataclass(slots=True)
class Access:
    """What callers of one kind can do. Every answer is None where it is not known."""

    kind: Outsider
    granted: Tri = False
    """The resource's own policies let some in."""
    access: Tri = False
    """So, once Block Public Access and resource control policies have had their say."""
    limited: Tri = False
    """Only from a network, by an endpoint or with another fixed value that the policies name."""
    unbound: Tri = False
    """Of accounts, services and identity providers: also where nothing ties the call to the owner."""
    by_name: Tri = False
    """Some are let in by name, and not as everyone."""
    groups: dict[str, Tri] = field(default_factory=lambda: dict[str, Tri].fromkeys(GROUPS, False))
    everything: Tri = False
    """Every action of the service, each on something of the resource."""
    actions: set[str] = field(default_factory=set[str])
    principals: set[str] = field(default_factory=set[str])
    unbound_principals: set[str] = field(default_factory=set[str])
    reaches: dict[str, Reach] = field(default_factory=dict[str, Reach])
    """By principal, of those who are let in or may be."""
    statements: dict[str, Statement] = field(default_factory=dict[str, Statement])
    """By label: the Allow statements that let them in."""
    denies: dict[str, Statement] = field(default_factory=dict[str, Statement])
    """The Deny statements with conditions that they must escape."""
    aside: _Found | None = None
    """What is let in where `limited` alone holds."""
    witness: Witness | None = None
    """Of `access` where it is True, with the fewest conditions."""
    unbound_witness: Witness | None = None
    blocked_by: set[str] = field(default_factory=set[str])
    undecided: set[str] = field(default_factory=set[str])
    """Condition keys, and what else was not told, that leave an answer open."""


def assess(target: Target, zone: Zone) -> dict[Outsider, Access]:
    """The access of each kind of outsider to a resource."""
    made = {kind: Access(kind) for kind in Outsider}
    run = _Assessment(target, zone)
    for caller, kinds, named, stranger in run.callers:
        if target.signed_only and caller.kind is Outsider.ANONYMOUS:
            continue
        for kind in kinds:
            run.put(made[kind], caller, named, stranger, sure=len(kinds) == 1)
    everyone = made[Outsider.ANY].statements
    for access in made.values():
        own = [s for label, s in access.statements.items() if label not in everyone]
        if access.by_name and not own:
            access.by_name = False
        if access.access is False and access.aside is not None:
            access.actions, access.statements = access.aside.actions, access.aside.statements
            access.principals = access.aside.principals
        if target.unread or access.kind in run.doubted:
            _doubt(access, "policy" if target.unread else "principal")
    return made


class _Assessment:
    def __init__(self, target: Target, zone: Zone) -> None:
        self.target = target
        self.resource = target.facts
        actions = universe(target.service, target.actions)
        own = target.policies.policies if target.policies else ()
        mine = [s for p in own for s in p.statements if s.principal is not None or s.broken]
        within = target.service in RCP_SERVICES and not target.management
        control = [
            s
            for level in (target.rcps if within else ())
            for p in level.policies
            for s in p.statements
            if not s.allow
        ]
        self.rcps_unread = within and target.rcps_unread
        self.own = len(mine)
        self.statements = [*mine, *control]
        self.conditions: list[Condition] = []
        self.bits: list[int] = []
        for s in self.statements:
            start = len(self.conditions)
            self.conditions += s.conditions
            self.bits.append((1 << len(self.conditions)) - (1 << start))
        self.cells = actions.cells([actions.match(s) for s in self.statements])
        found = candidates(target.arn, target.parts, self.statements)
        self.too_many = found is None
        self.candidates = found or [target.arn, *(p.replace("*", "partywall") for p in target.parts)]
        self.covered = {arn: [covers(s, arn) for s in self.statements] for arn in self.candidates}
        made = Callers(
            self.statements,
            zone,
            partition=target.arn.split(":", 2)[1],
            roles=target.service == "sts",
        )
        self.callers = made.all() if any(s.allow for s in mine) else []
        self.doubted = made.doubted

    def put(self, access: Access, caller: Caller, named: bool, stranger: bool, *, sure: bool) -> None:
        """Adds what one caller can do."""
        wide = self._find(caller, strict=False)
        strict = self._find(caller, strict=True) if self.conditions else wide
        kind = access.kind
        if self.target.enclosed is not False and kind in PUBLIC:
            strict = _Found(both(strict.tri, _not(self.target.enclosed)))
        # What the policies let in as everyone is judged by what strangers can bring, all else by its name.
        counted = strict if kind in PUBLIC or (not named and kind is not Outsider.FEDERATED) else wide
        mine = _maybe(counted.tri, sure)
        access.granted = either(access.granted, mine)
        effective = self._effective(access, caller, counted, mine, strict=counted is strict)
        access.access = either(access.access, effective)
        for group, value in counted.groups.items():
            access.groups[group] = either(access.groups[group], both(_maybe(value, sure), effective))
        access.everything = either(access.everything, both(_maybe(counted.every, sure), effective))
        if kind not in (Outsider.SERVICE, Outsider.FEDERATED):
            only = both(_maybe(wide.tri, sure), _not(strict.tri))
            access.limited = either(access.limited, only)
            if only:
                access.aside = _joined(access.aside, wide, caller.label)
        loose: Tri = False
        if kind not in PUBLIC and (stranger or kind is not Outsider.SERVICE):
            loose = both(effective, _maybe(strict.tri, sure))
            access.unbound = either(access.unbound, loose)
            if loose is not False:
                access.unbound_principals.add(caller.label)
            if loose and access.unbound_witness is None:
                access.unbound_witness = strict.witness
        if effective is None:
            access.undecided |= self._doubts(caller, sure)
        if effective is not False:
            access.principals.add(caller.label)
            access.actions |= counted.actions
            access.statements |= counted.statements
            reach = access.reaches.setdefault(caller.label, Reach())
            reach.access, reach.unbound = either(reach.access, effective), either(reach.unbound, loose)
            reach.actions |= counted.actions
            reach.sure |= counted.sure if effective else set()
            reach.statements |= counted.statements
            access.by_name = either(access.by_name, both(named, effective))
            for n, s in enumerate(self.statements):
                if not s.allow and s.conditions and caller.principal.form(s) is not Form.NONE:
                    access.denies[self.statements[n].label] = s
        found = counted.witness
        if effective and found is not None and _simpler(found, access.witness):
            access.witness = found

    def _doubts(self, caller: Caller, sure: bool) -> set[str]:
        doubts = Solver(caller, self.conditions, self.resource, strict=False).doubts()
        if not sure:
            doubts.add("organization")
        if self.rcps_unread:
            doubts.add("resource control policies")
        if self.target.public_blocked is None:
            doubts.add(_BLOCK)
        if self.too_many:
            doubts.add("resources")
        if any(s.broken for s in self.statements):
            doubts.add("policy")
        return doubts

    def _effective(self, access: Access, caller: Caller, found: _Found, granted: Tri, *, strict: bool) -> Tri:
        """`granted` once what is above the resource's own policies has had its say."""
        if granted is False:
            return False
        result = granted
        if len(self.statements) > self.own or self.rcps_unread:
            kept = self._find(caller, strict=strict, controlled=True)
            result = both(result, _maybe(kept.tri, True))
            found.groups, found.every, found.witness = kept.groups, kept.every, kept.witness
            if kept.tri is False:
                access.blocked_by |= {s.policy for s in self.statements[self.own :]}
            if self.rcps_unread:
                result = both(result, None)
        if self.target.public_blocked is not False and access.kind is not Outsider.SERVICE:
            result = both(result, None if self.target.public_blocked is None else False)
            access.blocked_by.add(_BLOCK)
        return result

    def _find(self, caller: Caller, *, strict: bool, controlled: bool = False) -> _Found:
        found = _Found()
        solver = Solver(caller, self.conditions, self.resource, strict=strict)
        last = len(self.statements) if controlled else self.own
        forms = [caller.principal.form(s) is not Form.NONE for s in self.statements[:last]]
        solved: dict[tuple[tuple[int, bool], ...], tuple[Tri, dict[int, dict[str, Settled]]]] = {}
        for cell in self.cells:
            if self._never(caller, cell):
                continue
            together: Tri = False
            for arn in self.candidates:
                if not fits(cell.example, arn):
                    continue
                key = tuple(
                    (n, cover is None or self.too_many or bool(self.statements[n].broken))
                    for n, cover in enumerate(self.covered[arn][:last])
                    if cell.statements >> n & 1 and forms[n] and cover is not False
                )
                result = solved.get(key)
                if result is None:
                    result = solved[key] = self._solve(solver, key)
                together = either(together, result[0])
                for n, values in result[1].items():
                    s = self.statements[n]
                    found.statements[s.label] = s
                    made = Witness(caller, cell.example, arn, values, s)
                    if result[0] and _simpler(made, found.witness):
                        found.witness = made
            found.tri = either(found.tri, together)
            found.every = both(found.every, together)
            found.groups[cell.group] = either(found.groups[cell.group], together)
            if together is not False:
                found.actions |= set(cell.names)
            if together:
                found.sure |= set(cell.names)
        found.every = both(found.every, found.tri)
        return found

    def _solve(
        self, solver: Solver, key: tuple[tuple[int, bool], ...]
    ) -> tuple[Tri, dict[int, dict[str, Settled]]]:
        """Whether one Allow of some statements lets through, and the values of those that do (or may)."""
        denies = [Clause(self.bits[n], open_) for n, open_ in key if not self.statements[n].allow]
        total: Tri = False
        sure: dict[int, dict[str, Settled]] = {}
        perhaps: dict[int, dict[str, Settled]] = {}
        for n, open_ in key:
            if not self.statements[n].allow or self.statements[n].broken:
                continue
            result, _, values = solver.solve([Clause(self.bits[n], open_)], denies)
            total = either(total, result)
            if result:
                sure[n] = values
            elif result is None:
                perhaps[n] = values
        return total, sure or perhaps

    def _never(self, caller: Caller, cell: Cell) -> bool:
        """Whether callers of that kind cannot call an action at all.

        AWS STS API Reference; AWS Lambda Developer Guide, Control access to Lambda function URLs.
        """
        if cell.example.startswith("lambda:") and caller.kind is Outsider.ANONYMOUS:
            return cell.example != "lambda:invokefunctionurl"
        if not cell.example.startswith("sts:assumerole"):
            return False
        return cell.example != _TRUST.get(caller.principal.kind, "sts:assumerole")


def _joined(one: _Found | None, other: _Found, label: str) -> _Found:
    made = one or _Found()
    made.actions |= other.actions
    made.statements |= other.statements
    made.principals.add(label)
    return made


def _maybe(value: Tri, sure: bool) -> Tri:
    return None if value and not sure else value


def _not(value: Tri) -> Tri:
    return None if value is None else not value


def _simpler(one: Witness, other: Witness | None) -> bool:
    return other is None or len(one.statement.conditions) < len(other.statement.conditions)


def _doubt(access: Access, why: str) -> None:
    """Something was not told: what is certain stays, and what seemed closed is open."""
    for name in ("granted", "access", "limited", "unbound", "by_name", "everything"):
        setattr(access, name, either(getattr(access, name), None))
    for group, value in access.groups.items():
        access.groups[group] = either(value, None)
    access.undecided.add(why)
