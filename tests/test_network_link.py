"""Which VPCs peerings and transit gateways join, by their routes, and whose blocks overlap."""

from __future__ import annotations

from typing import Any

import pytest

from partywall.analysis.network.addresses import cidr
from partywall.analysis.network.joins import links, overlaps_of
from partywall.analysis.policy import FACTS
from partywall.lake.engine import Lake
from tests.support import DemoScan


@pytest.fixture(scope="module")
def rows(demo: DemoScan) -> list[dict[str, Any]]:
    return links(Lake(demo.directory, FACTS)).to_pylist(maps_as_pydicts="lossy")


def test_a_peering_joins_where_routes_lead_over_it(rows: list[dict[str, Any]]) -> None:
    pairs = {
        (j["from_environment"], j["to_environment"])
        for r in rows
        if r["kind"] == "peering"
        for j in r["joins"]
    }
    assert {("sandbox", "production"), ("production", "sandbox"), ("production", "production")} == pairs
    assert all(None not in r["joins"] and r["_failed"] == [] for r in rows)


def test_a_peering_between_scanned_accounts_is_each_ones_own(rows: list[dict[str, Any]]) -> None:
    joined = [r for r in rows if any(j["from_environment"] == "sandbox" for j in r["joins"])]
    assert len({r["account_id"] for r in joined}) == 2
    assert len({r["link_id"] for r in joined}) == 1
    arns = [r["arn"] for r in rows]
    assert len(arns) == len(set(arns))


def test_a_transit_gateway_joins_by_association_and_route(rows: list[dict[str, Any]]) -> None:
    tables = [r for r in rows if r["kind"] == "transit-gateway-route-table" and r["joins"]]
    assert tables
    for table in tables:
        assert all(j["from_vpc"] != j["to_vpc"] for j in table["joins"])


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("10.0.0.0/16", "10.0.0.0/16", "10.0.0.0/16"),
        ("10.0.0.0/8", "10.20.0.0/16", "10.20.0.0/16"),
        ("10.20.0.0/16", "10.0.0.0/8", "10.20.0.0/16"),
        ("10.0.0.0/16", "10.1.0.0/16", ""),
        ("2001:db8::/56", "2001:db8::/48", "2001:db8::/56"),
        ("0.0.0.0/0", "2001:db8::/48", ""),
    ],
)
def test_blocks_that_overlap(one: str, other: str, told: str) -> None:
    found = list(overlaps_of("vpc-b", [cidr(one)], "vpc-a", [cidr(other)]))
    assert [f["block"] for f in found] == ([told] if told else [])
    assert all((f["one_vpc"], f["other_vpc"]) == ("vpc-a", "vpc-b") for f in found)
    assert list(overlaps_of("vpc-a", [cidr(one)], "vpc-a", [cidr(one)])) == []
