"""Elastic Load Balancing: Application, Network and Gateway Load Balancers, listeners and target groups."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Batch,
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Relation,
    Str,
    StrMap,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _tags(by: str) -> Batch:
    """Tags of twenty resources at a time."""
    return Batch(
        "elbv2:DescribeTags",
        param="ResourceArns",
        by=by,
        at="TagDescriptions",
        key="ResourceArn",
        size=20,
    )


def attribute(name: str) -> Callable[[list[Mapping[str, str]]], str | None]:
    """A function from AWS's list of attributes to the value of one, None where it is not among them."""

    def get(pairs: list[Mapping[str, str]]) -> str | None:
        return next((pair.get("Value") for pair in pairs if pair.get("Key") == name), None)

    return get


load_balancer = Table(
    "elbv2_load_balancer",
    service="elbv2",
    scope="regional",
    resource_type="AWS::ElasticLoadBalancingV2::LoadBalancer",
    doc="An Application, Network or Gateway Load Balancer with its attributes.",
    rows=Call("elbv2:DescribeLoadBalancers", at="LoadBalancers"),
    arn="LoadBalancerArn",
    title="LoadBalancerName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("elasticloadbalancing:loadbalancer"),
        "attributes": Call(
            "elbv2:DescribeLoadBalancerAttributes", {"LoadBalancerArn": "load_balancer_arn"}, at="Attributes"
        ),
        "web_acl": Call(
            "wafv2:GetWebACLForResource",
            {"ResourceArn": "load_balancer_arn"},
            at="WebACL",
            when=lambda row: row.get("type") == "application",
        ),
    },
    columns=(
        Column("load_balancer_arn", Str, "LoadBalancerArn"),
        Column("type", Enum("application", "network", "gateway"), "Type"),
        Column("scheme", Enum("internet-facing", "internal"), "Scheme", "internal"),
        Column("state", Str, "State.Code", ""),
        Column("dns_name", Str, "DNSName", ""),
        Column("canonical_hosted_zone_id", Str, "CanonicalHostedZoneId", ""),
        Column("vpc_id", Str, "VpcId", ""),
        Column("availability_zones", List(Str), "AvailabilityZones[].ZoneName"),
        Column("subnet_ids", List(Str), "AvailabilityZones[].SubnetId"),
        Column("group_ids", List(Str), "SecurityGroups", doc="Its security groups."),
        Column(
            "enforce_groups_on_private_link",
            Str,
            "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
            "on",
            doc="off: its groups' inbound rules do not hold for traffic that comes by AWS PrivateLink.",
        ),
        Column("ip_address_type", Str, "IpAddressType", "ipv4"),
        Column("created_at", Timestamp, "CreatedTime"),
        Column("attributes", StrMap, "attributes", doc="All its attributes by AWS's names."),
        Column("deletion_protection", Bool, "attributes", False, fn=attribute("deletion_protection.enabled")),
        Column(
            "access_logs",
            Bool,
            "attributes",
            False,
            fn=attribute("access_logs.s3.enabled"),
            doc="Access logs go to S3.",
        ),
        Column("access_logs_bucket", Str, "attributes", "", fn=attribute("access_logs.s3.bucket")),
        Column(
            "connection_logs",
            Bool,
            "attributes",
            False,
            fn=attribute("connection_logs.s3.enabled"),
            doc="Connection logs go to S3 (Application Load Balancers).",
        ),
        Column(
            "drop_invalid_header_fields",
            Bool,
            "attributes",
            False,
            fn=attribute("routing.http.drop_invalid_header_fields.enabled"),
        ),
        Column(
            "desync_mitigation_mode",
            Enum("monitor", "defensive", "strictest"),
            "attributes",
            "defensive",
            fn=attribute("routing.http.desync_mitigation_mode"),
            doc="What happens to requests that could be read in two ways; AWS's default is defensive.",
        ),
        Column(
            "cross_zone",
            Enum("true", "false", "off"),
            "attributes",
            "false",
            fn=attribute("load_balancing.cross_zone.enabled"),
            doc="Targets of every zone get traffic from every zone.",
        ),
        Column(
            "web_acl_arn",
            Str,
            "web_acl.ARN",
            "",
            doc="The AWS WAF web ACL in front of it; empty: none, or not an Application Load Balancer.",
        ),
    ),
    relations=(
        Relation("shield", "shield_subscription", ("subscription_state",), {"account_id": "account_id"}),
        Relation("shield_protections", "shield_protection", ("protection_id",), {"arn": "resource_arn"}),
        Relation(
            "listeners",
            "elbv2_listener",
            ("listener_arn", "port", "protocol", "ssl_policy"),
            {"load_balancer_arn": "load_balancer_arn", "region": "region"},
        ),
        Relation(
            "groups",
            "vpc_security_group",
            ("group_id", "ingress"),
            {"group_ids[]": "group_id", "region": "region"},
        ),
    ),
)


