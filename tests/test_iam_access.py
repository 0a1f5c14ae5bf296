"""Whom resources let in from outside: tables of cases, each naming AWS's page, and properties."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.analysis.iam.access import Access, Target, assess
from partywall.analysis.iam.access_callers import Zone
from partywall.analysis.iam.access_keys import Outsider
from partywall.analysis.iam.access_witness import request_of
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Outcome, Policies, decide
from partywall.analysis.iam.principal import Kind, Principal, principal
from partywall.analysis.iam.request import Request, Resource
from partywall.analysis.iam.rules import PolicySet

OWNER = "111111111111"
ORGANIZATION = "o-ours111111"
ZONE = Zone(
    OWNER,
    ORGANIZATION,
    {OWNER: ORGANIZATION, "555555555555": ""},
    frozenset((OWNER, "444444444444")),
)
SIGNED = "any_principal foreign_account organization_account scanned_account service"
GROUPS = {
    "everyone": "callers service",
    "callers": "anonymous any_principal foreign_account organization_account scanned_account",
    "signed": SIGNED,
}
RESOURCES: dict[str, dict[str, Any]] = {
    "s3": {
        "arn": "arn:aws:s3:::b",
        "parts": ("arn:aws:s3:::b/*",),
        "service": "s3",
        "action": "s3:GetObject",
    },
    "sqs": {"arn": f"arn:aws:sqs:eu-west-1:{OWNER}:q", "service": "sqs", "action": "sqs:SendMessage"},
    "sns": {"arn": f"arn:aws:sns:eu-west-1:{OWNER}:t", "service": "sns", "action": "sns:Subscribe"},
    "kms": {"arn": f"arn:aws:kms:eu-west-1:{OWNER}:key/k", "service": "kms", "action": "kms:Decrypt"},
    "efs": {
        "arn": f"arn:aws:elasticfilesystem:eu-west-1:{OWNER}:file-system/fs-1",
        "service": "elasticfilesystem",
        "action": "elasticfilesystem:ClientMount",
    },
    "lambda": {
        "arn": f"arn:aws:lambda:eu-west-1:{OWNER}:function:f",
        "service": "lambda",
        "action": "lambda:InvokeFunction",
    },
    "events": {
        "arn": f"arn:aws:events:eu-west-1:{OWNER}:event-bus/b",
        "service": "events",
        "action": "events:PutEvents",
    },
    "secret": {
        "arn": f"arn:aws:secretsmanager:eu-west-1:{OWNER}:secret:s-1",
        "service": "secretsmanager",
        "action": "secretsmanager:GetSecretValue",
    },
    "role": {
        "arn": f"arn:aws:iam::{OWNER}:role/r",
        "service": "sts",
        "action": "sts:AssumeRole",
        "actions": ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity"),
    },
}
SIGNED_ONLY = {"kms", "events", "secret", "role"}


def document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def policies(statements: list[dict[str, Any]], name: str = "policy") -> PolicySet:
    return PolicySet([parse(document(statements), name, principal=True)])


def target(resource: str, statements: list[dict[str, Any]], **more: Any) -> Target:
    known = RESOURCES[resource]
    return Target(
        arn=known["arn"],
        account=OWNER,
        service=known["service"],
        policies=policies(statements),
        parts=known.get("parts", ()),
        organization=ORGANIZATION,
        signed_only=resource in SIGNED_ONLY,
        actions=known.get("actions", ()),
        **more,
    )


def cases() -> Iterator[Any]:
    for path in sorted((Path(__file__).parent / "iam_access_cases").glob("*.yaml")):
        for group in yaml.safe_load(path.read_text()):
            for n, case in enumerate(group["cases"]):
                told = {"resource": group["resource"], **group, **case}
                yield pytest.param(told, id=f"{group['resource']}-{group['page'][:40]}-{n}")


def made(case: dict[str, Any]) -> Target:
    resource = case["resource"]
    base = {
        "Effect": "Allow",
        "Principal": case.get("principal", "*"),
        "Action": case.get("action", RESOURCES[resource]["action"]),
        **({} if resource == "role" else {"Resource": "*"}),
    }
    if "if" in case:
        base["Condition"] = case["if"]
    statements = case.get("statements") or [base]
    if "deny" in case:
        denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", **case["deny"]}
        statements = [*statements, denial]
    more: dict[str, Any] = {"settings": {k: (v,) for k, v in case.get("settings", {}).items()}}
    if case.get("rcp") == "unread":
        more["rcps_unread"] = True
    elif "rcp" in case:
        control = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", **case["rcp"]}
        more["rcps"] = (policies([control], "rcp"),)
    if "blocked" in case:
        more["public_blocked"] = case["blocked"]
    return target(resource, statements, **more)


def kinds(text: str) -> set[str]:
    for name, stands_for in GROUPS.items():
        text = text.replace(name, stands_for)
    return set(text.split())


@pytest.mark.parametrize("case", list(cases()))
def test_cases(case: dict[str, Any]) -> None:
    found = assess(made(case), ZONE)
    let_in = {k.value for k, a in found.items() if a.access is True}
    unknown = {k.value for k, a in found.items() if a.access is None}
    assert (let_in, unknown) == (kinds(case["in"]), kinds(case.get("unknown", "")))
    if "limited" in case:
        assert {k.value for k, a in found.items() if a.limited is True} == kinds(case["limited"])
    if "unbound" in case:
        assert {k.value for k, a in found.items() if a.unbound is True} == kinds(case["unbound"])
    for access in found.values():
        assert_shown(made(case), access)


def assert_shown(target: Target, access: Access) -> None:
    """What is told to be let in is shown by a request that the engine allows."""
    if access.access is not True:
        return
    assert access.witness is not None
    request, bearing = request_of(access.witness, target)
    assert decide(request, bearing).outcome is Outcome.ALLOWED


def test_there_are_enough_cases() -> None:
    assert len(list(cases())) >= 120


# Properties over generated policies.

VALUES: dict[str, list[str]] = {
    "aws:PrincipalOrgID": [ORGANIZATION, "o-theirs1111", "o-*"],
    "aws:PrincipalAccount": [OWNER, "222222222222", "444444444444", "2*"],
    "aws:PrincipalArn": [
        "arn:aws:iam::222222222222:role/r",
        "arn:aws:iam::*:role/r",
        "arn:aws:iam::222222222222:*",
    ],
    "aws:SourceVpce": ["vpce-1", "vpce-*"],
    "aws:SourceArn": [f"arn:aws:sns:eu-west-1:{OWNER}:t", "arn:aws:sns:*:*:t", "arn:aws:s3:::logs"],
    # Another account for which a service acts is told of once a condition names it, which these would undo.
    "aws:SourceAccount": [OWNER],
    "aws:PrincipalTag/team": ["red", "r*"],
    "s3:prefix": ["home/", "*"],
    "invented:key": ["x"],
}
TEXT = ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIfExists"]
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "222222222222"},
    {"AWS": "arn:aws:iam::222222222222:role/r"},
    {"AWS": "arn:aws:iam::444444444444:root"},
    {"Service": "sns.amazonaws.com"},
    {"AWS": ["*", "333333333333"], "Service": "cloudtrail.amazonaws.com"},
]
ACTIONS = ["s3:*", "s3:GetObject", "s3:Put*", ["s3:ListBucket", "s3:GetObject"]]
PATTERNS = ["*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/a*", "arn:aws:s3:::*/x"]


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """A Condition block of up to two operators."""
    made: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 2))):
        shape = draw(st.integers(0, 3))
        if shape == 0:
            addresses = ["203.0.113.0/24", "0.0.0.0/0", "54.0.0.0/7", "2600::/31"]
            operator = draw(st.sampled_from(["IpAddress", "NotIpAddress"]))
            made[operator] = {
                "aws:SourceIp": draw(st.lists(st.sampled_from(addresses), min_size=1, max_size=2))
            }
        elif shape == 1:
            key = draw(st.sampled_from(["aws:SecureTransport", "aws:PrincipalIsAWSService"]))
            made["Bool"] = {key: draw(st.sampled_from(["true", "false"]))}
        elif shape == 2:
            key = draw(st.sampled_from(["aws:PrincipalOrgID", "aws:SourceArn", "aws:SourceVpce"]))
            made["Null"] = {key: draw(st.sampled_from(["true", "false"]))}
        else:
            key = draw(st.sampled_from(sorted(VALUES)))
            values = draw(st.lists(st.sampled_from(VALUES[key]), min_size=1, max_size=2))
            made[draw(st.sampled_from(TEXT))] = {key: values}
    return made


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        "Principal": draw(st.sampled_from(PRINCIPALS)),
        "Action": draw(st.sampled_from(ACTIONS)),
        "Resource": draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2)),
    }
    if condition := draw(conditions()):
        found["Condition"] = condition
    return found


POLICIES = st.lists(statements(), min_size=1, max_size=4)
RANK = {False: 0, None: 1, True: 2}


def ranks(found: dict[Outsider, Access]) -> dict[tuple[str, str], int]:
    """Each answer as a number, more of which is more access."""
    made: dict[tuple[str, str], int] = {}
    for kind, access in found.items():
        for name in ("granted", "access"):
            made[kind.value, name] = RANK[getattr(access, name)]
        made |= {(kind.value, group): RANK[value] for group, value in access.groups.items()}
    return made


@settings(max_examples=60, deadline=None)
@given(POLICIES, statements("Deny"))
def test_a_denial_never_adds_access(policy: list[dict[str, Any]], denial: dict[str, Any]) -> None:
    before = ranks(assess(target("s3", policy), ZONE))
    after = ranks(assess(target("s3", [*policy, denial]), ZONE))
    grown = {key for key, rank in after.items() if rank > before[key]}
    # What a key of the denial leaves open may have been known to be closed only by what is certain.
    assert not grown


@settings(max_examples=60, deadline=None)
@given(POLICIES, conditions())
def test_a_condition_never_adds_access(policy: list[dict[str, Any]], condition: dict[str, Any]) -> None:
    narrowed = [dict(s) for s in policy]
    first = next((s for s in narrowed if s["Effect"] == "Allow"), None)
    if first is None:
        return
    own = first.get("Condition", {})
    first["Condition"] = {**own, **{op: block for op, block in condition.items() if op not in own}}
    before = ranks(assess(target("s3", policy), ZONE))
    after = ranks(assess(target("s3", narrowed), ZONE))
    assert not {key for key, rank in after.items() if rank > before[key]}


@settings(max_examples=60, deadline=None)
@given(POLICIES, statements("Deny"))
def test_a_resource_control_policy_never_adds_access(
    policy: list[dict[str, Any]], control: dict[str, Any]
) -> None:
    before = ranks(assess(target("s3", policy), ZONE))
    after = ranks(assess(target("s3", policy, rcps=(policies([control], "rcp"),)), ZONE))
    assert not {key for key, rank in after.items() if rank > before[key]}


@settings(max_examples=80, deadline=None)
@given(POLICIES)
def test_what_is_let_in_is_shown(policy: list[dict[str, Any]]) -> None:
    asked = target("s3", policy)
    for access in assess(asked, ZONE).values():
        assert_shown(asked, access)


SAMPLED: dict[Outsider, list[Principal]] = {
    Outsider.ANONYMOUS: [Principal(Kind.ANONYMOUS)],
    Outsider.ANY: [
        Principal(
            Kind.ROLE_SESSION,
            "arn:aws:sts::777777777777:assumed-role/r/s",
            "777777777777",
            role_arn="arn:aws:iam::777777777777:role/r",
            session_name="s",
            organization=organization,
        )
        for organization in ("", "o-stranger11")
    ],
    Outsider.ORGANIZATION: [
        principal("arn:aws:iam::444444444444:user/r", organization=ORGANIZATION),
        principal("arn:aws:iam::444444444444:root", organization=ORGANIZATION),
    ],
    Outsider.FOREIGN: [
        principal("arn:aws:iam::222222222222:role/r", organization="o-theirs1111"),
        principal("arn:aws:iam::222222222222:user/u", organization=""),
        principal("arn:aws:iam::333333333333:root", organization=""),
    ],
}
KEYS: dict[str, list[str | None]] = {
    "aws:SecureTransport": ["true", "false"],
    "aws:PrincipalTag/team": [None, "red", "blue"],
    "s3:prefix": [None, "home/", "x"],
}
NETWORKS: list[dict[str, str]] = [
    {"aws:SourceIp": "52.95.1.1"},
    {"aws:SourceIp": "54.240.1.1"},
    {"aws:SourceIp": "2a00::1"},
    {"aws:SourceVpce": "vpce-77"},
]


@settings(max_examples=80, deadline=None)
@given(POLICIES, st.data())
def test_nobody_is_let_in_unknown(policy: list[dict[str, Any]], data: st.DataObject) -> None:
    asked = target("s3", policy)
    found = assess(asked, ZONE)
    for kind, people in SAMPLED.items():
        for who in people:
            context: dict[str, str] = dict(data.draw(st.sampled_from(NETWORKS)))
            for key, values in KEYS.items():
                if (value := data.draw(st.sampled_from(values))) is not None:
                    context[key] = value
            action, arn = data.draw(
                st.sampled_from(
                    [
                        ("s3:GetObject", "arn:aws:s3:::b/a1"),
                        ("s3:PutObject", "arn:aws:s3:::b/x"),
                        ("s3:ListBucket", "arn:aws:s3:::b"),
                        ("s3:PutBucketPolicy", "arn:aws:s3:::b"),
                    ]
                )
            )
            resource = Resource(arn, OWNER, None, ORGANIZATION)
            request = Request(who, action, resource, Context(context, complete=True))
            allowed = decide(request, Policies(identity=OWN, resource=asked.policies)).outcome
            if allowed is Outcome.ALLOWED:
                assert found[kind].access is not False, (kind, who.arn, action, context)


OWN = PolicySet(
    [
        parse(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
            principal=False,
        )
    ]
)
