"""Values out of JSON text: the fields that rules read beyond a log's columns."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from partywall.detections.sigma.fields import compact

if TYPE_CHECKING:
    import pyarrow as pa

# orjson makes floats of whole numbers past 64 bits.
_LONG: Final = re.compile(r"[0-9]{19}")
_KEPT: Final = 100_000

# A path as the ways to take its first step: dots may join steps or be part of a key.
_Ways = tuple[tuple[str, "_Ways | None"], ...]


class Reader:
    """Reads several paths ("" the whole value) out of JSON texts, remembering texts that it saw before."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.ways = [_ways(path) if path else None for path in paths]
        self.seen: dict[str, list[list[str]]] = {}

    def read(self, text: str | None) -> list[list[str]]:
        """The values at each path, as text; none at all where the text is no JSON."""
        if text is None:
            return [[] for _ in self.ways]
        found = self.seen.get(text)
        if found is None:
            found = [[] for _ in self.ways]
            value = decoded(text)
            for ways, into in zip(self.ways, found, strict=True):
                if ways is None:
                    _texts(value, into)
                else:
                    _collect(value, ways, into)
            if len(self.seen) < _KEPT:
                self.seen[text] = found
        return found


def decoded(text: str) -> Any:
    """A JSON text's value; None where it is none."""
    if _LONG.search(text) is None:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # Python's reader takes what is nearly JSON too, such as halves of surrogate pairs.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def column(values: list[list[str]]) -> tuple[pa.Array, bool]:
    """Values per row as VARCHAR where no row has several, else as VARCHAR[] (and True)."""
    import pyarrow as pa

    many = any(len(each) > 1 for each in values)
    kind = pa.list_(pa.string()) if many else pa.string()
    try:
        return pa.array(values if many else [each[0] if each else None for each in values], kind), many
    except UnicodeEncodeError:
        sound = [[text.encode("utf-8", "replace").decode() for text in each] for each in values]
        return column(sound)


def _ways(path: str) -> _Ways:
    steps = path.split(".")
    return tuple(
        (".".join(steps[:count]), _ways(".".join(steps[count:])) if count < len(steps) else None)
        for count in range(1, len(steps) + 1)
    )


def _collect(value: Any, ways: _Ways, into: list[str]) -> None:
    if isinstance(value, dict):
        for key, rest in ways:
            inner = value.get(key)
            if inner is None:
                continue
            if rest is None:
                _texts(inner, into)
            else:
                _collect(inner, rest, into)
    elif isinstance(value, list):
        for item in value:
            _collect(item, ways, into)


def _texts(value: Any, into: list[str]) -> None:
    if isinstance(value, str):
        into.append(value)
    elif value is None:
        return
    elif isinstance(value, bool):
        into.append("true" if value else "false")
    elif isinstance(value, list):
        for item in value:
            _texts(item, into)
    else:
        into.append(compact(value) if isinstance(value, dict) else repr(value))
