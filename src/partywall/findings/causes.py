"""Which call is to blame for an unknown finding, where its own row does not say: that of a related table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from partywall.checks.loader import CompiledCheck
from partywall.lake.engine import FAILED_LISTING, Lake
from partywall.lake.source import literal
from partywall.tables import schema
from partywall.tables.mapping import path_call
from partywall.tables.registry import all_tables
from partywall.tables.spec import Relation, Table

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS: Final = ("operation", "region", "outcome", "code", "denied_by")
Cause = tuple[str, str, str, str, str]
_NOT_SCANNED: Final[Cause] = ("", "", "", "RegionNotScanned", "")
_NOT_TOLD: Final[Cause] = ("", "", "ok", "NotInAnswer", "")


class _Related:
    """The failed calls of one table, by account and Region: those that fill some columns, or all for none."""

    def __init__(self, lake: Lake, name: str, columns: Collection[str]) -> None:
        self.causes: dict[tuple[str, str], Cause] = {}
        table = all_tables()[name]
        if lake.source.files(name):
            stored = lake.source.stored(table, ["account_id", "region", "_failed"])
            made = _calls(table, columns) if columns else {*table.calls, "rows"}
            calls = ", ".join(map(literal, sorted(made)))
            rows = lake.execute(
                f"SELECT account_id, region, f.operation, f.region, f.outcome, f.code, f.denied_by FROM"
                f" (SELECT account_id, region, unnest(_failed) AS f FROM ({stored}))"
                f" WHERE f.call IN ({calls})"
            ).fetchall()
            self._add(rows)
        self._add(
            lake.execute(
                "SELECT c.account_id, c.region, c.operation, c.call_region, c.outcome, c.error_code,"
                f" c.denied_by FROM ({lake.sql_of('collection')}) c"
                f" WHERE c.table_name = {literal(name)} AND {FAILED_LISTING}"
            ).fetchall()
        )

    def _add(self, rows: list[tuple[str, ...]]) -> None:
        for account, region, *cause in rows:
            found: Any = tuple(part or "" for part in cause)
            self.causes[(account, region)] = found
            self.causes[(account, "")] = found
            self.causes[("", "")] = found

    def find(self, account: str, region: str, *, same_region: bool) -> Cause | None:
        keys = [(account, region), (account, "global")]
        if not same_region:
            keys += [(account, "")]
        return next((self.causes[k] for k in keys if k in self.causes), None)


def _calls(table: Table, columns: Iterable[str]) -> set[str]:
    """The per-row calls that fill the columns, and "rows" for what the listing itself tells."""
    calls = {"rows"}
    for name in columns:
        column = schema.column(table, name.removesuffix("_facts")) or schema.column(table, name)
        path = table.tags if name == "tags" else column.path if column is not None else ""
        calls.add(path_call(table, path) or "rows")
    return calls


def blame(lake: Lake, checks: Mapping[str, CompiledCheck], findings: pa.Table) -> pa.Table:
    """Fills the `unknown_*` columns of unknown findings that name no call yet."""
    import pyarrow as pa

    told = zip(
        *(findings[n].to_pylist() for n in ("status", "unknown_code", "unknown_operation")), strict=True
    )
    indices = [i for i, row in enumerate(told) if row == ("unknown", "", "")]
    if not indices:
        return findings
    columns = {n: findings[f"unknown_{n}"].to_pylist() for n in _COLUMNS}
    ids, accounts, regions = (findings[n].to_pylist() for n in ("check_id", "account_id", "region"))
    related: _Memo = {}
    for i in indices:
        cause = _cause(lake, checks[ids[i]], accounts[i], regions[i], related)
        for name, value in zip(_COLUMNS, cause, strict=True):
            columns[name][i] = value
    for name in _COLUMNS:
        at = findings.schema.get_field_index(f"unknown_{name}")
        findings = findings.set_column(at, f"unknown_{name}", pa.array(columns[name], pa.string()))
    return findings


_Memo = dict[tuple[str, tuple[str, ...]], _Related]


def _cause(lake: Lake, check: CompiledCheck, account: str, region: str, memo: _Memo) -> Cause:
    relations = [r for r in check.table.relations if r.name in check.columns]
    for exact in (True, False):
        for relation in relations:
            found = _of_relation(lake, relation, account, region, memo, exact=exact)
            if found is not None:
                return found
    return _NOT_SCANNED if any(map(_regional, relations)) else _NOT_TOLD


def _regional(relation: Relation) -> bool:
    """Whether rows that the relation joins may be in Regions that the scan left out."""
    other = all_tables()[relation.table]
    further = [r for r in other.relations if r.name in relation.columns]
    return other.scope == "regional" or any(map(_regional, further))


def _of_relation(
    lake: Lake, relation: Relation, account: str, region: str, memo: _Memo, *, exact: bool
) -> Cause | None:
    """The call to blame for an unknown relation; `exact`: one that fills its columns, else any of its table.

    A call that fails only because another one did is not to blame.
    """
    other = all_tables()[relation.table]
    read = {*relation.columns, *(theirs.removesuffix("[]") for theirs in relation.on.values())}
    columns = tuple(sorted(read)) if exact else ()
    key = (relation.table, columns)
    if key not in memo:
        memo[key] = _Related(lake, relation.table, columns)
    same = relation.on.get("region") == "region"
    found = memo[key].find(account, region, same_region=same)
    if found is not None:
        return found
    for further in other.relations:
        if further.name in relation.columns:
            found = _of_relation(lake, further, account, region, memo, exact=exact)
            if found is not None:
                return found
    return None
