"""Opens the database of the state: SQLite in the data directory, or PostgreSQL by URL; migrates it."""

from __future__ import annotations

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from partywall.errors import UserError
from partywall.lake.writer import write_error
from partywall.state.places import URL_VARIABLE, state_url

HEAD: Final = "0001"
"""The newest migration."""
_LOCK: Final = 7_227_201_143
"""PostgreSQL's advisory lock that writers of the state hold, one at a time."""
_WAIT: Final = 60
"""Seconds that a writer waits for another."""
_SCHEMES: Final = ("postgresql", "postgres", "sqlite")


def connect(data: Path, url: str = "") -> Engine:
    """The engine of a state, its tables made or brought up to date.

    Raises UserError for a URL that is none, a database that cannot be opened, and one that a newer version
    of partywall wrote.
    """
    full = state_url(data, url)
    engine = _engine(full)
    shown = engine.url.render_as_string(hide_password=True)
    try:
        if engine.dialect.name == "sqlite":
            with _file_lock(Path(engine.url.database or "")):
                _migrate(engine, shown)
        else:
            _migrate(engine, shown)
    except SQLAlchemyError as error:
        engine.dispose()
        raise failed(engine, error) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def failed(engine: Engine, error: SQLAlchemyError) -> UserError:
    """A database that cannot be read or written, as one sentence without its password."""
    cause = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
    shown = engine.url.render_as_string(hide_password=True)
    return UserError(
        f"cannot use the state in {shown}: {cause[0][:300]}; name another data directory with --data, or"
        f" another database in {URL_VARIABLE}"
    )


def _engine(url: str) -> Engine:
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise UserError(
            f"{URL_VARIABLE} is no URL of a database; it is like postgresql://user@host/partywall"
        ) from error
    name = parsed.drivername.split("+")[0]
    if name not in _SCHEMES:
        raise UserError(f"{URL_VARIABLE} names a database {name}; the state lives in PostgreSQL or SQLite")
    if name == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"timeout": _WAIT})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except ImportError as error:
        raise UserError(
            "PostgreSQL for the state needs psycopg: install it with: pip install partywall[postgres]"
        ) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own BEGIN comes too late for reads that a write rests on.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # A commit is on the disk when it returns: an approval is not lost with the power.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def write_transaction(engine: Engine) -> Generator[Connection]:
    """A transaction that no other writer is in at the same time."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


@contextmanager
def _file_lock(path: Path) -> Generator[None]:
    """Held while a SQLite file is made or migrated, so that two processes do not both."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_name(f"{path.name}.lock").open("w")
    except OSError as error:
        raise write_error(path, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def version(connection: Connection) -> str:
    """The migration at which a database stands; "" for one without tables."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return str(found or "")


def _migrate(engine: Engine, shown: str) -> None:
    with engine.connect() as connection:
        now = version(connection)
    if now == HEAD:
        return
    with write_transaction(engine) as connection:
        now = version(connection)
        if now == HEAD:
            return
        if now > HEAD:
            raise UserError(
                f"the state in {shown} was written by a newer version of partywall (its tables are of"
                f" {now}, these of {HEAD}): use that version, or restore a backup of before it"
            )
        from alembic import command
        from alembic.config import Config

        config = Config()
        place = str(Path(__file__).parent / "migrations").replace("%", "%%")
        config.set_main_option("script_location", place)
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
