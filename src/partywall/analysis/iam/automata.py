"""Policy patterns as automata: the classes of texts that several patterns tell apart, each with a member.

The classes are exact: two texts of one class are matched by the same patterns. IAM User Guide: JSON policy
elements: Resource (wildcards do not cross an ARN's segments but for the last).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from partywall.analysis.iam.patterns import LITERAL_MARK, LITERAL_STAR

_ANY: Final = "any"
_NO_COLON: Final = "no colon"
_STAR: Final = "star"
_STAR_NO_COLON: Final = "star without colon"
_PLAIN: Final = {LITERAL_STAR: "*", LITERAL_MARK: "?"}
# Stands for each character that no pattern names; none does, or another is taken.
_OTHERS: Final = "zqxjkvwy0123456789ZQXJKVWY~"
MAX_STATES: Final = 20_000

Token = tuple[str, str]
"""(sort, character): sort "" is the character itself."""


class TooMany(Exception):
    """The patterns tell more classes apart than can be listed."""


def glob_tokens(pattern: str) -> tuple[Token, ...]:
    """A pattern whose wildcards match any character."""
    return tuple(_token(char, False) for char in pattern)


def literal_tokens(text: str) -> tuple[Token, ...]:
    """A text that matches only itself."""
    return tuple(("", _PLAIN.get(char, char)) for char in text)


def segment_tokens(pattern: str, segments: int) -> tuple[Token, ...]:
    """A pattern whose first `segments - 1` segments are matched each for itself, the last with its colons."""
    parts = pattern.split(":", segments - 1)
    parts += ["*"] * (segments - len(parts))
    tokens: list[Token] = []
    for n, part in enumerate(parts):
        if n:
            tokens.append(("", ":"))
        tokens += [_token(char, n < segments - 1) for char in part]
    return tuple(tokens)


def arn_tokens(pattern: str) -> tuple[Token, ...]:
    """A pattern of ARNs; `*` alone matches every text."""
    return glob_tokens("*") if pattern.strip("*") == "" else segment_tokens(pattern, 6)


def resource_tokens(pattern: str) -> tuple[tuple[Token, ...], ...]:
    """A Resource entry, as the patterns that it is the union of.

    A `*` that ends a segment reaches past the colon.
    """
    if pattern.strip("*") == "":
        return (glob_tokens("*"),)
    parts = pattern.split(":", 5)
    tokens: list[Token] = []
    for n, part in enumerate(parts):
        if n:
            tokens.append(("", ":"))
        end = len(part) - 1
        tokens += [_token(c, n < 5 and not (c == "*" and at == end)) for at, c in enumerate(part)]
    whole = tuple(tokens)
    if len(parts) == 6:
        return (whole,)
    return (whole, (*whole, ("", ":"), *glob_tokens("*")))


def _token(char: str, inner: bool) -> Token:
    if char == "*":
        return (_STAR_NO_COLON if inner else _STAR, "")
    if char == "?":
        return (_NO_COLON if inner else _ANY, "")
    return ("", _PLAIN.get(char, char))


@dataclass(frozen=True, slots=True)
class Class:
    """The texts that exactly the patterns of `members` (their numbers as bits) match; `example` is one."""

    members: int
    example: str


def classes(patterns: Iterable[tuple[Token, ...]], limit: int = MAX_STATES) -> list[Class]:
    """All classes that the patterns tell apart, each once. Raises TooMany past `limit` states."""
    machines = list(patterns)
    named = {char for tokens in machines for sort, char in tokens if not sort}
    other = next((c for c in _OTHERS if c not in named), "\u00a4")
    start = _closed(machines, {(n, 0) for n in range(len(machines))})
    seen = {start}
    queue: list[tuple[frozenset[tuple[int, int]], str]] = [(start, "")]
    found: dict[int, str] = {}
    for state, text in queue:
        members = 0
        letters: set[str] = {other}
        for n, at in state:
            tokens = machines[n]
            if at == len(tokens):
                members |= 1 << n
            elif not tokens[at][0]:
                letters.add(tokens[at][1])
            elif tokens[at][0] in (_NO_COLON, _STAR_NO_COLON):
                letters.add(":")
        found.setdefault(members, text)
        for letter in sorted(letters):
            reached = _step(machines, state, letter)
            if reached not in seen:
                if len(seen) >= limit:
                    raise TooMany
                seen.add(reached)
                queue.append((reached, text + letter))
    return [Class(members, text) for members, text in found.items()]


def _closed(machines: list[tuple[Token, ...]], state: set[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    pending = list(state)
    while pending:
        n, at = pending.pop()
        tokens = machines[n]
        if at < len(tokens) and tokens[at][0] in (_STAR, _STAR_NO_COLON) and (n, at + 1) not in state:
            state.add((n, at + 1))
            pending.append((n, at + 1))
    return frozenset(state)


def _step(
    machines: list[tuple[Token, ...]], state: frozenset[tuple[int, int]], letter: str
) -> frozenset[tuple[int, int]]:
    reached: set[tuple[int, int]] = set()
    for n, at in state:
        tokens = machines[n]
        if at == len(tokens):
            continue
        sort, char = tokens[at]
        if sort == _STAR or (sort == _STAR_NO_COLON and letter != ":"):
            reached.add((n, at))
        elif (not sort and char == letter) or sort == _ANY or (sort == _NO_COLON and letter != ":"):
            reached.add((n, at + 1))
    return _closed(machines, reached)
