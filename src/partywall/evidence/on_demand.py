"""Tables of evidence for SQL: answers' rows, attestations, plans of action, AWS's reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.evidence.rows import BODY, evidence_files, evidence_schema
from partywall.lake.source import literal, quote

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

ON_DEMAND: Final[Mapping[str, str]] = {
    "evidence": "Each API call's kept answer: its hash, who asked, when, how many rows (without the answer).",
    "attestation": "What people stated of requirements, and how it stands today.",
    "poam_item": "Plans of action and milestones, and how they stand today.",
    "inherited_report": "AWS's compliance programmes: the report in Artifact, and how it stands today.",
}
_ATTESTATION: Final = (
    "id state framework requirement statement author reviewer effective:date valid_until:date"
    " recorded_at:time reviewed_at:time withdrawn_at:time accounts:list file_hashes:list"
)
_ITEM: Final = (
    "id state framework requirement finding check_id weakness owner due:date recorded_at:time"
    " closed_at:time closed_by milestones:list"
)
_REPORT: Final = (
    "programme state why report title period_start:date period_end:date bridge_needed:bool bridge"
)


def register(lake: Lake, data: Path, names: Collection[str]) -> None:
    """Puts the named ones of these tables on the lake's connection. Raises UserError for damaged records."""
    if "evidence" in names:
        files = evidence_files(lake.directory)
        columns = ", ".join(quote(n) for n in evidence_schema().names if n != BODY)
        if files:
            listed = ", ".join(literal(str(f)) for f in files)
            source = f"read_parquet([{listed}])"
        else:
            lake.connection.register("_no_evidence", evidence_schema().empty_table())
            source = "_no_evidence"
        lake.execute(f"CREATE OR REPLACE VIEW evidence AS SELECT {columns} FROM {source}")
    today = datetime.now(UTC).date()
    if "attestation" in names:
        from partywall.evidence.attestations import load, status

        _register(
            lake, "attestation", _ATTESTATION, [attestation_row(a, status(a, today)) for a in load(data)]
        )
    if "poam_item" in names:
        from partywall.evidence import poam

        _register(lake, "poam_item", _ITEM, [item_row(i, i.state(today)) for i in poam.load(data)])
    if "inherited_report" in names:
        from partywall.evidence.artifact import inherited

        found = inherited(lake, today).values()
        fields = [f.partition(":")[0] for f in _REPORT.split()]
        _register(lake, "inherited_report", _REPORT, [{n: getattr(i, n) for n in fields} for i in found])


def attestation_row(attestation: Any, state: str) -> dict[str, Any]:
    """An attestation as a flat row, with its state."""
    fields = [f.partition(":")[0] for f in _ATTESTATION.split()]
    row = {n: getattr(attestation, n) for n in fields if n not in ("state", "file_hashes")}
    files = [f"{f.sha256} {f.name}" for f in attestation.files]
    return {**row, "state": state, "file_hashes": files}


def item_row(item: Any, state: str) -> dict[str, Any]:
    """An item of a plan of action as a flat row, with its state."""
    fields = [f.partition(":")[0] for f in _ITEM.split()]
    row = {n: getattr(item, n) for n in fields if n not in ("state", "check_id", "milestones")}
    return {
        **row,
        "state": state,
        "check_id": item.check,
        "milestones": [f"{m.due} {m.what}" for m in item.milestones],
    }


def _register(lake: Lake, name: str, columns: str, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa

    kinds: dict[str, Any] = {
        "": pa.string(),
        "date": pa.date32(),
        "time": pa.timestamp("us", tz="UTC"),
        "bool": pa.bool_(),
        "list": pa.list_(pa.string()),
    }
    pairs = [field.partition(":") for field in columns.split()]
    schema = pa.schema([(column, kinds[kind]) for column, _, kind in pairs])
    lake.connection.register(name, pa.Table.from_pylist(rows, schema=schema))
