"""Sets of texts written with the policy wildcards `*` and `?`, compared without listing their members."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Globs:
    """The texts that some pattern matches; with `negated` (NotAction, NotResource) those that none does."""

    patterns: tuple[str, ...]
    negated: bool = False

    def covers(self, other: Globs) -> bool:
        """Whether each member of `other` is a member of this set (no false yes)."""
        if other.negated:
            if self.negated:
                return all(any(covers(theirs, mine) for theirs in other.patterns) for mine in self.patterns)
            return "*" in self.patterns
        return all(self.covers_pattern(pattern) for pattern in other.patterns)

    def covers_pattern(self, pattern: str) -> bool:
        """Whether each text that `pattern` matches is a member of this set (no false yes)."""
        if self.negated:
            return not any(overlaps(mine, pattern) for mine in self.patterns)
        return any(covers(mine, pattern) for mine in self.patterns)

    def touches(self, pattern: str) -> bool:
        """Whether some text that `pattern` matches is a member (for a negated set: no false no)."""
        if self.negated:
            return not any(covers(mine, pattern) for mine in self.patterns)
        return any(overlaps(mine, pattern) for mine in self.patterns)

    def parts(self) -> tuple[Globs, ...]:
        """This set as sets of one pattern each; a negated set is one whole."""
        return (self,) if self.negated else tuple(Globs((pattern,)) for pattern in self.patterns)


EVERYTHING: Final = Globs(("*",))
