"""Findings of the lint as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from partywall import __version__
from partywall.analysis.iam.lint.codes import SECTIONS, SEVERITIES, Finding, Severity

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {
    Severity.ERROR: "error",
    Severity.SECURITY_WARNING: "error",
    Severity.WARNING: "warning",
    Severity.SUGGESTION: "note",
}
_HELP: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
# §3.11.5 and §3.11.6: text of a file makes no link and no placeholder.
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "[": "\\[", "]": "\\]", "{": "{{", "}": "}}"})


def sarif(found: Sequence[tuple[str, Finding]]) -> dict[str, Any]:
    """A log of one run: (file, finding) each at its line; files are told relative, as they were given."""
    codes = sorted({f.code for _, f in found})
    index = {code: n for n, code in enumerate(codes)}
    driver = {
        "name": "partywall iam lint",
        "semanticVersion": __version__,
        "rules": [
            {
                "id": code,
                "name": "".join(part.capitalize() for part in code.split("_")),
                "shortDescription": {"text": SECTIONS[code]},
                "helpUri": _HELP,
                "defaultConfiguration": {"level": _LEVELS[SEVERITIES[code]]},
                "properties": {"tags": ["security", "iam"]},
            }
            for code in codes
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(file, f, index) for file, f in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(file: str, f: Finding, index: dict[str, int]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(PurePath(file).as_posix())},
            "region": {"startLine": f.line, "startColumn": f.column},
        }
    }
    if f.policy:
        place["logicalLocations"] = [{"name": f.policy, "kind": "resource"}]
    return {
        "ruleId": f.code,
        "ruleIndex": index[f.code],
        "level": _LEVELS[f.severity],
        "message": {"text": f.message.translate(_ESCAPES)},
        "locations": [place],
    }
