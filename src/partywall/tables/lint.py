"""Proves tables against botocore's models: a wrong operation, parameter, path or type is an error."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from partywall.tables import schema
from partywall.tables.mapping import (
    call_columns,
    param_columns,
    parent_columns,
    path_call,
    template_columns,
)
from partywall.tables.paths import segments
from partywall.tables.spec import Analysis, Batch, Call, Each, Lookup, Table
from partywall.tables.types import (
    UNKNOWN,
    BoolType,
    EnumType,
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

# Shapes that a column type can be read from; text is read from anything scalar.
_READS: Mapping[type[Type], tuple[str, ...]] = {
    BoolType: ("boolean", "string"),
    IntType: ("integer", "long", "string"),
    FloatType: ("float", "double", "integer", "long", "string"),
    TimestampType: ("timestamp", "string", "long"),
    MapType: ("map", "list"),
}
_SCALARS = ("string", "character", "boolean", "integer", "long", "float", "double", "timestamp", "blob")
CSV = "[csv]"


@cache
def service_model(service: str) -> Any:
    """botocore's model of a service; raises botocore's UnknownServiceError."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def lint(table: Table, tables: Mapping[str, Table]) -> list[str]:
    """The faults of a declaration, each a sentence naming table and place; empty when there are none."""
    return [f"{table.name}: {fault}" for fault in _faults(table, tables)]


@cache
def enum_members(table: Table) -> Mapping[tuple[str, ...], frozenset[str]]:
    """The values that AWS knows for a leaf ("rules", "[]", "protocol"), with the one declared for absence.

    Only leaves that hold AWS's own words are there: none that a function computes.
    """
    return {at: frozenset(members) | _absent(absent) for at, members, _, absent in _enum_leaves(table)}


def _absent(value: Any) -> frozenset[str]:
    return frozenset({value} if isinstance(value, str) else ())


_Leaf = tuple[tuple[str, ...], tuple[str, ...], Type, Any]


def _enum_leaves(table: Table) -> Iterator[_Leaf]:
    """Path, AWS's members, declared type and absent value of each leaf whose shape is an enum."""
    known = {*(c.name for c in table.columns), *schema.COMMON, "@parent"}
    element = _call(table.rows, known, listing=True)[1] if isinstance(table.rows, Call) else None
    answers = {name: _call(call, known, listing=False)[1] for name, call in table.calls.items()}
    for column in table.columns:
        call = path_call(table, column.path)
        shape = answers.get(call) if call else element
        if shape is None or column.fn or column.path.startswith("@"):
            continue
        path = column.path.partition(".")[2] if call else column.path
        flat = call and segments(column.path)[0].endswith("[]")
        yield from _leaf(shape, f"[].{path}" if flat else path, column.type, (column.name,), column.absent)


def _leaf(shape: Any, path: str, type_: Type, at: tuple[str, ...], absent: Any) -> Iterator[_Leaf]:
    found = _walk(shape, segments(path))
    if not isinstance(found, str):
        yield from _below(_ListOf(found[0]) if found[1] else found[0], type_, at, absent)


def _below(shape: Any, type_: Type, at: tuple[str, ...], absent: Any) -> Iterator[_Leaf]:
    if isinstance(type_, ListType):
        if shape.type_name == "list":
            yield from _below(shape.member, type_.element, (*at, "[]"), UNKNOWN)
    elif isinstance(type_, StructType):
        for field in type_.fields:
            if not field.fn:
                yield from _leaf(shape, field.path, field.type, (*at, field.name), field.absent)
    elif getattr(shape, "enum", None):
        yield at, tuple(shape.enum), type_, absent


def _enum_faults(table: Table) -> Iterator[str]:
    for at, members, type_, absent in _enum_leaves(table):
        if not isinstance(type_, EnumType):
            continue
        missing = sorted({*members} - {*type_.values})
        if missing:
            yield f"column {'.'.join(at)}: AWS also knows {', '.join(missing)}"
        foreign = sorted({*type_.values} - {*members} - _absent(absent))
        if foreign:
            yield f"column {'.'.join(at)}: AWS knows no {', '.join(foreign)}"


