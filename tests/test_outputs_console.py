"""The summary in the terminal: honest figures, harmless text, plain lines in a pipe."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console

from partywall.outputs.console import print_findings, print_summary
from partywall.outputs.summary import Counts, group_failures, percent, summarise
from partywall.outputs.text import clip, visible
from tests.outputs_reports import HOSTILE, empty_report, make_report


def printed(function, *args, terminal: bool = False, width: int = 120, **kwargs) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=terminal, width=width, color_system="standard" if terminal else None
    )
    function(*args, console, **kwargs)
    return stream.getvalue()


def test_summary_shows_coverage_beside_each_rate():
    report = make_report(1000)
    text = printed(print_summary, report, files=[Path("report.html")])
    counts = summarise(report).counts
    assert f"{counts.fail:,} fail" in text and f"{counts.unknown:,} unknown" in text
    assert f"{percent(counts.pass_rate)} pass of {counts.evaluated:,} judged" in text
    assert f"coverage {percent(counts.coverage)}" in text
    for part in ("Mend first", "By severity", "By service", "Not seen", "Written", "report.html", "Next"):
        assert part in text
    assert "s3:GetBucketPolicy" in text and "by a service control policy (AccessDenied)" in text
    assert "partywall policy" in text


def test_first_screen_fits():
    assert printed(print_summary, make_report(1000), terminal=True).count("\n") <= 55


def test_nothing_judged_is_not_all_passed():
    text = printed(print_summary, empty_report())
    assert "Nothing was judged" in text and "100" not in text


def test_an_interrupted_scan_says_so():
    report = make_report(10)
    cut = dataclasses.replace(report, scan=dataclasses.replace(report.scan, complete=False))
    text = printed(print_summary, cut)
    assert "did not finish" in text and "partywall scan --resume" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_hostile_text_cannot_steer_the_terminal(terminal):
    report = make_report(300)
    out = printed(print_summary, report, terminal=terminal) + printed(
        print_findings, report, terminal=terminal, statuses=("fail", "pass", "unknown", "not_applicable")
    )
    # Rich's own colours are the only control sequences.
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out) if terminal else out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain)
    assert "\\x1b[31mred" in plain
    assert "[bold]x[/bold]" in plain


def test_findings_in_a_pipe_are_one_line_each():
    report = make_report(200)
    text = printed(print_findings, report)
    fails = [
        status for status in report.findings.column("status").to_pylist() if status in ("fail", "unknown")
    ]
    assert text.count("\n") == len(fails)
    assert all(line.count("\t") == 7 for line in text.splitlines())


def test_findings_say_how_many_they_leave_out():
    report = make_report(200)
    assert "… and" in printed(print_findings, report, terminal=True, limit=3)
    assert "… and" not in printed(print_findings, report, terminal=True)


def test_percent_never_rounds_to_the_ends():
    assert percent(0.99999) == "99.9%" and percent(0.00001) == "0.1%"
    assert (percent(1.0), percent(0.0), percent(None)) == ("100%", "0%", "–")


def test_rates():
    counts = Counts(fail=1, passed=3, unknown=4, not_applicable=9)
    assert (counts.pass_rate, counts.coverage, counts.total) == (0.75, 0.5, 17)
    assert Counts(unknown=3).pass_rate is None and Counts(unknown=3).coverage == 0.0
    assert Counts(not_applicable=3).coverage is None


def test_summary_counts_verdicts_without_a_row():
    report = make_report(50)
    more = pa.table(
        {
            "check_id": ["ec2-imdsv2"],
            "account_id": ["222222222222"],
            "region": ["eu-west-1"],
            "status": ["pass"],
            "count": pa.array([1_000_000], pa.int64()),
        }
    )
    summary = summarise(dataclasses.replace(report, counts=pa.concat_tables([report.counts, more])))
    assert summary.counts.passed >= 1_000_000
    assert summary.by_service["ec2"].passed >= 1_000_000


def test_failures_are_grouped_by_cause():
    groups = group_failures(make_report(1).failed_calls)
    assert (groups[0].operation, groups[0].count, len(groups[0].regions)) == ("GetBucketPolicy", 23, 2)
    assert len(groups) == 4


def test_visible_leaves_nothing_hidden():
    assert visible("a\x1b[31m\u202e\n\U000e0041") == "a\\x1b[31m\\u202e\\n\\U000e0041"
    assert visible("naïve 🧱 日本") == "naïve 🧱 日本"
    assert all("\x1b" not in visible(text) for text in HOSTILE)


def test_clip():
    assert clip("abcdef", 4) == "abc…" and clip("abcd", 4) == "abcd"
