"""The tables of what policies say and of what is used: over the demo, and by cases of single documents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from partywall.analysis.iam import tables_permissions, tables_policies
from partywall.analysis.iam.actions import find
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.review import EXFILTRATION, escalation, idle_allows, idle_denies, review
from partywall.analysis.iam.shrink_evidence import report_of
from partywall.analysis.policy import FACTS
from partywall.aws.caller import Scope
from partywall.collect.collector import Collector
from partywall.lake.engine import Lake
from partywall.tables.analyses.iam_policies import RESOURCE_POLICIES, TABLES
from partywall.tables.registry import all_tables
from tests.support import DemoScan, identity, unlimited


@pytest.fixture(scope="module")
def lake(demo: DemoScan) -> Lake:
    return Lake(demo.directory, FACTS)


def rows(lake: Lake, name: str) -> list[dict[str, Any]]:
    table = next(t for t in TABLES if t.name == name)
    module, _, function = table.rows.build.partition(":")  # pyright: ignore[reportAttributeAccessIssue]
    source = tables_policies if module.endswith("tables_policies") else tables_permissions
    return getattr(source, function)(lake).to_pylist()


def test_every_table_with_a_resource_policy_is_read() -> None:
    declared = {
        name: {c.name for c in table.columns if getattr(c.type, "kind", "") in ("resource", "key")}
        for name, table in all_tables().items()
    }
    # The organization's own policy is of delegated administration, which no table of resources shows.
    declared = {k: v for k, v in declared.items() if v and k != "organizations_organization"}
    assert {k: set(v) for k, v in RESOURCE_POLICIES.items()} == declared


def test_the_demo_has_statements_of_each_kind(lake: Lake) -> None:
    found = rows(lake, "iam_statement")
    assert {"managed", "aws_managed", "inline", "trust", "resource"} <= {r["policy_kind"] for r in found}
    everything = [r for r in found if r["name"] == "ops-everything"]
    assert everything and all(r["action_count"] > 20_000 and r["effect"] == "Allow" for r in everything)


def test_the_demos_policies_are_reviewed(lake: Lake) -> None:
    by_name = {r["name"]: r for r in rows(lake, "iam_policy_review")}
    assert by_name["ops-everything"]["allows_everything"] is True
    assert by_name["ops-everything"]["wildcard_services"] == ["*"]
    assert by_name["trail-cleaner"]["wildcard_services"] == ["cloudtrail"]
    assert by_name["pass-any-role"]["passes_any_role"] is True
    assert by_name["kms-decrypt-all"]["exfiltration_actions"] == ["kms:Decrypt"]
    assert "iam:CreatePolicyVersion" in by_name["policy-editor"]["escalation_actions"]
    arns = [r["arn"] for r in rows(lake, "iam_policy_review")]
    assert len(set(arns)) == len(arns)


def test_findings_and_reviews_agree(lake: Lake) -> None:
    found = {(r["arn"], r["code"]) for r in rows(lake, "iam_policy_finding") if r["severity"] == "ERROR"}
    told = {(r["arn"], code) for r in rows(lake, "iam_policy_review") for code in r["errors"] or ()}
    told |= {(r["arn"], code) for r in rows(lake, "iam_resource_policy") for code in r["errors"] or ()}
    assert told <= found


def test_what_is_used_is_told_against_what_is_granted(lake: Lake) -> None:
    usage = {(r["account_id"], r["name"]): r for r in rows(lake, "iam_principal_usage")}
    contractor = next(r for (_, name), r in usage.items() if name == "old-contractor")
    assert contractor["allows_everything"] and contractor["unused_share"] == 1.0
    assert contractor["idle_days"] in (384, 385, 386)
    assert "iam:PassRole" in contractor["unused_high_risk"]
    backup = next(r for (_, name), r in usage.items() if name == "backup-agent")
    assert (backup["granted_services"], backup["unused_services"], backup["unused_share"]) == (
        ["s3"],
        [],
        0.0,
    )
    unused = [r for r in rows(lake, "iam_unused_permission") if r["name"] == "old-contractor"]
    by_service = {r["service_prefix"]: r for r in unused}
    assert by_service["ec2"]["used"] and by_service["ec2"]["unused_days"] in (384, 385, 386)
    assert by_service["sqs"]["used"] is False and by_service["sqs"]["unused_days"] == 400


def test_effective_permissions_are_of_classes_and_within_bounds(lake: Lake) -> None:
    found = rows(lake, "iam_effective_permission")
    for row in found:
        if row["may_count"] is not None:
            assert 0 < row["may_count"] <= row["total_count"] and row["must_count"] <= row["may_count"]
            assert (row["may"] == ["*"]) == (row["may_count"] == row["total_count"])
    members = {(a, r["service_prefix"]) for r in found for a in r["members"]}
    assert len(members) == sum(len(r["members"]) for r in found)


def document(*statements: Mapping[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def deny(**more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "s3:*", "Resource": "*", **more}


IDLE: list[tuple[str, str, str | None]] = [
    (document(deny()), "", None),
    (document(deny(Condition={"StringNotEquals": {"aws:PrincipalTag/x": "y"}})), "", None),
    (document(deny(Action="s3:NoSuch")), "statement 1", "AWS has no action s3:nosuch"),
    (
        document(deny(Sid="Own", Resource="arn:aws:s3:::b/${aws:username}/*"), version="2008-10-17"),
        "Own",
        "variables in Resource are filled only under Version 2012-10-17",
    ),
    (document(deny(Resource="arn:aws:s3:::b/${aws:username}/*")), "", None),
    (
        document(deny(Condition={"StringEquals": {"s3:prefix": "${aws:username}"}}), version="2008-10-17"),
        "statement 1",
        "the variable in s3:prefix is filled only under Version 2012-10-17",
    ),
    (
        document(deny(Condition={"Bool": {"aws:SecureTransports": "false"}})),
        "statement 1",
        "no request carries the key aws:SecureTransports",
    ),
    (document(deny(Condition={"Bool": {"aws:SecureTransport": "false"}})), "", None),
    (document(deny(Condition={"StringNotEquals": {"aws:NoSuchKey": "x"}})), "", None),
    (document(deny(Condition={"StringEqualsIfExists": {"aws:NoSuchKey": "x"}})), "", None),
    (document(deny(Condition={"StringEquals": {"token.actions.githubusercontent.com:sub": "x"}})), "", None),
]


@pytest.mark.parametrize(("text", "place", "why"), IDLE)
def test_a_deny_that_holds_of_no_request(text: str, place: str, why: str | None) -> None:
    assert idle_denies(parse(text)) == ([f"{place}: {why}"] if why else [])


ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
SHADOWED: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([ALLOW], []),
    ([ALLOW, ALLOW], ["statement 2: statement 1 allows as much"]),
    ([ALLOW, {**ALLOW, "Action": "s3:*"}], ["statement 1: statement 2 allows as much"]),
    ([ALLOW, {**ALLOW, "Resource": "arn:aws:s3:::c/*"}], []),
    (
        [{**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, ALLOW],
        ["statement 1: statement 2 allows as much"],
    ),
    ([ALLOW, deny()], ["statement 1: a Deny takes back all of it"]),
    ([ALLOW, deny(Condition={"Bool": {"aws:SecureTransport": "false"}})], []),
]


@pytest.mark.parametrize(("statements", "expected"), SHADOWED)
def test_an_allow_that_another_makes_idle(statements: list[dict[str, Any]], expected: list[str]) -> None:
    assert idle_allows(parse(document(*statements))) == expected


PASSING = [
    ({"Action": "iam:PassRole", "Resource": "*"}, True),
    ({"Action": "iam:*", "Resource": "arn:aws:iam::*:role/*"}, True),
    ({"NotAction": "s3:*", "Resource": "*"}, True),
    ({"Action": "iam:PassRole", "NotResource": "arn:aws:s3:::x"}, True),
    ({"Action": "iam:PassRole", "NotResource": "arn:aws:iam::*:role/*"}, False),
    ({"Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/app"}, False),
    (
        {
            "Action": "iam:PassRole",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        },
        False,
    ),
]


@pytest.mark.parametrize(("body", "expected"), PASSING)
def test_passing_any_role(body: dict[str, Any], expected: bool) -> None:
    assert review(document({"Effect": "Allow", **body}))["passes_any_role"] is expected
    taken_back = document({"Effect": "Allow", **body}, deny(Action="iam:PassRole"))
    assert review(taken_back)["passes_any_role"] is False


def test_the_lists_of_grave_actions_are_of_aws() -> None:
    assert not [name for name in EXFILTRATION | escalation() if find(name) is None]


def test_a_report_is_read_as_the_table_gives_it() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    read = report_of(
        [
            {
                "service": "s3",
                "used": True,
                "last_used": now,
                "actions": [{"name": "GetX", "used": False, "last_used": None}],
            },
            {"service": "ec2", "used": False, "last_used": None, "actions": None},
        ]
    )
    assert read is not None and report_of(None) is None
    assert read["s3"].last == now and read["s3"].actions == {"getx": None}
    assert read["ec2"].last is None


class _Jobs:
    """Answers a job's report after some askings, or never."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.asked = 0

    async def call(self, *_: Any) -> dict[str, Any]:
        self.asked += 1
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"JobStatus": state, "ServicesLastAccessed": [{"ServiceNamespace": "s3"}]}

    async def close(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (("COMPLETED",), ""),
        (("IN_PROGRESS", "IN_PROGRESS", "COMPLETED"), ""),
        (("FAILED",), "NotReady"),
        (("IN_PROGRESS",), "NotReady"),
    ],
)
def test_a_report_of_last_accesses_is_waited_for(states: tuple[str, ...], code: str) -> None:
    transport = _Jobs(*states)
    who = identity("111122223333")

    async def ask() -> Any:
        async def no_wait(_: float) -> None:
            await asyncio.sleep(0)

        caller = unlimited(transport)(lambda _: None)
        collector = Collector(caller, None, sleep=no_wait)  # pyright: ignore[reportArgumentType]
        scope = Scope(who.account_id, "us-east-1", who.partition, who.provider)
        call = all_tables()["iam_role"].calls["last_accessed"]
        return await collector._merged(scope, call, {"JobId": "x"}, "iam_role")  # pyright: ignore[reportArgumentType]

    result = asyncio.run(ask())
    assert result.error_code == code
    assert result.ok is (not code)
