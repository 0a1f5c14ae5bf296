"""Masks: may covers exact, exact covers must, classes agree with principal-by-principal evaluation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Layer, Outcome, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.masks import Masker, Member, classes
from partywall.analysis.iam.patterns import glob
from partywall.analysis.iam.patterns import resource as resource_pattern
from partywall.analysis.iam.population import Population
from partywall.analysis.iam.principal import Kind, Principal, of_caller, principal
from partywall.analysis.iam.universe import actions, arns, positions

ACCOUNT = "111122223333"
ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "iam:PassRole",
    "iam:CreateUser",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
    "kms:Decrypt",
    "lambda:InvokeFunction",
)
RESOURCES = (
    "*",
    "arn:aws:s3:::bucket/key",
    "arn:aws:s3:::other",
    f"arn:aws:iam::{ACCOUNT}:role/app",
    f"arn:aws:iam::{ACCOUNT}:user/u1",
    f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k",
    f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f",
)
PATTERNS = (
    "*",
    "s3:*",
    "s3:Get*",
    "*:*Object",
    "iam:?assRole",
    "iam:*",
    "sts:*",
    "s3:GetObject",
    "kms:*",
    "lambda:I*",
)
PLACES = (
    "*",
    "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::*",
    f"arn:aws:iam::{ACCOUNT}:*",
    f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}",
    f"arn:aws:*:*:{ACCOUNT}:*",
)
CONDITIONS: tuple[dict[str, Any] | None, ...] = (
    None,
    None,
    {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "ops"}},
    {"StringLikeIfExists": {"aws:UserAgent": "*"}},
    {"Null": {"aws:MultiFactorAuthAge": "true"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"ForAnyValue:StringNotLike": {"aws:TagKeys": "*"}},
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(("Allow", "Allow", "Allow", "Deny")))}
    made[draw(st.sampled_from(("Action", "Action", "Action", "NotAction")))] = draw(
        st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3)
    )
    made[draw(st.sampled_from(("Resource", "Resource", "Resource", "NotResource")))] = draw(
        st.lists(st.sampled_from(PLACES), min_size=1, max_size=2)
    )
    condition = draw(st.sampled_from(CONDITIONS))
    if condition:
        made["Condition"] = condition
    if draw(st.integers(0, 20)) == 0:
        made["Nonsense"] = True
    return made


POLICY = st.lists(statements(), min_size=1, max_size=3).map(
    lambda s: parse({"Version": "2012-10-17", "Statement": s}, "policy")
)
# A small pool, so that members of one example share policies and fall into classes.
WIDE = parse(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, "wide"
)
PRINCIPALS = (
    principal(f"arn:aws:iam::{ACCOUNT}:user/u1", tags={"team": "ops"}),
    principal(f"arn:aws:iam::{ACCOUNT}:user/u2", tags={"team": "dev"}),
    principal(f"arn:aws:iam::{ACCOUNT}:user/u3"),
    principal(f"arn:aws:iam::{ACCOUNT}:role/app", tags={}),
    principal(f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"),
    principal(f"arn:aws:iam::{ACCOUNT}:user/boss", management=True),
    principal(ACCOUNT),
)
CONTEXTS = st.sampled_from(
    (
        Context(),
        Context({"aws:RequestedRegion": "eu-west-1", "aws:SecureTransport": True}),
        Context({"aws:RequestedRegion": "us-east-1"}, missing=["aws:UserAgent"]),
        Context({"aws:SecureTransport": False, "aws:TagKeys": ["a"]}),
    )
)


@st.composite
def members(draw: st.DrawFn) -> list[Member]:
    pool = [*draw(st.lists(POLICY, min_size=1, max_size=4)), WIDE]
    sets = st.lists(st.sampled_from(pool), min_size=1, max_size=3)
    bounds = [None, *(PolicySet([p]) for p in pool)]
    chains = [(), *((PolicySet([p]),) for p in pool), (PolicySet([WIDE]), PolicySet([pool[0]]))]
    unread = st.sampled_from((frozenset[Layer](),) * 5 + tuple(frozenset((layer,)) for layer in Layer))
    return [
        Member(
            draw(st.sampled_from(PRINCIPALS)),
            Policies(
                PolicySet(draw(sets)),
                boundary=draw(st.sampled_from(bounds)),
                session=draw(st.sampled_from([None, None, None, *bounds])),
                scps=draw(st.sampled_from(chains)),
                unread=draw(unread),
            ),
        )
        for _ in range(draw(st.integers(1, 6)))
    ]


MASKER = Masker()


@settings(max_examples=150, deadline=None)
@given(members(), CONTEXTS)
def test_may_covers_exact_and_exact_covers_must(given_: list[Member], context: Context) -> None:
    masker = Masker(MASKER.universe)
    universe = masker.universe
    for member in given_:
        effective = masker.effective(member.principal, member.policies)
        assert effective.must & ~effective.may == 0
        for action in ACTIONS:
            for resource in RESOURCES:
                made = decide(
                    Request(member.principal, action, Resource(resource, ACCOUNT), context), member.policies
                )
                if universe.has(effective.must, action.lower()):
                    assert made.must, (action, resource)
                if made.may and Layer.RESOURCE not in member.policies.unread:
                    assert universe.has(effective.may, action.lower()), (action, resource)


@settings(max_examples=100, deadline=None)
@given(members(), CONTEXTS, st.sampled_from(ACTIONS), st.sampled_from(RESOURCES))
def test_classes_answer_as_principals_do_one_by_one(
    given_: list[Member], context: Context, action: str, arn: str
) -> None:
    resource = Resource(arn, ACCOUNT)
    population = Population(given_, Masker(MASKER.universe))
    may = dict(population.who_can(action, resource, context))
    sorted_: dict[int, Outcome] = {}
    for group, outcome in population.outcomes(action, resource, context):
        each = [outcome] * len(group.members) if isinstance(outcome, Outcome) else outcome
        sorted_.update(zip(group.members, each, strict=True))
    for n, member in enumerate(given_):
        made = decide(Request(member.principal, action, resource, context), member.policies)
        assert may.get(n) is (made.outcome if made.may else None)
        assert sorted_[n] is made.outcome


@settings(max_examples=100, deadline=None)
@given(members(), CONTEXTS, st.sampled_from(ACTIONS), st.sampled_from(RESOURCES), POLICY)
def test_classes_know_other_accounts_endpoints_and_rcps(
    given_: list[Member], context: Context, action: str, arn: str, more: Any
) -> None:
    layer = PolicySet([more])
    widened = [
        Member(m.principal, replace(m.policies, endpoint=layer if n % 2 else None, rcps=(layer,)))
        for n, m in enumerate(given_)
    ]
    for blocked in (True, None, False):
        listed = [Member(m.principal, replace(m.policies, public_blocked=blocked)) for m in widened]
        for account in (ACCOUNT, "999988887777", ""):
            resource = Resource(arn, account)
            found = dict(Population(listed, Masker(MASKER.universe)).who_can(action, resource, context))
            for n, member in enumerate(listed):
                made = decide(Request(member.principal, action, resource, context), member.policies)
                assert found.get(n) is (made.outcome if made.may else None)


def test_limits_that_ask_who_it_is_and_unread_identities_are_judged_of_each() -> None:
    asks = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    asks["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "ops"}}
    scp = (PolicySet([WIDE, parse({"Version": "2012-10-17", "Statement": asks}, "scp")]),)
    wide, nothing = PolicySet([WIDE]), PolicySet([])
    unread = frozenset((Layer.IDENTITY,))
    cases = [
        (PRINCIPALS[1], wide, scp, frozenset[Layer](), Outcome.ALLOWED),
        (PRINCIPALS[0], wide, scp, frozenset[Layer](), Outcome.EXPLICITLY_DENIED),
        (PRINCIPALS[1], nothing, scp, frozenset[Layer](), Outcome.IMPLICITLY_DENIED),
        (PRINCIPALS[1], nothing, (), unread, Outcome.DEPENDS),
        (PRINCIPALS[0], wide, (), unread, Outcome.DEPENDS),
    ]
    given_ = [Member(who, Policies(own, scps=scps, unread=open_)) for who, own, scps, open_, _ in cases]
    population, resource = Population(given_, MASKER), Resource("*", ACCOUNT)
    for n, (*_, expected) in enumerate(cases):
        member = given_[n]
        assert (
            decide(Request(member.principal, "s3:GetObject", resource), member.policies).outcome is expected
        )
    assert population.who_can("s3:GetObject", resource) == [
        (n, case[-1]) for n, case in enumerate(cases) if case[-1] in (Outcome.ALLOWED, Outcome.DEPENDS)
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_what_differs_between_callers_is_asked_of_each(kind: Kind) -> None:
    arn = "arn:aws:iam::111122223333:user/u1"
    for given_ in (None, "", "o-abc"):
        who = Principal(kind, arn, ACCOUNT, "AIDA1", arn, arn, "s", {"team": "a"}, given_, given_)
        told = who.keys
        for key in (*told.values, *told.missing, *(f"{family}x" for family in told.families)):
            assert of_caller(key), key
        full = Request(who, "s3:GetObject", Resource("*")).full_context
        assert all(of_caller(key) for key in full.present)


@settings(max_examples=60, deadline=None)
@given(members())
def test_a_class_has_the_masks_of_each_member(given_: list[Member]) -> None:
    masker = Masker(MASKER.universe)
    groups = classes(given_, masker)
    assert sorted(n for g in groups for n in g.members) == list(range(len(given_)))
    for group in groups:
        for n in group.members:
            assert masker.effective(given_[n].principal, given_[n].policies) == group.effective


@settings(max_examples=60, deadline=None)
@given(members(), POLICY)
def test_one_more_scp_adds_nothing_and_one_more_denial_neither(given_: list[Member], more: Any) -> None:
    masker = Masker(MASKER.universe)
    for member in given_:
        before = masker.effective(member.principal, member.policies)
        policies = member.policies
        narrower = Policies(
            policies.identity,
            boundary=policies.boundary,
            session=policies.session,
            scps=(*policies.scps, PolicySet([more])),
            unread=policies.unread,
        )
        after = masker.effective(member.principal, narrower)
        assert after.may & ~before.may == 0
        assert after.must & ~before.must == 0


def test_a_broken_policy_allows_nothing_and_leaves_nothing_certain() -> None:
    broken = parse("{not json", "broken")
    masks = MASKER.policy(broken)
    assert (masks.allow_may, masks.deny_must) == (0, 0)
    assert masks.deny_may == MASKER.universe.all


def test_unread_layers_leave_everything_possible_and_nothing_certain() -> None:
    who = PRINCIPALS[0]
    made = MASKER.effective(who, Policies(PolicySet([WIDE]), unread=frozenset((Layer.BOUNDARY,))))
    assert made.may == MASKER.universe.all
    assert MASKER.universe.names(made.must) == ["sts:getcalleridentity", "sts:getsessiontoken"]


def test_a_resource_policy_given_or_unread_is_not_answered_by_masks() -> None:
    who, nothing = PRINCIPALS[0], PolicySet([])
    resource = Resource("arn:aws:s3:::bucket/key", ACCOUNT)
    unread = Population([Member(who, Policies(nothing, unread=frozenset((Layer.RESOURCE,))))], MASKER)
    assert [o for _, o in unread.who_can("s3:GetObject", resource)] == [Outcome.DEPENDS]
    named = {"Effect": "Allow", "Principal": {"AWS": who.arn}, "Action": "s3:GetObject", "Resource": "*"}
    policy = PolicySet([parse({"Version": "2012-10-17", "Statement": named}, "bucket", principal=True)])
    held = Population([Member(who, Policies(nothing, resource=policy))], MASKER)
    assert [o for _, o in held.who_can("s3:GetObject", resource)] == [Outcome.ALLOWED]
    given_ = Population([Member(who, Policies(nothing))], MASKER)
    assert given_.who_can("s3:GetObject", resource) == []
    assert [o for _, o in given_.who_can("s3:GetObject", resource, None, policy)] == [Outcome.ALLOWED]


PATTERN_TEXT = st.text(alphabet="si3amgetobjc:*?p", min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(PATTERN_TEXT)
def test_expansion_agrees_with_the_matcher_on_actions(pattern: str) -> None:
    universe = actions()
    test = glob(pattern)
    assert universe.names(universe.match(pattern)) == [t for t in universe.texts if test(t)]


@pytest.mark.parametrize(
    "pattern", ["s3:get*", "s3:*", "*", "**", "s3:getobject", "*get*", "s?:g*", "nothing:*", "s3:get"]
)
def test_expansion_of_usual_patterns(pattern: str) -> None:
    universe = actions()
    test = glob(pattern)
    assert universe.names(universe.match(pattern)) == [t for t in universe.texts if test(t)]


NAMES = [
    f"arn:aws:iam::{a}:{k}/{n}" for a in ("1", "12") for k in ("role", "user") for n in ("a", "ab", "b/c:d")
]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="arn:wsim12ole/b*?", max_size=6), st.sampled_from(NAMES), st.integers(0, 22))
def test_expansion_agrees_with_the_matcher_on_arns(text: str, name: str, at: int) -> None:
    universe = arns(NAMES)
    pattern = name[:at] + (text or "*")
    test = resource_pattern(pattern)
    assert universe.names(universe.match(pattern)) == [t for t in universe.texts if test(t)]


@given(st.integers(0, 1 << 200))
def test_positions_are_those_of_the_set_bits(mask: int) -> None:
    assert list(positions(mask)) == [n for n in range(201) if mask >> n & 1]


def test_the_universe_is_all_of_the_reference() -> None:
    universe = actions()
    assert len(universe) > 20_000
    assert universe.match("*").bit_count() == len(universe)
    assert universe.has(universe.match("iam:Pass*".lower()), "iam:passrole")
