"""Who reaches administrator rights, by which steps: the catalogue laid over all principals of a world.

An administrator is told by meaning: its policies and boundary allow every action on every resource without a
denial, and the account's SCPs leave it the management of identities. The graph is one of sets: what the
holders of the same policies reach is one edge from many to many, and a search from the administrators
backwards takes each edge once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.escalation_batch import Batch
from partywall.analysis.iam.escalation_graph import Edge, Graph, Without
from partywall.analysis.iam.escalation_steps import Step, steps
from partywall.analysis.iam.escalation_targets import Targets
from partywall.analysis.iam.escalation_turns import CONTROL as CONTROL
from partywall.analysis.iam.escalation_turns import Admins, Moves, Turning
from partywall.analysis.iam.escalation_world import Actor, EscalationWorld
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.universe import pack, positions
from partywall.errors import UserError


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path. `certain`: no open condition stands in its way."""

    step: Step
    source: str
    target: str
    """The ARN that is taken over, changed or joined; "" for something new."""
    certain: bool


@dataclass(frozen=True, slots=True)
class Path:
    """How a principal reaches administrator rights (or another principal): no hops where it has them."""

    principal: str
    hops: tuple[Hop, ...]

    @property
    def certain(self) -> bool:
        """Whether no hop hangs on an open condition."""
        return all(hop.certain for hop in self.hops)


@dataclass(frozen=True, slots=True)
class Choke:
    """A principal on the way of others. `cut`: how many reach administrator rights only through it."""

    principal: str
    passing: int
    """Of how many the shortest path leads through it."""
    cut: int


@dataclass(frozen=True, slots=True)
class GrantChoke:
    """What one policy allows of one action. `cut`: how many reach administrator rights only because of it."""

    policy: str
    """The name of the document: an ARN, or where it is attached."""
    action: str
    """In lower case."""
    passing: int
    """On how many shortest paths it serves."""
    cut: int
    holders: tuple[str, ...] = ()
    """The principals that have it; inline policies that say the same under one name count as one."""


class _Move(NamedTuple):
    """The next hop of a node; `then` follows at once where one hop alone leads nowhere."""

    step: Step
    target: str
    certain: bool
    to: int
    """The node that results; -1 for an administrator of the account."""
    then: Step | None = None
    then_certain: bool = True


class _Other(NamedTuple):
    """Nodes that can raise others whom they can also take over, who are administrators then."""

    nodes: int
    raises: Edge
    takes: Edge
    targets: int


@dataclass(slots=True)
class _Found:
    reached: int
    moves: dict[int, _Move]


