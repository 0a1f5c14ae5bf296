"""AWS CloudFormation: stacks."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.secret_patterns import secret_pairs
from partywall.tables.spec import Bool, Call, Column, Enum, Field, List, Str, Struct, Table, Timestamp

Element = Mapping[str, Any]


def _bootstrap_version(outputs: list[Element]) -> str | None:
    """The output BootstrapVersion of the CDK's toolkit stack; None for other stacks."""
    return next((o.get("OutputValue") for o in outputs if o.get("OutputKey") == "BootstrapVersion"), None)


stack = Table(
    "cloudformation_stack",
    service="cloudformation",
    scope="regional",
    resource_type="AWS::CloudFormation::Stack",
    doc="A stack that is not deleted. Values of parameters and outputs are not kept.",
    rows=Call("cloudformation:DescribeStacks", at="Stacks"),
    keep=lambda e: e.get("StackStatus") != "DELETE_COMPLETE",
    arn="StackId",
    title="StackName",
    tags="Tags",
    columns=(
        Column("status", Str, "StackStatus"),
        Column("parent_id", Str, "ParentId", "", doc="ARN of the stack that it is nested in; or empty."),
        Column("role_arn", Str, "RoleARN", "", doc="Role with which it is changed; empty: the caller's."),
        Column("termination_protection", Bool, "EnableTerminationProtection", False),
        Column("disable_rollback", Bool, "DisableRollback", False),
        Column("notification_arns", List(Str), "NotificationARNs"),
        Column("capabilities", List(Str), "Capabilities"),
        Column(
            "drift_status",
            Enum("DRIFTED", "IN_SYNC", "UNKNOWN", "NOT_CHECKED"),
            "DriftInformation.StackDriftStatus",
            "NOT_CHECKED",
        ),
        Column(
            "output_secrets",
            List(Str),
            "Outputs",
            fn=lambda v: secret_pairs(v, "OutputKey", "OutputValue"),
            doc="Keys of the outputs that seem to hold credentials.",
        ),
        Column(
            "parameter_secrets",
            List(Str),
            "Parameters",
            fn=lambda v: secret_pairs(
                [p for p in v if set(str(p.get("ParameterValue", ""))) != {"*"}],
                "ParameterKey",
                "ParameterValue",
            ),
            doc="Keys of the parameters that seem to show credentials (NoEcho shows asterisks).",
        ),
        Column(
            "exports",
            List(Struct(Field("name", Str, "ExportName", ""))),
            "Outputs",
            doc="Names under which outputs are exported; empty for those that are not.",
        ),
        Column("bootstrap_version", Str, "Outputs", "", fn=_bootstrap_version, doc="Of the CDK's toolkit."),
        Column("created_at", Timestamp, "CreationTime"),
        Column("updated_at", Timestamp, "LastUpdatedTime", doc="NULL: it was never updated."),
    ),
)

TABLES = (stack,)
