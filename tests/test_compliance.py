"""Compliance over the demo's scan: figures that add up, thresholds, exceptions, limits, and the command."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from partywall.aws.answers import CallFailed
from partywall.checks.loader import CompiledCheck
from partywall.cli.app import app
from partywall.cli.querying import answer
from partywall.config import Config
from partywall.errors import UserError
from partywall.evidence import attestations
from partywall.findings.exceptions import RiskException
from partywall.findings.model import Verdict
from partywall.frameworks.assess import Compliance, compliance_of, open_compliance
from partywall.frameworks.model import State
from partywall.frameworks.states import ALL, counted
from partywall.frameworks.tally import Judged, resources, tally
from partywall.scan import Checks, Selection, load_checks
from partywall.tables.registry import all_tables
from tests.support import REGIONS, DemoScan, verdicts

KEYS = "iam-user-access-keys-rotated"


@cache
def every_check() -> Checks:
    return load_checks(Selection(), Config())


def loaded() -> list[CompiledCheck]:
    return every_check().chosen


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling the catalogue takes a second, and every command would do it."""
    monkeypatch.setattr("partywall.scan.load_checks", lambda *_: every_check())


@pytest.fixture(scope="module")
def scanned(demo: DemoScan) -> Compliance:
    return open_compliance(demo.data, scanned_only=True)


def command(demo: DemoScan, *words: str) -> Any:
    return CliRunner().invoke(app, ["compliance", *words, "--data", str(demo.data)])


def test_states_sum_to_the_number_of_requirements(scanned: Compliance) -> None:
    for framework in scanned.frameworks.values():
        for account in (ALL, *scanned.accounts):
            summary = scanned.summary(framework, account)
            assert set(summary.states) == set(State)
            assert summary.total == len(counted(framework)) == sum(summary.states.values())
            assert 0 <= summary.evaluated <= summary.total


def test_tallies_are_the_stored_verdicts(scanned: Compliance, demo: DemoScan) -> None:
    some = [c for c in loaded() if c.check.id.startswith(("iam-", "s3-", "ec2-", "kms-"))]
    stored = verdicts(demo.directory, some)
    keys = [Judged(check.check.id) for check in some]
    found = tally(scanned.lake, some, keys, {}, scanned_only=True)
    for verdict, name in ((Verdict.PASS, "passes"), (Verdict.FAIL, "fails")):
        expected = Counter(key[:2] for key, told in stored.items() if told is verdict)
        assert sum(expected.values()) > 100
        for key in keys:
            for account in demo.accounts:
                assert getattr(found.get(key, account), name) == expected[(key.check, account)], key


def test_regions_that_were_not_scanned_leave_regional_checks_open(
    scanned: Compliance, demo: DemoScan
) -> None:
    everywhere = open_compliance(demo.data)
    unscanned = {r for regions in everywhere.lake.manifest.enabled_regions.values() for r in regions}
    assert unscanned > set(REGIONS)
    fsbp = everywhere.frameworks["aws-fsbp"]
    for standing in everywhere.standings(fsbp):
        part = standing.requirement.technical
        tables = {everywhere.checks[row.check].check.table for row in part.checks} if part else set()
        if standing.state is State.SATISFIED:
            assert {all_tables()[table].scope for table in tables} == {"global"}
    better = {s.requirement.id for s in scanned.standings(fsbp) if s.state is State.SATISFIED}
    assert better - {s.requirement.id for s in everywhere.standings(fsbp) if s.state is State.SATISFIED}
    assert any("--scope scanned" in note for note in everywhere.limits())
    assert any("in scope" in note for note in scanned.limits())


