"""Every rule over every event, each test asked as seldom as can be.

1. Each test of a column is asked of the column's distinct values, and the events fall into cases (`narrow`).
2. Rules that read nothing but columns are settled for whole cases, in one query for all of them.
3. Rules that look into JSON are asked, call by call, of the events of the cases where they are still open,
   and only of those whose JSON text holds what the rule looks for; only these are decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.sigma import narrow
from partywall.detections.sigma.address import sortable
from partywall.detections.sigma.extract import column, read
from partywall.detections.sigma.fields import Column, Fields
from partywall.detections.sigma.narrow import Alike, Cases
from partywall.detections.sigma.nodes import TRUE, Network, Node, fields, leaves
from partywall.detections.sigma.rules import Rule
from partywall.detections.sigma.sql import Inside, Place, necessary, predicate

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_KEYS: Final = ("eventSource", "eventName")
_PAGE: Final = 250_000
"""JSON is read from at most this many events at a time."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A rule that is still open in some cases, and what is left of it there."""

    rule: int
    cases: int
    node: Node


@dataclass(slots=True)
class Engine:
    """Rules compiled for one kind of event table. `also` names further fields to keep of a rule's matches."""

    rules: Sequence[Rule]
    fields: Fields
    also: Mapping[int, Collection[str]] = field(default_factory=dict[int, Collection[str]])

    def run(self, connection: duckdb.DuckDBPyConnection, relation: str) -> Matched:
        """Ask all rules of the rows of a SELECT; the matches stay in the connection's temporary tables."""
        matched = Matched(connection, self.fields)
        asked = narrow.by_column((rule.condition for rule in self.rules), self.fields)
        for key in _KEYS:
            asked.setdefault(self.fields.locate(key)[0].name, [])
        columns = [
            narrow.alike(connection, relation, self._named(name), tests, number)
            for number, (name, tests) in enumerate(asked.items())
        ]
        groups = narrow.radices(columns)
        wanted = self._wanted(connection, relation, columns)
        self._load(connection, relation, columns, groups, wanted)
        counted = connection.execute("SELECT count(*) FROM partywall_events").fetchall()
        matched.events = counted[0][0]
        cases = self._cases(connection, columns, groups)
        self._settle(matched, cases)
        for pairs, still in self._open(connection, cases):
            self._ask(matched, pairs, still)
        return matched

    def _named(self, name: str) -> Column:
        return next(each for each in self.fields.columns.values() if each.name == name)

    def _column(self, name: str | None) -> tuple[Column, str]:
        return (self.fields.raw, "") if name is None else self.fields.locate(name)

    def _reads(self, rule: int, node: Node) -> set[str | None]:
        """What must be kept of an event for an open rule, or for the correlations that a rule feeds."""
        return fields(node) | set(self.also.get(rule, ()))

    def _wanted(
        self, connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[Alike]
    ) -> dict[str, set[tuple[int, int]] | None]:
        """The columns to keep, JSON only for the calls (s of source and name) where a rule may need it."""
        at = [self._position(columns, key) for key in _KEYS]
        sources, names = (columns[position] for position in at)
        found = connection.execute(
            f"SELECT DISTINCT a.s, b.s FROM ({relation}) JOIN {sources.table} a ON a.v IS NOT DISTINCT FROM"
            f" {sources.column.sql} JOIN {names.table} b ON b.v IS NOT DISTINCT FROM {names.column.sql}"
        ).fetchall()
        calls = Cases(len(found))
        calls.learn([sources, names], found)
        keep: dict[str, set[tuple[int, int]] | None] = {}
        for index, rule in enumerate(self.rules):
            may, _ = calls.may(rule.condition)
            settled = all(narrow.settled(leaf, self.fields) for leaf in leaves(rule.condition))
            for name in self._reads(index, TRUE if settled else rule.condition):
                read, _ = self._column(name)
                if read.kind == "text":
                    keep[read.name] = None
                else:
                    at_calls = keep.setdefault(read.name, set())
                    if at_calls is not None:
                        at_calls.update(found[case] for case in narrow.members(may))
        return keep

    def _position(self, columns: Sequence[Alike], key: str) -> int:
        name = self.fields.locate(key)[0].name
        return next(position for position, each in enumerate(columns) if each.column.name == name)

    def _load(
        self,
        connection: duckdb.DuckDBPyConnection,
        relation: str,
        columns: Sequence[Alike],
        groups: Sequence[Sequence[int]],
        wanted: Mapping[str, set[tuple[int, int]] | None],
    ) -> None:
        """Makes the table of events: their ids, their case and call as numbers, the columns to keep."""
        at = [self._position(columns, key) for key in _KEYS]
        count = len(columns[at[1]])
        call = f"(a{at[0]}.s * {count} + a{at[1]}.s)"
        chosen = [f"{self.fields.event_id} AS event_id", f"{self.fields.event_time} AS event_time"]
        chosen += [f"{narrow.combined(columns, group)} AS g{number}" for number, group in enumerate(groups)]
        chosen.append(f"{call} AS k")
        known = {each.name: each for each in (*self.fields.columns.values(), self.fields.raw)}
        for name, calls in wanted.items():
            read = known[name]
            sql = read.sql
            if calls is not None:
                sql = f"CASE WHEN {_among((s * count + n for s, n in calls), call)} THEN {sql} END"
            chosen.append(f"{sql} AS {kept_as(read)}")
        joins = " ".join(
            f"JOIN {each.table} a{number} ON a{number}.v IS NOT DISTINCT FROM {each.column.sql}"
            for number, each in enumerate(columns)
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE partywall_events AS SELECT {', '.join(chosen)}"
            f" FROM ({relation}) {joins}"
        )

    def _cases(
        self, connection: duckdb.DuckDBPyConnection, columns: Sequence[Alike], groups: Sequence[Sequence[int]]
    ) -> Cases:
        keys = ", ".join(f"g{number}" for number in range(len(groups)))
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE partywall_cases AS SELECT *, row_number() OVER () - 1 AS n"
            f" FROM (SELECT DISTINCT {keys}, k FROM partywall_events)"
        )
        found = connection.execute(f"SELECT {keys} FROM partywall_cases ORDER BY n").fetchall()
        rows: list[list[int]] = []
        for numbers in found:
            apart: dict[int, int] = {}
            for group, number in zip(groups, numbers, strict=True):
                apart.update(narrow.taken_apart(columns, group, number))
            rows.append([apart[position] for position in range(len(columns))])
        cases = Cases(len(rows))
        cases.learn(columns, rows)
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE partywall_case AS SELECT e.rowid AS event, c.n"
            f" FROM partywall_events e JOIN partywall_cases c USING ({keys})"
        )
        return cases

    def _settle(self, matched: Matched, cases: Cases) -> None:
        """The matches of every rule in the cases where nothing is left to ask."""
        import pyarrow as pa

        passed: dict[int, list[int]] = {}
        for index, rule in enumerate(self.rules):
            _, must = cases.may(rule.condition)
            for case in narrow.members(must):
                passed.setdefault(case, []).append(index)
        made = {"n": pa.array(passed, pa.int64()), "passed": pa.array(passed.values(), pa.list_(pa.int32()))}
        matched.connection.register("partywall_made", pa.table(made))
        matched.add("SELECT c.event, m.passed FROM partywall_case c JOIN partywall_made m USING (n)")
        matched.connection.unregister("partywall_made")

    def _open(
        self, connection: duckdb.DuckDBPyConnection, cases: Cases
    ) -> list[tuple[tuple[int, ...], list[_Open]]]:
        """What is still open, by calls: calls with the same open rules go together."""
        calls = [k for (k,) in connection.execute("SELECT k FROM partywall_cases ORDER BY n").fetchall()]
        by_call: dict[int, dict[_Open, None]] = {}
        for index, rule in enumerate(self.rules):
            for where, node in cases.left(rule.condition):
                still = _Open(index, where, node)
                for case in narrow.members(where):
                    by_call.setdefault(calls[case], {})[still] = None
        same: dict[tuple[_Open, ...], list[int]] = {}
        for call, stills in by_call.items():
            same.setdefault(tuple(stills), []).append(call)
        return [(tuple(where), list(stills)) for stills, where in same.items()]

    def _is_inside(self, name: str | None) -> bool:
        """Whether a field's values must be decoded from JSON; the raw text of a keyword is not."""
        return name is not None and self._column(name)[0].kind == "json"

    def _ask(self, matched: Matched, calls: Sequence[int], still: Sequence[_Open]) -> None:
        """Asks open rules of the events of some calls whose text holds what they look for."""
        read = {each for one in still for each in fields(one.node)}
        places = {each: Place(kept_as(self._column(each)[0])) for each in read if not self._is_inside(each)}
        inside: dict[str, Inside] = {}
        for each in read:
            if each is not None and self._is_inside(each):
                found, rest = self._column(each)
                inside[each] = Inside(kept_as(found), rest)
        sieve = [necessary(one.node, places, inside) for one in still]
        where = "TRUE" if "TRUE" in sieve else "(" + " OR ".join(dict.fromkeys(sieve)) + ")"
        names = sorted({place.sql for place in places.values()} | {each.sql for each in inside.values()})
        for first in range(0, matched.events, _PAGE):
            found = matched.connection.sql(
                f"SELECT c.n, e.rowid AS event, {', '.join(names)} FROM partywall_events e"
                f" JOIN partywall_case c ON c.event = e.rowid WHERE {_among(calls)} AND {where}"
                f" AND e.rowid BETWEEN {first} AND {first + _PAGE - 1}"
                f" AND c.event BETWEEN {first} AND {first + _PAGE - 1}"
            ).to_arrow_table()
            if found.num_rows:
                self._judge(matched, found, still, places, inside)

    def _judge(
        self,
        matched: Matched,
        batch: pa.Table,
        still: Sequence[_Open],
        places: Mapping[str | None, Place],
        inside: Mapping[str, Inside],
    ) -> None:
        import pyarrow as pa

        present = set(batch.column("n").to_pylist())
        still = [one for one in still if any(one.cases >> case & 1 for case in present)]
        values = dict(places)
        arrays: dict[str, Any] = {"event": batch.column("event"), "n": batch.column("n")}
        addressed = {
            leaf.field for one in still for leaf in leaves(one.node) if isinstance(leaf.test, Network)
        }
        for each in places.values():
            arrays[each.sql.strip('"')] = batch.column(each.sql.strip('"'))
        for name, (array, many) in decoded(batch, inside).items():
            key = f"j{len(arrays)}"
            arrays[key] = array
            values[name] = Place(key, many)
            if name in addressed:
                arrays[f"{key}a"] = _as_addresses(array, many)
                values[name] = Place(key, many, f"{key}a")
        matched.decoded += batch.num_rows
        matched.connection.register("partywall_decoded", pa.table(arrays))
        tests: list[str] = []
        for one in still:
            cases = [case for case in present if one.cases >> case & 1]
            test = predicate(one.node, values)
            tests.append(test if len(cases) == len(present) else f"{_among(cases, 'n')} AND {test}")
        passed = _passed(tests, [one.rule for one in still])
        matched.add(f"SELECT event, {passed} AS passed FROM partywall_decoded WHERE len(passed) > 0")
        matched.connection.unregister("partywall_decoded")


