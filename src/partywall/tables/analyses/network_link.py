"""What joins VPCs: peering connections and transit gateway route tables, with whom they let through."""

from __future__ import annotations

from partywall.analysis.network.scan_tables import INPUTS
from partywall.tables.spec import Analysis, Column, Enum, Field, List, Str, Struct, Table

link = Table(
    "network_link",
    service="vpc",
    scope="regional",
    doc="Each active peering connection and each transit gateway route table, as each account lists it: "
    "between which VPCs its routes lead packets, and whose address blocks overlap.",
    rows=Analysis(
        build="partywall.analysis.network.joins:links",
        inputs=INPUTS,
        rows_from=("vpc_peering_connection", "vpc_transit_gateway_route_table"),
    ),
    arn="",
    columns=(
        Column("kind", Enum("peering", "transit-gateway-route-table"), ""),
        Column("link_id", Str, "", doc="The peering connection, or the route table's transit gateway."),
        Column(
            "joins",
            List(
                Struct(
                    Field("from_vpc", Str, "from_vpc"),
                    Field("from_account", Str, "from_account"),
                    Field("from_environment", Str, "from_environment"),
                    Field("to_vpc", Str, "to_vpc"),
                    Field("to_account", Str, "to_account"),
                    Field("to_environment", Str, "to_environment"),
                )
            ),
            "",
            doc="Pairs of VPCs by the routes: by those of the sender's route tables over a peering; by "
            "association and routes in a transit gateway. Environments by the VPCs' tags: empty where none "
            "says, or where the account was not scanned. A NULL element: perhaps more.",
        ),
        Column(
            "overlaps",
            List(
                Struct(
                    Field("one_vpc", Str, "one_vpc"),
                    Field("other_vpc", Str, "other_vpc"),
                    Field("block", Str, "block"),
                )
            ),
            "",
            doc="Pairs of VPCs that are reached side by side and have addresses in common.",
        ),
    ),
)

TABLES = (link,)
