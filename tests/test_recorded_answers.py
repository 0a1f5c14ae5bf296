"""Recorded answers of real AWS accounts through every mapping: nothing crashes, no value is lost silently.

The oracle here reads paths and converts values by itself, knowing only the tables' declarations.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import pytest

from partywall.aws.answers import CallFailed, means_absent
from partywall.aws.models import loader, service_model
from partywall.collect.bulk import elements
from partywall.tables.lint import CSV
from partywall.tables.mapping import CompiledTable, parent_columns, path_call
from partywall.tables.paths import MISSING, compile_path
from partywall.tables.registry import all_tables
from partywall.tables.spec import Batch, Call, Column, Lookup, Table
from partywall.tables.types import (
    UNKNOWN,
    BoolType,
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    PolicyType,
    StructType,
    TimestampType,
    Type,
)

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "aws_responses"
needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="recorded answers of real accounts (shared/data/aws_responses) are not here"
)
ABSENT = object()
WRONG = {
    ("rds_instance", "created_at"): "{} stands for the time, which was taken out",
    ("rds_cluster", "created_at"): "{} stands for the time, which was taken out",
    ("rds_cluster", "endpoint"): "a made-up structure, where AWS's model has text",
    ("ses_configuration_set", "set_name"): "some are of the older API, which sends structures for names",
}
"""Where some recordings are not what AWS's model can send: the column is then NULL, and the row says so."""


@cache
def _services_of() -> dict[str, set[str]]:
    """The name of a recordings' file (endpoint prefix or signing name) -> botocore's services."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for service in {op.partition(":")[0] for op in _uses()}:
        data = cast("dict[str, Any]", loader().load_service_model(service, "service-2"))["metadata"]
        for key in ("endpointPrefix", "signingName"):
            if data.get(key):
                found[data[key]].add(service)
    return found


@cache
def _uses() -> dict[str, list[tuple[Table, str]]]:
    """Operation -> the tables that use it, each with the name of the call ("" for the listing)."""
    found: defaultdict[str, list[tuple[Table, str]]] = defaultdict(list)
    for table in all_tables().values():
        if isinstance(table.rows, Call):
            found[table.rows.operation].append((table, ""))
        for name, call in table.calls.items():
            found[call.operation].append((table, name))
    return dict(found)


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        if entries.get("__class__") == "datetime" or {"year", "microsecond"} <= set(entries):
            parts = [entries[n] for n in ("year", "month", "day", "hour", "minute", "second", "microsecond")]
            return datetime(*parts, tzinfo=UTC)
        return {k: _decoded(v) for k, v in entries.items()}
    if isinstance(value, list):
        return [_decoded(v) for v in cast("list[Any]", value)]
    return value


@cache
def _answers() -> dict[str, list[tuple[int, dict[str, Any]]]]:
    """Operation in use -> its recorded answers as (status, data)."""
    found: defaultdict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for path in sorted(FOLDER.glob("*.jsonl")):
        services = _services_of().get(path.stem, ())
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            fitting = [s for s in services if f"{s}:{entry['operation']}" in _uses()]
            if len(fitting) > 1:
                fitting = [s for s in fitting if _fits(s, entry["operation"], entry["data"])]
            for service in fitting:
                data = _decoded(entry["data"])
                data.pop("ResponseMetadata", None)
                found[f"{service}:{entry['operation']}"].append((entry["status"], data))
    return dict(found)


def _fits(service: str, operation: str, data: Mapping[str, Any]) -> bool:
    """Whether the answer is of this service where two share the endpoint and the operation's name."""
    shape = service_model(service).operation_model(operation).output_shape
    return _has_shape(shape, {k: v for k, v in data.items() if k not in ("ResponseMetadata", "Error")})


def _has_shape(shape: Any, value: Any) -> bool:
    if shape.type_name == "structure" and isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return all(k in shape.members and _has_shape(shape.members[k], v) for k, v in entries.items())
    if shape.type_name == "list" and isinstance(value, list):
        return all(_has_shape(shape.member, v) for v in cast("list[Any]", value))
    return True


