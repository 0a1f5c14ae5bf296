"""Attestations: what people state of requirements that no API can answer, recorded and never rewritten."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import msgspec

from partywall.errors import UserError
from partywall.evidence.events import FOLDER, Event, append, read_events, recording
from partywall.evidence.model import Attestation, EvidenceFile
from partywall.lake.writer import write_error

ATTESTED: Final = "attested"
EXPIRED: Final = "attested_expired"
_BLOCK: Final = 1 << 20


def load(data: Path) -> list[Attestation]:
    """All attestations of a data directory as they stand now, withdrawn ones included, oldest first.

    Raises UserError naming the file where a record was changed, is damaged or is missing.
    """
    return _folded(read_events(data))


def in_force(
    attestations: Iterable[Attestation], framework: str, requirement: str, account_id: str, today: date
) -> str | None:
    """How a requirement's process part stands for an account on a day (UTC).

    "attested" where a reviewed attestation speaks of that day, "attested_expired" where the last such one
    ran out, None where there is none: not recorded, not reviewed, withdrawn, or only effective later.
    """
    found: str | None = None
    for attestation in attestations:
        if (attestation.framework, attestation.requirement) != (framework, requirement):
            continue
        standing = status(attestation, today)
        if standing in (ATTESTED, EXPIRED) and any(fnmatchcase(account_id, a) for a in attestation.accounts):
            if standing == ATTESTED:
                return ATTESTED
            found = EXPIRED
    return found


def status(attestation: Attestation, today: date) -> str:
    """withdrawn, unreviewed, not_yet_effective, attested or attested_expired."""
    if attestation.withdrawn_at is not None:
        return "withdrawn"
    if not attestation.reviewer or same_person(attestation.author, attestation.reviewer):
        return "unreviewed"
    if attestation.effective > today:
        return "not_yet_effective"
    return ATTESTED if today <= attestation.valid_until else EXPIRED


def add(
    data: Path,
    *,
    framework: str,
    requirement: str,
    statement: str,
    author: str,
    effective: date,
    valid_until: date,
    reviewer: str = "",
    accounts: Sequence[str] = ("*",),
    files: Sequence[Path] = (),
    copy: bool = False,
    now: datetime | None = None,
) -> Attestation:
    """Records an attestation; with `copy`, the files' contents are kept in the data directory too.

    Raises UserError for empty words, dates the wrong way round, a reviewer who is the author, and files that
    cannot be read.
    """
    words = {"framework": framework, "requirement": requirement, "statement": statement, "author": author}
    for name, value in words.items():
        if not value.strip():
            raise UserError(f"an attestation needs its {name}")
    if valid_until < effective:
        raise UserError(f"the attestation would end ({valid_until}) before it takes effect ({effective})")
    if not accounts or not all(a.strip() for a in accounts):
        raise UserError("an attestation names its accounts, * for all")
    _other_person(author, reviewer)
    known = [_hashed(data, path, copy) for path in files]
    moment = now or datetime.now(UTC)
    with recording(data) as events:
        made = Attestation(
            id=f"A{sum(e.kind == 'attest' for e in events) + 1:04d}",
            framework=framework.strip(),
            requirement=requirement.strip(),
            statement=statement.strip(),
            author=author.strip(),
            reviewer=reviewer.strip(),
            effective=effective,
            valid_until=valid_until,
            recorded_at=moment,
            accounts=[a.strip() for a in accounts],
            files=known,
            reviewed_at=moment if reviewer.strip() else None,
        )
        append(data, events, "attest", made, moment)
    return made


def review(data: Path, name: str, reviewer: str, now: datetime | None = None) -> Attestation:
    """Records that somebody other than the author reviewed an attestation, which puts it in force."""
    with recording(data) as events:
        found = get(_folded(events), name)
        if found.withdrawn_at is not None:
            raise UserError(f"the attestation {found.id} was withdrawn: record a new one")
        if found.reviewer:
            raise UserError(f"the attestation {found.id} was reviewed by {found.reviewer} already")
        if not reviewer.strip():
            raise UserError("name who reviewed it with --reviewer")
        _other_person(found.author, reviewer)
        append(data, events, "review", {"id": found.id, "reviewer": reviewer.strip()}, now)
        return get(_folded(events), found.id)


def withdraw(data: Path, name: str, by: str, why: str, now: datetime | None = None) -> Attestation:
    """Records that an attestation no longer holds; the record of it stays."""
    if not by.strip() or not why.strip():
        raise UserError("say who withdraws the attestation and why")
    with recording(data) as events:
        found = get(_folded(events), name)
        if found.withdrawn_at is not None:
            raise UserError(f"the attestation {found.id} was withdrawn already, by {found.withdrawn_by}")
        append(data, events, "withdraw", {"id": found.id, "by": by.strip(), "why": why.strip()}, now)
        return get(_folded(events), found.id)


def get(attestations: Iterable[Attestation], name: str) -> Attestation:
    """The attestation of an id; raises UserError where there is none."""
    listed = list(attestations)
    for attestation in listed:
        if attestation.id.casefold() == name.casefold():
            return attestation
    known = f"; the last is {listed[-1].id}" if listed else "; none is recorded yet"
    raise UserError(f"there is no attestation {name!r}{known}")


def file_problems(data: Path, attestations: Iterable[Attestation]) -> list[str]:
    """The kept copies of evidence files that are missing or were changed, one sentence each."""
    problems: list[str] = []
    for attestation in attestations:
        for file in attestation.files:
            path = data / FOLDER / "files" / file.sha256
            if not file.copied:
                continue
            if not path.is_file():
                problems.append(f"{path}: the copy of {file.name} ({attestation.id}) is missing")
            elif digest(path)[0] != file.sha256:
                problems.append(f"{path}: the copy of {file.name} ({attestation.id}) was changed")
    return problems


def digest(path: Path) -> tuple[str, int]:
    """sha256 and size in bytes of a file, read in blocks."""
    found, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
            size += len(block)
    return found.hexdigest(), size


def same_person(one: str, other: str) -> bool:
    """Whether two names differ in nothing but case, spaces and forms of characters."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", name)).strip().casefold()


