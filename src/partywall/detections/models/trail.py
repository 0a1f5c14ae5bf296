"""The models of callers: asked together about the days of CloudTrail that have new events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.detection import Detection
from partywall.detections.models import (
    Answer,
    Asked,
    Model,
    bad_callers,
    behaviour,
    bursts,
    calls,
    candidate,
    geo,
    home,
    volume,
)
from partywall.detections.models.calls import Span
from partywall.detections.models.candidate import Candidate
from partywall.detections.models.habits import Habits
from partywall.detections.models.memory import WARM_UP
from partywall.detections.models.profile import profiled

if TYPE_CHECKING:
    from partywall.detections.ingest.state import Part

_ROWS: Final = 1_000_000
"""Events that are held at a time, as far as one day allows."""
_VERSION: Final = "1"
DIRECTORY: Final = "trail"


def run(asked: Asked) -> Answer:
    """Asks every model of callers about the days with new events, oldest first."""
    fresh = asked.memory.fresh(asked.logs, "cloudtrail", "trail", _VERSION + asked.lists.version)
    if not fresh:
        return Answer()
    found: list[Detection] = []
    learning: dict[str, int] = {}
    mine = home.own(asked.data)
    with geo.Places(asked.data / geo.DIRECTORY) as places:
        for chunk in _chunks(fresh, asked.logs.parts("cloudtrail")):
            found += _days(asked, chunk, mine, places, learning)
    notes: list[str] = []
    if learning:
        fewest = min(learning.values())
        notes.append(
            f"habits of callers: learning in {len(learning)} account{'s' if len(learning) != 1 else ''}"
            f" ({fewest} of {WARM_UP} days known), until then what is merely new to them is not told"
        )
    return Answer(found, tuple(notes))


def _chunks(fresh: Sequence[tuple[date, str]], parts: Sequence[Part]) -> Iterator[dict[date, list[str]]]:
    """Days with their accounts, as many as memory holds."""
    rows: dict[tuple[str, str], int] = {}
    for part in parts:
        rows[part.date, part.account] = rows.get((part.date, part.account), 0) + part.rows
    chunk: dict[date, list[str]] = {}
    held = 0
    for day, group in groupby(fresh, key=lambda each: each[0]):
        accounts = [account for _, account in group]
        more = sum(rows.get((day.isoformat(), account), 0) for account in accounts)
        if chunk and (held + more > _ROWS or (day - next(iter(chunk))).days > 31):
            yield chunk
            chunk, held = {}, 0
        chunk[day] = accounts
        held += more
    if chunk:
        yield chunk


def _days(
    asked: Asked, chunk: dict[date, list[str]], mine: home.Own, places: geo.Places, learning: dict[str, int]
) -> list[Detection]:
    days = list(chunk)
    accounts = sorted({account for each in chunk.values() for account in each})
    with calls.opened(asked.logs, days, accounts) as span:
        known = _placed(span, places)
        volume.prepared(span)
        habits = Habits(asked.memory.directory / DIRECTORY, span.connection, accounts, days[-1])
        found: list[Candidate] = bad_callers.candidates(span, asked.lists)
        for day in days:
            habits.before(day)
            span.of(day)
            bursts.measured(span)
            volume.measured(span)
            found += [*home.candidates(span, mine, known), *bursts.candidates(span)]
            profiled(span)
            found += behaviour.candidates(span, habits, day, learning)
            found += volume.candidates(span, habits, day)
            habits.learn(day)
        habits.store()
        return candidate.detections(span, found)


def _placed(span: Span, places: geo.Places) -> dict[str, geo.Place]:
    """Makes the table `place`: address, network (its AS where that is known), country."""
    addresses = [row["address"] for row in span.rows("SELECT DISTINCT address FROM event")]
    known = places.of(addresses)
    rows: list[tuple[Any, ...]] = []
    for address in addresses:
        place = known.get(address, geo.Place())
        near = calls.network(address)
        rows.append((address, (place.asn if near != "private" else "") or near, place.country))
    calls.table(span.connection, "place", ("address", "network", "country"), rows)
    return known


MODEL: Final = Model(
    "trail",
    tuple(
        dict.fromkeys(
            (
                *bad_callers.TYPES,
                *behaviour.TYPES,
                *volume.TYPES,
                *(each.type for each in (*home.ABOUTS, *bursts.ABOUTS)),
            )
        )
    ),
    run,
)
