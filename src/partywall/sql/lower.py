"""Typed nodes to SQL text for DuckDB and Spark: unknown stays unknown, and nothing raises at evaluation.

Arithmetic is in doubles, as IEEE 754 has it in every engine; a result that is not finite (an overflow, a
division by zero, a NaN that a column holds) is NULL. Text functions fold ASCII letters only, since engines
disagree on the others.
"""

from __future__ import annotations

import math
import string
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from partywall.sql.nodes import Call, Col, Get, Lit, Node, Over, Param, Var, strict_in
from partywall.sql.regex import portable, version_patterns
from partywall.tables.types import FloatType, IntType

LETTERS = string.ascii_uppercase, string.ascii_lowercase
_DAY = "86400000000"
_BIG = 1e300
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(now: datetime) -> int:
    """Microseconds since 1970; a time without a zone counts as UTC."""
    since = (now if now.tzinfo else now.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class Lowering(ABC):
    """One engine's SQL for one set of parameters."""

    now: int

    def __init__(self, params: Mapping[str, Any], now: datetime) -> None:
        self.params = params
        self.now = microseconds(now)

    # What differs between engines

    @abstractmethod
    def name(self, text: str) -> str: ...

    @abstractmethod
    def text(self, value: str) -> str: ...

    @abstractmethod
    def double(self, value: float) -> str: ...

    @abstractmethod
    def integer(self, value: int) -> str: ...

    @abstractmethod
    def array(self, items: list[str]) -> str: ...

    @abstractmethod
    def get(self, base: str, field: str) -> str: ...

    @abstractmethod
    def finite(self, sql: str) -> str: ...

    @abstractmethod
    def quantifier(self, node: Over) -> str: ...

    @abstractmethod
    def contains(self, items: Node, value: Node) -> str: ...

    @abstractmethod
    def function(self, op: str, args: list[str], nodes: tuple[Node, ...]) -> str: ...

    @abstractmethod
    def like(self, value: str, pattern: str) -> str: ...

    @abstractmethod
    def fold(self, value: str, *, up: bool) -> str: ...

    @abstractmethod
    def find(self, value: str, source: str) -> str: ...

    # What is common

    def sql(self, node: Node) -> str:
        """SQL text of a node, safe to put between operators."""
        match node:
            case Lit():
                return self.value(node.value)
            case Param():
                return self.value(self.params[node.name])
            case Col() | Var() | Get():
                raw = self.raw(node)
                return self.finite(raw) if isinstance(node.type, FloatType) else raw
            case Over():
                return self.quantifier(node)
            case Call(op="+" | "-" | "*" | "/" | "neg" | "abs"):
                raw = self.raw(node)
                return raw if self.bound(node) <= _BIG else self.finite(raw)
            case Call():
                return self.call(node)
            case _:
                raise TypeError(type(node).__name__)

    def value(self, value: Any) -> str:
        match value:
            case bool():
                return "TRUE" if value else "FALSE"
            case int():
                return self.integer(value)
            case float():
                return self.double(value)
            case str():
                return self.text(value)
            case _:
                return self.array([self.value(item) for item in value])

    def raw(self, node: Node) -> str:
        """Leaves and arithmetic as they are: a double may be infinite or NaN, which further steps keep."""
        match node:
            case Col():
                return self.name(node.name)
            case Var():
                return node.name
            case Get():
                return self.get(self.raw(node.base), node.name)
            case Call(op="neg" | "abs"):
                inner = self.as_double(node.args[0])
                return f"(- {inner})" if node.op == "neg" else f"abs({inner})"
            case Call(op="/"):
                return f"({self.as_double(node.args[0])} / {self.divisor(node.args[1])})"
            case Call(op="+" | "-" | "*"):
                left, right = (self.as_double(arg) for arg in node.args)
                return f"({left} {node.op} {right})"
            case _:
                return self.sql(node)

    def as_double(self, node: Node) -> str:
        if (constant := self.constant(node)) is not None:
            return self.double(constant)
        raw = self.raw(node)
        return raw if isinstance(node.type, FloatType) else f"CAST({raw} AS DOUBLE)"

    def constant(self, node: Node) -> float | None:
        match node:
            case Lit():
                return float(node.value)
            case Param():
                return float(self.params[node.name])
            case _:
                return None

    def divisor(self, node: Node) -> str:
        constant = self.constant(node)
        if constant is not None:
            return self.double(constant) if constant else "CAST(NULL AS DOUBLE)"
        raw = self.as_double(node)
        known = raw if self.bound(node) <= _BIG else self.finite(raw)
        return f"CASE WHEN {raw} <> {self.double(0.0)} THEN {known} END"

    def bound(self, node: Node) -> float:
        """The greatest magnitude that a number can have; infinite where nothing bounds it."""
        constant = self.constant(node)
        if constant is not None:
            return abs(constant)
        match node:
            case Call(op="+" | "-"):
                return self.bound(node.args[0]) + self.bound(node.args[1])
            case Call(op="*"):
                left, right = self.bound(node.args[0]), self.bound(node.args[1])
                return left * right if left and right else 0.0
            case Call(op="/"):
                by = self.constant(node.args[1])
                return self.bound(node.args[0]) / abs(by) if by else math.inf
            case Call(op="neg" | "abs"):
                return self.bound(node.args[0])
            case Call(op="days_since" | "days_until"):
                return 1e9
            case _:
                return math.inf if isinstance(node.type, FloatType) else 2.0**63

    def call(self, node: Call) -> str:
        args = node.args
        match node.op:
            case "and" | "or":
                return "(" + f" {node.op.upper()} ".join(self.sql(arg) for arg in args) + ")"
            case "not":
                return f"(NOT {self.sql(args[0])})"
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                left, right = self.compared(args)
                return f"({left} {node.op} {right})"
            case "in":
                return self.membership(args[0], args[1:])
            case "like":
                return self.like(self.sql(args[0]), self.constant_text(args[1]))
            case "ilike":
                pattern = self.constant_text(args[1]).translate(str.maketrans(*LETTERS))
                return self.like(self.fold(self.sql(args[0]), up=False), pattern)
            case "lower" | "upper":
                return self.fold(self.sql(args[0]), up=node.op == "upper")
            case "contains":
                return self.contains(*args)
            case "matches":
                return self.find(self.sql(args[0]), portable(self.constant_text(args[1])).source)
            case "version_at_least":
                value = self.sql(args[0])
                at_least, below = version_patterns(self.constant_text(args[1]))
                return (
                    f"(CASE WHEN {self.find(value, at_least)} THEN TRUE "
                    f"WHEN {self.find(value, below)} THEN FALSE END)"
                )
            case "is_null":
                return f"({self.sql(args[0])} IS NULL)"
            case "coalesce":
                return "COALESCE(" + ", ".join(self.unified(args, node)) + ")"
            case "case":
                parts = [
                    f"WHEN {self.sql(test)} THEN {self.unify(value, node)}"
                    for test, value in zip(args[:-1:2], args[1:-1:2], strict=True)
                ]
                return f"(CASE {' '.join(parts)} ELSE {self.unify(args[-1], node)} END)"
            case _:
                return self.function(node.op, [self.sql(arg) for arg in args], args)

    def unify(self, node: Node, result: Node) -> str:
        sql = self.sql(node)
        return (
            sql
            if node.type == result.type or not isinstance(result.type, FloatType)
            else f"CAST({sql} AS DOUBLE)"
        )

    def unified(self, nodes: tuple[Node, ...], result: Node) -> list[str]:
        return [self.unify(node, result) for node in nodes]

    def compared(self, nodes: tuple[Node, ...]) -> list[str]:
        """Both sides as doubles if one is, so that no engine takes a literal for a decimal."""
        mixed = any(isinstance(n.type, FloatType) for n in nodes) and any(
            isinstance(n.type, IntType) for n in nodes
        )
        if not mixed:
            return [self.sql(node) for node in nodes]
        return [
            self.sql(node) if isinstance(node.type, FloatType) else self.as_double(node) for node in nodes
        ]

    def membership(self, value: Node, items: tuple[Node, ...]) -> str:
        constants: list[Any] = []
        for item in items:
            found = (
                item.value
                if isinstance(item, Lit)
                else self.params[item.name]
                if isinstance(item, Param)
                else None
            )
            constants += found if isinstance(found, list | tuple) else [found]
        if not constants:
            return f"(CASE WHEN {self.sql(value)} IS NOT NULL THEN FALSE END)"
        doubles = any(isinstance(c, float) for c in constants) or isinstance(value.type, FloatType)
        left = self.as_double(value) if doubles and isinstance(value.type, IntType) else self.sql(value)
        texts = [self.double(float(c)) if doubles else self.value(c) for c in constants]
        return f"({left} IN ({', '.join(dict.fromkeys(texts))}))"

    def constant_text(self, node: Node) -> str:
        return (
            node.value if isinstance(node, Lit) else self.params[node.name] if isinstance(node, Param) else ""
        )

    def guarded(self, node: Over, body: str) -> str:
        """A NULL element stands for one that is not known: whatever the body says of it is NULL."""
        if strict_in(node.body, node.var.name):
            return body
        return f"CASE WHEN {node.var.name} IS NOT NULL THEN {body} END"

    def days(self, op: str, micros: str) -> str:
        now, then = self.double(float(self.now)), f"CAST({micros} AS DOUBLE)"
        first, second = (now, then) if op == "days_since" else (then, now)
        return f"(({first} - {second}) / {self.double(float(_DAY))})"
