"""What each check found in each account, counted once for all frameworks: full populations or none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import msgspec

from partywall.checks.loader import CompiledCheck

if TYPE_CHECKING:
    from partywall.findings.exceptions import RiskException
    from partywall.lake.engine import Lake

NOT_JUDGED: Final = "not judged in this scan"


@dataclass(frozen=True, slots=True)
class Tally:
    """A check's verdicts over the resources of an account (or of several, added up)."""

    passes: int = 0
    fails: int = 0
    """Open: no exception in force covers them."""
    excepted: int = 0
    unknown: int = 0
    not_applicable: int = 0
    lacking: str = ""
    """Why its population is not known whole; "" where every listing answered."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.passes + other.passes,
            self.fails + other.fails,
            self.excepted + other.excepted,
            self.unknown + other.unknown,
            self.not_applicable + other.not_applicable,
            self.lacking or other.lacking,
        )

    @property
    def status(self) -> str:
        """fail, unknown, excepted, pass or not_applicable: the check as a whole, worst first."""
        if self.fails:
            return "fail"
        if self.unknown or self.lacking:
            return "unknown"
        if self.excepted:
            return "excepted"
        return "pass" if self.passes else "not_applicable"


_FROM_STATUS: Final = {
    "pass": "passes",
    "fail": "fails",
    "unknown": "unknown",
    "not_applicable": "not_applicable",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A check with the parameters that a framework sets for it (canonical JSON, "" for none)."""

    check: str
    params: str = ""

    @staticmethod
    def of(check: str, params: Mapping[str, Any]) -> Judged:
        """The key of a check and its parameters."""
        return Judged(
            check, msgspec.json.encode(dict(params), order="deterministic").decode() if params else ""
        )

    def overrides(self) -> dict[str, Any]:
        """The parameters again."""
        return msgspec.json.decode(self.params, type=dict[str, Any]) if self.params else {}


class Tallies:
    """Tallies by check and account. `all_accounts` are the scan's; what was not judged is lacking."""

    def __init__(self, found: Mapping[Judged, Mapping[str, Tally]], accounts: Sequence[str]) -> None:
        self._found = found
        self.accounts = list(accounts)
        self._lacking = Tally(lacking=NOT_JUDGED)

    def get(self, judged: Judged, account: str) -> Tally:
        """The tally of a check in an account, "*" for all accounts together."""
        by_account = self._found.get(judged)
        if by_account is None or not self.accounts:
            return self._lacking
        if account != "*":
            return by_account.get(account, self._lacking)
        total = Tally()
        for name in self.accounts:
            total += by_account.get(name, self._lacking)
        return total


def tally(
    lake: Lake,
    checks: Collection[CompiledCheck],
    wanted: Iterable[Judged],
    params: Mapping[str, Mapping[str, Any]],
    exceptions: Collection[RiskException] = (),
    *,
    scanned_only: bool = False,
) -> Tallies:
    """Counts the verdicts of every wanted check, in one pass over the stored verdicts.

    A check whose framework sets other parameters than those it was judged with is judged again. Enabled
    Regions that were not scanned leave a Regional check's population open, unless `scanned_only` declares
    them out of scope.
    """
    from partywall.checks.verdict import parameters
    from partywall.findings.assemble import counts

    known = {c.check.id: c for c in checks if c.check.id in set(lake.manifest.checks)}
    accounts = [a["account_id"] for a in lake.manifest.accounts]
    keys = [key for key in dict.fromkeys(wanted) if key.check in known]
    again = {
        key
        for key in keys
        if key.params
        and parameters(known[key.check], {**params.get(key.check, {}), **key.overrides()})
        != parameters(known[key.check], params.get(key.check))
    }
    plain = {key.check for key in keys if key not in again}
    tallies: dict[Judged, dict[str, dict[str, int]]] = {}
    base: dict[str, dict[str, dict[str, int]]] = {}
    counted = counts(lake, [known[i] for i in sorted(plain)])
    columns = [counted[n].to_pylist() for n in ("check_id", "account_id", "status", "count")]
    for check, account, status, count in zip(*columns, strict=True):
        mine = base.setdefault(check, {}).setdefault(account, {})
        mine[_FROM_STATUS[status]] = mine.get(_FROM_STATUS[status], 0) + count
    for key in keys:
        if key not in again:
            tallies[key] = base.get(key.check, {})
    tallies |= _judge_again(lake, known, again, params)
    for key, by_account in _excepted(lake, known, tallies, again, params, exceptions).items():
        tallies[key] = {
            account: {**found, "fails": found.get("fails", 0) - n, "excepted": n}
            if (n := by_account.get(account))
            else found
            for account, found in tallies[key].items()
        }
    open_places = _open_places(lake, scanned_only)
    return Tallies(
        {
            key: {
                account: Tally(
                    **tallies[key].get(account, {}),
                    lacking=open_places.get((known[key.check].check.table, account), ""),
                )
                for account in accounts
            }
            for key in keys
        },
        accounts,
    )


