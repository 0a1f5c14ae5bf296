"""Many principals asked one question: each policy is judged once, and classes of principals are bitsets.

A statement that asks nothing of the caller applies to all who hold it or to none; its verdict is spread over
its holders by bitwise OR. Only callers whom a policy asks who they are (`aws:username`, tags, a Principal
element) are decided one by one. The outcomes are those of `evaluate.decide`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from partywall.analysis.iam.context import ALWAYS, MISSING, PRESENT, UNKNOWN, Context, Found
from partywall.analysis.iam.document import Policy, parse
from partywall.analysis.iam.evaluate import (
    ALWAYS_ALLOWED,
    Layer,
    Outcome,
    PolicySet,
    Tri,
    decide,
    either,
)
from partywall.analysis.iam.masks import Masker, Member, PrincipalClass, classes
from partywall.analysis.iam.operators import holds
from partywall.analysis.iam.principal import Kind, of_caller
from partywall.analysis.iam.request import Request, Resource
from partywall.analysis.iam.rules import Rule, policy_rules
from partywall.analysis.iam.universe import pack, positions

_NOTHING_KNOWN: Final = Context()
_EVERYTHING: Final = PolicySet(
    [
        parse(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
            "everything",
        )
    ]
)
_MAY: Final = (Outcome.ALLOWED, Outcome.DEPENDS)


class Impersonal(Context):
    """What is known of a request whoever makes it; notes whether anything was asked of the caller."""

    __slots__ = ("_resource", "asked")

    def __init__(self, own: Context, resource: Resource) -> None:
        self._values = own._values
        self._missing = own._missing
        self.complete = own.complete
        self.present = own.present
        self._resource = resource.keys
        self.asked = False

    def get(self, key: str) -> Found:
        found = self._values.get(key)
        if found is not None:
            return found
        if key in self._missing:
            return MISSING
        if of_caller(key):
            self.asked = True
            return UNKNOWN
        resource = self._resource
        found = resource.values.get(key)
        if found is not None:
            return found
        if self.complete or key in resource.missing:
            return MISSING
        if key in ALWAYS or key in self.present:
            return PRESENT
        return MISSING if resource.families and key.startswith(resource.families) else UNKNOWN


class Verdict(NamedTuple):
    """Whether policies deny and allow a request, and whether who makes it could change that."""

    deny: Tri = False
    allow: Tri = False
    personal: bool = False


class _Bench:
    """Judges policies on one action, resource and context."""

    __slots__ = ("action", "context", "resource")

    def __init__(self, action: str, resource: Resource, context: Context) -> None:
        self.action = action.lower()
        self.resource = resource
        self.context = Impersonal(context, resource)

    def applies(self, rule: Rule) -> tuple[Tri, bool]:
        """Whether a statement applies, and whether that could be otherwise for another caller."""
        if rule.always:
            return True, False
        context = self.context
        context.asked = False
        covered = rule.covers(self.resource.arn, context)
        if covered is False:
            return False, False
        result: Tri = covered
        for condition in rule.conditions:
            held = holds(condition, context)
            if held is False:
                return False, False
            if held is None:
                result = None
        if rule.statement.broken:
            result = None
        return result, result is None and context.asked

    def policy(self, policy: Policy, *, principals: bool) -> Verdict:
        """The verdict of one document. `principals`: of a layer whose statements may name callers."""
        denies, allows = policy_rules(policy).rules(self.action)
        deny: Tri = False
        allow: Tri = False
        personal = False
        for rule in denies:
            if rule.statement.principal is not None:
                personal = True
                continue
            applied, asks = self.applies(rule)
            personal = personal or asks
            deny = either(deny, applied)
        for rule in allows:
            if rule.statement.principal is not None:
                # Malformed in an identity-based policy, which then grants nothing by it.
                personal = personal or principals
                continue
            applied, asks = self.applies(rule)
            personal = personal or asks
            allow = either(allow, applied)
        return Verdict(deny, allow, personal)

    def personal(self, layer: PolicySet) -> bool:
        """Whether a layer judges callers differently."""
        return any(self.policy(p, principals=True).personal for p in layer.policies)


@dataclass(frozen=True, slots=True, eq=False)
class Shell:
    """Classes whose policies are the same but for the identity-based ones, as a bitset of their places."""

    first: Member
    places: int

    @property
    def limits(self) -> list[PolicySet]:
        """Every layer but the identity-based one."""
        own = self.first.policies
        single = (own.boundary, own.session, own.endpoint)
        return [*(layer for layer in single if layer is not None), *own.scps, *own.rcps]


class Sorted(NamedTuple):
    """Bitsets of classes by their places: those of each outcome, and those to be decided member by member."""

    outcomes: dict[Outcome, int]
    personal: int


class Population:
    """Members in classes, asked many questions."""

    def __init__(self, members: Sequence[Member], masker: Masker | None = None) -> None:
        self.members = members
        self.masker = Masker() if masker is None else masker
        self.classes = classes(members, self.masker)
        self._by_service: dict[str, list[tuple[Policy, int]]] = {}

    @cached_property
    def shells(self) -> list[Shell]:
        """The classes by all that bears on them but their identity-based policies."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for place, group in enumerate(self.classes):
            groups.setdefault(group.shell, []).append(place)
        return [
            Shell(self.members[self.classes[places[0]].members[0]], pack(places, places[-1] + 1))
            for places in groups.values()
        ]

    @cached_property
    def _holders(self) -> list[tuple[Policy, int]]:
        """Each identity-based policy and the classes that hold it."""
        places: dict[int, list[int]] = {}
        found: dict[int, Policy] = {}
        for place, group in enumerate(self.classes):
            for policy in group.policies.identity.policies if group.policies.identity is not None else ():
                held = places.get(id(policy))
                if held is None:
                    found[id(policy)], places[id(policy)] = policy, [place]
                else:
                    held.append(place)
        return [(policy, pack(places[key], places[key][-1] + 1)) for key, policy in found.items()]

    def _holding(self, service: str) -> list[tuple[Policy, int]]:
        """The policies that speak of a service's actions, with their holders."""
        found = self._by_service.get(service)
        if found is None:
            found = [
                held
                for held in self._holders
                if (named := policy_rules(held[0]).services) is None or service in named
            ]
            self._by_service[service] = found
        return found

    def sort(
        self,
        action: str,
        resource: Resource,
        context: Context | None = None,
        resource_policy: PolicySet | None = None,
        *,
        denials: bool = True,
    ) -> Sorted:
        """The classes by outcome. Without `denials` a class that nothing allows is IMPLICITLY_DENIED, whether
        or not a Deny says so as well."""
        bench = _Bench(action, resource, _NOTHING_KNOWN if context is None else context)
        allow = [0, 0]
        deny = [0, 0]
        personal = 0
        for policy, holders in self._holding(bench.action.partition(":")[0]):
            verdict = bench.policy(policy, principals=False)
            if verdict.personal:
                personal |= holders
            if verdict.allow is not False:
                allow[verdict.allow is None] |= holders
            if verdict.deny is not False:
                deny[verdict.deny is None] |= holders
        sorted_: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        one_by_one = 0
        for shell in self.shells:
            own, kind = shell.first.policies, shell.first.principal.kind
            by_resource = resource_policy is not None or own.resource is not None
            if by_resource or Layer.RESOURCE in own.unread or bench.action in ALWAYS_ALLOWED:
                one_by_one |= shell.places
                continue
            alone = personal & shell.places
            rest = shell.places & ~alone
            unread = Layer.IDENTITY in own.unread
            granted = rest if kind is Kind.ROOT else allow[0] & rest
            perhaps = rest & ~granted if unread else allow[1] & rest & ~granted
            if any(bench.personal(layer) for layer in shell.limits):
                # Their limits ask who they are: of those to whom nothing is granted it does not matter.
                one_by_one |= alone | (rest if denials else granted | perhaps)
                sorted_[Outcome.IMPLICITLY_DENIED] |= 0 if denials else rest & ~(granted | perhaps)
                continue
            one_by_one |= alone
            request = Request(shell.first.principal, bench.action, resource, context or _NOTHING_KNOWN)
            within = decide(request, dataclasses.replace(own, identity=_EVERYTHING)).outcome
            explicit = rest if within is Outcome.EXPLICITLY_DENIED else deny[0] & rest
            left = rest & ~explicit
            implicit = left if within is Outcome.IMPLICITLY_DENIED else left & ~(granted | perhaps)
            left &= ~implicit
            open_ = left if within is Outcome.DEPENDS else left & (perhaps | deny[1])
            sorted_[Outcome.EXPLICITLY_DENIED] |= explicit
            sorted_[Outcome.IMPLICITLY_DENIED] |= implicit
            sorted_[Outcome.DEPENDS] |= open_
            sorted_[Outcome.ALLOWED] |= left & ~open_
        return Sorted(sorted_, one_by_one)

    def outcomes(
        self,
        action: str,
        resource: Resource,
        context: Context | None = None,
        resource_policy: PolicySet | None = None,
    ) -> Iterator[tuple[PrincipalClass, Outcome | list[Outcome]]]:
        """Of each class the outcome of one request: one for all its members, or one for each in order."""
        made = self.sort(action, resource, context, resource_policy)
        for outcome, places in made.outcomes.items():
            for place in positions(places):
                yield self.classes[place], outcome
        for place in positions(made.personal):
            group = self.classes[place]
            yield group, [self._decide(n, action, resource, context, resource_policy) for n in group.members]

    def _decide(
        self, n: int, action: str, resource: Resource, context: Context | None, extra: PolicySet | None
    ) -> Outcome:
        member = self.members[n]
        policies = member.policies if extra is None else dataclasses.replace(member.policies, resource=extra)
        return decide(
            Request(member.principal, action, resource, context or _NOTHING_KNOWN), policies
        ).outcome

    def who_can(
        self,
        action: str,
        resource: Resource,
        context: Context | None = None,
        resource_policy: PolicySet | None = None,
    ) -> list[tuple[int, Outcome]]:
        """The members (by place) who are allowed, or might be where conditions are open."""
        made = self.sort(action, resource, context, resource_policy, denials=False)
        found = [
            (n, outcome)
            for outcome in _MAY
            for place in positions(made.outcomes[outcome])
            for n in self.classes[place].members
        ]
        for place in positions(made.personal):
            for n in self.classes[place].members:
                outcome = self._decide(n, action, resource, context, resource_policy)
                if outcome in _MAY:
                    found.append((n, outcome))
        return sorted(found)
