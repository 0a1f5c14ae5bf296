"""The request context: keys with their values, keys known to be missing, and keys that nobody knows.

A key that is not known leaves a condition open: the decision then carries it as residual, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

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

    def with_defaults(
        self,
        values: Mapping[str, Values],
        missing: Iterable[str] = (),
        prefixes: Iterable[str] = (),
        present: frozenset[str] = frozenset(),
    ) -> Context:
        """This context, and where it says nothing of a key, `values` and `missing` (keys in lower case).

        Keys that begin with one of `prefixes` and are not given are missing.
        """
        made = _Prefixed(tuple(prefixes)) if prefixes else Context()
        made.complete = self.complete
        made.present = self.present | present
        made._values = {**values, **self._values}
        for key in self._missing:
            made._values.pop(key, None)
        made._missing = self._missing | {k for k in missing if k not in self._values}
        return made

    def items(self) -> Iterable[tuple[str, Values]]:
        """The keys with known values."""
        return self._values.items()


class _Prefixed(Context):
    """A context in which whole families of keys are known (all tags of a principal, for one)."""

    __slots__ = ("_prefixes",)

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        super().__init__()
        self._prefixes = prefixes

    def get(self, key: str) -> Found:
        found = super().get(key)
        return MISSING if found is UNKNOWN and key.startswith(self._prefixes) else found


def _values(given: str | bool | float | Iterable[str]) -> Values:
    if isinstance(given, bool):
        return ("true" if given else "false",)
    if isinstance(given, str):
        return (given,)
    if isinstance(given, (int, float)):
        return (str(given),)
    return tuple(given)
