"""What escalation needs to know of accounts, and the in-memory form of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.evaluate import Policies, PolicySet
from partywall.analysis.iam.principal import Principal


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A user or role. `managed`: ARNs of the customer managed policies in force for it, its groups' too."""

    principal: Principal
    policies: Policies
    trust: PolicySet | None = None
    """Of a role; None for a user, and for a role whose trust was not read (whoever is granted
    sts:AssumeRole on it then possibly assumes it)."""
    managed: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """ARNs of a user's groups."""
    password: bool | None = None
    """Whether a user has a password; None where that is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A group and what its policies say."""

    arn: str
    policies: PolicySet
    unread: bool = False
    """Not all of its policies were read."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A resource that holds a role's credentials: a function, an instance, a project, a stack…"""

    kind: str
    """As the steps of escalation.yaml name it (`lambda-function`, `ec2-instance`…)."""
    arn: str
    role: str
    """The role's ARN; "" for one that holds none yet."""


class EscalationWorld(Protocol):
    """The principals, groups and holders of roles of one or several accounts."""

    @property
    def actors(self) -> Sequence[Actor]:
        """All users and roles."""
        ...

    @property
    def groups(self) -> Sequence[Group]:
        """All groups."""
        ...

    @property
    def holdings(self) -> Sequence[Holding]:
        """All known resources that hold a role."""
        ...

    @property
    def versions(self) -> Mapping[str, Sequence[Policy] | None]:
        """Of each customer managed policy (ARN) its versions that are not the default; None: not read."""
        ...


@dataclass(frozen=True)
class Accounts:
    """An `EscalationWorld` held in memory."""

    actors: Sequence[Actor]
    groups: Sequence[Group] = ()
    holdings: Sequence[Holding] = ()
    versions: Mapping[str, Sequence[Policy] | None] = field(
        default_factory=dict[str, Sequence[Policy] | None]
    )
