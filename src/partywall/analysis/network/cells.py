"""Addresses that are followed one by one, each with all those around it that fare alike.

A walk follows one packet. Wherever a rule looks at an address, the point notes how far the same answer holds;
so one walk decides a whole cell, and walking on beside it covers every address exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from partywall.analysis.network.addresses import V6_START, Cidr

Held = TypeVar("Held")
_END = V6_START + (1 << 128)


class Point:
    """An address of the axis, and the span around it for which every look so far would have ended alike."""

    __slots__ = ("high", "low", "value")

    def __init__(self, value: int, low: int | None = None, high: int | None = None) -> None:
        self.value = value
        self.low = value if low is None else low
        self.high = value if high is None else high

    def narrow(self, low: int, high: int) -> None:
        """Keep to the addresses from `low` to `high`, which hold the value."""
        self.low = max(self.low, low)
        self.high = min(self.high, high)

    def within(self, cidr: Cidr) -> bool:
        """Whether it lies in a prefix; narrows to those of which the same is true."""
        if self.value < cidr.first:
            self.high = min(self.high, cidr.first - 1)
            return False
        if self.value > cidr.last:
            self.low = max(self.low, cidr.last + 1)
            return False
        self.narrow(cidr.first, cidr.last)
        return True


class Pieces(Generic[Held]):
    """Something that depends on an address and is the same between the ends of some prefixes."""

    __slots__ = ("_compute", "_held", "_starts")

    def __init__(self, cidrs: Iterable[Cidr], compute: Callable[[int], Held]) -> None:
        starts = {0, V6_START}
        for cidr in cidrs:
            starts.add(cidr.first)
            starts.add(cidr.last + 1)
        starts.discard(_END)
        self._starts = sorted(starts)
        self._held: dict[int, Held] = {}
        self._compute = compute

    def at(self, point: Point) -> Held:
        """What holds at a point, which is narrowed to where it does."""
        index = bisect_right(self._starts, point.value) - 1
        low = self._starts[index]
        point.narrow(low, self._starts[index + 1] - 1 if index + 1 < len(self._starts) else _END - 1)
        if index not in self._held:
            self._held[index] = self._compute(low)
        return self._held[index]
