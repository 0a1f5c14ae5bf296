"""AWS's side, proven: reports in force, stale or in want of a bridge letter, and each account's BAA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from partywall.evidence.model import Agreement, Inherited
from partywall.evidence.programmes import Programme, programmes

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

INHERITED: Final = "inherited"
STALE: Final = "inherited_stale"
UNKNOWN: Final = "not_evaluated"
BRIDGE_AFTER_MONTHS: Final = 3
"""From such a gap on auditors ask for a bridge letter; one customarily covers three months at most."""
# Others sell reports of their own through Artifact: they say nothing of AWS.
_AWS: Final = frozenset({"aws", "amazon web services", "amazon web services, inc."})
_BAA: Final = "hipaa-baa"


@dataclass(frozen=True, slots=True)
class Report:
    """A report as Artifact lists it; None is what could not be read."""

    id: str
    version: int | None
    name: str
    series: str
    state: str | None
    company: str | None
    period_start: date | None
    period_end: date | None
    has_period: bool | None

    @property
    def label(self) -> str:
        """The id and version, such as report-abc:3."""
        return self.id if self.version is None else f"{self.id}:{self.version}"


@dataclass(frozen=True, slots=True)
class Listed:
    """Which reports or agreements a scan saw, and why it may not have seen all: account id -> what failed."""

    failed: Mapping[str, str]
    accounts: Sequence[str]


def inherited(lake: Lake, today: date, stale_after_months: int = 12) -> Mapping[str, Inherited]:
    """How AWS's evidence for each programme stands, by the programme's id.

    A report that speaks of a period is stale once that ended more than `stale_after_months` ago, one that is
    valid for a time as soon as that ended; a report that is not listed, not AWS's, withdrawn, or silent about
    its time proves nothing.
    """
    reports = reports_of(lake)
    listing = listing_of(lake, "artifact_report")
    found: dict[str, Inherited] = {}
    for programme in programmes().values():
        if programme.speaks == "agreement":
            found[programme.id] = _agreed(programme, agreements(lake, today, programme))
        else:
            found[programme.id] = judge(programme, reports, listing, today, stale_after_months)
    return found


def baa(lake: Lake, today: date) -> Mapping[str, Agreement]:
    """Whether each scanned account's business associate addendum with AWS is in force, by account id."""
    return agreements(lake, today, programmes()[_BAA])


def reports_of(lake: Lake) -> list[Report]:
    """Every report that the scan lists, once (all accounts see AWS's own)."""
    rows = lake.execute(
        "SELECT report_id, version, name, series, state, company_name,"
        " period_start::DATE, period_end::DATE, has_period"
        f" FROM ({lake.sql_of('artifact_report')}) WHERE report_id IS NOT NULL"
    ).fetchall()
    found = {
        (row[0], row[1]): Report(
            row[0], row[1], row[2] or "", row[3] or "", row[4], row[5], row[6], row[7], row[8]
        )
        for row in rows
    }
    return sorted(found.values(), key=lambda r: (r.name, r.id, r.version or 0))


def listing_of(lake: Lake, table: str) -> Listed:
    """How the listing of a table of Artifact went in each scanned account."""
    accounts = [a["account_id"] for a in lake.manifest.accounts]
    failed = dict.fromkeys(accounts, "the scan did not ask for it")
    rows = lake.execute(
        "SELECT account_id, outcome, operation, error_code"
        f" FROM ({lake.sql_of('collection')}) WHERE table_name = ?",
        [table],
    ).fetchall()
    # One failed page leaves the listing open, so that failures are noted after successes.
    for account, outcome, operation, code in sorted(rows, key=lambda r: r[1] not in ("ok", "empty")):
        if outcome in ("ok", "empty"):
            failed.pop(account, None)
        else:
            failed[account] = f"{operation or table} was not answered: {code or outcome}"
    return Listed(failed, accounts)


def judge(
    programme: Programme, reports: Sequence[Report], listing: Listed, today: date, stale_after_months: int
) -> Inherited:
    """How one programme stands by the reports of a scan."""
    mine = [r for r in reports if programme.is_report(r.name, r.series)]
    ours = [r for r in mine if (r.company or "").strip().casefold() in _AWS]
    current = [r for r in ours if r.state == "PUBLISHED"]
    if not current:
        return Inherited(programme.id, UNKNOWN, _why_none(programme, mine, ours, listing))
    dated = [r for r in current if r.period_end is not None]
    if not dated:
        report = current[-1]
        return Inherited(
            programme.id,
            UNKNOWN,
            f"{report.name} does not say until when it speaks",
            report.label,
            report.name,
            report.period_start,
        )
    report = max(dated, key=lambda r: (r.period_end or date.min, r.version or 0))
    end = report.period_end
    assert end is not None
    known = (report.label, report.name, report.period_start, end)
    if report.period_start is not None and report.period_start > today:
        return Inherited(
            programme.id, UNKNOWN, f"{report.name} speaks only from {report.period_start} on", *known
        )
    if programme.speaks == "validity":
        if end < today:
            return Inherited(programme.id, STALE, f"{report.name} was valid until {end}", *known)
        return Inherited(programme.id, INHERITED, f"{report.name} is valid until {end}", *known)
    if months_after(end, stale_after_months) < today:
        why = f"{report.name} speaks until {end}, more than {stale_after_months} months ago"
        return Inherited(programme.id, STALE, why, *known)
    needed = months_after(end, BRIDGE_AFTER_MONTHS) <= today
    letter = _bridge(programme, reports, end, today) if needed else None
    why = f"{report.name} speaks until {end}"
    if needed:
        why += f"; {letter.name} covers the time since" if letter else "; a bridge letter is needed for since"
    return Inherited(programme.id, INHERITED, why, *known, needed, letter.label if letter else "")


