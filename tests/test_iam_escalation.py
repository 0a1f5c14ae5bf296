"""Escalation: every step of the catalogue by its examples, what stands in its way, chains, choke points."""

from __future__ import annotations

from typing import Any

import pytest

from partywall.analysis.iam.actions import find
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.escalation import Escalation
from partywall.analysis.iam.escalation_steps import REACHES, YIELDS, Step, steps
from partywall.analysis.iam.escalation_world import Accounts, Actor, Group, Holding
from partywall.analysis.iam.evaluate import Policies, PolicySet
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.patterns import glob
from partywall.analysis.iam.principal import principal
from partywall.analysis.iam.universe import actions

ACCOUNT = "111122223333"
IAM = f"arn:aws:iam::{ACCOUNT}:"
MASKER = Masker()
Statement = dict[str, Any]
BY_ID = {step.id: step for step in steps()}
ASSUME = BY_ID["sts-assume-role"]


def allow(*names: str, on: str | list[str] = "*", **condition: Any) -> Statement:
    made: Statement = {"Effect": "Allow", "Action": list(names), "Resource": on}
    return {**made, "Condition": condition} if condition else made


def deny(*names: str, on: str = "*") -> Statement:
    return {"Effect": "Deny", "Action": list(names), "Resource": on}


def layer(*statements: Statement, name: str = "policy") -> PolicySet:
    return PolicySet([parse({"Version": "2012-10-17", "Statement": list(statements)}, name)])


EVERYTHING = layer(allow("*"))


def trust(*named: dict[str, Any], **condition: Any) -> PolicySet:
    action = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:TagSession"]
    return layer(
        *(
            {"Effect": "Allow", "Principal": p, "Action": action}
            | ({"Condition": condition} if condition else {})
            for p in named
        )
    )


def user(name: str, identity: PolicySet, boundary: PolicySet | None = None, **more: Any) -> Actor:
    scps = more.pop("scps", ())
    who = principal(f"{IAM}user/{name}", tags={})
    return Actor(who, Policies(identity, boundary=boundary, scps=scps), **more)


def role(name: str, identity: PolicySet, trusted: PolicySet | None, **more: Any) -> Actor:
    boundary, scps = more.pop("boundary", None), more.pop("scps", ())
    who = principal(f"{IAM}role/{name}", tags={})
    return Actor(who, Policies(identity, boundary=boundary, scps=scps), trusted, **more)


HARMLESS = layer(allow("s3:ListAllMyBuckets"))


def world(step: Step, identity: PolicySet, scps: tuple[PolicySet, ...] = ()) -> tuple[Accounts, str]:
    """A world in which one principal stands before one step, and its ARN."""
    own = f"{IAM}policy/own"
    boundary = None
    if step.yields == "unbounded":
        boundary, identity = identity, EVERYTHING
    if step.reach == "role" and step.yields != "identity":
        mallory = role(
            "mallory", identity, trust({"Service": "ec2.amazonaws.com"}), boundary=boundary, scps=scps
        )
    else:
        mallory = user(
            "mallory", identity, boundary, managed=(own,), groups=(f"{IAM}group/staff",), scps=scps
        )
    named: list[dict[str, Any]] = [{"Service": step.service or "nobody.amazonaws.com"}]
    if step.reach == "assumable-role":
        named.append({"AWS": ACCOUNT})
    if step.reach == "saml-role":
        named.append({"Federated": f"{IAM}saml-provider/idp"})
    actors = [mallory]
    if step.yields == "identity":
        if "user" in step.reach:
            has = {"user-with-password": True, "user-without-password": False}.get(step.reach)
            actors.append(user("boss", EVERYTHING, password=has))
        else:
            actors.append(role("boss", EVERYTHING, trust(*named)))
    holds = f"{IAM}role/boss" if step.reach == "holding-role" else ""
    # An ARN of the service that the steps on this kind of holding speak of.
    service = next((a.partition(":")[0] for a, on in step.needs.items() if on == "holding"), "ec2")
    return (
        Accounts(
            actors,
            [Group(f"{IAM}group/staff", HARMLESS), Group(f"{IAM}group/admins", EVERYTHING)],
            [Holding(step.holding, f"arn:aws:{service}:eu-west-1:{ACCOUNT}:thing/x", holds)]
            if step.holding
            else [],
            {own: [parse({"Version": "2012-10-17", "Statement": [allow("*")]}, own)]},
        ),
        mallory.principal.arn,
    )


