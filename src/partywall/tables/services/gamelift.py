"""Amazon GameLift Servers: fleets."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Enum, Field, Int, List, Str, Struct, Table, Timestamp

fleet = Table(
    "gamelift_fleet",
    service="gamelift",
    scope="regional",
    resource_type="AWS::GameLift::Fleet",
    doc="A fleet of game servers. The image below it is as old as the fleet is.",
    rows=Call("gamelift:DescribeFleetAttributes", {"Limit": 100}, at="FleetAttributes"),
    keep=lambda e: e.get("Status") not in ("DELETING", "TERMINATED", "NOT_FOUND"),
    arn="FleetArn",
    title="Name",
    tags="tagging.Tags",
    calls={
        "tagging": Call("gamelift:ListTagsForResource", {"ResourceARN": "arn"}),
        "ports": Call("gamelift:DescribeFleetPortSettings", {"FleetId": "fleet_id"}),
    },
    columns=(
        Column("fleet_id", Str, "FleetId"),
        Column("status", Str, "Status", ""),
        Column(
            "compute_type",
            Enum("EC2", "ANYWHERE"),
            "ComputeType",
            "EC2",
            doc="ANYWHERE: machines that the customer brings.",
        ),
        Column("instance_type", Str, "InstanceType", ""),
        Column("operating_system", Str, "OperatingSystem", "", doc="AMAZON_LINUX_2023, WINDOWS_2022 …"),
        Column("created_at", Timestamp, "CreationTime"),
        Column(
            "certificate",
            Enum("DISABLED", "GENERATED"),
            "CertificateConfiguration.CertificateType",
            "DISABLED",
            doc="GENERATED: game servers have a TLS certificate.",
        ),
        Column("instance_role_arn", Str, "InstanceRoleArn", ""),
        Column(
            "permissions",
            List(
                Struct(
                    Field("from_port", Int, "FromPort"),
                    Field("to_port", Int, "ToPort"),
                    Field("protocol", Enum("TCP", "UDP"), "Protocol"),
                    Field("ip_range", Str, "IpRange"),
                )
            ),
            "ports.InboundPermissions",
            doc="Who may reach which ports.",
        ),
    ),
)

TABLES = (fleet,)
