"""The proof that a check never turns what it does not know into a verdict.

Order values by what they say: NULL is below everything, and a struct, list or map is below another if some
of its parts are NULL where the other's are not, or if a NULL element stands for elements that the other has.
A check is sound if it is monotone in that order: knowing less may only make the verdict unknown. By
construction it is: every leaf is monotone; reading a field, and every strict function (NULL if an operand is
NULL), is monotone whatever it computes; AND, OR, IN, contains and the quantifiers are Kleene's, which decide
only where every way of filling in the NULLs gives that same answer; and a composition of monotone functions
is monotone. A list with a NULL element has no known cardinality, for a relation that could not be read
completely carries such an element. Only IS NULL, coalesce and CASE are not monotone, and `structural` finds
them. `prove` then does not trust this argument, nor the lowering, nor the engine: it runs the very SQL over
generated rows with every leaf, and sets of leaves, made unknown.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from partywall.sql.dialect import Expression
from partywall.sql.hints import hints
from partywall.sql.nodes import Call, walk
from partywall.tables import generate
from partywall.tables.types import Field, ListType, StructType, Type

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Leaf = tuple[str, ...]
Mode = Literal["all", "some", "cut"]
"""All values at a path, those of every other element of a list, or what follows a list's first element."""

VERDICTS: Final = ("fail", "pass", "unknown", "not_applicable")
_UNKNOWN: Final = 2
_NOT_MONOTONE: Final = {"is_null": "IS NULL", "coalesce": "coalesce", "case": "CASE"}
_FEW: Final = 6
_MORE: Final = 20
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Violation:
    """A row on which knowing less changed the verdict to something other than unknown."""

    leaves: tuple[Leaf, ...]
    row: dict[str, Any]
    before: str
    after: str

    def __str__(self) -> str:
        names = ", ".join(".".join(leaf) for leaf in self.leaves)
        return f"{self.before} became {self.after} where {names} was made unknown, on the row {self.row}"


@dataclass(frozen=True, slots=True)
class Proof:
    """What `examine` saw; `verdicts` counts those of the rows before anything was made unknown."""

    violations: list[Violation]
    verdicts: dict[str, int]
    variants: int


def structural(expression: Expression) -> list[str]:
    """The parts of an expression that are not monotone by construction, as the dialect writes them."""
    found = [node.op for node in walk(expression.node) if isinstance(node, Call)]
    return [_NOT_MONOTONE[op] for op in found if op in _NOT_MONOTONE]


def _verdict_sql(
    where: Expression | None, pass_: Expression, params: Mapping[str, Any], now: datetime
) -> str:
    """DuckDB's SQL for a check's verdict as `findings.Verdict` numbers it."""
    result = f"CASE {pass_.to_duckdb(params, now)} WHEN TRUE THEN 1 WHEN FALSE THEN 0 ELSE 2 END"
    if where is None:
        return result
    return f"CASE {where.to_duckdb(params, now)} WHEN FALSE THEN 3 WHEN TRUE THEN {result} ELSE 2 END"


def prove(
    where: Expression | None,
    pass_: Expression,
    schema: Mapping[str, Type],
    rows: pa.Table | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    now: datetime = generate.NOW,
    seed: int = 0,
) -> list[Violation]:
    """Violations of monotonicity, one per set of leaves; empty for a sound check. See `examine`."""
    return examine(where, pass_, schema, rows, params=params, now=now, seed=seed).violations


def examine(
    where: Expression | None,
    pass_: Expression,
    schema: Mapping[str, Type],
    rows: pa.Table | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    now: datetime = generate.NOW,
    seed: int = 0,
    count: int = 96,
    most_variants: int = 40,
) -> Proof:
    """Make every leaf that the check reads unknown, alone and with others, and compare the verdicts.

    `rows` are real rows of the table; without them `count` rows are generated around the literals of the
    predicates. All variants are judged by one query.
    """
    import pyarrow as pa

    expressions = [e for e in (where, pass_) if e is not None]
    values = params or {}
    read = frozenset[Leaf]().union(*(e.leaves for e in expressions))
    if not read:
        return Proof([], {}, 0)
    sql = _verdict_sql(where, pass_, values, now)
    table = _telling_rows(expressions, schema, read, values, now, seed, count, sql) if rows is None else rows
    base = table.select(sorted({leaf[0] for leaf in read})).combine_chunks()
    base = base.take(pa.array(range(base.num_rows), pa.int64()))  # no slices: offsets begin at 0
    variants = _variants(read, most_variants)
    tables = [base, *(_without(base, leaves, mode) for leaves, mode in variants)]
    verdicts = _judge(pa.concat_tables(tables), sql)
    n = base.num_rows
    before = verdicts[:n]
    violations: list[Violation] = []
    for index, (leaves, _) in enumerate(variants, start=1):
        for row, (was, became) in enumerate(zip(before, verdicts[index * n : (index + 1) * n], strict=True)):
            if became not in (was, _UNKNOWN):
                shown = base.slice(row, 1).to_pylist()[0]
                violations.append(Violation(leaves, shown, VERDICTS[was], VERDICTS[became]))
                break
    counts = {name: before.count(code) for code, name in enumerate(VERDICTS)}
    return Proof(violations, counts, len(variants))


