"""Whether what leads to another network works: VPN tunnels, Direct Connect virtual interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partywall.analysis.network.model import Network, Unread, Vpc
from partywall.analysis.network.sets import ALL, NONE
from partywall.analysis.network.steps import Kind

if TYPE_CHECKING:
    from partywall.analysis.network.walk import Walk


def _links(network: Network, end: str) -> list[tuple[str, bool | None]]:
    """VPN connections and virtual interfaces that end at something, and whether each works."""
    found: list[tuple[str, bool | None]] = []
    for each in network.vpn_connections:
        if end in (each.id, each.gateway):
            works = each.state == "available" and (None if each.tunnels_up is None else each.tunnels_up > 0)
            found.append((each.id, works))
    gateways = {end} | {
        each.direct_connect_gateway
        for each in network.direct_connect_associations
        if each.gateway == end and each.state == "associated"
    }
    found.extend(
        (each.id, each.state == "available")
        for each in network.virtual_interfaces
        if each.gateway in gateways
    )
    return found


def up(network: Network, end: str) -> bool | None:
    """Whether some link of a gateway or VPN connection works; None where none is known to, for sure."""
    found = [works for _, works in _links(network, end)]
    return True if any(found) else None if not found or None in found else False


def working(walk: Walk, end: str, vpc: Vpc | None, transit_gateway: str = "") -> None:
    """Record whether a gateway or VPN connection has a link to the other network that is up.

    A gateway of which no link at all is known is taken to end there, as Reachability Analyzer takes it.
    """
    network = walk.world.network
    found = _links(network, end)
    where = vpc.id if vpc else ""
    kind = Kind.VPN_GATEWAY if vpc else Kind.TRANSIT_GATEWAY_ATTACHMENT
    if any(works for _, works in found):
        return
    unread: list[Unread] = []
    for listing in ("vpn_connections", "virtual_interfaces", "direct_connect_associations"):
        unread.extend(network.unlisted(listing, "", vpc.region if vpc else ""))
    for id, works in found:
        if works is None:
            unread.extend(network.blame("vpn_connections", id))
    if unread:
        walk.note(kind, end, NONE, ALL, "BAD_STATE_VPN", where, holder=transit_gateway, unread=tuple(unread))
    elif found:
        walk.stop(kind, end, "BAD_STATE_VPN", where, holder=transit_gateway)
