"""AWS Well-Architected Tool: workloads that were reviewed, and the answers given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Int,
    List,
    Str,
    Table,
    Timestamp,
)

_RISK = Enum("UNANSWERED", "HIGH", "MEDIUM", "NONE", "NOT_APPLICABLE")


def _has_framework_lens(row: Mapping[str, Any]) -> bool:
    return "wellarchitected" in (row.get("lenses") or ())


workload = Table(
    "wellarchitected_workload",
    service="wellarchitected",
    scope="regional",
    resource_type="AWS::WellArchitected::Workload",
    doc="A workload under review, with the number of its risks.",
    rows=Call("wellarchitected:ListWorkloads", at="WorkloadSummaries"),
    arn="WorkloadArn",
    title="WorkloadName",
    tags="workload.Workload.Tags",
    calls={"workload": Call("wellarchitected:GetWorkload", {"WorkloadId": "workload_id"})},
    columns=(
        Column("workload_id", Str, "WorkloadId"),
        Column("owner", Str, "Owner", ""),
        Column("updated_at", Timestamp, "UpdatedAt"),
        Column("lenses", List(Str), "Lenses", doc="The question catalogues that it is reviewed by."),
        Column("high_risks", Int, "RiskCounts.HIGH", 0),
        Column("medium_risks", Int, "RiskCounts.MEDIUM", 0),
        Column("unanswered", Int, "RiskCounts.UNANSWERED", 0),
        Column(
            "improvement_status",
            Enum("NOT_APPLICABLE", "NOT_STARTED", "IN_PROGRESS", "COMPLETE", "RISK_ACKNOWLEDGED"),
            "ImprovementStatus",
            "NOT_APPLICABLE",
        ),
        Column("environment", Enum("PRODUCTION", "PREPRODUCTION"), "workload.Workload.Environment"),
    ),
)

answer = Table(
    "wellarchitected_answer",
    service="wellarchitected",
    scope="regional",
    resource_type="AWS::WellArchitected::Workload",
    doc="An answer to a question of the Well-Architected Framework for a workload.",
    parent="wellarchitected_workload",
    parent_when=_has_framework_lens,
    rows=Call(
        "wellarchitected:ListAnswers",
        {"WorkloadId": "@parent.workload_id", "LensAlias": Const("wellarchitected")},
        at="AnswerSummaries",
    ),
    arn="{parent.arn}/answer/{question_id}",
    title="{question_title}",
    columns=(
        Column("workload_id", Str, "@parent.workload_id"),
        Column("question_id", Str, "QuestionId"),
        Column("question_title", Str, "QuestionTitle", ""),
        Column("pillar_id", Str, "PillarId", doc="Such as security or reliability."),
        Column("risk", _RISK, "Risk", "UNANSWERED"),
        Column("is_applicable", Bool, "IsApplicable", True),
        Column("reason", Str, "Reason", "NONE", doc="Why a question was said not to apply."),
        Column("selected_choices", List(Str), "SelectedChoices"),
    ),
)

TABLES = (workload, answer)
