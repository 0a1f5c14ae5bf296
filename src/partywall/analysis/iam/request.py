"""One request: who does what to which resource, in which context.

IAM User Guide: Policy evaluation logic (the request context); AWS global condition context keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from partywall.analysis.iam.context import Composed, Context, Facts, Values
from partywall.analysis.iam.principal import Kind, Principal

_SIGNED_TEMPORARILY: Final = (Kind.ROLE, Kind.ROLE_SESSION, Kind.FEDERATED_USER)
_TEMPORARY_KEYS: Final = frozenset(("aws:tokenissuetime",))


@dataclass(frozen=True)
class Resource:
    """What a request acts on. `arn` is "*" for actions on no resource in particular.

    `account` "" where it is not known; `tags` None likewise.
    """

    arn: str
    account: str = ""
    tags: Mapping[str, str] | None = None
    organization: str | None = None
    management: bool = False
    """Of the organization's management account: RCPs do not apply."""

    @cached_property
    def keys(self) -> Facts:
        """What the request context holds of this resource."""
        values: dict[str, Values] = {}
        missing: set[str] = set()
        families: tuple[str, ...] = ()
        if self.account:
            values["aws:resourceaccount"] = (self.account,)
            values["s3:resourceaccount"] = (self.account,)
        if self.organization:
            values["aws:resourceorgid"] = (self.organization,)
        elif self.organization == "":
            missing.add("aws:resourceorgid")
        if self.tags is not None:
            service = self.arn.split(":", 3)[2] if self.arn.startswith("arn:") else ""
            families = ("aws:resourcetag/", f"{service}:resourcetag/")
            for key, value in self.tags.items():
                for family in families:
                    values[f"{family}{key.lower()}"] = (value,)
        return Facts(values, frozenset(missing), families)


@dataclass(frozen=True)
class Request:
    """One request: who does what to which resource, in which context."""

    principal: Principal
    action: str
    resource: Resource
    context: Context = field(default_factory=Context)

    @property
    def full_context(self) -> Context:
        """The context with what follows from principal and resource."""
        temporary = self.principal.kind in _SIGNED_TEMPORARILY
        return Composed(
            self.context,
            self.principal.keys,
            self.resource.keys,
            _TEMPORARY_KEYS if temporary else frozenset(),
        )

    @property
    def same_account(self) -> bool:
        """Whether principal and resource are of one account; True where the resource's is not known."""
        return not self.resource.account or self.principal.account == self.resource.account
