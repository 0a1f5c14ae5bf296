"""Correlations: rules over the matches of other rules, in windows that slide with every match.

The window of a match is everything of its group from `timespan` before it until its own second, both ends
included. A correlation holds at a match if its condition holds over that window. Holds whose windows overlap
are one alert. A group is made by the values of all `group-by` fields; a match that lacks one belongs to none,
and one with several values belongs to each of their groups.

In `temporal_ordered` the rules must match distinct events in their order; within one second, CloudTrail's
resolution, events are taken in the order of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.sigma.rules import Correlation, Threshold

if TYPE_CHECKING:
    import duckdb

_OPS: Final = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "neq": "<>"}


@dataclass(frozen=True, slots=True)
class Match:
    """A match of a rule: `rule` its position in the correlation, `at` in microseconds, `values` by field."""

    event: str
    at: int
    rule: int
    values: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Hold:
    """A match at which a correlation holds: when its window begins, and what was counted in it."""

    group: tuple[str, ...]
    at: int
    began: int
    value: float


@dataclass(frozen=True, slots=True)
class Alert:
    """Holds of one group that belong together. Times in microseconds; `events` ids in order of time."""

    correlation: Correlation
    group: tuple[str, ...]
    first: int
    last: int
    value: float
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    group: tuple[str, ...]
    at: int
    rule: int
    event: str
    value: str | None


def rows(correlation: Correlation, matches: Iterable[Match]) -> list[_Row]:
    """Each match once for each of its groups and counted values, by group and time."""
    counted = correlation.threshold.fields if correlation.threshold else ()
    found: set[_Row] = set()
    for match in matches:
        reference = correlation.rules[match.rule]
        groups = [
            match.values.get(correlation.aliases.get(each, {}).get(reference, each), ())
            for each in correlation.group_by
        ]
        values: list[str | None] = [None]
        if counted:
            parts = [match.values.get(each, ()) or ("",) for each in counted]
            joined = ("\x1f".join(each) for each in product(*parts))
            values = [each for each in joined if each.strip("\x1f")] or [None]
        for group in product(*groups):
            found.update(_Row(group, match.at, match.rule, match.event, value) for value in values)
    return sorted(found, key=lambda row: (row.group, row.at, row.rule, row.event, row.value or ""))


def holds(
    connection: duckdb.DuckDBPyConnection, correlation: Correlation, found: Sequence[_Row]
) -> list[Hold]:
    """Where a correlation holds, by group and time, each once."""
    if not found:
        return []
    if correlation.kind == "temporal_ordered":
        return _ordered(correlation, found)
    import pyarrow as pa

    groups: dict[tuple[str, ...], int] = {}
    made = {
        "g": pa.array([groups.setdefault(row.group, len(groups)) for row in found], pa.int64()),
        "t": pa.array([row.at for row in found], pa.int64()),
        "r": pa.array([row.rule for row in found], pa.int32()),
        "e": pa.array([row.event for row in found], pa.string()),
        "v": pa.array([row.value for row in found], pa.string()),
    }
    connection.register("partywall_rows", pa.table(made))
    span = correlation.seconds * 1_000_000
    window = f"PARTITION BY g ORDER BY t RANGE BETWEEN {span} PRECEDING AND CURRENT ROW"
    measure, condition = _measure(correlation)
    asked = connection.execute(
        f"SELECT DISTINCT g, t, b, m FROM (SELECT g, t, min(t) OVER w AS b, {measure}"
        f" FROM partywall_rows WINDOW w AS ({window})) WHERE {condition} ORDER BY g, t"
    ).fetchall()
    connection.unregister("partywall_rows")
    named = list(groups)
    return sorted(
        (Hold(named[g], t, b, float(m)) for g, t, b, m in asked), key=lambda hold: (hold.group, hold.at)
    )


def _measure(correlation: Correlation) -> tuple[str, str]:
    """SQL of what is measured over window w, as m and more, and of the condition upon it."""
    threshold = correlation.threshold
    if threshold is None:
        seen = ", ".join(
            f"coalesce(bool_or(r = {n}) OVER w, FALSE) AS s{n}" for n in range(len(correlation.rules))
        )
        return f"count(DISTINCT r) OVER w AS m, {seen}", _expression(correlation)
    number = "TRY_CAST(v AS DOUBLE)"
    measures = {
        "event_count": "count(DISTINCT e)",
        "value_count": "count(DISTINCT v)",
        "temporal": "count(DISTINCT r)",
        "value_sum": f"sum({number})",
        "value_avg": f"avg({number})",
        "value_median": f"quantile_cont({number}, 0.5)",
        "value_percentile": f"quantile_cont({number}, {(threshold.percentile or 0) / 100})",
    }
    return f"{measures[correlation.kind]} OVER w AS m", f"m {_OPS[threshold.op]} {threshold.value!r}"


def _expression(correlation: Correlation) -> str:
    """The rules' names in `a and not b` as the columns that tell whether they matched."""
    at = {reference: f"s{position}" for position, reference in enumerate(correlation.rules)}
    words = correlation.expression.replace("(", " ( ").replace(")", " ) ").split()
    return " ".join(at.get(word, word) for word in words)


