"""Policies of one layer made ready: which statements take in an action, and whether they cover a resource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

from partywall.analysis.iam.context import UNKNOWN, Context
from partywall.analysis.iam.document import Policy, Statement, resource_test
from partywall.analysis.iam.operators import fill
from partywall.analysis.iam.patterns import Matcher, Variable, template
from partywall.analysis.iam.patterns import resource as resource_pattern


class PolicySet:
    """Policies that count as one layer: an action's statements are looked up once, then kept."""

    __slots__ = ("_by_action", "_parts", "policies")

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(policies)
        self._parts: list[PolicyRules] | None = None
        self._by_action: dict[str, Split] = {}

    def rules(self, action: str) -> Split:
        """(Deny, Allow) rules whose Action or NotAction takes in an action in lower case."""
        found = self._by_action.get(action)
        if found is None:
            if self._parts is None:
                self._parts = [policy_rules(p) for p in self.policies]
            found = self._by_action[action] = _joined([part.rules(action) for part in self._parts])
        return found


def _joined(parts: list[Split]) -> Split:
    """The rules of several policies in their order; those of the one that has any, as they are."""
    some = [part for part in parts if part is not _NEITHER]
    if len(some) < 2:
        return some[0] if some else _NEITHER
    return tuple(r for part in some for r in part[0]), tuple(r for part in some for r in part[1])


class PolicyRules:
    """The rules of one policy, made as actions are asked for, and shared by all sets that hold the policy."""

    __slots__ = ("_by_action", "_by_service", "_rules", "_statements", "services")

    def __init__(self, policy: Policy) -> None:
        self._statements = [(_services(s), s) for s in policy.statements]
        self._rules: dict[int, Rule] = {}
        self._by_action: dict[str, Split] = {}
        self._by_service: dict[str, list[Statement]] = {}
        named = [services for services, _ in self._statements]
        self.services = None if None in named else frozenset[str]().union(*(n for n in named if n))
        """The services whose actions it speaks of; None where it may be any."""

    def rules(self, action: str) -> Split:
        """(Deny, Allow) rules whose Action or NotAction takes in an action in lower case."""
        found = self._by_action.get(action)
        if found is None:
            service = action.partition(":")[0]
            near = self._by_service.get(service)
            if near is None:
                near = [s for services, s in self._statements if services is None or service in services]
                self._by_service[service] = near
            matching = [self._rule(s) for s in near if s.action_matches(action)]
            found = _NEITHER
            if matching:
                found = (
                    tuple(r for r in matching if not r.statement.allow),
                    tuple(r for r in matching if r.statement.allow),
                )
            self._by_action[action] = found
        return found

    def _rule(self, statement: Statement) -> Rule:
        found = self._rules.get(statement.key)
        if found is None:
            found = self._rules[statement.key] = Rule(statement)
        return found


_kept: WeakKeyDictionary[Policy, PolicyRules] = WeakKeyDictionary()


def policy_rules(policy: Policy) -> PolicyRules:
    """The rules of a policy, made once for as long as the policy is there."""
    found = _kept.get(policy)
    if found is None:
        found = _kept[policy] = PolicyRules(policy)
    return found


def _services(statement: Statement) -> frozenset[str] | None:
    """The services whose actions a statement can take in; None where it may be any."""
    if statement.not_action:
        return None
    found: set[str] = set()
    for pattern in statement.actions:
        service, colon, _ = pattern.partition(":")
        if not colon or "*" in service or "?" in service:
            return None
        found.add(service)
    return frozenset(found)


class Rule:
    """A statement made ready: tests of resources that need no request, patterns that do."""

    __slots__ = ("always", "conditions", "patterns", "statement", "tests")

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.tests: list[Matcher] = []
        self.patterns: list[str] = []
        for pattern in statement.resources or ():
            test = resource_test(pattern, statement.variables)
            if test is None:
                self.patterns.append(pattern)
            else:
                self.tests.append(test)
        self.conditions = statement.conditions
        everything = statement.resources is None or "*" in statement.resources
        restricted = statement.broken or statement.conditions or statement.not_resource
        self.always = everything and not restricted
        """Whatever the request's resource and context, the statement applies."""

    def covers(self, resource: str, context: Context) -> bool | None:
        """Whether Resource or NotResource takes in a resource; None where a variable's value decides."""
        statement = self.statement
        if statement.resources is None:
            return True
        found: bool | None = False
        for test in self.tests:
            if test(resource):
                found = True
                break
        else:
            for pattern in self.patterns:
                filled = fill(pattern, context)
                if isinstance(filled, str):
                    if resource_pattern(filled)(resource):
                        found = True
                        break
                elif filled is UNKNOWN and _could_cover(pattern, resource):
                    found = None
        return found if not statement.not_resource or found is None else not found


Split = tuple[tuple[Rule, ...], tuple[Rule, ...]]
"""The Deny rules and the Allow rules."""
_NEITHER: Final[Split] = ((), ())


def _could_cover(pattern: str, resource: str) -> bool:
    wide = "".join("*" if isinstance(part, Variable) else part for part in template(pattern))
    return resource_pattern(wide)(resource)
