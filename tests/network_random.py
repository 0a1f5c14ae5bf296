"""Small random networks that use every rule at once, for holding the engine to the simulator."""

from __future__ import annotations

import random
from typing import Any

from partywall.analysis.network.addresses import Cidr, address, cidr
from partywall.analysis.network.model import (
    AclEntry,
    BlockPublicAccess,
    BlockPublicAccessExclusion,
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
    Vpc,
    VpcEndpoint,
    network,
)

A, REGIONS = "111122223333", ("us-east-1", "eu-west-1")
PORTS = (22, 80, 443, 1023, 1024, 5432, 32768, 65535)
PROTOCOLS = (6, 6, 6, 17, 1, 58, 47)
OUTSIDE = [address(each) for each in ("8.8.8.8", "93.184.1.1", "52.0.0.1", "2606:4700::1", "2a00:1450::5")]
ANY = cidr("0.0.0.0/0"), cidr("::/0")


class Maker:
    """One random network."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.parts: list[Any] = []
        self.vpcs: list[Vpc] = []
        self.subnets: list[Subnet] = []
        self.interfaces: list[Interface] = []
        self.prefix_lists: list[PrefixList] = []

    def maybe(self, chance: float) -> bool:
        return self.draw.random() < chance

    def prefix(self) -> Cidr:
        pool = [*ANY, *ANY, cidr("10.0.0.0/8"), cidr("8.8.0.0/16"), cidr("93.184.0.0/15"), cidr("2600::/12")]
        for vpc in self.vpcs:
            pool.extend(vpc.cidrs)
        for subnet in self.subnets:
            pool.extend(subnet.cidrs)
        for each in self.interfaces:
            pool.extend(cidr(str(Cidr(4, held.private, 32))) for held in each.addresses)
        return self.draw.choice(pool)

    def ports(self) -> tuple[int, int]:
        if self.maybe(0.3):
            return 0, 65535
        low = self.draw.choice(PORTS)
        return low, self.draw.choice([low, max(low, self.draw.choice(PORTS))])

    def make(self) -> Network:
        for number in range(self.draw.randint(1, 3)):
            self.vpc(number)
        self.parts.extend(self.vpcs)
        self.parts.extend(self.subnets)
        for number in range(self.draw.randint(0, 2)):
            entries = tuple(self.prefix() for _ in range(self.draw.randint(0, 3)))
            self.prefix_lists.append(PrefixList(f"pl-{number}", A, REGIONS[0], entries))
        self.place()
        self.groups()
        self.parts.extend((*self.prefix_lists, *self.interfaces))
        self.gateways()
        if self.maybe(0.4):
            mode = self.draw.choice(["block-bidirectional", "block-ingress", "off"])
            self.parts.append(BlockPublicAccess(A, REGIONS[0], mode))
            if self.maybe(0.6):
                let = self.draw.choice(["allow-bidirectional", "allow-egress"])
                subnet = self.draw.choice(self.subnets)
                whole = self.maybe(0.5)
                self.parts.append(
                    BlockPublicAccessExclusion(
                        "x-1", A, REGIONS[0], let, subnet.vpc if whole else "", "" if whole else subnet.id
                    )
                )
        return network(self.parts)

    def vpc(self, number: int) -> None:
        region = REGIONS[0] if self.maybe(0.85) else REGIONS[1]
        cidrs = (cidr(f"10.{number}.0.0/16"), cidr(f"2600:{number + 1}::/56"))
        vpc = Vpc(f"vpc-{number}", A, region, cidrs)
        self.vpcs.append(vpc)
        for each in range(self.draw.randint(1, 3)):
            zone = f"az{self.draw.randint(1, 2)}"
            those = (cidr(f"10.{number}.{each}.0/24"), cidr(f"2600:{number + 1}:0:{each}::/64"))
            self.subnets.append(Subnet(f"subnet-{number}{each}", vpc.id, A, region, zone, those))

    def place(self) -> None:
        for number in range(self.draw.randint(2, 5)):
            subnet = self.draw.choice(self.subnets)
            vpc = int(subnet.vpc[-1])
            private = subnet.cidrs[0].first + 10 + number
            public = address(f"52.0.{vpc}.{10 + number}") if self.maybe(0.6) else None
            v6 = (subnet.cidrs[1].first + 16 + number,) if self.maybe(0.5) else ()
            mine = [f"sg-{vpc}{each}" for each in range(2)]
            groups = tuple(self.draw.sample(mine, self.draw.randint(1, 2)))
            self.interfaces.append(
                Interface(
                    f"eni-{number}",
                    A,
                    subnet.region,
                    subnet.vpc,
                    subnet.id,
                    (PrivateAddress(private, public),),
                    v6,
                    groups,
                )
            )

    def rule(self, egress: bool) -> SecurityGroupRule:
        protocol = self.draw.choice((-1, *PROTOCOLS))
        low, high = self.ports() if protocol in (6, 17) else (-1, -1)
        if protocol in (1, 58) and self.maybe(0.6):
            low, high = self.draw.choice([0, 3, 8, 128]), self.draw.choice([-1, 0, 1])
        kind = self.draw.random()
        if kind < 0.3:
            group = f"sg-{self.draw.randrange(len(self.vpcs))}{self.draw.randrange(2)}"
            return SecurityGroupRule("r", egress, protocol, low, high, group=group)
        if kind < 0.45 and self.prefix_lists:
            return SecurityGroupRule(
                "r", egress, protocol, low, high, prefix_list=self.draw.choice(self.prefix_lists).id
            )
        return SecurityGroupRule("r", egress, protocol, low, high, self.prefix())

    def groups(self) -> None:
        for vpc in self.vpcs:
            for each in range(2):
                rules = [self.rule(False) for _ in range(self.draw.randint(0, 3))]
                if self.maybe(0.7):
                    rules += [SecurityGroupRule("o", True, -1, cidr=prefix) for prefix in ANY]
                else:
                    rules += [self.rule(True) for _ in range(self.draw.randint(0, 3))]
                self.parts.append(
                    SecurityGroup(f"sg-{vpc.id[-1]}{each}", vpc.id, A, vpc.region, tuple(rules))
                )

    def acl(self, vpc: Vpc, subnets: list[Subnet], default: bool) -> NetworkAcl:
        entries: list[AclEntry] = []
        for egress in (False, True):
            numbers = self.draw.sample(range(1, 200), self.draw.randint(0, 4))
            for number in numbers:
                protocol = self.draw.choice((-1, *PROTOCOLS))
                low, high = self.ports() if protocol in (6, 17) else (-1, -1)
                type_, code = -1, -1
                if protocol in (1, 58) and self.maybe(0.6):
                    type_, code = self.draw.choice([0, 3, 8, 128, 129]), self.draw.choice([-1, 0])
                entries.append(
                    AclEntry(number, egress, self.maybe(0.6), protocol, self.prefix(), low, high, type_, code)
                )
            if self.maybe(0.8):
                entries += [AclEntry(300 + each, egress, True, -1, prefix) for each, prefix in enumerate(ANY)]
        ids = tuple(each.id for each in subnets)
        name = f"acl-{vpc.id[-1]}{'d' if default else 'c'}"
        return NetworkAcl(name, vpc.id, A, vpc.region, ids, tuple(entries), default)

    def gateways(self) -> None:
        draw = self.draw
        transit = len(self.vpcs) > 1 and self.maybe(0.6)
        for vpc in self.vpcs:
            number, mine = vpc.id[-1], [each for each in self.subnets if each.vpc == vpc.id]
            some = [each for each in mine if self.maybe(0.5)]
            self.parts += [self.acl(vpc, [], True), self.acl(vpc, some, False)]
            targets: list[Route] = []
            if self.maybe(0.8):
                attached = (vpc.id,) if self.maybe(0.9) else ("vpc-elsewhere",)
                self.parts.append(Gateway(f"igw-{number}", GatewayKind.INTERNET, A, vpc.region, attached))
                targets += [Route(f"igw-{number}", prefix) for prefix in ANY]
                targets.append(Route(f"igw-{number}", cidr("8.0.0.0/8")))
            if self.maybe(0.3):
                self.parts.append(
                    Gateway(f"eigw-{number}", GatewayKind.EGRESS_ONLY, A, vpc.region, (vpc.id,))
                )
                targets.append(Route(f"eigw-{number}", ANY[1]))
            if self.maybe(0.5):
                home = draw.choice(mine)
                held = NatAddress(home.cidrs[0].first + 200, address(f"52.0.{number}.200"))
                kind = "public" if self.maybe(0.8) else "private"
                if kind == "private":
                    held = NatAddress(held.private)
                self.parts.append(NatGateway(f"nat-{number}", vpc.id, A, vpc.region, home.id, (held,), kind))
                targets += [Route(f"nat-{number}", ANY[0]), Route(f"nat-{number}", cidr("93.0.0.0/8"))]
            if self.maybe(0.25):
                self.parts.append(VpcEndpoint(f"vpce-g{number}", vpc.id, A, vpc.region, "Gateway", "s3"))
                targets.append(Route(f"vpce-g{number}", cidr("52.0.0.0/24")))
            if self.maybe(0.35):
                self.firewall(vpc, draw.choice(mine))
                targets += [Route(f"vpce-f{number}", prefix) for prefix in ANY]
                targets += [Route(f"vpce-f{number}", prefix) for each in mine for prefix in each.cidrs]
            for other in self.vpcs:
                if other is vpc:
                    continue
                names = sorted((vpc.id[-1], other.id[-1]))
                for prefix in (*other.cidrs, cidr("10.0.0.0/8")):
                    targets.append(Route(f"pcx-{names[0]}{names[1]}", prefix))
                    if transit and vpc.region == REGIONS[0]:
                        targets += [Route("tgw-1", prefix)] * 2
            self.tables(vpc, mine, targets)
        for one in self.vpcs:
            for two in self.vpcs:
                if one.id < two.id:
                    state = "active" if self.maybe(0.9) else "deleted"
                    sides = [PeeringSide(each.id, A, each.region, each.cidrs) for each in (one, two)]
                    self.parts.append(Peering(f"pcx-{one.id[-1]}{two.id[-1]}", sides[0], sides[1], state))
        if transit:
            self.transit()

    def tables(self, vpc: Vpc, mine: list[Subnet], targets: list[Route]) -> None:
        number = vpc.id[-1]
        gateways = [each.id for each in self.parts if isinstance(each, Gateway) and vpc.id in each.vpcs]

        def some() -> tuple[Route, ...]:
            found: dict[object, Route] = {}
            for each in self.draw.sample(targets, min(len(targets), self.draw.randint(0, 5))):
                route = Route(each.target, each.destination, state="blackhole") if self.maybe(0.05) else each
                if self.prefix_lists and self.maybe(0.1):
                    named = self.draw.choice(self.prefix_lists).id
                    found[named] = Route(each.target, prefix_list=named)
                else:
                    found[each.destination] = route
            return tuple(found.values())

        own = [each.id for each in mine if self.maybe(0.5)]
        self.parts.append(RouteTable(f"rtb-{number}m", vpc.id, A, vpc.region, some(), main=True))
        self.parts.append(RouteTable(f"rtb-{number}s", vpc.id, A, vpc.region, some(), tuple(own)))
        igws = tuple(each for each in gateways if each.startswith("igw-"))
        if igws and self.maybe(0.3):
            held = [
                each for each in targets if each.target == f"vpce-f{number}" and each.destination not in ANY
            ]
            routes = tuple(self.draw.sample(held, min(len(held), 2)))
            self.parts.append(RouteTable(f"rtb-{number}e", vpc.id, A, vpc.region, routes, gateways=igws))

    def firewall(self, vpc: Vpc, home: Subnet) -> None:
        draw, number = self.draw, vpc.id[-1]

        def sides() -> dict[str, Any]:
            ports = self.maybe(0.6)
            return {
                "sources": (self.prefix(),) if self.maybe(0.6) else (),
                "destinations": (self.prefix(),) if self.maybe(0.6) else (),
                "source_ports": (self.ports(),) if ports and self.maybe(0.4) else (),
                "destination_ports": (self.ports(),) if ports else (),
            }

        actions = [("aws:pass",), ("aws:drop",), ("aws:forward_to_sfe",)]
        stateless = tuple(
            StatelessRule(
                each, draw.choice(actions), protocols=draw.choice([(), (6,), (6, 17), (1,)]), **sides()
            )
            for each in range(draw.randint(0, 3))
        )
        stateful = tuple(
            StatefulRule(
                draw.choice(["PASS", "DROP", "REJECT", "ALERT"]),
                draw.choice(["IP", "TCP", "UDP", "ICMP"]),
                any_direction=self.maybe(0.3),
                **sides(),
            )
            for _ in range(draw.randint(0, 3))
        )
        strict = self.maybe(0.5)
        policy = FirewallPolicy(
            f"arn:policy-{number}",
            A,
            vpc.region,
            (StatelessGroup("arn:sl", 1, stateless),),
            (StatefulGroup("arn:sf", 1, stateful),),
            draw.choice(actions),
            draw.choice([(), ("aws:drop_strict",)]) if strict else (),
            strict,
        )
        self.parts += [
            policy,
            VpcEndpoint(
                f"vpce-f{number}", vpc.id, A, vpc.region, "GatewayLoadBalancer", "fw", subnets=(home.id,)
            ),
            Firewall(f"arn:firewall-{number}", vpc.id, A, vpc.region, (f"vpce-f{number}",), policy.id),
        ]

    def transit(self) -> None:
        draw = self.draw
        self.parts.append(TransitGateway("tgw-1", A, REGIONS[0], sg_referencing=self.maybe(0.5)))
        held: list[str] = []
        for vpc in self.vpcs:
            if vpc.region != REGIONS[0] or self.maybe(0.1):
                continue
            mine = [each for each in self.subnets if each.vpc == vpc.id]
            zones = {each.zone: each.id for each in draw.sample(mine, draw.randint(1, len(mine)))}
            id = f"tgw-attach-{vpc.id[-1]}"
            held.append(id)
            self.parts.append(
                TransitGatewayAttachment(
                    id,
                    "tgw-1",
                    A,
                    REGIONS[0],
                    "vpc",
                    vpc.id,
                    "available" if self.maybe(0.95) else "modifying-failed",
                    tuple(sorted(zones.values())),
                    sg_referencing=self.maybe(0.7),
                    ipv6=self.maybe(0.7),
                )
            )
        if not held:
            return
        tables = [f"tgw-rtb-{each}" for each in range(2)]
        chosen = {each: draw.choice([*tables, ""]) if self.maybe(0.3) else tables[0] for each in held}
        for id in tables:
            routes: dict[tuple[Cidr, str], TransitGatewayRoute] = {}
            for attachment in held:
                vpc = next(each for each in self.vpcs if each.id[-1] == attachment[-1])
                for prefix in (*vpc.cidrs, ANY[0], cidr("10.0.0.0/8")):
                    if self.maybe(0.7 if prefix in vpc.cidrs else 0.2):
                        kind = draw.choice(["static", "propagated"])
                        state = "blackhole" if self.maybe(0.07) else "active"
                        routes[prefix, kind] = TransitGatewayRoute(
                            (attachment,), prefix, state=state, kind=kind
                        )
            mine = tuple(each for each, table in chosen.items() if table == id)
            self.parts.append(
                TransitGatewayRouteTable(id, "tgw-1", A, REGIONS[0], tuple(routes.values()), mine)
            )
