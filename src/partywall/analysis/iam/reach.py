"""What a principal can do: each action with the patterns of resources on which something allows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from partywall.analysis.iam.actions import Action, asked, find, services
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.evaluate import SPECIAL_ACTIONS, Decision, Layer, Outcome
from partywall.analysis.iam.masks import Masker
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
    """Everything a principal of a world may do, sorted by action and pattern.

    A pattern is decided as if it were one resource: a Deny on all of it denies, a Deny on part of it is an
    exception. Only the policies of the principal and those of resources that name it are looked at. Actions
    of one service that the same statements take in are decided once.
    """
    identity = world.identity(who)
    own = identity.policies if identity is not None else None
    masker = Masker()
    bearing = [*_statements(own), *_statements(identity.boundary if identity is not None else None)]
    for level in world.account(who.account).scps:
        bearing += _statements(level)
    granted = masker.universe.all if who.kind is Kind.ROOT else _allowed(masker, _statements(own))
    found: dict[tuple[str, str], Reach] = {}
    for part in _cut(masker, _by_service(masker, granted), bearing, *SPECIAL_ACTIONS):
        for actions, fixed in _by_resources(masker, part):
            for place in _places(own, actions[0].name.lower(), who):
                # Of a resource with a policy of its own that tells actions apart too.
                at = fixed if fixed and not world.held(place) else place
                for alike in _cut(masker, [_bits(masker, actions)], _of_resource(world, at, who)):
                    for made in _reached(world, who, _actions(masker, alike), at):
                        found[made.action, made.resource] = made
    for held in world.resources.values():
        naming = [s for s in _statements(held.policies) if s.allow and s.principal and who.form(s)]
        if not any(who.form(s) > Form.ACCOUNT for s in naming):
            continue
        bears = [*bearing, *_of_resource(world, held.arn, who)]
        for part in _cut(masker, _by_service(masker, _allowed(masker, naming)), bears, *SPECIAL_ACTIONS):
            places: dict[str, list[Action]] = {}
            for action in _actions(masker, part):
                for place in _at(action, held):
                    places.setdefault(place, []).append(action)
            for place, actions in places.items():
                for made in _reached(world, who, actions, place):
                    found[made.action, made.resource] = made
    return [found[key] for key in sorted(found, key=lambda key: (key[0].lower(), key[1]))]


def _of_resource(world: World, place: str, who: Principal) -> list[Statement]:
    """The statements that bear on a request for what it is about."""
    held = world.held(place)
    found = _statements(held.policies if held is not None else None)
    for level in world.account(world.resource(place, who.account).account).rcps:
        found += _statements(level)
    return found


def _statements(layer: PolicySet | None) -> list[Statement]:
    return [s for policy in layer.policies for s in policy.statements] if layer is not None else []


def _allowed(masker: Masker, statements: Iterable[Statement]) -> int:
    mask = 0
    for statement in statements:
        if statement.allow:
            mask |= masker.statement(statement)
    return mask


def _by_service(masker: Masker, mask: int) -> list[int]:
    return [part for s in services() if (part := masker.universe.match(f"{s}:*") & mask)]


def _cut(
    masker: Masker, parts: list[int], statements: Iterable[Statement], *special: Iterable[str]
) -> list[int]:
    """Parts of all actions, parted further where a statement or a special rule tells them apart."""
    cuts = {masker.statement(s) for s in statements} | {masker.universe.bits(names) for names in special}
    for cut in cuts:
        parts = [piece for part in parts for piece in (part & cut, part & ~cut) if piece]
    return parts


def _bits(masker: Masker, actions: Iterable[Action]) -> int:
    return masker.universe.bits(action.name.lower() for action in actions)


def _actions(masker: Masker, part: int) -> list[Action]:
    return [action for name in masker.universe.names(part) if (action := find(name)) is not None]


def _by_resources(masker: Masker, part: int) -> Iterator[tuple[list[Action], str]]:
    """The actions of a part that take resources, and with their place those that are asked on one alone."""
    groups: dict[str, list[Action]] = {}
    for action in _actions(masker, part):
        groups.setdefault("" if action.resources else asked(action.name).resources[0], []).append(action)
    yield from ((actions, place) for place, actions in groups.items())


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


def _at(action: Action, held: Held) -> Iterator[str]:
    """The resource, or all its parts (a bucket's objects), as the action takes them."""
    for acts_on in action.resources:
        if acts_on.type.takes(held.arn):
            yield held.arn
        elif acts_on.type.takes(f"{held.arn}/*"):
            yield f"{held.arn}/*"


def _reached(world: World, who: Principal, actions: list[Action], place: str) -> Iterator[Reach]:
    """Actions that every policy treats alike, on one place."""
    first = actions[0].name
    policies, decision = world.decide(Request(who, first, world.resource(place, who.account), Context()))
    if not decision.may:
        return
    noted = {id(r.statement) for r in decision.residual}
    exceptions: list[Statement] = []
    sets = (*policies.scps, *policies.rcps, policies.identity, policies.boundary, policies.resource)
    for policy_set in sets:
        for rule in policy_set.rules(first.lower())[0] if policy_set is not None else ():
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
    denied = tuple(dict.fromkeys(exceptions))
    for action in actions:
        yield Reach(action.name, place, decision.outcome, statements, decision, denied)