def test_what_a_limited_scan_did_not_judge_is_not_evaluated(demo: DemoScan, tmp_path: Path) -> None:
    path, _ = demo.replay(tmp_path, selection=Selection(regions=REGIONS, checks=("iam-root-*",)))
    found = compliance_of(path, tmp_path, loaded(), Config(), scanned_only=True)
    cis = found.frameworks["cis-7.0"]
    told = {s.requirement.id: s.state for s in found.standings(cis)}
    assert told["2.4"] is not State.NOT_EVALUATED
    assert told["2.10"] is State.NOT_EVALUATED
    assert sum(state is not State.NOT_EVALUATED for state in told.values()) < 6
    assert any("were not part of the scan" in note for note in found.limits())


def test_a_denied_call_leaves_open_what_it_would_have_told(demo: DemoScan, tmp_path: Path) -> None:
    def denied(_account: str, region: str, _service: str, operation: str, _params: Any) -> CallFailed | None:
        bad = (operation, region) == ("GetEbsEncryptionByDefault", "eu-west-1") or operation == "ListBuckets"
        return CallFailed("AccessDenied", "no", 403) if bad else None

    chosen = ("ec2-region-ebs-encryption-by-default", "s3-bucket-tls-only", "s3-bucket-mfa-delete")
    selection = Selection(regions=REGIONS, checks=chosen)
    account = demo.accounts[:1]
    before, _ = demo.replay(tmp_path / "a", selection=selection, accounts=account)
    after, _ = demo.replay(tmp_path / "b", selection=selection, accounts=account, fault=denied)
    states: list[dict[str, State]] = []
    for path in (before, after):
        found = compliance_of(path, tmp_path, loaded(), Config(), scanned_only=True, only="cis-7.0")
        listed = found.standings(found.frameworks["cis-7.0"])
        states.append({s.requirement.id: s.state for s in listed})
    assert states[0]["3.1.1"] is State.NOT_SATISFIED
    assert states[0]["3.1.2"] is not State.NOT_EVALUATED
    for requirement in ("3.1.1", "3.1.2"):
        assert states[1][requirement] is State.NOT_EVALUATED
    assert states[1]["6.1.1"] in (State.NOT_EVALUATED, states[0]["6.1.1"])
    changed = {i for i in states[0] if states[0][i] is not states[1][i]}
    assert changed <= {"3.1.1", "3.1.2", "6.1.1"}


def test_a_framework_s_threshold_judges_again_and_an_equal_one_does_not(scanned: Compliance) -> None:
    lake, checks = scanned.lake, list(scanned.checks.values())
    keys = [
        Judged.of(KEYS, p) for p in ({}, {"max_age_days": 90}, {"max_age_days": 1}, {"max_age_days": 99999})
    ]
    found = tally(lake, checks, keys, {}, scanned_only=True)
    plain, same, strict, loose = (found.get(key, ALL) for key in keys)
    assert plain == same
    assert plain.fails + plain.passes == strict.fails + strict.passes == loose.fails + loose.passes
    assert loose.fails < plain.fails <= strict.fails
    for key, counted_as in zip(keys[2:], (strict, loose), strict=True):
        rows = resources(lake, scanned.checks[KEYS], key.overrides(), ("fail",), stored=False)
        assert len(rows) == counted_as.fails
    # The framework's number holds over the user's own.
    mine = tally(lake, checks, keys[2:], {KEYS: {"max_age_days": 365}}, scanned_only=True)
    assert mine.get(keys[2], ALL) == strict


