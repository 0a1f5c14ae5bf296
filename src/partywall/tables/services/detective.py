"""Amazon Detective: behaviour graphs with their data sources."""

from __future__ import annotations

from typing import Any

from partywall.tables.spec import Call, Column, List, Relation, Single, Str, Table, Timestamp


def started(packages: dict[str, Any]) -> list[str]:
    """The data source packages that are being read."""
    return sorted(k for k, v in packages.items() if v.get("DatasourcePackageIngestState") == "STARTED")


graph = Table(
    "detective_graph",
    service="detective",
    scope="regional",
    resource_type="AWS::Detective::Graph",
    doc="A behaviour graph that the account administers.",
    rows=Call("detective:ListGraphs", at="GraphList"),
    arn="Arn",
    tags="tagging.Tags",
    calls={
        "tagging": Call("detective:ListTagsForResource", {"ResourceArn": "graph_arn"}),
        "packages": Call("detective:ListDatasourcePackages", {"GraphArn": "graph_arn"}),
    },
    columns=(
        Column("graph_arn", Str, "Arn"),
        Column("created_at", Timestamp, "CreatedTime"),
        Column(
            "data_sources",
            List(Str),
            "packages.DatasourcePackages",
            doc="DETECTIVE_CORE, EKS_AUDIT, ASFF_SECURITYHUB_FINDING.",
            fn=started,
        ),
    ),
)

region = Table(
    "detective_region",
    service="detective",
    scope="regional",
    resource_type="AWS::::Account",
    doc="Detective in a Region of the account, one row, whether or not it is in use.",
    rows=Single(),
    arn="arn:{partition}:detective:{region}:{account_id}:region",
    title="Detective in {region}",
    calls={"invitations": Call("detective:ListInvitations")},
    columns=(
        Column(
            "membership_states",
            List(Str),
            "invitations.Invitations[].Status",
            doc="The account's states in the graphs of other accounts; ENABLED: it takes part.",
        ),
    ),
    relations=(
        Relation(
            "graphs",
            "detective_graph",
            ("name",),
            {"account_id": "account_id", "region": "region"},
            doc="The graphs that the account administers.",
        ),
        Relation(
            "detectors",
            "guardduty_detector",
            ("is_enabled",),
            {"account_id": "account_id", "region": "region"},
            doc="GuardDuty's detector in the Region; Detective works on its findings.",
        ),
    ),
)

TABLES = (graph, region)
