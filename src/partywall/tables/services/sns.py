"""Amazon SNS: topics with their policies and encryption, and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Int,
    List,
    Policy,
    Relation,
    Str,
    Table,
)
from partywall.tables.tagging import tagging

# Protocols whose deliveries SNS can record: Amazon SNS Developer Guide, Message delivery status.
_FEEDBACK = {
    "Application": "application",
    "HTTP": "http",
    "Lambda": "lambda",
    "SQS": "sqs",
    "Firehose": "firehose",
}


def feedback(attributes: Mapping[str, Any]) -> list[str]:
    """The protocols whose failed deliveries are logged."""
    return [kind for name, kind in _FEEDBACK.items() if attributes.get(f"{name}FailureFeedbackRoleArn")]


def endpoint_account(endpoint: str) -> str | None:
    """The account of an endpoint that is an ARN."""
    parts = endpoint.split(":")
    return parts[4] if endpoint.startswith("arn:") and len(parts) > 5 else None


def subscription_id(element: Mapping[str, Any]) -> str:
    """The subscription's ARN; a pending one has none yet, and gets one made of topic and endpoint."""
    arn = str(element["SubscriptionArn"])
    if arn.startswith("arn:"):
        return arn
    return f"{element['TopicArn']}:pending:{element.get('Protocol')}:{element.get('Endpoint')}"


topic = Table(
    "sns_topic",
    service="sns",
    scope="regional",
    resource_type="AWS::SNS::Topic",
    doc="A topic.",
    rows=Call("sns:ListTopics", at="Topics"),
    arn="TopicArn",
    tags="tagging.Tags",
    calls={
        "attributes": Call("sns:GetTopicAttributes", {"TopicArn": "topic_arn"}, at="Attributes"),
        "tagging": tagging("sns"),
    },
    columns=(
        Column("topic_arn", Str, "TopicArn", doc="The same as arn, for relations."),
        Column("display_name", Str, "attributes.DisplayName", ""),
        Column("policy", Policy("resource"), "attributes.Policy", ""),
        Column("kms_master_key_id", Str, "attributes.KmsMasterKeyId", "", doc="Empty: not encrypted by SNS."),
        Column("is_fifo", Bool, "attributes.FifoTopic", False),
        Column(
            "signature_version",
            Enum("1", "2"),
            "attributes.SignatureVersion",
            "1",
            doc="1: SHA-1, 2: SHA-256.",
        ),
        Column("subscriptions_confirmed", Int, "attributes.SubscriptionsConfirmed", 0),
        Column("subscriptions_pending", Int, "attributes.SubscriptionsPending", 0),
        Column(
            "failure_logged_protocols",
            List(Str),
            "attributes",
            doc="Protocols whose failed deliveries are logged: application, http, lambda, sqs, firehose.",
            fn=feedback,
        ),
    ),
    relations=(
        Relation(
            "subscriptions",
            "sns_subscription",
            ("protocol", "endpoint", "is_confirmed"),
            {"account_id": "account_id", "region": "region", "topic_arn": "topic_arn"},
            doc="The account's subscriptions to it.",
        ),
    ),
)

subscription = Table(
    "sns_subscription",
    service="sns",
    scope="regional",
    resource_type="AWS::SNS::Subscription",
    doc="A subscription to a topic. A pending one has no ARN of its own.",
    rows=Call("sns:ListSubscriptions", at="Subscriptions"),
    arn="{subscription_id}",
    title="{topic_arn} to {endpoint}",
    columns=(
        Column(
            "subscription_id", Str, ".", doc="The ARN, or one made up for a pending one.", fn=subscription_id
        ),
        Column("topic_arn", Str, "TopicArn"),
        Column("protocol", Str, "Protocol", ""),
        Column("endpoint", Str, "Endpoint", ""),
        Column("owner", Str, "Owner", ""),
        Column(
            "is_confirmed",
            Bool,
            "SubscriptionArn",
            fn=lambda v: v.startswith("arn:"),
            doc="Someone agreed to it.",
        ),
        Column(
            "endpoint_account", Str, "Endpoint", "", fn=endpoint_account, doc="Empty: the endpoint is no ARN."
        ),
    ),
)

TABLES = (topic, subscription)