def test_exceptions_in_force_turn_fails_into_excepted_and_no_more(scanned: Compliance) -> None:
    lake, checks = scanned.lake, list(scanned.checks.values())
    plain = tally(lake, checks, [Judged(KEYS)], {}, scanned_only=True).get(Judged(KEYS), ALL)
    arn = resources(lake, scanned.checks[KEYS], {}, ("fail",), stored=True)[0]["resource_arn"]
    known = {"reason": "r", "owner": "o", "approver": "a", "check": KEYS}
    for expires, resource, expected in (
        (date(2999, 1, 1), "*", plain.fails),
        (date(2999, 1, 1), arn, 1),
        (date(2020, 1, 1), "*", 0),
    ):
        exception = RiskException(**known, expires=expires, resource=resource)
        strict = Judged.of(KEYS, {"max_age_days": 1})
        found = tally(lake, checks, [Judged(KEYS), strict], {}, [exception], scanned_only=True)
        excepted = found.get(Judged(KEYS), ALL)
        assert (excepted.excepted, excepted.fails) == (expected, plain.fails - expected)
        assert found.get(strict, ALL).excepted >= expected
    config = Config(exceptions=[RiskException(**known, expires=date(2999, 1, 1))])
    judged = Compliance(lake, checks, config, scanned.frameworks, scanned.evidence, scanned_only=True)
    states = {s.requirement.id: s.state for s in judged.standings(judged.frameworks["cis-7.0"])}
    assert states["2.12"] is State.EXCEPTED


def test_an_attestation_is_in_force_from_its_day_on(demo: DemoScan, tmp_path: Path) -> None:
    checks = loaded()
    attestations.add(
        tmp_path,
        framework="cis-3.0",
        requirement="1.3",
        statement="recorded",
        author="ann",
        reviewer="bob",
        effective=date(2026, 1, 1),
        valid_until=date(2026, 6, 30),
    )
    expected = {
        date(2025, 12, 31): State.NOT_EVALUATED,
        date(2026, 1, 1): State.ATTESTED,
        date(2026, 6, 30): State.ATTESTED,
        date(2026, 7, 1): State.ATTESTED_EXPIRED,
    }
    for day, state in expected.items():
        found = compliance_of(demo.directory, tmp_path, checks, Config(), today=day)
        cis = found.frameworks["cis-3.0"]
        requirement = next(r for r in cis.requirements if r.id == "1.3")
        assert found.judge(cis).standing(requirement).state is state


def test_the_table_compliance_says_what_the_command_says(demo: DemoScan) -> None:
    rows = answer(
        "select framework, state, count(*) n from compliance where account_id = '*' group by all",
        demo.data,
        "latest",
    ).to_pylist()
    told = json.loads(command(demo, "--format", "json").stdout)
    for entry in told["frameworks"]:
        mine = {r["state"]: r["n"] for r in rows if r["framework"] == entry["framework"]}
        assert mine == {state: n for state, n in entry["states"].items() if n}
        assert sum(mine.values()) == entry["total"]


def test_the_mapping_is_readable_by_sql(demo: DemoScan) -> None:
    rows = answer(
        "select f.framework, f.requirements, count(r.requirement) listed from framework f"
        " join requirement r on r.framework = f.framework and not heading and not withdrawn group by all",
        demo.data,
        "latest",
    ).to_pylist()
    assert len(rows) >= 5
    assert all(row["requirements"] == row["listed"] for row in rows)
    orphans = answer(
        "select count(*) n from requirement_check c anti join requirement r using (framework, requirement)",
        demo.data,
        "latest",
    ).to_pylist()
    assert orphans == [{"n": 0}]
    assert answer(
        "select count(*) n from programme_scope where in_scope = 'yes'", demo.data, "latest"
    ).to_pylist()[0]["n"]
    assert answer("select * from programme_scope_violation", demo.data, "latest").num_rows >= 0


def test_overview_and_framework_in_each_form(demo: DemoScan) -> None:
    text = command(demo).stdout
    for name in ("cis-7.0", "aws-fsbp", "70 "):
        assert name in text
    told = json.loads(command(demo, "cis", "--format", "json").stdout)
    assert told["total"] == 70 == len(told["requirements"]) == sum(told["states"].values())
    only = json.loads(command(demo, "cis", "--state", "not_satisfied", "--format", "json").stdout)
    assert len(only["requirements"]) == told["states"]["not_satisfied"] > 0
    rows = list(csv.DictReader(io.StringIO(command(demo, "cis", "--format", "csv").stdout)))
    assert [r["requirement"] for r in rows] == [r["requirement"] for r in told["requirements"]]
    account = told["scan"] and json.loads(
        command(demo, "cis", "--account", demo.accounts[0], "--format", "json").stdout
    )
    assert account["account_id"] == demo.accounts[0]


