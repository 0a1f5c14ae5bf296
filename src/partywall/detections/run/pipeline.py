"""All that follows reading logs: rules, correlations, models, incidents. `detect(data)` is the one way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall.detections.detection import SEVERITIES
from partywall.detections.incidents.context import posture
from partywall.detections.incidents.incident import Incident
from partywall.detections.incidents.join import join, stored
from partywall.detections.run.evaluate import evaluate
from partywall.detections.run.store import DetectionStore, Kept

if TYPE_CHECKING:
    from partywall.findings.exceptions import RiskException


@dataclass(frozen=True, slots=True)
class Threats:
    """What is known after a run: detections and incidents, and what this run added."""

    detections: list[Kept] = field(default_factory=list[Kept])
    """Oldest first."""
    incidents: list[Incident] = field(default_factory=list[Incident])
    """Latest first."""
    excepted: dict[str, str] = field(default_factory=dict[str, str])
    """Id of a detection -> the reason of the exception in force that covers it."""
    events: int = 0
    """Events that rules were asked of in this run."""
    fresh: int = 0
    grown: int = 0
    notes: tuple[str, ...] = ()
    """What the models say of themselves: learning, off for want of a database …"""

    def alone(self) -> list[Kept]:
        """The detections that belong to no incident, worst and latest first."""
        joined = {name for each in self.incidents for name in each.detections}
        rest = [each for each in self.detections if each.detection.id not in joined]
        return sorted(
            rest, key=lambda k: (-SEVERITIES.index(k.detection.severity), -k.detection.last_seen.timestamp())
        )


def excepted(detections: Iterable[Kept], exceptions: Sequence[RiskException]) -> dict[str, str]:
    """Id of each detection that an exception in force covers -> its reason.

    An exception's `check` is held against the rule's id, the type and the title; its `resource` against the
    principal and each resource touched.
    """
    from partywall.findings.exceptions import in_force

    active, _ = in_force(exceptions, datetime.now(UTC))
    found: dict[str, str] = {}
    for kept in detections if active else ():
        each = kept.detection
        things = [each.principal, each.caller, *each.resources]
        for exception in active:
            if any(
                exception.covers(rule, each.account, each.region, thing)
                for rule in (each.rule, each.type, each.title)
                for thing in dict.fromkeys(things)
            ):
                found[each.id] = exception.reason
                break
    return found


def detect(
    data: Path,
    rules: Sequence[Path] = (),
    exceptions: Sequence[RiskException] = (),
    now: datetime | None = None,
    options: dict[str, Any] | None = None,
) -> Threats:
    """Evaluates what is new in a data directory's logs, stores what is found, and joins incidents anew.

    `rules` are further rule files or directories. Raises UserError where the store cannot be written or a
    rule directory holds nothing.
    """
    from partywall.detections.ingest.store import LogStore
    from partywall.detections.sigma.rules import OURS, load

    now = now or datetime.now(UTC)
    loaded = load([OURS, *rules])
    logs, found = LogStore(data), DetectionStore(data)
    try:
        run = found.begin(now)
        done = evaluate(logs, found, loaded, run, now)
        notes = tuple(f"rule left out: {problem}" for problem in loaded.problems)
        fresh, grown, said = _models(logs, found, run, now, options or {})
        kept = found.detections()
        covered = excepted(kept, exceptions)
        incidents = join(logs, found, posture(data), frozenset(covered))
        return Threats(
            found.detections(),
            incidents,
            covered,
            done.events,
            done.fresh + fresh,
            done.grown + grown,
            notes + said,
        )
    finally:
        found.close()


def _models(
    logs: Any, found: DetectionStore, run: int, now: datetime, options: dict[str, Any]
) -> tuple[int, int, tuple[str, ...]]:
    """Runs the models: (new, grown, what they say of themselves)."""
    from partywall.detections import models
    from partywall.detections.run.store import Found

    answer = models.run(logs, now=now, **options)
    fresh, grown = found.add((Found(each) for each in answer.detections), run, now)
    answer.stored()
    return fresh, grown, answer.notes


def threats(data: Path, exceptions: Sequence[RiskException] = ()) -> Threats:
    """What is stored, without evaluating anything; empty where nothing was ever detected."""
    found = DetectionStore.if_there(data)
    if found is None:
        return Threats()
    try:
        kept = found.detections()
    finally:
        found.close()
    return Threats(kept, stored(data), excepted(kept, exceptions))
