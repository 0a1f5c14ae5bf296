"""Amazon EKS: clusters, their versions' support, node groups, add-ons, Fargate profiles, access entries."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from partywall.tables.spec import (
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

Element = Mapping[str, Any]
_CLUSTER: Final = Relation(
    "clusters",
    "eks_cluster",
    ("arn", "version"),
    {"cluster_name": "name", "region": "region", "account_id": "account_id"},
    doc="Its cluster.",
)


def _log_types(logging: list[Element]) -> list[str]:
    return sorted(t for group in logging if group.get("enabled") for t in group.get("types") or ())


def _network_policy(configuration: str) -> bool:
    """Whether the VPC CNI add-on's settings (JSON or YAML text) turn network policies on."""
    try:
        value = json.loads(configuration).get("enableNetworkPolicy", False)
    except ValueError:
        compact = configuration.replace('"', "").replace("'", "").replace(" ", "")
        return "enableNetworkPolicy:true" in compact
    return str(value).lower() == "true"


def _release_day(release: str) -> datetime | None:
    """The day in the release of an Amazon Linux image ("1.34.2-20260815"), None for other images."""
    day = release.rpartition("-")[2]
    try:
        return datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _scopes(policies: list[Element]) -> list[str]:
    """The names of the access policies that hold for the whole cluster."""
    return sorted(
        str(p.get("policyArn", "")).rpartition("/")[2]
        for p in policies
        if (p.get("accessScope") or {}).get("type") == "cluster"
    )


cluster = Table(
    "eks_cluster",
    service="eks",
    scope="regional",
    resource_type="AWS::EKS::Cluster",
    doc="A Kubernetes cluster.",
    rows=Call("eks:ListClusters", {"maxResults": 100}, at="clusters"),
    arn="arn:{partition}:eks:{region}:{account_id}:cluster/{name}",
    title=".",
    tags="described.tags",
    calls={
        "described": Call("eks:DescribeCluster", {"name": "name"}, at="cluster"),
        "support": Lookup(
            "eks:DescribeClusterVersions",
            at="clusterVersions",
            key="clusterVersion",
            by="version",
            params={"includeAll": True},
        ),
    },
    columns=(
        Column("version", Str, "described.version", doc="Kubernetes version: 1.34."),
        Column("platform_version", Str, "described.platformVersion", ""),
        Column("status", Str, "described.status", ""),
        Column("created_at", Timestamp, "described.createdAt"),
        Column("role_arn", Str, "described.roleArn", ""),
        Column(
            "version_status",
            Enum("STANDARD_SUPPORT", "EXTENDED_SUPPORT", "UNSUPPORTED"),
            "support.versionStatus",
            "UNSUPPORTED",
            doc="Whether AWS supports the version; UNSUPPORTED also where EKS no longer lists it.",
        ),
        Column("standard_support_ends_at", Timestamp, "support.endOfStandardSupportDate"),
        Column("extended_support_ends_at", Timestamp, "support.endOfExtendedSupportDate"),
        Column(
            "support_type",
            Enum("STANDARD", "EXTENDED"),
            "described.upgradePolicy.supportType",
            "EXTENDED",
            doc="What happens when standard support ends: an upgrade, or extended support at a price.",
        ),
        Column("endpoint_public_access", Bool, "described.resourcesVpcConfig.endpointPublicAccess", True),
        Column("endpoint_private_access", Bool, "described.resourcesVpcConfig.endpointPrivateAccess", False),
        Column(
            "public_access_cidrs",
            List(Str),
            "described.resourcesVpcConfig.publicAccessCidrs",
            doc="Who may reach the public endpoint.",
        ),
        Column("vpc_id", Str, "described.resourcesVpcConfig.vpcId", ""),
        Column("subnet_ids", List(Str), "described.resourcesVpcConfig.subnetIds"),
        Column("security_group_ids", List(Str), "described.resourcesVpcConfig.securityGroupIds"),
        Column("cluster_security_group_id", Str, "described.resourcesVpcConfig.clusterSecurityGroupId", ""),
        Column(
            "log_types",
            List(Str),
            "described.logging.clusterLogging",
            fn=_log_types,
            doc="Control plane logs that are on: api, audit, authenticator, controllerManager, scheduler.",
        ),
        Column(
            "secrets_kms_key",
            Str,
            "described.encryptionConfig[].provider.keyArn",
            "",
            fn=lambda v: v[0] if v else None,
            doc="Customer managed key that envelopes Kubernetes secrets; empty: a key of AWS.",
        ),
        Column("oidc_issuer", Str, "described.identity.oidc.issuer", ""),
        Column(
            "authentication_mode",
            Enum("API", "API_AND_CONFIG_MAP", "CONFIG_MAP"),
            "described.accessConfig.authenticationMode",
            "CONFIG_MAP",
            doc="Where access is granted: EKS access entries, or the aws-auth ConfigMap inside the cluster.",
        ),
        Column("deletion_protection", Bool, "described.deletionProtection", False),
        Column("auto_mode", Bool, "described.computeConfig.enabled", False, doc="EKS Auto Mode runs nodes."),
        Column(
            "remote_node_networks",
            List(Str),
            "described.remoteNetworkConfig.remoteNodeNetworks[].cidrs[]",
            doc="Where EKS Hybrid Nodes live, outside AWS; none: the cluster takes no such nodes.",
        ),
        Column("health_issues", List(Str), "described.health.issues[].code"),
    ),
    relations=(
        Relation("vpcs", "vpc", ("vpc_id", "is_default"), {"vpc_id": "vpc_id", "region": "region"}),
        Relation(
            "addons",
            "eks_addon",
            ("name", "network_policy"),
            {"name": "cluster_name", "region": "region", "account_id": "account_id"},
        ),
    ),
)

