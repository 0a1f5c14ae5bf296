"""Escalation over what was read, told for each principal in three values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from partywall.analysis.iam.context import Context
from partywall.analysis.iam.escalation import CONTROL, Escalation, Hop, Path
from partywall.analysis.iam.escalation_steps import Step
from partywall.analysis.iam.escalation_world import Accounts, Actor
from partywall.analysis.iam.evaluate import Layer, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.operators import holds
from partywall.analysis.iam.scan_actors import (
    IDENTITIES,
    PASSWORDS,
    PRINCIPALS,
    RCPS,
    SCPS,
    VERSIONS,
    Reading,
    accounts,
    catalogue,
)

_GRANTING: Final = (Layer.IDENTITY, Layer.RESOURCE)
SELF: Final = "self"
"""Kinds of steps: a change of one's own rights, or how another principal is become."""


def how(step: Step) -> str:
    """What kind of step it is: self, assume, credentials, trust, pass-role or take-over."""
    if step.yields != "identity":
        return SELF
    if step.reach == "assumable-role":
        return "assume"
    if step.reach == "service-role":
        return "pass-role"
    if step.reach == "holding-role":
        return "take-over"
    return "credentials" if step.reach.startswith("user") else "trust"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a hop is possible: an action it needs, the resource it reaches ("": any of its kind), and the
    statements that allow it (none: they come by the step before)."""

    action: str
    resource: str
    statements: tuple[str, ...]


class Standpoint:
    """Escalation over one world."""

    def __init__(self, world: Accounts, steps: Iterable[Step], masker: Masker) -> None:
        self.world = world
        self.masker = masker
        self.graph = Escalation(world, tuple(steps), masker)
        self.actors = {a.principal.arn: a for a in world.actors}
        self.admins = frozenset(self.graph.admins)
        self.paths: dict[str, Path] = {p.principal: p for p in self.graph.paths()}
        self.holders: dict[str, list[tuple[str, str]]] = {}
        for holding in world.holdings:
            if holding.role:
                self.holders.setdefault(holding.role, []).append((holding.kind, holding.arn))
        self._passing: dict[tuple[object, ...], bool] = {}

    def may_be_admin(self, arn: str) -> bool:
        """Whether a principal is an administrator if open conditions hold."""
        return arn in self.admins or self._open_admin(self.actors[arn])

    def _open_admin(self, actor: Actor) -> bool:
        policies, every = actor.policies, self.masker.universe.all
        if policies.identity is None or self.masker.layer(policies.identity).allow_may != every:
            return False
        context = Request(actor.principal, "", Resource("*")).full_context
        if not all(
            self._all_open(layer, context)
            for layer in (policies.identity, policies.boundary)
            if layer is not None
        ):
            return False
        left = control = self.masker.universe.bits(CONTROL)
        if not (actor.principal.management or actor.principal.service_linked):
            for level in policies.scps:
                masks = self.masker.layer(level)
                left &= masks.allow_may & ~masks.deny_must
        return left == control

    def _all_open(self, layer: PolicySet, context: Context) -> bool:
        """Whether a layer may allow every action on every resource: no denial that is sure stands against."""
        allowed = 0
        for policy in layer.policies:
            for statement in policy.statements:
                held = [holds(c, context) for c in statement.conditions]
                if False in held:
                    continue
                everything = statement.resources is None or "*" in statement.resources
                if statement.allow and everything and not statement.not_resource and not statement.broken:
                    allowed |= self.masker.statement(statement)
                elif not statement.allow and None not in held and not statement.broken:
                    return False
        return allowed == self.masker.universe.all

    def passes_admins(self, arn: str) -> bool:
        """Whether a principal may hand administrator roles of its account to some service, of any name."""
        actor = self.actors[arn]
        policies = actor.policies
        masks = self.masker.effective(actor.principal, policies)
        if not self.masker.universe.has(masks.may, "iam:passrole"):
            return False
        own = [a for a in self._admin_roles if a.principal.account == actor.principal.account]
        key = (
            tuple(map(id, policies.identity.policies)) if policies.identity else None,
            id(policies.boundary),
            tuple(map(id, policies.scps)),
            actor.principal.account,
        )
        personal = any(
            rule.statement.conditions or rule.patterns
            for layer in (policies.identity, policies.boundary, *policies.scps)
            if layer is not None
            for rules in layer.rules("iam:passrole")
            for rule in rules
        )
        if not personal and key in self._passing:
            return self._passing[key]
        found = any(
            decide(
                Request(
                    actor.principal, "iam:PassRole", Resource(role.principal.arn, role.principal.account)
                ),
                policies,
            ).may
            for role in own
            if role.principal.arn != arn
        )
        self._passing[key] = found
        return found

    @cached_property
    def _admin_roles(self) -> list[Actor]:
        return [self.actors[arn] for arn in sorted(self.admins) if ":role/" in arn]

    def evidence(self, hop: Hop) -> list[Evidence]:
        """What a hop rests on, for each action that its step needs."""
        actor = self.actors[hop.source]
        return [self._evidence(actor, hop, action, on) for action, on in hop.step.needs.items()]

    def _evidence(self, actor: Actor, hop: Hop, action: str, on: str) -> Evidence:
        policies = actor.policies
        context = Context(
            {**hop.step.context, **({"iam:PassedToService": hop.step.service} if hop.step.service else {})},
            missing=hop.step.absent,
        )
        best = Evidence(action, "", ())
        for resource in self._resources(actor, hop, on):
            account = resource.split(":")[4] if resource.startswith("arn:") else actor.principal.account
            target = self.actors.get(resource)
            tags = target.principal.tags if target is not None else None
            given = policies
            if hop.step.reach == "assumable-role" and target is not None:
                given = Policies(
                    policies.identity,
                    target.trust,
                    policies.boundary,
                    scps=policies.scps,
                    rcps=policies.rcps,
                    unread=policies.unread,
                )
            made = decide(Request(actor.principal, action, Resource(resource, account, tags), context), given)
            if made.may:
                labels = [s.label for t in made.steps if t.layer in _GRANTING for s in t.statements]
                labels += [r.statement.label for r in made.residual if r.statement and r.layer in _GRANTING]
                found = Evidence(action, resource, tuple(dict.fromkeys(labels)))
                if made.must:
                    return found
                best = best if best.statements else found
        return best

    def _resources(self, actor: Actor, hop: Hop, on: str) -> list[str]:
        """The resources on which an action would serve a hop, the likeliest first."""
        step, target = hop.step, hop.target
        if on == "holding":
            kinds = [h for h in self.world.holdings if h.kind == step.holding]
            return [h.arn for h in kinds if step.reach != "holding-role" or h.role == target] or ["*"]
        if on == "target":
            held = self.actors.get(target, actor)
            if step.reach in ("policy", "old-policy"):
                return list(held.managed)
            if step.reach == "group":
                return [target] if step.yields == "group" else list(held.groups)
            return [target] if target else []
        if on == "provider":
            return []
        return ["*", on.replace("{account}", actor.principal.account).replace("*", "x")]


@dataclass(frozen=True, slots=True)
class Way:
    """A principal's shortest way to administrator rights, or to another principal. `certainty`: certain,
    possible (conditions are open) or unknown; then `gaps` tells what was not read."""

    principal: str
    certainty: str
    hops: tuple[Hop, ...]
    gaps: tuple[str, ...]
    evidence: tuple[tuple[Evidence, ...], ...]
    """Of each hop."""

    @property
    def target(self) -> str:
        """Whom the last hop reaches; "" for something new."""
        return self.hops[-1].target if self.hops else ""


class Study:
    """Escalation over both extremes of what was not read; one of them where all was."""

    def __init__(self, reading: Reading, masker: Masker | None = None) -> None:
        self.reading = reading
        shared = Masker() if masker is None else masker
        self.least = self._standpoint(shared, granted=False)
        self.most = self._standpoint(shared, granted=True) if reading.gaps else self.least

    def _standpoint(self, masker: Masker, *, granted: bool) -> Standpoint:
        def every(_gap: str) -> bool:
            return granted

        return Standpoint(accounts(self.reading, every), catalogue(self.reading, every), masker)

    def ways(self, to: str = "") -> list[Way]:
        """The ways to administrator rights, or (`to` an ARN) to become one principal: certain ones first,
        then by length and ARN. Raises UserError where there is no such principal."""
        least, most = self.least.paths, self.most.paths
        if to:
            least, most = ({p.principal: p for p in s.graph.paths_to(to)} for s in (self.least, self.most))
        found: list[Way] = []
        for arn in {**least, **most}:
            if not to and arn in self.least.admins:
                continue
            known = least.get(arn)
            at, path = (self.least, known) if known is not None else (self.most, most[arn])
            certainty = "unknown" if known is None else "certain" if path.certain else "possible"
            gaps = tuple(sorted(self._gaps(arn, path.hops))) if known is None else ()
            evidence = tuple(tuple(at.evidence(hop)) for hop in path.hops)
            found.append(Way(arn, certainty, path.hops, gaps, evidence))
        order = ("certain", "possible", "unknown")
        return sorted(found, key=lambda w: (order.index(w.certainty), len(w.hops), w.principal))

    def certainty(self, arn: str) -> str:
        """Of a way to administrator rights: certain, possible (conditions are open), unknown (it hangs on
        what was not read) or none."""
        least, most = self.least, self.most
        if arn in least.admins or (arn in least.paths and least.paths[arn].certain):
            return "certain"
        if arn in least.paths:
            return "possible"
        return "unknown" if arn in most.admins or arn in most.paths else "none"

    def blame(self, arn: str) -> set[str]:
        """The gaps that leave a principal's way to administrator rights open."""
        path = self.most.paths.get(arn)
        return self._gaps(arn, path.hops if path is not None else ())

    def _gaps(self, arn: str, hops: tuple[Hop, ...]) -> set[str]:
        gaps = self.reading.gaps
        if not gaps:
            return set()
        on_way = {arn, *(h.source for h in hops), *(h.target for h in hops)} - {""}
        on_way = {who for who in on_way if who.startswith("arn:")}
        found = {gap for gap in (SCPS, RCPS) if any(who.split(":")[4] in gaps.get(gap, ()) for who in on_way)}
        known = {p.identity.principal.arn: p for p in self.reading.people.persons}
        for who in on_way:
            person = known.get(who)
            if person is None:
                found |= {PRINCIPALS} & gaps.keys()
            elif person.identity.unread or (":role/" in who and person.trust is None):
                found.add(IDENTITIES)
        for hop in hops:
            step = hop.step
            for gap, concerns in (
                (f"holders:{step.holding}", bool(step.holding)),
                (VERSIONS, step.reach == "old-policy"),
                (PASSWORDS, step.id.endswith("login-profile") and how(step) == "credentials"),
            ):
                if concerns and gap in gaps:
                    found.add(gap)
        return found or set(gaps)


def describe(hops: Iterable[Hop]) -> str:
    """A path in one line: what is done to whom, in order."""
    parts: list[str] = []
    for hop in hops:
        target = short(hop.target)
        parts.append(f"{hop.step.title}{f' ({target})' if target else ''}")
    return "; then ".join(parts)


def short(arn: str) -> str:
    """The last part of an ARN: `role/name` with its path."""
    return arn.split(":", 5)[-1] if arn.startswith("arn:") else arn


def merged(least: Mapping[str, object], most: Mapping[str, object]) -> dict[str, object]:
    """What two extremes agree on; None where they do not. A list that grows keeps what is known, and one None
    more for what may be there besides."""
    return {name: _agreed(value, most[name]) for name, value in least.items()}


def _agreed(least: object, most: object) -> object:
    if least == most:
        return least
    if isinstance(least, Growing) and isinstance(most, Growing):
        return [*least, None]
    return None


class Growing(list[object]):
    """A list to which what was not read can only add."""
