"""Amazon VPC traffic mirroring: sessions that copy an interface's packets, their filters and targets."""

from partywall.tables.spec import Call, Column, Enum, Int, List, Relation, Str, Table

session = Table(
    "vpc_traffic_mirror_session",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::TrafficMirrorSession",
    doc="A session that copies what an interface sends and receives.",
    rows=Call("ec2:DescribeTrafficMirrorSessions", at="TrafficMirrorSessions"),
    arn="arn:{partition}:ec2:{region}:{account_id}:traffic-mirror-session/{session_id}",
    title="TrafficMirrorSessionId",
    tags="Tags",
    columns=(
        Column("session_id", Str, "TrafficMirrorSessionId"),
        Column("owner_id", Str, "OwnerId"),
        Column("target_id", Str, "TrafficMirrorTargetId", ""),
        Column("filter_id", Str, "TrafficMirrorFilterId", ""),
        Column("network_interface_id", Str, "NetworkInterfaceId", "", doc="The interface that is watched."),
        Column("description", Str, "Description", ""),
    ),
    relations=(
        Relation(
            "targets",
            "vpc_traffic_mirror_target",
            ("target_id", "owner_id", "type"),
            {"target_id": "target_id", "region": "region"},
        ),
    ),
)

mirror_filter = Table(
    "vpc_traffic_mirror_filter",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::TrafficMirrorFilter",
    doc="A filter: which packets a session copies.",
    rows=Call("ec2:DescribeTrafficMirrorFilters", at="TrafficMirrorFilters"),
    arn="arn:{partition}:ec2:{region}:{account_id}:traffic-mirror-filter/{filter_id}",
    title="TrafficMirrorFilterId",
    tags="Tags",
    columns=(
        Column("filter_id", Str, "TrafficMirrorFilterId"),
        Column("description", Str, "Description", ""),
        Column("ingress_rule_numbers", List(Int), "IngressFilterRules[].RuleNumber"),
        Column("egress_rule_numbers", List(Int), "EgressFilterRules[].RuleNumber"),
    ),
)

target = Table(
    "vpc_traffic_mirror_target",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::TrafficMirrorTarget",
    doc="Where copied packets go; targets that others share with the account are listed too.",
    rows=Call("ec2:DescribeTrafficMirrorTargets", at="TrafficMirrorTargets"),
    arn="arn:{partition}:ec2:{region}:{owner_id}:traffic-mirror-target/{target_id}",
    title="TrafficMirrorTargetId",
    tags="Tags",
    columns=(
        Column("target_id", Str, "TrafficMirrorTargetId"),
        Column("owner_id", Str, "OwnerId"),
        Column(
            "type",
            Enum("network-interface", "network-load-balancer", "gateway-load-balancer-endpoint"),
            "Type",
        ),
        Column("network_interface_id", Str, "NetworkInterfaceId", ""),
        Column("network_load_balancer_arn", Str, "NetworkLoadBalancerArn", ""),
        Column("description", Str, "Description", ""),
    ),
)

TABLES = (session, mirror_filter, target)
