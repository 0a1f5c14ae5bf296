"""Makes the incidents of a data directory from its stored detections, keeping the ids of those known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from partywall.detections.detection import Detection
from partywall.detections.imports.same import same
from partywall.detections.incidents.incident import Incident, Networks, fresh_id, from_told, incident, judge
from partywall.detections.incidents.links import actor, linked, public
from partywall.detections.run.store import DetectionStore, Kept

if TYPE_CHECKING:
    from partywall.detections.incidents.context import Posture
    from partywall.detections.ingest.store import LogStore


def join(
    store: LogStore, found: DetectionStore, posture: Posture, excepted: frozenset[str]
) -> list[Incident]:
    """Joins the stored detections into incidents and stores them.

    `excepted` are ids of detections that somebody accepted: they belong to no incident.
    """
    kept = [each for each in found.detections() if each.state != "resolved"]
    kept = [each for each in kept if each.detection.id not in excepted]
    listed = [each.detection for each in kept]
    networks = networks_of(store, listed)
    groups = linked(listed, networks.principals)
    stories: dict[int, list[int]] = {}
    for n in range(len(listed)):
        stories.setdefault(groups.root(n), []).append(n)
    habits, twice = habits_of(listed), same(listed)
    known = [from_told(told) for told in found.incidents()]
    names = {detection: each.id for each in reversed(known) for detection in each.detections}
    began = {each.id: each.first_seen for each in known}
    closed = found.closed()
    made: list[Incident] = []
    taken: set[str] = set()
    for root, members in stories.items():
        story = [listed[n] for n in members]
        if all(each.id in twice for each in story):
            continue
        told, raised = posture.of(story)
        judged = judge([each for each in story if each.id not in twice], habits, raised, networks)
        if not judged.severity:
            continue
        before = {names[each.id] for each in story if each.id in names} - taken
        name = min(before, key=lambda each: (began[each], each)) if before else fresh_id(story)
        taken |= {*before, name}
        shut = closed.get(name)
        grew = max(kept[n].changed_at for n in members)
        state = _state(bool(before), shut[0] if shut else None, grew, [kept[n] for n in members])
        made.append(incident(story, judged, name, state, groups.why.get(root, ()), told))
    gone = [each.id for each in known if each.id not in {new.id for new in made}]
    found.keep_incidents(
        ((each.id, asdict(each), int(each.last_seen.timestamp() * 1_000_000)) for each in made), gone
    )
    return sorted(made, key=lambda each: each.last_seen, reverse=True)


def _state(known: bool, closed: datetime | None, grew: datetime, members: Sequence[Kept]) -> str:
    if closed is not None:
        return "reopened" if grew > closed else "resolved"
    if not known or all(each.state == "new" for each in members):
        return "new"
    return "open"


def habits_of(found: Sequence[Detection]) -> Mapping[tuple[str, str], set[str]]:
    """(rule, actor) -> the UTC days on which it was found."""
    made: dict[tuple[str, str], set[str]] = {}
    for each in found:
        made.setdefault((each.rule, actor(each)), set()).add(each.first_seen.date().isoformat())
    return made


def networks_of(store: LogStore, found: Sequence[Detection]) -> Networks:
    """What the logs say of the public source addresses of detections, before the first of each."""
    first: dict[str, datetime] = {}
    for each in found:
        for address in each.addresses:
            if public(address):
                first[address] = min(first.get(address, each.first_seen), each.first_seen)
    if not first:
        return Networks()
    import pyarrow as pa

    from partywall.lake.engine import connect

    connection = connect("1GB", 2)
    try:
        columns = ("eventTime", "sourceIPAddress", "userIdentity.arn", "userIdentity.principalId")
        connection.register(
            "asked",
            pa.table(
                {
                    "address": pa.array(first, pa.string()),
                    "at": pa.array(first.values(), pa.timestamp("us", tz="UTC")),
                }
            ),
        )
        relation = store.relation("cloudtrail", until=max(first.values()), columns=columns)
        rows = connection.execute(
            'SELECT a.address, count(DISTINCT coalesce("userIdentity.arn", "userIdentity.principalId")),'
            ' count(DISTINCT "eventTime"::DATE)'
            f' FROM ({relation}) e JOIN asked a ON a.address = e."sourceIPAddress" AND e."eventTime" < a.at'
            " GROUP BY 1"
        ).fetchall()
    finally:
        connection.close()
    times = [part.first for part in store.parts("cloudtrail") if part.first is not None]
    began = datetime.fromtimestamp(min(times) / 1_000_000, UTC) if times else None
    return Networks({a: n for a, n, _ in rows}, {a: n for a, _, n in rows}, began)


def stored(data: Path) -> list[Incident]:
    """The incidents that are stored, latest first, their states as of now."""
    found = DetectionStore.if_there(data)
    if found is None:
        return []
    try:
        closed = found.closed()
        made = [from_told(told) for told in found.incidents()]
    finally:
        found.close()
    return [
        replace(each, state="resolved") if each.id in closed and each.state not in ("reopened",) else each
        for each in made
    ]
