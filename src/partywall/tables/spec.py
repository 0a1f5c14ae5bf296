"""How a table is declared: its typed columns and the API calls that fill them, in one place.

A column is NULL if and only if we do not know its value. Absence is a value: `absent=` on the column, an
empty list, a member of an enum. Each call lists the error codes that mean "known to be absent"; all other
errors mean unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from partywall.tables.types import (
    UNKNOWN,
    Bool,
    Enum,
    Field,
    Float,
    Int,
    Json,
    List,
    ListType,
    MapType,
    Policy,
    PolicyType,
    Str,
    StrMap,
    Struct,
    StructType,
    Timestamp,
    Type,
)

__all__ = [
    "UNKNOWN",
    "Analysis",
    "Batch",
    "Bool",
    "Call",
    "Column",
    "Const",
    "Each",
    "Enum",
    "Field",
    "Float",
    "Int",
    "Json",
    "List",
    "ListType",
    "Lookup",
    "MapType",
    "Policy",
    "PolicyType",
    "Relation",
    "Single",
    "Str",
    "StrMap",
    "Struct",
    "StructType",
    "Table",
    "Timestamp",
    "Type",
]

Scope = Literal["global", "regional"]


@dataclass(frozen=True, slots=True)
class Const:
    """A literal string parameter (a bare string names a column of the row)."""

    value: Any


@dataclass(frozen=True, slots=True)
class Each:
    """A list parameter holding this row's value of a column."""

    column: str


class _Operation:
    operation: str

    @property
    def service(self) -> str:
        """botocore's service name, such as "s3" or "elbv2"."""
        return self.operation.partition(":")[0]

    @property
    def action(self) -> str:
        """botocore's operation name, such as "ListBuckets"."""
        return self.operation.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Call(_Operation):
    """One API operation, `service:Operation` in botocore's names.

    As a table's `rows`, it lists: it is paged to its end and `at` is the path to the rows. In a table's
    `calls`, it is made once per row (all pages), and column paths that begin with its name read its answer.

    Parameters: a string names a column of the row (or "@account_id", "@region", "@partition",
    "@parent.COLUMN"); `Const` is a literal string, `Each("col")` a list of the one value; numbers, booleans,
    lists and maps are literals.
    """

    operation: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    at: str = ""
    """Path into the answer: of the rows (list call), or of the part that columns read (per-row call)."""
    absent: tuple[str, ...] = ()
    """Error codes that mean "known to have none": the columns take their `absent` values."""
    region: str = ""
    """The column that holds the region to call in, where it is not the row's own."""
    when: Callable[[Mapping[str, Any]], bool] | None = None
    """The call is made only for rows (as mapped so far) where this holds; elsewhere columns are absent."""
    after: tuple[str, ...] = ()
    """The columns that `when` reads and other calls fill, so that those calls come first."""
    once: bool = False
    """Many rows bind the same parameters, such as an engine's version: each answer is asked for once."""


@dataclass(frozen=True, slots=True)
class Batch(_Operation):
    """A describe call that takes many rows at once: `param` gets up to `size` values of the column `by`.

    The elements at `at` are matched to rows by their member `key`. A row that the answer leaves out is
    unknown unless `missing_is_absent`.
    """

    operation: str
    param: str
    by: str
    at: str
    key: str
    size: int
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    absent: tuple[str, ...] = ()
    missing_is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Lookup(_Operation):
    """A bulk call made once per account and region; elements at `at` match rows: element[key] = row[by].

    A row without an element is known to have none. With `many`, the row gets the list of its elements.
    """

    operation: str
    at: str
    key: str
    by: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    absent: tuple[str, ...] = ()
    many: bool = False
    region: str = ""
    """The column that holds the Region to call in, where it is not the row's own."""
    shared: str = ""
    """A list parameter: what the tables of a scan put there is put together, and one call serves them all."""


@dataclass(frozen=True, slots=True)
class Single:
    """Rows of a table with exactly one row per account (global) or account and region (regional)."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Rows that an analysis makes after collection from the rows of other tables; AWS is not asked for them.

    Columns of such a table have no path. What holds for all columns holds for them: NULL if and only if not
    known. No row may be missing or changed to another known value because something could not be read.
    """

    build: str
    """"module:function" of a function from a `Lake` to an Arrow table: the common and the declared columns
    (those left out are NULL) and `_failed`, the calls that left some of a row unknown, best first."""
    inputs: Mapping[str, tuple[str, ...]]
    """Table -> the columns of it that the function reads; they are demanded along with this table."""
    rows_from: tuple[str, ...]
    """The inputs whose listing gives the rows: where one did not answer, rows may be missing.

    Empty where the rows are no listing's, but the user's own."""


@dataclass(frozen=True, slots=True)
class Column:
    """A typed column.

    `path` is read from the listed element, or, where its first segment is a name in `calls`, from that
    call's answer. Segments are member names joined by dots; `[]` after a name flattens a list
    ("Groups[].GroupId"); "." is the element itself; "@region", "@account_id", "@partition" and
    "@parent.COLUMN" are the context. `fn(value)` maps the raw value (called only where it is there); with
    a list path it gets the whole list.
    """

    name: str
    type: Type
    path: str
    absent: Any = UNKNOWN
    doc: str = ""
    fn: Callable[[Any], Any] | None = None
    listed: str = ""
    """For a column that a call fills: path into the listed element, read where the call was not made."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A list of structs made from the rows of another table that match this row; never part of collection.

    `on` maps this table's column to the other's; "col[]" on either side matches any element of a list
    column. Where the other table could not be listed completely in the scope that matches (the row's
    region if `on` pairs the regions, else every region), the list carries one NULL element more, so that
    quantifiers over it stay three-valued.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    on: Mapping[str, str]
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of the inventory. Every table has `account_id, region, arn, name, tags` besides `columns`.

    `arn` and `title` are paths like a column's, or templates in braces over columns and context:
    "arn:{partition}:s3:::{bucket}" (known: {partition}, {account_id}, {region}, {parent.COLUMN}).
    `tags` is a path to AWS's list of key/value pairs or a map; "" where the resource has no tags. Where tags
    are not in the listing, let it read a bulk `Lookup` (resourcegroupstaggingapi:GetResources) or a call.
    """

    name: str
    service: str
    """The service's short name in the catalogue, also its YAML file: "s3", "ec2", "vpc"."""
    scope: Scope
    rows: Call | Single | Analysis
    arn: str
    columns: tuple[Column, ...]
    title: str = ""
    tags: str = ""
    calls: Mapping[str, Call | Batch | Lookup] = field(default_factory=dict[str, Any])
    relations: tuple[Relation, ...] = ()
    parent: str = ""
    """The table over whose rows the list call is made, once per row of it ("@parent.COLUMN" in params)."""
    parent_when: Callable[[Mapping[str, Any]], bool] | None = None
    """Lists children only for parent rows where this holds."""
    parent_after: tuple[str, ...] = ()
    """The parent's columns that `parent_when` reads and calls fill, so that those calls are made."""
    keep: Callable[[Mapping[str, Any]], bool] | None = None
    """Drops listed elements that are not of this table (raw element -> bool)."""
    resource_type: str = ""
    """CloudFormation's type name ("AWS::S3::Bucket"), for formats that want one."""
    doc: str = ""
