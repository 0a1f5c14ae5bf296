"""What the tables of data services make of AWS's answers: Regions, shares, documents and switches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from partywall.tables.mapping import CompiledTable
from partywall.tables.paths import MISSING
from partywall.tables.registry import table

CONTEXT = {"@account_id": "111122223333", "@region": "us-east-1", "@partition": "aws"}


def listed(name: str, element: Any) -> dict[str, Any]:
    """A row as it is after the listing alone."""
    row = CompiledTable(table(name)).start(dict(CONTEXT), element)
    assert row["_failed"] == []
    return row


def answered(name: str, element: Any, call: str, data: Any) -> dict[str, Any]:
    """A row after its listing and one call's answer."""
    compiled = CompiledTable(table(name))
    row = compiled.start(dict(CONTEXT), element)
    compiled.answered(row, call, data)
    assert row["_failed"] == []
    return row


def test_a_bucket_is_asked_for_its_location_only_where_the_listing_lacks_it() -> None:
    location: Any = table("s3_bucket").calls["location"]
    told = listed("s3_bucket", {"Name": "a", "BucketRegion": "eu-west-3"})
    silent = listed("s3_bucket", {"Name": "a"})
    assert not location.when(told)
    assert location.when(silent)


@pytest.mark.parametrize(
    ("element", "data", "region"),
    [
        ({"Name": "a", "BucketRegion": "eu-west-3"}, MISSING, "eu-west-3"),
        ({"Name": "a"}, MISSING, "us-east-1"),
        ({"Name": "a"}, {"LocationConstraint": ""}, "us-east-1"),
        ({"Name": "a"}, {"LocationConstraint": "EU"}, "eu-west-1"),
        ({"Name": "a"}, {"LocationConstraint": "ap-south-1"}, "ap-south-1"),
    ],
)
def test_a_bucket_is_of_its_own_region(element: Any, data: Any, region: str) -> None:
    assert answered("s3_bucket", element, "location", data)["region"] == region


@pytest.mark.parametrize(("versioning", "asked"), [("Enabled", True), (None, True), ("Suspended", False)])
def test_replication_is_asked_for_where_versioning_is_on_or_unknown(versioning: Any, asked: bool) -> None:
    calls: Any = table("s3_bucket").calls
    assert calls["replication"].when({"versioning": versioning}) is asked
    assert calls["lock"].when({"versioning": versioning}) is asked


def test_the_acl_is_asked_for_unless_acls_are_known_to_be_disabled() -> None:
    when: Any = getattr(table("s3_bucket").calls["acl"], "when", None)
    assert [when({"object_ownership": o}) for o in ("BucketOwnerEnforced", "ObjectWriter", None)] == [
        False,
        True,
        True,
    ]


def test_notifications_of_all_kinds_are_targets() -> None:
    data = {
        "TopicConfigurations": [{"TopicArn": "topic", "Events": []}],
        "QueueConfigurations": [{"QueueArn": "queue", "Events": []}],
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": "function", "Events": []}],
        "EventBridgeConfiguration": {},
    }
    row = answered("s3_bucket", {"Name": "a"}, "notification", data)
    assert row["notification_targets"] == ["topic", "queue", "function", "eventbridge"]
    assert answered("s3_bucket", {"Name": "a"}, "notification", MISSING)["notification_targets"] == []


def test_directory_buckets_are_told_from_ordinary_ones_by_name() -> None:
    keep: Any = table("s3_directory_bucket").keep
    assert keep({"Name": "logs--use1-az4--x-s3"})
    assert not keep({"Name": "logs"})


@pytest.mark.parametrize("engine", ["postgres", "aurora-mysql", "neptune", "docdb"])
def test_each_database_is_in_the_table_of_its_engine(engine: str) -> None:
    home = {"neptune": "neptune", "docdb": "documentdb"}.get(engine, "rds")
    for suffix in ("instance", "cluster", "cluster_snapshot"):
        homes = [
            service
            for service in ("rds", "neptune", "documentdb")
            if (keep := table(f"{service}_{suffix}").keep) is not None and keep({"Engine": engine})
        ]
        assert homes == [home]


def test_only_the_restore_attribute_names_those_who_may_restore_a_snapshot() -> None:
    attributes = [
        {"AttributeName": "other", "AttributeValues": ["x"]},
        {"AttributeName": "restore", "AttributeValues": ["all", "999988887777"]},
    ]
    row = answered("rds_snapshot", {"SnapshotType": "manual"}, "attributes", attributes)
    assert row["restore_accounts"] == ["all", "999988887777"]
    when: Any = getattr(table("rds_snapshot").calls["attributes"], "when", None)
    assert not when({"snapshot_type": "automated"})


