"""Raw values of API answers to values of a column's type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast
from urllib.parse import unquote

import orjson

from partywall.tables.paths import MISSING, compile_path
from partywall.tables.types import (
    UNKNOWN,
    BoolType,
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    PolicyType,
    StructType,
    TimestampType,
    Type,
)

Converter = Callable[[Any], Any]
_EPOCH: Final = re.compile(r"\d{9,13}(\.\d+)?")


class MalformedValue(ValueError):
    """An answer held a value that cannot be of its column's type: the column is unknown, and says so."""


def converter(type_: Type) -> Converter:
    """A function from a raw value (never None) to the column's Python value; raises MalformedValue."""
    match type_:
        case BoolType():
            return _bool
        case IntType():
            return _int
        case FloatType():
            return _float
        case TimestampType():
            return _timestamp
        case PolicyType():
            return _policy
        case JsonType():
            return _json
        case ListType(element):
            return _list(converter(element))
        case MapType():
            return string_map
        case StructType():
            return _struct(type_)
        case _:
            return _text


def default(type_: Type, absent: Any) -> Any:
    """The value of a member that an answered call does not carry: `absent`, or the empty list or map."""
    if absent is not UNKNOWN:
        return absent
    if isinstance(type_, ListType):
        return []
    if isinstance(type_, MapType):
        return {}
    return None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, int | float):
        return str(value)
    raise MalformedValue(f"expected text, got {type(value).__name__}")


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        lowered = value.lower()
        if lowered in ("true", "1", "yes", "on", "enabled"):
            return True
        if lowered in ("false", "0", "no", "off", "disabled"):
            return False
    elif isinstance(value, int):
        return value != 0
    raise MalformedValue(f"expected true or false, got {type(value).__name__}")


def _int(value: Any) -> int:
    try:
        if isinstance(value, float) and not value.is_integer():
            raise MalformedValue("expected a whole number")
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedValue(f"expected a whole number, got {type(value).__name__}") from error
    if not -(2**63) <= number < 2**63:
        raise MalformedValue("number beyond 64 bits")
    return number


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise MalformedValue(f"expected a number, got {type(value).__name__}") from error


def _timestamp(value: Any) -> datetime:
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, int | float) or _EPOCH.fullmatch(value):
            # Some answers give milliseconds where the model says "long", some write the number as text.
            number = float(value)
            moment = datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
        else:
            moment = datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise MalformedValue(f"expected a time, got {type(value).__name__}") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _policy(value: Any) -> str:
    if not isinstance(value, str):
        return _json(value)
    return unquote(value) if value.startswith("%7B") else value


def _list(element: Converter) -> Converter:
    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple | set | frozenset):
            raise MalformedValue(f"expected a list, got {type(value).__name__}")
        # AWS says null for nothing, as members do: [null] is what an instance without public addresses has.
        return [element(item) for item in cast("list[Any]", value) if item is not None]

    return convert


def string_map(value: Any) -> dict[str, str]:
    """A map from AWS's list of pairs (Key/Value, key/value, TagKey/TagValue, Name/Value) or from a map."""
    if isinstance(value, Mapping):
        return {str(k): "" if v is None else _text(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    result: dict[str, str] = {}
    if not isinstance(value, list):
        raise MalformedValue(f"expected pairs, got {type(value).__name__}")
    for pair in cast("list[Any]", value):
        if not isinstance(pair, Mapping):
            raise MalformedValue("expected pairs of key and value")
        lowered = {str(k).lower(): v for k, v in cast("Mapping[Any, Any]", pair).items()}
        key = next((lowered[k] for k in ("key", "tagkey", "name") if k in lowered), None)
        if key is None:
            raise MalformedValue("a pair without a key")
        found = next((lowered[k] for k in ("value", "tagvalue") if lowered.get(k) is not None), "")
        result[str(key)] = _text(found)
    return result


def _struct(type_: StructType) -> Converter:
    members = [
        (f.name, compile_path(f.path), converter(f.type), default(f.type, f.absent), f.fn)
        for f in type_.fields
    ]

    def convert(value: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, get, to, otherwise, fn in members:
            raw = get(value)
            if raw is not MISSING and fn is not None:
                raw = fn(raw)
                if raw is None:
                    raw = MISSING
            result[name] = otherwise if raw is MISSING else to(raw)
        return result

    return convert
