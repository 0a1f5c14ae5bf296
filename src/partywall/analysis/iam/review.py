"""What a reviewer would say of one policy document: its lint, what it grants outright, what in it is idle.

IAM User Guide: IAM policy validation check reference; AWS JSON policy elements: NotAction; Policies and
permissions, policy variables (which only Version 2012-10-17 fills); Global condition context keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from partywall.analysis.globs import covers
from partywall.analysis.iam.actions import find, services
from partywall.analysis.iam.document import Policy, Statement, parse
from partywall.analysis.iam.lint import lint, reference
from partywall.analysis.iam.lint.codes import Finding, PolicyType, Severity
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.operators import OPERATORS, holds
from partywall.analysis.iam.patterns import glob
from partywall.analysis.iam.universe import actions

# Reading data at rest or secrets in bulk, and handing copies of them to others.
EXFILTRATION: Final = frozenset(
    name.lower()
    for name in (
        "backup:StartCopyJob",
        "dynamodb:ExportTableToPointInTime",
        "dynamodb:Scan",
        "ec2:CreateStoreImageTask",
        "ec2:ModifyImageAttribute",
        "ec2:ModifySnapshotAttribute",
        "ebs:GetSnapshotBlock",
        "ecr:GetDownloadUrlForLayer",
        "glacier:GetJobOutput",
        "kms:Decrypt",
        "lambda:GetFunction",
        "rds:ModifyDBClusterSnapshotAttribute",
        "rds:ModifyDBSnapshotAttribute",
        "rds:StartExportTask",
        "redshift:AuthorizeSnapshotAccess",
        "s3:GetObject",
        "s3:PutBucketPolicy",
        "s3:PutReplicationConfiguration",
        "secretsmanager:GetSecretValue",
        "sqs:ReceiveMessage",
        "ssm:GetParameter",
        "ssm:GetParameters",
        "ssm:GetParametersByPath",
    )
)
_PASS_ROLE: Final = "iam:passrole"
_ANY_ROLE: Final = "arn:aws:iam::111122223333:role/any"
_ALL_ROLES: Final = re.compile(r"arn:[^:]*:(iam|\*):[^:]*:[^:]*:(\*|role\*|role/\*)")
_SPACE: Final = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')


@lru_cache(maxsize=1)
def escalation() -> frozenset[str]:
    """Actions (in lower case) that gain rights alone, whatever runs in the account, and iam:PassRole."""
    from partywall.analysis.iam.escalation_steps import steps

    alone = (s for s in steps() if len(s.needs) == 1 and s.reach not in ("holding-role", "service-role"))
    single = {next(iter(s.needs)).lower() for s in alone}
    return frozenset({*single, _PASS_ROLE})


@lru_cache(maxsize=1)
def masker() -> Masker:
    """One masker for all documents; it keeps a policy's masks with the policy."""
    return Masker()


@lru_cache(maxsize=4096)
def linted(text: str, type_: PolicyType) -> tuple[Finding, ...]:
    """The lint of a document."""
    return tuple(lint(text, type_))


@lru_cache(maxsize=4096)
def read(text: str, name: str, principal: bool | None) -> Policy:
    """A document for evaluation, read once."""
    return parse(text, name, principal=principal)


def codes(text: str, type_: PolicyType) -> dict[str, Any]:
    """The lint's codes by grade, as columns."""
    found = linted(text, type_)
    return {
        column: sorted({f.code for f in found if f.severity is severity})
        for column, severity in (
            ("errors", Severity.ERROR),
            ("security_warnings", Severity.SECURITY_WARNING),
            ("warnings", Severity.WARNING),
            ("suggestions", Severity.SUGGESTION),
        )
    }


@lru_cache(maxsize=4096)
def review(text: str) -> dict[str, Any]:
    """The columns of `iam_policy_review` that follow from an identity policy's text."""
    universe = actions()
    policy = read(text, "policy", False)
    masks = masker().policy(policy)
    outright = masks.allow_must & ~masks.deny_may
    wide = set(universe.names(outright)) if outright != universe.all else set(universe.texts)
    allows = [s for s in policy.statements if s.allow and not s.broken]
    denied = masks.deny_must >> universe.index[_PASS_ROLE] & 1
    return {
        "size": len(_SPACE.sub(lambda m: m.group(1) or "", text)),
        "statement_count": len(policy.statements),
        **codes(text, PolicyType.IDENTITY),
        "allows_everything": outright == universe.all,
        "allows_not_action": any(s.not_action for s in allows),
        "wildcard_services": ["*"] if outright == universe.all else wildcard_services(outright),
        "passes_any_role": not denied and any(_passes_any(s) for s in allows),
        "escalation_actions": named(wide & escalation()),
        "exfiltration_actions": named(wide & EXFILTRATION),
        "idle_denies": idle_denies(policy),
        "idle_allows": idle_allows(policy),
    }


