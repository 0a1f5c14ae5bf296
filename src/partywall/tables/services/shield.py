"""AWS Shield Advanced: the account's subscription and what it protects."""

from partywall.tables.spec import Bool, Call, Column, Enum, List, Single, Str, Table, Timestamp

subscription = Table(
    "shield_subscription",
    service="shield",
    scope="global",
    doc="Whether the account subscribes to Shield Advanced, and how the response team may help.",
    rows=Single(),
    arn="arn:{partition}:shield::{account_id}:subscription",
    title="Shield Advanced {account_id}",
    calls={
        "state": Call("shield:GetSubscriptionState"),
        "subscription": Call(
            "shield:DescribeSubscription", at="Subscription", absent=("ResourceNotFoundException",)
        ),
        "contacts": Call("shield:DescribeEmergencyContactSettings", absent=("ResourceNotFoundException",)),
        "response_team": Call("shield:DescribeDRTAccess", absent=("ResourceNotFoundException",)),
    },
    columns=(
        Column("subscription_state", Enum("ACTIVE", "INACTIVE"), "state.SubscriptionState"),
        Column("auto_renew", Enum("ENABLED", "DISABLED"), "subscription.AutoRenew", "DISABLED"),
        Column("started_at", Timestamp, "subscription.StartTime"),
        Column("ends_at", Timestamp, "subscription.EndTime"),
        Column(
            "proactive_engagement",
            Enum("ENABLED", "DISABLED", "PENDING"),
            "subscription.ProactiveEngagementStatus",
            "DISABLED",
        ),
        Column(
            "has_emergency_contact",
            Bool,
            "contacts.EmergencyContactList",
            False,
            fn=lambda v: len(v) > 0,
            doc="Someone is named for the response team to call.",
        ),
        Column(
            "response_team_role",
            Str,
            "response_team.RoleArn",
            "",
            doc="The role that the response team may assume.",
        ),
    ),
)

protection = Table(
    "shield_protection",
    service="shield",
    scope="global",
    resource_type="AWS::Shield::Protection",
    doc="A resource that Shield Advanced protects.",
    rows=Call("shield:ListProtections", at="Protections", absent=("ResourceNotFoundException",)),
    arn="ProtectionArn",
    title="Name",
    columns=(
        Column("protection_id", Str, "Id"),
        Column("resource_arn", Str, "ResourceArn"),
        Column(
            "resource_id",
            Str,
            "ResourceArn",
            fn=lambda v: str(v).rpartition("/")[2],
            doc="The last part of the resource's ARN, such as an allocation id.",
        ),
        Column(
            "health_check_ids",
            List(Str),
            "HealthCheckIds",
            doc="Route 53 health checks that sharpen detection.",
        ),
        Column(
            "automatic_response",
            Enum("ENABLED", "DISABLED"),
            "ApplicationLayerAutomaticResponseConfiguration.Status",
            "DISABLED",
            doc="Shield writes WAF rules by itself while an attack on the application layer runs.",
        ),
    ),
)

TABLES = (subscription, protection)
