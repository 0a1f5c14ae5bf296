"""Whether nodes are allowed an action on some resource that they may name as they like, as sets of nodes.

What is made anew (a function, a stack) has no ARN yet: one that a grant covers will do. Each statement is
graded by how much of the resources of a shape it covers; where grades do not decide (a denial or a limit on a
part of the shape) `decide` judges one resource made of each grant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from partywall.analysis.iam.actions import find
from partywall.analysis.iam.context import Composed, Context, Facts
from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.escalation_batch import Batch, Ground, combine, cross
from partywall.analysis.iam.escalation_reach import Ask, Clause, Reader, Tri, together, widened
from partywall.analysis.iam.escalation_world import Actor
from partywall.analysis.iam.evaluate import Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.operators import fill, holds
from partywall.analysis.iam.patterns import LITERAL_MARK, LITERAL_STAR
from partywall.analysis.iam.patterns import resource as resource_matcher
from partywall.analysis.iam.universe import pack, positions

_WILD: Final = re.compile(r"[*?]+")
_NOBODY: Final = Facts({}, frozenset(), ())
# How much of a shape a statement covers; UNSURE: `decide` must say.
_NONE, _SOME, _ALL, _UNSURE = range(4)
Out = tuple[int, str]
"""A policy (its `id()`) and an action of which its Allows do not count."""
_NONE_OUT: Final[Out] = (0, "")


class Grade(NamedTuple):
    """What statements say of a shape.

    `allow`: of some resource of it (of a limit: of all), 0 not, 1 with open conditions, 2 certainly; `partly`
    an Allow whose share `decide` must say, `some` where an Allow is of a part at all. Denials: `open`,
    `denied` of all of it, `unsure` of a part. `here`, `here_open`, `here_denied`: the same of the one
    resource that no statement names.
    """

    allow: int = 0
    partly: int = 0
    some: int = 0
    open: int = 0
    denied: int = 0
    unsure: int = 0
    here: int = 0
    here_open: int = 0
    here_denied: int = 0

    def __or__(self, other: Grade) -> Grade:
        return Grade(*map(max, self, other))

    @property
    def settled(self) -> Grade:
        """The grade of one layer: an Allow of some part matters where none is certain."""
        if self.partly and self.allow < 2:
            return self._replace(allow=1, unsure=1)
        return self


_SILENT: Final = Grade()
_UNREAD: Final = Grade(allow=1, open=1, here=1, here_open=1)
_FREE: Final = Grade(allow=2, here=2)


class _Verdict(NamedTuple):
    """What grades say of one action: certainly allowed of the resource that no statement names (`here`), of
    some resource or other (`sure`); `plain` where no resource of the shape is like another for it."""

    here: bool
    sure: bool
    plain: bool
    unsure: bool


class Witnesses:
    """Answers over the nodes of batches."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._covers: dict[tuple[int, str, bool], tuple[int, bool]] = {}
        self._exact: dict[tuple[object, ...], Tri] = {}

    def found(
        self, batch: Batch, asks: Sequence[Ask], shape: str, nodes: int, without: Out = _NONE_OUT
    ) -> list[tuple[int, bool]]:
        """Those of the nodes (of one account) that are allowed some actions on one resource of a shape, and
        whether certainly. `without`: the id of a policy whose Allows of an action do not count."""
        certain = open_ = 0
        for ground in batch.grounds:
            if not ground.nodes & nodes:
                continue
            place = _shape(shape, asks[0].action, batch.actors[ground.places[0]])
            judged: list[tuple[int, tuple[_Verdict, ...]]] = [(ground.nodes & nodes, ())]
            for ask in asks:
                left = 0
                for members, _ in judged:
                    left |= members
                mine = self._judged(batch, ground, ask, place, left, without)
                judged = [(both, (*old, new)) for both, old, new in cross(judged, mine, batch.size)]
            together_ = self._jointly(batch, asks, place, without) if len(asks) > 1 else batch.all
            for members, verdicts in judged:
                if all(v.here for v in verdicts):
                    certain |= members
                    continue
                one_grant = 0
                if all(v.sure for v in verdicts):
                    certain |= members & together_
                    one_grant = together_
                left = members & ~one_grant
                if all(v.plain for v in verdicts) or (len(asks) == 1 and not verdicts[0].unsure):
                    open_ |= left
                    continue
                for some, held in self._by_one(batch, asks, place, left, without):
                    if held:
                        certain |= some
                    elif held is None:
                        open_ |= some
        return [(n, sure) for n, sure in ((certain, True), (open_, False)) if n]

    def _judged(
        self, batch: Batch, ground: Ground, ask: Ask, place: str, nodes: int, without: Out
    ) -> list[tuple[int, _Verdict]]:
        """Nodes that may be allowed one action, by what grades say of it."""
        listed = batch.speaks.get(self.reader.asked.index[ask.action], [])
        held = [(p, n & nodes) for p, n in listed if n & nodes]
        made: dict[_Verdict, int] = {}
        for members, grade in self._graded(batch, held, ask, place, nodes, True, without, ground.account):
            for part, unread in ((members & batch.unread, True), (members & ~batch.unread, False)):
                mine = (grade | _UNREAD if unread else grade).settled
                if not part or not mine.allow:
                    continue
                for asked, limit in self._limit(batch, ground, ask, place, part):
                    if mine.denied or limit.denied or not limit.allow:
                        continue
                    both = mine | limit
                    clear = not (both.open or both.unsure)
                    verdict = _Verdict(
                        here=min(mine.here, limit.here) == 2 and not (both.here_open or both.here_denied),
                        sure=min(mine.allow, limit.allow) == 2 and clear,
                        plain=not (both.some or both.unsure),
                        unsure=bool(both.unsure),
                    )
                    made[verdict] = made.get(verdict, 0) | asked
        return [(members, verdict) for verdict, members in made.items()]

    def _jointly(self, batch: Batch, asks: Sequence[Ask], place: str, without: Out) -> int:
        """Nodes one of whose statements certainly allows all of the actions on the same resources."""
        found = 0
        index = self.reader.asked.index
        for policy, nodes in batch.speaks.get(index[asks[0].action], ()):
            if id(policy) == without[0]:
                continue
            others = [self.reader.clauses(policy, ask) for ask in asks[1:]]
            for clause in self.reader.clauses(policy, asks[0]):
                if (
                    clause.statement.allow
                    and not (clause.personal or clause.own or clause.tagged)
                    and all(clause in other for other in others)
                    and all(self.reader.common(clause, ask) for ask in asks)
                    and self._covered(clause, place, _makes(asks))[0] in (_SOME, _ALL)
                ):
                    found |= nodes
                    break
        return found

    def _limit(
        self, batch: Batch, ground: Ground, ask: Ask, place: str, nodes: int
    ) -> list[tuple[int, Grade]]:
        """Boundary and SCPs together."""
        made: list[tuple[int, Grade]] = [(nodes, _FREE)]
        for policies, unread, _ in ground.layers:
            held = [(p, nodes) for p in policies]
            next_: dict[Grade, int] = {}
            for members, grade in self._graded(
                batch, held, ask, place, nodes, False, _NONE_OUT, ground.account
            ):
                grade = (grade | _UNREAD if unread else grade).settled
                for others, before in made:
                    if both := members & others:
                        value = (before | grade)._replace(
                            allow=min(before.allow, grade.allow), here=min(before.here, grade.here)
                        )
                        next_[value] = next_.get(value, 0) | both
            made = [(members, grade) for grade, members in next_.items()]
        return made

    def _graded(
        self,
        batch: Batch,
        held: Sequence[tuple[Policy, int]],
        ask: Ask,
        place: str,
        nodes: int,
        identity: bool,
        without: Out,
        account: str,
    ) -> list[tuple[int, Grade]]:
        sets: dict[Grade, int] = {}
        for policy, holders in held:
            clauses = self.reader.clauses(policy, ask)
            if (id(policy), ask.action) == without:
                clauses = tuple(c for c in clauses if not c.statement.allow)
            for outcomes, members in batch.split(clauses, holders):
                grade = self._grade(clauses, ask, place, outcomes, identity, account)
                if grade != _SILENT:
                    sets[grade] = sets.get(grade, 0) | members
        made: list[tuple[int, Grade]] = []
        for grades, members in combine(list(sets.items()), nodes, batch.size):
            total = _SILENT
            for grade in grades:
                total |= grade
            made.append((members, total))
        return made

    def _grade(
        self,
        clauses: Iterable[Clause],
        ask: Ask,
        place: str,
        outcomes: tuple[Tri, ...],
        identity: bool,
        account: str,
    ) -> Grade:
        total = _SILENT
        at = 0
        for clause in clauses:
            held = self.reader.common(clause, ask)
            if clause.personal:
                held = together((held, outcomes[at]))
                at += 1
            if held is False:
                continue
            covered, here = self._covered(clause, place, _makes((ask,)))
            if covered == _NONE:
                continue
            if clause.tagged:
                facts = Resource("*", account).keys
                context = Composed(ask.context, _NOBODY, facts, frozenset())
                held = together((held, *(holds(c, context) for c in clause.tagged)))
                if held is False:
                    continue
            if clause.mixed:
                covered, held = _UNSURE, None
            sure = held is True and not clause.varied
            if not clause.statement.allow:
                every = covered == _ALL
                total |= Grade(
                    open=every and not held,
                    denied=every and held is True,
                    unsure=not every,
                    here_open=here and not sure,
                    here_denied=here and sure,
                )
            else:
                # Of an identity, one resource that it covers will do.
                whole = covered == _ALL or (covered == _SOME and identity)
                level = 2 if held else 1
                total |= Grade(
                    allow=level if whole else 0,
                    partly=not whole,
                    some=covered != _ALL,
                    here=level if here and sure else int(here),
                )
        return total

    def _covered(self, clause: Clause, place: str, makes: bool) -> tuple[int, bool]:
        key = (id(clause), place, makes)
        found = self._covers.get(key)
        if found is None:
            there = self.reader.things.index if makes else {}
            found = self._covers[key] = _coverage(clause, place, there)
        return found

    def _by_one(
        self, batch: Batch, asks: Sequence[Ask], place: str, nodes: int, without: Out
    ) -> Iterator[tuple[int, Tri]]:
        """By `decide`; once for nodes with the same policies on the actions."""
        results: dict[Tri, list[int]] = {}
        there = self.reader.things.index if _makes(asks) else {}
        numbers = tuple(ask.number for ask in asks)
        personal = [
            any(self._personal(p, asks) for policies, _, _ in ground.layers for p in policies)
            for ground in batch.grounds
        ]
        for n in positions(nodes):
            actor, ground = batch.actors[n], batch.ground_of[n]
            identity = actor.policies.identity
            held = [
                p
                for p in (identity.policies if identity is not None else ())
                if any(self.reader.clauses(p, ask) for ask in asks)
            ]
            own = personal[ground] or any(self._personal(p, asks) for p in held)
            key = (
                id(batch), ground, numbers, place, without, tuple(sorted(map(id, held))),
                bool(batch.unread >> n & 1), n if own else -1,
            )  # fmt: skip
            if key not in self._exact:
                self._exact[key] = _exactly(actor, asks, place, without, there)
            results.setdefault(self._exact[key], []).append(n)
        for held_, places in results.items():
            yield pack(places, batch.size), held_

    def _personal(self, policy: Policy, asks: Sequence[Ask]) -> bool:
        return any(c.own or c.personal for ask in asks for c in self.reader.clauses(policy, ask))


