"""Which rules can hold for which API calls: told by (eventSource, eventName) alone.

Sets of pairs are integers, one bit a pair, so that "and", "or" and "not" over thousands of pairs are cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from partywall.detections.sigma.nodes import FALSE, TRUE, And, Leaf, Node, Not, Or, Text, leaves
from partywall.detections.sigma.sql import Place, predicate

if TYPE_CHECKING:
    import duckdb

KEYS: Final = ("eventSource", "eventName")
"""The fields that nearly every rule tests, and that split events into few kinds."""


@dataclass(slots=True)
class Pairs:
    """The distinct (eventSource, eventName) of a log, and each key test's set of them."""

    keys: Sequence[tuple[str | None, str | None]]
    sets: dict[Leaf, int] = field(default_factory=dict[Leaf, int])

    @property
    def all(self) -> int:
        """The set of all pairs."""
        return (1 << len(self.keys)) - 1

    def learn(self, connection: duckdb.DuckDBPyConnection, nodes: Iterable[Node]) -> None:
        """Evaluates the key tests of the nodes over the pairs' values."""
        wanted = {leaf for node in nodes for leaf in leaves(node) if is_key(leaf)} - self.sets.keys()
        for index, key in enumerate(KEYS):
            self._learn(connection, index, [leaf for leaf in wanted if leaf.field == key])

    def _learn(self, connection: duckdb.DuckDBPyConnection, index: int, asked: list[Leaf]) -> None:
        held: dict[str | None, int] = {}
        for bit, pair in enumerate(self.keys):
            held[pair[index]] = held.get(pair[index], 0) | 1 << bit
        folded: dict[str, int] = {}
        values = [value for value in held if value is not None]
        rows = connection.execute("SELECT v, lower(v) FROM (SELECT unnest(?::VARCHAR[]) AS v)", [values])
        for value, low in rows.fetchall():
            folded[low] = folded.get(low, 0) | held[value]
        rest: list[Leaf] = []
        for leaf in asked:
            whole = leaf.test.literal() if isinstance(leaf.test, Text) else None
            if whole is None or not whole.isascii():
                rest.append(leaf)
            elif isinstance(leaf.test, Text) and leaf.test.cased:
                self.sets[leaf] = held.get(whole, 0)
            else:
                self.sets[leaf] = folded.get(whole.lower(), 0)
        if rest:
            self._ask(connection, held, rest)

    def _ask(
        self, connection: duckdb.DuckDBPyConnection, held: Mapping[str | None, int], asked: list[Leaf]
    ) -> None:
        places: dict[str | None, Place] = {asked[0].field: Place("v")}
        tests = ", ".join(predicate(leaf, places) for leaf in asked)
        self.sets.update(dict.fromkeys(asked, 0))
        query = f"SELECT v, [{tests}] FROM (SELECT unnest(?::VARCHAR[]) AS v)"
        for value, passed in connection.execute(query, [list(held)]).fetchall():
            for leaf, passes in zip(asked, passed, strict=True):
                if passes:
                    self.sets[leaf] |= held[value]

    def may(self, node: Node) -> tuple[int, int]:
        """The pairs for which the node may hold, and those for which it holds whatever the event says."""
        if isinstance(node, Leaf):
            known = self.sets.get(node)
            return (self.all, 0) if known is None else (known, known)
        if isinstance(node, Not):
            may, must = self.may(node.item)
            return self.all & ~must, self.all & ~may
        parts = [self.may(item) for item in node.items]
        if isinstance(node, And):
            may = must = self.all
            for each, sure in parts:
                may, must = may & each, must & sure
            return may, must
        may = must = 0
        for each, sure in parts:
            may, must = may | each, must | sure
        return may, must

    def residual(self, node: Node, bit: int) -> Node:
        """What is left to ask of an event of one pair."""
        if isinstance(node, Leaf):
            known = self.sets.get(node)
            return node if known is None else TRUE if known >> bit & 1 else FALSE
        if isinstance(node, Not):
            item = self.residual(node.item, bit)
            return FALSE if item == TRUE else TRUE if item == FALSE else Not(item)
        end, skip = (FALSE, TRUE) if isinstance(node, And) else (TRUE, FALSE)
        items: list[Node] = []
        for each in node.items:
            item = self.residual(each, bit)
            if item == end:
                return end
            if item != skip:
                items.append(item)
        if len(items) == 1:
            return items[0]
        return And(tuple(items)) if isinstance(node, And) else Or(tuple(items))

    def bits(self, held: int) -> list[int]:
        """The members of a set of pairs."""
        found: list[int] = []
        while held:
            lowest = held & -held
            found.append(lowest.bit_length() - 1)
            held ^= lowest
        return found


def is_key(leaf: Leaf) -> bool:
    """Whether a test reads only one of the keys."""
    from partywall.detections.sigma.nodes import SameAs

    return leaf.field in KEYS and not isinstance(leaf.test, SameAs)
