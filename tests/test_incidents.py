"""Intrusions are one incident of high severity each, early; a quiet account has next to none."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from partywall.detections.callers import KINDS, WORD, kind_of
from partywall.detections.detection import Detection
from partywall.detections.incidents.context import NO_SCAN, Posture
from partywall.detections.incidents.incident import Networks, judge
from partywall.detections.incidents.links import linked, public, role_of
from partywall.detections.incidents.timeline import timeline
from partywall.detections.ingest.ingest import ingest
from partywall.detections.run.pipeline import Threats, detect
from partywall.detections.run.steps import steps
from partywall.detections.sigma.playbooks import playbooks
from tests.stories import INTRUSIONS, Record, begin, leaked_key, service, session, sso, user, week

_ACCOUNTS = {name: f"{number:03}" * 4 for number, name in enumerate(INTRUSIONS, 1)}
_QUIET = "777777777777"


def detected(directory: Path, records: list[Record]) -> Threats:
    """What is found in some records, ingested as one file."""
    file = directory / "records.json"
    file.write_text(json.dumps({"Records": records}))
    done = ingest([file], directory / "data")
    assert done.total("rejected") == 0
    return detect(directory / "data")


def _intrusion(name: str, most: int | None = None) -> list[Record]:
    number = list(INTRUSIONS).index(name)
    at = begin() + timedelta(days=number, hours=20)
    return INTRUSIONS[name](_ACCOUNTS[name], at, f"198.51.100.{number + 10}")[:most]


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Threats:
    """The first 20 events of each intrusion, each in an account of its own."""
    records = [record for name in INTRUSIONS for record in _intrusion(name, 20)]
    return detected(tmp_path_factory.mktemp("early"), records)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Threats]:
    """Whole intrusions, each inside a quiet week of its account's; and one account of quiet weeks only."""
    directory = tmp_path_factory.mktemp("mixed")
    records = [record for day in week(_QUIET, begin(), 7) for record in day]
    for number, name in enumerate(INTRUSIONS):
        records += _intrusion(name)
        if number < 2:
            records += [record for day in week(_ACCOUNTS[name], begin(), number) for record in day]
    return directory / "data", detected(directory, sorted(records, key=lambda record: record["eventTime"]))


@pytest.mark.parametrize("name", list(INTRUSIONS))
def test_an_intrusion_is_one_high_incident_within_its_first_20_events(early: Threats, name: str) -> None:
    found = [each for each in early.incidents if _ACCOUNTS[name] in each.accounts]
    assert [each.severity in ("high", "critical") for each in found] == [True], found


@pytest.mark.parametrize("name", list(INTRUSIONS))
def test_an_intrusion_among_ordinary_work_stays_one_incident(mixed: tuple[Path, Threats], name: str) -> None:
    found = [each for each in mixed[1].incidents if _ACCOUNTS[name] in each.accounts]
    grave = [each for each in found if each.severity in ("high", "critical")]
    assert len(grave) == 1
    assert f"198.51.100.{list(INTRUSIONS).index(name) + 10}" in grave[0].addresses
    # Nothing of the intrusion, mild things aside, is left outside of it.
    loose = [
        kept.detection.title
        for kept in mixed[1].alone()
        if kept.detection.account == _ACCOUNTS[name]
        and set(kept.detection.addresses) & set(grave[0].addresses)
        and kept.detection.severity != "informational"
    ]
    assert loose == []


def test_a_quiet_account_has_at_most_two_incidents_a_day(mixed: tuple[Path, Threats]) -> None:
    found = [each for each in mixed[1].incidents if _QUIET in each.accounts]
    days = Counter(each.first_seen.date() for each in found)
    assert max(days.values(), default=0) <= 2
    loud = Counter(
        kept.detection.first_seen.date()
        for kept in mixed[1].detections
        if kept.detection.account == _QUIET and kept.detection.severity in ("medium", "high", "critical")
    )
    assert max(loud.values(), default=0) <= 2


def test_people_and_pipelines_keep_out_of_the_intruders_story(mixed: tuple[Path, Threats]) -> None:
    (story,) = [e for e in mixed[1].incidents if _ACCOUNTS["leaked_key"] in e.accounts and e.score >= 70]
    assert not [name for name in story.principals if "SSO" in name or "terraform" in name]
    assert story.addresses == ("198.51.100.10",)
    # The user that the intruder made is of the story, by the key that was made for it.
    assert any(name.endswith(":user/svc-backup") for name in story.callers)


def test_the_timeline_has_every_proving_event_in_order(mixed: tuple[Path, Threats]) -> None:
    data, found = mixed
    (story,) = [e for e in found.incidents if _ACCOUNTS["tampering"] in e.accounts]
    detections = [kept.detection for kept in found.detections if kept.detection.id in story.detections]
    told = timeline(data, detections)
    assert [row["time"] for row in told] == sorted(row["time"] for row in told)
    assert {row["event"] for row in told} == {event for each in detections for event in each.events}
    assert "cloudtrail:StopLogging" in {row["call"] for row in told}