def _as_addresses(array: pa.Array, many: bool) -> pa.Array:
    import pyarrow as pa

    values = array.to_pylist()
    if not many:
        return pa.array([sortable(value) for value in values], pa.string())
    return pa.array([each and [sortable(text) for text in each] for each in values], pa.list_(pa.string()))


def decoded(batch: pa.Table, inside: Mapping[str, Inside]) -> dict[str, tuple[pa.Array, bool]]:
    """The values of fields inside JSON columns, row by row (see `extract.column`)."""
    found: dict[str, tuple[pa.Array, bool]] = {}
    for source in {each.sql for each in inside.values()}:
        names = [name for name, each in inside.items() if each.sql == source]
        # Texts that come again, such as an empty answer, are decoded once.
        texts = batch.column(source.strip('"')).combine_chunks().dictionary_encode()
        values = read(texts.dictionary.to_pylist(), [inside[name].rest for name in names])
        for name, each in zip(names, values, strict=True):
            array, many = column(each)
            found[name] = array.take(texts.indices), many
    return found


@dataclass(slots=True)
class Matched:
    """What the rules found: the tables partywall_events (rowid, event_id, event_time, the columns that were
    read) and partywall_hits (event: a rowid, rule: an index into the rules). `decoded` counts JSON rows read,
    `events` all that were asked about.
    """

    connection: duckdb.DuckDBPyConnection
    fields: Fields
    decoded: int = 0
    events: int = 0

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


def kept_as(found: Column) -> str:
    return '"c:' + found.name.replace('"', "'") + '"'


def _among(bits: Iterable[int], key: str = "k") -> str:
    return f"{key} IN ({', '.join(map(str, sorted(bits)))})"


def _passed(tests: Sequence[str], numbers: Sequence[int]) -> str:
    """SQL of the list of the rules whose test holds."""
    cases = ", ".join(f"CASE WHEN {t} THEN {n} END" for t, n in zip(tests, numbers, strict=True))
    return f"list_filter([{cases}]::INTEGER[], lambda p: p IS NOT NULL)"
