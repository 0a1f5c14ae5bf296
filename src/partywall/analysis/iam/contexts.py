"""Request contexts that tell conditions apart: for each key, one value of every kind that matters.

IAM User Guide: Condition operators; Creating a condition with multiple keys or values. Keys are taken to be
independent of one another.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from partywall.analysis.iam.automata import (
    TooMany,
    arn_tokens,
    classes,
    glob_tokens,
    literal_tokens,
)
from partywall.analysis.iam.context import ALWAYS, Values
from partywall.analysis.iam.operators import Condition, instant, network

MAX_CONTEXTS: Final = 50_000
_MAX_SET: Final = 6
_STATES: Final = 4_000
_LARGEST: Final = {4: 2**32 - 1, 6: 2**128 - 1}


@dataclass(frozen=True, slots=True)
class Choices:
    """Values of a key worth trying, None for a missing key; `why` says what they leave out, "" nothing."""

    values: tuple[Values | None, ...]
    why: str = ""


def choices(key: str, conditions: Iterable[Condition]) -> Choices:
    """What to try of a key (in lower case) that `conditions` ask for, their variables already filled."""
    mine = [c for c in conditions if c.lower_key == key]
    families = {_family(c.name) for c in mine} - {"null"}
    why = "" if len(families) <= 1 else f"{key} is compared as {' and as '.join(sorted(families))}"
    singles: list[str] = []
    for family in sorted(families):
        found = _singles(family, [c for c in mine if _family(c.name) == family])
        if found is None:
            why = why or f"the patterns of {key} are too many to tell apart"
        singles += found or []
    if family_folds(mine):
        why = why or f"{key} is compared with and without case"
    # A value for keys that are only asked to be there.
    singles = list(dict.fromkeys(singles)) or ["x"]
    values: list[Values | None] = [] if key in ALWAYS else [None]
    if any(c.quantifier for c in mine):
        largest = len(singles) if len(singles) <= _MAX_SET else 2
        if len(singles) > _MAX_SET:
            why = why or f"the sets of values of {key} are too many to try"
        for size in range(1, largest + 1):
            values += list(itertools.combinations(singles, size))
    else:
        values += [(single,) for single in singles]
    return Choices(tuple(values), why)


def family_folds(conditions: Iterable[Condition]) -> bool:
    """Whether a key is compared both with regard to case and without."""
    names = {c.name for c in conditions}
    folded = {name for name in names if "ignorecase" in name}
    return bool(folded) and any(name.startswith(("string", "arn")) for name in names - folded)


def _family(name: str) -> str:
    for family in ("string", "arn", "numeric", "date", "bool", "binary", "null"):
        if name.startswith(family):
            return "text" if family in ("string", "arn") else family
    return "address"


def _singles(family: str, conditions: list[Condition]) -> list[str] | None:
    """One value of each kind that the conditions tell apart; None where they are too many."""
    listed = [value for c in conditions for value in c.values]
    if family == "bool":
        return ["true", "false"]
    if family == "text":
        patterns = [
            arn_tokens(value)
            if c.name.startswith("arn")
            else glob_tokens(value)
            if "like" in c.name
            else literal_tokens(value)
            for c in conditions
            for value in c.values
        ]
        try:
            found = [each.example for each in classes(dict.fromkeys(patterns), _STATES)]
        except TooMany:
            return None
        return found + [text.swapcase() for text in found if any("ignorecase" in c.name for c in conditions)]
    if family == "binary":
        return [*listed, "cGFydHl3YWxs"]
    if family == "address":
        return _addresses(listed)
    read = [
        n for value in listed if (n := instant(value) if family == "date" else _number(value)) is not None
    ]
    points = sorted(set(read))
    between = [(a + b) / 2 for a, b in itertools.pairwise(points)]
    edges = [points[0] - 1, points[-1] + 1] if points else [1.0]
    # Four digits alone would be read as a year.
    return [f"{n:.6f}" if family == "date" else repr(n) for n in (*points, *between, *edges)]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _addresses(ranges: list[str]) -> list[str]:
    """The first address of each interval that the ranges cut the address space into."""
    starts: dict[int, set[int]] = {4: {0}, 6: set()}
    for text in ranges:
        found = network(text)
        if isinstance(found, (IPv4Network, IPv6Network)):
            starts[found.version] |= {0, int(found.network_address), int(found.broadcast_address) + 1}
    return [str(IPv4Address(n)) for n in sorted(starts[4]) if n <= _LARGEST[4]] + [
        str(IPv6Address(n)) for n in sorted(starts[6]) if n <= _LARGEST[6]
    ]


def contexts(
    conditions: Iterable[Condition], fixed: dict[str, Values | None]
) -> tuple[Iterator[dict[str, Values | None]], str]:
    """The contexts to try, and why they may leave something out ("" where they do not).

    `fixed`: keys whose value is settled. Raises TooMany past `MAX_CONTEXTS`.
    """
    listed = list(conditions)
    keys = sorted({c.lower_key for c in listed} - fixed.keys())
    options = [choices(key, listed) for key in keys]
    total = 1
    for option in options:
        total *= len(option.values)
    if total > MAX_CONTEXTS:
        raise TooMany
    why = next((option.why for option in options if option.why), "")
    made = (
        {**fixed, **dict(zip(keys, values, strict=True))}
        for values in itertools.product(*(option.values for option in options))
    )
    return made, why
