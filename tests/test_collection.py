"""Every table is collected over HTTP: its listing answered, and its rows are sound."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from partywall.analysis.policy import FACTS
from partywall.lake.engine import Lake
from partywall.tables.registry import all_tables
from partywall.tables.spec import Analysis, Single
from tests.support import DemoScan

TABLES = all_tables()


@cache
def _lake(directory: Any) -> Lake:
    return Lake(directory, FACTS)


@cache
def _collected(directory: Any) -> dict[str, list[tuple[str, str, str, int]]]:
    lake = _lake(directory)
    rows = lake.execute(
        f"SELECT table_name, outcome, operation, error_code, row_count FROM ({lake.sql_of('collection')})"
    ).fetchall()
    found: dict[str, list[tuple[str, str, str, int]]] = {}
    for table, *rest in rows:
        found.setdefault(table, []).append(tuple(rest))
    return found


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_listed_over_http(demo: DemoScan, name: str) -> None:
    listings = _collected(demo.directory)[name]
    answered = [entry for entry in listings if entry[0] in ("ok", "empty")]
    assert answered, f"no listing of {name} answered: {listings}"
    table = TABLES[name]
    if isinstance(table.rows, Single):
        assert all(count == 1 for outcome, *_, count in answered if outcome == "ok")
        return
    if table.parent or isinstance(table.rows, Analysis):
        # Below a parent without rows, or with none that fits, there is nothing to list.
        return
    calls = _lake(demo.directory).execute(
        f"SELECT count(*) FROM ({_lake(demo.directory).sql_of('api_call')})"
        " WHERE service || ':' || operation = ? AND outcome IN ('ok', 'empty')",
        [table.rows.operation],
    )
    assert calls.fetchall()[0][0] > 0


@pytest.mark.parametrize("name", TABLES)
def test_rows_have_their_keys_and_no_malformed_values(demo: DemoScan, name: str) -> None:
    lake = _lake(demo.directory)
    if not lake.source.files(name):
        pytest.skip(f"the demo has no rows of {name}")
    stored = lake.source.stored(TABLES[name], ["account_id", "region", "arn", "name", "_failed"])
    rows = lake.execute(f"SELECT * FROM ({stored})").fetchall()
    arns = [row[2] for row in rows]
    assert all(account and region for account, region, *_ in rows)
    assert all(arn is not None for arn in arns), f"rows without an ARN: {rows[:3]}"
    malformed = {
        f"{f['call']}: {f['message']}" for row in rows for f in row[4] if f["code"] == "MalformedValue"
    }
    assert malformed == set()


@pytest.mark.parametrize("name", TABLES)
def test_arns_name_one_row_each(demo: DemoScan, name: str) -> None:
    """A finding's identity is its check, account, Region and ARN: two rows must not share them.

    Analyses may have several rows of one resource: judging lets the worst of them speak.
    """
    if isinstance(TABLES[name].rows, Analysis):
        pytest.skip("an analysis has several rows of one resource")
    lake = _lake(demo.directory)
    stored = lake.source.stored(TABLES[name], ["account_id", "region", "arn"])
    twice = lake.execute(
        f"SELECT account_id, region, arn, count(*) FROM ({stored}) GROUP BY ALL HAVING count(*) > 1"
    ).fetchall()
    assert twice == []
