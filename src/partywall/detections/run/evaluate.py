"""Asks rules of the events that are new, with what older ones correlations and credential chains need."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.callers import MACHINES, WORD, kind_of
from partywall.detections.detection import Detection, stable_id
from partywall.detections.run.store import DetectionStore, Found
from partywall.detections.run.touched import touched
from partywall.detections.sigma import chains, fields
from partywall.detections.sigma.correlate import Alert
from partywall.detections.sigma.detect import Detector
from partywall.detections.sigma.rules import About, RuleSet
from partywall.lake.source import quote

if TYPE_CHECKING:
    import duckdb

    from partywall.detections.ingest.state import Part
    from partywall.detections.ingest.store import LogStore

SESSIONS: Final = timedelta(hours=36)
"""How far back the calls that made sessions are read: a session lasts 12 hours, GetSessionToken's 36."""
_ROWS: Final = 400_000
"""Rows that are judged at a time, as far as one hour of logs allows: what bounds memory."""
_MEMORY: Final = "1GB"
_CONFIDENCE: Final = {"critical": 90, "high": 80, "medium": 60, "low": 35, "informational": 15}
_ID: Final = "userIdentity."
_WHO: Final = (
    "type",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "invokedBy",
    "identityProvider",
    "sessionContext.sessionIssuer.arn",
    "sessionContext.ec2RoleDelivery",
    "sessionContext.webIdFederationData.federatedProvider",
)
_WHAT: Final = (
    "account",
    "region",
    "eventName",
    "eventSource",
    "errorCode",
    "sourceIPAddress",
    "userAgent",
    "sessionCredentialFromConsole",
    "requestParameters",
    "responseElements",
    "resources",
    "issuedAccessKeyId",
)
_SESSION_MADE: Final = '"eventSource" = \'sts.amazonaws.com\' AND "issuedAccessKeyId" IS NOT NULL'
_PAGE: Final = 20_000


@dataclass(slots=True)
class Evaluated:
    """What a run came to. `events` counts those that rules were asked of."""

    events: int = 0
    fresh: int = 0
    grown: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """New events of a time, and the parts that hold them. None: records that tell no time."""

    since: datetime | None
    until: datetime | None
    parts: tuple[str, ...]


def version_of(loaded: RuleSet) -> str:
    """A digest of a rule set: when it changes, everything is asked again."""
    said = sorted(f"{each!r}" for each in (*loaded.rules, *loaded.correlations))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def evaluate(store: LogStore, found: DetectionStore, loaded: RuleSet, run: int, now: datetime) -> Evaluated:
    """Asks a rule set of every CloudTrail event that it was not asked of, and stores what it finds."""
    version = version_of(loaded)
    span = timedelta(seconds=max((each.seconds for each in loaded.correlations), default=0))
    known = found.evaluated(version)
    done = Evaluated()
    fresh = [part for part in store.parts("cloudtrail") if part.path not in known]
    if not fresh:
        return done
    detector = Detector(loaded, replace(fields.cloudtrail(), event_id='"id"'))
    for window in windows(fresh):
        made, events = _window(store, detector, window, span, now)
        fresh_count, grown = found.add(made, run, now, version, window.parts)
        done.events += events
        done.fresh += fresh_count
        done.grown += grown
    return done


def windows(parts: Sequence[Part]) -> Iterator[Window]:
    """New parts as spans of time that follow each other, each of about as many rows as memory allows.

    A part counts as evaluated with the last span that holds its rows.
    """
    timed = sorted(
        (p for p in parts if p.first is not None and p.last is not None), key=lambda p: p.first or 0
    )
    untimed = [p.path for p in parts if p.first is None or p.last is None]
    if untimed:
        yield Window(None, None, tuple(untimed))
    group: list[Part] = []
    rows, end = 0, 0
    for part in timed:
        first, last = part.first or 0, part.last or 0
        if group and (rows + part.rows > _ROWS or first > end + 86_400_000_000):
            yield from _split(group)
            group, rows, end = [], 0, 0
        group.append(part)
        rows, end = rows + part.rows, max(end, last)
    if group:
        yield from _split(group)


