"""Topics, queues, events and workflows."""

from __future__ import annotations

import json

from partywall.demo.desk import HOME, Desk, allow, policy, tag_map, tags


def _topics(desk: Desk) -> None:
    sns = desk.at("sns")
    key = desk.ids[f"key/data/{HOME}"]
    for name, attributes in (
        ("ops-alerts", {"KmsMasterKeyId": key}),
        ("orders-events", {"KmsMasterKeyId": key}),
        ("partner-updates", {}),
        ("public-status", {}),
    ):
        arn = sns.create_topic(Name=name, Attributes=attributes, Tags=tags("platform", desk.name))["TopicArn"]
        desk.ids[f"topic/{name}"] = arn
    status = desk.ids["topic/public-status"]
    everyone = allow(["sns:Publish", "sns:Subscribe"], status, Principal={"AWS": "*"})
    sns.set_topic_attributes(TopicArn=status, AttributeName="Policy", AttributeValue=policy(everyone))
    mine = allow(
        "sns:Publish",
        desk.ids["topic/orders-events"],
        Principal={"AWS": "*"},
        Condition={"StringEquals": {"AWS:SourceOwner": desk.account}},
    )
    sns.set_topic_attributes(
        TopicArn=desk.ids["topic/orders-events"], AttributeName="Policy", AttributeValue=policy(mine)
    )
    sns.subscribe(TopicArn=desk.ids["topic/ops-alerts"], Protocol="email", Endpoint="ops@brightwater.example")
    sns.subscribe(
        TopicArn=desk.ids["topic/partner-updates"], Protocol="http", Endpoint="http://partner.example/hook"
    )


def _queues(desk: Desk) -> None:
    sqs = desk.at("sqs")

    def arn(name: str) -> str:
        return desk.arn("sqs", name)

    dead = sqs.create_queue(QueueName="orders-dead", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    redrive = json.dumps({"deadLetterTargetArn": arn("orders-dead"), "maxReceiveCount": "5"})
    from_topic = allow(
        "sqs:SendMessage",
        arn("orders"),
        Principal="*",
        Condition={"ArnEquals": {"aws:SourceArn": desk.ids["topic/orders-events"]}},
    )
    for name, attributes in (
        (
            "orders",
            {
                "KmsMasterKeyId": desk.ids[f"key/data/{HOME}"],
                "RedrivePolicy": redrive,
                "Policy": policy(from_topic),
            },
        ),
        (
            "partner-inbox",
            {
                "SqsManagedSseEnabled": "false",
                "Policy": policy(allow("sqs:*", arn("partner-inbox"), Principal="*")),
            },
        ),
        (
            "edi-import",
            {
                "SqsManagedSseEnabled": "true",
                "Policy": policy(
                    allow(
                        "sqs:SendMessage",
                        arn("edi-import"),
                        Principal={"AWS": "arn:aws:iam::464622532012:root"},
                    )
                ),
            },
        ),
        ("thumbnails", {"SqsManagedSseEnabled": "true"}),
    ):
        sqs.create_queue(QueueName=name, Attributes=attributes, tags=tag_map("shop", desk.name))
    desk.ids["queue/dead"] = dead["QueueUrl"]
    desk.at("sns").subscribe(TopicArn=desk.ids["topic/orders-events"], Protocol="sqs", Endpoint=arn("orders"))


def _events(desk: Desk) -> None:
    events = desk.at("events")
    events.create_event_bus(Name="orders", Tags=tags("shop", desk.name))
    events.create_event_bus(Name="partner-bus")
    anyone = allow(
        "events:PutEvents", desk.arn("events", "event-bus/partner-bus"), Principal="*", Sid="anyone"
    )
    events.put_permission(EventBusName="partner-bus", Policy=policy(anyone))
    events.put_rule(Name="nightly-report", ScheduleExpression="cron(0 4 * * ? *)", State="ENABLED")
    events.put_targets(
        Rule="nightly-report",
        Targets=[{"Id": "report", "Arn": desk.arn("lambda", "function:nightly-report")}],
    )
    events.put_rule(
        Name="root-sign-in",
        State="DISABLED",
        EventPattern=json.dumps({"detail-type": ["AWS Console Sign In via CloudTrail"]}),
    )
    definition = {"StartAt": "Pack", "States": {"Pack": {"Type": "Pass", "End": True}}}
    desk.at("stepfunctions").create_state_machine(
        name="fulfilment",
        definition=json.dumps(definition),
        roleArn=desk.ids["role/scheduler"],
        tags=[{"key": "team", "value": "shop"}],
    )
    pool = desk.at("cognito-idp").create_user_pool(
        PoolName="customers",
        MfaConfiguration="OFF",
        Policies={"PasswordPolicy": {"MinimumLength": 8, "RequireNumbers": True}},
    )["UserPool"]["Id"]
    desk.at("cognito-idp").create_user_pool_client(UserPoolId=pool, ClientName="mobile")


def seed_messaging(desk: Desk) -> None:
    """Fill topics, queues and events of production, and a queue of the sandbox; needs keys and roles."""
    if desk.name == "production":
        _topics(desk)
        _queues(desk)
        _events(desk)
    elif desk.name == "sandbox":
        desk.at("sqs").create_queue(QueueName="workshop", Attributes={"SqsManagedSseEnabled": "false"})
        desk.at("sns").create_topic(Name="workshop")
