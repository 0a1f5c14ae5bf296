"""The HTML report in headless Chromium: nothing runs or loads but itself, and it does what it is asked."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from partywall.outputs import dump, write
from tests.outputs_reports import HOSTILE, empty_report, make_report

CHROMIUM = Path("/usr/bin/chromium")
N = 600
ASSETS = resources.files("partywall.outputs.html").joinpath("assets")

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Chromium is missing: install Debian's chromium"
)


@pytest.fixture(scope="module")
def report():
    return make_report(N)


@pytest.fixture(scope="module")
def rows(report) -> list[dict[str, Any]]:
    return report.findings.to_pylist()


@pytest.fixture(scope="module")
def path(report, tmp_path_factory) -> Path:
    return write(report, "html", tmp_path_factory.mktemp("html") / "report.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, path) -> Iterator[Callable[..., Any]]:
    """Opens the report (at an address's hash); any request, dialog or error of the page fails the test."""
    troubles: list[str] = []
    contexts = []

    def open_page(hash: str = "", file: Path | None = None, **options: Any) -> Any:
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        target = (file or path).as_uri()
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("dialog", lambda dialog: (troubles.append("dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: request.url.split("#")[0] == target or troubles.append(f"request: {request.url}"),
        )
        page.goto(target + hash)
        page.wait_for_selector("html[data-ready]", timeout=30_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not troubles


def shown(page: Any) -> int:
    return int(page.locator("#shown").inner_text().split()[0].replace(",", ""))


def first_lead(page: Any) -> str:
    return page.locator(".finding .lead").first.inner_text()


# The file itself


def test_no_text_of_the_account_stands_in_the_file(path):
    text = path.read_text(encoding="utf-8")
    assert "onerror" not in text and "hacked" not in text and "evil.example" not in text
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", text)
    assert "http://www.w3.org/2000/svg" in text and len(re.findall(r"https?://", text)) == 1


def test_the_policy_allows_the_pages_own_script_and_style_alone(path):
    text = path.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy and "default-src 'none'" in policy[1] and "unsafe" not in policy[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(scripts) == len(styles) == 1
    for source in (*scripts, *styles):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]


def test_scripts_build_no_markup():
    for asset in ASSETS.iterdir():
        if asset.name.endswith(".js"):
            text = asset.read_text()
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", text
            )
            assert len(text.splitlines()) <= 500


def test_the_payload_holds_every_finding(path, rows):
    packed = re.search(r'<script type="application/gzip" id="payload">([^<]*)</script>', path.read_text())
    assert packed
    data = json.loads(gzip.decompress(base64.b64decode(packed[1], validate=True)))
    assert data["ids"] == "".join(row["finding_id"] for row in rows)
    for name in ("check_id", "account_id", "status", "message"):
        column = data[name]
        assert [column["values"][code] for code in column["codes"]] == [row[name] for row in rows]
    assert len(data["resource"]["codes"]) == N


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_keep_wcag_aa(theme):
    css = ASSETS.joinpath("report.css").read_text()
    colours = {
        name: (light, dark)[theme]
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", css)
    }
    pairs = [(ink, on) for ink in ("ink", "muted", "accent") for on in ("paper", "surface", "sunken")]
    pairs += [(f"h{level}-ink", f"h{level}") for level in range(1, 6)]
    pairs += [
        (name, f"{name}-soft") for name in ("fail", "unknown", "pass", "na", "critical", "low", "accent")
    ]
    pairs += [
        (name, on) for name in ("fail", "unknown", "pass", "na") for on in ("paper", "surface", "accent-soft")
    ]
    pairs += [("surface", "fail"), ("unknown", "pass-soft"), ("ink", "unknown-soft"), ("ink", "fail-soft")]
    pairs += [("muted", "accent-soft"), ("ink", "accent-soft")]
    for ink, on in pairs:
        low, high = sorted((luminance(colours[ink]), luminance(colours[on])))
        contrast = (high + 0.05) / (low + 0.05)
        assert contrast >= 4.5, f"{ink} on {on}: {contrast:.2f}"


# The page at work


@needs_chromium
def test_hostile_names_are_shown_and_do_nothing(opened):
    page = opened("#status=all")
    for name in HOSTILE[:12]:
        page.evaluate("(query) => { setQuery(query); update(); }", name.strip()[:40])
        assert shown(page) > 0, name
        page.locator(".finding").first.click()
        assert page.evaluate("window.hacked") is None
        page.keyboard.press("Escape")
    assert page.locator("img").count() == 0
    page.evaluate("() => { setQuery('<img'); update(); }")
    assert page.locator(".finding .name").first.inner_text() == HOSTILE[0]
    text = page.evaluate("document.body.innerText")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)


@needs_chromium
def test_figures_come_with_their_coverage(opened, rows):
    page = opened()
    counts = Counter(row["status"] for row in rows)
    judged = counts["fail"] + counts["pass"]
    head = page.locator("#verdicts").inner_text()
    assert f"{counts['fail']}" in head and f"{counts['unknown']}" in head
    assert f"pass of {judged} judged" in head
    assert f"coverage: {counts['unknown']} of {judged + counts['unknown']} could not be judged" in head
    unseen = page.locator("#unseen").inner_text()
    assert "s3:GetBucketPolicy" in unseen and "access was denied by a service control policy" in unseen
    assert "<b>Boom</b>" in unseen


@needs_chromium
def test_fails_and_unknowns_are_shown_first(opened, rows):
    page = opened()
    assert shown(page) == sum(row["status"] in ("fail", "unknown") for row in rows)
    assert page.locator(".finding").count() < 60


@needs_chromium
def test_filters_narrow_and_count(opened, rows):
    page = opened("#status=all")
    assert shown(page) == N
    page.locator("label.c-severity-critical input").check()
    critical = [row for row in rows if row["severity"] == "critical"]
    assert shown(page) == len(critical)
    beside = page.locator("label.c-status-fail .choice-count").inner_text()
    assert int(beside) == sum(row["status"] == "fail" for row in critical)
    page.locator("label.c-status-fail input").check()
    assert shown(page) == int(beside)
    page.get_by_role("button", name="Clear", exact=True).click()
    assert shown(page) == N


@needs_chromium
def test_filter_by_framework_item(opened, rows):
    page = opened("#status=all&ref=securityhub:S3.5")
    assert shown(page) == sum(row["resource_type"] == "s3_bucket" for row in rows)
    assert "Security Hub S3.5" in page.locator("#chips").inner_text()


@needs_chromium
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("iam-user-old-key", lambda row: row["check_id"] == "iam-user-old-key"),
        (
            "production eu-west-1",
            lambda row: row["account_id"] == "222222222222" and row["region"] == "eu-west-1",
        ),
        ("NAÏVE", lambda row: "naïve" in row["resource_name"]),
        ("no such thing anywhere", lambda row: False),
    ],
)
def test_search_looks_everywhere(opened, rows, query, wanted):
    page = opened("#status=all")
    page.locator("#search").fill(query)
    page.wait_for_function("(query) => state.query === query", arg=query)
    assert shown(page) == sum(map(wanted, rows))
    assert page.locator("#none").is_visible() == (not any(map(wanted, rows)))


