"""Amazon SQS: queues with their policies, encryption and dead-letter queues."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Int,
    List,
    Policy,
    Relation,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _member(name: str) -> Callable[[str], Any]:
    """A member of a policy that SQS keeps as JSON text."""
    return lambda text: json.loads(text).get(name)


queue = Table(
    "sqs_queue",
    service="sqs",
    scope="regional",
    resource_type="AWS::SQS::Queue",
    doc="A queue.",
    rows=Call("sqs:ListQueues", {"MaxResults": 1000}, at="QueueUrls"),
    arn="arn:{partition}:sqs:{region}:{account_id}:{queue_name}",
    title="{queue_name}",
    tags="tagging.Tags",
    calls={
        "attributes": Call(
            "sqs:GetQueueAttributes",
            {"QueueUrl": "queue_url", "AttributeNames": [Const("All")]},
            at="Attributes",
        ),
        "tagging": tagging("sqs"),
    },
    columns=(
        Column("queue_url", Str, "."),
        Column("queue_name", Str, ".", fn=lambda v: v.rpartition("/")[2]),
        Column("policy", Policy("resource"), "attributes.Policy", "", doc="Empty: there is none."),
        Column("kms_master_key_id", Str, "attributes.KmsMasterKeyId", "", doc="Empty: no KMS encryption."),
        Column(
            "sqs_managed_sse_enabled",
            Bool,
            "attributes.SqsManagedSseEnabled",
            False,
            doc="Encrypted with keys of SQS's own.",
        ),
        Column(
            "dead_letter_target_arn",
            Str,
            "attributes.RedrivePolicy",
            "",
            doc="Where messages go that could not be handled; empty: nowhere.",
            fn=_member("deadLetterTargetArn"),
        ),
        Column("max_receive_count", Int, "attributes.RedrivePolicy", 0, fn=_member("maxReceiveCount")),
        Column(
            "redrive_permission",
            Str,
            "attributes.RedriveAllowPolicy",
            "allowAll",
            doc="Which queues may use this one for dead letters: allowAll, denyAll, byQueue.",
            fn=_member("redrivePermission"),
        ),
        Column(
            "redrive_source_arns",
            List(Str),
            "attributes.RedriveAllowPolicy",
            fn=_member("sourceQueueArns"),
        ),
        Column("is_fifo", Bool, "attributes.FifoQueue", False),
        Column("message_retention_seconds", Int, "attributes.MessageRetentionPeriod"),
        Column("visibility_timeout_seconds", Int, "attributes.VisibilityTimeout"),
        Column("messages", Int, "attributes.ApproximateNumberOfMessages", doc="About how many wait."),
        Column(
            "created_at", Timestamp, "attributes.CreatedTimestamp", fn=lambda v: int(v) if v.isdigit() else v
        ),
    ),
    relations=(
        Relation(
            "sources",
            "sqs_queue",
            ("name", "message_retention_seconds"),
            {"account_id": "account_id", "region": "region", "arn": "dead_letter_target_arn"},
            doc="The queues whose dead letters come here.",
        ),
    ),
)

TABLES = (queue,)
