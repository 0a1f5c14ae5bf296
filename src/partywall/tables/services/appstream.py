"""Amazon AppStream 2.0 (WorkSpaces Applications): fleets and the images that they run."""

from __future__ import annotations

from typing import Any

from partywall.tables.spec import Bool, Call, Column, Each, Enum, Int, List, Str, Table, Timestamp
from partywall.tables.tagging import tagging


def _first(values: list[Any]) -> Any:
    return values[0] if values else None


def _image(path: str, name: str, type_: Any, doc: str, fn: Any = _first) -> Column:
    return Column(name, type_, f"image[].{path}", doc=doc, fn=fn)


fleet = Table(
    "appstream_fleet",
    service="appstream",
    scope="regional",
    resource_type="AWS::AppStream::Fleet",
    doc="A fleet of machines that stream applications, with the image that it runs.",
    rows=Call("appstream:DescribeFleets", at="Fleets"),
    arn="Arn",
    title="Name",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("appstream:fleet"),
        # Elastic fleets run app blocks on images of AWS.
        "image": Call(
            "appstream:DescribeImages",
            {"Arns": Each("image_arn")},
            at="Images",
            when=lambda row: row["image_arn"] != "",
        ),
    },
    columns=(
        Column("state", Enum("STARTING", "RUNNING", "STOPPING", "STOPPED"), "State"),
        Column("fleet_type", Enum("ALWAYS_ON", "ON_DEMAND", "ELASTIC"), "FleetType", "ALWAYS_ON"),
        Column("platform", Str, "Platform", "", doc="WINDOWS_SERVER_2022, AMAZON_LINUX2 …"),
        Column("image_arn", Str, "ImageArn", "", doc="Empty: an elastic fleet."),
        Column("created_at", Timestamp, "CreatedTime"),
        Column(
            "default_internet_access",
            Bool,
            "EnableDefaultInternetAccess",
            False,
            doc="Machines have addresses of their own on the internet.",
        ),
        Column("imdsv1_disabled", Bool, "DisableIMDSV1", False),
        Column("max_session_seconds", Int, "MaxUserDurationInSeconds", 57600),
        Column("disconnect_timeout_seconds", Int, "DisconnectTimeoutInSeconds", 900),
        Column("idle_timeout_seconds", Int, "IdleDisconnectTimeoutInSeconds", 0, doc="0: none."),
        Column("subnet_ids", List(Str), "VpcConfig.SubnetIds"),
        Column("security_group_ids", List(Str), "VpcConfig.SecurityGroupIds"),
        Column("iam_role_arn", Str, "IamRoleArn", ""),
        _image(
            "Visibility", "image_visibility", Enum("PUBLIC", "PRIVATE", "SHARED"), "PUBLIC: one of AWS's."
        ),
        _image("CreatedTime", "image_created_at", Timestamp, "When the image was made."),
        _image(
            "PublicBaseImageReleasedDate",
            "image_base_released_at",
            Timestamp,
            "When AWS released the base image below it.",
        ),
        _image(
            "LatestAppstreamAgentVersion",
            "image_agent_current",
            Bool,
            "The image has the newest agent.",
            fn=lambda v: v[0] == "TRUE" if v else None,
        ),
    ),
)

TABLES = (fleet,)
