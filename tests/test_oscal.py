"""OSCAL documents of the demo: valid by compliance-trestle, linked, the same each time, never too good."""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from partywall.cli.app import app
from partywall.config import Config
from partywall.evidence import attestations, poam
from partywall.evidence.model import Milestone
from partywall.evidence.rows import read_rows
from partywall.evidence.seal import root_of
from partywall.findings.exceptions import RiskException
from partywall.frameworks.assess import Compliance, compliance_of, open_compliance
from partywall.frameworks.model import AwsPart, Framework, Requirement, State, TechnicalPart
from partywall.oscal.base import NIST, NIST_CATALOG, Controls, nist_id, when
from partywall.oscal.components import aws_uuids
from partywall.oscal.export import documents
from partywall.oscal.links import check_links
from partywall.oscal.results import TARGET
from partywall.oscal.source import MOST_SUBJECTS, Source
from partywall.oscal.ssp import IMPLEMENTED, MET
from partywall.outputs.handover import Handover
from partywall.responsibility.loader import model
from partywall.scan import Selection, load_checks
from tests.support import DemoScan

PCI = "pci-dss-4.0.1"
MODULES = {
    "catalog.json": "catalog",
    "component-definition.json": "component",
    "ssp.json": "ssp",
    "aws-ssp.json": "ssp",
    "assessment-plan.json": "assessment_plan",
    "assessment-results.json": "assessment_results",
    "poam.json": "poam",
}
Documents = dict[str, dict[str, Any]]


def validate(found: Documents) -> None:
    """Every document read by trestle's model of it, which knows no members but OSCAL's."""
    pytest.importorskip(
        "trestle.oscal", reason="NOT VALIDATED: compliance-trestle cannot be imported; install the dev group"
    )
    for name, document in found.items():
        module = importlib.import_module(f"trestle.oscal.{MODULES[name]}")
        module.Model.model_validate_json(json.dumps(document))


