"""The SQL that reads a table of a scan: stored rows, and on demand its policy facts and relations."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.tables import schema
from partywall.tables.registry import all_tables
from partywall.tables.spec import Relation, Table
from partywall.tables.types import (
    BoolType,
    FloatType,
    Int,
    IntType,
    ListType,
    MapType,
    PolicyType,
    StructType,
    TimestampType,
    Type,
)

if TYPE_CHECKING:
    import pyarrow as pa

FACTS_SUFFIX: Final = "_facts"
_NATURAL: Final = ("account_id", "region")
ROW: Final = "_row"
_ROW_NUMBER: Final = f"file_index::BIGINT * 4294967296 + file_row_number AS {ROW}"


def quote(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def duckdb_type(type_: Type) -> str:
    """DuckDB's name of a column type."""
    match type_:
        case BoolType():
            return "BOOLEAN"
        case IntType():
            return "BIGINT"
        case FloatType():
            return "DOUBLE"
        case TimestampType():
            return "TIMESTAMPTZ"
        case ListType(element):
            return f"{duckdb_type(element)}[]"
        case MapType():
            return "MAP(VARCHAR, VARCHAR)"
        case StructType(fields):
            return "STRUCT(" + ", ".join(f"{quote(f.name)} {duckdb_type(f.type)}" for f in fields) + ")"
        case _:
            return "VARCHAR"


@dataclass(frozen=True, slots=True)
class Summary:
    """A column made of a relation: whether a predicate holds for any of the related rows, three-valued.

    It saves the lists of related rows, which are long and wide: the predicate is judged once for each row of
    the related table, and what is joined is one byte.
    """

    name: str
    """Of the column that it becomes."""
    relation: str
    predicate: str
    """SQL over the related table's `columns` and over what `summaries` make of its own relations."""
    columns: frozenset[str]
    summaries: tuple[Summary, ...] = ()


