"""Following one packet through transit gateways: attachments, route tables, peering, appliance mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partywall.analysis.network.addresses import version
from partywall.analysis.network.links import up, working
from partywall.analysis.network.model import Subnet, TransitGatewayAttachment, Unread, Vpc
from partywall.analysis.network.sets import NONE
from partywall.analysis.network.steps import End, Kind
from partywall.analysis.network.walk import Walk
from partywall.analysis.network.walk_gateways import OPEN

if TYPE_CHECKING:
    from partywall.analysis.network.world import Blamed


def _and(one: bool | None, two: bool | None) -> bool | None:
    return False if one is False or two is False else None if one is None or two is None else True


def to_transit_gateway(walk: Walk, target: str, vpc: Vpc, subnet: Subnet | None) -> End:
    """From a VPC to a transit gateway, by the attachment's interface in the zone of the packet's subnet."""
    world = walk.world
    attachment = world.vpc_attachment(target, vpc.id)
    if attachment is None:
        blamed = world.network.unlisted("transit_gateway_attachments", "", vpc.region)
        if blamed:
            return walk.unknown(Kind.TRANSIT_GATEWAY, target, blamed, vpc.id)
        return walk.lost(Kind.TRANSIT_GATEWAY, target, "BAD_STATE_ATTACHMENT", vpc.id)
    if attachment.state not in OPEN:
        walk.stop(
            Kind.TRANSIT_GATEWAY_ATTACHMENT, attachment.id, "BAD_STATE_ATTACHMENT", vpc.id, holder=target
        )
    if attachment.subnets is None:
        blamed = world.network.blame(
            "transit_gateway_attachments", attachment.id, attachment.account, attachment.region
        )
        return walk.unknown(Kind.TRANSIT_GATEWAY_ATTACHMENT, attachment.id, blamed, vpc.id)
    there = [each for id in attachment.subnets if (each := world.subnets.get(id)) is not None]
    if len(there) < len(attachment.subnets):
        missing = next(id for id in attachment.subnets if id not in world.subnets)
        blamed = world.network.blame("subnets", missing, attachment.account, attachment.region)
        return walk.unknown(Kind.TRANSIT_GATEWAY_ATTACHMENT, attachment.id, blamed, vpc.id)
    near = [each for each in there if subnet is None or each.zone == subnet.zone]
    if not near:
        return walk.lost(
            Kind.TRANSIT_GATEWAY, target, "TGW_ROUTE_AZ_RESTRICTION", vpc.id, subnet.id if subnet else ""
        )
    walk.acl(near[0], egress=False)
    walk.zone = walk.zone or near[0].zone
    gateway = world.network.index["transit_gateways"].get(target)
    shares = gateway.sg_referencing if gateway is not None else None
    _shares(walk, attachment, _and(shares, attachment.sg_referencing))
    walk.note(Kind.TRANSIT_GATEWAY_ATTACHMENT, attachment.id, vpc=vpc.id, subnet=near[0].id, holder=target)
    _ipv6(walk, attachment)
    return transit(walk, attachment)


def _shares(walk: Walk, attachment: TransitGatewayAttachment, shares: bool | None) -> None:
    """Transit Gateways, "Security group referencing": inbound rules alone, where both attachments have it."""
    gateway = attachment.transit_gateway
    walk.discard(Kind.TRANSIT_GATEWAY, gateway, egress=True)
    if shares is False:
        walk.discard(Kind.TRANSIT_GATEWAY_ATTACHMENT, attachment.id, "SG_REFERENCING_SUPPORT", egress=False)
    elif shares is None:
        walk.kept = _and(walk.kept, None)
        held = ("transit_gateway_attachments", attachment.id, attachment.account, attachment.region)
        if attachment.sg_referencing is not None:
            held = ("transit_gateways", gateway, "", attachment.region)
        walk.kept_unread = (*walk.kept_unread, *walk.world.network.blame(*held))


def _ipv6(walk: Walk, attachment: TransitGatewayAttachment) -> None:
    if version(walk.destination.value) == 6 and attachment.kind == "vpc" and not attachment.ipv6:
        if attachment.ipv6 is None:
            blamed = walk.world.network.blame(
                "transit_gateway_attachments", attachment.id, attachment.account, attachment.region
            )
            walk.doubt(Kind.TRANSIT_GATEWAY_ATTACHMENT, attachment.id, blamed)
        else:
            walk.stop(Kind.TRANSIT_GATEWAY_ATTACHMENT, attachment.id, "PROTOCOL_RESTRICTION")


def transit(walk: Walk, attachment: TransitGatewayAttachment) -> End:
    """Through a transit gateway, in by an attachment: the table associated with it decides."""
    world, gateway = walk.world, attachment.transit_gateway
    if not walk.visit("transit", attachment.transit_gateway + attachment.id):
        return walk.lost(Kind.TRANSIT_GATEWAY, gateway, "NO_PATH")
    table = world.transit_table(attachment)
    id = world.transit_table_id(attachment)
    if table == "":
        return walk.lost(
            Kind.TRANSIT_GATEWAY_ATTACHMENT,
            attachment.id,
            "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION",
            holder=gateway,
        )
    if isinstance(table, (tuple, str)):
        blamed = table if isinstance(table, tuple) else ()
        return walk.unknown(Kind.TRANSIT_GATEWAY_ROUTE_TABLE, id or attachment.id, blamed)
    taken = table.take(walk.destination)
    if taken.unread:
        return walk.unknown(Kind.TRANSIT_GATEWAY_ROUTE_TABLE, id, taken.unread)
    route = taken.route
    if route is None:
        return walk.lost(
            Kind.TRANSIT_GATEWAY_ROUTE_TABLE, id, "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT", holder=gateway
        )
    step = walk.note(Kind.TRANSIT_GATEWAY_ROUTE_TABLE, id, holder=gateway)
    step.route, step.matched = route, str(taken.matched)
    if route.state == "blackhole" or not route.attachments:
        step.sure = step.maybe = NONE
        step.code = "TGW_RTB_BAD_STATE_ROUTE"
        return End("lost", id, "", walk.source)
    chosen = _one_of(walk, gateway, route.attachments, attachment.region)
    if not isinstance(chosen, str):
        return walk.unknown(Kind.TRANSIT_GATEWAY_ROUTE_TABLE, id, chosen)
    out = world.attachments.get((gateway, chosen))
    if out is None:
        blamed = world.network.blame("transit_gateway_attachments", chosen, "", attachment.region)
        return walk.unknown(Kind.TRANSIT_GATEWAY_ATTACHMENT, chosen, blamed)
    if out.state not in OPEN:
        walk.stop(Kind.TRANSIT_GATEWAY_ATTACHMENT, out.id, "BAD_STATE_ATTACHMENT", holder=gateway)
    if out.kind == "vpc":
        return _into_vpc(walk, out)
    walk.discard(Kind.TRANSIT_GATEWAY, gateway)
    walk.note(Kind.TRANSIT_GATEWAY_ATTACHMENT, out.id, holder=gateway)
    if out.kind == "peering":
        other = world.attachments.get((out.resource, out.id))
        if other is None:
            blamed = world.network.blame("transit_gateway_attachments", out.id)
            return walk.unknown(Kind.TRANSIT_GATEWAY, out.resource, blamed)
        return transit(walk, other)
    if out.kind in ("vpn", "direct-connect-gateway", "connect"):
        working(walk, out.resource, None, gateway)
        return End("outside", out.id, "", walk.source)
    return walk.unknown(
        Kind.TRANSIT_GATEWAY_ATTACHMENT,
        out.id,
        (Unread("transit_gateway_attachments", "", id=out.id, reason=f"{out.kind} is not modelled"),),
    )


def _one_of(walk: Walk, gateway: str, attachments: tuple[str, ...], region: str) -> str | Blamed:
    """Of equal-cost attachments one that works: the others' routes are withdrawn. Else whom to blame."""
    if len(attachments) == 1:
        return attachments[0]
    network = walk.world.network
    working_ones: list[str] = []
    for id in attachments:
        held = walk.world.attachments.get((gateway, id))
        if held is None:
            return network.blame("transit_gateway_attachments", id, "", region)
        works = up(network, held.resource)
        if works is None and held.kind == "vpn":
            return network.unlisted("vpn_connections") or network.blame("vpn_connections", held.resource)
        if held.state in OPEN and works is not False:
            working_ones.append(id)
    return working_ones[0] if working_ones else attachments[0]


