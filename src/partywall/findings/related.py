"""Predicates over related rows, judged where those rows stand: once for each row, and not for each pair."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from partywall.lake.source import Summary
from partywall.sql.nodes import Call, Col, Get, Lit, Node, Over, Param, Var, children, mapped, walk
from partywall.tables.registry import all_tables
from partywall.tables.spec import Table
from partywall.tables.types import Bool


def bound(node: Node, values: Mapping[str, Any]) -> Node:
    """The node with its parameters' values in the place of their names."""
    if isinstance(node, Param):
        value = values[node.name]
        return Lit(node.type, node.pos, tuple(value) if isinstance(value, list) else value)
    return mapped(node, lambda part: bound(part, values))


class Related:
    """The summaries that the checks of one table need of its relations, each only once."""

    def __init__(self, table: Table, now: datetime) -> None:
        self._now = now
        self._relations = {r.name: all_tables()[r.table] for r in table.relations}
        self._within: dict[str, Related] = {}
        self._known: dict[tuple[str, Node], Summary] = {}
        self._nodes: list[Node] = []

    @property
    def summaries(self) -> list[Summary]:
        """What `hoist` made, in order."""
        return list(self._known.values())

    def columns(self) -> frozenset[str]:
        """What the hoisted nodes still read of the table and of its relations' lists."""
        made = {s.name for s in self._known.values()}
        return columns_of(self._nodes) - made

    def fields(self) -> dict[str, set[str]]:
        """Relation -> fields that the hoisted nodes read of its elements, where they do not read all."""
        lists = {name: _fields(self._nodes, name) for name in self._relations if name in self.columns()}
        return {name: found for name, found in lists.items() if found is not None}

    def hoist(self, node: Node) -> Node:
        """The node with a summary in the place of every quantifier over a relation that allows it.

        Parameters must be bound. `all_match(rows, p)` is `NOT any_match(rows, NOT p)` in three values too.
        """
        found = self._hoisted(node)
        self._nodes.append(found)
        return found

    def _hoisted(self, node: Node) -> Node:
        match node:
            case Over(kind="any_match" | "all_match" | "none_match", items=Col(name=name)) if (
                name in self._relations and _is_closed(node.body, {node.var.name}, node.var.name)
            ):
                row = _of_row(node.body, node.var.name)
                if node.kind == "all_match":
                    row = Call(Bool, row.pos, "not", (row,))
                found = Col(Bool, node.pos, self._summary(name, row).name)
                return found if node.kind == "any_match" else Call(Bool, node.pos, "not", (found,))
            case _:
                return mapped(node, self._hoisted)

    def _summary(self, relation: str, predicate: Node) -> Summary:
        from partywall.sql.duckdb import DuckDB

        known = self._known.get((relation, predicate))
        if known is None:
            within = self._within.setdefault(relation, Related(self._relations[relation], self._now))
            inner = within.hoist(predicate)
            named = {s.name: s for s in within.summaries}
            read = columns_of([inner])
            known = self._known[(relation, predicate)] = Summary(
                f"_any{len(self._known)}",
                relation,
                DuckDB({}, self._now).sql(inner),
                frozenset(read - set(named)),
                tuple(s for name, s in named.items() if name in read),
            )
        return known


def columns_of(nodes: Iterable[Node]) -> frozenset[str]:
    """The names of all columns that nodes read."""
    return frozenset(part.name for node in nodes for part in walk(node) if isinstance(part, Col))


def _is_closed(node: Node, variables: Collection[str], row: str) -> bool:
    """True where a predicate reads nothing but fields of the row and its own lambdas' variables."""
    match node:
        case Get(base=Var(name=name)) if name == row:
            return True
        case Var():
            return node.name != row and node.name in variables
        case Col():
            return False
        case Over():
            inner = {*variables, node.var.name}
            return _is_closed(node.items, variables, row) and _is_closed(node.body, inner, row)
        case _:
            return all(_is_closed(child, variables, row) for child in children(node))


def _of_row(node: Node, row: str) -> Node:
    """A predicate over an element of a relation as one over the columns of the related table."""
    match node:
        case Get(base=Var(name=name)) if name == row:
            return Col(node.type, node.pos, node.name)
        case _:
            return mapped(node, lambda part: _of_row(part, row))


def _fields(nodes: Iterable[Node], relation: str) -> set[str] | None:
    """The fields read of a relation's elements; None where an element is used as a whole."""
    found: set[str] = set()

    def visit(node: Node) -> bool:
        match node:
            case Col():
                return node.name != relation
            case Call(op="cardinality", args=(Col(name=name),)) if name == relation:
                return True
            case Over(items=Col(name=name)) if name == relation:
                return of_element(node.body, node.var.name) and visit(node.body)
            case _:
                return all(visit(child) for child in children(node))

    def of_element(node: Node, row: str) -> bool:
        match node:
            case Get(base=Var(name=name)) if name == row:
                found.add(node.name)
                return True
            case Var():
                return node.name != row
            case _:
                return all(of_element(child, row) for child in children(node))

    return found if all(visit(node) for node in nodes) else None
