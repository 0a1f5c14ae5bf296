"""Which actions a set of policies may and must grant, as bitsets over all actions, and principals in classes.

`may` is never too small (conditions could hold, any resource would do) and `must` never too large (no open
condition, every resource): an action outside `may` is denied on every resource, one inside `must` allowed on
every one, and only what lies between wants an exact decision (`evaluate`, or `population` for many at once).
Both speak of what the identity's own policies grant; what a resource policy adds by naming a principal
only `decide` says.

IAM User Guide: Policy evaluation logic. AWS Organizations User Guide: SCP evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Policy, Statement
from partywall.analysis.iam.evaluate import (
    Layer,
    Policies,
    PolicySet,
)
from partywall.analysis.iam.operators import holds
from partywall.analysis.iam.principal import Kind, Principal
from partywall.analysis.iam.universe import Universe, actions

_NOTHING_KNOWN: Final = Context()
# Page "Actions, resources, and condition keys for AWS STS": no policy withholds these two.
_FREE: Final = ("sts:getcalleridentity", "sts:getsessiontoken")
# A role's trust policy must allow these too, and a key policy what is asked of a key.
_NEEDS_MORE: Final = (
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
)
_NO_IDENTITY: Final = (Kind.SERVICE, Kind.ANONYMOUS, Kind.CANONICAL, Kind.WEB_IDENTITY, Kind.SAML)


@dataclass(frozen=True, slots=True)
class Masks:
    """Bitsets of actions: allowed on some resource perhaps, on every one certainly; denied likewise."""

    allow_may: int
    allow_must: int
    deny_may: int
    deny_must: int


@dataclass(frozen=True, slots=True)
class Effective:
    """What remains after denies, boundary, session policies and SCPs: `must` lies within `may`."""

    may: int
    must: int


@dataclass(frozen=True, slots=True)
class Member:
    """A principal and the policies that bear on it. `policies` is shared where it can be."""

    principal: Principal
    policies: Policies


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalClass:
    """Members (by their place in the list given) whose policies are the same, and what they may do."""

    members: tuple[int, ...]
    policies: Policies
    effective: Effective
    shell: tuple[object, ...]
    """Tells apart all that bears on its members but their identity-based policies."""


class Masker:
    """Makes masks and keeps them for each distinct policy. `universe`: the actions (None: all of AWS's)."""

    def __init__(self, universe: Universe | None = None) -> None:
        self.universe = actions() if universe is None else universe
        self._of_policy: dict[int, tuple[Policy, Masks]] = {}
        self._of_set: dict[tuple[int, ...], Masks] = {}
        self._free = self.universe.bits(_FREE)
        self._needs_more = self.universe.bits(_NEEDS_MORE) | self.universe.match("kms:*")

    def statement(self, statement: Statement) -> int:
        """The actions that Action or NotAction takes in."""
        made = 0
        for pattern in statement.actions:
            made |= self.universe.match(pattern)
        return self.universe.all & ~made if statement.not_action else made

    def policy(self, policy: Policy) -> Masks:
        """The masks of one document; each object is read once."""
        found = self._of_policy.get(id(policy))
        if found is None:
            found = self._of_policy[id(policy)] = (policy, self._read(policy))
        return found[1]

    def _read(self, policy: Policy) -> Masks:
        allow_may = allow_must = deny_may = deny_must = 0
        for statement in policy.statements:
            certainty = _always(statement)
            if certainty is False:
                continue
            mask = self.statement(statement)
            if statement.allow:
                allow_may |= mask
                if certainty:
                    allow_must |= mask
            else:
                deny_may |= mask
                if certainty:
                    deny_must |= mask
        return Masks(allow_may, allow_must, deny_may, deny_must)

    def policies(self, policies: Iterable[Policy]) -> Masks:
        """The masks of policies that count as one layer."""
        allow_may = allow_must = deny_may = deny_must = 0
        for policy in policies:
            masks = self.policy(policy)
            allow_may |= masks.allow_may
            allow_must |= masks.allow_must
            deny_may |= masks.deny_may
            deny_must |= masks.deny_must
        return Masks(allow_may, allow_must, deny_may, deny_must)

    def layer(self, layer: PolicySet | None, unread: bool = False) -> Masks:
        """The masks of a layer; one that was not read may allow and may deny everything."""
        if layer is None:
            masks = Masks(0, 0, 0, 0)
        else:
            key = tuple(map(id, layer.policies))
            found = self._of_set.get(key)
            if found is None:
                found = self._of_set[key] = self.policies(layer.policies)
            masks = found
        if not unread:
            return masks
        every = self.universe.all
        return Masks(every, masks.allow_must, every, masks.deny_must)

    def effective(self, principal: Principal, policies: Policies) -> Effective:
        """What a principal may and must be allowed in its own account, resource policies apart."""
        every = self.universe.all
        if principal.kind in _NO_IDENTITY:
            return Effective(0, 0)
        unread = policies.unread
        # Not kept by set: nearly every principal has its own, and its policies' masks are kept.
        identity = (
            self.policies(policies.identity.policies)
            if policies.identity is not None and Layer.IDENTITY not in unread
            else self.layer(policies.identity, Layer.IDENTITY in unread)
        )
        root = principal.kind is Kind.ROOT
        may = every if root else identity.allow_may
        must = every if root else identity.allow_must
        deny_may, deny_must = identity.deny_may, identity.deny_must
        limits: list[tuple[PolicySet | None, bool]] = [
            (layer, kind in unread)
            for layer, kind in (
                (policies.boundary, Layer.BOUNDARY),
                (policies.session, Layer.SESSION),
                (policies.endpoint, Layer.ENDPOINT),
            )
            if layer is not None or kind in unread
        ]
        if policies.session is None and Layer.SESSION not in unread and principal.kind is Kind.FEDERATED_USER:
            return Effective(self._free, self._free)
        if not (principal.management or principal.service_linked):
            limits += [(level, Layer.SCP in unread) for level in policies.scps]
            if Layer.SCP in unread and not policies.scps:
                limits.append((None, True))
        for layer, open_ in limits:
            masks = self.layer(layer, open_)
            may &= masks.allow_may
            must &= masks.allow_must
            deny_may |= masks.deny_may
            deny_must |= masks.deny_must
        if policies.rcps or Layer.RCP in unread or policies.resource is not None or Layer.RESOURCE in unread:
            # These hang on the resource; without looking at it nothing is certain.
            deny_may = every
        may = may & ~deny_must | self._free
        must = must & ~deny_may & ~self._needs_more | self._free
        return Effective(may, must & may)


def _always(statement: Statement) -> bool | None:
    """Whether a statement applies to every request of its actions; False where it applies to none."""
    certain: bool | None = True
    for condition in statement.conditions:
        held = holds(condition, _NOTHING_KNOWN)
        if held is False:
            return False
        if held is None:
            certain = None
    if statement.broken or statement.principal is not None:
        return None
    if statement.resources is not None and (
        statement.not_resource or not any(r.strip("*") == "" for r in statement.resources)
    ):
        return None
    return certain


def classes(members: Sequence[Member], masker: Masker) -> list[PrincipalClass]:
    """The members grouped by all that the masks depend on, in order of each group's first member."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for n, member in enumerate(members):
        policies, principal = member.policies, member.principal
        key: tuple[object, ...] = (
            frozenset(map(id, policies.identity.policies)) if policies.identity is not None else None,
            _ids(policies.boundary),
            tuple(map(id, policies.scps)),
            _ids(policies.session),
            _ids(policies.endpoint),
            _ids(policies.resource),
            tuple(map(id, policies.rcps)),
            policies.public_blocked,
            policies.unread,
            principal.kind,
            principal.account,
            principal.management,
            principal.service_linked,
        )
        groups.setdefault(key, []).append(n)
    made: list[PrincipalClass] = []
    for key, places in groups.items():
        first = members[places[0]]
        effective = masker.effective(first.principal, first.policies)
        made.append(PrincipalClass(tuple(places), first.policies, effective, key[1:]))
    return made


def _ids(layer: PolicySet | None) -> tuple[int, ...] | None:
    return None if layer is None else tuple(map(id, layer.policies))
