"""VPC endpoints (AWS PrivateLink and gateways) and the endpoint services that an account offers."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    List,
    Policy,
    Str,
    Struct,
    Table,
    Timestamp,
)

endpoint = Table(
    "vpc_endpoint",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::VPCEndpoint",
    doc="A VPC endpoint with its policy.",
    rows=Call("ec2:DescribeVpcEndpoints", at="VpcEndpoints"),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-endpoint/{vpc_endpoint_id}",
    title="VpcEndpointId",
    tags="Tags",
    columns=(
        Column("vpc_endpoint_id", Str, "VpcEndpointId"),
        Column("owner_id", Str, "OwnerId"),
        Column("vpc_id", Str, "VpcId", ""),
        Column(
            "endpoint_type",
            Enum("Interface", "Gateway", "GatewayLoadBalancer", "Resource", "ServiceNetwork", "Tunnel"),
            "VpcEndpointType",
            "Gateway",
        ),
        Column("service_name", Str, "ServiceName", "", doc="Such as com.amazonaws.eu-west-1.s3."),
        Column("state", Str, "State", fn=lambda v: str(v).lower(), doc="In lower case: available, rejected…"),
        Column(
            "policy",
            Policy("resource"),
            "PolicyDocument",
            "",
            doc="The endpoint policy; empty: the service takes none, so that nothing is held back.",
        ),
        Column("private_dns_enabled", Bool, "PrivateDnsEnabled", False),
        Column("requester_managed", Bool, "RequesterManaged", False, doc="An AWS service manages it."),
        Column("subnet_ids", List(Str), "SubnetIds"),
        Column("route_table_ids", List(Str), "RouteTableIds"),
        Column("group_ids", List(Str), "Groups[].GroupId", doc="Its security groups."),
        Column("network_interface_ids", List(Str), "NetworkInterfaceIds"),
        Column("created_at", Timestamp, "CreationTimestamp"),
    ),
)

endpoint_service = Table(
    "vpc_endpoint_service",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::VPCEndpointService",
    doc="An endpoint service that the account offers to others, and the principals that may connect.",
    rows=Call("ec2:DescribeVpcEndpointServiceConfigurations", at="ServiceConfigurations"),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-endpoint-service/{service_id}",
    title="ServiceName",
    tags="Tags",
    calls={
        "permissions": Call("ec2:DescribeVpcEndpointServicePermissions", {"ServiceId": "service_id"}),
    },
    columns=(
        Column("service_id", Str, "ServiceId"),
        Column("service_name", Str, "ServiceName", ""),
        Column("state", Str, "ServiceState", ""),
        Column(
            "acceptance_required",
            Bool,
            "AcceptanceRequired",
            False,
            doc="Connections wait until the owner accepts them.",
        ),
        Column("network_load_balancer_arns", List(Str), "NetworkLoadBalancerArns"),
        Column("gateway_load_balancer_arns", List(Str), "GatewayLoadBalancerArns"),
        Column("availability_zones", List(Str), "AvailabilityZones"),
        Column("private_dns_name", Str, "PrivateDnsName", ""),
        Column("private_dns_state", Str, "PrivateDnsNameConfiguration.State", ""),
        Column(
            "allowed_principals",
            List(
                Struct(
                    Field("principal", Str, "Principal", ""),
                    Field("principal_type", Str, "PrincipalType", ""),
                )
            ),
            "permissions.AllowedPrincipals",
            doc="Who may ask for a connection; the principal * is every AWS account.",
        ),
    ),
)

endpoint_connection = Table(
    "vpc_endpoint_connection",
    service="vpc",
    scope="regional",
    doc="An endpoint, of this account or another, that asked for or has a connection to an endpoint service.",
    rows=Call("ec2:DescribeVpcEndpointConnections", at="VpcEndpointConnections"),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-endpoint-connection/{vpc_endpoint_connection_id}",
    title="VpcEndpointConnectionId",
    tags="Tags",
    columns=(
        Column("vpc_endpoint_connection_id", Str, "VpcEndpointConnectionId", ""),
        Column("service_id", Str, "ServiceId", ""),
        Column("vpc_endpoint_id", Str, "VpcEndpointId", ""),
        Column("vpc_endpoint_owner_id", Str, "VpcEndpointOwner", ""),
        Column("vpc_endpoint_region", Str, "VpcEndpointRegion", ""),
        Column("state", Str, "VpcEndpointState", "", fn=lambda v: str(v).lower(), doc="In lower case."),
        Column("network_load_balancer_arns", List(Str), "NetworkLoadBalancerArns"),
        Column("gateway_load_balancer_arns", List(Str), "GatewayLoadBalancerArns"),
    ),
)

TABLES = (endpoint, endpoint_service, endpoint_connection)
