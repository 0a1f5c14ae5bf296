"""Behaviour that is new to a caller and its like: a stated rate on quiet days, and intrusions among them."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from partywall.detections.models import Answer
from partywall.detections.models.behaviour import PURPOSES, RATES, TYPES
from partywall.detections.models.habits import DAYS, Habits
from partywall.detections.models.memory import WARM_UP, alarms
from partywall.detections.models.tactics import purpose, type_of
from tests.quiet_trail import quiet_days
from tests.stories import BOTO, CLI, Script, Who, begin, session, sso
from tests.trail_models import ACCOUNT, Watched

_DAYS = 30
_STATED = 0.3
_AWAY = "198.51.100.66"


@pytest.fixture(scope="module")
def quiet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Watched, Answer]:
    watched = Watched(tmp_path_factory.mktemp("quiet"))
    watched.add(r for day in quiet_days(ACCOUNT, begin(), _DAYS, request.param) for r in day)
    return watched, watched.ask()


@pytest.mark.parametrize("quiet", [1, 2, 3], indirect=True)
def test_a_quiet_account_keeps_to_the_stated_rate(quiet: tuple[Watched, Answer]) -> None:
    assert sum(RATES.values()) <= _STATED
    found = quiet[1].detections
    assert len(found) <= _STATED * (_DAYS - WARM_UP)
    assert quiet[1].notes == ()
    assert min((each.first_seen for each in found), default=begin() + timedelta(99)) >= begin() + timedelta(
        14
    )


@pytest.mark.parametrize("quiet", [1], indirect=True)
@pytest.mark.parametrize(
    ("who", "calls", "type_"),
    [
        pytest.param(
            sso(ACCOUNT, "person4@example.com", _AWAY),
            "iam:CreateUser iam:AttachUserPolicy iam:CreateLoginProfile",
            "PrivilegeEscalation:IAMUser/AnomalousBehavior",
            id="a person's session in other hands",
        ),
        pytest.param(
            session(ACCOUNT, "web", "i-0abcd1234ef567890", "52.94.133.0", BOTO, ec2RoleDelivery="2.0"),
            "iam:CreateAccessKey dynamodb:ExportTableToPointInTime rds:ModifyDBSnapshotAttribute",
            "Exfiltration:IAMUser/AnomalousBehavior",
            id="commands on an instance",
        ),
        pytest.param(
            session(ACCOUNT, "gitlab-deploy", "job-31", _AWAY, CLI),
            "iam:UpdateAssumeRolePolicy lambda:CreateFunctionUrlConfig",
            "Persistence:IAMUser/AnomalousBehavior",
            id="a pipeline's key elsewhere",
        ),
    ],
)
def test_an_intruder_stands_out(quiet: tuple[Watched, Answer], who: Who, calls: str, type_: str) -> None:
    # Each on a day of its own, with the account's ordinary work.
    watched = quiet[0]
    day = _DAYS + len(calls) % 7
    it = Script(ACCOUNT, begin() + timedelta(days=day, hours=3), 60)
    for call in calls.split():
        it.call(who, call, {"name": "x"})
    watched.add([*next(quiet_days(ACCOUNT, begin() + timedelta(days=day), 1, day)), *it.records])
    mine = [each for each in watched.ask().detections if each.caller == who.identity["arn"]]
    (found,) = [each for each in mine if each.rule == "model-unusual-behaviour"]
    assert (found.type, found.severity) == (type_, "medium")
    assert {record["eventID"] for record in it.records} <= set(found.events)
    assert "seen on 0 of" in found.explanation
    assert "times a day" in found.explanation


def test_nothing_is_told_before_the_warm_up_is_over(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.add(r for day in quiet_days(ACCOUNT, begin(), 10, 1) for r in day)
    it = Script(ACCOUNT, begin() + timedelta(days=10), 60)
    it.call(sso(ACCOUNT, "person4@example.com", _AWAY), "iam:CreateUser")
    watched.add(it.records)
    answer = watched.ask()
    assert answer.detections == []
    assert answer.notes == (
        "habits of callers: learning in 1 account (10 of 14 days known), until then what is merely new to"
        " them is not told",
    )


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_days_alike_alarm_at_the_rate(seed: int) -> None:
    chance = random.Random(seed)
    count = 0
    past: list[list[float]] = []
    for _ in range(400):
        scores = [chance.paretovariate(1.1) for _ in range(chance.randrange(1, 9))]
        count += len(alarms(dict(enumerate(scores)), past[-64:], 0.1))
        past.append(scores)
    assert count <= 0.1 * 400 * 1.4


def _learned(directory: Path, days: list[int], last: int) -> dict[str, int]:
    import duckdb

    for day in days:
        with duckdb.connect() as connection:
            at = (begin() + timedelta(days=day)).date()
            habits = Habits(directory, connection, [ACCOUNT], at)
            connection.execute(
                f"CREATE TABLE profile AS SELECT '{ACCOUNT}' AS account, 'ann' AS actor, 'person' AS kind,"
                f" 'api' AS what, 'day {day}' AS value, 1.0 AS n UNION ALL"
                f" SELECT '{ACCOUNT}', 'ann', 'person', 'actor', '', 1.0"
            )
            habits.learn(at)
            habits.store()
    with duckdb.connect() as connection:
        at = (begin() + timedelta(days=last)).date()
        Habits(directory, connection, [ACCOUNT], at).before(at)
        return dict(connection.execute("SELECT what || value, days FROM past").fetchall())


def test_days_are_learned_once_in_any_order_and_forgotten(tmp_path: Path) -> None:
    told = _learned(tmp_path / "a", [0, 1, 2, 5], 6)
    assert told == _learned(tmp_path / "b", [5, 1, 0, 2, 1], 6)
    assert told["actor"] == 4
    # Of the day itself and later ones nothing counts as past.
    assert _learned(tmp_path / "a", [], 5)["actor"] == 3
    late = _learned(tmp_path / "a", [DAYS + 1], DAYS + 1)
    assert (late["actor"], "apiday 1" in late, "apiday 2" in late) == (2, False, True)


@pytest.mark.parametrize(
    ("api", "tactic"),
    [
        ("iam:CreateUser", "persistence"),
        ("iam:AttachUserPolicy", "privilege-escalation"),
        ("cloudtrail:StopLogging", "defense-evasion"),
        ("secretsmanager:GetSecretValue", "credential-access"),
        ("sts:GetFederationToken", "initial-access"),
        ("ec2:DescribeInstances", "discovery"),
        ("ec2:RunInstances", "impact"),
        ("s3:GetObject", "exfiltration"),
        ("sqs:CreateQueue", ""),
    ],
)
def test_what_calls_are_for(api: str, tactic: str) -> None:
    assert purpose(api) == tactic


def test_unusual_behaviour_of_every_purpose_has_a_name() -> None:
    named = {type_of(each) for each in PURPOSES}
    assert named <= set(TYPES)
    assert type_of("discovery", "s3:GetBucketAcl") == "Discovery:S3/AnomalousBehavior"
    assert type_of("impact", "s3:DeleteObject", True) == "Impact:S3/AnomalousBehavior.Delete"
