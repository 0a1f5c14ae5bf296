"""Malformed policies become findings: never a crash, and never more access than the well-formed one gave."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partywall.analysis.iam.compare import no_new_access
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Outcome, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.lint import lint
from partywall.analysis.iam.lint.codes import PolicyType
from partywall.analysis.iam.lint.sources import lint_file
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.principal import principal
from partywall.analysis.iam.review import codes, idle_denies, read, review
from partywall.analysis.policy import FACTS, facts

ACCOUNT = "111122223333"
WHO = principal(f"arn:aws:iam::{ACCOUNT}:user/jo")
MASKER = Masker()
REQUESTS = [
    Request(WHO, "s3:GetObject", Resource("arn:aws:s3:::shop/a", ACCOUNT)),
    Request(WHO, "iam:PassRole", Resource(f"arn:aws:iam::{ACCOUNT}:role/x", ACCOUNT)),
    Request(WHO, "ec2:DescribeInstances", Resource("*", ACCOUNT)),
]
VALID: list[dict[str, Any]] = [
    {
        "Version": "2012-10-17",
        "Id": "x",
        "Statement": [
            {
                "Sid": "A",
                "Effect": "Allow",
                "Action": ["s3:Get*", "iam:PassRole"],
                "Resource": "arn:aws:s3:::shop/*",
            },
            {
                "Effect": "Deny",
                "NotAction": "ec2:*",
                "NotResource": ["arn:aws:s3:::shop/${aws:username, 'x'}/*"],
                "Condition": {
                    "StringNotLike": {"aws:PrincipalTag/a": ["b*"]},
                    "Null": {"aws:SourceVpc": "true"},
                },
            },
        ],
    },
    {
        "Version": "2008-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": [ACCOUNT, "*"], "Service": "sns.amazonaws.com"},
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]},
                "DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["a"]},
                "NumericLessThanIfExists": {"s3:max-keys": 10},
                "Bool": {"aws:SecureTransport": True},
                "BinaryEquals": {"x:y": "QmluYXJ5"},
                "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:t"},
            },
        },
    },
]
ODD = st.sampled_from(
    (
        *(
            None,
            True,
            False,
            0,
            -1,
            1.5,
            1e308,
            10**400,
            "",
            " ",
            "*",
            "**",
            "?",
            "${",
            "${}",
            "${*}",
            "${a,'",
        ),
        *(
            "arn",
            "arn:",
            "arn:aws:s3",
            "::::::",
            ":",
            "s3:",
            ":Get",
            "*:*",
            "s3:Get:Object",
            "\x00",
            "\ud800",
            "é",
            "🦊",
        ),
        *(
            "Allow",
            "Deny",
            "allow",
            "2012-10-17",
            "2099-01-01",
            [],
            {},
            [[]],
            [{}],
            {"": ""},
            {"AWS": []},
            [None],
        ),
        *(
            "a" * 5000,
            "*" * 3000,
            "s3:" + "*a" * 300,
            "arn:aws:s3:::" + "?*" * 200,
            "0.0.0.0/99",
            "::/0",
            "999.1",
        ),
    )
)
ODD = ODD.map(copy.deepcopy)
KEYS = st.sampled_from(
    (
        *(
            "Version",
            "Statement",
            "Effect",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Principal",
            "AWS",
        ),
        *(
            "NotPrincipal",
            "Condition",
            "Sid",
            "Id",
            "StringEquals",
            "ForAllValues:",
            "ForAnyValue:NullIfExists",
        ),
        *("IfExists", "aws:", ":", "", "aws:SourceIp", "DateEquals", "action", "é", "\ud800"),
    )
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values within a value."""
    found = [at]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += places(inner, (*at, number))
    return found


