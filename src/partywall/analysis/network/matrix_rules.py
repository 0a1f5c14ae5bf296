"""What rules say, for all pairs of classes: where they part services, and rows of what groups allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.cells import Point
from partywall.analysis.network.classes import Atoms, EndpointClass
from partywall.analysis.network.firewall import policy_products
from partywall.analysis.network.groups import Side, remote_cidrs
from partywall.analysis.network.nacl import entry_services
from partywall.analysis.network.sets import ANSWERED, END, ICMP, ICMPV6, OTHER, STARTS, Spans, services
from partywall.analysis.network.world import World

if TYPE_CHECKING:
    from partywall.analysis.network.matrix import Matrix


def service_starts(world: World) -> list[int]:
    """Where spans of services that every rule treats alike begin."""
    found = {0, OTHER, *STARTS.values()}
    network = world.network

    def add(opened: Spans) -> None:
        for low, high in opened:
            found.update((low, high + 1))

    for group in network.security_groups:
        for rule in group.rules or ():
            add(services(rule.protocol, rule.from_port, rule.to_port))
    for acl in network.network_acls:
        for entry in acl.entries or ():
            add(entry_services(entry))
    for policy in network.firewall_policies:
        for product in policy_products(policy):
            add(product[0])
            add(product[1])
    for start in (ICMP, ICMPV6):
        found.update(start + 256 * each for each in ANSWERED[start])
        found.update(start + 256 * each + 256 for each in ANSWERED[start])
    return sorted(each for each in found if each < END)


class Rules:
    """Rows of what security groups allow."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._atoms = Atoms(matrix.world.network)
        holders: dict[str, list[int]] = {}
        sets: dict[tuple[str, ...] | None, list[int]] = {}
        for index, each in enumerate(matrix.classes):
            sets.setdefault(each.groups, []).append(index)
            for group in each.groups or ():
                holders.setdefault(group, []).append(index)
        self._sets = [(groups, matrix.places(indexes)) for groups, indexes in sets.items()]
        self._holders = {group: matrix.places(indexes) for group, indexes in holders.items()}
        self._cidrs: dict[Cidr, int] = {}
        self._out: dict[tuple[str, ...] | None, tuple[int, int, int, int]] = {}
        self._into: dict[int, tuple[int, int]] = {}
        self._masks: list[tuple[int, int]] = [(0, 0)] * len(self._sets)
        self._row = 0
        self._row_maybe = 0
        self._named: dict[str, int] = {}
        for group, places in self._holders.items():
            side = matrix.world.groups.side(group, False)
            if isinstance(side, Side):
                for named, opened in side.references.items():
                    self._named[named] = self._named.get(named, 0) | places * matrix.mask(opened)

    def _inside(self, cidr: Cidr) -> int:
        if cidr not in self._cidrs:
            matrix = self._matrix
            self._cidrs[cidr] = matrix.places(
                index for index, each in enumerate(matrix.classes) if matrix.address(each) in cidr
            )
        return self._cidrs[cidr]

    def out(self, each: EndpointClass, full: int, kept: int, kept_maybe: int) -> tuple[int, int]:
        """To every class: what the groups of one class surely, and perhaps, let it send."""
        known = self._out.get(each.groups)
        if known is None:
            known = self._out[each.groups] = self._sent(each.groups, full)
        sure, maybe, named, _ = known
        return sure | (named & kept), maybe | (named & kept_maybe)

    def _sent(self, groups: tuple[str, ...] | None, full: int) -> tuple[int, int, int, int]:
        if groups == ():
            return full, full, 0, 0
        if groups is None:
            return 0, full, 0, 0
        matrix, network = self._matrix, self._matrix.world.network
        sure = maybe = named = 0
        for group in groups:
            held = network.index["security_groups"].get(group)
            if held is None or held.rules is None:
                maybe = full
                continue
            for rule in held.rules:
                if not rule.egress:
                    continue
                mask = matrix.mask(services(rule.protocol, rule.from_port, rule.to_port))
                if rule.group:
                    named |= self._holders.get(rule.group, 0) * mask
                    continue
                cidrs = remote_cidrs(network, rule)
                if cidrs is None:
                    maybe |= matrix.everywhere * mask
                else:
                    for cidr in cidrs:
                        sure |= self._inside(cidr) * mask
        # A remote class whose groups were not read may hold any group.
        unread = next((places for those, places in self._sets if those is None), 0)
        doubt = 0
        for group in groups:
            side = matrix.world.groups.side(group, True)
            if unread and isinstance(side, Side):
                for opened in side.references.values():
                    doubt |= unread * matrix.mask(opened)
        return sure, sure | maybe | doubt, named, 0

    def into(self, each: EndpointClass, address: int, kept: int, kept_maybe: int) -> tuple[int, int]:
        """From one class: what the groups of every class surely, and perhaps, let in."""
        atom = self._atoms.of(address)
        known = self._into.get(atom)
        if known is None:
            known = self._into[atom] = self._admitted(address)
        sure, maybe = known
        if each.groups is None:
            every = 0
            for row in self._named.values():
                every |= row
            return sure, maybe | (every & kept_maybe)
        named = 0
        for group in each.groups:
            named |= self._named.get(group, 0)
        return sure | (named & kept), maybe | (named & kept_maybe)

    def _admitted(self, address: int) -> tuple[int, int]:
        """What every class admits by address alone: the row before, with what differs put right."""
        matrix = self._matrix
        for index, (groups, places) in enumerate(self._sets):
            if groups is None:
                masks = 0, matrix.whole
            elif groups == ():
                masks = matrix.whole, matrix.whole
            else:
                allowed = matrix.world.groups.allowed(groups, False, Point(address), None, False)
                sure = matrix.mask(allowed.sure)
                masks = sure, sure if allowed.maybe is allowed.sure else matrix.mask(allowed.maybe)
            before = self._masks[index]
            if masks != before:
                if masks[0] != before[0]:
                    self._row ^= places * (masks[0] ^ before[0])
                if masks[1] != before[1]:
                    self._row_maybe ^= places * (masks[1] ^ before[1])
                self._masks[index] = masks
        return self._row, self._row_maybe