@pytest.mark.parametrize("step", steps(), ids=lambda s: s.id)
class TestSteps:
    def test_the_examples_hold(self, step: Step) -> None:
        given, mallory = world(step, layer(allow(*step.examples["allows"])))
        path = Escalation(given, [step], MASKER).path(mallory)
        assert path is not None, "the positive example"
        assert [hop.step.id for hop in path.hops] == [step.id]
        assert path.certain
        rest = [a for a in step.examples["allows"] if a != step.examples["lacks"]]
        lacking = layer(*([allow(*rest)] if rest else [allow("s3:ListAllMyBuckets")]))
        given, mallory = world(step, lacking)
        assert Escalation(given, [step], MASKER).path(mallory) is None, "the negative example"

    def test_each_action_is_needed_and_a_denial_of_it_ends_the_step(self, step: Step) -> None:
        for action in step.needs:
            given, mallory = world(step, layer(allow(*step.needs), deny(action)))
            assert Escalation(given, [step], MASKER).path(mallory) is None, action

    def test_an_open_condition_makes_it_open(self, step: Step) -> None:
        asked = allow(*step.needs, StringEquals={"aws:RequestedRegion": "eu-west-1"})
        given, mallory = world(step, layer(asked))
        path = Escalation(given, [step], MASKER).path(mallory)
        assert path is not None
        assert not path.certain

    def test_scps_that_withhold_the_management_of_identities_leave_no_administrator(self, step: Step) -> None:
        scps = (layer(allow("*"), deny("iam:CreateRole")),)
        given, mallory = world(step, layer(allow(*step.needs)), scps)
        if step.yields == "identity":
            boss = given.actors[1]
            bound = Actor(boss.principal, Policies(EVERYTHING, scps=scps), boss.trust, password=boss.password)
            given = Accounts([given.actors[0], bound], given.groups, given.holdings, given.versions)
        assert Escalation(given, [step], MASKER).path(mallory) is None

    def test_the_entry_is_whole(self, step: Step) -> None:
        assert step.reach in REACHES
        assert step.yields in YIELDS
        assert set(step.examples["allows"]) >= set(step.needs)
        assert step.examples["lacks"] in step.needs
        assert step.title and step.why.endswith(".") and step.fix.endswith(".")
        for action, on in step.needs.items():
            assert action.lower() in actions().index, action
            assert on in ("target", "holding", "provider", "*") or on.startswith("arn:*:"), on


@pytest.mark.parametrize("step", steps(), ids=lambda s: s.id)
def test_what_is_made_anew_is_of_a_type_that_the_action_takes_by_the_reference(step: Step) -> None:
    for action, on in step.needs.items():
        known = find(action)
        assert known is not None
        types = [r.type.pattern.split(":", 5) for r in known.resources]
        if on.startswith("arn:"):
            _, _, service, _, _, rest = on.split(":", 5)
            assert any(t[2] == service and glob(t[5])(rest) for t in types), (action, on)
        elif on != "*":
            assert types, action


@pytest.mark.parametrize("step", steps(), ids=lambda s: s.id)
def test_the_facts_of_a_step_are_those_of_the_reference(step: Step) -> None:
    needed = [action for name in step.needs if (action := find(name)) is not None]
    keys = {key for a in needed for key in a.condition_keys}
    keys |= {key for a in needed for r in a.resources for key in (*r.condition_keys, *r.type.condition_keys)}
    assert {*step.context, *step.absent} <= keys, "keys that the actions' requests carry"
    dependent = {name for a in needed for name in a.dependent}
    dependent |= {name for a in needed for r in a.resources for name in r.dependent}
    assert "iam:PassRole" not in dependent or "iam:PassRole" in step.needs, "it passes a role"
    assert bool(step.service) or "iam:PassRole" not in step.needs, "to a service"
    assert {*step.needs} <= {*step.examples["allows"]}
    assert step.examples["lacks"] in step.needs