def _makes(asks: Sequence[Ask]) -> bool:
    """Whether one of the actions makes its resource, which cannot be there yet."""
    return any(":create" in ask.action for ask in asks)


def _shape(shape: str, action: str, who: Actor) -> str:
    """The ARNs of a shape as one principal's account has them; "*" stays itself, with its service's ARN."""
    partition = who.principal.arn.split(":", 2)[1]
    if shape == "*":
        known = find(action)
        # An action without resource types is asked on "*" alone.
        alone = "" if known is None or known.resources else "!"
        return f"*{partition}:{action.partition(':')[0]}{alone}"
    return shape.replace("{account}", who.principal.account).replace("arn:*:", f"arn:{partition}:", 1)


def _wanted(place: str) -> str:
    if not place.startswith("*"):
        return place
    partition, _, service = place[1:].partition(":")
    return f"arn:{partition}:{service}:*:*:*"


def _generic(place: str) -> str:
    """A resource of a shape that no statement names."""
    wanted = _wanted(place)
    return "*" if place.startswith("*") else _example(wanted, wanted, wanted.split(":", 2)[1])


def _coverage(clause: Clause, place: str, there: Mapping[str, int]) -> tuple[int, bool]:
    """How much of a shape's resources a statement takes in, and whether (perhaps) the one nobody names.

    `there`: ARNs that will not do, for they are taken.
    """
    statement = clause.statement
    if statement.resources is None:
        return _ALL, True
    wanted, generic = _wanted(place), _generic(place)
    anything = place.startswith("*")
    found, here = _NONE, False
    for pattern in statement.resources:
        varied = statement.variables and "${" in pattern
        wide = widened(pattern) if varied else pattern
        matches = resource_matcher(wide)
        whole = not varied and not anything and "?" not in wide and matches(wanted)
        if whole or pattern.strip("*") == "":
            return (_NONE, False) if statement.not_resource else (_ALL, True)
        if place.endswith("!"):
            continue
        here = here or matches(generic)
        if _apart(wide, wanted):
            continue
        if not statement.allow or varied or not wide.startswith("arn:"):
            found = _UNSURE
            continue
        example = _example(wide, wanted, wanted.split(":", 2)[1])
        fits = resource_matcher(wanted)(example) and matches(example) and example not in there
        fits = fits or matches(generic)
        found = max(found, _SOME) if fits else found
    if not statement.not_resource:
        return found, here
    return (_ALL, True) if found == _NONE else (_UNSURE, bool(clause.varied) or not here)


