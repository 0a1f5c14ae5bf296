"""The facts of role trust policies."""

from __future__ import annotations

from typing import Any, Final

from partywall.analysis.admitted_facts import (
    admitted_facts,
    foreign_accounts,
    public,
    services_without_source,
)
from partywall.analysis.grants import Grant, grants
from partywall.analysis.iam.oidc import is_pinned, undecided_claims
from partywall.analysis.iam.sources import tells_source
from partywall.analysis.names import Answer, Names
from partywall.analysis.policy_document import Document
from partywall.analysis.principals import WEB_PROVIDERS

_ASSUME: Final = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")


def _reach(grant: Grant) -> bool | None:
    """Whether a grant lets everyone assume the role: a shared web provider counts unless it is pinned."""
    if grant.everyone:
        return public(grant)
    shared = [is_pinned(grant.statement, p) for p in grant.federated if p in WEB_PROVIDERS]
    if any("*" in text for text in grant.principals.unrecognized):
        shared.append(None)
    return True if False in shared else None if None in shared else False


def trust_facts(document: Document, owner: str) -> dict[str, Any]:
    """The fields of `FACTS["trust"]`."""
    found = [g for g in grants(document, owner) if any(g.actions.touches(action) for action in _ASSUME)]
    without_id, without_source, unpinned, roots = Names(), Names(), Names(), Names()
    mfa: list[bool] = []
    claims: set[str] = set()
    own_root = Answer()
    for grant in found:
        others, doubt = foreign_accounts(grant, owner)
        named = grant.aws
        roots.add(p.account for p in named if p.root and p.account in others)
        own_root.put(any(p.root and p.account == owner for p in named))
        if grant.actions.touches("sts:assumerole"):
            if not grant.limit.external_id:
                without_id.add(others)
                if doubt:
                    without_id.doubt()
            if named or grant.everyone:
                mfa.append(grant.limit.mfa)
        for service, certain in services_without_source(grant):
            if tells_source(service, role=True):
                without_source.put((service,), certain)
        for provider in grant.federated:
            if ":saml-provider/" in provider:
                continue
            pinned = is_pinned(grant.statement, provider)
            unpinned.put((provider,), None if pinned is None else not pinned)
            if pinned is None:
                claims |= undecided_claims(grant.statement, provider)
    shared = admitted_facts(document, found, owner, _reach)
    return {
        **shared,
        "undecided": tuple(sorted({*shared["undecided"], *claims})),
        "foreign_roots": roots.value(),
        "foreign_accounts_without_external_id": without_id.value(),
        "services_without_source": without_source.value(),
        "oidc_unpinned": unpinned.value(),
        "saml": any(":saml-provider/" in provider for g in found for provider in g.federated),
        "root_principal_trusted": own_root.value,
        "requires_mfa": bool(mfa) and all(mfa),
    }
