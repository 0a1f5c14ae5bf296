"""The tables of an auditor's pack, as headers and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partywall.evidence.model import Agreement, Attestation, Inherited, PoamItem
    from partywall.evidence.period import Period, Timeline
    from partywall.findings.exceptions import RiskException

Table = tuple[Sequence[str], list[list[Any]]]


def rows_table(header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Table:
    """A table of maps; lists are joined by semicolons."""
    return header, [[_flat(row.get(name)) for name in header] for row in rows]


def timeline_table(found: Iterable[Timeline]) -> Table:
    """Timelines: how long in which state, and each change."""
    listed = list(found)
    states = sorted({state for t in listed for state in t.days})
    header = ["what", "account_id", "at_start", "at_end", "scans", "first_scan", "last_scan"]
    rows = [
        [
            *(t.subject, t.account_id, t.at_start, t.at_end, t.scans, t.first, t.last),
            *(t.days.get(state, 0.0) for state in states),
            len(t.changes),
            "; ".join(f"{at:%Y-%m-%dT%H:%M:%SZ} {before} to {after}" for at, before, after in t.changes),
        ]
        for t in listed
    ]
    return [*header, *(f"days_{state}" for state in states), "changes", "when"], rows


def gap_table(period: Period) -> Table:
    """The times of a period that no scan speaks of."""
    rows = [
        [account, f"{since:%Y-%m-%dT%H:%M:%SZ}", f"{until:%Y-%m-%dT%H:%M:%SZ}"]
        for account in period.accounts()
        for since, until in period.gaps(account)
    ]
    return ("account_id", "unobserved_from", "unobserved_until"), rows


def sample_table(found: Iterable[Mapping[str, Any]], seed: str) -> Table:
    """A sample, each line with its seed and the size of the population that it was drawn from."""
    header = (
        *("check_id", "position", "population", "account_id", "region", "resource_arn", "resource_name"),
        *("scans", "failed_scans", "unknown_scans", "last_scan", "last_verdict", "draw", "seed"),
    )
    return rows_table(header, ({**row, "seed": seed} for row in found))


def attestation_table(found: Iterable[tuple[Attestation, str]]) -> Table:
    """Attestations with their state."""
    header = (
        *("id", "state", "framework", "requirement", "statement", "author", "reviewer", "effective"),
        *("valid_until", "recorded_at", "reviewed_at", "withdrawn_at", "accounts", "files"),
    )
    rows = (
        {
            **{name: getattr(a, name) for name in header if name not in ("state", "files")},
            "state": state,
            "files": [f"{f.name} sha256 {f.sha256} ({f.size} bytes)" for f in a.files],
        }
        for a, state in found
    )
    return rows_table(header, rows)


def exception_table(found: Iterable[RiskException], day: date) -> Table:
    """Accepted risks, those that expired included."""
    header = ("state", "check", "account", "region", "resource", "reason", "owner", "approver", "expires")
    rows = (
        {
            **{name: getattr(e, name) for name in header[1:]},
            "state": "in force" if e.expires >= day else "expired",
        }
        for e in found
    )
    return rows_table(header, rows)


def poam_table(found: Iterable[PoamItem], day: date) -> Table:
    """Plans of action and milestones with their state."""
    header = (
        *("id", "state", "framework", "requirement", "finding", "check", "weakness", "owner", "due"),
        *("milestones", "recorded_at", "closed_at", "closed_by", "closed_why"),
    )
    rows = (
        {
            **{name: getattr(i, name) for name in header if name not in ("state", "milestones")},
            "state": i.state(day),
            "milestones": [f"{m.due} {m.what}" for m in i.milestones],
        }
        for i in found
    )
    return rows_table(header, rows)


def inherited_table(found: Iterable[Inherited]) -> Table:
    """AWS's programmes and the report that each rests on."""
    header = (
        *("programme", "state", "why", "report", "title", "period_start", "period_end"),
        *("bridge_needed", "bridge"),
    )
    return rows_table(header, ({name: getattr(i, name) for name in header} for i in found))


def agreement_table(found: Iterable[Agreement]) -> Table:
    """Each account's business associate addendum."""
    header = ("account_id", "name", "in_force", "why", "agreement", "effective_start", "effective_end")
    rows = ({name: getattr(a, name) for name in header} for a in found)
    told = {True: "yes", False: "no", None: "unknown"}
    return rows_table(header, ({**row, "in_force": told[row["in_force"]]} for row in rows))


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        items: list[Any] = value
        return "; ".join(map(str, items))
    return value