OPERATIONS = sorted(_answers()) if FOLDER.is_dir() else []


def _read(value: Any, path: str) -> Any:
    """What stands at a column's path, ABSENT where nothing does; "[]" collects what its elements hold."""
    if path in ("", "."):
        return ABSENT if value is None else value
    head, _, rest = path.partition(".")
    flat = head.endswith("[]")
    name = head.removesuffix("[]")
    if name:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return ABSENT
    if not flat:
        return _read(value, rest)
    found: list[Any] = []
    for element in value if isinstance(value, list) else [value]:
        inner = _read(element, rest)
        if inner is not ABSENT:
            found += inner if "[]" in rest else [inner]
    return found


def _otherwise(type_: Type, absent: Any) -> Any:
    if absent is not UNKNOWN:
        return absent
    return [] if isinstance(type_, ListType) else {} if isinstance(type_, MapType) else None


def _expected(type_: Type, raw: Any) -> Any:
    """The column's value for a raw one, by the type's own rules."""
    match type_:
        case BoolType():
            if isinstance(raw, str):
                return {"true": True, "enabled": True, "on": True, "yes": True, "1": True}.get(
                    raw.lower(), False
                )
            return bool(raw)
        case IntType():
            return int(raw)
        case FloatType():
            return float(raw)
        case TimestampType():
            if isinstance(raw, str):
                moment = datetime.fromisoformat(raw)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            if isinstance(raw, datetime):
                return raw
            return datetime.fromtimestamp(raw / 1000 if raw > 1e11 else raw, UTC)
        case PolicyType():
            return raw if not isinstance(raw, str) else unquote(raw) if raw.startswith("%7B") else raw
        case JsonType():
            return raw
        case ListType(element):
            return [_expected(element, item) for item in raw if item is not None]
        case MapType():
            if isinstance(raw, dict):
                return {k: "" if v is None else _text(v) for k, v in raw.items()}
            keys, values = ("Key", "key", "TagKey", "Name", "name"), ("Value", "value", "TagValue")
            return {
                next(p[k] for k in keys if k in p): _text(next((p[v] for v in values if v in p), ""))
                for p in raw
            }
        case StructType(fields):
            result: dict[str, Any] = {}
            for field in fields:
                inner = _read(raw, field.path)
                if inner is not ABSENT and field.fn is not None:
                    inner = field.fn(inner)
                    inner = ABSENT if inner is None else inner
                otherwise = _otherwise(field.type, field.absent)
                result[field.name] = otherwise if inner is ABSENT else _expected(field.type, inner)
            return result
        case _:
            return _text(raw)


