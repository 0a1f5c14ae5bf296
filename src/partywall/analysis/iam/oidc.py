"""Whether trust in an OIDC provider is pinned to one tenant by the claims that a statement asks for.

Titles: IAM User Guide, Create a role for OpenID Connect federation; GitHub Docs, Configuring OpenID Connect
in Amazon Web Services; Amazon Cognito Developer Guide, Role trust and permissions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from partywall.analysis.globs import has_wildcard

# Issuers that serve everyone: the claims that tell the tenant, of which one must be fixed.
_SHARED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "token.actions.githubusercontent.com": frozenset(
            (
                "sub",
                "enterprise",
                "enterprise_id",
                "job_workflow_ref",
                "repository",
                "repository_id",
                "repository_owner",
                "repository_owner_id",
            )
        ),
        "gitlab.com": frozenset(("sub", "namespace_id", "namespace_path", "project_id", "project_path")),
        "app.terraform.io": frozenset(("sub", "terraform_organization_id", "terraform_organization_name")),
        "agent.buildkite.com": frozenset(("sub", "organization_id", "organization_slug")),
        "cognito-identity.amazonaws.com": frozenset(("aud", "sub")),
        "accounts.google.com": frozenset(("aud", "azp", "oaud", "sub")),
        "graph.facebook.com": frozenset(("app_id", "id")),
        "www.amazon.com": frozenset(("app_id", "user_id")),
    }
)
# Claims of those issuers that say nothing of the tenant.
_IDLE: Final = frozenset(
    (
        "actor",
        "amr",
        "aud",
        "base_ref",
        "environment",
        "event_name",
        "head_ref",
        "ref",
        "ref_type",
        "workflow",
    )
)
# `repo:ORG/…`, `project_path:GROUP/…`, `organization:ORG:…` with the tenant before any wildcard.
_TENANT_IN_SUB: Final = re.compile(r"[a-z_]+:[^/:*?]+[/:]")
_TENANT_IN_PATH: Final = re.compile(r"[^/*?]+/")
_SERVICE_ACCOUNT: Final = re.compile(r"system:serviceaccount:[^*?:]+:")
_STS_AUDIENCES: Final = frozenset(("sts.amazonaws.com", "sts.amazonaws.com.cn"))


def issuer_of(provider: str) -> str:
    """The issuer (host and path) of an OIDC provider's ARN or of a provider trusted by name."""
    return provider.partition(":oidc-provider/")[2] or provider


def claim_pins(issuer: str, claim: str, value: str, wild: bool) -> bool | None:
    """Whether a token of `issuer` whose claim matches `value` is told to be of one tenant.

    `wild`: the value is compared with wildcards. None where nothing is known of the claim.
    """
    if issuer in _SHARED:
        if claim not in _SHARED[issuer]:
            return False if claim in _IDLE else None
        return _names_tenant(claim, value, wild)
    return _narrows(issuer, claim, value, wild)


def _loose(value: str, wild: bool) -> bool:
    return wild and has_wildcard(value)


def _names_tenant(claim: str, value: str, wild: bool) -> bool:
    if not _loose(value, wild):
        return True
    if claim == "sub":
        return _TENANT_IN_SUB.match(value) is not None
    # `repository_owner` and its like must be whole; paths tell the tenant by their first part.
    return claim.endswith(("_ref", "_path", "repository")) and _TENANT_IN_PATH.match(value) is not None


def _narrows(issuer: str, claim: str, value: str, wild: bool) -> bool:
    """For an issuer of one's own: any claim but the audience that all tokens for STS carry."""
    if claim == "aud":
        return not _loose(value, wild) and value not in _STS_AUDIENCES
    if not _loose(value, wild):
        return True
    if value.startswith("system:") or issuer.startswith("oidc.eks."):
        return _SERVICE_ACCOUNT.match(value) is not None
    return value.strip("*?:/") != "" and value[0] not in "*?"
