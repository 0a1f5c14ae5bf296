"""What each output calls a verdict, a severity and a state: one table, from which the docs are made too."""

from __future__ import annotations

from typing import Final

STATUSES: Final = ("fail", "unknown", "pass", "not_applicable")

# How people read them: console and HTML.
LABELS: Final = {"fail": "Fail", "unknown": "Unknown", "pass": "Pass", "not_applicable": "Not applicable"}

# OCSF 1.5, compliance.status_id: Warning is defined as "no result due to missing information".
OCSF_STATUS: Final = {
    "fail": (3, "Fail"),
    "unknown": (2, "Warning"),
    "pass": (1, "Pass"),
    "not_applicable": (99, "Not applicable"),
}
OCSF_SEVERITY: Final = {
    "critical": (5, "Critical"),
    "high": (4, "High"),
    "medium": (3, "Medium"),
    "low": (2, "Low"),
    "informational": (1, "Informational"),
}
# OCSF activity_id: what happened to the finding since the last scan.
OCSF_ACTIVITY: Final = {
    "new": (1, "Create"),
    "open": (2, "Update"),
    "reopened": (2, "Update"),
    "acknowledged": (2, "Update"),
    "in_progress": (2, "Update"),
    "excepted": (2, "Update"),
    "resolved": (3, "Close"),
    "gone": (3, "Close"),
    "": (99, "Evaluate"),
}
# OCSF status_id of the finding itself.
OCSF_STATE: Final = {
    "new": (1, "New"),
    "open": (2, "In Progress"),
    "reopened": (1, "New"),
    "acknowledged": (2, "In Progress"),
    "in_progress": (2, "In Progress"),
    "excepted": (3, "Suppressed"),
    "resolved": (4, "Resolved"),
    "gone": (5, "Archived"),
    "": (99, "Evaluated"),
}

# ASFF Compliance.Status, as in "AwsSecurityFinding" and "Compliance" of the Security Hub API Reference:
# WARNING where information is missing, NOT_AVAILABLE where the check does not apply.
ASFF_STATUS: Final = {
    "fail": "FAILED",
    "unknown": "WARNING",
    "pass": "PASSED",
    "not_applicable": "NOT_AVAILABLE",
}
ASFF_WORKFLOW: Final = {
    "new": "NEW",
    "open": "NEW",
    "reopened": "NEW",
    # NOTIFIED says that the owner knows; ASFF has no word for work under way.
    "acknowledged": "NOTIFIED",
    "in_progress": "NOTIFIED",
    "excepted": "SUPPRESSED",
    "resolved": "RESOLVED",
    "gone": "RESOLVED",
    "": "NEW",
}

# SARIF 2.1.0 result.kind; where it is not "fail", §3.27.10 wants level "none".
SARIF_KIND: Final = {"fail": "fail", "unknown": "open"}
SARIF_LEVEL: Final = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "informational": "note",
}
# The number that code-scanning services sort by (0 to 10), in the bands of CVSS.
SARIF_SCORE: Final = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "informational": "0.0"}

FORMAT_WORDS: Final[dict[str, dict[str, str]]] = {
    "console": LABELS,
    "html": LABELS,
    "json": {status: status for status in STATUSES},
    "csv": {status: status for status in STATUSES},
    "ocsf": {status: f"{number} ({word})" for status, (number, word) in OCSF_STATUS.items()},
    "asff": ASFF_STATUS,
    "sarif": {
        status: f"kind {SARIF_KIND[status]}" if status in SARIF_KIND else "not written" for status in STATUSES
    },
}
"""Per format, its word for each of `STATUSES`: the table of words in the documentation."""
