"""The state of findings, on SQLite and on a real PostgreSQL: status, owners, comments, the audit log."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import partywall.state.migrations
from partywall.errors import UserError
from partywall.state.database import HEAD, version
from partywall.state.places import FILE, URL_VARIABLE
from partywall.state.schema import METADATA
from partywall.state.store import Store
from tests.databases import fresh, postgresql

A, B, C = "a" * 32, "b" * 32, "c" * 32
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Clock:
    """A clock that a test sets; each look at it takes a minute."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture(scope="session")
def server() -> Generator[str | None]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of an empty database; "" for the file in the data directory."""
    if request.param == "sqlite":
        return ""
    server = request.getfixturevalue("server")
    if server is None:
        pytest.skip("PostgreSQL is not installed")
    return fresh(server)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, url: str, clock: Clock) -> Generator[Store]:
    with Store.open(tmp_path, url, clock) as made:
        yield made


def test_bulk_status_owner_and_comments(store: Store) -> None:
    assert store.set_status([A, B, A], "acknowledged", "ada", "known") == 2
    assert store.assign([B, C], "team-red", "ada") == 2
    assert store.comment([A, B], "bo", "  looking at it  ") == 2
    assert store.comment(A, "ada", "so am I") == 1
    found = store.work()
    assert {k: (w.status, w.owner) for k, w in found.items()} == {
        A: ("acknowledged", ""),
        B: ("acknowledged", "team-red"),
        C: ("", "team-red"),
    }
    assert (found[A].status_by, found[A].reason) == ("ada", "known")
    assert found[A].status_at == START + timedelta(minutes=1)
    assert [(c.actor, c.text) for c in store.comments(A)] == [("bo", "looking at it"), ("ada", "so am I")]
    assert store.assign([B, C], "team-red", "ada") == 0, "it is so already"
    assert store.set_status([A], "open", "bo") == 1
    assert store.set_status([A], "open", "bo") == 0
    assert set(store.work([A, B])) == {B}


def test_what_was_said_at_an_earlier_moment(store: Store, clock: Clock) -> None:
    store.set_status([A], "acknowledged", "ada")
    store.assign([A], "red", "ada")
    then = clock.now
    store.set_status([A], "in_progress", "bo")
    store.assign([A], "", "bo")
    assert (store.work(at=then)[A].status, store.work(at=then)[A].owner) == ("acknowledged", "red")
    assert (store.work()[A].status, store.work()[A].owner) == ("in_progress", "")
    assert store.work(at=START) == {}
    assert store.work(at=clock.now) == store.work()


def test_only_a_scan_resolves(store: Store) -> None:
    store.set_status([A, B], "in_progress", "ada")
    with pytest.raises(UserError, match=f"the finding {B} cannot be set to resolved"):
        store.set_status([A, B], "resolved", "ada", resolved={A})
    assert len(store.work()) == 2, "nothing of it was done"
    assert store.set_status([A], "resolved", "ada", resolved={A}) == 1
    assert set(store.work()) == {B}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("acknowleged", "did you mean acknowledged"),
        ("excepted", "approved exception"),
        ("", "there is no status"),
    ],
)
def test_other_statuses_are_refused(store: Store, status: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        store.set_status([A], status, "ada")


def test_wrong_words_are_refused(store: Store) -> None:
    for wrong in ("A" * 32, "a" * 31, "a" * 33, "", f"{A}\n"):
        with pytest.raises(UserError, match="no finding's id"):
            store.assign([wrong], "x", "ada")
    with pytest.raises(UserError, match="name of who does it is empty"):
        store.assign([A], "x", "  ")
    with pytest.raises(UserError, match="comment is empty"):
        store.comment(A, "ada", "\x00 \n")
    with pytest.raises(UserError, match="at most 10000"):
        store.comment(A, "ada", "x" * 10_001)
    assert store.audit_log() == []


def test_hostile_words_come_back_as_they_are(store: Store) -> None:
    text = "'); DROP TABLE audit; -- <script>alert(1)</script> \U0001f9f1 \x1b[31m"
    store.comment(A, text, text)
    assert [(c.actor, c.text) for c in store.comments(A)] == [(text, text)]
    assert store.audit_log()[0].actor == text
    assert store.verify_audit().faults == ()


def test_the_audit_log_tells_everything_and_holds_together(store: Store) -> None:
    store.set_status([A, B], "acknowledged", "ada", "why")
    store.assign([A], "red", "bo")
    store.comment(B, "bo", "hm")
    store.audit("ada", "user.login", "ada", {"from": "192.0.2.1"})
    log = store.audit_log()
    assert [(e.seq, e.actor, e.action, e.subject) for e in log] == [
        (1, "ada", "finding.status", A),
        (2, "ada", "finding.status", B),
        (3, "bo", "finding.assign", A),
        (4, "bo", "finding.comment", B),
        (5, "ada", "user.login", "ada"),
    ]
    assert log[0].detail == {"reason": "why", "status": "acknowledged", "was": "open"}
    assert all(b.previous == a.hash for a, b in pairwise(log))
    told = store.verify_audit()
    assert (told.entries, told.head, told.faults) == (5, log[-1].hash, ())
    assert [e.seq for e in store.audit_log(subject=A)] == [1, 3]
    assert [e.seq for e in store.audit_log(actor="bo")] == [3, 4]
    assert [e.seq for e in store.audit_log(actions=["finding.*"], newest_first=True, limit=2)] == [4, 3]
    assert [e.seq for e in store.audit_log(actions=["finding.*"], newest_first=True, after=3)] == [2, 1]
    assert [e.seq for e in store.audit_log(since=log[2].at, until=log[4].at)] == [3, 4]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit",
    ],
)
def test_the_audit_log_cannot_be_rewritten(store: Store, sql: str) -> None:
    store.comment([A, B], "ada", "hm")
    with pytest.raises(UserError, match="the audit log only grows"), store.writing() as connection:
        connection.execute(sa.text(sql))
    assert len(store.audit_log()) == 2


def test_a_line_of_the_audit_log_cannot_be_replaced(store: Store, url: str) -> None:
    store.comment([A, B], "ada", "hm")
    how = "INSERT OR REPLACE" if not url else "TRUNCATE audit; INSERT"
    sql = f"{how} INTO audit VALUES (1, '2026-01-01 00:00:00', 'eve', 'x', 'y', '{{}}', '', '')"
    with pytest.raises(UserError, match="the audit log only grows"), store.writing() as connection:
        connection.execute(sa.text(sql))
    assert store.verify_audit().faults == ()


def _tampered(store: Store, tmp_path: Path, *statements: str) -> tuple[str, ...]:
    """What checking says after somebody with the file went round the triggers."""
    store.set_status([A, B], "acknowledged", "ada")
    store.assign([A], "red", "bo")
    store.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        for name in ("audit_keep", "audit_stay", "audit_next"):
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
    db.close()
    return store.verify_audit().faults


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE seq = 1", "line 1 was changed"),
        ("UPDATE audit SET at = '2026-02-01 00:00:00.000000' WHERE seq = 2", "line 2 was changed"),
        ("UPDATE audit SET detail = '{}' WHERE seq = 3", "line 3 was changed"),
        ("DELETE FROM audit WHERE seq = 2", "line 2 is missing"),
        ("DELETE FROM audit WHERE seq = 3", "the log says acknowledged, without owner"),
        ("UPDATE finding_work SET owner = 'eve'", "stands as acknowledged, owned by eve"),
        ("DELETE FROM finding_work", "stands as open, without owner"),
    ],
)
def test_going_round_the_triggers_shows(tmp_path: Path, clock: Clock, statement: str, fault: str) -> None:
    store = Store.open(tmp_path, clock=clock)
    faults = _tampered(store, tmp_path, statement)
    store.close()
    assert any(fault in each for each in faults), faults


def test_writers_side_by_side_lose_nothing(tmp_path: Path, url: str) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with Store.open(tmp_path, url) as mine:
                for step in range(10):
                    mine.comment(A, f"writer {number}", f"step {step}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Store.open(tmp_path, url) as store:
        assert len(store.comments(A)) == 40
        told = store.verify_audit()
        assert (told.entries, told.faults) == (40, ())


def test_a_change_and_its_line_are_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("killed here")

    monkeypatch.setattr("partywall.state.audit.append", fail)
    with pytest.raises(RuntimeError):
        store.set_status([A], "acknowledged", "ada")
    assert store.work() == {}


def test_bulk_of_thousands(store: Store) -> None:
    ids = [f"{n:032x}" for n in range(3000)]
    assert store.set_status(ids, "acknowledged", "ada") == 3000
    assert store.assign(ids, "red", "ada") == 3000
    assert len(store.work(ids)) == 3000
    assert store.verify_audit().entries == 6000


def test_the_migrations_make_what_the_code_expects(store: Store) -> None:
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert version(connection) == HEAD
    place = Path(partywall.state.migrations.__file__).parent
    assert ScriptDirectory(str(place)).get_heads() == [HEAD]


def test_a_newer_state_is_refused(tmp_path: Path, url: str) -> None:
    with Store.open(tmp_path, url) as store, store.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match="newer version"):
        Store.open(tmp_path, url)


def test_reading_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    assert Store.if_there(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    Store.open(tmp_path).close()
    found = Store.if_there(tmp_path)
    assert found is not None
    found.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense", "is no URL"),
        ("mysql://x/y", "a database mysql"),
        ("postgresql://u:s3cret@localhost:1/x", "cannot use the state in"),
    ],
)
def test_a_state_that_cannot_be_opened_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    monkeypatch.setenv(URL_VARIABLE, url)
    with pytest.raises(UserError, match=why) as told:
        Store.open(tmp_path)
    assert "s3cret" not in str(told.value)


def test_a_damaged_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, but long enough to be read as a header of one" * 20)
    with pytest.raises(UserError, match="not a database"):
        Store.open(tmp_path)
