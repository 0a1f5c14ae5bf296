"""Rows made up from column types: every edge for proofs and tests, a million in seconds for benchmarks."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from partywall.tables.types import (
    BoolType,
    EnumType,
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    PolicyType,
    StrType,
    StructType,
    TimestampType,
    Type,
)

if TYPE_CHECKING:
    import pyarrow as pa

NOW = datetime(2026, 1, 1, tzinfo=UTC)

Leaf = tuple[str, ...]

_TEXTS = (
    *("", "a", "A", "prod", "default", "0.0.0.0/0", "::/0", "10.0.0.0/8", "eu-central-1", "*", "1.28.5"),
    *(
        "true",
        "null",
        " ",
        "é",
        "ﬀ",
        "İ",
        "ß",
        "日本",
        "\U0001f926\u200d\u2642",
        "a,b",
        "a\nb",
        '"quoted"',
        "1.9",
    ),
    *("'; DROP TABLE x; --", "=1+1", "<script>alert(1)</script>", "\x1b[31mred", "back\\slash", "100%", "_"),
)
_LONG_TEXT = "x" * 2_000
_INTS = (0, 1, -1, 2, 7, 22, 30, 80, 90, 365, 443, 3389, 65535, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
_INFINITE = float("inf")
_FLOATS = (0.0, -0.0, 0.5, 1.0, -1.5, 30.0, 99.9, 1e15, 1e300, -1e308, _INFINITE, -_INFINITE, float("nan"))
_DAYS = (0, 1, 7, 29, 30, 31, 89, 90, 91, 364, 366, 4_000, -1, -29, -31, -400)
_JSON = ("", "{}", "[]", "not json", '{"a": [1, null, "x"]}')
_OPEN = '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
_POLICIES = ("", "not json", '{"Version":"2012-10-17","Statement":[]}', _OPEN)
_KEYS = ("Name", "Owner", "Environment", "aws:cloudformation:stack-name", "<b>", "", "a", "b")
_LENGTHS = (0, 0, 1, 1, 2, 3, 5)


def rows(
    schema: Mapping[str, Type],
    n: int,
    seed: int = 0,
    hints: Mapping[Leaf, Sequence[Any]] | None = None,
    *,
    null_rate: float = 0.12,
    now: datetime = NOW,
    unique: Collection[str] = (),
) -> pa.Table:
    """`n` rows of the schema's columns, the same for the same arguments.

    `hints` are values that matter for a leaf: ("port",), ("rules", "[]", "port") or, of a map, its keys
    ("tags",) and its values ("tags", "{}"); (…, "#") are lengths of a list. Three in four values come from a
    leaf's hints and their neighbours, the rest from edge cases. `null_rate` is the share of NULLs at every
    level. Columns in `unique` are texts numbered from 0, never NULL.
    """
    import pyarrow as pa

    make = _Generator(seed, hints or {}, null_rate, now)
    arrays = [
        make.unique(name, n) if name in unique else make.column(type_, n, (name,))
        for name, type_ in schema.items()
    ]
    fields = [pa.field(name, type_.arrow()) for name, type_ in schema.items()]
    return pa.table(arrays, schema=pa.schema(fields))


def _compute() -> Any:
    """pyarrow's kernels, which are made at import and so have no static types."""
    import pyarrow.compute

    return pyarrow.compute


