"""AWS WAF: web ACLs and rule groups, regional and for CloudFront."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Relation,
    Str,
    Struct,
    Table,
)

Element = Mapping[str, Any]


def _first(choice: Element | None) -> str:
    """The name of the one member that a choice holds ("Block" of {"Block": {}})."""
    return next(iter(choice), "") if choice else ""


def rules(raw: list[Element]) -> list[dict[str, Any]]:
    """The rules of a web ACL or rule group: what each does, by what kind of statement."""
    found: list[dict[str, Any]] = []
    for rule in raw:
        statement: Element = rule.get("Statement") or {}
        managed: Element = statement.get("ManagedRuleGroupStatement") or {}
        rate: Element = statement.get("RateBasedStatement") or {}
        vendor = f"{managed.get('VendorName', '')}/{managed.get('Name', '')}" if managed else ""
        found.append(
            {
                "name": rule.get("Name", ""),
                "priority": rule.get("Priority", 0),
                "action": _first(rule.get("Action")),
                "override_action": _first(rule.get("OverrideAction")),
                "statement": _first(statement).removesuffix("Statement"),
                "managed_group": vendor,
                "rate_limit": rate.get("Limit", 0),
                "metrics": (rule.get("VisibilityConfig") or {}).get("CloudWatchMetricsEnabled", False),
            }
        )
    return found


_RULE = Struct(
    Field("name", Str, "name"),
    Field("priority", Int, "priority"),
    Field("action", Str, "action"),
    Field("override_action", Str, "override_action"),
    Field("statement", Str, "statement"),
    Field("managed_group", Str, "managed_group"),
    Field("rate_limit", Int, "rate_limit"),
    Field("metrics", Bool, "metrics"),
)
_RULE_DOC = (
    "action is Allow, Block, Count, Captcha, Challenge, or empty for groups, whose override_action Count "
    "switches them to counting; managed_group is vendor/name; rate_limit is requests per window."
)


def _calls(scope: str) -> dict[str, Call | Lookup]:
    return {
        "acl": Call(
            "wafv2:GetWebACL", {"Name": "name", "Id": "web_acl_id", "Scope": Const(scope)}, at="WebACL"
        ),
        "logging": Lookup(
            "wafv2:ListLoggingConfigurations",
            at="LoggingConfigurations",
            key="ResourceArn",
            by="arn",
            params={"Scope": Const(scope)},
        ),
        "tagging": Call("wafv2:ListTagsForResource", {"ResourceARN": "arn"}),
    }


_COLUMNS = (
    Column("web_acl_id", Str, "Id"),
    Column("description", Str, "Description", ""),
    Column("default_action", Enum("Allow", "Block"), "acl.DefaultAction", "", fn=_first),
    Column("rules", List(_RULE), "acl.Rules", fn=rules, doc="Its own rules: " + _RULE_DOC),
    Column(
        "firewall_manager_groups",
        List(Str),
        "acl",
        fn=lambda acl: [
            g.get("Name", "")
            for side in ("PreProcessFirewallManagerRuleGroups", "PostProcessFirewallManagerRuleGroups")
            for g in acl.get(side) or ()
        ],
        doc="Rule groups that AWS Firewall Manager puts before and after its own rules.",
    ),
    Column("managed_by_firewall_manager", Bool, "acl.ManagedByFirewallManager", False),
    Column("metrics", Bool, "acl.VisibilityConfig.CloudWatchMetricsEnabled", False),
    Column("sampled_requests", Bool, "acl.VisibilityConfig.SampledRequestsEnabled", False),
    Column("capacity", Int, "acl.Capacity", 0),
    Column(
        "log_destinations", List(Str), "logging.LogDestinationConfigs", doc="Empty: requests are not logged."
    ),
)

web_acl = Table(
    "wafv2_web_acl",
    service="wafv2",
    scope="regional",
    resource_type="AWS::WAFv2::WebACL",
    doc="A regional web ACL, for load balancers, APIs and their like.",
    rows=Call("wafv2:ListWebACLs", {"Scope": Const("REGIONAL")}, at="WebACLs"),
    arn="ARN",
    title="Name",
    tags="tagging.TagInfoForResource.TagList",
    calls={
        **_calls("REGIONAL"),
        "load_balancers": Call("wafv2:ListResourcesForWebACL", {"WebACLArn": "arn"}),
        "apis": Call(
            "wafv2:ListResourcesForWebACL", {"WebACLArn": "arn", "ResourceType": Const("API_GATEWAY")}
        ),
    },
    columns=(
        *_COLUMNS,
        Column("load_balancer_arns", List(Str), "load_balancers.ResourceArns", doc="What it protects."),
        Column("api_stage_arns", List(Str), "apis.ResourceArns", doc="What it protects."),
    ),
)

cloudfront_web_acl = Table(
    "wafv2_cloudfront_web_acl",
    service="wafv2",
    scope="global",
    resource_type="AWS::WAFv2::WebACL",
    doc="A web ACL for CloudFront, with the distributions that it protects.",
    rows=Call("wafv2:ListWebACLs", {"Scope": Const("CLOUDFRONT")}, at="WebACLs"),
    arn="ARN",
    title="Name",
    tags="tagging.TagInfoForResource.TagList",
    calls=_calls("CLOUDFRONT"),
    columns=_COLUMNS,
    relations=(
        Relation(
            "distributions",
            "cloudfront_distribution",
            ("distribution_id", "enabled"),
            {"arn": "web_acl_id"},
        ),
    ),
)

rule_group = Table(
    "wafv2_rule_group",
    service="wafv2",
    scope="regional",
    resource_type="AWS::WAFv2::RuleGroup",
    doc="A regional rule group.",
    rows=Call("wafv2:ListRuleGroups", {"Scope": Const("REGIONAL")}, at="RuleGroups"),
    arn="ARN",
    title="Name",
    tags="tagging.TagInfoForResource.TagList",
    calls={
        "group": Call(
            "wafv2:GetRuleGroup",
            {"Name": "name", "Id": "rule_group_id", "Scope": Const("REGIONAL")},
            at="RuleGroup",
        ),
        "tagging": Call("wafv2:ListTagsForResource", {"ResourceARN": "arn"}),
    },
    columns=(
        Column("rule_group_id", Str, "Id"),
        Column("description", Str, "Description", ""),
        Column("capacity", Int, "group.Capacity", 0),
        Column("rules", List(_RULE), "group.Rules", fn=rules, doc="Its rules: " + _RULE_DOC),
        Column("metrics", Bool, "group.VisibilityConfig.CloudWatchMetricsEnabled", False),
    ),
)

TABLES = (web_acl, cloudfront_web_acl, rule_group)
