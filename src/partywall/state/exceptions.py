"""Exceptions as people ask for, approve, reject and revoke them; who asks never approves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from partywall.errors import UserError
from partywall.evidence.attestations import same_person
from partywall.findings.exceptions import RiskException
from partywall.state import audit
from partywall.state.base import Base, finding_ids, person, words
from partywall.state.model import Accepted, ExceptionState
from partywall.state.schema import audit as audit_table
from partywall.state.schema import exception, exception_finding

LONGEST_DAYS: Final = 366
"""How far away the last day of an exception may be: each is looked at anew within the year."""
REMIND_DAYS: Final = 14
"""Days before its end from which an exception is told of."""


class Exceptions(Base):
    """The part of `state.store.Store` that is about exceptions."""

    def request(
        self,
        *,
        reason: str,
        owner: str,
        expires: date,
        requester: str,
        findings: Iterable[str] = (),
        check: str = "*",
        account: str = "*",
        region: str = "*",
        resource: str = "*",
    ) -> Accepted:
        """Asks for an exception of findings by id, or of those that globs select; it waits for an approver.

        `expires` is its last day (UTC), within a year. Raises UserError for one that would cover everything.
        """
        requester = person(requester)
        reason, owner = words(reason, "reason"), words(owner, "owner")
        chosen = finding_ids(findings)
        globs = {"check": check, "account": account, "region": region, "resource": resource}
        if chosen and set(globs.values()) != {"*"}:
            raise UserError("an exception is of findings by their ids, or of what globs select; not of both")
        if not chosen and (check, account, resource) == ("*", "*", "*"):
            raise UserError(
                "this exception would cover everything; name findings, a check, a resource or an account"
            )
        if empty := [name for name, glob in globs.items() if not glob.strip()]:
            raise UserError(f"the {empty[0]} of the exception is empty; * stands for all")
        now = self.clock()
        today = now.astimezone(UTC).date()
        if expires < today:
            raise UserError(f"the exception's last day, {expires}, is over")
        if (expires - today).days > LONGEST_DAYS:
            raise UserError(f"an exception ends within {LONGEST_DAYS} days; {expires} is later")
        blank = {"decider": "", "decision": "", "revoker": "", "revocation": ""}
        said = {
            **{f"{name}_glob": glob.strip() for name, glob in globs.items()},
            "reason": reason,
            "owner": owner,
            "expires": expires,
            "state": ExceptionState.REQUESTED.value,
            "requester": requester,
            "requested_at": now,
        }
        with self.writing() as connection:
            last = connection.execute(sa.select(sa.func.max(exception.c.id))).scalar()
            number = (last or 0) + 1
            connection.execute(exception.insert().values(id=number, **said, **blank))
            if chosen:
                rows = [{"exception_id": number, "finding_id": each} for each in chosen]
                connection.execute(exception_finding.insert(), rows)
            detail = {**globs, "reason": reason, "owner": owner, "expires": expires, "findings": chosen}
            audit.append(connection, now, requester, "exception.request", [(_name(number), detail)])
            return _one(connection, number)

    def approve(self, id: str, approver: str, note: str = "") -> Accepted:
        """Puts an exception in force: by another person than asked for it or owns it, before it expires."""
        approver = person(approver)

        def may(found: Accepted, today: date) -> None:
            for role, name in (("asked for", found.requester), ("owns", found.owner)):
                if same_person(approver, name):
                    raise UserError(
                        f"{approver} {role} {found.id} and cannot approve it: another person must"
                    )
            if found.state_on(today) is ExceptionState.EXPIRED:
                raise UserError(
                    f"{found.id} ended on {found.expires} before it was approved; ask for a new one"
                )

        return self._decide(id, approver, ExceptionState.APPROVED, note, may)

    def reject(self, id: str, approver: str, reason: str) -> Accepted:
        """Turns a request down; it is never in force."""
        why = words(reason, "reason")
        return self._decide(id, person(approver), ExceptionState.REJECTED, why)

    def _decide(
        self,
        id: str,
        actor: str,
        state: ExceptionState,
        note: str,
        may: Callable[[Accepted, date], None] | None = None,
    ) -> Accepted:
        now = self.clock()
        with self.writing() as connection:
            found = _one(connection, _number(id))
            if found.decided != ExceptionState.REQUESTED:
                raise UserError(f"{found.id} was {found.decided} already, by {found.decider}")
            if may is not None:
                may(found, now.astimezone(UTC).date())
            said = {"state": state.value, "decider": actor, "decided_at": now, "decision": note.strip()}
            connection.execute(exception.update().where(exception.c.id == _number(id)).values(**said))
            action = "exception.approve" if state is ExceptionState.APPROVED else "exception.reject"
            audit.append(connection, now, actor, action, [(found.id, {"note": note.strip()})])
            return _one(connection, _number(id))

    def revoke(self, id: str, actor: str, reason: str) -> Accepted:
        """Ends an exception that was asked for or approved; the record of it stays."""
        actor, reason = person(actor), words(reason, "reason")
        now = self.clock()
        with self.writing() as connection:
            found = _one(connection, _number(id))
            if found.decided not in (ExceptionState.REQUESTED, ExceptionState.APPROVED):
                raise UserError(f"{found.id} was {found.decided} already")
            said = {"state": ExceptionState.REVOKED.value, "revoker": actor, "revoked_at": now}
            connection.execute(
                exception.update().where(exception.c.id == _number(id)).values(**said, revocation=reason)
            )
            audit.append(connection, now, actor, "exception.revoke", [(found.id, {"reason": reason})])
            return _one(connection, _number(id))

    def exception(self, id: str) -> Accepted:
        """An exception by its id (E0001); raises UserError where there is none."""
        with self.reading() as connection:
            return _one(connection, _number(id))

    def exceptions(self) -> list[Accepted]:
        """All exceptions, whatever became of them, oldest first; `state_on` a day tells how each stands."""
        with self.reading() as connection:
            return _all(connection)

    def in_force(self, at: datetime | None = None) -> list[RiskException]:
        """The exceptions that held at a moment (default: now), as findings are matched against."""
        moment = (at or self.clock()).astimezone(UTC)
        return [each.rule() for each in self.exceptions() if each.was_in_force(moment)]

    def approved(self) -> list[RiskException]:
        """The exceptions that were approved and not revoked, whatever their last day: who applies them looks
        at that."""
        return [each.rule() for each in self.exceptions() if each.decided == ExceptionState.APPROVED]

    def expiring(self, days: int = REMIND_DAYS) -> list[Accepted]:
        """The approved exceptions that end within so many days, the first to end first."""
        today = self.clock().astimezone(UTC).date()
        found = [each for each in self.exceptions() if each.ends_within(today, days)]
        return sorted(found, key=lambda each: (each.expires, each.id))

    def remind(self, days: int = REMIND_DAYS) -> list[Accepted]:
        """Those of `expiring` of which nobody was reminded yet; they are noted, and not told of again."""
        due = [each for each in self.expiring(days) if each.reminded_at is None]
        now = self.clock()
        claimed: list[Accepted] = []
        with self.writing() as connection:
            for each in due:
                mine = connection.execute(
                    exception.update()
                    .where(exception.c.id == _number(each.id), exception.c.reminded_at.is_(None))
                    .values(reminded_at=now)
                )
                # Another process may have told of it meanwhile.
                if mine.rowcount:
                    claimed.append(_one(connection, _number(each.id)))
        return claimed

    def exception_faults(self, connection: Connection) -> list[str]:
        """Where an exception stands otherwise than the audit log says."""
        query = sa.select(audit_table).where(audit_table.c.action.startswith("exception."))
        told: dict[str, dict[str, Any]] = {}
        for row in connection.execute(query.order_by(audit_table.c.seq)):
            detail = orjson.loads(row.detail)
            if row.action == "exception.request":
                told[row.subject] = {**detail, "findings": sorted(detail["findings"]), "state": "requested"}
                told[row.subject] |= {"requester": row.actor, "decider": ""}
            elif row.subject in told:
                state = _STATE_OF[row.action]
                told[row.subject]["state"] = state
                if state != "revoked":
                    told[row.subject]["decider"] = row.actor
        found = {each.id: _standing(each) for each in _all(connection)}
        return [
            f"the exception {id} is not as the log says"
            for id in sorted(told.keys() | found.keys())
            if told.get(id) != found.get(id)
        ]


_STATE_OF: Final[Mapping[str, str]] = {
    "exception.approve": "approved",
    "exception.reject": "rejected",
    "exception.revoke": "revoked",
}


def _standing(each: Accepted) -> dict[str, Any]:
    """An exception as the audit log tells it."""
    return {
        "check": each.check,
        "account": each.account,
        "region": each.region,
        "resource": each.resource,
        "reason": each.reason,
        "owner": each.owner,
        "expires": each.expires.isoformat(),
        "findings": sorted(each.findings),
        "state": each.decided,
        "requester": each.requester,
        "decider": each.decider,
    }


def _name(number: int) -> str:
    return f"E{number:04d}"


def _number(id: str) -> int:
    digits = id.strip().upper().removeprefix("E")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise UserError(f"{id!r} is no exception's id; one is like E0001: see partywall exceptions list")
    return int(digits)


def _one(connection: Connection, number: int) -> Accepted:
    found = _all(connection, number)
    if not found:
        raise UserError(f"there is no exception {_name(number)}; see: partywall exceptions list")
    return found[0]


def _all(connection: Connection, number: int | None = None) -> list[Accepted]:
    query, listed = sa.select(exception), sa.select(exception_finding)
    if number is not None:
        query = query.where(exception.c.id == number)
        listed = listed.where(exception_finding.c.exception_id == number)
    findings: dict[int, set[str]] = {}
    for row in connection.execute(listed):
        findings.setdefault(row.exception_id, set()).add(row.finding_id)
    return [
        Accepted(
            id=_name(row.id),
            reason=row.reason,
            owner=row.owner,
            expires=row.expires,
            requester=row.requester,
            requested_at=row.requested_at,
            decided=row.state,
            check=row.check_glob,
            account=row.account_glob,
            region=row.region_glob,
            resource=row.resource_glob,
            findings=frozenset(findings.get(row.id, ())),
            decider=row.decider,
            decided_at=row.decided_at,
            decision=row.decision,
            revoker=row.revoker,
            revoked_at=row.revoked_at,
            revocation=row.revocation,
            reminded_at=row.reminded_at,
        )
        for row in connection.execute(query.order_by(exception.c.id))
    ]
