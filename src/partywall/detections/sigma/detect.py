"""A rule set over a table of events: matches of single events, and alerts of correlations.

loaded = rules.load([rules.OURS])
detected = Detector(loaded, fields.cloudtrail()).run(connection, store.relation("cloudtrail"))
detected.matches                      # (rule, event id), in order of time
detected.alerts                       # correlate.Alert
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from partywall.detections.sigma import chains, correlate
from partywall.detections.sigma.correlate import Alert, Hold, Match
from partywall.detections.sigma.engine import Engine, Matched, decoded, kept_as
from partywall.detections.sigma.fields import Fields
from partywall.detections.sigma.rules import Correlation, Rule, RuleSet
from partywall.detections.sigma.sql import Inside

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Detected:
    """What a rule set found. Rules that only feed correlations are not among the matches."""

    matches: Sequence[tuple[Rule, str]]
    alerts: Sequence[Alert]
    events: int


class Detector:
    """A rule set made ready for one kind of event table."""

    def __init__(self, loaded: RuleSet, fields: Fields) -> None:
        self.loaded = loaded
        self.fields = fields
        self._at = {rule.about.id: index for index, rule in enumerate(loaded.rules)}
        self._named = loaded.named()
        also: dict[int, set[str]] = {}
        for each in loaded.correlations:
            for reference in each.rules:
                fed = self._named[reference]
                if isinstance(fed, Rule):
                    also.setdefault(self._at[fed.about.id], set()).update(self._needed(each, reference))
        self._engine = Engine(loaded.rules, fields, also)

    def run(self, connection: duckdb.DuckDBPyConnection, relation: str) -> Detected:
        """Judges the rows of a SELECT, which is read several times; temporary tables stay behind.

        Every event whose time is NULL is judged by rules and left out of correlations.
        """
        matched = self._engine.run(connection, relation)
        known = chains.Chains()
        if any(chains.PRINCIPAL in each.group_by for each in self.loaded.correlations):
            known = chains.learn(connection, relation, self.fields)
        found: list[Alert] = []
        held: dict[str, tuple[list[Hold], list[Alert], Mapping[tuple[tuple[str, ...], int], list[str]]]] = {}
        for each in self._in_order():
            matches: list[Match] = []
            nested: list[Alert] = []
            for position, reference in enumerate(each.rules):
                fed = self._named[reference]
                if isinstance(fed, Rule):
                    matches += self._matches(matched, fed, position, self._needed(each, reference), known)
                else:
                    inner, alerts, events = held[fed.about.id]
                    nested += alerts
                    matches += [
                        Match(
                            event,
                            hold.at,
                            position,
                            dict(zip(fed.group_by, ([g] for g in hold.group), strict=True)),
                        )
                        for hold in inner
                        for event in events[hold.group, hold.at]
                    ]
            rows = correlate.rows(each, matches)
            holds = correlate.holds(connection, each, rows)
            alerts = [_with(nested, alert) for alert in correlate.alerts(each, rows, holds)]
            at: dict[tuple[tuple[str, ...], int], list[str]] = {}
            for row in rows:
                at.setdefault((row.group, row.at), []).append(row.event)
            held[each.about.id] = (holds, alerts, at)
            found += alerts
        silent = self.loaded.silent()
        found = [alert for alert in found if alert.correlation.about.id not in silent]
        told = [(self.loaded.rules[rule], event) for event, rule in matched.pairs()]
        shown = [(rule, event) for rule, event in told if rule.about.id not in silent]
        return Detected(shown, sorted(found, key=lambda alert: (alert.first, alert.last)), matched.events)

    def _needed(self, correlation: Correlation, reference: str) -> set[str]:
        names = [
            correlation.aliases.get(each, {}).get(reference, each)
            for each in correlation.group_by
            if each != chains.PRINCIPAL
        ]
        if correlation.threshold:
            names += correlation.threshold.fields
        if chains.PRINCIPAL in correlation.group_by:
            names += chains.IDENTITY
        return set(names)

    def _in_order(self) -> list[Correlation]:
        """The correlations, each after those that it rests on."""
        done: dict[str, Correlation] = {}
        waiting = list(self.loaded.correlations)
        while waiting:
            ready = [
                each
                for each in waiting
                if all(
                    isinstance(fed := self._named[reference], Rule) or fed.about.id in done
                    for reference in each.rules
                )
            ]
            if not ready:
                # What rests on itself holds for nothing.
                break
            done.update((each.about.id, each) for each in ready)
            waiting = [each for each in waiting if each.about.id not in done]
        return list(done.values())

    def _matches(
        self, matched: Matched, rule: Rule, position: int, needed: set[str], known: chains.Chains
    ) -> list[Match]:
        """A rule's matches with the values of the fields that a correlation needs."""
        inside: dict[str, Inside] = {}
        for each in needed:
            column, rest = self.fields.locate(each)
            inside[each] = Inside(kept_as(column), rest)
        names = sorted({each.sql for each in inside.values()})
        batch = matched.connection.sql(
            f"SELECT {', '.join(['e.event_id AS id', 'epoch_us(e.event_time) AS at', *names])}"
            " FROM partywall_hits h JOIN partywall_events e ON e.rowid = h.event"
            f" WHERE h.rule = {self._at[rule.about.id]} AND e.event_time IS NOT NULL"
        ).to_arrow_table()
        deep = {name: at for name, at in inside.items() if self.fields.locate(name)[0].kind == "json"}
        values: dict[str, list[list[str]]] = {}
        for name, at in inside.items():
            if name not in deep:
                plain = batch.column(at.sql.strip('"')).to_pylist()
                values[name] = [[] if value is None else [value] for value in plain]
        for name, (array, many) in decoded(batch, deep).items():
            plain = array.to_pylist()
            values[name] = [[] if value is None else value if many else [value] for value in plain]
        if all(name in values for name in chains.IDENTITY):
            callers = zip(*(values[name] for name in chains.IDENTITY), strict=True)
            values[chains.PRINCIPAL] = [
                [known.first(tuple(each[0] if each else None for each in caller))] for caller in callers
            ]
        columns = list(values.items())
        events, times = batch.column("id").to_pylist(), batch.column("at").to_pylist()
        return [
            Match(event or "", at, position, {name: listed[row] for name, listed in columns})
            for row, (event, at) in enumerate(zip(events, times, strict=True))
        ]


def _with(nested: Sequence[Alert], alert: Alert) -> Alert:
    """An alert with the events of the alerts that it rests on."""
    events = dict.fromkeys(alert.events)
    for inner in nested:
        if not events.keys().isdisjoint(inner.events):
            events = dict.fromkeys([*inner.events, *events])
    return Alert(alert.correlation, alert.group, alert.first, alert.last, alert.value, tuple(events))
