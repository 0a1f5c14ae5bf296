"""`partywall line` and the wall's page on the demo: figures that add up, stones, what moves, bad input."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from partywall.checks.model import DOMAINS
from partywall.cli.app import app
from partywall.errors import UserError
from partywall.outputs.wall import COURSES, SIDE_WORDS, STATE_WORDS
from tests.support import DemoScan

CHROMIUM = Path("/usr/bin/chromium")


def ran(demo: DemoScan, *words: str) -> str:
    result = CliRunner().invoke(app, ["line", "--data", str(demo.data), *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def wall(demo: DemoScan) -> dict[str, Any]:
    return json.loads(ran(demo, "--format", "json"))


def test_the_figures_add_up(wall: dict[str, Any]) -> None:
    lines = [line for service in wall["services"] for line in service["lines"]]
    assert len(lines) == len(wall["services"]) * len(DOMAINS)
    for side in SIDE_WORDS:
        assert wall["totals"]["sides"][side] == sum(line["side"] == side for line in lines)
    for state in STATE_WORDS:
        found = sum(line["must_act"] and line["state"] == state for line in lines)
        assert wall["totals"]["states"][state] == found
    for service in wall["services"]:
        for line in service["lines"]:
            assert sum(line["owners"].values()) == service["resources"]


def test_every_line_says_what_each_side_does(wall: dict[str, Any]) -> None:
    for service in wall["services"]:
        for variant in service["variants"]:
            assert variant["sources"] and variant["grade"] in wall["grades"]
            for told in variant["lines"]:
                assert told["side"] == "none" or (told["aws"] and told["customer"] and told["why"])


def test_the_courses_are_all_lines_with_the_ground_first() -> None:
    assert sorted(COURSES) == sorted(DOMAINS)
    assert COURSES[0] == "physical"


def test_the_wall_is_drawn_with_every_service(demo: DemoScan, wall: dict[str, Any]) -> None:
    text = ran(demo)
    rows = [line for line in text.splitlines() if line.startswith("Identity and access")]
    stones = "".join(row.removeprefix("Identity and access") for row in rows).split()
    assert len(stones) == len(wall["services"])


def test_a_stone_lists_its_resources(demo: DemoScan) -> None:
    found = json.loads(ran(demo, "--service", "s3", "--domain", "encryption-in-transit", "--format", "json"))
    failing = sum(row["failing"] for row in found["resources"])
    assert found["side"] == "shared" and failing == found["failing"] > 0
    rows = list(csv.DictReader(io.StringIO(ran(
        demo, "--service", "S3", "--domain", "encryption-in-transit", "--format", "csv"
    ))))  # fmt: skip
    assert len(rows) == len(found["resources"])


def test_what_if_names_lines_and_requirements(demo: DemoScan) -> None:
    told = json.loads(ran(demo, "--what-if", "rds:orders=rds-custom-sqlserver-cev", "--format", "json"))
    moves = {m["domain"]: (m["before"], m["after"]) for m in told["moves"]}
    assert moves["guest-os"] == ("shared_safe", "customer")
    assert moves["runtime-engine"] == ("shared_act", "customer")
    frameworks = {row["framework"] for row in told["requirements"]}
    assert "pci-dss-4.0.1" in frameworks


def test_what_if_of_the_same_variant_moves_nothing(demo: DemoScan) -> None:
    assert json.loads(ran(demo, "--what-if", "rds:orders=rds", "--format", "json"))["moves"] == []


def test_since_tells_what_moved_and_why(demo: DemoScan, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from partywall.scan import Selection

    data = tmp_path / "data"
    shutil.copytree(demo.data, data)
    later, _ = demo.replay(data, selection=Selection(regions=("us-east-1", "eu-west-1", "eu-central-1")))
    file = next((data / "scans" / demo.scan_id / "derived").glob("resource_responsibility.parquet"))
    table = pq.read_table(file)
    rows = zip(table["resource_type"].to_pylist(), table["resource_name"].to_pylist(), strict=True)
    at = list(rows).index(("rds_instance", "orders"))
    owners = table["guest_os"].to_pylist()
    owners[at] = "customer"
    place = table.schema.get_field_index("guest_os")
    pq.write_table(table.set_column(place, "guest_os", pa.array(owners)), file)
    result = CliRunner().invoke(
        app,
        ["line", "--data", str(data), "--since", demo.scan_id, "--format", "json"],
        catch_exceptions=False,
    )
    told = json.loads(result.stdout)
    assert told["later"] == later.name
    [move] = told["moves"]
    assert (move["resource_name"], move["domain"]) == ("orders", "guest-os")
    assert (move["before"], move["after"], move["cause"]) == ("customer", "shared_safe", "model")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--service", "RSD"], "there is no service on the wall 'RSD'; did you mean rds"),
        (["--service", "S3", "--domain", "encrypt"], "there is no domain 'encrypt'"),
        (["--domain", "guest-os"], "--domain shows one line: name its service too"),
        (["--what-if", "orders"], "--what-if takes RESOURCE=VARIANT such as rds:db-1=rds"),
        (["--what-if", "rds:orders=rds-customs"], "has no variant 'rds-customs'; did you mean"),
        (["--what-if", "rds:nothing=rds"], "has no resource 'rds:nothing'"),
        (["--since", "2001-01-01"], "there is no scan of 2001-01-01 or before"),
        (["--since", "latest"], "stands for the scan"),
        (["--since", "latest", "--domain", "guest-os"], "do not go together"),
    ],
)
def test_bad_input_gets_one_sentence(demo: DemoScan, words: list[str], told: str) -> None:
    with pytest.raises(UserError, match="(?s)^" + ".*") as caught:
        CliRunner().invoke(app, ["line", "--data", str(demo.data), *words], catch_exceptions=False)
    assert told in str(caught.value)


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: install Debian's chromium")
def test_the_page_draws_the_wall_and_opens_a_stone(demo: DemoScan, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    result = CliRunner().invoke(
        app, ["report", "--data", str(demo.data), "--output", str(tmp_path)], catch_exceptions=False
    )
    assert result.exit_code == 0
    [page] = tmp_path.glob("*.html")
    wall = json.loads(ran(demo, "--format", "json"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        tab = chromium.new_page()
        errors: list[str] = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(f"{page.as_uri()}#view=wall")
        tab.wait_for_selector(".courses")
        stones = sum(line["side"] != "none" for s in wall["services"] for line in s["lines"])
        assert tab.locator(".courses .brick").count() == stones
        tab.get_by_role("button", name="S3, Encryption in transit").click()
        assert "S3" in tab.locator("#stone").inner_text().upper()
        tab.get_by_role("button", name="Show the findings").click()
        shown = tab.locator("#shown").inner_text()
        assert shown.startswith(tuple("123456789"))
        assert tab.locator("#wall-page").is_hidden()
        chromium.close()
    assert errors == []
