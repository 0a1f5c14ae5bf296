"""From events to stored detections: once each, late ones too; others' findings; outputs; commands."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ocsf_models.events.findings.detection_finding import DetectionFinding
from typer.testing import CliRunner

from partywall.detections.detection import Detection, detection_schema, stable_id, to_arrow
from partywall.detections.imports.read import Imported, one, read, take_in
from partywall.detections.imports.same import same
from partywall.detections.ingest.ingest import ingest
from partywall.detections.ingest.state import Part
from partywall.detections.ingest.store import LogStore
from partywall.detections.run.evaluate import evaluate, windows
from partywall.detections.run.pipeline import Threats, detect, excepted, threats
from partywall.detections.run.steps import steps
from partywall.detections.run.store import DetectionStore, Found
from partywall.detections.run.touched import touched
from partywall.detections.sigma import rules
from partywall.detections.sigma.rules import RuleSet
from partywall.findings.exceptions import RiskException
from partywall.outputs import threats as outputs
from tests.stories import CLI, Record, Script, begin, leaked_key, session, user

_ACCOUNT = "111122223333"
_NOW = datetime(2026, 11, 20, tzinfo=UTC)
_RULES = """
title: User made
id: 11111111-1111-4111-8111-111111111111
status: test
description: A user was made.
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: CreateUser}
  condition: selection
level: medium
tags: [attack.persistence, attack.t1136.003]
---
title: Users made one after the other
id: 22222222-2222-4222-8222-222222222222
status: test
description: Three users within ten minutes.
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  group-by: [partywall.principal]
  timespan: 10m
  condition: {gte: 3}
  generate: true
level: high
tags: [attack.persistence]
"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    path = tmp_path_factory.mktemp("rules") / "made.yml"
    path.write_text(_RULES)
    loaded = rules.load([path])
    assert not loaded.problems
    return loaded


def _made(count: int, gap: float = 60) -> list[Record]:
    """Users made by a role session whose key the first event issues."""
    it, person = Script(_ACCOUNT, begin() + timedelta(hours=9), gap), user(_ACCOUNT, "ann", "198.51.100.4")
    it.call(person, "sts:AssumeRole", {"roleArn": "r"}, {"credentials": {"accessKeyId": "ASIAMADE"}})
    role = session(_ACCOUNT, "admin", "ann", "198.51.100.4", CLI, "ASIAMADE")
    for number in range(count):
        it.call(role, "iam:CreateUser", {"userName": f"u{number}"})
    return it.records


def _ingest(data: Path, records: list[Record], name: str) -> None:
    file = data.parent / f"{name}.json"
    file.write_text(json.dumps({"Records": records}))
    ingest([file], data)


def _evaluate(data: Path, loaded: RuleSet) -> tuple[int, int, int]:
    store = DetectionStore(data)
    try:
        done = evaluate(LogStore(data), store, loaded, store.begin(_NOW), _NOW)
        return done.events, done.fresh, done.grown
    finally:
        store.close()


def _stored(data: Path) -> list[Detection]:
    return [kept.detection for kept in threats(data).detections]


def test_new_events_are_evaluated_once(tmp_path: Path, ours: RuleSet) -> None:
    data = tmp_path / "data"
    _ingest(data, _made(4), "one")
    assert _evaluate(data, ours) == (5, 2, 0)
    assert _evaluate(data, ours) == (0, 0, 0)
    by_title = {each.title: each for each in _stored(data)}
    assert by_title["User made"].count == 4
    assert by_title["User made"].source == "rule"
    many = by_title["Users made one after the other"]
    assert (many.severity, many.count, many.source) == ("high", 4, "correlation")
    assert many.principal == f"arn:aws:iam::{_ACCOUNT}:user/ann"
    assert many.caller == f"arn:aws:sts::{_ACCOUNT}:assumed-role/admin/ann"
    assert f"arn:aws:iam::{_ACCOUNT}:user/u0" in many.resources
    assert many.techniques == ()
    assert by_title["User made"].techniques == ("T1136.003",)
    assert "4 × iam:CreateUser" in by_title["User made"].explanation


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_late_events_extend_whatever_the_order(tmp_path: Path, ours: RuleSet, order: tuple[int, ...]) -> None:
    records = _made(6)
    pieces = [records[:3], records[3:5], records[5:]]
    data = tmp_path / "data"
    for number in order:
        _ingest(data, pieces[number], str(number))
        _evaluate(data, ours)
    whole = tmp_path / "whole" / "data"
    whole.parent.mkdir()
    _ingest(whole, records, "all")
    _evaluate(whole, ours)

    def told(directory: Path) -> list[tuple[Any, ...]]:
        return sorted((d.id, d.count, d.first_seen, d.last_seen, d.events) for d in _stored(directory))

    if order == (0, 1, 2):
        assert told(data) == told(whole)
    # A session's first principal is known from the call that made it: where that comes last, what was
    # found before is told of the session itself, and again of its principal.
    assert {d.title for d in _stored(data)} == {d.title for d in _stored(whole)}
    proven = {event for d in _stored(data) for event in d.events}
    assert proven == {event for d in _stored(whole) for event in d.events}


