"""AWS Directory Service: directories."""

from __future__ import annotations

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    List,
    Lookup,
    Str,
    Struct,
    Table,
    Timestamp,
)

directory = Table(
    "directoryservice_directory",
    service="directoryservice",
    scope="regional",
    resource_type="AWS::DirectoryService::MicrosoftAD",
    doc="A directory: Microsoft AD, Simple AD or a connector. The secret shared with RADIUS is not kept.",
    rows=Call("ds:DescribeDirectories", at="DirectoryDescriptions"),
    arn="arn:{partition}:ds:{region}:{account_id}:directory/{directory_id}",
    title="Name",
    tags="tagging.Tags",
    calls={
        "tagging": Call("ds:ListTagsForResource", {"ResourceId": "directory_id"}),
        "logs": Lookup(
            "ds:ListLogSubscriptions",
            at="LogSubscriptions",
            key="DirectoryId",
            by="directory_id",
            many=True,
        ),
        "topics": Lookup(
            "ds:DescribeEventTopics", at="EventTopics", key="DirectoryId", by="directory_id", many=True
        ),
        "ldaps": Call(
            "ds:DescribeLDAPSSettings",
            {"DirectoryId": "directory_id", "Type": Const("Client")},
            absent=("UnsupportedOperationException",),
            when=lambda row: row["kind"] == "MicrosoftAD",
        ),
    },
    columns=(
        Column("directory_id", Str, "DirectoryId"),
        Column("kind", Enum("SimpleAD", "ADConnector", "MicrosoftAD", "SharedMicrosoftAD"), "Type"),
        Column("stage", Str, "Stage", ""),
        Column("edition", Str, "Edition", "", doc="Standard, Enterprise or Hybrid; of Microsoft AD."),
        Column(
            "os_version",
            Enum("SERVER_2012", "SERVER_2019", ""),
            "OsVersion",
            "",
            doc="Windows Server below a Microsoft AD; empty for the others.",
        ),
        Column("created_at", Timestamp, "LaunchTime"),
        Column("vpc_id", Str, "VpcSettings.VpcId", ""),
        Column("sso_enabled", Bool, "SsoEnabled", False),
        Column(
            "radius_status",
            Enum("Creating", "Completed", "Failed", ""),
            "RadiusStatus",
            "",
            doc="Completed: a RADIUS server asks for a second factor; empty: none is set up.",
        ),
        Column(
            "radius_protocol",
            Enum("PAP", "CHAP", "MS-CHAPv1", "MS-CHAPv2", ""),
            "RadiusSettings.AuthenticationProtocol",
            "",
        ),
        Column("log_groups", List(Str), "logs[].LogGroupName", doc="Where security logs go; none: nowhere."),
        Column(
            "topics",
            List(Struct(Field("arn", Str, "TopicArn", ""), Field("status", Str, "Status", ""))),
            "topics",
            doc="Who is told when the directory fails.",
        ),
        Column(
            "ldaps_status",
            List(Str),
            "ldaps.LDAPSSettingsInfo[].LDAPSStatus",
            doc="Enabled: clients may speak LDAP over TLS; none: LDAPS was never turned on.",
        ),
    ),
)

TABLES = (directory,)
