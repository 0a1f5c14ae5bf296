"""Who reaches administrator rights, by which steps: the catalogue laid over all principals of a world.

An administrator is told by meaning: its policies and boundary allow every action on every resource without a
denial, and the account's SCPs leave it the management of identities. Masks sort out which steps a class of
principals could take at all, bitsets over ARNs whom it reaches by them, and `decide` is asked only of those
steps of a path that these leave open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from partywall.analysis.iam.document import parse
from partywall.analysis.iam.escalation_steps import Step, steps
from partywall.analysis.iam.escalation_targets import Row, Targets
from partywall.analysis.iam.escalation_world import Actor, EscalationWorld
from partywall.analysis.iam.evaluate import Layer, PolicySet
from partywall.analysis.iam.masks import Masker, Member, classes
from partywall.analysis.iam.universe import positions

# Who may do all of these may make itself anything that its account's SCPs leave.
CONTROL: Final = (
    "iam:attachrolepolicy",
    "iam:createaccesskey",
    "iam:createrole",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
    "iam:updateassumerolepolicy",
)
_EVERYTHING: Final = PolicySet(
    [
        parse(
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
            },
            "everything",
        )
    ]
)
_OWN: Final = frozenset((Layer.IDENTITY,))
_BOUND: Final = frozenset((Layer.BOUNDARY,))
_LIMITED: Final = _OWN | _BOUND
_VARIANTS: Final = 3
"""How many changes of its own rights one principal is followed through."""


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
    """How a principal reaches administrator rights: no hops where it has them."""

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


@dataclass(slots=True)
class _Node:
    """A principal, or what it becomes by a change of its own rights."""

    actor: Actor
    base: int
    """The principal's place in the world's order."""
    depth: int = 0
    rows: list[Row] = field(default_factory=list[Row])
    admin: bool = False
    turns: list[tuple[Step, str, bool, int]] = field(default_factory=list[tuple[Step, str, bool, int]])
    """(step, its target, certain, the node that results; -1 for an administrator of the account)."""


class Escalation:
    """The graph over all principals of a world; `paths` and `chokes` read it.

    Nodes are principals in order of their ARNs and, past them, what principals become when they change their
    own rights without being administrators by it. Edges are bitsets, shared by the members of a class.
    """

    def __init__(
        self, world: EscalationWorld, catalogue: Sequence[Step] | None = None, masker: Masker | None = None
    ) -> None:
        self.masker = Masker() if masker is None else masker
        self.catalogue = steps() if catalogue is None else tuple(catalogue)
        self._control = self.masker.universe.bits(CONTROL)
        assume = next((s for s in self.catalogue if s.reach == "assumable-role"), None)
        self.targets = Targets(world, self.masker, assume)
        self._variants: dict[tuple[object, ...], int] = {}
        self.actors = self.targets.actors
        self._groups = {group.arn: group for group in world.groups}
        universe = self.masker.universe
        self._needed = [(s, universe.bits(a.lower() for a in s.needs)) for s in self.catalogue]
        self._any_needed = 0
        for _, needed in self._needed:
            self._any_needed |= needed
        self.nodes: list[_Node] = [_Node(actor, n) for n, actor in enumerate(self.actors)]
        self._link()
        self._next: dict[int, tuple[Step, str, bool, int]] = {}
        self._spread()

    # Who is an administrator.

    def is_admin(self, actor: Actor) -> bool:
        """Every action on every resource by its own policies and boundary, and SCPs that leave control.

        SCPs that could not be read are taken to leave it.
        """
        policies = actor.policies
        boundary = policies.boundary
        masker = self.masker
        mine = masker.layer(policies.identity)
        every = masker.universe.all
        if policies.unread & _LIMITED or mine.allow_must != every or mine.deny_may:
            return False
        if boundary is not None:
            limit = masker.layer(boundary)
            if limit.allow_must != every or limit.deny_may:
                return False
        return self._control_left(actor)

    def _control_left(self, actor: Actor) -> bool:
        if actor.principal.management or actor.principal.service_linked:
            return True
        left = self._control
        for level in actor.policies.scps:
            masks = self.masker.layer(level)
            left &= masks.allow_may & ~masks.deny_must
        return left == self._control

    def _becomes(self, node: _Node, step: Step, target: str, certain: bool, actor: Actor) -> None:
        """Notes that a node turns into `actor` by a step; a new node unless that is an administrator."""
        if self.is_admin(actor):
            node.turns.append((step, target, certain, -1))
        elif node.depth < _VARIANTS:
            identity = actor.policies.identity
            key = (
                node.base,
                identity is _EVERYTHING,
                actor.groups,
                actor.policies.boundary is None,
                actor.policies.unread,
            )
            at = self._variants.get(key)
            if at is None:
                at = self._variants[key] = len(self.nodes)
                self.nodes.append(_Node(actor, node.base, node.depth + 1))
            node.turns.append((step, target, certain, at))

    # Edges.

    def _link(self) -> None:
        done = 0
        while done < len(self.nodes):
            batch = range(done, len(self.nodes))
            done = len(self.nodes)
            members = [Member(self.nodes[n].actor.principal, self.nodes[n].actor.policies) for n in batch]
            for group in classes(members, self.masker):
                places = [batch[n] for n in group.members]
                first = self.nodes[places[0]].actor
                if self.is_admin(first):
                    for n in places:
                        self.nodes[n].admin = True
                    continue
                may = group.effective.may & self._any_needed
                direct = self.targets.trusted_directly
                if not may and not any(self.nodes[n].base in direct for n in places):
                    continue
                personal = self.targets.personal(first)
                shared: list[Row] | None = None
                for n in places:
                    node = self.nodes[n]
                    if shared is None or personal:
                        shared = self._rows(node, may, group.effective.must)
                    node.rows = shared + self.targets.direct_trust(node.base)
                    self._turn(node)

    def _rows(self, node: _Node, may: int, must: int) -> list[Row]:
        rows: list[Row] = []
        for step, needed in self._needed:
            if needed & may == needed and (row := self.targets.row(node.actor, step, must)) is not None:
                rows.append(row)
        return rows

    def _turn(self, node: _Node) -> None:
        """What a node can make of itself."""
        me, bit = node.actor, 1 << node.base
        for row in node.rows:
            step = row.step
            if step.yields == "everything" and row.may & bit:
                raised = replace(
                    me, policies=replace(me.policies, identity=_EVERYTHING, unread=me.policies.unread - _OWN)
                )
                self._becomes(node, step, me.principal.arn, bool(row.yes & bit), raised)
            elif step.yields == "unbounded" and row.may & bit and me.policies.boundary is not None:
                free = replace(
                    me, policies=replace(me.policies, boundary=None, unread=me.policies.unread - _BOUND)
                )
                self._becomes(node, step, me.principal.arn, bool(row.yes & bit), free)
            elif step.yields == "account":
                free = replace(
                    me.policies, identity=_EVERYTHING, boundary=None, unread=me.policies.unread - _LIMITED
                )
                self._becomes(node, step, "", bool(row.yes), replace(me, policies=free))
            elif step.yields == "group":
                self._join(node, row)

    def _join(self, node: _Node, row: Row) -> None:
        me = node.actor
        own = me.policies.identity.policies if me.policies.identity is not None else ()
        for at in positions(row.may):
            arn = self.targets.things.texts[at]
            group = self._groups[arn]
            if arn in me.groups or me.principal.account != arn.split(":")[4]:
                continue
            joined = replace(
                me,
                policies=replace(me.policies, identity=PolicySet((*own, *group.policies.policies))),
                groups=(*me.groups, arn),
            )
            self._becomes(node, row.step, arn, bool(row.yes >> at & 1), joined)

    # Reachability.

    def _spread(self) -> None:
        """The next hop of every node towards administrator rights: certain ones first, then open ones."""
        self._admins = sum(1 << n for n, node in enumerate(self.nodes) if node.admin)
        self._ceiling = self._ceilings()
        reached = self._grow(self._admins, self._next, certain=True)
        self.reached = self._grow(reached, self._next, certain=False)

    def _ceilings(self) -> int:
        """Principals who would be administrators if their own policies allowed everything."""
        kept: dict[tuple[object, ...], bool] = {}
        made = 0
        for n, actor in enumerate(self.actors):
            policies, who = actor.policies, actor.principal
            key = (
                id(policies.boundary),
                tuple(map(id, policies.scps)),
                policies.unread,
                who.management,
                who.service_linked,
            )
            found = kept.get(key)
            if found is None:
                free = replace(
                    actor, policies=replace(policies, identity=_EVERYTHING, unread=policies.unread - _OWN)
                )
                found = kept[key] = self.is_admin(free)
            if found:
                made |= 1 << n
        return made

    def _grow(
        self,
        reached: int,
        next_: dict[int, tuple[Step, str, bool, int]],
        *,
        certain: bool,
        without: int = 0,
    ) -> int:
        """Rounds of one hop each until no node is added. `without`: principals (bits) that nobody goes by."""
        waiting = [
            n for n, node in enumerate(self.nodes) if (node.rows or node.turns) and not reached >> n & 1
        ]
        while True:
            added = 0
            left: list[int] = []
            for n in waiting:
                hop = self._hop(self.nodes[n], reached & ~without, certain, without)
                if hop is None:
                    left.append(n)
                else:
                    next_[n] = hop
                    added |= 1 << n
            if not added:
                return reached
            reached |= added
            waiting = left

    def _hop(self, node: _Node, goal: int, certain: bool, without: int) -> tuple[Step, str, bool, int] | None:
        for step, target, sure, to in node.turns:
            if (sure or not certain) and (to < 0 or goal >> to & 1):
                return step, target, sure, to
        for row in node.rows:
            if row.step.yields != "identity":
                continue
            hits = row.yes & goal
            if hits:
                at = (hits & -hits).bit_length() - 1
                return row.step, self.actors[at].principal.arn, True, at
            for at in positions(row.may & ~row.yes & goal):
                held = self.targets.settle(node.actor, row.step, self.actors[at])
                if held or (held is None and not certain):
                    return row.step, self.actors[at].principal.arn, held is True, at
        return self._raise_other(node, certain, without)

    def _raise_other(self, node: _Node, certain: bool, without: int) -> tuple[Step, str, bool, int] | None:
        """Changing the rights of another whom one can then take over."""
        takes = 0
        for row in node.rows:
            if row.step.yields == "identity":
                takes |= row.yes if certain else row.may
        if not takes:
            return None
        for row in node.rows:
            if row.step.yields == "everything":
                both = (row.yes if certain else row.may) & takes & self._ceiling & ~(1 << node.base | without)
                if both:
                    at = (both & -both).bit_length() - 1
                    return row.step, self.actors[at].principal.arn, bool(row.yes >> at & 1), -2 - at
        return None

    # Answers.

    @property
    def admins(self) -> list[str]:
        """The ARNs of the principals who are administrators already."""
        return [a.principal.arn for n, a in enumerate(self.actors) if self._admins >> n & 1]

    def path(self, arn: str) -> Path | None:
        """A shortest path of one principal; None where it reaches no administrator rights."""
        n = self.targets.place.get(arn)
        return None if n is None or not self.reached >> n & 1 else Path(arn, tuple(self._walk(n)))

    def paths(self) -> list[Path]:
        """A path of each principal who is no administrator and reaches those rights, by ARN."""
        wanted = self.reached & ~self._admins & ((1 << len(self.actors)) - 1)
        return [Path(self.actors[n].principal.arn, tuple(self._walk(n))) for n in positions(wanted)]

    def _walk(self, n: int) -> list[Hop]:
        hops: list[Hop] = []
        while n >= 0 and n in self._next:
            step, target, certain, to = self._next[n]
            node = self.nodes[n]
            source = node.actor.principal.arn
            hops.append(Hop(step, source, target, certain))
            if to <= -2:
                at = -2 - to
                take = self._take(node, at)
                hops.append(Hop(take.step, source, target, bool(take.yes >> at & 1)))
            n = to
        return hops

    def _take(self, node: _Node, at: int) -> Row:
        found = [r for r in node.rows if r.step.yields == "identity" and r.may >> at & 1]
        return next((r for r in found if r.yes >> at & 1), found[0])

    def chokes(self, most: int = 10) -> list[Choke]:
        """The principals whose removal cuts most others off, the most cut first.

        Those through whom most shortest paths lead are tried, each by spreading anew without it.
        """
        passing: dict[int, int] = {}
        for path in self.paths():
            for at in {self.targets.place.get(hop.target, -1) for hop in path.hops}:
                if at >= 0 and self.actors[at].principal.arn != path.principal:
                    passing[at] = passing.get(at, 0) + 1
        tried = sorted(passing, key=lambda n: (-passing[n], n))[: 2 * most]
        real = (1 << len(self.actors)) - 1
        before = (self.reached & real & ~self._admins).bit_count()
        found: list[Choke] = []
        for at in tried:
            bit = 1 << at
            grown = self._grow(self._admins, {}, certain=False, without=bit)
            own = int(bool(bit & ~self._admins & self.reached))
            cut = before - own - (grown & real & ~self._admins & ~bit).bit_count()
            found.append(Choke(self.actors[at].principal.arn, passing[at], cut))
        return sorted(found, key=lambda c: (-c.cut, -c.passing, c.principal))[:most]
