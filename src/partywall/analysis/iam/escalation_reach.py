"""What policies say of an action on named things (principals, groups, policies, resources), as bitsets.

The same structure as with actions: ARNs in order, a Resource pattern expanded once. A statement's conditions
are sorted by what they hang on: on the request alone (read once for each action asked), on the principal
(read once for each value, and principals split by the result), on the thing (a bitset), or on both.

IAM User Guide: Policy evaluation logic; JSON policy elements: Resource; Condition operators; ABAC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from partywall.analysis.iam.context import UNKNOWN, Composed, Context, Facts
from partywall.analysis.iam.document import Policy, Statement
from partywall.analysis.iam.escalation_world import Actor
from partywall.analysis.iam.operators import OPERATORS, Condition, fill, holds
from partywall.analysis.iam.patterns import Variable, template
from partywall.analysis.iam.request import Request, Resource
from partywall.analysis.iam.universe import Universe, positions

Tri = bool | None
_OF_PRINCIPAL: Final = re.compile(r"aws:(principal|user|source(arn|account|org)|multifactor|token|federated)")
_OF_THING: Final = re.compile(r"(aws|[a-z0-9-]+):resource(tag/|account$|orgid$)")
_NOBODY: Final = Facts({}, frozenset(), ())


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """An action (lower case) with the condition keys that its caller sets, and a number for caches."""

    action: str
    context: Context
    number: int


class Said(NamedTuple):
    """Bitsets of things: on which an Allow or a Deny applies certainly, and at most."""

    allow_yes: int
    allow_may: int
    deny_yes: int
    deny_may: int

    def __or__(self, other: Said) -> Said:
        return Said(*(a | b for a, b in zip(self, other, strict=True)))


NOTHING: Final = Said(0, 0, 0, 0)


class Clause:
    """A statement made ready for sets of things.

    `personal`: conditions on the principal alone; `own`: what it covers differs from principal to principal
    by more than whether those hold.
    """

    __slots__ = (
        "bits",
        "common",
        "keys",
        "live",
        "mixed",
        "own",
        "personal",
        "said",
        "statement",
        "tagged",
        "varied",
    )

    def __init__(self, statement: Statement, things: Universe) -> None:
        self.statement = statement
        sorted_: dict[str, list[Condition]] = {"common": [], "personal": [], "tagged": [], "mixed": []}
        for condition in statement.conditions:
            sorted_[_sort(condition)].append(condition)
        self.common = tuple(sorted_["common"])
        self.personal = tuple(sorted_["personal"])
        self.tagged = tuple(sorted_["tagged"])
        self.mixed = tuple(sorted_["mixed"])
        fixed: list[str] = []
        varied: list[str] = []
        for pattern in statement.resources or ():
            (varied if statement.variables and "${" in pattern else fixed).append(pattern)
        self.varied = tuple(varied)
        self.bits = things.all if statement.resources is None else 0
        for pattern in fixed:
            self.bits |= things.match(pattern)
        self.own = bool(self.varied or self.mixed)
        self.live = bool(self.bits or self.varied or statement.not_resource)
        """Whether it may take in any thing at all."""
        yes = things.all & ~self.bits if statement.not_resource else self.bits
        certain, possible = (yes, yes), (0, yes)
        # What it says where all its conditions hold, and where they are open; of no use if `own` or `tagged`.
        self.said = tuple(
            Said(*pair, 0, 0) if statement.allow else Said(0, 0, *pair) for pair in (certain, possible)
        )
        self.keys = tuple(sorted({k for c in self.mixed for k in _keys(c)} | set(_of_patterns(varied))))
        """What a principal's values of decide, if it is `own`."""


def _of_patterns(patterns: Iterable[str]) -> list[str]:
    return [part.key for p in patterns for part in template(p) if isinstance(part, Variable)]


def _keys(condition: Condition) -> list[str]:
    operator = OPERATORS.get(condition.name)
    filled = operator is not None and operator.variables and condition.variables
    return [condition.lower_key, *(_of_patterns(condition.values) if filled else ())]