def test_drill_down_to_parts_checks_and_resources(demo: DemoScan) -> None:
    text = command(demo, "cis", "--requirement", "3.1.1").stdout
    for word in ("technical", "s3-bucket-tls-only", "proves", "arn:aws:s3:::"):
        assert word in text
    told = json.loads(command(demo, "cis", "--requirement", "3.1.1", "--format", "json").stdout)
    (row,) = told["evidence"]
    assert row["fails"] == sum(r["status"] == "fail" for r in told["open_resources"])
    lines = command(demo, "cis", "--requirement", "3.1.1", "--format", "csv").stdout.splitlines()
    assert len(lines) == 1 + len(told["open_resources"])


def test_gate_and_wrong_use(demo: DemoScan) -> None:
    assert command(demo, "cis", "--fail-on", "not_satisfied").exit_code == 1
    assert command(demo, "cis", "--fail-on", "attested_expired").exit_code == 0
    assert command(demo, "cis", "--requirement", "3.1.1", "--fail-on", "not_satisfied").exit_code == 1
    for words, said in (
        (("cis-9",), "no framework"),
        (("cis", "--state", "fine"), "--state is one of"),
        (("cis", "--fail-on", "high"), "--fail-on is one of"),
        (("cis", "--requirement", "2.99"), "no requirement"),
        (("cis", "--requirement", "3.1"), "is a heading"),
        (("--requirement", "2.4"), "go with a framework"),
        (("cis", "--account", "1"), "has no account"),
        (("cis", "--as-of", "June"), "--as-of is a day"),
        (("cis", "--scope", "all"), "--scope is"),
    ):
        result = command(demo, *words)
        assert isinstance(result.exception, UserError), words
        assert said in str(result.exception), words


def test_frameworks_of_one_s_own(demo: DemoScan, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    body = (
        "id: own\nname: Own rules\nversion: '1'\naliases: [mine]\nabout: ours\nsource: us\n"
        "requirements:\n- id: R1\n  title: Keys change every month\n  type: T\n"
        "  technical:\n    why: we say so\n    checks:\n"
        f"    - {{check: {KEYS}, weight: proves, why: it reads the age, params: {{max_age_days: 30}}}}\n"
    )
    file.write_text(body, encoding="utf-8")
    result = command(demo, "mine", "--frameworks-dir", str(tmp_path), "--format", "json")
    assert json.loads(result.stdout)["states"]["not_satisfied"] == 1
    file.write_text(body.replace(KEYS, "no-such-check"), encoding="utf-8")
    result = command(demo, "mine", "--frameworks-dir", str(tmp_path))
    assert isinstance(result.exception, UserError)
    assert "no check 'no-such-check'" in str(result.exception)


def test_the_page_s_figures_are_those_of_the_framework(scanned: Compliance) -> None:
    from partywall.outputs.compliance import compliance_page

    page = compliance_page(scanned)
    for framework in page["frameworks"]:
        told = Counter(r["state"] for r in framework["requirements"] if r["state"])
        assert dict(told) == framework["states"]
        assert sum(told.values()) == framework["total"]
        for requirement in framework["requirements"]:
            if not requirement["state"]:
                continue
            assert len(requirement["accounts"]) == len(page["accounts"]) == len(scanned.accounts)
            rows = page["lists"][requirement["evidence"]] if requirement["evidence"] >= 0 else []
            for check, why in rows:
                assert page["checks"][check][0] in scanned.checks
                assert page["whys"][why][0] in page["weights"]


def test_a_report_of_some_checks_has_no_page_of_compliance(demo: DemoScan) -> None:
    from partywall.opened import open_report

    assert "compliance" not in open_report(demo.directory, loaded()[:40], Config()).pages()
    assert "compliance" in open_report(demo.directory, loaded(), Config()).pages()
