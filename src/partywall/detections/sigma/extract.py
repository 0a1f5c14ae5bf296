"""Values out of JSON text: the fields that rules read beyond a log's columns."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from partywall.detections.sigma.fields import compact

if TYPE_CHECKING:
    import pyarrow as pa

# orjson makes floats of whole numbers past 64 bits.
_LONG: Final = re.compile(r"[0-9]{19}")


@dataclass(slots=True)
class _Step:
    """A place on the way to some fields: `fields` end here, `next` are the keys that lead on."""

    fields: list[int] = field(default_factory=list[int])
    next: dict[str, _Step] = field(default_factory=dict[str, "_Step"])


def _way(paths: Sequence[str]) -> _Step:
    """All paths as one tree; dots may join keys or be part of one, so that a path has several ways."""
    root = _Step()
    for number, path in enumerate(paths):
        if path:
            _add(root, path.split("."), number)
        else:
            root.fields.append(number)
    return root


def _add(step: _Step, keys: list[str], number: int) -> None:
    for count in range(1, len(keys) + 1):
        following = step.next.setdefault(".".join(keys[:count]), _Step())
        if count < len(keys):
            _add(following, keys[count:], number)
        else:
            following.fields.append(number)


def read(texts: Sequence[str | None], paths: Sequence[str]) -> list[list[list[str] | None]]:
    """For each path ("" the whole value) the values in each JSON text, as text; None where there is none."""
    found: list[list[list[str] | None]] = [[None] * len(texts) for _ in paths]
    root = _way(paths)
    for row, text in enumerate(texts):
        if text is not None:
            _walk(decoded(text), root, row, found)
    return found


def _walk(value: Any, step: _Step, row: int, found: list[list[list[str] | None]]) -> None:
    if step.fields:
        values: list[str] = []
        _texts(value, values)
        if values:
            for number in step.fields:
                before = found[number][row]
                found[number][row] = values if before is None else [*before, *values]
    if step.next:
        _lead(value, step.next, row, found)


def _lead(value: Any, ways: dict[str, _Step], row: int, found: list[list[list[str] | None]]) -> None:
    if isinstance(value, dict):
        for key, step in ways.items():
            inner = value.get(key)
            if inner is not None:
                _walk(inner, step, row, found)
    elif isinstance(value, list):
        for item in value:
            _lead(item, ways, row, found)


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


def column(values: Sequence[list[str] | None]) -> tuple[pa.Array, bool]:
    """Values per row as VARCHAR where no row has several, else as VARCHAR[] (and True)."""
    import pyarrow as pa

    many = any(each is not None and len(each) > 1 for each in values)
    kind = pa.list_(pa.string()) if many else pa.string()
    try:
        return pa.array(values if many else [each and each[0] for each in values], kind), many
    except UnicodeEncodeError:
        # Half of a surrogate pair, which JSON can carry and UTF-8 cannot.
        sound = [each and [text.encode("utf-8", "replace").decode() for text in each] for each in values]
        return column(sound)


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
