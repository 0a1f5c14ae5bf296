"""Principals side by side: for one action, who is allowed it on which things, as a few sets of nodes.

A node is a principal (or what it becomes by a change of its rights) by its place in the batch. Nodes are
never walked one by one where a set will do: the holders of a policy are one bitset, those whose boundary and
SCPs are the same another, and the answer is a list of sets of nodes with the things that each reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.escalation_reach import NOTHING, Ask, Clause, Reader, Said, Tri
from partywall.analysis.iam.escalation_world import Actor
from partywall.analysis.iam.evaluate import Layer
from partywall.analysis.iam.universe import pack, positions

_X = TypeVar("_X")
_Y = TypeVar("_Y")
# Below so many members a set is walked instead of cut with all others.
_FEW: Final = 64
_MANY_SETS: Final = 12
_PAIRS: Final = 20_000


class Part(NamedTuple):
    """Nodes that reach the same things, certainly and at most."""

    nodes: int
    yes: int
    may: int


@dataclass(slots=True)
class Ground:
    """Nodes of one account whose boundary, SCPs and unread layers are the same."""

    account: str
    layers: tuple[tuple[tuple[Policy, ...], bool, bool], ...]
    """(policies, not read, the boundary): each must allow."""
    nodes: int = 0
    places: list[int] = field(default_factory=list[int])


def combine(sets: Sequence[tuple[_X, int]], wanted: int, size: int) -> list[tuple[tuple[_X, ...], int]]:
    """Nodes by which of the sets they are in, `()` where in none. `size`: the number of nodes."""
    ranked = sorted(
        ((value, nodes & wanted) for value, nodes in sets), key=lambda s: s[1].bit_count(), reverse=True
    )
    heavy = [s for s in ranked[:_MANY_SETS] if s[1].bit_count() > _FEW]
    light = [s for s in ranked[len(heavy) :] if s[1]]
    touched = 0
    for _, nodes in light:
        touched |= nodes
    made: list[tuple[tuple[_X, ...], int]] = [((), wanted & ~touched)] if wanted & ~touched else []
    for value, nodes in heavy:
        cut: list[tuple[tuple[_X, ...], int]] = []
        for values, members in made:
            inside = members & nodes
            if inside:
                cut.append(((*values, value), inside))
            if inside != members:
                cut.append((values, members ^ inside))
        made = cut
    if touched:
        held: dict[int, list[int]] = {}
        listed = [*heavy, *light]
        for at, (_, nodes) in enumerate(listed):
            for n in positions(nodes & touched):
                held.setdefault(n, []).append(at)
        groups: dict[tuple[int, ...], list[int]] = {}
        for n, mine in held.items():
            groups.setdefault(tuple(mine), []).append(n)
        made += [(tuple(listed[at][0] for at in k), pack(v, size)) for k, v in groups.items()]
    return made


def cross(
    left: Sequence[tuple[int, _X]], right: Sequence[tuple[int, _Y]], size: int
) -> Iterator[tuple[int, _X, _Y]]:
    """The nodes common to a set on the left and one on the right; sets of one side have none in common."""
    if len(left) * len(right) <= _PAIRS:
        for nodes, x in left:
            for others, y in right:
                if both := nodes & others:
                    yield both, x, y
        return
    place = {n: at for at, (nodes, _) in enumerate(right) for n in positions(nodes)}
    for nodes, x in left:
        groups: dict[int, list[int]] = {}
        for n in positions(nodes):
            if n in place:
                groups.setdefault(place[n], []).append(n)
        for at, members in groups.items():
            yield pack(members, size), x, right[at][1]


class Batch:
    """Nodes and the policies that they hold. `offset`: the place of the first among all nodes."""

    def __init__(self, actors: Sequence[Actor], reader: Reader, offset: int = 0) -> None:
        self.actors = actors
        self.reader = reader
        self.offset = offset
        self.size = len(actors)
        self.all = (1 << self.size) - 1
        self.unread = 0
        self.accounts: dict[str, int] = {}
        self.joined: dict[int, tuple[int, int]] = {}
        """Node -> the groups (things) that it has joined, and the bit of its principal."""
        self.grounds: list[Ground] = []
        self.ground_of: list[int] = []
        self.holders: dict[int, tuple[Policy, int]] = {}
        """Policies that speak of an action asked, and who holds them."""
        self.speaks: dict[int, list[tuple[Policy, int]]] = {}
        """Action asked (its place) -> those of its policies that speak of it."""
        self._touching: dict[int, list[tuple[Policy, int]]] = {}
        self._outcomes: dict[object, tuple[int, int, int]] = {}
        self._kept: dict[tuple[int, int], dict[str, list[Part]]] = {}
        self._fill()

    def _fill(self) -> None:
        lists: dict[int, tuple[Policy, list[int]]] = {}
        unread: list[int] = []
        grounds: dict[tuple[object, ...], int] = {}
        for n, actor in enumerate(self.actors):
            policies = actor.policies
            for policy in policies.identity.policies if policies.identity is not None else ():
                found = lists.get(id(policy))
                if found is None:
                    found = lists[id(policy)] = (policy, [])
                found[1].append(n)
            if Layer.IDENTITY in policies.unread:
                unread.append(n)
            who = actor.principal
            beyond = who.management or who.service_linked
            key = (id(policies.boundary), tuple(map(id, policies.scps)), policies.unread, who.account, beyond)
            at = grounds.get(key)
            if at is None:
                at = grounds[key] = len(self.grounds)
                self.grounds.append(Ground(who.account, _layers(actor)))
            self.ground_of.append(at)
            self.grounds[at].places.append(n)
        for ground in self.grounds:
            ground.nodes = pack(ground.places, self.size)
            self.accounts[ground.account] = self.accounts.get(ground.account, 0) | ground.nodes
        self.unread = pack(unread, self.size)
        for policy, places in lists.values():
            plan = self.reader.plan(policy)
            if not plan:
                continue
            nodes = pack(places, self.size)
            self.holders[id(policy)] = (policy, nodes)
            for at, clauses in plan.items():
                self.speaks.setdefault(at, []).append((policy, nodes))
                if any(c.live for c in clauses):
                    self._touching.setdefault(at, []).append((policy, nodes))

    def support(self, action: str) -> int:
        """The nodes one of whose own policies speaks of an action, or was not read."""
        made = self.unread
        for _, nodes in self.speaks.get(self.reader.asked.index[action], ()):
            made |= nodes
        return made

    # Conditions on the principal.

    def split(self, clauses: Iterable[Clause], nodes: int) -> list[tuple[tuple[Tri, ...], int]]:
        """Nodes by whether the conditions of clauses on the principal hold, in the order of the clauses."""
        made: list[tuple[tuple[Tri, ...], int]] = [((), nodes)]
        for clause in clauses:
            if not clause.personal:
                continue
            true, none = self.outcome(clause, nodes)
            made = [
                ((*outcomes, held), part)
                for outcomes, members in made
                for held, part in (
                    (True, members & true),
                    (None, members & none),
                    (False, members & ~(true | none)),
                )
                if part
            ]
        return made

    def outcome(self, clause: Clause, nodes: int) -> tuple[int, int]:
        """The nodes of which a clause's conditions on the principal hold, and of which they are open."""
        known, true, none = self._outcomes.get(clause.personal, (0, 0, 0))
        fresh = nodes & ~known
        if fresh:
            holding: list[int] = []
            open_: list[int] = []
            for n in positions(fresh):
                held = self.reader.outcome(clause.personal, self.actors[n])
                if held:
                    holding.append(n)
                elif held is None:
                    open_.append(n)
            true |= pack(holding, self.size)
            none |= pack(open_, self.size)
            self._outcomes[clause.personal] = (known | fresh, true, none)
        return true, none

    # Things.

    def _pieces(self, policy: Policy, ask: Ask, nodes: int) -> Iterator[tuple[Said, int]]:
        """What a policy says to the nodes that hold it."""
        clauses = self.reader.clauses(policy, ask)
        if any(c.own for c in clauses):
            for outcomes, members in self.split(clauses, nodes):
                said: dict[Said, list[int]] = {}
                for n in positions(members):
                    mine = self.reader.said(policy, ask, outcomes, self.actors[n])
                    said.setdefault(mine, []).append(n)
                for value, places in said.items():
                    yield value, pack(places, self.size)
        elif any(c.personal for c in clauses):
            for outcomes, members in self.split(clauses, nodes):
                yield self.reader.said(policy, ask, outcomes), members
        else:
            yield self.reader.said(policy, ask), nodes

    def _together(
        self, policies: Iterable[tuple[Policy, int]], ask: Ask, wanted: int, without: int
    ) -> list[tuple[int, Said]]:
        """What policies of one layer say together. `without`: the id of one whose Allows do not count."""
        sets: dict[int, tuple[Said, int]] = {}
        for policy, nodes in policies:
            if not nodes & wanted:
                continue
            for said, members in self._pieces(policy, ask, nodes & wanted):
                if id(policy) == without:
                    said = Said(0, 0, said.deny_yes, said.deny_may)
                if said == NOTHING:
                    continue
                found = sets.get(id(said))
                sets[id(said)] = (said, members | (found[1] if found else 0))
        by_value: dict[Said, int] = {}
        for said, members in sets.values():
            by_value[said] = by_value.get(said, 0) | members
        made: list[tuple[int, Said]] = []
        for values, members in combine(list(by_value.items()), wanted, self.size):
            total = values[0] if values else NOTHING
            for value in values[1:]:
                total |= value
            made.append((members, total))
        return made

    def parts(self, ask: Ask, level: int = 0, without: int = 0) -> dict[str, list[Part]]:
        """Account -> its nodes by the things on which they are allowed an action.

        `level`: 1 as if their own policies allowed it (denials count), 2 as if their boundary did too.
        `without`: the id of a policy whose Allows do not count.
        """
        key = (ask.number, level)
        if not without and key in self._kept:
            return self._kept[key]
        every = self.reader.things.all
        listed = self._touching.get(self.reader.asked.index[ask.action], [])
        wanted = self.all
        if not level:
            wanted = self.unread
            for _, nodes in listed:
                wanted |= nodes
        own: list[tuple[int, tuple[int, int]]] = []
        for members, said in self._together(listed, ask, wanted, without):
            for unread, nodes in ((True, members & self.unread), (False, members & ~self.unread)):
                if not nodes:
                    continue
                value = said if not unread else said | Said(0, every, 0, every)
                if level:
                    value = Said(every, every, value.deny_yes, value.deny_may)
                yes, may = value.allow_yes & ~value.deny_may, value.allow_may & ~value.deny_yes
                if may:
                    own.append((nodes, (yes, may)))
        merged: dict[tuple[str, int, int], int] = {}
        for ground in self.grounds:
            mine = [(nodes & ground.nodes, value) for nodes, value in own if nodes & ground.nodes]
            if not mine:
                continue
            asked = 0
            for nodes, _ in mine:
                asked |= nodes
            limits = self.bounds(ground.layers, ask, asked, level)
            for nodes, (yes, may), (most_yes, most_may) in cross(mine, limits, self.size):
                if may & most_may:
                    at = (ground.account, yes & most_yes, may & most_may)
                    merged[at] = merged.get(at, 0) | nodes
        made: dict[str, list[Part]] = {}
        for (account, yes, may), nodes in merged.items():
            made.setdefault(account, []).append(Part(nodes, yes, may))
        if not without:
            self._kept[key] = made
        return made

    def bounds(
        self, layers: Iterable[tuple[tuple[Policy, ...], bool, bool]], ask: Ask, wanted: int, level: int = 0
    ) -> list[tuple[int, tuple[int, int]]]:
        """What layers, each of which must allow, leave to nodes: (nodes, (certainly, at most))."""
        every = self.reader.things.all
        made: list[tuple[int, tuple[int, int]]] = [(wanted, (every, every))]
        for policies, unread, boundary in layers:
            pieces: list[tuple[int, tuple[int, int]]] = []
            for nodes, said in self._together([(p, wanted) for p in policies], ask, wanted, 0):
                free = boundary and level > 1
                yes = 0 if unread else (every if free else said.allow_yes) & ~said.deny_may
                may = (every if unread or free else said.allow_may) & ~said.deny_yes
                pieces.append((nodes, (yes, may)))
            merged: dict[tuple[int, int], int] = {}
            for nodes, (yes, may), (most_yes, most_may) in cross(made, pieces, self.size):
                value = (yes & most_yes, may & most_may)
                merged[value] = merged.get(value, 0) | nodes
            made = [(nodes, value) for value, nodes in merged.items()]
        return made


def _layers(actor: Actor) -> tuple[tuple[tuple[Policy, ...], bool, bool], ...]:
    policies, who = actor.policies, actor.principal
    layers: list[tuple[tuple[Policy, ...], bool, bool]] = []
    boundary = Layer.BOUNDARY in policies.unread
    if policies.boundary is not None or boundary:
        held = policies.boundary.policies if policies.boundary is not None else ()
        layers.append((held, boundary, True))
    if not (who.management or who.service_linked):
        unread = Layer.SCP in policies.unread
        layers += [(level.policies, unread, False) for level in policies.scps]
        if unread and not policies.scps:
            layers.append(((), True, False))
    return tuple(layers)
