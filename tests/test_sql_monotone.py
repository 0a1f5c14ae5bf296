"""The monotonicity proof: it passes what is sound, and finds each way of hiding an unknown."""

from __future__ import annotations

import random
import time

import pyarrow as pa
import pytest

from partywall.sql import duckdb as lowering
from partywall.sql.dialect import Expression, parse
from partywall.sql.monotone import examine, prove, structural
from tests.sql_grammar import NOW, PARAMS, SCHEMA, Grammar

SOUND = [
    "n > 5",
    "state = 'on' AND days_since(ts) <= :days",
    "none_match(rules, r -> r.port = 22 AND contains(r.cidrs, '0.0.0.0/0'))",
    "any_match(rules, r -> r.open OR any_match(r.cidrs, c -> starts_with(c, '10.')))",
    "all_match(rules, r -> r.port BETWEEN 1 AND 1024)",
    "cardinality(l) >= 1",
    "map_value(tags, 'Owner') <> ''",
    "all_match(:words, w -> has_key(tags, w))",
    "facts.inner.x / n < 2 OR facts.public",
    "NOT contains(nums, n) AND NOT contains(l, name)",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_checks_pass(text: str) -> None:
    expression = parse(text, SCHEMA, PARAMS)
    proof = examine(parse("b", SCHEMA), expression, SCHEMA)
    assert proof.violations == [] and structural(expression) == []
    assert {name for name, count in proof.verdicts.items() if count} == {
        "pass",
        "fail",
        "unknown",
        "not_applicable",
    }
    assert proof.variants >= 3


UNSOUND = [
    "n IS NULL",
    "n IS NOT NULL AND n > 5",
    "coalesce(b, TRUE)",
    "coalesce(n, 0) < 5",
    "CASE WHEN b THEN TRUE ELSE FALSE END",
    "none_match(rules, r -> coalesce(r.port, 0) = 22)",
    "any_match(rules, r -> r.port IS NULL)",
    "facts.inner.x IS NULL OR b",
    "coalesce(map_value(tags, 'k'), '') = ''",
]


@pytest.mark.parametrize("text", UNSOUND)
def test_tests_of_absence_are_found(text: str) -> None:
    expression = parse(text, SCHEMA, PARAMS, allow_absence_tests=True)
    violations = prove(None, expression, SCHEMA)
    assert violations and structural(expression)
    assert "unknown, on the row {" in str(violations[0])
    for violation in violations:
        assert violation.before != violation.after != "unknown"


def test_a_condition_that_is_not_sound_is_found() -> None:
    where = parse("b IS NOT NULL", SCHEMA, allow_absence_tests=True)
    (violation, *_) = prove(where, parse("n > 5", SCHEMA), SCHEMA)
    assert violation.leaves == (("b",),) and violation.after == "not_applicable"


@pytest.mark.parametrize(
    ("text", "naive"),
    [
        ("NOT contains(l, 'a')", "list_contains({0}, {1})"),
        ("NOT contains(l, 'a')", "len(list_filter({0}, lambda z: z = {1})) > 0"),
        ("NOT contains(l, 'a')", "coalesce(list_contains({0}, {1}), FALSE)"),
    ],
)
def test_a_wrong_lowering_is_found(text: str, naive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof runs the SQL itself: an idiom that hides unknown elements does not pass it."""
    expression = parse(text, SCHEMA)
    assert prove(None, expression, SCHEMA) == []
    monkeypatch.setattr(
        lowering.DuckDB, "contains", lambda self, items, value: naive.format(self.sql(items), self.sql(value))
    )
    assert prove(None, expression, SCHEMA)


def test_a_cardinality_that_counts_unknown_elements_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = lowering.DuckDB.function

    def counting(self: lowering.DuckDB, op: str, args: list[str], nodes: tuple[object, ...]) -> str:
        return f"len({args[0]})" if op == "cardinality" else plain(self, op, args, nodes)  # type: ignore[arg-type]

    monkeypatch.setattr(lowering.DuckDB, "function", counting)
    assert prove(None, parse("cardinality(l) = 1", SCHEMA), SCHEMA)


def test_random_predicates_are_monotone_within_the_time() -> None:
    grammar = Grammar(random.Random(5).choice)
    expressions = [parse(grammar.predicate(3), SCHEMA, PARAMS) for _ in range(60)]
    pairs: list[tuple[Expression, Expression]] = list(zip(expressions[::2], expressions[1::2], strict=True))
    start = time.process_time()
    for where, predicate in pairs:
        assert prove(where, predicate, SCHEMA) == [], (where.text, predicate.text)
    assert (time.process_time() - start) / len(pairs) < 0.2  # 0.03 where nothing else runs


def test_real_rows_may_be_given() -> None:
    table = pa.table({"n": pa.array([1, None, 9], pa.int64()), "unread": [1, 2, 3]})
    assert prove(None, parse("n > 5", SCHEMA), SCHEMA, table) == []
    sliced = examine(None, parse("n > 5", SCHEMA), SCHEMA, table.slice(1))
    assert sliced.verdicts == {"fail": 0, "pass": 1, "unknown": 1, "not_applicable": 0}
    bad = parse("n IS NOT NULL", SCHEMA, allow_absence_tests=True)
    (violation,) = prove(None, bad, SCHEMA, table)
    assert violation.row == {"n": 1} and (violation.before, violation.after) == ("pass", "fail")


def test_a_check_that_reads_nothing_has_nothing_to_prove() -> None:
    assert prove(None, parse(":days > 5", SCHEMA, PARAMS), SCHEMA) == []


def test_overridden_parameters_are_proven() -> None:
    assert prove(None, parse("n > :days", SCHEMA, PARAMS), SCHEMA, params={"days": 5}, now=NOW) == []
