"""The engines agree with the reference, on random predicates over random rows with every edge."""

from __future__ import annotations

import importlib.util
import random
import shutil
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partywall.sql.dialect import Expression, parse
from partywall.sql.hints import hints
from partywall.sql.reference import evaluate
from partywall.tables.generate import rows
from tests.sql_grammar import NOW, PARAMS, SCHEMA, Grammar

SETTINGS = settings(
    max_examples=300, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@st.composite
def predicates(draw: st.DrawFn) -> str:
    return Grammar(lambda options: draw(st.sampled_from(options))).predicate(3)


@cache
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def table_for(expression: Expression, seed: int, n: int) -> pa.Table:
    schema = {name: SCHEMA[name] for name in sorted(expression.columns)} or {"b": SCHEMA["b"]}
    return rows(schema, n, seed, hints(expression, {}, NOW), now=NOW)


def in_duckdb(sql: str, table: pa.Table) -> list[Any]:
    return [value for (value,) in engine().from_arrow(table).project(sql).fetchall()]


def shown(row: dict[str, Any]) -> str:
    return str(row)[:2000]


@SETTINGS
@given(predicates(), st.integers(0, 1_000))
def test_duckdb_agrees_with_the_reference(text: str, seed: int) -> None:
    expression = parse(text, SCHEMA, PARAMS)
    table = table_for(expression, seed, 40)
    found = in_duckdb(expression.to_duckdb({}, NOW), table)
    for row, value in zip(table.to_pylist(), found, strict=True):
        wanted = evaluate(expression, row, {}, NOW)
        assert value is wanted, f"{text} on {shown(row)}"


def test_random_predicates_reach_every_verdict() -> None:
    """The agreement above would be idle if all answers were unknown."""
    grammar = Grammar(random.Random(7).choice)
    counts = {True: 0, False: 0, None: 0}
    for seed in range(60):
        expression = parse(grammar.predicate(2), SCHEMA, PARAMS)
        for value in in_duckdb(expression.to_duckdb({}, NOW), table_for(expression, seed, 20)):
            counts[value] += 1
    assert min(counts.values()) > 150, counts


@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="pyspark or java is not installed: Spark's side of the dialect is not tested",
)
@pytest.mark.parametrize("ansi", ["true", "false"])
@pytest.mark.filterwarnings("ignore")
def test_spark_agrees_with_the_reference(ansi: str) -> None:
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.codegen.wholeStage", "false")
        .getOrCreate()
    )
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    grammar = Grammar(random.Random(11).choice)
    expressions = [parse(grammar.predicate(3), SCHEMA, PARAMS) for _ in range(150)]
    wanted_hints: dict[tuple[str, ...], list[Any]] = {}
    for expression in expressions:
        for leaf, found in hints(expression, {}, NOW).items():
            wanted_hints.setdefault(leaf, []).extend(found)
    table = rows(SCHEMA, 60, 5, wanted_hints, now=NOW)
    frame = spark.createDataFrame(table)
    for start in range(0, len(expressions), 30):
        batch = expressions[start : start + 30]
        columns = [f"{expression.to_spark({}, NOW)} AS c{index}" for index, expression in enumerate(batch)]
        for row, answer in zip(table.to_pylist(), frame.selectExpr(*columns).collect(), strict=True):
            for expression, value in zip(batch, answer, strict=True):
                assert value is evaluate(expression, row, {}, NOW), f"{expression.text} on {shown(row)}"
