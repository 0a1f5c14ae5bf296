"""Exact sets of packets: spans of whole numbers, and products of them.

Groups and network ACLs match the remote address, the protocol and the destination port (ICMP type and code)
alone. So for a fixed pair of addresses, what passes there and back is a product: protocols and destination
ports forward, times the client's source ports that the reply may go to. Both lie on one axis, `TCP` ports
first, then `UDP` ports, `ICMP` and `ICMPV6` types and codes (256 * type + code), then bare protocol numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

TCP: Final = 0
UDP: Final = 65536
ICMP: Final = 131072
ICMPV6: Final = 196608
OTHER: Final = 262144
END: Final = OTHER + 256
STARTS: Final = {6: TCP, 17: UDP, 1: ICMP, 58: ICMPV6}
"""Where each protocol with ports (or types) begins on the axis."""


class Spans:
    """An immutable set of whole numbers as disjoint spans in order, both ends within."""

    __slots__ = ("_hash", "spans")

    def __init__(self, spans: tuple[tuple[int, int], ...]) -> None:
        self.spans = spans
        self._hash = hash(spans)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Spans) and self.spans == other.spans)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self.spans)

    @property
    def count(self) -> int:
        """How many numbers are in it (more, of IPv6 addresses, than `len` could tell)."""
        return sum(high - low + 1 for low, high in self.spans)

    def __repr__(self) -> str:
        return f"Spans({self.spans})"

    def __contains__(self, number: int) -> bool:
        return any(low <= number <= high for low, high in self.spans)

    def __and__(self, other: Spans) -> Spans:
        if self is other or other is FULL:
            return self
        if self is FULL:
            return other
        return _both(self, other)

    def __or__(self, other: Spans) -> Spans:
        if self is other or not other.spans or self is FULL:
            return self
        if not self.spans or other is FULL:
            return other
        return _either(self, other)

    def __sub__(self, other: Spans) -> Spans:
        if not other.spans or not self.spans:
            return self
        if self is other or other is FULL:
            return EMPTY
        return _without(self, other)

    def covers(self, other: Spans) -> bool:
        """Whether all of `other` is in it."""
        return not (other - self)


def spans(pairs: Iterable[tuple[int, int]]) -> Spans:
    """The set of any spans, overlapping or not."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pairs):
        if merged and low <= merged[-1][1] + 1:
            if high > merged[-1][1]:
                merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    found = tuple(merged)
    return FULL if found == FULL.spans else Spans(found)


EMPTY: Final = Spans(())
FULL: Final = Spans(((0, END - 1),))
"""All of the axis of protocols and ports."""


@lru_cache(maxsize=1 << 17)
def _both(a: Spans, b: Spans) -> Spans:
    found: list[tuple[int, int]] = []
    i = j = 0
    one, two = a.spans, b.spans
    while i < len(one) and j < len(two):
        low = max(one[i][0], two[j][0])
        high = min(one[i][1], two[j][1])
        if low <= high:
            found.append((low, high))
        if one[i][1] < two[j][1]:
            i += 1
        else:
            j += 1
    return Spans(tuple(found))


@lru_cache(maxsize=1 << 16)
def _either(a: Spans, b: Spans) -> Spans:
    return spans(a.spans + b.spans)


@lru_cache(maxsize=1 << 16)
def _without(a: Spans, b: Spans) -> Spans:
    found: list[tuple[int, int]] = []
    for low, high in a.spans:
        at = low
        for cut_low, cut_high in b.spans:
            if cut_high < at or cut_low > high:
                continue
            if cut_low > at:
                found.append((at, cut_low - 1))
            at = cut_high + 1
            if at > high:
                break
        if at <= high:
            found.append((at, high))
    return Spans(tuple(found))


ICMP_SPAN: Final = Spans(((ICMP, ICMP + 65535),))
ICMPV6_SPAN: Final = Spans(((ICMPV6, ICMPV6 + 65535),))
PORTED: Final = Spans(((TCP, UDP + 65535),))
FAMILY: Final = {4: FULL - ICMPV6_SPAN, 6: FULL - ICMP_SPAN}
"""What a packet of each family may carry."""


