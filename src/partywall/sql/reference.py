"""The dialect's meaning in plain Python, one row at a time: the oracle that the engines are tested against.

None is unknown. Rows are what `pyarrow.Table.to_pylist` gives: structs as dicts, maps as lists of pairs (or
dicts), timestamps as datetimes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from partywall.sql.dialect import Expression
from partywall.sql.lower import LETTERS, microseconds
from partywall.sql.nodes import Call, Col, Get, Lit, Node, Over, Param, Var
from partywall.sql.regex import portable
from partywall.tables.types import FloatType

_LOWER = str.maketrans(*LETTERS)
_UPPER = str.maketrans(*LETTERS[::-1])
_DAY = 86_400_000_000.0


def evaluator(
    expression: Expression, params: Mapping[str, Any], now: datetime
) -> Callable[[Mapping[str, Any]], Any]:
    """A function that gives the value of an expression on a row; None where it is not known."""
    judged = _Row({}, expression.bind(params), float(microseconds(now)))

    def value(row: Mapping[str, Any]) -> Any:
        judged.row = row
        return judged.value(expression.node)

    return value


def evaluate(expression: Expression, row: Mapping[str, Any], params: Mapping[str, Any], now: datetime) -> Any:
    """The value of an expression on a row; None where it is not known."""
    return evaluator(expression, params, now)(row)


def verdict(
    where: Expression | None,
    predicate: Expression,
    row: Mapping[str, Any],
    params: Mapping[str, Any],
    now: datetime,
) -> str:
    """pass, fail, unknown or not_applicable, as a check with these predicates judges the row."""
    if where is not None:
        applies = evaluate(where, row, params, now)
        if applies is not True:
            return "unknown" if applies is None else "not_applicable"
    result = evaluate(predicate, row, params, now)
    return "unknown" if result is None else "pass" if result else "fail"


def _all(values: Iterable[bool | None]) -> bool | None:
    seen = list(values)
    return False if False in seen else None if None in seen else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _any(values: Iterable[bool | None]) -> bool | None:
    return _not(_all(_not(value) for value in values))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


class _Row:
    def __init__(self, row: Mapping[str, Any], params: Mapping[str, Any], now: float) -> None:
        self.row = row
        self.params = params
        self.now = now
        self.variables: dict[str, Any] = {}

    def value(self, node: Node) -> Any:
        match node:
            case Lit():
                return node.value
            case Param():
                return self.params[node.name]
            case Col() | Var() | Get():
                found = self.leaf(node)
                return _finite(found) if isinstance(node.type, FloatType) and found is not None else found
            case Over():
                return self.over(node)
            case Call():
                return self.call(node)
            case _:
                raise TypeError(type(node).__name__)

    def leaf(self, node: Node) -> Any:
        match node:
            case Col():
                return self.row[node.name]
            case Var():
                return self.variables[node.name]
            case Get():
                base = self.leaf(node.base)
                return None if base is None else base[node.name]
            case _:
                return self.value(node)

    def over(self, node: Over) -> Any:
        items = self.value(node.items)
        if items is None:
            return None
        results = [self.element(node, item) for item in items]
        match node.kind:
            case "any_match":
                return _any(results)
            case "none_match":
                return _not(_any(results))
            case "all_match":
                return _all(results)
            case "filter":
                return [item for item, kept in zip(items, results, strict=True) if kept]
            case "transform":
                return results

    def element(self, node: Over, item: Any) -> Any:
        if item is None:
            return None
        self.variables[node.var.name] = item
        return self.value(node.body)

    def call(self, node: Call) -> Any:
        match node.op:
            case "and":
                return _all(self.value(arg) for arg in node.args)
            case "or":
                return _any(self.value(arg) for arg in node.args)
            case "is_null":
                return self.value(node.args[0]) is None
            case "coalesce":
                found = next((v for arg in node.args if (v := self.value(arg)) is not None), None)
                return self.number(found, node)
            case "case":
                for test, result in zip(node.args[:-1:2], node.args[1:-1:2], strict=True):
                    if self.value(test):
                        return self.number(self.value(result), node)
                return self.number(self.value(node.args[-1]), node)
            case _:
                values = [self.value(arg) for arg in node.args]
                return None if None in values else self.strict(node.op, values)

    def number(self, value: Any, node: Node) -> Any:
        return float(value) if value is not None and isinstance(node.type, FloatType) else value

    def strict(self, op: str, values: list[Any]) -> Any:
        """An operator or function whose operands are all known."""
        first = values[0]
        match op:
            case "not":
                return not first
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                return _compare(op, first, values[1])
            case "in":
                sought: list[Any] = []
                for item in values[1:]:
                    sought += item if isinstance(item, list | tuple) else [item]
                if any(isinstance(item, float) for item in [first, *sought]):
                    return float(first) in [float(item) for item in sought]
                return first in sought
            case "contains":
                return _any(None if e is None else self.same(e, values[1]) for e in first)
            case "+" | "-" | "*" | "/" | "neg" | "abs":
                return _arithmetic(op, *(float(value) for value in values))
            case "days_since":
                return (self.now - float(microseconds(first))) / _DAY
            case "days_until":
                return (float(microseconds(first)) - self.now) / _DAY
            case "cardinality":
                return None if None in first else len(first)
            case "has_key" | "map_value" | "keys":
                return _map(op, _entries(first), *values[1:])
            case _:
                return _text(op, first, *values[1:])

    def same(self, one: Any, other: Any) -> bool | None:
        if isinstance(one, float) and not math.isfinite(one):
            return None
        return _compare("=", one, other)


def _entries(value: Any) -> dict[str, str | None]:
    return dict(cast("Iterable[tuple[str, str | None]]", value.items() if isinstance(value, dict) else value))


def _compare(op: str, left: Any, right: Any) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
    match op:
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def _arithmetic(op: str, left: float, right: float = 0.0) -> float | None:
    match op:
        case "+":
            return _finite(left + right)
        case "-":
            return _finite(left - right)
        case "*":
            return _finite(left * right)
        case "/":
            return None if right == 0 else _finite(left / right)
        case "neg":
            return -left
        case _:
            return abs(left)


def _map(op: str, entries: dict[str, str | None], key: str = "") -> Any:
    match op:
        case "has_key":
            return key in entries
        case "map_value":
            return entries.get(key, "")
        case _:
            return list(entries)


def _text(op: str, text: str, other: str = "") -> Any:
    match op:
        case "lower":
            return text.translate(_LOWER)
        case "upper":
            return text.translate(_UPPER)
        case "length":
            return len(text)
        case "starts_with":
            return text.startswith(other)
        case "ends_with":
            return text.endswith(other)
        case "includes":
            return other in text
        case "split":
            return text.split(other)
        case "like":
            return _like(text, other)
        case "ilike":
            return _like(text.translate(_LOWER), other.translate(_LOWER))
        case "matches":
            return re.search(portable(other).python, text) is not None
        case "version_at_least":
            return evaluate_version(text, other)
        case _:
            raise NotImplementedError(op)


def _like(text: str, pattern: str) -> bool:
    source = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(source, text, re.DOTALL) is not None


def evaluate_version(text: str, version: str) -> bool | None:
    """`version_at_least`, number by number; None where what follows the numbers would have to decide."""
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    if found is None:
        return None
    numbers = [int(part) for part in found[0].split(".")]
    wanted = [int(part) for part in version.split(".")]
    while len(wanted) > 1 and wanted[-1] == 0:
        wanted.pop()
    for index, number in enumerate(wanted):
        if index == len(numbers):
            return False if found.end() == len(text) else None
        if numbers[index] != number:
            return numbers[index] > number
    return True
