"""Exceptions from request to end: who may approve, until when they hold, and when somebody is reminded."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from partywall.errors import UserError
from partywall.findings.model import finding_id
from partywall.state.model import Accepted, ExceptionState
from partywall.state.store import Store

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
END = date(2026, 4, 30)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Generator[Store]:
    with Store.open(tmp_path, clock=clock) as made:
        yield made


def ask(store: Store, **other: Any) -> Accepted:
    said: dict[str, Any] = {
        "reason": "the vendor needs it",
        "owner": "ada",
        "expires": END,
        "requester": "bo",
        "check": "s3-*",
    }
    return store.request(**{**said, **other})


def test_from_request_to_the_end(store: Store, clock: Clock) -> None:
    made = ask(store)
    assert (made.id, made.decided, made.requester) == ("E0001", "requested", "bo")
    assert store.in_force() == [], "nobody approved it"
    clock.now += timedelta(hours=1)
    assert store.approve("E0001", "cy", "until the vendor mends it").decider == "cy"
    [rule] = store.in_force()
    assert (rule.check, rule.owner, rule.approver, rule.expires) == ("s3-*", "ada", "cy", END)
    assert store.in_force(START) == [], "at that moment it was not approved yet"
    clock.now = datetime(2026, 4, 30, 23, 59, tzinfo=UTC)
    assert len(store.in_force()) == 1, "its last day is included"
    clock.now += timedelta(minutes=1)
    assert store.in_force() == []
    assert store.exception("e1").state_on(clock.now.date()) is ExceptionState.EXPIRED
    assert [e.action for e in store.audit_log()] == ["exception.request", "exception.approve"]
    assert store.verify_audit().faults == ()


@pytest.mark.parametrize("approver", ["bo", "  BO ", "Ｂｏ", "ada", "ADA"])
def test_who_asks_or_owns_does_not_approve(store: Store, approver: str) -> None:
    ask(store)
    with pytest.raises(UserError, match="another person must"):
        store.approve("E0001", approver)
    assert store.exception("E0001").decided == "requested"


def test_a_decision_is_made_once(store: Store) -> None:
    ask(store), ask(store)
    store.approve("E0001", "cy")
    with pytest.raises(UserError, match="approved already, by cy"):
        store.reject("E0001", "di", "no")
    store.reject("E0002", "di", "no")
    with pytest.raises(UserError, match="rejected already, by di"):
        store.approve("E0002", "cy")
    assert [r.check for r in store.in_force()] == ["s3-*"]
    with pytest.raises(UserError, match="rejected already"):
        store.revoke("E0002", "cy", "x")


def test_a_revoked_one_stops_at_once_and_stays_on_record(store: Store, clock: Clock) -> None:
    ask(store)
    store.approve("E0001", "cy")
    clock.now += timedelta(days=2)
    revoked = store.revoke("E0001", "di", "mended")
    assert (revoked.revoker, revoked.revocation, revoked.decider) == ("di", "mended", "cy")
    assert store.in_force() == []
    assert len(store.in_force(START + timedelta(days=1))) == 1, "it held until then"
    with pytest.raises(UserError, match="revoked already"):
        store.revoke("E0001", "di", "again")
    assert store.verify_audit().faults == ()


def test_one_that_ended_waiting_cannot_be_approved(store: Store, clock: Clock) -> None:
    ask(store)
    clock.now = datetime(2026, 5, 1, tzinfo=UTC)
    with pytest.raises(UserError, match="ended on 2026-04-30 before it was approved"):
        store.approve("E0001", "cy")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"check": "*"}, "would cover everything"),
        ({"check": "*", "region": "eu-*"}, "would cover everything"),
        ({"check": " "}, "the check of the exception is empty"),
        ({"reason": " "}, "reason is empty"),
        ({"owner": ""}, "owner is empty"),
        ({"requester": ""}, "name of who does it is empty"),
        ({"expires": date(2026, 2, 28)}, "is over"),
        ({"expires": date(2027, 3, 3)}, "within 366 days"),
        ({"findings": ["a" * 32]}, "not of both"),
        ({"findings": ["x"], "check": "*"}, "no finding's id"),
    ],
)
def test_wrong_requests(store: Store, wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(UserError, match=why):
        ask(store, **wrong)
    assert store.exceptions() == []
    assert store.audit_log() == []


@pytest.mark.parametrize("id", ["E9", "x", "", "E²", "E99999999999", "-1"])
def test_unknown_exceptions(store: Store, id: str) -> None:
    with pytest.raises(UserError, match="no exception"):
        store.approve(id, "cy")


def test_one_of_findings_covers_just_those(store: Store) -> None:
    arn = "arn:aws:s3:::logs"
    mine = finding_id("s3-x", "111122223333", "eu-west-1", arn)
    ask(store, check="*", findings=[mine])
    store.approve("E0001", "cy")
    [rule] = store.in_force()
    assert rule.covers("s3-x", "111122223333", "eu-west-1", arn)
    assert not rule.covers("s3-y", "111122223333", "eu-west-1", arn)
    assert not rule.covers("s3-x", "111122223333", "eu-west-1", arn + "2")


def test_reminders_come_once_and_only_of_what_is_in_force(store: Store, clock: Clock) -> None:
    ask(store), ask(store), ask(store, expires=date(2026, 5, 20))
    store.approve("E0001", "cy"), store.approve("E0003", "cy")
    clock.now = datetime(2026, 4, 15, tzinfo=UTC)
    assert store.remind() == []
    clock.now = datetime(2026, 4, 16, tzinfo=UTC)
    assert [e.id for e in store.expiring()] == ["E0001"], "E0002 waits still"
    assert [e.id for e in store.expiring(60)] == ["E0001", "E0003"]
    assert [e.id for e in store.remind()] == ["E0001"]
    assert store.remind() == []
    clock.now = datetime(2026, 5, 7, tzinfo=UTC)
    assert [e.id for e in store.remind()] == ["E0003"]


def test_a_changed_exception_shows(store: Store) -> None:
    import sqlalchemy as sa

    ask(store)
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE exception SET state = 'approved', decider = 'eve'"))
    assert store.verify_audit().faults == ("the exception E0001 is not as the log says",)
