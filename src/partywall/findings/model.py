"""What a finding is, and the tables that outputs read: one row per check and resource."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.checks.model import Check


class Verdict(enum.IntEnum):
    """How a check judged a resource; stored as one byte."""

    FAIL = 0
    PASS = 1
    UNKNOWN = 2
    NOT_APPLICABLE = 3


VERDICT_NAMES = {
    Verdict.FAIL: "fail",
    Verdict.PASS: "pass",
    Verdict.UNKNOWN: "unknown",
    Verdict.NOT_APPLICABLE: "not_applicable",
}


def finding_id(
    check_id: str, account_id: str, region: str, resource_arn: str, resource_name: str = ""
) -> str:
    """A finding's stable id: 32 hexadecimal digits of check, account, region and resource.

    The Region counts only where the ARN has one or is not known: the Region of a bucket may be unknown in
    one scan and known in the next.
    """
    arn = resource_arn.split(":")
    place = "" if resource_arn and (len(arn) < 4 or not arn[3]) else region
    key = "\x1f".join((check_id, account_id, place, resource_arn or resource_name))
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def findings_schema() -> pa.Schema:
    """The columns of a findings table (SQL's `findings`, and what every output reads).

    `status`: fail, pass, unknown, not_applicable. `state`: new, open, reopened, acknowledged, in_progress,
    resolved, gone, excepted, or "" for one that never failed. The `unknown_*` columns say which call did not
    answer ("" elsewhere).
    """
    import pyarrow as pa

    text, time = pa.string(), pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            ("finding_id", text),
            ("check_id", text),
            ("account_id", text),
            ("region", text),
            ("resource_arn", text),
            ("resource_name", text),
            ("resource_type", text),  # table name
            ("status", text),
            ("severity", text),
            ("state", text),
            ("message", text),
            ("first_seen", time),
            ("last_seen", time),
            ("changed_at", time),
            ("resolved_at", time),
            ("unknown_operation", text),
            ("unknown_region", text),
            ("unknown_outcome", text),
            ("unknown_code", text),
            ("unknown_denied_by", text),
            ("exception", text),  # reason of the exception in force, "" elsewhere
            ("priority", pa.int16()),  # 0 (least) to 100
            ("priority_why", text),
            ("owner", text),  # whose it is: as assigned, else by rule, else ""
        ]
    )


@dataclass(frozen=True, slots=True)
class ScanInfo:
    """What was scanned, by whom, when, and how it ended."""

    id: str
    started_at: datetime
    finished_at: datetime | None
    version: str
    accounts: list[dict[str, str]]
    """One map per account: account_id, name, partition, principal (the ARN that scanned)."""
    regions: list[str]
    complete: bool
    selection: dict[str, Any] = field(default_factory=dict[str, Any])
    """The --services/--checks/--severity/--tags/--regions that limited the scan; empty: all."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything an output needs; `findings` has `findings_schema()`, ordered by priority, worst first."""

    scan: ScanInfo
    checks: dict[str, Check]
    findings: pa.Table
    counts: pa.Table
    """check_id, account_id, region, status, count (bigint): all verdicts, also those not in `findings`."""
    coverage: list[dict[str, Any]]
    """Per service: service, calls, resources, and the calls of each outcome (ok, empty, denied, …)."""
    failed_calls: list[dict[str, Any]]
    """Grouped: account_id, region, service, operation, outcome, error_code, denied_by, count."""
    pages: Callable[[], dict[str, Any]] = field(default=dict[str, Any])
    """Makes the data of further pages of the HTML report, such as the wall; asked for only by that."""
