"""The demo's width: each service passes and fails something, each table has rows, little stays unknown."""

from __future__ import annotations

from collections import Counter

from partywall.analysis.policy import FACTS
from partywall.checks.loader import catalogue
from partywall.checks.select import service_of
from partywall.findings.model import Verdict
from partywall.lake.engine import Lake
from partywall.tables.registry import all_tables
from tests.support import DemoScan, verdicts

_OFF = "Macie answers where it is off as it would without the permission"
_SCP = "a service control policy keeps the sandbox from WorkSpaces"
_KEY = "the key policy of one key in production lets nobody read it"
_REFUSED = {
    "macie2:GetAutomatedDiscoveryConfiguration": _OFF,
    "macie2:GetClassificationExportConfiguration": _OFF,
    "macie2:GetFindingStatistics": _OFF,
    "macie2:GetFindingsPublicationConfiguration": _OFF,
    "macie2:GetMacieSession": _OFF,
    "workspaces:DescribeWorkspaceDirectories": _SCP,
    "workspaces:DescribeWorkspaces": _SCP,
    "kms:GetKeyLastUsage": _KEY,
    "kms:GetKeyPolicy": _KEY,
    "kms:GetKeyRotationStatus": _KEY,
}


def test_each_service_of_the_catalogue_passes_and_fails_something(demo: DemoScan) -> None:
    checks = list(catalogue().values())
    services = {check.check.id: service_of(check.check) for check in checks}
    found = Counter(
        (services[check], verdict) for (check, *_), verdict in verdicts(demo.directory, checks).items()
    )
    every = set(services.values())
    assert {service for service in every if not found[service, Verdict.PASS]} == set()
    assert {service for service in every if not found[service, Verdict.FAIL]} == set()


def test_each_table_has_a_row(demo: DemoScan) -> None:
    lake = Lake(demo.directory, FACTS)
    counted = lake.execute(
        f"SELECT table_name, sum(row_count) FROM ({lake.sql_of('collection')}) GROUP BY table_name"
    ).fetchall()
    assert {name for name, rows in counted if not rows} == set()
    assert {name for name, _ in counted} == set(all_tables())


def test_only_what_is_refused_on_purpose_stays_unanswered(demo: DemoScan) -> None:
    lake = Lake(demo.directory, FACTS)
    unanswered = lake.execute(
        f"SELECT service || ':' || operation, outcome, denied_by FROM ({lake.sql_of('api_call')})"
        " WHERE outcome NOT IN ('ok', 'empty')"
    ).fetchall()
    assert {operation for operation, *_ in unanswered} <= _REFUSED.keys()
    assert {outcome for _, outcome, _ in unanswered} == {"denied"}
    # AWS says whose policy it was, but for Macie.
    blamed = {(operation.partition(":")[0], denied_by) for operation, _, denied_by in unanswered}
    assert {service for service, _ in blamed} == {"kms", "macie2", "workspaces"}
    assert {by for service, by in blamed if service == "workspaces"} == {"scp"}
    assert {by for service, by in blamed if service == "kms"} == {"resource"}
