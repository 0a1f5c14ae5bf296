"""Messages: what each type looks like, and that nothing in a row can break one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from partywall.sql.dialect import PredicateError, parse_template
from partywall.tables.generate import rows
from tests.sql_grammar import NOW, PARAMS, SCHEMA


def rendered(text: str, **row: Any) -> str:
    sql = parse_template(text, SCHEMA, PARAMS).to_duckdb({}, NOW)
    schema = pa.schema([pa.field(name, type_.arrow()) for name, type_ in SCHEMA.items()])
    table = pa.Table.from_pylist([{name: row.get(name) for name in SCHEMA}], schema)
    with duckdb.connect() as connection:
        ((message,),) = connection.from_arrow(table).project(sql).fetchall()
    return message


RULES = [{"port": port, "cidrs": ["::/0"], "open": True, "kind": None} for port in (22, 80)]


@pytest.mark.parametrize(
    ("text", "row", "wanted"),
    [
        ("", {}, ""),
        ("plain 'text'", {}, "plain 'text'"),
        ("a {{brace}} and {{{n}}}", {"n": 1}, "a {brace} and {1}"),
        (
            "port {n} open; age {days_since(ts)} days",
            {"n": 22, "ts": NOW - timedelta(days=91.9)},
            "port 22 open; age 91 days",
        ),
        ("expires in {days_until(ts)} days", {"ts": NOW - timedelta(hours=1)}, "expires in -1 days"),
        (
            "port {n}, {days_since(ts)}, {name}, {b}, {l}, {tags}, {f}",
            {},
            "port " + ", ".join(["unknown"] * 7),
        ),
        ("{b} {facts.public}", {"b": True, "facts": {"public": False, "inner": None}}, "yes no"),
        ("{b AND n = 1}", {"b": True}, "unknown"),
        ("{ts}", {"ts": NOW + timedelta(hours=23, minutes=59)}, "2026-01-01"),
        ("{f} {f / 4} {n * 2}", {"f": 3.0, "n": 21}, "3 0.75 42"),
        ("{f}", {"f": float("nan")}, "unknown"),
        ("{l}", {"l": []}, "none"),
        ("{l}", {"l": ["a", None, ""]}, "a, unknown, "),
        ("{l}", {"l": list("abcde")}, "a, b, c, d, e"),
        ("{l}", {"l": list("abcdefg")}, "a, b, c, d, e and 2 more"),
        ("{nums}", {"nums": [1, 2]}, "1, 2"),
        ("{tags}", {"tags": {"k": "v", "x": None}}, "k=v, x=unknown"),
        ("{keys(tags)}", {"tags": {"k": "v"}}, "k"),
        ("{facts}", {"facts": {"public": True, "inner": {"x": 1}}}, "public=yes inner=x=1"),
        ("{rules}", {"rules": [*RULES[:1], None]}, "port=22 cidrs=::/0 open=yes kind=unknown, unknown"),
        ("{transform(filter(rules, r -> r.port = 22), r -> r.port)}", {"rules": [*RULES, None]}, "22"),
        (
            "{transform(rules, r -> contains(r.cidrs, '::/0'))}",
            {"rules": [*RULES, None]},
            "yes, yes, unknown",
        ),
        ("{name}", {"name": "x" * 300}, "x" * 200 + "…"),
        ("{'}'} {\"name\"}", {"name": "{n}"}, "} {n}"),
        ("limit {:days}, {:words}", {}, "limit 90, a, prod, é"),
        ("{n} {f}", {"n": -(2**63), "f": 1e300}, f"{-(2**63)} 1e+300"),
        ("{name}", {"name": "<b>\x1b[1m'; DROP TABLE t; --\n"}, "<b>\x1b[1m'; DROP TABLE t; --\n"),
    ],
)
def test_rendering(text: str, row: dict[str, Any], wanted: str) -> None:
    assert rendered(text, **row) == wanted


def test_no_generated_row_breaks_a_message() -> None:
    text = " ".join(f"{{{name}}}" for name in SCHEMA) + " {f / n} {days_until(ts2)} {ratios}"
    sql = parse_template(text, SCHEMA, PARAMS).to_duckdb({}, NOW)
    table = rows(SCHEMA, 500, 3)
    with duckdb.connect() as connection:
        messages = [message for (message,) in connection.from_arrow(table).project(sql).fetchall()]
    assert len(messages) == 500 and all(isinstance(message, str) for message in messages)
    assert max(map(len, messages)) < 20_000


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("{n", 1, 1, "without its }"),
        ("n}", 1, 2, "without its {"),
        ("ab {", 1, 4, "without its }"),
        ("a {n {b}}", 1, 3, "without its }"),
        ("{}", 1, 2, "empty"),
        ("one\ntwo {nme}", 2, 6, "no column nme"),
        ("x {b AND\n  nme}", 2, 3, "no column nme"),
        ("{n IS NULL}", 1, 2, "unknown value"),
        ("a\0", 1, 2, "not allowed"),
    ],
)
def test_faults_are_placed_in_the_message(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(PredicateError) as caught:
        parse_template(text, SCHEMA, PARAMS)
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)


def test_what_a_template_reads() -> None:
    template = parse_template(
        "{n} {transform(rules, r -> r.port)} {:days} {state = 'off'} {state = 'of'}", SCHEMA, PARAMS
    )
    assert template.columns == {"n", "rules", "state"}
    assert template.leaves == {("n",), ("rules", "[]", "port"), ("state",)}
    assert template.params == {"days"} and len(template.warnings) == 1
