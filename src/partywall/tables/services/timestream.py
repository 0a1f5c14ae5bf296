"""Amazon Timestream: databases of LiveAnalytics, and instances of InfluxDB."""

from __future__ import annotations

from partywall.tables.spec import Bool, Call, Column, Enum, Int, List, Str, Table, Timestamp

database = Table(
    "timestream_database",
    service="timestream",
    scope="regional",
    resource_type="AWS::Timestream::Database",
    doc="A database of Timestream for LiveAnalytics; serverless and always encrypted.",
    # The service is closed to new customers, who get this one message for every call.
    rows=Call(
        "timestream-write:ListDatabases",
        {"MaxResults": 20},
        at="Databases",
        absent=("AccessDeniedException:only existing timestream for liveanalytics customers",),
    ),
    arn="Arn",
    title="DatabaseName",
    tags="tagging.Tags",
    calls={"tagging": Call("timestream-write:ListTagsForResource", {"ResourceARN": "arn"})},
    columns=(
        Column("kms_key_id", Str, "KmsKeyId", "", doc="Always there; alias/aws/timestream's unless chosen."),
        Column("table_count", Int, "TableCount", 0),
        Column("created_at", Timestamp, "CreationTime"),
    ),
)

influxdb = Table(
    "timestream_influxdb_instance",
    service="timestream",
    scope="regional",
    resource_type="AWS::Timestream::InfluxDBInstance",
    doc="An instance that runs InfluxDB for one customer; its storage is always encrypted.",
    rows=Call("timestream-influxdb:ListDbInstances", {"maxResults": 100}, at="items"),
    arn="arn",
    title="name",
    tags="tagging.tags",
    calls={
        "described": Call("timestream-influxdb:GetDbInstance", {"identifier": "instance_id"}),
        "tagging": Call("timestream-influxdb:ListTagsForResource", {"resourceArn": "arn"}),
    },
    columns=(
        Column("instance_id", Str, "id"),
        Column("status", Str, "status", ""),
        Column("instance_type", Str, "dbInstanceType", ""),
        Column("deployment_type", Enum("SINGLE_AZ", "WITH_MULTIAZ_STANDBY"), "deploymentType", "SINGLE_AZ"),
        Column("publicly_accessible", Bool, "described.publiclyAccessible", False),
        Column("subnet_ids", List(Str), "described.vpcSubnetIds"),
        Column("security_group_ids", List(Str), "described.vpcSecurityGroupIds"),
        Column(
            "log_bucket",
            Str,
            "described.logDeliveryConfiguration.s3Configuration.bucketName",
            "",
            doc="Empty: InfluxDB's logs are not kept.",
        ),
        Column(
            "log_delivery",
            Bool,
            "described.logDeliveryConfiguration.s3Configuration.enabled",
            False,
        ),
        Column("maintenance_window", Str, "described.maintenanceSchedule.preferredMaintenanceWindow", ""),
        Column(
            "last_maintenance_at",
            Timestamp,
            "described.lastMaintenanceTime",
            doc="NULL: not maintained yet, or before AWS told of it.",
        ),
    ),
)

TABLES = (database, influxdb)
