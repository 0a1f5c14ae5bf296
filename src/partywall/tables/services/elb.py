"""Elastic Load Balancing: Classic Load Balancers with their attributes and TLS policies."""

from collections.abc import Callable, Mapping
from typing import Any

from partywall.tables.spec import (
    Batch,
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

Attributes = list[Mapping[str, str]]


def _extra(name: str) -> Callable[[Attributes], str | None]:
    def get(pairs: Attributes) -> str | None:
        return next((pair.get("Value") for pair in pairs if pair.get("Key") == name), None)

    return get


def _on(prefix: str) -> Callable[[Attributes], list[str]]:
    """The attributes of a policy that are switched on and whose names begin with `prefix`, without it."""

    def get(pairs: Attributes) -> list[str]:
        return [
            p["AttributeName"].removeprefix(prefix)
            for p in pairs
            if p.get("AttributeName", "").startswith(prefix) and p.get("AttributeValue") == "true"
        ]

    return get


def _reference(pairs: Attributes) -> str | None:
    name = "Reference-Security-Policy"
    return next((p.get("AttributeValue") for p in pairs if p.get("AttributeName") == name), None)


def _listeners(raw: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**(d.get("Listener") or {}), "PolicyNames": d.get("PolicyNames") or []} for d in raw]


load_balancer = Table(
    "elb_load_balancer",
    service="elb",
    scope="regional",
    resource_type="AWS::ElasticLoadBalancing::LoadBalancer",
    doc="A Classic Load Balancer.",
    rows=Call("elb:DescribeLoadBalancers", at="LoadBalancerDescriptions"),
    arn="arn:{partition}:elasticloadbalancing:{region}:{account_id}:loadbalancer/{name}",
    title="LoadBalancerName",
    tags="tagging.Tags",
    calls={
        "tagging": Batch(
            "elb:DescribeTags",
            param="LoadBalancerNames",
            by="name",
            at="TagDescriptions",
            key="LoadBalancerName",
            size=20,
        ),
        "attributes": Call(
            "elb:DescribeLoadBalancerAttributes", {"LoadBalancerName": "name"}, at="LoadBalancerAttributes"
        ),
        "policies": Call("elb:DescribeLoadBalancerPolicies", {"LoadBalancerName": "name"}),
    },
    columns=(
        Column("scheme", Enum("internet-facing", "internal"), "Scheme", "internet-facing"),
        Column("dns_name", Str, "DNSName", ""),
        Column("vpc_id", Str, "VPCId", ""),
        Column("availability_zones", List(Str), "AvailabilityZones"),
        Column("subnet_ids", List(Str), "Subnets"),
        Column("group_ids", List(Str), "SecurityGroups", doc="Its security groups."),
        Column("instance_ids", List(Str), "Instances[].InstanceId"),
        Column("created_at", Timestamp, "CreatedTime"),
        Column(
            "listeners",
            List(
                Struct(
                    Field("protocol", Str, "Protocol", ""),
                    Field("port", Int, "LoadBalancerPort", 0),
                    Field("instance_protocol", Str, "InstanceProtocol", ""),
                    Field("instance_port", Int, "InstancePort", 0),
                    Field("certificate_arn", Str, "SSLCertificateId", ""),
                    Field("policy_names", List(Str), "PolicyNames", []),
                )
            ),
            "ListenerDescriptions",
            fn=_listeners,
            doc="Its listeners; policy_names are its own policies, TLS and stickiness.",
        ),
        Column("access_logs", Bool, "attributes.AccessLog.Enabled", False, doc="Access logs go to S3."),
        Column("access_logs_bucket", Str, "attributes.AccessLog.S3BucketName", ""),
        Column("connection_draining", Bool, "attributes.ConnectionDraining.Enabled", False),
        Column("cross_zone", Bool, "attributes.CrossZoneLoadBalancing.Enabled", False),
        Column(
            "desync_mitigation_mode",
            Enum("monitor", "defensive", "strictest"),
            "attributes.AdditionalAttributes",
            "defensive",
            fn=_extra("elb.http.desyncmitigationmode"),
            doc="What happens to requests that could be read in two ways; AWS's default is defensive.",
        ),
        Column(
            "policies",
            List(
                Struct(
                    Field("policy_name", Str, "PolicyName", ""),
                    Field("policy_type", Str, "PolicyTypeName", ""),
                    Field(
                        "reference",
                        Str,
                        "PolicyAttributeDescriptions",
                        "",
                        fn=_reference,
                    ),
                    Field("protocols", List(Str), "PolicyAttributeDescriptions", [], fn=_on("Protocol-")),
                )
            ),
            "policies.PolicyDescriptions",
            doc="Its own policies; reference is the predefined TLS policy, protocols the versions offered.",
        ),
    ),
    relations=(
        Relation("shield", "shield_subscription", ("subscription_state",), {"account_id": "account_id"}),
        Relation("shield_protections", "shield_protection", ("protection_id",), {"arn": "resource_arn"}),
        Relation(
            "groups",
            "vpc_security_group",
            ("group_id", "ingress", "egress"),
            {"group_ids[]": "group_id", "region": "region"},
        ),
    ),
)

TABLES = (load_balancer,)
