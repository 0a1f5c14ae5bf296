"""AWS Resource Explorer: the indexes that find resources across Regions."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Enum, Relation, Single, Str, Table

index = Table(
    "resourceexplorer2_index",
    service="resourceexplorer2",
    scope="global",
    resource_type="AWS::ResourceExplorer2::Index",
    doc="An index of a Region's resources; one of them may gather those of all Regions.",
    rows=Call("resource-explorer-2:ListIndexes", at="Indexes"),
    arn="Arn",
    columns=(
        Column("region", Str, "Region", doc="The Region that it indexes."),
        Column("index_type", Enum("LOCAL", "AGGREGATOR"), "Type"),
    ),
)

account = Table(
    "resourceexplorer2_account",
    service="resourceexplorer2",
    scope="global",
    resource_type="AWS::::Account",
    doc="Resource Explorer in the account, one row.",
    rows=Single(),
    arn="arn:{partition}:resource-explorer-2::{account_id}:account",
    title="Resource Explorer of {account_id}",
    columns=(),
    relations=(
        Relation(
            "indexes",
            "resourceexplorer2_index",
            ("name", "index_type"),
            {"account_id": "account_id"},
            doc="The indexes of all Regions.",
        ),
    ),
)

TABLES = (index, account)
