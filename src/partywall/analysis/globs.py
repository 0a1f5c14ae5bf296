"""Sets of texts written with the policy wildcards `*` and `?`, compared without listing their members."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

WILDCARDS: Final = frozenset("*?")


def has_wildcard(text: str) -> bool:
    """Whether `text` holds `*` or `?`."""
    return "*" in text or "?" in text


@lru_cache(maxsize=16384)
def covers(pattern: str, other: str) -> bool:
    """Whether `pattern` matches every text that the pattern or text `other` matches (no false yes)."""
    if pattern in ("*", other):
        return True
    if not has_wildcard(pattern):
        return False
    if not has_wildcard(pattern[:-1]) and pattern[-1] == "*":
        return other.startswith(pattern[:-1])
    # The usual greedy walk; a `*` of `other` is taken by a `*` of `pattern` only, never by `?`.
    p = o = 0
    star, resume = -1, 0
    while o < len(other):
        if p < len(pattern) and pattern[p] == "*":
            star, resume = p, o
            p += 1
        elif p < len(pattern) and (
            (pattern[p] == "?" and other[o] != "*") or (pattern[p] == other[o] and other[o] not in WILDCARDS)
        ):
            p += 1
            o += 1
        elif star >= 0:
            resume += 1
            p, o = star + 1, resume
        else:
            return False
    return all(char == "*" for char in pattern[p:])


@lru_cache(maxsize=16384)
def overlaps(a: str, b: str) -> bool:
    """Whether some text is matched by both patterns."""
    if a == "*" or b == "*":
        return True
    if not has_wildcard(a):
        return covers(b, a)
    if not has_wildcard(b):
        return covers(a, b)
    # reach[j]: the first i characters of `a` and the first j of `b` can match one text.
    reach = [True] + [False] * len(b)
    for j, char in enumerate(b, 1):
        reach[j] = reach[j - 1] and char == "*"
    for left in a:
        row = [reach[0] and left == "*"] + [False] * len(b)
        for j, right in enumerate(b, 1):
            if left == "*" or right == "*":
                row[j] = reach[j] or row[j - 1]
            else:
                row[j] = reach[j - 1] and (left == right or "?" in (left, right))
        reach = row
    return reach[-1]
