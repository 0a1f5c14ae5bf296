"""How long the HTML report takes to write and, in headless Chromium, to open, filter and search.

    python benchmarks/html_report.py [FINDINGS]

The page measures itself: from the start of navigation until the first rows stand in the list.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from outputs_reports import make_report
from playwright.sync_api import sync_playwright

from partywall.outputs import write

CHROMIUM = "/usr/bin/chromium"
RUNS = 3
TIMED = "() => { const start = performance.now(); %s; return performance.now() - start; }"


def main(findings: int) -> None:
    report = make_report(findings, hostile=False)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        start = time.perf_counter()
        path = write(report, "html", Path(directory) / "report.html")
        seconds, megabytes = time.perf_counter() - start, path.stat().st_size / 1e6
        print(f"{findings:,} findings: written in {seconds:.2f} s, {megabytes:.1f} MB")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        opened, filtered, searched = [], [], []
        for _ in range(RUNS):
            page = browser.new_page()
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]", timeout=120_000)
            opened.append(int(page.evaluate("document.documentElement.dataset.ready")))
            filtered.append(page.evaluate(TIMED % "clearFilters()"))
            searched.append(page.evaluate(TIMED % "setQuery('rule 42 web'); update()"))
            heap = page.evaluate("performance.memory.usedJSHeapSize")
            page.close()
        browser.close()
        best, worst = min(opened), max(opened)
        print(f"  open     {best:5.0f} ms best, {worst:5.0f} ms worst of {RUNS} (goal: under 2,000)")
        print(f"  filter   {min(filtered):5.0f} ms")
        print(f"  search   {min(searched):5.0f} ms (first search, three words)")
        print(f"  memory   {heap / 1e6:5.0f} MB of JavaScript heap")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
