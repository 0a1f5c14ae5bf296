"""The table of access from outside, over the demo's scan: what it tells, and what it leaves open."""

from __future__ import annotations

from typing import Any

import pytest

from partywall.analysis.iam.access_keys import Outsider
from partywall.analysis.iam.access_kinds import HOLDERS
from partywall.analysis.iam.access_scan import inputs
from partywall.analysis.iam.access_table import resource_access
from partywall.analysis.policy import FACTS
from partywall.aws.answers import CallFailed
from partywall.lake.engine import Lake
from partywall.scan import Selection
from partywall.tables.analyses.iam_access import resource_access as declared
from partywall.tables.registry import all_tables
from partywall.tables.spec import Analysis
from tests.support import REGIONS, DemoScan

Rows = dict[tuple[str, str, str], dict[str, Any]]
"""By table, account with Region and ARN (a sample's ARN may be there in several), and kind."""


@pytest.fixture(scope="module")
def rows(demo: DemoScan) -> Rows:
    listed = resource_access(Lake(demo.directory, FACTS)).to_pylist()
    made = {key(r): r for r in listed}
    assert len(made) == len(listed)
    return made


def key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["resource_type"], f"{row['account_id']} {row['region']} {row['arn']}", row["kind"]


def of(rows: Rows, table: str, name: str, kind: str) -> dict[str, Any]:
    found = [r for (t, _, k), r in rows.items() if (t, k) == (table, kind) and r["name"] == name]
    assert found, (table, name, kind)
    return found[0]


def test_the_declaration_names_what_is_read() -> None:
    assert isinstance(declared.rows, Analysis)
    assert {k: set(v) for k, v in declared.rows.inputs.items()} == {k: set(v) for k, v in inputs().items()}
    assert set(declared.rows.rows_from) == {h.table for h in HOLDERS}
    tables = all_tables()
    policies = {
        name: {c.name for c in t.columns if getattr(c.type, "kind", "") in ("resource", "key", "trust")}
        for name, t in tables.items()
    }
    held = {h.table: set(h.policies) for h in HOLDERS}
    # An endpoint's policy bounds what passes it, and lets nobody in to the endpoint.
    assert {n: c for n, c in policies.items() if c and n != "vpc_endpoint"} == {
        n: c for n, c in held.items() if c
    }


def test_each_resource_has_a_row_of_each_kind(rows: Rows) -> None:
    kinds: dict[tuple[str, str], set[str]] = {}
    for table, arn, kind in rows:
        kinds.setdefault((table, arn), set()).add(kind)
    assert all(found == {k.value for k in Outsider} for found in kinds.values())
    assert len({table for table, _ in kinds}) >= 25


@pytest.mark.parametrize(
    ("table", "name", "kind", "expected"),
    [
        (
            "s3_bucket",
            "brightwater-www-prod",
            "anonymous",
            {"access": True, "can_read": True, "can_write": False},
        ),
        ("s3_bucket", "brightwater-office-share", "anonymous", {"access": False, "limited": True}),
        (
            "s3_bucket",
            "brightwater-partner-exchange",
            "foreign_account",
            {"by_name": True, "can_write": True},
        ),
        ("s3_bucket", "brightwater-partner-exchange", "any_principal", {"access": False}),
        ("ec2_image", "erp-template", "any_principal", {"access": True}),
        ("ec2_image", "erp-template", "anonymous", {"access": False}),
        ("ecr_repository", "legacy/erp", "any_principal", {"access": True}),
        ("secretsmanager_secret", "legacy/ftp-partner", "foreign_account", {"by_name": True}),
        ("iam_role", "anyone-can-try", "any_principal", {"access": True, "can_write": True}),
        ("iam_role", "cloudwatch-partner", "foreign_account", {"access": True, "unbound": False}),
        ("iam_role", "legacy-monitoring", "foreign_account", {"access": True, "unbound": True}),
        ("iam_role", "OrganizationAccountAccessRole", "foreign_account", {"access": False}),
        ("iam_role", "OrganizationAccountAccessRole", "organization_account", {"by_name": True}),
        ("iam_role", "github-deploy", "federated", {"access": True, "unbound": False}),
        ("iam_role", "github-preview", "federated", {"access": True, "unbound": True}),
        ("lambda_function", "legacy-invoice", "anonymous", {"access": False}),
        ("lambda_function", "legacy-invoice", "any_principal", {"access": True}),
        ("lambda_layer", "shared-tools", "foreign_account", {"can_read": True, "can_write": False}),
        ("sqs_queue", "partner-inbox", "anonymous", {"can_change_permissions": True}),
        ("vpc_endpoint_service", "*", "any_principal", {"access": False}),
    ],
)
def test_what_the_demo_lets_in(
    rows: Rows, table: str, name: str, kind: str, expected: dict[str, Any]
) -> None:
    if name == "*":
        found = [r for (t, _, k), r in rows.items() if (t, k) == (table, kind)]
        assert {r["access"] for r in found} <= {True, False}
        return
    row = of(rows, table, name, kind)
    assert {k: row[k] for k in expected} == expected


def test_a_row_tells_who_how_and_why(rows: Rows) -> None:
    row = of(rows, "iam_role", "cloudwatch-partner", "foreign_account")
    assert row["actions"] == ["sts:AssumeRole"]
    assert [(c["effect"], c["key"]) for c in row["conditions"]] == [("Allow", "sts:ExternalId")]
    assert dict(row["witness"])["action"] == "sts:AssumeRole"
    assert f"({row['principals'][0]}) may sts:AssumeRole, if sts:ExternalId is" in row["summary"]
    shared = of(rows, "s3_bucket", "brightwater-office-share", "anonymous")
    assert shared["summary"].endswith("if aws:SourceIp is in 203.0.113.0/24; nobody else may")


def test_what_is_not_known_names_its_calls(rows: Rows) -> None:
    unread = [r for r in rows.values() if r["resource_type"] == "kms_key" and r["access"] is None]
    assert unread
    for row in unread:
        assert row["undecided"] == ["policy"]
        assert row["principals"] is None
        assert "kms:GetKeyPolicy" in {c["operation"] for c in row["_failed"]}
    for row in rows.values():
        if row["access"] is False:
            assert (row["can_read"], row["can_write"]) == (False, False)
        if row["access"] is True:
            assert row["witness"]


def test_unread_policies_leave_their_rows_open(demo: DemoScan, rows: Rows, tmp_path: Any) -> None:
    denied = {"s3:GetBucketPolicy", "organizations:ListAccounts", "kms:ListGrants"}

    def fault(_account: str, _region: str, service: str, operation: str, _params: Any) -> CallFailed | None:
        return CallFailed("AccessDeniedException", "no", 403) if f"{service}:{operation}" in denied else None

    chosen = Selection(regions=REGIONS, checks=("iam-access-blocked-only",))
    directory, _ = demo.replay(tmp_path, fault=fault, selection=chosen)
    for row in resource_access(Lake(directory, FACTS)).to_pylist():
        before = rows[key(row)]
        for name in ("access", "granted", "limited", "unbound", "by_name", "can_read", "can_write"):
            assert row[name] in (None, before[name]), (row["arn"], row["kind"], name)
        if row["resource_type"] == "s3_bucket" and row["kind"] == "anonymous" and not before["access"]:
            assert row["access"] is None
