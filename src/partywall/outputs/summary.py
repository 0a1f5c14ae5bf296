"""The figures that stand at the head of a report, with the coverage that each percentage needs beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from partywall.outputs.names import service_of

if TYPE_CHECKING:
    from partywall.findings.model import Report


@dataclass(slots=True)
class Counts:
    """Verdicts counted; the two rates are fractions of 1, or None where there is nothing to divide by."""

    fail: int = 0
    unknown: int = 0
    passed: int = 0
    not_applicable: int = 0

    def add(self, status: str, count: int) -> None:
        """Counts `count` verdicts more of a status."""
        name = "passed" if status == "pass" else status
        setattr(self, name, getattr(self, name) + count)

    @property
    def evaluated(self) -> int:
        """Verdicts that say something: pass and fail."""
        return self.passed + self.fail

    @property
    def total(self) -> int:
        """All verdicts, also those of resources that a check does not apply to."""
        return self.evaluated + self.unknown + self.not_applicable

    @property
    def pass_rate(self) -> float | None:
        """pass / (pass + fail)."""
        return self.passed / self.evaluated if self.evaluated else None

    @property
    def coverage(self) -> float | None:
        """evaluated / (evaluated + unknown)."""
        asked = self.evaluated + self.unknown
        return self.evaluated / asked if asked else None

    def as_dict(self) -> dict[str, Any]:
        """The counts and rates by their names in JSON."""
        return {
            "fail": self.fail,
            "unknown": self.unknown,
            "pass": self.passed,
            "not_applicable": self.not_applicable,
            "pass_rate": None if self.pass_rate is None else round(self.pass_rate, 6),
            "coverage": None if self.coverage is None else round(self.coverage, 6),
        }


def percent(rate: float | None) -> str:
    """A rate as people read it, never rounded up to 100 % nor down to 0 %; "–" where there is none."""
    if rate is None:
        return "–"
    if rate in (0.0, 1.0):
        return f"{rate:.0%}"
    shown = min(max(rate * 100, 0.1), 99.9)
    return f"{shown:.1f}%"


@dataclass(slots=True)
class Unseen:
    """Failed calls with one cause: what could not be seen, and why."""

    service: str
    operation: str
    outcome: str
    error_code: str
    denied_by: str
    count: int = 0
    accounts: set[str] = field(default_factory=set[str])
    regions: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that the head of a report shows."""

    counts: Counts
    by_severity: dict[str, Counts]
    by_service: dict[str, Counts]
    by_service_severity: dict[tuple[str, str], Counts]
    by_account: dict[str, Counts]
    checks: int
    """Checks that judged, or tried to judge, at least one resource."""
    resources: int
    calls: int
    unseen: list[Unseen]
    """Worst first: by how many calls failed."""


def summarise(report: Report) -> Summary:
    """The summary of all verdicts in `report.counts` (not only of those that have a row in `findings`)."""
    from partywall.checks.model import SEVERITIES

    total = Counts()
    severities = {severity: Counts() for severity in SEVERITIES}
    services: dict[str, Counts] = {}
    cells: dict[tuple[str, str], Counts] = {}
    accounts: dict[str, Counts] = {}
    seen: set[str] = set()
    for check_id, account, status, count in _count_rows(report):
        if not count:
            continue
        check = report.checks.get(check_id)
        severity = check.severity if check else "informational"
        service = service_of(check.table) if check else check_id.partition("-")[0]
        seen.add(check_id)
        for counts in (
            total,
            severities.setdefault(severity, Counts()),
            services.setdefault(service, Counts()),
            cells.setdefault((service, severity), Counts()),
            accounts.setdefault(account, Counts()),
        ):
            counts.add(status, count)
    return Summary(
        counts=total,
        by_severity=severities,
        by_service=dict(sorted(services.items(), key=_worst_first)),
        by_service_severity=cells,
        by_account=accounts,
        checks=len(seen),
        resources=sum(int(row.get("resources", 0)) for row in report.coverage),
        calls=sum(int(row.get("calls", 0)) for row in report.coverage),
        unseen=group_failures(report.failed_calls),
    )


def _worst_first(item: tuple[str, Counts]) -> tuple[int, int, str]:
    return -item[1].fail, -item[1].unknown, item[0]


def _count_rows(report: Report) -> Iterable[tuple[str, str, str, int]]:
    table = cast(Any, report).counts
    names = ("check_id", "account_id", "status", "count")
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)


def group_failures(failed_calls: Iterable[Mapping[str, Any]]) -> list[Unseen]:
    """Failed calls over accounts and regions put together by operation and reason."""
    groups: dict[tuple[str, ...], Unseen] = {}
    for call in failed_calls:
        service, operation, outcome, code, denied_by = (
            str(call.get(name) or "")
            for name in ("service", "operation", "outcome", "error_code", "denied_by")
        )
        key = (service, operation, outcome, code, denied_by)
        group = groups.setdefault(key, Unseen(service, operation, outcome, code, denied_by))
        group.count += int(call.get("count") or 0)
        group.accounts.add(str(call.get("account_id") or ""))
        group.regions.add(str(call.get("region") or ""))
    return sorted(groups.values(), key=lambda unseen: (-unseen.count, unseen.service, unseen.operation))
