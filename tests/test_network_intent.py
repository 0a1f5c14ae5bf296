"""Intents: the sentences that are understood, the faults that are told, and verdicts on each scan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from partywall.analysis.network.intent import GRAMMAR, Intents, of_config, parse, read
from partywall.analysis.network.intent_held import Held, Holder
from partywall.analysis.network.study import study
from partywall.analysis.network.words import services_text
from partywall.analysis.policy import FACTS
from partywall.aws.answers import CallFailed
from partywall.cli.app import app
from partywall.config import Config, load
from partywall.errors import UserError
from partywall.lake.engine import Lake
from partywall.lake.snapshot import read_manifest
from partywall.opened import open_report
from partywall.scan import Selection, load_checks
from tests.support import REGIONS, DemoScan, demo_config

CHECK = "network-intent-kept"
SELECTION = Selection(regions=REGIONS, checks=(CHECK,))


@pytest.mark.parametrize(
    ("text", "kind", "services", "only", "every"),
    [
        ("no path from a to b", "no", "everything", False, False),
        ("No path  from a to b on 22", "no", "tcp 22", False, False),
        ("a must not reach b on udp 53", "no", "udp 53", False, False),
        ("a may not reach b", "no", "everything", False, False),
        ("a cannot reach b", "no", "everything", False, False),
        ("a reaches b on 443", "must", "tcp 443", False, False),
        ("a must reach every b on 80, 443.", "must", "tcp 80, tcp 443", False, True),
        ("a must reach b on tcp 443 and udp 53-54", "must", "tcp 443, udp 53-54", False, False),
        ("a must reach b on udp 53, 123", "must", "udp 53, udp 123", False, False),
        ("a may reach b on 5432; nothing else may", "may", "tcp 5432", True, False),
        ("a may reach b on 5432 ;nothing else may reach it", "may", "tcp 5432", True, False),
        ("only a may reach b on 5432", "may", "tcp 5432", True, False),
        ("a may reach b", "may", "everything", False, False),
        ("tag:Name=web reaches 10.0.0.0/8 on 8000 - 8100", "must", "tcp 8000-8100", False, False),
        ("a reaches 2001:db8::/32 on icmpv6", "must", "icmpv6", False, False),
    ],
)
def test_sentences_that_are_understood(text: str, kind: str, services: str, only: bool, every: bool) -> None:
    found = parse(text)
    assert (found.kind, services_text(found.services), found.only, found.every) == (
        kind,
        services,
        only,
        every,
    )
    assert found.key == parse(text.upper().replace("  ", " ").replace("TAG:", "tag:")).key


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("intents:\n  - web talks to db\n", "x.yaml:2: not understood: 'web talks to db'; write A may reach"),
        ("intents:\n  - a reches b\n", "x.yaml:2: not understood: 'a reches b'; did you mean reaches?"),
        ("intents:\n  - no pth from a to b\n", "x.yaml:2: not understood: 'no pth from a to b'; did you"),
        ("intents:\n  - a reaches b on htttp\n", "x.yaml:2: 'htttp' is no port"),
        ("intents:\n  - a reaches b on tpc 443\n", "x.yaml:2: 'tpc 443' is no port; did you mean tcp?"),
        ("intents:\n  - a reaches b on 70000\n", "x.yaml:2: '70000' is no port or range"),
        ("intents:\n  - a reaches b on 443-80\n", "x.yaml:2: '443-80' is no port or range"),
        ("intents:\n  - a reaches b\n  - A reaches b\n", "x.yaml:3: the intent of line 2 once more"),
        ("intents:\n  - {a: b}\n", "x.yaml:2: an intent is one sentence"),
        ("intents: []\n", "x.yaml:1: there are no intents in it"),
        ("places: {web: group:web}\n", "x.yaml:1: there are no intents in it"),
        ("intent:\n  - a reaches b\n", "x.yaml:1: unknown key 'intent'; did you mean intents?"),
        ("hello\n", "x.yaml:1: a file of intents has the keys places and intents"),
        ("", "x.yaml:1: a file of intents has the keys places and intents"),
        ("a: [\n", "x.yaml:2: this is no YAML"),
        ("places: [a]\nintents: [a reaches b]\n", "x.yaml:1: places are names"),
        ("places: {a b: x}\nintents: [a reaches b]\n", "x.yaml:1: 'a b' is no name of a place"),
        ("places:\n  a: x\n  a: y\nintents: [a reaches b]\n", "x.yaml:3: the place a is named twice"),
        ("places:\n  a: []\nintents: [a reaches b]\n", "x.yaml:2: the place a needs a selector"),
        ("places:\n  a:\n  - grp:web\nintents: [a reaches b]\n", "x.yaml:3: 'grp:web': no selector begins"),
        ("places:\n  a: tag:web\nintents: [a reaches b]\n", "x.yaml:2: 'tag:web' is no selector: write"),
        ("intents:\n  - envv:prod reaches b\n", "x.yaml:2: 'envv:prod': no selector begins with envv:; did"),
    ],
)  # fmt: skip
def test_faults_are_told_with_their_line_before_anything_is_called(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read(Path("x.yaml"))
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_a_bad_file_stops_a_scan_before_it_asks_for_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("partywall.cli.scanning._identities", lambda _request: pytest.fail("too late"))
    Path("bad.yaml").write_text("intents:\n  - a reches b\n")
    Path("good.yaml").write_text("intents:\n  - a reaches b\n")
    Path("partywall.yaml").write_text("intents: bad.yaml\n")
    Path("empty.yaml").write_text("{}")
    for words, told in (
        (["--intents", "bad.yaml"], "bad.yaml:2"),
        ([], "bad.yaml:2"),
        (
            ["--config", "empty.yaml", "--intents", "none.yaml"],
            "cannot read the intents none.yaml",
        ),
        (["--config", "empty.yaml", "--intents", "good.yaml", "--checks", "s3*"], "network-intent-kept"),
    ):
        found = CliRunner().invoke(app, ["scan", *words])
        assert isinstance(found.exception, UserError)
        assert told in str(found.exception)


def test_the_configuration_holds_them_or_names_their_file(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("intents:\n  - a reaches b\n")
    config = tmp_path / "partywall.yaml"
    config.write_text("intents: net.yaml\n")
    beside = load(config).intents
    assert beside is not None and beside.intents[0].line == 2
    config.write_text("disable: []\nintents:\n  places: {a: group:web}\n  intents:\n    - a reaches b\n")
    within = load(config).intents
    assert within is not None and (within.intents[0].line, within.places["a"]) == (5, ["group:web"])
    config.write_text("intents:\n  - a reaches b\n  - b reches c\n")
    with pytest.raises(UserError, match=r"partywall\.yaml:3: .* did you mean reaches"):
        load(config)
    with pytest.raises(UserError, match="cannot read the intents"):
        of_config("gone.yaml", config)


def test_the_manifest_keeps_what_was_said() -> None:
    given = demo_config().intents
    assert given is not None
    assert Intents.of(json.loads(json.dumps(given.kept()))) == given
    assert Intents.of({}).intents == ()


def test_the_grammar_in_the_help_is_the_grammar_that_is_read(tmp_path: Path) -> None:
    head = GRAMMAR.partition("\nports ")[0]
    lines = [line.partition("    " * 2)[0].rstrip() for line in head.splitlines()]
    file = tmp_path / "x.yaml"
    file.write_text("\n".join(line for line in lines if line.strip()))
    assert len(read(file).intents) == 4


@pytest.fixture(scope="module")
def lake(demo: DemoScan) -> Lake:
    return Lake(demo.directory, FACTS)


def _held(lake: Lake, places: Mapping[str, list[str]], *sentences: str) -> list[Held]:
    lines = [{"text": text, "line": n} for n, text in enumerate(sentences, 1)]
    given = Intents.of({"file": "x", "places": dict(places), "intents": lines})
    return list(Holder(study(lake), given).all())


def test_how_the_sample_network_stands(lake: Lake) -> None:
    places = {"web": ["web-1", "web-2"], "lab": ["env:sandbox"]}
    cases = {
        "internet must reach shop on 443": "kept",
        "internet must reach web on 443": "breached",
        "web must reach orders on 5432": "kept",
        "web must reach every group:orders-db on 9": "breached",
        "no path from internet to orders": "kept",
        "no path from internet to jump-2019 on 22": "breached",
        "no path from internet to jump-2019 on 25": "kept",
        "no path from lab to orders on 80": "kept",
        "no path from lab to orders": "breached",
        "no path from lab to 10.20.0.0/16": "breached",
        "web may reach orders on 5432": "kept",
        "only web may reach orders on 5432": "breached",
        "no path from group:wbe to orders": "unknown",
        "no path from labb to orders": "unknown",
    }
    held = _held(lake, places, *cases)
    assert {h.intent.text: h.state for h in held} == cases
    found = {h.intent.text: h for h in held}
    lab = found["no path from lab to orders"]
    assert lab.because.startswith("migration-1 reaches orders (rds) on tcp 5432")
    assert any("vpc-peering-connection" in hop for hop in lab.hops)
    assert "ENI_SG_RULES_MISMATCH" in " ".join(found["internet must reach web on 443"].hops)
    assert "nearest: group:web" in found["no path from group:wbe to orders"].because
    assert "did you mean lab?" in found["no path from labb to orders"].because


def test_lines_about_one_target_allow_together(lake: Lake) -> None:
    """What any line lets reach a target is no breach of another line's "nothing else may"."""
    alone = _held(lake, {}, "only web-1 may reach jump-2019 on 22")[0]
    assert any(b.source.kind == "internet" for b in alone.breaches)
    assert alone.because.startswith("the internet reaches jump-2019")
    both = _held(
        lake,
        {},
        "only web-1 may reach jump-2019 on 22",
        "internet may reach jump-2019",
        "web-2 may reach jump-2019",
    )[0]
    assert not any(b.source.kind == "internet" for b in both.breaches)


