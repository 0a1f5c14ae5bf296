"""The state over a period: days add up, what nobody looked at is said, samples can be drawn again."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partywall.errors import UserError
from partywall.evidence.period import (
    UNOBSERVED,
    Observation,
    Period,
    check_timelines,
    open_period,
    sample,
    timeline,
)
from partywall.lake.snapshot import DataDirectory, Manifest, read_manifest, write_manifest
from partywall.scan import Selection
from tests.support import DemoScan

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 2, 1, tzinfo=UTC)
SELECTED = Selection(regions=("us-east-1", "eu-west-1"), services=("s3", "sqs"))


def observation(days: float, account: str = "1") -> Observation:
    """A scan some days after the period's begin."""
    at = BEGIN + timedelta(days=days)
    accounts = [{"account_id": account, "name": "", "partition": "aws", "principal": ""}]
    manifest = Manifest(f"scan-{days}", "0", at, accounts, [], {}, {}, [])
    return Observation(f"scan-{days}", at, Path("/nowhere"), manifest)


def period(*observations: Observation, gap: int = 7) -> Period:
    """January, as these scans saw it."""
    return Period(FIRST, LAST, gap, observations, END)


@given(
    st.lists(
        st.tuples(st.floats(-7, 30.9, allow_nan=False), st.sampled_from(["pass", "fail", "unknown"])),
        max_size=8,
        unique_by=lambda x: x[0],
    ),
    st.integers(1, 40),
)
def test_days_add_up_to_the_period(steps: list[tuple[float, str]], gap: int) -> None:
    states = [(observation(d), s) for d, s in sorted(steps) if d >= -gap]
    found = period(*(o for o, _ in states), gap=gap)
    line = timeline(found, "check", "1", states)
    assert sum(line.days.values()) == pytest.approx(31, abs=1e-4)
    gaps = sum((b - a).total_seconds() for a, b in found.gaps("1")) / 86400
    assert line.days.get(UNOBSERVED, 0.0) == pytest.approx(gaps, abs=1e-4)
    for state in line.days:
        assert state == UNOBSERVED or state in {s for _, s in states}
    assert line.scans == sum(o.at >= BEGIN for o, _ in states)


def test_a_timeline() -> None:
    states = [
        (observation(-2), "pass"),
        (observation(3), "fail"),
        (observation(6), "pass"),
        (observation(20), "pass"),
    ]
    found = period(*(o for o, _ in states))
    line = timeline(found, "check", "1", states)
    assert line.days == {"pass": 3 + 7 + 7, "fail": 3, UNOBSERVED: 7 + 4}
    assert [(at, a, b) for at, a, b in line.changes] == [
        (BEGIN + timedelta(days=3), "pass", "fail"),
        (BEGIN + timedelta(days=6), "fail", "pass"),
    ]
    assert (line.at_start, line.at_end) == ("pass", UNOBSERVED)
    assert (line.first, line.last, line.scans) == ("scan-3", "scan-20", 3)
    days = [((a - BEGIN).days, (b - BEGIN).days) for a, b in found.gaps("1")]
    assert days == [(13, 20), (27, 31)]
    assert period(observation(1, "2")).gaps("1") == [(BEGIN, END)]


@pytest.fixture(scope="module")
def scanned(demo: DemoScan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scans of the demo as if on the 2nd, 10th and 25th of January; on the 10th S3 refuses a call."""
    data = tmp_path_factory.mktemp("period") / "data"
    from partywall.aws.answers import CallFailed

    def refuse(_a: str, _r: str, _s: str, operation: str, _p: Any) -> CallFailed | None:
        return CallFailed("AccessDenied", "no", 403) if operation == "GetBucketVersioning" else None

    for day in (2, 10, 25):
        path, _ = demo.replay(
            data, selection=SELECTED, accounts=demo.accounts[1:2], fault=refuse if day == 10 else None
        )
        write_manifest(path, replace(read_manifest(path), started_at=datetime(2026, 1, day, 6, tzinfo=UTC)))
    return data


def test_checks_over_the_demo(scanned: Path, demo: DemoScan) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    found = open_period(DataDirectory(scanned), FIRST, LAST, 10, now)
    assert len(found.inside) == 3 and found.accounts() == demo.accounts[1:2]
    lines = {t.subject: t for t in check_timelines(found)}
    for line in lines.values():
        assert sum(line.days.values()) == pytest.approx(31, abs=1e-4)
        assert line.days[UNOBSERVED] == pytest.approx(1.25 + 5, abs=1e-4), line
    assert lines["s3-bucket-versioning-enabled"].scans == 3
    states = {
        "s3-bucket-versioning-enabled": [b for _, _, b in lines["s3-bucket-versioning-enabled"].changes]
    }
    assert states["s3-bucket-versioning-enabled"] == ["unknown", lines["s3-bucket-versioning-enabled"].at_end]
    assert len(check_timelines(found, {"s3-bucket-versioning-enabled"})) == 1
    outside = open_period(DataDirectory(scanned), date(2026, 2, 2), date(2026, 2, 20), 10, now)
    assert outside.inside == [] and len(outside.observations) == 1
    with pytest.raises(UserError, match="no scan"):
        open_period(DataDirectory(scanned), date(2025, 2, 2), date(2025, 2, 20), 10, now)
    with pytest.raises(UserError, match="before it begins"):
        open_period(DataDirectory(scanned), LAST, FIRST)
    with pytest.raises(UserError, match="yet to come"):
        open_period(DataDirectory(scanned), LAST, LAST, now=BEGIN)


def test_samples_can_be_drawn_again_from_the_whole_population(scanned: Path) -> None:
    found = open_period(DataDirectory(scanned), FIRST, LAST, 10, datetime(2026, 6, 1, tzinfo=UTC))
    checks = {"s3-bucket-versioning-enabled"}
    every = sample(found, 10_000, "7", checks)
    drawn = sample(found, 3, "7", checks)
    assert drawn == every[:3] == sample(found, 3, "7", checks)
    assert {r["population"] for r in every} == {len(every)} and len(every) > 3
    assert [r["position"] for r in every] == list(range(1, len(every) + 1))
    assert sample(found, 3, "8", checks) != drawn
    for row in every:
        words = ["7", *(row[n] for n in ("check_id", "account_id", "region", "resource_arn"))]
        assert row["draw"] == hashlib.sha256("\x1f".join(words).encode()).hexdigest()
        assert row["scans"] == 3 and row["unknown_scans"] == 1
    assert [r["draw"] for r in every] == sorted(r["draw"] for r in every)
    with pytest.raises(UserError, match="at least"):
        sample(found, 0, "7")


def test_a_damaged_scan_counts_as_not_made(scanned: Path, tmp_path: Path) -> None:
    shutil.copytree(scanned, tmp_path / "data")
    data = DataDirectory(tmp_path / "data")
    (data.scans / data.published()[1] / "manifest.json").write_text("{")
    found = open_period(data, FIRST, LAST, 10, datetime(2026, 6, 1, tzinfo=UTC))
    assert len(found.inside) == 2
    assert len(found.gaps(found.accounts()[0])) == 2