def _apart(pattern: str, other: str) -> bool:
    """Whether two patterns differ before their first wildcard."""
    mine, theirs = _WILD.split(pattern, 1)[0], _WILD.split(other, 1)[0]
    return not (mine.startswith(theirs) or theirs.startswith(mine))


def _exactly(actor: Actor, asks: Sequence[Ask], place: str, without: Out, there: Mapping[str, int]) -> Tri:
    """Each Resource entry that allows one of the actions is made into one resource, which `decide` judges.

    None where conditions are open for all of those that are not denied.
    """
    policies = actor.policies
    account = actor.principal.account
    context = Request(actor.principal, asks[0].action, Resource("*", account), asks[0].context).full_context
    layers = [policies.identity, policies.boundary, *policies.scps]
    held = [p for layer in layers if layer is not None for p in layer.policies]
    best: Tri = False
    for resource in _candidates(held, asks, place, context):
        if resource in there:
            continue
        decided: list[Tri] = []
        for ask in asks:
            request = Request(actor.principal, ask.action, Resource(resource, account), ask.context)
            made = decide(request, _less(policies, without) if ask.action == without[1] else policies)
            decided.append(True if made.must else None if made.may else False)
        result = together(decided)
        if result:
            return True
        best = None if result is None else best
    return best


def _less(policies: Policies, without: Out) -> Policies:
    if policies.identity is None:
        return policies
    kept = [
        replace(p, statements=tuple(s for s in p.statements if not s.allow)) if id(p) == without[0] else p
        for p in policies.identity.policies
    ]
    return replace(policies, identity=PolicySet(kept))


