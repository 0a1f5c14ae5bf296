"""Amazon API Gateway: HTTP and WebSocket APIs with their routes, integrations and stages."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    List,
    Str,
    Struct,
    Table,
    Timestamp,
)

api = Table(
    "apigatewayv2_api",
    service="apigatewayv2",
    scope="regional",
    resource_type="AWS::ApiGatewayV2::Api",
    doc="An HTTP or WebSocket API with its routes, integrations and authorizers.",
    rows=Call("apigatewayv2:GetApis", at="Items"),
    arn="arn:{partition}:apigateway:{region}::/apis/{api_id}",
    title="Name",
    tags="Tags",
    calls={
        "routes": Call("apigatewayv2:GetRoutes", {"ApiId": "api_id"}),
        "integrations": Call("apigatewayv2:GetIntegrations", {"ApiId": "api_id"}),
        "authorizers": Call("apigatewayv2:GetAuthorizers", {"ApiId": "api_id"}),
    },
    columns=(
        Column("api_id", Str, "ApiId"),
        Column("protocol_type", Enum("HTTP", "WEBSOCKET"), "ProtocolType"),
        Column("api_endpoint", Str, "ApiEndpoint", ""),
        Column("created_at", Timestamp, "CreatedDate"),
        Column("disable_execute_api_endpoint", Bool, "DisableExecuteApiEndpoint", False),
        Column("cors_allow_origins", List(Str), "CorsConfiguration.AllowOrigins"),
        Column("cors_allow_credentials", Bool, "CorsConfiguration.AllowCredentials", False),
        Column(
            "routes",
            List(
                Struct(
                    Field("route_id", Str, "RouteId", ""),
                    Field("route_key", Str, "RouteKey", ""),
                    Field(
                        "authorization_type",
                        Enum("NONE", "AWS_IAM", "CUSTOM", "JWT"),
                        "AuthorizationType",
                        "NONE",
                    ),
                    Field("authorizer_id", Str, "AuthorizerId", ""),
                    Field("target", Str, "Target", ""),
                    Field("api_key_required", Bool, "ApiKeyRequired", False),
                )
            ),
            "routes.Items",
            doc="Its routes; authorization_type NONE lets everyone in.",
        ),
        Column(
            "integrations",
            List(
                Struct(
                    Field("integration_id", Str, "IntegrationId", ""),
                    Field("integration_type", Str, "IntegrationType", ""),
                    Field("connection_type", Enum("INTERNET", "VPC_LINK"), "ConnectionType", "INTERNET"),
                    Field("uri", Str, "IntegrationUri", ""),
                    Field("connection_id", Str, "ConnectionId", ""),
                    Field(
                        "tls_server_name",
                        Str,
                        "TlsConfig.ServerNameToVerify",
                        "",
                    ),
                )
            ),
            "integrations.Items",
            doc="What stands behind its routes; tls_server_name is empty where a private one speaks HTTP.",
        ),
        Column(
            "authorizers",
            List(
                Struct(
                    Field("authorizer_id", Str, "AuthorizerId", ""), Field("type", Str, "AuthorizerType", "")
                )
            ),
            "authorizers.Items",
        ),
    ),
)

stage = Table(
    "apigatewayv2_stage",
    service="apigatewayv2",
    scope="regional",
    resource_type="AWS::ApiGatewayV2::Stage",
    doc="A stage of an HTTP or WebSocket API.",
    parent="apigatewayv2_api",
    rows=Call("apigatewayv2:GetStages", {"ApiId": "@parent.api_id"}, at="Items"),
    arn="arn:{partition}:apigateway:{region}::/apis/{api_id}/stages/{stage_name}",
    title="{parent.name}/{stage_name}",
    tags="Tags",
    columns=(
        Column("api_id", Str, "@parent.api_id"),
        Column("protocol_type", Enum("HTTP", "WEBSOCKET"), "@parent.protocol_type"),
        Column("stage_name", Str, "StageName"),
        Column("auto_deploy", Bool, "AutoDeploy", False),
        Column(
            "access_log_destination", Str, "AccessLogSettings.DestinationArn", "", doc="Empty: no access log."
        ),
        Column(
            "logging_level",
            Enum("OFF", "ERROR", "INFO"),
            "DefaultRouteSettings.LoggingLevel",
            "OFF",
            doc="Execution logging of all routes without a setting of their own (WebSocket only).",
        ),
        Column("data_trace_enabled", Bool, "DefaultRouteSettings.DataTraceEnabled", False),
        Column("detailed_metrics_enabled", Bool, "DefaultRouteSettings.DetailedMetricsEnabled", False),
    ),
)

vpc_link = Table(
    "apigatewayv2_vpc_link",
    service="apigatewayv2",
    scope="regional",
    resource_type="AWS::ApiGatewayV2::VpcLink",
    doc="A VPC link of HTTP APIs: interfaces in a VPC through which APIs reach what is private.",
    rows=Call("apigatewayv2:GetVpcLinks", at="Items"),
    arn="arn:{partition}:apigateway:{region}::/vpclinks/{vpc_link_id}",
    title="Name",
    tags="Tags",
    columns=(
        Column("vpc_link_id", Str, "VpcLinkId"),
        Column(
            "status",
            Enum("PENDING", "AVAILABLE", "DELETING", "FAILED", "INACTIVE"),
            "VpcLinkStatus",
            "AVAILABLE",
        ),
        Column("subnet_ids", List(Str), "SubnetIds"),
        Column("group_ids", List(Str), "SecurityGroupIds", doc="Its security groups."),
    ),
)

TABLES = (api, stage, vpc_link)
