"""The state of findings as people change it: bulk status, owners, comments; each change in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from partywall.errors import UserError, did_you_mean
from partywall.state import audit as log
from partywall.state.base import finding_ids, person, utc_now, words
from partywall.state.database import connect
from partywall.state.exceptions import Exceptions
from partywall.state.model import Comment, Entry, Status, Work
from partywall.state.places import exists
from partywall.state.schema import audit as audit_table
from partywall.state.schema import finding_comment, finding_work

_CHUNK: Final = 500


class Store(Exceptions):
    """The state of one data directory. Use as a context manager, or `close` it; safe for several threads.

    Every method that changes something takes who does it, and writes the change and its line of the audit
    log in one transaction. All raise UserError: for what may not be, and where the database fails.
    """

    @classmethod
    def open(cls, data: Path, url: str = "", clock: Callable[[], datetime] = utc_now) -> Self:
        """The state of a data directory, made where there is none; `url` names a PostgreSQL database."""
        return cls(connect(data, url), clock)

    @classmethod
    def if_there(cls, data: Path, url: str = "", clock: Callable[[], datetime] = utc_now) -> Self | None:
        """The state where there is one; None elsewhere, so that reading makes no file."""
        return cls.open(data, url, clock) if exists(data, url) else None

    def close(self) -> None:
        """Lets go of the database."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What people say of findings

    def set_status(
        self,
        ids: Iterable[str],
        status: str,
        actor: str,
        reason: str = "",
        *,
        resolved: Collection[str] = (),
    ) -> int:
        """Says that findings are acknowledged, in_progress or, taking that back, open: how many changed.

        `resolved` is refused, unless the scan says so: `resolved` holds the ids of those findings, whose
        status is then taken back. `excepted` is for exceptions.
        """
        asked = finding_ids(ids)
        actor = person(actor)
        reason = words(reason, "reason", empty=True)
        if status == "resolved":
            if open_ := [each for each in asked if each not in resolved]:
                raise UserError(
                    f"{_some(open_)} cannot be set to resolved: only a scan that finds it mended resolves it;"
                    " set in_progress, and scan again"
                )
            status = Status.OPEN
        elif status == "excepted":
            raise UserError("a finding is excepted by an approved exception: partywall exceptions request")
        elif status not in list(Status):
            hint = did_you_mean(status, list(Status), f": choose {', '.join(Status)}")
            raise UserError(f"there is no status {status!r} to set{hint}")
        kept = "" if status == Status.OPEN else status
        now = self.clock()
        said = {"status": kept, "status_by": actor, "status_at": now, "reason": reason}
        with self.writing() as connection:
            before = _work(connection, asked)
            # Said anew it holds from now on: the finding may have come back since it was said before.
            changed = [each for each in asked if kept or before[each].status]
            _upsert(connection, changed, said)
            log.append(
                connection,
                now,
                actor,
                "finding.status",
                (
                    (each, {"status": kept or "open", "was": before[each].status or "open", "reason": reason})
                    for each in changed
                ),
            )
        return len(changed)

    def assign(self, ids: Iterable[str], owner: str, actor: str) -> int:
        """Gives findings an owner, whatever rules say, or with "" takes it away: how many changed."""
        asked = finding_ids(ids)
        actor = person(actor)
        owner = words(owner, "owner", empty=True)
        now = self.clock()
        with self.writing() as connection:
            before = _work(connection, asked)
            changed = [each for each in asked if before[each].owner != owner]
            _upsert(connection, changed, {"owner": owner, "owner_by": actor, "owner_at": now})
            log.append(
                connection,
                now,
                actor,
                "finding.assign",
                ((each, {"owner": owner, "was": before[each].owner}) for each in changed),
            )
        return len(changed)

    def comment(self, ids: str | Iterable[str], actor: str, text: str) -> int:
        """Writes a comment on one or many findings; returns on how many."""
        asked = finding_ids([ids] if isinstance(ids, str) else ids)
        actor = person(actor)
        text = words(text, "comment")
        now = self.clock()
        with self.writing() as connection:
            rows = [{"finding_id": each, "actor": actor, "at": now, "text": text} for each in asked]
            if rows:
                connection.execute(finding_comment.insert(), rows)
            log.append(connection, now, actor, "finding.comment", ((e, {"text": text}) for e in asked))
        return len(asked)

    def comments(self, finding_id: str) -> list[Comment]:
        """The comments on a finding, oldest first."""
        query = sa.select(finding_comment).where(finding_comment.c.finding_id == finding_id)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(finding_comment.c.id)).all()
        return [Comment(r.id, r.finding_id, r.actor, r.at, r.text) for r in rows]

    def work(self, ids: Iterable[str] | None = None, at: datetime | None = None) -> dict[str, Work]:
        """What people said of findings (all, or those named), by finding; with `at`, until that moment."""
        wanted = None if ids is None else set(ids)
        with self.reading() as connection:
            if at is not None:
                found = _work_at(connection, at)
            elif wanted is not None:
                found = _work(connection, sorted(wanted))
            else:
                found = _every(connection)
        return {
            key: each
            for key, each in found.items()
            if (wanted is None or key in wanted) and (each.status or each.owner)
        }

    # The audit log

    def audit(self, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Writes a line for what was done elsewhere, such as a login. No secrets in `detail`."""
        with self.writing() as connection:
            log.append(connection, self.clock(), person(actor), action, [(subject, detail or {})])

    def audit_log(self, **chosen: Any) -> list[Entry]:
        """Lines of the audit log: see `audit.entries` for what may be chosen."""
        with self.reading() as connection:
            return list(log.entries(connection, **chosen))

    def verify_audit(self) -> log.Verified:
        """Checks the hashes of the whole log, and that what stands now is what its last lines say."""
        with self.reading() as connection:
            found = log.verify(connection)
            if found.faults:
                return found
            told = _work_at(connection, None)
            stands = _every(connection)
            faults = [
                f"the finding {key} stands as {_standing(stands.get(key))},"
                f" and the log says {_standing(told.get(key))}"
                for key in sorted(told.keys() | stands.keys())
                if _standing(told.get(key)) != _standing(stands.get(key))
            ]
            faults += self.exception_faults(connection)
        return replace(found, faults=tuple(faults[:10]))


def _some(ids: Sequence[str]) -> str:
    return f"the finding {ids[0]}" + (f" (and {len(ids) - 1} more)" if len(ids) > 1 else "")


def _standing(work: Work | None) -> str:
    if work is None or not (work.status or work.owner):
        return "open, without owner"
    return f"{work.status or 'open'}, {'owned by ' + work.owner if work.owner else 'without owner'}"


def _work(connection: Connection, ids: Sequence[str]) -> dict[str, Work]:
    """What was said of each of the findings."""
    found = {each: Work(each) for each in ids}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        for row in connection.execute(sa.select(finding_work).where(finding_work.c.finding_id.in_(chunk))):
            found[row.finding_id] = Work(*row)
    return found


def _every(connection: Connection) -> dict[str, Work]:
    """What was said of every finding."""
    return {row.finding_id: Work(*row) for row in connection.execute(sa.select(finding_work))}


def _work_at(connection: Connection, at: datetime | None) -> dict[str, Work]:
    """What was said of findings until a moment (None: until now), by the audit log."""
    found: dict[str, Work] = {}
    for entry in _lines(connection, at):
        work = found.get(entry.subject) or Work(entry.subject)
        told = entry.detail
        if entry.action == "finding.status":
            status = "" if told["status"] == "open" else told["status"]
            work = replace(
                work, status=status, status_by=entry.actor, status_at=entry.at, reason=told["reason"]
            )
        else:
            work = replace(work, owner=told["owner"], owner_by=entry.actor, owner_at=entry.at)
        found[entry.subject] = work
    return found


def _lines(connection: Connection, at: datetime | None) -> Iterator[Entry]:
    query = sa.select(audit_table).where(audit_table.c.action.in_(("finding.status", "finding.assign")))
    if at is not None:
        query = query.where(audit_table.c.at <= at)
    for row in connection.execute(query.order_by(audit_table.c.seq).execution_options(yield_per=1000)):
        yield log.entry_of(row)


def _upsert(connection: Connection, ids: Sequence[str], said: Mapping[str, Any]) -> None:
    """Writes what is said of each finding, and leaves what else was said of it."""
    if not ids:
        return
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(finding_work)
    statement = insert.on_conflict_do_update(
        index_elements=["finding_id"], set_={name: insert.excluded[name] for name in said}
    )
    blank = {"status": "", "status_by": "", "reason": "", "owner": "", "owner_by": ""}
    rows = [{**blank, "status_at": None, "owner_at": None, **said, "finding_id": each} for each in ids]
    connection.execute(statement, rows)
