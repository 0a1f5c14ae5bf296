"""Attestations and the state of AWS's reports: what frameworks read of the evidence that is no check's."""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class EvidenceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that an attestation rests on: kept by its author, known here by its hash."""

    name: str
    sha256: str
    size: int


class Attestation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person states of a requirement's process part.

    In force from `effective` (the day that it speaks of) through `valid_until`, once somebody other than its
    author reviewed it. `accounts` are globs.
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
    accounts: list[str] = ["*"]
    files: list[EvidenceFile] = []
    withdrawn_at: datetime | None = None


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
