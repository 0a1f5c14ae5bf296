"""Amazon API Gateway: REST APIs with their methods, stages and custom domain names."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Policy,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]

_SECRET_NAME: Final = re.compile(
    r"(passw|secret|token|api_?key|access_?key|private_?key|credential)", re.IGNORECASE
)
_SECRET_VALUE: Final = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[\w-]+\.[\w-]+\."
)
_REFERENCE: Final = re.compile(r"^(arn:|https?://|/)")


def unescape(policy: str) -> str | None:
    """A REST API's policy, which API Gateway returns with its quotes escaped, as JSON text; None for none."""
    if not policy.startswith('{\\"'):
        return policy or None
    return str(json.loads(f'"{policy}"'))


def secret_variables(variables: Mapping[str, str]) -> list[str]:
    """The names of stage variables that look like secrets by name or value; values never leave this function.

    A value that is an ARN, a URL or a path refers to something, so that its name alone says nothing.
    """
    return sorted(
        name
        for name, value in variables.items()
        if value
        and (_SECRET_VALUE.search(value) or (_SECRET_NAME.search(name) and not _REFERENCE.match(value)))
    )


def _methods(resources: list[Element]) -> list[dict[str, Any]]:
    """The methods of all resources of an API, with what stands behind them."""
    return [
        {"path": resource.get("path", ""), **method}
        for resource in resources
        for method in (resource.get("resourceMethods") or {}).values()
    ]


def _settings(settings: Mapping[str, Element]) -> list[dict[str, Any]]:
    return [{"method": name, **values} for name, values in sorted(settings.items())]


rest_api = Table(
    "apigateway_rest_api",
    service="apigateway",
    scope="regional",
    resource_type="AWS::ApiGateway::RestApi",
    doc="A REST API with its policy, methods and authorizers.",
    rows=Call("apigateway:GetRestApis", {"limit": 500}, at="items"),
    arn="arn:{partition}:apigateway:{region}::/restapis/{rest_api_id}",
    title="name",
    tags="tags",
    calls={
        "resources": Call(
            "apigateway:GetResources", {"restApiId": "rest_api_id", "embed": [Const("methods")], "limit": 500}
        ),
        "authorizers": Call("apigateway:GetAuthorizers", {"restApiId": "rest_api_id"}),
    },
    columns=(
        Column("rest_api_id", Str, "id"),
        Column("created_at", Timestamp, "createdDate"),
        Column("endpoint_types", List(Str), "endpointConfiguration.types", doc="REGIONAL, EDGE or PRIVATE."),
        Column("vpc_endpoint_ids", List(Str), "endpointConfiguration.vpcEndpointIds"),
        Column("api_key_source", Str, "apiKeySource", "HEADER"),
        Column("disable_execute_api_endpoint", Bool, "disableExecuteApiEndpoint", False),
        Column("policy", Policy("resource"), "policy", "", fn=unescape, doc="Resource policy; empty: none."),
        Column(
            "methods",
            List(
                Struct(
                    Field("path", Str, "path", ""),
                    Field("http_method", Str, "httpMethod", ""),
                    Field("authorization_type", Str, "authorizationType", "NONE"),
                    Field("api_key_required", Bool, "apiKeyRequired", False),
                    Field("request_validator_id", Str, "requestValidatorId", ""),
                    Field("integration_type", Str, "methodIntegration.type", ""),
                    Field("integration_uri", Str, "methodIntegration.uri", ""),
                    Field("connection_id", Str, "methodIntegration.connectionId", ""),
                    Field(
                        "insecure_skip_verification",
                        Bool,
                        "methodIntegration.tlsConfig.insecureSkipVerification",
                        False,
                    ),
                )
            ),
            "resources.items",
            fn=_methods,
            doc="The methods of all its resources; authorization_type NONE lets everyone in.",
        ),
        Column(
            "authorizers",
            List(Struct(Field("authorizer_id", Str, "id", ""), Field("type", Str, "type", ""))),
            "authorizers.items",
        ),
    ),
)

