"""Predicates in DuckDB against a Python loop over the same rows: times, ratio, and whether verdicts agree.

Run: python benchmarks/predicates.py [--rows 1000000] [--threads 2]
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from partywall.sql.dialect import parse
from partywall.sql.hints import hints
from partywall.sql.lower import microseconds
from partywall.tables.generate import NOW, rows
from partywall.tables.types import Bool, Enum, Field, Int, List, Str, StrMap, Struct, Timestamp, Type

Row = dict[str, Any]
_NOW = microseconds(NOW)

SCHEMA: dict[str, Type] = {
    "arn": Str,
    "name": Str,
    "state": Enum("pending", "running", "stopped", "terminated"),
    "engine": Enum("postgres", "mysql", "aurora", "oracle-ee", "sqlserver-se"),
    "version": Str,
    "kms_key_id": Str,
    "encrypted": Bool,
    "public": Bool,
    "multi_az": Bool,
    "logging": Bool,
    "port": Int,
    "size": Int,
    "retention": Int,
    "created_at": Timestamp,
    "expires_at": Timestamp,
    "tags": StrMap,
    "groups": List(Str),
    "rules": List(Struct(Field("port", Int, ""), Field("cidr", Str, ""))),
    "settings": Struct(Field("tls", Enum("required", "optional"), ""), Field("level", Int, "")),
}

VALUES = {
    "number": (1, 7, 30, 90, 365),
    "port": (22, 80, 443, 3306, 3389),
    "word": ("prod", "default", "a", "null", "::/0"),
    "state": ("pending", "running", "stopped", "terminated", "other"),
    "engine": ("postgres", "mysql", "aurora", "oracle-ee", "sqlserver-se"),
}


def both(one: bool | None, other: bool | None) -> bool | None:
    return False if one is False or other is False else None if one is None or other is None else True


def either(one: bool | None, other: bool | None) -> bool | None:
    return True if one is True or other is True else None if one is None or other is None else False


def known(value: Any, then: Callable[[Any], bool]) -> bool | None:
    return None if value is None else then(value)


def no_element(items: list[Any] | None, bad: Callable[[Any], bool | None]) -> bool | None:
    if items is None:
        return None
    answers = [None if item is None else bad(item) for item in items]
    return False if True in answers else None if None in answers else True


def days(row: Row, name: str) -> float | None:
    return None if row[name] is None else (_NOW - microseconds(row[name])) / 86_400_000_000


def struct(row: Row, name: str, field: str) -> Any:
    return None if row[name] is None else row[name][field]


def at_least(text: str, minor: int) -> bool | None:
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    if not found:
        return None
    numbers = [int(part) for part in found[0].split(".")]
    if len(numbers) > 1 or numbers[0] != 1 or found[0] == text:
        return numbers >= [1, minor]
    return None


# The kind of value that is put in, the predicate, and the same by hand as a scanner in Python has it.
KINDS: list[tuple[str, str, Callable[[Row, Any], bool | None]]] = [
    (
        "number",
        "encrypted AND retention >= {}",
        lambda r, v: both(r["encrypted"], known(r["retention"], lambda x: x >= v)),
    ),
    (
        "state",
        "state = '{}' OR NOT public",
        lambda r, v: either(known(r["state"], lambda x: x == v), known(r["public"], lambda x: not x)),
    ),
    ("state", "state <> '{}'", lambda r, v: known(r["state"], lambda x: x != v)),
    (
        "engine",
        "engine IN ('{}', 'mysql', 'x')",
        lambda r, v: known(r["engine"], lambda x: x in (v, "mysql", "x")),
    ),
    (
        "engine",
        "engine <> '{}' OR logging",
        lambda r, v: either(known(r["engine"], lambda x: x != v), r["logging"]),
    ),
    ("number", "days_since(created_at) <= {}", lambda r, v: known(days(r, "created_at"), lambda x: x <= v)),
    ("number", "days_until(expires_at) > {}", lambda r, v: known(days(r, "expires_at"), lambda x: -x > v)),
    ("number", "retention BETWEEN 1 AND {}", lambda r, v: known(r["retention"], lambda x: 1 <= x <= v)),
    (
        "port",
        "port <> {} AND NOT public",
        lambda r, v: both(known(r["port"], lambda x: x != v), known(r["public"], lambda x: not x)),
    ),
    ("number", "size / 1024 < {}", lambda r, v: known(r["size"], lambda x: x / 1024 < v)),
    (
        "word",
        "kms_key_id <> '' AND kms_key_id <> '{}'",
        lambda r, v: known(r["kms_key_id"], lambda x: x not in ("", v)),
    ),
    ("word", "starts_with(name, '{}')", lambda r, v: known(r["name"], lambda x: x.startswith(v))),
    ("word", "name NOT LIKE '%{}%'", lambda r, v: known(r["name"], lambda x: v not in x)),
    (
        "number",
        "settings.tls = 'required' AND settings.level >= {}",
        lambda r, v: both(
            known(struct(r, "settings", "tls"), lambda x: x == "required"),
            known(struct(r, "settings", "level"), lambda x: x >= v),
        ),
    ),
    (
        "number",
        "multi_az OR logging OR retention > {}",
        lambda r, v: either(either(r["multi_az"], r["logging"]), known(r["retention"], lambda x: x > v)),
    ),
    ("word", "has_key(tags, '{}')", lambda r, v: known(r["tags"], lambda x: any(k == v for k, _ in x))),
    ("word", "NOT contains(groups, '{}')", lambda r, v: no_element(r["groups"], lambda x: x == v)),
    (
        "port",
        "none_match(rules, r -> r.port = {} AND r.cidr = '0.0.0.0/0')",
        lambda r, v: no_element(
            r["rules"],
            lambda e: both(known(e["port"], lambda x: x == v), known(e["cidr"], lambda x: x == "0.0.0.0/0")),
        ),
    ),
    (
        "port",
        "port IN ({}, 1, 2) AND encrypted",
        lambda r, v: both(known(r["port"], lambda x: x in (v, 1, 2)), r["encrypted"]),
    ),
    (
        "number",
        "version_at_least(version, '1.{}')",
        lambda r, v: None if r["version"] is None else at_least(r["version"], v),
    ),
]

CODES = {True: 1, False: 0, None: 2}


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def verdict(sql: str) -> str:
    return f"CASE {sql} WHEN TRUE THEN 1::UTINYINT WHEN FALSE THEN 0::UTINYINT ELSE 2::UTINYINT END"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--sample", type=int, default=20_000, help="rows of the Python loop, scaled up")
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()

    cases = [(text.format(value), by_hand, value) for kind, text, by_hand in KINDS for value in VALUES[kind]]
    start = time.perf_counter()
    expressions = [parse(text, SCHEMA) for text, _, _ in cases]
    print(f"parse and type {len(cases)} predicates: {(time.perf_counter() - start) * 1000:.0f} ms")

    wanted: dict[tuple[str, ...], list[Any]] = {}
    for expression in expressions:
        for leaf, found in hints(expression, {}, NOW).items():
            wanted.setdefault(leaf, []).extend(found)
    start = time.perf_counter()
    table = rows(SCHEMA, options.rows, 1, wanted, null_rate=0.05, unique=("arn",))
    print(f"generate {table.num_rows:,} rows: {time.perf_counter() - start:.1f} s")

    lowered = [expression.to_duckdb({}, NOW) for expression in expressions]
    stored = ", ".join(f"{verdict(sql)} AS v{index}" for index, sql in enumerate(lowered))
    counted = ", ".join(f"count(*) FILTER ({sql})" for sql in lowered)
    sample = table.slice(0, options.sample).to_pylist()
    with tempfile.TemporaryDirectory() as directory:
        file = str(Path(directory) / "rows.parquet")
        pq.write_table(table, file, compression="zstd")
        engine = duckdb.connect(config={"threads": options.threads})
        engine.execute(f"CREATE TABLE resources AS SELECT * FROM read_parquet('{file}')")
        count = timed(lambda: engine.execute(f"SELECT {counted} FROM resources").fetchall())
        busy = time.process_time()
        from_file = timed(lambda: engine.execute(f"SELECT {counted} FROM read_parquet('{file}')").fetchall())
        busy = time.process_time() - busy
        store = timed(lambda: engine.execute(f"CREATE TABLE verdicts AS SELECT {stored} FROM resources"))
        each = [
            (
                timed(
                    lambda sql=sql: engine.execute(
                        f"SELECT count(*) FILTER ({sql}) FROM resources"
                    ).fetchall()
                ),
                text,
            )
            for sql, (text, _, _) in list(zip(lowered, cases, strict=True))[::5]
        ]
        judged: list[list[bool | None]] = []
        loop = timed(
            lambda: judged.extend([by_hand(row, value) for _, by_hand, value in cases] for row in sample)
        )
        found = engine.execute(f"SELECT * FROM verdicts LIMIT {len(sample)}").fetchall()

    loop *= options.rows / len(sample)
    different = {
        text
        for row, answers in zip(found, judged, strict=True)
        for (text, _, _), code, answer in zip(cases, row, answers, strict=True)
        if code != CODES[answer]
    }
    cells = options.rows * len(cases)
    print(f"DuckDB, {options.threads} threads, {options.rows:,} rows x {len(cases)} predicates:")
    print(
        f"  verdicts counted: {count:.2f} s in memory, {from_file:.2f} s from Parquet ({busy:.2f} s of CPU)"
    )
    print(f"  verdicts stored:  {store:.2f} s ({store / cells * 1e9:.1f} ns each)")
    print(f"Python loop: {loop:.1f} s (measured on {len(sample):,} rows); ratio {loop / count:.0f} to 1")
    print(f"predicates whose verdicts differ on the loop's rows: {sorted(different) or 'none'}")
    print("dearest, each alone:")
    for seconds, text in sorted(each, reverse=True)[:6]:
        print(f"  {seconds * 1000:6.0f} ms  {text}")


if __name__ == "__main__":
    main()