def test_every_scan_has_findings_of_them_with_a_life_of_their_own(demo: DemoScan, tmp_path: Path) -> None:
    def scanned(*sentences: str, **places: list[str]) -> dict[str, dict[str, Any]]:
        lines = [{"text": text, "line": n} for n, text in enumerate(sentences, 1)]
        given = Intents.of({"file": "net.yaml", "places": places, "intents": lines})
        config = Config(intents=given)
        path, _ = demo.replay(tmp_path / "data", selection=SELECTION, config=config)
        assert read_manifest(path).intents == given.kept()
        report = open_report(path, load_checks(SELECTION, config).chosen, config)
        return {row["resource_name"]: row for row in report.findings.to_pylist()}

    no, only = "no path from lab to orders", "only web-1 may reach orders on 5432"
    first = scanned(no, only, "internet must reach shop on 443", lab=["migration-1"])
    assert {name: (row["status"], row["state"]) for name, row in first.items()} == {
        no: ("fail", "new"),
        only: ("fail", "new"),
    }
    assert first[no]["message"].startswith("line 1 of net.yaml: migration-1 reaches orders (rds) on tcp 5432")
    assert first[no]["severity"] == "high"
    second = scanned("no path from LAB to orders", lab=["web-1"])
    assert second["no path from LAB to orders"]["finding_id"] == first[no]["finding_id"]
    third = scanned(no, lab=["10.99.0.0/16"])
    assert third == {} or third[no]["status"] != "fail"


