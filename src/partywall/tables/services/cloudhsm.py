"""AWS CloudHSM: clusters with their modules, and backups."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Policy,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

cluster = Table(
    "cloudhsm_cluster",
    service="cloudhsm",
    scope="regional",
    resource_type="AWS::CloudHSM::Cluster",
    doc="A cluster of hardware security modules. Users and keys in it are out of AWS's reach, and of ours.",
    rows=Call("cloudhsmv2:DescribeClusters", at="Clusters"),
    arn="arn:{partition}:cloudhsm:{region}:{account_id}:cluster/{cluster_id}",
    title="ClusterId",
    tags="TagList",
    columns=(
        Column("cluster_id", Str, "ClusterId"),
        Column(
            "state",
            Enum(
                "CREATE_IN_PROGRESS",
                "UNINITIALIZED",
                "INITIALIZE_IN_PROGRESS",
                "INITIALIZED",
                "ACTIVE",
                "UPDATE_IN_PROGRESS",
                "MODIFY_IN_PROGRESS",
                "ROLLBACK_IN_PROGRESS",
                "DELETE_IN_PROGRESS",
                "DELETED",
                "DEGRADED",
            ),
            "State",
        ),
        Column("hsm_type", Str, "HsmType"),
        Column(
            "mode", Enum("FIPS", "NON_FIPS"), "Mode", "FIPS", doc="Clusters from before the choice are FIPS."
        ),
        Column("vpc_id", Str, "VpcId", ""),
        Column("security_group_id", Str, "SecurityGroup", ""),
        Column(
            "backup_retention_days",
            Int,
            "BackupRetentionPolicy.Value",
            0,
            doc="Days that backups are kept; 0: without end.",
        ),
        Column(
            "hsms",
            List(
                Struct(
                    Field("id", Str, "HsmId"),
                    Field("availability_zone", Str, "AvailabilityZone"),
                    Field("state", Str, "State"),
                )
            ),
            "Hsms",
        ),
        Column("created_at", Timestamp, "CreateTimestamp"),
    ),
    relations=(
        Relation(
            "backups",
            "cloudhsm_backup",
            columns=("name", "state", "created_at"),
            on={"account_id": "account_id", "region": "region", "cluster_id": "cluster_id"},
            doc="The backups of the cluster.",
        ),
    ),
)

backup = Table(
    "cloudhsm_backup",
    service="cloudhsm",
    scope="regional",
    resource_type="AWS::CloudHSM::Backup",
    doc="A backup of a cluster: all of its keys and users, encrypted.",
    rows=Call("cloudhsmv2:DescribeBackups", at="Backups"),
    arn="arn:{partition}:cloudhsm:{region}:{account_id}:backup/{backup_id}",
    title="BackupId",
    tags="TagList",
    calls={
        "policy": Call(
            "cloudhsmv2:GetResourcePolicy",
            {"ResourceArn": "arn"},
            absent=("CloudHsmResourceNotFoundException",),
        ),
    },
    columns=(
        Column("backup_id", Str, "BackupId"),
        Column("cluster_id", Str, "ClusterId", ""),
        Column("state", Enum("CREATE_IN_PROGRESS", "READY", "DELETED", "PENDING_DELETION"), "BackupState"),
        Column("created_at", Timestamp, "CreateTimestamp"),
        Column("never_expires", Bool, "NeverExpires", False),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="Who else may restore it; or empty."),
    ),
)

TABLES = (cluster, backup)
