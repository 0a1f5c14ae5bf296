"""What principals make of their own rights: administrators at once, or something to be followed further."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from partywall.analysis.iam.document import parse
from partywall.analysis.iam.escalation_batch import Batch
from partywall.analysis.iam.escalation_graph import Edge
from partywall.analysis.iam.escalation_reach import Reader
from partywall.analysis.iam.escalation_steps import Step
from partywall.analysis.iam.escalation_targets import Targets
from partywall.analysis.iam.escalation_world import Actor, Group
from partywall.analysis.iam.evaluate import Layer, PolicySet
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.universe import pack, positions

# Who may do all of these may make itself anything that its account's SCPs leave.
CONTROL: Final = (
    "iam:attachrolepolicy",
    "iam:createaccesskey",
    "iam:createrole",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
    "iam:updateassumerolepolicy",
)
EVERYTHING: Final = PolicySet(
    [
        parse(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
            "everything",
        )
    ]
)
_OWN: Final = frozenset((Layer.IDENTITY,))
_BOUND: Final = frozenset((Layer.BOUNDARY,))
_LIMITED: Final = _OWN | _BOUND
_DEPTH: Final = 3
"""How many changes of its own rights one principal is followed through."""
_MOST: Final = 50_000
"""How many such changes are followed in all."""


class Turn(NamedTuple):
    """Nodes that become administrators by changing their own rights, certainly and at most."""

    step: Step
    yes: int
    may: int
    target: str | None
    """What is changed or joined: "" something new, None the node itself."""


class Change(NamedTuple):
    """A node that becomes another node by a step."""

    node: int
    step: Step
    target: str
    certain: bool
    to: int


@dataclass(slots=True)
class Moves:
    """All that leads on: edges to others, and changes of one's own rights."""

    takes: list[Edge] = field(default_factory=list[Edge])
    raises: list[Edge] = field(default_factory=list[Edge])
    turns: list[Turn] = field(default_factory=list[Turn])
    changes: list[Change] = field(default_factory=list[Change])

    def add(self, other: Moves) -> None:
        """Takes in what another batch can do."""
        self.takes += other.takes
        self.raises += other.raises
        self.turns += other.turns
        self.changes += other.changes

    def without(self, action: str) -> Moves:
        """Those of the steps that do not need an action (lower case)."""

        def kept(step: Step) -> bool:
            return action not in {a.lower() for a in step.needs}

        return Moves(
            [e for e in self.takes if kept(e.step)],
            [e for e in self.raises if kept(e.step)],
            [t for t in self.turns if kept(t.step)],
            [c for c in self.changes if kept(c.step)],
        )


@dataclass(slots=True)
class Variant:
    """What a principal (by its place) becomes by `depth` changes of its own rights."""

    actor: Actor
    base: int
    depth: int


class Admins:
    """Who is an administrator, by meaning."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._control = masker.universe.bits(CONTROL)

    def among(self, actors: Iterable[Actor]) -> list[int]:
        """The places of the administrators in a list."""
        of_policy: dict[int, int] = {}
        found: list[int] = []
        for n, actor in enumerate(actors):
            identity = actor.policies.identity
            control = 0
            for policy in identity.policies if identity is not None else ():
                mine = of_policy.get(id(policy))
                if mine is None:
                    mine = of_policy[id(policy)] = self._masker.policy(policy).allow_must & self._control
                control |= mine
            if control == self._control and self.holds(actor):
                found.append(n)
        return found

    def holds(self, actor: Actor) -> bool:
        """Every action on every resource by its own policies and boundary, and SCPs that leave control.

        SCPs that could not be read are taken to leave it.
        """
        policies = actor.policies
        masker = self._masker
        every = masker.universe.all
        if policies.unread & _LIMITED or policies.identity is None:
            return False
        mine = masker.policies(policies.identity.policies)
        if mine.allow_must != every or mine.deny_may:
            return False
        if policies.boundary is not None:
            limit = masker.layer(policies.boundary)
            if limit.allow_must != every or limit.deny_may:
                return False
        return self.control_left(actor)

    def control_left(self, actor: Actor) -> bool:
        """Whether the SCPs of an actor's account leave it the management of identities."""
        if actor.principal.management or actor.principal.service_linked:
            return True
        left = self._control
        for level in actor.policies.scps:
            masks = self._masker.layer(level)
            left &= masks.allow_may & ~masks.deny_must
        return left == self._control


def raised(actor: Actor) -> Actor:
    """An actor whose own policies allow everything."""
    policies = actor.policies
    return replace(actor, policies=replace(policies, identity=EVERYTHING, unread=policies.unread - _OWN))


def unbound(actor: Actor) -> Actor:
    """An actor without its boundary."""
    policies = actor.policies
    return replace(actor, policies=replace(policies, boundary=None, unread=policies.unread - _BOUND))


def joined(actor: Actor, group: Group) -> Actor:
    """An actor with the policies of one more group."""
    policies = actor.policies
    own = policies.identity.policies if policies.identity is not None else ()
    identity = PolicySet((*own, *group.policies.policies))
    unread = policies.unread | (_OWN if group.unread else frozenset())
    return replace(
        actor,
        policies=replace(policies, identity=identity, unread=unread),
        groups=(*actor.groups, group.arn),
    )


