"""The grammar of a policy document: elements, their types, and what each kind of policy may hold.

IAM User Guide: Grammar of the IAM JSON policy language; IAM JSON policy elements reference. AWS Organizations
User Guide: SCP syntax; RCP syntax.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from partywall.analysis.iam.lint.codes import SEVERITIES, Finding, PolicyType
from partywall.analysis.iam.lint.positions import Node, Source

_TOP: Final = ("Version", "Id", "Statement")
_ELEMENTS: Final = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_VERSIONS: Final = ("2012-10-17", "2008-10-17")
_NAMES_PRINCIPAL: Final = (PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.RCP)
# IAM and STS quotas; Quotas for AWS Organizations (characters without white space outside of strings).
IDENTITY_QUOTA, SCP_QUOTA, RCP_QUOTA = 6144, 5120, 5120


@dataclass
class Run:
    """One document under lint: what is found so far, and where it stands."""

    source: Source
    type: PolicyType
    policy: str = ""
    findings: list[Finding] = field(default_factory=list[Finding])
    variables: bool = True
    """The document's version fills policy variables."""
    hints: int = 20
    """How many more times the nearest known name is looked for, which takes long."""

    def add(self, code: str, node: Node | int, path: str, message: str) -> None:
        """Notes a finding at a value."""
        line, column = self.source.place(node if isinstance(node, int) else node.start)
        self.findings.append(Finding(code, SEVERITIES[code], message, path, line, column, self.policy))


@dataclass
class Statement:
    """A statement's elements as they stand; the first of `Action`/`NotAction` and so on that is there."""

    node: Node
    path: str
    allow: bool
    action: Node | None
    not_action: bool
    resource: Node | None
    not_resource: bool
    principal: Node | None
    not_principal: bool
    condition: Node | None

    def actions(self) -> list[Node]:
        """The entries of Action or NotAction that are known text."""
        return [n for n in self.action.each() if n.kind == "string"] if self.action else []

    def resources(self) -> list[Node]:
        """The entries of Resource or NotResource that are known text."""
        return [n for n in self.resource.each() if n.kind == "string"] if self.resource else []

    def compared(self) -> list[tuple[Node, Node, Node]]:
        """(operator, key, value) of the condition block."""
        if self.condition is None or self.condition.kind != "object":
            return []
        return [
            (operator, key, value)
            for operator, block in self.condition.members
            if block.kind == "object"
            for key, value in block.members
        ]


def entries(node: Node, path: str) -> list[tuple[Node, str]]:
    """A value's entries with their paths."""
    if node.kind != "array":
        return [(node, path)]
    return [(item, f"{path}[{n}]") for n, item in enumerate(node.items)]


def check(run: Run, root: Node) -> list[Statement]:
    """Notes what is wrong with the document's build; returns the statements that can be read further."""
    if root.kind == "unknown":
        return []
    if root.kind != "object":
        run.add("DATA_TYPE_MISMATCH", root, "", "A policy document is a JSON object.")
        return []
    _members(run, root, _TOP, "")
    _version(run, root)
    _size(run, root)
    listed = root.get("Statement")
    if listed is None or (listed.kind == "array" and not listed.items):
        run.add("MISSING_STATEMENT", listed or root, "Statement", "The policy has no statement.")
        return []
    made: list[Statement] = []
    for node, path in entries(listed, "Statement"):
        if node.kind == "object":
            made.append(_statement(run, node, path))
        elif node.kind != "unknown":
            run.add("DATA_TYPE_MISMATCH", node, path, "A statement is a JSON object.")
    _sids(run, made)
    return made


def _members(run: Run, node: Node, allowed: tuple[str, ...], path: str) -> None:
    seen: set[str] = set()
    for key, _ in node.members:
        where = f"{path}.{key.text}" if path else key.text
        if key.text not in allowed:
            near = next((name for name in allowed if name.lower() == key.text.lower()), "")
            hint = f" It is written {near}." if near else ""
            run.add("INVALID_POLICY_ELEMENT", key, where, f"No element is called {key.text!r} here.{hint}")
        elif key.text in seen:
            run.add(
                "JSON_SYNTAX_ERROR",
                key,
                where,
                f"{key.text} stands twice in one object, and only one of them would count.",
            )
        seen.add(key.text)


def _version(run: Run, root: Node) -> None:
    version = root.get("Version")
    if version is None:
        run.variables = False
        run.add("MISSING_VERSION", root, "Version", "Without Version the policy is read as of 2008-10-17.")
    elif version.kind not in ("string", "unknown"):
        run.add("DATA_TYPE_MISMATCH", version, "Version", "Version is text.")
    elif version.kind == "string":
        run.variables = version.text != "2008-10-17"
        if version.text not in _VERSIONS:
            run.add(
                "INVALID_VERSION",
                version,
                "Version",
                f"Version is {_VERSIONS[0]} (or the old {_VERSIONS[1]}).",
            )


def _size(run: Run, root: Node) -> None:
    limits = {
        PolicyType.IDENTITY: (IDENTITY_QUOTA, "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"),
        PolicyType.SCP: (SCP_QUOTA, "POLICY_SIZE_EXCEEDS_SCP_QUOTA"),
        PolicyType.RCP: (RCP_QUOTA, "POLICY_SIZE_EXCEEDS_RCP_QUOTA"),
    }
    if run.type not in limits:
        return
    limit, code = limits[run.type]
    text = run.source.text[root.start : root.end]
    # White space between tokens does not count, that within strings does.
    size = len(re.sub(r'("(?:[^"\\]|\\.)*")|\s+', lambda m: m.group(1) or "", text))
    if size > limit:
        run.add(code, root, "", f"The policy has {size} characters, {limit} are allowed.")


