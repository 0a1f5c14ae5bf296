"""The facts of resource policies and KMS key policies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from partywall.analysis.access_levels import ALL_LEVELS, CHANGES, READS, SENSITIVE, levels, sensitive_actions
from partywall.analysis.admitted_facts import (
    admitted_facts,
    foreign_accounts,
    public,
    services_without_source,
)
from partywall.analysis.globs import Globs
from partywall.analysis.grants import Grant, grants
from partywall.analysis.names import Answer, Names
from partywall.analysis.policy_document import Document, Statement
from partywall.analysis.transport_facts import transport_facts

_DECRYPT: Final = ("kms:decrypt", "kms:reencryptfrom", "kms:creategrant")
_ADMINISTER: Final = ("kms:putkeypolicy", "kms:schedulekeydeletion")


def resource_facts(document: Document, owner: str) -> dict[str, Any]:
    """The fields of `FACTS["resource"]`."""
    found = grants(document, owner)
    return _resource_facts(document, found, owner)


def key_facts(document: Document, owner: str) -> dict[str, Any]:
    """The fields of `FACTS["key"]`."""
    found = grants(document, owner)
    is_decrypt = Answer()
    decrypt, administrators = Names(), Names()
    for grant in found:
        others, doubt = foreign_accounts(grant, owner)
        for actions, names in ((_DECRYPT, decrypt), (_ADMINISTER, administrators)):
            if _touches(grant.actions, actions):
                names.add(others)
                if doubt:
                    names.doubt()
        if _touches(grant.actions, _DECRYPT):
            is_decrypt.put(public(grant))
    return {
        **_resource_facts(document, found, owner),
        "foreign_decrypt": decrypt.value(),
        "public_decrypt": is_decrypt.value,
        "foreign_administrators": administrators.value(),
        "owner_root_enabled": any(
            g.actions.covers_pattern("kms:*") and _to_owner_root(g, owner) for g in found
        ),
        "can_lock_out": not any(
            g.actions.covers_pattern("kms:putkeypolicy") and _to_owner_root(g, owner) for g in found
        ),
    }


def _to_owner_root(grant: Grant, owner: str) -> bool:
    return not grant.statement.conditions and any(p.root and p.account == owner for p in grant.aws)


def _touches(actions: Globs, wanted: Iterable[str]) -> bool:
    return any(actions.touches(action) for action in wanted)


def _levels(actions: Globs) -> frozenset[str]:
    if actions.negated:
        return ALL_LEVELS
    return frozenset[str]().union(*(levels(action) for action in actions.patterns))


def _services_of(statement: Statement) -> frozenset[str]:
    """The services whose actions can matter for the policy's resource."""
    fields = [resource.split(":", 3) for resource in statement.resources.patterns]
    named = frozenset(f[2] for f in fields if len(f) == 4)
    return named if named and not statement.resources.negated and "" not in named else frozenset(SENSITIVE)


def _sensitive(grant: Grant) -> set[str]:
    services = _services_of(grant.statement)
    actions = ("*",) if grant.actions.negated else grant.actions.patterns
    return {name for action in actions for name in sensitive_actions(action, services)}


def _resource_facts(document: Document, found: list[Grant], owner: str) -> dict[str, Any]:
    write, read, without_auth = Answer(), Answer(), Answer()
    actions, writers, sensitive, without_source = Names(), Names(), Names(), Names()
    canonical: set[str] = set()
    for grant in found:
        reach = public(grant)
        others, doubt = foreign_accounts(grant, owner)
        canonical.update(grant.principals.canonical)
        for name, certain in services_without_source(grant):
            without_source.put((name,), certain)
        if reach is False and not others and not doubt:
            continue
        able = _levels(grant.actions)
        if reach is not False:
            actions.put(grant.written, reach)
            write.put(reach if able & CHANGES else False)
            read.put(reach if able & READS else False)
            without_auth.put(reach if grant.everyone and not grant.limit.signed else False)
        if able & CHANGES:
            writers.add(others)
            if doubt:
                writers.doubt()
        powers = _sensitive(grant)
        if powers:
            sensitive.put(powers, True if others or reach else None)
    facts = admitted_facts(document, found, owner)
    return {
        **facts,
        "public_without_auth": without_auth.value,
        "public_actions": actions.value(),
        "public_write": write.value,
        "public_read": read.value,
        "canonical_users": tuple(sorted(canonical)),
        "foreign_write_accounts": writers.value(),
        "foreign_sensitive_actions": sensitive.value(),
        "services_without_source": without_source.value(),
        "grants_wildcard_actions": any(_is_wildcard(s) for s in document.allows),
        **transport_facts(document, found),
    }


def _is_wildcard(statement: Statement) -> bool:
    return statement.actions.negated or any(
        action == "*" or action.endswith(":*") for action in statement.actions.patterns
    )