DAY = date(2099, 1, 1)
CONFIG = Config(exceptions=[RiskException("legacy", "Ann", "Bob", DAY, check="vpc-*")])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An attestation and plans of action whose words are hostile."""
    data = tmp_path_factory.mktemp("oscal")
    evidence = data / "minutes <b>.txt"
    evidence.write_text("minutes")
    attestations.add(
        data,
        framework="pci",
        requirement="1.2.2",
        statement="<script>alert(1)</script> *we* do\nas said",
        author="Ann",
        reviewer="Bob",
        effective=date(2026, 3, 1),
        valid_until=DAY,
        files=[evidence],
    )
    milestones = [Milestone("half", date(2098, 1, 1))]
    about = {"framework": "pci", "requirement": "1.2.1"}
    poam.add(data, weakness="old [keys](x)", owner="Ann", due=DAY, milestones=milestones, **about)
    poam.add(data, weakness="a check", owner="Ann", due=DAY, check="s3-bucket-versioning")
    poam.add(data, weakness="not ours", owner="Ann", due=DAY, framework="gdpr", requirement="Art. 32")
    return data


@pytest.fixture(scope="module")
def compliance(demo: DemoScan, data: Path) -> Compliance:
    checks = load_checks(Selection(), CONFIG, ()).chosen
    return compliance_of(demo.directory, data, checks, CONFIG, scanned_only=True, today=date(2026, 12, 1))


def book(compliance: Compliance, name: str, account: str = "*") -> Handover:
    return Handover(compliance, compliance.frameworks[name], CONFIG, (), account)


@pytest.fixture(scope="module")
def pci(compliance: Compliance, data: Path) -> Documents:
    return documents(book(compliance, PCI), poam.load(data))


def results(found: Documents) -> dict[str, Any]:
    return found["assessment-results.json"]["assessment-results"]["results"][0]


def value(entry: dict[str, Any], name: str) -> str:
    return next((p["value"] for p in entry.get("props", ()) if p["name"] == name), "")


def walk(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        yield found
        for inner in found.values():
            yield from walk(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from walk(inner)


def test_all_documents_are_valid_and_linked(pci: Documents) -> None:
    assert set(pci) == set(MODULES)
    assert check_links(pci) == []
    validate(pci)


@pytest.mark.parametrize("name", ["cis-7.0", "iso27001-2022", "sox-itgc", NIST])
def test_other_frameworks_too(compliance: Compliance, name: str) -> None:
    found = documents(book(compliance, name, compliance.accounts[1]))
    assert check_links(found) == []
    validate(found)


def test_every_kind_of_broken_link_is_found(pci: Documents) -> None:
    def broken(*path: Any, value: Any) -> list[str]:
        found = copy.deepcopy(pci)
        place: Any = found
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return check_links(found)

    nobody = "00000000-0000-5000-8000-000000000000"
    ssp = ("ssp.json", "system-security-plan")
    requirements = pci[ssp[0]][ssp[1]]["control-implementation"]["implemented-requirements"]
    by = [(r, c, k) for r, q in enumerate(requirements) for c, b in enumerate(q["by-components"]) for k in b]
    for kind, name in (("inherited", "provided-uuid"), ("satisfied", "responsibility-uuid")):
        r, c, _ = next(x for x in by if x[2] == kind)
        where = ("control-implementation", "implemented-requirements", r, "by-components", c, kind, 0, name)
        assert any(nobody in problem for problem in broken(*ssp, *where, value=nobody)), kind
    assert broken(*ssp, "import-profile", "href", value="nowhere.json")
    assert broken(*ssp, "control-implementation", "implemented-requirements", 0, "control-id", value="x")
    result = ("assessment-results.json", "assessment-results", "results", 0)
    findings = enumerate(results(pci)["findings"])
    at = next(i for i, f in findings if "related-observations" in f)
    where = (*result, "findings", at, "related-observations", 0, "observation-uuid")
    assert broken(*where, value=nobody)
    assert broken(*result, "observations", 0, "subjects", 0, "subject-uuid", value=nobody)
    assert broken(*result, "observations", 0, "relevant-evidence", 0, "href", value=f"#{nobody}")
    assert broken(*result, "findings", 0, "target", "target-id", value="x")
    assert broken("poam.json", "plan-of-action-and-milestones", "poam-items", 0, "related-risks", value=[
        {"risk-uuid": nobody}
    ])  # fmt: skip
    without = {name: d for name, d in pci.items() if name != "aws-ssp.json"}
    assert any("provided-uuid" in problem for problem in check_links(without))


def test_every_responsibility_is_taken_and_only_what_is_proven_is_satisfied(pci: Documents) -> None:
    kinds = {"provided": 0, "responsibilities": 0, "inherited": 0, "satisfied": 0}
    for document in (pci["ssp.json"], pci["aws-ssp.json"]):
        for entry in walk(document):
            for kind in kinds:
                kinds[kind] += len(entry.get(kind, ()))
            if "satisfied" in entry and (state := value(entry, "state")):
                assert State(state) in MET
            if state := value(entry, "state"):
                implemented = entry.get("implementation-status", {}).get("state")
                assert implemented != "implemented" or IMPLEMENTED[State(state)] == "implemented"
    assert kinds["provided"] == kinds["inherited"] > 100
    assert kinds["responsibilities"] > kinds["satisfied"] > 10


def test_a_requirement_is_satisfied_only_where_it_stands_so(compliance: Compliance, pci: Documents) -> None:
    framework = compliance.frameworks[PCI]
    standings = {s.requirement.id: s for s in compliance.standings(framework)}
    found = {value(f, "requirement"): f for f in results(pci)["findings"]}
    assert set(found) == set(standings) and set(TARGET) == set(State)
    for name, finding in found.items():
        state = standings[name].state
        assert value(finding, "state") == str(state)
        proven = state in (State.SATISFIED, State.INHERITED, State.ATTESTED)
        assert finding["target"]["status"]["state"] == ("satisfied" if proven else "not-satisfied")
        if state is State.NOT_EVALUATED:
            assert finding["target"]["status"]["reason"] == "other"
    assert any(s.state is State.NOT_EVALUATED for s in standings.values())


def test_a_scan_that_knows_nothing_satisfies_nothing(demo: DemoScan) -> None:
    # All enabled Regions are in scope and were not scanned: nothing that is Regional is proven.
    blind = open_compliance(demo.data)
    found = documents(book(blind, PCI), kinds=("assessment-results", "ssp"))
    lacking = {value(o, "check") for o in results(found)["observations"] if value(o, "lacking")}
    assert len(lacking) > 50
    for observation in results(found)["observations"]:
        if value(observation, "lacking"):
            assert value(observation, "status") in ("unknown", "fail")


def test_observations_are_the_tallies_with_their_resources(compliance: Compliance, pci: Documents) -> None:
    seen = 0
    for observation in results(pci)["observations"]:
        if not value(observation, "check"):
            assert observation["methods"] in (["EXAMINE"], ["INTERVIEW"])
            continue
        assert observation["methods"] == ["TEST-AUTOMATED"]
        statuses: dict[str, int] = {}
        for subject in observation.get("subjects", ()):
            status = value(subject, "status")
            statuses[status] = statuses.get(status, 0) + 1
        assert sum(statuses.values()) <= MOST_SUBJECTS
        for name, status in {"passes": "pass", "fails": "fail", "excepted": "excepted"}.items():
            assert statuses.get(status, 0) == int(value(observation, name)), observation["title"]
        # Places without a resource, and listings that failed, count and are no resources.
        for name, status in {"unknown": "unknown", "not-applicable": "not_applicable"}.items():
            assert statuses.get(status, 0) <= int(value(observation, name)), observation["title"]
        seen += len(statuses) > 0
    assert seen > 200
    excepted = [o for o in results(pci)["observations"] if value(o, "excepted") not in ("", "0")]
    assert excepted and all(value(o, "check").startswith("vpc-") for o in excepted)


def test_evidence_is_named_by_hashes_that_can_be_worked_out_again(
    compliance: Compliance, pci: Documents
) -> None:
    rows: dict[str, list[str]] = {}
    for _, row in read_rows(compliance.lake.directory):
        rows.setdefault(f"{row['service']}:{row['operation']}", []).append(row["row_sha256"])
    resources = pci["assessment-results.json"]["assessment-results"]["back-matter"]["resources"]
    named = [r for r in resources if value(r, "operation")]
    assert len(named) > 50
    for resource in named:
        assert value(resource, "answers-sha256") == root_of(rows[value(resource, "operation")])
    assert any("seal.json" in link["href"] for r in resources for link in r["rlinks"])


def test_the_plan_of_action(compliance: Compliance, pci: Documents) -> None:
    plan = pci["poam.json"]["plan-of-action-and-milestones"]
    failing = {
        s.requirement.id
        for s in compliance.standings(compliance.frameworks[PCI])
        if s.state is State.NOT_SATISFIED
    }
    from_scan = {value(i, "requirement") for i in plan["poam-items"] if value(i, "origin") == "scan"}
    assert from_scan == failing and "1.2.1" in failing
    recorded = {value(i, "item"): i for i in plan["poam-items"] if value(i, "origin") == "recorded"}
    assert set(recorded) == {"P0001", "P0002"}
    assert recorded["P0001"]["title"] == r"old \[keys\](x)" and recorded["P0001"]["related-findings"]
    assert value(recorded["P0001"], "due") == "2099-01-01"
    risk = next(r for r in plan["risks"] if value(r, "item") == "P0001")
    (task,) = risk["remediations"][0]["tasks"]
    assert task["timing"]["on-date"]["date"].startswith("2098-01-01")
    by_scan = next(
        i for i in plan["poam-items"] if value(i, "requirement") == "1.2.1" and not value(i, "item")
    )
    assert value(by_scan, "planned-by") == "P0001"


def test_words_of_people_and_accounts_are_no_markup(pci: Documents) -> None:
    text = json.dumps(pci)
    assert "<script>" not in text.replace("\\\\<", "") and "*we*" not in text.replace("\\\\*", "")
    (stated,) = [o for o in results(pci)["observations"] if o["methods"] == ["INTERVIEW"]]
    assert value(stated, "author") == "Ann" and value(stated, "state") == "attested"
    (file,) = stated["relevant-evidence"]
    assert value(file, "file") == "minutes <b>.txt" and len(value(file, "sha256")) == 64


def test_the_same_scan_gives_the_same_documents(
    compliance: Compliance, demo: DemoScan, data: Path, pci: Documents
) -> None:
    checks = load_checks(Selection(), CONFIG, ()).chosen
    again = compliance_of(demo.directory, data, checks, CONFIG, scanned_only=True, today=date(2026, 12, 1))
    assert documents(book(again, PCI), poam.load(data)) == pci
    times = {d["last-modified"] for d in walk(pci) if "last-modified" in d}
    assert times == {when(compliance.lake.manifest.started_at)}


def test_components_name_aws_s_own_and_the_variants(pci: Documents) -> None:
    assert set(aws_uuids()) == {v.service for v in model().variants.values()}
    components = pci["component-definition.json"]["component-definition"]["components"]
    by_title = {c["title"]: c for c in components}
    # The uuid of Amazon S3 in AWS's OSCAL content.
    assert value(by_title["S3"], "aws-oscal-component-uuid") == "1ff9b0f8-6142-441f-978b-7eadee006247"
    assert value(by_title["RDS"], "variant") in model().variants
    statements = [s for entry in walk(by_title["S3"]) for s in entry.get("statements", ())]
    assert statements
    assert all(
        s["description"].startswith("AWS: ") and "\n\nCustomer: " in s["description"] for s in statements
    )


def test_controls_of_nist_are_those_of_its_catalog(compliance: Compliance, data: Path) -> None:
    cases = {"AC-1": "ac-1", "AC-2(1)": "ac-2.1", "SC-7(21)": "sc-7.21", "AC": "ac"}
    assert {name: nist_id(name) for name in cases} == cases
    framework = Framework(
        NIST, "NIST SP 800-53", "r5", [], "", "NIST",
        [
            Requirement("AC-2(1)", "Automated", technical=TechnicalPart(["logging-enabled"])),
            Requirement("PE-3", "Doors", aws=AwsPart("Guards.", ["fedramp-moderate"])),
        ],
        programme="fedramp-moderate",
    )  # fmt: skip
    found = documents(Handover(compliance, framework, CONFIG), poam.load(data))
    assert "catalog.json" not in found
    assert check_links(found) == []
    validate(found)
    plan = found["ssp.json"]["system-security-plan"]
    assert plan["import-profile"]["href"] == NIST_CATALOG
    ids = [r["control-id"] for r in plan["control-implementation"]["implemented-requirements"]]
    assert ids == ["ac-2.1", "pe-3"]


def test_control_ids_are_tokens_and_differ(compliance: Compliance) -> None:
    for framework in compliance.frameworks.values():
        controls = Controls(framework)
        ids = [controls.id(r.id) for r in framework.requirements]
        assert len(set(ids)) == len(ids)
        assert all(i[0].isalpha() and not set(i) - set(TOKEN) for i in ids)
    twins = Framework("x", "", "", [], "", "", [Requirement("a b", ""), Requirement("a/b", "")])
    assert [Controls(twins).id(n) for n in ("a b", "a/b")] == ["x_a-b", "x_a-b-2"]


TOKEN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"


def test_subjects_beyond_the_most_are_told(compliance: Compliance, monkeypatch: pytest.MonkeyPatch) -> None:
    from partywall.oscal import source as module
    from partywall.oscal.proof import Proof
    from partywall.oscal.results import observation

    monkeypatch.setattr(module, "MOST_SUBJECTS", 2)
    source = Source(book(compliance, PCI))
    proof = Proof(source)
    cut = 0
    for judged, row in source.judged.items():
        made = observation(source, proof, judged)
        left_out = int(value(made, "subjects-left-out") or 0)
        told = [value(s, "status") for s in made.get("subjects", ())]
        assert len(told) <= 2
        if left_out:
            cut += 1
            if row["fails"] + row["excepted"] >= 2:
                assert set(told) <= {"fail", "excepted"}
    assert cut > 50


def test_the_command(demo: DemoScan, tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["oscal", *words, "--data", str(demo.data), "-o", str(tmp_path / "o")])

    result = run("cis-3.0", "--kind", "poam", "--kind", "ssp")
    assert result.exit_code == 0, result.output
    written = {p.name for p in (tmp_path / "o").iterdir()}
    assert written == {"catalog.json", "ssp.json", "aws-ssp.json", "poam.json"}
    assert "Regions were not scanned" in result.stderr
    validate({p.name: json.loads(p.read_text()) for p in (tmp_path / "o").iterdir()})
    assert run("no-such-framework").exception is not None
