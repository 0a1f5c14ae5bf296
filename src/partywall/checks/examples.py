"""Runs a check's examples: each row must get the verdict under which it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import orjson

from partywall.checks.loader import CompiledCheck
from partywall.checks.schema import FACTS_SUFFIX, readable
from partywall.checks.verdict import verdict_sql
from partywall.findings.model import VERDICT_NAMES, Verdict
from partywall.tables.types import (
    FloatType,
    JsonType,
    ListType,
    MapType,
    PolicyType,
    StructType,
    TimestampType,
    Type,
)

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment at which examples are judged; "-100d" in an example counts from it."""
ACCOUNT: Final = "111122223333"
_RELATIVE: Final = re.compile(r"([+-])(\d+(?:\.\d+)?)([dh])")


class ExampleError(ValueError):
    """An example row that does not fit its table."""


def run_examples(checks: Iterable[CompiledCheck]) -> Iterator[str]:
    """Judges every example of the checks in DuckDB; yields a sentence for each that fails."""
    import duckdb

    connection = duckdb.connect()
    for check in checks:
        yield from (f"{check.check.id}: {fault}" for fault in _run(connection, check))


def _run(connection: Any, check: CompiledCheck) -> Iterator[str]:
    expected: list[tuple[str, int, dict[str, Any]]] = []
    examples = check.check.examples
    for verdict, rows in (
        (Verdict.PASS, examples.passing),
        (Verdict.FAIL, examples.fail),
        (Verdict.UNKNOWN, examples.unknown),
        (Verdict.NOT_APPLICABLE, examples.not_applicable),
    ):
        expected += [(VERDICT_NAMES[verdict], i + 1, row) for i, row in enumerate(rows)]
    try:
        rows = [complete(check, row) for _, _, row in expected]
    except (ExampleError, ValueError, TypeError) as error:
        yield str(error)
        return
    defaults = {name: param.default for name, param in check.check.params.items()}
    message = check.message.to_duckdb(defaults, NOW) if check.message else "''"
    connection.register("examples", arrow(check, rows))
    sql = f"SELECT {verdict_sql(check, NOW)}, {message} FROM examples"
    for (name, number, _), (got, _message) in zip(expected, connection.execute(sql).fetchall(), strict=True):
        if VERDICT_NAMES[Verdict(got)] != name:
            yield f"{name} example {number} is judged {VERDICT_NAMES[Verdict(got)]}"


def arrow(check: CompiledCheck, rows: list[dict[str, Any]]) -> Any:
    """Example rows as an Arrow table with every column that SQL sees of the check's table."""
    import pyarrow as pa

    schema = pa.schema([(name, type_.arrow()) for name, type_ in readable(check.table).items()])
    return pa.Table.from_pylist(rows, schema=schema)


def complete(check: CompiledCheck, row: Mapping[str, Any]) -> dict[str, Any]:
    """An example as a row of its table: texts of policies, relative times, policy facts.

    Raises ExampleError for a column that the table lacks, or for one that the verdict reads and the row
    leaves out (write null for a value that is not known).
    """
    schema = readable(check.table)
    for name in row:
        if name not in schema:
            raise ExampleError(f"the example has {name}, which {check.table.name} lacks")
    result: dict[str, Any] = {"account_id": ACCOUNT, "region": "eu-west-1", "name": "example"}
    result["arn"] = f"arn:aws:{check.table.service}:eu-west-1:{ACCOUNT}:example"
    result |= {name: coerce(schema[name], value) for name, value in row.items()}
    for name in check.columns:
        if name.endswith(FACTS_SUFFIX) and name not in row:
            policy = name.removesuffix(FACTS_SUFFIX)
            if policy not in row:
                raise ExampleError(f"an example leaves out {policy}, which the check reads (null: not known)")
            type_ = cast("PolicyType", schema[policy])
            result[name] = _facts(type_.kind, result[policy], result["account_id"])
        elif name not in result:
            raise ExampleError(f"an example leaves out {name}, which the check reads (null: not known)")
    return result


def _facts(kind: str, text: str | None, account_id: str) -> dict[str, Any] | None:
    from partywall.analysis.policy import facts

    return None if text is None else facts(kind, text, account_id)


def coerce(type_: Type, value: Any) -> Any:
    """A YAML value as a value of the column's type; raises ExampleError where it is of another kind."""
    if value is None:
        return None
    match type_:
        case JsonType() | PolicyType():
            return value if isinstance(value, str) else orjson.dumps(value).decode()
        case TimestampType():
            return _moment(value)
        case FloatType():
            return float(value)
        case ListType(element):
            if not isinstance(value, list):
                raise ExampleError(f"expected a list, got {value!r}")
            return [coerce(element, item) for item in cast("list[Any]", value)]
        case MapType():
            return {str(k): str(v) for k, v in cast("dict[Any, Any]", value).items()}
        case StructType():
            if not isinstance(value, dict):
                raise ExampleError(f"expected a map of fields, got {value!r}")
            return _coerce_struct(type_, cast("dict[str, Any]", value))
        case _:
            return value


def _coerce_struct(type_: StructType, value: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, inner in value.items():
        field = type_.field(name)
        if field is not None:
            result[name] = coerce(field.type, inner)
            continue
        facts = type_.field(name + FACTS_SUFFIX)
        if facts is None:
            raise ExampleError(f"the example has a field {name}, which is not there (known: {type_.sql})")
        kind = next((k for k, t in _facts_types().items() if t == facts.type), "")
        text = coerce(PolicyType(kind), inner)
        result[facts.name] = _facts(kind, text, ACCOUNT)
    return result


def _facts_types() -> Mapping[str, StructType]:
    from partywall.analysis.policy import FACTS

    return FACTS


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    found = _RELATIVE.fullmatch(str(value))
    if found:
        sign = -1 if found[1] == "-" else 1
        hours = float(found[2]) * (24 if found[3] == "d" else 1)
        return NOW + sign * timedelta(hours=hours)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ExampleError(f"{value!r} is no time; write 2025-06-01 or -100d") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
