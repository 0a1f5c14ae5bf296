"""Amazon EMR: clusters, security configurations and the account's block on public access."""

from collections.abc import Callable
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
    Relation,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)

_HERE = {"account_id": "account_id", "region": "region"}
_ALIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
_GROUPS = ("EmrManagedMasterSecurityGroup", "ServiceAccessSecurityGroup", "AdditionalMasterSecurityGroups")

block = Table(
    "emr_block_public_access",
    service="emr",
    scope="regional",
    resource_type="AWS::::Account",
    doc="Whether EMR refuses to start clusters with open security groups, one row per Region.",
    rows=Single(),
    arn="arn:{partition}:elasticmapreduce:{region}:{account_id}:block-public-access",
    title="{region}",
    calls={"block": Call("emr:GetBlockPublicAccessConfiguration", at="BlockPublicAccessConfiguration")},
    columns=(
        Column("enabled", Bool, "block.BlockPublicSecurityGroupRules", False),
        Column(
            "permitted_ports",
            List(Struct(Field("from_port", Int, "MinRange"), Field("to_port", Int, "MaxRange"))),
            "block.PermittedPublicSecurityGroupRuleRanges",
            doc="Ports that may be open to everyone all the same.",
            # A range of one port may leave its end out.
            fn=lambda v: [{**r, "MaxRange": r.get("MaxRange", r.get("MinRange"))} for r in v],
        ),
    ),
)


def _groups(attributes: dict[str, Any]) -> list[str]:
    found: set[str] = set()
    for name in _GROUPS:
        value = attributes.get(name)
        found |= set(value) if isinstance(value, list) else {value} if value else set()
    return sorted(found)


cluster = Table(
    "emr_cluster",
    service="emr",
    scope="regional",
    resource_type="AWS::EMR::Cluster",
    doc="A cluster that is not terminated.",
    rows=Call("emr:ListClusters", {"ClusterStates": [Const(s) for s in _ALIVE]}, at="Clusters"),
    arn="ClusterArn",
    title="Name",
    tags="detail.Tags",
    calls={"detail": Call("emr:DescribeCluster", {"ClusterId": "cluster_id"}, at="Cluster")},
    columns=(
        Column("cluster_id", Str, "Id"),
        Column("state", Str, "Status.State"),
        Column("release", Str, "detail.ReleaseLabel", ""),
        Column(
            "primary_dns",
            Str,
            "detail.MasterPublicDnsName",
            "",
            doc="Name of the primary node; one that ends in .internal is private. Empty: not up yet.",
        ),
        Column("subnet_id", Str, "detail.Ec2InstanceAttributes.Ec2SubnetId", ""),
        Column(
            "instance_profile",
            Str,
            "detail.Ec2InstanceAttributes.IamInstanceProfile",
            "",
            doc="Name or ARN of the instance profile of its machines.",
        ),
        Column(
            "primary_security_group_ids",
            List(Str),
            "detail.Ec2InstanceAttributes",
            doc="Security groups of the primary node.",
            fn=_groups,
        ),
        Column("security_configuration", Str, "detail.SecurityConfiguration", "", doc="Empty: none."),
        Column("kerberos_realm", Str, "detail.KerberosAttributes.Realm", "", doc="Empty: no Kerberos."),
        Column("log_uri", Str, "detail.LogUri", "", doc="Empty: logs are lost with the cluster."),
        Column("termination_protected", Bool, "detail.TerminationProtected", False),
        Column("created_at", Timestamp, "Status.Timeline.CreationDateTime"),
        Column("custom_image_id", Str, "detail.CustomAmiId", "", doc="Empty: EMR's own image."),
        Column("os_release", Str, "detail.OSReleaseLabel", "", doc="Amazon Linux release; empty: unsaid."),
        Column(
            "repo_upgrade_on_boot",
            Enum("SECURITY", "NONE", ""),
            "detail.RepoUpgradeOnBoot",
            "",
            doc="Of a custom image: whether its packages are updated as machines start.",
        ),
        Column("outpost_arn", Str, "detail.OutpostArn", "", doc="Empty: not on an Outpost."),
    ),
    relations=(
        Relation(
            "security_groups",
            "vpc_security_group",
            ("group_id", "ingress"),
            {"primary_security_group_ids[]": "group_id", "region": "region"},
        ),
        Relation(
            "security_configurations",
            "emr_security_configuration",
            ("name", "at_rest_encryption", "in_transit_encryption"),
            {"security_configuration": "name", **_HERE},
        ),
    ),
)


def _encryption(member: str) -> Callable[[str], bool]:
    """A function that reads a switch below EncryptionConfiguration in the document."""

    def read(document: str) -> bool:
        import orjson

        return bool((orjson.loads(document).get("EncryptionConfiguration") or {}).get(member))

    return read


def _local_disk(document: str) -> bool:
    import orjson

    encryption = orjson.loads(document).get("EncryptionConfiguration") or {}
    at_rest = encryption.get("AtRestEncryptionConfiguration") or {}
    return bool(encryption.get("EnableAtRestEncryption") and at_rest.get("LocalDiskEncryptionConfiguration"))


security_configuration = Table(
    "emr_security_configuration",
    service="emr",
    scope="regional",
    resource_type="AWS::EMR::SecurityConfiguration",
    doc="Encryption and authentication settings that clusters share. AWS has no ARN for it.",
    rows=Call("emr:ListSecurityConfigurations", at="SecurityConfigurations"),
    arn="arn:{partition}:elasticmapreduce:{region}:{account_id}:security-configuration/{name}",
    title="Name",
    calls={"detail": Call("emr:DescribeSecurityConfiguration", {"Name": "name"})},
    columns=(
        Column("created_at", Timestamp, "CreationDateTime"),
        Column(
            "at_rest_encryption",
            Bool,
            "detail.SecurityConfiguration",
            False,
            fn=_encryption("EnableAtRestEncryption"),
        ),
        Column(
            "in_transit_encryption",
            Bool,
            "detail.SecurityConfiguration",
            False,
            fn=_encryption("EnableInTransitEncryption"),
        ),
        Column("local_disk_encryption", Bool, "detail.SecurityConfiguration", False, fn=_local_disk),
    ),
)

TABLES = (block, cluster, security_configuration)