def agreements(lake: Lake, today: date, programme: Programme) -> dict[str, Agreement]:
    """The agreement of a programme for every scanned account, whether in force or not."""
    listing = listing_of(lake, "artifact_customer_agreement")
    rows = lake.execute(
        "SELECT account_id, agreement_id, name, state, effective_start::DATE, effective_end::DATE, has_end"
        f" FROM ({lake.sql_of('artifact_customer_agreement')})"
    ).fetchall()
    found: dict[str, Agreement] = {}
    for account in listing.accounts:
        mine = [
            _agreement(row, today)
            for row in rows
            if row[0] == account and programme.is_agreement(row[2] or "")
        ]
        if mine:
            # The best of them counts: an account may have ended one and made another.
            found[account] = max(mine, key=lambda a: (a.in_force is True, a.in_force is None))
        elif account in listing.failed:
            found[account] = Agreement(account, programme.name, None, listing.failed[account])
        else:
            found[account] = Agreement(account, programme.name, False, f"it has no {programme.name} with AWS")
        if account in listing.failed and found[account].in_force is False:
            # The part of the list that was not read may hold another one.
            found[account] = Agreement(account, programme.name, None, listing.failed[account])
    return found


def months_after(day: date, months: int) -> date:
    """The same day some months on, the month's last where it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - date.resolution).day
    return date(year, month + 1, min(day.day, last))


def _agreement(row: Sequence[Any], today: date) -> Agreement:
    account, number, name, state, start, end, has_end = row
    known = (number or "", start, end)
    if state is None:
        return Agreement(account, name, None, f"{name}: its state was not told", *known)
    if state != "ACTIVE":
        return Agreement(
            account, name, False, f"{name} is {state}" + (f" since {end}" if end else ""), *known
        )
    if start is not None and start > today:
        return Agreement(account, name, False, f"{name} takes effect on {start}", *known)
    if end is None and has_end is not False:
        return Agreement(account, name, None, f"{name}: its end was not told", *known)
    if end is not None and end < today:
        return Agreement(account, name, False, f"{name} ended on {end}", *known)
    return Agreement(
        account, name, True, f"{name} is in force" + (f" since {start}" if start else ""), *known
    )


def _agreed(programme: Programme, found: Mapping[str, Agreement]) -> Inherited:
    """An agreement as a programme's evidence: only where every scanned account has it."""
    lacking = [a for a in found.values() if a.in_force is not True]
    if lacking or not found:
        told = [f"account {a.account_id}: {a.why}" for a in lacking[:3]]
        if len(lacking) > 3:
            told.append(f"and {len(lacking) - 3} accounts more")
        return Inherited(programme.id, UNKNOWN, "; ".join(told) or "no account was scanned")
    some = next(iter(found.values()))
    why = f"in force in {'the account' if len(found) == 1 else f'all {len(found)} accounts'}"
    return Inherited(
        programme.id, INHERITED, why, some.agreement, some.name, some.effective_start, some.effective_end
    )


def _why_none(programme: Programme, mine: Sequence[Report], ours: Sequence[Report], listing: Listed) -> str:
    if ours:
        return f"{ours[-1].name} is {'of unknown state' if ours[-1].state is None else 'withdrawn'}"
    if mine:
        company = mine[-1].company
        return f"{mine[-1].name} is not known to be AWS's own" + (f" but of {company}" if company else "")
    if listing.failed:
        account, why = next(iter(listing.failed.items()))
        return f"no report of {programme.name} was seen; in account {account}: {why}"
    return f"AWS Artifact lists no report of {programme.name} by a name that partywall knows"


def _bridge(programme: Programme, reports: Sequence[Report], end: date, today: date) -> Report | None:
    """The letter whose period reaches past the report's; one without a period covers nothing for certain."""
    letters = [
        r
        for r in reports
        if programme.is_bridge(r.name, r.series)
        and r.state == "PUBLISHED"
        and (r.company or "").strip().casefold() in _AWS
        and r.period_end is not None
        and r.period_end > end
        and (r.period_start is None or r.period_start <= today)
    ]
    return max(letters, key=lambda r: r.period_end or date.min, default=None)
