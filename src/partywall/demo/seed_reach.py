"""What can be reached: targets behind load balancers, a hub of networks, a forgotten jump host, a peering."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, policy, tags
from partywall.demo.fake_answers import ago, digest

_IMAGE = "ami-04681a1dbd79675a5"
_SHARED = "10.100.0.0/16"


def _named(kind: str, name: str, desk: Desk) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, *tags("platform", desk.name)]}]


def _instance(desk: Desk, name: str, subnet: str, groups: list[str], **more: Any) -> str:
    made: str = desk.at("ec2").run_instances(
        ImageId=_IMAGE,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=groups,
        TagSpecifications=_named("instance", name, desk),
        **more,
    )["Instances"][0]["InstanceId"]
    desk.ids[f"instance/{name}"] = made
    return made


def _targets(desk: Desk) -> None:
    """The load balancers' targets; the Network Load Balancer shows its targets the clients' own addresses."""
    elbv2 = desk.at("elbv2")
    groups = elbv2.describe_target_groups()["TargetGroups"]
    arns = {group["TargetGroupName"]: group["TargetGroupArn"] for group in groups}
    for name, instances in (
        ("shop-targets", ["web-1", "web-2"]),
        ("legacy-portal-targets", ["web-2"]),
        ("intranet-targets", ["web-1"]),
        ("edi-gateway-targets", ["web-2"]),
    ):
        elbv2.register_targets(
            TargetGroupArn=arns[name], Targets=[{"Id": desk.ids[f"instance/{i}"]} for i in instances]
        )


def _hub(desk: Desk) -> None:
    """A VPC of shared services behind the transit gateway, which production's private subnets route to."""
    ec2 = desk.at("ec2")
    vpc = ec2.create_vpc(CidrBlock=_SHARED, TagSpecifications=_named("vpc", f"{desk.name}-shared", desk))
    vpc_id = vpc["Vpc"]["VpcId"]
    desk.ids[f"vpc/shared/{HOME}"] = vpc_id
    subnet = ec2.create_subnet(
        VpcId=vpc_id,
        CidrBlock="10.100.10.0/24",
        AvailabilityZone=f"{HOME}a",
        TagSpecifications=_named("subnet", "shared-private-a", desk),
    )["Subnet"]["SubnetId"]
    hub = ec2.describe_transit_gateways()["TransitGateways"][0]["TransitGatewayId"]
    ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=hub, VpcId=vpc_id, SubnetIds=[subnet])
    learning = ec2.describe_transit_gateway_route_tables()["TransitGatewayRouteTables"][0]
    for attachment in ec2.describe_transit_gateway_vpc_attachments()["TransitGatewayVpcAttachments"]:
        ec2.enable_transit_gateway_route_table_propagation(
            TransitGatewayRouteTableId=learning["TransitGatewayRouteTableId"],
            TransitGatewayAttachmentId=attachment["TransitGatewayAttachmentId"],
        )
    table = ec2.create_route_table(
        VpcId=vpc_id, TagSpecifications=_named("route-table", "shared-private", desk)
    )["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.20.0.0/16", TransitGatewayId=hub)
    inner = desk.ids[f"routes/main-private/{HOME}"]
    ec2.create_route(RouteTableId=inner, DestinationCidrBlock=_SHARED, TransitGatewayId=hub)
    group = ec2.create_security_group(
        GroupName="shared-builds",
        Description="Build workers and the artefact store",
        VpcId=vpc_id,
        TagSpecifications=_named("security-group", "shared-builds", desk),
    )["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.20.0.0/16"}]}
        ],
    )
    _instance(desk, "build-1", subnet, [group], MetadataOptions={"HttpTokens": "required"})


