"""What must hold of every decision, whatever the policies: shown by generated ones."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Outcome, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.principal import Principal, principal

ACCOUNT, OTHER = "111122223333", "444455556666"
IAM, STS = f"arn:aws:iam::{ACCOUNT}", f"arn:aws:sts::{ACCOUNT}"
PRINCIPALS = [
    principal(f"{IAM}:user/User", tags={"team": "blue"}),
    principal(f"{IAM}:role/Role"),
    principal(f"{STS}:assumed-role/Role/Session"),
    principal(f"{STS}:federated-user/Fed", user_arn=f"{IAM}:user/User"),
    principal(ACCOUNT),
    principal("sns.amazonaws.com"),
    principal("*"),
]
# Keys whose values the requests leave open, and the values that the policies ask for.
KEYS = ("test:a", "test:b", "aws:sourcevpce")
VALUES = ("x", "y")
ACTIONS = ("s3:GetObject", "s3:PutObject", "kms:Decrypt", "sts:AssumeRole")
ARNS = (
    "arn:aws:s3:::bucket/x",
    f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k",
    f"arn:aws:iam::{ACCOUNT}:role/Target",
)
NAMED: tuple[Any, ...] = (
    "*",
    {"AWS": ACCOUNT},
    {"AWS": f"{IAM}:user/User"},
    {"AWS": f"{IAM}:role/Role"},
    {"AWS": f"{STS}:assumed-role/Role/Session"},
    {"Service": "sns.amazonaws.com"},
)
OPERATORS = (
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIfExists",
    "StringNotEqualsIfExists",
    "ForAllValues:StringEquals",
    "ForAnyValue:StringEquals",
    "ForAllValues:StringNotLike",
    "ForAnyValue:StringNotEquals",
)

conditions = st.one_of(
    st.just({}),
    st.dictionaries(
        st.sampled_from(OPERATORS),
        st.dictionaries(
            st.sampled_from(KEYS),
            st.lists(st.sampled_from((*VALUES, "*", "${test:b}", "${test:a, 'x'}")), min_size=1, max_size=2),
            min_size=1,
            max_size=2,
        ),
        max_size=2,
    ),
    st.fixed_dictionaries(
        {"Null": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(("true", "false")), min_size=1)}
    ),
)


@st.composite
def statements(draw: st.DrawFn, named: bool = False, effect: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {
        "Effect": effect or draw(st.sampled_from(("Allow", "Allow", "Deny"))),
        draw(st.sampled_from(("Action", "Action", "NotAction"))): draw(
            st.sampled_from(("*", "s3:*", "s3:Get*", "kms:*", "sts:*"))
        ),
        draw(st.sampled_from(("Resource", "Resource", "NotResource"))): draw(
            st.sampled_from(
                ("*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/${test:a}", "arn:aws:kms:*:*:*")
            )
        ),
        "Condition": draw(conditions),
    }
    if named:
        not_ = made["Effect"] == "Deny" and draw(st.booleans())
        made["NotPrincipal" if not_ else "Principal"] = draw(st.sampled_from(NAMED))
    return made


def _set(documents: list[dict[str, Any]]) -> PolicySet:
    return PolicySet([parse(json.dumps({"Version": "2012-10-17", "Statement": documents}))])


def sets(named: bool = False) -> st.SearchStrategy[PolicySet]:
    return st.lists(statements(named), max_size=3).map(_set)


policies = st.builds(
    Policies,
    identity=st.none() | sets(),
    resource=st.none() | sets(named=True),
    boundary=st.none() | sets(),
    session=st.none() | sets(),
    scps=st.lists(sets(), max_size=2).map(tuple),
    rcps=st.lists(sets(), max_size=2).map(tuple),
    endpoint=st.none() | sets(named=True),
    public_blocked=st.sampled_from((False, True)),
)
requests = st.builds(
    Request,
    st.sampled_from(PRINCIPALS),
    st.sampled_from(ACTIONS),
    st.builds(Resource, st.sampled_from(ARNS), st.sampled_from((ACCOUNT, OTHER))),
)
LAYERS = ("identity", "resource", "boundary", "session", "endpoint")
_RANK = {
    Outcome.EXPLICITLY_DENIED: 0,
    Outcome.IMPLICITLY_DENIED: 0,
    Outcome.DEPENDS: 1,
    Outcome.ALLOWED: 2,
}


def _together(a: PolicySet | None, b: PolicySet) -> PolicySet:
    return PolicySet([*(a.policies if a else ()), *b.policies])


def _no_more(before: Outcome, after: Outcome) -> bool:
    return _RANK[after] <= _RANK[before]


@given(requests, policies, st.sampled_from(LAYERS), st.data())
@settings(max_examples=300, deadline=None)
def test_adding_a_deny_never_adds_access(
    request: Request, given_: Policies, layer: str, data: st.DataObject
) -> None:
    named = layer in ("resource", "endpoint")
    if layer in ("session", "endpoint") and getattr(given_, layer) is None:
        # Adding the first policy of these kinds is another property: a token of GetFederationToken without
        # any session policy may do nothing at all.
        return
    denied = _set([data.draw(statements(named, "Deny"))])
    more = replace(given_, **{layer: _together(getattr(given_, layer), denied)})
    assert _no_more(decide(request, given_).outcome, decide(request, more).outcome)


@given(requests, policies)
@settings(max_examples=200, deadline=None)
def test_an_explicit_denial_tells_the_layers_that_deny(request: Request, given_: Policies) -> None:
    found = decide(request, given_)
    if found.outcome is Outcome.EXPLICITLY_DENIED:
        assert found.deciding == tuple(s for step in found.steps for s in step.statements)
        assert all(step.result is False and step.statements for step in found.steps)


@given(requests, policies, sets(), st.sampled_from(("scps", "rcps")))
@settings(max_examples=200, deadline=None)
def test_adding_a_level_of_scps_or_rcps_never_adds_access(
    request: Request, given_: Policies, level: PolicySet, kind: str
) -> None:
    more = replace(given_, **{kind: (*getattr(given_, kind), level)})
    assert _no_more(decide(request, given_).outcome, decide(request, more).outcome)


@given(requests, policies, sets(), sets(named=True), st.sampled_from(("boundary", "session", "endpoint")))
@settings(max_examples=300, deadline=None)
def test_adding_a_boundary_session_or_endpoint_policy_never_adds_access(
    request: Request, given_: Policies, unnamed: PolicySet, named: PolicySet, layer: str
) -> None:
    without = replace(given_, **{layer: None})
    if layer == "session" and request.principal is PRINCIPALS[3]:
        return
    more = replace(given_, **{layer: named if layer == "endpoint" else unnamed})
    assert _no_more(decide(request, without).outcome, decide(request, more).outcome)


@given(requests, policies)
@settings(max_examples=150, deadline=None)
def test_a_decision_that_does_not_depend_is_the_same_in_every_completion(
    request: Request, given_: Policies
) -> None:
    open_ = decide(request, given_).outcome
    seen: set[Outcome] = set()
    for chosen in itertools.product((None, ("x",), ("y",), ("z", "x"), ()), repeat=len(KEYS)):
        known = {k: v for k, v in zip(KEYS, chosen, strict=True) if v is not None}
        complete = replace(request, context=Context(known, complete=True))
        decided = decide(complete, given_)
        assert decided.outcome is not Outcome.DEPENDS
        assert not decided.residual
        seen.add(decided.outcome)
    if open_ is not Outcome.DEPENDS:
        # An implicit denial may turn out to be an explicit one: both refuse.
        refused = {Outcome.IMPLICITLY_DENIED, Outcome.EXPLICITLY_DENIED}
        assert seen == {open_} or (open_ is Outcome.IMPLICITLY_DENIED and seen <= refused)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(("Allow", "Deny", "*", "s3:*", "2012-10-17", "arn:aws:s3:::*", "${", "${a,'")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Version",
                    "Statement",
                    "Effect",
                    "Action",
                    "NotAction",
                    "Resource",
                    "Principal",
                    "Condition",
                    "StringEquals",
                    "AWS",
                    "x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A document that is well formed but for one element, or random JSON, or random text."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(st.text(max_size=60))
    if kind == 1:
        return json.dumps(draw(_json))
    document: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    if kind == 2:
        document["Version"] = draw(_json.filter(lambda v: v not in ("2012-10-17", "2008-10-17")))
    elif kind == 3:
        document["Statement"][0][draw(st.sampled_from(("Effects", "action", "Principals", "x")))] = draw(
            _json
        )
    else:
        wrong = _json.filter(lambda v: v not in ("Allow", "Deny"))
        document["Statement"][0]["Effect"] = draw(wrong)
    return json.dumps(document)


@given(requests, policies, broken(), st.sampled_from(LAYERS))
@settings(max_examples=300, deadline=None)
def test_malformed_policies_never_crash_and_never_widen(
    request: Request, given_: Policies, text: str, layer: str
) -> None:
    read = parse(text)
    if not read.problems:
        return
    present = getattr(given_, layer)
    if layer in ("boundary", "session", "endpoint") and present is None:
        given_ = replace(given_, **{layer: PolicySet([])})
    more = replace(given_, **{layer: _together(present, PolicySet([read]))})
    if not any(s.allow and not s.broken for s in read.statements):
        assert _no_more(decide(request, given_).outcome, decide(request, more).outcome)
    else:
        decide(request, more)


def test_deep_and_huge_documents_are_problems_and_grant_nothing() -> None:
    user: Principal = PRINCIPALS[0]
    request = Request(user, "s3:GetObject", Resource("arn:aws:s3:::bucket/x", ACCOUNT))
    deep = "[" * 100_000 + "]" * 100_000
    nested = '{"Version":' + '{"a":' * 900 + "1" + "}" * 900 + ',"Statement":[]}'
    huge = json.dumps({"Version": "2012-10-17", "Statement": [], "Id": "x" * 2_000_000})
    for text in (deep, nested, huge, "", "\0", '"', "null", "1e999"):
        read = parse(text)
        assert read.problems
        found = decide(request, Policies(identity=PolicySet([read])))
        assert found.outcome is Outcome.IMPLICITLY_DENIED


def test_a_document_of_100_kb_is_read_and_evaluated() -> None:
    many = [f"arn:aws:s3:::bucket-{n}/*" for n in range(4000)]
    text = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": many}}
    )
    assert len(text) > 100_000
    layer = Policies(identity=PolicySet([parse(text)]))
    found = decide(Request(PRINCIPALS[0], "s3:GetObject", Resource(many[-1][:-1] + "k", ACCOUNT)), layer)
    assert found.outcome is Outcome.ALLOWED
