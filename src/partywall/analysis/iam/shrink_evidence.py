"""Which granted actions were used, which were not, and of which nothing tells.

IAM User Guide: Refine permissions in AWS using last accessed information; IAM action last accessed
information services and actions. AWS CloudTrail User Guide: Logging management events; Logging data events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from partywall.analysis.iam.actions import find
from partywall.analysis.iam.patterns import glob
from partywall.analysis.iam.usage import Usage
from partywall.analysis.iam.usage_actions import DATA_EVENTS
from partywall.errors import UserError

_DAY: Final = timedelta(days=1)
# Permissions that no call is named after are needed by calls of others; these stay without being asked for.
_NO_EVENT: Final = "its use makes no event of its own"


@dataclass(frozen=True, slots=True)
class LastAccess:
    """A service in the report of last accesses: None where it was not used within AWS's tracking period."""

    last: datetime | None
    actions: Mapping[str, datetime | None] = field(default_factory=dict["str", "datetime | None"])
    """The actions that AWS tracks one by one, in lower case without the service."""


Report = Mapping[str, LastAccess]
"""Service prefix -> its last access. Services that the principal's policies do not allow are not in it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a principal's use of its permissions. `keep`: patterns of actions that stay."""

    usage: Usage | None = None
    report: Report | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    """Patterns of actions that somebody knows to be unused; what events show is kept all the same."""
    keep_unknown: bool = False
    since: datetime | None = None


@dataclass(slots=True)
class Verdicts:
    """The granted actions (in lower case) by what the evidence says of each."""

    by_events: set[str] = field(default_factory=set[str])
    """Used, as events show: their resources may be narrowed."""
    whole: dict[str, str] = field(default_factory=dict[str, str])
    """Kept on all resources -> why."""
    unused: set[str] = field(default_factory=set[str])
    unknown: dict[str, str] = field(default_factory=dict[str, str])
    """Of which nothing tells -> why."""

    @property
    def kept(self) -> set[str]:
        """All that stays."""
        return self.by_events | set(self.whole)


def report_of(rows: Sequence[Mapping[str, Any]] | None) -> Report | None:
    """The report of a row's `last_accessed` (tables iam_user and iam_role); None where it was not read."""
    if rows is None:
        return None
    return {
        row["service"]: LastAccess(
            row["last_used"] if row["used"] else None,
            {a["name"].lower(): a["last_used"] if a["used"] else None for a in row["actions"] or ()},
        )
        for row in rows
    }


def verdicts(granted: Iterable[str], evidence: Evidence) -> Verdicts:
    """Of each granted action (in lower case) what the evidence says."""
    found = Verdicts()
    tests = [glob(pattern.lower()) for pattern in evidence.keep]
    dropped = [glob(pattern.lower()) for pattern in evidence.drop]
    needed = _needed(evidence.usage)
    for action in granted:
        if any(test(action) for test in tests):
            found.whole[action] = "kept as asked"
            continue
        if evidence.usage is not None and action in evidence.usage.uses:
            found.by_events.add(action)
            continue
        if action in needed:
            found.whole[action] = f"{needed[action]} may need it"
            continue
        if any(test(action) for test in dropped):
            found.unused.add(action)
            continue
        used, why = _last(action, evidence)
        if used is None:
            used, why = _seen(action, evidence, why)
        if used:
            found.whole[action] = why
        elif used is False:
            found.unused.add(action)
        elif evidence.keep_unknown or why is _NO_EVENT:
            found.whole[action] = why
        else:
            found.unknown[action] = why
    return found


def _needed(usage: Usage | None) -> dict[str, str]:
    """Actions that used ones depend on -> the one (Service Authorization Reference, dependent actions)."""
    found: dict[str, str] = {}
    for use in usage.uses.values() if usage is not None else ():
        action = find(use.action)
        if action is None:
            continue
        dependent = [*action.dependent, *(d for r in action.resources for d in r.dependent)]
        found |= {name.lower(): use.action for name in dependent}
    return found


