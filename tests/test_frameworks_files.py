"""Framework files: complete, nothing invented, every name known; and a linter that finds what is wrong."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from partywall.checks.loader import catalogue
from partywall.checks.model import Check
from partywall.errors import UserError
from partywall.evidence.programmes import programmes
from partywall.frameworks import lint, loader
from partywall.frameworks.files import FrameworkError
from partywall.frameworks.loader import EvidenceGroup, Unmapped, library, load_frameworks
from partywall.frameworks.model import (
    AwsPart,
    Evidence,
    Framework,
    Objective,
    ProcessPart,
    Requirement,
    TechnicalPart,
    Weight,
)
from partywall.frameworks.states import counted

FACTS = Path(__file__).parents[2] / "shared" / "facts" / "frameworks"
FACT_FILES = {
    "aws-fsbp": "aws_fsbp",
    "cis-3.0": "cis_aws_3.0",
    "cis-5.0": "cis_aws_5.0",
    "cis-6.0": "cis_aws_6.0",
    "cis-7.0": "cis_aws_7.0",
    "gdpr": "gdpr",
    "hipaa-security-rule": "hipaa_security_rule",
    "iso27001-2022": "iso27001_2022",
    "iso27017-2015": "iso27017_2015",
    "iso27018-2019": "iso27018_2019",
    "nist-800-53-r5": "nist_800_53_r5",
    "nist-csf-2.0": "nist_csf_2.0",
    "pci-dss-4.0.1": "pci_dss_4.0.1",
    "soc2-tsc-2017": "soc2_tsc_2017",
    "sox-itgc": "sox_itgc",
    "wa-security": "wa_security",
}


def checks() -> dict[str, Check]:
    return {c.check.id: c.check for c in catalogue().values()}


def test_what_comes_with_partywall_has_no_fault() -> None:
    assert lint.lint_library(library(), checks(), programmes()) == []


def test_every_id_list_is_that_of_the_facts() -> None:
    assert set(FACT_FILES) == set(lint.known_ids())
    if not FACTS.is_dir():
        pytest.skip("the lists of facts are not beside this checkout")
    for framework, file in FACT_FILES.items():
        with (FACTS / f"{file}.tsv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        ids = {row["id"] for row in rows}
        listed = lint.known_ids()[framework]
        assert (listed.count, listed.sha256) == (len(ids), lint.id_hash(ids)), framework
        assert listed.groups == sorted({row["parent"] for row in rows} - ids - {""}), framework


def test_requirements_are_exactly_those_of_the_facts() -> None:
    if not FACTS.is_dir():
        pytest.skip("the lists of facts are not beside this checkout")
    for framework in library().frameworks:
        with (FACTS / f"{FACT_FILES[framework.id]}.tsv").open(encoding="utf-8", newline="") as stream:
            rows = {row["id"]: row for row in csv.DictReader(stream, delimiter="\t")}
        mine = {r.id: r for r in framework.requirements}
        groups = set(lint.known_ids()[framework.id].groups)
        assert set(rows) - set(mine) == set(), framework.id
        assert set(mine) - set(rows) <= groups, framework.id
        for ident, row in rows.items():
            if row["parent"] not in ("", ident):
                assert mine[ident].parent == row["parent"], f"{framework.id} {ident}"


def test_names_and_files_agree() -> None:
    for path in loader.CATALOGUE.glob("*.yaml"):
        assert path.stem in load_frameworks(), path
    for name in ("cis", "fsbp"):
        assert loader.find(load_frameworks(), name)
    with pytest.raises(UserError, match="did you mean"):
        loader.find(load_frameworks(), "cis-7.1")


def test_json_gives_what_yaml_gave(tmp_path: Path) -> None:
    found = loader.read_library()
    loader.write(tmp_path / "frameworks.json", found)
    assert msgspec.json.decode((tmp_path / "frameworks.json").read_bytes(), type=loader.Library) == found


ROW = Evidence("s3-bucket-tls-only", Weight.PROVES, "it says so")
WEAK = Evidence("s3-bucket-tls-only", Weight.SUPPORTS, "it says so")
TECHNICAL = TechnicalPart(checks=[ROW], why="because")
AWS = AwsPart("AWS does it", ["soc-2"])
PROCESS = ProcessPart("we do it")


def made(*requirements: Requirement, **changes: Any) -> Framework:
    whole = Framework("own", "Own", "1", [], "about", "us", list(requirements))
    return msgspec.structs.replace(whole, **changes)


def faults(*requirements: Requirement, **changes: Any) -> list[str]:
    found = {"o": [WEAK]}
    return lint.lint_framework(made(*requirements, **changes), {"o"}, found, checks(), programmes())


@pytest.mark.parametrize(
    ("requirement", "part_of_fault"),
    [
        (Requirement("R", "t", type="T", technical=TECHNICAL), ""),
        (Requirement("R", "t", type="P", process=PROCESS), ""),
        (Requirement("R", "t", type="I", aws=AWS), ""),
        (Requirement("R", "t", type="X", aws=AWS, process=PROCESS), ""),
        (Requirement("R", "t", type="T", unprovable="no API tells"), ""),
        (Requirement("R", "t", withdrawn=True), ""),
        (Requirement("R", "t", withdrawn=True, process=PROCESS), "withdrawn"),
        (Requirement("R", "t"), "neither parts"),
        (Requirement("R", "t", type="T", process=PROCESS), "has no technical part"),
        (Requirement("R", "t", type="P", technical=TECHNICAL, process=PROCESS), "the type is X"),
        (Requirement("R", "t", type="X", process=PROCESS), "has only process"),
        (Requirement("R", "t", type="Z", process=PROCESS), "one of T, P, I, X"),
        (Requirement("R", "t", parent="Q", type="P", process=PROCESS), "parent Q"),
        (Requirement("R", "t", type="P", process=ProcessPart(" ")), "attestation must state"),
        (Requirement("R", "t", type="I", aws=AwsPart("does", ["soc-9"])), "no programme 'soc-9'"),
        (Requirement("R", "t", type="I", aws=AwsPart("does")), "names no programme"),
        (Requirement("R", "t", type="P", process=PROCESS, by=""), "nobody"),
        (Requirement("R", "t", type="T", technical=TechnicalPart(why="w")), "neither objectives nor checks"),
        (Requirement("R", "t", type="T", technical=TechnicalPart(checks=[ROW])), "why it is mapped"),
        (
            Requirement("R", "t", type="T", technical=TechnicalPart(checks=[ROW, ROW], why="w")),
            "maps the check s3-bucket-tls-only 2 times",
        ),
        (
            Requirement("R", "t", type="T", technical=TechnicalPart(checks=[WEAK], why="w")),
            "needs a process part",
        ),
        (
            Requirement("R", "t", type="T", technical=TechnicalPart(objectives=["o"], why="w")),
            "needs a process part",
        ),
        (
            Requirement("R", "t", type="X", technical=TechnicalPart(["o"], why="w"), process=PROCESS),
            "",
        ),
        (
            Requirement("R", "t", type="X", technical=TechnicalPart(["p"], why="w"), process=PROCESS),
            "no objective 'p'",
        ),
        (
            Requirement(
                "R",
                "t",
                type="T",
                technical=TechnicalPart(checks=[Evidence("s3-bucket-tls", Weight.PROVES, "w")], why="w"),
            ),
            "did you mean s3-bucket-tls-only",
        ),
        (
            Requirement(
                "R",
                "t",
                type="T",
                technical=TechnicalPart(checks=[msgspec.structs.replace(ROW, params={"days": 3})], why="w"),
            ),
            "no parameter 'days'",
        ),
        (
            Requirement(
                "R",
                "t",
                type="T",
                technical=TechnicalPart(checks=[ROW], why="w", params={"iam-root-mfa-enabled": {}}),
            ),
            "neither its objectives nor its checks bring",
        ),
        (
            Requirement(
                "R",
                "t",
                type="T",
                technical=TechnicalPart(
                    checks=[Evidence("iam-user-access-keys-rotated", Weight.PROVES, "w")],
                    why="w",
                    params={"iam-user-access-keys-rotated": {"max_age_days": "ninety"}},
                ),
            ),
            "wants a value like 90",
        ),
    ],
)
def test_linter(requirement: Requirement, part_of_fault: str) -> None:
    found = faults(requirement)
    if part_of_fault:
        assert any(part_of_fault in fault for fault in found), found
    else:
        assert found == []


def test_linter_finds_ids_twice_missing_and_invented() -> None:
    one = Requirement("R", "t", type="P", process=PROCESS)
    assert any("stands there 2 times" in f for f in faults(one, one))
    cis = load_frameworks()["cis-7.0"]
    less = msgspec.structs.replace(cis, requirements=cis.requirements[:-1])
    more = msgspec.structs.replace(cis, requirements=[*cis.requirements, one])
    evidence, objectives = library().evidence(), {o.id for o in library().objectives}
    for changed in (less, more):
        found = lint.lint_framework(changed, objectives, evidence, checks(), programmes())
        assert any("miss or are invented" in f for f in found)


def test_linter_of_the_mapping() -> None:
    known = {i: c for i, c in checks().items() if i in ("s3-bucket-tls-only", "iam-root-mfa-enabled")}
    objectives = [Objective("o", "title", "compliance")]
    group = EvidenceGroup("o", Weight.PROVES, "why", list(known), set_on=date(2026, 1, 1))
    assert lint.lint_mapping(objectives, [group], [], known) == []
    cases: list[tuple[list[Objective], list[EvidenceGroup], list[Unmapped], str]] = [
        (objectives * 2, [group], [], "stands there 2 times"),
        ([Objective("o", "t", "no-domain")], [group], [], "unknown domain"),
        (objectives, [msgspec.structs.replace(group, objective="p")], [], "no such objective"),
        (objectives, [msgspec.structs.replace(group, why="")], [], "why, by whom and when"),
        (objectives, [msgspec.structs.replace(group, set_on=None)], [], "why, by whom and when"),
        (objectives, [group, group], [], "bears on o 2 times"),
        (objectives, [group], [Unmapped("why", ["iam-root-mfa-enabled"])], "both mapped and unmapped"),
        (objectives, [msgspec.structs.replace(group, checks=["s3-bucket-tls-only"])], [], "no objective"),
        (
            objectives,
            [msgspec.structs.replace(group, checks=["s3-bucket-tls-only"])],
            [Unmapped(" ", ["iam-root-mfa-enabled"])],
            "no reason",
        ),
        (objectives, [group], [Unmapped("why", ["nothing"])], "no check 'nothing'"),
    ]
    for names, groups, left_out, expected in cases:
        found = lint.lint_mapping(names, groups, left_out, known)
        assert any(expected in fault for fault in found), (expected, found)


def test_faults_in_files_name_their_place(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    head = "id: own\nname: Own\nversion: '1'\naliases: []\nabout: a\nsource: s\nrequirements:\n"
    for body, place in (
        ("- {id: R1, title: t}\n- {id: R2, titel: t}\n", ":9:3"),
        (
            "- id: R1\n  title: t\n  technical:\n    checks:\n    - {check: c, weight: shows, why: w}\n",
            ":12:26",
        ),
        ("- {id: R1, title: t\n", ":9:1"),
    ):
        file.write_text(head + body, encoding="utf-8")
        with pytest.raises(FrameworkError, match=f"own.yaml{place}"):
            load_frameworks([tmp_path])
    file.write_text(head.replace("id: own", "id: cis-7.0") + "- {id: R1, title: t}\n", encoding="utf-8")
    with pytest.raises(FrameworkError, match=r"is taken by cis-7\.0"):
        load_frameworks([tmp_path])
    with pytest.raises(UserError, match="--frameworks-dir"):
        load_frameworks([tmp_path / "nothing"])


def test_counted_requirements_leave_headings_and_withdrawn_out() -> None:
    whole = made(
        Requirement("H", "heading"),
        Requirement("R", "t", parent="H", type="P", process=PROCESS),
        Requirement("W", "t", parent="H", withdrawn=True),
        Requirement("U", "t", parent="H", type="T", unprovable="why"),
    )
    assert [r.id for r in counted(whole)] == ["R", "U"]


def test_scope_is_unknown_unless_a_document_says_otherwise() -> None:
    from partywall.frameworks import scope

    assert scope.standing("hipaa-baa", "s3").in_scope == "yes"
    assert scope.standing("hipaa-baa", "lightsail").in_scope == "unknown"
    assert scope.standing("fedramp-high", "s3").in_scope == "unknown"
    assert scope.standing("hipaa-baa", "elasticache", "elasticache_replication_group").in_scope == "yes"
    assert scope.standing("hipaa-baa", "elasticache", "elasticache_cluster").in_scope == "unknown"
    for row in scope.scope_rows():
        assert (row["in_scope"] == "unknown") == (row["as_of"] is None) == (row["source"] == "")
    resource = {
        "table_name": "lightsail_instance",
        "service": "lightsail",
        "account_id": "1",
        "region": "eu-west-1",
        "arn": "arn:x",
        "name": "n",
        "tag": "phi=true",
    }
    inside = {**resource, "service": "s3", "table_name": "s3_bucket"}
    found = scope.violations(scope.Tagged([resource, inside], 0))
    assert [(f["service"], f["status"]) for f in found] == [("lightsail", "unknown")]
    assert set(found[0]) == {name for name, _, _ in scope.VIOLATION}
    moved = scope.violations(replace(scope.Tagged([resource], 0)))
    assert moved[0]["finding_id"] == found[0]["finding_id"]
