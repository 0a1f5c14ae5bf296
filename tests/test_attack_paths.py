"""Attack paths of the demo and of small made-up cases: what joins, how sure, how likely, what cuts most."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from partywall.analysis.attack_paths import tables as built
from partywall.analysis.attack_paths.cut import plan
from partywall.analysis.attack_paths.parts import (
    CERTAIN,
    POSSIBLE,
    UNKNOWN,
    Change,
    Entry,
    Factor,
    Route,
    Step,
    Target,
    model,
)
from partywall.analysis.attack_paths.starts import Scanned, Start, starts
from partywall.analysis.attack_paths.study import AttackPath, AttackStudy, study
from partywall.analysis.iam.holdings import Holder
from partywall.analysis.policy import FACTS
from partywall.checks.loader import catalogue
from partywall.lake.engine import Lake
from tests.support import DemoScan

NOW = datetime(2026, 11, 24, tzinfo=UTC)
INSTANCE = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:form"
ROLE = "arn:aws:iam::111122223333:role/app"
CALL = {
    "call": "rows",
    "operation": "ec2:DescribeX",
    "region": "",
    "outcome": "denied",
    "code": "AccessDenied",
}


@pytest.fixture(scope="module")
def found(demo: DemoScan) -> AttackStudy:
    return study(Lake(demo.directory, FACTS))


def _paths(found: AttackStudy, entry: str, target: str) -> list[AttackPath]:
    return [p for p in found.paths if p.best.entry.kind == entry and target in p.best.target.name]


# The demo.


def test_the_internet_takes_over_production_by_an_old_jump_host(found: AttackStudy) -> None:
    path = next(p for p in _paths(found, "internet", "production") if "jump-2019" in p.best.text)
    assert [s.kind for s in path.best.steps] == ["reach", "log-in", "metadata", "administer"]
    assert path.best.certainty == POSSIBLE
    assert any("legacy-ssh-anywhere" in line for line in path.best.steps[0].evidence)
    assert path.best.target.kind == "admin"


def test_a_public_function_reads_the_secrets_of_its_role(found: AttackStudy) -> None:
    path = _paths(found, "internet", "shop/orders-db")[0]
    assert [s.kind for s in path.best.steps] == ["call-function", "runtime", "read-secret"]
    assert {"T1190", "T1552", "T1555.006"} == {s.technique for s in path.best.steps}


def test_a_pipelines_key_escalates_to_the_backups(found: AttackStudy) -> None:
    path = next(p for p in _paths(found, "access-key", "ad-hoc") if "ci-release" in p.best.entry.title)
    assert path.best.certainty == CERTAIN
    assert "Replace the code of a function" in path.best.text
    assert path.best.steps[-1].kind == "destroy-backups"
    assert any(f.name == "old-key" for f in path.best.factors)


def test_the_sandbox_leads_into_production_by_a_roles_trust(found: AttackStudy) -> None:
    path = next(p for p in _paths(found, "internet", "customer-exports") if "lab-notebook" in p.best.text)
    accounts = {s.source.split(":")[4] for s in path.best.steps if s.source.startswith("arn:")}
    assert len(accounts) == 2
    assert any(s.kind == "assume" for s in path.best.steps)


def test_a_locked_vault_is_out_of_reach(found: AttackStudy) -> None:
    assert [t.name for t in found.targets if t.kind == "backup-vault" and t.safe] == ["production"]
    assert not _paths(found, "access-key", "production") or all(
        p.best.target.kind != "backup-vault" for p in _paths(found, "access-key", "production")
    )


def test_rows_follow_from_one_another(found: AttackStudy, demo: DemoScan) -> None:
    lake = Lake(demo.directory, FACTS)
    paths = built.attack_paths(lake).to_pylist()
    targets = {r["arn"]: r for r in built.attack_targets(lake).to_pylist()}
    assert [r["rank"] for r in paths] == list(range(1, len(paths) + 1))
    scores = [r["score"] for r in paths if r["certainty"] != "unknown"]
    assert scores == sorted(scores, reverse=True)
    for row in paths:
        assert row["steps"], row["name"]
        assert 1 <= row["likelihood"] <= 100
        assert all(s["technique"] and s["why"] for s in row["steps"])
        product = 1.0
        for factor in row["likelihood_why"]:
            product *= factor["weight"]
        assert row["likelihood"] == max(1, min(100, round(100 * product)))
        assert row["damage"] == min(100, sum(f["weight"] for f in row["damage_why"]))
        if row["certainty"] != "unknown":
            assert targets[row["arn"]][built.ENTRIES[row["entry"]]] is True
    for arn, row in targets.items():
        for kind, column in built.ENTRIES.items():
            known = any(r["arn"] == arn and r["entry"] == kind and r["certainty"] != "unknown" for r in paths)
            assert (row[column] is True) == known
            assert row[column] is not None or row["_failed"], (arn, column)


# Where paths begin.


def _exposure(**more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "arn": "eni", "resource_arn": INSTANCE, "kind": "network-interface", "instance_id": "i-1",
        "internet_reachable": True, "internet_ports": [], "internet_path": [], "internet_via": [],
        "other_account_ports": [], "authentication": "", "environment": "", "_failed": [CALL],
    }  # fmt: skip
    return row | more


def _instance(**more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "arn": INSTANCE, "name": "i-1", "tags": {"Name": "web"}, "state": "running",
        "http_tokens": "required", "http_endpoint": "enabled", "http_put_response_hop_limit": 1,
        "_failed": [CALL],
    }  # fmt: skip
    return row | more


def _starts(
    exposures: Sequence[Mapping[str, Any]] = (),
    instance: Mapping[str, Any] | None = None,
    holders: Sequence[Holder] = (),
    exploits: Mapping[str, Any] | None = None,
    users: Sequence[Mapping[str, Any]] = (),
    risks: Sequence[Mapping[str, Any]] = (),
) -> list[Start]:
    held = list(holders) or [Holder("ec2-instance", INSTANCE, "111122223333", (ROLE,))]
    instances = {INSTANCE: instance or _instance()}
    given_ = Scanned(
        exposures, held, instances, users, risks, {}, exploits or {}, frozenset({"111122223333"}), NOW
    )
    return starts(given_, model())


def _tcp(port: int, to: int = 0) -> dict[str, Any]:
    return {"protocol": "tcp", "from_port": port, "to_port": to or port}


def _kinds(begun: Sequence[Start], entry: str = "internet") -> set[tuple[str, ...]]:
    return {tuple(s.kind for s in b.steps) for b in begun if b.entry.kind == entry}


WAYS = ("reach", "log-in", "metadata")
FORGED = ("reach", "forge-request", "metadata")
CASES: list[tuple[str, dict[str, Any], dict[str, Any], set[tuple[str, ...]]]] = [
    ("ssh", {"internet_ports": [_tcp(22)]}, {}, {WAYS}),
    ("web and version 2", {"internet_ports": [_tcp(443)]}, {}, set()),
    ("web and version 1", {"internet_ports": [_tcp(443)]}, {"http_tokens": "optional"}, {FORGED}),
    ("all", {"internet_ports": [_tcp(0, 65535)]}, {"http_tokens": "optional"}, {WAYS, FORGED}),
    ("no metadata", {"internet_ports": [_tcp(22)]}, {"http_endpoint": "disabled"}, set()),
    ("stopped", {"internet_ports": [_tcp(22)]}, {"state": "stopped"}, set()),
    ("closed", {"internet_reachable": False}, {"http_tokens": "optional"}, set()),
    ("ping", {"internet_ports": [{"protocol": "icmp", "from_port": 8, "to_port": -1}]}, {}, set()),
]


@pytest.mark.parametrize(("exposure", "instance", "ways"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_lets_strangers_into_an_instance(
    exposure: dict[str, Any], instance: dict[str, Any], ways: set[tuple[str, ...]]
) -> None:
    begun = _starts([_exposure(**exposure)], _instance(**instance))
    assert _kinds(begun) == ways
    assert all(s.certainty != UNKNOWN for b in begun for s in b.steps)


def test_what_is_not_known_of_an_instance_makes_steps_unknown_with_the_call() -> None:
    cases = (
        ({"internet_ports": [None], "internet_reachable": None}, {}),
        ({"internet_ports": [_tcp(443)]}, {"http_tokens": None}),
        ({"internet_ports": [_tcp(22)]}, {"http_endpoint": None}),
    )
    for exposure, instance in cases:
        begun = [
            b for b in _starts([_exposure(**exposure)], _instance(**instance)) if b.entry.kind == "internet"
        ]
        assert begun
        for start in begun:
            open_ = [s for s in start.steps if s.certainty == UNKNOWN]
            assert open_
            assert any(call["operation"] == "ec2:DescribeX" for s in open_ for call in s.failed)


def test_a_known_exploit_opens_what_version_2_closes() -> None:
    known = [{"vulnerability": "CVE-2021-44228", "severity": "CRITICAL", "epss": 0.94}]
    begun = _starts([_exposure(internet_ports=[_tcp(443)])], exploits={"i-1": known})
    assert _kinds(begun) == {("reach", "exploit", "metadata")}
    step = next(b for b in begun if b.entry.kind == "internet").steps[1]
    assert step.evidence == ("CVE-2021-44228 (critical, EPSS 0.94)",)
    assert step.changes[0].kind == "patch"


def test_a_functions_url_counts_where_it_asks_nobody() -> None:
    holder = [Holder("lambda-function", FUNCTION, "111122223333", (ROLE,))]
    row = {"resource_arn": FUNCTION, "arn": FUNCTION, "kind": "function-url", "internet_ports": [_tcp(443)]}
    assert _kinds(_starts([_exposure(**row)], holders=holder)) == {("call-function", "runtime")}
    signed = _exposure(**row, authentication="AWS_IAM")
    assert _kinds(_starts([signed], holders=holder)) == set()
    unknown = _starts([_exposure(**row, authentication=None)], holders=holder)
    assert all(b.steps[0].certainty == UNKNOWN or len(b.steps) == 1 for b in unknown)


def test_narrow_sources_and_web_acls_make_paths_less_likely() -> None:
    group = "security-group sg-1 (web): in by tcp 22 "
    wide, narrow = (
        next(
            b
            for b in _starts([_exposure(internet_ports=[_tcp(22)], internet_path=[group + source])])
            if b.entry.kind == "internet"
        )
        for source in ("0.0.0.0/0", "203.0.113.0/24")
    )
    assert [f.name for f in wide.steps[0].factors] == []
    assert [f.name for f in narrow.steps[0].factors] == ["some-addresses"]
    assert wide.steps[0].changes[0].subject == "sg-1"
    via = {
        "entry_arn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/shop/1/2",
        "kind": "load-balancer-listener", "protocol": "HTTPS", "port": 443, "target_port": 80, "waf": True,
        "authentication": "",
    }  # fmt: skip
    v1 = _instance(http_tokens="optional")
    begun = _starts([_exposure(internet_reachable=False, internet_via=[via])], v1)
    steps = next(b for b in begun if b.entry.kind == "internet").steps
    assert (steps[0].kind, [f.name for f in steps[0].factors]) == ("reach-front", ["behind-waf"])
    signed = _exposure(internet_reachable=False, internet_via=[via | {"authentication": "load balancer"}])
    assert _kinds(_starts([signed], v1)) == set()


def test_keys_and_outsiders_begin_paths() -> None:
    key = {"slot": 1, "active": True, "created": datetime(2025, 1, 1, tzinfo=UTC)}
    user = {"arn": "arn:aws:iam::111122223333:user/ci", "name": "ci", "_failed": [CALL]}
    begun = _starts(users=[user | {"access_keys": [key, key | {"slot": 2, "active": False}]}])
    keys = [b for b in begun if b.entry.kind == "access-key"]
    assert [(b.principal, b.steps[0].certainty) for b in keys] == [(user["arn"], CERTAIN)]
    assert [f.name for f in keys[0].entry.factors] == ["access-key", "old-key"]
    lost = [b for b in _starts(users=[user | {"access_keys": None}]) if b.entry.kind == "access-key"]
    assert [b.steps[0].certainty for b in lost] == [UNKNOWN]
    outsiders = [
        {"kind": "account", "name": "444455556666", "conditional": False},
        {"kind": "account", "name": "777788889999", "conditional": True},
        {"kind": "account", "name": "111122223333", "conditional": False},
        {"kind": "anyone", "name": "*", "conditional": False},
        {"kind": "federated", "name": "arn:aws:iam::111122223333:saml-provider/x", "conditional": False},
    ]
    begun = _starts(risks=[{"arn": ROLE, "outsiders": outsiders}])
    told = {(b.entry.kind, b.entry.arn, b.steps[0].certainty) for b in begun if b.steps[0].kind == "trusted"}
    assert told == {
        ("other-account", "444455556666", CERTAIN),
        ("other-account", "777788889999", POSSIBLE),
        ("internet", "", CERTAIN),
    }


# The model.


def test_every_step_names_a_check_that_there_is() -> None:
    checks = catalogue()
    for name, step in model().data["steps"].items():
        named = step["change"]["check"]
        assert not named or named in checks, name
        assert 0 < step["likelihood"] <= 1, name
    for told in model().data["targets"]:
        assert told["step"] in model().data["steps"]


def test_actions_of_targets_are_awss() -> None:
    from partywall.analysis.iam.actions import find

    for told in model().data["targets"]:
        assert all(find(action.lower()) is not None for action in told["actions"])


def test_tags_classify_in_three_values() -> None:
    weights = model()
    assert weights.tagged({"Data-Classification": "Confidential"}, "classified") is True
    assert weights.tagged({"data-classification": "public"}, "classified") is False
    assert weights.tagged(None, "classified") is None


# What cuts.

SUBJECTS = "abcdef"


def _path(at: int, routes: Sequence[Sequence[str]]) -> AttackPath:
    entry = Entry("internet", "", "the internet", (Factor("internet", "", 1.0),))
    target = Target(
        "data", "s3_bucket", "1", "", f"t{at}", f"t{at}", {}, "read", (Factor("d", "", damage=50),), {}
    )
    made = [
        Route(
            entry,
            target,
            (
                Step("reach", f"{at}-{n}", "internet", "x", CERTAIN, "T1", "", "", (), (),
                     tuple(Change("rule", s, s) for s in subjects)),
            ),
        )
        for n, subjects in enumerate(routes)
    ]  # fmt: skip
    return AttackPath(made, "x")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.integers(1, 63), min_size=1, max_size=2), min_size=1, max_size=6))
def test_no_smaller_set_of_changes_cuts_all(masks: list[list[int]]) -> None:
    """A bit of a mask is a change that cuts the route."""
    routes = [[{s for n, s in enumerate(SUBJECTS) if m >> n & 1} for m in each] for each in masks]
    paths = [_path(at, [sorted(r) for r in each]) for at, each in enumerate(routes)]
    made = plan(paths)
    assert made.cut == made.paths == len(paths)
    assert made.smallest
    chosen = {c.change.subject for c in made.cuts}
    every = [r for each in routes for r in each]
    assert all(not r.isdisjoint(chosen) for r in every)
    for size in range(len(made.cuts)):
        assert not any(
            all(not r.isdisjoint(tried) for r in every) for tried in itertools.combinations(SUBJECTS, size)
        )
    assert [c.together for c in made.cuts] == sorted(c.together for c in made.cuts)


def test_a_path_with_two_routes_is_cut_when_both_are() -> None:
    made = plan([_path(0, [["a"], ["b"]])])
    assert [(c.change.subject, c.alone, c.together) for c in made.cuts] == [("a", 0, 0), ("b", 0, 1)]
    assert plan([]).cuts == ()
    assert len(plan([_path(0, [["a"]]), _path(1, [["b"]])], 1).cuts) == 1


# The command and the page.


def run(demo: DemoScan, *arguments: str) -> Any:
    from partywall.cli.app import app

    return CliRunner().invoke(app, ["attack-paths", *arguments, "--data", str(demo.data)])


def test_the_command_reads_the_last_scan(demo: DemoScan) -> None:
    listed = run(demo, "--limit", "3")
    assert listed.exit_code == 0
    assert "certain" in listed.stdout
    assert "3 " in listed.stdout


def test_a_scan_of_less_is_no_scan_without_paths(demo: DemoScan, tmp_path: Path) -> None:
    work = tmp_path / "scans" / demo.scan_id
    work.mkdir(parents=True)
    manifest = json.loads((demo.directory / "manifest.json").read_bytes())
    del manifest["demand"]["attack_path"]
    (work / "manifest.json").write_text(json.dumps(manifest))
    (work / "collection.parquet").write_bytes((demo.directory / "collection.parquet").read_bytes())
    from partywall.cli.app import app

    result = CliRunner().invoke(app, ["attack-paths", "--data", str(tmp_path)])
    assert result.exit_code != 0
    assert "did not collect" in str(result.exception)


@pytest.fixture
def studied(found: AttackStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command with the study that is there, made once."""
    monkeypatch.setattr("partywall.cli.attack._study", lambda _data, _scan: found)


