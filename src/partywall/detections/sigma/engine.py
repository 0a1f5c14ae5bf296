"""Every rule over every event, each rule asked only of the events that it can hold for.

1. The distinct (eventSource, eventName) say for which calls each rule can hold at all.
2. A rule that can hold for few calls is asked of those calls' events, with what the call already answers
   taken out of it; rules over the same calls share a query. Rules of many calls that read the same columns
   are asked of these columns' distinct values.
3. JSON is decoded only for events whose text holds what the rule looks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.sigma import address
from partywall.detections.sigma.extract import Reader, column
from partywall.detections.sigma.fields import Column, Fields
from partywall.detections.sigma.narrow import KEYS, Pairs
from partywall.detections.sigma.nodes import TRUE, Node, fields
from partywall.detections.sigma.rules import Rule
from partywall.detections.sigma.sql import Inside, Place, necessary, predicate

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_WIDE: Final = 24
"""A rule that can hold for more calls than this is asked of distinct values instead of call by call."""
_DECODED: Final = 50_000
"""At most this many rows of JSON are held at a time."""


@dataclass(frozen=True, slots=True)
class _Job:
    """Predicates to ask of the events of some pairs: (index of the rule, what is left of it)."""

    pairs: tuple[int, ...]
    asked: tuple[tuple[int, Node], ...]


@dataclass(slots=True)
class Engine:
    """Rules compiled for one kind of event table. `also` names further fields to keep of a rule's matches."""

    rules: Sequence[Rule]
    fields: Fields
    also: Mapping[int, Collection[str]] = field(default_factory=dict[int, Collection[str]])

    def run(self, connection: duckdb.DuckDBPyConnection, relation: str) -> Matched:
        """Ask all rules of the rows of a SELECT; the matches stay in the connection's temporary tables."""
        address.prepare(connection)
        matched = Matched(connection, self.fields)
        source, name = (self.fields.locate(key)[0].sql for key in KEYS)
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE partywall_pairs AS SELECT row_number() OVER () - 1 AS k, * FROM"
            f" (SELECT DISTINCT {source} AS s, {name} AS n FROM ({relation}))"
        )
        found = connection.execute("SELECT s, n FROM partywall_pairs ORDER BY k").fetchall()
        pairs = Pairs([(s, n) for s, n in found])
        pairs.learn(connection, (rule.condition for rule in self.rules))
        narrow, wide = self._plan(pairs)
        self._load(connection, relation, [*narrow, *wide])
        for job in narrow:
            self._ask(matched, job)
        for job in wide:
            self._ask(matched, job)
        return matched

    def _plan(self, pairs: Pairs) -> tuple[list[_Job], list[_Job]]:
        by_pair: dict[int, list[tuple[int, Node]]] = {}
        by_columns: dict[tuple[int, frozenset[str]], list[tuple[int, Node]]] = {}
        for index, rule in enumerate(self.rules):
            may, _ = pairs.may(rule.condition)
            if may.bit_count() > _WIDE:
                read = frozenset(self._column(each)[0].name for each in fields(rule.condition))
                by_columns.setdefault((may, read), []).append((index, rule.condition))
                continue
            for bit in pairs.bits(may):
                by_pair.setdefault(bit, []).append((index, pairs.residual(rule.condition, bit)))
        same: dict[tuple[tuple[int, Node], ...], list[int]] = {}
        for bit, asked in by_pair.items():
            same.setdefault(tuple(asked), []).append(bit)
        narrow = [_Job(tuple(bits), asked) for asked, bits in same.items()]
        wide = [_Job(tuple(pairs.bits(may)), tuple(asked)) for (may, _), asked in by_columns.items()]
        return narrow, wide

    def _column(self, name: str | None) -> tuple[Column, str]:
        return (self.fields.raw, "") if name is None else self.fields.locate(name)

    def _reads(self, job: _Job) -> set[str | None]:
        read = {each for _, node in job.asked for each in fields(node)}
        for index, _ in job.asked:
            read |= set(self.also.get(index, ()))
        return read

    def _load(self, connection: duckdb.DuckDBPyConnection, relation: str, jobs: Iterable[_Job]) -> None:
        """Makes the table of events: the columns that jobs read, JSON only for the pairs that need it."""
        texts: dict[str, Column] = {}
        documents: dict[str, set[int]] = {}
        columns: dict[str, Column] = {}
        for job in jobs:
            for name in self._reads(job):
                found, _ = self._column(name)
                columns[found.name] = found
                if found.kind == "text":
                    texts[found.name] = found
                else:
                    documents.setdefault(found.name, set()).update(job.pairs)
        chosen = [f"{each.sql} AS {_name(each)}" for each in texts.values()]
        for each, bits in documents.items():
            chosen.append(f"CASE WHEN {_among(bits)} THEN {columns[each].sql} END AS {_name(columns[each])}")
        source, name = (self.fields.locate(key)[0].sql for key in KEYS)
        ids = [f"{self.fields.event_id} AS event_id", f"{self.fields.event_time} AS event_time"]
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE partywall_events AS SELECT {', '.join(['k', *ids, *chosen])}"
            f" FROM ({relation}) JOIN partywall_pairs"
            f" ON s IS NOT DISTINCT FROM {source} AND n IS NOT DISTINCT FROM {name}"
        )

    def _ask(self, matched: Matched, job: _Job) -> None:
        certain = [index for index, node in job.asked if node == TRUE]
        if certain:
            matched.add(f"SELECT rowid, {certain} FROM partywall_events WHERE {_among(job.pairs)}")
        plain: list[tuple[int, Node]] = []
        deep: list[tuple[int, Node]] = []
        for index, node in job.asked:
            if node != TRUE:
                in_json = any(self._is_inside(name) for name in fields(node))
                (deep if in_json else plain).append((index, node))
        if plain:
            self._ask_plain(matched, job.pairs, plain)
        if deep:
            self._ask_deep(matched, job.pairs, deep)

    def _is_inside(self, name: str | None) -> bool:
        """Whether a field's values must be decoded from JSON; the raw text of a keyword is not."""
        return name is not None and self._column(name)[0].kind == "json"

    def _place(self, name: str | None) -> Place:
        return Place(_name(self._column(name)[0]))

    def _ask_plain(self, matched: Matched, bits: Sequence[int], asked: Sequence[tuple[int, Node]]) -> None:
        """Rules over columns: asked of the distinct values, then of the events that have them."""
        read = {each for _, node in asked for each in fields(node)}
        places = {each: self._place(each) for each in read}
        names = sorted({place.sql for place in places.values()})
        tests = [predicate(node, places) for _, node in asked]
        numbers = [index for index, _ in asked]
        matched.connection.execute(
            "CREATE OR REPLACE TEMP TABLE partywall_values AS"
            f" SELECT {', '.join(names)}, {_passed(tests, numbers)} AS passed FROM"
            f" (SELECT DISTINCT {', '.join(names)} FROM partywall_events WHERE {_among(bits)})"
            " WHERE len(passed) > 0"
        )
        if matched.connection.execute("SELECT count(*) FROM partywall_values").fetchall()[0][0]:
            joined = " AND ".join(f"e.{name} IS NOT DISTINCT FROM v.{name}" for name in names)
            matched.add(
                f"SELECT e.rowid, v.passed FROM partywall_events e JOIN partywall_values v ON {joined}"
                f" WHERE {_among(bits, 'e.k')}"
            )

    def _ask_deep(self, matched: Matched, bits: Sequence[int], asked: Sequence[tuple[int, Node]]) -> None:
        """Rules that look into JSON: asked of the events whose text holds what they look for."""
        read = {each for _, node in asked for each in fields(node)}
        places = {each: self._place(each) for each in read if not self._is_inside(each)}
        inside: dict[str, Inside] = {}
        for each in read:
            if each is not None and self._is_inside(each):
                found, rest = self._column(each)
                inside[each] = Inside(_name(found), rest)
        sieve = [necessary(node, places, inside) for _, node in asked]
        where = "TRUE" if "TRUE" in sieve else "(" + " OR ".join(sieve) + ")"
        names = sorted({place.sql for place in places.values()} | {each.sql for each in inside.values()})
        selected = matched.connection.sql(
            f"SELECT rowid AS event, {', '.join(names)} FROM partywall_events"
            f" WHERE {_among(bits)} AND {where}"
        )
        for batch in selected.to_arrow_reader(_DECODED):
            if batch.num_rows:
                self._judge(matched, batch, asked, places, inside)

    def _judge(
        self,
        matched: Matched,
        batch: pa.RecordBatch,
        asked: Sequence[tuple[int, Node]],
        places: Mapping[str | None, Place],
        inside: Mapping[str, Inside],
    ) -> None:
        values = dict(places)
        arrays: dict[str, Any] = {"event": batch.column("event")}
        for each in places.values():
            arrays[each.sql.strip('"')] = batch.column(each.sql.strip('"'))
        for name, (array, many) in decoded(batch, inside).items():
            key = f"j{len(arrays)}"
            arrays[key] = array
            values[name] = Place(key, many)
        matched.decoded += batch.num_rows
        import pyarrow as pa

        matched.connection.register("partywall_decoded", pa.table(arrays))
        tests = _passed([predicate(node, values) for _, node in asked], [index for index, _ in asked])
        matched.add(f"SELECT event, {tests} AS passed FROM partywall_decoded WHERE len(passed) > 0")
        matched.connection.unregister("partywall_decoded")


