"""The audit log: every change that people made, each line bound to the one before it by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from partywall.state.model import Entry
from partywall.state.schema import audit

FIRST: Final = "0" * 64
"""What stands for the hash before the first line."""
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Verified:
    """What checking the log showed: how many lines it has, the last hash, and what is wrong, if anything."""

    entries: int
    head: str
    """Noted elsewhere, it shows later that no line was taken off the end."""
    faults: tuple[str, ...] = ()


def digest(seq: int, at: datetime, actor: str, action: str, subject: str, detail: str, previous: str) -> str:
    """The hash of a line: SHA-256 over the JSON array of its fields and of the hash before it."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(orjson.dumps([seq, moment, actor, action, subject, detail, previous])).hexdigest()


def append(
    connection: Connection,
    now: datetime,
    actor: str,
    action: str,
    changes: Iterable[tuple[str, Mapping[str, Any]]],
) -> None:
    """Adds a line for each (subject, detail); to be called within `database.write_transaction` only."""
    newest = sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
    last = connection.execute(newest).first()
    seq, previous = (last.seq, last.hash) if last else (0, FIRST)
    rows: list[dict[str, Any]] = []
    for subject, detail in changes:
        seq += 1
        told = orjson.dumps(dict(detail), option=orjson.OPT_SORT_KEYS, default=str).decode()
        hashed = digest(seq, now, actor, action, subject, told, previous)
        rows.append(
            {
                "seq": seq,
                "at": now,
                "actor": actor,
                "action": action,
                "subject": subject,
                "detail": told,
                "previous": previous,
                "hash": hashed,
            }
        )
        previous = hashed
    if rows:
        connection.execute(audit.insert(), rows)


def entries(
    connection: Connection,
    *,
    subject: str = "",
    actor: str = "",
    actions: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
    newest_first: bool = False,
    limit: int = 0,
) -> Iterator[Entry]:
    """Lines of the log, oldest first as a rule; `actions` may end in * ("finding.*")."""
    query = sa.select(audit)
    if subject:
        query = query.where(audit.c.subject == subject)
    if actor:
        query = query.where(audit.c.actor == actor)
    if actions:
        query = query.where(sa.or_(*(_named(action) for action in actions)))
    if since:
        query = query.where(audit.c.at >= since)
    if until:
        query = query.where(audit.c.at < until)
    if after:
        query = query.where(audit.c.seq < after if newest_first else audit.c.seq > after)
    query = query.order_by(audit.c.seq.desc() if newest_first else audit.c.seq)
    if limit:
        query = query.limit(limit)
    for row in connection.execute(query.execution_options(yield_per=_BATCH)):
        yield entry_of(row)


def entry_of(row: sa.Row[Any]) -> Entry:
    """A row of the table as a record."""
    told = orjson.loads(row.detail)
    return Entry(row.seq, row.at, row.actor, row.action, row.subject, told, row.previous, row.hash)


def _named(action: str) -> sa.ColumnElement[bool]:
    if action.endswith("*"):
        return audit.c.action.startswith(action[:-1], autoescape=True)
    return audit.c.action == action


def verify(connection: Connection) -> Verified:
    """Follows the hashes from the first line to the last; tells of the first ten faults."""
    faults: list[str] = []
    count, previous = 0, FIRST
    query = sa.select(audit).order_by(audit.c.seq).execution_options(yield_per=_BATCH)
    for row in connection.execute(query):
        count += 1
        if len(faults) >= 10:
            continue
        if row.seq != count:
            faults.append(f"line {count} is missing: the next is {row.seq}")
            count = row.seq
        if row.previous != previous:
            faults.append(f"line {row.seq} does not follow the one before it")
        told = digest(row.seq, row.at, row.actor, row.action, row.subject, row.detail, row.previous)
        if told != row.hash:
            faults.append(f"line {row.seq} was changed after it was written")
        previous = row.hash
    return Verified(count, previous, tuple(faults))
