"""Policies of one layer made ready: which statements take in an action, and whether they cover a resource."""

from __future__ import annotations

from collections.abc import Iterable

from partywall.analysis.iam.context import UNKNOWN, Context
from partywall.analysis.iam.document import Policy, Statement, resource_test
from partywall.analysis.iam.operators import fill
from partywall.analysis.iam.patterns import Matcher, Variable, template
from partywall.analysis.iam.patterns import resource as resource_pattern


class PolicySet:
    """Policies that count as one layer: an action's statements are looked up once, then kept."""

    __slots__ = ("_by_action", "_rules", "policies")

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(policies)
        self._rules = [Rule(s) for p in self.policies for s in p.statements]
        self._by_action: dict[str, tuple[tuple[Rule, ...], tuple[Rule, ...]]] = {}

    def rules(self, action: str) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
        """(Deny, Allow) rules whose Action or NotAction takes in an action in lower case."""
        found = self._by_action.get(action)
        if found is None:
            matching = [r for r in self._rules if r.statement.action_matches(action)]
            found = (
                tuple(r for r in matching if not r.statement.allow),
                tuple(r for r in matching if r.statement.allow),
            )
            self._by_action[action] = found
        return found


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


def _could_cover(pattern: str, resource: str) -> bool:
    wide = "".join("*" if isinstance(part, Variable) else part for part in template(pattern))
    return resource_pattern(wide)(resource)
