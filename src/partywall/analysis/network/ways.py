"""One flow from end to end: its first packet there, through address translation, and its replies back."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from partywall.analysis.network.addresses import version
from partywall.analysis.network.cells import Point
from partywall.analysis.network.client_vpn import authorize
from partywall.analysis.network.links import working
from partywall.analysis.network.model import NatGateway, Unread
from partywall.analysis.network.sets import ALL, FULL, PORTED, Flows, Product, cross, services, spans
from partywall.analysis.network.steps import End, Kind, Step, flows_of
from partywall.analysis.network.walk import OWN_SERVICES, Walk
from partywall.analysis.network.walk_gateways import (
    NAT64,
    from_carrier,
    from_internet,
    from_local_gateway,
    from_vpn_gateway,
    to_internet,
)
from partywall.analysis.network.walk_transit import transit

if TYPE_CHECKING:
    from partywall.analysis.network.world import World

# VPC User Guide, "NAT gateway basics": a NAT gateway uses ports 1024 to 65535.
_NAT_PORTS: Final = spans(pair for number in (6, 17) for pair in services(number, 1024, 65535))
_SEGMENTS: Final = 6
_HOMES: Final = {"vpn-gateway": "outside", "attachment": "outside", "local-gateway": "outside"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where packets start: interface, internet, vpn-gateway, attachment, local-gateway, nat or service."""

    kind: str
    id: str
    vpc: str = ""
    """Of gateways: the VPC they lead into."""
    transit_gateway: str = ""
    via: str = ""
    """Of an interface: the Client VPN endpoint whose clients come out of it."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Where packets are to arrive: `kind` as of `End` (interface, internet, outside, service) or any."""

    kind: str = "any"
    id: str = ""


@dataclass(slots=True)
class Trace:
    """What one flow meets, and the spans of source and destination addresses of which the same is true."""

    steps: list[Step]
    sure: Flows
    maybe: Flows
    end: End
    source: tuple[int, int]
    destination: tuple[int, int]
    kept: bool | None = False
    """Whether group references match over this way, for group rules that were left out."""
    kept_egress: bool | None = False
    kept_unread: tuple[Unread, ...] = ()
    """For lack of which that is not known."""


@dataclass(slots=True)
class _Segment:
    """A stretch on which addresses stay as they are (but for the internet gateway's own mapping)."""

    origin: Origin
    walk: Walk
    end: End
    source: Point
    destination: Point
    replies: list[Step] = field(default_factory=list[Step])


def trace(
    world: World,
    origin: Origin,
    source: int,
    destination: int,
    goal: Goal,
    groups: bool = True,
    explain: bool = False,
) -> Trace:
    """Follow the flow between two addresses of the axis.

    `groups` False leaves the security groups of both ends out; `explain` follows a packet that is lost
    further, so that everything that would stop it is found.
    """
    narrow_source = Point(source, 0, 1 << 130)
    narrow_destination = Point(destination, 0, 1 << 130)
    segments = _there(world, origin, narrow_source, narrow_destination, goal)
    last = segments[-1]
    end = last.end
    arrived = _arrived(end, goal)
    if end.kind not in ("lost", "unknown"):
        if not arrived:
            last.walk.stop(Kind.INTERFACE, end.id, "NO_POSSIBLE_DESTINATION", end.vpc)
        _back(world, segments)
    single = len(segments) == 1
    kept, kept_egress = _kept(world, origin, segments, goal, single)
    if groups:
        _groups(world, origin, goal, segments, kept, kept_egress, explain)
    if explain and end.kind == "lost" and goal.kind == "interface" and single:
        _lost_back(world, origin, segments[0], goal)
    for each in segments:
        if each.origin.kind == "nat":
            for step in (*each.walk.steps, *each.replies):
                step.remapped = True
    sure, maybe = _combined(segments)
    for before, after in pairwise(segments):
        if after.destination is not before.destination and after.origin.kind == "nat":
            low, high = after.destination.low, after.destination.high
            before.destination.narrow(NAT64.first + low, NAT64.first + high)
    steps = [step for each in segments for step in each.walk.steps]
    steps += [step for each in reversed(segments) for step in each.replies]
    return Trace(
        steps,
        sure,
        maybe,
        end,
        (narrow_source.low, narrow_source.high),
        (narrow_destination.low, narrow_destination.high),
        kept,
        kept_egress,
    )


