"""Every service of the catalogue passes, fails and is unknown in some scan over HTTP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from partywall.aws.answers import CallFailed
from partywall.checks.loader import CompiledCheck
from partywall.collect.recorder import ReplayTransport
from partywall.config import Config
from partywall.findings.model import Verdict
from partywall.opened import open_report
from partywall.scan import Selection, load_checks
from tests.support import REGIONS, DemoScan, verdicts

NOT_SEEDED = {
    *("appsync", "batch", "cloudformation", "codepipeline", "elasticbeanstalk", "health", "mq", "ram"),
    *("sagemaker", "securitylake", "ses", "transfer", "workspaces", "xray"),
}
"""Services of which the demo has nothing yet; one that is seeded leaves this list."""
NOTHING_PASSES = NOT_SEEDED | {"firehose", "macie2"}
NOTHING_FAILS = NOT_SEEDED
_SELECTION = Selection(regions=REGIONS)


@pytest.fixture(scope="module")
def checks() -> list[CompiledCheck]:
    return load_checks(_SELECTION, Config()).chosen


@pytest.fixture(scope="module")
def by_service(demo: DemoScan, checks: list[CompiledCheck]) -> dict[str, set[Verdict]]:
    """Service -> the verdicts that its checks came to in the demo."""
    service = {c.check.id: c.table.service for c in checks}
    found: defaultdict[str, set[Verdict]] = defaultdict(set)
    for (check, *_), verdict in verdicts(demo.directory, checks).items():
        found[service[check]].add(verdict)
    return dict(found)


def _lacking(
    by_service: Mapping[str, set[Verdict]], checks: list[CompiledCheck], verdict: Verdict
) -> set[str]:
    return {s for s in {c.table.service for c in checks} if verdict not in by_service.get(s, set())}


def test_every_service_passes_somewhere(
    by_service: dict[str, set[Verdict]], checks: list[CompiledCheck]
) -> None:
    assert _lacking(by_service, checks, Verdict.PASS) <= NOTHING_PASSES


def test_every_service_fails_somewhere(
    by_service: dict[str, set[Verdict]], checks: list[CompiledCheck]
) -> None:
    assert _lacking(by_service, checks, Verdict.FAIL) <= NOTHING_FAILS


class _Denied(ReplayTransport):
    """An account that may do nothing but tell its Regions."""

    async def call(
        self, service: str, region: str, credentials: Any, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        if operation == "DescribeRegions" and not params.get("RegionNames") and params.get("AllRegions"):
            return await super().call(service, region, credentials, operation, params)
        raise CallFailed("AccessDenied", f"not authorized to perform: {service}:{operation}", 403)


def test_denied_everything_every_check_is_unknown_and_none_passes(
    demo: DemoScan, checks: list[CompiledCheck], tmp_path: Path
) -> None:
    path, _ = demo.replay(tmp_path, transport=_Denied(demo.recording()), selection=_SELECTION)
    judged = verdicts(path, checks)
    assert set(judged.values()) <= {Verdict.UNKNOWN, Verdict.NOT_APPLICABLE}
    report = open_report(path, checks, Config())
    rows = report.findings.to_pylist()
    assert {row["status"] for row in rows} == {"unknown"}
    unknown = {row["check_id"] for row in rows}
    assert {c.check.id for c in checks} - unknown == set()
    blamed = [row for row in rows if not (row["unknown_operation"] and row["unknown_outcome"] == "denied")]
    assert blamed == [], "each unknown finding names the call that was denied"
    counted = report.counts.to_pylist()
    assert {row["status"] for row in counted} <= {"unknown", "not_applicable"}