def _ordered(correlation: Correlation, found: Sequence[_Row]) -> list[Hold]:
    """Where a chain of distinct events, one a rule in the rules' order, ends within the span of its start."""
    count, span = len(correlation.rules), correlation.seconds * 1_000_000
    held: dict[tuple[tuple[str, ...], int], int] = {}
    for group, members in groupby(found, key=lambda row: row.group):
        # For each number of rules: the latest start of a chain of so many, which is the shortest.
        starts: list[int | None] = [None] * count
        by_event: dict[tuple[int, str], set[int]] = {}
        for row in members:
            by_event.setdefault((row.at, row.event), set()).add(row.rule)
        for (at, _), matched in sorted(
            by_event.items(), key=lambda item: (item[0][0], min(item[1]), item[0][1])
        ):
            # From the last rule to the first, so that an event takes one place only.
            for rule in sorted(matched, reverse=True):
                start = at if rule == 0 else starts[rule - 1]
                if start is None or at - start > span:
                    continue
                if rule == count - 1:
                    held[group, at] = max(held.get((group, at), start), start)
                before = starts[rule]
                starts[rule] = start if before is None else max(before, start)
    return [Hold(group, at, began, float(count)) for (group, at), began in sorted(held.items())]


def alerts(correlation: Correlation, found: Sequence[_Row], held: Sequence[Hold]) -> list[Alert]:
    """Holds as alerts: those of one group whose windows overlap are one, with the windows' events."""
    span = correlation.seconds * 1_000_000
    by_group: dict[tuple[str, ...], list[_Row]] = {}
    for row in found:
        by_group.setdefault(row.group, []).append(row)
    made: list[Alert] = []
    for group, members in groupby(held, key=lambda hold: hold.group):
        run: list[Hold] = []
        for hold in members:
            if run and hold.at - span > run[-1].at:
                made.append(_alert(correlation, group, run, by_group[group]))
                run = []
            run.append(hold)
        made.append(_alert(correlation, group, run, by_group[group]))
    return made


def _alert(
    correlation: Correlation, group: tuple[str, ...], run: Sequence[Hold], members: Sequence[_Row]
) -> Alert:
    first, last = min(hold.began for hold in run), run[-1].at
    events = dict.fromkeys(row.event for row in members if first <= row.at <= last)
    return Alert(correlation, group, first, last, max(hold.value for hold in run), tuple(events))


def compared(threshold: Threshold, value: float) -> bool:
    """Whether a number reaches a threshold."""
    outcomes: dict[str, Any] = {
        "lt": value < threshold.value,
        "lte": value <= threshold.value,
        "gt": value > threshold.value,
        "gte": value >= threshold.value,
        "eq": value == threshold.value,
        "neq": value != threshold.value,
    }
    return bool(outcomes[threshold.op])