class Source:
    """Builds the SQL of one scan's tables.

    `incomplete` holds, by table, the places (account, Region or "*" for all) that its listing does not cover,
    where relations get one NULL element more. `any_row` runs a query and tells whether it has any row.
    """

    def __init__(
        self, directory: Path, facts: Mapping[str, StructType], any_row: Callable[[str], bool]
    ) -> None:
        self.directory = directory
        self.incomplete: dict[str, set[tuple[str, str]]] = {}
        self._facts = facts
        self._any_row = any_row
        self._schemas: dict[Path, dict[str, pa.DataType]] = {}
        self._files: dict[str, list[Path]] = {}
        self._keyless: dict[tuple[str, str], bool] = {}

    def files(self, table: str) -> list[Path]:
        """The Parquet files of a table; none where it has no rows."""
        found = self._files.get(table)
        if found is None:
            base = self.directory / "tables" / table
            found = [base.joinpath(*parts) for parts in sorted(_walk(str(base), 2))]
            found = [path for path in found if path.suffix == ".parquet"]
            if not found and (made := self.analysis_file(table)).exists():
                found = [made]
            self._files[table] = found
        return found

    def analysis_file(self, table: str) -> Path:
        """Where the rows of a table are that an analysis makes."""
        return self.directory / "derived" / "analysis" / f"{table}.parquet"

    def forget(self, table: str) -> None:
        """Looks for the files of a table anew when they are next read."""
        self._files.pop(table, None)
        self._keyless = {key: value for key, value in self._keyless.items() if key[0] != table}

    def stored(self, table: Table, columns: Iterable[str]) -> str:
        """SELECT of stored columns only, and of `_row`, which numbers the rows of all files of the table."""
        types = _types(table)
        names = [c for c in dict.fromkeys(columns) if c in types]
        files = self.files(table.name)
        if not files:
            typed = ", ".join(f"NULL::{duckdb_type(types[c])} AS {quote(c)}" for c in names)
            return f"SELECT {typed} WHERE FALSE"
        listed = ", ".join(literal(str(f)) for f in files)
        there = self.there(table, files)
        selected = ", ".join(
            _ROW_NUMBER
            if c == ROW
            else quote(c)
            if c in there
            else f"NULL::{duckdb_type(types[c])} AS {quote(c)}"
            for c in names
        )
        return f"SELECT {selected} FROM read_parquet([{listed}], hive_partitioning = false)"

    def there(self, table: Table, files: Sequence[Path]) -> set[str]:
        """The columns that a table's files have as they are declared now."""
        types, read = _types(table), self._columns(files[0])
        return {name for name, type_ in read.items() if name in types and types[name].arrow() == type_}

    def _columns(self, file: Path) -> dict[str, pa.DataType]:
        """The columns that a file has: a scan by another version may lack some, which are unknown then."""
        found = self._schemas.get(file)
        if found is None:
            import pyarrow.parquet as pq

            read = pq.read_schema(file)
            found = self._schemas[file] = dict(zip(read.names, read.types, strict=True))
        return found

    def select(
        self,
        table: Table,
        columns: Collection[str],
        summaries: Collection[Summary] = (),
        fields: Mapping[str, Collection[str]] = {},
    ) -> str:
        """SELECT of any columns that SQL sees of a table: stored ones, policy facts, relations, summaries.

        `fields` limits the fields of some relations' structs to those that are read.
        """
        facts = [c for c in columns if c.endswith(FACTS_SUFFIX) and self._policy(table, c)]
        summed = {s.relation for s in summaries}
        relations = [r for r in table.relations if r.name in columns or r.name in summed]
        base = [c for c in dict.fromkeys(columns) if c in schema.stored_types(table) or c in ("_failed", ROW)]
        needed = [*base, *(c.removesuffix(FACTS_SUFFIX) for c in facts), *(["account_id"] if facts else [])]
        for relation in relations:
            needed += [k.removesuffix("[]") for k in relation.on]
            needed += _NATURAL
            needed += [ROW] if _by_element(relation) else []
        selected = [f"t.{quote(c)}" for c in base]
        text = f"({self.stored(table, needed or ['account_id'])}) t"
        for i, name in enumerate(facts):
            policy = self._policy(table, name)
            assert policy is not None
            selected.append(f"f{i}.facts AS {quote(name)}")
            column = quote(name.removesuffix(FACTS_SUFFIX))
            text += (
                f" LEFT JOIN ({self.policy_facts(policy.kind)}) f{i}"
                f" ON f{i}.policy = t.{column} AND f{i}.account_id = t.account_id"
            )
        for i, relation in enumerate(relations):
            alias, uncertain = f"r{i}", self._uncertain(table, relation)
            own = [s for s in summaries if s.relation == relation.name]
            if own:
                text += f" LEFT JOIN {self._summed(table, relation, own, f's{i}')}"
                selected += [
                    f"CASE WHEN s{i}.a{n} = 2 THEN TRUE WHEN s{i}.a{n} = 1 OR {uncertain} THEN NULL"
                    f" ELSE FALSE END AS {quote(s.name)}"
                    for n, s in enumerate(own)
                ]
            if relation.name in columns:
                names = [c for c in relation.columns if c in fields.get(relation.name, relation.columns)]
                text += f" LEFT JOIN {self._listed(table, relation, names or relation.columns[:1], alias)}"
                found = f"coalesce({alias}.items, [])"
                selected.append(
                    f"CASE WHEN {uncertain} THEN list_append({found}, NULL) ELSE {found} END"
                    f" AS {quote(relation.name)}"
                )
        return f"SELECT {', '.join(selected) or 't.account_id'} FROM {text}"

    def facts_file(self, kind: str) -> Path:
        """Where the facts of one kind of policy are: policy, account_id, facts."""
        return self.directory / "derived" / f"policy_facts_{kind}.parquet"

    def policy_facts(self, kind: str) -> str:
        """SELECT of policy, account_id, facts for one kind of policy."""
        path = self.facts_file(kind)
        if path.exists():
            return f"SELECT policy, account_id, facts FROM read_parquet({literal(str(path))})"
        type_ = duckdb_type(self._facts[kind])
        return (
            f"SELECT NULL::VARCHAR AS policy, NULL::VARCHAR AS account_id, NULL::{type_} AS facts WHERE FALSE"
        )

    def _policy(self, table: Table, name: str) -> PolicyType | None:
        column = schema.column(table, name.removesuffix(FACTS_SUFFIX))
        return column.type if column is not None and isinstance(column.type, PolicyType) else None

    def _listed(self, table: Table, relation: Relation, names: Collection[str], alias: str) -> str:
        """The join that gives `items`, the list of a relation's structs of the named columns."""
        other = all_tables()[relation.table]
        theirs = [v.removesuffix("[]") for v in relation.on.values()]
        inner = self.select(other, [*names, *theirs, ROW])
        fields = ", ".join(f"{quote(c)} := o.{quote(c)}" for c in names)
        item = f"struct_pack({fields})"
        if not _by_element(relation):
            keys, on = self._keys(relation, alias)
            return f"(SELECT {keys}, list({item}) AS items FROM ({inner}) o GROUP BY ALL) {alias} ON {on}"
        # Several elements may lead to one row, which is in the list once: the pairs of rows are made
        # distinct, and not the structs, which are wide.
        keyed = self.stored(other, [*theirs, ROW])
        pairs = f"SELECT DISTINCT x._row AS mine, y._row AS theirs FROM {self._pairs(table, relation, keyed)}"
        return (
            f"(SELECT p.mine, list({item}) AS items FROM ({pairs}) p"
            f" JOIN ({inner}) o ON o._row = p.theirs GROUP BY p.mine) {alias} ON {alias}.mine = t._row"
        )

    def _summed(self, table: Table, relation: Relation, summaries: list[Summary], alias: str) -> str:
        """The join that gives `a0`, `a1`…: 2 where a summary's predicate holds for a related row, 1 where
        it may, else 0 or, without any related row, NULL."""
        other = all_tables()[relation.table]
        theirs = [v.removesuffix("[]") for v in relation.on.values()]
        columns = {*theirs, *(c for s in summaries for c in s.columns)}
        further = {s.name: s for outer in summaries for s in outer.summaries}
        inner = self.select(other, sorted(columns), further.values())
        ranks = ", ".join(
            f"coalesce(2 * CAST(({s.predicate}) AS TINYINT), 1)::TINYINT AS a{n}"
            for n, s in enumerate(summaries)
        )
        ranked = f"SELECT {', '.join(quote(c) for c in dict.fromkeys(theirs))}, {ranks} FROM ({inner})"
        greatest = ", ".join(f"max(a{n}) AS a{n}" for n in range(len(summaries)))
        if not _by_element(relation):
            keys, on = self._keys(relation, alias)
            return f"(SELECT {keys}, {greatest} FROM ({ranked}) o GROUP BY ALL) {alias} ON {on}"
        pairs = self._pairs(table, relation, ranked)
        return (
            f"(SELECT x._row AS mine, {greatest} FROM {pairs} GROUP BY x._row) {alias}"
            f" ON {alias}.mine = t._row"
        )

    def _keys(self, relation: Relation, alias: str) -> tuple[str, str]:
        """The related rows' keys as k0, k1…, and the condition that joins them to this row's."""
        keys = ", ".join(f"o.{quote(v)} AS k{i}" for i, v in enumerate(relation.on.values()))
        return keys, " AND ".join(f"{alias}.k{i} = t.{quote(k)}" for i, k in enumerate(relation.on))

    def _pairs(self, table: Table, relation: Relation, theirs: str) -> str:
        """`x JOIN y`: rows of the table and rows of `theirs` of which any elements of the keys are alike."""
        mine = self.stored(table, [*(k.removesuffix("[]") for k in relation.on), ROW])
        own = ", ".join(_element(k, f"m{i}") for i, k in enumerate(relation.on))
        keys = ", ".join(_element(v, f"k{i}") for i, v in enumerate(relation.on.values()))
        on = " AND ".join(f"x.m{i} = y.k{i}" for i in range(len(relation.on)))
        return f"(SELECT _row, {own} FROM ({mine})) x JOIN (SELECT *, {keys} FROM ({theirs})) y ON {on}"

    def _uncertain(self, table: Table, relation: Relation) -> str:
        """A condition on a row `t`: some row may be related to it that is not known to be; see `Relation`."""
        other = all_tables()[relation.table]
        open_places = self.incomplete.get(relation.table, set())
        within = self.within(relation)
        conditions = [
            f"t.{quote(k.removesuffix('[]'))} IS NULL"
            + (f" OR list_count(t.{quote(k[:-2])}) < len(t.{quote(k[:-2])})" if k.endswith("[]") else "")
            for k in relation.on
        ]
        # A row of the other table whose key is not known might be one of ours.
        for name in (v.removesuffix("[]") for v in relation.on.values()):
            if name not in schema.COMMON and self._is_keyless(other, name):
                return "TRUE"
        wide = {tuple(place[i] for _, i in within) for place in open_places}
        if () in wide or any(set(place) == {"*"} for place in wide):
            return "TRUE"
        columns = ", ".join(f"t.{quote(own)}" for own, _ in within)
        for every in (False, True):
            # Places of "*" are told by their account alone.
            chosen = [[part for part in place if part != "*"] for place in wide if ("*" in place) == every]
            names = columns if not every else ", ".join(f"t.{quote(own)}" for own, i in within if i == 0)
            if chosen:
                listed = ", ".join(sorted(f"({', '.join(map(literal, place))})" for place in chosen))
                conditions.append(f"(({names}) IN ({listed}))")
        return f"({' OR '.join(conditions)})"

    def within(self, relation: Relation) -> list[tuple[str, int]]:
        """This table's columns that tell in which of the other's places related rows are: (column, 0 for the
        account or 1 for the Region)."""
        own_region = "region" in {c.name for c in all_tables()[relation.table].columns}
        parts = {"account_id": 0} if own_region else {"account_id": 0, "region": 1}
        return [(own, parts[their]) for own, their in relation.on.items() if their in parts]

    def _is_keyless(self, other: Table, name: str) -> bool:
        """True where a table has a row whose value in a column is not known."""
        key = other.name, name
        found = self._keyless.get(key)
        if found is None:
            found = bool(self.files(other.name)) and self._any_row(
                f"SELECT 1 FROM ({self.stored(other, [name])}) WHERE {quote(name)} IS NULL LIMIT 1"
            )
            self._keyless[key] = found
        return found


def _types(table: Table) -> dict[str, Type]:
    return {**schema.stored_types(table), "_failed": ListType(schema.FAILED), ROW: Int}


def _walk(base: str, depth: int) -> Iterator[tuple[str, ...]]:
    """The parts of the paths that are so deep below a directory; `Path.glob` takes 15 ms for 30 files."""
    try:
        entries = list(os.scandir(base))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if depth:
            yield from ((entry.name, *parts) for parts in _walk(entry.path, depth - 1))
        else:
            yield (entry.name,)


def _by_element(relation: Relation) -> bool:
    return any(name.endswith("[]") for pair in relation.on.items() for name in pair)


def _element(key: str, alias: str) -> str:
    return f"unnest({quote(key[:-2])}) AS {alias}" if key.endswith("[]") else f"{quote(key)} AS {alias}"