def test_a_changed_rule_set_is_asked_of_everything(tmp_path: Path, ours: RuleSet) -> None:
    data = tmp_path / "data"
    _ingest(data, _made(2), "one")
    _evaluate(data, ours)
    fewer = RuleSet(rules=ours.rules)
    assert _evaluate(data, fewer)[0] == 3
    assert len(_stored(data)) == 1


def test_records_without_a_time_are_judged_too(tmp_path: Path, ours: RuleSet) -> None:
    records = _made(1)
    records[1]["eventTime"] = "soon"
    data = tmp_path / "data"
    _ingest(data, records, "one")
    _evaluate(data, ours)
    (found,) = _stored(data)
    assert found.count == 1
    assert _evaluate(data, ours) == (0, 0, 0)


@given(
    st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**11), st.integers(1, 900_000)), max_size=12)
)
@settings(max_examples=60, deadline=None)
def test_windows_cover_every_part_once(spans: list[tuple[int, int, int]]) -> None:
    parts = [
        Part(f"p{n}", "cloudtrail", "a", "r", "d", rows, 1, first, first + length, 1)
        for n, (first, length, rows) in enumerate(spans)
    ]
    found = list(windows(parts))
    assert sorted(path for window in found for path in window.parts) == sorted(p.path for p in parts)
    for part in parts:
        # Every moment of a part lies in some window.
        covering = sorted(
            (_us(w.since), _us(w.until)) for w in found if w.since is not None and w.until is not None
        )
        at = part.first or 0
        for since, until in covering:
            if since <= at < until:
                at = until
        assert at > (part.last or 0)