@pytest.mark.usefixtures("studied")
def test_the_command_lists_explains_and_cuts(demo: DemoScan, found: AttackStudy) -> None:
    listed = json.loads(run(demo, "--format", "json", "--from", "internet", "--limit", "0").stdout)
    assert listed["total"] == len(listed["paths"]) > 0
    assert {p["entry"] for p in listed["paths"]} == {"internet"}
    first = run(demo, "show", "1").stdout
    assert first.startswith("1. ")
    assert "each of these cuts it:" in first
    cut = json.loads(run(demo, "cut", "--format", "json", "--to", "admin").stdout)
    assert 0 < cut["cut"] <= cut["paths"]
    assert any(c["fix"] for c in cut["changes"])
    lines = run(demo, "--format", "csv", "--limit", "0").stdout.splitlines()
    assert len(lines) == len(found.paths) + 1


@pytest.mark.usefixtures("studied")
def test_gates_and_wrong_use(demo: DemoScan) -> None:
    assert run(demo, "--fail-on", "certain").exit_code == 1
    assert run(demo, "--from", "internet", "--to", "ad-hoc", "--fail-on", "possible").exit_code == 0
    for wrong in (["--from", "intrenet"], ["--to", "nothing-of-the-kind"], ["show", "9999"]):
        result = run(demo, *wrong)
        assert result.exit_code != 0
        assert "path" in str(result.exception)


@pytest.mark.usefixtures("studied")
def test_the_page_holds_its_data_and_hostile_names_as_text(demo: DemoScan, tmp_path: Path) -> None:
    from partywall.outputs.attack import render

    target = tmp_path / "paths.html"
    assert run(demo, "--html", str(target)).exit_code == 0
    page = target.read_text("utf-8")
    assert "default-src 'none'" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    hostile = _path(0, [["</script><script>alert(1)</script>"]])
    page = render(AttackStudy([hostile], [hostile.best.target]))
    assert "<script>alert(1)" not in page
    assert "\\u003c/script" in page


def test_every_technique_is_spelled_as_attack_does() -> None:
    import re

    text = Path(built.__file__).with_name("model.yaml").read_text("utf-8")
    for step in yaml.safe_load(text)["steps"].values():
        assert re.fullmatch(r"T\d{4}(\.\d{3})?", step["technique"])
