"""Our rules as a whole: GuardDuty's types, quiet accounts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from partywall.detections import guardduty
from partywall.detections.sigma.rules import OURS, RuleSet, load


@pytest.fixture(scope="module")
def ours() -> RuleSet:
    return load([OURS])


def _recall() -> Any:
    path = Path(__file__).parents[1] / "benchmarks" / "recall.py"
    spec = importlib.util.spec_from_file_location("benchmarks_recall", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_guardduty_types_says_what_rules_and_models_do(ours: RuleSet) -> None:
    told = guardduty.table()
    assert len(told) == 46
    for each in guardduty.equivalents(ours):
        by = told[each.type].partition(":")[0]
        assert (by == guardduty.BY_RULES) is bool(each.rules), each
        assert by != guardduty.BY_MODELS or each.models, each
        assert each.rules or each.models or each.needs, each


def test_every_rule_for_a_guardduty_type_brings_events(ours: RuleSet) -> None:
    named = [
        each.about
        for each in (*ours.rules, *ours.correlations)
        if each.about.extra.get("finding") in guardduty.table()
    ]
    assert named
    assert all(about.extra["events"]["match"] and about.extra["events"]["clean"] for about in named)


def test_a_quiet_day_says_nothing_at_medium_and_a_stopped_trail_does(ours: RuleSet) -> None:
    recall = _recall()
    said, events = recall.quiet(ours, 1)
    assert events > 2000
    assert sum(said.values()) <= 2, said
    from partywall.detections.sigma.samples import expand

    (record,) = expand([{"call": "cloudtrail:StopLogging", "request": {"name": "main"}}])
    levels, _ = recall.judge(ours, [record])
    assert recall.is_loud(levels[record["eventID"]])
