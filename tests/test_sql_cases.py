"""The dialect's meaning, case by case, in DuckDB and in the reference."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from partywall.sql.dialect import parse, parse_value
from partywall.sql.reference import evaluate, verdict
from tests.sql_grammar import NOW, PARAMS, SCHEMA

T, F, U = True, False, None
DAY = timedelta(days=1)


def rule(port: int | None, *cidrs: str | None, **more: Any) -> dict[str, Any]:
    return {"port": port, "cidrs": list(cidrs), "open": None, "kind": None, **more}


def value_of(text: str, absence: bool = False, **row: Any) -> Any:
    """The value in DuckDB, after checking that the reference has the same. Columns left out are NULL."""
    expression = parse_value(text, SCHEMA, PARAMS, allow_absence_tests=absence)
    full = {name: row.get(name) for name in SCHEMA}
    schema = pa.schema([pa.field(name, type_.arrow()) for name, type_ in SCHEMA.items()])
    table = pa.Table.from_pylist([full], schema)
    with duckdb.connect() as connection:
        ((found,),) = connection.from_arrow(table).project(expression.to_duckdb({}, NOW)).fetchall()
    wanted = evaluate(expression, table.to_pylist()[0], {}, NOW)
    assert found == wanted and type(found) is type(wanted), (found, wanted)
    return found


CASES: list[tuple[str, dict[str, Any], Any]] = [
    # Kleene's logic
    ("b AND n = 1", {"b": F}, F),
    ("b AND n = 1", {"b": T}, U),
    ("b OR n = 1", {"b": T}, T),
    ("b OR n = 1", {"b": F}, U),
    ("NOT b", {}, U),
    ("n BETWEEN 1 AND m", {"n": 0}, F),
    ("n BETWEEN 1 AND m", {"n": 2}, U),
    ("n NOT BETWEEN 1 AND 3", {"n": 4}, T),
    ("n IN (1, 2)", {}, U),
    ("n IN (1, 2.5)", {"n": 1}, T),
    ("n NOT IN (1, 2)", {}, U),
    ("name IN :words", {"name": "prod"}, T),
    ("name NOT IN :none", {"name": "a"}, T),
    ("name IN :none", {}, U),
    # Quantifiers: of nothing, of unknown elements, of an unknown list
    *[
        (f"{kind}(rules, r -> r.port = 22)", {"rules": rules}, wanted)
        for kind, answers in {
            "any_match": (F, U, T, F, U, T, U),
            "none_match": (T, U, F, T, U, F, U),
            "all_match": (T, U, F, F, F, F, F),
        }.items()
        for rules, wanted in zip(
            (
                [],
                None,
                [rule(22), rule(80)],
                [rule(80)],
                [rule(80), None],
                [rule(22), None, rule(80)],
                [rule(None), rule(80)],
            ),
            answers,
            strict=True,
        )
    ],
    ("all_match(rules, r -> r.port = 22)", {"rules": [rule(22), rule(None)]}, U),
    ("all_match(rules, r -> r.port = 22)", {"rules": [rule(22)]}, T),
    # A NULL element may be anything, also where the body does not look at it
    ("any_match(rules, r -> TRUE)", {"rules": [None]}, U),
    ("any_match(rules, r -> b)", {"rules": [None], "b": F}, U),
    ("all_match(rules, r -> b OR r.port = 1)", {"rules": [None], "b": T}, U),
    ("none_match(rules, r -> FALSE)", {"rules": [None, rule(1)]}, U),
    ("any_match(rules, r -> TRUE)", {"rules": [None, rule(1)]}, T),
    # Nested, with columns, outer variables and parameters in the lambda
    ("any_match(rules, r -> any_match(r.cidrs, c -> c = name))", {"rules": [rule(1, "a")], "name": "a"}, T),
    (
        "any_match(rules, r -> any_match(r.cidrs, c -> c = name))",
        {"rules": [rule(1, "b", None)], "name": "a"},
        U,
    ),
    ("any_match(rules, r -> any_match(:ports, p -> p = r.port))", {"rules": [rule(3389)]}, T),
    ("any_match(rules, r -> none_match(rules, s -> s.port > r.port))", {"rules": [rule(1), rule(2)]}, T),
    ("all_match(:words, w -> has_key(tags, w))", {"tags": {"a": "", "prod": "", "é": ""}}, T),
    ("all_match(:words, w -> has_key(tags, w))", {"tags": {"a": ""}}, F),
    # contains
    ("contains(l, 'a')", {"l": ["a", None]}, T),
    ("contains(l, 'a')", {"l": ["b", None]}, U),
    ("contains(l, 'a')", {"l": ["b"]}, F),
    ("contains(l, 'a')", {"l": []}, F),
    ("contains(l, 'a')", {}, U),
    ("contains(l, name)", {"l": ["a"]}, U),
    ("contains(:words, name)", {"name": "é"}, T),
    ("contains(ratios, 1)", {"ratios": [1.0]}, T),
    ("contains(ratios, 1)", {"ratios": [float("nan")]}, U),
    ("contains(nums, 2.0)", {"nums": [2]}, T),
    # Lists and maps
    ("cardinality(l)", {"l": ["a", "b"]}, 2),
    ("cardinality(l)", {"l": []}, 0),
    ("cardinality(l)", {"l": ["a", None]}, U),
    ("cardinality(rules)", {"rules": [rule(None)]}, 1),
    ("cardinality(rules)", {"rules": [None]}, U),
    ("has_key(tags, 'k')", {"tags": {"k": None}}, T),
    ("has_key(tags, 'k')", {"tags": {}}, F),
    ("has_key(tags, 'k')", {}, U),
    ("map_value(tags, 'k')", {"tags": {"k": "v"}}, "v"),
    ("map_value(tags, 'k')", {"tags": {"x": "v"}}, ""),
    ("map_value(tags, 'k')", {"tags": {"k": None}}, U),
    ("map_value(tags, 'k')", {}, U),
    ("keys(tags)", {"tags": {"k": None, "j": ""}}, ["k", "j"]),
    ("facts.inner.x = 1", {"facts": {"public": T, "inner": None}}, U),
    ("facts.inner.x = 1", {}, U),
    # Numbers: doubles that never raise
    ("n / m", {"n": 7, "m": 2}, 3.5),
    ("n / m > 1", {"n": 7, "m": 0}, U),
    ("f / 0.5", {"f": 1e308}, U),
    ("f > 1", {"f": float("nan")}, U),
    ("f > 1", {"f": float("inf")}, U),
    ("n + m", {"n": 2**63 - 1, "m": 2**63 - 1}, 2.0**64),
    ("abs(n)", {"n": -(2**63)}, 2.0**63),
    ("1 / (n / f)", {"n": 1, "f": 0.0}, U),
    ("n = 9007199254740993", {"n": 9007199254740992}, F),
    ("n >= 0.5", {"n": 1}, T),
    ("-n < 0", {"n": 1}, T),
    # Texts
    ("name < 'b'", {"name": "B"}, T),
    ("name = ''", {"name": ""}, T),
    ("name LIKE 'a%'", {"name": "a\nb"}, T),
    ("name LIKE '_'", {"name": "é"}, T),
    (r"name LIKE '\%'", {"name": r"\x"}, T),
    ("name LIKE 'A%'", {"name": "ab"}, F),
    ("name ILIKE 'A%'", {"name": "aB"}, T),
    ("lower(name)", {"name": "ÀBC"}, "Àbc"),
    ("upper(name)", {"name": "straße ﬀ"}, "STRAßE ﬀ"),
    ("length(name)", {"name": "日本"}, 2),
    ("starts_with(name, 'a')", {"name": "ab"}, T),
    ("ends_with(name, '')", {"name": "ab"}, T),
    ("includes(name, '%')", {"name": "ab"}, F),
    ("split(name, ',')", {"name": "a,,b"}, ["a", "", "b"]),
    ("split(name, '.')", {"name": ""}, [""]),
    ("name = 'it''s'", {"name": "it's"}, T),
    ("matches(name, 'a.c')", {"name": "xabcx"}, T),
    ("matches(name, 'a.c')", {"name": "a\nc"}, F),
    ("matches(name, 'a$')", {"name": "a\n"}, F),
    ("matches(name, '(?i)^prod')", {"name": "PROD-1"}, T),
    ("matches(name, '(?i)k')", {"name": "\u212a"}, F),
    # Times, to the microsecond
    ("days_since(ts) <= :days", {"ts": NOW - 90 * DAY}, T),
    ("days_since(ts) <= :days", {"ts": NOW - 90 * DAY - timedelta(microseconds=1)}, F),
    ("days_until(ts)", {"ts": NOW + DAY / 2}, 0.5),
    ("days_since(ts)", {"ts": NOW + DAY}, -1.0),
    ("days_since(ts) > 1", {}, U),
    ("ts < ts2", {"ts": NOW, "ts2": NOW + DAY}, T),
    # Versions
    *[
        (f"version_at_least(name, '{least}')", {"name": version}, wanted)
        for version, least, wanted in (
            ("1.28", "1.28", T),
            ("1.9", "1.28", F),
            ("1.100", "1.28", T),
            ("2", "1.28", T),
            ("1", "1.28", F),
            ("1", "1.0", T),
            ("1.28.5-eks-1", "1.28.4", T),
            ("1.28-rc", "1.28.4", U),
            ("8.0.mysql_aurora.3.04.0", "8.0", T),
            ("8.0.mysql_aurora.3.04.0", "8.0.28", U),
            ("8.0.mysql_aurora.3.04.0", "5.7.44", T),
            ("007.010", "7.9", T),
            ("latest", "1.0", U),
            ("", "0", U),
            ("v1.2", "1.0", U),
            ("99999999999999999999999.1", "5", T),
        )
    ],
]


@pytest.mark.parametrize(("text", "row", "wanted"), CASES)
def test_meaning(text: str, row: dict[str, Any], wanted: Any) -> None:
    found = value_of(text, **row)
    assert found == wanted and type(found) is type(wanted)


@pytest.mark.parametrize(
    ("text", "row", "wanted"),
    [
        ("n IS NULL", {}, T),
        ("n IS NOT NULL", {}, F),
        ("coalesce(n, 5)", {}, 5),
        ("coalesce(n, 2.5)", {"n": 1}, 1.0),
        ("CASE WHEN b THEN 'x' ELSE 'y' END", {}, "y"),
    ],
)
def test_tests_of_absence_where_a_check_may(text: str, row: dict[str, Any], wanted: Any) -> None:
    assert value_of(text, absence=True, **row) == wanted


def test_a_row_to_which_a_check_does_not_apply() -> None:
    where, predicate = parse("state = 'on'", SCHEMA), parse("n = 1", SCHEMA)
    row = dict.fromkeys(SCHEMA)
    assert verdict(where, predicate, row, {}, NOW) == "unknown"
    assert verdict(where, predicate, row | {"state": "off"}, {}, NOW) == "not_applicable"
    assert verdict(where, predicate, row | {"state": "on", "n": 2}, {}, NOW) == "fail"
    assert verdict(None, predicate, row | {"n": 1}, {}, NOW) == "pass"


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse("days_since(ts) > 1", SCHEMA).to_duckdb({}, datetime(2026, 1, 1)) == parse(
        "days_since(ts) > 1", SCHEMA
    ).to_duckdb({}, NOW)


# What people write for "no element of this list is 'bad'", and lists that are not fully known.
_LISTS: list[list[str | None] | None] = [None, ["ok", None], [None], [], ["ok"], ["bad", None]]
_TRUTH = [U, U, U, T, T, F]
_IDIOMS = (
    "NOT list_contains(l, 'bad')",
    "NOT coalesce(list_contains(l, 'bad'), false)",
    "len(list_filter(l, lambda x: x = 'bad')) = 0",
    "coalesce(len(list_filter(l, lambda x: x = 'bad')), 0) = 0",
    "NOT coalesce(list_bool_or(list_transform(l, lambda x: x = 'bad')), false)",
    "NOT list_has_any(l, ['bad'])",
    "NOT EXISTS (SELECT 1 FROM (SELECT unnest(l) AS x) WHERE x = 'bad')",
    "list_position(l, 'bad') IS NULL",
    "'bad' NOT IN (SELECT unnest(l))",
)


def judge(sql: str) -> list[bool | None]:
    table = pa.table({"id": list(range(len(_LISTS))), "l": pa.array(_LISTS, pa.list_(pa.string()))})
    with duckdb.connect() as connection:
        connection.register("t", table)
        return [value for (value,) in connection.execute(f"SELECT {sql} FROM t ORDER BY id").fetchall()]


@pytest.mark.parametrize("idiom", _IDIOMS)
def test_natural_idioms_hide_what_is_unknown(idiom: str) -> None:
    """Each of nine idioms makes a pass of a list that may hold the bad element: why the dialect exists."""
    found = judge(idiom)
    assert found[3:5] == [T, T] and found[5] is not T
    assert T in found[:3], "this idiom is sound after all: the documentation says otherwise"


@pytest.mark.parametrize(
    "text", ["none_match(l, x -> x = 'bad')", "NOT contains(l, 'bad')", "all_match(l, x -> x <> 'bad')"]
)
def test_ours_do_not(text: str) -> None:
    assert judge(parse(text, SCHEMA).to_duckdb({}, NOW)) == _TRUTH