nodegroup = Table(
    "eks_nodegroup",
    service="eks",
    scope="regional",
    resource_type="AWS::EKS::Nodegroup",
    doc="A managed node group.",
    parent="eks_cluster",
    rows=Call("eks:ListNodegroups", {"clusterName": "@parent.name", "maxResults": 100}, at="nodegroups"),
    arn="arn:{partition}:eks:{region}:{account_id}:nodegroup/{cluster_name}/{name}",
    title=".",
    tags="described.tags",
    calls={
        "described": Call(
            "eks:DescribeNodegroup", {"clusterName": "cluster_name", "nodegroupName": "name"}, at="nodegroup"
        ),
    },
    columns=(
        Column("cluster_name", Str, "@parent.name"),
        Column("status", Str, "described.status", ""),
        Column("version", Str, "described.version", "", doc="Kubernetes version; empty for a custom image."),
        Column("release_version", Str, "described.releaseVersion", "", doc="Of the image."),
        Column(
            "release_date",
            Timestamp,
            "described.releaseVersion",
            doc="The image's day, by its release (1.34.2-20260815); NULL: the release names none.",
            fn=_release_day,
        ),
        Column("ami_type", Str, "described.amiType", "CUSTOM", doc="AL2023_x86_64_STANDARD, CUSTOM …"),
        Column("capacity_type", Str, "described.capacityType", "ON_DEMAND"),
        Column("instance_types", List(Str), "described.instanceTypes"),
        Column("subnet_ids", List(Str), "described.subnets"),
        Column("node_role_arn", Str, "described.nodeRole", ""),
        Column("remote_access_key", Str, "described.remoteAccess.ec2SshKey", "", doc="Empty: no SSH."),
        Column(
            "remote_access_security_groups",
            List(Str),
            "described.remoteAccess.sourceSecurityGroups",
            doc="Who may use SSH; none given with a key: everyone.",
        ),
        Column("launch_template_id", Str, "described.launchTemplate.id", ""),
        Column("desired_size", Int, "described.scalingConfig.desiredSize", 0),
        Column("health_issues", List(Str), "described.health.issues[].code"),
    ),
    relations=(
        _CLUSTER,
        Relation(
            "subnets",
            "vpc_subnet",
            ("subnet_id", "map_public_ip_on_launch"),
            {"subnet_ids[]": "subnet_id", "region": "region"},
        ),
    ),
)