def _faults(table: Table, tables: Mapping[str, Table]) -> Iterator[str]:
    names = [c.name for c in table.columns]
    known = {*names, *schema.COMMON}
    for name in {n for n in names if names.count(n) > 1}:
        yield f"column {name} is declared twice"
    if not table.doc:
        yield "has no doc"
    yield from _parent_faults(table, tables)
    yield from _enum_faults(table)
    element: Any = None
    if isinstance(table.rows, Call):
        faults, element = _call(table.rows, known | {"@parent"}, listing=True)
        yield from (f"rows: {f}" for f in faults)
    answers: dict[str, Any] = {}
    for name, call in table.calls.items():
        faults, answers[name] = _call(call, known, listing=False)
        yield from (f"call {name}: {f}" for f in faults)
    if isinstance(table.rows, Analysis):
        yield from _analysis_faults(table, table.rows, tables)
    for column in table.columns:
        call = path_call(table, column.path)
        if column.path.startswith("@") or isinstance(table.rows, Analysis):
            continue
        shape = answers.get(call) if call else element
        if isinstance(table.rows, Call) and table.rows.at.endswith(CSV) and not call:
            continue
        if shape is None and not call:
            yield f"column {column.name}: a Single() table has no listed element to read {column.path!r} from"
            continue
        path = column.path.partition(".")[2] if call else column.path
        flat = call and segments(column.path)[0].endswith("[]")
        yield from (
            f"column {column.name}: {f}"
            for f in _path(shape, f"[].{path}" if flat else path, column.type, column.fn is not None)
        )
        if column.listed:
            yield from (
                f"column {column.name}: {f}"
                for f in _path(element, column.listed, column.type, column.fn is not None)
            )
    for spec in (table.arn, table.title):
        for name in template_columns(spec):
            if name not in known:
                yield f"template {spec!r} reads the unknown column {name}"
    for relation in table.relations:
        other = tables.get(relation.table)
        if other is None:
            yield f"relation {relation.name}: there is no table {relation.table}"
            continue
        theirs = {*schema.stored_types(other)}
        theirs |= {f"{c.name}_facts" for c in other.columns if isinstance(c.type, PolicyType)}
        theirs |= {r.name for r in other.relations}
        for name in {*relation.columns, *(v.removesuffix("[]") for v in relation.on.values())} - theirs:
            yield f"relation {relation.name}: {relation.table} has no column {name}"
        for name in {k.removesuffix("[]") for k in relation.on} - known:
            yield f"relation {relation.name}: no own column {name}"


def _analysis_faults(table: Table, rows: Analysis, tables: Mapping[str, Table]) -> Iterator[str]:
    module, _, function = rows.build.partition(":")
    if not callable(getattr(importlib.import_module(module), function, None)):
        yield f"{module} has no function {function}"
    for column in table.columns:
        if column.path or column.fn or column.listed:
            yield f"column {column.name} reads a path, and an analysis gives it"
    for name, columns in rows.inputs.items():
        if name not in tables:
            yield f"reads {name}, which is no table"
            continue
        known = {*schema.stored_types(tables[name]), *(r.name for r in tables[name].relations)}
        for column in sorted({*columns} - known):
            yield f"reads {name}.{column}, which is no column"
    for name in sorted({*rows.rows_from} - {*rows.inputs}):
        yield f"takes its rows from {name}, which is no input"
    if table.calls or table.parent or table.arn or table.title or table.tags:
        yield "declares how it is collected, and an analysis makes it"


def _parent_faults(table: Table, tables: Mapping[str, Table]) -> Iterator[str]:
    needed = parent_columns(table)
    if not table.parent:
        if needed:
            yield f"reads @parent.{sorted(needed)[0]} but declares no parent"
        return
    parent = tables.get(table.parent)
    if parent is None:
        yield f"there is no table {table.parent} to be its parent"
        return
    for name in needed - {*schema.stored_types(parent)}:
        yield f"the parent {table.parent} has no column {name}"


