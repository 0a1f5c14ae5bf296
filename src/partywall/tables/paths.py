"""Paths into API answers, compiled once per column: "Versioning.Status", "Groups[].GroupId", "." """

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast


class _Missing:
    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Any] = _Missing()
Getter = Callable[[Any], Any]


def segments(path: str) -> list[str]:
    """The dotted segments of a path; a "[]" stays at the end of its segment."""
    return [] if path in ("", ".") else path.split(".")


def compile_path(path: str) -> Getter:
    """A function from an answer (or element) to the value at `path`, or MISSING.

    "a[].b" gives the list of all b's, nested lists flattened; elements without b are left out. A member that
    is there with the value None counts as missing, since AWS's parsers drop nulls and our recordings may not.
    """
    parts = segments(path)
    if not parts:
        return _identity
    if not any(part.endswith("[]") for part in parts):
        return _member(parts[0]) if len(parts) == 1 else _members(tuple(parts))
    return _flattening(parts)


def _identity(value: Any) -> Any:
    return MISSING if value is None else value


def _member(name: str) -> Getter:
    def get(value: Any) -> Any:
        # The class first: answers are dicts, and the ABC's test costs five times as much.
        is_map = value.__class__ is dict or isinstance(value, Mapping)
        found = value.get(name) if is_map else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return MISSING if found is None else found  # pyright: ignore[reportUnknownVariableType]

    return get


def _members(names: tuple[str, ...]) -> Getter:
    def get(value: Any) -> Any:
        for name in names:
            if value.__class__ is not dict and not isinstance(value, Mapping):
                return MISSING
            value = cast("Mapping[str, Any]", value).get(name)
            if value is None:
                return MISSING
        return value

    return get


def _flattening(parts: list[str]) -> Getter:
    at = next(i for i, part in enumerate(parts) if part.endswith("[]"))
    prefix = [*parts[:at], parts[at][:-2]]
    head = compile_path(".".join(part for part in prefix if part))
    rest = compile_path(".".join(parts[at + 1 :]))
    nested = any(part.endswith("[]") for part in parts[at + 1 :])

    def get(value: Any) -> Any:
        found = head(value)
        if found is MISSING:
            return MISSING
        elements: list[Any] = found if isinstance(found, list) else [found]
        result: list[Any] = []
        for element in elements:
            inner = rest(element)
            if inner is MISSING:
                continue
            if nested:
                result.extend(inner)
            else:
                result.append(inner)
        return result

    return get
