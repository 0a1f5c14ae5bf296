"""Principals, and grants that are wider than they look.

IAM User Guide: AWS JSON policy elements: Principal; NotPrincipal; The confused deputy problem; Granting a
user permissions to pass a role; Using service-linked roles; Controlling access to AWS resources using tags.
"""

from __future__ import annotations

import re
from typing import Final

from partywall.analysis.globs import has_wildcard, overlaps
from partywall.analysis.iam.lint import reference
from partywall.analysis.iam.lint.codes import PolicyType
from partywall.analysis.iam.lint.conditions import tag_conditions
from partywall.analysis.iam.lint.document import Run, Statement, entries
from partywall.analysis.iam.lint.positions import Node

_KEYS: Final = ("AWS", "CanonicalUser", "Federated", "Service")
_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)")
_AWS: Final = re.compile(r"\d{12}|arn:[a-z-]+:(iam|sts)::\d{12}:.+|arn:[a-z-]+:iam::cloudfront:user/.+")
_SOURCES: Final = (
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
)
_FEDERATED: Final = {
    "saml": ("sts:assumerolewithsaml",),
    "oidc": ("sts:assumerolewithwebidentity",),
}
_EITHER: Final = ("sts:tagsession", "sts:setsourceidentity", "sts:setcontext")


def check(run: Run, statements: list[Statement]) -> None:
    """Notes what is wrong with principals and with wide grants."""
    for s in statements:
        if s.principal is not None and run.type in (PolicyType.RESOURCE, PolicyType.TRUST):
            _principal(run, s, s.principal, f"{s.path}.{'NotPrincipal' if s.not_principal else 'Principal'}")
        if s.allow and run.type is PolicyType.IDENTITY:
            _wide(run, s, "iam:passrole", "PASS_ROLE", "pass roles")
            _wide(run, s, "iam:createservicelinkedrole", "CREATE_SLR", "create service-linked roles")
        if run.type in (PolicyType.IDENTITY, PolicyType.SCP):
            _tags(run, s)


def _principal(run: Run, s: Statement, node: Node, path: str) -> None:
    if s.not_principal and s.allow:
        run.add(
            "ALLOW_WITH_NOTPRINCIPAL",
            node,
            path,
            "Allow with NotPrincipal lets in everyone else, anonymous callers too.",
        )
    if node.kind == "unknown" or node.value == "*":
        return
    if node.kind != "object":
        run.add(
            "INVALID_PRINCIPAL_FORMAT",
            node,
            path,
            'A principal is "*" or maps a kind to names, as in {"AWS": "..."}.',
        )
        return
    if not node.members:
        run.add("EMPTY_OBJECT_PRINCIPAL", node, path, "The element names no principal.")
    for key, value in node.members:
        where = f"{path}.{key.text}"
        if key.text not in _KEYS:
            run.add(
                "INVALID_PRINCIPAL_KEY",
                key,
                where,
                f"{key.text!r} is no kind of principal: {', '.join(_KEYS)} are.",
            )
            continue
        if value.kind == "array" and not value.items:
            run.add("EMPTY_ARRAY_PRINCIPAL", value, where, "The list names no principal.")
        for item, place in entries(value, where):
            if item.kind == "unknown":
                continue
            if item.kind != "string":
                run.add("DATA_TYPE_MISMATCH", item, place, "A principal is named by text.")
            else:
                _named(run, s, key.text, item, place)


def _named(run: Run, s: Statement, kind: str, node: Node, path: str) -> None:
    text = node.text
    wild = has_wildcard(text)
    if "${" in text:
        return
    if wild and not (kind == "AWS" and text == "*"):
        trust = run.type is PolicyType.TRUST
        code = (
            "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL"
            if trust
            else "UNSUPPORTED_WILDCARD_IN_PRINCIPAL"
        )
        run.add(code, node, path, f"{text!r}: wildcards match no part of a principal's name.")
        return
    if text == "*":
        return
    if kind == "AWS":
        if text.startswith("AROA"):
            run.add(
                "INVALID_ROLE_REFERENCE",
                node,
                path,
                "This is a role's id, not its ARN; the role may be gone.",
            )
        elif text.startswith("AIDA"):
            run.add(
                "INVALID_USER_REFERENCE",
                node,
                path,
                "This is a user's id, not its ARN; the user may be gone.",
            )
        elif not _AWS.fullmatch(text):
            run.add(
                "INVALID_PRINCIPAL_FORMAT",
                node,
                path,
                f"{text!r} is neither an account id nor a principal's ARN.",
            )
    elif kind == "Service":
        if not _SERVICE.fullmatch(text):
            run.add(
                "INVALID_SERVICE_PRINCIPAL_FORMAT",
                node,
                path,
                f"{text!r} is no service such as lambda.amazonaws.com.",
            )
        elif s.allow and run.type is PolicyType.RESOURCE and not s.not_principal:
            _deputy(run, s, node, path)
    if run.type is PolicyType.TRUST:
        _actions_for(run, s, kind, text, path)


