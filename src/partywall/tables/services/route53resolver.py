"""Amazon Route 53 Resolver: query logging of VPCs, DNS Firewall and resolver endpoints."""

from partywall.tables.spec import Bool, Call, Column, Enum, Field, Int, List, Relation, Str, Struct, Table

query_log_config = Table(
    "route53_resolver_query_log_config",
    service="route53",
    scope="regional",
    resource_type="AWS::Route53Resolver::ResolverQueryLoggingConfig",
    doc="Where the DNS queries of VPCs are logged.",
    rows=Call("route53resolver:ListResolverQueryLogConfigs", at="ResolverQueryLogConfigs"),
    arn="Arn",
    title="Name",
    columns=(
        Column("query_log_config_id", Str, "Id"),
        Column("owner_id", Str, "OwnerId"),
        Column("status", Enum("CREATING", "CREATED", "DELETING", "FAILED"), "Status"),
        Column("share_status", Str, "ShareStatus", "NOT_SHARED"),
        Column("association_count", Int, "AssociationCount", 0),
        Column("destination_arn", Str, "DestinationArn", ""),
    ),
)

query_log_association = Table(
    "route53_resolver_query_log_association",
    service="route53",
    scope="regional",
    resource_type="AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
    doc="A VPC whose DNS queries are logged.",
    rows=Call(
        "route53resolver:ListResolverQueryLogConfigAssociations", at="ResolverQueryLogConfigAssociations"
    ),
    arn="arn:{partition}:route53resolver:{region}:{account_id}:resolver-query-log-config-association/{association_id}",
    title="Id",
    columns=(
        Column("association_id", Str, "Id"),
        Column("query_log_config_id", Str, "ResolverQueryLogConfigId", ""),
        Column("vpc_id", Str, "ResourceId", ""),
        Column("status", Enum("CREATING", "ACTIVE", "ACTION_NEEDED", "DELETING", "FAILED"), "Status"),
        Column("error", Str, "Error", "NONE", doc="Why queries are not logged, if they are not."),
    ),
)

firewall_association = Table(
    "route53_dns_firewall_association",
    service="route53",
    scope="regional",
    resource_type="AWS::Route53Resolver::FirewallRuleGroupAssociation",
    doc="A VPC that a DNS Firewall rule group protects.",
    rows=Call("route53resolver:ListFirewallRuleGroupAssociations", at="FirewallRuleGroupAssociations"),
    arn="Arn",
    title="Name",
    columns=(
        Column("rule_group_id", Str, "FirewallRuleGroupId", ""),
        Column("vpc_id", Str, "VpcId", ""),
        Column("priority", Int, "Priority", 0),
        Column("mutation_protection", Enum("ENABLED", "DISABLED"), "MutationProtection", "DISABLED"),
        Column("managed_owner_name", Str, "ManagedOwnerName", "", doc="Firewall Manager, where it made it."),
        Column("status", Enum("COMPLETE", "DELETING", "UPDATING"), "Status"),
    ),
)

firewall_rule_group = Table(
    "route53_dns_firewall_rule_group",
    service="route53",
    scope="regional",
    resource_type="AWS::Route53Resolver::FirewallRuleGroup",
    doc="A DNS Firewall rule group with its rules.",
    rows=Call("route53resolver:ListFirewallRuleGroups", at="FirewallRuleGroups"),
    arn="Arn",
    title="Name",
    calls={"rules": Call("route53resolver:ListFirewallRules", {"FirewallRuleGroupId": "rule_group_id"})},
    columns=(
        Column("rule_group_id", Str, "Id"),
        Column("owner_id", Str, "OwnerId"),
        Column("share_status", Str, "ShareStatus", "NOT_SHARED"),
        Column(
            "rules",
            List(
                Struct(
                    Field("name", Str, "Name", ""),
                    Field("action", Enum("ALLOW", "BLOCK", "ALERT"), "Action"),
                    Field("domain_list_id", Str, "FirewallDomainListId", ""),
                    Field("dns_threat_protection", Str, "DnsThreatProtection", ""),
                )
            ),
            "rules.FirewallRules",
        ),
    ),
)

firewall_config = Table(
    "route53_dns_firewall_config",
    service="route53",
    scope="regional",
    resource_type="AWS::Route53Resolver::FirewallConfig",
    doc="What a VPC does with queries when DNS Firewall does not answer.",
    rows=Call("route53resolver:ListFirewallConfigs", at="FirewallConfigs"),
    arn="arn:{partition}:route53resolver:{region}:{account_id}:firewall-config/{config_id}",
    title="ResourceId",
    columns=(
        Column("config_id", Str, "Id"),
        Column("vpc_id", Str, "ResourceId", ""),
        Column(
            "fail_open",
            Bool,
            "FirewallFailOpen",
            False,
            fn=lambda v: v == "ENABLED",
            doc="Queries pass unfiltered while DNS Firewall does not answer.",
        ),
    ),
    relations=(
        Relation(
            "firewalls",
            "route53_dns_firewall_association",
            ("name", "status"),
            {"vpc_id": "vpc_id", "region": "region"},
        ),
    ),
)

endpoint = Table(
    "route53_resolver_endpoint",
    service="route53",
    scope="regional",
    resource_type="AWS::Route53Resolver::ResolverEndpoint",
    doc="A resolver endpoint: DNS between a VPC and other networks.",
    rows=Call("route53resolver:ListResolverEndpoints", at="ResolverEndpoints"),
    arn="Arn",
    title="Name",
    columns=(
        Column("endpoint_id", Str, "Id"),
        Column("direction", Enum("INBOUND", "OUTBOUND", "INBOUND_DELEGATION"), "Direction"),
        Column("vpc_id", Str, "HostVPCId", ""),
        Column("group_ids", List(Str), "SecurityGroupIds", doc="Its security groups."),
        Column("ip_address_count", Int, "IpAddressCount", 0),
        Column("status", Str, "Status", ""),
        Column("protocols", List(Str), "Protocols", doc="Do53, DoH or DoH-FIPS."),
    ),
)

TABLES = (
    query_log_config,
    query_log_association,
    firewall_association,
    firewall_rule_group,
    firewall_config,
    endpoint,
)