def test_an_action_without_resource_types_is_asked_on_everything_alone() -> None:
    step = BY_ID["passrole-glue-dev-endpoint"]
    endpoints = f"arn:aws:glue:*:{ACCOUNT}:devEndpoint/*"
    for on, reaches in (("*", True), (endpoints, False)):
        given, mallory = world(step, layer(allow("iam:PassRole"), allow("glue:CreateDevEndpoint", on=on)))
        assert (Escalation(given, [step], MASKER).path(mallory) is not None) is reaches


def test_one_resource_must_be_let_through_by_all_actions_of_a_step() -> None:
    step = BY_ID["passrole-lambda-create-invoke"]
    functions = f"arn:aws:lambda:*:{ACCOUNT}:function:"
    for other, reaches in (("app-*", True), ("web-*", False)):
        grants = layer(
            allow("iam:PassRole"),
            allow("lambda:CreateFunction", on=functions + "app-*"),
            allow("lambda:InvokeFunction", on=functions + other),
        )
        given, mallory = world(step, grants)
        assert (Escalation(given, [step], MASKER).path(mallory) is not None) is reaches


def test_a_grant_that_serves_all_paths_is_the_choke_point_of_grants() -> None:
    first = Escalation(chain(), None, MASKER).grant_chokes()[0]
    assert (first.action, first.cut) == ("sts:assumerole", 2)


def test_paths_to_a_principal_that_is_no_administrator() -> None:
    found = {p.principal.rpartition("/")[2]: p for p in Escalation(chain(), None, MASKER).paths_to(
        f"{IAM}role/middle"
    )}  # fmt: skip
    assert [len(found[name].hops) for name in ("a", "b")] == [1, 1]
    assert "d" not in found


def test_the_catalogue_is_wide_and_names_each_step_once() -> None:
    assert len(steps()) >= 65
    assert len(BY_ID) == len(steps())


def test_a_grant_on_another_resource_does_not_reach() -> None:
    step = BY_ID["iam-create-access-key"]
    given, mallory = world(step, layer(allow("iam:CreateAccessKey", on=f"{IAM}user/other")))
    assert Escalation(given, [step], MASKER).path(mallory) is None
    own = allow("iam:CreateAccessKey", on=f"{IAM}user/${{aws:username}}")
    given, mallory = world(step, layer(own))
    assert Escalation(given, [step], MASKER).path(mallory) is None
    given, mallory = world(step, layer(allow("iam:CreateAccessKey", on=f"{IAM}user/bo*")))
    assert Escalation(given, [step], MASKER).path(mallory) is not None


