"""A check as data: one YAML entry, in the catalogue or in a user's own directory."""

from __future__ import annotations

from typing import Any, Final

import msgspec

SEVERITIES: Final = ("critical", "high", "medium", "low", "informational")

# The course of the wall that a check belongs to: the columns of the responsibility model.
DOMAINS: Final = (
    "physical",
    "hypervisor",
    "host-os",
    "guest-os",
    "runtime-engine",
    "network-infrastructure",
    "network-configuration",
    "firewall",
    "identity-and-access",
    "encryption-at-rest",
    "encryption-in-transit",
    "key-management",
    "backup-and-recovery",
    "logging-and-detection",
    "application-code",
    "data-classification",
    "compliance",
)

# The catalogues that `refs` may name.
REF_SOURCES: Final = (
    "securityhub",
    "config",
    "cis-7.0",
    "cis-6.0",
    "cis-5.0",
    "cis-3.0",
    "prowler",
    "powerpipe",
)


class Param(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number, string or list that a predicate uses as `:name`; users and frameworks may override it."""

    default: Any
    doc: str = ""


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to mend a failing resource; each entry is text, the last three ready to copy."""

    console: str = ""
    cli: str = ""
    cloudformation: str = ""
    terraform: str = ""


class Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that prove the check: columns left out of a row are not read by the verdict that it shows."""

    passing: list[dict[str, Any]] = msgspec.field(name="pass")
    fail: list[dict[str, Any]]
    unknown: list[dict[str, Any]]
    not_applicable: list[dict[str, Any]] = []


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One control that a resource meets (`pass` TRUE), breaks (FALSE) or cannot be judged on (NULL)."""

    id: str
    title: str
    table: str
    severity: str
    domain: str
    why: str
    fix: Fix
    examples: Examples
    predicate: str = msgspec.field(name="pass")
    where: str = ""
    message: str = ""
    params: dict[str, Param] = {}
    refs: dict[str, list[str] | str] = {}
    aliases: list[str] = []
    nonmonotone: str = ""
    """Why this predicate may read absence (IS NULL, COALESCE, CASE); empty for nearly all checks."""

    def ref_ids(self, source: str) -> list[str]:
        """The ids under which the catalogue `source` knows this check."""
        found = self.refs.get(source, [])
        return [found] if isinstance(found, str) else list(found)
