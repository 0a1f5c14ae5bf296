"""AWS Network Firewall: firewalls, their policies and rule groups."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Str,
    Struct,
    Table,
)

_LOG = Struct(
    Field("log_type", Enum("ALERT", "FLOW", "TLS"), "LogType"),
    Field("destination_type", Str, "LogDestinationType", ""),
)

firewall = Table(
    "networkfirewall_firewall",
    service="networkfirewall",
    scope="regional",
    resource_type="AWS::NetworkFirewall::Firewall",
    doc="A firewall with its subnets, protections and logs.",
    rows=Call("network-firewall:ListFirewalls", at="Firewalls"),
    arn="FirewallArn",
    title="FirewallName",
    tags="firewall.Firewall.Tags",
    calls={
        "firewall": Call("network-firewall:DescribeFirewall", {"FirewallArn": "arn"}),
        "logging": Call(
            "network-firewall:DescribeLoggingConfiguration", {"FirewallArn": "arn"}, at="LoggingConfiguration"
        ),
    },
    columns=(
        Column(
            "status",
            Enum("PROVISIONING", "DELETING", "READY", "FAILED"),
            "firewall.FirewallStatus.Status",
            "",
        ),
        Column("sync_state", Str, "firewall.FirewallStatus.ConfigurationSyncStateSummary", ""),
        Column(
            "vpc_id", Str, "firewall.Firewall.VpcId", "", doc="Empty where it stands at a transit gateway."
        ),
        Column("transit_gateway_attachment_id", Str, "TransitGatewayAttachmentId", ""),
        Column("firewall_policy_arn", Str, "firewall.Firewall.FirewallPolicyArn", ""),
        Column("subnet_ids", List(Str), "firewall.Firewall.SubnetMappings[].SubnetId"),
        Column(
            "availability_zones",
            List(Str),
            "firewall.Firewall.AvailabilityZoneMappings[].AvailabilityZone",
            doc="Its zones where it stands at a transit gateway.",
        ),
        Column("delete_protection", Bool, "firewall.Firewall.DeleteProtection", False),
        Column("subnet_change_protection", Bool, "firewall.Firewall.SubnetChangeProtection", False),
        Column("policy_change_protection", Bool, "firewall.Firewall.FirewallPolicyChangeProtection", False),
        Column(
            "encryption_type",
            Enum("CUSTOMER_KMS", "AWS_OWNED_KMS_KEY"),
            "firewall.Firewall.EncryptionConfiguration.Type",
            "AWS_OWNED_KMS_KEY",
        ),
        Column("logs", List(_LOG), "logging.LogDestinationConfigs", doc="What it logs and where to."),
    ),
)

policy = Table(
    "networkfirewall_policy",
    service="networkfirewall",
    scope="regional",
    resource_type="AWS::NetworkFirewall::FirewallPolicy",
    doc="A firewall policy: rule groups and what happens to traffic that none matches.",
    rows=Call("network-firewall:ListFirewallPolicies", at="FirewallPolicies"),
    arn="Arn",
    title="Name",
    tags="policy.FirewallPolicyResponse.Tags",
    calls={"policy": Call("network-firewall:DescribeFirewallPolicy", {"FirewallPolicyArn": "arn"})},
    columns=(
        Column("status", Str, "policy.FirewallPolicyResponse.FirewallPolicyStatus", ""),
        Column("associations", Int, "policy.FirewallPolicyResponse.NumberOfAssociations", 0),
        Column(
            "stateless_rule_group_arns",
            List(Str),
            "policy.FirewallPolicy.StatelessRuleGroupReferences[].ResourceArn",
        ),
        Column(
            "stateful_rule_group_arns",
            List(Str),
            "policy.FirewallPolicy.StatefulRuleGroupReferences[].ResourceArn",
        ),
        Column(
            "stateless_default_actions",
            List(Str),
            "policy.FirewallPolicy.StatelessDefaultActions",
            doc="For whole packets: aws:pass, aws:drop, aws:forward_to_sfe, or a custom action beside one.",
        ),
        Column(
            "stateless_fragment_default_actions",
            List(Str),
            "policy.FirewallPolicy.StatelessFragmentDefaultActions",
            doc="For fragments, likewise.",
        ),
        Column("stateful_default_actions", List(Str), "policy.FirewallPolicy.StatefulDefaultActions"),
        Column(
            "stateful_rule_order",
            Enum("DEFAULT_ACTION_ORDER", "STRICT_ORDER"),
            "policy.FirewallPolicy.StatefulEngineOptions.RuleOrder",
            "DEFAULT_ACTION_ORDER",
        ),
        Column(
            "stream_exception_policy",
            Enum("DROP", "CONTINUE", "REJECT"),
            "policy.FirewallPolicy.StatefulEngineOptions.StreamExceptionPolicy",
            "DROP",
            doc="What happens to a connection whose beginning the firewall did not see.",
        ),
        Column("tls_inspection_arn", Str, "policy.FirewallPolicy.TLSInspectionConfigurationArn", ""),
    ),
)

rule_group = Table(
    "networkfirewall_rule_group",
    service="networkfirewall",
    scope="regional",
    resource_type="AWS::NetworkFirewall::RuleGroup",
    doc="A rule group of the account's own.",
    rows=Call("network-firewall:ListRuleGroups", at="RuleGroups"),
    arn="Arn",
    title="Name",
    tags="group.RuleGroupResponse.Tags",
    calls={"group": Call("network-firewall:DescribeRuleGroup", {"RuleGroupArn": "arn"})},
    columns=(
        Column(
            "type",
            Enum("STATELESS", "STATEFUL", "STATEFUL_DOMAIN", "FIREWALL", "IPS"),
            "group.RuleGroupResponse.Type",
        ),
        Column("capacity", Int, "group.RuleGroupResponse.Capacity", 0),
        Column("associations", Int, "group.RuleGroupResponse.NumberOfAssociations", 0),
        Column(
            "stateless_rules",
            Int,
            "group.RuleGroup.RulesSource.StatelessRulesAndCustomActions.StatelessRules",
            0,
            fn=len,
            doc="How many stateless rules it has.",
        ),
        Column("stateful_rules", Int, "group.RuleGroup.RulesSource.StatefulRules", 0, fn=len),
        Column(
            "domain_targets",
            List(Str),
            "group.RuleGroup.RulesSource.RulesSourceList.Targets",
            doc="The domains of a domain list.",
        ),
    ),
)

TABLES = (firewall, policy, rule_group)
