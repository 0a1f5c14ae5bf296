"""Who a document with principals admits: the facts that resource, key and trust policies share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from partywall.analysis import condition_keys as keys
from partywall.analysis.grants import Grant
from partywall.analysis.names import Answer, Names
from partywall.analysis.policy_document import Document
from partywall.analysis.principals import AWS_OWNED_ACCOUNTS, WEB_PROVIDERS, provider_account

# Keys that name organizations or accounts: undecided, they may name a foreign one.
_NAMING: Final = keys.ACCOUNTS | keys.ORGANIZATIONS | keys.ARNS


def public(grant: Grant) -> bool | None:
    """Whether a grant is to everyone, as far as its conditions can be judged."""
    if grant.everyone or any(provider in WEB_PROVIDERS for provider in grant.federated):
        return None if grant.limit.bounded is None else not grant.limit.bounded
    if any("*" in text for text in grant.principals.unrecognized):
        return None
    return False


def foreign_accounts(grant: Grant, owner: str) -> tuple[frozenset[str], bool]:
    """The other accounts that a grant admits by name, and whether there may be more of them.

    AWS's own accounts that deliver logs are left out.
    """
    limit = grant.limit
    found: set[str] = set()
    if grant.everyone:
        found |= (limit.accounts or frozenset()) | limit.via
    else:
        named = {p.account for p in grant.aws} | set(map(provider_account, grant.federated))
        found |= named if limit.accounts is None else named & limit.accounts
        if grant.services:
            found |= limit.accounts or frozenset()
    doubt = limit.bounded is None and grant.everyone and public(grant) is None
    return frozenset(found - AWS_OWNED_ACCOUNTS - {owner, ""}), doubt


def services(grant: Grant) -> tuple[str, ...]:
    """The service principals that a grant admits, by name or by a condition; `*` for any service."""
    if grant.everyone:
        return tuple(sorted(grant.limit.services)) if grant.limit.bounded else ()
    return grant.services


def services_without_source(grant: Grant) -> Iterator[tuple[str, bool | None]]:
    """Service principals of a grant that nothing binds to a source; None: that cannot be judged."""
    source = grant.limit.source
    if source:
        return
    for name in services(grant):
        yield name, None if source is None else True


def _undecided(found: Iterable[Grant], reach: Callable[[Grant], bool | None]) -> tuple[str, ...]:
    """The keys whose unknown effect left a grant's reach or source open."""
    names: set[str] = set()
    for grant in found:
        limit = grant.limit
        if reach(grant) is None or (limit.source is None and services(grant)):
            names |= limit.undecided
    return tuple(sorted(names))


def admitted_facts(
    document: Document, found: list[Grant], owner: str, to_everyone: Callable[[Grant], bool | None] = public
) -> dict[str, Any]:
    """The fields of `policy_fields` that resource, key and trust policies share.

    `to_everyone` judges whether one grant is public.
    """
    is_public = Answer()
    statements, accounts, principals, organizations = Names(), Names(), Names(), Names()
    service_names, federated = Names(), Names()
    for grant in found:
        limit = grant.limit
        reach = to_everyone(grant)
        is_public.put(reach)
        statements.put((grant.statement.label,), reach)
        others, doubt = foreign_accounts(grant, owner)
        accounts.add(others)
        if doubt:
            accounts.doubt()
        organizations.add(limit.organizations)
        if limit.undecided & _NAMING:
            organizations.doubt()
        principals.add(p.text for p in grant.aws if p.account in others)
        service_names.add(services(grant))
        federated.add(grant.federated)
    allowed = [s for s in document.statements if s.allow and s.principals is not None]
    return {
        "statements": len(document.statements),
        "has_deny": bool(document.denies),
        "undecided": _undecided(found, to_everyone),
        "is_public": is_public.value,
        "public_statements": statements.value(),
        "foreign_accounts": accounts.value(),
        "foreign_principals": principals.value(),
        "aws_accounts": _gather(_aws_accounts(grant) for grant in found),
        "organizations": organizations.value(),
        "services": service_names.value(),
        "federated": federated.value(),
        "deleted_principals": _gather(s.principals.deleted for s in allowed if s.principals),
        "unrecognized_principals": _gather(s.principals.unrecognized for s in allowed if s.principals),
        "not_principal_allow": any(s.not_principal for s in allowed),
    }


def _aws_accounts(grant: Grant) -> tuple[str, ...]:
    return tuple(p.account for p in grant.aws if p.account in AWS_OWNED_ACCOUNTS)


def _gather(texts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({text for each in texts for text in each}))