@needs_chromium
@pytest.mark.parametrize("group", ["check", "resource", "account"])
def test_groups_hold_every_finding(opened, rows, group):
    page = opened(f"#status=all&group={group}")
    sizes = page.evaluate("view.groups.map((group) => group.rows.length)")
    assert sum(sizes) == N
    key = {"check": "check_id", "resource": "resource_arn", "account": "account_id"}[group]
    assert len(sizes) >= len({row[key] for row in rows})
    assert page.locator(".finding").count() == 0
    page.locator(".group").first.click()
    assert page.locator(".group").first.get_attribute("aria-expanded") == "true"
    assert page.locator(".finding").count() > 0


@needs_chromium
def test_sorting_goes_both_ways_and_stays_ordered_by_priority(opened, rows):
    page = opened("#status=all")
    order = "Array.from(view.rows, (i) => valueOf('check_id', i))"
    page.locator("[data-sort=check]").click()
    up = page.evaluate("Array.from(view.rows, (i) => checkOf(valueOf('check_id', i)).title)")
    assert up == sorted(up)
    first = page.evaluate(order)[0]
    priorities = page.evaluate(
        "(id) => [...view.rows].filter((i) => valueOf('check_id', i) === id).map((i) => D.priority[i])",
        first,
    )
    assert priorities == sorted(priorities, reverse=True)
    page.locator("[data-sort=check]").click()
    assert page.evaluate("Array.from(view.rows, (i) => checkOf(valueOf('check_id', i)).title)") == up[::-1]
    assert page.locator(".c-check[role=columnheader]").get_attribute("aria-sort") == "descending"


