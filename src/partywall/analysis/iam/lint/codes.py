"""The finding codes of a lint, named as IAM Access Analyzer's ValidatePolicy names its own.

IAM User Guide: IAM policy validation check reference. A code is its section's title in capitals.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Severity(enum.StrEnum):
    """ValidatePolicy's `findingType`."""

    ERROR = "ERROR"
    SECURITY_WARNING = "SECURITY_WARNING"
    WARNING = "WARNING"
    SUGGESTION = "SUGGESTION"


class PolicyType(enum.StrEnum):
    """What a policy is attached to, which decides the rules that it is held to."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"
    SCP = "scp"
    RCP = "rcp"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: `path` in the document, `line` and `column` in the file, both from 1."""

    code: str
    severity: Severity
    message: str
    path: str
    line: int
    column: int
    policy: str = ""
    """What the policy is called in a file that holds several."""

    @property
    def section(self) -> str:
        """The section of AWS's page that tells of this code."""
        return SECTIONS[self.code]


_ERRORS: Final = """ARN account not allowed|ARN Region not allowed|Data type mismatch|\
Duplicate keys with different case|Invalid action|Invalid ARN account|Invalid ARN prefix|Invalid ARN Region|\
Invalid ARN resource|Invalid ARN service case|Invalid condition data type|Invalid condition key format|\
Invalid condition multiple Boolean|Invalid condition operator|Invalid effect|Invalid global condition key|\
Invalid partition|Invalid policy element|Invalid principal format|Invalid principal key|Invalid Region|\
Invalid service|Invalid service condition key|Invalid service in action|Invalid service principal format|\
Invalid variable for operator|Invalid version|Json syntax error|Missing action|Missing ARN field|\
Missing ARN Region|Missing effect|Missing principal|Missing qualifier|Missing resource|Missing statement|\
Missing tag key in condition|Null with if exists|SCP syntax error principal|Unique Sids required|\
Unsupported element combination|Unsupported global condition key|Unsupported principal|Unsupported Sid|\
Unsupported wildcard in principal|Missing brace in variable|Unsupported symbol in variable|\
Missing quote in variable|Unsupported space in variable|Empty variable|Variable unsupported in element|\
Variable unsupported in version|Private IP address|Private NotIpAddress|Policy size exceeds SCP quota|\
Mismatched action for principal|Role trust policy unsupported wildcard in principal|\
Policy size exceeds RCP quota|RCP syntax error allow|RCP syntax error NotAction|RCP syntax error principal|\
RCP syntax error action"""
_SECURITY: Final = """Allow with NotPrincipal|Deny NotAction with unsupported tag condition key for service|\
Deny with unsupported tag condition key for service|ForAllValues with single valued key|\
Missing paired condition keys|Pass role with NotResource|Pass role with star in action and NotResource|\
Pass role with NotAction and NotResource|Pass role with star in resource|\
Pass role with star in action and resource|Pass role with star in resource and NotAction|\
Restrict access to service principal"""
_WARNINGS: Final = """Create SLR with NotResource|Create SLR with star in action and NotResource|\
Create SLR with NotAction and NotResource|Create SLR with star in resource|\
Create SLR with star in action and resource|Create SLR with star in resource and NotAction|\
Deprecated global condition key|Invalid date value|Invalid role reference|Invalid user reference|\
Missing version|Unique Sids recommended|Wildcard without like operator|\
Policy size exceeds identity policy quota|Type mismatch|Type mismatch Boolean|Type mismatch date|\
Type mismatch IP range|Type mismatch number|Type mismatch string"""
_SUGGESTIONS: Final = """Allow NotAction with unsupported tag condition key for service|\
Allow with unsupported tag condition key for service|Empty array action|Empty array condition|\
Empty array condition ForAllValues|Empty array condition ForAnyValue|Empty array condition IfExists|\
Empty array principal|Empty array resource|Empty object condition|Empty object principal|Empty Sid value|\
Improve IP range|Null with qualifier|Private IP address subset|Private NotIpAddress subset|Redundant action|\
Redundant condition value num|Redundant resource|Redundant statement|Wildcard in service name"""

_NAMES: Final = {
    Severity.ERROR: ("Error", _ERRORS),
    Severity.SECURITY_WARNING: ("Security Warning", _SECURITY),
    Severity.WARNING: ("General Warning", _WARNINGS),
    Severity.SUGGESTION: ("Suggestion", _SUGGESTIONS),
}
SECTIONS: Final[dict[str, str]] = {
    title.upper().replace(" ", "_"): f"{group} - {title}"
    for group, titles in _NAMES.values()
    for title in titles.split("|")
}
"""Code -> the section's title on AWS's page."""
SEVERITIES: Final[dict[str, Severity]] = {
    title.upper().replace(" ", "_"): severity
    for severity, (_, titles) in _NAMES.items()
    for title in titles.split("|")
}
"""Code -> its severity."""
BLOCKING: Final = (Severity.ERROR, Severity.SECURITY_WARNING)
"""Severities that fail a gate."""