def _jump_host(desk: Desk) -> None:
    """An administrator's jump host of years ago: SSH from everywhere, administrator rights, IMDSv1."""
    iam = desk.at("iam")
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(
        RoleName="jump-admin",
        AssumeRolePolicyDocument=policy(trusted),
        Tags=tags("platform", desk.name),
    )
    iam.attach_role_policy(RoleName="jump-admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_instance_profile(InstanceProfileName="jump-admin")
    iam.add_role_to_instance_profile(InstanceProfileName="jump-admin", RoleName="jump-admin")
    made = _instance(
        desk,
        "jump-2019",
        desk.ids[f"subnet/legacy-public-a/{HOME}"],
        [desk.ids[f"sg/legacy-ssh-anywhere/{HOME}"]],
        MetadataOptions={"HttpTokens": "optional"},
        IamInstanceProfile={"Name": "jump-admin"},
    )
    desk.age("instance", made, 1500)


def _rare_gateways(desk: Desk) -> None:
    """A carrier gateway, an Outpost's local gateway, links of APIs, and private origins of CloudFront."""
    ec2 = desk.at("ec2")
    shared, main = desk.ids[f"vpc/shared/{HOME}"], desk.ids[f"vpc/main/{HOME}"]
    ec2.create_carrier_gateway(VpcId=shared)
    table = "lgw-rtb-059615ef7dea13001"
    outpost = desk.arn("outposts", "outpost/op-0d4579457ff2dc345")
    desk.put(
        "ec2",
        "DescribeLocalGatewayRouteTables",
        {
            "LocalGatewayRouteTables": [
                {
                    "LocalGatewayRouteTableId": table,
                    "LocalGatewayRouteTableArn": desk.arn("ec2", f"local-gateway-route-table/{table}"),
                    "LocalGatewayId": "lgw-09b493aa7cEXAMPLE",
                    "OutpostArn": outpost,
                    "OwnerId": desk.account,
                    "State": "available",
                    "Mode": "direct-vpc-routing",
                    "Tags": [],
                }
            ]
        },
        HOME,
    )
    balancers = desk.at("elbv2").describe_load_balancers(Names=["edi-gateway", "intranet"])["LoadBalancers"]
    arns = {found["LoadBalancerName"]: found["LoadBalancerArn"] for found in balancers}
    desk.at("apigateway").create_vpc_link(name="edi", targetArns=[arns["edi-gateway"]])
    desk.at("apigatewayv2").create_vpc_link(
        Name="intranet",
        SubnetIds=[desk.ids[f"subnet/main-private-a/{HOME}"]],
        SecurityGroupIds=[desk.ids[f"sg/web/{HOME}"]],
    )
    desk.put(
        "cloudfront",
        "ListVpcOrigins",
        {
            "VpcOriginList": {
                "Marker": "",
                "MaxItems": 100,
                "IsTruncated": False,
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "vo_BQwjxxQxjCaBcQLzJUFkDM",
                        "Name": "intranet",
                        "Status": "Deployed",
                        "CreatedTime": ago(60),
                        "LastModifiedTime": ago(60),
                        "Arn": f"arn:aws:cloudfront::{desk.account}:vpcorigin/vo_BQwjxxQxjCaBcQLzJUFkDM",
                        "OriginEndpointArn": arns["intranet"],
                    }
                ],
            }
        },
    )
    far = desk.at("ec2", "eu-central-1").create_transit_gateway(Description="Frankfurt")["TransitGateway"]
    hub = ec2.describe_transit_gateways()["TransitGateways"][0]["TransitGatewayId"]
    asked = ec2.create_transit_gateway_peering_attachment(
        TransitGatewayId=hub,
        PeerTransitGatewayId=far["TransitGatewayId"],
        PeerAccountId=desk.account,
        PeerRegion="eu-central-1",
    )["TransitGatewayPeeringAttachment"]["TransitGatewayAttachmentId"]
    desk.at("ec2", "eu-central-1").accept_transit_gateway_peering_attachment(TransitGatewayAttachmentId=asked)
    service = ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"][0]
    desk.put(
        "ec2",
        "DescribeVpcEndpointConnections",
        {
            "VpcEndpointConnections": [
                {
                    "VpcEndpointConnectionId": "vpce-con-0b1f4ad2d4e6a0001",
                    "ServiceId": service["ServiceId"],
                    "VpcEndpointId": "vpce-0f5a2f1a4e6a00001",
                    "VpcEndpointOwner": "464622532012",
                    "VpcEndpointRegion": HOME,
                    "VpcEndpointState": "Available",
                    "CreationTimestamp": ago(200),
                    "NetworkLoadBalancerArns": service.get("NetworkLoadBalancerArns", []),
                }
            ]
        },
        HOME,
    )
    _accelerated(desk, arns["edi-gateway"])
    desk.put(
        "ec2",
        "DescribeLocalGatewayRouteTableVpcAssociations",
        {
            "LocalGatewayRouteTableVpcAssociations": [
                {
                    "LocalGatewayRouteTableVpcAssociationId": "lgw-vpc-assoc-08c64f5f2a0d00001",
                    "LocalGatewayRouteTableId": table,
                    "LocalGatewayId": "lgw-09b493aa7cEXAMPLE",
                    "VpcId": main,
                    "OwnerId": desk.account,
                    "State": "associated",
                }
            ]
        },
        HOME,
    )


