"""The world of IAM decisions: from account authorization details and from the demo's scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from partywall.analysis.iam import gaad, scan_world
from partywall.analysis.iam.actions import asked, known
from partywall.analysis.iam.evaluate import Layer, Outcome
from partywall.analysis.iam.managed import managed_policy
from partywall.analysis.iam.world import World
from partywall.analysis.policy import FACTS
from partywall.errors import UserError
from partywall.lake.engine import Lake
from tests.support import DemoScan

ACCOUNT = "111122223333"
ARN = f"arn:aws:iam::{ACCOUNT}"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k1"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def details() -> dict[str, Any]:
    """A small account: bob in a group, carol bounded, a role with an unread policy, and a trusted role."""
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"{ARN}:user/team/bob"},
        "Action": "sts:AssumeRole",
    }
    service = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "UserDetailList": [
            {
                "Arn": f"{ARN}:user/team/bob",
                "UserName": "bob",
                "UserId": "AIDABOB",
                "GroupList": ["readers"],
                "Tags": [{"Key": "team", "Value": "red"}],
                "UserPolicyList": [
                    {
                        "PolicyName": "own",
                        "PolicyDocument": document(
                            allow("sqs:*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}-*", Sid="Queues"),
                            {
                                "Effect": "Deny",
                                "Action": "s3:*",
                                "Resource": "arn:aws:s3:::secret/*",
                                "Sid": "No",
                            },
                            allow(["sts:AssumeRole"]),
                        ),
                    }
                ],
                "AttachedManagedPolicies": [],
            },
            {
                "Arn": f"{ARN}:user/carol",
                "UserName": "carol",
                "UserId": "AIDACAROL",
                "GroupList": [],
                "AttachedManagedPolicies": [
                    {"PolicyName": "PowerUserAccess", "PolicyArn": "arn:aws:iam::aws:policy/PowerUserAccess"}
                ],
                "PermissionsBoundary": {"PermissionsBoundaryArn": f"{ARN}:policy/bound"},
            },
        ],
        "GroupDetailList": [
            {
                "Arn": f"{ARN}:group/readers",
                "GroupName": "readers",
                "GroupPolicyList": [
                    {"PolicyName": "read", "PolicyDocument": document(allow(["s3:Get*", "kms:Decrypt"]))}
                ],
                "AttachedManagedPolicies": [],
            }
        ],
        "RoleDetailList": [
            {
                "Arn": f"{ARN}:role/app",
                "RoleName": "app",
                "RoleId": "AROAAPP",
                "AssumeRolePolicyDocument": document(trust),
                "RolePolicyList": [],
                "AttachedManagedPolicies": [{"PolicyName": "gone", "PolicyArn": f"{ARN}:policy/gone"}],
            },
            {
                "Arn": f"{ARN}:role/machine",
                "RoleName": "machine",
                "RoleId": "AROAMACHINE",
                "AssumeRolePolicyDocument": document(service),
                "RolePolicyList": [],
                "AttachedManagedPolicies": [],
            },
        ],
        "Policies": [
            {
                "Arn": f"{ARN}:policy/bound",
                "PolicyName": "bound",
                "PolicyVersionList": [
                    {
                        "VersionId": "v1",
                        "IsDefaultVersion": False,
                        "Document": document(allow("*")),
                    },
                    {"VersionId": "v2", "IsDefaultVersion": True, "Document": document(allow("ec2:*"))},
                ],
            }
        ],
    }


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    path = tmp_path / "gaad.json"
    path.write_text(json.dumps(details()))
    return [path]


@pytest.mark.parametrize(
    ("who", "action", "resource", "outcome"),
    [
        ("bob", "s3:GetObject", "arn:aws:s3:::b/x", "allowed"),
        ("user/bob", "s3:GetObject", "arn:aws:s3:::secret/x", "explicitly denied"),
        ("user/team/bob", "s3:PutObject", "arn:aws:s3:::b/x", "implicitly denied"),
        (f"{ARN}:user/team/bob", "sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:red-1", "allowed"),
        ("bob", "sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:blue-1", "implicitly denied"),
        # The file holds no key policies, and of a key they decide.
        ("bob", "kms:Decrypt", KEY, "depends"),
        ("bob", "sts:AssumeRole", f"{ARN}:role/app", "allowed"),
        ("bob", "sts:AssumeRole", f"{ARN}:role/machine", "implicitly denied"),
        ("ec2.amazonaws.com", "sts:AssumeRole", f"{ARN}:role/machine", "allowed"),
        ("ec2.amazonaws.com", "sts:AssumeRole", f"{ARN}:role/app", "implicitly denied"),
        ("carol", "ec2:RunInstances", "*", "allowed"),
        ("carol", "s3:GetObject", "arn:aws:s3:::b/x", "implicitly denied"),
        # One of its policies is nowhere to be read.
        ("role/app", "s3:GetObject", "arn:aws:s3:::b/x", "depends"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/machine/i-1", "s3:GetObject", "*", "implicitly denied"),
        # A resource of another account, whose policy nobody has read.
        ("bob", "sqs:SendMessage", "arn:aws:sqs:eu-west-1:999988887777:red-1", "depends"),
        ("arn:aws:iam::999988887777:user/eve", "sts:AssumeRole", f"{ARN}:role/app", "implicitly denied"),
        (ACCOUNT, "ec2:RunInstances", "*", "allowed"),
    ],
)
def test_decisions_on_authorization_details(
    files: list[Path], who: str, action: str, resource: str, outcome: str
) -> None:
    assert gaad.load(files).can(who, action, resource).outcome == outcome


def test_strict_files_leave_open_what_they_cannot_hold(files: list[Path]) -> None:
    world = gaad.load(files, strict=True)
    answer = world.can("bob", "s3:GetObject", "arn:aws:s3:::b/x")
    assert answer.outcome is Outcome.DEPENDS
    assert {Layer.SCP, Layer.RESOURCE} <= answer.parts[0][1].unread
    # A denial of the identity's own needs nothing else.
    denied = world.can("bob", "s3:GetObject", "arn:aws:s3:::secret/x")
    assert denied.outcome is Outcome.EXPLICITLY_DENIED


def test_assumptions_are_told(files: list[Path]) -> None:
    told = " ".join(gaad.load(files).assumptions)
    assert "service or resource control policies" in told and "1 AWS managed policies" in told


def test_names_that_fit_several_or_none_are_refused(files: list[Path], tmp_path: Path) -> None:
    other = details()
    text = json.dumps(other).replace(ACCOUNT, "444455556666")
    second = tmp_path / "second.json"
    second.write_text(text)
    world = gaad.load([*files, second])
    with pytest.raises(UserError, match="names 2 principals"):
        world.principal("bob")
    assert world.principal("444455556666:user/bob").account == "444455556666"
    for unknown in ("nobody", f"{ARN}:user/nobody"):
        with pytest.raises(UserError, match="nobody"):
            world.principal(unknown)
    # Across two accounts of the world both sides are known: no policy of the other names bob.
    role = "arn:aws:iam::444455556666:role/app"
    assert world.can("111122223333:bob", "sts:AssumeRole", role).outcome is Outcome.IMPLICITLY_DENIED


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"UserDetailList": [1]}', '{"Policies": 3}'])
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"x\.json"):
        gaad.load([path])


def test_policies_are_parsed_once_and_sets_shared(files: list[Path]) -> None:
    raw = details()
    twin = {**raw["UserDetailList"][0], "Arn": f"{ARN}:user/twin", "UserName": "twin", "UserId": "AIDATWIN"}
    raw["UserDetailList"].append(twin)
    files[0].write_text(json.dumps(raw))
    world = gaad.load(files)
    assert world.identities[f"{ARN}:user/twin"].policies is world.identities[f"{ARN}:user/team/bob"].policies


def test_who_can_lists_insiders_and_the_outsiders_that_a_policy_names(files: list[Path]) -> None:
    found = gaad.load(files).who_can("sts:AssumeRole", f"{ARN}:role/machine")
    assert [(g.principal.arn, g.outsider) for g in found if g.answer.outcome is Outcome.ALLOWED] == [
        ("ec2.amazonaws.com", True)
    ]


def test_what_can_tells_resources_and_exceptions(files: list[Path]) -> None:
    reached = {(r.action, r.resource): r for r in gaad.load(files).what_can("bob")}
    found = reached["s3:GetObject", "*"]
    assert found.outcome is Outcome.ALLOWED
    assert [s.sid for s in found.exceptions] == ["No"]
    assert ("s3:PutObject", "*") not in reached
    assert ("sts:AssumeRole", f"{ARN}:role/app") in reached


@pytest.mark.parametrize(
    ("action", "resources", "places", "noted"),
    [
        ("s3:listallmybuckets", ["arn:aws:s3:::b"], ("arn:aws:s3:::*",), "takes no resource"),
        ("ec2:DescribeInstances", [], ("*",), ""),
        ("s3:GetObject", ["arn:aws:s3:::b"], ("arn:aws:s3:::b",), "does not act on"),
        ("s3:GetObject", ["arn:aws:s3:::b/k"], ("arn:aws:s3:::b/k",), ""),
        (
            "ec2:RunInstances",
            ["arn:aws:ec2:eu-west-1:111122223333:instance/*"],
            ("arn:aws:ec2:eu-west-1:111122223333:instance/*",),
            "name them as well: image",
        ),
        ("nothing:AtAll", ["x"], ("x",), "not in AWS's reference"),
    ],
)
def test_what_a_call_is_authorized_on(
    action: str, resources: list[str], places: tuple[str, ...], noted: str
) -> None:
    call = asked(action, resources)
    assert call.resources == places
    assert noted in " ".join(call.notes)


def test_unknown_actions_get_near_names() -> None:
    with pytest.raises(UserError, match="s3:GetObject"):
        known("s3:GetObjekt")


def test_kept_managed_policies() -> None:
    found = managed_policy("arn:aws-cn:iam::aws:policy/AdministratorAccess")
    assert found is not None and json.loads(found.document)["Statement"][0]["Action"] == "*"
    assert managed_policy(f"{ARN}:policy/AdministratorAccess") is None


# The demo's scan.


@pytest.fixture(scope="module")
def world(demo: DemoScan) -> World:
    return scan_world.load(Lake(demo.directory, FACTS))


def test_the_scan_tells_accounts_and_their_organization(world: World, demo: DemoScan) -> None:
    assert set(world.accounts) == set(demo.accounts)
    assert sum(a.management for a in world.accounts.values()) == 1
    members = [a for a in world.accounts.values() if not a.management]
    assert all(a.scps and not a.unread for a in members)


def test_units_that_are_not_told_leave_their_denials_open(world: World) -> None:
    """Moto's accounts tell no path, so that it stays open which of them protect-trails binds."""
    member = next(a.id for a in world.accounts.values() if not a.management)
    trail = f"arn:aws:cloudtrail:eu-west-1:{member}:trail/t"
    answer = world.can(member, "cloudtrail:StopLogging", trail)
    assert answer.outcome is Outcome.DEPENDS
    assert any("protect-trails" in r.statement.label for r in answer.parts[0][2].residual if r.statement)
    assert world.can(member, "cloudtrail:DescribeTrails").outcome is Outcome.ALLOWED


