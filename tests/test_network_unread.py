"""What was not read may only make answers unknown, and an unknown answer names what was not read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.analysis.network.answers import Place, path
from partywall.analysis.network.model import CALLS, Network, Unread
from partywall.analysis.network.steps import Outcome
from partywall.analysis.network.world import World
from tests.network_random import Maker
from tests.network_world import Builder, parse_ask
from tests.test_network_cases import CASES, told

CONTENT = {
    "security_groups": "rules",
    "prefix_lists": "entries",
    "network_acls": "entries",
    "route_tables": "routes",
    "transit_gateway_route_tables": "routes",
    "interfaces": "groups",
    "client_vpns": "rules",
    "vpn_connections": "tunnels_up",
    "transit_gateway_attachments": "subnets",
}
"""What of each object may lack though it was listed."""


def hidden(network: Network) -> Iterator[tuple[str, Network]]:
    """The network with each listing hidden, each object of it, and what each object holds."""
    for field in fields(network):
        kind = field.name
        held = getattr(network, kind)
        if kind in ("unread", "public_addresses", "endpoint_services", "load_balancers", "target_groups"):
            continue
        listing = (*network.unread, Unread(kind, CALLS[kind]))
        yield kind, replace(network, **{kind: ()}, unread=listing)
        for index, each in enumerate(held):
            rest = held[:index] + held[index + 1 :]
            yield kind, replace(network, **{kind: rest}, unread=listing)
            if kind in CONTENT:
                lacking = replace(each, **{CONTENT[kind]: None})
                yield kind, replace(network, **{kind: (*held[:index], lacking, *held[index + 1 :])})


def agree(written: dict[str, Any], question: str, appliances: bool, only: int | None = None) -> int:
    """Hold each hiding (or the one of a number) against the whole; how many there are."""
    network = Builder(written).build()
    source, target, ask = parse_ask(question)
    whole = path(World(network, appliances), source, target, ask)
    ways = list(hidden(network))
    for kind, less in ways if only is None else [ways[only % len(ways)]]:
        world = World(less, appliances)
        answer = path(world, source, target, ask)
        assert answer.outcome in (whole.outcome, Outcome.UNKNOWN), (kind, told(world, answer))
        if answer.outcome is Outcome.UNKNOWN:
            assert answer.unread, kind
            if whole.outcome is not Outcome.UNKNOWN:
                assert CALLS[kind] in {each.call for each in answer.unread}, (kind, told(world, answer))
    return len(ways)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(range(len(CASES))), st.integers(0, 1 << 16))
def test_hiding_any_input_only_moves_answers_to_unknown(case: int, which: int) -> None:
    written, question, _, appliances = CASES[case].values
    agree(written, question, appliances, which)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 1 << 32))
def test_hiding_keeps_what_is_sure_within_and_what_may_be_without(seed: int) -> None:
    """On random networks, by every protocol and port: less is sure, and more may be."""
    network = Maker(seed).make()
    draw = random.Random(seed)
    one, two = draw.choice(network.interfaces).id, draw.choice(network.interfaces).id
    questions = (
        (Place.interface(one), Place.interface(two)),
        (Place.internet(), Place.interface(two)),
        (Place.interface(one), Place.internet()),
    )
    whole = [path(World(network), *question) for question in questions]
    for kind, less in draw.sample(list(hidden(network)), 6):
        world = World(less)
        for question, full in zip(questions, whole, strict=True):
            found = path(world, *question)
            assert not found.services - full.services, (kind, question)
            assert found.missing or not full.possible - found.possible, (kind, question)
