"""docs/lifecycle.md holds: every cell of its tables, and ten scans at random that follow them."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from partywall.aws.answers import CallFailed
from partywall.findings.lifecycle import FILE, lifecycle_schema, lifecycle_sql, shown_sql
from tests.world import BUCKETS, OTHER, World, day

DOCS = Path(__file__).parent.parent / "docs" / "lifecycle.md"
FAILS, UNKNOWN, PASSES, NOT_THERE, NOT_LOOKED = "fails", "unknown", "passes", "not there", "not looked at"
NONE = "no finding"


def table(name: str) -> dict[tuple[str, str], str]:
    """(row, column) -> cell of the table of docs/lifecycle.md that has this name."""
    part = DOCS.read_text(encoding="utf-8").split(f"<!-- table: {name} -->")[1].split("\n\n")[0]
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in part.strip().splitlines()]
    columns = lines[0][1:]
    assert re.fullmatch(r"[-|]+", part.strip().splitlines()[1])
    return {(row[0], c): cell for row in lines[2:] for c, cell in zip(columns, row[1:], strict=True)}


class Buckets(World):
    """A world of buckets, some of whose settings cannot be read."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.buckets.clear()
        self.volumes.clear()
        self.unreadable: set[str] = set()

    async def call(
        self, service: str, region: str, credentials: Any, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        if operation == "GetBucketVersioning" and params["Bucket"] in self.unreadable:
            raise CallFailed("AccessDenied", "not authorized to perform: s3:GetBucketVersioning", 403)
        return await super().call(service, region, credentials, operation, params)

    def show(self, told: Mapping[str, str]) -> None:
        """Makes each bucket so that the next scan finds that of it."""
        self.buckets = {
            name: "Enabled" if what == PASSES else "Disabled"
            for name, what in told.items()
            if what != NOT_THERE
        }
        self.unreadable = {name for name, what in told.items() if what == UNKNOWN}

    def states(self, number: int, **options: Any) -> dict[str, dict[str, Any]]:
        """Scans; the histories of the buckets by name."""
        found = self.scan(number, checks=(BUCKETS,), **options)
        return {name: row for name, row in found.items() if row["resource_name"]}


REACHED: dict[str, Sequence[str]] = {
    NONE: (PASSES, PASSES, PASSES, PASSES),
    "new": (PASSES, PASSES, PASSES, FAILS),
    "open": (PASSES, PASSES, FAILS, FAILS),
    "reopened": (PASSES, FAILS, PASSES, FAILS),
    "resolved": (PASSES, PASSES, FAILS, PASSES),
    "gone": (PASSES, PASSES, FAILS, NOT_THERE),
}


def test_every_cell_of_the_table_of_scans(tmp_path: Path) -> None:
    cells = table("scan")
    assert {row for row, _ in cells} == set(REACHED)
    assert {c for _, c in cells} == {FAILS, UNKNOWN, PASSES, NOT_THERE, NOT_LOOKED}
    names = {key: f"b-{'-'.join(key).replace(' ', '-')}" for key in cells}
    world = Buckets(tmp_path / "data")
    found: dict[str, dict[str, Any]] = {}
    for step in range(4):
        world.show({name: REACHED[before][step] for (before, _), name in names.items()})
        found = world.states(step)
    for (before, _), name in names.items():
        assert found.get(name, {"state": NONE})["state"] == before
    # The same past, and a scan that looks elsewhere.
    for way, options in ((NOT_LOOKED, {"accounts": (OTHER,)}), ("", {})):
        place = tmp_path / f"after{way}"
        shutil.copytree(tmp_path / "data", place)
        then = Buckets(place)
        wanted = {key: name for key, name in names.items() if (key[1] == NOT_LOOKED) == bool(way)}
        then.show({name: event if not way else PASSES for (_, event), name in wanted.items()})
        after = then.states(4, **options)
        told = {key: after.get(name, {"state": "none"})["state"] for key, name in wanted.items()}
        assert told == {key: cells[key] for key in wanted}


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_scans_at_random_follow_the_table(tmp_path: Path, seed: int) -> None:
    cells = table("scan")
    chance = random.Random(seed)
    world = Buckets(tmp_path)
    names = [f"bucket-{n}" for n in range(60)]
    state = dict.fromkeys(names, "none")
    first: dict[str, int] = {}
    returns = dict.fromkeys(names, 0)
    for number in range(10):
        shown = {name: chance.choice((FAILS, UNKNOWN, PASSES, NOT_THERE)) for name in names}
        world.show(shown)
        # A partial scan, a denied listing, or a whole one.
        way = chance.choice(("whole", "whole", "whole", "partial", "denied")) if number else "whole"
        world.denied = {"ListBuckets"} if way == "denied" else set()
        found = world.states(number, **({"accounts": (OTHER,)} if way == "partial" else {}))
        for name in names:
            event = shown[name] if way == "whole" else NOT_LOOKED
            before = state[name]
            state[name] = cells[NONE if before == "none" else before, event]
            if before == "none" and state[name] != "none":
                first[name] = number
            returns[name] += state[name] == "reopened" and before in ("resolved", "gone")
        told = {name: found.get(name, {"state": "none"})["state"] for name in names}
        assert told == state, (number, way)
        for name, begun in first.items():
            row = found[name]
            assert row["first_seen"] == day(begun)
            assert row["reopened"] == returns[name]
            assert (row["resolved_at"] is None) == (state[name] in ("new", "open", "reopened"))
            assert row["opened_at"] >= row["first_seen"]
            if way == "whole" and state[name] in ("new", "open", "reopened"):
                assert row["status"] == ("fail" if shown[name] == FAILS else "unknown")


def test_every_cell_of_the_table_of_people() -> None:
    came = datetime(2026, 3, 5, tzinfo=UTC)
    after, before = came + timedelta(hours=1), came - timedelta(hours=1)
    said = {
        "nothing": (None, None, ""),
        "acknowledged": ("acknowledged", after, ""),
        "in progress": ("in_progress", came, ""),
        "said before it came back": ("acknowledged", before, ""),
        "exception in force": ("in_progress", after, "accepted"),
    }
    cells = table("people")
    assert {c for _, c in cells} == set(said)
    assert {r for r, _ in cells} == set(REACHED) - {NONE}
    names = ("key", "state", "opened_at", "status", "status_at", "exc")
    rows = [dict(zip(names, (list(key), key[0], came, *said[key[1]]), strict=True)) for key in cells]
    moment = pa.timestamp("us", "UTC")
    kinds = {"key": pa.list_(pa.string()), "opened_at": moment, "status_at": moment}
    with duckdb.connect() as connection:
        schema = pa.schema([(n, kinds.get(n, pa.string())) for n in names])
        connection.register("t", pa.Table.from_pylist(rows, schema=schema))
        found = connection.execute(f"SELECT key, {shown_sql('t', 't', 't.exc')} FROM t").fetchall()
    assert {tuple(key): state for key, state in found} == cells


def test_histories_of_an_earlier_version_are_gone_on_from(tmp_path: Path) -> None:
    world = Buckets(tmp_path)
    world.show({"a": FAILS, "b": FAILS})
    world.states(0)
    world.show({"a": PASSES, "b": FAILS})
    world.states(1)
    world.show({"a": FAILS, "b": FAILS})
    world.states(2)
    scan = world.data.resolve()
    whole = {row["resource_name"]: row for row in pq.read_table(scan / FILE).to_pylist()}
    pq.write_table(pq.read_table(scan / FILE).drop_columns(["opened_at"]), scan / FILE)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        told = connection.sql(lifecycle_sql(scan)).to_arrow_table()
    assert set(told.column_names) == set(lifecycle_schema().names)
    assert {r["resource_name"]: r["opened_at"] for r in told.to_pylist()} == {
        name: row["opened_at"] for name, row in whole.items()
    }
    after = world.states(3)
    assert (after["a"]["opened_at"], after["b"]["opened_at"]) == (day(2), day(0))
    assert (after["a"]["state"], after["b"]["state"]) == ("reopened", "open")