def _text(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return raw.isoformat() if isinstance(raw, datetime) else str(raw)


def _same(type_: Type, value: Any, expected: Any) -> bool:
    if isinstance(type_, FloatType):
        return isinstance(value, float) and math.isclose(value, expected)
    if isinstance(type_, PolicyType | JsonType) and isinstance(value, str) and not isinstance(expected, str):
        return json.loads(value) == json.loads(json.dumps(expected, default=str))
    if isinstance(type_, StructType) and isinstance(value, dict) and isinstance(expected, dict):
        return set(value) == {f.name for f in type_.fields} and all(
            value[f.name] == expected[f.name] or _same(f.type, value[f.name], expected[f.name])
            for f in type_.fields
        )
    if isinstance(type_, ListType) and isinstance(value, list) and len(value) == len(expected):
        return all(_same(type_.element, v, e) for v, e in zip(value, expected, strict=True))
    return type(value) is type(expected) and value == expected


class Checker:
    """Feeds one table from answers of one of its calls and keeps what went wrong."""

    def __init__(self, table: Table, call: str) -> None:
        self.table, self.call = table, call
        self.compiled = CompiledTable(table)
        self.context = {
            "@account_id": "111122223333",
            "@region": "eu-west-1",
            "@partition": "aws",
            **{f"@parent.{name}": "parent" for name in parent_columns(table)},
        }
        self.faults: list[str] = []
        self.values = 0

    def feed(self, data: dict[str, Any]) -> None:
        """One answer, as the collector hands it over."""
        if not self.call:
            self._listed(data)
            return
        spec = self.table.calls[self.call]
        if isinstance(spec, Call):
            found = compile_path(spec.at)(data) if data else MISSING
            self._answered(found)
            return
        found = elements(spec.at)(data)
        if found is None:
            self.faults.append(f"{self.call}: no list at {spec.at}")
            return
        groups: defaultdict[Any, list[Any]] = defaultdict(list)
        for element in found:
            key = _read(element, spec.key)
            if key is not ABSENT:
                groups[str(key)].append(element)
            elif isinstance(spec, Batch):
                self.faults.append(f"{self.call}: an element without its key {spec.key}")
            # An element of a bulk lookup may be of no row: AWS's own aliases have no key behind them yet.
        for group in groups.values():
            if isinstance(spec, Lookup) and spec.many:
                self._answered(group)
            else:
                for element in group:
                    self._answered(element)

    def _listed(self, data: dict[str, Any]) -> None:
        assert isinstance(self.table.rows, Call)
        at = self.table.rows.at
        found = elements(at)(data)
        if found is None:
            self.faults.append(f"no list at {at}")
            return
        if not at.endswith(CSV):
            raw = _read(data, at)
            given = len(raw) if isinstance(raw, list) else int(raw is not ABSENT)
            if len(found) != given:
                self.faults.append(f"{given} elements at {at}, {len(found)} taken")
        else:
            text = _read(data, at.removesuffix(CSV))
            assert len(found) == len(list(csv.reader(io.StringIO(text)))) - 1
        for element in found:
            if self.table.keep is not None and not self.table.keep(element):
                continue
            row = self.compiled.start(self.context, element)
            self._noted(row)
            for column in self.table.columns:
                if not column.path.startswith("@") and not path_call(self.table, column.path):
                    self._compare(row, column, element, column.path)
            if self.table.tags and not self.compiled.tags_call:
                self._compare_tags(row, element, self.table.tags)
            if "{" not in self.table.arn and not self.table.arn.startswith("@"):
                given_arn = _read(element, self.table.arn)
                if given_arn is not ABSENT and row["arn"] != given_arn:
                    self.faults.append(f"arn: {row['arn']!r} of {given_arn!r}")

    def _answered(self, data: Any) -> None:
        row: dict[str, Any] = {**self.context, "_failed": [], "region": "eu-west-1", "tags": None}
        self.compiled.answered(row, self.call, data)
        self._noted(row)
        for column in self.table.columns:
            if path_call(self.table, column.path) == self.call:
                self._compare(row, column, None if data is MISSING else data, _below(column.path))
        if self.compiled.tags_call == self.call:
            self._compare_tags(row, None if data is MISSING else data, _below(self.table.tags))

    def _noted(self, row: dict[str, Any]) -> None:
        """A value of a wrong kind is said to be so in the row."""
        wrong = [column for table, column in WRONG if table == self.table.name]
        for note in row["_failed"]:
            told = [m for m in note["message"].split("; ") if m.partition(":")[0] not in wrong]
            self.faults += [f"{note['code']}: {message}" for message in told]

    def _compare_tags(self, row: dict[str, Any], source: Any, path: str) -> None:
        self._compare(row, Column("tags", MapType(), path), source, path)

    def _compare(self, row: dict[str, Any], column: Column, source: Any, path: str) -> None:
        raw = _read(source, path)
        if raw is not ABSENT and column.fn is not None:
            mapped = column.fn(raw)
            raw = ABSENT if mapped is None else mapped
        if raw is ABSENT:
            otherwise = _otherwise(column.type, column.absent)
            if column.fn is None and not column.listed and row[column.name] != otherwise:
                self.faults.append(f"{column.name}: {row[column.name]!r} where nothing was told")
            return
        self.values += 1
        if isinstance(raw, dict) and (self.table.name, column.name) in WRONG:
            assert row[column.name] is None
            assert any(column.name in note["message"] for note in row["_failed"])
            return
        expected = _expected(column.type, raw)
        if not _same(column.type, row[column.name], expected):
            self.faults.append(f"{column.name}: {row[column.name]!r} of {raw!r}, not {expected!r}")


def _below(path: str) -> str:
    head, _, rest = path.partition(".")
    if head.endswith("[]"):
        return f"[].{rest}" if rest else "[]"
    return rest


def _failed(data: Mapping[str, Any], status: int) -> CallFailed:
    error = data.get("Error", {})
    return CallFailed(str(error.get("Code", status)), str(error.get("Message", "")), status)


@needs_recordings
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_aws_answers_comes_through_whole(
    operation: str, record_property: Callable[[str, Any], None]
) -> None:
    values = 0
    for table, call in _uses()[operation]:
        checker = Checker(table, call)
        for status, data in _answers()[operation]:
            if status < 300:
                checker.feed(data)
            elif call:
                _refused(checker, status, data)
        assert checker.faults == [], (table.name, call)
        values += checker.values
    record_property("answers", len(_answers()[operation]))
    record_property("values", values)


def _refused(checker: Checker, status: int, data: dict[str, Any]) -> None:
    """An error either means a known absence, or leaves all columns of the call NULL, and says why."""
    failed = _failed(data, status)
    spec = checker.table.calls[checker.call]
    row: dict[str, Any] = {**checker.context, "_failed": [], "region": "eu-west-1", "tags": None}
    if means_absent(failed.code, failed.message, spec.absent):
        checker.compiled.answered(row, checker.call, MISSING)
        assert row["_failed"] == []
        return
    checker.compiled.failed(row, checker.call, {"operation": spec.operation, "code": failed.code})
    filled = [c.name for c in checker.table.columns if path_call(checker.table, c.path) == checker.call]
    assert {row[name] for name in filled} <= {None}
    assert row["_failed"][0]["code"] == failed.code


ABSENCES = (
    ("s3:GetBucketPolicy", "NoSuchBucketPolicy"),
    ("s3:GetBucketWebsite", "NoSuchWebsiteConfiguration"),
    ("s3:GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
    ("s3:GetBucketReplication", "ReplicationConfigurationNotFoundError"),
    ("s3:GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
    ("s3:GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"),
    ("iam:GetAccountPasswordPolicy", "NoSuchEntity"),
    ("efs:DescribeFileSystemPolicy", "PolicyNotFound"),
    ("lambda:GetPolicy", "ResourceNotFoundException"),
)
"""Errors that AWS recorded for something that is known not to be there."""


@needs_recordings
@pytest.mark.parametrize(("operation", "code"), ABSENCES)
def test_known_absence_is_told_from_a_failure(operation: str, code: str) -> None:
    recorded = {_failed(data, status).code for status, data in _answers()[operation] if status >= 400}
    assert code in recorded
    for table, name in _uses()[operation]:
        spec = table.calls[name] if name else table.rows
        assert isinstance(spec, Call | Batch | Lookup)
        for status, data in _answers()[operation]:
            failed = _failed(data, status)
            if status >= 400 and failed.code == code:
                assert means_absent(failed.code, failed.message, spec.absent), (table.name, failed.message)


@needs_recordings
def test_how_much_is_covered(record_property: Callable[[str, Any], None]) -> None:
    answers = sum(len(found) for found in _answers().values())
    record_property("operations", len(OPERATIONS))
    record_property("answers", answers)
    print(f"{answers} recorded answers of {len(OPERATIONS)} operations")
    assert len(OPERATIONS) >= 250
    assert answers >= 2750
