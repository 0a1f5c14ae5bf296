"""Paths to administrator rights over what was read: brackets of what was not, tables, commands, the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from partywall.analysis.iam import holdings, tables_paths
from partywall.analysis.iam.escalation_steps import steps
from partywall.analysis.iam.escalation_study import Growing, Study, merged
from partywall.analysis.iam.holdings import NOT_LOOKED_AT, SOURCES, Holder, Holders
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.people import People
from partywall.analysis.iam.scan_actors import PASSWORDS, _meet, from_files, gap_words, reading
from partywall.analysis.policy import FACTS
from partywall.cli.app import app
from partywall.errors import UserError
from partywall.lake.engine import Lake
from partywall.outputs import iam_graph
from tests.support import DemoScan

ACCOUNT, OTHER = "111122223333", "444455556666"
IAM = f"arn:aws:iam::{ACCOUNT}:"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
EVIL = '</script><img src=x onerror="alert(1)">'
MASKER = Masker()
Statement = dict[str, Any]


def allow(action: str | list[str], resource: str = "*", **condition: Any) -> Statement:
    made: Statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def trust(principal: dict[str, str] | str, **condition: Any) -> dict[str, Any]:
    made: Statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**made, "Condition": condition} if condition else made]}


def user(name: str, *statements: Statement, managed: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {
        "Arn": f"{IAM}user/{name}",
        "UserName": name,
        "GroupList": [],
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": document}] if statements else [],
        "AttachedManagedPolicies": [{"PolicyArn": a, "PolicyName": "x"} for a in managed],
        **more,
    }


def role(name: str, trusted: Any, *managed: str, account: str = ACCOUNT) -> dict[str, Any]:
    return {
        "Arn": f"arn:aws:iam::{account}:role/{name}",
        "RoleName": name,
        "AssumeRolePolicyDocument": trusted,
        "RolePolicyList": [],
        "AttachedManagedPolicies": [{"PolicyArn": a, "PolicyName": "x"} for a in managed],
    }


def written(path: Path, *details: dict[str, Any]) -> Path:
    file = path / "details.json"
    users = [d for d in details if "UserName" in d]
    roles = [d for d in details if "RoleName" in d]
    file.write_text(json.dumps({"UserDetailList": users, "RoleDetailList": roles}))
    return file


def study(
    path: Path, *details: dict[str, Any], holders: Holders | None = None, strict: bool = False
) -> Study:
    made = from_files([written(path, *details)], strict=strict)
    if holders is not None:
        made = reading(made.people, holders)
    return Study(made, MASKER)


BOSS = role("boss", trust({"Service": "lambda.amazonaws.com"}), ADMIN)
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:job"
CODER = user("coder", allow(["lambda:UpdateFunctionCode"], f"arn:aws:lambda:*:{ACCOUNT}:function:j*"))


class TestCertainty:
    def test_an_assumed_administrator_is_certain_and_a_condition_leaves_it_possible(
        self, tmp_path: Path
    ) -> None:
        sure = user("sure", allow("sts:AssumeRole"))
        open_ = user("open", allow("sts:AssumeRole", "*", IpAddress={"aws:SourceIp": "192.0.2.0/24"}))
        made = study(tmp_path, sure, open_, user("none"), role("boss", trust({"AWS": ACCOUNT}), ADMIN))
        told = {way.principal.rpartition("/")[2]: way for way in made.ways()}
        assert told["sure"].certainty == "certain"
        assert told["open"].certainty == "possible"
        assert "none" not in told
        assert told["sure"].target == f"{IAM}role/boss"
        evidence = told["sure"].evidence[0][0]
        assert evidence.action == "sts:AssumeRole"
        assert evidence.resource == f"{IAM}role/boss"
        assert any("inline own" in s for s in evidence.statements)

    @pytest.mark.parametrize(
        ("roles", "unlisted", "expected"),
        [
            ((f"{IAM}role/boss",), set(), "certain"),
            ((), set(), "none"),
            (None, set(), "unknown"),
            ((), {(ACCOUNT, "eu-west-1")}, "unknown"),
            ((), {(ACCOUNT, "*")}, "unknown"),
            ((), {(OTHER, "eu-west-1")}, "none"),
        ],
    )
    def test_a_function_whose_role_or_listing_was_not_read_leaves_its_way_unknown(
        self, tmp_path: Path, roles: tuple[str, ...] | None, unlisted: set[tuple[str, str]], expected: str
    ) -> None:
        holders = Holders(
            [Holder("lambda-function", FUNCTION, ACCOUNT, roles)],
            {"lambda-function": unlisted} if unlisted else {},
        )
        made = study(tmp_path, CODER, BOSS, holders=holders)
        assert made.certainty(f"{IAM}user/coder") == expected
        if expected == "unknown":
            assert made.blame(f"{IAM}user/coder") == {"holders:lambda-function"}

    def test_a_role_that_the_service_may_not_assume_is_held_in_vain(self, tmp_path: Path) -> None:
        holders = Holders([Holder("lambda-function", FUNCTION, ACCOUNT, (f"{IAM}role/boss",))], {})
        other = role("boss", trust({"Service": "ec2.amazonaws.com"}), ADMIN)
        made = study(tmp_path, CODER, other, holders=holders)
        assert made.certainty(f"{IAM}user/coder") == "none"

    def test_a_function_of_another_name_is_not_reached_where_listings_fail(self, tmp_path: Path) -> None:
        holders = Holders([], {"lambda-function": {(ACCOUNT, "us-east-1")}})
        coder = user(
            "coder", allow("lambda:UpdateFunctionCode", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:j")
        )
        made = study(tmp_path, coder, BOSS, holders=holders)
        assert made.certainty(f"{IAM}user/coder") == "none"

    def test_passwords_that_are_not_known_leave_their_steps_unknown(self, tmp_path: Path) -> None:
        helpdesk = user("helpdesk", allow("iam:UpdateLoginProfile"))
        made = study(tmp_path, helpdesk, user("boss", managed=(ADMIN,)))
        assert made.certainty(f"{IAM}user/helpdesk") == "unknown"
        assert made.blame(f"{IAM}user/helpdesk") == {PASSWORDS}

    def test_policies_that_are_nowhere_leave_their_holder_unknown(self, tmp_path: Path) -> None:
        made = study(tmp_path, user("x", managed=(f"{IAM}policy/gone",)))
        assert made.certainty(f"{IAM}user/x") == "unknown"
        assert not made.least.admins
        assert made.most.admins

    def test_strict_files_leave_scps_open(self, tmp_path: Path) -> None:
        made = study(tmp_path, user("x", managed=(ADMIN,)), strict=True)
        assert made.certainty(f"{IAM}user/x") == "unknown"
        assert study(tmp_path, user("x", managed=(ADMIN,))).certainty(f"{IAM}user/x") == "certain"

    def test_an_account_whose_principals_were_not_listed_may_hold_an_administrator(
        self, tmp_path: Path
    ) -> None:
        people: People = from_files([written(tmp_path, user("x", allow("sts:AssumeRole")))]).people
        from partywall.analysis.iam.world import Account

        people.world.accounts[OTHER] = Account(OTHER, principals_known=False)
        made = Study(reading(people, Holders([], {})), MASKER)
        assert made.certainty(f"{IAM}user/x") == "unknown"

    def test_a_path_that_lies_between_two_others_is_not_known(self, tmp_path: Path) -> None:
        from partywall.analysis.iam.world import Account

        # The truth: dev passes boss to EC2. Roles were not listed, so that the extremes have no path, and one
        # by sts:AssumeRole: neither leads over compute, and that must not count as known.
        dev = user("dev", allow(["iam:PassRole", "ec2:RunInstances", "sts:AssumeRole"]))
        people = from_files([written(tmp_path, dev)]).people
        people.world.accounts[ACCOUNT] = Account(ACCOUNT, principals_known=False)
        made = Study(reading(people, Holders([], {})), MASKER)
        assert made.certainty(f"{IAM}user/dev") == "unknown"
        told = tables_paths.together(made, f"{IAM}user/dev", {})
        assert {told[name] for name in ("hops", "path_text", "through_compute", "crosses_accounts")} == {None}
        assert told["is_admin"] is False

    def test_an_administrator_behind_mfa_is_one_perhaps(self, tmp_path: Path) -> None:
        gated = user("gated", allow("*", "*", Bool={"aws:MultiFactorAuthPresent": "true"}))
        narrow = user("narrow", allow("*", "arn:aws:s3:::b/*"))
        made = study(tmp_path, gated, narrow)
        assert made.least.may_be_admin(f"{IAM}user/gated")
        assert f"{IAM}user/gated" not in made.least.admins
        assert not made.least.may_be_admin(f"{IAM}user/narrow")


@pytest.mark.parametrize(
    ("pattern", "shape", "met"),
    [
        (
            "arn:aws:lambda:*:1:function:j*",
            "arn:aws:lambda:eu-west-1:1:function:*",
            "arn:aws:lambda:eu-west-1:1:function:jx",
        ),
        ("arn:aws:lambda:us-*:1:function:j", "arn:aws:lambda:eu-west-1:1:function:*", None),
        (
            "arn:aws:lambda:us-*:1:function:j",
            "arn:aws:lambda:us-east-1:1:function:*",
            "arn:aws:lambda:us-east-1:1:function:j",
        ),
        ("arn:aws:iam::1:role/${aws:username}", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/x"),
        ("arn:aws:iam::2:role/a", "arn:aws:iam::1:role/*", None),
        ("arn:aws:iam::*:*", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/x"),
        ("arn:aws:iam::1:user/a", "arn:aws:iam::1:role/*", None),
        ("*", "arn:aws:iam::1:role/*", None),
    ],
)
def test_one_arn_that_a_pattern_and_a_shape_both_match(pattern: str, shape: str, met: str | None) -> None:
    assert _meet(pattern, shape) == met


def test_what_two_extremes_agree_on() -> None:
    least = {"a": 1, "b": False, "c": Growing([1]), "d": [1]}
    assert merged(least, {"a": 1, "b": True, "c": Growing([1, 2]), "d": [1]}) == {
        "a": 1,
        "b": None,
        "c": [1, None],
        "d": [1],
    }


def test_each_kind_of_holder_is_read_or_said_not_to_be() -> None:
    kinds = {step.holding for step in steps() if step.holding}
    assert kinds <= {s.kind for s in SOURCES} | NOT_LOOKED_AT
    assert all(gap_words(f"holders:{kind}") for kind in kinds)
    assert holdings.services_of("ec2-instance") == ("ec2.amazonaws.com",)


# The demo.


@pytest.fixture(scope="module")
def rows(demo: DemoScan) -> dict[str, dict[str, Any]]:
    lake = Lake(demo.directory, FACTS)
    return {r["arn"]: r for r in tables_paths.principal_risk(lake).to_pylist()}


def test_the_demo_tells_of_its_administrators(rows: dict[str, dict[str, Any]]) -> None:
    by_name = {(r["account_id"], r["name"]): r for r in rows.values()}
    contractor = by_name["721037302440", "old-contractor"]
    assert (contractor["is_admin"], contractor["policy_admin"], contractor["bounded"]) == (True, True, False)
    priya = by_name["721037302440", "priya.nair"]
    assert (priya["is_admin"], priya["reaches_admin"], priya["hops"]) == (False, True, 1)
    assert priya["through_compute"]
    assert priya["path"][0]["target"].endswith(":role/batch-instance")
    partner = by_name["721037302440", "legacy-monitoring"]
    assert partner["may_reach_admin"] is False
    assert partner["outsiders"] == [{"kind": "account", "name": "464622532012", "conditional": False}]
    batch = by_name["721037302440", "batch-instance"]
    assert {h["kind"] for h in batch["held_by"] if h} >= {"ec2-instance"}


def test_what_is_null_names_calls(rows: dict[str, dict[str, Any]]) -> None:
    for row in rows.values():
        null = [k for k, v in row.items() if v is None]
        assert bool(row["_failed"]) or not null, (row["arn"], null)


def test_paths_are_those_of_the_risk_table(demo: DemoScan, rows: dict[str, dict[str, Any]]) -> None:
    found = tables_paths.escalation_paths(Lake(demo.directory, FACTS)).to_pylist()
    assert found
    for path in found:
        row = rows[path["arn"]]
        assert row["may_reach_admin"] is not False
        assert path["hops"] == row["hops"]
        if path["steps"] is not None:
            assert [s["step"] for s in path["steps"]] == [s["step"] for s in row["path"]]
            assert all(e["action"] for s in path["steps"] for e in s["evidence"])


# Commands.


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["iam", *arguments])


def test_paths_from_files(tmp_path: Path) -> None:
    file = written(
        tmp_path, user("bob", allow("sts:AssumeRole")), role("boss", trust({"AWS": ACCOUNT}), ADMIN)
    )
    found = run("paths", "--from-file", str(file), "--format", "json", "--fail-on", "certain")
    assert found.exit_code == 1
    record = json.loads(found.stdout)
    assert [p["principal"] for p in record["paths"]] == [f"{IAM}user/bob"]
    assert record["administrators"] == [f"{IAM}role/boss"]
    assert record["choke_grants"][0]["action"] == "sts:AssumeRole"
    told = run("paths", "--from-file", str(file), "--from", "bob")
    assert told.exit_code == 0
    assert "1. Assume a role that trusts the caller → role/boss" in told.stdout
    listed = run("paths", "--from-file", str(file), "--format", "csv").stdout.splitlines()
    assert listed[0].startswith("principal,account_id,certainty")
    assert listed[1].startswith(f"{IAM}user/bob,{ACCOUNT},certain,1,{IAM}role/boss,sts-assume-role")
    to = run("paths", "--from-file", str(file), "--to", "role/boss", "--format", "json")
    assert {p["principal"] for p in json.loads(to.stdout)["paths"]} == {f"{IAM}user/bob"}
    none = run("paths", "--from-file", str(file), "--from", "role/boss")
    assert "is an administrator already" in none.stdout


def test_gates_take_in_surer_paths(tmp_path: Path) -> None:
    possible = user("bob", allow("sts:AssumeRole", "*", IpAddress={"aws:SourceIp": "192.0.2.0/24"}))
    file = str(written(tmp_path, possible, role("boss", trust({"AWS": ACCOUNT}), ADMIN)))
    exits = {
        g: run("paths", "--from-file", file, "--fail-on", g).exit_code
        for g in ("certain", "possible", "unknown")
    }
    assert exits == {"certain": 0, "possible": 1, "unknown": 1}


def test_wrong_use(tmp_path: Path) -> None:
    file = str(written(tmp_path, user("bob")))
    for arguments in (
        ("paths", "--from-file", file, "--to", "nobody"),
        ("paths", "--data", str(tmp_path / "none")),
        ("graph", "--from-file", file, "-o", str(tmp_path / "no" / "x.html")),
    ):
        assert isinstance(run(*arguments).exception, UserError), arguments


# The page.


def test_the_page_shows_names_as_text_only_and_loads_nothing(tmp_path: Path) -> None:
    evil = user("bob", allow("sts:AssumeRole"))
    evil["UserPolicyList"][0]["PolicyName"] = EVIL
    page = iam_graph.render(study(tmp_path, evil, role("boss", trust({"AWS": ACCOUNT}), ADMIN)), EVIL)
    assert EVIL not in page
    assert "<img" not in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert "default-src 'none'" in page
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    data = json.loads(found[1])
    assert any(EVIL in text for text in data["strings"])
    bob = next(n for n in data["nodes"] if data["strings"][n[0]].endswith("/bob"))
    assert bob[3] == "certain"
    boss = data["nodes"][bob[5]]
    assert data["strings"][boss[0]] == f"{IAM}role/boss"
    assert boss[2] == "admin"


def test_the_page_leads_every_principal_to_an_end(demo: DemoScan) -> None:
    data = iam_graph.payload(tables_paths.study(Lake(demo.directory, FACTS)))
    told = [n for n in data["nodes"] if n[3]]
    assert told
    for node in told:
        seen = 0
        while node[5] >= 0:
            node, seen = data["nodes"][node[5]], seen + 1
            assert seen < len(data["nodes"])
        assert node[2] in ("admin", "raised", "new")