def test_playbooks_name_what_the_story_touched(mixed: tuple[Path, Threats]) -> None:
    _, found = mixed
    (story,) = [e for e in found.incidents if _ACCOUNTS["leaked_key"] in e.accounts and e.score >= 70]
    detections = [kept.detection for kept in found.detections if kept.detection.id in story.detections]
    lines = [line for book in steps(detections, story.playbooks) for line in book.contain]
    key = detections[0].access_key
    assert any(f"--user-name build-uploader --access-key-id {key}" in line for line in lines)
    assert set(story.playbooks) <= set(playbooks())


def test_without_a_scan_nothing_is_guessed(mixed: tuple[Path, Threats]) -> None:
    assert all(each.context == (NO_SCAN,) for each in mixed[1].incidents)


def test_the_same_events_again_give_nothing_new(mixed: tuple[Path, Threats]) -> None:
    data, before = mixed
    again = detect(data)
    assert (again.fresh, again.grown, again.events) == (0, 0, 0)
    assert {each.id for each in again.incidents} == {each.id for each in before.incidents}
    assert [k.detection for k in again.detections] == [k.detection for k in before.detections]


def _one(number: int, severity: str = "medium", **more: object) -> Detection:
    at = begin() + timedelta(minutes=number)
    values: dict[str, object] = {
        "id": f"{number:032x}",
        "rule": f"rule-{number}",
        "source": "rule",
        "type": "Persistence:IAMUser/AnomalousBehavior",
        "title": f"Thing {number}",
        "severity": severity,
        "confidence": 60,
        "first_seen": at,
        "last_seen": at,
        "count": 1,
        "account": "111122223333",
        "principal": "arn:aws:iam::111122223333:user/eve",
        "kind": "person",
        "tactics": ("persistence",),
    }
    return Detection(**(values | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("story", "severity"),
    [
        ([("low", "discovery")] * 9, ""),
        ([("informational", "discovery")] * 30, ""),
        ([("medium", "persistence")], ""),
        ([("low", "discovery"), ("medium", "discovery")], ""),
        ([("medium", "persistence"), ("medium", "persistence")], "medium"),
        ([("medium", "persistence"), ("medium", "discovery")], "high"),
        ([("high", "impact")], "high"),
        ([("critical", "impact")], "critical"),
    ],
)
def test_what_makes_an_incident(story: list[tuple[str, str]], severity: str) -> None:
    detections = [_one(n, level, tactics=(tactic,)) for n, (level, tactic) in enumerate(story)]
    assert judge(detections, {}).severity == severity


def test_habits_familiar_addresses_and_machines_weigh_less() -> None:
    story = [_one(1), _one(2, tactics=("discovery",))]
    assert judge(story, {}).severity == "high"
    days = {"2026-10-28", "2026-10-29", "2026-10-30"}
    who = "arn:aws:iam::111122223333:user/eve"
    tamed = judge(story, {("rule-1", who): days, ("rule-2", who): days})
    assert tamed.severity == ""
    usual = [_one(1, addresses=("203.0.113.9",)), _one(2, tactics=("discovery",), addresses=("203.0.113.9",))]
    assert judge(usual, {}, (), Networks({}, {"203.0.113.9": 5}, begin() - timedelta(9))).severity == ""
    new = judge(usual, {}, (), Networks({}, {}, begin() - timedelta(9)))
    assert new.severity == "high"
    assert "203.0.113.9 was never seen before in 9 days of logs" in new.why
    pipeline = [_one(1, kind="ci"), _one(2, kind="ci", tactics=("discovery",))]
    assert judge(pipeline, {}).severity == ""
    # A high detection is an incident whoever it is of, unless a service made the call.
    assert judge([_one(1, "high", addresses=("203.0.113.9",))], {}).severity == "high"


def test_who_looked_around_with_a_key_and_then_acted_is_an_intruder() -> None:
    looked = _one(1, "low", tactics=("discovery",))
    acted = _one(2, tactics=("privilege-escalation",))
    assert judge([looked, acted], {}).severity == "high"
    assert "looked around with a key in hand, then acted" in judge([looked, acted], {}).why
    before = _one(0, tactics=("privilege-escalation",))
    assert judge([before, looked], {}).severity == ""
    console = [
        _one(n, each.severity, kind="console", tactics=each.tactics) for n, each in ((1, looked), (2, acted))
    ]
    assert judge(console, {}).severity == ""
    # Mild things in three tactics are told, and no more than that.
    mild = [looked, _one(3, "low"), _one(4, "low", tactics=("defense-evasion",))]
    assert judge(mild, {}).severity == "medium"
    assert judge(mild[:2], {}).severity == ""


def test_a_rule_with_tactics_of_its_own_breaks_nothing() -> None:
    odd = [_one(1, "high", tactics=("made-up",)), _one(2, "high", tactics=("impact",))]
    assert judge(odd, {}).severity == "high"


def test_what_the_scan_knows_raises_the_score_with_its_reason() -> None:
    story = [_one(1), _one(2)]
    known = Posture(scan="s1", admins={"111122223333:user/eve": (False, True, "eve -> admin")})
    told, raised = known.of(story)
    assert raised == [
        "arn:aws:iam::111122223333:user/eve can become an administrator: eve -> admin (scan s1)"
    ]
    assert told == raised
    assert judge(story, {}, raised).severity == "high"
    assert judge(story, {}).severity == "medium"
    unknown = Posture(scan="s1", admins={"111122223333:user/eve": (None, None, "")})
    assert unknown.of(story)[1] == []
    assert "is not known" in unknown.of(story)[0][0]


def test_an_office_address_ties_nobody_together() -> None:
    two = [
        _one(1, principal="arn:aws:iam::1:user/a", addresses=("203.0.113.9",)),
        _one(2, principal="arn:aws:iam::1:user/b", addresses=("203.0.113.9",)),
    ]
    apart, together = linked(two, {"203.0.113.9": 7}), linked(two, {})
    assert apart.root(0) != apart.root(1)
    assert together.root(0) == together.root(1)


def test_silence_of_a_day_ends_a_story() -> None:
    later = begin() + timedelta(days=3)
    found = linked([_one(1), _one(2, first_seen=later, last_seen=later)], {})
    assert found.root(0) != found.root(1)


def test_what_one_made_another_uses() -> None:
    made = _one(1, resources=("arn:aws:iam::111122223333:user/new", "AKIANEW"))
    user = _one(2, principal="arn:aws:iam::111122223333:user/new", access_key="AKIANEW")
    assert linked([made, user], {}).root(0) == linked([made, user], {}).root(1)
    looked = _one(1, resources=("arn:aws:iam::111122223333:user/new",), tactics=("discovery",))
    apart = linked([looked, user], {})
    assert apart.root(0) != apart.root(1)


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("198.51.100.7", True),
        ("2001:db8::1", True),
        ("10.1.2.3", False),
        ("fd00::1", False),
        ("127.0.0.1", False),
        ("ec2.amazonaws.com", False),
        ("AWS Internal", False),
        ("", False),
    ],
)
def test_addresses(address: str, is_public: bool) -> None:
    assert public(address) is is_public


