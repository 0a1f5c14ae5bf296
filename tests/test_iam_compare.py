"""No new access, access not granted, no public access: known answers, and agreement with the engine."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from partywall.analysis.iam.automata import arn_tokens, classes, glob_tokens, resource_tokens
from partywall.analysis.iam.compare import (
    Access,
    Comparison,
    Outcome,
    access_not_granted,
    no_new_access,
    no_public_access,
)
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Outcome as Decided
from partywall.analysis.iam.evaluate import Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.patterns import arn, glob
from partywall.analysis.iam.patterns import resource as resource_test
from partywall.analysis.iam.principal import principal
from partywall.cli.iam_policies import register

USER = principal("arn:aws:iam::111122223333:user/a")


def doc(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


HOME = "arn:aws:s3:::h/${aws:username}/*"
NONE, NEW, UNDECIDED = Outcome.NONE, Outcome.NEW, Outcome.UNDECIDED
KNOWN: list[tuple[str, dict[str, Any], dict[str, Any], Outcome]] = [
    ("the same", doc(allow("s3:Get*")), doc(allow("s3:Get*")), NONE),
    ("fewer actions", doc(allow("s3:Get*")), doc(allow("s3:GetObject")), NONE),
    ("more actions", doc(allow("s3:GetObject")), doc(allow("s3:GetObject*")), NEW),
    ("case", doc(allow("s3:GETobject")), doc(allow("S3:getObject")), NONE),
    (
        "a union covers",
        doc(allow("s3:*", "arn:aws:s3:::a*"), allow("s3:*", "arn:aws:s3:::b*")),
        doc(allow("s3:*", ["arn:aws:s3:::aa", "arn:aws:s3:::bb"])),
        NONE,
    ),
    ("a union of ? and *", doc(allow("s3:A?"), allow("s3:A"), allow("s3:A??*")), doc(allow("s3:A*")), NONE),
    ("a gap in a union", doc(allow("s3:A?"), allow("s3:A??*")), doc(allow("s3:A*")), NEW),
    (
        "complement",
        doc(allow("s3:*"), {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
        doc(allow("*")),
        NONE,
    ),
    (
        "NotAction widened",
        doc({"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": "*"}),
        doc({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        NEW,
    ),
    (
        "NotResource",
        doc({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::a*"}),
        doc({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::*"}),
        NONE,
    ),
    (
        "segments",
        doc(allow("sqs:*", "arn:aws:sqs:*:111122223333:a")),
        doc(allow("sqs:*", "arn:aws:sqs:*:*:a")),
        NEW,
    ),
    (
        "a deny added",
        doc(allow("s3:*")),
        doc(allow("*"), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}),
        NONE,
    ),
    ("a deny taken away", doc(allow("s3:*"), deny("s3:DeleteBucket")), doc(allow("s3:*")), NEW),
    (
        "a deny narrowed",
        doc(allow("s3:*"), deny("s3:Delete*")),
        doc(allow("s3:*"), deny("s3:DeleteBucket")),
        NEW,
    ),
    (
        "a condition added",
        doc(allow("s3:*")),
        doc(allow("s3:*", **when("Bool", "aws:SecureTransport", "true"))),
        NONE,
    ),
    (
        "a condition taken away",
        doc(allow("s3:*", **when("Bool", "aws:SecureTransport", "true"))),
        doc(allow("s3:*")),
        NEW,
    ),
    (
        "both truths cover",
        doc(
            allow("s3:*", **when("Bool", "aws:SecureTransport", "true")),
            allow("s3:*", **when("Bool", "aws:SecureTransport", "false")),
        ),
        doc(allow("s3:*")),
        NONE,
    ),
    (
        "a deny of the opposite",
        doc(allow("s3:*", **when("Bool", "aws:SecureTransport", "true"))),
        doc(allow("s3:*"), deny("s3:*", **when("Bool", "aws:SecureTransport", "false"))),
        NONE,
    ),
    (
        "a missing key",
        doc(allow("s3:*", **when("StringEquals", "aws:PrincipalTag/a", "b"))),
        doc(allow("s3:*"), deny("s3:*", **when("StringNotEqualsIfExists", "aws:PrincipalTag/a", "b"))),
        NONE,
    ),
    (
        "a missing key escapes",
        doc(allow("s3:*", **when("StringEquals", "aws:PrincipalTag/a", "b"))),
        doc(allow("s3:*"), deny("s3:*", **when("ForAnyValue:StringNotEquals", "aws:PrincipalTag/a", "b"))),
        NEW,
    ),
    (
        "negated with a missing key",
        doc(allow("s3:*", **when("StringEquals", "aws:PrincipalTag/a", "b"))),
        doc(allow("s3:*"), deny("s3:*", **when("StringNotEquals", "aws:PrincipalTag/a", "b"))),
        NONE,
    ),
    (
        "a narrower range",
        doc(allow("s3:*", **when("IpAddress", "aws:SourceIp", "8.8.0.0/16"))),
        doc(allow("s3:*", **when("IpAddress", "aws:SourceIp", "8.8.8.0/24"))),
        NONE,
    ),
    (
        "two halves of a range",
        doc(allow("s3:*", **when("IpAddress", "aws:SourceIp", "8.8.0.0/17", "8.8.128.0/17"))),
        doc(allow("s3:*", **when("IpAddress", "aws:SourceIp", "8.8.0.0/16"))),
        NONE,
    ),
    (
        "a wider range",
        doc(allow("s3:*", **when("IpAddress", "aws:SourceIp", "8.8.8.0/24"))),
        doc(allow("s3:*", **when("IpAddress", "aws:SourceIp", "8.8.8.0/23"))),
        NEW,
    ),
    (
        "a smaller number",
        doc(allow("s3:*", **when("NumericLessThan", "s3:max-keys", "10"))),
        doc(allow("s3:*", **when("NumericLessThanEquals", "s3:max-keys", "9"))),
        NONE,
    ),
    (
        "a touching number",
        doc(allow("s3:*", **when("NumericLessThan", "s3:max-keys", "10"))),
        doc(allow("s3:*", **when("NumericLessThanEquals", "s3:max-keys", "10"))),
        NEW,
    ),
    (
        "a later date",
        doc(allow("s3:*", **when("DateLessThan", "aws:CurrentTime", "2026-01-01"))),
        doc(allow("s3:*", **when("DateLessThan", "aws:CurrentTime", "2027-01-01"))),
        NEW,
    ),
    (
        "patterns of values",
        doc(allow("s3:*", **when("StringLike", "aws:PrincipalTag/a", "x*"))),
        doc(allow("s3:*", **when("StringEquals", "aws:PrincipalTag/a", "xa", "xb"))),
        NONE,
    ),
    (
        "sets",
        doc(allow("s3:*", **when("ForAnyValue:StringEquals", "aws:TagKeys", "a"))),
        doc(allow("s3:*", **when("ForAllValues:StringEquals", "aws:TagKeys", "a"))),
        NEW,
    ),
    ("the same variable", doc(allow("s3:*", HOME)), doc(allow("s3:*", HOME)), NONE),
    ("a variable within a pattern", doc(allow("s3:*", "arn:aws:s3:::h/*")), doc(allow("s3:*", HOME)), NONE),
    ("a variable made wide", doc(allow("s3:*", HOME)), doc(allow("s3:*", "arn:aws:s3:::h/*")), NEW),
    (
        "a variable that may be denied",
        doc(allow("s3:*", HOME), deny("s3:*", "arn:aws:s3:::h/root/*")),
        doc(allow("s3:*", HOME)),
        UNDECIDED,
    ),
    (
        "a malformed policy",
        doc(allow("s3:*")),
        doc({"Effect": "Allow", "Action": 5, "Resource": "*"}),
        UNDECIDED,
    ),
    (
        "both kinds of case",
        doc(allow("s3:*", **when("StringEqualsIgnoreCase", "aws:username", "a"))),
        doc(allow("s3:*", **when("StringEquals", "aws:username", "a"))),
        UNDECIDED,
    ),
    (
        "principals",
        doc(allow("s3:*", Principal={"AWS": "111122223333"})),
        doc(allow("s3:*", Principal={"AWS": "arn:aws:iam::111122223333:role/a"})),
        NONE,
    ),
    (
        "another account",
        doc(allow("s3:*", Principal={"AWS": "111122223333"})),
        doc(allow("s3:*", Principal={"AWS": ["111122223333", "444455556666"]})),
        NEW,
    ),
    (
        "everyone",
        doc(allow("s3:*", Principal={"AWS": "111122223333"})),
        doc(allow("s3:*", Principal="*")),
        NEW,
    ),
    (
        "a service",
        doc(allow("s3:*", Principal={"Service": "b.amazonaws.com"})),
        doc(allow("s3:*", Principal={"Service": "a.amazonaws.com"})),
        NEW,
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "outcome"), KNOWN, ids=[k[0] for k in KNOWN])
def test_known(name: str, old: dict[str, Any], new: dict[str, Any], outcome: Outcome) -> None:
    found = no_new_access(old, new)
    assert found.outcome is outcome, found
    assert (found.access is not None) == (outcome is NEW)
    assert bool(found.reason) == (outcome is UNDECIDED)


def allowed(policy: dict[str, Any], access: Access) -> bool:
    """The engine's word on one request by an identity policy."""
    context = Context({k: v for k, v in access.context.items() if v is not None}, complete=True)
    request = Request(USER, access.action, Resource(access.resource), context)
    made = PolicySet([parse(policy, principal=False)])
    return decide(request, Policies(identity=made)).outcome is Decided.ALLOWED


