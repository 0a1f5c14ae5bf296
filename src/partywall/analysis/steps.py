"""Analysis after collection: derives what SQL cannot say, into tables of the scan's own directory."""

from __future__ import annotations

from pathlib import Path

from partywall.analysis.policy import FACTS, facts_table
from partywall.lake.engine import Lake
from partywall.lake.source import quote
from partywall.lake.writer import write_error
from partywall.tables.registry import all_tables
from partywall.tables.types import PolicyType


def policy_facts(lake: Lake) -> None:
    """Reads every policy document once per owner account into `derived/policy_facts_KIND.parquet`.

    Columns: policy, account_id, facts (the struct of `FACTS[kind]`, NULL for a malformed document).
    """
    sources: dict[str, list[str]] = {}
    for table in all_tables().values():
        if not lake.source.files(table.name):
            continue
        for column in table.columns:
            if isinstance(column.type, PolicyType):
                stored = lake.source.stored(table, ["account_id", column.name])
                sources.setdefault(column.type.kind, []).append(
                    f"SELECT account_id, {quote(column.name)} AS policy FROM ({stored})"
                )
    for kind in FACTS:
        if kind not in sources:
            continue
        union = " UNION ".join(sources[kind])
        found = lake.execute(f"SELECT account_id, policy FROM ({union}) WHERE policy IS NOT NULL").fetchall()
        if found:
            _write(lake.directory / "derived" / f"policy_facts_{kind}.parquet", kind, found)


def _write(path: Path, kind: str, found: list[tuple[str, str]]) -> None:
    import pyarrow.parquet

    table = facts_table([(policy, account) for account, policy in found], kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(table, path, compression="zstd")
    except OSError as error:
        raise write_error(path, error) from error
