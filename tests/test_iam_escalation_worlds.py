"""Escalation over random small worlds: the graph of sets answers as the definition does, by `decide`."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partywall.analysis.iam.document import parse
from partywall.analysis.iam.escalation import Escalation
from partywall.analysis.iam.escalation_steps import steps
from partywall.analysis.iam.escalation_world import Accounts, Actor, Group, Holding
from partywall.analysis.iam.evaluate import Layer, Policies, PolicySet
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.principal import principal
from tests.iam_escalation_oracle import FAR, Slow

A, B = "111111111111", "222222222222"
IDS = (
    "iam-create-policy-version",
    "iam-set-default-policy-version",
    "iam-attach-user-policy",
    "iam-put-group-policy",
    "iam-put-role-policy",
    "iam-add-user-to-group",
    "iam-rotate-access-key",
    "iam-update-login-profile",
    "sts-assume-role",
    "iam-update-saml-provider",
    "iam-put-role-permissions-boundary",
    "iam-delete-user-permissions-boundary",
    "iam-create-role-put-policy",
    "passrole-lambda-create-invoke",
    "passrole-ec2-associate-profile",
    "lambda-update-code-invoke",
)
CATALOGUE = tuple(s for s in steps() if s.id in IDS)
MASKER = Masker()
ACTIONS = (
    "*",
    "iam:*",
    "iam:Put*",
    "sts:AssumeRole",
    "iam:PassRole",
    "lambda:*",
    "lambda:UpdateFunctionCode",
    "ec2:*",
    "iam:*User*",
    "iam:*AccessKey",
    "iam:*Policy*",
    "iam:UpdateSAMLProvider",
    "iam:AddUserToGroup",
    "iam:CreateRole",
    "s3:*",
)
PLACES = (
    "*",
    "*",
    f"arn:aws:iam::{A}:role/*",
    f"arn:aws:iam::{A}:role/r1",
    f"arn:aws:iam::{B}:role/*",
    "arn:aws:iam::*:user/*",
    f"arn:aws:iam::{A}:user/u?",
    "arn:aws:iam::*:user/${aws:username}",
    "arn:aws:iam::*:user/${aws:PrincipalTag/team}*",
    f"arn:aws:iam::{A}:policy/p0",
    f"arn:aws:iam::{A}:group/*",
    f"arn:aws:iam::{A}:saml-provider/idp",
    "arn:aws:lambda:*:*:function:*",
    f"arn:aws:lambda:eu-west-1:{A}:function:f1",
    f"arn:aws:lambda:*:{A}:function:app-*",
    f"arn:aws:ec2:*:{A}:instance/*",
)
CONDITIONS: tuple[dict[str, Any] | None, ...] = (
    *(None,) * 8,
    {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
    {"StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    {"StringEquals": {"aws:ResourceTag/team": "ops"}},
    {"StringNotEquals": {"iam:ResourceTag/team": "ops"}},
    {"StringEquals": {"aws:PrincipalTag/team": "ops"}},
    {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
    {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}},
    {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}},
    {"Null": {"iam:PermissionsBoundary": "false"}},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
)
NAMED: tuple[dict[str, Any] | str, ...] = (
    {"AWS": A},
    {"AWS": f"arn:aws:iam::{B}:root"},
    {"AWS": [f"arn:aws:iam::{A}:user/u0", f"arn:aws:iam::{B}:role/r1"]},
    {"AWS": f"arn:aws:iam::{A}:role/r0"},
    {"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]},
    {"Federated": f"arn:aws:iam::{A}:saml-provider/idp"},
    "*",
)
# What a caller may name as it likes.
THINGS = [
    text.replace("ACCOUNT", account)
    for account in (A, B)
    for text in (
        "arn:aws:lambda:us-east-1:ACCOUNT:function:x",
        "arn:aws:lambda:us-east-1:ACCOUNT:function:app-x",
        "arn:aws:lambda:eu-west-1:ACCOUNT:function:f1",
        "arn:aws:iam::ACCOUNT:role/x",
        "arn:aws:iam::ACCOUNT:role/r1",
    )
]


@st.composite
def statements(draw: st.DrawFn, denials: int = 6) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": "Deny" if draw(st.integers(0, denials)) == 0 else "Allow"}
    kind = "NotAction" if draw(st.integers(0, 12)) == 0 else "Action"
    made[kind] = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3))
    made["Resource"] = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=2))
    condition = draw(st.sampled_from(CONDITIONS))
    return {**made, "Condition": condition} if condition else made


@st.composite
def policies(draw: st.DrawFn, name: str) -> Any:
    listed = draw(st.lists(statements(), min_size=1, max_size=3))
    return parse({"Version": "2012-10-17", "Statement": listed}, name)


@st.composite
def trusts(draw: st.DrawFn) -> PolicySet | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    listed: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 2))):
        named = draw(st.sampled_from(NAMED))
        denied = draw(st.integers(0, 7)) == 0
        statement = {"Effect": "Deny" if denied else "Allow", "Principal": named, "Action": "sts:*"}
        condition = draw(st.sampled_from(CONDITIONS))
        listed.append({**statement, "Condition": condition} if condition else statement)
    if draw(st.integers(0, 9)) == 0:
        spared = [A, f"arn:aws:iam::{A}:user/u0"]
        listed.append({"Effect": "Deny", "NotPrincipal": {"AWS": spared}, "Action": "sts:*"})
    return PolicySet([parse({"Version": "2012-10-17", "Statement": listed}, "trust")])


WIDE = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EVERYTHING = parse({"Version": "2012-10-17", "Statement": WIDE}, "everything")


@st.composite
def limits(draw: st.DrawFn) -> PolicySet:
    """A boundary or SCP: mostly all but what some statements take out."""
    listed = [WIDE, *draw(st.lists(statements(denials=0), max_size=1))]
    if draw(st.integers(0, 4)) == 0:
        listed = draw(st.lists(statements(), min_size=1, max_size=2))
    return PolicySet([parse({"Version": "2012-10-17", "Statement": listed}, "limit")])


@st.composite
def worlds(draw: st.DrawFn) -> Accounts:
    pool = [draw(policies(f"arn:aws:iam::{A}:policy/p{n}")) for n in range(3)]
    scps = {account: draw(st.sampled_from([(), (), (draw(limits()),)])) for account in (A, B)}
    bounds = [None, None, draw(limits())]
    rcp = draw(st.sampled_from([None, None, {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}]))
    rcps = ()
    if rcp is not None:
        keep_out = {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Resource": "*", "Condition": rcp}
        both = [{**WIDE, "Principal": "*"}, keep_out]
        rcps = (PolicySet([parse({"Version": "2012-10-17", "Statement": both}, "rcp")]),)
    groups = [Group(f"arn:aws:iam::{A}:group/g{n}", PolicySet([draw(policies("group"))])) for n in range(2)]
    actors: list[Actor] = []
    arns = [f"arn:aws:iam::{A}:{k}/{k[0]}{n}" for k in ("user", "role") for n in range(2)]
    for arn in [*arns, f"arn:aws:iam::{B}:role/r1"][: draw(st.integers(2, 5))]:
        account = arn.split(":")[4]
        held = draw(st.lists(st.sampled_from(pool), max_size=2, unique=True))
        everything = [EVERYTHING] if draw(st.integers(0, 5)) == 0 else []
        unread = draw(st.sampled_from([frozenset[Layer]()] * 9 + [frozenset((Layer.IDENTITY,))]))
        tags = draw(st.sampled_from([{"team": "ops"}, {"team": "u"}, {}, None]))
        org = draw(st.sampled_from(["o-1", "o-2", None]))
        actors.append(
            Actor(
                principal(arn, tags=tags, organization=org),
                Policies(
                    PolicySet([*held, *everything]),
                    boundary=draw(st.sampled_from(bounds)),
                    scps=scps[account],
                    rcps=rcps,
                    unread=unread,
                ),
                draw(trusts()) if ":role/" in arn else None,
                tuple(p.name for p in held),
                (groups[0].arn,) if ":user/" in arn and draw(st.booleans()) else (),
                draw(st.sampled_from([True, False, None])) if ":user/" in arn else None,
            )
        )
    roles = [a.principal.arn for a in actors if f"{A}:role/" in a.principal.arn] or [""]
    holdings = [
        Holding(kind, f"arn:aws:{service}:eu-west-1:{A}:{rest}", draw(st.sampled_from(roles)))
        for kind, service, rest in (
            ("lambda-function", "lambda", "function:f1"),
            ("lambda-function", "lambda", "function:f2"),
            ("ec2-instance", "ec2", "instance/i-1"),
        )
    ]
    versions = {pool[0].name: [EVERYTHING], pool[1].name: [pool[2]]}
    return Accounts(actors, groups, holdings, versions)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_the_graph_answers_as_the_definition_does(world: Accounts) -> None:
    graph = Escalation(world, CATALOGUE, MASKER)
    slow = Slow(world, CATALOGUE, MASKER, THINGS)
    for actor in world.actors:
        arn = actor.principal.arn
        path = graph.path(arn)
        sure, may = slow.dist[True][arn], slow.dist[False][arn]
        assert (path is not None) == (may < FAR), (arn, path)
        if path is not None:
            assert path.certain == (sure < FAR), (arn, path)
            assert len(path.hops) == (sure if path.certain else may), (arn, path)
