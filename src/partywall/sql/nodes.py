"""The typed syntax tree of a predicate: what lowering, the reference and the monotonicity proof walk over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from partywall.errors import UserError
from partywall.tables.types import Type


class PredicateError(UserError):
    """A predicate that cannot be used: `message`, and where in its text (`line`, `column`, both from 1)."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes; `pos` is the offset in the text, which errors turn into line and column."""

    type: Type
    pos: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Lit(Node):
    """A literal: text, int, float or bool."""

    value: Any


@dataclass(frozen=True, slots=True)
class Param(Node):
    """`:name`, bound when the predicate is lowered or evaluated."""

    name: str


@dataclass(frozen=True, slots=True)
class Col(Node):
    """A column of the table."""

    name: str


@dataclass(frozen=True, slots=True)
class Var(Node):
    """A lambda's variable, under a name unique in the expression."""

    name: str


@dataclass(frozen=True, slots=True)
class Get(Node):
    """A field of a struct."""

    base: Node
    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """An operator (`op` as written, such as "and" or "<=") or a function by name."""

    op: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Over(Node):
    """A function with a lambda over the elements of a list."""

    kind: Literal["any_match", "all_match", "none_match", "filter", "transform"]
    items: Node
    var: Var
    body: Node


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a node."""
    match node:
        case Get():
            return (node.base,)
        case Call():
            return node.args
        case Over():
            return (node.items, node.body)
        case _:
            return ()


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with each of its direct parts changed."""
    match node:
        case Get():
            return replace(node, base=change(node.base))
        case Call():
            return replace(node, args=tuple(change(arg) for arg in node.args))
        case Over():
            return replace(node, items=change(node.items), body=change(node.body))
        case _:
            return node


def substituted(node: Node, var: str, value: Node) -> Node:
    """The node with a value in the place of a variable."""
    if isinstance(node, Var) and node.name == var:
        return value
    return mapped(node, lambda part: substituted(part, var, value))


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def strict_in(node: Node, var: str) -> bool:
    """True where the node is surely NULL when the variable is: no test of the variable itself is needed."""
    match node:
        case Var():
            return node.name == var
        case Get():
            return strict_in(node.base, var)
        case Over():
            return strict_in(node.items, var)
        case Call(op="and" | "or"):
            return all(strict_in(arg, var) for arg in node.args)
        case Call(op="in"):
            return strict_in(node.args[0], var)
        case Call(op="is_null" | "coalesce" | "case"):
            return False
        case Call():
            return any(strict_in(arg, var) for arg in node.args)
        case _:
            return False


def leaves(root: Node) -> frozenset[tuple[str, ...]]:
    """The paths read: column, then field names, with "[]" for elements and "{}" for a map's values."""
    found: set[tuple[str, ...]] = set()
    bound: dict[str, tuple[str, ...] | None] = {}

    def path(node: Node) -> tuple[str, ...] | None:
        match node:
            case Col():
                return (node.name,)
            case Var():
                return bound.get(node.name)
            case Get():
                base = path(node.base)
                return None if base is None else (*base, node.name)
            case _:
                return None

    def visit(node: Node) -> None:
        at = path(node)
        if at is not None:
            found.add(at)
            return
        match node:
            case Over():
                items = path(node.items)
                bound[node.var.name] = None if items is None else (*items, "[]")
                visit(node.items)
                if items is not None:
                    found.add((*items, "[]"))
                visit(node.body)
            case Call():
                first = path(node.args[0]) if node.args else None
                if first is not None and node.op in ("contains", "cardinality"):
                    found.add((*first, "[]"))
                elif first is not None and node.op == "map_value":
                    found.add((*first, "{}"))
                for arg in node.args:
                    visit(arg)
            case _:
                for child in children(node):
                    visit(child)

    visit(root)
    return frozenset(p for p in found if not any(q != p and q[: len(p)] == p for q in found))
