"""The customer responsibility matrix of the demo: opened again, added up, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner

from partywall.checks.model import DOMAINS
from partywall.cli.app import app
from partywall.config import Config
from partywall.evidence import attestations, poam
from partywall.findings.exceptions import RiskException
from partywall.frameworks.assess import Compliance, compliance_of, open_compliance
from partywall.frameworks.model import State
from partywall.outputs.matrix import OWNER_WORDS, STATE_WORDS, Column, Sheet, matrix
from partywall.outputs.workbook import write_csv, write_xlsx
from partywall.responsibility.model import Owner
from partywall.scan import Selection, load_checks
from tests.support import DemoScan

PCI = "pci-dss-4.0.1"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def scanned(demo: DemoScan) -> Compliance:
    return open_compliance(demo.data, scanned_only=True)


@pytest.fixture(scope="module")
def book(scanned: Compliance, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("matrix") / "pci.xlsx"
    sheets = matrix(scanned, [scanned.frameworks[PCI]], Config())
    assert write_xlsx(sheets, path, NOW, "scan & co") == []
    return openpyxl.load_workbook(path)


def rows(page: Any) -> list[dict[str, Any]]:
    head, *body = page.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in body]


def test_every_requirement_has_its_row_and_the_states_add_up(book: Any, scanned: Compliance) -> None:
    framework = scanned.frameworks[PCI]
    found = rows(book["Requirements"])
    assert [r["requirement"] for r in found] == [r.id for r in framework.requirements]
    states: dict[str, int] = {}
    for row in found:
        if row["state"]:
            states[row["state"]] = states.get(row["state"], 0) + 1
            assert row["who"] in ("AWS", "shared", "customer")
        else:
            assert row["who"] == "n/a" and row["kind"] in ("heading", "withdrawn")
    summary = scanned.summary(framework)
    assert states == {str(s): n for s, n in summary.states.items() if n}
    by_id = {r["requirement"]: r for r in found}
    physical = by_id["9.2.1"]
    assert physical["AWS's part"] == "inherited" and "Attestation of Compliance" in physical["AWS's report"]
    assert physical["who"] in ("AWS", "shared") and " to " in physical["period"]


def test_counts_and_coverage_are_those_of_the_standings(book: Any, scanned: Compliance) -> None:
    found = {r["requirement"]: r for r in rows(book["Requirements"])}
    seen = 0
    for standing in scanned.standings(scanned.frameworks[PCI]):
        row = found[standing.requirement.id]
        if standing.requirement.technical is None:
            assert row["checks pass"] is None and row["checks coverage"] is None
            continue
        counts = standing.checks
        assert (row["checks pass"], row["checks fail"], row["checks unknown"]) == tuple(
            counts[n] for n in ("pass", "fail", "unknown")
        )
        evaluated = counts["pass"] + counts["fail"] + counts["excepted"]
        if evaluated + counts["unknown"]:
            assert row["checks coverage"] == pytest.approx(evaluated / (evaluated + counts["unknown"]))
            seen += 1
        else:
            assert row["checks coverage"] is None
    assert seen > 50


def test_checks_resources_services_and_about(book: Any, scanned: Compliance) -> None:
    checks = rows(book["Checks"])
    bearing = [row for r in scanned.frameworks[PCI].requirements for row in scanned.drill(r)]
    assert [(c["check"], c["status"]) for c in checks] == [(b["check"], b["status"]) for b in bearing]
    assert all(c["coverage"] is None for c in checks if c["not known whole because"])
    resources = rows(book["Resources"])
    stored = scanned.lake.execute(
        f"SELECT count(*) FROM ({scanned.lake.sql_of('resource_responsibility')})"
    ).fetchone()
    assert stored and len(resources) == stored[0] > 300
    assert all(list(r.values())[-1] in OWNER_WORDS.values() for r in resources)
    services = rows(book["Services"])
    assert len(services) % len(DOMAINS) == 0
    assert {s["service"] for s in services} == {r["service"] for r in resources}
    assert all(s["AWS does"] for s in services if s["owner"] == "AWS")
    assert all(s["grade"][0] in "VPG" and s["source"] for s in services)
    about = {str(v) for r in rows(book["About"]) for v in r.values()}
    assert scanned.lake.manifest.id in about
    assert any("evaluated" in v for v in about)
    assert all(limit in about for limit in scanned.limits()) and scanned.limits()


def test_there_is_no_share_of_what_was_not_listed(demo: DemoScan) -> None:
    blind = open_compliance(demo.data)
    sheets = matrix(blind, [blind.frameworks[PCI]], Config())
    head = [c.title for c in sheets[0].columns]
    checks = {row[1] for row in sheets[3].rows if row[12]}
    assert checks
    for row in sheets[0].rows:
        told = dict(zip(head, row, strict=True))
        if told["requirement"] in checks:
            assert told["resources coverage"] is None


def test_it_reads_well(book: Any) -> None:
    for page in book.worksheets:
        assert page.freeze_panes and page.auto_filter.ref and page.print_title_rows == "$1:$1"
        assert page.page_setup.orientation == "landscape" and page.page_setup.fitToHeight == 0
        assert all(5 < d.width < 130 for d in page.column_dimensions.values())
    assert set(OWNER_WORDS) == {o.value for o in Owner} and set(STATE_WORDS) == {str(s) for s in State}


HOSTILE = ("=HYPERLINK(1)", "+1", "-1+1", "@SUM(A1)", " =1", "a\x1b[31m\u202eb", "\t=1", "http://example.com")


def test_hostile_text_stays_text_in_both_formats(tmp_path: Path) -> None:
    sheet = Sheet("x", (Column("a", 10), Column("b", 10)), [[text, (text, text)] for text in HOSTILE])
    path = tmp_path / "x.xlsx"
    write_xlsx([sheet], path, NOW, "x")
    page = openpyxl.load_workbook(path)["x"]
    cells = [c for row in page.iter_rows(min_row=2) for c in row]
    assert len(cells) == 2 * len(HOSTILE)
    out = io.StringIO()
    write_csv(sheet, out)
    plain = [text for row in list(csv.reader(io.StringIO(out.getvalue())))[1:] for text in row]
    for text in (str(c.value) for c in cells):
        assert all(line[:1] not in set("=+-@\t") for line in text.split("\n"))
    for text in plain:
        assert text.lstrip("' ")[:1] not in set("=+-@\t") or text.startswith("'")
    for text in [str(c.value) for c in cells] + plain:
        assert "\x1b" not in text and "\u202e" not in text
    assert all(c.data_type == "s" and c.hyperlink is None for c in cells)


def test_the_same_scan_makes_the_same_file(scanned: Compliance, tmp_path: Path) -> None:
    paths = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for path in paths:
        write_xlsx(matrix(scanned, [scanned.frameworks["cis-3.0"]], Config()), path, NOW, "x")
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_sheet_that_is_full_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from partywall.outputs import workbook

    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    sheet = Sheet("x", (Column("a", 10),), [[n] for n in range(5)])
    (note,) = write_xlsx([sheet], tmp_path / "x.xlsx", NOW, "x")
    assert note.startswith("2 rows of x do not fit")
    assert openpyxl.load_workbook(tmp_path / "x.xlsx")["x"].max_row == 4


def test_attestations_exceptions_and_plans_are_told(demo: DemoScan, tmp_path: Path) -> None:
    day = date(2026, 3, 1)
    attestations.add(
        tmp_path,
        framework="pci",
        requirement="1.2.2",
        statement="=we do",
        author="Ann",
        reviewer="Bob",
        effective=day,
        valid_until=date(2099, 1, 1),
    )
    poam.add(
        tmp_path,
        weakness="old keys",
        owner="Ann",
        due=date(2099, 1, 1),
        framework=PCI,
        requirement="1.2.2",
    )
    accepted = RiskException("legacy", "Ann", "Bob", date(2099, 1, 1), check="vpc-*")
    config = Config(exceptions=[accepted])
    checks = load_checks(Selection(), config, ()).chosen
    compliance = compliance_of(demo.directory, tmp_path, checks, config, scanned_only=True)
    sheets = matrix(compliance, [compliance.frameworks[PCI]], config, poam.load(tmp_path))
    head = [c.title for c in sheets[0].columns]
    told = {row[1]: dict(zip(head, row, strict=True)) for row in sheets[0].rows}
    row = told["1.2.2"]
    assert row["author"] == ("Ann",) and row["reviewer"] == ("Bob",)
    assert row["attestations"] == ("A0001: attested",) and row["valid until"] == ("2099-01-01",)
    assert "old keys" in row["plans of action"][0]
    with_exceptions = [r for r in told.values() if r["exceptions"]]
    assert with_exceptions and all(r["resources excepted"] for r in with_exceptions)
    assert all("legacy" in r["exceptions"][0] for r in with_exceptions)


def test_the_command(demo: DemoScan, tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["matrix", *words, "--data", str(demo.data)])

    path = tmp_path / "m.xlsx"
    result = run("pci", "-o", str(path))
    assert result.exit_code == 0, result.output
    assert openpyxl.load_workbook(path).sheetnames[0] == "Requirements"
    result = run("cis-3.0", "--format", "csv")
    assert result.exit_code == 0
    listed = list(csv.DictReader(io.StringIO(result.stdout)))
    assert listed and {r["framework"] for r in listed} == {"cis-3.0"}
    assert "Regions were not scanned" in result.stderr
    assert "Regions were not scanned" not in run("cis-3.0", "--format", "csv", "--scope", "scanned").stderr
    csv_path = tmp_path / "s.csv"
    assert run("cis-3.0", "--format", "csv", "--sheet", "services", "-o", str(csv_path)).exit_code == 0
    assert csv_path.read_text("utf-8-sig").startswith("service,variant")
    for wrong in (["pci"], ["pci", "--format", "csv", "--sheet", "x"], ["nope", "-o", str(path)]):
        assert run(*wrong).exception is not None