def _us(when: datetime | None) -> int:
    assert when is not None
    return round((when - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def test_ids_do_not_depend_on_the_hour() -> None:
    at = datetime(2026, 11, 2, 1, tzinfo=UTC)
    assert stable_id("r", "1", "p", at) == stable_id("r", "1", "p", at + timedelta(hours=22))
    assert stable_id("r", "1", "p", at) != stable_id("r", "1", "p", at + timedelta(days=1))
    assert stable_id("r", "1", "p", at) != stable_id("r", "1", "q", at)


def test_arrow_rows_have_the_schema() -> None:
    assert to_arrow([_detection("a")]).schema == detection_schema()
    assert to_arrow([]).num_rows == 0


def test_what_a_call_touched() -> None:
    resources, places = touched(
        "ec2:RunInstances",
        _ACCOUNT,
        "eu-west-1",
        '{"roleName": "app", "nested": [{"policyArn": "arn:aws:iam::aws:policy/X"}], "password": "s"}',
        '{"instancesSet": {"items": [{"instanceId": "i-0a"}]}, "userName": "not asked of answers"}',
        '[{"ARN": "arn:aws:s3:::b"}, 5, null]',
    )
    assert resources == [
        f"arn:aws:iam::{_ACCOUNT}:role/app",
        "arn:aws:iam::aws:policy/X",
        f"arn:aws:ec2:eu-west-1:{_ACCOUNT}:instance/i-0a",
        "arn:aws:s3:::b",
    ]
    assert places == {"role": ["app"], "policy": ["arn:aws:iam::aws:policy/X"], "instance": ["i-0a"]}
    assert touched("x:y", "", "", "{broken", None, "[[") == ([], {})


def _detection(name: str, **more: Any) -> Detection:
    at = begin()
    values: dict[str, Any] = {
        "id": name.ljust(32, "0"),
        "rule": "rule",
        "source": "rule",
        "type": "Persistence:IAMUser/AnomalousBehavior",
        "title": "=cmd()|'/c calc'!A0",
        "severity": "high",
        "confidence": 80,
        "first_seen": at,
        "last_seen": at + timedelta(minutes=1),
        "count": 1,
        "account": _ACCOUNT,
        "region": "eu-west-1",
        "principal": f"arn:aws:iam::{_ACCOUNT}:user/eve",
        "addresses": ("198.51.100.9",),
        "agent": "evil\x1b[31m\u202eagent",
        "resources": (f"arn:aws:iam::{_ACCOUNT}:user/eve",),
        "events": ("e1",),
        "techniques": ("T1136.003",),
        "tactics": ("persistence",),
        "explanation": "why",
        "playbook": "contain-principal",
    }
    return Detection(**(values | more))


def _kept(data: Path, *detections: Detection) -> Threats:
    store = DetectionStore(data)
    store.add((Found(each) for each in detections), store.begin(_NOW), _NOW)
    store.close()
    return threats(data)


def test_ocsf_findings_are_valid(tmp_path: Path) -> None:
    found = _kept(tmp_path, _detection("a"), _detection("b", severity="informational", techniques=()))
    events = outputs.ocsf(found)
    assert len(events) == 2
    for event in events:
        DetectionFinding.model_validate(event)
        assert event["class_uid"] == 2004
        assert event["type_uid"] == 200401
        assert "\x1b" not in json.dumps(event["unmapped"])
    # What we write can be read again.
    again = one(events[0])
    assert (again.severity, again.account, again.source) == ("high", _ACCOUNT, "partywall")
    assert again.tactics == ("persistence",)


def test_asff_findings_are_ttps_within_the_format(tmp_path: Path) -> None:
    (finding,) = outputs.asff(_kept(tmp_path, _detection("a")))
    assert finding["Types"] == ["TTPs/Persistence"]
    assert finding["Severity"]["Label"] == "HIGH"
    assert finding["FirstObservedAt"].endswith("Z")
    assert all(isinstance(value, str) for value in finding["ProductFields"].values())
    assert "\\x1b" in finding["ProductFields"]["partywall/user_agent"]
    assert one(finding).id != ""


def test_csv_is_harmless(tmp_path: Path) -> None:
    text = outputs.csv_text(_kept(tmp_path, _detection("a")))
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["title"].startswith("'=")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert tuple(line) == outputs.HEADER


def test_states_and_exceptions(tmp_path: Path) -> None:
    found = _kept(tmp_path, _detection("a"))
    assert [kept.state for kept in found.detections] == ["new"]
    found = _kept(tmp_path, _detection("a"))
    assert [kept.state for kept in found.detections] == ["open"]
    store = DetectionStore(tmp_path)
    store.resolve(["a".ljust(32, "0")], "ours", datetime.now(UTC))
    store.close()
    assert [kept.state for kept in threats(tmp_path).detections] == ["resolved"]
    today = datetime.now(UTC).date()
    accepted = RiskException("a test", "ann", "bob", today, check="rule", resource="*:user/eve")
    lapsed = RiskException("old", "ann", "bob", today - timedelta(days=1), check="rule")
    other = RiskException("not this", "ann", "bob", today, check="rule", resource="*:user/adam")
    kept = found.detections
    assert excepted(kept, [accepted]) == {"a".ljust(32, "0"): "a test"}
    assert excepted(kept, [lapsed, other]) == {}


def test_playbooks_quote_hostile_names() -> None:
    hostile = _detection("a", facts=(("user", "x; rm -rf /"),), principal="")
    lines = [line for book in steps([hostile]) for line in (*book.contain, *book.investigate)]
    assert any("'x; rm -rf /'" in line for line in lines)
    assert any("<key>" in line for line in lines)


_GUARDDUTY: dict[str, Any] = {
    "SchemaVersion": "2018-10-08",
    "Id": "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f1",
    "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/guardduty",
    "ProductName": "GuardDuty",
    "AwsAccountId": _ACCOUNT,
    "Region": "eu-west-1",
    "Types": ["TTPs/Persistence/Persistence:IAMUser-AnomalousBehavior"],
    "FirstObservedAt": "2026-11-02T00:30:00.000Z",
    "LastObservedAt": "2026-11-02T00:40:00Z",
    "CreatedAt": "2026-11-02T00:45:00Z",
    "UpdatedAt": "2026-11-02T00:45:00Z",
    "Severity": {"Label": "MEDIUM"},
    "Title": "User eve is anomalously invoking APIs",
    "Description": "APIs commonly used in persistence.",
    "Resources": [
        {
            "Type": "AwsIamAccessKey",
            "Id": "AWS::IAM::AccessKey:AKIAEVE",
            "Details": {
                "AwsIamAccessKey": {
                    "AccessKeyId": "AKIAEVE",
                    "PrincipalName": "eve",
                    "PrincipalType": "IAMUser",
                }
            },
        }
    ],
    "Action": {"AwsApiCallAction": {"RemoteIpDetails": {"IpAddressV4": "198.51.100.9"}}},
}


def test_guardduty_findings_join_ours(tmp_path: Path) -> None:
    file = tmp_path / "findings.json"
    file.write_text(json.dumps({"Findings": [_GUARDDUTY]}))
    _kept(tmp_path / "data", _detection("a"))
    done = take_in(file, tmp_path / "data", _NOW)
    assert (done.findings, done.fresh, done.known, done.joined, done.rejected) == (1, 1, 0, 1, 0)
    assert (take_in(file, tmp_path / "data", _NOW).fresh, done.rejected) == (0, 0)
    theirs = next(d for d in _stored(tmp_path / "data") if d.source == "guardduty")
    assert theirs.type == "Persistence:IAMUser/AnomalousBehavior"
    assert theirs.principal == f"arn:aws:iam::{_ACCOUNT}:user/eve"
    assert (theirs.access_key, theirs.addresses) == ("AKIAEVE", ("198.51.100.9",))
    ours = _detection("a")
    assert same([ours, theirs]) == {theirs.id: ours.id}
    assert same([_detection("a", account="999999999999"), theirs]) == {}
    later = _detection("a", first_seen=_NOW, last_seen=_NOW)
    assert same([later, theirs]) == {}


def test_dirty_findings_are_counted_by_line(tmp_path: Path) -> None:
    good = json.dumps(_GUARDDUTY)
    lines = [
        good,
        "{broken",
        json.dumps(_GUARDDUTY | {"AwsAccountId": "me"}),
        json.dumps({k: v for k, v in _GUARDDUTY.items() if k != "Id"}),
        "[]",
        '{"class_uid": 1001, "time": 1}',
        "7",
        json.dumps(_GUARDDUTY | {"Id": "f2", "FirstObservedAt": "never"}),
        json.dumps(_GUARDDUTY | {"Id": "f3"}),
        json.dumps({"detail-type": "Security Hub Findings - Imported", "detail": {"findings": [_GUARDDUTY]}}),
    ]
    done = Imported()
    found = list(read("\n".join(lines), done))
    assert [each.source for each in found] == ["guardduty"] * 3
    assert [line for line, _ in done.problems] == [2, 3, 4, 6, 7, 8]
    assert done.rejected == 6


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "class_uid",
                        "finding_info",
                        "SchemaVersion",
                        "AwsAccountId",
                        "Id",
                        "Title",
                        "x",
                        "Resources",
                        "Details",
                        "Severity",
                        "time",
                        "cloud",
                        "account",
                        "uid",
                        "types",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=20,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_input_breaks_the_reader(value: Any) -> None:
    done = Imported()
    found = list(read(json.dumps(value), done))
    assert len(found) + done.rejected >= 0
    done = Imported()
    changed = _GUARDDUTY | (value if isinstance(value, dict) else {"Resources": value})
    list(read(json.dumps(changed), done))


def test_inspector_and_access_analyzer_are_context_not_incidents(tmp_path: Path) -> None:
    inspector = _GUARDDUTY | {
        "Id": "i1",
        "ProductName": "Inspector",
        "Types": ["Software and Configuration Checks/Vulnerabilities/CVE"],
        "Severity": {"Label": "CRITICAL"},
    }
    file = tmp_path / "findings.json"
    file.write_text(json.dumps([inspector]))
    take_in(file, tmp_path / "data", _NOW)
    found = detect(tmp_path / "data", now=_NOW)
    assert [kept.detection.source for kept in found.detections] == ["inspector"]
    assert found.incidents == []


def test_from_the_command_line(tmp_path: Path) -> None:
    from partywall.cli.app import app

    run = CliRunner()
    file, data = tmp_path / "in.json", str(tmp_path / "data")
    file.write_text(json.dumps({"Records": leaked_key(_ACCOUNT, begin(), "198.51.100.10")}))
    told = run.invoke(app, ["detect", str(file), "--data", data, "--format", "json"])
    assert told.exit_code == 0, told.output
    whole = json.loads(told.stdout)
    (incident,) = whole["incidents"]
    assert incident["severity"] in ("high", "critical")
    shown = run.invoke(app, ["detect", "--incidents", "--data", data, "--fail-on", "high,critical"])
    assert shown.exit_code == 1
    assert incident["id"] in shown.stdout
    one_told = run.invoke(app, ["incidents", incident["id"][:6], "--data", data])
    assert "iam:CreateUser" in one_told.stdout
    assert "aws iam update-access-key --user-name build-uploader" in one_told.stdout
    asked = "select count(*) as n, max(incident) as i from detection where incident <> ''"
    answer = run.invoke(app, ["query", asked, "--data", data, "--format", "json"])
    assert json.loads(answer.stdout) == [{"n": len(incident["detections"]), "i": incident["id"]}]
    threat = run.invoke(app, ["findings", "--kind", "threat", "--data", data, "--format", "json"])
    assert json.loads(threat.stdout)["incidents"][0]["id"] == incident["id"]
    closed = run.invoke(app, ["incidents", incident["id"], "--resolve", "a drill", "--data", data])
    assert closed.exit_code == 0
    assert run.invoke(app, ["incidents", "--data", data]).stdout.strip() == "no incident"
    for wrong in (["detect"], ["detect", "x", "--fail-on", "bad"], ["incidents", "zz"]):
        assert run.invoke(app, [*wrong, "--data", data]).exit_code != 0
