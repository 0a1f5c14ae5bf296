"""Bursts of looking around and of refusals: each kind of caller has limits and habits of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from partywall.detections.imports.same import same
from partywall.detections.models.bursts import LIMITS
from tests.stories import BOTO, CLI, TERRAFORM, Record, Script, Who, begin, session, sso, user
from tests.trail_models import ACCOUNT, Watched, asked

_HOME = "203.0.113.9"
_SERVICES = "iam ec2 rds lambda ecs eks kms sqs sns acm s3 logs ssm glue athena batch mq"
_CALLS = "ListThings DescribeThings GetThingPolicy ListTagsForThing DescribeOther"
_READS = [f"{service}:{call}" for call in _CALLS.split() for service in _SERVICES.split()]
_PERSON = user(ACCOUNT, "ann", _HOME)
_CONSOLE = sso(ACCOUNT, "dora@example.com", _HOME)
_TERRAFORM = session(ACCOUNT, "github-actions-terraform", "run", _HOME, TERRAFORM)
_PIPELINE = session(ACCOUNT, "gitlab-deploy", "run", _HOME, BOTO)
_INSTANCE = session(ACCOUNT, "web", "i-0abcd1234ef567890", "52.94.133.131", BOTO, ec2RoleDelivery="2.0")
_FUNCTION = session(ACCOUNT, "orders", "orders", "52.94.133.7", BOTO + " exec-env/AWS_Lambda_python3.12")


def _burst(
    who: Who, count: int, gap: float = 5, error: str = "", day: int = 0, first: int = 0
) -> list[Record]:
    it = Script(ACCOUNT, begin() + timedelta(days=day, hours=10), gap)
    for call in _READS[:count]:
        it.call(who, call, error=error)
    return it.records


@pytest.mark.parametrize(
    ("who", "enough"),
    [
        pytest.param(_PERSON, 12, id="person"),
        pytest.param(_PIPELINE, 60, id="pipeline"),
        pytest.param(_INSTANCE, 6, id="instance"),
        pytest.param(_FUNCTION, 6, id="function"),
    ],
)
def test_looking_around(tmp_path: Path, who: Who, enough: int) -> None:
    (found,) = asked(tmp_path / "over", _burst(who, enough))
    assert (found.type, found.severity, found.count) == (
        "Discovery:IAMUser/AnomalousBehavior",
        "medium",
        enough,
    )
    assert f"{enough} distinct calls" in found.explanation
    assert LIMITS[found.kind].calls == enough
    assert asked(tmp_path / "under", _burst(who, enough - 1)) == []
    # As many, but slowly.
    assert asked(tmp_path / "slow", _burst(who, enough, 600)) == []


@pytest.mark.parametrize("who", [_CONSOLE, _TERRAFORM], ids=["console", "terraform"])
def test_consoles_and_terraform_look_at_everything(tmp_path: Path, who: Who) -> None:
    assert asked(tmp_path, _burst(who, 85)) == []


@pytest.mark.parametrize(
    ("who", "enough"),
    [
        pytest.param(_PERSON, 6, id="person"),
        pytest.param(_CONSOLE, 25, id="console"),
        pytest.param(_TERRAFORM, 15, id="terraform"),
        pytest.param(_INSTANCE, 4, id="instance"),
    ],
)
def test_refusals(tmp_path: Path, who: Who, enough: int) -> None:
    found = asked(tmp_path / "over", _burst(who, enough, error="AccessDenied"))
    assert [each.rule for each in found] == ["model-refused-burst"]
    assert asked(tmp_path / "under", _burst(who, enough - 1, error="AccessDenied")) == []
    assert asked(tmp_path / "other", _burst(who, enough - 1, error="ThrottlingException")) == []


def test_one_call_many_times_is_no_burst(tmp_path: Path) -> None:
    it = Script(ACCOUNT, begin(), 1)
    for _ in range(60):
        it.call(_INSTANCE, "ec2:DescribeInstances").call(_INSTANCE, "ssm:DescribeParameters")
    assert asked(tmp_path, it.records) == []


def test_what_a_caller_does_daily_is_its_habit(tmp_path: Path) -> None:
    scanner = replace(_INSTANCE)
    watched = Watched(tmp_path)
    for day in range(5):
        watched.add(_burst(scanner, 20, day=day))
    assert {each.first_seen.day for each in watched.ask().detections} == {2, 3}
    # Half as many again, and of other things, is news.
    watched.add(_burst(scanner, 60, day=5))
    (found,) = watched.ask().detections
    assert "at most 20 before on 5 earlier days" in found.explanation


def test_the_habits_of_one_are_not_anothers(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for day in range(3):
        watched.add(_burst(_PERSON, 20, day=day))
    watched.add(_burst(user(ACCOUNT, "eve", "198.51.100.7", CLI), 20, day=3))
    assert watched.ask().detections[-1].principal.endswith("user/eve")


def test_a_model_that_says_what_a_rule_said_counts_once(tmp_path: Path) -> None:
    (found,) = asked(tmp_path, _burst(_PERSON, 14))
    rule = replace(found, id="r", source="correlation", events=found.events[:9])
    assert same([rule, found]) == {found.id: "r"}
    assert same([replace(rule, events=found.events[:3]), found]) == {}
    assert same([replace(rule, tactics=("impact",)), found]) == {}
    assert same([replace(rule, severity="low"), found]) == {}
