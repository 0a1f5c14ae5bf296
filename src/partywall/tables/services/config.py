"""AWS Config: recorders, delivery channels, rules, conformance packs and aggregators."""

from __future__ import annotations

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Int,
    List,
    Lookup,
    Relation,
    Single,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _tags(kind: str) -> Lookup:
    return tagging(f"config:{kind}")


recorder = Table(
    "config_recorder",
    service="config",
    scope="regional",
    resource_type="AWS::Config::ConfigurationRecorder",
    doc="A configuration recorder; older ones have no ARN, and get one made of their name.",
    rows=Call("config:DescribeConfigurationRecorders", at="ConfigurationRecorders"),
    arn="arn:{partition}:config:{region}:{account_id}:configuration-recorder/{name}",
    title="name",
    calls={
        "status": Lookup(
            "config:DescribeConfigurationRecorderStatus",
            at="ConfigurationRecordersStatus",
            key="name",
            by="name",
        ),
    },
    columns=(
        Column("role_arn", Str, "roleARN", ""),
        Column(
            "service_principal",
            Str,
            "servicePrincipal",
            "",
            doc="The AWS service that the recorder belongs to; empty: the customer's own.",
        ),
        Column("recording_scope", Enum("INTERNAL", "PAID"), "recordingScope", "PAID"),
        Column("all_supported", Bool, "recordingGroup.allSupported", True, doc="Records every type."),
        Column("include_global_resource_types", Bool, "recordingGroup.includeGlobalResourceTypes", False),
        Column("resource_types", List(Str), "recordingGroup.resourceTypes"),
        Column("excluded_resource_types", List(Str), "recordingGroup.exclusionByResourceTypes.resourceTypes"),
        Column(
            "recording_strategy",
            Enum(
                "ALL_SUPPORTED_RESOURCE_TYPES",
                "INCLUSION_BY_RESOURCE_TYPES",
                "EXCLUSION_BY_RESOURCE_TYPES",
                "none",
            ),
            "recordingGroup.recordingStrategy.useOnly",
            "none",
        ),
        Column(
            "recording_frequency",
            Enum("CONTINUOUS", "DAILY"),
            "recordingMode.recordingFrequency",
            "CONTINUOUS",
        ),
        Column("is_recording", Bool, "status.recording", False),
        Column(
            "last_status",
            Str,
            "status.lastStatus",
            "none",
            doc="Of its last delivery, in capitals: PENDING, SUCCESS, FAILURE, NOTAPPLICABLE; none.",
            fn=lambda v: v.upper(),
        ),
        Column("last_error", Str, "status.lastErrorMessage", ""),
    ),
)

delivery_channel = Table(
    "config_delivery_channel",
    service="config",
    scope="regional",
    resource_type="AWS::Config::DeliveryChannel",
    doc="The delivery channel: where the recorder sends what it saw. AWS has no ARN for it.",
    rows=Call("config:DescribeDeliveryChannels", at="DeliveryChannels"),
    arn="arn:{partition}:config:{region}:{account_id}:delivery-channel/{name}",
    title="name",
    calls={
        "status": Lookup(
            "config:DescribeDeliveryChannelStatus", at="DeliveryChannelsStatus", key="name", by="name"
        ),
    },
    columns=(
        Column("s3_bucket_name", Str, "s3BucketName", ""),
        Column("s3_kms_key_arn", Str, "s3KmsKeyArn", "", doc="Empty: no KMS key for the files."),
        Column("sns_topic_arn", Str, "snsTopicARN", ""),
        Column("snapshot_frequency", Str, "configSnapshotDeliveryProperties.deliveryFrequency", "none"),
        Column("history_status", Str, "status.configHistoryDeliveryInfo.lastStatus", "none", fn=str.upper),
        Column("history_error", Str, "status.configHistoryDeliveryInfo.lastErrorMessage", ""),
        Column("snapshot_status", Str, "status.configSnapshotDeliveryInfo.lastStatus", "none", fn=str.upper),
        Column("stream_status", Str, "status.configStreamDeliveryInfo.lastStatus", "none", fn=str.upper),
        Column("stream_error", Str, "status.configStreamDeliveryInfo.lastErrorMessage", ""),
    ),
)

rule = Table(
    "config_rule",
    service="config",
    scope="regional",
    resource_type="AWS::Config::ConfigRule",
    doc="A rule, with the state of its evaluation.",
    rows=Call("config:DescribeConfigRules", at="ConfigRules"),
    arn="ConfigRuleArn",
    title="ConfigRuleName",
    tags="tagging.Tags",
    calls={
        "evaluation": Lookup(
            "config:DescribeConfigRuleEvaluationStatus",
            at="ConfigRulesEvaluationStatus",
            key="ConfigRuleName",
            by="name",
        ),
        "compliance": Lookup(
            "config:DescribeComplianceByConfigRule",
            at="ComplianceByConfigRules",
            key="ConfigRuleName",
            by="name",
        ),
        "tagging": _tags("config-rule"),
    },
    columns=(
        Column("state", Enum("ACTIVE", "DELETING", "DELETING_RESULTS", "EVALUATING"), "ConfigRuleState", ""),
        Column("owner", Enum("CUSTOM_LAMBDA", "AWS", "CUSTOM_POLICY"), "Source.Owner"),
        Column(
            "source_identifier", Str, "Source.SourceIdentifier", "", doc="AWS's rule, or the Lambda function."
        ),
        Column("created_by", Str, "CreatedBy", "", doc="The AWS service that made it; empty: the customer."),
        Column("evaluation_modes", List(Str), "EvaluationModes[].Mode"),
        Column("last_error_code", Str, "evaluation.LastErrorCode", "", doc="Of its last run; empty: none."),
        Column("last_evaluation", Timestamp, "evaluation.LastSuccessfulEvaluationTime"),
        Column("has_evaluated", Bool, "evaluation.FirstEvaluationStarted", False),
        Column(
            "compliance",
            Enum("COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE", "INSUFFICIENT_DATA"),
            "compliance.Compliance.ComplianceType",
            "INSUFFICIENT_DATA",
        ),
        Column(
            "noncompliant_resources",
            Int,
            "compliance.Compliance.ComplianceContributorCount.CappedCount",
            0,
            doc="Up to 25 are counted.",
        ),
    ),
)