@lru_cache(maxsize=65536)
def services(protocol: int, low: int = -1, high: int = -1) -> Spans:
    """A protocol (-1 all) with destination ports `low` to `high` (-1 all), or, for ICMP, type and code."""
    if protocol < 0:
        return FULL
    start = STARTS.get(protocol)
    if start is None:
        return Spans(((OTHER + protocol, OTHER + protocol),))
    if protocol in (1, 58):
        if low < 0:
            return Spans(((start, start + 65535),))
        if high < 0:
            return Spans(((start + 256 * low, start + 256 * low + 255),))
        return Spans(((start + 256 * low + high, start + 256 * low + high),))
    if low < 0:
        return Spans(((start, start + 65535),))
    return Spans(((start + low, start + max(low, high)),)) if low <= max(low, high) else EMPTY


# RFC 792 and RFC 4443: the type that answers a type. What is not here is not answered.
ANSWERED: Final = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18}, ICMPV6: {128: 129, 139: 140, 144: 145}}

Product = tuple[Spans, Spans]
"""Services forward, and where the reply goes to: source ports where the protocol has ports, else FULL."""
Flows = tuple[Product, ...]
"""A union of products."""

ALL: Final[Flows] = ((FULL, FULL),)
NONE: Final[Flows] = ()


@lru_cache(maxsize=65536)
def forward(passing: Spans) -> Flows:
    """The flows of which a filter lets the first packet pass."""
    return ((passing, FULL),) if passing else NONE


@lru_cache(maxsize=65536)
def reply(passing: Spans) -> Flows:
    """The flows of which a filter lets the reply pass: its destination port is the flow's source port.

    An ICMP request passes if its answer does, or if it has none; another protocol if the protocol does.
    """
    if passing is FULL or passing == FULL:
        return ALL
    services_kept: Spans = PORTED | (passing & Spans(((OTHER, END - 1),)))
    for start, answers in ANSWERED.items():
        kept = Spans(((start, start + 65535),))
        for asked, answer in answers.items():
            if (start + 256 * answer) not in passing:
                kept = kept - Spans(((start + 256 * asked, start + 256 * asked + 255),))
        services_kept = services_kept | kept
    product = _tidy(services_kept, (passing & PORTED) | (FULL - PORTED))
    return NONE if product is None else (product,)


@lru_cache(maxsize=65536)
def cross(a: Flows, b: Flows) -> Flows:
    """The flows in both."""
    if a is ALL or a == ALL:
        return b
    if b is ALL or b == ALL:
        return a
    found: list[Product] = []
    for services_a, replies_a in a:
        for services_b, replies_b in b:
            product = _tidy(services_a & services_b, replies_a & replies_b)
            if product is not None:
                found.append(product)
    return tuple(dict.fromkeys(found))


def join(a: Flows, b: Flows) -> Flows:
    """The flows in either, as products that may overlap."""
    return tuple(dict.fromkeys((*a, *b)))


def _tidy(services_: Spans, replies: Spans) -> Product | None:
    """Without what the other side leaves nothing of; None where nothing is left."""
    for start in (TCP, UDP):
        one = Spans(((start, start + 65535),))
        if services_ & one:
            if not (replies & one):
                services_ = services_ - one
        elif replies & one and (replies & one) != one:
            replies = replies | one
    return (services_, replies) if services_ else None


def services_of(flows: Flows) -> Spans:
    """Every service that some flow has."""
    found = EMPTY
    for services_, _ in flows:
        found = found | services_
    return found


def protocol_of(place: int) -> tuple[int, int]:
    """Protocol number and port (or 256 * type + code; -1 for others) of a place on the axis."""
    if place >= OTHER:
        return place - OTHER, -1
    for protocol, start in STARTS.items():
        if start <= place < start + 65536:
            return protocol, place - start
    raise ValueError(place)


def described(found: Spans) -> list[tuple[int, int, int]]:
    """Protocol number, first and last port of each run (-1, -1 all of a protocol; protocol -1 all)."""
    if found == FULL or found in FAMILY.values():
        return [(-1, -1, -1)]
    runs: list[tuple[int, int, int]] = []
    for low, high in found:
        at = low
        while at <= high:
            if at >= OTHER:
                runs.extend((number - OTHER, -1, -1) for number in range(at, high + 1))
                break
            protocol, first = protocol_of(at)
            last_place = min(high, STARTS[protocol] + 65535)
            last = last_place - STARTS[protocol]
            runs.append((protocol, -1, -1) if (first, last) == (0, 65535) else (protocol, first, last))
            at = last_place + 1
    return runs
