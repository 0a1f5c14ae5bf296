"""Amazon OpenSearch Service: domains, and OpenSearch Serverless collections with their network policies."""

from typing import Any

from partywall.tables.spec import (
    Batch,
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Int,
    List,
    Policy,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _enabled_logs(options: dict[str, Any]) -> list[str]:
    """The kinds of logs that are on and have a log group to go to."""
    return sorted(
        kind
        for kind, option in options.items()
        if option.get("Enabled") and option.get("CloudWatchLogsLogGroupArn")
    )


domain = Table(
    "opensearch_domain",
    service="opensearch",
    scope="regional",
    resource_type="AWS::OpenSearchService::Domain",
    doc="A domain of OpenSearch or of the older Elasticsearch.",
    rows=Call("opensearch:ListDomainNames", at="DomainNames"),
    arn="arn:{partition}:es:{region}:{account_id}:domain/{domain_name}",
    title="DomainName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("es:domain"),
        "detail": Batch(
            "opensearch:DescribeDomains",
            param="DomainNames",
            by="domain_name",
            at="DomainStatusList",
            key="DomainName",
            size=5,
        ),
    },
    columns=(
        Column("domain_name", Str, "DomainName"),
        Column("engine_version", Str, "detail.EngineVersion", "", doc="OpenSearch_2.17, Elasticsearch_7.10."),
        Column("endpoint", Str, "detail.Endpoint", "", doc="Empty for a domain in a VPC."),
        Column("vpc_id", Str, "detail.VPCOptions.VPCId", "", doc="Empty: the endpoint is public."),
        Column("subnet_ids", List(Str), "detail.VPCOptions.SubnetIds"),
        Column("security_group_ids", List(Str), "detail.VPCOptions.SecurityGroupIds"),
        Column("policy", Policy("resource"), "detail.AccessPolicies", "", doc="Empty: there is none."),
        Column("instance_count", Int, "detail.ClusterConfig.InstanceCount", 1),
        Column("zone_awareness", Bool, "detail.ClusterConfig.ZoneAwarenessEnabled", False),
        Column("dedicated_masters", Bool, "detail.ClusterConfig.DedicatedMasterEnabled", False),
        Column("dedicated_master_count", Int, "detail.ClusterConfig.DedicatedMasterCount", 0),
        Column("encrypted_at_rest", Bool, "detail.EncryptionAtRestOptions.Enabled", False),
        Column("kms_key_id", Str, "detail.EncryptionAtRestOptions.KmsKeyId", ""),
        Column("node_to_node_encryption", Bool, "detail.NodeToNodeEncryptionOptions.Enabled", False),
        Column("enforce_https", Bool, "detail.DomainEndpointOptions.EnforceHTTPS", False),
        Column("tls_policy", Str, "detail.DomainEndpointOptions.TLSSecurityPolicy", ""),
        Column(
            "fine_grained_access",
            Bool,
            "detail.AdvancedSecurityOptions.Enabled",
            False,
            doc="Fine-grained access control: users and roles inside the domain.",
        ),
        Column("internal_users", Bool, "detail.AdvancedSecurityOptions.InternalUserDatabaseEnabled", False),
        Column("anonymous_auth", Bool, "detail.AdvancedSecurityOptions.AnonymousAuthEnabled", False),
        Column("saml_enabled", Bool, "detail.AdvancedSecurityOptions.SAMLOptions.Enabled", False),
        Column("cognito_enabled", Bool, "detail.CognitoOptions.Enabled", False),
        Column("enabled_logs", List(Str), "detail.LogPublishingOptions", fn=_enabled_logs),
        Column("update_available", Bool, "detail.ServiceSoftwareOptions.UpdateAvailable"),
        Column(
            "update_status",
            Enum("PENDING_UPDATE", "IN_PROGRESS", "COMPLETED", "NOT_ELIGIBLE", "ELIGIBLE", ""),
            "detail.ServiceSoftwareOptions.UpdateStatus",
            "",
        ),
        Column(
            "update_is_optional",
            Bool,
            "detail.ServiceSoftwareOptions.OptionalDeployment",
            False,
            doc="False: AWS applies the update by itself in time.",
        ),
        Column(
            "automated_update_at",
            Timestamp,
            "detail.ServiceSoftwareOptions.AutomatedUpdateDate",
            doc="When AWS applies it; NULL or 1970: no day is set.",
        ),
        Column("software_version", Str, "detail.ServiceSoftwareOptions.CurrentVersion", ""),
        Column("auto_software_update", Bool, "detail.SoftwareUpdateOptions.AutoSoftwareUpdateEnabled", False),
    ),
)

collection = Table(
    "opensearch_serverless_collection",
    service="opensearch",
    scope="regional",
    resource_type="AWS::OpenSearchServerless::Collection",
    doc="A collection of OpenSearch Serverless; it always encrypts, at rest and in transit.",
    rows=Call("opensearchserverless:ListCollections", at="collectionSummaries"),
    arn="arn",
    title="name",
    tags="tagging.Tags",
    calls={"tagging": tagging("aoss:collection")},
    columns=(
        Column("collection_id", Str, "id"),
        Column("status", Str, "status", ""),
        Column("kms_key_arn", Str, "kmsKeyArn", "", doc="auto or empty: a key that AWS owns."),
    ),
)


def _allows_public(policy: Any) -> bool:
    """Whether a network policy, a list of rule sets, lets the internet in."""
    if isinstance(policy, str):
        import orjson

        policy = orjson.loads(policy)
    return any(bool(rules.get("AllowFromPublic")) for rules in policy)


network_policy = Table(
    "opensearch_serverless_network_policy",
    service="opensearch",
    scope="regional",
    resource_type="AWS::OpenSearchServerless::SecurityPolicy",
    doc="Who reaches collections over the network. AWS has no ARN for it.",
    rows=Call(
        "opensearchserverless:ListSecurityPolicies", {"type": Const("network")}, at="securityPolicySummaries"
    ),
    arn="arn:{partition}:aoss:{region}:{account_id}:security-policy/network/{name}",
    title="name",
    calls={
        "detail": Call(
            "opensearchserverless:GetSecurityPolicy",
            {"type": Const("network"), "name": "name"},
            at="securityPolicyDetail",
        )
    },
    columns=(
        Column(
            "allows_public",
            Bool,
            "detail.policy",
            doc="Some rule opens collections or dashboards to the internet.",
            fn=_allows_public,
        ),
    ),
)

TABLES = (domain, collection, network_policy)