def test_roles_of_sessions() -> None:
    assert role_of("arn:aws:sts::111122223333:assumed-role/web/i-0a") == "arn:aws:iam::111122223333:role/web"
    assert role_of("arn:aws:iam::111122223333:user/eve") == ""


def test_an_incident_keeps_its_id_as_it_grows_and_reopens(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from partywall.detections.incidents.join import stored
    from partywall.detections.run.store import DetectionStore

    records = leaked_key("111122223333", begin(), "198.51.100.10")
    first = detected(tmp_path, records[12:17])
    (before,) = first.incidents
    store = DetectionStore(tmp_path / "data")
    store.resolve([before.id], "a test of ours", datetime.now(UTC))
    store.close()
    assert [each.state for each in stored(tmp_path / "data")] == ["resolved"]
    # Earlier events that come late belong to it, too.
    (after,) = detected(tmp_path, records).incidents
    assert after.id == before.id
    assert after.first_seen < before.first_seen
    assert after.state == "reopened"


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (user("1", "ann", "198.51.100.1"), "person"),
        (sso("1", "ann", "198.51.100.1"), "console"),
        (session("1", "web", "i-0abcd1234ef567890", "198.51.100.1"), "instance"),
        (session("1", "r", "x", "198.51.100.1", "Boto3/1 exec-env/AWS_Lambda_python3.12"), "function"),
        (session("1", "r", "x", "198.51.100.1", "APN/1.0 HashiCorp/1.0 Terraform/1.13"), "iac"),
        (session("1", "github-actions", "run-1", "198.51.100.1"), "ci"),
        (session("1", "precise", "x", "198.51.100.1"), "person"),
        (service("ec2.amazonaws.com"), "service"),
    ],
)
def test_kinds_of_callers(who: Any, kind: str) -> None:
    found = kind_of(
        {
            "type": who.identity.get("type"),
            "arn": who.identity.get("arn"),
            "invokedBy": who.identity.get("invokedBy"),
            "sessionContext.sessionIssuer.arn": who.identity.get("sessionContext", {})
            .get("sessionIssuer", {})
            .get("arn"),
        },
        who.agent,
        who.address,
        who.console,
    )
    assert found == kind
    assert set(WORD) == set(KINDS)
