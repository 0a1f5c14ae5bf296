"""Which cause an unknown finding names where no call failed: what AWS left out is not a Region left out."""

from __future__ import annotations

from partywall.analysis.policy import FACTS
from partywall.checks.loader import catalogue, compile_check
from partywall.findings.assemble import report
from partywall.lake.engine import Lake
from tests.support import DemoScan


def test_a_path_that_organizations_does_not_tell_is_no_region_that_was_not_scanned(demo: DemoScan) -> None:
    check = compile_check(catalogue()["organizations-account-guardrails"])
    found = report(Lake(demo.directory, FACTS), [check], {}).findings.to_pylist()
    unknown = {f["unknown_code"] for f in found if f["status"] == "unknown" and not f["unknown_operation"]}
    assert unknown == {"NotInAnswer"}
