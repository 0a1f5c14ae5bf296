"""The reference: one rule over one raw record, as plainly as it can be said, with no thought of speed.

The compiled rules are tested against this. It shares the nodes with them and nothing else.
"""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import UTC, datetime
from typing import Any

from partywall.detections.sigma.nodes import (
    And,
    Clock,
    Compare,
    Exists,
    Leaf,
    Network,
    Node,
    Not,
    Null,
    Number,
    Order,
    Regex,
    SameAs,
    Test,
    Text,
    TimePart,
    Wild,
)

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z", re.ASCII)


def matches(node: Node, record: dict[str, Any], raw: str) -> bool:
    """Whether a rule's condition holds for a record; `raw` is its text as stored, for keywords."""
    if isinstance(node, Leaf):
        if node.field is None:
            return any(_passes(node.test, text, record) for text in [raw])
        found = values(record, node.field)
        if isinstance(node.test, Null):
            return not found
        if isinstance(node.test, Exists):
            return bool(found) == node.test.wanted
        return any(_passes(node.test, text, record) for text in found)
    if isinstance(node, Not):
        return not matches(node.item, record, raw)
    if isinstance(node, And):
        return all(matches(item, record, raw) for item in node.items)
    return any(matches(item, record, raw) for item in node.items)


def values(record: Any, field: str) -> list[str]:
    """The texts of a field's values: its path's steps are joined by dots, and lists are passed through."""
    if isinstance(record, list):
        return [text for item in record for text in values(item, field)]
    if not isinstance(record, dict):
        return []
    steps = field.split(".")
    found: list[str] = []
    for count in range(1, len(steps) + 1):
        key, rest = ".".join(steps[:count]), ".".join(steps[count:])
        if key in record:
            found += values(record[key], rest) if rest else texts(record[key])
    return found


def texts(value: Any) -> list[str]:
    """A value's texts: none for null, one for a scalar or an object, those of its items for a list."""
    if value is None:
        return []
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [json.dumps(value, ensure_ascii=False, separators=(",", ":"))]
    return [repr(value)]


def fold(text: str) -> str:
    """Text in lower case, character by character."""
    return "".join("i" if char == "\u0130" else char.lower() for char in text)


def _passes(test: Test, text: str, record: dict[str, Any]) -> bool:
    if isinstance(test, Text):
        if test.cased:
            return _like(test.parts, text)
        return _like(tuple(p if isinstance(p, Wild) else fold(p) for p in test.parts), fold(text))
    if isinstance(test, Number):
        return _DECIMAL.fullmatch(text) is not None and float(text) == float(test.value)
    if isinstance(test, Compare):
        return _DECIMAL.fullmatch(text) is not None and _compare(test.order, float(text), float(test.value))
    if isinstance(test, Regex):
        import re2

        return re2.search(test.pattern, text) is not None
    if isinstance(test, Network):
        try:
            return ipaddress.ip_address(text) in ipaddress.ip_network(test.cidr)
        except ValueError:
            return False
    if isinstance(test, TimePart):
        return _time_part(test.part, text) == test.value
    if isinstance(test, SameAs):
        return any(_same(test, fold(text), fold(other)) for other in values(record, test.field))
    raise AssertionError(f"{test} is not a test of one value")


def _like(parts: tuple[str | Wild, ...], text: str) -> bool:
    pattern = "".join(
        ".*" if part is Wild.ANY else "." if part is Wild.ONE else re.escape(part) for part in parts
    )
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _compare(order: Order, left: float, right: float) -> bool:
    return {
        Order.LT: left < right,
        Order.LTE: left <= right,
        Order.GT: left > right,
        Order.GTE: left >= right,
        Order.NEQ: left != right,
    }[order]


def _same(test: SameAs, text: str, other: str) -> bool:
    if test.starts and test.ends:
        return other in text
    if test.starts:
        return text.startswith(other)
    if test.ends:
        return text.endswith(other)
    return text == other


def _time_part(part: Clock, text: str) -> int | None:
    if _TIME.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    if part is Clock.WEEK:
        return moment.isocalendar().week
    found: int = getattr(moment, part.value)
    return found
