"""AWS Network Firewall: firewalls, their policies and rule groups."""

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Str,
    StrMap,
    Struct,
    Table,
)

Element = Mapping[str, Any]
_LOG = Struct(
    Field("log_type", Enum("ALERT", "FLOW", "TLS"), "LogType"),
    Field("destination_type", Str, "LogDestinationType", ""),
)


def _endpoints(states: Element) -> list[dict[str, Any]]:
    return [{"zone": zone, **(state.get("Attachment") or {})} for zone, state in sorted(states.items())]


def _addresses(raw: list[Element]) -> list[str]:
    return [str(a.get("AddressDefinition", "")) for a in raw]


def _spans(raw: list[Element]) -> list[str]:
    return [f"{p.get('FromPort', 0)}-{p.get('ToPort', p.get('FromPort', 0))}" for p in raw]


def _definitions(variables: Element) -> dict[str, str]:
    return {name: ",".join(v.get("Definition") or ()) for name, v in variables.items()}


_STATELESS: Final = Struct(
    Field("priority", Int, "Priority", 0),
    Field("actions", List(Str), "RuleDefinition.Actions", []),
    Field("sources", List(Str), "RuleDefinition.MatchAttributes.Sources", [], fn=_addresses),
    Field("destinations", List(Str), "RuleDefinition.MatchAttributes.Destinations", [], fn=_addresses),
    Field("source_ports", List(Str), "RuleDefinition.MatchAttributes.SourcePorts", [], fn=_spans),
    Field("destination_ports", List(Str), "RuleDefinition.MatchAttributes.DestinationPorts", [], fn=_spans),
    Field("protocols", List(Int), "RuleDefinition.MatchAttributes.Protocols", []),
    Field(
        "tcp_flags",
        Bool,
        "RuleDefinition.MatchAttributes.TCPFlags",
        False,
        fn=bool,
    ),
)
_STATEFUL: Final = Struct(
    Field("action", Str, "Action", ""),
    Field("protocol", Str, "Header.Protocol", ""),
    Field("source", Str, "Header.Source", ""),
    Field("source_port", Str, "Header.SourcePort", ""),
    Field("direction", Str, "Header.Direction", ""),
    Field("destination", Str, "Header.Destination", ""),
    Field("destination_port", Str, "Header.DestinationPort", ""),
    Field("keywords", List(Str), "RuleOptions", [], fn=lambda v: [str(o.get("Keyword", "")) for o in v]),
)
_REFERENCE: Final = Struct(
    Field("arn", Str, "ResourceArn", ""),
    Field("priority", Int, "Priority", 0),
    Field("override", Str, "Override.Action", ""),
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
            "endpoints",
            List(
                Struct(
                    Field("availability_zone", Str, "zone", ""),
                    Field("endpoint_id", Str, "EndpointId", ""),
                    Field("subnet_id", Str, "SubnetId", ""),
                    Field("status", Str, "Status", ""),
                )
            ),
            "firewall.FirewallStatus.SyncStates",
            fn=_endpoints,
            doc="Its VPC endpoints, to which route tables send traffic; one per zone.",
        ),
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
        Column(
            "stateless_rule_groups",
            List(Struct(Field("arn", Str, "ResourceArn", ""), Field("priority", Int, "Priority", 0))),
            "policy.FirewallPolicy.StatelessRuleGroupReferences",
        ),
        Column(
            "stateful_rule_groups",
            List(_REFERENCE),
            "policy.FirewallPolicy.StatefulRuleGroupReferences",
            doc="override DROP_TO_ALERT: what the group would drop is only alerted of.",
        ),
        Column(
            "variables",
            StrMap,
            "policy.FirewallPolicy.PolicyVariables.RuleVariables",
            fn=_definitions,
            doc="Blocks by variable, joined by commas; HOME_NET is the VPC's own blocks where it is not set.",
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
            "stateless_rule_list",
            List(_STATELESS),
            "group.RuleGroup.RulesSource.StatelessRulesAndCustomActions.StatelessRules",
            doc="Its stateless rules; an empty list of addresses, ports or protocols stands for all.",
        ),
        Column(
            "stateful_rule_list",
            List(_STATEFUL),
            "group.RuleGroup.RulesSource.StatefulRules",
            doc="Its standard stateful rules (5-tuple); keywords are Suricata's, such as sid.",
        ),
        Column(
            "has_rules_string",
            Bool,
            "group.RuleGroup.RulesSource.RulesString",
            False,
            fn=bool,
            doc="Its rules are written in Suricata's language.",
        ),
        Column(
            "generated_rules_type", Str, "group.RuleGroup.RulesSource.RulesSourceList.GeneratedRulesType", ""
        ),
        Column("ip_sets", StrMap, "group.RuleGroup.RuleVariables.IPSets", fn=_definitions),
        Column("port_sets", StrMap, "group.RuleGroup.RuleVariables.PortSets", fn=_definitions),
        Column(
            "ip_set_references",
            List(Str),
            "group.RuleGroup.ReferenceSets.IPSetReferences",
            fn=lambda v: [str(r.get("ReferenceArn", "")) for r in v.values()],
            doc="ARNs of prefix lists and resource groups that its rules refer to.",
        ),
        Column("rule_order", Str, "group.RuleGroup.StatefulRuleOptions.RuleOrder", "DEFAULT_ACTION_ORDER"),
        Column(
            "domain_targets",
            List(Str),
            "group.RuleGroup.RulesSource.RulesSourceList.Targets",
            doc="The domains of a domain list.",
        ),
    ),
)

TABLES = (firewall, policy, rule_group)
