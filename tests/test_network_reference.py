"""The engine held to the packet-by-packet simulator on small random networks: every packet must agree."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.analysis.network.addresses import ANY4, V6_START, text
from partywall.analysis.network.answers import Answer, Place, own_addresses, path, public_addresses
from partywall.analysis.network.matrix import Matrix
from partywall.analysis.network.model import Network, SecurityGroupRule, Unread
from partywall.analysis.network.sets import Flows, services, services_of
from partywall.analysis.network.world import World
from tests.network_random import OUTSIDE, PORTS, PROTOCOLS, Maker
from tests.network_reference import Packet, Simulator
from tests.network_world import Builder


def packet(draw: random.Random, source: int, destination: int) -> Packet:
    protocol = draw.choice(PROTOCOLS)
    if (protocol == 58) != (source >= V6_START) and protocol in (1, 58):
        protocol = 58 if source >= V6_START else 1
    if protocol in (1, 58):
        return Packet(
            source, destination, protocol, type=draw.choice([0, 3, 8, 128, 129]), code=draw.choice([0, 1])
        )
    if protocol not in (6, 17):
        return Packet(source, destination, protocol)
    return Packet(source, destination, protocol, draw.choice((*PORTS, 40000)), draw.choice(PORTS))


def holds(flows: Flows, one: Packet) -> bool:
    """Whether a packet is in some flows."""
    ((place, _),) = (
        services(one.protocol, one.type, one.code)
        if one.protocol in (1, 58)
        else services(one.protocol, one.port, one.port)
    )
    back = services(one.protocol, one.sport, one.sport).spans[0][0] if one.protocol in (6, 17) else place
    return any(place in there and back in replies for there, replies in flows)


def passes(answer: Answer, one: Packet) -> bool:
    cells = [e for e in answer.cells if one.source in e.source and one.destination in e.destination]
    return any(holds(cell.sure, one) for cell in cells)


def told(network: Network, one: Packet, start: str, goal: str) -> str:
    return f"{start} -> {goal} {text(one.source)} -> {text(one.destination)} {one}\n{network}"


def agree(seed: int) -> None:
    network = Maker(seed).make()
    draw = random.Random(seed + 1)
    world, simulator = World(network), Simulator(network)
    for near in network.interfaces:
        own = [low for low, _ in own_addresses(near)]
        for far in network.interfaces:
            if near is far:
                continue
            answer = path(world, Place.interface(near.id), Place.interface(far.id))
            # A firewall that sees replies alone is left in doubt; all else of what was read is known.
            assert network.firewalls or all(cell.sure == cell.maybe for cell in answer.cells)
            theirs = [low for low, _ in (own_addresses(far) | public_addresses(far))]
            for _ in range(6):
                source, destination = draw.choice(own), draw.choice(theirs)
                if (source >= V6_START) != (destination >= V6_START):
                    continue
                one = packet(draw, source, destination)
                expected = simulator.reaches(near.id, near.vpc, one, far.id)
                assert passes(answer, one) == expected, told(network, one, near.id, far.id)
        for goal in (Place.internet(), Place("service")):
            answer = path(world, Place.interface(near.id), goal)
            for _ in range(6):
                source, destination = draw.choice(own), draw.choice(OUTSIDE)
                if (source >= V6_START) != (destination >= V6_START):
                    continue
                one = packet(draw, source, destination)
                expected = simulator.reaches(near.id, near.vpc, one, goal.kind)
                assert passes(answer, one) == expected, told(network, one, near.id, goal.kind)
        answer = path(world, Place.internet(), Place.interface(near.id))
        gateways = [each for each in network.internet_gateways if near.vpc in each.vpcs]
        for destination in [low for low, _ in public_addresses(near)]:
            for gateway in gateways:
                for _ in range(6):
                    source = draw.choice(OUTSIDE)
                    if (source >= V6_START) != (destination >= V6_START):
                        continue
                    one = packet(draw, source, destination)
                    expected = simulator.reaches(gateway.id, near.vpc, one, near.id)
                    assert passes(answer, one) == expected, told(network, one, gateway.id, near.id)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32))
def test_every_packet_fares_as_in_the_simulator(seed: int) -> None:
    agree(seed)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1 << 32))
def test_the_matrix_says_what_paths_say(seed: int) -> None:
    network = Maker(seed).make()
    world = World(network)
    for family in (4, 6):
        matrix = Matrix(world, family)
        for i, here in enumerate(matrix.classes):
            for j, there in enumerate(matrix.classes):
                if here.first == there.first:
                    continue
                source = Place.interface(here.first)
                answer = path(world, source, Place.interface(there.first))
                own, theirs = (here.v4, there.v4) if family == 4 else (here.v6, there.v6)
                cells = [e for e in answer.cells if own[0] in e.source and theirs[0] in e.destination]
                cell = cells[0]
                # Between subnets alone: what goes round by NAT or the internet is not the matrix's matter.
                if any(step.component.startswith(("igw-", "eigw-", "nat-")) for step in cell.trace.steps):
                    continue
                found = matrix.services(i, j)
                # A firewall that sees replies alone is left in doubt, by both.
                expected = services_of(cell.sure), services_of(cell.maybe)
                assert found == expected, (here, there, network)


def changed(draw: random.Random, network: Network) -> Network:
    """The network with one group's rules or one interface's groups changed, or an interface gone."""
    kind = draw.randrange(3)
    if kind == 0 and network.security_groups:
        at = draw.randrange(len(network.security_groups))
        held = network.security_groups[at]
        rules = (*(held.rules or ())[1:], SecurityGroupRule("new", draw.random() < 0.5, 6, 1234, 1240, ANY4))
        groups = list(network.security_groups)
        groups[at] = replace(held, rules=rules)
        return replace(network, security_groups=tuple(groups))
    at = draw.randrange(len(network.interfaces))
    interfaces = list(network.interfaces)
    if kind == 1:
        interfaces[at] = replace(interfaces[at], groups=interfaces[at - 1].groups)
    else:
        del interfaces[at]
    return replace(network, interfaces=tuple(interfaces))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32))
def test_a_matrix_that_takes_over_an_earlier_one_says_what_a_new_one_says(seed: int) -> None:
    network = Maker(seed).make()
    later = changed(random.Random(seed), network)
    for family in (4, 6):
        before = Matrix(World(network), family)
        taken = Matrix(World(later), family, before)
        fresh = Matrix(World(later), family)
        assert taken.classes == fresh.classes
        for i in range(len(fresh.classes)):
            for j in range(len(fresh.classes)):
                if i != j:
                    assert taken.services(i, j) == fresh.services(i, j), (i, j, later)
        assert taken.computed <= fresh.computed


def test_the_matrix_knows_who_takes_nothing() -> None:
    """NAT gateways' interfaces, detached ones and endpoints that nobody accepted, as paths say of each."""
    network = Builder(
        {
            "vpcs": {"vpc-1": ["10.0.0.0/16"]},
            "subnets": {
                "subnet-1": ["vpc-1", "az1", "10.0.1.0/24"],
                "subnet-2": ["vpc-1", "az1", "10.0.2.0/24"],
            },
            "interfaces": {
                "eni-a": {"subnet": "subnet-1", "ip": "10.0.1.10", "groups": []},
                "eni-nat": {"subnet": "subnet-2", "ip": "10.0.2.20", "kind": "nat_gateway"},
                "eni-off": {"subnet": "subnet-2", "ip": "10.0.2.21", "status": "available"},
                "eni-new": {"subnet": "subnet-2", "ip": "10.0.2.22", "kind": "vpc_endpoint"},
                "eni-yes": {"subnet": "subnet-2", "ip": "10.0.2.23", "kind": "vpc_endpoint"},
            },
            "nats": {"nat-1": {"subnet": "subnet-2", "ip": "10.0.2.20", "public": "54.0.0.20"}},
            "endpoints": {
                "vpce-1": {
                    "vpc": "vpc-1",
                    "kind": "Interface",
                    "interfaces": ["eni-new"],
                    "state": "pendingAcceptance",
                },
                "vpce-2": {"vpc": "vpc-1", "kind": "Interface", "interfaces": ["eni-yes"]},
            },
        }
    ).build()
    for less in (
        network,
        replace(network, endpoints=(), unread=(Unread("endpoints", "ec2:DescribeVpcEndpoints"),)),
    ):
        world = World(less)
        matrix = Matrix(world)
        source = next(i for i, each in enumerate(matrix.classes) if "eni-a" in each.members)
        for j, each in enumerate(matrix.classes):
            for member in each.members:
                if member != "eni-a":
                    answer = path(world, Place.interface("eni-a"), Place.interface(member))
                    assert matrix.services(source, j) == (answer.services, answer.possible), member
                    if answer.services != answer.possible:
                        assert set(answer.unread) <= set(matrix.unread(source, j))