class Turning:
    """Makes moves of the edges of batches, and variants of principals."""

    def __init__(self, targets: Targets, groups: Iterable[Group], admins: Admins, reader: Reader) -> None:
        self._targets = targets
        self._groups = {group.arn: group for group in groups}
        self._admins = admins
        self._reader = reader
        self.variants: list[Variant] = []
        self._numbers: dict[tuple[object, ...], int] = {}
        self.bounded = False
        """Changes of rights were so many that not all of them were followed."""
        self._ceilings: dict[int, tuple[int, int]] = {}

    def ceilings(self, batch: Batch) -> tuple[int, int]:
        """The nodes that would be administrators if their own policies allowed everything, and those that
        would without their boundary too."""
        found = self._ceilings.get(id(batch))
        if found is None:
            within = free = 0
            for ground in batch.grounds:
                first = batch.actors[ground.places[0]]
                if self._admins.holds(raised(first)):
                    within |= ground.nodes
                if self._admins.control_left(first):
                    free |= ground.nodes
            found = self._ceilings[id(batch)] = (within, free)
        return found

    def moves(self, batch: Batch, edges: Iterable[Edge], bases: list[int], depth: int, skip: int) -> Moves:
        """The moves of a batch. `bases`: each node's principal; `skip`: nodes (of the batch) that are
        administrators already."""
        made = Moves()
        listed = list(edges)
        within, free = self.ceilings(batch)
        later: list[tuple[Edge, int, int]] = []
        for edge in listed:
            nodes = edge.sources >> batch.offset
            yields = edge.step.yields
            if yields == "identity":
                made.takes.append(edge)
                continue
            if yields == "everything":
                made.raises.append(edge)
            if yields in ("everything", "unbounded"):
                may = self._on_itself(nodes & ~skip, edge.may, bases, batch)
                yes = self._on_itself(may, edge.yes, bases, batch)
            else:
                may = nodes & ~skip
                yes = may if edge.yes else 0
            most = within if yields == "everything" else free if yields == "account" else 0
            if may & most:
                target = "" if yields == "account" else None
                shift = batch.offset
                made.turns.append(Turn(edge.step, (yes & most) << shift, (may & most) << shift, target))
            if may & ~most:
                later.append((edge, yes & ~most, may & ~most))
        certain = 0
        for turn in made.turns:
            certain |= turn.yes >> batch.offset
        for edge, yes, may in later:
            # Who certainly becomes an administrator by one step is not followed further.
            for n in positions(may & ~certain):
                self._change(made, batch, n, edge, bool(yes >> n & 1), bases[n], depth)
        return made

    @staticmethod
    def _on_itself(nodes: int, reached: int, bases: list[int], batch: Batch) -> int:
        """The nodes that reach themselves."""
        if not batch.offset:
            return nodes & reached
        return pack((n for n in positions(nodes) if reached >> bases[n] & 1), batch.size)

    def _change(
        self, made: Moves, batch: Batch, n: int, edge: Edge, certain: bool, base: int, depth: int
    ) -> None:
        me, step = batch.actors[n], edge.step
        node = n + batch.offset
        if step.yields == "everything":
            self._becomes(made, node, step, me.principal.arn, certain, raised(me), base, depth)
        elif step.yields == "account":
            self._becomes(made, node, step, "", certain, unbound(raised(me)), base, depth)
        elif step.yields == "unbounded":
            if me.policies.boundary is not None or Layer.BOUNDARY in me.policies.unread:
                self._becomes(made, node, step, me.principal.arn, certain, unbound(me), base, depth)
        else:
            for at in positions(edge.may):
                arn = self._targets.things.texts[at]
                group = self._groups[arn]
                if arn in me.groups or me.principal.account != arn.split(":")[4]:
                    continue
                actor = joined(me, group)
                relevant = group.unread or any(self._reader.plan(p) for p in group.policies.policies)
                sure = bool(edge.yes >> at & 1)
                self._becomes(made, node, step, arn, sure, actor, base, depth if relevant else _DEPTH)

    def _becomes(
        self,
        made: Moves,
        node: int,
        step: Step,
        target: str,
        certain: bool,
        actor: Actor,
        base: int,
        depth: int,
    ) -> None:
        """Notes that a node turns into `actor` by a step; a new variant unless that is an administrator."""
        if self._admins.holds(actor):
            made.turns.append(Turn(step, certain << node, 1 << node, target))
            return
        if depth >= _DEPTH:
            return
        key = (
            base,
            actor.policies.identity is EVERYTHING,
            frozenset(actor.groups),
            actor.policies.boundary is None,
            actor.policies.unread,
        )
        at = self._numbers.get(key)
        if at is None:
            if len(self.variants) >= _MOST:
                self.bounded = True
                return
            at = self._numbers[key] = self._targets.size + len(self.variants)
            self.variants.append(Variant(actor, base, depth + 1))
        if at != node:
            made.changes.append(Change(node, step, target, certain, at))
