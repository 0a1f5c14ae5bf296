"""The network of a real scan: what is open end to end, by which door, and doubt where a call was denied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from partywall.analysis.network.entry_points import Doors
from partywall.analysis.network.exposure import exposures
from partywall.analysis.network.model import Network
from partywall.analysis.network.scan_network import load
from partywall.analysis.network.steps import Outcome
from partywall.analysis.network.study import study
from partywall.analysis.network.tables import exposure, reachability
from partywall.analysis.network.unused import unused_rules
from partywall.analysis.network.world import World
from partywall.analysis.policy import FACTS
from partywall.lake.engine import Lake
from tests.network_entry import cases, network_of
from tests.support import DemoScan


@pytest.fixture(scope="module")
def lake(demo: DemoScan) -> Lake:
    return Lake(demo.directory, FACTS)


def _rows(lake: Lake, build: Any) -> dict[str, dict[str, Any]]:
    return {row["arn"]: row for row in build(lake).to_pylist(maps_as_pydicts="lossy")}


def _instance(lake: Lake, name: str) -> str:
    rows = study(lake).instances.values()
    return next(row["instance_id"] for row in rows if (row["tags"] or {}).get("Name") == name)


def _exposed(lake: Lake, name: str) -> dict[str, Any]:
    wanted = _instance(lake, name)
    return next(r for r in _rows(lake, exposure).values() if r["instance_id"] == wanted)


def test_a_scan_that_answered_everything_leaves_nothing_unread(lake: Lake) -> None:
    assert load(lake).network.unread == ()


def test_the_jump_host_is_open_and_its_role_is_an_administrators(lake: Lake) -> None:
    row = _exposed(lake, "jump-2019")
    ports = {(p["protocol"], p["from_port"]) for p in row["internet_ports"]}
    assert row["internet_reachable"] is True
    assert ("tcp", 22) in ports
    assert row["admin_role"] is True
    assert row["metadata_tokens"] == "optional"
    assert any("legacy-ssh-anywhere" in line for line in row["internet_path"])


def test_a_web_server_is_reached_by_its_load_balancer_alone(lake: Lake) -> None:
    row = _exposed(lake, "web-1")
    assert row["internet_reachable"] is False
    assert row["internet_reachable_at_all"] is True
    assert {(v["protocol"], v["port"], v["target_port"]) for v in row["internet_via"]} == {
        ("HTTPS", 443, 8080)
    }


def test_a_listener_whose_targets_take_no_client_addresses_is_not_open(lake: Lake) -> None:
    """Network Load Balancers keep clients' addresses, which the targets' group does not let in."""
    rows = {r["name"]: r for r in _rows(lake, exposure).values()}
    assert rows["edi-gateway:22"]["internet_reachable"] is False
    assert rows["legacy-portal:80"]["internet_reachable"] is True
    assert rows["legacy-portal:80"]["plaintext"] is True
    assert rows["shop:80"]["plaintext"] is False, "it redirects"


def test_the_sandbox_reaches_productions_database_over_the_peering(lake: Lake) -> None:
    rows = {r["name"]: r for r in _rows(lake, exposure).values() if r["kind"] == "rds-instance"}
    assert rows["orders"]["other_account_reachable"] is True
    assert {p["from_port"] for p in rows["orders"]["other_account_ports"]} == {5432}
    classes = [r for r in _rows(lake, reachability).values() if r["environment"] == "sandbox"]
    assert any(x["environment"] == "production" for r in classes for x in r["reaches"])


def test_rules_of_groups_that_nothing_holds_are_unused(lake: Lake) -> None:
    rows = _rows(lake, unused_rules).values()
    groups = {r["name"]: r for r in rows if r["kind"] == "security-group" and r["is_used"] is False}
    assert "unused-elastic" in groups
    opened = [r for r in rows if r["name"] == "legacy-ssh-anywhere" and r["admin_reached"]]
    assert opened


def test_arns_name_one_row_each(lake: Lake) -> None:
    for build in (exposure, reachability, unused_rules):
        table = build(lake)
        keys = list(zip(*(table[n].to_pylist() for n in ("account_id", "region", "arn")), strict=True))
        assert len(keys) == len(set(keys)), build.__name__


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_entry_points(case: dict[str, Any]) -> None:
    network: Network = network_of(case)
    world = World(network)
    doors = Doors(world, exposures(world)).all()
    assert len(doors) == 1
    assert doors[0].open is Outcome(case["open"]), case["page"]


def test_the_command_line_tells_paths_and_exits_by_them(demo: DemoScan, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from partywall.cli.app import app

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["network", *words, "--data", str(demo.data)])

    reached = run("path", "--from", "internet", "--to", "jump-2019", "--port", "22", "--expect", "reachable")
    assert reached.exit_code == 0
    assert "tcp 22" in reached.output
    blocked = run("path", "--from", "internet", "--to", "orders", "--port", "5432", "--expect", "reachable")
    assert blocked.exit_code == 1
    assert "ENI_SG_RULES_MISMATCH" in blocked.output
    assert "jump" not in run("exposure", "no-such-thing").output
    assert run("matrix", "--from", "migration-1").exit_code == 0


def test_intents_are_kept_breached_or_told_wrong_by_line(demo: DemoScan, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from partywall.cli.app import app

    def run(text: str) -> Any:
        file = tmp_path / "intents.yaml"
        file.write_text(text)
        return CliRunner().invoke(app, ["network", "intent", str(file), "--data", str(demo.data)])

    kept = run(
        "intents:\n  - no path from internet to group:orders-db\n  - internet reaches jump-2019 on 22\n"
    )
    assert kept.exit_code == 0, kept.output
    breached = run("places: {lab: 'env:sandbox'}\nintents:\n  - no path from lab to group:orders-db\n")
    assert breached.exit_code == 1
    assert "vpc-peering-connection" in breached.output
    wrong = run("intents:\n  - no path from internet to group:orders-db\n  - web talks to db\n")
    assert wrong.exit_code == 2 or "intents.yaml:3" in str(wrong.exception)
