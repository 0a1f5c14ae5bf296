"""What decides a finding's priority: what the internet reaches by it, and with which rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from partywall.analysis.policy import FACTS
from partywall.config import Config
from partywall.findings.assemble import Wanted
from partywall.findings.priority import CONTEXT, joins_sql, make_context, priority_sql, priority_why_sql
from partywall.lake.engine import Lake
from partywall.opened import open_report
from partywall.scan import Selection, load_checks
from partywall.tables.registry import table
from partywall.tables.schema import arrow_schema
from tests.support import DemoScan

GROUP = "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"
SSH, RDP, USED = "vpc-security-group-ssh-closed", "vpc-security-group-rdp-closed", "vpc-security-group-used"


@pytest.fixture(scope="module")
def rows(demo: DemoScan) -> list[dict[str, Any]]:
    chosen = Selection(checks=("vpc-security-group-*", "iam-principal-*", "ec2-instance-*"))
    checks = load_checks(chosen, Config()).chosen
    return open_report(demo.directory, checks, Config(), Wanted()).findings.to_pylist()


def _of(rows: list[dict[str, Any]], check: str, name: str) -> dict[str, Any]:
    return next(r for r in rows if r["check_id"] == check and r["resource_name"] == name)


def test_an_open_group_ranks_by_what_comes_of_it(rows: list[dict[str, Any]]) -> None:
    """The literal verdict is the same; the priority is not."""
    reached = max(
        (r for r in rows if r["check_id"] == SSH and r["resource_name"] == "legacy-ssh-anywhere"),
        key=lambda r: r["priority"],
    )
    assert reached["status"] == "fail"
    assert reached["priority"] >= 90
    assert "jump-2019" in reached["priority_why"]
    assert "administrator rights" in reached["priority_why"]
    idle = _of(rows, "vpc-security-group-database-ports-closed", "legacy-mongo")
    assert (idle["status"], idle["severity"]) == ("fail", "critical")
    assert idle["priority"] <= 30
    assert "the internet reaches nothing by it" in idle["priority_why"]


def test_reasons_name_paths_and_rights(rows: list[dict[str, Any]]) -> None:
    whys = [r["priority_why"] for r in rows]
    assert any("on attack path 1 (" in why for why in whys)
    assert any("it becomes an administrator" in why for why in whys)
    assert any("the internet reaches it, and its role has administrator rights" in why for why in whys)
    assert all(0 <= r["priority"] <= 100 for r in rows)


def _rule(ports: str, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "account_id": "111122223333", "region": "eu-west-1", "arn": f"{GROUP}/in/tcp/{ports}/0.0.0.0/0",
        "kind": "security-group-rule", "holder_id": "sg-1", "is_used": True, "reason": "",
        "from_internet": False, "admin_reached": False, "attached_interface_ids": ["eni-1"],
    }  # fmt: skip
    return row | more


def _judged(
    tmp_path: Path, demo: DemoScan, rules: list[dict[str, Any]], check: str, status: str = "fail"
) -> tuple[int, str]:
    """The priority and its reason of a finding on a group with some rules, high of severity."""
    work = tmp_path / "lake"
    (work / "derived" / "analysis").mkdir(parents=True, exist_ok=True)
    for name in ("manifest.json", "collection.parquet"):
        (work / name).write_bytes((demo.directory / name).read_bytes())
    schema = arrow_schema(table("network_unused_rule"))
    path = work / "derived" / "analysis" / "network_unused_rule.parquet"
    path.unlink(missing_ok=True)
    if rules:
        full = [{name: rule.get(name) for name in schema.names} for rule in rules]
        pq.write_table(pa.Table.from_pylist(full, schema=schema), path)
    lake = Lake(work, FACTS)
    make_context(lake)
    tags = "MAP {}::MAP(VARCHAR, VARCHAR)"
    priority = priority_sql("f.status", "'high'", tags)
    why = priority_why_sql("f.status", "'high'", tags, "f.id", "'vpc_security_group'")
    found = lake.execute(
        f"SELECT {priority}, {why} FROM (SELECT '{check}' AS id, '{GROUP}' AS arn, '{status}' AS status) f"
        f" {joins_sql('f.id', chr(39) + 'vpc_security_group' + chr(39), 'f.arn')}"
    ).fetchall()
    assert len(found) == 1, CONTEXT
    return found[0]


CASES = [
    ("admin", {"from_internet": True, "admin_reached": True}, SSH, 92, "administrator rights"),
    ("reached", {"from_internet": True}, SSH, 77, "the internet reaches something by it"),
    ("rights open", {"from_internet": True, "admin_reached": None}, SSH, 77, "its rights are not known"),
    ("nothing reached", {}, SSH, 30, "the internet reaches nothing by it"),
    ("unused", {"is_used": False}, SSH, 15, "nothing uses it"),
    ("use not known", {"is_used": None}, SSH, 30, "the internet reaches nothing by it"),
    ("not known", {"from_internet": None}, SSH, 65, "is not known"),
    ("no opening", {"from_internet": True, "admin_reached": True}, USED, 65, "high severity"),
]


@pytest.mark.parametrize(
    ("rule", "check", "priority", "why"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_each_reason_moves_the_priority(
    rule: dict[str, Any], check: str, priority: int, why: str, tmp_path: Path, demo: DemoScan
) -> None:
    found = _judged(tmp_path, demo, [_rule("22-22", **rule)], check)
    assert found[0] == priority
    assert why in found[1]


def test_a_port_that_is_not_reached_is_not_blamed_for_one_that_is(tmp_path: Path, demo: DemoScan) -> None:
    rules = [_rule("22-22"), _rule("3389-3389", from_internet=True, admin_reached=True)]
    assert _judged(tmp_path, demo, rules, SSH)[0] == 30
    assert _judged(tmp_path, demo, rules, RDP)[0] == 92


def test_what_was_not_worked_out_is_said(tmp_path: Path, demo: DemoScan) -> None:
    assert _judged(tmp_path, demo, [], SSH) == (
        65,
        "high severity; what the internet reaches by it was not worked out",
    )
    assert _judged(tmp_path, demo, [_rule("22-22", from_internet=None)], SSH, "unknown")[0] == 33
