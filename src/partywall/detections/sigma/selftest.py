"""Running the events that rules bring: those under `match` must match, those under `clean` must not.

A rule's event is one event, a correlation's a list of them. All are judged in one run of the compiled rules,
each list a month after the one before, so that no window spans two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from partywall.detections.sigma import fields
from partywall.detections.sigma.detect import Detector
from partywall.detections.sigma.rules import About, Correlation, Rule, RuleSet
from partywall.detections.sigma.samples import expand
from partywall.errors import UserError

_APART = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that came out otherwise than its rule says."""

    about: About
    message: str

    def __str__(self) -> str:
        return f"{self.about.path}:{self.about.line}: {self.about.title}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Example:
    about: About
    wanted: bool
    number: int
    ids: tuple[str, ...]


def examples(about: About, kind: str) -> list[list[Mapping[str, Any]]]:
    """A rule's examples of a kind (match, clean), each a list of events as they are written."""
    events = about.extra.get("events")
    listed: Any = events.get(kind) if isinstance(events, dict) else None
    return [each if isinstance(each, list) else [each] for each in listed or ()]


def run(loaded: RuleSet) -> tuple[list[Failure], int]:
    """Judge every example; the failures, and how many examples there were."""
    import duckdb

    failures: list[Failure] = []
    records: list[dict[str, Any]] = []
    made: list[_Example] = []
    for each in (*loaded.rules, *loaded.correlations):
        for kind in ("match", "clean"):
            for number, written in enumerate(examples(each.about, kind), 1):
                try:
                    expanded = _apart(expand(written), len(made))
                except (UserError, TypeError, ValueError) as error:
                    failures.append(Failure(each.about, f"{kind} {number}: {error}"))
                    continue
                records += expanded
                ids = tuple(record["eventID"] for record in expanded)
                made.append(_Example(each.about, kind == "match", number, ids))
    if not made:
        return failures, 0
    with duckdb.connect() as connection:
        connection.register("partywall_samples", fields.table(records))
        heard = _everything(loaded)
        detected = Detector(heard, fields.cloudtrail()).run(connection, "SELECT * FROM partywall_samples")
    found: dict[str, set[str]] = {}
    for rule, event in detected.matches:
        found.setdefault(rule.about.id, set()).add(event)
    for alert in detected.alerts:
        found.setdefault(alert.correlation.about.id, set()).update(alert.events)
    single = {rule.about.id for rule in loaded.rules}
    return failures + list(_failed(made, found, single)), len(made)


def _failed(made: Iterable[_Example], found: Mapping[str, set[str]], single: set[str]) -> Iterable[Failure]:
    for example in made:
        hit = [event in found.get(example.about.id, ()) for event in example.ids]
        matched = all(hit) if example.about.id in single and example.wanted else any(hit)
        if matched is not example.wanted:
            word = "match" if example.wanted else "clean"
            outcome = "does not match" if example.wanted else "matches"
            yield Failure(example.about, f"{word} {example.number} {outcome}")


def _everything(loaded: RuleSet) -> RuleSet:
    """The rule set with no rule kept silent."""
    correlations = [
        Correlation(
            each.about,
            each.kind,
            each.rules,
            each.group_by,
            each.seconds,
            each.aliases,
            each.threshold,
            each.expression,
            generate=True,
        )
        for each in loaded.correlations
    ]
    rules: Sequence[Rule] = loaded.rules
    return RuleSet(list(rules), correlations)


def _apart(records: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    for position, record in enumerate(records):
        moved = datetime.fromisoformat(record["eventTime"]) + _APART * number
        record["eventTime"] = moved.strftime("%Y-%m-%dT%H:%M:%SZ")
        record["eventID"] = f"{number:08x}-0000-4000-8000-{position:012x}"
    return records