@needs_chromium
def test_deep_link_opens_the_finding(opened, rows):
    wanted = next(row for row in rows if row["status"] == "pass")
    page = opened(f"#finding={wanted['finding_id']}")
    panel = page.locator("#detail")
    assert panel.is_visible()
    assert wanted["finding_id"] in panel.inner_text() and wanted["check_id"] in panel.inner_text()
    assert page.evaluate("location.hash").startswith(f"#finding={wanted['finding_id']}")


@needs_chromium
def test_deep_link_to_nothing_says_so(opened):
    page = opened(f"#finding={'0' * 32}")
    assert "no finding with that id" in page.locator("#failure").inner_text()
    assert page.locator("#detail").is_hidden()


@needs_chromium
def test_address_keeps_the_view(opened):
    page = opened()
    page.locator("label.c-severity-high input").check()
    page.locator("[data-group=check]").click()
    before = shown(page)
    again = opened(page.evaluate("location.hash"))
    assert shown(again) == before
    assert again.locator("[data-group=check]").get_attribute("aria-pressed") == "true"


@needs_chromium
def test_unknown_finding_names_call_and_policy(opened, rows):
    wanted = next(row for row in rows if row["unknown_denied_by"] == "scp")
    page = opened(f"#finding={wanted['finding_id']}")
    text = page.locator("#detail").inner_text()
    for part in (
        "could not be judged",
        wanted["unknown_operation"],
        "AccessDenied",
        "by a service control policy",
    ):
        assert part in text