def test_a_policy_condition_that_forbids_the_administrators_policy_is_evaluated() -> None:
    step = BY_ID["iam-attach-user-policy"]
    only = allow(
        "iam:AttachUserPolicy", ArnEquals={"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    )
    given, mallory = world(step, layer(only))
    assert Escalation(given, [step], MASKER).path(mallory) is None


def test_passed_to_service_is_evaluated() -> None:
    step = BY_ID["passrole-lambda-create-invoke"]
    for service, reaches in (("lambda.amazonaws.com", True), ("ec2.amazonaws.com", False)):
        passing = allow("iam:PassRole", StringEquals={"iam:PassedToService": service})
        given, mallory = world(step, layer(passing, allow("lambda:*")))
        path = Escalation(given, [step], MASKER).path(mallory)
        assert (path is not None and path.certain) is reaches


def test_a_required_boundary_ends_the_making_of_new_principals() -> None:
    step = BY_ID["iam-create-role-put-policy"]
    asked = allow(*step.needs, StringEquals={"iam:PermissionsBoundary": f"{IAM}policy/limit"})
    given, mallory = world(step, layer(asked))
    assert Escalation(given, [step], MASKER).path(mallory) is None


def test_new_things_may_be_named_so_that_the_grant_covers_them() -> None:
    step = BY_ID["passrole-lambda-create-invoke"]
    named = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:app-*"
    narrow = layer(allow("iam:PassRole"), allow("lambda:*", on=named))
    given, mallory = world(step, narrow)
    path = Escalation(given, [step], MASKER).path(mallory)
    assert path is not None and path.certain
    elsewhere = layer(allow("iam:PassRole"), allow("lambda:*", on="arn:aws:lambda:*:999999999999:function:*"))
    given, mallory = world(step, elsewhere)
    assert Escalation(given, [step], MASKER).path(mallory) is None


def test_a_boundary_holds_what_one_raises() -> None:
    limit = layer(allow("iam:PutUserPolicy", "s3:*"))
    mallory = user("mallory", layer(allow("iam:PutUserPolicy")), limit)
    assert Escalation(Accounts([mallory]), None, MASKER).paths() == []
    # The boundary lets its own removal through: raise first, then take it off, and nothing limits the rest.
    wider = layer(allow("iam:PutUserPolicy", "iam:DeleteUserPermissionsBoundary"))
    mallory = user("mallory", layer(allow("iam:PutUserPolicy")), wider)
    [path] = Escalation(Accounts([mallory]), None, MASKER).paths()
    assert [h.step.id for h in path.hops] == ["iam-put-user-policy", "iam-delete-user-permissions-boundary"]


def chain() -> Accounts:
    """a, b -> step -> boss; c -> boss by itself; d reaches nothing."""
    boss = role("boss", EVERYTHING, trust({"AWS": f"{IAM}role/middle"}, {"AWS": f"{IAM}user/c"}))
    middle = role("middle", HARMLESS, trust({"AWS": ACCOUNT}))
    may = layer(allow("sts:AssumeRole", on=f"{IAM}role/middle"))
    return Accounts(
        [boss, middle, user("a", may), user("b", may), user("c", HARMLESS), user("d", layer(deny("sts:*")))]
    )


def test_chains_hops_and_choke_points() -> None:
    graph = Escalation(chain(), None, MASKER)
    assert graph.admins == [f"{IAM}role/boss"]
    by_name = {p.principal.rpartition("/")[2]: p for p in graph.paths()}
    assert {name: len(p.hops) for name, p in by_name.items()} == {"middle": 1, "a": 2, "b": 2, "c": 1}
    assert [hop.target.rpartition("/")[2] for hop in by_name["a"].hops] == ["middle", "boss"]
    assert all(p.certain for p in graph.paths())
    first = next(c for c in graph.chokes() if c.principal.endswith("middle"))
    assert (first.passing, first.cut) == (2, 2)


def test_a_trust_condition_on_a_tag_of_the_caller_is_decided() -> None:
    for tag, reaches in (("ops", True), ("dev", False)):
        who = principal(f"{IAM}user/eve", tags={"team": tag})
        eve = Actor(who, Policies(layer(allow("sts:AssumeRole"))))
        boss = role(
            "boss", EVERYTHING, trust({"AWS": ACCOUNT}, StringEquals={"aws:PrincipalTag/team": "ops"})
        )
        paths = Escalation(Accounts([eve, boss]), None, MASKER).paths()
        assert [p.certain for p in paths] == ([True] if reaches else [])


def test_taking_over_whom_one_may_raise() -> None:
    able = layer(allow("iam:PutRolePolicy", "sts:AssumeRole", on=f"{IAM}role/app"))
    app = role("app", HARMLESS, trust({"AWS": ACCOUNT}))
    [path] = Escalation(Accounts([user("eve", able), app]), None, MASKER).paths()
    assert [h.step.id for h in path.hops] == ["iam-put-role-policy", "sts-assume-role"]
    alone = layer(allow("iam:PutRolePolicy", on=f"{IAM}role/app"))
    assert Escalation(Accounts([user("eve", alone), app]), None, MASKER).paths() == []
