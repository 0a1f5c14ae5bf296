"""AWS Security Hub CSPM: the hub in each Region with its standards, and where findings come together."""

from __future__ import annotations

from typing import Final

from partywall.tables.spec import Bool, Call, Column, Field, List, Relation, Single, Str, Struct, Table

# Where Security Hub is off, its operations answer with this code; a denial by policy has another one
# (AccessDeniedException).
_OFF: Final = ("InvalidAccessException",)

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
        "standards": Call("securityhub:GetEnabledStandards", absent=_OFF),
        "products": Call(
            "securityhub:ListEnabledProductsForImport",
            absent=_OFF,
        ),
        "administrator": Call(
            "securityhub:GetAdministratorAccount",
            absent=(*_OFF, "ResourceNotFoundException"),
            at="Administrator",
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
    ),
)

aggregator = Table(
    "securityhub_finding_aggregator",
    service="securityhub",
    scope="regional",
    resource_type="AWS::SecurityHub::FindingAggregator",
    doc="Brings the findings of other Regions into one; listed in its home Region.",
    rows=Call("securityhub:ListFindingAggregators", at="FindingAggregators", absent=_OFF),
    arn="FindingAggregatorArn",
    calls={
        "aggregator": Call("securityhub:GetFindingAggregator", {"FindingAggregatorArn": "aggregator_arn"}),
    },
    columns=(
        Column("aggregator_arn", Str, "FindingAggregatorArn"),
        Column("aggregation_region", Str, "aggregator.FindingAggregationRegion", ""),
        Column(
            "region_linking_mode",
            Str,
            "aggregator.RegionLinkingMode",
            "",
            doc="ALL_REGIONS, ALL_REGIONS_EXCEPT_SPECIFIED, SPECIFIED_REGIONS, NO_REGIONS.",
        ),
        Column("regions", List(Str), "aggregator.Regions"),
    ),
)

account = Table(
    "securityhub_account",
    service="securityhub",
    scope="global",
    resource_type="AWS::::Account",
    doc="Security Hub in all Regions of the account, one row.",
    rows=Single(),
    arn="arn:{partition}:securityhub::{account_id}:account",
    title="Security Hub of {account_id}",
    columns=(),
    relations=(
        Relation(
            "hubs",
            "securityhub_region",
            ("region", "is_enabled"),
            {"account_id": "account_id"},
            doc="Each Region, with whether Security Hub is on.",
        ),
        Relation(
            "aggregators",
            "securityhub_finding_aggregator",
            ("region", "aggregation_region", "region_linking_mode"),
            {"account_id": "account_id"},
            doc="The finding aggregators.",
        ),
    ),
)

TABLES = (region, aggregator, account)
