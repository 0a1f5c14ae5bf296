"""Internet exposure and all class pairs: 10,000 interfaces, 500 groups, 200 subnets, 30 VPCs, one hub.

Prints CPU seconds, memory, and how many times faster the engine is than asking one interface, or one pair,
at a time (the same walks, sampled and extended to all).
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from dataclasses import replace
from typing import Any

from partywall.analysis.network.addresses import ANY4, address, cidr
from partywall.analysis.network.answers import Ask, Place, path
from partywall.analysis.network.exposure import Cache, exposures
from partywall.analysis.network.matrix import Matrix
from partywall.analysis.network.model import (
    AclEntry,
    Gateway,
    GatewayKind,
    Interface,
    NatAddress,
    NatGateway,
    Network,
    NetworkAcl,
    PrivateAddress,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRoute,
    TransitGatewayRouteTable,
    Vpc,
    network,
)
from partywall.analysis.network.world import World

REGION = "us-east-1"
PORTS = (22, 80, 443, 3306, 3389, 5432, 6379, 8080, 8443, 9092, 9200, 27017)


def synthetic(vpcs: int, subnets: int, groups: int, interfaces: int, seed: int = 1) -> Network:
    """An organization's network: three tiers in three zones of each VPC, hub and spoke, NAT in each VPC."""
    draw = random.Random(seed)
    parts: list[Any] = [TransitGateway("tgw-hub", "100000000000", REGION)]
    placed: list[Subnet] = []
    by_vpc: dict[str, list[str]] = {}
    tables: dict[bool, list[TransitGatewayRoute]] = {True: [], False: []}
    associations: dict[bool, list[str]] = {True: [], False: []}
    for number in range(vpcs):
        id, account, production = f"vpc-{number:03}", f"1000000000{number:02}", number % 3 != 0
        parts.append(Vpc(id, account, REGION, (cidr(f"10.{number}.0.0/16"),)))
        parts.append(Gateway(f"igw-{number:03}", GatewayKind.INTERNET, account, REGION, (id,)))
        count = subnets // vpcs + (number < subnets % vpcs)
        here = [
            Subnet(
                f"subnet-{number:03}-{each:02}",
                id,
                account,
                REGION,
                f"use1-az{each % 3 + 1}",
                (cidr(f"10.{number}.{each * 8}.0/21"),),
            )
            for each in range(count)
        ]
        parts.extend(here)
        placed.extend(here)
        public, private = [e.id for e in here[: count // 3]], [e.id for e in here[count // 3 :]]
        nat = NatAddress(address(f"10.{number}.7.250"), address(f"52.0.{number}.250"))
        parts.append(NatGateway(f"nat-{number:03}", id, account, REGION, here[0].id, (nat,)))
        hub = Route("tgw-hub", cidr("10.0.0.0/8"))
        parts.append(
            RouteTable(
                f"rtb-{number:03}-pub",
                id,
                account,
                REGION,
                (Route(f"igw-{number:03}", ANY4), hub),
                tuple(public),
            )
        )
        parts.append(
            RouteTable(
                f"rtb-{number:03}-prv",
                id,
                account,
                REGION,
                (Route(f"nat-{number:03}", ANY4), hub),
                tuple(private),
                main=True,
            )
        )
        parts.extend(_acls(number, id, account, public, private))
        attachment = f"tgw-attach-{number:03}"
        ends = {each.zone: each.id for each in here}
        parts.append(
            TransitGatewayAttachment(
                attachment, "tgw-hub", account, REGION, "vpc", id, subnets=tuple(ends.values())
            )
        )
        associations[production].append(attachment)
        route = TransitGatewayRoute((attachment,), cidr(f"10.{number}.0.0/16"), kind="propagated")
        for side in (True, False):
            # Production and the rest see their own and the first VPC, which is shared.
            if side == production or number == 0:
                tables[side].append(route)
        by_vpc[id] = [f"sg-{each:04}" for each in range(groups) if each % vpcs == number]
        parts.extend(_groups(draw, number, id, account, by_vpc[id]))
    for side, routes in tables.items():
        parts.append(
            TransitGatewayRouteTable(
                f"tgw-rtb-{side}", "tgw-hub", "100000000000", REGION, tuple(routes), tuple(associations[side])
            )
        )
    parts.extend(_interfaces(draw, placed, by_vpc, interfaces))
    return network(parts)


def _acls(number: int, vpc: str, account: str, public: list[str], private: list[str]) -> list[NetworkAcl]:
    opened = AclEntry(100, False, True, -1, ANY4), AclEntry(100, True, True, -1, ANY4)
    narrow = (
        AclEntry(90, False, False, 6, ANY4, 23, 23),
        AclEntry(100, False, True, -1, cidr("10.0.0.0/8")),
        AclEntry(110, False, True, 6, ANY4, 1024, 65535),
        AclEntry(120, False, True, 17, ANY4, 1024, 65535),
        AclEntry(100, True, True, -1, ANY4),
    )
    return [
        NetworkAcl(f"acl-{number:03}-pub", vpc, account, REGION, tuple(public), opened, default=True),
        NetworkAcl(f"acl-{number:03}-prv", vpc, account, REGION, tuple(private), narrow),
    ]


def _groups(draw: random.Random, number: int, vpc: str, account: str, ids: list[str]) -> list[SecurityGroup]:
    found: list[SecurityGroup] = []
    for id in ids:
        rules = [SecurityGroupRule("", True, -1, cidr=ANY4)]
        for each in range(draw.randint(1, 6)):
            port = draw.choice(PORTS) if draw.random() < 0.7 else draw.randint(1024, 49151)
            kind = draw.random()
            if kind < 0.15:
                rules.append(SecurityGroupRule(f"r{each}", False, 6, port, port, ANY4))
            elif kind < 0.45:
                rules.append(SecurityGroupRule(f"r{each}", False, 6, port, port, group=draw.choice(ids)))
            elif kind < 0.7:
                rules.append(
                    SecurityGroupRule(f"r{each}", False, 6, port, port + 10, cidr(f"10.{number}.0.0/16"))
                )
            elif kind < 0.85:
                rules.append(SecurityGroupRule(f"r{each}", False, 6, port, port, cidr("10.0.0.0/8")))
            else:
                office = cidr(
                    f"{draw.choice((12, 81, 93, 151))}.{draw.randint(0, 255)}.{draw.randint(0, 255)}.0/24"
                )
                rules.append(SecurityGroupRule(f"r{each}", False, 6, port, port, office))
        found.append(SecurityGroup(id, vpc, account, REGION, tuple(rules)))
    return found


def _interfaces(
    draw: random.Random, placed: list[Subnet], by_vpc: dict[str, list[str]], count: int
) -> list[Interface]:
    found: list[Interface] = []
    # Workloads: sets of groups that recur in every subnet they run in.
    workloads = {
        vpc: [tuple(draw.sample(ids, min(len(ids), draw.randint(1, 2)))) for _ in range(10)]
        for vpc, ids in by_vpc.items()
    }
    for number in range(count):
        subnet = placed[number % len(placed)]
        private = subnet.cidrs[0].first + 10 + number // len(placed)
        public = (0x34000000 + number) if number % 8 == 0 else None
        found.append(
            Interface(
                f"eni-{number:05}",
                subnet.account,
                REGION,
                subnet.vpc,
                subnet.id,
                (PrivateAddress(private, public),),
                groups=draw.choice(workloads[subnet.vpc]),
            )
        )
    return found


def changed(held: Network) -> Network:
    """The network with one more rule in one security group."""
    at = len(held.security_groups) // 2
    group = held.security_groups[at]
    rule = SecurityGroupRule("new", False, 6, 8081, 8081, ANY4)
    groups = list(held.security_groups)
    groups[at] = replace(group, rules=(*(group.rules or ()), rule))
    return replace(held, security_groups=tuple(groups))


def main() -> None:
    """Run at the size of the issue, or smaller."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interfaces", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=300, help="interfaces and pairs asked one by one")
    options = parser.parse_args()
    held = synthetic(30, 200, 500, options.interfaces)
    begun = time.process_time()
    cache = Cache()
    world = World(held)
    found = exposures(world, cache)
    exposed = time.process_time() - begun
    reached = sum(each.outcome.value == "reachable" for each in found.values())
    print(
        f"exposure    {len(found)} interfaces, {cache.misses} walked, {reached} reached: {exposed:.2f} s CPU"
    )
    begun = time.process_time()
    exposures(World(held), cache)
    again = time.process_time() - begun
    print(f"again       nothing changed: {again:.2f} s CPU, {cache.hits} answers kept")
    begun = time.process_time()
    matrix = Matrix(World(held))
    built = time.process_time() - begun
    size = len(matrix.classes)
    print(f"class pairs {size} classes, {size * size:,} pairs: {built:.2f} s CPU")
    begun = time.process_time()
    pairs = sum(1 for _ in matrix.pairs())
    print(f"read out    {pairs:,} pairs with something open: {time.process_time() - begun:.2f} s CPU")
    later = changed(held)
    misses = cache.misses
    begun = time.process_time()
    exposures(World(later), cache)
    spent = time.process_time() - begun
    print(f"one group   changed: {cache.misses - misses} interfaces walked again: {spent:.2f} s CPU")
    begun = time.process_time()
    taken = Matrix(World(later), 4, matrix)
    spent = time.process_time() - begun
    print(
        f"            {taken.computed:,} pairs worked out again: {spent:.2f} s CPU, {built / spent:.0f} times"
    )
    print(f"memory      {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")

    draw = random.Random(2)
    world = World(held)
    begun = time.process_time()
    for each in draw.sample(held.interfaces, options.sample):
        path(world, Place.internet(), Place.interface(each.id), Ask())
    slow = (time.process_time() - begun) / options.sample * len(found)
    print(f"one by one  exposure {slow:.1f} s CPU: {slow / exposed:.0f} times as long")
    begun = time.process_time()
    for _ in range(options.sample):
        one, two = draw.choice(matrix.classes), draw.choice(matrix.classes)
        path(world, Place.interface(one.first), Place.interface(two.first), Ask())
    slow = (time.process_time() - begun) / options.sample * size * size
    print(f"            class pairs {slow:.0f} s CPU: {slow / built:.0f} times as long")


if __name__ == "__main__":
    main()