def _into_vpc(walk: Walk, out: TransitGatewayAttachment) -> End:
    world = walk.world
    if world.vpcs.get(out.resource) is None:
        blamed = world.network.blame("vpcs", out.resource, out.account, out.region)
        return walk.unknown(Kind.VPC, out.resource, blamed, out.resource)
    subnets = [each for id in out.subnets or () if (each := world.subnets.get(id)) is not None]
    if out.subnets is None or len(subnets) < len(out.subnets):
        missing = next((id for id in out.subnets or () if id not in world.subnets), "")
        lacking = ("subnets", missing) if missing else ("transit_gateway_attachments", out.id)
        blamed = world.network.blame(*lacking, out.account, out.region)
        return walk.unknown(Kind.TRANSIT_GATEWAY_ATTACHMENT, out.id, blamed, out.resource)
    if not subnets:
        return walk.lost(Kind.TRANSIT_GATEWAY_ATTACHMENT, out.id, "BAD_STATE_ATTACHMENT", out.resource)
    # Packets stay in the zone they come from where the attachment has an interface there.
    near = min(subnets, key=lambda each: (each.zone != walk.zone, each.id))
    if out.appliance_mode is not False and len(subnets) > 1:
        near = _appliance_zone(walk, out, near)
    _shares(walk, out, out.sg_referencing)
    walk.entered = "transit"
    walk.zone = near.zone
    _ipv6(walk, out)
    walk.note(
        Kind.TRANSIT_GATEWAY_ATTACHMENT, out.id, vpc=out.resource, subnet=near.id, holder=out.transit_gateway
    )
    return walk.leave(near)


def _appliance_zone(walk: Walk, out: TransitGatewayAttachment, near: Subnet) -> Subnet:
    """Transit Gateways, "Appliance in a shared services VPC": both ways of a flow take the same zone."""
    held = walk.appliance_zones.setdefault(out.id, near)
    if out.appliance_mode is None and held.id != near.id:
        blamed = walk.world.network.blame("transit_gateway_attachments", out.id, out.account, out.region)
        walk.doubt(Kind.TRANSIT_GATEWAY_ATTACHMENT, out.id, blamed, out.resource, near.id)
    return held
