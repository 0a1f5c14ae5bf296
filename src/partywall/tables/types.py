"""The column types of tables: what the SQL dialect, the Arrow schema and the row mapper agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa


class _Unknown:
    """Marks "no value declared": a member that an answered call does not carry stays NULL."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final[Any] = _Unknown()


@dataclass(frozen=True, slots=True)
class Type:
    """Base of all column types; `sql` is the name that docs and error messages show."""

    @property
    def sql(self) -> str:
        return type(self).__name__.lower()

    def arrow(self) -> pa.DataType:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class StrType(Type):
    @property
    def sql(self) -> str:
        return "string"

    def arrow(self) -> pa.DataType:
        import pyarrow as pa

        return pa.string()


@dataclass(frozen=True, slots=True)
class JsonType(StrType):
    """A JSON document kept as text; analysis explodes it, SQL never picks it apart."""

    @property
    def sql(self) -> str:
        return "json"


@dataclass(frozen=True, slots=True)
class PolicyType(StrType):
    """A policy document kept as text (percent-encoding removed); "" means known to have none.

    A column `x` of this type gives checks a sibling struct `x_facts` (see `analysis.policy`).
    `kind` is "resource", "identity", "trust" or "key".
    """

    kind: str = "resource"

    @property
    def sql(self) -> str:
        return f"policy({self.kind})"


@dataclass(frozen=True, slots=True)
class EnumType(StrType):
    """A string with a closed set of values known today; a new value from AWS is kept as it is."""

    values: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        return "enum(" + ", ".join(self.values) + ")"


@dataclass(frozen=True, slots=True)
class IntType(Type):
    @property
    def sql(self) -> str:
        return "bigint"

    def arrow(self) -> pa.DataType:
        import pyarrow as pa

        return pa.int64()


@dataclass(frozen=True, slots=True)
class FloatType(Type):
    @property
    def sql(self) -> str:
        return "double"

    def arrow(self) -> pa.DataType:
        import pyarrow as pa

        return pa.float64()


@dataclass(frozen=True, slots=True)
class BoolType(Type):
    @property
    def sql(self) -> str:
        return "boolean"

    def arrow(self) -> pa.DataType:
        import pyarrow as pa

        return pa.bool_()


@dataclass(frozen=True, slots=True)
class TimestampType(Type):
    """An instant in UTC, microseconds."""

    @property
    def sql(self) -> str:
        return "timestamp"

    def arrow(self) -> pa.DataType:
        import pyarrow as pa

        return pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class ListType(Type):
    element: Type = StrType()

    @property
    def sql(self) -> str:
        return f"list<{self.element.sql}>"

    def arrow(self) -> pa.DataType:
        import pyarrow as pa

        return pa.list_(self.element.arrow())


@dataclass(frozen=True, slots=True)
class MapType(Type):
    """A map of strings to strings (tags, labels, settings)."""

    @property
    def sql(self) -> str:
        return "map<string, string>"

    def arrow(self) -> pa.DataType:
        import pyarrow as pa

        return pa.map_(pa.string(), pa.string())


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct: `path` is relative to the element, `absent` the value where it is not there."""

    name: str
    type: Type
    path: str
    absent: Any = UNKNOWN
    fn: Any = None


@dataclass(frozen=True, slots=True)
class StructType(Type):
    fields: tuple[Field, ...] = ()

    @property
    def sql(self) -> str:
        return "struct<" + ", ".join(f"{f.name}: {f.type.sql}" for f in self.fields) + ">"

    def arrow(self) -> pa.DataType:
        import pyarrow as pa

        return pa.struct([pa.field(f.name, f.type.arrow()) for f in self.fields])

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)


Str: Final = StrType()
Int: Final = IntType()
Float: Final = FloatType()
Bool: Final = BoolType()
Timestamp: Final = TimestampType()
Json: Final = JsonType()
StrMap: Final = MapType()


def Enum(*values: str) -> EnumType:
    return EnumType(values)


def Policy(kind: str) -> PolicyType:
    return PolicyType(kind)


def List(element: Type) -> ListType:
    return ListType(element)


def Struct(*fields: Field) -> StructType:
    return StructType(fields)
