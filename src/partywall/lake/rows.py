"""Small tables in Python: what `Source.select` gives, as dicts, where planning a query would cost more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from partywall.lake.source import FACTS_SUFFIX, ROW, Source
from partywall.tables import schema
from partywall.tables.registry import all_tables
from partywall.tables.spec import Relation, Table
from partywall.tables.types import PolicyType

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]
Wanted = dict[str, set[str]]


def want(wanted: Wanted, table: Table, path: tuple[str, ...]) -> None:
    """Adds to `wanted` (table -> columns) what reading a path of a table takes, of related tables too.

    ("groups", "[]", "ingress", …) is the column `ingress` of the table that the relation `groups` leads to.
    """
    columns = wanted.setdefault(table.name, set())
    columns.add(path[0])
    relation = next((r for r in table.relations if r.name == path[0]), None)
    if relation is not None:
        other = all_tables()[relation.table]
        columns.update(k.removesuffix("[]") for k in relation.on)
        wanted.setdefault(other.name, set()).update(v.removesuffix("[]") for v in relation.on.values())
        if len(path) > 2:
            want(wanted, other, path[2:])


def reached(table: Table, columns: Iterable[str]) -> set[str]:
    """The names of the tables that relations among these columns lead to, directly or by further ones."""
    found: set[str] = set()
    for relation in table.relations:
        if relation.name in columns:
            found |= {relation.table, *reached(all_tables()[relation.table], relation.columns)}
    return found


class Rows:
    """The rows of some tables with the wanted columns; each file is read once."""

    def __init__(self, source: Source, wanted: Mapping[str, set[str]]) -> None:
        self._source = source
        self._wanted = wanted
        self._tables: dict[str, list[Row]] = {}
        self._facts: dict[str, dict[tuple[str, str], Row]] = {}

    def of(self, table: Table) -> list[Row]:
        """All rows: stored columns and `_row` as in `Source.stored`, policy facts, lists of related rows.

        An element of a relation's list is the related row itself, or None for one that is not known.
        """
        found = self._tables.get(table.name)
        if found is None:
            wanted = self._wanted.get(table.name, set())
            found = self._tables[table.name] = self._stored(table, wanted)
            for name in wanted:
                column = schema.column(table, name.removesuffix(FACTS_SUFFIX))
                if name.endswith(FACTS_SUFFIX) and column and isinstance(column.type, PolicyType):
                    facts = self._facts_of(column.type.kind)
                    for row in found:
                        row[name] = facts.get((row[column.name], row["account_id"]))
            for relation in table.relations:
                if relation.name in wanted:
                    self._relate(table, relation, found)
        return found

    def _stored(self, table: Table, wanted: set[str]) -> list[Row]:
        import pyarrow.parquet as pq

        names = {name.removesuffix(FACTS_SUFFIX) for name in wanted} | {"account_id", "region", "arn", "name"}
        names &= set(schema.stored_types(table))
        files = self._source.files(table.name)
        there = self._source.there(table, files) & names if files else set[str]()
        lacking = dict.fromkeys(names - there)
        rows: list[Row] = []
        for index, file in enumerate(files):
            read = pq.ParquetFile(file).read(columns=sorted(there), use_threads=False)
            for number, row in enumerate(read.to_pylist(maps_as_pydicts="lossy")):
                row.update(lacking)
                row[ROW] = index * 4294967296 + number
                rows.append(row)
        return rows

    def _facts_of(self, kind: str) -> dict[tuple[str, str], Row]:
        found = self._facts.get(kind)
        if found is None:
            import pyarrow.parquet as pq

            path: Path = self._source.facts_file(kind)
            read = pq.read_table(path, use_threads=False).to_pylist() if path.exists() else []
            found = self._facts[kind] = {(r["policy"], r["account_id"]): r["facts"] for r in read}
        return found

    def _relate(self, table: Table, relation: Relation, rows: list[Row]) -> None:
        """Fills the list of a relation; see `Relation` for what None means in it."""
        other = all_tables()[relation.table]
        theirs = self.of(other)
        index: dict[tuple[Any, ...], list[int]] = {}
        keyless = False
        for number, row in enumerate(theirs):
            for key in _keys(row, relation.on.values()):
                index.setdefault(key, []).append(number)
            keyless = keyless or any(
                row[name] is None
                for name in (v.removesuffix("[]") for v in relation.on.values())
                if name not in schema.COMMON
            )
        within = self._source.within(relation)
        wide = {tuple(place[i] for _, i in within) for place in self._source.incomplete.get(other.name, ())}
        for row in rows:
            found = dict.fromkeys(n for key in _keys(row, relation.on) for n in index.get(key, ()))
            items: list[Row | None] = [theirs[n] for n in found]
            if keyless or _lacks_key(row, relation) or _within(row, within, wide):
                items.append(None)
            row[relation.name] = items


def _keys(row: Row, names: Iterable[str]) -> set[tuple[Any, ...]]:
    """All keys of a row: lists of keys give one for each element; none where a part is not known."""
    parts = [
        [e for e in row[name[:-2]] or () if e is not None]
        if name.endswith("[]")
        else []
        if row[name] is None
        else [row[name]]
        for name in names
    ]
    return set(product(*parts))


def _lacks_key(row: Row, relation: Relation) -> bool:
    for name in relation.on:
        value = row[name.removesuffix("[]")]
        if value is None or (name.endswith("[]") and None in value):
            return True
    return False


def _within(row: Row, within: list[tuple[str, int]], wide: set[tuple[str, ...]]) -> bool:
    """True where one of the places that a listing does not cover is this row's."""
    mine = [row[name] for name, _ in within]
    return any(all(part in ("*", own) for part, own in zip(place, mine, strict=True)) for place in wide)
