"""Questions and answers: what can reach what, over every address and port asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from partywall.analysis.network.addresses import V6_START, Cidr, cidr, version
from partywall.analysis.network.model import Interface, Unread
from partywall.analysis.network.sets import (
    FAMILY,
    FULL,
    NONE,
    PORTED,
    Flows,
    Spans,
    cross,
    services,
    services_of,
    spans,
)
from partywall.analysis.network.steps import Kind, Outcome, Step, blocks, doubts
from partywall.analysis.network.walk_gateways import RFC1918, RFC6598
from partywall.analysis.network.ways import Goal, Origin, Trace, trace
from partywall.analysis.network.world import World

# IANA's special-purpose registries: addresses that no packet of the internet comes from or goes to.
_NOT_INTERNET: Final = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3"
)
_V4: Final = Spans(((0, (1 << 32) - 1),))
_V6: Final = Spans(((V6_START, V6_START + (1 << 128) - 1),))
_DOCUMENTATION: Final = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")


def addresses_of(cidrs: Iterable[Cidr]) -> Spans:
    """The addresses of some prefixes, on the axis of both families."""
    return spans((each.first, each.last) for each in cidrs)


# Documentation's own prefixes stay in, since examples are written with them.
_RESERVED: Final = addresses_of(cidr(each) for each in _NOT_INTERNET.split() if each not in _DOCUMENTATION)
_PRIVATE: Final = addresses_of((*RFC1918, RFC6598))
INTERNET: Final = (_V4 - _RESERVED) | addresses_of([cidr("2000::/3")])
"""Addresses of the internet, both families."""


@dataclass(frozen=True, slots=True)
class Place:
    """One end of a question.

    `kind` is interface (`id`), internet, outside (another network of the customer, by gateway or attachment
    `id`; "" any), service (an AWS service by gateway endpoint) or address (whatever has it). `addresses`
    narrows it; None is all that the place can have.
    """

    kind: str
    id: str = ""
    addresses: Spans | None = None

    @staticmethod
    def interface(id: str, addresses: Spans | None = None) -> Place:
        """An elastic network interface by id."""
        return Place("interface", id, addresses)

    @staticmethod
    def internet(*cidrs: Cidr) -> Place:
        """The internet, or some prefixes of it."""
        return Place("internet", "", addresses_of(cidrs) if cidrs else None)

    @staticmethod
    def outside(id: str = "", *cidrs: Cidr) -> Place:
        """Another network, by a virtual private gateway, a transit gateway attachment or a local gateway."""
        return Place("outside", id, addresses_of(cidrs) if cidrs else None)

    @staticmethod
    def address(*cidrs: Cidr) -> Place:
        """Addresses, whatever has them (destinations only)."""
        return Place("address", "", addresses_of(cidrs))


@dataclass(frozen=True, slots=True)
class Ask:
    """Which packets are asked for. `protocol` None is all; ports are destination ports (ICMP: types)."""

    protocol: int | None = None
    ports: tuple[int, int] | None = None
    source_ports: tuple[int, int] | None = None

    @property
    def flows(self) -> Flows:
        """The flows asked for."""
        if self.protocol is None:
            return ((FULL, FULL),)
        if self.ports is None:
            there = services(self.protocol)
        elif self.protocol in (1, 58):
            there = spans(
                pair
                for each in range(self.ports[0], self.ports[1] + 1)
                for pair in services(self.protocol, each)
            )
        else:
            there = services(self.protocol, *self.ports)
        back = FULL
        if self.source_ports is not None and self.protocol in (6, 17):
            back = services(self.protocol, *self.source_ports) | (FULL - PORTED)
        return ((there, back),)


@dataclass(slots=True)
class Cell:
    """A set of source addresses and of destination addresses between which every flow fares alike."""

    source: Spans
    destination: Spans
    trace: Trace
    sure: Flows
    """Of what was asked, what surely passes."""
    maybe: Flows


@dataclass
class Answer:
    """What of a question is so. `cells` cover every pair of addresses asked for."""

    source: Place
    target: Place
    ask: Ask
    cells: list[Cell]
    missing: tuple[Unread, ...] = ()
    """Calls for lack of which there is no cell to look at."""
    absent: tuple[Step, ...] = ()
    """Why there is no cell to look at, where that is known."""

    @cached_property
    def outcome(self) -> Outcome:
        """Reachable if some flow asked for surely passes; not reachable if none may; else unknown."""
        if any(each.sure for each in self.cells):
            return Outcome.REACHABLE
        if self.missing or any(each.maybe for each in self.cells):
            return Outcome.UNKNOWN
        return Outcome.NOT_REACHABLE

    @property
    def services(self) -> Spans:
        """Protocols and destination ports of which some flow surely passes."""
        found = Spans(())
        for each in self.cells:
            found = found | services_of(each.sure)
        return found

    @property
    def possible(self) -> Spans:
        """Protocols and destination ports of which some flow may pass."""
        found = Spans(())
        for each in self.cells:
            found = found | services_of(each.maybe)
        return found

    @property
    def best(self) -> Cell | None:
        """The cell that shows the outcome: the widest that passes, else one that may, else the first."""
        if not self.cells:
            return None
        rank = [(bool(each.sure), bool(each.maybe), each.source.count) for each in self.cells]
        return self.cells[rank.index(max(rank))]

    @property
    def path(self) -> list[Step]:
        """There and back, hop by hop, where it is reachable."""
        best = self.best
        return best.trace.steps if best is not None and best.sure else []

    @property
    def blockers(self) -> list[Step]:
        """Everything that stops what was asked, each once, where it is not reachable."""
        if self.outcome is not Outcome.NOT_REACHABLE:
            return []
        found: dict[tuple[str, str, bool, bool, str], Step] = {}
        for cell in self.cells:
            asked = asked_of(self.ask, cell.source)
            if not asked:
                # The other family's own protocol: no packet of this one is asked for.
                continue
            coded = [step for step in cell.trace.steps if step.code]
            stopped = [step for step in coded if blocks(step, seen_by(step, asked))]
            # Where each lets something through, it is what they leave together that is nothing.
            for step in stopped or [s for s in coded if not passes_all(s, seen_by(s, asked))]:
                key = (step.component, step.code, step.reply, step.egress, step.holder)
                found.setdefault(key, step)
        return list(found.values()) or list(self.absent) or [_no_path(self.source, self.target)]

    @property
    def unread(self) -> tuple[Unread, ...]:
        """The calls for lack of which it is not known."""
        if self.outcome is not Outcome.UNKNOWN:
            return ()
        found = list(self.missing)
        for cell in self.cells:
            if cell.maybe:
                asked = asked_of(self.ask, cell.source)
                found.extend(
                    each
                    for step in cell.trace.steps
                    if doubts(step, seen_by(step, asked))
                    for each in step.unread
                )
        return tuple(dict.fromkeys(found))


def asked_of(ask: Ask, source: Spans) -> Flows:
    """What is asked for, of the family of some addresses."""
    family = FAMILY[version(source.spans[0][0])] if source else FULL
    return cross(ask.flows, ((family, FULL),))


def seen_by(step: Step, asked: Flows) -> Flows:
    """What is asked for as a step sees it: past a NAT gateway, source ports are the gateway's own."""
    return tuple((there, FULL) for there, _ in asked) if step.remapped else asked


