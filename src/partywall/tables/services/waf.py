"""AWS WAF Classic: web ACLs, rules and rule groups, global and regional."""

from partywall.tables.spec import Call, Column, Enum, Field, Int, List, Lookup, Str, Struct, Table
from partywall.tables.spec import Scope as TableScope

_RULE = Struct(
    Field("rule_id", Str, "RuleId", ""),
    Field("type", Enum("REGULAR", "RATE_BASED", "GROUP"), "Type", "REGULAR"),
    Field("action", Str, "Action.Type", ""),
    Field("override_action", Str, "OverrideAction.Type", ""),
    Field("priority", Int, "Priority", 0),
)


def _tables(
    prefix: str, api: str, scope: TableScope, namespace: str, kind: str
) -> tuple[Table, Table, Table]:
    """The three tables of one of the two APIs, which differ in nothing but their names."""
    arn = f"arn:{{partition}}:{namespace}:{{account_id}}:"
    web_acl = Table(
        f"{prefix}_web_acl",
        service="waf",
        scope=scope,
        resource_type=f"AWS::{kind}::WebACL",
        doc=f"A {scope} web ACL of AWS WAF Classic.",
        rows=Call(f"{api}:ListWebACLs", at="WebACLs"),
        arn=arn + "webacl/{web_acl_id}",
        title="Name",
        calls={
            "acl": Call(f"{api}:GetWebACL", {"WebACLId": "web_acl_id"}, at="WebACL"),
            "logging": Lookup(
                f"{api}:ListLoggingConfigurations", at="LoggingConfigurations", key="ResourceArn", by="arn"
            ),
        },
        columns=(
            Column("web_acl_id", Str, "WebACLId"),
            Column("default_action", Enum("BLOCK", "ALLOW", "COUNT"), "acl.DefaultAction.Type"),
            Column("rules", List(_RULE), "acl.Rules"),
            Column(
                "log_destinations",
                List(Str),
                "logging.LogDestinationConfigs",
                doc="Empty: requests are not logged.",
            ),
        ),
    )
    rule = Table(
        f"{prefix}_rule",
        service="waf",
        scope=scope,
        resource_type=f"AWS::{kind}::Rule",
        doc=f"A {scope} rule of AWS WAF Classic.",
        rows=Call(f"{api}:ListRules", at="Rules"),
        arn=arn + "rule/{rule_id}",
        title="Name",
        calls={"rule": Call(f"{api}:GetRule", {"RuleId": "rule_id"}, at="Rule")},
        columns=(
            Column("rule_id", Str, "RuleId"),
            Column("predicate_types", List(Str), "rule.Predicates[].Type", doc="Kinds of its conditions."),
        ),
    )
    rule_group = Table(
        f"{prefix}_rule_group",
        service="waf",
        scope=scope,
        resource_type=f"AWS::{kind}::RuleGroup",
        doc=f"A {scope} rule group of AWS WAF Classic.",
        rows=Call(f"{api}:ListRuleGroups", at="RuleGroups"),
        arn=arn + "rulegroup/{rule_group_id}",
        title="Name",
        calls={"rules": Call(f"{api}:ListActivatedRulesInRuleGroup", {"RuleGroupId": "rule_group_id"})},
        columns=(
            Column("rule_group_id", Str, "RuleGroupId"),
            Column("rules", List(_RULE), "rules.ActivatedRules"),
        ),
    )
    return web_acl, rule, rule_group


TABLES = (
    *_tables("waf", "waf", "global", "waf:", "WAF"),
    *_tables("waf_regional", "waf-regional", "regional", "waf-regional:{region}", "WAFRegional"),
)