def _telling_rows(
    expressions: Iterable[Expression],
    schema: Mapping[str, Type],
    read: frozenset[Leaf],
    params: Mapping[str, Any],
    now: datetime,
    seed: int,
    count: int,
    sql: str,
) -> pa.Table:
    """Generated rows; where few of them pass or few fail, those of many more that do."""
    import pyarrow as pa

    wanted: dict[Leaf, list[Any]] = {}
    for expression in expressions:
        for leaf, found in hints(expression, params, now).items():
            wanted.setdefault(leaf, []).extend(found)
    pruned = _pruned(schema, read)
    table = generate.rows(pruned, count, seed, wanted, now=now)
    if min(_judge(table, sql).count(code) for code in (0, 1)) >= _FEW:
        return table
    more = generate.rows(pruned, count * _MORE, seed + 1, wanted, null_rate=0.03, now=now)
    verdicts = _judge(more, sql)
    chosen: list[int] = []
    for code in (0, 1):
        chosen += [index for index, found in enumerate(verdicts) if found == code][: count // 4]
    return pa.concat_tables([table.slice(0, count - len(chosen)), more.take(pa.array(chosen, pa.int64()))])


def _variants(read: frozenset[Leaf], most: int) -> list[tuple[tuple[Leaf, ...], Mode]]:
    """Sets of paths to make unknown, and how.

    All single paths (leaves and what holds them) come first, then pairs and larger sets, as many as fit.
    """
    paths = sorted({leaf[:end] for leaf in read for end in range(1, len(leaf) + 1)})
    alone: list[tuple[tuple[Leaf, ...], Mode]] = []
    for path in paths:
        alone.append(((path,), "all"))
        if "[]" in path:
            alone.append(((path,), "some"))
        if path[-1] == "[]":
            alone.append(((path,), "cut"))
    sets = itertools.chain.from_iterable(itertools.combinations(sorted(read), size) for size in (2, 3, 4))
    return alone + [(chosen, "all") for chosen in itertools.islice(sets, max(0, most - len(alone)))]


def _pruned(schema: Mapping[str, Type], read: Iterable[Leaf]) -> dict[str, Type]:
    """The schema with only the columns and fields that are read."""
    columns: dict[str, set[Leaf]] = {}
    for leaf in read:
        columns.setdefault(leaf[0], set()).add(leaf[1:])
    return {name: _pruned_type(schema[name], paths) for name, paths in sorted(columns.items())}


def _pruned_type(type_: Type, paths: set[Leaf]) -> Type:
    if isinstance(type_, ListType):
        return ListType(_pruned_type(type_.element, {path[1:] for path in paths if path}))
    if not isinstance(type_, StructType):
        return type_
    fields: list[Field] = []
    for field in type_.fields:
        below = {path[1:] for path in paths if path and path[0] == field.name}
        if below:
            fields.append(Field(field.name, _pruned_type(field.type, below), field.path))
    return StructType(tuple(fields or type_.fields[:1]))


def _without(table: pa.Table, leaves: Iterable[Leaf], mode: Mode) -> pa.Table:
    for leaf in leaves:
        index = table.schema.get_field_index(leaf[0])
        array = table.column(index).combine_chunks()
        table = table.set_column(index, table.schema.field(index), _nulled(array, leaf[1:], mode, False))
    return table


def _nulled(array: pa.Array, path: Leaf, mode: Mode, within_list: bool) -> pa.Array:
    """The array with the values at the path made NULL: see `Mode`."""
    import pyarrow as pa

    if not path:
        if mode != "some" or not within_list:
            return pa.nulls(len(array), array.type)
        kept = [None if index % 2 == 0 else index for index in range(len(array))]
        return array.take(pa.array(kept, pa.int64()))
    missing, kind = array.is_null(), array.type
    if isinstance(array, pa.MapArray):
        empty = pa.nulls(len(array.items), array.items.type)
        return pa.MapArray.from_arrays(array.offsets, array.keys, empty, kind, mask=missing)
    if isinstance(array, pa.ListArray):
        if mode == "cut" and path == ("[]",):
            return _cut(array)
        elements = _nulled(array.values, path[1:], mode, True)
        return pa.ListArray.from_arrays(array.offsets, elements, kind, mask=missing)
    arrays = [array.field(index) for index in range(kind.num_fields)]
    index = kind.get_field_index(path[0])
    arrays[index] = _nulled(arrays[index], path[1:], mode, within_list)
    return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=missing)


def _cut(array: Any) -> pa.Array:
    """Each list as a relation that could not be read to its end: the first element and a NULL."""
    import pyarrow as pa

    begins = array.offsets.to_pylist()
    chosen: list[int | None] = []
    offsets = [0]
    for begin, end in itertools.pairwise(begins):
        chosen += [begin, None] if end > begin else [None]
        offsets.append(len(chosen))
    elements = array.values.take(pa.array(chosen, pa.int64()))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), elements, array.type, mask=array.is_null())


def _connection() -> duckdb.DuckDBPyConnection:
    """One small engine per thread: a new one for every check would cost more than the check."""
    import duckdb

    if not hasattr(_local, "connection"):
        _local.connection = duckdb.connect(config={"threads": 1})
    return _local.connection


def _judge(table: pa.Table, sql: str) -> list[int]:
    connection = _connection()
    connection.register("rows_to_judge", table)
    try:
        found = connection.execute(f"SELECT CAST({sql} AS TINYINT) AS verdict FROM rows_to_judge").fetchall()
    finally:
        connection.unregister("rows_to_judge")
    return [code for (code,) in found]
