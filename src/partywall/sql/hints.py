"""What a predicate compares each leaf with: so that generated rows fall on both sides of every comparison."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from partywall.sql.dialect import Expression
from partywall.sql.nodes import Call, Col, Get, Lit, Node, Over, Param, Var, children
from partywall.sql.regex import portable
from partywall.tables.types import ListType, StrType, TimestampType

Leaf = tuple[str, ...]


def hints(expression: Expression, params: Mapping[str, Any], now: datetime) -> dict[Leaf, list[Any]]:
    """Values of interest by leaf, in the form that `tables.generate.rows` takes."""
    collector = _Collector(expression.bind(params), now if now.tzinfo else now.replace(tzinfo=UTC))
    collector.visit(expression.node)
    for leaf, pieces in collector.pieces.items():
        collector.found[leaf].append("".join(dict.fromkeys(pieces)))  # a text that has them all
    return {leaf: list(dict.fromkeys(values)) for leaf, values in collector.found.items()}


class _Collector:
    def __init__(self, params: Mapping[str, Any], now: datetime) -> None:
        self.params = params
        self.now = now
        self.found: dict[Leaf, list[Any]] = {}
        self.pieces: dict[Leaf, list[str]] = {}
        self.variables: dict[str, Node] = {}

    def sources(self, node: Node) -> list[Leaf]:
        """The leaves that a value is taken from, directly or through functions."""
        match node:
            case Col():
                return [(node.name,)]
            case Var():
                items = self.variables[node.name]
                path = isinstance(items, Col | Get | Var)
                return [(*leaf, "[]") if path else leaf for leaf in self.sources(items)]
            case Get():
                return [(*leaf, node.name) for leaf in self.sources(node.base)]
            case Call(op="map_value"):
                return [(*leaf, "{}") for leaf in self.sources(node.args[0])]
            case _:
                return [leaf for child in children(node) for leaf in self.sources(child)]

    def constants(self, node: Node) -> list[Any]:
        match node:
            case Lit():
                return [node.value]
            case Param():
                value = self.params[node.name]
                return list(value) if isinstance(value, list | tuple) else [value]
            case Var():
                return self.constants(self.variables[node.name])
            case Call(op="lower" | "upper" | "neg"):
                return self.constants(node.args[0])
            case _:
                return []

    def add(self, node: Node, values: list[Any], suffix: Leaf = ()) -> None:
        for leaf in self.sources(node):
            self.found.setdefault((*leaf, *suffix), []).extend(values)

    def add_pieces(self, node: Node, pieces: list[str]) -> None:
        """Parts of a text that are looked for."""
        self.add(node, pieces)
        for leaf in self.sources(node):
            self.pieces.setdefault(leaf, []).extend(pieces)

    def share(self, one: Node, other: Node) -> None:
        """Two leaves that are compared with each other get values in common."""
        if self.constants(one) or self.constants(other):
            return
        values: list[Any] = [5, 6]
        if isinstance(other.type, StrType):
            values = ["same-1", "same-2"]
        elif isinstance(other.type, TimestampType):
            values = [self.now]
        direct = isinstance(one.type, ListType) and isinstance(one, Col | Get | Var)
        self.add(one, values, ("[]",) if direct else ())
        self.add(other, values)

    def visit(self, node: Node) -> None:
        if isinstance(node, Over):
            self.variables[node.var.name] = node.items
        if isinstance(node, Call):
            self.call(node)
        for child in children(node):
            self.visit(child)

    def call(self, node: Call) -> None:
        first, rest = node.args[0], node.args[1:]
        constants = [value for arg in rest for value in self.constants(arg)]
        match node.op:
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                self.compared(first, constants)
                self.compared(rest[0], self.constants(first))
                self.share(first, rest[0])
            case "in":
                self.compared(first, constants)
            case "contains":
                direct = isinstance(first, Col | Get | Var)
                self.add(first, constants, ("[]",) if direct else ())
                self.compared(rest[0], self.constants(first))
                self.share(first, rest[0])
            case "has_key" | "map_value":
                self.add(first, constants)
            case "like" | "ilike":
                self.add_pieces(first, [c.replace("%", "").replace("_", "x") for c in constants])
            case "matches":
                self.add_pieces(first, [portable(c).sample for c in constants])
            case "version_at_least":
                self.add(first, [text for c in constants for text in (c, f"0.{c}", f"{c}.1", f"9{c}")])
            case "starts_with" | "ends_with" | "includes":
                self.add_pieces(first, constants)
                self.share(first, rest[0])
            case "split":
                self.add(first, constants)
            case _:
                pass

    def compared(self, node: Node, constants: list[Any]) -> None:
        if not constants:
            return
        match node:
            case Call(op="days_since" | "days_until" as op):
                sign = -1 if op == "days_since" else 1
                days = [c * sign for c in constants if abs(c) < 100_000]
                self.add(node.args[0], [self.now + timedelta(days=d) for d in days])
            case Call(op="cardinality"):
                self.add(node.args[0], [c for c in constants if 0 <= c <= 100], ("#",))
            case Call(op="length"):
                lengths = [int(c) for c in constants if 0 <= c <= 5_000]
                self.add(node.args[0], ["x" * length for length in lengths])
            case Call(op="+" | "-" | "*" | "/" | "abs" | "neg"):
                for arg in node.args:
                    self.compared(arg, constants)
                    self.compared(arg, [c * f for c in constants for f in _factors(node, self)])
            case _:
                self.add(node, constants)


def _factors(node: Call, collector: _Collector) -> list[Any]:
    """What turns a bound on `size / 1024` into one on `size`."""
    constants = [c for arg in node.args for c in collector.constants(arg) if c]
    if node.op == "/":
        return constants
    return [1 / c for c in constants] if node.op == "*" else []