def passes_all(step: Step, asked: Flows) -> bool:
    """Whether a step may let through all that was asked."""
    return cross(step.maybe, asked) == asked


def _no_path(source: Place, target: Place) -> Step:
    """No address of one end could send to any of the other: families, or what was asked, do not meet."""
    return Step(Kind.INTERFACE, target.id or source.id or target.kind, False, 0, 0, NONE, NONE, "NO_PATH")


def internet_of(world: World, vpc: str) -> Spans:
    """Addresses of the internet as a VPC sees it: its own prefixes are not among them."""
    held = world.vpcs.get(vpc)
    return INTERNET - addresses_of(held.cidrs) if held else INTERNET


def own_addresses(interface: Interface) -> Spans:
    """Every address that an interface sends from: private ones of both families, delegated prefixes."""
    found = [(each.private, each.private) for each in interface.addresses]
    found += [(each, each) for each in interface.ipv6]
    found += [(each.first, each.last) for each in interface.prefixes]
    return spans(found)


def public_addresses(interface: Interface) -> Spans:
    """The addresses by which the internet can know an interface."""
    found = [(each.public, each.public) for each in interface.addresses if each.public is not None]
    found += [(each.carrier, each.carrier) for each in interface.addresses if each.carrier is not None]
    found += [(each, each) for each in interface.ipv6]
    return spans(found)


def _known_addresses(interface: Interface) -> Spans:
    """Of each family, the addresses by which the internet can know an interface, else its private ones.

    Without a public address, the private one shows what stops packets.
    """
    public, own = public_addresses(interface), own_addresses(interface)
    return (public & _V4 or own & _V4) | (public & _V6 or own & _V6)


def path(world: World, source: Place, target: Place, ask: Ask = Ask()) -> Answer:
    """Whether, how and in which packets one place can reach another.

    Every address of both is covered. A place that is not in the network makes the answer unknown where its
    listing did not answer, and not reachable where it did.
    """
    cells: list[Cell] = []
    missing: list[Unread] = []
    for origin, sources, goal, targets in _legs(world, source, target, missing):
        cells.extend(cover(world, origin, sources, goal, targets, ask, explain=True))
    absent = tuple(
        Step(Kind.INTERFACE, each.id, False, 0, 0, NONE, NONE, "NO_SOURCE_OR_DESTINATION")
        for each in (source, target)
        if each.kind == "interface" and each.id not in world.interfaces
    )
    return Answer(source, target, ask, cells, tuple(dict.fromkeys(missing)), absent)