def trace_subnets(world: World, source_subnet: str, subnet: str, source: int, destination: int) -> Trace:
    """Follow a flow between two subnets, whoever is there: security groups aside."""
    points = Point(source, 0, 1 << 130), Point(destination, 0, 1 << 130)
    there = Walk(world, *points)
    there.to_subnets = True
    there.zone = world.subnets[source_subnet].zone if source_subnet in world.subnets else ""
    end = _leave(there, source_subnet)
    steps = there.steps
    if end.kind == "subnet" and end.id == subnet:
        back = Walk(world, points[1], points[0], is_reply=True)
        back.to_subnets = True
        back.zone = world.subnets[subnet].zone
        back.seen_firewalls, back.appliance_zones = there.firewalls, there.appliance_zones
        home = _leave(back, subnet)
        if home.kind not in ("lost", "unknown") and (home.kind, home.id) != ("subnet", source_subnet):
            back.stop(Kind.INTERFACE, home.id, "NO_POSSIBLE_DESTINATION", home.vpc)
        steps = [*steps, *back.steps]
    elif end.kind not in ("lost", "unknown"):
        there.stop(Kind.INTERFACE, end.id, "NO_POSSIBLE_DESTINATION", end.vpc)
    sure, maybe = flows_of(steps)
    kept, kept_egress = (None, None) if end.kind == "unknown" else (there.kept, there.kept_egress)
    return Trace(
        steps,
        sure,
        maybe,
        end,
        (points[0].low, points[0].high),
        (points[1].low, points[1].high),
        kept,
        kept_egress,
        there.kept_unread,
    )


def _leave(walk: Walk, subnet: str) -> End:
    held = walk.world.subnets.get(subnet)
    if held is None:
        return walk.unknown(Kind.INTERFACE, subnet, walk.world.network.blame("subnets", subnet))
    return walk.leave(held)


def start(walk: Walk, origin: Origin) -> End:
    """Send the walk's packet on its way from where it starts."""
    world = walk.world
    if origin.kind == "interface":
        interface = world.interfaces.get(origin.id)
        if interface is None:
            return walk.unknown(Kind.INTERFACE, origin.id, world.network.blame("interfaces", origin.id))
        if origin.via and not walk.is_reply:
            authorize(walk, world.network.index["client_vpns"][origin.via], interface)
        return walk.go_from(interface)
    if origin.kind == "nat":
        return _from_nat(walk, origin)
    if origin.kind == "attachment":
        attachment = world.attachments.get((origin.transit_gateway, origin.id))
        if attachment is None:
            blamed = world.network.blame("transit_gateway_attachments", origin.id)
            return walk.unknown(Kind.TRANSIT_GATEWAY_ATTACHMENT, origin.id, blamed)
        walk.discard(Kind.TRANSIT_GATEWAY, attachment.transit_gateway)
        if not walk.is_reply:
            working(walk, attachment.resource, None, attachment.transit_gateway)
        return transit(walk, attachment)
    vpc = world.vpcs.get(origin.vpc)
    if vpc is None:
        return walk.unknown(Kind.VPC, origin.vpc, world.network.blame("vpcs", origin.vpc), origin.vpc)
    if origin.kind == "service":
        return walk.deliver(vpc, None)
    if origin.kind == "vpn-gateway":
        return from_vpn_gateway(walk, origin.id, vpc)
    if origin.kind == "local-gateway":
        return from_local_gateway(walk, origin.id, vpc)
    walk.discard(Kind.INTERNET_GATEWAY, origin.id)
    if not origin.id:
        walk.stop(Kind.VPC, vpc.id, "NO_PATH", vpc.id)
        place = world.public.get(walk.destination.value)
        if place is not None and place[0].vpc == vpc.id:
            walk.destination = Point(place[1])
        return walk.deliver(vpc, None)
    if origin.id.startswith("cagw-"):
        return from_carrier(walk, origin.id, vpc)
    return from_internet(walk, origin.id, vpc)


