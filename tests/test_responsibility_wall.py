"""The wall of the demo: every resource has its variant, figures add up, what moved is explained."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from partywall.analysis.policy import FACTS
from partywall.checks.model import DOMAINS
from partywall.config import Config, load
from partywall.errors import UserError
from partywall.findings.exceptions import RiskException
from partywall.lake.derived import derive, derived_file
from partywall.lake.engine import Lake
from partywall.lake.snapshot import read_manifest, write_manifest
from partywall.opened import open_report
from partywall.responsibility.demand import demand_variants
from partywall.responsibility.engine import OWNER_COLUMNS
from partywall.responsibility.loader import choices, covered, model
from partywall.responsibility.model import Owner
from partywall.responsibility.moves import since, what_if
from partywall.responsibility.wall import Wall, gaps, home, resources, wall
from partywall.scan import Selection, demanded, load_checks
from partywall.tables.registry import all_tables
from tests.support import DemoScan


@pytest.fixture(scope="module")
def lake(demo: DemoScan) -> Lake:
    return Lake(demo.directory, FACTS)


@pytest.fixture(scope="module")
def report(demo: DemoScan) -> Any:
    return open_report(demo.directory, load_checks(Selection(), Config()).chosen, Config())


@pytest.fixture(scope="module")
def drawn(lake: Lake, report: Any) -> Wall:
    return wall(lake, report)


def rows(lake: Lake, sql: str) -> list[dict[str, Any]]:
    return lake.arrow(sql).to_pylist()


def told(lake: Lake, where: str) -> list[dict[str, Any]]:
    """Rows of resource_responsibility, in order of ARN."""
    return rows(
        lake, f"SELECT * FROM ({lake.sql_of('resource_responsibility')}) WHERE {where} ORDER BY resource_arn"
    )


def test_every_covered_row_of_the_demo_has_its_variant(lake: Lake) -> None:
    found = Counter(r["resource_type"] for r in told(lake, "part = ''"))
    partial = model().roles.partial
    stored = {
        name: len(rows(lake, lake.source.stored(all_tables()[name], ["arn"])))
        for name in covered() - set(partial)
    }
    assert {name: n for name, n in found.items() if name not in partial} == {
        k: n for k, n in stored.items() if n
    }
    assert told(lake, "len(candidates) = 0") == []


def test_tables_of_the_model_hold_every_line(lake: Lake) -> None:
    lines = rows(lake, lake.sql_of("responsibility"))
    assert len(lines) == len(model().variants) * len(DOMAINS)
    assert {r["owner"] for r in lines} == {"aws", "shared", "customer", "none"}
    assert all(r["aws_does"] and r["customer_does"] and r["why"] and r["source"] for r in lines)
    variants = rows(lake, lake.sql_of("service_variant"))
    assert {v["variant_id"] for v in variants} == set(model().variants)


def test_owners_on_each_line_add_up_to_the_resources(drawn: Wall) -> None:
    assert drawn.columns
    for column in drawn.columns:
        assert sum(column.variants.values()) == column.resources
        for domain in DOMAINS:
            assert sum(drawn.lines[column.service, domain].owners.values()) == column.resources


def test_verdicts_on_the_wall_are_those_of_the_report(lake: Lake, report: Any) -> None:
    """Each verdict on a table with a place counts once, on one line, failed listings included."""
    partial = model().roles.partial
    report = replace(report, checks={i: c for i, c in report.checks.items() if c.table not in partial})
    drawn = wall(lake, report)
    services = {c.service for c in drawn.columns}
    wanted = {"pass": 0, "fail": 0, "unknown": 0}
    for row in report.counts.to_pylist():
        check = report.checks.get(row["check_id"])
        if check and row["status"] in wanted and home(check.table) in services:
            wanted[row["status"]] += row["count"]
    lines = drawn.lines.values()
    assert sum(line.passing for line in lines) == wanted["pass"] > 0
    assert sum(line.failing + line.excepted for line in lines) == wanted["fail"] > 0
    assert sum(line.unknown for line in lines) == wanted["unknown"]


def test_a_line_adds_up_to_its_resources(drawn: Wall, lake: Lake, report: Any) -> None:
    for service, domain in (
        ("RDS", "encryption-at-rest"),
        ("S3", "logging-and-detection"),
        ("KMS", "key-management"),
    ):
        behind = resources(lake, report, service, domain).to_pylist()
        (column,) = [c for c in drawn.columns if c.service == service]
        assert len(behind) == column.resources
        line = drawn.lines[service, domain]
        assert {o: sum(r["owner"] == o for r in behind) for o in line.owners} == line.owners
        parts = {t for t, s in model().roles.parts.items() if s == service}
        told = {c.table for c in report.checks.values() if c.domain == domain}
        if not parts & told:
            assert sum(r["failing"] for r in behind) == line.failing + line.excepted


def test_an_exception_in_force_is_no_failure(demo: DemoScan, drawn: Wall, lake: Lake) -> None:
    accepted = RiskException("accepted", "me", "you", date(2100, 1, 1), check="rds-*")
    config = Config(exceptions=[accepted])
    excepted = wall(lake, open_report(demo.directory, load_checks(Selection(), config).chosen, config))
    before = sum(line.failing for key, line in drawn.lines.items() if key[0] == "RDS")
    line_now = [line for key, line in excepted.lines.items() if key[0] == "RDS"]
    assert before > 0
    assert sum(line.failing + line.excepted for line in line_now) == before
    assert sum(line.excepted for line in line_now) > 0


def test_what_if_tells_just_the_lines_that_differ(lake: Lake) -> None:
    (first, *_) = told(lake, "variant_id = 'rds'")
    for key in (first["resource_arn"], f"rds:{first['resource_name']}"):
        moves = what_if(lake, {key: "rds-custom-oracle"})
        before, after = model().variants["rds"].lines, model().variants["rds-custom-oracle"].lines
        assert {(m.domain, m.before, m.after) for m in moves} >= {
            (d, before[d], after[d]) for d in DOMAINS if before[d] != after[d]
        }
    with pytest.raises(UserError, match="no resource"):
        what_if(lake, {"rds:there-is-none": "rds"})
    with pytest.raises(UserError, match="did you mean"):
        what_if(lake, {first["resource_arn"]: "rds-custom-oracl"})


def test_gaps_are_those_of_the_variants_in_use(drawn: Wall) -> None:
    used = {v for c in drawn.columns for v in c.variants}
    assert {g.variant_id for g in gaps(drawn)} == {i for i in used if i and model().variants[i].gaps}


def test_a_user_names_the_variant(lake: Lake, report: Any) -> None:
    (one, *_) = told(lake, "resource_type = 'ec2_instance'")
    found = wall(lake, report, {one["resource_arn"]: "rds-self-managed"})
    (column,) = [c for c in found.columns if c.service == "RDS"]
    assert column.variants["rds-self-managed"] == 1
    assert column.set_by_you == 1


def test_configuration_takes_variants_and_refuses_unknown_ones(tmp_path: Path) -> None:
    path = tmp_path / "partywall.yaml"
    path.write_text('variants: {"arn:aws:ec2:*:instance/i-1": rds-self-managed}\n')
    assert load(path).variants == {"arn:aws:ec2:*:instance/i-1": "rds-self-managed"}
    path.write_text("variants: {x: rds-selfmanaged}\n")
    with pytest.raises(UserError, match="rds-self-managed"):
        load(path)
    path.write_text("variants: [rds]\n")
    with pytest.raises(UserError, match="maps globs"):
        load(path)


def test_an_open_scan_collects_what_variants_read() -> None:
    wanted = demanded(Selection(), [])
    alone: dict[str, set[str]] = {}
    demand_variants(alone, all_tables().values())
    for name, columns in alone.items():
        assert columns <= set(wanted[name]), name
    for choice in choices():
        own = {c.name for c in choice.table.columns} & choice.columns
        assert own <= set(wanted[choice.table.name])
    assert demanded(Selection(checks=("x",)), []) == {}


# Two scans and what lies between them.


@pytest.fixture
def copied(demo: DemoScan, tmp_path: Path) -> Callable[[str], Path]:
    """Copies the demo's scan, without its derived tables."""

    def copy(name: str) -> Path:
        target = tmp_path / name
        shutil.copytree(demo.directory, target)
        for table in ("service_variant", "responsibility", "resource_responsibility"):
            derived_file(target, table).unlink()
        return target

    return copy