def cover(
    world: World,
    origin: Origin,
    sources: Spans,
    goal: Goal,
    targets: Spans,
    ask: Ask,
    explain: bool = False,
) -> Iterator[Cell]:
    """The cells of every pair of a source and a destination address of one family."""
    for family in (_V4, _V6):
        left = [(sources & family, targets & family)]
        while left:
            here, there = left.pop()
            if not here or not there:
                continue
            found = trace(world, origin, here.spans[0][0], there.spans[0][0], goal, explain=explain)
            own, theirs = Spans((found.source,)), Spans((found.destination,))
            cell_here, cell_there = here & own, there & theirs
            asked = asked_of(ask, cell_here)
            yield Cell(cell_here, cell_there, found, cross(found.sure, asked), cross(found.maybe, asked))
            left.append((here - own, there))
            left.append((cell_here, there - theirs))


def _legs(
    world: World, source: Place, target: Place, missing: list[Unread]
) -> Iterator[tuple[Origin, Spans, Goal, Spans]]:
    goal = Goal("any" if target.kind == "address" else target.kind, target.id)
    for origin, sources in _origins(world, source, target, missing):
        if target.kind == "interface":
            there = world.interfaces.get(target.id)
            if there is None:
                missing.extend(world.network.unlisted("interfaces"))
                continue
            if origin.kind == "internet":
                if origin.vpc != there.vpc:
                    continue
                found = _known_addresses(there)
            elif origin.kind == "interface":
                found = own_addresses(there) | public_addresses(there)
            else:
                found = own_addresses(there)
            yield origin, sources, goal, found if target.addresses is None else found & target.addresses
        elif target.addresses is not None:
            yield origin, sources, goal, target.addresses
        elif target.kind == "internet":
            here = world.interfaces.get(origin.id)
            yield origin, sources, goal, internet_of(world, here.vpc if here else origin.vpc)
        else:
            yield origin, sources, goal, _V4 | _V6


def _origins(
    world: World, source: Place, target: Place, missing: list[Unread]
) -> Iterator[tuple[Origin, Spans]]:
    if source.kind == "interface":
        interface = world.interfaces.get(source.id)
        if interface is None:
            missing.extend(world.network.unlisted("interfaces"))
            return
        own = own_addresses(interface)
        yield Origin("interface", source.id), own if source.addresses is None else own & source.addresses
    elif source.kind == "internet":
        there = world.interfaces.get(target.id)
        region = there.region if there else ""
        missing.extend(world.network.unlisted("internet_gateways", "", region))
        network = world.network
        gateways = [
            Origin("internet", gateway.id, vpc)
            for gateway in (*network.internet_gateways, *network.carrier_gateways)
            for vpc in gateway.vpcs
        ]
        if there is not None and not missing and all(each.vpc != there.vpc for each in gateways):
            gateways.append(Origin("internet", "", there.vpc))
        for each in gateways:
            if source.addresses is None:
                yield each, internet_of(world, each.vpc)
                continue
            # Private addresses fare otherwise at the gateway: each kind by itself.
            yield each, source.addresses - _PRIVATE
            yield each, source.addresses & _PRIVATE
    elif source.kind == "outside":
        addresses = _V4 | _V6 if source.addresses is None else source.addresses
        clients = world.network.index["client_vpns"]
        for origin in outside_origins(world, source.id, missing):
            block = clients[origin.via].cidr if origin.via else None
            yield origin, addresses if block is None else addresses & addresses_of([block])


def outside_origins(world: World, id: str, missing: list[Unread]) -> Iterator[Origin]:
    """Every way in from other networks, or those of one gateway, connection or attachment."""
    network = world.network
    for kind, field in (("vpn-gateway", "vpn_gateways"), ("local-gateway", "local_gateways")):
        missing.extend(network.unlisted(field))
        for gateway in getattr(network, field):
            links = {each.id for each in network.vpn_connections if each.gateway == gateway.id}
            if id in ("", gateway.id) or id in links:
                for vpc in gateway.vpcs:
                    yield Origin(kind, gateway.id, vpc)
    if id.startswith("vpn-") and id not in network.index["vpn_connections"]:
        missing.extend(network.unlisted("vpn_connections"))
    missing.extend(network.unlisted("client_vpns"))
    for held in network.client_vpns:
        if id not in ("", held.id):
            continue
        if held.subnets is None:
            missing.extend(network.blame("client_vpns", held.id, held.account, held.region))
        for subnet in held.subnets or ():
            end = world.client_vpn_ends.get((held.id, subnet))
            if end is None:
                missing.extend(network.blame("subnets", subnet, held.account, held.region))
            else:
                yield Origin("interface", end.id, via=held.id)
    missing.extend(network.unlisted("transit_gateway_attachments"))
    for each in network.transit_gateway_attachments:
        if each.kind in ("vpn", "direct-connect-gateway", "connect") and id in ("", each.id, each.resource):
            yield Origin("attachment", each.id, "", each.transit_gateway)
