"""AWS Security Hub CSPM: the hub in each Region with its standards, and where findings come together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import Bool, Call, Column, Field, List, Single, Str, Struct, Table

# Where Security Hub is off, its operations answer with this code; a denial by policy has another one
# (AccessDeniedException).
_OFF: Final = ("InvalidAccessException",)
_HUB: Final = ("is_enabled",)


def _on(row: Mapping[str, Any]) -> bool:
    """Where there is no hub nothing is asked about it; a hub not known to be missing counts."""
    return row["is_enabled"] is not False


region = Table(
    "securityhub_region",
    service="securityhub",
    scope="regional",
    resource_type="AWS::SecurityHub::Hub",
    doc="Security Hub in a Region of the account, one row, whether or not it is in use.",
    rows=Single(),
    arn="arn:{partition}:securityhub:{region}:{account_id}:hub/default",
    title="Security Hub in {region}",
    calls={
        "hub": Call("securityhub:DescribeHub", absent=(*_OFF, "ResourceNotFoundException")),
        "standards": Call("securityhub:GetEnabledStandards", absent=_OFF, when=_on, after=_HUB),
        "products": Call(
            "securityhub:ListEnabledProductsForImport",
            absent=_OFF,
            when=_on,
            after=_HUB,
        ),
        "administrator": Call(
            "securityhub:GetAdministratorAccount",
            absent=(*_OFF, "ResourceNotFoundException"),
            at="Administrator",
            when=_on,
            after=_HUB,
        ),
        "aggregators": Call("securityhub:ListFindingAggregators", absent=_OFF, when=_on, after=_HUB),
        "aggregator": Call(
            "securityhub:GetFindingAggregator",
            {"FindingAggregatorArn": "aggregator_arn"},
            region="aggregator_region",
            when=lambda row: row["aggregator_arn"] != "",
        ),
    },
    columns=(
        Column("is_enabled", Bool, "hub.HubArn", False, fn=bool),
        Column(
            "auto_enable_controls",
            Bool,
            "hub.AutoEnableControls",
            False,
            doc="New controls of the enabled standards are switched on by themselves.",
        ),
        Column(
            "control_finding_generator",
            Str,
            "hub.ControlFindingGenerator",
            "",
            doc="SECURITY_CONTROL: one finding per control and resource, whatever standards it is in.",
        ),
        Column(
            "standards",
            List(
                Struct(
                    Field("arn", Str, "StandardsArn"),
                    Field("status", Str, "StandardsStatus"),
                    Field("reason", Str, "StandardsStatusReason.StatusReasonCode", ""),
                )
            ),
            "standards.StandardsSubscriptions",
            doc="The enabled standards.",
        ),
        Column(
            "products",
            List(Str),
            "products.ProductSubscriptions",
            doc="ARNs of the subscriptions to products whose findings come in.",
        ),
        Column("administrator_account", Str, "administrator.AccountId", "", doc="Empty: there is none."),
        Column(
            "aggregator_arn",
            Str,
            "aggregators.FindingAggregators[].FindingAggregatorArn",
            "",
            doc="Of what brings the findings of several Regions into one; empty: nothing does.",
            fn=lambda v: v[0] if v else None,
        ),
        Column(
            "aggregator_region",
            Str,
            "aggregators.FindingAggregators[].FindingAggregatorArn",
            "",
            doc="The Region that the findings come to.",
            fn=lambda v: v[0].split(":")[3] if v else None,
        ),
        Column(
            "linking_mode",
            Str,
            "aggregator.RegionLinkingMode",
            "none",
            doc="ALL_REGIONS, ALL_REGIONS_EXCEPT_SPECIFIED, SPECIFIED_REGIONS, NO_REGIONS; or none.",
        ),
        Column(
            "linked_regions", List(Str), "aggregator.Regions", doc="As specified or excepted by the mode."
        ),
    ),
)

TABLES = (region,)
