"""Users, roles and groups with what escalation needs to know of them beside their policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.evaluate import PolicySet
from partywall.analysis.iam.world import Identity, World


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A user or role."""

    identity: Identity
    trust: PolicySet | None = None
    """Of a role; None for a user, and where it was not read."""
    managed: tuple[str, ...] = ()
    """ARNs of the customer managed policies in force for it, its groups' too."""
    groups: tuple[str, ...] = ()
    """ARNs of a user's groups."""
    password: bool | None = None
    """Whether a user has a password; None where that is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """A group: what of its policies was read, and whether that is all."""

    arn: str
    policies: PolicySet
    unread: bool = False


@dataclass(slots=True)
class People:
    """All that was read of the principals of some accounts."""

    world: World
    persons: list[Person] = field(default_factory=list[Person])
    groups: list[Grouping] = field(default_factory=list[Grouping])
    versions: dict[str, Sequence[Policy] | None] = field(default_factory=dict[str, Sequence[Policy] | None])
    """Of each customer managed policy (ARN) its versions that are not the default; None: not read."""


def customer_managed(attached: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The ARNs of the customer managed policies among those attached."""
    return tuple(a["arn"] for a in attached if a["arn"].split(":")[4:5] != ["aws"])
