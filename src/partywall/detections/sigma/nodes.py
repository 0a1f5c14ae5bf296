"""What a rule asks of one event: tests of fields, joined by and, or and not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Wild(StrEnum):
    """A wildcard inside a text test."""

    ANY = "*"
    ONE = "?"


class Order(StrEnum):
    """How a numeric test compares."""

    LT = "<"
    LTE = "<="
    GT = ">"
    GTE = ">="
    NEQ = "<>"


class Clock(StrEnum):
    """A part of a timestamp, in UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Text:
    """The value is this text: literal parts and wildcards in turn; case matters only if `cased`."""

    parts: tuple[str | Wild, ...]
    cased: bool = False

    def literal(self) -> str | None:
        """The text itself where there are no wildcards, else None."""
        if any(isinstance(part, Wild) for part in self.parts):
            return None
        return "".join(self.parts)


@dataclass(frozen=True, slots=True)
class Number:
    """The value reads as a decimal number and equals this one."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Null:
    """The field has no value."""


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has (or has not) a value."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Regex:
    """An RE2 pattern, its flags inline, is found somewhere in the value."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Network:
    """The value is an address inside a CIDR block (of either family)."""

    cidr: str


@dataclass(frozen=True, slots=True)
class Compare:
    """The value reads as a decimal number and lies on this side of another."""

    order: Order
    value: int | float


@dataclass(frozen=True, slots=True)
class SameAs:
    """The value is (or starts or ends with, or contains) a value of another field; case is ignored."""

    field: str
    starts: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class TimePart:
    """The value is an ISO 8601 time in UTC whose part is this number (weeks are ISO weeks)."""

    part: Clock
    value: int


Test = Text | Number | Null | Exists | Regex | Network | Compare | SameAs | TimePart


@dataclass(frozen=True, slots=True)
class Leaf:
    """One test of one field; `field` None is the record's whole text (a Sigma keyword)."""

    field: str | None
    test: Test


@dataclass(frozen=True, slots=True)
class Not:
    """The inner node does not hold."""

    item: Node


@dataclass(frozen=True, slots=True)
class And:
    """All hold; none at all is true."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One holds; none at all is false."""

    items: tuple[Node, ...]


Node = Leaf | Not | And | Or

TRUE = And(())
FALSE = Or(())


def leaves(node: Node) -> Iterator[Leaf]:
    """Every test in a node, in the rule's order."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Not):
        yield from leaves(node.item)
    else:
        for item in node.items:
            yield from leaves(item)


def fields(node: Node) -> set[str | None]:
    """The fields that a node reads, those that it compares with included."""
    read: set[str | None] = set()
    for leaf in leaves(node):
        read.add(leaf.field)
        if isinstance(leaf.test, SameAs):
            read.add(leaf.test.field)
    return read
