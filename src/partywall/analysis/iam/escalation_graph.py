"""The steps of the catalogue laid over sets of nodes: an edge leads from many callers to many targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from partywall.analysis.iam.actions import find
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.escalation_batch import Batch, Part, cross
from partywall.analysis.iam.escalation_reach import Ask, Reader
from partywall.analysis.iam.escalation_steps import Step
from partywall.analysis.iam.escalation_targets import Targets
from partywall.analysis.iam.escalation_trust import Trusts
from partywall.analysis.iam.escalation_witness import Witnesses
from partywall.analysis.iam.principal import Kind
from partywall.analysis.iam.universe import pack, positions

_THINGS: Final = ("target", "holding", "provider")
_PASSED: Final = "iam:PassedToService"
_EVERY: Final = -1
_Reached = tuple[int, tuple[int, int]]
"""Nodes, and what they reach certainly and at most."""


class Edge(NamedTuple):
    """Callers (bits of nodes) and what each of them reaches by one step, certainly and at most.

    The targets are bits of principals; of groups among the things where the step yields a group; any bit at
    all where it yields the account.
    """

    step: Step
    sources: int
    yes: int
    may: int


@dataclass(frozen=True, slots=True)
class Without:
    """A grant to leave out: what one policy (its `id()`) allows of one action (lower case)."""

    policy: int
    action: str


class Graph:
    """Edges of batches of nodes."""

    def __init__(self, targets: Targets, catalogue: Sequence[Step]) -> None:
        self.targets = targets
        self.catalogue = catalogue
        self.reader = Reader((a.lower() for s in catalogue for a in s.needs), targets.things, targets.known)
        self.witnesses = Witnesses(self.reader)
        self._asks: dict[tuple[object, ...], Ask] = {}
        keys = {_PASSED, *(key for s in catalogue for key in (*s.context, *s.absent))}
        self._keys = sorted(keys)
        self._supported: dict[str, frozenset[str]] = {}
        self._gained: dict[tuple[object, ...], list[_Reached]] = {}
        self.trusts: Trusts | None = None
        for step in catalogue:
            if step.reach == "assumable-role" and self.trusts is None:
                self.trusts = Trusts(targets, self.reader, self.ask(step, next(iter(step.needs))))

    def ask(self, step: Step, action: str) -> Ask:
        """An action of a step with the condition keys that its caller sets.

        Of these keys a request carries only those that AWS's reference lists for its action.
        """
        name = action.lower()
        supported = self._supported.get(name)
        if supported is None:
            supported = self._supported[name] = _keys_of(name)
        set_ = {**step.context, **({_PASSED: step.service} if step.service else {})}
        values = {k: v for k, v in set_.items() if k.lower() in supported}
        missing = [k for k in self._keys if k.lower() not in supported or k in step.absent]
        key = (name, tuple(sorted(values.items())), tuple(missing))
        found = self._asks.get(key)
        if found is None:
            found = self._asks[key] = Ask(name, Context(values, missing=missing), len(self._asks))
        return found

    def edges(self, batch: Batch, without: Without | None = None) -> Iterator[Edge]:
        """The edges of a batch in the order of the catalogue; with `without` only those of its action."""
        for step in self.catalogue:
            if without is not None and without.action not in {a.lower() for a in step.needs}:
                continue
            for nodes, yes, may in self._step(step, batch, without):
                yield Edge(step, nodes << batch.offset, yes, may)

    def _step(self, step: Step, batch: Batch, without: Without | None) -> Iterator[Part]:
        if step.reach == "assumable-role":
            if self.trusts is not None:
                yield from self.trusts.edges(batch, without.policy if without is not None else 0)
            return
        users = _EVERY if step.who != "user" else self._users(batch)
        asks = [(self.ask(step, action), on) for action, on in step.needs.items()]
        able = batch.all & users
        for ask, _ in asks:
            able &= batch.support(ask.action)
        if not able:
            return
        # What must be allowed of one and the same thing; "*" are several.
        same = {on: [ask for ask, other in asks if other == on] for on in step.needs.values() if on != "*"}
        known = [(on, listed) for on, listed in same.items() if on in _THINGS]
        new = [(on, listed) for on, listed in same.items() if on not in _THINGS]
        new += [("*", [ask]) for ask, on in asks if on == "*"]
        out = (without.policy, without.action) if without is not None else (0, "")
        for account, nodes in batch.accounts.items():
            most = self.targets.most(step, account)
            if not (nodes & able and most[1]):
                continue
            current = [(nodes & able, most)]
            for on, listed in known:
                pieces = self._gains(step, batch, account, listed, on, without)
                current = _both(current, pieces, batch.size)
            for shape, listed in new:
                asked = 0
                for members, _ in current:
                    asked |= members
                if asked:
                    found = self.witnesses.found(batch, listed, shape, asked, out)
                    pieces = [(members, (_EVERY if sure else 0, _EVERY)) for members, sure in found]
                    current = _both(current, pieces, batch.size)
            for members, (yes, may) in current:
                yield Part(members, yes, may)

    def _gains(
        self, step: Step, batch: Batch, account: str, asks: list[Ask], on: str, without: Without | None
    ) -> list[_Reached]:
        """Nodes of an account by whom they reach by the actions of a step on one thing."""
        numbers = tuple(ask.number for ask in asks)
        key = (id(batch), account, numbers, on, step.reach, step.holding, step.yields == "group")
        if without is None and key in self._gained:
            return self._gained[key]
        things: list[_Reached] | None = None
        for ask in asks:
            parts = batch.parts(ask, without=_out(ask, without)).get(account, ())
            pieces = [(nodes, (yes, may)) for nodes, yes, may in parts]
            things = pieces if things is None else _both(things, pieces, batch.size)
        merged: dict[tuple[int, int], int] = {}
        own_things = self.targets.own_things(account)
        for nodes, (yes, may) in things or ():
            yes, may = yes & own_things, may & own_things
            some, most = self.targets.gained(step, on, yes, may)
            if step.reach == "group":
                # A group that a node has joined comes with the node as well.
                for n in [n for n in positions(nodes) if n in batch.joined]:
                    groups, own = batch.joined[n]
                    value = (some | own if yes & groups else some, most | own if may & groups else most)
                    merged[value] = merged.get(value, 0) | 1 << n
                    nodes &= ~(1 << n)
            if most and nodes:
                merged[some, most] = merged.get((some, most), 0) | nodes
        merged.pop((0, 0), None)
        made = [(nodes, value) for value, nodes in merged.items()]
        if without is None:
            self._gained[key] = made
        return made

    def _users(self, batch: Batch) -> int:
        if not batch.offset:
            return self.targets.users
        users = (n for n, a in enumerate(batch.actors) if a.principal.kind is Kind.USER)
        return pack(users, batch.size)


def _out(ask: Ask, without: Without | None) -> int:
    return without.policy if without is not None and without.action == ask.action else 0


def _both(left: list[_Reached], right: list[_Reached], size: int) -> list[_Reached]:
    """What nodes reach by both."""
    merged: dict[tuple[int, int], int] = {}
    for nodes, (yes, may), (some, most) in cross(left, right, size):
        if may & most:
            value = (yes & some, may & most)
            merged[value] = merged.get(value, 0) | nodes
    return [(nodes, value) for value, nodes in merged.items()]


def _keys_of(action: str) -> frozenset[str]:
    """The condition keys (in lower case) of an action in AWS's Service Authorization Reference."""
    known = find(action)
    if known is None:
        return frozenset()
    keys = [*known.condition_keys]
    for acts_on in known.resources:
        keys += [*acts_on.condition_keys, *acts_on.type.condition_keys]
    return frozenset(key.lower() for key in keys)