def _deputy(run: Run, s: Statement, node: Node, path: str) -> None:
    if {key.text.lower() for _, key, _ in s.compared()} & set(_SOURCES) or (
        s.condition and s.condition.kind == "unknown"
    ):
        return
    run.add(
        "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
        node,
        path,
        f"{node.text} may act for any customer here: ask for aws:SourceArn or aws:SourceAccount.",
    )


def _actions_for(run: Run, s: Statement, kind: str, text: str, path: str) -> None:
    """A federated principal assumes a role by its own operation (page "Actions" of AWS STS)."""
    if s.not_action or s.action is None:
        return
    if kind == "Federated":
        wanted = _FEDERATED["saml" if ":saml-provider/" in text else "oidc"]
    else:
        wanted = ("sts:assumerole",)
    for node in s.actions():
        action = node.text.lower()
        if not action.startswith("sts:") or any(overlaps(action, each) for each in (*wanted, *_EITHER)):
            continue
        if action.startswith("sts:assumerole"):
            run.add(
                "MISMATCHED_ACTION_FOR_PRINCIPAL",
                node,
                f"{s.path}.Action",
                f"{text} cannot use {node.text}: principals of kind {kind} come by {wanted[0]}.",
            )


def _wide(run: Run, s: Statement, action: str, prefix: str, what: str) -> None:
    if s.action is None or s.resource is None:
        return
    patterns = [node.text.lower() for node in s.actions()]
    matching = [p for p in patterns if overlaps(p, action)]
    if bool(matching) == s.not_action:
        return
    starred = not s.not_action and action not in matching
    resources = s.resources()
    wide = [n for n in resources if _all_roles(n.text)]
    if prefix == "PASS_ROLE" and any(k.text.lower() == "iam:passedtoservice" for _, k, _ in s.compared()):
        return
    if prefix == "CREATE_SLR" and any(k.text.lower() == "iam:awsservicename" for _, k, _ in s.compared()):
        return
    if s.not_resource:
        tail = (
            "NOTACTION_AND_NOTRESOURCE"
            if s.not_action
            else "STAR_IN_ACTION_AND_NOTRESOURCE"
            if starred
            else "NOTRESOURCE"
        )
        where, node = "NotResource", s.resource
    elif wide:
        tail = (
            "STAR_IN_RESOURCE_AND_NOTACTION"
            if s.not_action
            else "STAR_IN_ACTION_AND_RESOURCE"
            if starred
            else "STAR_IN_RESOURCE"
        )
        where, node = "Resource", wide[0]
    else:
        return
    run.add(
        f"{prefix}_WITH_{tail}",
        node,
        f"{s.path}.{where}",
        f"The statement lets one {what} that nobody listed.",
    )


def _all_roles(resource: str) -> bool:
    """Whether a pattern takes in roles of any name."""
    if resource.strip("*") == "":
        return True
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return resource.endswith("*") and overlaps(resource, "arn:aws:iam::*:role/*")
    return overlaps(parts[2], "iam") and parts[5] in ("*", "role*", "role/*", "role/aws-service-role/*")


def _tags(run: Run, s: Statement) -> None:
    keys = tag_conditions(s)
    if not keys or s.action is None:
        return
    effect = "ALLOW" if s.allow else "DENY"
    key = keys[0]
    path = f"{s.path}.Condition"
    if s.not_action:
        run.add(
            f"{effect}_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
            key,
            path,
            f"Of the actions left in, some never carry {key.text}: list those that do.",
        )
        return
    lacking: list[str] = []
    for node in s.actions():
        service, _, name = node.text.lower().partition(":")
        if not has_wildcard(node.text) and not reference.supports_resource_tag(service, name):
            lacking.append(node.text)
    if lacking:
        says = "they are never allowed" if s.allow else "they are never denied"
        run.add(
            f"{effect}_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
            key,
            path,
            f"Requests of {', '.join(lacking[:5])} never carry {key.text}, so by this statement {says}.",
        )
