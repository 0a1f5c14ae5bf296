"""What the user said may, must and must not reach what, and how it stands."""

from __future__ import annotations

from partywall.analysis.network.scan_tables import INPUTS
from partywall.tables.spec import Analysis, Bool, Column, Enum, Field, Int, List, Str, Struct, Table

intent = Table(
    "network_intent",
    service="vpc",
    scope="global",
    doc="Each intent that the scan was given (`--intents`, or `intents` in partywall.yaml), and whether the "
    "network keeps it. An intent spans accounts: it stands with the first of those scanned.",
    rows=Analysis(
        build="partywall.analysis.network.intent_table:intents",
        inputs={**INPUTS, "ec2_instance": ("instance_id",)},
        # The file gives the rows, whatever AWS answers.
        rows_from=(),
    ),
    arn="",
    columns=(
        Column(
            "kind",
            Enum("no", "may", "must"),
            "",
            doc="no path, may reach (and nothing else may), must reach.",
        ),
        Column("source", Str, "", doc="As written."),
        Column("target", Str, "", doc="As written."),
        Column("ports", Str, "", doc="As written; empty: all."),
        Column("file", Str, ""),
        Column("line", Int, ""),
        Column("kept", Bool, "", doc="Whether the network is as the intent says."),
        Column("because", Str, "", doc="What breaches it, or why it is not known, in a sentence."),
        Column(
            "breaches",
            List(
                Struct(
                    Field("source", Str, "source"),
                    Field("source_account", Str, "source_account"),
                    Field("target", Str, "target"),
                    Field("target_account", Str, "target_account"),
                    Field("services", Str, "services"),
                    Field("alike", Int, "alike"),
                )
            ),
            "",
            doc="Pairs of places that breach it, with the protocols and ports that get through (nothing, for "
            "what must be reached), and how many further pairs are alike; the first 200.",
        ),
        Column(
            "path",
            List(Str),
            "",
            doc="The way of the first breach, hop by hop; for what must be reached, all that stops it.",
        ),
    ),
)

TABLES = (intent,)