def _from_nat(walk: Walk, origin: Origin) -> End:
    world = walk.world
    nat: NatGateway = world.network.index["nat_gateways"][origin.id]
    vpc = world.vpcs[nat.vpc]
    if not walk.is_reply:
        walk.nat = nat
    if nat.regional:
        if walk.is_reply:
            return walk.deliver(vpc, None)
        gateway = next((each for each in world.network.internet_gateways if vpc.id in each.vpcs), None)
        if gateway is None:
            blamed = world.network.unlisted("internet_gateways", vpc.account, vpc.region)
            if blamed:
                return walk.unknown(Kind.NAT_GATEWAY, nat.id, blamed, vpc.id)
            return walk.lost(Kind.NAT_GATEWAY, nat.id, "NO_ROUTE_TO_DESTINATION", vpc.id)
        return to_internet(walk, gateway.id, vpc, None)
    return walk.leave(world.subnets[nat.subnet])


def _there(world: World, origin: Origin, source: Point, destination: Point, goal: Goal) -> list[_Segment]:
    segments: list[_Segment] = []
    here, from_, to = origin, source, destination
    while True:
        walk = Walk(world, from_, to)
        end = start(walk, here)
        segments.append(_Segment(here, walk, end, from_, to))
        if len(segments) == _SEGMENTS:
            return segments
        if end.kind == "nat":
            nat: NatGateway = world.network.index["nat_gateways"][end.id]
            private = next((each.private for each in nat.addresses if each.private is not None), None)
            if private is None and not nat.regional:
                blamed = world.network.blame("nat_gateways", nat.id)
                segments[-1].end = walk.unknown(Kind.NAT_GATEWAY, nat.id, blamed, nat.vpc)
                return segments
            # A regional NAT gateway's private addresses are AWS's own business.
            here, from_ = Origin("nat", nat.id, nat.vpc), Point(private if private is not None else 0)
            if to.within(NAT64):
                to = Point(to.value - NAT64.first, 0, (1 << 32) - 1)
            continue
        if end.kind == "internet" and goal.kind == "interface":
            place = _public_place(world, to, goal)
            if place is not None:
                here, from_ = place, Point(end.source.value, end.source.low, end.source.high)
                continue
        return segments


def _public_place(world: World, destination: Point, goal: Goal) -> Origin | None:
    """The internet gateway through which the internet reaches the goal at this address."""
    held = world.public.get(destination.value)
    interface = held[0] if held else world.interfaces.get(goal.id)
    if (
        interface is None
        or interface.id != goal.id
        or (held is None and destination.value not in interface.ipv6)
    ):
        return None
    gateway = next((each for each in world.network.internet_gateways if interface.vpc in each.vpcs), None)
    return Origin("internet", gateway.id, interface.vpc) if gateway else None


def _arrived(end: End, goal: Goal) -> bool:
    return (goal.kind == "any" and end.kind != "nat") or (end.kind == goal.kind and goal.id in ("", end.id))


def _origin_of(end: End, walk: Walk) -> Origin:
    if end.kind == "outside":
        if end.id.startswith("vgw-"):
            return Origin("vpn-gateway", end.id, end.vpc)
        if end.id.startswith("lgw-"):
            return Origin("local-gateway", end.id, end.vpc)
        gateway = next((s.holder for s in reversed(walk.steps) if s.component == end.id and s.holder), "")
        return Origin("attachment", end.id, "", gateway)
    return Origin(end.kind, end.id, end.vpc)


def _back(world: World, segments: list[_Segment]) -> None:
    for each in reversed(segments):
        if each.end.kind == "service" and each.end.id in OWN_SERVICES:
            continue
        # The addresses as they are at the far end: gateways have put public for private ones, and back.
        walk = Walk(world, each.walk.destination, each.walk.source, is_reply=True)
        walk.seen_firewalls, walk.appliance_zones = each.walk.firewalls, each.walk.appliance_zones
        walk.nat = (
            world.network.index["nat_gateways"].get(each.origin.id) if each.origin.kind == "nat" else None
        )
        end = start(walk, _origin_of(each.end, each.walk))
        each.replies = walk.steps
        if end.kind in ("lost", "unknown"):
            continue
        here = each.origin
        home = _HOMES.get(here.kind, here.kind)
        if end.kind != home or (end.id != here.id and home != "outside"):
            walk.stop(Kind.INTERFACE, end.id, "NO_POSSIBLE_DESTINATION", end.vpc)


def _lost_back(world: World, origin: Origin, segment: _Segment, goal: Goal) -> None:
    walk = Walk(world, Point(segment.destination.value), Point(segment.source.value), is_reply=True)
    end = start(walk, Origin("interface", goal.id))
    segment.replies = walk.steps
    home = _HOMES.get(origin.kind, origin.kind)
    if end.kind not in ("lost", "unknown", home):
        walk.stop(Kind.INTERFACE, end.id, "NO_POSSIBLE_DESTINATION", end.vpc)