def _accelerated(desk: Desk, balancer: str) -> None:
    """The accelerator for partners' files leads to the Network Load Balancer."""
    accelerator = f"arn:aws:globalaccelerator::{desk.account}:accelerator/{digest('edi')[:8]}"
    listener = f"{accelerator}/listener/{digest('edi-listener')[:8]}"
    desk.put(
        "globalaccelerator",
        "ListListeners",
        {
            "Listeners": [
                {
                    "ListenerArn": listener,
                    "Protocol": "TCP",
                    "ClientAffinity": "NONE",
                    "PortRanges": [{"FromPort": 22, "ToPort": 22}],
                }
            ]
        },
        when={"AcceleratorArn": accelerator},
    )
    desk.put(
        "globalaccelerator",
        "ListEndpointGroups",
        {
            "EndpointGroups": [
                {
                    "EndpointGroupArn": f"{listener}/endpoint-group/{digest('edi-group')[:12]}",
                    "EndpointGroupRegion": HOME,
                    "EndpointDescriptions": [
                        {"EndpointId": balancer, "Weight": 128, "ClientIPPreservationEnabled": True}
                    ],
                    "PortOverrides": [],
                }
            ]
        },
        when={"ListenerArn": listener},
    )


def seed_reach(desk: Desk) -> None:
    """Make the networks of production reach each other and the world; needs its instances and networks."""
    if desk.name == "production":
        _targets(desk)
        _hub(desk)
        _jump_host(desk)
        _rare_gateways(desk)


def seed_between(desks: list[Desk]) -> None:
    """Peer the sandbox with production, routes on both sides, as a migration once needed it."""
    by_name = {desk.name: desk for desk in desks}
    production, sandbox = by_name["production"], by_name["sandbox"]
    asked = sandbox.at("ec2").create_vpc_peering_connection(
        VpcId=sandbox.ids[f"vpc/main/{HOME}"],
        PeerVpcId=production.ids[f"vpc/main/{HOME}"],
        PeerOwnerId=production.account,
        TagSpecifications=_named("vpc-peering-connection", "sandbox-to-production", sandbox),
    )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    _instance(
        sandbox,
        "migration-1",
        sandbox.ids[f"subnet/main-private-a/{HOME}"],
        [sandbox.ids[f"sg/batch/{HOME}"]],
        MetadataOptions={"HttpTokens": "required"},
    )
    production.at("ec2").accept_vpc_peering_connection(VpcPeeringConnectionId=asked)
    for desk, block in ((sandbox, "10.20.0.0/16"), (production, "10.60.0.0/16")):
        desk.at("ec2").create_route(
            RouteTableId=desk.ids[f"routes/main-private/{HOME}"],
            DestinationCidrBlock=block,
            VpcPeeringConnectionId=asked,
        )