addon = Table(
    "eks_addon",
    service="eks",
    scope="regional",
    resource_type="AWS::EKS::Addon",
    doc="An add-on that EKS keeps in a cluster.",
    parent="eks_cluster",
    rows=Call("eks:ListAddons", {"clusterName": "@parent.name", "maxResults": 50}, at="addons"),
    arn="arn:{partition}:eks:{region}:{account_id}:addon/{cluster_name}/{name}",
    title=".",
    tags="described.tags",
    calls={
        "described": Call(
            "eks:DescribeAddon", {"clusterName": "cluster_name", "addonName": "name"}, at="addon"
        ),
    },
    columns=(
        Column("cluster_name", Str, "@parent.name"),
        Column("version", Str, "described.addonVersion", ""),
        Column("status", Str, "described.status", ""),
        Column("service_account_role_arn", Str, "described.serviceAccountRoleArn", ""),
        Column("publisher", Str, "described.publisher", ""),
        Column(
            "network_policy",
            Bool,
            "described.configurationValues",
            False,
            fn=_network_policy,
            doc="Of the VPC CNI: it enforces network policies.",
        ),
        Column("health_issues", List(Str), "described.health.issues[].code"),
    ),
)

fargate_profile = Table(
    "eks_fargate_profile",
    service="eks",
    scope="regional",
    resource_type="AWS::EKS::FargateProfile",
    doc="Which pods of a cluster run on Fargate.",
    parent="eks_cluster",
    rows=Call(
        "eks:ListFargateProfiles",
        {"clusterName": "@parent.name", "maxResults": 100},
        at="fargateProfileNames",
    ),
    arn="arn:{partition}:eks:{region}:{account_id}:fargateprofile/{cluster_name}/{name}",
    title=".",
    tags="described.tags",
    calls={
        "described": Call(
            "eks:DescribeFargateProfile",
            {"clusterName": "cluster_name", "fargateProfileName": "name"},
            at="fargateProfile",
        ),
    },
    columns=(
        Column("cluster_name", Str, "@parent.name"),
        Column("status", Str, "described.status", ""),
        Column("pod_execution_role_arn", Str, "described.podExecutionRoleArn", ""),
        Column("subnet_ids", List(Str), "described.subnets"),
        Column(
            "selectors",
            List(Struct(Field("namespace", Str, "namespace", ""), Field("labels", StrMap, "labels"))),
            "described.selectors",
        ),
    ),
)

access_entry = Table(
    "eks_access_entry",
    service="eks",
    scope="regional",
    resource_type="AWS::EKS::AccessEntry",
    doc="An IAM principal that may use a cluster.",
    parent="eks_cluster",
    # EKS refuses to list entries of clusters that know the ConfigMap only.
    parent_when=lambda row: row.get("authentication_mode") != "CONFIG_MAP",
    rows=Call(
        "eks:ListAccessEntries", {"clusterName": "@parent.name", "maxResults": 100}, at="accessEntries"
    ),
    arn="arn:{partition}:eks:{region}:{account_id}:access-entry/{cluster_name}/{principal_arn}",
    title=".",
    calls={
        "policies": Call(
            "eks:ListAssociatedAccessPolicies",
            {"clusterName": "cluster_name", "principalArn": "principal_arn"},
        ),
    },
    columns=(
        Column("cluster_name", Str, "@parent.name"),
        Column("principal_arn", Str, "."),
        Column("principal_account_id", Str, ".", fn=lambda v: v.split(":")[4]),
        Column("policy_arns", List(Str), "policies.associatedAccessPolicies[].policyArn"),
        Column(
            "cluster_wide_policies",
            List(Str),
            "policies.associatedAccessPolicies",
            fn=_scopes,
            doc="Names of the access policies that hold for all namespaces.",
        ),
    ),
)

pod_identity_association = Table(
    "eks_pod_identity_association",
    service="eks",
    scope="regional",
    resource_type="AWS::EKS::PodIdentityAssociation",
    doc="A role that pods of a service account run with.",
    parent="eks_cluster",
    rows=Call(
        "eks:ListPodIdentityAssociations",
        {"clusterName": "@parent.name", "maxResults": 100},
        at="associations",
    ),
    arn="associationArn",
    title="associationId",
    tags="described.tags",
    calls={
        "described": Call(
            "eks:DescribePodIdentityAssociation",
            {"clusterName": "cluster_name", "associationId": "association_id"},
            at="association",
        ),
    },
    columns=(
        Column("cluster_name", Str, "@parent.name"),
        Column("association_id", Str, "associationId"),
        Column("namespace", Str, "namespace", ""),
        Column("service_account", Str, "serviceAccount", ""),
        Column("role_arn", Str, "described.roleArn", ""),
    ),
)

TABLES = (cluster, nodegroup, addon, fargate_profile, access_entry, pod_identity_association)
