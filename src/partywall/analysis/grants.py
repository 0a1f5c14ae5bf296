"""What the Allow statements of a document still grant once its Deny statements are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from partywall.analysis.conditions import NOBODY, Limit, both, limit_of, limit_of_escape
from partywall.analysis.globs import Globs
from partywall.analysis.policy_document import Document, Statement
from partywall.analysis.principals import AwsPrincipal, Principals

# Past this many pairs of action and resource a statement is compared with each Deny as a whole.
_MOST_PARTS: Final = 512


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions of one Allow statement that the same Deny statements touch in the same way."""

    statement: Statement
    actions: Globs
    written: tuple[str, ...]
    """`actions` as the document writes them; NotAction as `NotAction: …`."""
    limit: Limit
    denied: tuple[Principals, ...] = ()
    """Principals, not everyone, from whom a Deny without conditions takes these actions."""

    @property
    def principals(self) -> Principals:
        found = self.statement.principals
        assert found is not None, "grants are made of statements with principals"
        return found

    @property
    def everyone(self) -> bool:
        """It names everyone (or everyone but some), before its conditions."""
        return self.principals.everyone or self.statement.not_principal

    def aws(self) -> list[AwsPrincipal]:
        """The account principals that it names and that no Deny names too."""
        if self.statement.not_principal:
            return []
        out = {p.text for d in self.denied for p in d.aws}
        closed = {p.account for d in self.denied for p in d.aws if p.root}
        return [p for p in self.principals.aws if p.text not in out and p.account not in closed]

    def services(self) -> list[str]:
        """The service principals that it names and that no Deny names too."""
        if self.statement.not_principal:
            return []
        out = {s for d in self.denied for s in d.services}
        return [s for s in self.principals.services if s not in out]

    def federated(self) -> list[str]:
        if self.statement.not_principal:
            return []
        out = {s for d in self.denied for s in d.federated}
        return [s for s in self.principals.federated if s not in out]


def grants(document: Document, owner: str) -> list[Grant]:
    """The grants of a document whose statements name principals; those wholly taken back are left out."""
    denies = document.denies
    return [g for s in document.statements if s.allow for g in _of_statement(s, denies, owner)]


def _written(statement: Statement) -> tuple[str, ...]:
    if statement.actions.negated:
        return ("NotAction: " + ", ".join(statement.written_actions),)
    return statement.written_actions


def _of_statement(statement: Statement, denies: list[Statement], owner: str) -> Iterator[Grant]:
    limit = limit_of(statement.conditions, owner)
    if not statement.actions.patterns and not statement.actions.negated:
        return
    touching = [d for d in denies if _may_touch(d, statement)]
    if not touching:
        yield Grant(statement, statement.actions, _written(statement), limit)
        return
    actions = statement.actions.parts()
    resources = statement.resources.parts()
    written = [(text,) for text in statement.written_actions]
    if len(actions) * len(resources) > _MOST_PARTS or statement.actions.negated:
        actions, written = (statement.actions,), [_written(statement)]
        resources = (statement.resources,)
    for action, text in zip(actions, written, strict=True):
        for resource in resources:
            taking = [d for d in touching if d.actions.covers(action) and d.resources.covers(resource)]
            spared = list(_spared(taking, owner))
            if NOBODY in spared:
                continue
            denied = tuple(
                d.principals
                for d in taking
                if d.principals and not d.to_everyone and not d.not_principal and not d.conditions
            )
            yield Grant(statement, action, text, both([limit, *spared]), denied)


def _may_touch(deny: Statement, allow: Statement) -> bool:
    return any(deny.actions.covers(a) for a in allow.actions.parts()) or deny.actions.covers(allow.actions)


def _spared(denies: Iterable[Statement], owner: str) -> Iterator[Limit]:
    """For each Deny to everyone, or to everyone but some: whom it leaves in."""
    for deny in denies:
        if deny.to_everyone:
            yield limit_of_escape(deny.conditions, owner)
        elif deny.not_principal and deny.principals is not None and not deny.conditions:
            named = deny.principals
            if named.everyone:
                continue
            yield Limit(
                bounded=None if named.unrecognized else True,
                accounts=named.accounts,
                services=frozenset(named.services),
                signed=True,
                undecided=frozenset(("notprincipal",)) if named.unrecognized else frozenset(),
            )