@needs_chromium
def test_detail_shows_fix_and_copies_it(opened, rows):
    wanted = next(row for row in rows if row["status"] == "fail" and row["check_id"] == "s3-bucket-tls-only")
    page = opened(f"#finding={wanted['finding_id']}", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("tab", name="Terraform").click()
    assert 'resource "aws_s3_bucket"' in page.locator("#fix-panel").inner_text()
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("tab", name="AWS CLI").get_attribute("aria-selected") == "true"
    page.locator("#fix-panel").get_by_role("button", name="Copy").click()
    page.wait_for_function("() => document.querySelector('#fix-panel .copy').textContent === 'Copied'")
    assert page.locator(".refs").inner_text().count("CIS 7.0") == 2


@needs_chromium
def test_keyboard_alone_is_enough(opened, rows):
    page = opened()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("s3-bucket-public")
    page.wait_for_function("() => state.query === 's3-bucket-public'")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "grid"
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert page.locator("#grid").get_attribute("aria-activedescendant") == "row-1"
    page.keyboard.press("Enter")
    assert page.locator("#detail").is_visible()
    before = page.locator("#detail code").last.inner_text()
    page.keyboard.press("j")
    assert page.locator("#detail code").last.inner_text() != before
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()
    page.keyboard.press("g")
    assert page.evaluate("state.group") == "check"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.locator(".group").first.get_attribute("aria-expanded") == "true"
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Enter")
    assert page.locator("#help").is_hidden()


@needs_chromium
def test_theme_follows_the_system_until_chosen(opened):
    page = opened(color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    page.locator("#theme").click()
    assert page.evaluate(colour) != dark and page.locator("#theme").inner_text() == "Theme: light"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#theme").inner_text() == "Theme: light"


@needs_chromium
def test_only_rows_in_sight_exist_wherever_one_scrolls(opened):
    page = opened("#status=all")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight / 2)")
    page.wait_for_function("() => [...drawn.keys()].some((at) => at > 200)")
    assert page.locator(".rows .row").count() < 60
    tops = page.evaluate(
        "[...document.querySelectorAll('.rows .row')].map((row) => row.getBoundingClientRect().top)"
    )
    assert any(100 < top < 800 for top in tops)


@needs_chromium
def test_every_control_has_a_name_and_every_row_its_place(opened):
    page = opened()
    page.locator(".finding").first.click()
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, input, [role=dialog], [role=treegrid]')].filter((node) =>
        !(node.innerText || node.textContent || '').trim() && !node.getAttribute('aria-label')
        && !node.getAttribute('aria-labelledby') && !(node.labels && node.labels.length))
        .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    rows = page.locator(".rows .row")
    assert rows.first.get_attribute("aria-rowindex") == "2"
    assert int(page.locator("#grid").get_attribute("aria-rowcount")) == shown(page) + 1


@needs_chromium
def test_print_lists_what_is_filtered(opened):
    page = opened("#status=unknown")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#printed tbody tr").count() == shown(page)
    assert page.locator("#printed").is_visible() and page.locator("#explorer").is_hidden()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#printed").inner_text() == ""


@needs_chromium
def test_a_narrow_screen_needs_no_sideways_scrolling(opened):
    page = opened(viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#filters-open").click()
    assert page.locator("label.c-status-fail").is_visible()
    page.locator("#filters-open").click()
    page.locator(".finding").first.click()
    assert page.locator("#detail").bounding_box()["width"] == 390


@needs_chromium
def test_an_empty_report_claims_nothing(opened, tmp_path):
    page = opened(file=write(empty_report(), "html", tmp_path / "empty.html"))
    text = page.locator("#overview").inner_text()
    assert "Nothing was judged" in text and "100%" not in text
    assert "Every API call of this scan was answered" in text
    assert page.locator("#none").is_visible()


@needs_chromium
def test_an_interrupted_scan_says_so(opened, report, tmp_path):
    cut = dataclasses.replace(report, scan=dataclasses.replace(report.scan, complete=False, finished_at=None))
    page = opened(file=write(cut, "html", tmp_path / "cut.html"))
    assert "did not finish" in page.locator("#unfinished").inner_text()


@needs_chromium
def test_a_file_cut_short_says_so(browser, report, tmp_path):
    stream = io.BytesIO()
    dump(report, "html", stream)
    text = stream.getvalue().decode()
    start = text.index('id="payload">') + len('id="payload">')
    end = text.index("</script>", start)
    broken = tmp_path / "broken.html"
    broken.write_text(text[: start + (end - start) // 8 * 4] + text[end:])
    page = browser.new_page()
    page.goto(broken.as_uri())
    page.wait_for_selector("#failure:not([hidden])")
    assert "cannot be read" in page.locator("#failure").inner_text()
    page.close()


@needs_chromium
def test_choices_keep_their_place_in_a_long_list(opened):
    page = opened("#status=all")
    page.locator(".facet summary", has_text="Check").click()
    page.locator(".choices[data-facet=check] .choice").nth(14).scroll_into_view_if_needed()
    before = page.evaluate("document.querySelector('.choices[data-facet=check]').scrollTop")
    page.locator(".choices[data-facet=check] input").nth(14).check()
    assert before > 0
    assert page.evaluate("document.querySelector('.choices[data-facet=check]').scrollTop") == before
