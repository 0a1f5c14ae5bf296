"""Lint of policy documents before they ship, with the finding codes of IAM Access Analyzer's ValidatePolicy.

IAM User Guide: IAM policy validation check reference.
"""

from __future__ import annotations

from partywall.analysis.iam.lint import access, conditions, document, targets
from partywall.analysis.iam.lint.codes import BLOCKING, SECTIONS, SEVERITIES, Finding, PolicyType, Severity
from partywall.analysis.iam.lint.positions import JsonError, Node, Source, parse

__all__ = [
    "BLOCKING",
    "SECTIONS",
    "SEVERITIES",
    "Finding",
    "PolicyType",
    "Severity",
    "guess_type",
    "lint",
    "lint_node",
]


def lint(text: str, type_: PolicyType | None = None, policy: str = "") -> list[Finding]:
    """The findings of a policy's JSON text, in the order of the text. Never raises for what the text holds.

    `type_` None: guessed from the document (`guess_type`).
    """
    source = Source(text)
    try:
        root = parse(text)
    except JsonError as error:
        run = document.Run(source, type_ or PolicyType.IDENTITY, policy)
        run.add("JSON_SYNTAX_ERROR", error.offset, "", f"Not JSON: {error}.")
        return run.findings
    return lint_node(source, root, type_ or guess_type(root), policy)


def lint_node(source: Source, root: Node, type_: PolicyType, policy: str = "") -> list[Finding]:
    """The findings of a document already read, `source` being the text that its places refer to."""
    run = document.Run(source, type_, policy)
    statements = document.check(run, root)
    targets.check(run, statements)
    conditions.check(run, statements)
    access.check(run, statements)
    return sorted(dict.fromkeys(run.findings), key=lambda f: (f.line, f.column, f.code))


def guess_type(root: Node) -> PolicyType:
    """Trust where all named actions are STS's, resource where a principal is named, else identity."""
    listed = root.get("Statement") if root.kind == "object" else None
    statements = [node for node in listed.each() if node.kind == "object"] if listed else []
    if not any(node.get("Principal") or node.get("NotPrincipal") for node in statements):
        return PolicyType.IDENTITY
    actions = [
        item.text.lower() for node in statements if (found := node.get("Action")) for item in found.each()
    ]
    bare = not any(node.get("Resource") or node.get("NotResource") for node in statements)
    assumes = bool(actions) and all(action.startswith("sts:") for action in actions)
    return PolicyType.TRUST if assumes and bare else PolicyType.RESOURCE
