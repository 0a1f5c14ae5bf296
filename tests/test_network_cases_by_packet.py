"""The simulator, packet by packet, must say of each case what the documentation says, where it models all."""

from __future__ import annotations

from typing import Any

import pytest

from partywall.analysis.network.addresses import V6_START
from partywall.analysis.network.answers import Ask, Place, own_addresses, public_addresses
from partywall.analysis.network.model import Interface, Network
from tests.network_random import OUTSIDE
from tests.network_reference import Packet, Simulator
from tests.network_world import Builder, parse_ask
from tests.test_network_cases import CASES

UNMODELLED = ("vpn_gateways", "carrier_gateways", "local_gateways", "client_vpns", "unread")
TARGETS = ("local", "igw-", "eigw-", "nat-", "pcx-", "tgw-", "vpce-")


def modelled(network: Network) -> bool:
    """Whether the simulator knows every kind of thing in a network, all of it read and at work."""
    ids = {each.id for field in ("nat_gateways", "peerings", "endpoints") for each in getattr(network, field)}
    guarded = {endpoint for each in network.firewalls for endpoint in each.endpoints}
    policies = {each.id for each in network.firewall_policies}
    return (
        not any(getattr(network, each) for each in UNMODELLED)
        and all(each.entries is not None for each in (*network.network_acls, *network.prefix_lists))
        and all(each.rules is not None for each in network.security_groups)
        and all(each.routes is not None for each in network.transit_gateway_route_tables)
        and all(
            route.destination
            and len(route.attachments) < 2
            and (route.attachments or route.state != "active")
            for each in network.transit_gateway_route_tables
            for route in each.routes or ()
        )
        and all(
            each.kind == "vpc" and each.subnets is not None and not each.appliance_mode
            for each in network.transit_gateway_attachments
        )
        and all(
            each.groups is not None
            and each.status == "in-use"
            and each.deny_all_igw is False
            and each.kind in ("interface", "lambda")
            and not each.prefixes
            for each in network.interfaces
        )
        and all(
            each.state == "available"
            and each.subnet
            and each.connectivity == "public"
            and each.addresses[0].private is not None
            for each in network.nat_gateways
        )
        and all(each.state == "available" for each in network.internet_gateways)
        and all(
            each.state == "available" and (each.kind == "Gateway" or each.id in guarded)
            for each in network.endpoints
        )
        and all(each.policy in policies for each in network.firewalls)
        and all(
            group.rules is not None for each in network.firewall_policies for group in each.stateful_groups
        )
        and all(
            each.routes is not None
            and all(
                r.target.startswith(TARGETS)
                and (
                    r.state == "blackhole"
                    or "-" not in r.target
                    or r.target.startswith(("igw", "eigw", "tgw"))
                    or r.target in ids
                )
                for r in each.routes
            )
            for each in network.route_tables
        )
    )


def packets(network: Network, source: Place, target: Place, ask: Ask) -> list[tuple[str, str, Packet, str]]:
    """Start, its VPC, packet and goal of some packets that a question is about."""
    held = {each.id: each for each in network.interfaces}
    near, far = held.get(source.id), held.get(target.id)
    ports = list(range(ask.ports[0], ask.ports[1] + 1))[:3] if ask.ports else [0]
    named = [each.entries[0].first for each in network.prefix_lists if each.entries]
    sports = [ask.source_ports[0]] if ask.source_ports else [40000, 1025, 61000]
    if near is not None:
        starts = [(near.id, near.vpc)]
        sources = lows(own_addresses(near))
    else:
        starts = [(each.id, vpc) for each in network.internet_gateways for vpc in each.vpcs]
        sources = lows(source.addresses) if source.addresses else [*OUTSIDE, *named]
    found: list[tuple[str, str, Packet, str]] = []
    for start, vpc in starts:
        for here in sources:
            for there in destinations(near, far, target):
                if (here >= V6_START) != (there >= V6_START):
                    continue
                for port in ports:
                    for sport in sports:
                        one = Packet(here, there, ask.protocol or 6, sport, port)
                        if ask.protocol in (1, 58):
                            one = Packet(here, there, ask.protocol, type=port, code=4 if port == 3 else 0)
                        found.append((start, vpc, one, far.id if far else target.kind))
    return found


def destinations(near: Interface | None, far: Interface | None, target: Place) -> list[int]:
    if far is None:
        return lows(target.addresses) if target.addresses else list(OUTSIDE)
    return lows(public_addresses(far) if near is None else own_addresses(far) | public_addresses(far))


def lows(addresses: Any) -> list[int]:
    return [each for low, high in addresses for each in range(low, min(high, low + 3) + 1)]


def comparable() -> list[Any]:
    found: list[Any] = []
    for case in CASES:
        written, question, expected, _ = case.values
        network = Builder(written).build()
        source, target, ask = parse_ask(question)
        known = {each.id for each in network.interfaces}
        ends = all(
            each.kind in ("internet", "service") or (each.kind == "interface" and each.id in known)
            for each in (source, target)
        )
        if ends and not expected.startswith("unknown") and modelled(network):
            found.append(pytest.param(network, source, target, ask, expected, id=case.id))
    return found


COMPARED = comparable()


@pytest.mark.parametrize(("network", "source", "target", "ask", "expected"), COMPARED)
def test_the_simulator_says_what_the_documentation_says(
    network: Network, source: Place, target: Place, ask: Ask, expected: str
) -> None:
    simulator = Simulator(network)
    passed = [one for one in packets(network, source, target, ask) if simulator.reaches(*one)]
    assert bool(passed) == (expected.split()[0] == "reachable"), passed


def test_most_cases_are_compared() -> None:
    assert len(COMPARED) >= 200
