"""Lists of facts with a three-valued membership."""

from __future__ import annotations

from collections.abc import Iterable


class Names:
    """A set of names of which some may be uncertain; its value is what a list field of the facts holds."""

    __slots__ = ("_certain", "_uncertain")

    def __init__(self) -> None:
        self._certain: set[str] = set()
        self._uncertain = False

    def add(self, names: Iterable[str]) -> None:
        """Add names that certainly belong."""
        self._certain.update(names)

    def doubt(self) -> None:
        """Note that something may belong that cannot be named or is not certain."""
        self._uncertain = True

    def put(self, names: Iterable[str], certain: bool | None) -> None:
        """Add names if `certain` is True, note a doubt if it is None, else nothing."""
        if certain:
            self.add(names)
        elif certain is None:
            self.doubt()

    def __contains__(self, name: str) -> bool:
        return name in self._certain

    def value(self) -> tuple[str | None, ...] | None:
        """Sorted names; with doubts None where there are no others, else with one NULL element."""
        if not self._uncertain:
            return tuple(sorted(self._certain))
        return (*sorted(self._certain), None) if self._certain else None

    def certain(self) -> tuple[str, ...]:
        """The certain names, sorted."""
        return tuple(sorted(self._certain))
