"""Who becomes an administrator, by which steps, and who can become whom."""

from __future__ import annotations

from typing import Final

from partywall.analysis.iam.holdings import SOURCES
from partywall.tables.spec import (
    Analysis,
    Bool,
    Column,
    Enum,
    Field,
    Int,
    List,
    Str,
    Struct,
    Table,
    Timestamp,
)

_PRINCIPAL: Final = ("attached_policies", "inline_policy", "inline_policy_names", "permissions_boundary")


def _inputs() -> dict[str, tuple[str, ...]]:
    """Table -> the columns that the study of escalation reads."""
    common = ("account_id", "region", "arn", "name")
    found: dict[str, tuple[str, ...]] = {
        "account": ("organization_id", "management_account_id"),
        "organizations_root": ("root_id",),
        "organizations_account": ("member_account_id", "ancestor_ids", "parent_type"),
        "organizations_policy_type": ("policy_type", "status"),
        "organizations_policy": ("policy_type", "content", "target_ids"),
        "iam_user": (
            *_PRINCIPAL,
            *("user_id", "tags", "group_names", "password_enabled", "password_used"),
            *("password_last_active", "mfa_active", "access_keys", "create_date"),
        ),
        "iam_role": (*_PRINCIPAL, "role_id", "tags", "trust_policy", "last_active", "used"),
        "iam_group": ("attached_policies", "inline_policy", "inline_policy_names"),
        "iam_policy": ("document", "other_versions"),
        "iam_aws_managed_policy": ("document",),
        "lambda_function": ("policy", "urls"),
    }
    for source in SOURCES:
        for table, columns in source.tables.items():
            wanted = (c for c in columns if c not in common)
            found[table] = tuple(dict.fromkeys((*found.get(table, ()), *wanted)))
    return found


_HOP: Final = (
    Field("step", Str, ""),
    Field("title", Str, ""),
    Field("how", Str, ""),
    Field("source", Str, ""),
    Field("target", Str, ""),
    Field("certain", Bool, ""),
)
_HOP_DOC: Final = (
    "`step` is its id; `how` self, assume, credentials, trust, pass-role or take-over; `source` takes it,"
    " `target` is taken over, changed or joined (empty: something new); `certain`: no open condition is in"
    " its way."
)
_EVIDENCE: Final = Struct(
    Field("action", Str, ""),
    Field("resource", Str, ""),
    Field("statements", List(Str), ""),
)
_KIND: Final = Column("kind", Enum("user", "role"), "")

principal_risk = Table(
    "iam_principal_risk",
    service="iam",
    scope="global",
    doc="A user or role, and what it comes to: whether its policies, boundary and SCPs make it an"
    " administrator, whether it becomes one by steps of its own, and who else can become it. Among the"
    " accounts and Regions of the scan.",
    rows=Analysis("partywall.analysis.iam.tables_paths:principal_risk", _inputs(), ("iam_user", "iam_role")),
    arn="",
    columns=(
        _KIND,
        Column("service_linked", Bool, "", doc="A role that only an AWS service may use and change."),
        Column(
            "policy_admin",
            Bool,
            "",
            doc="Its own policies allow every action on every resource, boundary and SCPs aside.",
        ),
        Column(
            "is_admin",
            Bool,
            "",
            doc="It may do everything: boundary counted, without a denial, and the account's SCPs leave it"
            " the management of identities.",
        ),
        Column("may_be_admin", Bool, "", doc="It is an administrator if open conditions (such as MFA) hold."),
        Column("reaches_admin", Bool, "", doc="It is one, or becomes one by steps that hang on nothing."),
        Column(
            "may_reach_admin", Bool, "", doc="It is one, or becomes one by steps whose conditions may hold."
        ),
        Column("hops", Int, "", doc="Steps of the shortest path; 0: it is one already, or there is no path."),
        Column("path", List(Struct(*_HOP)), "", doc=f"The shortest path, certain ones first. {_HOP_DOC}"),
        Column("path_text", Str, "", doc="The path in one line; empty: none."),
        Column("target", Str, "", doc="The administrator that the path ends at; empty: a new one, or none."),
        Column("crosses_accounts", Bool, "", doc="The path leads into another account."),
        Column(
            "through_compute",
            Bool,
            "",
            doc="The path leads over a resource that runs code with a role, new or existing.",
        ),
        Column(
            "passes_admin_roles",
            Bool,
            "",
            doc="iam:PassRole reaches an administrator role of its account, or may.",
        ),
        Column("opens_way_for", Int, "", doc="How many others' shortest path leads through it."),
        Column("bounded", Bool, "", doc="It has a permissions boundary."),
        Column("console_without_mfa", Bool, "", doc="A user with a password and without an MFA device."),
        Column("active_keys", Int, "", doc="Active access keys of a user."),
        Column("used", Bool, "", doc="AWS tells of some use."),
        Column("last_active", Timestamp, "", doc="When it was last used or, if it never was, made."),
        Column(
            "trusts_account",
            Bool,
            "",
            doc="A role whose trust policy takes in its whole own account, without a condition.",
        ),
        Column(
            "outsiders",
            List(
                Struct(
                    Field("kind", Str, ""),
                    Field("name", Str, ""),
                    Field("conditional", Bool, ""),
                )
            ),
            "",
            doc="Who besides its own account a role's trust policy names, services left out: `kind` is"
            " anyone, account or federated, `conditional` tells that a condition narrows it.",
        ),
        Column(
            "held_by",
            List(Struct(Field("kind", Str, ""), Field("arn", Str, ""))),
            "",
            doc="Functions, instances, projects, stacks and so on that run with the role; a NULL element"
            " stands for those that were not listed.",
        ),
        Column(
            "public_functions",
            List(Str),
            "",
            doc="Functions with the role that anybody may call; a NULL element: perhaps others.",
        ),
    ),
)

escalation_path = Table(
    "iam_escalation_path",
    service="iam",
    scope="global",
    doc="A user or role that is no administrator and becomes one, by the shortest path: certain ones first."
    " NULL columns: whether there is such a path hangs on what was not read.",
    rows=Analysis(
        "partywall.analysis.iam.tables_paths:escalation_paths", _inputs(), ("iam_user", "iam_role")
    ),
    arn="",
    columns=(
        _KIND,
        Column("certain", Bool, "", doc="No step hangs on an open condition."),
        Column("hops", Int, ""),
        Column("target", Str, "", doc="The administrator that the path ends at; empty: a new one."),
        Column("target_account", Str, "", doc="Account that the path ends in."),
        Column("path_text", Str, "", doc="The path in one line."),
        Column(
            "steps",
            List(
                Struct(
                    *_HOP,
                    Field("evidence", List(_EVIDENCE), ""),
                    Field("why", Str, ""),
                    Field("fix", Str, ""),
                )
            ),
            "",
            doc=f"{_HOP_DOC} `evidence` gives for each action needed a resource that it reaches (empty: any"
            " of its kind) and the statements that allow it (none: they come by the step before).",
        ),
    ),
)

TABLES = (principal_risk, escalation_path)
