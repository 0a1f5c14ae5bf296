"""How checks stood over a time and not only today: what held how long, what was not seen, samples."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.errors import UserError
from partywall.findings.model import Verdict
from partywall.lake.engine import FAILED_LISTING, connect, explained
from partywall.lake.snapshot import DataDirectory, Manifest, read_manifest
from partywall.lake.source import literal, quote

if TYPE_CHECKING:
    import duckdb

UNOBSERVED: Final = "unobserved"
_KEYS: Final = ("_row", "account_id", "region", "arn", "name")


@dataclass(frozen=True, slots=True)
class Observation:
    """A scan in or shortly before a period."""

    scan: str
    at: datetime
    directory: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Timeline:
    """How something (a check, a requirement) stood in one account over a period.

    `days` has the days in each state, and in "unobserved"; they sum to the length of the period so far.
    `changes` are (time, state before, state after); `first` and `last` the scans that looked.
    """

    subject: str
    account_id: str
    scans: int
    first: str
    last: str
    at_start: str
    at_end: str
    changes: tuple[tuple[datetime, str, str], ...]
    days: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Period:
    """A time from the first day's begin to the last day's end (UTC), and the scans that speak of it.

    A scan speaks of the `gap_days` after it at most: what lies beyond, until the next one, is unobserved.
    """

    first: date
    last: date
    gap_days: int
    observations: tuple[Observation, ...]
    end: datetime
    """The last day's end, or now where that is earlier: of the future nothing is said."""

    @property
    def begin(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def inside(self) -> list[Observation]:
        """The scans within the period."""
        return [o for o in self.observations if o.at >= self.begin]

    def accounts(self) -> list[str]:
        """The accounts that any of its scans looked at."""
        return sorted({a["account_id"] for o in self.observations for a in o.manifest.accounts})

    def gaps(self, account: str) -> list[tuple[datetime, datetime]]:
        """The times within the period that no scan of the account speaks of."""
        scans = [o for o in self.observations if _has(o, account)]
        return self.unobserved([o.at for o in scans])

    def unobserved(self, times: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
        """The times within the period that are further than `gap_days` after the last of these."""
        reach = timedelta(days=self.gap_days)
        found: list[tuple[datetime, datetime]] = []
        covered = self.begin
        for at in [*times, self.end]:
            if covered < min(at, self.end):
                found.append((covered, min(at, self.end)))
            covered = max(covered, min(at + reach, self.end))
        return found


def open_period(
    data: DataDirectory, first: date, last: date, gap_days: int = 7, now: datetime | None = None
) -> Period:
    """The scans of a data directory that speak of a period. Raises UserError for an empty one.

    Scans that cannot be read count as not made: what they saw is unobserved.
    """
    if last < first:
        raise UserError(f"the period would end ({last}) before it begins ({first})")
    begin = datetime.combine(first, time(), UTC)
    if gap_days < 1:
        raise UserError("a scan speaks of one day at least: give --gap 1 or more")
    end = min(datetime.combine(last, time(), UTC) + timedelta(days=1), now or datetime.now(UTC))
    if end <= begin:
        raise UserError(f"the period begins on {first}, which is yet to come")
    found: list[Observation] = []
    for name in data.published():
        try:
            manifest = read_manifest(data.scans / name)
        except UserError:
            continue
        at = manifest.started_at.astimezone(UTC)
        if begin - timedelta(days=gap_days) <= at < end:
            found.append(Observation(name, at, data.scans / name, manifest))
    if not found:
        raise UserError(f"no scan in {data.path} speaks of the time from {first} to {last}")
    return Period(first, last, gap_days, tuple(sorted(found, key=lambda o: o.at)), end)


def timeline(
    period: Period, subject: str, account: str, states: Sequence[tuple[Observation, str]]
) -> Timeline:
    """The timeline of one subject from the states that scans saw, in order of time."""
    reach = timedelta(days=period.gap_days)
    days: dict[str, float] = {}
    changes: list[tuple[datetime, str, str]] = []
    steps = [(o.at, state) for o, state in states]

    def spend(state: str, since: datetime, until: datetime) -> None:
        length = (min(until, period.end) - max(since, period.begin)).total_seconds() / 86400
        if length > 0:
            days[state] = days.get(state, 0.0) + length

    spend(UNOBSERVED, period.begin, steps[0][0] if steps else period.end)
    for i, (at, state) in enumerate(steps):
        until = steps[i + 1][0] if i + 1 < len(steps) else period.end
        spend(state, at, min(until, at + reach))
        spend(UNOBSERVED, at + reach, until)
        if i and steps[i - 1][1] != state and at >= period.begin:
            changes.append((at, steps[i - 1][1], state))
    inside = [o for o, _ in states if o.at >= period.begin]
    return Timeline(
        subject,
        account,
        len(inside),
        inside[0].scan if inside else "",
        inside[-1].scan if inside else "",
        _state_at(steps, period.begin, reach),
        _state_at(steps, period.end, reach),
        tuple(changes),
        {state: round(length, 6) for state, length in sorted(days.items())},
    )


def check_timelines(period: Period, checks: Collection[str] | None = None) -> list[Timeline]:
    """How each check stood in each account over the period, by the verdicts that its scans stored.

    A check fails in a scan where any resource does, is unknown where none fails and any is or a listing was
    not answered, passes where all that it applies to pass, and is not applicable where there is nothing.
    """
    seen: dict[tuple[str, str], list[tuple[Observation, str]]] = {}
    connection = connect()
    try:
        for observation in period.observations:
            with explained(observation.directory):
                states = _check_states(connection, observation, checks)
            for (check, account), state in states.items():
                seen.setdefault((check, account), []).append((observation, state))
    finally:
        connection.close()
    return [timeline(period, check, account, states) for (check, account), states in sorted(seen.items())]


def sample(
    period: Period, size: int, seed: str, checks: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """At most `size` resources for each check, drawn from all that its scans in the period judged.

    Drawn by the order of the sha256 of seed, check, account, Region and ARN: the same seed over the same
    scans gives the same resources, and anybody can draw them again. Keys: check_id, position, population,
    account_id, region, resource_arn, resource_name, scans, failed_scans, unknown_scans, last_scan,
    last_verdict, draw (the sha256).
    """
    if size < 1:
        raise UserError("a sample has one resource at least")
    found: list[dict[str, Any]] = []
    connection = connect()
    try:
        for _, parts in sorted(_verdict_files(period.inside).items()):
            columns = _unpivoted(connection, [path for _, path in parts], checks)
            if not columns:
                continue
            scans = ", ".join(f"({literal(str(path))}, {literal(o.scan)})" for o, path in parts)
            listed = ", ".join(literal(str(path)) for _, path in parts)
            sql = f"""
            WITH rows AS (
              SELECT check_id, account_id, region, coalesce(arn, '') AS arn, name, verdict, s.scan
              FROM (UNPIVOT (SELECT * EXCLUDE (_row), filename AS _file
                             FROM read_parquet([{listed}], union_by_name = true, filename = true))
                    ON {", ".join(map(quote, columns))} INTO NAME check_id VALUE verdict) v
              JOIN (VALUES {scans}) s(file, scan) ON s.file = v._file
              WHERE verdict IN ({Verdict.PASS:d}, {Verdict.FAIL:d}, {Verdict.UNKNOWN:d})),
            resources AS (
              SELECT check_id, account_id, region, arn AS resource_arn, max(name) AS resource_name,
                count(DISTINCT scan) AS scans,
                count(DISTINCT scan) FILTER (verdict = {Verdict.FAIL:d}) AS failed_scans,
                count(DISTINCT scan) FILTER (verdict = {Verdict.UNKNOWN:d}) AS unknown_scans,
                max(scan) AS last_scan, arg_max(verdict, scan) AS last_verdict,
                sha256(concat_ws(chr(31), ?, check_id, account_id, region, arn)) AS draw
              FROM rows GROUP BY check_id, account_id, region, arn)
            SELECT check_id, row_number() OVER drawn AS position,
              count(*) OVER (PARTITION BY check_id) AS population, * EXCLUDE (check_id)
            FROM resources
            WINDOW drawn AS (PARTITION BY check_id ORDER BY draw, resource_name) QUALIFY position <= ?
            ORDER BY check_id, position"""
            with explained(parts[-1][0].directory):
                result = connection.execute(sql, [seed, size])
                names = [d[0] for d in result.description or ()]
                rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
            for row in rows:
                row["last_verdict"] = Verdict(row["last_verdict"]).name.lower()
            found += rows
    finally:
        connection.close()
    return sorted(found, key=lambda r: (r["check_id"], r["position"]))


def _check_states(
    connection: duckdb.DuckDBPyConnection, observation: Observation, checks: Collection[str] | None
) -> dict[tuple[str, str], str]:
    """(check, account) -> how the check stands in one scan, for every check of the scan."""
    from partywall.checks.loader import catalogue

    directory, manifest = observation.directory, observation.manifest
    wanted = [c for c in manifest.checks if checks is None or c in checks]
    accounts = [a["account_id"] for a in manifest.accounts]
    counts: dict[tuple[str, str], dict[int, int]] = {}
    for path in sorted((directory / "verdicts").glob("*.parquet")):
        columns = _unpivoted(connection, [path], set(wanted))
        if not columns:
            continue
        rows = connection.execute(
            f"SELECT check_id, account_id, verdict, count(*) FROM (UNPIVOT read_parquet({literal(str(path))})"
            f" ON {', '.join(map(quote, columns))} INTO NAME check_id VALUE verdict) GROUP BY ALL"
        ).fetchall()
        for check, account, verdict, count in rows:
            counts.setdefault((check, account), {})[verdict] = count
    collection = literal(str(directory / "collection.parquet"))
    listed = connection.execute(
        f"SELECT table_name, account_id, bool_or({FAILED_LISTING}) FROM read_parquet({collection}) c"
        " GROUP BY ALL"
    ).fetchall()
    failed = {(table, account): bool(gone) for table, account, gone in listed}
    known = {check.check.id: check.check.table for check in catalogue().values()}
    found: dict[tuple[str, str], str] = {}
    for check in wanted:
        for account in accounts:
            tally = counts.get((check, account), {})
            table = known.get(check)
            # A listing that failed, or that nobody tells of, leaves open what is there.
            unanswered = table is not None and failed.get((table, account), True)
            found[(check, account)] = _state(tally, unanswered or (table is None and not tally))
    return found


def _state(tally: Mapping[int, int], unanswered: bool) -> str:
    if tally.get(Verdict.FAIL):
        return "fail"
    if tally.get(Verdict.UNKNOWN) or unanswered:
        return "unknown"
    return "pass" if tally.get(Verdict.PASS) else "not_applicable"


def _verdict_files(observations: Sequence[Observation]) -> dict[str, list[tuple[Observation, Path]]]:
    found: dict[str, list[tuple[Observation, Path]]] = {}
    for observation in observations:
        for path in sorted((observation.directory / "verdicts").glob("*.parquet")):
            found.setdefault(path.name, []).append((observation, path))
    return found


def _unpivoted(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], checks: Collection[str] | None
) -> list[str]:
    """The check columns of verdict files, the wanted ones."""
    listed = ", ".join(literal(str(p)) for p in paths)
    sql = f"DESCRIBE SELECT * FROM read_parquet([{listed}], union_by_name = true)"
    names = [row[0] for row in connection.execute(sql).fetchall()]
    return [n for n in names if n not in _KEYS and (checks is None or n in checks)]


def _state_at(steps: Sequence[tuple[datetime, str]], moment: datetime, reach: timedelta) -> str:
    place = bisect_right([at for at, _ in steps], moment) - 1
    if place < 0 or steps[place][0] + reach < moment:
        return UNOBSERVED
    return steps[place][1]


def _has(observation: Observation, account: str) -> bool:
    return any(a["account_id"] == account for a in observation.manifest.accounts)
