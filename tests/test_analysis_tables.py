"""Tables that analyses make: demanded with their inputs, judged like any other, unknown where an input is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from partywall.analysis.policy import FACTS
from partywall.aws.answers import CallFailed
from partywall.config import Config
from partywall.findings.assemble import report
from partywall.lake.engine import Lake
from partywall.lake.snapshot import DataDirectory
from partywall.scan import Scan, Selection, load_checks
from partywall.tables import analyses, registry
from partywall.tables.lint import lint
from tests.support import REGIONS, DemoScan, identity, unlimited

_MODULE = """
import pyarrow as pa
from partywall.tables.spec import Analysis, Column, Int, Str, Table

FAULT = []

def people(lake):
    if FAULT:
        raise ValueError("no such thing")
    wanted = ["account_id", "region", "arn", "name", "group_names", "mfa_serial_numbers", "_failed"]
    source = lake.source.stored(lake_table("iam_user"), wanted)
    return lake.arrow(
        "SELECT account_id, region, arn, name, len(group_names) AS groups,"
        f" len(mfa_serial_numbers) AS devices, _failed FROM ({source}) ORDER BY arn"
    )

def pairs(lake):
    wanted = ["account_id", "region", "arn", "name", "groups", "_failed"]
    return lake.arrow(
        "SELECT * EXCLUDE (groups), 2 * groups AS twice"
        f" FROM ({lake.source.stored(lake_table('toy_person'), wanted)}) ORDER BY arn"
    )

def lake_table(name):
    from partywall.tables.registry import table
    return table(name)

TABLES = (
    Table(
        name="toy_pair", service="toy", scope="global", arn="", doc="Reads another analysis.",
        rows=Analysis("partywall.tables.analyses.toy:pairs", {"toy_person": ("groups",)}, ("toy_person",)),
        columns=(Column("twice", Int, "", doc="…"),),
    ),
    Table(
        name="toy_person", service="toy", scope="global", arn="", doc="Users and their groups.",
        rows=Analysis("partywall.tables.analyses.toy:people",
                      {"iam_user": ("group_names", "mfa_serial_numbers")}, ("iam_user",)),
        columns=(Column("groups", Int, "", doc="…"), Column("devices", Int, "", doc="…"),
                 Column("never", Str, "", doc="Left out by the analysis.")),
    ),
)
"""
_CHECK = """
- id: toy-person-in-group
  title: People are in a group
  table: toy_person
  pass: groups > 0
  message: "{name} is in no group"
  severity: low
  domain: identity-and-access
  why: It is a toy.
  fix: {console: Add them to one.}
  examples: {pass: [{groups: 1}], fail: [{groups: 0}], unknown: [{groups: null}]}
- id: toy-person-with-device
  title: People have a device
  table: toy_person
  pass: devices > 0
  severity: low
  domain: identity-and-access
  why: It is a toy.
  fix: {console: Give them one.}
  examples: {pass: [{devices: 1}], fail: [{devices: 0}], unknown: [{devices: null}]}
- id: toy-person-never
  title: What no analysis gives is not known
  table: toy_person
  pass: never = 'x'
  severity: low
  domain: identity-and-access
  why: It is a toy.
  fix: {console: None.}
  examples: {pass: [{never: x}], fail: [{never: y}], unknown: [{never: null}]}
