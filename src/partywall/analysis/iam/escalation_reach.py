"""On which named things (principals, groups, policies, resources) policies allow an action, as bitsets.

The same structure as with actions: ARNs in order, a Resource pattern expanded once, statements' answers kept
for each policy and action, and combined for a principal by `&` and `|`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from partywall.analysis.iam.context import UNKNOWN, Context
from partywall.analysis.iam.document import Policy, Statement
from partywall.analysis.iam.escalation_world import Actor
from partywall.analysis.iam.evaluate import Layer, PolicySet, Request, Resource, decide
from partywall.analysis.iam.operators import fill, holds
from partywall.analysis.iam.patterns import LITERAL_MARK, LITERAL_STAR, Variable, template
from partywall.analysis.iam.patterns import resource as resource_matcher
from partywall.analysis.iam.universe import Universe

_OF_PRINCIPAL: Final = re.compile(r"aws:(principal|user|source(arn|account|org)|multifactor|token|federated)")
_WILD: Final = re.compile(r"[*?]+")


@dataclass(frozen=True, slots=True)
class Reach:
    """Bitsets of things: certainly, and at most (open conditions assumed to hold)."""

    yes: int
    may: int


@dataclass(frozen=True, slots=True)
class _Said:
    allow_yes: int = 0
    allow_may: int = 0
    deny_yes: int = 0
    deny_may: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """A step's condition keys; each has a number of its own for caches."""

    context: Context
    number: int


class Reacher:
    """Answers `reach` over a universe of ARNs."""

    def __init__(self, things: Universe) -> None:
        self.things = things
        self._said: dict[tuple[int, str, int], _Said] = {}
        self._kept: dict[int, tuple[Policy, bool]] = {}

    def personal(self, policy: Policy) -> bool:
        """Whether what a policy says hangs on who asks: by variables, or by keys of the principal."""
        found = self._kept.get(id(policy))
        if found is None:
            found = self._kept[id(policy)] = (policy, any(_personal(s) for s in policy.statements))
        return found[1]

    def reach(self, actor: Actor, action: str, setting: Setting) -> Reach:
        """The things on which an actor's own policies allow an action (lower case), of whatever account."""
        policies, principal = actor.policies, actor.principal
        limits: list[tuple[PolicySet | None, bool]] = [(policies.identity, Layer.IDENTITY in policies.unread)]
        if policies.boundary is not None or Layer.BOUNDARY in policies.unread:
            limits.append((policies.boundary, Layer.BOUNDARY in policies.unread))
        if not (principal.management or principal.service_linked):
            limits += [(level, False) for level in policies.scps]
            if Layer.SCP in policies.unread:
                limits.append((None, True))
        yes = may = self.things.all
        for layer, unread in limits:
            allow_yes = allow_may = 0
            for policy in layer.policies if layer is not None else ():
                said = self.said(policy, action, setting, actor)
                allow_yes |= said.allow_yes
                allow_may |= said.allow_may
                yes &= ~said.deny_may
                may &= ~said.deny_yes
            yes &= 0 if unread else allow_yes
            may &= self.things.all if unread else allow_may
        return Reach(yes & may, may)

    def said(self, policy: Policy, action: str, setting: Setting, actor: Actor) -> _Said:
        """What one policy says of an action on each thing."""
        if self.personal(policy):
            request = Request(actor.principal, action, Resource("*"), setting.context)
            return self._read(policy, action, request.full_context)
        key = (id(policy), action, setting.number)
        found = self._said.get(key)
        if found is None:
            found = self._said[key] = self._read(policy, action, setting.context)
        return found

    def _read(self, policy: Policy, action: str, context: Context) -> _Said:
        allow_yes = allow_may = deny_yes = deny_may = 0
        for statement in policy.statements:
            if not statement.action_matches(action):
                continue
            held = [holds(condition, context) for condition in statement.conditions]
            if False in held:
                continue
            yes, may = self._covered(statement, context)
            if None in held or statement.broken:
                yes = 0
            if statement.allow:
                allow_yes |= yes
                allow_may |= may
            else:
                deny_yes |= yes
                deny_may |= may
        return _Said(allow_yes, allow_may, deny_yes, deny_may)

    def _covered(self, statement: Statement, context: Context) -> tuple[int, int]:
        if statement.resources is None:
            return self.things.all, self.things.all
        yes = may = 0
        for pattern in statement.resources:
            if not statement.variables or "${" not in pattern:
                bits = self.things.match(pattern)
                yes |= bits
                may |= bits
                continue
            filled = fill(pattern, context)
            if isinstance(filled, str):
                bits = self.things.match(filled)
                yes |= bits
                may |= bits
            elif filled is UNKNOWN:
                may |= self.things.match(_widened(pattern))
        if statement.not_resource:
            return self.things.all & ~may, self.things.all & ~yes
        return yes, may


def _personal(statement: Statement) -> bool:
    if statement.variables and any("${" in r for r in statement.resources or ()):
        return True
    return any(
        _OF_PRINCIPAL.match(c.lower_key) or any("${" in v for v in c.values) for c in statement.conditions
    )


def _widened(pattern: str) -> str:
    return "".join("*" if isinstance(part, Variable) else part for part in template(pattern))


def witness(actor: Actor, action: str, shape: str, context: Context) -> bool | None:
    """Whether an actor is allowed an action on some resource of a shape, which it may name as it likes.

    Each Resource entry that allows the action is made into one resource; `decide` judges it. None where
    conditions are open for all of those that are not denied.
    """
    best: bool | None = False
    for resource in _candidates(actor, action, shape.replace("{account}", actor.principal.account)):
        made = decide(
            Request(actor.principal, action, Resource(resource, actor.principal.account), context),
            actor.policies,
        )
        if made.must:
            return True
        if made.may:
            best = None
    return best


def _candidates(actor: Actor, action: str, shape: str) -> Iterable[str]:
    partition = actor.principal.arn.split(":", 2)[1]
    service = action.partition(":")[0]
    wanted = f"arn:{partition}:{service}:*:*:*" if shape == "*" else shape
    yield "*" if shape == "*" else _example(wanted, wanted, partition)
    identity = actor.policies.identity
    if identity is None:
        return
    fits = resource_matcher(wanted)
    seen: set[str] = set()
    for policy in identity.policies:
        for statement in policy.statements:
            if not statement.allow or not statement.action_matches(action) or statement.not_resource:
                continue
            for pattern in statement.resources or ():
                wide = _widened(pattern) if statement.variables else pattern
                if wide.startswith("arn:") and wide not in seen:
                    seen.add(wide)
                    made = _example(wide, wanted, partition)
                    if fits(made):
                        yield made


@lru_cache(maxsize=16384)
def _example(pattern: str, shape: str, partition: str) -> str:
    """One ARN of a pattern, its wildcards filled from the shape or by `x`."""
    mine, theirs = pattern.split(":", 5), shape.split(":", 5)
    mine += ["*"] * (6 - len(mine))
    defaults = (partition, "x", "us-east-1", "000000000000")
    filled: list[str] = []
    for n, (own, other) in enumerate(zip(mine, theirs, strict=True)):
        if own == "*":
            own = other
        if own == "*" and n in (1, 2, 3, 4):
            own = defaults[n - 1]
        filled.append(_WILD.sub("x", own).replace(LITERAL_STAR, "*").replace(LITERAL_MARK, "?"))
    return ":".join(filled)
