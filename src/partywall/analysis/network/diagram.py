"""The facts of a VPC map: what stands in which subnet, how it leads out, what the internet reaches.

Subnets are told by their routes, never by their names: public leads to an internet gateway, private leads out
another way, isolated leads nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from partywall.analysis.network.addresses import Cidr, text
from partywall.analysis.network.assumed import ASSUMED, is_assumed
from partywall.analysis.network.model import Interface, Route, RouteTable, Subnet, Vpc
from partywall.analysis.network.stand_ins import is_stand_in
from partywall.analysis.network.study import Study, environment_of
from partywall.analysis.network.titles import called
from partywall.analysis.network.words import services_text
from partywall.errors import UserError, did_you_mean

TIERS: Final = ("public", "private", "isolated", "not known")
_GATES: Final = {
    "internet_gateways": "internet gateway",
    "egress_only_gateways": "egress-only gateway",
    "vpn_gateways": "VPN gateway",
    "carrier_gateways": "carrier gateway",
    "local_gateways": "local gateway",
}
_WAYS: Final = {
    "igw-": "internet gateway", "nat-": "NAT gateway", "tgw-": "transit gateway", "pcx-": "peering",
    "vgw-": "VPN gateway", "eigw-": "egress-only gateway", "vpce-": "firewall", "eni-": "appliance",
    "i-": "appliance", "lgw-": "local gateway", "cagw-": "carrier gateway", "cwn-": "Cloud WAN",
}  # fmt: skip
_OWNERS: Final = {
    "rds": "database", "redshift": "warehouse", "redshift-serverless": "warehouse", "elasticache": "cache",
    "es": "search domain", "elasticloadbalancing": "load balancer", "eks": "cluster", "ecs": "service",
}  # fmt: skip
_TYPES: Final = {
    "nat_gateway": "NAT gateway", "nat": "NAT gateway", "natGateway": "NAT gateway", "lambda": "function",
    "vpc_endpoint": "endpoint", "gateway_load_balancer_endpoint": "endpoint",
    "network_load_balancer": "load balancer", "gateway_load_balancer": "load balancer",
    "load_balancer": "load balancer", "transit_gateway": "transit gateway", "efs": "file system",
    "client_vpn": "client VPN",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    """An interface in a subnet."""

    title: str
    kind: str
    id: str
    private: str
    public: str
    groups: tuple[str, ...]
    ports: str
    """What the internet reaches of it by its own address; empty: nothing."""
    doors: tuple[str, ...]
    """Front doors that lead the internet to it."""
    is_doubtful: bool = False
    """More may be open than is known."""


@dataclass(frozen=True, slots=True)
class Block:
    """A subnet."""

    id: str
    name: str
    zone: str
    cidrs: tuple[str, ...]
    tier: str
    way: str
    """How it leads out, in words."""
    table: str
    routes: tuple[str, ...]
    spots: tuple[Spot, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Interfaces by kind, most first."""
        return dict(Counter(each.kind for each in self.spots).most_common())

    @property
    def exposed(self) -> list[Spot]:
        """Those that the internet reaches, or may."""
        return [each for each in self.spots if each.ports or each.is_doubtful]


@dataclass(frozen=True, slots=True)
class Gate:
    """A gateway or endpoint at a VPC's edge."""

    kind: str
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Box:
    """A VPC."""

    id: str
    name: str
    account: str
    region: str
    environment: str
    cidrs: tuple[str, ...]
    gates: tuple[Gate, ...]
    blocks: tuple[Block, ...]
    scanned: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A transit gateway, or a peering connection, with the VPCs of the map that it joins."""

    id: str
    kind: str
    name: str
    ends: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What else it joins, and how."""


@dataclass(frozen=True, slots=True)
class Map:
    """All that is drawn."""

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    accounts: dict[str, str] = field(default_factory=dict[str, str])
    """Account id -> its name."""
    left_out: int = 0
    """VPCs without interfaces and links, which are not drawn."""
    unread: tuple[str, ...] = ()
    """Calls that did not answer, so that something may be missing."""


def map_of(found: Study, vpcs: Collection[str] = (), accounts: Collection[str] = ()) -> Map:
    """The map of a scan, or of some VPCs (ids or names) and accounts. Raises UserError for unknown ones."""
    network = found.scanned.network
    known = {name for each in network.vpcs for name in (each.id, each.name) if name}
    for name in vpcs:
        if name not in known:
            raise UserError(f"no VPC of the scan is called {name!r}{did_you_mean(name, known)}")
    for account in accounts:
        if account not in found.accounts:
            raise UserError(f"the account {account} was not scanned: {', '.join(found.accounts)} were")
    inside: dict[str, list[Interface]] = {}
    for each in network.interfaces:
        inside.setdefault(each.subnet, []).append(each)
    links = list(_links(found))
    linked = {end for link in links for end in link.ends}
    held = {each.vpc for each in network.interfaces}
    named = set(vpcs)
    chosen: list[Vpc] = []
    left_out = 0
    for vpc in network.vpcs:
        if accounts and vpc.account not in accounts:
            continue
        if named and not named & {vpc.id, vpc.name}:
            continue
        if not named and vpc.id not in linked and vpc.id not in held:
            left_out += 1
            continue
        chosen.append(vpc)
    shown = {vpc.id for vpc in chosen}
    if (named or accounts) and not chosen:
        left_out = 0
        chosen = [v for v in network.vpcs if not accounts or v.account in accounts]
        shown = {vpc.id for vpc in chosen}
    order = sorted(chosen, key=lambda v: (v.name == ASSUMED, v.account, v.region, v.name or v.id, v.id))
    names = {a["account_id"]: a.get("name", "") for a in found.lake.manifest.accounts}
    return Map(
        tuple(_box(found, vpc, inside) for vpc in order),
        tuple(_shown(found, link, shown) for link in links if shown & set(link.ends)),
        names,
        left_out,
        tuple(dict.fromkeys(f"{u.call} in {u.region or u.account}" for u in network.unread)),
    )