class _Generator:
    def __init__(
        self, seed: int, hints: Mapping[Leaf, Sequence[Any]], null_rate: float, now: datetime
    ) -> None:
        self.random = random.Random(seed)
        self.hints = hints
        self.null_rate = null_rate
        self.now = now

    def uniform(self, n: int) -> pa.Array:
        pc = _compute()

        return pc.random(n, initializer=self.random.randrange(2**31))

    def below(self, limit: int, n: int) -> pa.Array:
        """`n` integers from 0 to limit - 1."""
        import pyarrow as pa

        pc = _compute()

        return pc.cast(pc.floor(pc.multiply(self.uniform(n), float(limit))), pa.int32())

    def nulls(self, n: int) -> pa.Array:
        """A mask, true where a value is to be NULL."""
        pc = _compute()

        return pc.less(self.uniform(n), self.null_rate)

    def unique(self, name: str, n: int) -> pa.Array:
        import pyarrow as pa

        pc = _compute()

        numbers = pc.cast(pa.array(range(n), pa.int64()), pa.string())
        return pc.binary_join_element_wise(f"{name}-", numbers, "")

    def column(self, type_: Type, n: int, leaf: Leaf) -> pa.Array:
        match type_:
            case ListType():
                return self.list_column(type_, n, leaf)
            case MapType():
                return self.map_column(type_, n, leaf)
            case StructType():
                return self.struct_column(type_, n, leaf)
            case _:
                return self.scalar_column(type_, n, leaf)

    def scalar_column(self, type_: Type, n: int, leaf: Leaf) -> pa.Array:
        import pyarrow as pa

        pc = _compute()

        values = self.pool(type_, leaf)
        picked = pa.array(values, type_.arrow()).take(self.below(len(values), n))
        return pc.if_else(self.nulls(n), pa.scalar(None, type_.arrow()), picked)

    def pool(self, type_: Type, leaf: Leaf) -> list[Any]:
        """The values of a scalar to pick from, those that matter repeated so that they are three in four."""
        edges = self.edges(type_)
        wanted = [near for hint in self.hints.get(leaf, ()) for near in _near(type_, hint)]
        return edges + wanted * -(-3 * len(edges) // len(wanted)) if wanted else edges

    def edges(self, type_: Type) -> list[Any]:
        match type_:
            case BoolType():
                return [True, False]
            case IntType():
                return list(_INTS)
            case FloatType():
                return list(_FLOATS)
            case TimestampType():
                moments = [self.now - timedelta(days=days) for days in _DAYS]
                far = [datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)]
                return [
                    *moments,
                    *far,
                    self.now - timedelta(days=90, microseconds=1),
                    datetime(1, 1, 1, tzinfo=UTC),
                ]
            case EnumType():
                return [*type_.values * 3, "", "A_VALUE_NOT_KNOWN_YET"]
            case PolicyType():
                return list(_POLICIES)
            case JsonType():
                return list(_JSON)
            case StrType():
                return [*_TEXTS, _LONG_TEXT]
            case _:
                raise NotImplementedError(type_.sql)

    def offsets(self, n: int, leaf: Leaf) -> tuple[pa.Array, int]:
        """List offsets for `n` lists, and how many elements they hold in all."""
        import pyarrow as pa

        pc = _compute()

        wanted = [max(0, int(length)) for length in self.hints.get((*leaf, "#"), ()) if length <= 100]
        lengths = [*_LENGTHS, *wanted, *(length + 1 for length in wanted)]
        picked = pa.array(lengths, pa.int32()).take(self.below(len(lengths), n))
        ends = pc.cumulative_sum(picked)
        return pa.concat_arrays([pa.array([0], pa.int32()), ends]), ends[-1].as_py() if n else 0

    def list_column(self, type_: ListType, n: int, leaf: Leaf) -> pa.Array:
        import pyarrow as pa

        offsets, total = self.offsets(n, leaf)
        elements = self.column(type_.element, total, (*leaf, "[]"))
        return pa.ListArray.from_arrays(offsets, elements, type_.arrow(), mask=self.nulls(n))

    def map_column(self, type_: MapType, n: int, leaf: Leaf) -> pa.Array:
        import pyarrow as pa

        pc = _compute()

        offsets, total = self.offsets(n, leaf)
        keys = list(dict.fromkeys([*(str(key) for key in self.hints.get(leaf, ())), *_KEYS]))
        # Neighbours in the pool from a random place on: the keys of one map never repeat.
        longest = max(_LENGTHS)
        parents = pc.list_parent_indices(pa.ListArray.from_arrays(offsets, pa.nulls(total)))
        within = pc.subtract(pa.array(range(total), pa.int64()), offsets.take(parents))
        start = self.below(max(1, len(keys) - longest), n).take(parents)
        names = pa.array([*keys, *(f"key-{i}" for i in range(60))]).take(pc.add(start, within))
        values = self.column(StrType(), total, (*leaf, "{}"))
        return pa.MapArray.from_arrays(offsets, names, values, type_.arrow(), mask=self.nulls(n))

    def struct_column(self, type_: StructType, n: int, leaf: Leaf) -> pa.Array:
        import pyarrow as pa

        arrays = [self.column(field.type, n, (*leaf, field.name)) for field in type_.fields]
        fields = [pa.field(field.name, field.type.arrow()) for field in type_.fields]
        if not fields:
            return pa.array([{}] * n, type_.arrow())
        return pa.StructArray.from_arrays(arrays, fields=fields, mask=self.nulls(n))


def _near(type_: Type, hint: Any) -> list[Any]:
    """A value that a predicate compares with, and those beside it; none where the hint is of another type."""
    match type_, hint:
        case BoolType(), bool():
            return [hint]
        case IntType(), int() | float() if not isinstance(hint, bool) and abs(hint) < 2**62:
            whole = int(hint)
            return [whole - 1, whole, whole, whole + 1]
        case FloatType(), int() | float() if not isinstance(hint, bool):
            return [hint - 1.0, float(hint), float(hint), hint + 0.5]
        case TimestampType(), datetime():
            second = timedelta(seconds=1)
            return [hint - second, hint, hint + second]
        case EnumType(), str():
            return [hint]
        case StrType(), str():
            return [hint, hint, hint, hint + "x", hint.swapcase(), "x" + hint]
        case _:
            return []
