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
    principals: Principals
    everyone: bool
    """It names everyone (or everyone but some), before its conditions."""
    actions: Globs
    written: tuple[str, ...]
    """`actions` as the document writes them; NotAction as `NotAction: …`."""
    limit: Limit
    aws: tuple[AwsPrincipal, ...]
    """The account principals that it names and that no Deny names too; so the next two."""
    services: tuple[str, ...]
    federated: tuple[str, ...]


def _grant(
    statement: Statement,
    actions: Globs,
    written: tuple[str, ...],
    limit: Limit,
    denied: tuple[Principals, ...],
) -> Grant:
    """`denied`: the principals, not everyone, from whom a Deny without conditions takes the actions."""
    named = statement.principals
    assert named is not None, "grants are made of statements with principals"
    if statement.not_principal:
        return Grant(statement, named, True, actions, written, limit, (), (), ())
    aws, services, federated = named.aws, named.services, named.federated
    if denied:
        out = {p.text for d in denied for p in d.aws}
        closed = {p.account for d in denied for p in d.aws if p.root}
        aws = tuple(p for p in aws if p.text not in out and p.account not in closed)
        services = tuple(s for s in services if not any(s in d.services for d in denied))
        federated = tuple(f for f in federated if not any(f in d.federated for d in denied))
    return Grant(statement, named, named.everyone, actions, written, limit, aws, services, federated)


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
    whole = all(_takes(d, statement.actions, statement.resources) for d in touching)
    parts = statement.actions.parts()
    if whole or len(parts) * len(statement.resources.parts()) > _MOST_PARTS:
        found = _after(touching, statement.actions, statement.resources, owner)
        if found:
            left = both([limit, *found[0]])
            yield _grant(statement, statement.actions, _written(statement), left, found[1])
        return
    # Parts that the same denials touch are one grant.
    groups: dict[tuple[Limit, tuple[Principals, ...]], dict[str, str]] = {}
    for action, text in zip(parts, statement.written_actions, strict=False):
        for resource in statement.resources.parts():
            found = _after(touching, action, resource, owner)
            if found:
                key = (both([limit, *found[0]]), found[1])
                groups.setdefault(key, {})[action.patterns[0] if action.patterns else ""] = text
    for (left, denied), texts in groups.items():
        if statement.actions.negated:
            yield _grant(statement, statement.actions, _written(statement), left, denied)
        else:
            yield _grant(statement, Globs(tuple(texts)), tuple(texts.values()), left, denied)


def _takes(deny: Statement, actions: Globs, resources: Globs) -> bool:
    return deny.actions.covers(actions) and deny.resources.covers(resources)


def _after(
    denies: list[Statement], actions: Globs, resources: Globs, owner: str
) -> tuple[list[Limit], tuple[Principals, ...]] | None:
    """The limits and denied principals that Deny statements put on a part; None where nothing is left."""
    taking = [d for d in denies if _takes(d, actions, resources)]
    spared = list(_spared(taking, owner))
    if NOBODY in spared:
        return None
    denied = tuple(
        d.principals
        for d in taking
        if d.principals and not d.to_everyone and not d.not_principal and not d.conditions
    )
    return spared, denied


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
