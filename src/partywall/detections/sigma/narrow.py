"""What is settled before any event is looked at: rules over the distinct outcomes of their tests.

Each test of one column is asked once of each distinct value. Values that pass the same tests are alike;
events whose values are all alike are one *case*. A rule over columns alone is settled for whole cases; of a
rule that also looks into JSON, what is left to ask is known for each. Sets of cases are integers, one bit a
case, so that "and", "or" and "not" over thousands of them are cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from partywall.detections.sigma.address import sortable
from partywall.detections.sigma.fields import Column, Fields
from partywall.detections.sigma.nodes import (
    FALSE,
    TRUE,
    And,
    Leaf,
    Network,
    Node,
    Not,
    Or,
    SameAs,
    leaves,
)
from partywall.detections.sigma.sql import Place, predicate

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Alike:
    """The values of one column by the tests that they pass: table (v, s), and per s the outcomes in turn."""

    column: Column
    table: str
    asked: tuple[Leaf, ...]
    outcomes: tuple[tuple[bool, ...], ...]

    def __len__(self) -> int:
        return len(self.outcomes)


def settled(leaf: Leaf, fields: Fields) -> Column | None:
    """The column of a test that its values settle: a column of text that is compared with no other."""
    if isinstance(leaf.test, SameAs) or leaf.field is None:
        return None
    column, rest = fields.locate(leaf.field)
    return None if rest or column.kind == "json" else column


def by_column(nodes: Iterable[Node], fields: Fields) -> dict[str, list[Leaf]]:
    """The tests that can be settled, by the name of their column."""
    found: dict[str, dict[Leaf, None]] = {}
    for node in nodes:
        for leaf in leaves(node):
            column = settled(leaf, fields)
            if column is not None:
                found.setdefault(column.name, {})[leaf] = None
    return {name: list(asked) for name, asked in found.items()}


def alike(
    connection: duckdb.DuckDBPyConnection, relation: str, column: Column, asked: Sequence[Leaf], number: int
) -> Alike:
    """Asks a column's distinct values its tests."""
    table = f"partywall_alike_{number}"
    distinct = f"SELECT DISTINCT {column.sql} AS v FROM ({relation})"
    place = Place("d.v")
    if any(isinstance(leaf.test, Network) for leaf in asked):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE partywall_distinct AS {distinct}")
        _register_addresses(connection)
        distinct = "SELECT v, address FROM partywall_distinct LEFT JOIN partywall_made ON value = v"
        place = Place("d.v", address="d.address")
    tests = ", ".join(predicate(leaf, {leaf.field: place}) for leaf in asked)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS"
        " SELECT v, passed, dense_rank() OVER (ORDER BY passed) - 1 AS s"
        f" FROM (SELECT d.v, [{tests}] AS passed FROM ({distinct}) d)"
    )
    found = connection.execute(f"SELECT DISTINCT s, passed FROM {table} ORDER BY s").fetchall()
    return Alike(column, table, tuple(asked), tuple(tuple(passed) for _, passed in found))


def _register_addresses(connection: duckdb.DuckDBPyConnection) -> None:
    import pyarrow as pa

    values = [value for (value,) in connection.execute("SELECT v FROM partywall_distinct").fetchall()]
    made = {"value": values, "address": [sortable(value) for value in values]}
    schema = pa.schema([(name, pa.string()) for name in made])
    connection.register("partywall_made", pa.table(made, schema))


@dataclass(slots=True)
class Cases:
    """Cases, and for each settled test the set of those where it holds."""

    count: int
    sets: dict[Leaf, int] = field(default_factory=dict[Leaf, int])

    @property
    def all(self) -> int:
        """The set of all cases."""
        return (1 << self.count) - 1

    def learn(self, columns: Sequence[Alike], cases: Sequence[Sequence[int]]) -> None:
        """Takes in the tests of columns; a case is its s in each column."""
        for position, column in enumerate(columns):
            members = [bytearray(self.count // 8 + 1) for _ in range(len(column))]
            for bit, case in enumerate(cases):
                members[case[position]][bit >> 3] |= 1 << (bit & 7)
            held = [int.from_bytes(each, "little") for each in members]
            for index, leaf in enumerate(column.asked):
                found = 0
                for outcome, where in zip(column.outcomes, held, strict=True):
                    if outcome[index]:
                        found |= where
                self.sets[leaf] = found

    def may(self, node: Node) -> tuple[int, int]:
        """The cases where the node may hold, and those where it holds whatever else the event says."""
        if isinstance(node, Leaf):
            known = self.sets.get(node)
            return (self.all, 0) if known is None else (known, known)
        if isinstance(node, Not):
            may, must = self.may(node.item)
            return self.all & ~must, self.all & ~may
        if isinstance(node, And):
            may = must = self.all
            for item in node.items:
                each, sure = self.may(item)
                may, must = may & each, must & sure
            return may, must
        may = must = 0
        for item in node.items:
            each, sure = self.may(item)
            may, must = may | each, must | sure
        return may, must

    def left(self, node: Node) -> list[tuple[int, Node]]:
        """What is left to ask where the node is not settled: sets of cases and the rest of the node."""
        may, must = self.may(node)
        groups = [may & ~must]
        for leaf in leaves(node):
            known = self.sets.get(leaf)
            if known is not None:
                groups = [part for group in groups for part in (group & known, group & ~known) if part]
        rest: dict[Node, int] = {}
        for group in groups:
            if group:
                what = self._rest(node, group)
                rest[what] = rest.get(what, 0) | group
        return [(where, what) for what, where in rest.items() if what != FALSE]

    def _rest(self, node: Node, group: int) -> Node:
        if isinstance(node, Leaf):
            known = self.sets.get(node)
            return node if known is None else TRUE if known & group else FALSE
        if isinstance(node, Not):
            item = self._rest(node.item, group)
            return FALSE if item == TRUE else TRUE if item == FALSE else Not(item)
        end, skip = (FALSE, TRUE) if isinstance(node, And) else (TRUE, FALSE)
        items: list[Node] = []
        for each in node.items:
            item = self._rest(each, group)
            if item == end:
                return end
            if item != skip:
                items.append(item)
        if len(items) == 1:
            return items[0]
        return And(tuple(items)) if isinstance(node, And) else Or(tuple(items))


def members(held: int) -> list[int]:
    """The cases of a set."""
    return [
        at * 8 + bit
        for at, byte in enumerate(held.to_bytes(held.bit_length() // 8 + 1, "little"))
        if byte
        for bit in range(8)
        if byte >> bit & 1
    ]


def radices(columns: Sequence[Alike]) -> list[list[int]]:
    """The columns in groups whose combinations of s fit a BIGINT."""
    groups: list[list[int]] = [[]]
    product = 1
    for position, column in enumerate(columns):
        if product * len(column) >= 1 << 62:
            groups.append([])
            product = 1
        product *= len(column)
        groups[-1].append(position)
    return groups


def combined(columns: Sequence[Alike], group: Sequence[int]) -> str:
    """SQL of one number for the s of a group of columns, whose tables are joined as a0, a1, …"""
    text = "0::BIGINT"
    for position in group:
        text = f"({text} * {len(columns[position])} + a{position}.s)"
    return text


def taken_apart(columns: Sequence[Alike], group: Sequence[int], number: int) -> Mapping[int, int]:
    """The s of each column of a group, out of its number."""
    found: dict[int, int] = {}
    for position in reversed(group):
        number, found[position] = divmod(number, len(columns[position]))
    return found