def change(
    directory: Path, table: str, column: str, value: Any, *, where: Callable[[dict[str, Any]], bool]
) -> int:
    """Sets a column in the stored rows that `where` takes; returns how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    changed = 0
    for path in sorted((directory / "tables" / table).glob("*/*/*.parquet")):
        stored = pq.read_table(path)
        found = stored.to_pylist()
        for row in found:
            if where(row):
                row[column] = value
                changed += 1
        pq.write_table(pa.Table.from_pylist(found, schema=stored.schema), path)
    return changed


def opened(directory: Path) -> Lake:
    lake = Lake(directory, FACTS)
    derive(lake)
    return Lake(directory, FACTS)


def test_a_changed_setting_moves_the_line_and_is_named(copied: Callable[[str], Path]) -> None:
    before, after = copied("before"), copied("after")
    auto = lambda row: row["runtime_update_mode"] == "Auto"  # noqa: E731
    count = change(after, "lambda_function", "runtime_update_mode", "Manual", where=auto)
    assert count
    moves = since(opened(before), opened(after))
    assert len(moves) == count
    for move in moves:
        assert (move.domain, move.before, move.after) == ("runtime-engine", Owner.AWS, Owner.CUSTOMER)
        assert move.cause == "configuration"
        (told,) = move.changes
        assert (told.column, told.before, told.after) == ("runtime_update_mode", "Auto", "Manual")


def test_what_is_not_known_any_more_is_no_change_of_configuration(copied: Callable[[str], Path]) -> None:
    before, after = copied("before"), copied("after")
    auto = lambda row: row["runtime_update_mode"] == "Auto"  # noqa: E731
    count = change(after, "lambda_function", "runtime_update_mode", None, where=auto)
    moves = since(opened(before), opened(after))
    assert count and len(moves) == count
    assert {(m.domain, m.after, m.cause) for m in moves} == {("runtime-engine", Owner.UNKNOWN, "knowledge")}
    later = opened(after)
    unsure = rows(
        later, f"SELECT * FROM ({later.sql_of('resource_responsibility')}) WHERE len(candidates) > 1"
    )
    assert {r["variant_id"] for r in unsure} == {""}
    assert {tuple(r["candidates"]) for r in unsure} >= {
        ("lambda-zip-manual", "lambda-zip-function-update", "lambda-zip-auto")
    }


def test_the_model_is_told_apart_from_the_account(copied: Callable[[str], Path]) -> None:
    before, after = opened(copied("before")), opened(copied("after"))
    # As an earlier version of the model would have left it.
    path = derived_file(before.directory, "resource_responsibility")
    column = OWNER_COLUMNS["runtime-engine"]
    before.execute(
        f"COPY (SELECT * REPLACE (CASE WHEN variant_id = 's3-bucket' THEN 'shared_act' ELSE {column} END AS"
        f" {column}) FROM read_parquet('{path}')) TO '{path}.new' (FORMAT parquet)"
    )
    Path(f"{path}.new").replace(path)
    moves = since(before, after)
    assert moves
    assert {(m.cause, m.domain, m.before, m.after) for m in moves} == {
        ("model", "runtime-engine", Owner.SHARED_ACT, Owner.AWS)
    }
    assert all("2026-11-23" in m.why for m in moves)


def test_a_variant_set_in_the_configuration_is_kept_with_the_scan(copied: Callable[[str], Path]) -> None:
    before, after = copied("before"), copied("after")
    write_manifest(
        after, replace(read_manifest(after), variants={"arn:aws:ec2:*:instance/*": "rds-self-managed"})
    )
    later = opened(after)
    mine = told(later, "set_by = 'you'")
    assert mine and {r["variant_id"] for r in mine} == {"rds-self-managed"}
    assert {m.cause for m in since(opened(before), later)} == {"you"}
    assert since(later, later) == []


def test_a_scan_of_an_earlier_version_says_so(copied: Callable[[str], Path], report: Any) -> None:
    with pytest.raises(UserError, match="scan again"):
        wall(Lake(copied("old"), FACTS), report)
