"""The SQL that reads a table of a scan: stored rows, and on demand its policy facts and relations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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


class Source:
    """Builds the SQL of one scan's tables.

    `incomplete` is the name of a DuckDB table (table_name, account_id, region) of all places that a table's
    listing does not cover, where relations get one NULL element more.
    """

    def __init__(self, directory: Path, facts: Mapping[str, StructType], incomplete: str) -> None:
        self.directory = directory
        self._facts = facts
        self._incomplete = incomplete
        self._schemas: dict[Path, dict[str, pa.DataType]] = {}

    def files(self, table: str) -> list[Path]:
        """The Parquet files of a table; none where it has no rows."""
        return sorted((self.directory / "tables" / table).glob("*/*/*.parquet"))

    def stored(self, table: Table, columns: Iterable[str]) -> str:
        """SELECT of stored columns only, and of `_row`, which numbers the rows of all files of the table."""
        types = {**schema.stored_types(table), "_failed": ListType(schema.FAILED)}
        types[ROW] = Int
        names = [c for c in dict.fromkeys(columns) if c in types]
        files = self.files(table.name)
        if not files:
            typed = ", ".join(f"NULL::{duckdb_type(types[c])} AS {quote(c)}" for c in names)
            return f"SELECT {typed} WHERE FALSE"
        listed = ", ".join(literal(str(f)) for f in files)
        there = self._columns(files[0])
        selected = ", ".join(
            _ROW_NUMBER
            if c == ROW
            else quote(c)
            if there.get(c) == types[c].arrow()
            else f"NULL::{duckdb_type(types[c])} AS {quote(c)}"
            for c in names
        )
        return f"SELECT {selected} FROM read_parquet([{listed}], hive_partitioning = false)"

    def _columns(self, file: Path) -> dict[str, pa.DataType]:
        """The columns that a file has: a scan by another version may lack some, which are unknown then."""
        found = self._schemas.get(file)
        if found is None:
            import pyarrow.parquet as pq

            read = pq.read_schema(file)
            found = self._schemas[file] = dict(zip(read.names, read.types, strict=True))
        return found

    def select(self, table: Table, columns: Collection[str]) -> str:
        """SELECT of any columns that SQL sees of a table: stored ones, policy facts, relations."""
        facts = [c for c in columns if c.endswith(FACTS_SUFFIX) and self._policy(table, c)]
        relations = [r for r in table.relations if r.name in columns]
        base = [c for c in dict.fromkeys(columns) if c in schema.stored_types(table) or c in ("_failed", ROW)]
        needed = [*base, *(c.removesuffix(FACTS_SUFFIX) for c in facts), *(["account_id"] if facts else [])]
        for relation in relations:
            needed += [k.removesuffix("[]") for k in relation.on]
            needed += _NATURAL
        selected = [f"t.{quote(c)}" for c in base]
        text, prefix = f"({self.stored(table, needed or ['account_id'])}) t", ""
        if any(k.endswith("[]") for r in relations for k in r.on):
            needed.append(ROW)
            text = f"({self.stored(table, needed)})"
            prefix = f"WITH mine AS MATERIALIZED {text} "
            text = "mine t"
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
            joined, value = self._relation(table, relation, f"r{i}")
            text += f" LEFT JOIN {joined}"
            selected.append(f"{value} AS {quote(relation.name)}")
        return f"{prefix}SELECT {', '.join(selected) or 't.account_id'} FROM {text}"

    def policy_facts(self, kind: str) -> str:
        """SELECT of policy, account_id, facts for one kind of policy."""
        path = self.directory / "derived" / f"policy_facts_{kind}.parquet"
        if path.exists():
            return f"SELECT policy, account_id, facts FROM read_parquet({literal(str(path))})"
        type_ = duckdb_type(self._facts[kind])
        return (
            f"SELECT NULL::VARCHAR AS policy, NULL::VARCHAR AS account_id, NULL::{type_} AS facts WHERE FALSE"
        )

    def _policy(self, table: Table, name: str) -> PolicyType | None:
        column = schema.column(table, name.removesuffix(FACTS_SUFFIX))
        return column.type if column is not None and isinstance(column.type, PolicyType) else None

    def _relation(self, table: Table, relation: Relation, alias: str) -> tuple[str, str]:
        """The join of a relation, and the expression of its list; see `Relation` for what NULLs mean."""
        other = all_tables()[relation.table]
        theirs = {k: v.removesuffix("[]") for k, v in relation.on.items()}
        inner = self.select(other, [*relation.columns, *theirs.values(), *_NATURAL, ROW])
        fields = ", ".join(f"{quote(c)} := o.{quote(c)}" for c in relation.columns)
        unnested = [k for k in relation.on if k.endswith("[]")]
        keys = [
            f"unnest(o.{quote(v[:-2])}) AS k{i}" if v.endswith("[]") else f"o.{quote(v)} AS k{i}"
            for i, v in enumerate(relation.on.values())
        ]
        names = ", ".join(f"k{i}" for i in range(len(keys)))
        if unnested:
            own = [
                f"unnest(t.{quote(k[:-2])}) AS m{i}" if k.endswith("[]") else f"t.{quote(k)} AS m{i}"
                for i, k in enumerate(relation.on)
            ]
            on = " AND ".join(f"x.m{i} = y.k{i}" for i in range(len(keys)))
            # Several elements may lead to one row, which is in the list once: the pairs of rows are made
            # distinct, and not the structs, which are wide.
            keyed = self.stored(other, [*theirs.values(), ROW])
            pairs = (
                f"SELECT DISTINCT x._row AS mine, y._row AS theirs FROM (SELECT t._row, {', '.join(own)}"
                f" FROM mine t) x JOIN (SELECT o._row, {', '.join(keys)} FROM ({keyed}) o) y ON {on}"
            )
            joined = (
                f"(SELECT p.mine, list(struct_pack({fields})) AS items FROM ({pairs}) p"
                f" JOIN ({inner}) o ON o._row = p.theirs GROUP BY p.mine) {alias} ON {alias}.mine = t._row"
            )
        else:
            on = " AND ".join(f"{alias}.k{i} = t.{quote(k)}" for i, k in enumerate(relation.on))
            item = f"SELECT struct_pack({fields}) AS item, {', '.join(keys)} FROM ({inner}) o"
            joined = f"(SELECT {names}, list(item) AS items FROM ({item}) GROUP BY {names}) {alias} ON {on}"
        return joined, self._related(table, relation, other, alias)

    def _related(self, table: Table, relation: Relation, other: Table, alias: str) -> str:
        type_ = duckdb_type(self._relation_type(relation))
        found = f"coalesce({alias}.items, []::{type_})"
        within = [f"i.table_name = {literal(relation.table)}"]
        for own, their in relation.on.items():
            if their == "account_id":
                within.append(f"i.account_id = t.{quote(own)}")
            elif their == "region" and "region" not in {c.name for c in other.columns}:
                within.append(f"i.region IN (t.{quote(own)}, '*')")
        unknown_keys = [
            f"t.{quote(k.removesuffix('[]'))} IS NULL"
            + (f" OR list_count(t.{quote(k[:-2])}) < len(t.{quote(k[:-2])})" if k.endswith("[]") else "")
            for k in relation.on
        ]
        missing = f"EXISTS (SELECT 1 FROM {self._incomplete} i WHERE {' AND '.join(within)})"
        for their in relation.on.values():
            name = their.removesuffix("[]")
            if name not in schema.COMMON:
                # A row of the other table whose key is not known might be one of ours.
                keyless = self.stored(other, ["account_id", name])
                unknown_keys.append(f"EXISTS (SELECT 1 FROM ({keyless}) n WHERE n.{quote(name)} IS NULL)")
        null_keys = " OR ".join(unknown_keys)
        return f"CASE WHEN {null_keys} OR {missing} THEN list_append({found}, NULL) ELSE {found} END"

    def _relation_type(self, relation: Relation) -> ListType:
        other = all_tables()[relation.table]
        types = {**schema.stored_types(other)}
        for column in other.columns:
            if isinstance(column.type, PolicyType):
                types[column.name + FACTS_SUFFIX] = self._facts[column.type.kind]
        further = {r.name: self._relation_type(r) for r in other.relations if r.name in relation.columns}
        return schema.relation_type({**types, **further}, relation.columns)