def _shown(found: Study, link: Link, shown: Collection[str]) -> Link:
    """A link with the ends that are drawn; the others are told."""
    other = [end for end in link.ends if end not in shown]
    notes = tuple(f"also joins {_vpc_name(found, end)}, which is not drawn" for end in other)
    ends = tuple(end for end in link.ends if end in shown)
    return Link(link.id, link.kind, link.name, ends, link.notes + notes)


def _vpc_name(found: Study, id_: str) -> str:
    vpc = found.scanned.network.index["vpcs"].get(id_)
    return f"{vpc.name} ({id_})" if vpc is not None and vpc.name and vpc.name != ASSUMED else id_


def _links(found: Study) -> Iterator[Link]:
    network = found.scanned.network
    drawn = {each.id for each in network.vpcs}
    names = {
        r["vpc_peering_connection_id"]: (r["tags"] or {}).get("Name", "")
        for r in found.scanned.rows.rows("vpc_peering_connection")
    }
    for each in network.transit_gateways:
        mine = [a for a in network.transit_gateway_attachments if a.transit_gateway == each.id]
        ends = dict.fromkeys(a.resource for a in mine if a.kind == "vpc" and a.resource in drawn)
        notes = [
            f"{a.kind} {a.resource} ({a.state})" for a in mine if a.kind != "vpc" or a.resource not in drawn
        ]
        yield Link(each.id, "transit gateway", each.name, tuple(ends), tuple(notes))
    for each in network.peerings:
        ends = tuple(dict.fromkeys(s.vpc for s in (each.requester, each.accepter) if s.vpc in drawn))
        notes = () if each.state == "active" else (each.state,)
        name = names.get(each.id) or ""
        yield Link(each.id, "peering", "" if name == each.id else name, ends, notes)


def _box(found: Study, vpc: Vpc, inside: dict[str, list[Interface]]) -> Box:
    network = found.scanned.network
    scanned = vpc.name != ASSUMED
    tags = next((r["tags"] for r in found.scanned.rows.rows("vpc") if r["vpc_id"] == vpc.id), None) or {}
    environment = next(
        (environment_of(v) for k, v in tags.items() if v and k.lower() in ("env", "environment", "stage")), ""
    )
    subnets = [s for s in network.subnets if s.vpc == vpc.id] if scanned else []
    return Box(
        vpc.id,
        vpc.name if scanned and vpc.name != vpc.id else "",
        vpc.account,
        vpc.region,
        environment,
        tuple(map(str, vpc.cidrs)),
        tuple(_gates(found, vpc)),
        tuple(_block(found, s, inside.get(s.id, [])) for s in sorted(subnets, key=_by_address)),
        scanned,
    )


def _by_address(subnet: Subnet) -> tuple[int, str]:
    return (min((c.first for c in subnet.cidrs if c.version == 4), default=0), subnet.id)


def _gates(found: Study, vpc: Vpc) -> Iterator[Gate]:
    network = found.scanned.network
    for name, kind in _GATES.items():
        for each in getattr(network, name):
            if vpc.id in each.vpcs:
                yield Gate(kind, each.id, kind)
    for each in network.vpn_connections:
        if any(g.id == each.gateway and vpc.id in g.vpcs for g in network.vpn_gateways):
            up = "not known" if each.tunnels_up is None else f"{each.tunnels_up} tunnels up"
            yield Gate("VPN connection", each.id, f"VPN, {up}")
    for each in network.nat_gateways:
        if each.vpc == vpc.id and each.regional:
            yield Gate("NAT gateway", each.id, "regional NAT gateway")
    for each in network.client_vpns:
        if each.vpc == vpc.id:
            yield Gate("client VPN", each.id, "client VPN")
    services: dict[str, list[str]] = {}
    for each in network.endpoints:
        if each.vpc == vpc.id:
            services.setdefault(each.service.rpartition(".")[2] or each.service, []).append(each.id)
    for service, ids in sorted(services.items()):
        yield Gate("endpoint", ", ".join(ids), f"endpoint {service}")


