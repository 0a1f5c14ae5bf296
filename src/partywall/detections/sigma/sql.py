"""Rules as DuckDB SQL: a condition as one boolean expression over the columns of its fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from partywall.detections.sigma.address import within
from partywall.detections.sigma.nodes import (
    And,
    Compare,
    Exists,
    Leaf,
    Network,
    Node,
    Not,
    Null,
    Number,
    Or,
    Regex,
    SameAs,
    Test,
    Text,
    TimePart,
    Wild,
    fields,
)
from partywall.lake.source import literal

_DECIMAL: Final = r"'[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?'"
_TIME: Final = "'[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z'"
_SAFE: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field's values are: a VARCHAR column (NULL: none), or VARCHAR[] where it may have several.

    `address` is a column of the same shape with the values as sortable addresses, for CIDR tests.
    """

    sql: str
    many: bool = False
    address: str = ""


def predicate(node: Node, places: Mapping[str | None, Place]) -> str:
    """A node as SQL that is TRUE or FALSE, never NULL. `places` holds every field that the node reads."""
    if isinstance(node, Leaf):
        return _leaf(node, places)
    if isinstance(node, Not):
        return f"NOT {predicate(node.item, places)}"
    if isinstance(node, And):
        return _joined([predicate(item, places) for item in node.items], "AND", "TRUE")
    rest, parts = _alike(node)
    return _joined(
        [_any_of(field, texts, cased, places[field]) for (field, cased), texts in parts.items()]
        + [predicate(item, places) for item in rest],
        "OR",
        "FALSE",
    )


def _alike(node: Or) -> tuple[list[Node], dict[tuple[str | None, bool], list[str]]]:
    """Whole texts asked of one field go into one IN list; the rest stays."""
    rest: list[Node] = []
    parts: dict[tuple[str | None, bool], list[str]] = {}
    for item in node.items:
        if isinstance(item, Leaf) and isinstance(item.test, Text):
            whole = item.test.literal()
            if whole is not None:
                parts.setdefault((item.field, item.test.cased), []).append(whole)
                continue
        rest.append(item)
    return rest, parts


def _joined(parts: list[str], word: str, empty: str) -> str:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(parts) + ")"


def _leaf(leaf: Leaf, places: Mapping[str | None, Place]) -> str:
    place, test = places[leaf.field], leaf.test
    if isinstance(test, (Null, Exists)):
        present = f"coalesce(len({place.sql}), 0) > 0" if place.many else f"{place.sql} IS NOT NULL"
        return f"({present})" if isinstance(test, Exists) and test.wanted else f"(NOT ({present}))"
    if isinstance(test, SameAs):
        return _same(place, places[test.field], test)
    if isinstance(test, Network):
        return _holds(Place(place.address, place.many), lambda value: within(test.cidr, value))
    return _holds(place, lambda value: _passes(test, value))


def _holds(place: Place, test: Callable[[str], str]) -> str:
    """Whether any value passes; FALSE where there is none."""
    if place.many:
        return f"(coalesce(len(list_filter({place.sql}, lambda v: {test('v')})), 0) > 0)"
    return f"coalesce({test(place.sql)}, FALSE)"


def _any_of(field: str | None, texts: list[str], cased: bool, place: Place) -> str:
    if len(texts) == 1:
        return _leaf(Leaf(field, Text((texts[0],), cased)), {field: place})
    listed = ", ".join(_folded(text, cased) for text in texts)
    return _holds(place, lambda value: f"{_folding(value, cased)} IN ({listed})")


def _folding(value: str, cased: bool) -> str:
    return value if cased else f"lower({value})"


def _folded(text: str, cased: bool) -> str:
    if "\0" in text:
        return "concat(" + ", chr(0), ".join(_folded(part, cased) for part in text.split("\0")) + ")"
    return literal(text) if cased else f"lower({literal(text)})"


def _passes(test: Test, value: str) -> str:
    """A test of one value that is not NULL."""
    if isinstance(test, Text):
        return _like(test, value)
    if isinstance(test, (Number, Compare)):
        sign = "=" if isinstance(test, Number) else test.order.value
        number = f"TRY_CAST({value} AS DOUBLE) {sign} {literal(repr(float(test.value)))}::DOUBLE"
        return f"(regexp_full_match({value}, {_DECIMAL}) AND {number})"
    if isinstance(test, Regex):
        return f"regexp_matches({value}, {literal(test.pattern)})"
    if isinstance(test, TimePart):
        moment = f"TRY_CAST(left({value}, 19) AS TIMESTAMP)"
        found = f"date_part('{test.part.value}', {moment}) = {test.value}"
        return f"(regexp_full_match({value}, {_TIME}) AND coalesce({found}, FALSE))"
    raise AssertionError(f"{test} is not a test of one value")


