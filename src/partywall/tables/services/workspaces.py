"""Amazon WorkSpaces: desktops and the directories that they belong to."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    List,
    Lookup,
    Relation,
    Str,
    Table,
    Timestamp,
)

workspace = Table(
    "workspaces_workspace",
    service="workspaces",
    scope="regional",
    resource_type="AWS::WorkSpaces::Workspace",
    doc="A desktop.",
    rows=Call("workspaces:DescribeWorkspaces", {"Limit": 25}, at="Workspaces"),
    keep=lambda e: e.get("State") not in ("TERMINATED", "TERMINATING"),
    arn="arn:{partition}:workspaces:{region}:{account_id}:workspace/{workspace_id}",
    title="WorkspaceId",
    calls={
        "connection": Lookup(
            "workspaces:DescribeWorkspacesConnectionStatus",
            at="WorkspacesConnectionStatus",
            key="WorkspaceId",
            by="workspace_id",
        ),
    },
    columns=(
        Column("workspace_id", Str, "WorkspaceId"),
        Column("directory_id", Str, "DirectoryId", ""),
        Column("user_name", Str, "UserName", ""),
        Column("state", Str, "State", ""),
        Column("subnet_id", Str, "SubnetId", ""),
        Column("root_volume_encrypted", Bool, "RootVolumeEncryptionEnabled", False),
        Column("user_volume_encrypted", Bool, "UserVolumeEncryptionEnabled", False),
        Column("volume_key", Str, "VolumeEncryptionKey", ""),
        Column("operating_system", Str, "WorkspaceProperties.OperatingSystemName", ""),
        Column("running_mode", Str, "WorkspaceProperties.RunningMode", ""),
        Column(
            "last_connected_at",
            Timestamp,
            "connection.LastKnownUserConnectionTimestamp",
            doc="NULL: WorkSpaces tells of no connection.",
        ),
    ),
)

directory = Table(
    "workspaces_directory",
    service="workspaces",
    scope="regional",
    resource_type="AWS::WorkSpaces::Directory",
    doc="A directory registered with WorkSpaces.",
    rows=Call("workspaces:DescribeWorkspaceDirectories", {"Limit": 25}, at="Directories"),
    arn="arn:{partition}:workspaces:{region}:{account_id}:directory/{directory_id}",
    title="DirectoryId",
    columns=(
        Column("directory_id", Str, "DirectoryId"),
        Column("directory_name", Str, "DirectoryName", ""),
        Column("state", Str, "State", ""),
        Column("ip_group_ids", List(Str), "ipGroupIds", doc="Who may connect from where; none: everyone."),
        Column("internet_access", Bool, "WorkspaceCreationProperties.EnableInternetAccess", False),
        Column(
            "users_are_administrators",
            Bool,
            "WorkspaceCreationProperties.UserEnabledAsLocalAdministrator",
            False,
        ),
        Column("maintenance_mode", Bool, "WorkspaceCreationProperties.EnableMaintenanceMode", False),
        Column("web_access", Enum("ALLOW", "DENY"), "WorkspaceAccessProperties.DeviceTypeWeb", "DENY"),
        Column("saml_status", Str, "SamlProperties.Status", "DISABLED"),
    ),
    relations=(
        Relation(
            "workspaces",
            "workspaces_workspace",
            ("arn",),
            {"directory_id": "directory_id", "region": "region"},
        ),
    ),
)

TABLES = (workspace, directory)