def _block(found: Study, subnet: Subnet, those: Iterable[Interface]) -> Block:
    table: RouteTable | None = _table(found, subnet)
    tier, way = _tier(found, subnet, table)
    spots = [_spot(found, each) for each in those if not is_assumed(each)]
    spots += _nat_gateways(found, subnet)
    spots.sort(key=lambda s: (not s.ports, not s.is_doubtful, s.kind, s.title, s.id))
    routes = (
        tuple(_route(route) for route in table.routes)
        if table is not None and table.routes is not None
        else ()
    )
    return Block(
        subnet.id,
        subnet.name if subnet.name != subnet.id else "",
        _zone(found, subnet),
        tuple(map(str, subnet.cidrs)),
        tier,
        way,
        table.id if table is not None else "",
        routes,
        tuple(spots),
    )


def _zone(found: Study, subnet: Subnet) -> str:
    """The Availability Zone by name and id, as far as both are known."""
    row = next((r for r in found.scanned.rows.rows("vpc_subnet") if r["subnet_id"] == subnet.id), {})
    names = (row.get("availability_zone"), row.get("availability_zone_id"))
    return " · ".join(n for n in names if n) or subnet.zone


def _nat_gateways(found: Study, subnet: Subnet) -> Iterator[Spot]:
    """The NAT gateways of a subnet whose interfaces were not listed."""
    for each in found.scanned.network.nat_gateways:
        listed = any(a.interface in found.world.interfaces for a in each.addresses)
        if each.subnet == subnet.id and not listed:
            private = ", ".join(text(a.private) for a in each.addresses if a.private is not None)
            public = ", ".join(text(a.public) for a in each.addresses if a.public is not None)
            yield Spot(each.id, "NAT gateway", each.id, private, public, (), "", ())


def _table(found: Study, subnet: Subnet) -> RouteTable | None:
    """The table that a subnet is associated with, else its VPC's main one."""
    mine = [t for t in found.scanned.network.route_tables if t.vpc == subnet.vpc]
    own = next((t for t in mine if subnet.id in t.subnets), None)
    return own or next((t for t in mine if t.main), None)


def _route(route: Route) -> str:
    where = str(route.destination) if route.destination is not None else route.prefix_list
    return f"{where} to {route.target}" + ("" if route.state == "active" else f" ({route.state})")


def _tier(found: Study, subnet: Subnet, table: RouteTable | None) -> tuple[str, str]:
    """What a subnet is by its routes, and the way out in words."""
    if table is None or table.routes is None:
        return "not known", "its route table was not read"
    active = [r for r in table.routes if r.state == "active"]
    out = [r for r in active if r.target.startswith(("igw-", "cagw-")) and _is_wide(r.destination)]
    if out:
        return "public", f"{_kind_of(out[0].target)} {out[0].target}"
    further = [r for r in active if r.target != "local" and not r.target.startswith("igw-")]
    wide = [r for r in further if r.destination is not None and not r.destination.length]
    # Gateway endpoints lead to AWS's own services alone.
    inner = {e.id for e in found.scanned.network.endpoints if e.kind.lower() == "gateway"}
    further = [r for r in further if r.target not in inner]
    if wide or further:
        told = list(dict.fromkeys(r.target for r in (wide or further)))
        return "private", ", ".join(f"{_kind_of(t)} {t}" for t in told[:2])
    return "isolated", "leads nowhere else"


def _is_wide(destination: Cidr | None) -> bool:
    """Whether it holds addresses of the internet at large (prefix lists may)."""
    return destination is None or destination.length <= (8 if destination.version == 4 else 16)


def _kind_of(target: str) -> str:
    return next((kind for prefix, kind in _WAYS.items() if target.startswith(prefix)), "gateway")


def _spot(found: Study, each: Interface) -> Spot:
    reach = found.exposed.get(each.id)
    sure = services_text(reach.services) if reach is not None and reach.services else ""
    doubtful = reach is not None and bool(reach.possible - reach.services or (reach.unread and not sure))
    doors = [v for v in found.via.get(each.id, ()) if v.outcome.value == "reachable"]
    names = found.scanned.network.index["security_groups"]
    groups = tuple((names[g].name if g in names else "") or g for g in each.groups or ())
    return Spot(
        called(found, each, short=True),
        kind_of(each),
        "" if is_stand_in(each) else each.id,
        ", ".join([*(text(a.private) for a in each.addresses[:3]), *(text(v) for v in each.ipv6[:2])])
        if not is_stand_in(each)
        else "",
        ", ".join(text(a.public) for a in each.addresses if a.public is not None)
        if not is_stand_in(each)
        else "",
        groups,
        sure,
        tuple(dict.fromkeys(f"{v.protocol} {v.port} of {v.entry.split(':')[-1]}" for v in doors)),
        doubtful,
    )


def kind_of(each: Interface) -> str:
    """What an interface belongs to, in a word or two."""
    if each.instance:
        return "instance"
    service = each.owner.split(":")[2] if each.owner.startswith("arn:") else ""
    if service in _OWNERS:
        return _OWNERS[service]
    if each.kind in _TYPES:
        return _TYPES[each.kind]
    if each.status == "available":
        return "unattached"
    if each.owner.startswith(("nat-", "vpce-")):
        return "NAT gateway" if each.owner.startswith("nat-") else "endpoint"
    return "other"