def test_each_inline_policy_is_read_by_its_own_version(demo: DemoScan) -> None:
    lake = Lake(demo.directory, FACTS)
    before = lake.source.stored
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}"}
    old = json.dumps({"Version": "2008-10-17", "Statement": [statement]})

    def other(table: Any, columns: Any) -> str:
        sql = before(table, columns)
        if table.name != "iam_user":
            return sql
        made = f"[{{'name': 'old', 'document': '{old}'}}, {{'name': 'odd', 'document': 'no JSON'}}]"
        return f"SELECT * REPLACE ({made} AS inline_policies) FROM ({sql})"

    lake.source.stored = other  # type: ignore[method-assign]
    world = scan_world.load(lake)
    user = next(i for i in world.identities.values() if i.principal.arn.endswith("user/metrics-exporter"))
    assert user.policies is not None
    first, second = user.policies.policies
    assert (first.name, first.statements[0].variables) == ("inline old", False)
    assert (second.name, second.statements[0].broken != "") == ("inline odd", True)
    answer = world.can(user.principal, "s3:GetObject", "arn:aws:s3:::b/metrics-exporter")
    # What cannot be read may deny; that the variable is only text is known, and so it allows nothing.
    assert answer.outcome is not Outcome.ALLOWED


def test_a_column_that_was_not_read_is_unread_not_none(demo: DemoScan) -> None:
    lake = Lake(demo.directory, FACTS)
    before = lake.source.stored

    def without(table: Any, columns: Any) -> str:
        sql = before(table, columns)
        if table.name == "iam_user":
            return f"SELECT * REPLACE (NULL AS inline_policy, NULL AS inline_policies) FROM ({sql})"
        if table.name == "s3_bucket":
            return f"SELECT * REPLACE (NULL::VARCHAR AS policy) FROM ({sql})"
        return sql

    lake.source.stored = without  # type: ignore[method-assign]
    blind = scan_world.load(lake)
    users = [i for i in blind.identities.values() if i.principal.kind == "user"]
    assert users and all(Layer.IDENTITY in i.unread for i in users)
    buckets = [h for a, h in blind.resources.items() if a.startswith("arn:aws:s3:::")]
    assert buckets and all(h.unread for h in buckets)
    # Nobody is denied by silence: what was not read may allow.
    for identity in users:
        answer = blind.can(identity.principal, "s3:GetObject", f"{buckets[0].arn}/x")
        assert answer.outcome in (Outcome.DEPENDS, Outcome.EXPLICITLY_DENIED)


def test_keys_by_their_policies_and_aliases(world: World) -> None:
    key = next(h for h in world.resources.values() if ":kms:" in h.arn and h.policies is not None)
    # An alias whose key is not known is open; one that is known stands for its key.
    alias = f"{key.arn.rpartition(':')[0]}:alias/some"
    assert Layer.RESOURCE in world.can(key.account, "kms:Decrypt", alias).parts[0][1].unread
    world.aliases[alias] = key.arn
    try:
        assert world.held(alias) is key
        assert world.can(key.account, "kms:Decrypt", alias).parts[0][0].resource.arn == key.arn
    finally:
        del world.aliases[alias]
