"""The request context: keys with their values, keys known to be missing, and keys that nobody knows.

A key that is not known leaves a condition open: the decision then carries it as residual, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

Values = tuple[str, ...]


class Missing:
    """The request is known not to carry the key."""


class Unknown:
    """Whether the request carries the key, and with which value, is not known."""


class Present:
    """The request carries the key, and its value is not known."""


MISSING: Final = Missing()
UNKNOWN: Final = Unknown()
PRESENT: Final = Present()
Found = Values | Missing | Unknown | Present

# Page "AWS global condition context keys": these are in the context of every request.
ALWAYS: Final = frozenset(
    ("aws:currenttime", "aws:epochtime", "aws:securetransport", "aws:requestedregion", "aws:viaawsservice")
)


class Context:
    """Condition keys of one request. Names are compared without case, values are kept as they are.

    With `complete` a key that is not given is missing, as in a captured request; otherwise it is unknown.
    """

    __slots__ = ("_missing", "_values", "complete", "present")

    def __init__(
        self,
        values: Mapping[str, str | bool | float | Iterable[str]] | None = None,
        *,
        missing: Iterable[str] = (),
        complete: bool = False,
    ) -> None:
        self._values: dict[str, Values] = {k.lower(): _values(v) for k, v in (values or {}).items()}
        self._missing = {k.lower() for k in missing}
        self.complete = complete
        self.present: frozenset[str] = frozenset()
        """Keys (in lower case) that the request carries with values that are not known."""

    def get(self, key: str) -> Found:
        """What is known of a key (in lower case)."""
        found = self._values.get(key)
        if found is not None:
            return found
        if self.complete or key in self._missing:
            return MISSING
        return PRESENT if key in ALWAYS or key in self.present else UNKNOWN

    def items(self) -> Iterable[tuple[str, Values]]:
        """The keys with known values."""
        return self._values.items()


class Facts(NamedTuple):
    """What is known of one party of a request (keys in lower case); nothing is copied for a request."""

    values: Mapping[str, Values]
    missing: frozenset[str]
    families: tuple[str, ...]
    """Prefixes of keys of which all are known: those not given are missing."""


class Composed(Context):
    """A request's own context and, where it says nothing of a key, what follows from the two parties."""

    __slots__ = ("_parties",)

    def __init__(self, own: Context, principal: Facts, resource: Facts, present: frozenset[str]) -> None:
        self._values = own._values
        self._missing = own._missing
        self.complete = own.complete
        self.present = own.present | present if own.present else present
        self._parties = (principal, resource)

    def get(self, key: str) -> Found:
        found = self._values.get(key)
        if found is not None:
            return found
        if key in self._missing:
            return MISSING
        principal, resource = self._parties
        found = principal.values.get(key) or resource.values.get(key)
        if found is not None:
            return found
        if self.complete or key in principal.missing or key in resource.missing:
            return MISSING
        if key in ALWAYS or key in self.present:
            return PRESENT
        known = key.startswith((*principal.families, *resource.families))
        return MISSING if known else UNKNOWN

    def items(self) -> Iterable[tuple[str, Values]]:
        principal, resource = self._parties
        together = {**principal.values, **resource.values, **self._values}
        return {k: v for k, v in together.items() if k not in self._missing}.items()


def _values(given: str | bool | float | Iterable[str]) -> Values:
    if isinstance(given, str):
        return (given,)
    if isinstance(given, bool):
        return ("true" if given else "false",)
    if isinstance(given, (int, float)):
        return (str(given),)
    return tuple(given)
