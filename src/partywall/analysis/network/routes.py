"""Route tables of VPCs and transit gateways, compiled: which route an address takes.

Amazon VPC User Guide, "How route priority works": the longest prefix wins; of equal ones a static
route comes before one of a prefix list and that before a propagated one; the local route comes before
propagated routes even where these are more specific. Amazon VPC Transit Gateways, "Route evaluation order":
the longest prefix, static before prefix list before propagated (VPC, Direct Connect gateway, Connect, VPN).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.cells import Pieces, Point
from partywall.analysis.network.model import (
    Network,
    Route,
    RouteTable,
    TransitGatewayRoute,
    TransitGatewayRouteTable,
    Unread,
)

AnyRoute = TypeVar("AnyRoute", Route, TransitGatewayRoute)
Candidate = tuple[Cidr, int, AnyRoute]
"""A prefix, its rank (lower first) among routes to the same prefix, and the route."""

_PROPAGATED_RANK: Final[Mapping[str, int]] = {
    "vpc": 2,
    "direct-connect-gateway": 3,
    "connect": 4,
    "vpn": 5,
    "peering": 6,
}


_LISTED: Final = 1
"""The rank of routes of prefix lists, after static and before propagated ones."""


@dataclass(frozen=True, slots=True)
class Taken(Generic[AnyRoute]):
    """The route that an address takes (None: there is none) and the prefix of it that matched."""

    route: AnyRoute | None
    matched: Cidr | None = None
    unread: tuple[Unread, ...] = ()
    """Not empty: whether it takes this one or another is not known."""


class Routes(Generic[AnyRoute]):
    """A table's routes by address."""

    def __init__(self, candidates: Iterable[Candidate[AnyRoute]], unread: tuple[Unread, ...]) -> None:
        ordered = sorted(candidates, key=lambda each: (-each[0].length, each[1]))

        def compute(at: int) -> Taken[AnyRoute]:
            for index, (prefix, rank, route) in enumerate(ordered):
                if at in prefix:
                    return Taken(route, prefix, unread or _drawn(route, prefix, rank, ordered[index + 1 :]))
            return Taken(None, None, unread)

        self._pieces = Pieces((each[0] for each in ordered), compute)
        self.candidates = ordered

    def take(self, destination: Point) -> Taken[AnyRoute]:
        """The route to an address, which is narrowed to those that take it too."""
        return self._pieces.at(destination)


def _drawn(
    route: AnyRoute, prefix: Cidr, rank: int, rest: Iterable[Candidate[AnyRoute]]
) -> tuple[Unread, ...]:
    """Of two prefix lists with the same block and different targets, AWS picks one at random."""
    target = getattr(route, "target", "")
    for other_prefix, other_rank, other in rest:
        if (other_prefix, other_rank) != (prefix, rank):
            break
        if rank == _LISTED and target and getattr(other, "target", "") != target:
            reason = f"{prefix} is in {route.prefix_list} and {other.prefix_list}, and AWS picks one"
            return (Unread("route_tables", "", reason=reason),)
    return ()


def vpc_routes(network: Network, table: RouteTable, local: tuple[Cidr, ...]) -> Routes[Route]:
    """A VPC's route table; `local` are the VPC's prefixes, reached by the local route unless replaced."""
    found: list[Candidate[Route]] = []
    unread: list[Unread] = []
    named = {route.destination for route in table.routes or ()}
    for prefix in local:
        if prefix not in named:
            found.append((prefix, 0, Route("local", prefix, origin="CreateRouteTable")))
    for route in table.routes or ():
        if route.prefix_list:
            entries = _entries(network, route.prefix_list, table.account, table.region, unread)
            found.extend((prefix, _LISTED, route) for prefix in entries)
        elif route.destination is not None:
            propagated = route.origin not in ("CreateRoute", "CreateRouteTable")
            if route.origin == "EnableVgwRoutePropagation" and any(
                each.holds(route.destination) for each in local
            ):
                continue
            found.append((route.destination, 2 if propagated else 0, route))
    return Routes(found, tuple(dict.fromkeys(unread)))


def transit_routes(
    network: Network, table: TransitGatewayRouteTable, kinds: Mapping[str, str]
) -> Routes[TransitGatewayRoute]:
    """A transit gateway route table; `kinds` are its attachments' kinds by id."""
    found: list[Candidate[TransitGatewayRoute]] = []
    unread: list[Unread] = []
    for route in table.routes or ():
        if route.prefix_list and route.destination is None:
            entries = _entries(network, route.prefix_list, table.account, table.region, unread)
            found.extend((prefix, 1, route) for prefix in entries)
        elif route.destination is not None:
            if route.kind == "propagated":
                rank = min(
                    (_PROPAGATED_RANK.get(kinds.get(each, ""), 7) for each in route.attachments), default=7
                )
            else:
                rank = 1 if route.prefix_list else 0
            found.append((route.destination, rank, route))
    return Routes(found, tuple(dict.fromkeys(unread)))


def _entries(
    network: Network, prefix_list: str, account: str, region: str, unread: list[Unread]
) -> tuple[Cidr, ...]:
    held = network.index["prefix_lists"].get(prefix_list)
    if held is None or held.entries is None:
        unread.extend(network.blame("prefix_lists", prefix_list, account, region))
        return ()
    return held.entries