def named(names: set[str]) -> list[str]:
    """Actions as AWS writes them, sorted."""
    return sorted(a.name if (a := find(n)) else n for n in names)


@lru_cache(maxsize=1)
def service_masks() -> dict[str, int]:
    """Service prefix -> the bitset of its actions."""
    return {s: mask for s in services() if (mask := actions().match(f"{s}:*"))}


def wildcard_services(mask: int) -> list[str]:
    """The services of which a bitset holds every action."""
    return [s for s, all_ in service_masks().items() if all_ & mask == all_]


def _passes_any(s: Statement) -> bool:
    if not s.action_matches(_PASS_ROLE):
        return False
    if any(c.lower_key in ("iam:passedtoservice", "iam:associatedresourcearn") for c in s.conditions):
        return False
    if s.not_resource:
        return not any(glob(r)(_ANY_ROLE) for r in s.resources or ())
    return any(r.strip("*") == "" or _ALL_ROLES.fullmatch(r) for r in s.resources or ("*",))


def _place(s: Statement) -> str:
    return s.sid or f"statement {s.index + 1}"


def idle_denies(policy: Policy) -> list[str]:
    """The Deny statements that hold of no request, each with the reason."""
    found: list[str] = []
    for s in policy.statements:
        if not s.allow and not s.broken:
            why = next(_idle(s), "")
            if why:
                found.append(f"{_place(s)}: {why}")
    return found


def _idle(s: Statement) -> Iterator[str]:
    if not s.not_action and not masker().statement(s):
        yield f"AWS has no action {', '.join(s.actions[:3])}"
    literal = not s.variables
    if literal and s.resources and not s.not_resource and all("${" in r for r in s.resources):
        yield "variables in Resource are filled only under Version 2012-10-17"
    from partywall.analysis.iam.context import Context

    for c in s.conditions:
        operator = OPERATORS.get(c.name)
        if operator is None or operator.negated or c.if_exists or c.quantifier == "all":
            continue
        if literal and all("${" in v for v in c.values):
            yield f"the variable in {c.key} is filled only under Version 2012-10-17"
        elif holds(c, Context()) is False:
            yield f"{c.operator} of {c.key} can never hold"
        elif reference.key_type(c.key) is None and not _federated(c.key):
            yield f"no request carries the key {c.key}"


def _federated(key: str) -> bool:
    # Keys of OIDC providers are called after the provider's host.
    return "." in key.partition(":")[0]


def idle_allows(policy: Policy) -> list[str]:
    """The Allow statements that another makes idle: one that allows as much, or a Deny of all of it."""
    found: list[str] = []
    allows = [s for s in policy.statements if s.allow and not s.broken]
    denied = masker().policy(policy).deny_must
    for n, s in enumerate(allows):
        mask = masker().statement(s)
        if mask and mask & ~denied == 0:
            found.append(f"{_place(s)}: a Deny takes back all of it")
            continue
        for m, other in enumerate(allows):
            if (
                m != n
                and _within(s, mask, other)
                and (m < n or not _within(other, masker().statement(other), s))
            ):
                found.append(f"{_place(s)}: {_place(other)} allows as much")
                break
    return found


def _within(s: Statement, mask: int, other: Statement) -> bool:
    if not mask or mask & ~masker().statement(other) or s.not_resource or other.not_resource:
        return False
    mine = {(c.operator, c.key, c.values) for c in s.conditions}
    if not {(c.operator, c.key, c.values) for c in other.conditions} <= mine:
        return False
    return all(any(_covers(w, r) for w in other.resources or ("*",)) for r in s.resources or ("*",))


def _covers(pattern: str, narrower: str) -> bool:
    if pattern in ("*", narrower):
        return True
    mine, theirs = pattern.split(":", 5), narrower.split(":", 5)
    return len(mine) == len(theirs) == 6 and all(map(covers, mine, theirs))
