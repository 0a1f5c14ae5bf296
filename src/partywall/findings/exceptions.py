"""Exceptions: findings that somebody accepted, with a reason, an owner, an approver and an end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from partywall.errors import UserError
from partywall.findings.globs import glob_sql
from partywall.findings.model import finding_id
from partywall.lake.source import literal


class RiskException(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One accepted risk. `check`, `account`, `region` and `resource` (ARN) are globs; `expires` is a date.

    The last day is included; an expired exception stops working. With `findings` (ids), it is of those alone.
    """

    reason: str
    owner: str
    approver: str
    expires: date
    check: str = "*"
    account: str = "*"
    region: str = "*"
    resource: str = "*"
    findings: frozenset[str] = frozenset()

    def covers(self, check_id: str, account_id: str, region: str, resource_arn: str) -> bool:
        """Whether a finding falls under this exception (its expiry aside)."""
        if self.findings:
            return finding_id(check_id, account_id, region, resource_arn) in self.findings
        return (
            fnmatchcase(check_id, self.check)
            and fnmatchcase(account_id, self.account)
            and fnmatchcase(region, self.region)
            and fnmatchcase(resource_arn, self.resource)
        )


def parse(entries: Any, place: str) -> list[RiskException]:
    """Exceptions from configuration; raises UserError naming the entry that is wrong."""
    if not isinstance(entries, list):
        raise UserError(
            f"{place}: `exceptions` is a list of entries with reason, owner, approver and expires"
        )
    found: list[RiskException] = []
    for number, entry in enumerate(entries, 1):
        try:
            exception = msgspec.convert(entry, RiskException)
        except msgspec.ValidationError as error:
            raise UserError(f"{place}: exception {number}: {error}") from error
        if exception.owner == exception.approver:
            raise UserError(
                f"{place}: exception {number}: the approver must be another person than the owner"
            )
        everything = (exception.check, exception.resource, exception.account) == ("*", "*", "*")
        if everything and not exception.findings:
            raise UserError(
                f"{place}: exception {number} would cover everything; name a check, resource or account"
            )
        found.append(exception)
    return found


def in_force(
    exceptions: Iterable[RiskException], now: datetime
) -> tuple[list[RiskException], list[RiskException]]:
    """The exceptions in force on that day (UTC) and those that have expired."""
    today = now.astimezone(UTC).date()
    listed = list(exceptions)
    return [e for e in listed if e.expires >= today], [e for e in listed if e.expires < today]


def exception_sql(exceptions: Iterable[RiskException]) -> str:
    """SQL of the reason of the first exception that covers a row with finding_id, check_id,
    account_id, region and resource_arn; '' where none does."""
    whens: list[str] = []
    columns = {"check": "check_id", "account": "account_id", "region": "region", "resource": "resource_arn"}
    for each in exceptions:
        if each.findings:
            fits = [f"finding_id IN ({', '.join(map(literal, sorted(each.findings)))})"]
        else:
            fits = [
                glob_sql(column, getattr(each, name))
                for name, column in columns.items()
                if getattr(each, name) != "*"
            ]
        whens.append(f"WHEN {' AND '.join(fits) or 'TRUE'} THEN {literal(each.reason)}")
    return f"CASE {' '.join(whens)} ELSE '' END" if whens else "''"
