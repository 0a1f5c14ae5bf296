"""Amazon Athena workgroups."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Int,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

workgroup = Table(
    "athena_workgroup",
    service="athena",
    scope="regional",
    resource_type="AWS::Athena::WorkGroup",
    doc="A workgroup: settings for the queries that are run in it. Every Region has one called primary.",
    rows=Call("athena:ListWorkGroups", at="WorkGroups"),
    arn="arn:{partition}:athena:{region}:{account_id}:workgroup/{workgroup_name}",
    title="Name",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("athena:workgroup"),
        "detail": Call("athena:GetWorkGroup", {"WorkGroup": "workgroup_name"}, at="WorkGroup.Configuration"),
    },
    columns=(
        Column("workgroup_name", Str, "Name", doc="The same as `name`."),
        Column("state", Enum("ENABLED", "DISABLED"), "State", "ENABLED"),
        Column("created_at", Timestamp, "CreationTime"),
        Column("engine_version", Str, "EngineVersion.EffectiveEngineVersion", ""),
        Column(
            "encryption_option",
            Enum("SSE_S3", "SSE_KMS", "CSE_KMS", "none"),
            "detail.ResultConfiguration.EncryptionConfiguration.EncryptionOption",
            "none",
            doc="How results are encrypted in the customer's bucket.",
        ),
        Column("kms_key", Str, "detail.ResultConfiguration.EncryptionConfiguration.KmsKey", ""),
        Column("output_location", Str, "detail.ResultConfiguration.OutputLocation", "", doc="Or empty."),
        Column(
            "managed_results",
            Bool,
            "detail.ManagedQueryResultsConfiguration.Enabled",
            False,
            doc="Athena itself keeps the results, always encrypted.",
        ),
        Column("enforce_configuration", Bool, "detail.EnforceWorkGroupConfiguration", False),
        Column("publish_metrics", Bool, "detail.PublishCloudWatchMetricsEnabled", False),
        Column("bytes_scanned_cutoff", Int, "detail.BytesScannedCutoffPerQuery", 0, doc="0: no limit."),
    ),
)

TABLES = (workgroup,)
