"""Client VPN: what an endpoint's own rules and routes let its clients send, and where it comes out.

AWS Client VPN Administrator Guide, "How AWS Client VPN works" and "Authorization rules": clients come out of
the endpoint's interfaces in its target subnets, by whose addresses others know them; the most specific
authorization rule decides, and what none names is denied; a route must lead to the subnet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.cells import Point
from partywall.analysis.network.model import ClientVpn, Interface, Network, PrivateAddress
from partywall.analysis.network.sets import ALL, NONE
from partywall.analysis.network.steps import Kind

if TYPE_CHECKING:
    from partywall.analysis.network.walk import Walk

_STATES: Final = ("available", "associated")


def ends(network: Network) -> dict[tuple[str, str], Interface]:
    """(endpoint, target subnet) -> its interface there: the listed one, else one that stands for it."""
    found: dict[tuple[str, str], Interface] = {}
    taken = {(each.vpc, each_.private) for each in network.interfaces for each_ in each.addresses}
    for held in network.client_vpns:
        for subnet in held.subnets or ():
            listed = next(
                (
                    each
                    for each in network.interfaces
                    if each.subnet == subnet
                    and each.addresses
                    and (each.owner == held.id or "ClientVPN" in each.description.replace(" ", ""))
                    and each.groups == held.groups
                ),
                None,
            )
            made = listed or _made(network, held, subnet, taken)
            if made is not None:
                found[held.id, subnet] = made
    return found


def _made(network: Network, held: ClientVpn, subnet: str, taken: set[tuple[str, int]]) -> Interface | None:
    there = network.index["subnets"].get(subnet)
    block = next((each for each in there.cidrs if each.version == 4), None) if there is not None else None
    if there is None or block is None:
        return None
    # AWS keeps the first four addresses of a subnet and the last one for itself.
    free = (at for at in range(block.last - 1, block.first + 3, -1) if (there.vpc, at) not in taken)
    address = next(free, None)
    if address is None:
        return None
    taken.add((there.vpc, address))
    return Interface(
        f"{held.id}/{subnet}",
        there.account,
        there.region,
        there.vpc,
        subnet,
        (PrivateAddress(address),),
        groups=held.groups,
        owner=held.id,
    )


def authorize(walk: Walk, held: ClientVpn, end: Interface) -> None:
    """Pass an endpoint on the way in: its state, its authorization rules, its routes to this subnet."""
    where = (end.vpc, end.subnet)
    if held.state not in _STATES:
        walk.stop(Kind.CLIENT_VPN, held.id, "BAD_STATE", *where)
    blamed = walk.world.network.blame("client_vpns", held.id, held.account, held.region)
    if held.rules is None:
        walk.note(Kind.CLIENT_VPN, held.id, NONE, ALL, "NO_PATH", *where, unread=blamed)
    elif not _covers(walk.destination, (each.destination for each in held.rules if each.state == "active")):
        walk.stop(Kind.CLIENT_VPN, held.id, "NO_PATH", *where)
    if held.routes is None:
        walk.note(Kind.CLIENT_VPN, held.id, NONE, ALL, "NO_ROUTE_TO_DESTINATION", *where, unread=blamed)
    elif not _leads(walk.destination, held, end.subnet):
        walk.stop(Kind.CLIENT_VPN, held.id, "NO_ROUTE_TO_DESTINATION", *where)
    walk.note(Kind.CLIENT_VPN, held.id, vpc=end.vpc, subnet=end.subnet)
    walk.source = Point(end.addresses[0].private)


def _covers(destination: Point, cidrs: Iterable[Cidr]) -> bool:
    # Some client is let through by any rule, one for a group of users, too.
    return any(destination.within(each) for each in cidrs)


def _leads(destination: Point, held: ClientVpn, subnet: str) -> bool:
    best = -1
    leads = False
    for cidr, target in held.routes or ():
        if destination.within(cidr) and cidr.length >= best:
            leads = (leads and cidr.length == best) or target == subnet
            best = cidr.length
    return leads
