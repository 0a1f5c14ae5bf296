"""What the state holds, as records."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partywall.findings.exceptions import RiskException


class Status(enum.StrEnum):
    """What a person may say of an open finding; that it is resolved, only a scan can say."""

    OPEN = "open"
    """Nothing (any more)."""
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"


class ExceptionState(enum.StrEnum):
    """How an exception stands on a day."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"
    EXPIRED = "expired"
    """It was approved, or waited for it, and its last day is over."""


@dataclass(frozen=True, slots=True)
class Work:
    """What people said of a finding: `status` ("" for nothing) and `owner` ("" for nobody), by whom, when."""

    finding_id: str
    status: str = ""
    status_by: str = ""
    status_at: datetime | None = None
    reason: str = ""
    owner: str = ""
    owner_by: str = ""
    owner_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote of a finding."""

    id: int
    finding_id: str
    actor: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """An exception from its request to its end. `findings` or the four globs select what it is about."""

    id: str
    reason: str
    owner: str
    expires: date
    """Its last day (UTC)."""
    requester: str
    requested_at: datetime
    decided: str
    """requested, approved, rejected or revoked; `state_on` adds expiry."""
    check: str = "*"
    account: str = "*"
    region: str = "*"
    resource: str = "*"
    findings: frozenset[str] = frozenset()
    decider: str = ""
    decided_at: datetime | None = None
    decision: str = ""
    revoker: str = ""
    revoked_at: datetime | None = None
    revocation: str = ""
    reminded_at: datetime | None = None

    def state_on(self, day: date) -> ExceptionState:
        """How it stands on a day (UTC), by what was decided until now."""
        if self.decided in (ExceptionState.REQUESTED, ExceptionState.APPROVED) and day > self.expires:
            return ExceptionState.EXPIRED
        return ExceptionState(self.decided)

    def was_in_force(self, moment: datetime) -> bool:
        """Whether it held at a moment: approved by then, not revoked by then, its last day not over."""
        approved = self.decided in (ExceptionState.APPROVED, ExceptionState.REVOKED)
        if not approved or self.decided_at is None or self.decided_at > moment:
            return False
        return (self.revoked_at is None or self.revoked_at > moment) and moment.date() <= self.expires

    def ends_within(self, day: date, days: int) -> bool:
        """Whether it is approved and its last day is at most so many days away."""
        return self.state_on(day) is ExceptionState.APPROVED and self.expires - day <= timedelta(days=days)

    def rule(self) -> RiskException:
        """It as findings are matched against; only for one that was approved."""
        from partywall.findings.exceptions import RiskException

        return RiskException(
            reason=self.reason,
            owner=self.owner,
            approver=self.decider,
            expires=self.expires,
            check=self.check,
            account=self.account,
            region=self.region,
            resource=self.resource,
            findings=self.findings,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log; `hash` is of all the others and of the hash before it."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    """What it is about: a finding's id, an exception's, a user's name, …"""
    detail: dict[str, Any]
    previous: str
    hash: str