def _like(test: Text, value: str) -> str:
    folding = _folding(value, test.cased)
    whole = test.literal()
    if whole is not None:
        return f"{folding} = {_folded(whole, test.cased)}"
    # A wildcard is a string too: only patterns with one literal part have words of their own.
    literals = [part for part in test.parts if not isinstance(part, Wild)]
    shape = tuple(part if isinstance(part, Wild) else None for part in test.parts)
    words: dict[tuple[Wild | None, ...], str] = {
        (None, Wild.ANY): "starts_with",
        (Wild.ANY, None): "suffix",
        (Wild.ANY, None, Wild.ANY): "contains",
    }
    word = words.get(shape)
    if word is not None:
        return f"{word}({folding}, {_folded(literals[0], test.cased)})"
    if shape == (Wild.ANY,):
        return f"{value} IS NOT NULL"
    return f"{folding} LIKE {_folded(_pattern(test.parts), test.cased)} ESCAPE '\\'"


def _pattern(parts: tuple[str | Wild, ...]) -> str:
    marks = {Wild.ANY: "%", Wild.ONE: "_"}
    return "".join(
        marks[part] if isinstance(part, Wild) else re.sub(r"([\\%_])", r"\\\1", part) for part in parts
    )


def _same(left: Place, right: Place, test: SameAs) -> str:
    def compared(a: str, b: str) -> str:
        a, b = f"lower({a})", f"lower({b})"
        if test.starts and test.ends:
            return f"contains({a}, {b})"
        if test.starts:
            return f"starts_with({a}, {b})"
        return f"suffix({a}, {b})" if test.ends else f"{a} = {b}"

    if not left.many and not right.many:
        return f"coalesce({compared(left.sql, right.sql)}, FALSE)"
    lefts = left.sql if left.many else f"[{left.sql}]"
    rights = right.sql if right.many else f"[{right.sql}]"
    inner = f"list_filter({rights}, lambda b: coalesce({compared('a', 'b')}, FALSE))"
    return f"(coalesce(len(list_filter({lefts}, lambda a: coalesce(len({inner}), 0) > 0)), 0) > 0)"


@dataclass(frozen=True, slots=True)
class Inside:
    """A field inside the JSON text of a column: `rest` is its path from there ("" the whole value)."""

    sql: str
    rest: str


def necessary(node: Node, places: Mapping[str | None, Place], inside: Mapping[str, Inside]) -> str:
    """SQL that holds wherever the node can hold, without reading JSON: literals are looked for in its text.

    Fields in `places` are tested exactly; for those in `inside`, "TRUE" is the answer that is always right.
    """
    read = fields(node)
    if all(each in places for each in read):
        return predicate(node, places)
    if isinstance(node, Leaf):
        at = inside[node.field] if node.field is not None and node.field in inside else None
        return _trace(node.test, at) if at else "TRUE"
    if isinstance(node, Not):
        return "TRUE"
    parts = [necessary(item, places, inside) for item in node.items]
    if isinstance(node, And):
        return _joined([part for part in parts if part != "TRUE"], "AND", "TRUE")
    return "TRUE" if "TRUE" in parts else _joined(parts, "OR", "FALSE")


def _trace(test: Test, at: Inside) -> str:
    if isinstance(test, Null) or (isinstance(test, Exists) and not test.wanted):
        return "TRUE"
    wanted: list[str] = []
    if at.rest:
        wanted.append(f"contains({at.sql}, {literal(at.rest.rpartition('.')[2] + chr(34))})")
    if isinstance(test, Text):
        runs = [run for part in test.parts if not isinstance(part, Wild) for run in _SAFE.findall(part)]
        # The text of a number may be written otherwise in JSON: only runs with a letter of no number count.
        runs = [run for run in runs if re.search("[a-zA-DF-Z]", run.replace("e", ""))]
        if runs:
            wanted.append(f"contains(lower({at.sql}), {literal(max(runs, key=len).lower())})")
    if not wanted:
        return f"{at.sql} IS NOT NULL"
    # An escaped character may hide any text.
    return f"coalesce({' AND '.join(wanted)} OR contains({at.sql}, '\\u'), FALSE)"
