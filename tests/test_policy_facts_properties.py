"""Properties of all facts of policies, over random documents."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.analysis.globs import covers, overlaps
from partywall.analysis.policy import FACTS, facts

OWNER, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
COGNITO = "cognito-identity.amazonaws.com"


def _facts(kind: str, *statements: dict[str, Any]) -> dict[str, Any]:
    found = facts(kind, json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), OWNER)
    assert found is not None
    return found


KEYS = [
    "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:SourceIp", "aws:SourceArn", "aws:SourceVpce",
    "aws:PrincipalAccount", "aws:SecureTransport", "aws:userid", "aws:MultiFactorAuthPresent",
    "aws:PrincipalArn", "aws:PrincipalIsAWSService", "aws:CurrentTime", "kms:ViaService", "invented:Key",
    "s3:prefix", "sts:ExternalId",
]  # fmt: skip
VALUES = [
    "*", "o-abc", "o-abc/*", OWNER, OTHER, "10.0.0.0/8", "0.0.0.0/0", "true", "false", "vpce-1",
    "${aws:userid}", f"arn:aws:iam::{OTHER}:role/r", "arn:aws:iam::*:role/r", "AROAEXAMPLEID12345:*", "",
    "1.2",
]  # fmt: skip
NAMES = [
    "StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "ArnLike", "ArnNotLike", "IpAddress",
    "NotIpAddress", "Bool", "Null", "StringEqualsIfExists", "BoolIfExists", "ForAllValues:StringLike",
    "ForAnyValue:StringEquals", "ForAllValues:StringNotEquals", "NumericLessThan", "DateGreaterThan",
]  # fmt: skip
ACTIONS = ["*", "s3:*", "s3:GetObject", "s3:Get*", "sts:AssumeRole", "kms:Decrypt", "iam:PassRole", "S3:P?t*"]
RESOURCES = ["*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::*", f"arn:aws:iam::{OWNER}:role/*"]
PRINCIPAL = st.sampled_from(
    [
        "*",
        {"AWS": "*"},
        {"AWS": OTHER},
        {"AWS": [f"arn:aws:iam::{THIRD}:role/r", OWNER]},
        {"Service": "sns.amazonaws.com"},
        {"Federated": COGNITO},
        {"AWS": "AROAEXAMPLEID12345"},
    ]
)


def some(items: list[str]) -> st.SearchStrategy[Any]:
    return st.sampled_from(items) | st.lists(st.sampled_from(items), min_size=1, max_size=3)


def _readable(condition: dict[str, Any]) -> dict[str, Any]:
    """AWS takes no negated operator whose value is no address."""
    blocks = condition.get("NotIpAddress", {})
    return condition | ({"NotIpAddress": dict.fromkeys(blocks, "10.0.0.0/8")} if blocks else {})


CONDITION = st.dictionaries(
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from(KEYS), some(VALUES), min_size=1, max_size=2),
    max_size=3,
).map(_readable)


@st.composite
def statement(draw: st.DrawFn, effect: str | None = None, kind: str = "resource") -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": effect or draw(st.sampled_from(["Allow", "Deny"]))}
    found[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(some(ACTIONS))
    found[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(some(RESOURCES))
    if kind != "identity":
        found[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(PRINCIPAL)
    if draw(st.booleans()):
        found["Condition"] = draw(CONDITION)
    return found


STATEMENTS = st.lists(statement(), max_size=4)
WORSE = {False: 0, None: 1, True: 2}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(STATEMENTS, statement("Deny"))
def test_a_deny_never_admits_more(statements: list[dict[str, Any]], denial: dict[str, Any]) -> None:
    for kind in ("resource", "trust"):
        before, after = _facts(kind, *statements), _facts(kind, *statements, denial)
        assert WORSE[after["is_public"]] <= WORSE[before["is_public"]]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(STATEMENTS, st.integers(0, 3), CONDITION)
def test_a_condition_never_makes_public(
    statements: list[dict[str, Any]], place: int, condition: dict[str, Any]
) -> None:
    allowed = [s for s in statements if s["Effect"] == "Allow"]
    if not allowed:
        return
    chosen = allowed[place % len(allowed)]
    before = _facts("resource", *statements)
    if chosen.get("Condition", {}).keys() & condition.keys():
        return
    chosen["Condition"] = {**chosen.get("Condition", {}), **condition}
    assert WORSE[_facts("resource", *statements)["is_public"]] <= WORSE[before["is_public"]]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(statement(kind="identity"), max_size=4), statement("Deny", "identity"))
def test_a_deny_never_empowers(statements: list[dict[str, Any]], denial: dict[str, Any]) -> None:
    before, after = _facts("identity", *statements), _facts("identity", *statements, denial)
    for field in ("is_admin", "pass_role_any", "decrypt_any_key", "full_kms", "s3_read_any"):
        assert WORSE[after[field]] <= WORSE[before[field]]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([*VALUES, *KEYS, "Allow"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Statement",
                    "Effect",
                    "Principal",
                    "Action",
                    "Resource",
                    "Condition",
                    "AWS",
                    "Service",
                    *NAMES,
                    *KEYS,
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(JSON, st.text(max_size=30), st.sampled_from(sorted(FACTS)))
def test_no_text_raises(document: Any, text: str, kind: str) -> None:
    facts(kind, json.dumps(document), OWNER)
    facts(kind, json.dumps({"Statement": document}), OWNER)
    facts(kind, text, OWNER)


PATTERN = st.text("ab*?", max_size=5)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(PATTERN, PATTERN, st.text("ab", max_size=5))
def test_glob_sets(left: str, right: str, text: str) -> None:
    if covers(left, right) and covers(right, text):
        assert covers(left, text)
    if covers(left, text) and covers(right, text):
        assert overlaps(left, right)
    assert overlaps(left, right) == overlaps(right, left)
    assert covers(left, left)
