"""Generated rows: of the declared types, repeatable, with edges, hints and NULLs at every level."""

from __future__ import annotations

import time
from datetime import timedelta

import pyarrow as pa
import pytest

from partywall.tables.generate import NOW, rows
from partywall.tables.types import Json, Type
from tests.sql_grammar import SCHEMA


def test_types_are_those_declared() -> None:
    table = rows(SCHEMA, 200, 1)
    assert table.schema == pa.schema([pa.field(name, type_.arrow()) for name, type_ in SCHEMA.items()])
    table.validate(full=True)
    assert table.num_rows == 200


def test_same_seed_same_rows() -> None:
    assert rows(SCHEMA, 100, 4).to_pylist().__repr__() == rows(SCHEMA, 100, 4).to_pylist().__repr__()
    assert rows(SCHEMA, 100, 4).to_pylist().__repr__() != rows(SCHEMA, 100, 5).to_pylist().__repr__()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows(n: int) -> None:
    table = rows(SCHEMA, n)
    assert table.num_rows == n
    table.validate(full=True)


def test_edges_are_there() -> None:
    found = rows({**SCHEMA, "json": Json}, 2_000, 1).to_pylist()
    for name in SCHEMA:
        assert any(row[name] is None for row in found), name
    assert {"", "a", "é", "<script>alert(1)</script>"} <= {row["name"] for row in found}
    assert {-(2**63), 2**63 - 1, 0, -1} <= {row["n"] for row in found}
    assert {"on", "off", "A_VALUE_NOT_KNOWN_YET"} <= {row["state"] for row in found}
    assert {True, False} <= {row["b"] for row in found}
    assert any(row["l"] == [] for row in found) and any(row["l"] and None in row["l"] for row in found)
    rules = [rule for row in found for rule in row["rules"] or []]
    assert None in rules and any(rule and rule["port"] is None for rule in rules)
    assert any(rule and rule["cidrs"] and None in rule["cidrs"] for rule in rules)
    assert any(row["facts"] and row["facts"]["inner"] is None for row in found)
    assert any(row["tags"] and any(value is None for _, value in row["tags"]) for row in found)
    assert all(len(dict(row["tags"])) == len(row["tags"]) for row in found if row["tags"])
    assert any(row["ts"] and row["ts"] > NOW for row in found)


def test_hints_and_their_neighbours_are_met_often() -> None:
    hints = {
        ("n",): [4711],
        ("name",): ["needle"],
        ("ts",): [NOW - timedelta(days=45)],
        ("rules", "[]", "port"): [3389],
        ("l", "[]"): ["thread"],
        ("l", "#"): [9],
        ("tags",): ["Owner"],
        ("tags", "{}"): ["me"],
        ("b",): ["of another type"],
    }
    found = rows(SCHEMA, 500, 2, hints).to_pylist()
    assert sum(row["n"] == 4711 for row in found) > 50
    assert {4710, 4712} <= {row["n"] for row in found}
    assert sum(row["name"] == "needle" for row in found) > 50
    assert {"needlex", "xneedle", "NEEDLE"} <= {row["name"] for row in found}
    assert sum(row["ts"] == NOW - timedelta(days=45) for row in found) > 20
    assert sum(any(rule and rule["port"] == 3389 for rule in row["rules"] or []) for row in found) > 50
    assert any("thread" in (row["l"] or []) for row in found)
    assert {9, 10} <= {len(row["l"] or []) for row in found}
    assert any(("Owner", "me") in (row["tags"] or []) for row in found)


def test_null_rate_and_unique_columns() -> None:
    schema: dict[str, Type] = {"arn": SCHEMA["name"], "n": SCHEMA["n"]}
    table = rows(schema, 1_000, null_rate=0.0, unique=("arn",))
    assert table["n"].null_count == 0 and len(set(table["arn"].to_pylist())) == 1_000
    assert rows(schema, 1_000, null_rate=1.0, unique=("arn",))["n"].null_count == 1_000


def test_many_rows_are_quick() -> None:
    start = time.process_time()
    assert rows(SCHEMA, 100_000, 1).num_rows == 100_000
    assert time.process_time() - start < 10