stage = Table(
    "apigateway_stage",
    service="apigateway",
    scope="regional",
    resource_type="AWS::ApiGateway::Stage",
    doc="A stage of a REST API; the values of its variables are not kept.",
    parent="apigateway_rest_api",
    rows=Call("apigateway:GetStages", {"restApiId": "@parent.rest_api_id"}, at="item"),
    arn="arn:{partition}:apigateway:{region}::/restapis/{rest_api_id}/stages/{stage_name}",
    title="{parent.name}/{stage_name}",
    tags="tags",
    columns=(
        Column("rest_api_id", Str, "@parent.rest_api_id"),
        Column("endpoint_types", List(Str), "@parent.endpoint_types"),
        Column("stage_name", Str, "stageName"),
        Column("deployment_id", Str, "deploymentId", ""),
        Column(
            "client_certificate_id",
            Str,
            "clientCertificateId",
            "",
            doc="The certificate by which backends can tell that API Gateway calls; empty: none.",
        ),
        Column("cache_enabled", Bool, "cacheClusterEnabled", False),
        Column("tracing_enabled", Bool, "tracingEnabled", False, doc="AWS X-Ray traces requests."),
        Column("web_acl_arn", Str, "webAclArn", "", doc="The AWS WAF web ACL; empty: none."),
        Column(
            "access_log_destination", Str, "accessLogSettings.destinationArn", "", doc="Empty: no access log."
        ),
        Column(
            "method_settings",
            List(
                Struct(
                    Field("method", Str, "method", ""),
                    Field("logging_level", Enum("OFF", "ERROR", "INFO"), "loggingLevel", "OFF"),
                    Field("data_trace_enabled", Bool, "dataTraceEnabled", False),
                    Field("metrics_enabled", Bool, "metricsEnabled", False),
                    Field("caching_enabled", Bool, "cachingEnabled", False),
                    Field("cache_data_encrypted", Bool, "cacheDataEncrypted", False),
                    Field("throttling_burst_limit", Int, "throttlingBurstLimit", -1),
                )
            ),
            "methodSettings",
            fn=_settings,
            doc="Settings by method; */* holds for all methods that have none of their own.",
        ),
        Column("variable_names", List(Str), "variables", fn=sorted, doc="Names of its stage variables."),
        Column(
            "secret_variables",
            List(Str),
            "variables",
            fn=secret_variables,
            doc="Names of the stage variables that look like secrets by name or value.",
        ),
    ),
)

domain_name = Table(
    "apigateway_domain_name",
    service="apigateway",
    scope="regional",
    resource_type="AWS::ApiGateway::DomainName",
    doc="A custom domain name for REST, HTTP and WebSocket APIs.",
    rows=Call("apigateway:GetDomainNames", {"limit": 500}, at="items"),
    arn="arn:{partition}:apigateway:{region}::/domainnames/{name}",
    title="domainName",
    tags="tags",
    columns=(
        Column("security_policy", Str, "securityPolicy", "TLS_1_0", doc="The TLS policy for clients."),
        Column("endpoint_types", List(Str), "endpointConfiguration.types"),
        Column("certificate_arn", Str, "certificateArn", ""),
        Column("regional_certificate_arn", Str, "regionalCertificateArn", ""),
        Column(
            "mutual_tls_truststore_uri",
            Str,
            "mutualTlsAuthentication.truststoreUri",
            "",
            doc="The trust store against which client certificates are verified; empty: none are asked for.",
        ),
    ),
)

vpc_link = Table(
    "apigateway_vpc_link",
    service="apigateway",
    scope="regional",
    resource_type="AWS::ApiGateway::VpcLink",
    doc="A VPC link of REST APIs: the way to Network Load Balancers inside a VPC.",
    rows=Call("apigateway:GetVpcLinks", {"limit": 500}, at="items"),
    arn="arn:{partition}:apigateway:{region}::/vpclinks/{vpc_link_id}",
    title="name",
    tags="tags",
    columns=(
        Column("vpc_link_id", Str, "id"),
        Column("status", Enum("AVAILABLE", "PENDING", "DELETING", "FAILED"), "status"),
        Column("target_arns", List(Str), "targetArns", doc="The load balancers that it leads to."),
    ),
)

TABLES = (rest_api, stage, domain_name, vpc_link)
