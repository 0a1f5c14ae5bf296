"""What a principal can do: each action with the patterns of resources on which something allows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from partywall.analysis.iam.actions import all_actions, asked, find
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.evaluate import Decision, Layer, Outcome
from partywall.analysis.iam.operators import fill
from partywall.analysis.iam.principal import Form, Kind, Principal
from partywall.analysis.iam.request import Request, Resource
from partywall.analysis.iam.rules import PolicySet

if TYPE_CHECKING:
    from partywall.analysis.iam.world import Held, World


@dataclass(frozen=True, slots=True)
class Reach:
    """An action on a pattern of resources: allowed, or `depends` on open conditions.

    `exceptions` are Deny statements on the action that may take some of these resources out.
    """

    action: str
    resource: str
    outcome: Outcome
    statements: tuple[Statement, ...]
    decision: Decision
    exceptions: tuple[Statement, ...]


def reach(world: World, who: Principal) -> list[Reach]:
    """Everything a principal of a world may do, sorted by action.

    A pattern is decided as if it were one resource: a Deny on all of it denies, a Deny on part of it is an
    exception. Only the policies of the principal and those of resources that name it are looked at.
    """
    identity = world.identity(who)
    own = identity.policies if identity is not None else None
    naming = [held for held in world.resources.values() if _names(held, who)]
    found: list[Reach] = []
    for action in all_actions():
        name = action.name.lower()
        for place in sorted(_places(own, name, who)):
            found += _reached(world, who, action.name, place)
        for held in naming:
            if held.policies is None or not any(who.form(r.statement) for r in held.policies.rules(name)[1]):
                continue
            for place in sorted(_at(action.name, held)):
                found += _reached(world, who, action.name, place)
    return list({(r.action, r.resource): r for r in found}.values())


def _places(policies: PolicySet | None, action: str, who: Principal) -> Iterator[str]:
    """The patterns of resources that Allow statements on an action name; "*" for NotResource."""
    if who.kind is Kind.ROOT:
        yield "*"
        return
    seen: set[str] = set()
    for rule in policies.rules(action)[1] if policies is not None else ():
        statement = rule.statement
        every = statement.not_resource or statement.resources is None
        seen.update(("*",) if every else statement.resources or ())
    context = Request(who, action, Resource("*", who.account), Context()).full_context
    filled = ((fill(place, context), place) for place in seen)
    seen = {to if isinstance(to, str) else place for to, place in filled}
    # What "*" takes in needs no telling apart.
    yield from ("*",) if "*" in seen else seen


def _names(held: Held, who: Principal) -> bool:
    """Whether an Allow of a resource's policy names the principal itself, or everyone."""
    return held.policies is not None and any(
        s.allow and s.principal is not None and who.form(s) > Form.ACCOUNT
        for p in held.policies.policies
        for s in p.statements
    )


def _at(action: str, held: Held) -> Iterator[str]:
    """The resource, or all its parts (a bucket's objects), as the action takes them."""
    known = find(action)
    for acts_on in known.resources if known is not None else ():
        if acts_on.type.takes(held.arn):
            yield held.arn
        elif acts_on.type.takes(f"{held.arn}/*"):
            yield f"{held.arn}/*"


def _reached(world: World, who: Principal, action: str, place: str) -> Iterator[Reach]:
    known = find(action)
    if known is not None and not known.resources and not world.held(place):
        place = asked(action).resources[0]
    request = Request(who, action, world.resource(place, who.account), Context())
    policies, decision = world.decide(request)
    if not decision.may:
        return
    noted = {id(r.statement) for r in decision.residual}
    exceptions: list[Statement] = []
    sets = (*policies.scps, *policies.rcps, policies.identity, policies.boundary, policies.resource)
    for policy_set in sets:
        for rule in policy_set.rules(action.lower())[0] if policy_set is not None else ():
            statement = rule.statement
            narrow = statement.not_resource or (statement.resources or ("*",)) != ("*",)
            if narrow and id(statement) not in noted and who.form(statement):
                exceptions.append(statement)
    statements = tuple(
        s
        for step in decision.steps
        if step.layer in (Layer.IDENTITY, Layer.RESOURCE)
        for s in step.statements
    )
    yield Reach(action, place, decision.outcome, statements, decision, tuple(dict.fromkeys(exceptions)))
