"""What every class of interfaces can reach of every other, all pairs at once.

A row holds, for one source class, a mask of services for each destination class, side by side in one long
number: groups, lists and routes are then single operations on whole rows.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from partywall.analysis.network.cells import Point
from partywall.analysis.network.classes import Digests, EndpointClass, classes
from partywall.analysis.network.groups import Allowed
from partywall.analysis.network.matrix_rules import Rules, service_starts
from partywall.analysis.network.model import Unread
from partywall.analysis.network.sets import (
    EMPTY,
    END,
    FAMILY,
    FULL,
    Flows,
    Spans,
    cross,
    services,
    services_of,
    spans,
)
from partywall.analysis.network.ways import trace_subnets
from partywall.analysis.network.world import World


@dataclass(frozen=True, slots=True)
class Way:
    """From one subnet to another, groups aside: what passes and whether references to groups match."""

    source: tuple[int, int]
    destination: tuple[int, int]
    sure: Flows
    maybe: Flows
    kept: bool | None
    kept_egress: bool | None
    unread: tuple[Unread, ...]
    sure_mask: int = 0
    maybe_mask: int = 0


class Matrix:
    """All pairs of classes of one family. `services(i, j)` are what class i can reach of class j."""

    def __init__(self, world: World, family: int = 4, before: Matrix | None = None) -> None:
        """`before` is a matrix of an earlier state: what has not changed since is taken from it."""
        self.world = world
        self.family = family
        self.classes: list[EndpointClass] = [
            each for each in classes(world.network) if (each.v4 if family == 4 else each.v6)
        ]
        self._starts = service_starts(world)
        self._width = -(-len(self._starts) // 8) * 8
        self._masks: dict[Spans, int] = {}
        self._ways: dict[tuple[str, str], list[Way]] = {}
        self.whole = (1 << self._width) - 1
        """The mask of every service."""
        self.everywhere = self.places(range(len(self.classes)))
        self._row_cache: dict[tuple[str, int], tuple[int, int, int, int, int, int]] = {}
        self._row_subnet = ""
        self._held: list[int] = []
        self._span: dict[str, tuple[int, int]] = {}
        for each in self.classes:
            at = self.address(each)
            low, high = self._span.get(each.subnet, (at, at))
            self._span[each.subnet] = min(low, at), max(high, at)
        self._numbers: dict[bytes, int] = {}
        self._sure: list[array[int]] = []
        self._maybe: list[array[int]] = []
        """For each source class, the number of each target class's mask in `_numbers`."""
        self._digests = Digests(world)
        self._routing = self._digests.shared + self._digests.all
        self.computed = 0
        """How many pairs were worked out, and not taken from an earlier matrix."""
        if before is not None and (before.family, before._routing) == (family, self._routing):
            self._update(before)
        else:
            self._build()

    # Masks of services.

    def mask(self, found: Spans) -> int:
        """The mask of a set of services, a bit for each span between ends of rules."""
        known = self._masks.get(found)
        if known is None:
            known = 0
            for low, high in found:
                first = bisect_right(self._starts, low) - 1
                last = bisect_right(self._starts, high) - 1
                known |= (1 << (last + 1)) - (1 << first)
            self._masks[found] = known
        return known

    def spans(self, mask: int) -> Spans:
        """The services of a mask."""
        found: list[tuple[int, int]] = []
        for index, low in enumerate(self._starts):
            if mask >> index & 1:
                high = self._starts[index + 1] - 1 if index + 1 < len(self._starts) else END - 1
                found.append((low, high))
        return spans(found)

    # Answers.

    def services(self, source: int, target: int) -> tuple[Spans, Spans]:
        """What surely, and what perhaps, can be reached of one class by another, by their numbers."""
        return self.spans(self._held[self._sure[source][target]]), self.spans(
            self._held[self._maybe[source][target]]
        )

    def pairs(self) -> Iterator[tuple[int, int, int, int]]:
        """Source, target and the masks of what surely and perhaps passes, where anything may."""
        held = self._held
        for source, (sure, maybe) in enumerate(zip(self._sure, self._maybe, strict=True)):
            for target, (one, two) in enumerate(zip(sure, maybe, strict=True)):
                if two:
                    yield source, target, held[one], held[two]

    def flows(self, source: int, target: int) -> tuple[Flows, Flows]:
        """As `services`, with the source ports that replies may go to."""
        sure, maybe = self.services(source, target)
        here, there = self.address(self.classes[source]), self.address(self.classes[target])
        way = self._way(self.classes[source].subnet, self.classes[target].subnet, here, there)
        full = services(-1)
        return cross(way.sure, ((sure, full),)) if sure else (), cross(
            way.maybe, ((maybe, full),)
        ) if maybe else ()

    def unread(self, source: int, target: int) -> tuple[Unread, ...]:
        """The calls for lack of which it is not known what passes between two classes."""
        here, there = self.classes[source], self.classes[target]
        way = self._way(here.subnet, there.subnet, self.address(here), self.address(there))
        rules = (
            self.world.groups.side(group, egress, first.account, first.region).unread
            for each, egress in ((here, True), (there, False))
            for first in (self.world.interfaces[each.first],)
            for group in each.groups or ()
        )
        shut = self._takes(there) is None
        endpoints = self.world.network.unlisted("endpoints") if shut else ()
        return tuple(dict.fromkeys((*way.unread, *(one for unread in rules for one in unread), *endpoints)))

    # Rows.

    def address(self, each: EndpointClass) -> int:
        """The address that stands for a class."""
        return (each.v4 if self.family == 4 else each.v6)[0]

    def _way(self, here: str, there: str, source: int, destination: int) -> Way:
        known = self._ways.setdefault((here, there), [])
        # A packet that is lost on the way never gets to know where it was going.
        lost = self._ways.setdefault((here, ""), [])
        for way in (*known, *lost):
            if way.source[0] <= source <= way.source[1] and (
                way.destination[0] <= destination <= way.destination[1]
            ):
                return way
        found = trace_subnets(self.world, here, there, source, destination)
        family = FAMILY[self.family]
        sure_mask = self.mask(services_of(found.sure) & family)
        way = Way(
            found.source,
            found.destination,
            found.sure,
            found.maybe,
            found.kept,
            found.kept_egress,
            tuple(dict.fromkeys((*(u for step in found.steps for u in step.unread), *found.kept_unread))),
            sure_mask,
            sure_mask if found.sure is found.maybe else self.mask(services_of(found.maybe) & family),
        )
        (lost if found.end.kind == "lost" else known).append(way)
        return way

    def places(self, indexes: Iterable[int]) -> int:
        """A one at the lowest bit of each of some classes' places."""
        size = self._width // 8
        row = bytearray(len(self.classes) * size)
        for index in indexes:
            row[index * size] = 1
        return int.from_bytes(row, "little")

    def _build(self) -> None:
        rules = Rules(self)
        self._numbers[bytes(self._width // 8)] = 0
        full = self.everywhere * self.whole
        can_send = [self._sends(each) for each in self.classes]
        self.computed = len(self.classes) ** 2
        takes = [self._takes(each) for each in self.classes]
        shut = self.places(i for i, each in enumerate(takes) if each is False) * self.whole
        doubtful = self.places(i for i, each in enumerate(takes) if each is not True) * self.whole
        for index, each in enumerate(self.classes):
            address = self.address(each)
            sure_way, maybe_way, kept, kept_maybe, kept_out, kept_out_maybe = self._way_rows(each, address)
            if not can_send[index]:
                self._sure.append(array("I", bytes(4 * len(self.classes))))
                self._maybe.append(self._sure[-1])
                continue
            sure_way, maybe_way = sure_way & ~doubtful, maybe_way & ~shut
            out_sure, out_maybe = rules.out(each, full, kept_out, kept_out_maybe)
            in_sure, in_maybe = rules.into(each, address, kept, kept_maybe)
            sure = self._numbered(sure_way & out_sure & in_sure)
            if maybe_way == sure_way and out_sure == out_maybe and in_sure == in_maybe:
                maybe = sure
            else:
                maybe = self._numbered(maybe_way & out_maybe & in_maybe)
            self._sure.append(sure)
            self._maybe.append(maybe)
        self._held = [int.from_bytes(each, "little") for each in self._numbers]
        self._row_cache.clear()

    def _update(self, before: Matrix) -> None:
        """Take over an earlier matrix but for classes whose interfaces or groups changed.

        Ways between subnets stay, since routing does; a rule bears on the pairs of its group's holders alone.
        """
        # Masks of the ways taken over are the earlier matrix's and not looked at again.
        self._ways = before._ways
        known = {member: index for index, each in enumerate(before.classes) for member in each.members}
        origin = [self._origin(each, known, before) for each in self.classes]
        moved = [index for index, at in enumerate(origin) if at < 0]
        same = not moved and origin == list(range(len(before.classes)))
        size = self._width // 8
        self._numbers = {bytes(size): 0}
        alike = self._starts == before._starts
        masks = (each if alike else self.mask(before.spans(each)) for each in before._held)
        numbers = [self._number(each) for each in masks]
        for rows, earlier in ((self._sure, before._sure), (self._maybe, before._maybe)):
            for at in origin:
                if at < 0:
                    rows.append(array("I", bytes(4 * len(origin))))
                elif same:
                    rows.append(array("I", [numbers[each] for each in earlier[at]]))
                else:
                    row = earlier[at]
                    rows.append(array("I", [numbers[row[there]] if there >= 0 else 0 for there in origin]))
        for index in moved:
            for other, at in enumerate(origin):
                self._pair(index, other)
                if at >= 0:
                    self._pair(other, index)
        self._held = [int.from_bytes(each, "little") for each in self._numbers]

    def _origin(self, each: EndpointClass, known: dict[str, int], before: Matrix) -> int:
        """The number of the earlier class whose answers are a class's own; -1 where they may differ."""
        at = known.get(each.first, -1)
        if at < 0 or self.world.interfaces[each.first] != before.world.interfaces[each.first]:
            return -1
        changed = any(self._digests.group(g) != before._digests.group(g) for g in each.groups or ())
        return -1 if changed else at

    def _number(self, mask: int) -> int:
        return self._numbers.setdefault(mask.to_bytes(self._width // 8, "little"), len(self._numbers))

    def _pair(self, source: int, target: int) -> None:
        """Work out one pair by itself."""
        self.computed += 1
        here, there = self.classes[source], self.classes[target]
        takes = self._takes(there)
        if not self._sends(here) or takes is False:
            return
        one, two = self.address(here), self.address(there)
        way = self._way(here.subnet, there.subnet, one, two)
        out = self._allowed(here, True, two, there.groups, way.kept_egress)
        into = self._allowed(there, False, one, here.groups, way.kept)
        family = FAMILY[self.family]
        sure = services_of(way.sure) & family & out.sure & into.sure if takes else EMPTY
        maybe = services_of(way.maybe) & family & out.maybe & into.maybe
        self._sure[source][target] = self._number(self.mask(sure))
        self._maybe[source][target] = self._number(self.mask(maybe))

    def _allowed(
        self,
        each: EndpointClass,
        egress: bool,
        remote: int,
        others: tuple[str, ...] | None,
        kept: bool | None,
    ) -> Allowed:
        if each.groups is None:
            return Allowed(EMPTY, FULL)
        if not each.groups:
            return Allowed(FULL, FULL)
        held = None if others is None else frozenset(others)
        return self.world.groups.allowed(each.groups, egress, Point(remote), held, kept)

    def _numbered(self, row: int) -> array[int]:
        """A row as the numbers of its masks."""
        size, numbers = self._width // 8, self._numbers
        written = row.to_bytes(len(self.classes) * size, "little")
        cut = (written[at : at + size] for at in range(0, len(written), size))
        return array("I", [numbers.setdefault(each, len(numbers)) for each in cut])

    def _sends(self, each: EndpointClass) -> bool:
        interface = self.world.interfaces[each.first]
        return interface.status in ("in-use", "associated", "attached") and interface.kind != "vpc_endpoint"

    def _takes(self, each: EndpointClass) -> bool | None:
        """Whether anything sent to a class's interfaces arrives, whatever their groups; None: perhaps."""
        interface = self.world.interfaces[each.first]
        if interface.status not in ("in-use", "associated", "attached") or interface.kind == "nat_gateway":
            return False
        endpoint = self.world.endpoint_of.get(interface.id)
        if endpoint is not None:
            return endpoint.state.lower() in ("", "available", "partial")
        unlisted = interface.kind == "vpc_endpoint" and self.world.network.unlisted(
            "endpoints", "", interface.region
        )
        return None if unlisted else True

    def _way_rows(self, each: EndpointClass, address: int) -> tuple[int, int, int, int, int, int]:
        """Rows of ways from one class to all: what passes, and where references to groups match."""
        size = self._width // 8
        key = (each.subnet, address)
        if each.subnet != self._row_subnet:
            # Classes come subnet by subnet: rows of those before are not needed again.
            self._row_cache.clear()
            self._row_subnet = each.subnet
        known = self._row_cache.get(key)
        if known is not None:
            return known
        ones, zeros = b"\xff" * size, bytes(size)
        parts: list[list[bytes]] = [[], [], [], [], [], []]
        uniform = True
        low, high = self._span[each.subnet]
        for target in self.classes:
            way = self._way(each.subnet, target.subnet, address, self.address(target))
            parts[0].append(way.sure_mask.to_bytes(size, "little"))
            parts[1].append(way.maybe_mask.to_bytes(size, "little"))
            parts[2].append(ones if way.kept else zeros)
            parts[3].append(zeros if way.kept is False else ones)
            parts[4].append(ones if way.kept_egress else zeros)
            parts[5].append(zeros if way.kept_egress is False else ones)
            uniform = uniform and way.source[0] <= low and high <= way.source[1]
        rows = tuple(int.from_bytes(b"".join(part), "little") for part in parts)
        found = (rows[0], rows[1], rows[2], rows[3], rows[4], rows[5])
        self._row_cache[key] = found
        if uniform:
            for other in self.classes:
                if other.subnet == each.subnet:
                    self._row_cache[other.subnet, self.address(other)] = found
        return found
