"""Networks: a tidy VPC and a grown legacy one, their gateways, filters and load balancers, and DNS."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, allow, policy, tags


def _named(kind: str, name: str, team: str, env: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, *tags(team, env)]}]


def _rule(port: int, cidr: str, to_port: int | None = None, protocol: str = "tcp") -> dict[str, Any]:
    source = {"Ipv6Ranges": [{"CidrIpv6": cidr}]} if ":" in cidr else {"IpRanges": [{"CidrIp": cidr}]}
    return {"IpProtocol": protocol, "FromPort": port, "ToPort": to_port or port, **source}


_EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
_OPEN = "0.0.0.0/0"
_INSIDE = "10.0.0.0/8"
# name: what may come in.
_GROUPS: dict[str, list[dict[str, Any]]] = {
    "alb-public": [_rule(443, _OPEN), _rule(443, "::/0"), _rule(80, _OPEN)],
    "web": [_rule(8080, _INSIDE)],
    "orders-db": [_rule(5432, _INSIDE)],
    "bastion": [_rule(22, "203.0.113.0/24")],
    "cache": [_rule(6379, _INSIDE)],
    "search": [_rule(443, _INSIDE)],
    "batch": [],
    "nfs": [_rule(2049, _INSIDE)],
}
_LEGACY_GROUPS: dict[str, list[dict[str, Any]]] = {
    "legacy-ssh-anywhere": [_rule(22, _OPEN), _rule(22, "::/0"), _rule(3389, _OPEN)],
    "legacy-mysql-open": [_rule(3306, _OPEN)],
    "legacy-all-traffic": [_EVERYTHING],
    "legacy-mongo": [_rule(27017, "::/0")],
    "unused-elastic": [_rule(9200, _OPEN, 9300)],
    "vendor-access": [_rule(1433, "198.51.100.0/22")],
}


def _subnets(
    desk: Desk, region: str, vpc: str, name: str, prefix: str, public: bool, count: int
) -> list[str]:
    ec2 = desk.at("ec2", region)
    made: list[str] = []
    for index in range(count):
        kind = "public" if public else "private"
        subnet = ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"{prefix}.{index + (0 if public else 10)}.0/24",
            AvailabilityZone=f"{region}{'abc'[index]}",
            TagSpecifications=_named("subnet", f"{name}-{kind}-{'abc'[index]}", "platform", desk.name),
        )["Subnet"]["SubnetId"]
        if public:
            ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": name != "main"})
        desk.ids[f"subnet/{name}-{kind}-{'abc'[index]}/{region}"] = subnet
        made.append(subnet)
    return made


def _vpc(desk: Desk, region: str, name: str, prefix: str, groups: dict[str, list[dict[str, Any]]]) -> str:
    ec2 = desk.at("ec2", region)
    vpc = ec2.create_vpc(
        CidrBlock=f"{prefix}.0.0/16",
        TagSpecifications=_named("vpc", f"{desk.name}-{name}", "platform", desk.name),
    )["Vpc"]["VpcId"]
    desk.ids[f"vpc/{name}/{region}"] = vpc
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    public = _subnets(desk, region, vpc, name, prefix, True, 2)
    private = _subnets(desk, region, vpc, name, prefix, False, 2)
    table = ec2.create_route_table(
        VpcId=vpc, TagSpecifications=_named("route-table", f"{name}-public", "platform", desk.name)
    )["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=_OPEN, GatewayId=gateway)
    for subnet in public:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    inner = ec2.create_route_table(
        VpcId=vpc, TagSpecifications=_named("route-table", f"{name}-private", "platform", desk.name)
    )["RouteTable"]["RouteTableId"]
    desk.ids[f"routes/{name}-private/{region}"] = inner
    for subnet in private:
        ec2.associate_route_table(RouteTableId=inner, SubnetId=subnet)
    if name == "main":
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat = ec2.create_nat_gateway(SubnetId=public[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
        ec2.create_route(RouteTableId=inner, DestinationCidrBlock=_OPEN, NatGatewayId=nat)
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{region}.s3",
            RouteTableIds=[inner],
            VpcEndpointType="Gateway",
        )
    for group, rules in groups.items():
        group_id = ec2.create_security_group(
            GroupName=group,
            Description=f"{group} of {desk.name}",
            VpcId=vpc,
            TagSpecifications=_named("security-group", group, "platform", desk.name),
        )["GroupId"]
        desk.ids[f"sg/{group}/{region}"] = group_id
        if rules:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rules)
    return vpc


def _flow_logs(desk: Desk, region: str, vpc: str) -> None:
    desk.at("logs", region).create_log_group(logGroupName="/vpc/flow-logs")
    desk.at("ec2", region).create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName="/vpc/flow-logs",
        DeliverLogsPermissionArn=desk.ids["role/flow-logs"],
    )


def _production_extras(desk: Desk) -> None:
    ec2 = desk.at("ec2")
    vpc = desk.ids[f"vpc/main/{HOME}"]
    subnet = desk.ids[f"subnet/main-private-a/{HOME}"]
    open_to_all = policy(allow("*", Principal="*"))
    for service in ("ecr.api", "ecr.dkr", "logs", "kms", "ssm", "secretsmanager"):
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{HOME}.{service}",
            SubnetIds=[subnet],
            SecurityGroupIds=[desk.ids[f"sg/web/{HOME}"]],
            PrivateDnsEnabled=True,
            **({"PolicyDocument": open_to_all} if service == "logs" else {}),
        )
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    entries = [(90, "allow", 22, 22), (100, "allow", 443, 443), (200, "deny", 3389, 3389)]
    for number, action, low, high in entries:
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=number,
            Protocol="6",
            RuleAction=action,
            Egress=False,
            CidrBlock=_OPEN,
            PortRange={"From": low, "To": high},
        )
    peer = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=desk.ids[f"vpc/legacy/{HOME}"])
    peering = peer["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ec2.create_route(
        RouteTableId=desk.ids[f"routes/main-private/{HOME}"],
        DestinationCidrBlock="10.90.0.0/16",
        VpcPeeringConnectionId=peering,
    )
    ec2.create_egress_only_internet_gateway(VpcId=vpc)
    hub = ec2.create_transit_gateway(
        Description="company backbone", Options={"AutoAcceptSharedAttachments": "enable"}
    )["TransitGateway"]["TransitGatewayId"]
    ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=hub, VpcId=vpc, SubnetIds=[subnet])
    office = ec2.create_customer_gateway(BgpAsn=65010, PublicIp="203.0.113.12", Type="ipsec.1")
    private_gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=vpc, VpnGatewayId=private_gateway)
    ec2.create_vpn_connection(
        CustomerGatewayId=office["CustomerGateway"]["CustomerGatewayId"],
        Type="ipsec.1",
        VpnGatewayId=private_gateway,
    )
    ec2.create_managed_prefix_list(
        PrefixListName="offices",
        MaxEntries=5,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "203.0.113.0/24", "Description": "Dublin"}],
    )
    for _ in range(2):
        ec2.allocate_address(Domain="vpc")
    link = desk.at("directconnect").create_connection(
        location="EqDB1", bandwidth="1Gbps", connectionName="dublin-dc"
    )
    desk.at("directconnect").create_lag(
        numberOfConnections=1, location="EqDB1", connectionsBandwidth="1Gbps", lagName="dublin-lag"
    )
    desk.ids["dx"] = link["connectionId"]


def _firewall(desk: Desk) -> None:
    firewall = desk.at("network-firewall")
    rules = "pass tls any any -> any 443 (sid:1;)\ndrop ip any any -> any any (sid:2;)"
    group = firewall.create_rule_group(
        RuleGroupName="egress-domains",
        Type="STATEFUL",
        Capacity=100,
        RuleGroup={"RulesSource": {"RulesString": rules}},
    )["RuleGroupResponse"]["RuleGroupArn"]
    chosen = firewall.create_firewall_policy(
        FirewallPolicyName="egress",
        FirewallPolicy={
            "StatelessDefaultActions": ["aws:forward_to_sfe"],
            "StatelessFragmentDefaultActions": ["aws:pass"],
            "StatefulRuleGroupReferences": [{"ResourceArn": group}],
        },
    )["FirewallPolicyResponse"]["FirewallPolicyArn"]
    firewall.create_firewall(
        FirewallName="egress",
        FirewallPolicyArn=chosen,
        VpcId=desk.ids[f"vpc/main/{HOME}"],
        SubnetMappings=[{"SubnetId": desk.ids[f"subnet/main-private-a/{HOME}"]}],
        DeleteProtection=False,
    )


def _load_balancers(desk: Desk) -> None:
    elbv2 = desk.at("elbv2")
    public = [desk.ids[f"subnet/main-public-{z}/{HOME}"] for z in "ab"]
    private = [desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"]
    group = [desk.ids[f"sg/alb-public/{HOME}"]]
    for name, scheme, kind, listeners in (
        (
            "shop",
            "internet-facing",
            "application",
            [("HTTPS", 443, "ELBSecurityPolicy-TLS13-1-2-2021-06"), ("HTTP", 80, "redirect")],
        ),
        (
            "legacy-portal",
            "internet-facing",
            "application",
            [("HTTP", 80, ""), ("HTTPS", 443, "ELBSecurityPolicy-2016-08")],
        ),
        ("intranet", "internal", "application", [("HTTP", 80, "")]),
        ("edi-gateway", "internet-facing", "network", [("TCP", 22, "")]),
    ):
        balancer = elbv2.create_load_balancer(
            Name=name,
            Subnets=public if scheme == "internet-facing" else private,
            Scheme=scheme,
            Type=kind,
            Tags=tags("web", desk.name),
            **({"SecurityGroups": group} if kind == "application" else {}),
        )["LoadBalancers"][0]["LoadBalancerArn"]
        desk.ids[f"alb/{name}"] = balancer
        target = elbv2.create_target_group(
            Name=f"{name}-targets",
            Protocol="TCP" if kind == "network" else "HTTP",
            Port=8080,
            VpcId=desk.ids[f"vpc/main/{HOME}"],
            TargetType="instance",
        )["TargetGroups"][0]["TargetGroupArn"]
        forward = {"Type": "forward", "TargetGroupArn": target}
        to_https = {
            "Type": "redirect",
            "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
        }
        for protocol, port, what in listeners:
            secure = {}
            if protocol == "HTTPS":
                arn = desk.ids["certificate/www"]
                secure = {"SslPolicy": what, "Certificates": [{"CertificateArn": arn}]}
            elbv2.create_listener(
                LoadBalancerArn=balancer,
                Protocol=protocol,
                Port=port,
                DefaultActions=[to_https if what == "redirect" else forward],
                **secure,
            )
    elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=desk.ids["alb/shop"],
        Attributes=[
            {"Key": "access_logs.s3.enabled", "Value": "true"},
            {"Key": "access_logs.s3.bucket", "Value": "brightwater-logs-prod"},
            {"Key": "deletion_protection.enabled", "Value": "true"},
            {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
        ],
    )
    elb = desk.at("elb")
    elb.create_load_balancer(
        LoadBalancerName="tracking-classic",
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8080}],
        Subnets=[desk.ids[f"subnet/legacy-public-a/{HOME}"]],
        SecurityGroups=[desk.ids[f"sg/legacy-ssh-anywhere/{HOME}"]],
        Tags=tags("web", "legacy"),
    )


def _dns(desk: Desk) -> None:
    route53 = desk.at("route53", "us-east-1")
    for zone in ("brightwater.example.", "tracking.brightwater.example."):
        made = route53.create_hosted_zone(Name=zone, CallerReference=f"{desk.name}-{zone}")
        zone_id = made["HostedZone"]["Id"]
        changes = [
            ("www", "A", "198.51.100.7"),
            ("old-shop", "CNAME", "gone-bucket.s3-website.eu-west-1.amazonaws.com"),
        ]
        route53.change_resource_record_sets(
            HostedZoneId=zone_id,
            ChangeBatch={
                "Changes": [
                    {
                        "Action": "CREATE",
                        "ResourceRecordSet": {
                            "Name": f"{name}.{zone}",
                            "Type": kind,
                            "TTL": 300,
                            "ResourceRecords": [{"Value": value}],
                        },
                    }
                    for name, kind, value in changes
                ]
            },
        )
    route53.create_hosted_zone(
        Name="internal.brightwater.example.",
        CallerReference=f"{desk.name}-internal",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": HOME, "VPCId": desk.ids[f"vpc/main/{HOME}"]},
    )
    route53.create_health_check(
        CallerReference="www",
        HealthCheckConfig={
            "Type": "HTTPS",
            "FullyQualifiedDomainName": "www.brightwater.example",
            "Port": 443,
        },
    )


def seed_network(desk: Desk) -> None:
    """Fill the networks of one account; ids go under `vpc/NAME/REGION`, `subnet/…`, `sg/…`."""
    if desk.name == "management":
        return
    production = desk.name == "production"
    octet = 20 if production else 60
    for index, region in enumerate((HOME, "eu-central-1") if production else (HOME,)):
        vpc = _vpc(desk, region, "main", f"10.{octet + index}", _GROUPS)
        if production:
            _flow_logs(desk, region, vpc)
    _vpc(desk, HOME, "legacy", f"10.{90 if production else 91}", _LEGACY_GROUPS)
    if production:
        _vpc(desk, "us-east-1", "legacy", "10.95", {"legacy-ssh-anywhere": [_rule(22, _OPEN)]})
        _production_extras(desk)
        _firewall(desk)
        _load_balancers(desk)
        _dns(desk)
        desk.at("ec2", "eu-central-1").modify_vpc_block_public_access_options(
            InternetGatewayBlockMode="block-bidirectional"
        )
