"""Collects and judges a scan once more out of its evidence, and compares the outcome with what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall import __version__
from partywall.errors import UserError
from partywall.evidence.replay import EvidenceTransport
from partywall.findings.model import VERDICT_NAMES, Verdict
from partywall.lake.engine import connect, explained
from partywall.lake.snapshot import DataDirectory, Manifest, write_manifest
from partywall.lake.source import literal, quote

if TYPE_CHECKING:
    import duckdb

    from partywall.aws.answers import CallRecord
    from partywall.aws.caller import Caller


@dataclass(frozen=True, slots=True)
class Performed:
    """A scan performed again: where, which of its checks are not known here, which calls had no evidence."""

    directory: Path
    unknown: list[str]
    missing: list[str]


def perform(
    directory: Path,
    manifest: Manifest,
    params: Mapping[str, Mapping[str, Any]],
    checks_dirs: Sequence[Path],
    folder: Path,
) -> Performed:
    """Performs a scan again in `folder`, by the same plan, at the same time, and with the same parameters.

    Raises UserError where its evidence cannot be read.
    """
    from partywall.config import Config
    from partywall.lake.writer import ScanWriter
    from partywall.scan import Checks, Scan, Selection, judge_scan, load_checks

    loaded = load_checks(Selection(), Config(params={k: dict(v) for k, v in params.items()}), checks_dirs)
    wanted = set(manifest.checks)
    chosen = [c for c in loaded.chosen if c.check.id in wanted]
    unknown = sorted(wanted - {c.check.id for c in chosen})
    data = DataDirectory(folder)
    target = data.partial(manifest.id)
    mine = replace(manifest, version=__version__, complete=False, finished_at=None)
    write_manifest(target, mine)
    with explained(directory):
        transport = EvidenceTransport(directory, folder / "answers.db")
    scan = Scan(
        data,
        [_identity(a) for a in manifest.accounts],
        Selection(),
        Checks(chosen, loaded.loaded),
        Config(),
        transport,
        resume=manifest.id,
        caller=_unhurried(transport),
        evidence=False,
    )

    async def collect(writer: ScanWriter) -> None:
        try:
            await scan.collect(writer)
        finally:
            await transport.close()

    writer = ScanWriter(target)
    try:
        asyncio.run(collect(writer))
        writer.close()
    except BaseExceptionGroup as group:
        raise UserError(f"the scan cannot be performed again: {group.exceptions[0]}") from group
    finally:
        writer.release()
    write_manifest(target, replace(mine, complete=True, finished_at=manifest.finished_at))
    judge_scan(target, chosen, params)
    return Performed(target, unknown, transport.missing)


def differences(stored: Path, again: Path, without: Sequence[str] = ()) -> tuple[list[tuple[str, str]], int]:
    """What differs between the verdicts of a scan and those judged again: (where, what), and how many agree.

    Listings are compared too, as one that was not answered makes verdicts unknown. Checks in `without` were
    not judged again.
    """
    found: list[tuple[str, str]] = []
    compared = 0
    connection = connect()
    try:
        with explained(stored):
            found += _listings(connection, stored, again)
        names = {p.name for d in (stored, again) for p in (d / "verdicts").glob("*.parquet")}
        for name in sorted(names):
            ours, theirs = stored / "verdicts" / name, again / "verdicts" / name
            if not ours.exists() or not theirs.exists():
                lacking = "are stored but do not come out" if ours.exists() else "come out but are not stored"
                found.append((f"verdicts/{name}", f"the verdicts on this table {lacking} of the evidence"))
                continue
            try:
                with explained(stored):
                    differing, same = _verdicts(connection, ours, theirs, without)
            except UserError as error:
                found.append((f"verdicts/{name}", str(error)))
                continue
            found += differing
            compared += same
    finally:
        connection.close()
    return found, compared


def _listings(connection: duckdb.DuckDBPyConnection, stored: Path, again: Path) -> list[tuple[str, str]]:
    keys = "table_name, account_id, region, parent_arn, operation"
    sides = [
        f"SELECT {keys}, list_sort(list(outcome)) AS outcome, sum(row_count) AS n"
        f" FROM read_parquet({literal(str(d / 'collection.parquet'))}) GROUP BY ALL"
        for d in (stored, again)
    ]
    rows = connection.execute(
        f"SELECT s.*, a.* FROM ({sides[0]}) s FULL JOIN ({sides[1]}) a"
        " ON s.table_name = a.table_name AND s.account_id = a.account_id AND s.region = a.region"
        " AND s.parent_arn IS NOT DISTINCT FROM a.parent_arn"
        " AND s.operation IS NOT DISTINCT FROM a.operation"
        " WHERE s.outcome IS DISTINCT FROM a.outcome OR s.n IS DISTINCT FROM a.n ORDER BY ALL"
    ).fetchall()
    told: list[tuple[str, str]] = []
    for row in rows:
        ours, theirs = row[:7], row[7:]
        table, account, region = (ours if ours[0] is not None else theirs)[:3]
        one, other = (f"{r[5]} with {r[6]} rows" if r[0] is not None else "not there" for r in (ours, theirs))
        told.append(
            (f"listing of {table} in {account} {region}", f"is stored as {one}; comes out as {other}")
        )
    return told


def _verdicts(
    connection: duckdb.DuckDBPyConnection, stored: Path, again: Path, without: Sequence[str]
) -> tuple[list[tuple[str, str]], int]:
    """The verdicts of one table that differ, and how many were compared."""
    keys = ("_row", "account_id", "region", "arn", "name")
    columns = [_columns(connection, path) for path in (stored, again)]
    table = stored.stem
    told = [
        (f"{check} (verdicts/{stored.name})", "is stored but was not judged again")
        for check in sorted(columns[0] - columns[1] - set(without))
    ]
    told += [
        (f"{check} (verdicts/{stored.name})", "was judged again but is not stored")
        for check in sorted(columns[1] - columns[0])
    ]
    both = sorted((columns[0] & columns[1]) - set(keys))
    if not both:
        return told, 0
    listed = ", ".join(map(quote, both))
    sides = [
        "SELECT check_id, account_id, region, coalesce(arn, '') AS arn, list_sort(list(verdict)) AS verdicts"
        f" FROM (UNPIVOT read_parquet({literal(str(path))}) ON {listed} INTO NAME check_id VALUE verdict)"
        " GROUP BY ALL"
        for path in (stored, again)
    ]
    rows = connection.execute(
        f"SELECT check_id, account_id, region, arn, s.verdicts, a.verdicts FROM ({sides[0]}) s"
        f" FULL JOIN ({sides[1]}) a USING (check_id, account_id, region, arn)"
        " WHERE s.verdicts IS DISTINCT FROM a.verdicts ORDER BY ALL"
    ).fetchall()
    for check, account, region, arn, one, other in rows:
        where = f"{check} on {arn or table} in {account} {region}"
        told.append((where, f"is stored as {_named(one)}; the evidence gives {_named(other)}"))
    count = connection.execute(f"SELECT count(*) FROM read_parquet({literal(str(stored))})").fetchone()
    assert count is not None
    return told, count[0] * len(both)


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> set[str]:
    sql = f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})"
    return {row[0] for row in connection.execute(sql).fetchall()}


def _named(verdicts: list[int] | None) -> str:
    if not verdicts:
        return "nothing"
    return ", ".join(VERDICT_NAMES[Verdict(v)] for v in dict.fromkeys(verdicts))


def _identity(account: Mapping[str, str]) -> Any:
    from partywall.aws.credentials import Credentials, Identity, StaticProvider

    number = account["account_id"]
    nobody = Credentials("none", "none", account_id=number)
    return Identity(number, account["principal"], account["partition"], StaticProvider(nobody))


def _unhurried(transport: EvidenceTransport) -> Callable[[Callable[[CallRecord], None]], Caller]:
    """A maker of callers that neither wait nor hold back: nobody is asked but a file."""

    async def no_wait(_seconds: float) -> None:
        await asyncio.sleep(0)

    def make(log: Callable[[CallRecord], None]) -> Caller:
        from partywall.aws.caller import Caller
        from partywall.aws.limits import Limit, RateGovernor

        governor = RateGovernor(limits={}, default=Limit(1e9, 1e9, 1000), sleep=no_wait)
        return Caller(transport, governor, log, sleep=no_wait)

    return make
