"""Policy patterns: the wildcards `*` and `?`, ARNs compared segment by segment, and policy variables.

IAM User Guide: JSON policy elements: Resource; Condition operators (ARN); Policy variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

Matcher = Callable[[str], bool]

_SPECIAL: Final = {"${*}": "*", "${?}": "?", "${$}": "$"}
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_DEFAULT: Final = re.compile(r"\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?")
# Stand for a literal `*` and `?` inside a pattern whose variables are filled in.
LITERAL_STAR: Final = "\x02"
LITERAL_MARK: Final = "\x03"
_LITERALS: Final = {ord("*"): LITERAL_STAR, ord("?"): LITERAL_MARK}
_PLAIN: Final = {ord(LITERAL_STAR): "*", ord(LITERAL_MARK): "?"}


@dataclass(frozen=True, slots=True)
class Variable:
    """`${key}` or `${key, 'default'}`: the key in lower case, None where there is no default."""

    key: str
    default: str | None


Template = tuple[str | Variable, ...]
"""A pattern's text and variables in order; `${*}`, `${?}` and `${$}` are already literal."""


@lru_cache(maxsize=65536)
def template(pattern: str) -> Template:
    """Reads the variables of a pattern; a malformed `${…}` is a variable that nothing fills."""
    parts: list[str | Variable] = []
    at = 0
    for found in _VARIABLE.finditer(pattern):
        parts.append(pattern[at : found.start()])
        token = found.group()
        if token in _SPECIAL:
            parts.append(_SPECIAL[token].translate(_LITERALS))
        else:
            inner = _DEFAULT.fullmatch(token[2:-1])
            parts.append(Variable(inner.group(1).lower(), inner.group(2)) if inner else Variable(token, None))
        at = found.end()
    parts.append(pattern[at:])
    merged: list[str | Variable] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return tuple(merged)


def literal(value: str) -> str:
    """A value put in a variable's place: its `*` and `?` match only themselves."""
    return value.translate(_LITERALS)


def plain(pattern: str) -> str:
    """A filled pattern as text for operators that know no wildcards."""
    return pattern.translate(_PLAIN)


@lru_cache(maxsize=65536)
def glob(pattern: str) -> Matcher:
    """A test of whole texts against a pattern with `*` (any run) and `?` (any one character)."""
    if "?" not in pattern:
        head, star, tail = pattern.partition("*")
        if not star:
            return plain(pattern).__eq__
        if not tail:
            head = plain(head)
            return lambda text: text.startswith(head)
    fullmatch = re.compile(_stars(pattern.split("*"), ".*?", ".*", "."), re.DOTALL).fullmatch
    return lambda text: fullmatch(text) is not None


def _stars(pieces: list[str], reluctant: str, greedy: str, one: str) -> str:
    """An expression for pieces with a star between each two, that takes time linear in the stars.

    What stands between two stars is best found at its first place, and never looked for again.
    """
    made = [
        "".join(one if c == "?" else re.escape(plain(c)) for c in piece)
        for n, piece in enumerate(pieces)
        if piece or n in (0, len(pieces) - 1)
    ]
    if len(made) == 1:
        return made[0]
    return made[0] + "".join(f"(?>{reluctant}{piece})" for piece in made[1:-1]) + greedy + made[-1]


@lru_cache(maxsize=65536)
def arn(pattern: str) -> Matcher:
    """A test for ARN operators: each of the six segments for itself; the last may hold colons.

    A pattern of fewer segments goes on with `*` for each that is missing, and `*` alone matches everything
    (IAM User Guide, Condition operators: ARN).
    """
    if pattern.strip("*") == "":
        return _always
    segments = pattern.split(":", 5)
    if len(segments) < 6:
        segments += ["*"] * (6 - len(segments))
    if "*" not in pattern and "?" not in pattern and len(pattern.split(":", 5)) == 6:
        return plain(pattern).__eq__
    tests = [(n, glob(s)) for n, s in enumerate(segments) if s != "*"]
    return _segment_test(tests)


@lru_cache(maxsize=65536)
def resource(pattern: str) -> Matcher:
    """A test for Resource and NotResource entries (IAM User Guide, JSON policy elements: Resource).

    Unlike ARN operators, a `*` that ends a segment reaches past the colon; elsewhere `*` and `?` stay within
    their segment, but for the last. An incomplete ARN goes on with wildcards.
    """
    if pattern.strip("*") == "":
        return _always
    segments = pattern.split(":", 5)
    head = pattern.rstrip("*")
    if len(segments) == 6 and "*" not in head and "?" not in head:
        head_plain = plain(head)
        return head_plain.__eq__ if head == pattern else lambda text: text.startswith(head_plain)
    expressions = [_segment(s, last=n == 5) for n, s in enumerate(segments)]
    rest = "" if len(segments) == 6 else "(?::.*)?"
    fullmatch = re.compile(":".join(expressions) + rest, re.DOTALL).fullmatch
    return lambda text: fullmatch(text) is not None


def _segment(pattern: str, *, last: bool) -> str:
    pieces = pattern.split("*")
    if last:
        return _stars(pieces, ".*?", ".*", ".")
    if pieces[-1] or len(pieces) == 1:
        return _stars(pieces, "[^:]*?", "[^:]*", "[^:]")
    # The star that ends the segment reaches past the colon.
    return _stars(pieces[:-1], "[^:]*?", "[^:]*", "[^:]") + ".*"


def _segment_test(tests: list[tuple[int, Matcher]]) -> Matcher:
    def test(text: str) -> bool:
        parts = text.split(":", 5)
        return len(parts) == 6 and all(matches(parts[n]) for n, matches in tests)

    return test


def _always(_: str) -> bool:
    return True