def _actions(raw: list[Mapping[str, Any]]) -> list[str]:
    return [str(a.get("Type", "")) for a in raw]


def _redirect(raw: list[Mapping[str, Any]]) -> str:
    """The protocol that a redirect leads to, in upper case; AWS's default keeps the request's own."""
    found = next((a for a in raw if a.get("Type") == "redirect"), None)
    return (
        ""
        if found is None
        else str((found.get("RedirectConfig") or {}).get("Protocol", "#{PROTOCOL}")).upper()
    )


def forwards(raw: list[Mapping[str, Any]]) -> list[str]:
    """The target groups that actions forward to with a weight above zero, by ARN."""
    found: list[str] = []
    for action in raw:
        if action.get("Type") != "forward":
            continue
        groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or ()
        found += [g.get("TargetGroupArn", "") for g in groups if g.get("Weight", 1) != 0]
        if not groups:
            found.append(action.get("TargetGroupArn", ""))
    return [arn for arn in dict.fromkeys(found) if arn]


_SIGN_IN: Final = {
    "authenticate-oidc": "AuthenticateOidcConfig",
    "authenticate-cognito": "AuthenticateCognitoConfig",
}


def _authentication(raw: list[Mapping[str, Any]]) -> str:
    """How a rule's actions prove who calls before they forward: the action's type, or "" where none does."""
    for action in raw:
        kind = str(action.get("Type", ""))
        if kind == "jwt-validation":
            return kind
        config = action.get(_SIGN_IN.get(kind, "")) or {}
        if kind in _SIGN_IN and config.get("OnUnauthenticatedRequest", "authenticate") != "allow":
            return kind
    return ""


def _source_ips(raw: list[Mapping[str, Any]]) -> list[str]:
    return [
        block
        for condition in raw
        if condition.get("Field") == "source-ip"
        for block in (condition.get("SourceIpConfig") or {}).get("Values") or ()
    ]


def _conditions(raw: list[Mapping[str, Any]]) -> list[str]:
    return [str(c.get("Field", "")) for c in raw]