def test_parameters_that_do_not_matter_or_have_no_value_are_left_out() -> None:
    data = {
        "Parameters": [
            {"ParameterName": "rds.force_ssl", "ParameterValue": "1"},
            {"ParameterName": "tls_version"},
            {"ParameterName": "autovacuum", "ParameterValue": "1"},
        ]
    }
    row = answered("rds_parameter_group", {"DBParameterGroupName": "a"}, "values", data)
    assert row["parameters"] == {"rds.force_ssl": "1"}


def test_logs_of_a_domain_count_only_with_a_group_to_go_to() -> None:
    options = {
        "AUDIT_LOGS": {"Enabled": True, "CloudWatchLogsLogGroupArn": "arn"},
        "INDEX_SLOW_LOGS": {"Enabled": True},
        "SEARCH_SLOW_LOGS": {"Enabled": False, "CloudWatchLogsLogGroupArn": "arn"},
    }
    detail = {"LogPublishingOptions": options}
    row = answered("opensearch_domain", {"DomainName": "a"}, "detail", detail)
    assert row["enabled_logs"] == ["AUDIT_LOGS"]


@pytest.mark.parametrize(
    ("policy", "public"),
    [
        ([{"Rules": [], "AllowFromPublic": True}], True),
        ([{"Rules": [], "AllowFromPublic": False}, {"Rules": [], "SourceVPCEs": ["vpce-1"]}], False),
        ('[{"AllowFromPublic": true}]', True),
    ],
)
def test_a_network_policy_is_public_if_one_rule_set_is(policy: Any, public: bool) -> None:
    row = answered("opensearch_serverless_network_policy", {"name": "a"}, "detail", {"policy": policy})
    assert row["allows_public"] is public


def test_a_task_logs_what_has_a_useful_severity_while_logging_is_on() -> None:
    components = [
        {"Id": "TARGET_LOAD", "Severity": "LOGGER_SEVERITY_DEFAULT"},
        {"Id": "TARGET_APPLY", "Severity": "LOGGER_SEVERITY_ERROR"},
        {"Id": "SOURCE_CAPTURE", "Severity": "LOGGER_SEVERITY_DETAILED_DEBUG"},
    ]

    def logged(on: bool) -> list[str]:
        settings = json.dumps({"Logging": {"EnableLogging": on, "LogComponents": components}})
        return listed("dms_replication_task", {"ReplicationTaskSettings": settings})["logged_components"]

    assert logged(True) == ["SOURCE_CAPTURE", "TARGET_LOAD"]
    assert logged(False) == []


def test_settings_that_are_no_json_make_the_column_unknown_and_say_so() -> None:
    row = CompiledTable(table("dms_replication_task")).start(CONTEXT, {"ReplicationTaskSettings": "{"})
    assert row["logged_components"] is None
    assert row["_failed"][0]["code"] == "MalformedValue"


def test_a_stream_without_a_policy_has_none() -> None:
    assert answered("kinesis_stream", "s", "policy", {"Policy": "{}"})["policy"] == ""


def test_log_destinations_are_told_in_either_spelling() -> None:
    logs = {"BrokerLogs": {"S3": {"Enabled": True}, "Firehose": {"Enabled": False}}}
    row = listed("msk_cluster", {"ClusterName": "a", "Provisioned": {"LoggingInfo": logs}})
    assert row["broker_log_destinations"] == ["S3"]
    delivery = {"workerLogDelivery": {"cloudWatchLogs": {"enabled": True}}}
    assert listed("msk_connector", {"connectorName": "a", "logDelivery": delivery})["log_destinations"] == [
        "CloudWatchLogs"
    ]


def test_a_file_system_has_the_settings_of_its_own_kind() -> None:
    own = {"DeploymentType": "MULTI_AZ_1", "CopyTagsToBackups": True, "AutomaticBackupRetentionDays": 7}
    row = listed("fsx_file_system", {"FileSystemId": "fs-1", "OpenZFSConfiguration": own})
    assert (row["deployment_type"], row["copy_tags_to_backups"], row["copy_tags_to_volumes"]) == (
        "MULTI_AZ_1",
        True,
        False,
    )
    assert row["backup_retention_days"] == 7