def _judge_again(
    lake: Lake,
    known: Mapping[str, CompiledCheck],
    again: Collection[Judged],
    params: Mapping[str, Mapping[str, Any]],
) -> dict[Judged, dict[str, dict[str, int]]]:
    """The tallies of checks under a framework's parameters: one query per table."""
    from partywall.checks.verdict import verdict_sql
    from partywall.findings.model import Verdict

    found: dict[Judged, dict[str, dict[str, int]]] = {key: {} for key in again}
    tables: dict[str, list[Judged]] = {}
    for key in sorted(again, key=lambda k: (k.check, k.params)):
        tables.setdefault(known[key.check].check.table, []).append(key)
    names = {Verdict.PASS: "passes", Verdict.FAIL: "fails", Verdict.UNKNOWN: "unknown"}
    names[Verdict.NOT_APPLICABLE] = "not_applicable"
    for table, keys in tables.items():
        if not lake.source.files(table):
            continue
        read = {"account_id", *(c for key in keys for c in known[key.check].columns)}
        source = lake.source.select(known[keys[0].check].table, sorted(read))
        verdicts = ", ".join(
            f"{verdict_sql(known[k.check], lake.manifest.started_at, _merged(k, params))} AS v{i}"
            for i, k in enumerate(keys)
        )
        tested = ", ".join(
            f"count(*) FILTER (v{i} = {int(verdict)})" for i in range(len(keys)) for verdict in names
        )
        rows = lake.execute(
            f"SELECT account_id, {tested} FROM (SELECT account_id, {verdicts} FROM ({source})) GROUP BY 1"
        ).fetchall()
        for account, *numbers in rows:
            for i, key in enumerate(keys):
                part = numbers[i * len(names) : (i + 1) * len(names)]
                found[key][account] = dict(zip(names.values(), part, strict=True))
    return found


def _merged(key: Judged, params: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {**params.get(key.check, {}), **key.overrides()}


def _excepted(
    lake: Lake,
    known: Mapping[str, CompiledCheck],
    tallies: Mapping[Judged, Mapping[str, Mapping[str, int]]],
    again: Collection[Judged],
    params: Mapping[str, Mapping[str, Any]],
    exceptions: Collection[RiskException],
) -> dict[Judged, dict[str, int]]:
    """Check -> account -> how many of its fails an exception in force covers."""
    from partywall.findings.exceptions import in_force

    now = lake.manifest.started_at
    valid = in_force(exceptions, now)[0]
    found: dict[Judged, dict[str, int]] = {}
    for key, by_account in tallies.items():
        mine = [e for e in valid if fnmatchcase(key.check, e.check)]
        if not mine or not any(counts.get("fails") for counts in by_account.values()):
            continue
        overrides = _merged(key, params) if key in again else params.get(key.check, {})
        for row in resources(lake, known[key.check], overrides, ("fail",), stored=key not in again):
            place = (row["account_id"] or "", row["region"] or "", row["resource_arn"] or "")
            if any(e.covers(key.check, *place) for e in mine):
                by_key = found.setdefault(key, {})
                by_key[row["account_id"]] = by_key.get(row["account_id"], 0) + 1
    return found


def resources(
    lake: Lake,
    check: CompiledCheck,
    overrides: Mapping[str, Any],
    statuses: Collection[str],
    *,
    stored: bool,
) -> list[dict[str, Any]]:
    """The resources that a check judged so: account_id, region, resource_arn, resource_name, status.

    `stored` reads the verdicts of the scan; otherwise the check is judged with `overrides`.
    """
    from partywall.checks.verdict import verdict_sql
    from partywall.findings.model import VERDICT_NAMES
    from partywall.findings.verdicts import KEYS, verdict_file
    from partywall.lake.source import literal, quote

    if not lake.source.files(check.check.table):
        return []
    keys = ", ".join(map(quote, KEYS))
    if stored:
        path = verdict_file(lake.directory, check.check.table)
        source = f"SELECT {keys}, {quote(check.check.id)} AS v FROM read_parquet({literal(str(path))})"
    else:
        rows = lake.source.select(check.table, sorted({*KEYS, *check.columns}))
        verdict = verdict_sql(check, lake.manifest.started_at, overrides)
        source = f"SELECT {keys}, {verdict} AS v FROM ({rows})"
    wanted = [int(v) for v, name in VERDICT_NAMES.items() if name in statuses]
    found = lake.execute(
        f"SELECT * FROM ({source}) WHERE v IN ({', '.join(map(str, wanted))}) ORDER BY ALL"
    ).fetchall()
    names = {int(v): name for v, name in VERDICT_NAMES.items()}
    return [
        {
            "account_id": account,
            "region": region,
            "resource_arn": arn,
            "resource_name": name,
            "status": names[v],
        }
        for account, region, arn, name, v in found
    ]


def _open_places(lake: Lake, scanned_only: bool) -> dict[tuple[str, str], str]:
    """(table, account) -> why the table's rows there are not known whole."""
    from partywall.lake.engine import INCOMPLETE
    from partywall.lake.source import literal
    from partywall.tables.registry import all_tables

    scanned = ", ".join(map(literal, lake.manifest.regions)) or "''"
    rows = lake.execute(
        "SELECT table_name, account_id, bool_or(region = '*'),"
        f" count(*) FILTER (region IN ({scanned})),"
        f" count(*) FILTER (region <> '*' AND region NOT IN ({scanned}))"
        f" FROM {INCOMPLETE} GROUP BY ALL"
    ).fetchall()
    found: dict[tuple[str, str], str] = {}
    tables = all_tables()
    for table, account, everywhere, failed, unscanned in rows:
        collected = table in lake.manifest.demand
        told = everywhere and collected and tables[table].scope != "global"
        if failed:
            found[(table, account)] = f"{table} was not listed in {_regions(failed)}"
        elif everywhere and not (told and scanned_only):
            found[(table, account)] = (
                "which Regions are enabled is not known" if told else f"{table} was not listed"
            )
        elif unscanned and not scanned_only:
            found[(table, account)] = f"{_regions(unscanned)} enabled and not scanned"
    return found


def _regions(count: int) -> str:
    return f"{count} Region{'s' if count > 1 else ''}"