def _last(action: str, evidence: Evidence) -> tuple[bool | None, str]:
    """Whether the report of last accesses says that an action was used."""
    if evidence.report is None:
        return None, "when it was last used was not read"
    service, _, name = action.partition(":")
    entry = evidence.report.get(service)
    if entry is None:
        return None, f"AWS reports no last access of {service}"
    if not _within(entry.last, evidence.since):
        return False, ""
    if name in entry.actions:
        return _within(entry.actions[name], evidence.since), "AWS reports its last access"
    return None, f"{service} was used, and AWS does not track each of its actions"


def _within(moment: datetime | None, since: datetime | None) -> bool:
    # AWS tells the time of a last access to the hour or so ("within the last four hours").
    return moment is not None and (since is None or moment >= since - _DAY)


def _seen(action: str, evidence: Evidence, why: str) -> tuple[bool | None, str]:
    """Whether the absence of events says that an action was not used."""
    usage = evidence.usage
    if usage is None:
        return None, why
    service, _, name = action.partition(":")
    if find(action) is None:
        return None, "AWS's reference knows no such action"
    entry = (evidence.report or {}).get(service)
    # AWS tracks one by one what CloudTrail logs as management events.
    managed = entry is not None and name in entry.actions
    if service in DATA_EVENTS and service not in usage.data_sources and not managed:
        return None, f"no data events of {service} are in the files"
    calls = {use.partition(":")[0] for use in usage.uses}
    if service in calls and not _is_call(service, name):
        return None, _NO_EVENT
    return False, ""


def _is_call(service: str, name: str) -> bool:
    """Whether an action is called by an operation of that name, so that its use makes an event."""
    from partywall.analysis.iam.usage_calls import operations

    known = operations(service)
    return known is None or name in known


def require(arn: str, found: Verdicts, evidence: Evidence) -> None:
    """Raises UserError with one sentence where the evidence does not suffice to tell what may go."""
    usage = evidence.usage
    if usage is None and evidence.report is None:
        raise UserError(
            f"nothing tells what {arn} used: the scan did not read its last accesses;"
            " give --events, or scan with --tables iam_user,iam_role"
        )
    if usage is not None:
        if evidence.since and usage.first and usage.first > evidence.since + _DAY:
            raise UserError(
                f"the events begin on {usage.first:%Y-%m-%d}, after --since {evidence.since:%Y-%m-%d}:"
                " give the files of the whole time, or a later --since"
            )
        if not usage.own:
            seen = " to ".join(f"{t:%Y-%m-%d}" for t in (usage.first, usage.last) if t)
            raise UserError(
                f"none of the {usage.events} events ({seen}) is of {arn}: give the files of its account and"
                " Regions, or, if nobody uses it, remove it instead"
            )
        if usage.unmapped and not evidence.keep_unknown:
            told = ", ".join(sorted(usage.unmapped)[:5])
            raise UserError(
                f"which permission these calls of {arn} need is not known: {told}; go on with --keep-unknown"
                " and --keep for the actions that they need"
            )
    if found.unknown:
        raise UserError(
            f"the evidence does not tell whether {arn} uses {_told(found.unknown)}: give events that show it,"
            f" or say it yourself with --keep or --drop {_patterns(found.unknown)} (--keep-unknown keeps all)"
        )


def _told(unknown: Mapping[str, str]) -> str:
    by_why: dict[tuple[str, str], list[str]] = {}
    for action, why in sorted(unknown.items()):
        by_why.setdefault((action.partition(":")[0], why), []).append(action)
    parts = [
        f"{_name(actions[0])} ({why})"
        if len(actions) == 1
        else f"{len(actions)} actions of {service} such as {_name(actions[0])} ({why})"
        for (service, why), actions in by_why.items()
    ]
    more = f" and {len(parts) - 3} more groups" if len(parts) > 3 else ""
    return "; ".join(parts[:3]) + more


def _patterns(unknown: Mapping[str, str]) -> str:
    names = sorted({action.partition(":")[0] for action in unknown})
    return f"'{names[0]}:*'"


def _name(action: str) -> str:
    found = find(action)
    return found.name if found else action
