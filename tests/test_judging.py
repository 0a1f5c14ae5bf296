"""Every way of judging comes to the same verdicts: over summaries, over whole lists, and in Python."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from partywall.analysis.policy import FACTS
from partywall.checks.loader import CompiledCheck
from partywall.checks.verdict import verdict_sql
from partywall.config import Config
from partywall.findings import small
from partywall.findings.verdicts import by_table, judge, verdict_file
from partywall.lake.engine import Lake, connect
from partywall.lake.snapshot import Manifest, write_manifest
from partywall.lake.source import quote
from partywall.lake.writer import collection_schema
from partywall.scan import Selection, load_checks
from partywall.sql.hints import hints
from partywall.tables import schema
from partywall.tables.generate import rows
from partywall.tables.registry import all_tables
from partywall.tables.spec import Table

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNTS = ("111111111111", "222222222222")
REGIONS = ("eu-west-1", "us-east-1")
FAILED = (("222222222222", "us-east-1"), ("222222222222", "global"))
"""Where every listing of every third table failed."""


def _chosen() -> list[CompiledCheck]:
    """The checks of tables that read their relations."""
    checks = load_checks(Selection(), Config()).chosen
    related = [t for t, g in by_table(checks).items() if any(_relations(c) for c in g)]
    return [c for c in checks if c.check.table in related]


def _relations(check: CompiledCheck) -> set[str]:
    return {r.name for r in check.table.relations} & check.columns


def _needed(checks: list[CompiledCheck]) -> set[str]:
    found = {c.check.table for c in checks}
    return found | {o for c in checks for o in small.reached(c.table, c.columns)}


def _keyed(made: pa.Table, table: Table, name: str) -> pa.Table:
    """Keys of few values, some NULL, so that rows meet."""
    at = made.schema.get_field_index(name)
    type_ = made.schema.field(at).type
    values: list[Any] = [None if i % 7 == 5 and name != "arn" else f"k{i % 5}" for i in range(made.num_rows)]
    if pa.types.is_list(type_):
        values = [None if i % 11 == 9 else ["k1", v, "k1"][: i % 4] for i, v in enumerate(values)]
    elif not pa.types.is_string(type_):
        return made
    return made.set_column(at, made.schema.field(at), pa.array(values, type_))


def _write(directory: Path, checks: list[CompiledCheck], seed: int) -> None:
    wanted: dict[str, dict[tuple[str, ...], list[Any]]] = {}
    keys: dict[str, set[str]] = {}
    for check in checks:
        for expression in (check.passes, check.where):
            for leaf, values in (hints(expression, {}, NOW) if expression else {}).items():
                wanted.setdefault(check.check.table, {}).setdefault(leaf, []).extend(values)
                names = {r.name: r.table for r in check.table.relations}
                if leaf[0] in names and len(leaf) > 2:
                    wanted.setdefault(names[leaf[0]], {}).setdefault(leaf[2:], []).extend(values)
    for table in all_tables().values():
        for relation in table.relations:
            for mine, theirs in relation.on.items():
                if theirs not in ("account_id", "region"):
                    keys.setdefault(table.name, set()).add(mine.removesuffix("[]"))
                    keys.setdefault(relation.table, set()).add(theirs.removesuffix("[]"))
    listings: list[dict[str, Any]] = []
    for number, name in enumerate(sorted(_needed(checks))):
        table = all_tables()[name]
        regions = REGIONS if table.scope == "regional" else ("global",)
        for i, (account, region) in enumerate((a, r) for a in ACCOUNTS for r in regions):
            failed = number % 3 == 0 and (account, region) in FAILED
            listings.append(
                {
                    "account_id": account,
                    "region": region,
                    "table_name": name,
                    "outcome": "denied" if failed else "ok",
                    "operation": "List",
                    "row_count": 0 if failed else 12,
                }
            )
            if failed:
                continue
            rate = (0.0, 0.02, 0.15)[(number + seed) % 3]
            made = rows(schema.stored_types(table), 12, seed * 97 + i, wanted.get(name, {}), null_rate=rate)
            for key in sorted(keys.get(name, set())):
                if key not in ("account_id", "region") and not (rate == 0 and key in ("arn", "name")):
                    made = _keyed(made, table, key) if rate else _keyed(made, table, key).slice(0, 5)
            for column, value in (("account_id", account), ("region", region)):
                at = made.schema.get_field_index(column)
                made = made.set_column(
                    at, made.schema.field(at), pa.array([value] * made.num_rows, pa.string())
                )
            stored = schema.arrow_schema(table)
            none = pa.array([[]] * made.num_rows, stored.field("_failed").type)
            path = directory / "tables" / name / f"account_id={account}" / f"region={region}"
            path.mkdir(parents=True)
            pq.write_table(made.append_column(stored.field("_failed"), none).cast(stored), path / "x.parquet")
    pq.write_table(
        pa.Table.from_pylist(listings, schema=collection_schema()), directory / "collection.parquet"
    )
    manifest = Manifest(
        id="20260101T000000Z-judging",
        version="0",
        started_at=NOW,
        accounts=[{"account_id": a, "name": "", "partition": "aws", "principal": ""} for a in ACCOUNTS],
        regions=list(REGIONS),
        enabled_regions={a: list(REGIONS) for a in ACCOUNTS},
        demand={name: [] for name in _needed(checks)},
        checks=[c.check.id for c in checks],
    )
    write_manifest(directory, manifest)


Verdicts = Mapping[str, list[int]]


def _judged(lake: Lake, checks: list[CompiledCheck]) -> Verdicts:
    judge(lake, checks, NOW, {})
    found: dict[str, list[int]] = {}
    for table, group in by_table(checks).items():
        read = pq.read_table(verdict_file(lake.directory, table)).sort_by("_row")
        found |= {c.check.id: read[c.check.id].to_pylist() for c in group}
    return found


def _over_lists(lake: Lake, checks: list[CompiledCheck]) -> Verdicts:
    """The predicates as they are written, over whole lists of related rows."""
    found: dict[str, list[int]] = {}
    for group in by_table(checks).values():
        source = lake.source.select(group[0].table, sorted({"_row", *(n for c in group for n in c.columns)}))
        verdicts = ", ".join(f"{verdict_sql(c, NOW)} AS {quote(c.check.id)}" for c in group)
        found |= lake.arrow(f"SELECT {verdicts} FROM ({source}) ORDER BY _row").to_pydict()
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_way_of_judging_comes_to_the_same_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    # Seeds share the checks out, so that each takes a third of the time.
    checks = [c for i, g in enumerate(by_table(_chosen()).values()) if i % 3 == seed for c in g]
    _write(tmp_path, checks, seed)
    lake = Lake(tmp_path, FACTS, connection=connect("500MB", 1))
    monkeypatch.setattr(small, "_VERDICTS", -1)
    summed = _judged(lake, checks)
    monkeypatch.setattr(small, "_VERDICTS", 10**9)
    monkeypatch.setattr(small, "_RELATED", 10**9)
    in_python = _judged(lake, checks)
    listed = _over_lists(lake, checks)
    for check in checks:
        assert summed[check.check.id] == listed[check.check.id], check.check.id
        assert in_python[check.check.id] == listed[check.check.id], check.check.id
    # The rows are worth the comparison: related rows decide both ways, and doubt stays doubt.
    seen = {v for c in checks if _relations(c) for v in listed[c.check.id]}
    assert seen == {0, 1, 2, 3}