def confirmed(old: dict[str, Any], new: dict[str, Any], found: Comparison) -> bool:
    return found.access is not None and allowed(new, found.access) and not allowed(old, found.access)


def test_counterexamples_hold_before_the_engine() -> None:
    tried = [(o, n) for name, o, n, out in KNOWN if out is NEW and "Principal" not in n["Statement"][0]]
    assert len(tried) > 10
    for old, new in tried:
        found = no_new_access(old, new)
        assert confirmed(old, new, found), (old, new, found)


ACTIONS = ["s3:a", "s3:ab", "s3:b", "iam:a", "iam:bb"]
RESOURCES = [
    "arn:aws:s3:::a",
    "arn:aws:s3:::ab",
    "arn:aws:s3:::b:c",
    "arn:aws:iam::1:a",
    "arn:aws:iam::2:b",
    "*",
]
CONTEXTS: list[dict[str, Any]] = [
    {"aws:principaltag/t": t, "aws:sourceip": ip}
    for t, ip in itertools.product(
        (None, ("x",), ("xy",), ("z",)), (None, ("8.8.8.8",), ("8.8.9.9",), ("1.1.1.1",))
    )
]
CONDITIONS = st.sampled_from(
    [
        {},
        {},
        {"StringEquals": {"aws:PrincipalTag/t": "x"}},
        {"StringLike": {"aws:PrincipalTag/t": "x*"}},
        {"StringNotEquals": {"aws:PrincipalTag/t": ["x", "z"]}},
        {"StringEqualsIfExists": {"aws:PrincipalTag/t": "xy"}},
        {"Null": {"aws:PrincipalTag/t": "true"}},
        {"IpAddress": {"aws:SourceIp": "8.8.0.0/16"}},
        {"NotIpAddress": {"aws:SourceIp": ["8.8.8.0/24"]}},
        {"StringLike": {"aws:PrincipalTag/t": "?"}, "IpAddress": {"aws:SourceIp": "8.8.8.0/24"}},
    ]
)
PATTERNS = st.lists(
    st.sampled_from(["*", "s3:*", "s3:a", "s3:a*", "*:a", "s3:?", "i*:b?", "s3:*b"]), min_size=1, max_size=2
)
ARNS = st.lists(
    st.sampled_from(
        [
            "*",
            "arn:aws:s3:::*",
            "arn:aws:s3:::a*",
            "arn:aws:s3:::?",
            "arn:aws:*:*:1:*",
            "arn:*:iam::?:b",
            "arn:aws:s3:::*:c",
        ]
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    made["NotAction" if draw(st.integers(0, 4)) == 0 else "Action"] = draw(PATTERNS)
    made["NotResource" if draw(st.integers(0, 4)) == 0 else "Resource"] = draw(ARNS)
    if condition := draw(CONDITIONS):
        made["Condition"] = condition
    return made


DOCUMENTS = st.lists(statements(), min_size=1, max_size=3).map(lambda s: doc(*s))


@given(DOCUMENTS, DOCUMENTS)
@settings(max_examples=150, deadline=None)
def test_agrees_with_sampling(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = no_new_access(old, new)
    assert found.outcome is not UNDECIDED
    if found.outcome is NEW:
        assert confirmed(old, new, found), found
        return
    for action, resource, context in itertools.product(ACTIONS, RESOURCES, CONTEXTS):
        access = Access(action, resource, "", context)
        assert not allowed(new, access) or allowed(old, access), access


@given(DOCUMENTS, statements())
@settings(max_examples=100, deadline=None)
def test_denying_more_is_never_new(policy: dict[str, Any], more: dict[str, Any]) -> None:
    denied = doc(*policy["Statement"], {**more, "Effect": "Deny"})
    assert no_new_access(policy, denied).outcome is NONE


def resource_matches(pattern: str, text: str) -> bool:
    return resource_test(pattern)(text)


@given(DOCUMENTS, PATTERNS, ARNS)
@settings(max_examples=100, deadline=None)
def test_access_not_granted_agrees(policy: dict[str, Any], actions: list[str], arns: list[str]) -> None:
    found = access_not_granted(policy, actions, arns)
    if found.outcome is NEW:
        assert found.access is not None and allowed(policy, found.access)
        assert any(glob(p)(found.access.action.lower()) for p in actions)
        assert any(resource_matches(p, found.access.resource) for p in arns)
        return
    for action, resource, context in itertools.product(ACTIONS, RESOURCES, CONTEXTS):
        if any(glob(p)(action) for p in actions) and any(resource_matches(p, resource) for p in arns):
            assert not allowed(policy, Access(action, resource, "", context))


@given(
    st.lists(st.text(alphabet="ab*?:", max_size=5), min_size=1, max_size=4),
    st.lists(st.text(alphabet="abc:", max_size=7), max_size=20),
)
@settings(max_examples=150, deadline=None)
def test_classes_are_exact(patterns: list[str], texts: list[str]) -> None:
    found = classes([glob_tokens(p) for p in patterns])
    members = {each.members for each in found}
    assert len(members) == len(found)
    for each in found:
        assert each.members == sum(1 << n for n, p in enumerate(patterns) if glob(p)(each.example))
    for text in texts:
        assert sum(1 << n for n, p in enumerate(patterns) if glob(p)(text)) in members


@given(
    st.lists(st.sampled_from(["*", "a:*:b:*:?:*", "a:b", "a:*:b*:::x*:y", "?:::::*"]), min_size=1, max_size=3)
)
def test_arn_classes_match_as_the_engine_does(patterns: list[str]) -> None:
    for each in classes([arn_tokens(p) for p in patterns]):
        if each.example.count(":") >= 5:
            assert each.members == sum(1 << n for n, p in enumerate(patterns) if arn(p)(each.example))


@given(
    st.lists(st.sampled_from(["*", "a:b*:c:*:?:d", "a:b", "a:?*:b", "a:*:b*:::x*:y"]), min_size=1, max_size=3)
)
def test_resource_classes_match_as_the_engine_does(patterns: list[str]) -> None:
    union = [resource_tokens(p) for p in patterns]
    owner = [n for n, tokens in enumerate(union) for _ in tokens]
    for each in classes([t for tokens in union for t in tokens]):
        found = {owner[n] for n in range(len(owner)) if each.members >> n & 1}
        assert found == {n for n, p in enumerate(patterns) if resource_test(p)(each.example)}, each


def test_public() -> None:
    everyone = doc(allow("s3:GetObject", "arn:aws:s3:::b/*", Principal="*"))
    bound = doc(
        allow(
            "s3:GetObject",
            "arn:aws:s3:::b/*",
            Principal="*",
            **when("StringEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5"),
        )
    )
    assert no_public_access(json.dumps(everyone))[0] is True
    assert no_public_access(json.dumps(bound))[0] is False
    assert no_public_access("{")[0] is None


def test_commands(tmp_path: Path) -> None:
    app = typer.Typer()
    register(app)
    run = CliRunner()
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(doc(allow("s3:GetObject"))))
    new.write_text(json.dumps(doc(allow("s3:*"))))
    assert run.invoke(app, ["no-new-access", str(new), str(old)]).exit_code == 0
    result = run.invoke(app, ["no-new-access", str(old), str(new), "--format", "json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["example"]["action"].startswith("s3:")
    assert run.invoke(app, ["access-not-granted", str(new), "--action", "s3:PutObject"]).exit_code == 1
    assert run.invoke(app, ["access-not-granted", str(old), "--action", "s3:PutObject"]).exit_code == 0
    for name, who, code in (("open", "*", 1), ("closed", {"AWS": "111122223333"}, 0)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(doc(allow("s3:GetObject", "arn:aws:s3:::b/*", Principal=who))))
        assert run.invoke(app, ["no-public-access", str(path)]).exit_code == code
    assert run.invoke(app, ["no-public-access", str(old)]).exit_code == 1, "no resource policy: not decided"
