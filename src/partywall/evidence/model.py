"""Attestations, POA&M items and the state of AWS's reports: the evidence that is no check's."""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class EvidenceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that an attestation rests on: kept by its author, known here by its hash."""

    name: str
    sha256: str
    size: int
    copied: bool = False
    """Its content is kept too, as `attestations/files/SHA256` of the data directory."""


class Attestation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person states of a requirement's process part.

    In force from `effective` (the day that it speaks of) through `valid_until`, once somebody other than its
    author reviewed it. `accounts` are globs. `reviewer` is "" until then.
    """

    id: str
    framework: str
    requirement: str
    statement: str
    author: str
    reviewer: str
    effective: date
    valid_until: date
    recorded_at: datetime
    accounts: list[str] = msgspec.field(default_factory=lambda: ["*"])
    files: list[EvidenceFile] = []
    withdrawn_at: datetime | None = None
    reviewed_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_why: str = ""


class Milestone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of a plan of action and the day by which it is to be done."""

    what: str
    due: date


class PoamItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a plan of action and milestones: a weakness, who mends it and by when.

    It is about a requirement of a framework, a finding (its id), or a check.
    """

    id: str
    weakness: str
    owner: str
    due: date
    recorded_at: datetime
    framework: str = ""
    requirement: str = ""
    finding: str = ""
    check: str = ""
    milestones: list[Milestone] = []
    closed_at: datetime | None = None
    closed_by: str = ""
    closed_why: str = ""

    def state(self, today: date) -> str:
        """open, overdue or closed."""
        if self.closed_at is not None:
            return "closed"
        return "overdue" if self.due < today else "open"


class Inherited(msgspec.Struct, frozen=True):
    """How AWS's evidence for a programme stands: `state` is inherited, inherited_stale or not_evaluated."""

    programme: str
    state: str
    why: str
    report: str = ""
    """The report's id and version in Artifact, such as report-abc:3."""
    title: str = ""
    period_start: date | None = None
    period_end: date | None = None
    bridge_needed: bool = False
    """Its period ended so long ago that an auditor asks for a bridge letter for the time since."""
    bridge: str = ""
    """The letter that covers that time, by its id and version in Artifact; "" where none is listed."""


class Agreement(msgspec.Struct, frozen=True):
    """An agreement between an account and AWS: `in_force` is None where that could not be told."""

    account_id: str
    name: str
    in_force: bool | None
    why: str
    agreement: str = ""
    effective_start: date | None = None
    effective_end: date | None = None
