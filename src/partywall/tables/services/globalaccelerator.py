"""AWS Global Accelerator: accelerators with their addresses and flow logs."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

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

listener = Table(
    "globalaccelerator_listener",
    service="globalaccelerator",
    scope="global",
    resource_type="AWS::GlobalAccelerator::Listener",
    doc="A listener of a standard accelerator.",
    parent="globalaccelerator_accelerator",
    rows=Call("globalaccelerator:ListListeners", {"AcceleratorArn": "@parent.arn"}, at="Listeners"),
    arn="ListenerArn",
    title="{parent.name}",
    columns=(
        Column("accelerator_arn", Str, "@parent.arn"),
        Column("enabled", Bool, "@parent.enabled"),
        Column("protocol", Enum("TCP", "UDP"), "Protocol", ""),
        Column(
            "port_ranges",
            List(Struct(Field("from_port", Int, "FromPort", 0), Field("to_port", Int, "ToPort", 0))),
            "PortRanges",
        ),
    ),
)

endpoint_group = Table(
    "globalaccelerator_endpoint_group",
    service="globalaccelerator",
    scope="global",
    resource_type="AWS::GlobalAccelerator::EndpointGroup",
    doc="What a listener of an accelerator sends its traffic to in one Region.",
    parent="globalaccelerator_listener",
    rows=Call("globalaccelerator:ListEndpointGroups", {"ListenerArn": "@parent.arn"}, at="EndpointGroups"),
    arn="EndpointGroupArn",
    title="{parent.name}/{endpoint_region}",
    columns=(
        Column("listener_arn", Str, "@parent.arn"),
        Column("accelerator_arn", Str, "@parent.accelerator_arn"),
        Column("endpoint_region", Str, "EndpointGroupRegion", ""),
        Column(
            "endpoints",
            List(
                Struct(
                    Field("endpoint_id", Str, "EndpointId", ""),
                    Field("weight", Int, "Weight", 128),
                    Field("client_ip_preservation", Bool, "ClientIPPreservationEnabled", False),
                )
            ),
            "EndpointDescriptions",
            doc="Load balancers by ARN, instances and addresses by id.",
        ),
        Column(
            "port_overrides",
            List(
                Struct(
                    Field("listener_port", Int, "ListenerPort", 0),
                    Field("endpoint_port", Int, "EndpointPort", 0),
                )
            ),
            "PortOverrides",
        ),
    ),
)

TABLES = (accelerator, listener, endpoint_group)