def decoded(batch: pa.RecordBatch, inside: Mapping[str, Inside]) -> dict[str, tuple[pa.Array, bool]]:
    """The values of fields inside JSON columns, row by row (see `extract.column`)."""
    found: dict[str, tuple[pa.Array, bool]] = {}
    for source in {each.sql for each in inside.values()}:
        names = [name for name, each in inside.items() if each.sql == source]
        reader = Reader([inside[name].rest for name in names])
        rows = [reader.read(text) for text in batch.column(source.strip('"')).to_pylist()]
        for position, name in enumerate(names):
            found[name] = column([row[position] for row in rows])
    return found


@dataclass(slots=True)
class Matched:
    """What the rules found: the tables partywall_events (rowid, event_id, event_time, the columns that were
    read) and partywall_hits (event: a rowid, rule: an index into the rules). `decoded` counts JSON rows read.
    """

    connection: duckdb.DuckDBPyConnection
    fields: Fields
    decoded: int = 0

    def __post_init__(self) -> None:
        self.connection.execute("CREATE OR REPLACE TEMP TABLE partywall_hits (event BIGINT, rule INTEGER)")

    def add(self, query: str) -> None:
        """Keeps the pairs of a query of (event, list of rules)."""
        self.connection.execute(
            f"INSERT INTO partywall_hits SELECT h.event, unnest(h.passed) FROM ({query}) h(event, passed)"
        )

    def pairs(self) -> list[tuple[str, int]]:
        """Each match as (event id, index of the rule), sorted."""
        return self.connection.execute(
            "SELECT e.event_id, h.rule FROM partywall_hits h JOIN partywall_events e ON e.rowid = h.event"
            " ORDER BY e.event_time, e.event_id, h.rule"
        ).fetchall()


def _name(found: Column) -> str:
    return '"c:' + found.name.replace('"', "'") + '"'


def _among(bits: Iterable[int], key: str = "k") -> str:
    return f"{key} IN ({', '.join(map(str, sorted(bits)))})"


def _passed(tests: Sequence[str], numbers: Sequence[int]) -> str:
    """SQL of the list of the rules whose test holds."""
    cases = ", ".join(f"CASE WHEN {t} THEN {n} END" for t, n in zip(tests, numbers, strict=True))
    return f"list_filter([{cases}]::INTEGER[], lambda p: p IS NOT NULL)"