_HIDDEN = ("DescribeNetworkInterfaces", "DescribeInstances", "DescribeSecurityGroups", "DescribeRouteTables")


@pytest.mark.parametrize("hidden", _HIDDEN)
def test_a_denied_call_moves_a_verdict_to_unknown_alone_and_is_named(
    hidden: str, demo: DemoScan, lake: Lake, tmp_path: Path
) -> None:
    def fault(_account: str, _region: str, _service: str, operation: str, _params: Any) -> CallFailed | None:
        return CallFailed("AccessDenied", "no", 403) if operation == hidden else None

    path, _ = demo.replay(tmp_path / "data", selection=SELECTION, fault=fault)
    given = demo_config().intents
    assert given is not None
    before = {h.intent.text: h.state for h in Holder(study(lake), given).all()}
    after = list(Holder(study(Lake(path, FACTS)), given).all())
    for held in after:
        assert held.state in (before[held.intent.text], "unknown"), held
        if held.state == "unknown":
            assert any(hidden in call["operation"] for call in held.failed), held


def test_the_command_line(demo: DemoScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["network", "intent", *words])

    data = ["--data", str(demo.data)]
    assert run("--explain").output.startswith("places:")
    of_scan = run(*data)
    assert of_scan.exit_code == 1
    assert "kept: internet must reach shop on 443" in of_scan.output
    file = tmp_path / "x.yaml"
    file.write_text("places: {lab: migration-1}\nintents:\n  - no path from lab to orders\n")
    shown = run(str(file), *data)
    assert shown.exit_code == 1
    assert "breached: no path from lab to orders  (line 3)" in shown.output
    assert "vpc-peering-connection" in shown.output
    rows = json.loads(run(str(file), "--format", "json", *data).output)
    assert rows[0]["state"] == "breached" and rows[0]["breaches"][0]["services"] == "tcp 5432"
    explained = run(str(file), "--explain", *data)
    assert explained.exit_code == 0
    assert "nothing of lab may get through to orders on any protocol and port" in explained.output
    file.write_text("intents:\n  - no path from internet to orders\n")
    assert run(str(file), *data).exit_code == 0
    none = run("--data", str(tmp_path / "none"))
    assert isinstance(none.exception, UserError)