@pytest.mark.parametrize(
    ("encryption", "at_rest", "in_transit", "disks"),
    [
        ({"EnableAtRestEncryption": True, "EnableInTransitEncryption": False}, True, False, False),
        (
            {
                "EnableAtRestEncryption": True,
                "EnableInTransitEncryption": True,
                "AtRestEncryptionConfiguration": {
                    "LocalDiskEncryptionConfiguration": {"EncryptionKeyProvider": 1}
                },
            },
            True,
            True,
            True,
        ),
        ({}, False, False, False),
    ],
)
def test_a_security_configuration_is_read_from_its_document(
    encryption: dict[str, Any], at_rest: bool, in_transit: bool, disks: bool
) -> None:
    document = json.dumps({"EncryptionConfiguration": encryption})
    row = answered("emr_security_configuration", {"Name": "a"}, "detail", {"SecurityConfiguration": document})
    assert (row["at_rest_encryption"], row["in_transit_encryption"], row["local_disk_encryption"]) == (
        at_rest,
        in_transit,
        disks,
    )


def test_a_permitted_range_of_one_port_may_leave_its_end_out() -> None:
    data = {
        "BlockPublicSecurityGroupRules": True,
        "PermittedPublicSecurityGroupRuleRanges": [{"MinRange": 22}],
    }
    compiled = CompiledTable(table("emr_block_public_access"))
    row = compiled.start(dict(CONTEXT), {})
    compiled.answered(row, "block", data)
    assert row["permitted_ports"] == [{"from_port": 22, "to_port": 22}]


def test_jobs_keep_the_names_of_secrets_and_never_their_values() -> None:
    arguments = {
        "--db-password": "hunter2-hunter2",
        "--secret-arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db",
        "--enable-continuous-cloudwatch-log": "true",
        "--TempDir": "s3://bucket/tmp",
    }
    row = listed("glue_job", {"Name": "a", "DefaultArguments": arguments})
    assert row["secret_like_arguments"] == ["--db-password"]
    assert row["settings"] == {"--enable-continuous-cloudwatch-log": "true"}
    assert "hunter2" not in str({k: v for k, v in row.items() if k != "_element"})


def test_connections_keep_no_url_or_password() -> None:
    properties = {
        "USERNAME": "app",
        "PASSWORD": "p",
        "JDBC_CONNECTION_URL": "jdbc:x://u:p@h",
        "SECRET_ID": "s",
    }
    row = listed("glue_connection", {"Name": "a", "ConnectionProperties": properties})
    assert row["properties"] == {"USERNAME": "app", "SECRET_ID": "s"}


@pytest.mark.parametrize(
    ("statement", "anonymous"),
    [
        ({"Principal": {"AWS": "*"}, "Action": ["elasticfilesystem:ClientMount"]}, True),
        ({"Principal": "*", "Action": "elasticfilesystem:Client*"}, True),
        (
            {
                "Principal": "*",
                "Action": "*",
                "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
            },
            True,
        ),
        ({"Principal": "*", "Action": "elasticfilesystem:ClientWrite"}, False),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "*"}, False),
        (
            {
                "Principal": "*",
                "Action": "*",
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
            },
            False,
        ),
    ],
)
def test_clients_mount_without_credentials_where_everyone_may_mount(statement: Any, anonymous: bool) -> None:
    policy = json.dumps({"Statement": {"Effect": "Allow", "Resource": "*", **statement}})
    row = answered("efs_file_system", {"FileSystemId": "fs-1"}, "policy", {"Policy": policy})
    assert row["anonymous_mount"] is anonymous
    assert answered("efs_file_system", {"FileSystemId": "fs-1"}, "policy", MISSING)["anonymous_mount"]


@pytest.mark.parametrize(
    ("statement", "denies"),
    [
        ({"Effect": "Deny", "Principal": "*", "Action": "backup:Delete*"}, True),
        ({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["backup:DeleteRecoveryPoint"]}, True),
        ({"Effect": "Deny", "Principal": "*", "Action": "backup:StartCopyJob"}, False),
        ({"Effect": "Allow", "Principal": "*", "Action": "backup:DeleteRecoveryPoint"}, False),
        (
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "backup:*",
                "Condition": {"ArnNotEquals": {"aws:PrincipalArn": "arn"}},
            },
            False,
        ),
    ],
)
def test_a_vault_refuses_deletion_where_everyone_is_denied_it(statement: Any, denies: bool) -> None:
    policy = json.dumps({"Statement": [statement]})
    row = answered("backup_vault", {"BackupVaultName": "v"}, "policy", {"Policy": policy})
    assert row["denies_deletion"] is denies
