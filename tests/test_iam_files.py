"""Files of account authorization details: malformed ones, several pages and several accounts; KMS aliases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from partywall.analysis.iam import gaad
from partywall.analysis.iam.evaluate import Outcome
from partywall.analysis.iam.principal import principal
from partywall.analysis.iam.world import Account, Held, Identity, World
from partywall.errors import UserError
from tests.test_iam_world import ACCOUNT, ARN, KEY, allow, details, document

OTHER = "444455556666"
JUNK: tuple[Any, ...] = (None, 1, "", "x", [], {}, [1], [None], {"a": 1}, ["arn:x"], "{", True)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within a document."""
    if at:
        yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*at, key))


def spoilt(at: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    """The details with one value replaced."""
    made = details()
    inner: Any = made
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = junk
    return made


def test_a_file_with_any_value_spoilt_is_read_or_refused_and_never_widens(tmp_path: Path) -> None:
    path = tmp_path / "spoilt.json"
    read = refused = 0
    for at in places(details()):
        for junk in JUNK:
            path.write_text(json.dumps(spoilt(at, junk)))
            try:
                world = gaad.load([path])
            except UserError as error:
                assert "spoilt.json" in str(error)
                refused += 1
                continue
            read += 1
            for who, action in (("user/team/bob", "s3:PutObject"), ("user/carol", "s3:GetObject")):
                if f"{ARN}:{who}" not in world.identities:
                    continue
                outcome = world.can(f"{ARN}:{who}", action, "arn:aws:s3:::b/x").outcome
                # Without its boundary carol may; whatever else is spoilt, nobody gains.
                bound = "PermissionsBoundary" in at and who == "user/carol"
                assert bound or outcome is not Outcome.ALLOWED, (at, junk, who)
    assert read > 300 and refused > 300


@pytest.mark.parametrize(
    "given", [b"\xff\xfe", b"{", b"[" * 100_000, b"null", b'{"UserDetailList": {"a": 1}}']
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, given: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(given)
    with pytest.raises(UserError, match=r"x\.json"):
        gaad.load([path])
    with pytest.raises(UserError, match="nowhere"):
        gaad.load([tmp_path / "nowhere"])


def test_pages_of_one_account_are_one_world(tmp_path: Path) -> None:
    whole = details()
    pages: list[Path] = []
    for n, key in enumerate(whole):
        pages.append(tmp_path / f"{n}.json")
        pages[-1].write_text(json.dumps({key: whole[key], "IsTruncated": True, "Marker": "m"}))
    for order in (pages, pages[::-1]):
        world = gaad.load(order)
        assert world.can("bob", "s3:GetObject", "arn:aws:s3:::b/x").outcome is Outcome.ALLOWED
        assert world.can("carol", "ec2:RunInstances", "*").outcome is Outcome.ALLOWED


def second_account() -> dict[str, Any]:
    """Another account, whose group has a name of the first one's, and whose role trusts its users."""
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    head = f"arn:aws:iam::{OTHER}"
    return {
        "UserDetailList": [
            {"Arn": f"{head}:user/dave", "UserId": "AIDADAVE", "GroupList": ["readers"], "UserPolicyList": []}
        ],
        "GroupDetailList": [
            {
                "Arn": f"{head}:group/readers",
                "GroupPolicyList": [{"PolicyName": "q", "PolicyDocument": document(allow("sqs:ListQueues"))}],
            }
        ],
        "RoleDetailList": [
            {
                "Arn": f"{head}:role/shared",
                "RoleId": "AROASHARED",
                "AssumeRolePolicyDocument": document(trust),
                "RolePolicyList": [],
            }
        ],
    }


def test_accounts_together_know_both_sides_and_mix_nothing(tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    first.write_text(json.dumps(details()))
    second.write_text(json.dumps(second_account()))
    for order in ([first, second], [second, first]):
        world = gaad.load(order)
        assert set(world.accounts) == {ACCOUNT, OTHER}
        dave, shared = f"arn:aws:iam::{OTHER}:user/dave", f"arn:aws:iam::{OTHER}:role/shared"
        # Groups of one name are two groups.
        assert world.can(dave, "s3:GetObject", "arn:aws:s3:::b/x").outcome is Outcome.IMPLICITLY_DENIED
        assert world.can(dave, "sqs:ListQueues").outcome is Outcome.ALLOWED
        assert world.can("bob", "sqs:ListQueues").outcome is Outcome.IMPLICITLY_DENIED
        # "Cross-account policy evaluation logic": the role trusts the account, and the user's policy allows.
        told = {
            g.principal.arn
            for g in world.who_can("sts:AssumeRole", shared)
            if g.answer.outcome is Outcome.ALLOWED
        }
        assert told == {f"{ARN}:user/team/bob", f"{ARN}:root"}
        # Within one account its own trust must name it; this one names only the other account.
        assert world.can(dave, "sts:AssumeRole", shared).outcome is Outcome.IMPLICITLY_DENIED


def test_a_kms_alias_stands_for_its_key() -> None:
    """AWS KMS Developer Guide, Control access to aliases: a key's policy decides on what is done by alias."""
    world = World()
    world.accounts[ACCOUNT] = Account(ACCOUNT)
    document_ = document(
        {"Effect": "Allow", "Principal": {"AWS": f"{ARN}:user/bob"}, "Action": "kms:Decrypt", "Resource": "*"}
    )
    policy = world.policy(json.dumps(document_), "key", principal=True)
    world.resources[KEY] = Held(KEY, ACCOUNT, world.policy_set([policy]))
    alias = KEY.replace("key/k1", "alias/app")
    world.aliases[alias] = KEY
    for name in ("bob", "eve"):
        who = principal(f"{ARN}:user/{name}")
        world.identities[who.arn] = Identity(who)
    assert world.can("user/bob", "kms:Decrypt", alias).outcome is Outcome.ALLOWED
    assert world.can("user/bob", "kms:Decrypt", alias).parts[0][0].resource.arn == KEY
    assert world.can("user/eve", "kms:Decrypt", alias).outcome is Outcome.IMPLICITLY_DENIED
    # Of an alias that nothing tells of, the key is not known.
    unknown = world.can("user/eve", "kms:Decrypt", alias.replace("app", "other"))
    assert unknown.outcome is Outcome.DEPENDS