def _sort(condition: Condition) -> str:
    kinds = {
        "personal" if _OF_PRINCIPAL.match(key) else "tagged" if _OF_THING.match(key) else "common"
        for key in _keys(condition)
    }
    return kinds.pop() if len(kinds) == 1 else "mixed"


class Reader:
    """Reads policies over a universe of things. `known`: those that are principals, with what is known."""

    def __init__(self, asked: Iterable[str], things: Universe, known: dict[str, Actor]) -> None:
        self.asked = Universe(asked)
        """The actions that matter here."""
        self.things = things
        self._known = known
        self._plans: dict[int, tuple[Policy, dict[int, tuple[Clause, ...]]]] = {}
        self._said: dict[tuple[int, int, tuple[Tri, ...]], Said] = {}
        self._own: dict[tuple[int, int, tuple[object, ...]], tuple[int, int]] = {}
        self._held: dict[tuple[tuple[Condition, ...], int], Tri] = {}
        self._facts: list[Facts] = []
        self._things_by: dict[tuple[str, ...], list[tuple[Facts, int]]] = {}
        self._tagged: dict[tuple[int, int, tuple[object, ...]], tuple[int, int]] = {}

    def plan(self, policy: Policy) -> dict[int, tuple[Clause, ...]]:
        """Action asked (its place) -> the clauses of a policy that take it in."""
        found = self._plans.get(id(policy))
        if found is None:
            made: dict[int, list[Clause]] = {}
            for statement in policy.statements:
                mask = 0
                for pattern in statement.actions:
                    mask |= self.asked.match(pattern)
                if statement.not_action:
                    mask = self.asked.all & ~mask
                if mask:
                    clause = Clause(statement, self.things)
                    for at in positions(mask):
                        made.setdefault(at, []).append(clause)
            plan = {at: tuple(clauses) for at, clauses in made.items()}
            found = self._plans[id(policy)] = (policy, plan)
        return found[1]

    def clauses(self, policy: Policy, ask: Ask) -> tuple[Clause, ...]:
        """The clauses of a policy that take an action in."""
        return self.plan(policy).get(self.asked.index[ask.action], ())

    def common(self, clause: Clause, ask: Ask) -> Tri:
        """Whether the conditions on the request alone hold; None too for a statement that is broken."""
        if not clause.common:
            return None if clause.statement.broken else True
        key = (clause.common, ask.number)
        if key not in self._held:
            self._held[key] = together(holds(c, ask.context) for c in clause.common)
        held = self._held[key]
        return None if held and clause.statement.broken else held

    def said(
        self, policy: Policy, ask: Ask, outcomes: tuple[Tri, ...] = (), actor: Actor | None = None
    ) -> Said:
        """What a policy says of an action on each thing.

        `outcomes`: of the clauses with conditions on the principal, in order, whether these hold; `actor`:
        who asks, wanted if a clause is `own`.
        """
        if actor is None:
            key = (id(policy), ask.number, outcomes)
            found = self._said.get(key)
            if found is None:
                found = self._said[key] = self._read(policy, ask, outcomes, None)
            return found
        return self._read(policy, ask, outcomes, actor)

    def _read(self, policy: Policy, ask: Ask, outcomes: tuple[Tri, ...], actor: Actor | None) -> Said:
        allow_yes = allow_may = deny_yes = deny_may = 0
        at = 0
        clauses = self.clauses(policy, ask)
        if len(clauses) == 1 and not (clauses[0].own or clauses[0].tagged):
            # Most often so: one object then serves all actions of the statement.
            held = together((*outcomes, self.common(clauses[0], ask)))
            return NOTHING if held is False else clauses[0].said[held is None]
        for clause in clauses:
            held: Tri = True
            if clause.personal:
                held = outcomes[at]
                at += 1
            if held is False:
                continue
            yes, may = self.covers(clause, ask, actor)
            if held is None:
                yes = 0
            if clause.statement.allow:
                allow_yes |= yes
                allow_may |= may
            else:
                deny_yes |= yes
                deny_may |= may
        return Said(allow_yes, allow_may, deny_yes, deny_may)

    def covers(self, clause: Clause, ask: Ask, actor: Actor | None) -> tuple[int, int]:
        """The things on which a clause applies, certainly and at most; `personal` conditions apart."""
        held = self.common(clause, ask)
        if held is False:
            return 0, 0
        yes = may = clause.bits
        if clause.own:
            if actor is None:
                raise ValueError("a clause of one's own is read for somebody")
            context = Request(actor.principal, ask.action, Resource("*"), ask.context).full_context
            key = (id(clause), ask.number, tuple(context.get(k) for k in clause.keys))
            kept = self._own.get(key)
            if kept is None:
                kept = self._own[key] = self._covers_own(clause, ask, actor, context)
            yes, may = kept
        elif clause.statement.not_resource:
            yes = may = self.things.all & ~yes
        for condition in clause.tagged:
            some_yes, some_may = self._where(condition, ask, _NOBODY, ())
            yes &= some_yes
            may &= some_may
        return (yes if held else 0), may

    def _covers_own(self, clause: Clause, ask: Ask, actor: Actor, context: Context) -> tuple[int, int]:
        yes = may = clause.bits
        for pattern in clause.varied:
            filled = fill(pattern, context)
            if isinstance(filled, str):
                bits = self.things.match(filled)
                yes |= bits
                may |= bits
            elif filled is UNKNOWN:
                may |= self.things.match(widened(pattern))
        if clause.statement.not_resource:
            yes, may = self.things.all & ~may, self.things.all & ~yes
        for condition in clause.mixed:
            asker = tuple(context.get(k) for k in clause.keys)
            some_yes, some_may = self._where(condition, ask, actor.principal.keys, asker)
            yes &= some_yes
            may &= some_may
        return yes, may

    def _where(
        self, condition: Condition, ask: Ask, asker: Facts, key: tuple[object, ...]
    ) -> tuple[int, int]:
        """The things of which a condition holds, certainly and at most."""
        found = self._tagged.get((id(condition), ask.number, key))
        if found is None:
            yes = may = 0
            for facts, things in self._by(tuple(k for k in _keys(condition) if _OF_THING.match(k))):
                held = holds(condition, Composed(ask.context, asker, facts, frozenset()))
                yes |= things if held else 0
                may |= things if held is not False else 0
            found = self._tagged[(id(condition), ask.number, key)] = (yes, may)
        return found

    def _by(self, keys: tuple[str, ...]) -> list[tuple[Facts, int]]:
        """The things grouped by what is known of some condition keys, each group with the facts of one."""
        found = self._things_by.get(keys)
        if found is None:
            if not keys:
                groups = {(): (_NOBODY, self.things.all)}
            else:
                groups = dict[tuple[object, ...], tuple[Facts, int]]()
                empty = Context()
                for at, facts in enumerate(self._all_facts()):
                    context = Composed(empty, _NOBODY, facts, frozenset())
                    known = tuple(context.get(k) for k in keys)
                    first, bits = groups.get(known, (facts, 0))
                    groups[known] = (first, bits | 1 << at)
            found = self._things_by[keys] = list(groups.values())
        return found

    def _all_facts(self) -> Sequence[Facts]:
        if not self._facts:
            self._facts = [self._resource(arn).keys for arn in self.things.texts]
        return self._facts

    def _resource(self, arn: str) -> Resource:
        actor = self._known.get(arn)
        if actor is None:
            parts = arn.split(":", 5)
            account = parts[4] if len(parts) == 6 and parts[4].isdigit() else ""
            return Resource(arn, account)
        who = actor.principal
        return Resource(arn, who.account, who.tags, who.organization, who.management)

    def outcome(self, conditions: Sequence[Condition], actor: Actor) -> Tri:
        """Whether conditions on the principal alone hold of one."""
        context = Request(actor.principal, "", Resource("*")).full_context
        return together(holds(c, context) for c in conditions)


def together(held: Iterable[Tri]) -> Tri:
    """Kleene AND of any number."""
    result: Tri = True
    for each in held:
        if each is False:
            return False
        if each is None:
            result = None
    return result


def widened(pattern: str) -> str:
    """A Resource entry with `*` for each of its variables."""
    return "".join("*" if isinstance(part, Variable) else part for part in template(pattern))