@st.composite
def structures(draw: st.DrawFn) -> Any:
    """A valid document with some of its values replaced, removed, doubled, renamed or wrapped."""
    document: Any = json.loads(json.dumps(draw(st.sampled_from(VALID))))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.sampled_from(places(document)))
        if not at:
            if draw(st.booleans()):
                document = draw(ODD)
            continue
        holder = document
        for step in at[:-1]:
            holder = holder[step]
        last, how = at[-1], draw(st.integers(0, 5))
        if how == 0:
            holder[last] = draw(ODD)
        elif how == 1:
            del holder[last]
        elif how == 2:
            holder[last] = [holder[last], draw(ODD)]
        elif how == 3:
            holder[last] = {draw(KEYS): holder[last]}
        elif how == 4 and isinstance(holder, dict):
            holder[draw(KEYS)] = holder.pop(last)
        elif isinstance(holder, list):
            holder.append(holder[last])
        else:
            holder[draw(KEYS)] = draw(ODD)
        if not isinstance(document, (dict, list)):
            break
    return document


@st.composite
def texts(draw: st.DrawFn) -> str:
    """The text of a document, mutated in structure or by characters."""
    if draw(st.booleans()):
        return json.dumps(draw(structures()), ensure_ascii=draw(st.booleans()))
    text = json.dumps(draw(st.sampled_from(VALID)), indent=draw(st.sampled_from((None, 1))))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 12)))
        put = draw(
            st.sampled_from(
                ('"', "{", "}", "[", "]", ":", ",", "\\", "\\u12", "\x00", "1e9", " ", "*", "${", "")
            )
        )
        text = text[:at] + put + text[to:]
    return text


def everything(text: str) -> None:
    """All that reads a policy."""
    for named in (None, True, False):
        read_ = parse(text, "p", principal=named)
        MASKER.policy(read_)
        for request in REQUESTS:
            for layer in ("identity", "resource", "boundary", "session", "endpoint"):
                decide(request, Policies(**{layer: PolicySet([read_])}))
            decide(request, Policies(identity=PolicySet([read_]), scps=(PolicySet([read_]),)))
        idle_denies(read_)
    for type_ in PolicyType:
        lint(text, type_)
    codes(text, PolicyType.IDENTITY)
    lint_file(text)
    review(text)
    for kind in FACTS:
        facts(kind, text, ACCOUNT)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts())
def test_no_text_crashes_what_reads_policies(text: str) -> None:
    everything(text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts())
def test_what_cannot_be_read_is_told_and_grants_nothing(text: str) -> None:
    policy = parse(text, "p", principal=False)
    granted = PolicySet([policy])
    for request in REQUESTS:
        outcome = decide(request, Policies(identity=granted)).outcome
        if outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
            # Only a statement that is well formed may have allowed it.
            sound = [s for s in policy.statements if s.allow and not s.broken]
            assert any(s.action_matches(request.action.lower()) for s in sound)
    if policy.problems:
        assert lint(text, PolicyType.IDENTITY), policy.problems


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(structures(), structures())
def test_comparing_what_is_malformed_never_crashes(old: Any, new: Any) -> None:
    no_new_access(json.dumps(old), json.dumps(new))


DEEP = "[" * 5000 + "]" * 5000
HUGE: dict[str, str] = {
    "deep list": DEEP,
    "deep object": '{"Statement":' * 3000 + "1" + "}" * 3000,
    "deep condition": '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*",'
    + '"Condition":'
    + '{"a":' * 500
    + "1"
    + "}" * 500
    + "}]}",
    "many actions": json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": [f"s3:Get{n}*" for n in range(8000)], "Resource": "*"},
        }
    ),
    "many statements": json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": f"s3:Get{n}", "Resource": f"arn:aws:s3:::b{n}/*"}
                for n in range(1200)
            ],
        }
    ),
    "many wild resources": json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::*a{n}*b*c*" for n in range(4000)],
            },
        }
    ),
    "one long pattern": json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Action": "s3:" + "*a" * 20000,
                "Resource": "arn:aws:s3:::" + "?*" * 20000,
            },
        }
    ),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_is_deep_or_huge_is_read_in_bounds(name: str) -> None:
    import time

    begin = time.process_time()
    everything(HUGE[name])
    assert time.process_time() - begin < 20
    if name.startswith("deep"):
        assert read(HUGE[name], "p", False).problems
