"""The rest of the network's edge: private lines, DNS firewalls, domains, accelerators, classic WAF."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, allow, policy, tag_map, tags
from partywall.demo.fake_answers import ago, digest


def _tagged(kind: str, desk: Desk, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, *tags("platform", desk.name)]}]


def _private_lines(desk: Desk) -> None:
    """Two lines from two places, and in Frankfurt a single one."""
    direct = desk.at("directconnect")
    second = direct.create_connection(location="EqDB2", bandwidth="1Gbps", connectionName="dublin-dc-2")
    desk.at("directconnect", "eu-central-1").create_connection(
        location="EqFR4", bandwidth="1Gbps", connectionName="frankfurt-trial"
    )
    gateways = {
        "backbone": "7a1b0c9d-0000-4000-8000-00000000000a",
        "trial": "7a1b0c9d-0000-4000-8000-00000000000b",
    }
    listed = [
        {
            "directConnectGatewayId": made,
            "directConnectGatewayName": name,
            "amazonSideAsn": 64512,
            "ownerAccount": desk.account,
            "directConnectGatewayState": "available",
        }
        for name, made in gateways.items()
    ]
    desk.put("directconnect", "DescribeDirectConnectGateways", {"directConnectGateways": listed})
    interfaces = [
        {
            "ownerAccount": desk.account,
            "virtualInterfaceId": f"dxvif-{digest(name)[:8]}",
            "virtualInterfaceName": name,
            "location": location,
            "connectionId": connection,
            "virtualInterfaceType": "private",
            "virtualInterfaceState": "available" if up else "down",
            "vlan": 101,
            "asn": 65010,
            "directConnectGatewayId": gateways[gateway],
            "bgpPeers": [
                {
                    "bgpPeerId": f"dxpeer-{digest(name, 'peer')[:8]}",
                    "asn": 65010,
                    "addressFamily": "ipv4",
                    "bgpPeerState": "available",
                    "bgpStatus": "up" if up else "down",
                }
            ],
        }
        for name, location, connection, gateway, up in (
            ("dublin-1", "EqDB1", desk.ids["dx"], "backbone", True),
            ("dublin-2", "EqDB2", second["connectionId"], "backbone", True),
            ("trial", "EqDB1", desk.ids["dx"], "trial", False),
        )
    ]
    desk.put("directconnect", "DescribeVirtualInterfaces", {"virtualInterfaces": interfaces}, HOME)


def _accelerators(desk: Desk) -> None:
    listed: list[dict[str, Any]] = []
    for name, logged in (("shop", True), ("edi", False)):
        arn = f"arn:aws:globalaccelerator::{desk.account}:accelerator/{digest(name)[:8]}"
        listed.append(
            {
                "AcceleratorArn": arn,
                "Name": name,
                "IpAddressType": "IPV4",
                "Enabled": True,
                "IpSets": [{"IpFamily": "IPv4", "IpAddresses": ["198.51.100.61", "198.51.100.62"]}],
                "DnsName": f"a{digest(name)[:16]}.awsglobalaccelerator.com",
                "Status": "DEPLOYED",
                "CreatedTime": ago(500),
                "LastModifiedTime": ago(90),
            }
        )
        to = {"FlowLogsS3Bucket": "brightwater-logs-prod", "FlowLogsS3Prefix": "ga/"} if logged else {}
        desk.put(
            "globalaccelerator",
            "DescribeAcceleratorAttributes",
            {"AcceleratorAttributes": {"FlowLogsEnabled": logged, **to}},
            when={"AcceleratorArn": arn},
        )
        desk.put(
            "globalaccelerator",
            "ListTagsForResource",
            {"Tags": tags("platform", desk.name) if logged else []},
            when={"ResourceArn": arn},
        )
    desk.put("globalaccelerator", "ListAccelerators", {"Accelerators": listed})
    desk.at("shield", "us-east-1").create_protection(Name="shop", ResourceArn=listed[0]["AcceleratorArn"])


def _dns(desk: Desk) -> None:
    route53 = desk.at("route53", "us-east-1")
    desk.at("logs", "us-east-1").create_log_group(logGroupName="/aws/route53/status.brightwater.example")
    made = route53.create_hosted_zone(
        Name="status.brightwater.example.", CallerReference=f"{desk.name}-status"
    )["HostedZone"]["Id"]
    logging = {
        "Id": "5f1e2d3c-0000-4000-8000-000000000001",
        "HostedZoneId": made.rpartition("/")[2],
        "CloudWatchLogsLogGroupArn": desk.arn(
            "logs", "log-group:/aws/route53/status.brightwater.example", "us-east-1"
        ),
    }
    desk.put("route53", "ListQueryLoggingConfigs", {"QueryLoggingConfigs": [logging]})
    route53.change_resource_record_sets(
        HostedZoneId=made,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": "brightwater-www-prod.status.brightwater.example.",
                        "Type": "CNAME",
                        "TTL": 300,
                        "ResourceRecords": [
                            {"Value": "brightwater-www-prod.s3-website-eu-west-1.amazonaws.com"}
                        ],
                    },
                }
            ]
        },
    )
    signing = {"Status": {"ServeSignature": "SIGNING"}, "KeySigningKeys": []}
    desk.put("route53", "GetDNSSEC", signing, when={"HostedZoneId": made.rpartition("/")[2]})
    desk.at("shield", "us-east-1").create_protection(
        Name="status", ResourceArn=f"arn:aws:route53:::hostedzone/{made.rpartition('/')[2]}"
    )
    domains = (("brightwater.example", True, -500), ("brightwater-tracking.example", False, -12))
    desk.put(
        "route53domains",
        "ListDomains",
        {
            "Domains": [
                {"DomainName": name, "AutoRenew": good, "TransferLock": good, "Expiry": ago(days)}
                for name, good, days in domains
            ]
        },
    )
    for name, good, days in domains:
        desk.put(
            "route53domains",
            "GetDomainDetail",
            {
                "DomainName": name,
                "AutoRenew": good,
                "AdminPrivacy": good,
                "RegistrantPrivacy": good,
                "TechPrivacy": good,
                "RegistrarName": "Amazon Registrar, Inc.",
                "CreationDate": ago(3000),
                "ExpirationDate": ago(days),
                "StatusList": ["clientTransferProhibited"] if good else ["ok"],
                "DnssecKeys": [],
            },
            when={"DomainName": name},
        )
        owned = {"TagList": tags("web", desk.name) if good else []}
        desk.put("route53domains", "ListTagsForDomain", owned, when={"DomainName": name})


def _resolvers(desk: Desk) -> None:
    resolver = desk.at("route53resolver")
    resolver.create_resolver_endpoint(
        CreatorRequestId="office",
        Name="office",
        Direction="OUTBOUND",
        SecurityGroupIds=[desk.ids[f"sg/web/{HOME}"]],
        IpAddresses=[{"SubnetId": desk.ids[f"subnet/main-private-{z}/{HOME}"]} for z in "ab"],
    )
    vpc, legacy = desk.ids[f"vpc/main/{HOME}"], desk.ids[f"vpc/legacy/{HOME}"]
    log = resolver.create_resolver_query_log_config(
        Name="all-queries", DestinationArn="arn:aws:s3:::brightwater-logs-prod", CreatorRequestId="queries"
    )["ResolverQueryLogConfig"]["Id"]
    resolver.associate_resolver_query_log_config(ResolverQueryLogConfigId=log, ResourceId=vpc)
    groups = {"egress-names": "rslvr-frg-4f1c8f2d9b7a4c10", "count-only": "rslvr-frg-8e0b7d3c2a1f4e59"}
    listed = [
        {
            "Id": made,
            "Arn": desk.arn("route53resolver", f"firewall-rule-group/{made}"),
            "Name": name,
            "OwnerId": desk.account,
            "ShareStatus": "NOT_SHARED",
        }
        for name, made in groups.items()
    ]
    desk.put("route53resolver", "ListFirewallRuleGroups", {"FirewallRuleGroups": listed}, HOME)
    for name, made in groups.items():
        rule = {
            "FirewallRuleGroupId": made,
            "FirewallDomainListId": "rslvr-fdl-2c46f2ecbfec4dcc",
            "Name": "malware",
            "Priority": 1,
            "Action": "BLOCK" if name == "egress-names" else "ALERT",
            **({"BlockResponse": "NXDOMAIN"} if name == "egress-names" else {}),
        }
        answer = {"FirewallRules": [rule]}
        desk.put("route53resolver", "ListFirewallRules", answer, HOME, {"FirewallRuleGroupId": made})
    associations = [
        {
            "Id": f"rslvr-frgassoc-{digest(name)[:16]}",
            "Arn": desk.arn("route53resolver", f"firewall-rule-group-association/{digest(name)[:16]}"),
            "FirewallRuleGroupId": groups[name],
            "VpcId": where,
            "Name": name,
            "Priority": 101,
            "MutationProtection": "DISABLED",
            "Status": "COMPLETE",
        }
        for name, where in (("egress-names", vpc), ("count-only", legacy))
    ]
    desk.put(
        "route53resolver",
        "ListFirewallRuleGroupAssociations",
        {"FirewallRuleGroupAssociations": associations},
        HOME,
    )
    configs = [
        {
            "Id": f"rslvr-fc-{digest(where)[:16]}",
            "ResourceId": where,
            "OwnerId": desk.account,
            "FirewallFailOpen": "ENABLED" if where == legacy else "DISABLED",
        }
        for where in (vpc, legacy)
    ]
    desk.put("route53resolver", "ListFirewallConfigs", {"FirewallConfigs": configs}, HOME)


def _vpc_services(desk: Desk) -> None:
    ec2 = desk.at("ec2")
    vpc = desk.ids[f"vpc/main/{HOME}"]
    for name, servers in (("office-dns", ["10.20.10.2"]), ("", ["AmazonProvidedDNS"])):
        ec2.create_dhcp_options(
            DhcpConfigurations=[{"Key": "domain-name-servers", "Values": servers}],
            **({"TagSpecifications": _tagged("dhcp-options", desk, name)} if name else {}),
        )
    partner = "arn:aws:iam::464622532012:root"
    for accept, principals in ((True, [f"arn:aws:iam::{desk.account}:root"]), (False, ["*", partner])):
        made = ec2.create_vpc_endpoint_service_configuration(
            NetworkLoadBalancerArns=[desk.ids["alb/edi-gateway"]], AcceptanceRequired=accept
        )["ServiceConfiguration"]["ServiceId"]
        ec2.modify_vpc_endpoint_service_permissions(ServiceId=made, AddAllowedPrincipals=principals)
    for region, mode, subnet in (
        ("eu-central-1", "allow-egress", "main-private-a"),
        ("eu-central-1", "allow-bidirectional", "main-public-a"),
    ):
        desk.at("ec2", region).create_vpc_block_public_access_exclusion(
            SubnetId=desk.ids[f"subnet/{subnet}/{region}"], InternetGatewayExclusionMode=mode
        )
    interface = ec2.describe_network_interfaces(
        Filters=[{"Name": "attachment.instance-id", "Values": [desk.ids["instance/web-1"]]}]
    )["NetworkInterfaces"][0]["NetworkInterfaceId"]
    for name in ("intrusion-detection", ""):

        def named(kind: str, name: str = name) -> dict[str, Any]:
            return {"TagSpecifications": _tagged(kind, desk, name)} if name else {}

        chosen = ec2.create_traffic_mirror_filter(
            Description=name or "capture of 2022", **named("traffic-mirror-filter")
        )["TrafficMirrorFilter"]["TrafficMirrorFilterId"]
        to = ec2.create_traffic_mirror_target(
            NetworkLoadBalancerArn=desk.ids["alb/edi-gateway"],
            Description=name or "capture of 2022",
            **named("traffic-mirror-target"),
        )["TrafficMirrorTarget"]["TrafficMirrorTargetId"]
        ec2.create_traffic_mirror_session(
            NetworkInterfaceId=interface,
            TrafficMirrorTargetId=to,
            TrafficMirrorFilterId=chosen,
            SessionNumber=1 if name else 2,
            **named("traffic-mirror-session"),
        )
    _client_vpn(desk, vpc)


def _client_vpn(desk: Desk, vpc: str) -> None:
    endpoints: list[dict[str, Any]] = []
    for name, good in (("staff", True), ("vendors-2019", False)):
        made = f"cvpn-endpoint-{digest(name)[:17]}"
        endpoints.append(
            {
                "ClientVpnEndpointId": made,
                "Description": name,
                "Status": {"Code": "available"},
                "CreationTime": ago(900),
                "VpcId": vpc,
                "SplitTunnel": good,
                "VpnProtocol": "openvpn",
                "TransportProtocol": "udp",
                "AuthenticationOptions": [
                    {"Type": "federated-authentication" if good else "certificate-authentication"}
                ],
                "ConnectionLogOptions": {"Enabled": good, **({"CloudwatchLogGroup": "/vpn"} if good else {})},
                "SecurityGroupIds": [desk.ids[f"sg/bastion/{HOME}"]],
                "ServerCertificateArn": desk.ids["certificate/www"],
                "SessionTimeoutHours": 8 if good else 24,
                "ClientConnectOptions": {"Enabled": False},
                "Tags": tags("platform", desk.name) if good else [],
            }
        )
        rule = {
            "ClientVpnEndpointId": made,
            "DestinationCidr": "10.20.10.0/24" if good else "0.0.0.0/0",
            "AccessAll": not good,
            "Status": {"Code": "active"},
            **({"GroupId": "platform-engineers"} if good else {}),
        }
        answer = {"AuthorizationRules": [rule]}
        desk.put("ec2", "DescribeClientVpnAuthorizationRules", answer, HOME, {"ClientVpnEndpointId": made})
    desk.put("ec2", "DescribeClientVpnEndpoints", {"ClientVpnEndpoints": endpoints}, HOME)


def _classic_firewalls(desk: Desk) -> None:
    """Web ACLs of before 2019, one of each kind in order and one left empty."""
    lists = {"old": "3f1c9a60-0000-4000-8000-00000000000", "kept": "5ab2c7d8-0000-4000-8000-00000000000"}
    for service, region, kind in (("waf", "*", "waf"), ("waf-regional", HOME, "waf-regional")):
        kept, old = lists["kept"], lists["old"]
        where = "" if region == "*" else region
        arn = f"arn:aws:{kind}:{where}:{desk.account}:webacl/{kept}1"
        acls = [{"WebACLId": f"{old}1", "Name": "portal-2016"}, {"WebACLId": f"{kept}1", "Name": "edi-2018"}]
        rules = [{"RuleId": f"{old}2", "Name": "block-scanners"}, {"RuleId": f"{kept}2", "Name": "offices"}]
        groups = [{"RuleGroupId": f"{kept}3", "Name": "edi"}, {"RuleGroupId": f"{old}3", "Name": "leftover"}]
        active = {"Priority": 1, "RuleId": f"{kept}2", "Action": {"Type": "BLOCK"}, "Type": "REGULAR"}
        desk.put(service, "ListWebACLs", {"WebACLs": acls}, region)
        desk.put(service, "ListRules", {"Rules": rules}, region)
        desk.put(service, "ListRuleGroups", {"RuleGroups": groups}, region)
        acl = {
            **acls[1],
            "MetricName": "edi",
            "DefaultAction": {"Type": "BLOCK"},
            "Rules": [active],
            "WebACLArn": arn,
        }
        desk.put(service, "GetWebACL", {"WebACL": acl}, region, {"WebACLId": f"{kept}1"})
        condition = {"Negated": False, "Type": "IPMatch", "DataId": f"{kept}4"}
        rule = {**rules[1], "MetricName": "offices", "Predicates": [condition]}
        desk.put(service, "GetRule", {"Rule": rule}, region, {"RuleId": f"{kept}2"})
        for group, members in ((f"{kept}3", [active]), (f"{old}3", [])):
            answer = {"ActivatedRules": members}
            desk.put(service, "ListActivatedRulesInRuleGroup", answer, region, {"RuleGroupId": group})
        stream = desk.arn("firehose", "deliverystream/aws-waf-logs-edi")
        logging = {"LoggingConfigurations": [{"ResourceArn": arn, "LogDestinationConfigs": [stream]}]}
        desk.put(service, "ListLoggingConfigurations", logging, region)


def _web_rules(desk: Desk) -> None:
    waf = desk.at("wafv2")
    for name, measured in (("bots", True), ("quiet", False)):
        shown = {
            "SampledRequestsEnabled": measured,
            "CloudWatchMetricsEnabled": measured,
            "MetricName": name,
        }
        rule = {
            "Name": "rate",
            "Priority": 0,
            "Action": {"Block": {}},
            "VisibilityConfig": shown,
            "Statement": {"RateBasedStatement": {"Limit": 2000, "AggregateKeyType": "IP"}},
        }
        waf.create_rule_group(
            Name=name,
            Scope="REGIONAL",
            Capacity=10,
            Rules=[rule],
            VisibilityConfig=shown,
            Tags=tags("web", desk.name),
        )
    gateway = desk.at("apigateway")
    for name, least in (
        ("api", "TLS_1_2"),
        ("legacy-api", "TLS_1_0"),
        ("mobile", "SecurityPolicy_TLS13_1_3_2025_09"),
    ):
        gateway.create_domain_name(
            domainName=f"{name}.brightwater.example",
            regionalCertificateArn=desk.ids["certificate/www"],
            endpointConfiguration={"types": ["REGIONAL"]},
            securityPolicy=least,
            tags=tag_map("web", desk.name),
        )
    cloudfront = desk.at("cloudfront", "us-east-1")
    first = cloudfront.list_distributions()["DistributionList"]["Items"][0]["ARN"]
    desk.at("logs", "us-east-1").put_delivery_source(
        name="www-access", resourceArn=first, logType="ACCESS_LOGS", tags={"team": "web"}
    )


def _storage(desk: Desk) -> None:
    """Buckets of one zone, and access points across regions."""
    zone = "euw1-az1--x-s3"
    names = (f"brightwater-training--{zone}", f"brightwater-scratch--{zone}")
    listed = [{"Name": name, "BucketRegion": HOME, "CreationDate": ago(120)} for name in names]
    desk.put("s3", "ListDirectoryBuckets", {"Buckets": listed}, HOME)
    ends = {
        "ID": "expire",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": 30},
    }
    desk.put("s3", "GetBucketLifecycleConfiguration", {"Rules": [ends]}, when={"Bucket": names[0]})
    none = {"Error": {"Code": "NoSuchLifecycleConfiguration", "Message": "None exists.", "Status": 404}}
    desk.put("s3", "GetBucketLifecycleConfiguration", none, when={"Bucket": names[1]})
    trainer = allow(
        "s3express:CreateSession", Principal={"AWS": f"arn:aws:iam::{desk.account}:role/orders-lambda"}
    )
    desk.put("s3", "GetBucketPolicy", {"Policy": policy(trainer)}, when={"Bucket": names[0]})
    none = {"Error": {"Code": "NoSuchBucketPolicy", "Message": "No policy exists.", "Status": 404}}
    desk.put("s3", "GetBucketPolicy", none, when={"Bucket": names[1]})
    control = desk.at("s3control", "us-west-2")
    every = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    for name, blocked in (("catalogue", True), ("downloads", False)):
        control.create_multi_region_access_point(
            AccountId=desk.account,
            ClientToken=name,
            Details={
                "Name": name,
                "PublicAccessBlock": dict.fromkeys(every, blocked),
                "Regions": [{"Bucket": "brightwater-www-prod"}],
            },
        )


def _shield(desk: Desk) -> None:
    """The management account has Shield Advanced in order; production never named whom to call."""
    shield = desk.at("shield", "us-east-1")
    shield.create_subscription()
    subscription = {
        "StartTime": ago(300),
        "EndTime": ago(-65),
        "TimeCommitmentInSeconds": 31536000,
        "AutoRenew": "ENABLED",
        "ProactiveEngagementStatus": "ENABLED",
        "SubscriptionLimits": {
            "ProtectionLimits": {"ProtectedResourceTypeLimits": []},
            "ProtectionGroupLimits": {
                "MaxProtectionGroups": 100,
                "PatternTypeLimits": {"ArbitraryPatternLimits": {"MaxMembers": 1000}},
            },
        },
        "SubscriptionArn": f"arn:aws:shield::{desk.account}:subscription",
    }
    desk.put("shield", "DescribeSubscription", {"Subscription": subscription})
    contact = {"EmailAddress": "oncall@brightwater.example", "PhoneNumber": "+35310000001"}
    desk.put("shield", "DescribeEmergencyContactSettings", {"EmergencyContactList": [contact]})
    role = f"arn:aws:iam::{desk.account}:role/shield-response-team"
    desk.put("shield", "DescribeDRTAccess", {"RoleArn": role, "LogBucketList": []})


def seed_wide_edge(desk: Desk) -> None:
    """Fill production's less common edge; needs networks, certificates, instances and load balancers."""
    if desk.name == "management":
        _shield(desk)
    if desk.name != "production":
        return
    for step in (
        _private_lines,
        _accelerators,
        _dns,
        _resolvers,
        _vpc_services,
        _classic_firewalls,
        _web_rules,
        _storage,
    ):
        step(desk)
