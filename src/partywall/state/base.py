"""What every part of the store stands on: transactions, and checks of what people type."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from partywall.errors import UserError
from partywall.state.database import failed, write_transaction

LONGEST: Final = 10_000
"""Characters of a comment or reason."""
_ID: Final = re.compile(r"[0-9a-f]{32}")


def utc_now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


class Base:
    """A database and a clock."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        self.engine = engine
        self.clock = clock

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection in a read transaction: everything read in it is of one moment."""
        try:
            with self.engine.connect() as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise failed(self.engine, error) from error

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A connection in the one write transaction at a time; it is undone where an error leaves it."""
        try:
            with write_transaction(self.engine) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise failed(self.engine, error) from error


def person(name: str) -> str:
    """Who does something; raises UserError where nobody is named."""
    return words(name, "name of who does it")


def words(text: str, what: str, *, empty: bool = False) -> str:
    """What a person typed, without space around it; raises UserError for too much, and for nothing."""
    # PostgreSQL stores no such character.
    found = text.replace("\x00", "").strip()
    if not found and not empty:
        raise UserError(f"the {what} is empty")
    if len(found) > LONGEST:
        raise UserError(f"the {what} has {len(found)} characters; at most {LONGEST} are kept")
    return found


def finding_ids(ids: Iterable[str]) -> list[str]:
    """The ids of findings, each once; raises UserError for what is none."""
    found = list(dict.fromkeys(ids))
    for each in found:
        if not _ID.fullmatch(each):
            raise UserError(f"{each!r} is no finding's id: it has 32 hexadecimal digits")
    return found