conformance_pack = Table(
    "config_conformance_pack",
    service="config",
    scope="regional",
    resource_type="AWS::Config::ConformancePack",
    doc="A conformance pack: a set of rules deployed as one.",
    rows=Call("config:DescribeConformancePacks", at="ConformancePackDetails"),
    arn="ConformancePackArn",
    title="ConformancePackName",
    calls={
        "status": Lookup(
            "config:DescribeConformancePackStatus",
            at="ConformancePackStatusDetails",
            key="ConformancePackName",
            by="name",
        ),
    },
    columns=(
        Column("created_by", Str, "CreatedBy", ""),
        Column("delivery_bucket", Str, "DeliveryS3Bucket", ""),
        Column("state", Str, "status.ConformancePackState", doc="Such as CREATE_COMPLETE, UPDATE_FAILED."),
        Column("state_reason", Str, "status.ConformancePackStatusReason", ""),
    ),
)

aggregator = Table(
    "config_aggregator",
    service="config",
    scope="regional",
    resource_type="AWS::Config::ConfigurationAggregator",
    doc="An aggregator: one view of several accounts and Regions.",
    rows=Call("config:DescribeConfigurationAggregators", at="ConfigurationAggregators"),
    arn="ConfigurationAggregatorArn",
    title="ConfigurationAggregatorName",
    tags="tagging.Tags",
    calls={"tagging": _tags("config-aggregator")},
    columns=(
        Column("account_ids", List(Str), "AccountAggregationSources[].AccountIds[]"),
        Column(
            "accounts_all_regions",
            Bool,
            "AccountAggregationSources",
            True,
            doc="All of its lists of accounts cover all Regions; TRUE where it has no such list.",
            fn=lambda v: all(source.get("AllAwsRegions") for source in v),
        ),
        Column("is_organization", Bool, "OrganizationAggregationSource", False, fn=bool),
        Column("organization_all_regions", Bool, "OrganizationAggregationSource.AllAwsRegions", False),
        Column("created_by", Str, "CreatedBy", ""),
        Column("last_updated", Timestamp, "LastUpdatedTime"),
    ),
)

region = Table(
    "config_region",
    service="config",
    scope="regional",
    resource_type="AWS::::Account",
    doc="AWS Config in a Region of the account, one row, whether or not it is in use.",
    rows=Single(),
    arn="arn:{partition}:config:{region}:{account_id}:region",
    title="AWS Config in {region}",
    calls={
        "retention": Call(
            "config:DescribeRetentionConfigurations", absent=("NoSuchRetentionConfigurationException",)
        ),
    },
    columns=(
        Column(
            "retention_days",
            Int,
            "retention.RetentionConfigurations[].RetentionPeriodInDays",
            2557,
            doc="Days that configuration history is kept; seven years where nothing is set.",
            fn=lambda v: v[0] if v else None,
        ),
    ),
    relations=(
        Relation(
            "recorders",
            "config_recorder",
            (
                "name",
                "service_principal",
                "is_recording",
                "last_status",
                "all_supported",
                "recording_strategy",
                "excluded_resource_types",
            ),
            {"account_id": "account_id", "region": "region"},
            doc="The recorders in the Region.",
        ),
        Relation(
            "delivery_channels",
            "config_delivery_channel",
            ("name", "s3_bucket_name"),
            {"account_id": "account_id", "region": "region"},
            doc="The delivery channel in the Region.",
        ),
    ),
)

account = Table(
    "config_account",
    service="config",
    scope="global",
    resource_type="AWS::::Account",
    doc="AWS Config in all Regions of the account, one row.",
    rows=Single(),
    arn="arn:{partition}:config::{account_id}:account",
    title="AWS Config of {account_id}",
    columns=(),
    relations=(
        Relation(
            "recorders",
            "config_recorder",
            (
                "name",
                "region",
                "service_principal",
                "is_recording",
                "include_global_resource_types",
                "recording_strategy",
                "excluded_resource_types",
            ),
            {"account_id": "account_id"},
            doc="The recorders of all Regions.",
        ),
        Relation(
            "aggregators",
            "config_aggregator",
            ("name", "is_organization", "organization_all_regions"),
            {"account_id": "account_id"},
            doc="The aggregators of all Regions.",
        ),
    ),
)

TABLES = (recorder, delivery_channel, rule, conformance_pack, aggregator, region, account)