def _call(call: Call | Batch | Lookup, known: set[str], *, listing: bool) -> tuple[list[str], Any]:
    """The faults of a call, and the shape that column paths below it read (None where there is none)."""
    from botocore.exceptions import UnknownServiceError
    from botocore.model import OperationNotFoundError

    try:
        operation = service_model(call.service).operation_model(call.action)
    except (UnknownServiceError, OperationNotFoundError):
        return [f"botocore knows no operation {call.operation}"], None
    faults: list[str] = []
    members = operation.input_shape.members if operation.input_shape else {}
    given = set(call.params)
    if isinstance(call, Batch):
        given.add(call.param)
    for name in given - set(members):
        faults.append(f"{call.operation} has no parameter {name}")
    required = operation.input_shape.required_members if operation.input_shape else []
    for name in set(required) - given:
        faults.append(f"{call.operation} needs the parameter {name}")
    for column in call_columns(call) - known:
        faults.append(f"a parameter reads the unknown column {column}")
    if isinstance(call, Lookup) and call.shared:
        if call.many:
            faults.append(f"{call.operation} is shared, which a lookup of many elements cannot be")
        if not isinstance(call.params.get(call.shared), list):
            faults.append(f"{call.operation} is shared by {call.shared}, which must be a list of its own")
    if listing and any(not c.startswith("@") for v in call.params.values() for c in param_columns(v)):
        columns = [c for v in call.params.values() for c in param_columns(v)]
        faults.append(f"a list call cannot read its own rows' column {columns[0]} (Const for a literal)")
    for name, value in call.params.items():
        if name in members and isinstance(value, str | Each):
            wanted = "list" if isinstance(value, Each) else "scalar"
            if (members[name].type_name == "list") != (wanted == "list"):
                faults.append(f"parameter {name} of {call.operation} wants {members[name].type_name}")
    shape = operation.output_shape
    if call.at.endswith(CSV):
        return faults, None
    if not call.at or shape is None:
        return faults, shape
    at = _walk(shape, segments(call.at))
    if isinstance(at, str):
        return [*faults, f"at={call.at!r}: {at}"], None
    found, many = at
    if listing or isinstance(call, Batch | Lookup):
        if found.type_name == "list" and not many:
            found = found.member
        elif not many and listing:
            return faults, found  # one element
        key = getattr(call, "key", "")
        if key and isinstance(_walk(found, segments(key)), str):
            faults.append(f"key {key!r} is no member of the elements at {call.at!r}")
        if isinstance(call, Lookup) and call.many:
            return faults, _ListOf(found)
        return faults, found
    return faults, _ListOf(found) if many else found


class _ListOf:
    """The shape of a flattened list."""

    type_name = "list"

    def __init__(self, member: Any) -> None:
        self.member = member
        self.name = f"list of {member.name}"


def _walk(shape: Any, parts: list[str]) -> tuple[Any, bool] | str:
    """The shape below `parts` and whether a list was flattened on the way; a sentence where it fails."""
    many = False
    for part in parts:
        name, flat = part.removesuffix("[]"), part.endswith("[]")
        if name:
            if shape.type_name == "map":
                shape = shape.value
            elif shape.type_name != "structure":
                return f"{shape.name} is a {shape.type_name} and has no member {name}"
            elif name not in shape.members:
                return f"{shape.name} has no member {name} (it has {', '.join(sorted(shape.members))})"
            else:
                shape = shape.members[name]
        if flat:
            if shape.type_name != "list":
                return f"{shape.name} is no list"
            shape, many = shape.member, True
    return shape, many


def _path(shape: Any, path: str, type_: Type, has_fn: bool) -> Iterator[str]:
    if shape is None:
        return
    found = _walk(shape, segments(path))
    if isinstance(found, str):
        yield f"{path!r}: {found}"
        return
    shape, many = found
    if has_fn:
        return
    yield from _fits(_ListOf(shape) if many else shape, type_, path)


def _fits(shape: Any, type_: Type, path: str) -> Iterator[str]:
    kind = str(shape.type_name)
    if isinstance(type_, JsonType | PolicyType):
        return
    if isinstance(type_, ListType):
        if kind != "list":
            yield f"{path!r} is a {kind}, not a list"
        else:
            yield from _fits(shape.member, type_.element, path)
    elif isinstance(type_, StructType):
        if kind not in ("structure", "map"):
            yield f"{path!r} is a {kind}, not a structure"
            return
        for field in type_.fields:
            yield from (
                f"field {field.name}: {f}" for f in _path(shape, field.path, field.type, bool(field.fn))
            )
    else:
        allowed = _READS.get(type(type_), _SCALARS)
        if kind not in allowed:
            yield f"{path!r} is a {kind}, which cannot be read as {type_.sql}"