def _split(group: Sequence[Part]) -> Iterator[Window]:
    """The span of some parts, in pieces where they hold more rows than are judged at a time."""
    first = min(p.first or 0 for p in group)
    last = max(p.last or 0 for p in group)
    pieces = max(1, -(-sum(p.rows for p in group) // _ROWS))
    step = max(3_600_000_000, -(-(last - first + 1) // pieces))
    at = first
    while at <= last:
        end = min(at + step, last + 1)
        yield Window(_time(at), _time(end), tuple(p.path for p in group) if end > last else ())
        at = end


def _time(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000, UTC)


def _window(
    store: LogStore, detector: Detector, window: Window, span: timedelta, now: datetime
) -> tuple[list[Found], int]:
    from partywall.lake.engine import connect

    connection = connect(_MEMORY, 2)
    try:
        relation = _relation(store, window, span)
        detected = detector.run(connection, relation)
        known = chains.learn(connection, relation, detector.fields)
        ids = {event for _, event in detected.matches}
        ids.update(event for alert in detected.alerts for event in alert.events)
        made: dict[str, _Growing] = {}
        by_event: dict[str, list[tuple[About, str]]] = {}
        for rule, event in detected.matches:
            by_event.setdefault(event, []).append((rule.about, "rule"))
        for alert in detected.alerts:
            _alerted(by_event, alert)
        for row in _rows(connection, relation, sorted(ids)):
            for about, source in by_event.get(row["id"], ()):
                _grow(made, about, source, row, known)
        return [each.found(now) for each in made.values()], detected.events
    finally:
        connection.close()


def _alerted(by_event: dict[str, list[tuple[About, str]]], alert: Alert) -> None:
    for event in alert.events:
        by_event.setdefault(event, []).append((alert.correlation.about, "correlation"))


def _relation(store: LogStore, window: Window, span: timedelta) -> str:
    """New events, those around them that a correlation may need, and older calls that made sessions."""
    if window.since is None or window.until is None:
        everything = store.relation("cloudtrail")
        return f'SELECT * FROM ({everything}) WHERE "eventTime" IS NULL OR ({_SESSION_MADE})'
    begin = window.since - span
    around = store.relation("cloudtrail", begin, window.until + span)
    older = store.relation("cloudtrail", begin - SESSIONS, begin)
    return (
        f'SELECT * FROM ({around}) WHERE "eventTime" IS NOT NULL UNION ALL'
        f' SELECT * FROM ({older}) WHERE "eventTime" IS NOT NULL AND {_SESSION_MADE}'
    )


def _rows(
    connection: duckdb.DuckDBPyConnection, relation: str, ids: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """The events of some ids, in order of time."""
    import pyarrow as pa

    names = ", ".join(quote(name) for name in ("id", *(_ID + name for name in _WHO), *_WHAT))
    for first in range(0, len(ids), _PAGE):
        wanted = pa.table({"wanted": pa.array(ids[first : first + _PAGE], pa.string())})
        connection.register("partywall_wanted", wanted)
        table = connection.sql(
            f'SELECT DISTINCT ON (id) epoch_us("eventTime") AS at, {names} FROM ({relation})'
            " SEMI JOIN partywall_wanted ON id = wanted ORDER BY id"
        ).to_arrow_table()
        connection.unregister("partywall_wanted")
        yield from table.to_pylist()


@dataclass(slots=True)
class _Growing:
    """A detection while its events are gathered."""

    about: About
    source: str
    who: dict[str, str]
    times: list[tuple[str, int]]
    calls: Counter[str]
    failed: int
    addresses: dict[str, None]
    resources: dict[str, None]
    places: dict[str, dict[str, None]]

    def found(self, now: datetime) -> Found:
        """The detection of what was gathered."""
        self.times.sort(key=lambda each: (each[1], each[0]))
        known = [at for _, at in self.times if at]
        first = _time(known[0]) if known else now
        last = _time(known[-1]) if known else now
        about, who = self.about, self.who
        confidence = _CONFIDENCE[about.level] + (5 if self.source == "correlation" else 0)
        confidence -= 20 if who["kind"] in MACHINES else 0
        confidence -= 15 if self.failed == len(self.times) else 0
        finding = str(about.extra.get("finding", "")) or _type(about)
        made = Detection(
            id=_id(about, who, first if known else _time(0)),
            rule=about.id,
            source=self.source,
            type=finding,
            title=about.title,
            severity=about.level,
            confidence=max(5, min(99, confidence)),
            first_seen=first,
            last_seen=last,
            count=len(self.times),
            account=who["account"],
            region=who["region"],
            principal=who["principal"],
            caller=who["caller"],
            kind=who["kind"],
            access_key=who["key"],
            addresses=tuple(self.addresses)[:100],
            agent=who["agent"],
            resources=tuple(self.resources)[:100],
            events=tuple(event for event, _ in self.times),
            techniques=about.techniques,
            tactics=about.tactics,
            explanation=self._explanation(first, last),
            playbook=str(about.extra.get("playbook", "")),
            facts=tuple(
                (place, value) for place, values in self.places.items() for value in list(values)[:10]
            ),
        )
        return Found(made, tuple((event, at or _micros(now)) for event, at in self.times))

    def _explanation(self, first: datetime, last: datetime) -> str:
        calls = ", ".join(f"{n} × {call}" if n > 1 else call for call, n in self.calls.most_common(6))
        more = len(self.calls) - 6
        refused = f", {self.failed} of them failed" if 0 < self.failed < len(self.times) else ""
        refused = ", all failed" if self.failed == len(self.times) else refused
        span = (last - first).total_seconds()
        lasted = f" within {_lasting(span)}" if span else ""
        by = WORD[self.who["kind"]]
        others = f" and {more} kinds more" if more > 0 else ""
        return (
            f"{self.about.description.strip()} By {by}: {calls}{others}"
            f" ({len(self.times)} event{'s' if len(self.times) != 1 else ''}{refused}{lasted})."
        )


def _type(about: About) -> str:
    """A name in GuardDuty's form for a rule that gives none: Discovery:AwsAccount/RoleAfterRoleTried."""
    purpose = about.tactics[0] if about.tactics else "policy"
    title = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", about.title))
    return f"{purpose.title().replace('-', '')}:AwsAccount/{title or 'Rule'}"


def _lasting(seconds: float) -> str:
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{round(seconds)} second{'s' if round(seconds) != 1 else ''}"


def _id(about: About, who: Mapping[str, str], first: datetime) -> str:
    return stable_id(about.id, who["account"], who["principal"] or who["address"], first)


def _grow(
    made: dict[str, _Growing],
    about: About,
    source: str,
    row: Mapping[str, Any],
    known: chains.Chains,
) -> None:
    identity = {name: row[_ID + name] for name in _WHO}
    agent, address = row["userAgent"] or "", row["sourceIPAddress"] or ""
    console = row["sessionCredentialFromConsole"] == "true"
    caller = identity["arn"] or identity["userName"] or identity["invokedBy"] or identity["principalId"] or ""
    first = known.first(tuple(row[name] for name in chains.IDENTITY))
    if identity["userName"] and not identity["arn"] and identity["type"] == "IAMUser":
        # Failed sign-ins name the user and nothing else.
        first = f"arn:aws:iam::{identity['accountId'] or row['account']}:user/{identity['userName']}"
    who = {
        "account": row["account"] or "",
        "region": row["region"] or "",
        "principal": "" if first == "unknown" else first,
        "caller": caller,
        "kind": kind_of(identity, agent, address, console),
        "key": identity["accessKeyId"] or "",
        "agent": agent[:300],
        "address": address,
    }
    at = row["at"] or 0
    # What tells no time is of the first day of all, whenever it is read.
    name = _id(about, who, _time(at))
    each = made.get(name)
    if each is None:
        each = made[name] = _Growing(about, source, who, [], Counter(), 0, {}, {}, {})
    call = f"{(row['eventSource'] or '').removesuffix('.amazonaws.com')}:{row['eventName'] or ''}"
    each.times.append((row["id"], at))
    each.calls[call] += 1
    each.failed += row["errorCode"] is not None
    if address and len(each.addresses) < 100:
        each.addresses[address] = None
    arns, places = touched(
        call,
        who["account"],
        who["region"],
        row["requestParameters"],
        row["responseElements"],
        row["resources"],
    )
    for arn in arns[: max(0, 100 - len(each.resources))]:
        each.resources[arn] = None
    if row["issuedAccessKeyId"]:
        each.resources[row["issuedAccessKeyId"]] = None
    for place, values in places.items():
        each.places.setdefault(place, {}).update(dict.fromkeys(values[:10]))


def _micros(when: datetime) -> int:
    return int(when.timestamp() * 1_000_000)
