"""AWS Snow Family: jobs, each with devices that stand at the customer's site or travel."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Enum, Str, Table, Timestamp

job = Table(
    "snowball_job",
    service="snowball",
    scope="regional",
    resource_type="AWS::Snowball::Job",
    doc="A job that is not over: a device that is ordered, with the customer or on its way.",
    rows=Call("snowball:ListJobs", {"MaxResults": 100}, at="JobListEntries"),
    keep=lambda e: e.get("JobState") not in ("Complete", "Cancelled"),
    arn="arn:{partition}:snowball:{region}:{account_id}:job/{job_id}",
    title="JobId",
    calls={"detail": Call("snowball:DescribeJob", {"JobId": "job_id"}, at="JobMetadata")},
    columns=(
        Column("job_id", Str, "JobId"),
        Column("state", Str, "JobState", "", doc="WithCustomer, InTransitToAWS …"),
        Column("job_type", Enum("IMPORT", "EXPORT", "LOCAL_USE"), "JobType"),
        Column("device_type", Str, "SnowballType", "", doc="EDGE, EDGE_C, SNC1_SSD …"),
        Column("created_at", Timestamp, "CreationDate"),
        Column("kms_key_arn", Str, "detail.KmsKeyARN", ""),
        Column("role_arn", Str, "detail.RoleARN", ""),
        Column("topic_arn", Str, "detail.Notification.SnsTopicARN", "", doc="Empty: nobody is told."),
    ),
)

TABLES = (job,)