def _kept(
    world: World, origin: Origin, segments: list[_Segment], goal: Goal, single: bool
) -> tuple[bool | None, bool | None]:
    """Whether references to groups match at the far end, and at the near one."""
    end, walk = segments[-1].end, segments[-1].walk
    if end.kind == "unknown":
        return None, None
    if end.kind == "lost":
        return (None, None) if goal.kind == "interface" else (False, False)
    if origin.kind != "interface" or end.kind != "interface" or not single:
        return False, False
    return walk.kept, walk.kept_egress


def _groups(
    world: World,
    origin: Origin,
    goal: Goal,
    segments: list[_Segment],
    kept: bool | None,
    kept_egress: bool | None,
    explain: bool,
) -> None:
    end, last = segments[-1].end, segments[-1].walk
    near = world.interfaces.get(origin.id) if origin.kind == "interface" else None
    single = len(segments) == 1
    far = world.interfaces.get(end.id if end.kind == "interface" else goal.id)
    unfiltered = _unfiltered(segments[0].destination.value, end)
    if near is not None and unfiltered is not True:
        first, to = segments[0].walk, segments[0].destination
        remote_groups = None if far is None or far.groups is None else frozenset(far.groups)
        if not single:
            last.discard(*_translator(segments[0]))
        judge = Walk(world, Point(first.source.value if origin.via else segments[0].source.value), to)
        judge.discarded, judge.kept_unread = last.discarded, last.kept_unread
        step = judge.group(near, True, to, remote_groups, kept_egress)
        if step is not None:
            if unfiltered is None:
                # Perhaps Amazon's resolver, which no group filters.
                step.maybe, step.unread = ALL, first.steps[-1].unread
            at = next((i + 1 for i, s in enumerate(first.steps) if s.component == near.id), 0)
            first.steps.insert(at, step)
    if far is None:
        return
    if end.kind == "interface":
        remote_groups = None if near is None or near.groups is None else frozenset(near.groups)
        last.group(far, False, last.source, remote_groups, kept)
    elif end.kind == "lost" and explain:
        there = world.subnets.get(far.subnet)
        if there is not None and (near is None or near.subnet != far.subnet):
            last.acl(there, egress=False)
        remote_groups = None if near is None or near.groups is None else frozenset(near.groups)
        last.group(far, False, last.source, remote_groups, None)
    elif end.kind == "unknown":
        # Whatever address it arrives from: a group that lets nothing in stops it all the same.
        last.group(far, False, None, None, None)


def _unfiltered(destination: int, end: End) -> bool | None:
    """Whether a destination is one of AWS's own services, which groups do not filter; None: perhaps."""
    if end.kind == "service" and end.id in OWN_SERVICES:
        return True
    if end.kind != "unknown":
        return False
    if any(destination in block for those in OWN_SERVICES.values() for block in those):
        return True
    # The third address of a VPC's block, none of which is smaller than a /28.
    return None if version(destination) == 4 and destination % 16 == 2 else False


def _translator(segment: _Segment) -> tuple[Kind, str]:
    kind = Kind.NAT_GATEWAY if segment.end.kind == "nat" else Kind.INTERNET_GATEWAY
    return kind, segment.end.id


def _combined(segments: list[_Segment]) -> tuple[Flows, Flows]:
    sure = maybe = ALL
    for each in reversed(segments):
        if each is not segments[-1] and each.end.kind == "nat":
            sure, maybe = _remapped(sure), _remapped(maybe)
        own_sure, own_maybe = flows_of(each.walk.steps)
        back_sure, back_maybe = flows_of(each.replies)
        sure = cross(cross(sure, own_sure), back_sure)
        maybe = cross(cross(maybe, own_maybe), back_maybe)
    return sure, maybe


def _remapped(flows: Flows) -> Flows:
    """Flows before a NAT gateway, which picks a source port of its own for each."""
    found: list[Product] = []
    for there, back in flows:
        for number in (6, 17):
            one = there & services(number)
            if one and back & services(number) & _NAT_PORTS:
                found.append((one, FULL))
        if rest := there - PORTED:
            found.append((rest, FULL))
    if len(found) == 3 and all(back is FULL for _, back in found):
        whole = found[0][0] | found[1][0] | found[2][0]
        return ((whole, FULL),)
    return tuple(found)