def _statement(run: Run, node: Node, path: str) -> Statement:
    _members(run, node, _ELEMENTS, path)
    effect = node.get("Effect")
    if effect is None:
        run.add("MISSING_EFFECT", node, path, "The statement says neither Allow nor Deny: Effect is missing.")
    elif effect.kind not in ("string", "unknown"):
        run.add("DATA_TYPE_MISMATCH", effect, f"{path}.Effect", "Effect is text.")
    elif effect.kind == "string" and effect.text not in ("Allow", "Deny"):
        run.add("INVALID_EFFECT", effect, f"{path}.Effect", f"Effect is Allow or Deny, not {effect.text!r}.")
    pairs: dict[str, tuple[Node | None, bool]] = {}
    for name in ("Action", "Resource", "Principal"):
        mine, other = node.get(name), node.get(f"Not{name}")
        if mine is not None and other is not None:
            run.add(
                "UNSUPPORTED_ELEMENT_COMBINATION",
                other,
                f"{path}.Not{name}",
                f"{name} and Not{name} exclude each other in one statement.",
            )
        pairs[name] = (mine, False) if mine is not None else (other, other is not None)
    made = Statement(
        node,
        path,
        effect is not None and effect.text == "Allow",
        *pairs["Action"],
        *pairs["Resource"],
        *pairs["Principal"],
        node.get("Condition"),
    )
    _presence(run, made)
    _texts(run, made.action, f"{path}.{'NotAction' if made.not_action else 'Action'}", "ACTION", "action")
    name = "NotResource" if made.not_resource else "Resource"
    _texts(run, made.resource, f"{path}.{name}", "RESOURCE", "resource")
    _organizations(run, made)
    return made


def _presence(run: Run, s: Statement) -> None:
    if s.action is None:
        run.add("MISSING_ACTION", s.node, s.path, "The statement has neither Action nor NotAction.")
    if s.resource is None and run.type in (PolicyType.IDENTITY, PolicyType.SCP, PolicyType.RCP):
        run.add("MISSING_RESOURCE", s.node, s.path, "The statement has neither Resource nor NotResource.")
    if s.resource is not None and run.type is PolicyType.TRUST:
        name = "NotResource" if s.not_resource else "Resource"
        run.add(
            "INVALID_POLICY_ELEMENT",
            s.resource,
            f"{s.path}.{name}",
            f"A role trust policy speaks of its role alone and takes no {name}.",
        )
    if s.principal is None and run.type in _NAMES_PRINCIPAL:
        run.add(
            "MISSING_PRINCIPAL", s.node, s.path, "A policy of this kind must say whom it concerns: Principal."
        )
    if s.principal is not None and run.type not in _NAMES_PRINCIPAL:
        code = "SCP_SYNTAX_ERROR_PRINCIPAL" if run.type is PolicyType.SCP else "UNSUPPORTED_PRINCIPAL"
        name = "NotPrincipal" if s.not_principal else "Principal"
        run.add(code, s.principal, f"{s.path}.{name}", f"A policy of this kind takes no {name}.")


def _texts(run: Run, node: Node | None, path: str, code: str, what: str) -> None:
    if node is None:
        return
    if node.kind == "array" and not node.items:
        run.add(
            f"EMPTY_ARRAY_{code}", node, path, f"The list names no {what}, so the statement does nothing."
        )
    for item, where in entries(node, path):
        if item.kind not in ("string", "unknown"):
            run.add(
                "DATA_TYPE_MISMATCH",
                item,
                where,
                f"An {what} is text." if code == "ACTION" else "Text is wanted.",
            )


def _organizations(run: Run, s: Statement) -> None:
    if run.type is not PolicyType.RCP:
        return
    if s.allow:
        run.add("RCP_SYNTAX_ERROR_ALLOW", s.node, f"{s.path}.Effect", "An RCP of one's own can only deny.")
    if s.not_action and s.action is not None:
        run.add(
            "RCP_SYNTAX_ERROR_NOTACTION",
            s.action,
            f"{s.path}.NotAction",
            "An RCP takes Action, not NotAction.",
        )
    if s.principal is not None and (s.not_principal or s.principal.value != "*"):
        run.add(
            "RCP_SYNTAX_ERROR_PRINCIPAL",
            s.principal,
            s.path,
            'The Principal of an RCP is "*" and nothing else.',
        )
    for node in s.actions():
        if node.text == "*" and not s.not_action:
            run.add(
                "RCP_SYNTAX_ERROR_ACTION",
                node,
                f"{s.path}.Action",
                'An RCP names services: "*" is not taken.',
            )


def _sids(run: Run, statements: list[Statement]) -> None:
    seen: set[str] = set()
    for s in statements:
        sid = s.node.get("Sid")
        if sid is None or sid.kind == "unknown":
            continue
        where = f"{s.path}.Sid"
        if sid.kind != "string":
            run.add("DATA_TYPE_MISMATCH", sid, where, "Sid is text.")
        elif not sid.text:
            run.add("EMPTY_SID_VALUE", sid, where, "The Sid is empty: name the statement or leave Sid out.")
        else:
            # Resource-based policies of several services take spaces and more; IAM and Organizations do not.
            if run.type is not PolicyType.RESOURCE and not re.fullmatch(r"[A-Za-z0-9]+", sid.text):
                run.add("UNSUPPORTED_SID", sid, where, "A Sid is made of letters A-Z, a-z and digits.")
            if sid.text in seen:
                unique = run.type in (PolicyType.IDENTITY, PolicyType.TRUST, PolicyType.SCP, PolicyType.RCP)
                code = "UNIQUE_SIDS_REQUIRED" if unique else "UNIQUE_SIDS_RECOMMENDED"
                run.add(code, sid, where, f"Another statement is called {sid.text!r} already.")
            seen.add(sid.text)
