"""What the dialect's functions take and give, and the types of parameters' values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, cast

from partywall.sql.regex import RegexError, portable
from partywall.tables.types import (
    Bool,
    BoolType,
    Float,
    FloatType,
    Int,
    IntType,
    ListType,
    MapType,
    Str,
    StrType,
    TimestampType,
    Type,
)

# Plain functions: the kinds of their arguments, and what they give. "pattern" and such are constants.
FUNCTIONS: Final[dict[str, tuple[tuple[str, ...], Type]]] = {
    "cardinality": (("list",), Int),
    "has_key": (("map", "text"), Bool),
    "map_value": (("map", "text"), Str),
    "keys": (("map",), ListType(Str)),
    "lower": (("text",), Str),
    "upper": (("text",), Str),
    "length": (("text",), Int),
    "starts_with": (("text", "text"), Bool),
    "ends_with": (("text", "text"), Bool),
    "includes": (("text", "text"), Bool),
    "matches": (("text", "constant text"), Bool),
    "split": (("text", "constant text"), ListType(Str)),
    "days_since": (("timestamp",), Float),
    "days_until": (("timestamp",), Float),
    "version_at_least": (("text", "constant text"), Bool),
    "abs": (("number",), Float),
}
QUANTIFIERS: Final = ("any_match", "all_match", "none_match")
TEMPLATE_ONLY: Final = ("filter", "transform")
ABSENCE: Final = ("coalesce",)

# What the generated reference says of each function; the first word of a key is its name.
DOCS: Final[dict[str, str]] = {
    "any_match(list, x -> predicate)": "Some element matches. Unknown if none surely does and one may.",
    "all_match(list, x -> predicate)": "Every element matches; true of an empty list.",
    "none_match(list, x -> predicate)": "No element matches; true of an empty list.",
    "contains(list, value)": "The list has the value. Unknown if it is not seen but an element is unknown.",
    "cardinality(list)": "How many elements; unknown if one is, for it may stand for any number of them.",
    "has_key(map, key)": "The map has the key, whatever its value.",
    "map_value(map, key)": "The key's value; '' where the key is absent.",
    "keys(map)": "The map's keys as a list.",
    "lower(text)": "ASCII letters in lower case; all others stay.",
    "upper(text)": "ASCII letters in upper case; all others stay.",
    "length(text)": "How many characters (code points).",
    "starts_with(text, part)": "The text begins with the part, letter for letter.",
    "ends_with(text, part)": "The text ends with the part.",
    "includes(text, part)": "The part stands somewhere in the text.",
    "matches(text, 'pattern')": (
        "The regular expression is found in the text. ^ and $ are its very ends; (?i) at the start takes "
        "ASCII letters in either case; there is no look-around, back-reference or word boundary."
    ),
    "split(text, 'separator')": "The pieces between separators; '' gives one empty piece.",
    "days_since(timestamp)": "Days from the timestamp to the scan's start, with fractions.",
    "days_until(timestamp)": "Days from the scan's start to the timestamp, with fractions.",
    "version_at_least(text, '1.28')": (
        "Dotted numbers compared one by one, missing ones as 0. What follows them is left out of account; "
        "unknown where that would have to decide, or where the text does not begin with a number."
    ),
    "abs(number)": "The magnitude.",
    "filter(list, x -> predicate)": "Messages only: the elements that surely match.",
    "transform(list, x -> expression)": "Messages only: the expression for each element.",
}

VERSION: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})*", re.ASCII)


def kind(type_: Type) -> str:
    """The family that operators ask for: text, number, boolean, timestamp, list, map or struct."""
    for cls, name in (
        (StrType, "text"),
        (IntType, "number"),
        (FloatType, "number"),
        (BoolType, "boolean"),
        (TimestampType, "timestamp"),
        (ListType, "list"),
        (MapType, "map"),
    ):
        if isinstance(type_, cls):
            return name
    return "struct"


def type_of_value(value: Any) -> Type | None:
    """The type of a parameter's value; None where it has none that the dialect knows."""
    if isinstance(value, bool):
        return Bool
    if isinstance(value, int):
        return Int if -(2**63) <= value < 2**63 else None
    if isinstance(value, float):
        return Float if abs(value) <= 1.7976931348623157e308 else None
    if isinstance(value, str):
        return None if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value) else Str
    if isinstance(value, list | tuple):
        types = {type_of_value(item) for item in cast("Iterable[Any]", value)}
        if not types:
            return ListType(Str)
        if None in types:
            return None
        if types == {Int, Float}:
            return ListType(Float)
        element = types.pop()
        return ListType(element) if element is not None and not types and kind(element) != "list" else None
    return None


def check_pattern(name: str, value: str) -> None:
    """Check a constant that a function takes; raises RegexError (also for those that are no pattern)."""
    if name == "matches":
        portable(value)
    elif name == "split" and not value:
        raise RegexError("the separator is empty", 0)
    elif name == "version_at_least" and not VERSION.fullmatch(value):
        raise RegexError(f"{value!r} is not a version of dotted numbers such as '1.28'", 0)
