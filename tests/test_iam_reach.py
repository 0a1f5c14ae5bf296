"""What a principal can do: actions decided together answer as they do one by one."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.analysis.iam import reach as module
from partywall.analysis.iam.actions import asked, service_actions
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Layer, Outcome
from partywall.analysis.iam.principal import Form, principal
from partywall.analysis.iam.reach import Reach, reach
from partywall.analysis.iam.rules import PolicySet
from partywall.analysis.iam.world import Account, Held, Identity, World

ACCOUNT = "111122223333"
BUCKET = "arn:aws:s3:::bucket"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
USER = principal(f"arn:aws:iam::{ACCOUNT}:user/u", tags={})
SERVICES = ("s3", "sqs", "kms", "sts", "account")
NAMES = """
    * s3:* s3:Get* s3:*Policy s3:ListAllMyBuckets sqs:* sqs:Send* kms:* kms:RetireGrant sts:* sts:AssumeRole
    sts:GetCallerIdentity account:Get*
"""
ACTIONS = NAMES.split()
PLACES = ("*", BUCKET, f"{BUCKET}/*", "arn:aws:s3:::*", QUEUE, KEY, ROLE, f"{BUCKET}/${{aws:username}}/*")
CONDITIONS: tuple[dict[str, Any] | None, ...] = (
    None,
    None,
    {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    {"Null": {"aws:PrincipalTag/team": "false"}},
)
NAMED = ("*", {"AWS": ACCOUNT}, {"AWS": USER.arn}, {"AWS": "arn:aws:iam::999988887777:root"})


@st.composite
def policy_sets(draw: st.DrawFn, *, named: bool = False) -> PolicySet:
    made: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        statement: dict[str, Any] = {"Effect": draw(st.sampled_from(("Allow", "Allow", "Deny")))}
        negated = draw(st.integers(0, 5)) == 0
        listed = st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3)
        statement["NotAction" if negated else "Action"] = draw(listed)
        statement["Resource"] = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=2))
        if (condition := draw(st.sampled_from(CONDITIONS))) is not None:
            statement["Condition"] = condition
        if named:
            statement["Principal"] = draw(st.sampled_from(NAMED))
        made.append(statement)
    return PolicySet([parse({"Version": "2012-10-17", "Statement": made}, "policy")])


WIDE = PolicySet(
    [parse({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})]
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World()
    world.assume_no_resource_policy = draw(st.booleans())
    limits = st.sampled_from((None, WIDE))
    levels = st.lists(policy_sets(), max_size=1).map(lambda more: (WIDE, *more))
    world.accounts[ACCOUNT] = Account(
        ACCOUNT,
        "o-1",
        scps=draw(levels),
        rcps=draw(levels),
        unread=draw(st.sampled_from((frozenset(), {Layer.SCP}))),
    )
    world.identities[USER.arn] = Identity(USER, draw(policy_sets()), draw(limits | policy_sets()))
    root = principal(ACCOUNT)
    world.identities[root.arn] = Identity(root)
    for arn in draw(st.lists(st.sampled_from((BUCKET, QUEUE, KEY, ROLE)), unique=True)):
        world.resources[arn] = Held(arn, ACCOUNT, draw(policy_sets(named=True)), draw(st.integers(0, 5)) == 0)
    return world


def one_by_one(world: World, who: Any) -> dict[tuple[str, str], Reach]:
    """Each action on each place that a policy names, decided for itself."""
    identity = world.identity(who)
    assert identity is not None
    found: dict[tuple[str, str], Reach] = {}
    for service in SERVICES:
        for name, action in service_actions(service).items():
            places: list[str] = []
            for place in module._places(identity.policies, name, who):  # pyright: ignore[reportPrivateUsage]
                alone = not action.resources and not world.held(place)
                places.append(asked(action.name).resources[0] if alone else place)
            for held in world.resources.values():
                rules = held.policies.rules(name)[1] if held.policies is not None else ()
                every = [s for p in (held.policies.policies if held.policies else ()) for s in p.statements]
                close = any(s.allow and who.form(s) > Form.ACCOUNT for s in every)
                if close and any(who.form(r.statement) for r in rules):
                    places += module._at(action, held)  # pyright: ignore[reportPrivateUsage]
            for place in places:
                for made in module._reached(world, who, [action], place):  # pyright: ignore[reportPrivateUsage]
                    found[made.action, made.resource] = made
    return found


@settings(max_examples=25, deadline=None)
@given(worlds(), st.booleans())
def test_actions_decided_together_answer_as_one_by_one(world: World, root: bool) -> None:
    who = principal(ACCOUNT) if root else USER
    made = {
        (r.action, r.resource): (r.outcome, r.statements, r.exceptions, r.decision)
        for r in reach(world, who)
        if r.action.partition(":")[0] in SERVICES
    }
    # Only whether: to show what differs takes pytest minutes.
    differ = made != {
        key: (r.outcome, r.statements, r.exceptions, r.decision) for key, r in one_by_one(world, who).items()
    }
    assert not differ


def test_a_bucket_policy_tells_actions_apart_that_the_user_s_policy_does_not() -> None:
    world = World()
    world.accounts[ACCOUNT] = Account(ACCOUNT)
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": BUCKET}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": BUCKET}
    own, policy = (
        PolicySet([parse({"Version": "2012-10-17", "Statement": [s]}, "p")]) for s in (allow, deny)
    )
    world.identities[USER.arn] = Identity(USER, own)
    world.resources[BUCKET] = Held(BUCKET, ACCOUNT, policy)
    made = {r.action: r.outcome for r in reach(world, USER) if r.resource == BUCKET}
    assert made["s3:ListBucket"] is Outcome.ALLOWED
    assert "s3:DeleteBucket" not in made
