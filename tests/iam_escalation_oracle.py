"""Escalation by definition: every node, step and target by `decide`, no sets. For small worlds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from partywall.analysis.iam.actions import find
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.escalation_steps import Step
from partywall.analysis.iam.escalation_turns import Admins, joined, raised, unbound
from partywall.analysis.iam.escalation_world import Accounts, Actor
from partywall.analysis.iam.evaluate import Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.patterns import resource as resource_matcher
from partywall.analysis.iam.principal import Kind, Principal

Tri = bool | None
FAR = 99


def both(*values: Tri) -> Tri:
    return False if False in values else None if None in values else True


def either(values: list[Tri]) -> Tri:
    return True if True in values else None if None in values else False


def supported(action: str) -> set[str]:
    known = find(action)
    assert known is not None
    keys = {*known.condition_keys}
    for on in known.resources:
        keys |= {*on.condition_keys, *on.type.condition_keys}
    return {k.lower() for k in keys}


class Slow:
    """`things`: ARNs that a caller may give to what it makes."""

    def __init__(self, world: Accounts, catalogue: Sequence[Step], masker: Masker, things: list[str]) -> None:
        self.world, self.catalogue, self.things, self.masker = world, catalogue, things, masker
        self.admins = Admins(masker)
        self.there = {*(a.principal.arn for a in world.actors), *(h.arn for h in world.holdings)}
        self.keys = {"iam:PassedToService", *(k for s in catalogue for k in (*s.context, *s.absent))}
        self.actors = sorted(world.actors, key=lambda a: a.principal.arn)
        self.dist = {certain: self.distances(certain) for certain in (True, False)}

    def context(self, step: Step, action: str) -> Context:
        known = supported(action)
        given = {**step.context, **({"iam:PassedToService": step.service} if step.service else {})}
        return Context(
            {k: v for k, v in given.items() if k.lower() in known},
            missing=[k for k in self.keys if k.lower() not in known or k in step.absent],
        )

    def on(self, actor: Actor, step: Step, action: str, arn: str, policies: Policies | None = None) -> Tri:
        known = next((a.principal for a in self.actors if a.principal.arn == arn), None)
        resource = (
            Resource(arn, known.account, known.tags, known.organization, known.management)
            if known
            else Resource(arn, arn.split(":")[4])
        )
        made = decide(
            Request(actor.principal, action, resource, self.context(step, action)), policies or actor.policies
        )
        return True if made.must else None if made.may else False

    def all_on(self, actor: Actor, step: Step, on: str, arn: str) -> Tri:
        return both(*(self.on(actor, step, a, arn) for a, o in step.needs.items() if o == on))

    def made(self, actor: Actor, step: Step) -> Tri:
        """Whether all that must be made anew can be."""
        shapes = {on for on in step.needs.values() if on not in ("target", "holding", "provider")}
        return both(*(self.made_as(actor, step, shape) for shape in shapes))

    def made_as(self, actor: Actor, step: Step, shape: str) -> Tri:
        """Whether there is one resource of a shape on which all of its actions are allowed."""
        account = actor.principal.account
        actions = [a for a, on in step.needs.items() if on == shape]
        wanted = resource_matcher(shape.replace("{account}", account))
        results: list[Tri] = []
        for thing in self.things:
            taken = thing in self.there and any(":Create" in action for action in actions)
            if not wanted(thing) or thing.split(":")[4] != account or taken:
                continue
            decided: list[Tri] = []
            for action in actions:
                context = self.context(step, action)
                made = decide(
                    Request(actor.principal, action, Resource(thing, account), context), actor.policies
                )
                decided.append(True if made.must else None if made.may else False)
            results.append(both(*decided))
        return either(results)

    def reaches(self, actor: Actor, step: Step, target: Actor) -> Tri:
        """Whether an actor reaches another principal by a step."""
        who, to = actor.principal, target.principal
        if step.who == "user" and who.kind is not Kind.USER:
            return False
        if step.reach == "assumable-role":
            return self.assumes(actor, step, target)
        if who.account != to.account:
            return False
        made = self.made(actor, step)
        if step.reach.startswith("user"):
            wanted = {"user": to.kind is Kind.USER, "user-with-password": target.password}.get(
                step.reach, None if target.password is None else not target.password
            )
            wanted = wanted if to.kind is Kind.USER else False
            return both(made, wanted, self.all_on(actor, step, "target", to.arn))
        if step.reach == "role":
            return both(made, to.kind is Kind.ROLE, self.all_on(actor, step, "target", to.arn))
        if step.reach == "service-role":
            means: list[Tri] = [True]
            if step.holding:
                means = [
                    self.all_on(actor, step, "holding", h.arn)
                    for h in self.world.holdings
                    if h.kind == step.holding
                ]
            trusted = self.served(step.service, target)
            return both(made, trusted, either(means), self.all_on(actor, step, "target", to.arn))
        if step.reach == "holding-role":
            held = [h.arn for h in self.world.holdings if h.kind == step.holding and h.role == to.arn]
            return both(made, either([self.all_on(actor, step, "holding", arn) for arn in held]))
        if step.reach == "saml-role":
            named = {
                text
                for p in (target.trust.policies if target.trust else ())
                for s in p.statements
                for kind, text in (s.principal.named if s.principal else ())
                if kind == "Federated" and s.allow
            }
            return either([self.all_on(actor, step, "provider", arn) for arn in named])
        return either([self.all_on(actor, step, "target", arn) for arn in self.added(step, target)])

    def added(self, step: Step, target: Actor) -> list[str]:
        if step.reach == "group":
            return list(target.groups)
        if step.reach == "policy":
            return list(target.managed)
        every = self.masker.universe.all
        return [
            arn
            for arn in target.managed
            if any(self.masker.policy(v).allow_must == every for v in self.world.versions.get(arn) or ())
        ]

    def served(self, service: str, role: Actor) -> Tri:
        if role.principal.kind is not Kind.ROLE:
            return False
        if role.trust is None:
            return None
        who = role.principal
        made = decide(
            Request(
                Principal(Kind.SERVICE, service), "sts:AssumeRole", Resource(who.arn, who.account, who.tags),
                Context({"aws:SourceAccount": who.account}),
            ),
            Policies(resource=role.trust),
        )  # fmt: skip
        return True if made.must else None if made.may else False

    def assumes(self, actor: Actor, step: Step, role: Actor) -> Tri:
        if role.principal.kind is not Kind.ROLE:
            return False
        trust = role.trust
        if trust is None:
            # Whoever is granted it possibly assumes it.
            named = {"Effect": "Allow", "Principal": {"AWS": actor.principal.account}, "Action": "sts:*"}
            trust = PolicySet([parse({"Version": "2012-10-17", "Statement": named}, "unread")])
        policies = replace(actor.policies, resource=trust, rcps=role.policies.rcps)
        held = self.on(actor, step, "sts:AssumeRole", role.principal.arn, policies)
        return held if role.trust is not None else both(held, None)

    # Changes of one's own rights: (what results or None for an administrator, certain).

    def changes(self, actor: Actor, joins: int = 0) -> Iterator[tuple[Actor | None, bool]]:
        for step in self.catalogue:
            if step.yields in ("everything", "unbounded"):
                held = self.reaches(actor, step, actor)
                if step.yields == "unbounded" and actor.policies.boundary is None:
                    continue
                after = raised(actor) if step.yields == "everything" else unbound(actor)
            elif step.yields == "account":
                held, after = self.made(actor, step), unbound(raised(actor))
            elif step.yields == "group" and actor.principal.kind is Kind.USER:
                for group in self.world.groups:
                    mine = group.arn.split(":")[4] == actor.principal.account
                    held = self.all_on(actor, step, "target", group.arn)
                    if mine and group.arn not in actor.groups and held is not False:
                        after = joined(actor, group)
                        yield (None if self.admins.holds(after) else after), held is True
                continue
            else:
                continue
            if held is not False:
                yield (None if self.admins.holds(after) else after), held is True

    def distances(self, certain: bool) -> dict[str, int]:
        """Hops of a shortest path to an administrator."""
        dist = {a.principal.arn: 0 if self.admins.holds(a) else FAR for a in self.actors}
        moves = {a.principal.arn: self.moves(a, certain, 0) for a in self.actors}
        for _ in range(len(self.actors) * 4 + 8):
            for arn, listed in moves.items():
                for hops, to in listed:
                    dist[arn] = min(dist[arn], hops + (dist[to] if to else 0))
        return dist

    def moves(self, actor: Actor, certain: bool, depth: int) -> list[tuple[int, str]]:
        """(hops, the principal then become; "" an administrator), own changes included."""
        if depth == 0 and self.admins.holds(actor):
            return []
        found: list[tuple[int, str]] = []
        taken: dict[str, bool] = {}
        for target in self.actors:
            arn = target.principal.arn
            for step in self.catalogue:
                if step.yields != "identity":
                    continue
                held = self.reaches(actor, step, target)
                if held or (held is None and not certain):
                    found.append((1, arn))
                    taken[arn] = True
        for target in self.actors:
            arn = target.principal.arn
            if arn not in taken or arn == actor.principal.arn or not self.admins.holds(raised(target)):
                continue
            for step in self.catalogue:
                if step.yields == "everything":
                    held = self.reaches(actor, step, target)
                    if held or (held is None and not certain):
                        found.append((2, ""))
        for after, sure in self.changes(actor):
            if certain and not sure:
                continue
            if after is None:
                found.append((1, ""))
            elif depth < 3:
                found += [(hops + 1, to) for hops, to in self.moves(after, certain, depth + 1)]
        return found