"""
_IDS = ("toy-person-in-group", "toy-person-with-device", "toy-person-never")


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Any]:
    """Two analysis tables that exist for one test, one made of the other."""
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "toy.py").write_text(_MODULE)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "toy.yaml").write_text(_CHECK)
    analyses.__path__.append(str(tmp_path / "toys"))
    caches = (registry.all_tables, registry.analysis_tables)
    for cached in caches:
        cached.cache_clear()
    registry.all_tables()
    try:
        yield sys.modules["partywall.tables.analyses.toy"]
    finally:
        analyses.__path__.pop()
        sys.modules.pop("partywall.tables.analyses.toy", None)
        for cached in caches:
            cached.cache_clear()


def _scan(demo: DemoScan, tmp_path: Path, fault: Any = None) -> tuple[Lake, list[dict[str, Any]], Any]:
    chosen = Selection(regions=REGIONS, checks=_IDS)
    checks = load_checks(chosen, Config(), [tmp_path / "checks"])
    from partywall.collect.recorder import ReplayTransport

    replayer = ReplayTransport(demo.recording(), fault)
    data = DataDirectory(tmp_path / "data")
    who = [identity(a) for a in demo.accounts[:2]]
    scan = Scan(data, who, chosen, checks, Config(), replayer, caller=unlimited(replayer))
    lake = Lake(scan.run(), FACTS)
    return lake, report(lake, checks.chosen, {}).findings.to_pylist(), scan


def test_they_are_declared_without_fault(toy: Any) -> None:
    tables = registry.all_tables()
    assert [fault for t in toy.TABLES for fault in lint(t, tables)] == []
    assert list(registry.analysis_tables()).index("toy_person") < list(registry.analysis_tables()).index(
        "toy_pair"
    )


def test_their_inputs_are_collected_and_their_rows_judged(toy: Any, demo: DemoScan, tmp_path: Path) -> None:
    lake, findings, scan = _scan(demo, tmp_path)
    assert scan.progress.notes == []
    users = lake.execute(
        f"SELECT count(*), count(*) FILTER (len(group_names) = 0) FROM ({lake.sql_of('iam_user')})"
    )
    count, alone = users.fetchone()
    assert alone
    told = [f for f in findings if f["check_id"] == "toy-person-in-group"]
    assert len(told) == alone
    assert {f["status"] for f in told} == {"fail"}
    assert (
        len([f for f in findings if f["check_id"] == "toy-person-never" and f["status"] == "unknown"])
        == count
    )
    assert lake.row_counts()["toy_person"] == count
    assert "toy_pair" not in lake.row_counts(), "nobody asked for it"


def test_a_listing_that_failed_leaves_their_checks_unknown(toy: Any, demo: DemoScan, tmp_path: Path) -> None:
    def fault(account: str, _region: str, service: str, operation: str, _params: Any) -> CallFailed | None:
        if (account, service, operation) == (demo.accounts[0], "iam", "GetAccountAuthorizationDetails"):
            return CallFailed("AccessDenied", "no identity-based policy allows it", 403)
        return None

    lake, findings, _ = _scan(demo, tmp_path, fault)
    told = [f for f in findings if f["account_id"] == demo.accounts[0]]
    assert {(f["status"], f["unknown_operation"], f["unknown_code"]) for f in told} == {
        ("unknown", "iam:GetAccountAuthorizationDetails", "AccessDenied")
    }
    assert (demo.accounts[0], "*") in lake.source.incomplete["toy_person"]
    assert (demo.accounts[1], "*") not in lake.source.incomplete["toy_person"]


def test_a_call_that_failed_is_named_by_the_rows_that_it_left_open(
    toy: Any, demo: DemoScan, tmp_path: Path
) -> None:
    def fault(_account: str, _region: str, service: str, operation: str, _params: Any) -> CallFailed | None:
        if (service, operation) == ("iam", "ListMFADevices"):
            return CallFailed("AccessDenied", "no identity-based policy allows it", 403)
        return None

    _, findings, _ = _scan(demo, tmp_path, fault)
    told = {
        (f["status"], f["unknown_operation"], f["unknown_code"])
        for f in findings
        if f["check_id"] == "toy-person-with-device"
    }
    assert told == {("unknown", "iam:ListMFADevices", "AccessDenied")}


def test_a_fault_of_an_analysis_costs_its_verdicts_and_not_the_scan(
    toy: Any, demo: DemoScan, tmp_path: Path
) -> None:
    toy.FAULT.append(True)
    _, findings, scan = _scan(demo, tmp_path)
    assert [note.partition(" could")[0] for note in scan.progress.notes] == ["the table toy_person"]
    assert {(f["status"], f["unknown_operation"], f["unknown_code"]) for f in findings} == {
        ("unknown", "partywall:toy_person", "ValueError")
    }
    assert len(findings) == 2 * len(_IDS)
