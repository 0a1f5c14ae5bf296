"""AWS AppSync: GraphQL APIs with their authentication, logs and caches."""

from __future__ import annotations

from partywall.tables.spec import Bool, Call, Column, Enum, Int, List, Str, Table

api = Table(
    "appsync_graphql_api",
    service="appsync",
    scope="regional",
    resource_type="AWS::AppSync::GraphQLApi",
    doc="A GraphQL API.",
    rows=Call("appsync:ListGraphqlApis", at="graphqlApis"),
    arn="arn",
    title="name",
    tags="tags",
    calls={
        "cache": Call(
            "appsync:GetApiCache", {"apiId": "api_id"}, at="apiCache", absent=("NotFoundException",)
        ),
    },
    columns=(
        Column("api_id", Str, "apiId"),
        Column("authentication_type", Str, "authenticationType"),
        Column(
            "additional_authentication", List(Str), "additionalAuthenticationProviders[].authenticationType"
        ),
        Column(
            "field_log_level",
            Enum("NONE", "ERROR", "ALL", "INFO", "DEBUG"),
            "logConfig.fieldLogLevel",
            "NONE",
        ),
        Column("web_acl_arn", Str, "wafWebAclArn", "", doc="Empty: no web ACL of AWS WAF."),
        Column("visibility", Enum("GLOBAL", "PRIVATE"), "visibility", "GLOBAL"),
        Column("introspection", Enum("ENABLED", "DISABLED"), "introspectionConfig", "ENABLED"),
        Column("query_depth_limit", Int, "queryDepthLimit", 0, doc="0: no limit."),
        Column("xray_enabled", Bool, "xrayEnabled", False),
        Column("cache_status", Str, "cache.status", "none", doc="none: there is no cache."),
        Column("cache_encrypted_at_rest", Bool, "cache.atRestEncryptionEnabled", False),
        Column("cache_encrypted_in_transit", Bool, "cache.transitEncryptionEnabled", False),
    ),
)

TABLES = (api,)