def _other_person(author: str, reviewer: str) -> None:
    if reviewer.strip() and same_person(author, reviewer):
        raise UserError(f"{author} cannot review an attestation of their own: another person must")


def _folded(events: Sequence[Event]) -> list[Attestation]:
    found: dict[str, Attestation] = {}
    for event in events:
        if event.kind == "attest":
            made = msgspec.convert(event.body, Attestation)
            found[made.id] = made
        elif event.kind in ("review", "withdraw"):
            body: dict[str, Any] = event.body
            changes: dict[str, Any] = (
                {"reviewer": body["reviewer"], "reviewed_at": event.recorded_at}
                if event.kind == "review"
                else {
                    "withdrawn_at": event.recorded_at,
                    "withdrawn_by": body["by"],
                    "withdrawn_why": body["why"],
                }
            )
            found[body["id"]] = msgspec.structs.replace(found[body["id"]], **changes)
    return list(found.values())


def _hashed(data: Path, path: Path, copy: bool) -> EvidenceFile:
    try:
        sha256, size = digest(path)
    except OSError as error:
        raise UserError(f"cannot read the evidence file {path}: {error.strerror or error}") from error
    if copy:
        target = data / FOLDER / "files" / sha256
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                aside = target.with_suffix(f".{os.getpid()}.tmp")
                aside.write_bytes(path.read_bytes())
                if digest(aside)[0] != sha256:
                    aside.unlink()
                    raise UserError(f"the evidence file {path} changed while it was read: try again")
                aside.rename(target)
        except OSError as error:
            raise write_error(target, error) from error
    return EvidenceFile(path.name, sha256, size, copy)