class Escalation:
    """The graph over all principals of a world; `paths`, `chokes` and `grant_chokes` read it.

    Nodes are principals in order of their ARNs and, past them, what principals become when they change their
    own rights without being administrators by it.
    """

    def __init__(
        self, world: EscalationWorld, catalogue: Sequence[Step] | None = None, masker: Masker | None = None
    ) -> None:
        self.masker = Masker() if masker is None else masker
        self.catalogue = steps() if catalogue is None else tuple(catalogue)
        self.targets = Targets(world, self.masker)
        self.actors = self.targets.actors
        self._size = self.targets.size
        self._graph = Graph(self.targets, self.catalogue)
        self._tests = Admins(self.masker)
        self._turning = Turning(self.targets, world.groups, self._tests, self._graph.reader)
        self._admins = pack(self._tests.among(self.actors), self._size)
        self._batches: list[tuple[Batch, list[int], int]] = []
        self._moves = self._link()
        self._ceiling = self._turning.ceilings(self._batches[0][0])[0]
        self._sure: _Found = self._grow(self._moves, self._admins, certain=True)
        self._most: _Found = self._grow(self._moves, self._admins, certain=False)

    def _link(self) -> Moves:
        made = Moves()
        done = 0
        batch = Batch(self.actors, self._graph.reader)
        bases, depth = list(range(self._size)), 0
        while True:
            self._batches.append((batch, bases, depth))
            skip = 0 if batch.offset else self._admins
            made.add(self._turning.moves(batch, self._graph.edges(batch), bases, depth, skip))
            fresh = self._turning.variants[done:]
            if not fresh:
                return made
            offset, done = self._size + done, len(self._turning.variants)
            depth = fresh[0].depth
            batch = Batch([v.actor for v in fresh], self._graph.reader, offset)
            bases = [v.base for v in fresh]
            for n, variant in enumerate(fresh):
                before = self.actors[variant.base].groups
                groups = self.targets.things.bits(g for g in variant.actor.groups if g not in before)
                if groups:
                    batch.joined[n] = (groups, 1 << variant.base)

    # Who is an administrator.

    def is_admin(self, actor: Actor) -> bool:
        """Every action on every resource by its own policies and boundary, and SCPs that leave control.

        SCPs that could not be read are taken to leave it.
        """
        return self._tests.holds(actor)

    @property
    def admins(self) -> list[str]:
        """The ARNs of the principals who are administrators already."""
        return [self.actors[n].principal.arn for n in positions(self._admins)]

    @property
    def edges(self) -> int:
        """How many edges the graph has, each from a set of nodes to a set of principals."""
        moves = self._moves
        return len(moves.takes) + len(moves.raises) + len(moves.turns) + len(moves.changes)

    @property
    def bounded(self) -> bool:
        """Whether changes of own rights (joining one group after another) were too many to follow all."""
        return self._turning.bounded

    # The search.

    def _base(self, node: int) -> int:
        return node if node < self._size else self._turning.variants[node - self._size].base

    def _actor(self, node: int) -> Actor:
        return self.actors[node] if node < self._size else self._turning.variants[node - self._size].actor

    def _grow(
        self,
        moves: Moves,
        goal: int,
        *,
        certain: bool,
        without: int = 0,
        last: Step | None = None,
        account: str = "",
    ) -> _Found:
        """Rounds of one hop each, from the goal backwards, until no node is added.

        `without`: principals (bits) that nobody goes by. `last`: the step by which an administrator of
        `account` takes the goal over, where that is no administrator's rights.
        """
        found = _Found(goal, {})
        reached = frontier = goal
        if last is None:
            # Administrators are where the search begins.
            first, home = 1, -1
        else:
            first, home = 2, self.targets.accounts.get(account, 0)
        changed: dict[int, list[int]] = {}
        for at, change in enumerate(moves.changes):
            if change.certain or not certain:
                changed.setdefault(change.to, []).append(at)
        live = [e for e in moves.takes if (e.yes if certain else e.may)]
        level = 0
        while True:
            level += 1
            fresh = 0
            if level == first:
                fresh |= self._turned(moves, found, reached, certain, last, home)
            for variant in positions(frontier >> self._size):
                for at in changed.get(variant + self._size, ()):
                    change = moves.changes[at]
                    if not (reached | fresh) >> change.node & 1:
                        fresh |= 1 << change.node
                        found.moves[change.node] = _Move(
                            change.step, change.target, change.certain, change.to
                        )
            passable = frontier & self.targets.all & ~without
            for sure in (True,) if certain else (True, False):
                left: list[Edge] = []
                for edge in live:
                    hits = (edge.yes if sure else edge.may) & passable
                    if not hits:
                        left.append(edge)
                        continue
                    new = edge.sources & ~reached & ~fresh
                    if new:
                        to = (hits & -hits).bit_length() - 1
                        move = _Move(edge.step, self.actors[to].principal.arn, sure, to)
                        for n in positions(new):
                            found.moves[n] = move
                        fresh |= new
                live = left
            if level == 2 and last is None:
                fresh |= self._raised(moves, found, reached | fresh, certain, without)
            if not fresh and level >= 2:
                found.reached = reached
                return found
            reached |= fresh
            frontier = fresh

    def _turned(
        self, moves: Moves, found: _Found, reached: int, certain: bool, last: Step | None, home: int
    ) -> int:
        """The nodes that make administrators of themselves, sure ones first."""
        fresh = 0
        for sure in (True,) if certain else (True, False):
            for turn in moves.turns:
                new = (turn.yes if sure else turn.may) & ~(reached | fresh)
                for n in positions(new):
                    if home >= 0 and not home >> self._base(n) & 1:
                        continue
                    own = self._actor(n).principal.arn
                    target = own if turn.target is None else turn.target
                    found.moves[n] = _Move(turn.step, target, sure, -1, last)
                    fresh |= 1 << n
        return fresh

    def _raised(self, moves: Moves, found: _Found, reached: int, certain: bool, without: int) -> int:
        """The nodes that can change the rights of another and then take it over."""
        fresh = 0
        for other in self._others(moves, certain, reached):
            for n in positions(other.nodes & ~(reached | fresh)):
                usable = other.targets & ~without & ~(1 << self._base(n))
                if usable:
                    to = (usable & -usable).bit_length() - 1
                    arn = self.actors[to].principal.arn
                    sure, taken = bool(other.raises.yes >> to & 1), bool(other.takes.yes >> to & 1)
                    found.moves[n] = _Move(other.raises.step, arn, sure, -1, other.takes.step, taken)
                    fresh |= 1 << n
        return fresh

    def _others(self, moves: Moves, certain: bool, reached: int) -> Iterator[_Other]:
        for edge in moves.raises:
            most = (edge.yes if certain else edge.may) & self._ceiling
            left = edge.sources & ~reached
            if not (most and left):
                continue
            for takes in moves.takes:
                targets = most & (takes.yes if certain else takes.may)
                if targets and (nodes := left & takes.sources):
                    yield _Other(nodes, edge, takes, targets)

    # Answers.

    def path(self, arn: str) -> Path | None:
        """A shortest path of one principal; None where it reaches no administrator rights.

        A certain one is given, though longer, where there is one.
        """
        n = self.targets.place.get(arn)
        if n is None or not self._most.reached >> n & 1:
            return None
        return self._path(n, self._sure if self._sure.reached >> n & 1 else self._most)

    def paths(self) -> list[Path]:
        """A path of each principal who is no administrator and reaches those rights, by ARN."""
        wanted = self._most.reached & ~self._admins & self.targets.all
        sure = self._sure.reached
        return [self._path(n, self._sure if sure >> n & 1 else self._most) for n in positions(wanted)]

    def paths_to(self, arn: str) -> list[Path]:
        """A shortest path of each principal that can become a given one, by ARN, administrators too.

        Raises UserError where there is no such principal.
        """
        goal = self.targets.place.get(arn)
        if goal is None:
            raise UserError(f"there is no user or role {arn} in what was read")
        actor = self.actors[goal]
        kind = "role" if self.targets.roles >> goal & 1 else "user"
        last = next((s for s in self.catalogue if s.reach == kind and s.yields == "identity"), None)
        account = actor.principal.account
        found = [
            self._grow(self._moves, 1 << goal, certain=certain, last=last, account=account)
            for certain in (True, False)
        ]
        wanted = found[1].reached & self.targets.all & ~(1 << goal)
        return [
            self._path(n, found[0] if found[0].reached >> n & 1 else found[1], arn) for n in positions(wanted)
        ]

    def _path(self, n: int, found: _Found, goal: str = "") -> Path:
        arn = self.actors[n].principal.arn
        hops: list[Hop] = []
        while n >= 0 and n in found.moves:
            move = found.moves[n]
            source = self._actor(n).principal.arn
            hops.append(Hop(move.step, source, move.target, move.certain))
            if move.then is not None:
                hops.append(Hop(move.then, source, goal or move.target, move.then_certain))
            n = move.to
        return Path(arn, tuple(hops))

    # Choke points.

    def chokes(self, most: int = 10) -> list[Choke]:
        """The principals whose removal cuts most others off, the most cut first.

        Those through whom most shortest paths lead are tried, each by a search without it.
        """
        passing: dict[int, int] = {}
        for path in self.paths():
            for at in {self.targets.place.get(hop.target, -1) for hop in path.hops}:
                if at >= 0 and self.actors[at].principal.arn != path.principal:
                    passing[at] = passing.get(at, 0) + 1
        tried = sorted(passing, key=lambda n: (-passing[n], n))[: 2 * most]
        before = self._most.reached & self.targets.all & ~self._admins
        found: list[Choke] = []
        for at in tried:
            bit = 1 << at
            after = self._grow(self._moves, self._admins, certain=False, without=bit).reached
            cut = (before & ~after & ~bit).bit_count()
            found.append(Choke(self.actors[at].principal.arn, passing[at], cut))
        return sorted(found, key=lambda c: (-c.cut, -c.passing, c.principal))[:most]

    def grant_chokes(self, most: int = 10) -> list[GrantChoke]:
        """The grants (one action of one policy) whose removal cuts most principals off, the most cut first.

        Those that serve on most shortest paths are tried, each by edges and a search without it.
        """
        passing, policies = self._serving()
        tried = sorted(passing, key=lambda k: (-passing[k], k[1], policies[k[0]].name))[: 2 * most]
        before = self._most.reached & self.targets.all & ~self._admins
        found: list[GrantChoke] = []
        holders: dict[int, list[str]] = {policy: [] for policy, _ in tried}
        for actor in self.actors:
            identity = actor.policies.identity
            for policy in identity.policies if identity is not None else ():
                if id(policy) in holders:
                    holders[id(policy)].append(actor.principal.arn)
        for policy, action in tried:
            moves = self._moves.without(action)
            out = Without(policy, action)
            for batch, bases, depth in self._batches:
                skip = 0 if batch.offset else self._admins
                edges = self._graph.edges(batch, out)
                moves.add(self._turning.moves(batch, edges, bases, depth, skip))
            after = self._grow(moves, self._admins, certain=False).reached
            cut = (before & ~after).bit_count()
            of = tuple(sorted(set(holders[policy])))
            found.append(GrantChoke(policies[policy].name, action, passing[policy, action], cut, of))
        return sorted(found, key=lambda c: (-c.cut, -c.passing, c.policy, c.action))[:most]

    def _serving(self) -> tuple[dict[tuple[int, str], int], dict[int, Policy]]:
        """(policy by `id()`, action) -> on how many shortest paths it serves, and the policies."""
        by_id = {step.id: step for step in self.catalogue}
        sources: dict[tuple[str, str], int] = {}
        for path in self.paths():
            for key in {(hop.source, hop.step.id) for hop in path.hops}:
                sources[key] = sources.get(key, 0) + 1
        passing: dict[tuple[int, str], int] = {}
        policies: dict[int, Policy] = {}
        reader = self._graph.reader
        for (arn, step), count in sources.items():
            identity = self.actors[self.targets.place[arn]].policies.identity
            for policy in identity.policies if identity is not None else ():
                plan = reader.plan(policy)
                for action in by_id[step].needs:
                    name = action.lower()
                    if any(c.statement.allow for c in plan.get(reader.asked.index[name], ())):
                        policies[id(policy)] = policy
                        passing[id(policy), name] = passing.get((id(policy), name), 0) + count
        return passing, policies
