"""Networks of accounts that were not scanned, as generous as they can be: what our own side lets in decides.

What a peer holds back on its side is the peer's to change, so that nothing here rests on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from partywall.analysis.network.addresses import ANY4, ANY6, Cidr
from partywall.analysis.network.model import (
    AclEntry,
    Interface,
    NetworkAcl,
    Peering,
    PrivateAddress,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
    Vpc,
)

ASSUMED: Final = "assumed: its account was not scanned"


def is_assumed(interface: Interface) -> bool:
    """Whether an interface stands for all that an account that was not scanned may have."""
    return interface.description == ASSUMED


def with_assumed(parts: Iterable[Any], scanned: set[str]) -> list[Any]:
    """The parts of a network, with the VPCs of other accounts that peerings and attachments name."""
    found = list(parts)
    known = {p.id for p in found if isinstance(p, Vpc)}
    named = _named_groups(found, scanned)
    for part in list(found):
        if isinstance(part, Peering):
            for other, own in ((part.requester, part.accepter), (part.accepter, part.requester)):
                if other.vpc in known or other.account in scanned or own.vpc not in known:
                    continue
                known.add(other.vpc)
                routes = [Route(part.id, c) for c in own.cidrs]
                found += _vpc(other.vpc, other.account, other.region, other.cidrs, routes, named)
    learned = _learned(found)
    for index, part in enumerate(found):
        if not isinstance(part, TransitGatewayAttachment) or part.kind != "vpc":
            continue
        cidrs = tuple(learned.get(part.id, ()))
        if part.resource in known or part.account in scanned or not cidrs:
            continue
        known.add(part.resource)
        routes = [Route(part.transit_gateway, ANY4), Route(part.transit_gateway, ANY6)]
        found += _vpc(part.resource, part.account, part.region, cidrs, routes, named)
        found[index] = replace(
            part,
            subnets=(f"{part.resource}/{ASSUMED}",),
            appliance_mode=False,
            sg_referencing=True,
            ipv6=True,
        )
    return found


def _learned(parts: list[Any]) -> dict[str, list[Cidr]]:
    """Attachment -> the blocks that transit gateways send to it."""
    found: dict[str, list[Cidr]] = {}
    for part in parts:
        if isinstance(part, TransitGatewayRouteTable):
            for route in part.routes or ():
                # A default route leads to what lies beyond, not to the VPC's own addresses.
                if route.destination is not None and route.destination.length:
                    for attachment in route.attachments:
                        found.setdefault(attachment, []).append(route.destination)
    return {id_: list(dict.fromkeys(blocks)) for id_, blocks in found.items()}


def _named_groups(parts: list[Any], scanned: set[str]) -> dict[str, list[str]]:
    """Account -> its security groups that rules of scanned accounts name."""
    found: dict[str, list[str]] = {}
    for part in parts:
        if isinstance(part, SecurityGroup):
            for rule in part.rules or ():
                if rule.group and rule.group_account and rule.group_account not in scanned:
                    found.setdefault(rule.group_account, []).append(rule.group)
    return {account: list(dict.fromkeys(groups)) for account, groups in found.items()}


def _vpc(
    id_: str,
    account: str,
    region: str,
    cidrs: tuple[Cidr, ...],
    routes: list[Route],
    named: dict[str, list[str]],
) -> list[Any]:
    """A VPC of one subnet and one interface that sends everything, and takes everything, everywhere."""
    here = f"{id_}/{ASSUMED}"
    groups = tuple(named.pop(account, ()))
    everything = tuple(
        SecurityGroupRule(f"{way} {block}", way == "out", -1, cidr=block)
        for way in ("in", "out")
        for block in (ANY4, ANY6)
    )
    entries = tuple(
        AclEntry(100 + index, egress, True, -1, block)
        for index, block in enumerate((ANY4, ANY6))
        for egress in (False, True)
    )
    local = [Route("local", block, origin="CreateRouteTable") for block in cidrs]
    addresses = tuple(PrivateAddress(block.first + 4) for block in cidrs[:1] if block.version == 4)
    ipv6 = tuple(block.first + 4 for block in cidrs if block.version == 6)[:1]
    interface = Interface(here, account, region, id_, here, addresses, ipv6, groups, description=ASSUMED)
    return [
        Vpc(id_, account, region, cidrs, ASSUMED),
        Subnet(here, id_, account, region, "", cidrs),
        RouteTable(here, id_, account, region, (*local, *routes), (here,), (), True),
        NetworkAcl(here, id_, account, region, (here,), entries, True),
        interface,
        *(SecurityGroup(group, id_, account, region, everything) for group in groups),
    ]