listener = Table(
    "elbv2_listener",
    service="elbv2",
    scope="regional",
    resource_type="AWS::ElasticLoadBalancingV2::Listener",
    doc="A listener with its rules and what its TLS policy allows.",
    parent="elbv2_load_balancer",
    rows=Call("elbv2:DescribeListeners", {"LoadBalancerArn": "@parent.load_balancer_arn"}, at="Listeners"),
    arn="ListenerArn",
    title="{parent.name}:{port}",
    tags="tagging.Tags",
    calls={
        "tagging": _tags("listener_arn"),
        "rules": Call("elbv2:DescribeRules", {"ListenerArn": "listener_arn"}),
        "attributes": Call(
            "elbv2:DescribeListenerAttributes", {"ListenerArn": "listener_arn"}, at="Attributes"
        ),
        "tls": Lookup("elbv2:DescribeSSLPolicies", at="SslPolicies", key="Name", by="ssl_policy"),
    },
    columns=(
        Column("listener_arn", Str, "ListenerArn"),
        Column("load_balancer_arn", Str, "@parent.load_balancer_arn"),
        Column("load_balancer_type", Str, "@parent.type"),
        Column("load_balancer_scheme", Str, "@parent.scheme"),
        Column("port", Int, "Port", 0),
        Column("protocol", Str, "Protocol", "", doc="HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP, GENEVE, QUIC."),
        Column(
            "certificate_arns", List(Str), "Certificates[].CertificateArn", doc="The default certificate."
        ),
        Column("ssl_policy", Str, "SslPolicy", "", doc="Name of the TLS policy; empty: no TLS."),
        Column(
            "tls_protocols",
            List(Str),
            "tls.SslProtocols",
            doc="The TLS versions that its policy offers, such as TLSv1.2.",
        ),
        Column("tls_ciphers", List(Str), "tls.Ciphers[].Name", doc="The ciphers that its policy offers."),
        Column("mutual_authentication_mode", Str, "MutualAuthentication.Mode", "off"),
        Column(
            "ignore_client_certificate_expiry",
            Bool,
            "MutualAuthentication.IgnoreClientCertificateExpiry",
            False,
        ),
        Column("default_action_types", List(Str), "DefaultActions[].Type"),
        Column(
            "default_target_group_arns",
            List(Str),
            "DefaultActions",
            fn=forwards,
            doc="Where it sends what no other rule takes.",
        ),
        Column(
            "rules",
            List(
                Struct(
                    Field("priority", Str, "Priority", ""),
                    Field("is_default", Bool, "IsDefault", False),
                    Field("action_types", List(Str), "Actions", [], fn=_actions),
                    Field("redirect_protocol", Str, "Actions", "", fn=_redirect),
                    Field("target_group_arns", List(Str), "Actions", [], fn=forwards),
                    Field("authentication", Str, "Actions", "", fn=_authentication),
                    Field("conditions", List(Str), "Conditions", [], fn=_conditions),
                    Field("source_ips", List(Str), "Conditions", [], fn=_source_ips),
                )
            ),
            "rules.Rules",
            doc="Its rules with what they do; redirect_protocol #{PROTOCOL} keeps the request's own.",
        ),
        Column("attributes", StrMap, "attributes", doc="All its attributes by AWS's names."),
        Column(
            "strict_transport_security",
            Str,
            "attributes",
            "",
            fn=attribute("routing.http.response.strict_transport_security.header_value"),
            doc="The Strict-Transport-Security header that the load balancer itself adds.",
        ),
    ),
    relations=(
        Relation(
            "certificates",
            "acm_certificate",
            ("certificate_type", "not_after", "status"),
            {"certificate_arns[]": "arn", "region": "region"},
        ),
    ),
)


target_group = Table(
    "elbv2_target_group",
    service="elbv2",
    scope="regional",
    resource_type="AWS::ElasticLoadBalancingV2::TargetGroup",
    doc="A target group: where a load balancer sends its traffic.",
    rows=Call("elbv2:DescribeTargetGroups", at="TargetGroups"),
    arn="TargetGroupArn",
    title="TargetGroupName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("elasticloadbalancing:targetgroup"),
        "health": Call("elbv2:DescribeTargetHealth", {"TargetGroupArn": "target_group_arn"}),
        "attributes": Call(
            "elbv2:DescribeTargetGroupAttributes", {"TargetGroupArn": "target_group_arn"}, at="Attributes"
        ),
    },
    columns=(
        Column("target_group_arn", Str, "TargetGroupArn"),
        Column("target_type", Enum("instance", "ip", "lambda", "alb"), "TargetType", "instance"),
        Column("protocol", Str, "Protocol", "", doc="Empty for Lambda functions."),
        Column("protocol_version", Str, "ProtocolVersion", ""),
        Column("port", Int, "Port", 0),
        Column("vpc_id", Str, "VpcId", ""),
        Column("load_balancer_arns", List(Str), "LoadBalancerArns"),
        Column("health_check_enabled", Bool, "HealthCheckEnabled", True),
        Column("health_check_protocol", Str, "HealthCheckProtocol", ""),
        Column("health_check_path", Str, "HealthCheckPath", ""),
        Column("health_check_port", Str, "HealthCheckPort", "", doc="A port, or traffic-port."),
        Column("ip_address_type", Str, "IpAddressType", "ipv4"),
        Column(
            "targets",
            List(
                Struct(
                    Field("id", Str, "Target.Id", ""),
                    Field("port", Int, "Target.Port", 0),
                    Field("availability_zone", Str, "Target.AvailabilityZone", ""),
                    Field("state", Str, "TargetHealth.State", ""),
                    Field("reason", Str, "TargetHealth.Reason", ""),
                )
            ),
            "health.TargetHealthDescriptions",
            doc="Registered targets: an instance id, an address, a function's or load balancer's ARN.",
        ),
        Column(
            "preserve_client_ip",
            Enum("true", "false", "default"),
            "attributes",
            "default",
            fn=attribute("preserve_client_ip.enabled"),
            doc="Targets see the clients' addresses; only Network Load Balancers let it be chosen.",
        ),
    ),
)

TABLES = (load_balancer, listener, target_group)
