"""Volumes of data: far more than ever, of a caller and its peers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from partywall.detections.detection import Detection
from partywall.detections.models.memory import WARM_UP
from partywall.detections.models.volume import MEASURES
from tests.stories import CLI, Record, Script, Who, begin, user
from tests.trail_models import ACCOUNT, Watched

_ANALYST = user(ACCOUNT, "analyst", "203.0.113.9", CLI)
_DAYS = WARM_UP + 3
_PATHS = {
    "s3:GetObject": lambda n: {"bucketName": "orders", "key": f"{n}.parquet"},
    "s3:DeleteObject": lambda n: {"bucketName": "orders", "key": f"{n}.parquet"},
    "s3:PutObject": lambda n: {"bucketName": "orders", "key": f"{n}.parquet"},
    "secretsmanager:GetSecretValue": lambda n: {"secretId": f"customer/{n}"},
    "ssm:GetParameter": lambda n: {"name": f"/customer/{n}"},
    "ec2:CreateSnapshot": lambda n: {"volumeId": f"vol-{n}"},
}


def _taken(call: str, count: int, day: int, who: Who = _ANALYST, size: int = 0) -> list[Record]:
    it = Script(ACCOUNT, begin() + timedelta(days=day, hours=9), 1)
    data = {"managementEvent": False, "eventCategory": "Data"} if call.startswith("s3:") else {}
    if size:
        data["additionalEventData"] = {"bytesTransferredOut": size, "bytesTransferredIn": 0}
    for number in range(count):
        it.call(who, call, _PATHS[call](number), **data)
    return it.records


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """An account in which an analyst reads and writes a little of everything each day."""
    watched = Watched(tmp_path_factory.mktemp("known"))
    daily = [
        r for day in range(_DAYS) for call in _PATHS for r in _taken(call, 1 + day % 3, day, size=10_000)
    ]
    watched.add(daily)
    assert watched.ask().detections == []
    return watched


def _loud(watched: Watched) -> list[Detection]:
    return [each for each in watched.ask().detections if each.rule == "model-unusual-volume"]


@pytest.mark.parametrize(
    ("call", "count", "day"),
    [
        pytest.param("secretsmanager:GetSecretValue", 8, 1, id="not three times as many"),
        pytest.param("s3:DeleteObject", 40, 2, id="many times more of little"),
    ],
)
def test_somewhat_more(known: Watched, call: str, count: int, day: int) -> None:
    known.add(_taken(call, count, _DAYS + day))
    assert _loud(known) == []


def test_reading_one_thing_often_is_no_volume(known: Watched) -> None:
    it = Script(ACCOUNT, begin() + timedelta(days=_DAYS + 3), 1)
    for _ in range(300):
        it.call(_ANALYST, "secretsmanager:GetSecretValue", {"secretId": "customer/0"})
    for number in range(30):
        it.call(_ANALYST, "secretsmanager:GetSecretValue", {"secretId": f"{number}"}, error="AccessDenied")
    known.add(it.records)
    assert _loud(known) == []


def test_somebody_new_is_held_against_peers(known: Watched) -> None:
    call, new = "ssm:GetParameter", user(ACCOUNT, "newcomer", "203.0.113.9", CLI)
    known.add(_taken(call, 8, _DAYS + 4, new))
    assert _loud(known) == []
    known.add(_taken(call, 90, _DAYS + 5, new))
    (found,) = _loud(known)
    assert "callers of its kind at most 8" in found.explanation


@pytest.mark.parametrize(
    ("call", "count", "size", "type_"),
    [
        ("s3:GetObject", 250, 10, "Exfiltration:S3/AnomalousBehavior"),
        ("s3:GetObject", 2, 700_000_000, "Exfiltration:S3/AnomalousBehavior"),
        ("s3:DeleteObject", 150, 0, "Impact:S3/AnomalousBehavior.Delete"),
        ("s3:PutObject", 510, 0, "Impact:S3/AnomalousBehavior.Write"),
        ("secretsmanager:GetSecretValue", 40, 0, "CredentialAccess:IAMUser/AnomalousBehavior"),
        ("ssm:GetParameter", 300, 0, "CredentialAccess:IAMUser/AnomalousBehavior"),
        ("ec2:CreateSnapshot", 12, 0, "Exfiltration:IAMUser/AnomalousBehavior"),
    ],
)
def test_far_more_than_ever(known: Watched, call: str, count: int, size: int, type_: str) -> None:
    # One day that grows: what was told of it before is told again, by the same id.
    known.add(_taken(call, count, _DAYS + 9, size=size))
    found = [each for each in known.ask().detections if each.type == type_]
    assert [each.severity for each in found] == ["medium"]
    assert found[0].count >= count
    assert " before; " in found[0].explanation


def test_measures_are_of_calls_that_have_paths() -> None:
    assert len({each.what for each in MEASURES}) == len(MEASURES)
    assert all(call.count(":") == 1 for each in MEASURES for call in each.calls)
