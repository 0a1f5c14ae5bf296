"""What can reach what: exposure of each interface and service, reach of each class, rules that do nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from partywall.analysis.network.scan_tables import INPUTS
from partywall.tables.spec import Analysis, Bool, Column, Enum, Field, Int, List, Str, Struct, Table

_INSTANCES: Final[Mapping[str, tuple[str, ...]]] = {
    "ec2_instance": ("instance_id", "http_tokens", "http_endpoint", "instance_profile_arn", "state"),
    "iam_instance_profile": ("role_arns",),
    "iam_role": ("attached_policy_arns", "inline_policy"),
    "iam_policy": ("document",),
}
STANDING: Final = (
    "elbv2_load_balancer",
    "elb_load_balancer",
    "vpc_subnet",
    "redshift_subnet_group",
    "elasticache_subnet_group",
    "rds_instance",
    "redshift_cluster",
    "redshift_serverless_workgroup",
    "opensearch_domain",
    "elasticache_cluster",
    "eks_cluster",
    "ecs_service",
)
_PORT: Final = (
    Field("protocol", Str, "protocol"),
    Field("from_port", Int, "from_port"),
    Field("to_port", Int, "to_port"),
)
_PORTS_DOC: Final = (
    "protocol tcp, udp, icmp, icmpv6, -1 (all) or a number; ports -1 to -1 where all are meant. "
    "A NULL element: more may be open, which is not known."
)

exposure = Table(
    "network_exposure",
    service="vpc",
    scope="regional",
    doc="What is open end to end: each network interface, listener and service against the internet, other "
    "accounts and other networks, groups, lists, routes, gateways and firewalls taken together.",
    rows=Analysis(
        build="partywall.analysis.network.tables:exposure",
        inputs={**INPUTS, **_INSTANCES},
        rows_from=(
            "vpc_network_interface",
            "elbv2_load_balancer",
            "elbv2_listener",
            "elb_load_balancer",
            "rds_instance",
            "redshift_cluster",
            "redshift_serverless_workgroup",
            "opensearch_domain",
            "elasticache_cluster",
            "eks_cluster",
            "ecs_service",
            "lambda_function",
            "cloudfront_distribution",
            "apigateway_rest_api",
            "apigatewayv2_api",
        ),
    ),
    arn="",
    columns=(
        Column(
            "kind",
            Enum(
                "network-interface",
                "load-balancer-listener",
                "rds-instance",
                "redshift-cluster",
                "redshift-workgroup",
                "opensearch-domain",
                "elasticache-cluster",
                "eks-cluster",
                "ecs-service",
                "function-url",
                "rest-api",
                "http-api",
                "cloudfront-distribution",
            ),
            "",
        ),
        Column("resource_arn", Str, "", doc="What holds it: an interface's instance, a listener's balancer."),
        Column("vpc_id", Str, "", doc="Empty: in no VPC of the account's."),
        Column("subnet_ids", List(Str), ""),
        Column("group_ids", List(Str), "", doc="Its security groups."),
        Column("interface_ids", List(Str), ""),
        Column("instance_id", Str, "", doc="Empty where no instance holds it."),
        Column(
            "environment",
            Str,
            "",
            doc="By the tags env, environment or stage: production, sandbox or as written.",
        ),
        Column("internet_reachable", Bool, "", doc="Some address of the internet reaches it by itself."),
        Column("internet_ports", List(Struct(*_PORT)), "", doc="Open from the internet: " + _PORTS_DOC),
        Column("internet_path", List(Str), "", doc="The widest way in, hop by hop, with the rule of each."),
        Column(
            "internet_via",
            List(
                Struct(
                    Field("entry_arn", Str, "entry_arn"),
                    Field("kind", Str, "kind"),
                    Field("protocol", Str, "protocol"),
                    Field("port", Int, "port"),
                    Field("target_port", Int, "target_port"),
                    Field("waf", Bool, "waf"),
                    Field("authentication", Str, "authentication"),
                )
            ),
            "",
            doc="Front doors that lead the internet to it: listeners, APIs, distributions.",
        ),
        Column("internet_reachable_at_all", Bool, "", doc="By itself or by a front door."),
        Column("egress_ports", List(Struct(*_PORT)), "", doc="Open to the internet at large: " + _PORTS_DOC),
        Column(
            "on_premises_reachable", Bool, "", doc="From another network, by VPN, Direct Connect, Outpost."
        ),
        Column("on_premises_ports", List(Struct(*_PORT)), "", doc=_PORTS_DOC),
        Column(
            "other_account_reachable",
            Bool,
            "",
            doc="From a VPC of another account, by peering or transit gateway; one that was not scanned is "
            "taken to hold nothing back itself.",
        ),
        Column("other_account_ports", List(Struct(Field("account_id", Str, "account_id"), *_PORT)), ""),
        Column("listener_protocol", Str, "", doc="Of a listener or an endpoint; empty elsewhere."),
        Column("tls_policy", Str, "", doc="Of a listener; empty: no TLS."),
        Column(
            "plaintext", Bool, "", doc="It takes requests that nothing encrypts (more than to redirect them)."
        ),
        Column("waf", Bool, "", doc="An AWS WAF web ACL stands in front."),
        Column(
            "authentication",
            Str,
            "",
            doc="What proves who calls before anything answers (AWS_IAM, load balancer, mutual TLS …); "
            "empty: nothing does.",
        ),
        Column("engine", Str, "", doc="Of a database or cache."),
        Column("port", Int, "", doc="Where a listener or service listens; 0: on any."),
        Column(
            "admin_role", Bool, "", doc="Its instance's role has administrator rights by its own policies."
        ),
        Column(
            "metadata_tokens", Str, "", doc="Its instance's IMDS: required (version 2) or optional; or empty."
        ),
    ),
)

reachability = Table(
    "network_reachability",
    service="vpc",
    scope="regional",
    doc="What the interfaces of each subnet and set of groups reach of others, and of the internet.",
    rows=Analysis(
        build="partywall.analysis.network.tables:reachability",
        inputs=INPUTS,
        rows_from=("vpc_network_interface", *STANDING),
    ),
    arn="",
    columns=(
        Column("vpc_id", Str, ""),
        Column("subnet_id", Str, ""),
        Column("group_ids", List(Str), "", doc="Its security groups."),
        Column("interface_ids", List(Str), "", doc="Its members."),
        Column("environment", Str, "", doc="As of its first member's tags."),
        Column("holds_data", Bool, "", doc="A database, cache or search domain is among its members."),
        Column(
            "reaches",
            List(
                Struct(
                    Field("class_arn", Str, "class_arn"),
                    Field("account_id", Str, "account_id"),
                    Field("vpc_id", Str, "vpc_id"),
                    Field("subnet_id", Str, "subnet_id"),
                    Field("environment", Str, "environment"),
                    Field("services", Str, "services"),
                )
            ),
            "",
            doc="Other classes that it reaches, with what of them; a NULL element: perhaps more.",
        ),
        Column("egress_ports", List(Struct(*_PORT)), "", doc="Open to the internet at large: " + _PORTS_DOC),
    ),
)

unused_rule = Table(
    "network_unused_rule",
    service="vpc",
    scope="regional",
    doc="Each security group, group rule and network ACL entry, and why where it does nothing.",
    rows=Analysis(
        build="partywall.analysis.network.unused:unused_rules",
        inputs=INPUTS,
        rows_from=("vpc_security_group", "vpc_network_acl"),
    ),
    arn="",
    columns=(
        Column("kind", Enum("security-group", "security-group-rule", "network-acl-entry"), ""),
        Column("holder_id", Str, "", doc="The security group or network ACL."),
        Column("vpc_id", Str, ""),
        Column("rule", Str, "", doc="The rule in words; empty of a group."),
        Column("is_default", Bool, "", doc="Of a VPC's default group or network ACL."),
        Column("is_used", Bool, "", doc="FALSE: it does nothing, for the reason given."),
        Column("reason", Str, "", doc="Why it does nothing; empty where it is used; NULL where not known."),
        Column(
            "from_internet",
            Bool,
            "",
            doc="It names public addresses, and lets the internet reach an interface by them, end to end.",
        ),
        Column("admin_reached", Bool, "", doc="Such an interface's instance has administrator rights."),
        Column("attached_interface_ids", List(Str), "", doc="The interfaces that hold the group."),
    ),
)

TABLES = (exposure, reachability, unused_rule)
