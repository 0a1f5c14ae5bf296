"""AWS Global Accelerator: accelerators with their addresses and flow logs."""

from partywall.tables.spec import Bool, Call, Column, Enum, List, Relation, Str, Table, Timestamp

accelerator = Table(
    "globalaccelerator_accelerator",
    service="globalaccelerator",
    scope="global",
    resource_type="AWS::GlobalAccelerator::Accelerator",
    doc="A standard accelerator.",
    rows=Call("globalaccelerator:ListAccelerators", at="Accelerators"),
    arn="AcceleratorArn",
    title="Name",
    tags="tagging.Tags",
    calls={
        "attributes": Call(
            "globalaccelerator:DescribeAcceleratorAttributes",
            {"AcceleratorArn": "arn"},
            at="AcceleratorAttributes",
        ),
        "tagging": Call("globalaccelerator:ListTagsForResource", {"ResourceArn": "arn"}),
    },
    columns=(
        Column("enabled", Bool, "Enabled", False),
        Column("status", Enum("DEPLOYED", "IN_PROGRESS"), "Status", ""),
        Column("dns_name", Str, "DnsName", ""),
        Column("ip_addresses", List(Str), "IpSets[].IpAddresses[]", doc="Its static addresses."),
        Column("created_at", Timestamp, "CreatedTime"),
        Column("flow_logs_enabled", Bool, "attributes.FlowLogsEnabled", False),
        Column("flow_logs_bucket", Str, "attributes.FlowLogsS3Bucket", ""),
    ),
    relations=(
        Relation("shield", "shield_subscription", ("subscription_state",), {"account_id": "account_id"}),
        Relation("shield_protections", "shield_protection", ("protection_id",), {"arn": "resource_arn"}),
    ),
)

TABLES = (accelerator,)
