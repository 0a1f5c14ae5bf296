"""Networks written briefly in YAML, for tables of cases. Each VPC gets an open default network ACL and a main
route table unless it names its own."""

from __future__ import annotations

import copy
from typing import Any

from partywall.analysis.network.addresses import Cidr, address, cidr
from partywall.analysis.network.answers import Ask, Place
from partywall.analysis.network.model import (
    AclEntry,
    BlockPublicAccess,
    BlockPublicAccessExclusion,
    ClientVpn,
    ClientVpnRule,
    DirectConnectAssociation,
    Firewall,
    FirewallPolicy,
    Gateway,
    GatewayKind,
    Interface,
    NatAddress,
    NatGateway,
    Network,
    NetworkAcl,
    Peering,
    PeeringSide,
    PrefixList,
    PrivateAddress,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    StatefulGroup,
    StatefulRule,
    StatelessGroup,
    StatelessRule,
    Subnet,
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRoute,
    TransitGatewayRouteTable,
    Unread,
    VirtualInterface,
    Vpc,
    VpcEndpoint,
    VpnConnection,
    network,
)

ACCOUNT, REGION = "111122223333", "us-east-1"
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "all": -1, "esp": 50, "gre": 47}
ANY = (cidr("0.0.0.0/0"), cidr("::/0"))


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A network with what a case changes: null takes away, maps go into maps, all else replaces."""
    found = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = merged(found[key], value)
        else:
            found[key] = copy.deepcopy(value)
    return found


def traffic(written: str) -> tuple[int, int, int]:
    """`tcp/22`, `udp/1024-65535`, `icmp/8`, `icmp/3.4`, `all`: protocol, first and last port (or type)."""
    name, _, ports = written.partition("/")
    number = NUMBERS[name] if name in NUMBERS else int(name)
    if not ports:
        return number, -1, -1
    if number in (1, 58):
        kind, _, code = ports.partition(".")
        return number, int(kind), int(code) if code else -1
    low, _, high = ports.partition("-")
    return number, int(low), int(high or low)


def parse_ask(written: str) -> tuple[Place, Place, Ask]:
    """`internet -> eni-a tcp/22`; `from port` after a comma: `eni-a -> internet tcp/443, 40000`."""
    ends, _, port = written.partition(",")
    source, arrow, target, *rest = ends.split()
    assert arrow == "->", written
    ask = Ask()
    if rest:
        number, low, high = traffic(rest[0])
        ports = None if low < 0 else (low, low if number in (1, 58) else high)
        ask = Ask(number, ports, (int(port), int(port)) if port else None)
    return place(source), place(target), ask


def place(written: str) -> Place:
    """`internet`, `internet=CIDR`, `outside=ID`, `outside=ID=CIDR`, `service`, a prefix or an interface."""
    kind, *rest = written.split("=")
    if kind == "internet":
        return Place.internet(*(cidr(each) for each in rest))
    if kind == "outside":
        return Place.outside(rest[0] if rest else "", *(cidr(each) for each in rest[1:]))
    if kind == "service":
        return Place("service", addresses=Place.address(cidr(rest[0])).addresses if rest else None)
    return Place.address(cidr(kind)) if "/" in kind else Place.interface(kind)


class Builder:
    """Makes a network of what is written."""

    def __init__(self, written: dict[str, Any]) -> None:
        self.written = written
        self.vpcs: dict[str, Vpc] = {}
        self.parts: list[Any] = []

    def each(self, key: str) -> Any:
        return (self.written.get(key) or {}).items()

    def build(self) -> Network:
        for id, held in self.each("vpcs"):
            if isinstance(held, list):
                held = {"cidrs": held}
            self.vpcs[id] = Vpc(
                id,
                str(held.get("account", ACCOUNT)),
                held.get("region", REGION),
                tuple(cidr(each) for each in held["cidrs"]),
                dns_support=held.get("dns"),
            )
        self.parts.extend(self.vpcs.values())
        self.places()
        self.filters()
        self.ways()
        self.transit()
        self.others()
        unread = [Unread(*each.split()) for each in self.written.get("unread", [])]
        return network(self.parts, unread)

    def where(self, vpc: str) -> tuple[str, str]:
        held = self.vpcs.get(vpc)
        return (held.account, held.region) if held else (ACCOUNT, REGION)

    def places(self) -> None:
        self.subnets: dict[str, Subnet] = {}
        for id, (vpc, zone, *cidrs) in self.each("subnets"):
            self.subnets[id] = Subnet(id, vpc, *self.where(vpc), zone, tuple(cidr(each) for each in cidrs))
        self.parts.extend(self.subnets.values())
        for id, held in self.each("interfaces"):
            subnet = self.subnets[held["subnet"]]
            private = [held["ip"]] if isinstance(held.get("ip"), str) else held.get("ip", [])
            public = held.get("public", {})
            mapped = public if isinstance(public, dict) else {private[0]: public}
            addresses = [
                PrivateAddress(
                    address(each),
                    address(mapped[each]) if each in mapped else None,
                    address(held["carrier"]) if number == 0 and "carrier" in held else None,
                )
                for number, each in enumerate(private)
            ]
            groups = held.get("groups", ())
            self.parts.append(
                Interface(
                    id,
                    subnet.account,
                    subnet.region,
                    subnet.vpc,
                    subnet.id,
                    tuple(addresses),
                    tuple(address(each) for each in held.get("v6", ())),
                    None if groups == "unread" else tuple(groups),
                    tuple(cidr(each) for each in held.get("prefixes", ())),
                    held.get("kind", "interface"),
                    None if held.get("check") == "unread" else held.get("check", True),
                    held.get("status", "in-use"),
                    held.get("instance", ""),
                    deny_all_igw=None if held.get("deny_igw") == "unread" else held.get("deny_igw", False),
                )
            )

    def filters(self) -> None:
        for id, held in self.each("groups"):
            vpc, *rules = held
            parsed = None if rules == ["unread"] else tuple(group_rule(each) for each in rules)
            self.parts.append(SecurityGroup(id, vpc, *self.where(vpc), parsed))
        for id, entries in self.each("prefix_lists"):
            read = None if entries == "unread" else tuple(cidr(each) for each in entries)
            self.parts.append(PrefixList(id, ACCOUNT, REGION, read))
        defaults = set(self.vpcs)
        for id, held in self.each("acls"):
            rules = held.get("rules", [])
            entries = (
                None if rules == "unread" else tuple(entry for each in rules for entry in acl_entries(each))
            )
            default = held.get("default", False)
            defaults -= {held["vpc"]} if default else set()
            where = self.where(held["vpc"])
            self.parts.append(
                NetworkAcl(id, held["vpc"], *where, tuple(held.get("subnets", ())), entries, default)
            )
        for vpc in sorted(defaults):
            entries = tuple(entry for each in OPEN for entry in acl_entries(each))
            self.parts.append(NetworkAcl(f"acl-{vpc}", vpc, *self.where(vpc), (), entries, True))
        if mode := self.written.get("bpa"):
            self.parts.append(BlockPublicAccess(ACCOUNT, REGION, mode))
        for id, mode in self.each("exclusions"):
            vpc, subnet = (id, "") if id.startswith("vpc-") else ("", id)
            self.parts.append(BlockPublicAccessExclusion(f"x-{id}", ACCOUNT, REGION, mode, vpc, subnet))

    def ways(self) -> None:
        mains = set(self.vpcs)
        for id, held in self.each("tables"):
            routes = held.get("routes", [])
            parsed = None if routes == "unread" else tuple(vpc_route(each) for each in routes)
            mains -= {held["vpc"]} if held.get("main") else set()
            self.parts.append(
                RouteTable(
                    id,
                    held["vpc"],
                    *self.where(held["vpc"]),
                    parsed,
                    tuple(held.get("subnets", ())),
                    tuple(held.get("gateways", ())),
                    held.get("main", False),
                )
            )
        for vpc in sorted(mains):
            self.parts.append(RouteTable(f"rtb-{vpc}", vpc, *self.where(vpc), (), main=True))
        kinds = {
            "igw": GatewayKind.INTERNET,
            "eigw": GatewayKind.EGRESS_ONLY,
            "vgw": GatewayKind.VIRTUAL_PRIVATE,
            "cagw": GatewayKind.CARRIER,
            "lgw": GatewayKind.LOCAL,
        }
        for id, held in self.each("gateways"):
            vpc, state = held if isinstance(held, list) else (held, "available")
            self.parts.append(Gateway(id, kinds[id.split("-")[0]], *self.where(vpc), (vpc,), state))
        for id, held in self.each("nats"):
            subnet = self.subnets.get(held.get("subnet", ""))
            vpc = subnet.vpc if subnet else held["vpc"]
            private = address(held["ip"]) if "ip" in held else None
            public = address(held["public"]) if "public" in held else None
            self.parts.append(
                NatGateway(
                    id,
                    vpc,
                    *self.where(vpc),
                    subnet.id if subnet else "",
                    (NatAddress(private, public),),
                    "public" if public else "private",
                    held.get("state", "available"),
                    subnet is None,
                )
            )
        for id, (one, two, *state) in self.each("peerings"):
            sides = [
                PeeringSide(vpc, *self.where(vpc), self.vpcs[vpc].cidrs if vpc in self.vpcs else ())
                for vpc in (one, two)
            ]
            self.parts.append(Peering(id, sides[0], sides[1], *state))

    def transit(self) -> None:
        for id, held in self.each("tgws"):
            self.parts.append(
                TransitGateway(id, ACCOUNT, held.get("region", REGION), sg_referencing=held.get("sg", False))
            )
        for id, held in self.each("attachments"):
            for one in held if isinstance(held, list) else [held]:
                kind = next(
                    each for each in ("vpc", "vpn", "peering", "direct-connect-gateway") if each in one
                )
                account, region = self.where(one[kind])
                subnets = one.get("subnets", ())
                self.parts.append(
                    TransitGatewayAttachment(
                        id,
                        one["tgw"],
                        account,
                        region,
                        kind,
                        one[kind],
                        one.get("state", "available"),
                        None if subnets == "unread" else tuple(subnets),
                        sg_referencing=None if one.get("sg") == "unread" else one.get("sg", False),
                        appliance_mode=one.get("appliance", False),
                        ipv6=one.get("ipv6", False),
                    )
                )
        for id, held in self.each("tgw_tables"):
            routes = held.get("routes", [])
            parsed = None if routes == "unread" else tuple(transit_route(each) for each in routes)
            self.parts.append(
                TransitGatewayRouteTable(
                    id, held["tgw"], ACCOUNT, REGION, parsed, tuple(held.get("associations", ()))
                )
            )

    def others(self) -> None:
        for id, held in self.each("endpoints"):
            vpc = held["vpc"]
            kind = held.get("kind", "Gateway")
            self.parts.append(
                VpcEndpoint(
                    id,
                    vpc,
                    *self.where(vpc),
                    kind,
                    "s",
                    held.get("state", "available"),
                    tuple(held.get("subnets", ())),
                    tuple(held.get("interfaces", ())),
                )
            )
        for id, held in self.each("firewalls"):
            self.parts.append(
                Firewall(id, held["vpc"], ACCOUNT, REGION, tuple(held["endpoints"]), f"{id}-policy")
            )
            if held.get("policy") != "unread":
                self.parts.append(firewall_policy(f"{id}-policy", held.get("policy", {})))
        for id, held in self.each("vpns"):
            tunnels = held.get("up", 1)
            self.parts.append(
                VpnConnection(
                    id,
                    ACCOUNT,
                    REGION,
                    held["gateway"],
                    state=held.get("state", "available"),
                    tunnels_up=None if tunnels == "unread" else tunnels,
                )
            )
        for id, held in self.each("vifs"):
            self.parts.append(
                VirtualInterface(
                    id, ACCOUNT, REGION, "private", held["gateway"], held.get("state", "available")
                )
            )
        for id, (one, two) in self.each("dx_associations"):
            self.parts.append(DirectConnectAssociation(id, ACCOUNT, one, two))
        for id, held in self.each("client_vpns"):
            rules, routes = held.get("rules", []), held.get("routes", [])
            self.parts.append(
                ClientVpn(
                    id,
                    ACCOUNT,
                    REGION,
                    self.subnets[held["subnets"][0]].vpc,
                    cidr(held["cidr"]),
                    tuple(held["subnets"]),
                    tuple(held["groups"]),
                    None if rules == "unread" else tuple(client_rule(each) for each in rules),
                    None
                    if routes == "unread"
                    else tuple((cidr(to), by) for to, by in (each.split() for each in routes)),
                    state=held.get("state", "available"),
                )
            )


OPEN = (
    "100 in allow all 0.0.0.0/0",
    "101 in allow all ::/0",
    "100 out allow all 0.0.0.0/0",
    "101 out allow all ::/0",
)


def group_rule(written: str) -> SecurityGroupRule:
    """`in tcp/22 0.0.0.0/0`, `out all ::/0`, `in tcp/5432 sg-app`, `in all pl-1`."""
    way, what, remote = written.split()
    number, low, high = traffic(what)
    kind = {"cidr": None, "prefix_list": "", "group": ""}
    if remote.startswith("sg-"):
        kind["group"] = remote
    elif remote.startswith("pl-"):
        kind["prefix_list"] = remote
    else:
        kind["cidr"] = cidr(remote)
    return SecurityGroupRule(written, way == "out", number, low, high, **kind)


def acl_entries(written: str) -> list[AclEntry]:
    """`100 in allow tcp/80 0.0.0.0/0`."""
    number, way, action, what, remote = written.split()
    protocol, low, high = traffic(what)
    ports = (-1, -1, low, high) if protocol in (1, 58) else (low, high, -1, -1)
    return [AclEntry(int(number), way == "out", action == "allow", protocol, cidr(remote), *ports)]


def vpc_route(written: str) -> Route:
    """`0.0.0.0/0 igw-1`, `pl-1 vpce-1`, then perhaps `blackhole` or `propagated`."""
    destination, target, *rest = written.split()
    named = destination.startswith("pl-")
    return Route(
        target,
        None if named else cidr(destination),
        destination if named else "",
        "blackhole" if "blackhole" in rest else "active",
        "EnableVgwRoutePropagation" if "propagated" in rest else "CreateRoute",
    )


def transit_route(written: str) -> TransitGatewayRoute:
    """`10.1.0.0/16 tgw-attach-b`, then perhaps `propagated`; `10.2.0.0/16 blackhole`."""
    destination, target, *rest = written.split()
    named = destination.startswith("pl-")
    return TransitGatewayRoute(
        () if target == "blackhole" else tuple(target.split(",")),
        None if named else cidr(destination),
        destination if named else "",
        "blackhole" if target == "blackhole" else "active",
        "propagated" if "propagated" in rest else "static",
    )


def firewall_policy(id: str, held: dict[str, Any]) -> FirewallPolicy:
    """`stateless: ["1 pass tcp SOURCE -> DESTINATION 80"]`, `stateful: ["PASS TCP any -> any 443"]`."""
    stateless: list[StatelessRule] = []
    for each in held.get("stateless", []):
        priority, action, protocol, source, _, destination, *port = each.split()
        stateless.append(
            StatelessRule(
                int(priority),
                (f"aws:{action}",),
                prefixes(source),
                prefixes(destination),
                destination_ports=tuple((int(p), int(p)) for p in port),
                protocols=() if protocol == "all" else (NUMBERS[protocol],),
            )
        )
    written = held.get("stateful", [])
    stateful: tuple[StatefulRule, ...] | None = None
    if written != "suricata":
        stateful = tuple(stateful_rule(each) for each in written)
    return FirewallPolicy(
        id,
        ACCOUNT,
        REGION,
        (StatelessGroup("sl", 1, tuple(stateless)),),
        (StatefulGroup("sf", 1, stateful),),
        (held.get("default", "aws:forward_to_sfe"),),
        tuple(held.get("stateful_default", ())),
        held.get("strict", False),
    )


def client_rule(written: str) -> ClientVpnRule:
    """`10.0.0.0/16`, or `10.0.0.0/16 GROUP` for a group of users."""
    destination, *group = written.split()
    return ClientVpnRule(cidr(destination), not group, "".join(group))


def stateful_rule(written: str) -> StatefulRule:
    """`DROP TCP any -> 10.0.0.0/8 22`; `<>` is any direction."""
    action, protocol, source, way, destination, *port = written.split()
    return StatefulRule(
        action,
        protocol,
        prefixes(source) or None,
        prefixes(destination) or None,
        destination_ports=tuple((int(p), int(p)) for p in port) or None,
        any_direction=way == "<>",
    )


def prefixes(written: str) -> tuple[Cidr, ...]:
    """One prefix, or `any`."""
    return () if written == "any" else (cidr(written),)
