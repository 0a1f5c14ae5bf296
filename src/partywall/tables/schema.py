"""A table's columns and types: the common ones, its own, and the failed calls of each row."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from partywall.tables.spec import Column, Table
from partywall.tables.types import Field, ListType, Str, StrMap, StructType, Type

if TYPE_CHECKING:
    import pyarrow as pa

COMMON: Final[Mapping[str, Type]] = {
    "account_id": Str,
    "region": Str,
    "arn": Str,
    "name": Str,
    "tags": StrMap,
}

_FAILED_FIELDS: Final = ("call", "operation", "region", "outcome", "code", "denied_by", "message")
FAILED: Final = StructType(tuple(Field(name, Str, name) for name in _FAILED_FIELDS))


@cache
def _columns(table: Table) -> dict[str, Column]:
    return {c.name: c for c in table.columns}


def column(table: Table, name: str) -> Column | None:
    """The declared column of that name, None where there is none (common columns are not declared)."""
    return _columns(table).get(name)


def stored_types(table: Table) -> dict[str, Type]:
    """The columns that collection fills: common and declared, in the order that users see them."""
    return {**COMMON, **{c.name: c.type for c in table.columns}}


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of the stored rows, with `_failed`: the calls of a row that did not answer."""
    import pyarrow as pa

    fields = [pa.field(name, type_.arrow()) for name, type_ in stored_types(table).items()]
    return pa.schema([*fields, pa.field("_failed", pa.list_(FAILED.arrow()))])


def relation_type(columns: Mapping[str, Type], names: tuple[str, ...]) -> ListType:
    """A relation's type: list of structs of the other table's columns."""
    return ListType(StructType(tuple(Field(name, columns[name], name) for name in names)))