def _candidates(
    policies: Iterable[Policy], asks: Sequence[Ask], place: str, context: Context
) -> Iterator[str]:
    yield _generic(place)
    if place.endswith("!"):
        return
    wanted = _wanted(place)
    partition = wanted.split(":", 2)[1]
    fits = resource_matcher(wanted)
    seen: set[str] = set()
    for policy in policies:
        for statement in policy.statements:
            if not statement.allow or statement.not_resource:
                continue
            if not any(statement.action_matches(ask.action) for ask in asks):
                continue
            for pattern in statement.resources or ():
                wide = pattern
                if statement.variables and "${" in pattern:
                    filled = fill(pattern, context)
                    wide = filled if isinstance(filled, str) else widened(pattern)
                if wide.startswith("arn:") and wide not in seen:
                    seen.add(wide)
                    made = _example(wide, wanted, partition)
                    if fits(made):
                        yield made


@lru_cache(maxsize=16384)
def _example(pattern: str, shape: str, partition: str) -> str:
    """One ARN of a pattern, its wildcards filled from the shape or by `x`."""
    mine, theirs = pattern.split(":", 5), shape.split(":", 5)
    mine += ["*"] * (6 - len(mine))
    defaults = (partition, "x", "us-east-1", "000000000000")
    filled: list[str] = []
    for n, (own, other) in enumerate(zip(mine, theirs, strict=True)):
        if own == "*":
            own = other
        if own == "*" and n in (1, 2, 3, 4):
            own = defaults[n - 1]
        filled.append(_WILD.sub("x", own).replace(LITERAL_STAR, "*").replace(LITERAL_MARK, "?"))
    return ":".join(filled)
