"""`partywall iam can`, `who-can` and `what-can`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from partywall.cli.app import app
from partywall.errors import UserError
from tests.support import DemoScan
from tests.test_iam_world import ACCOUNT, ARN, details

RUNNER = CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "gaad.json"
    path.write_text(json.dumps(details()))
    return str(path)


def run(*arguments: str) -> Result:
    return RUNNER.invoke(app, ["iam", *arguments])


def answer(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_can_tells_each_layer_with_policy_and_sid(file: str) -> None:
    told = run("can", "bob", "s3:GetObject", "arn:aws:s3:::b/x", "--from-file", file)
    assert told.exit_code == 0
    assert told.output.startswith(f"ALLOWED: {ARN}:user/team/bob s3:GetObject")
    assert "identity-based policies: allows by group readers: inline read:#1" in told.output
    assert "assumed: the files hold no service" in told.output


def test_can_names_the_denying_statement_and_its_layer(file: str) -> None:
    told = answer("can", "bob", "s3:GetObject", "arn:aws:s3:::secret/x", "--from-file", file)
    assert told["outcome"] == "explicitly denied"
    assert told["decisions"][0]["steps"] == [
        {"layer": "identity-based policies", "result": "denies", "statements": ["inline own:No"]}
    ]


@pytest.mark.parametrize(
    ("resource", "expect", "code"),
    [
        ("arn:aws:s3:::b/x", "allowed", 0),
        ("arn:aws:s3:::b/x", "denied", 1),
        ("arn:aws:s3:::secret/x", "denied", 0),
        ("arn:aws:s3:::secret/x", "allowed", 1),
    ],
)
def test_expectations_set_the_exit_code(file: str, resource: str, expect: str, code: int) -> None:
    result = run("can", "bob", "s3:GetObject", resource, "--from-file", file, "--expect", expect)
    assert result.exit_code == code


@pytest.mark.parametrize("expect", ["allowed", "denied"])
def test_an_open_decision_meets_no_expectation(file: str, expect: str) -> None:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k1"
    told = run("can", "bob", "kms:Decrypt", key, "--from-file", file, "--expect", expect)
    assert told.exit_code == 1
    assert "could not be read" in told.output


def test_context_decides_an_open_condition(file: str) -> None:
    raw = json.loads(Path(file).read_text())
    raw["GroupDetailList"][0]["GroupPolicyList"][0]["PolicyDocument"]["Statement"][0]["Condition"] = {
        "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}
    }
    Path(file).write_text(json.dumps(raw))
    asked = ("can", "bob", "s3:GetObject", "arn:aws:s3:::b/x", "--from-file", file)
    told = answer(*asked)
    assert told["outcome"] == "depends"
    assert "aws:SourceIp" in " ".join(told["decisions"][0]["open"])
    assert answer(*asked, "--context", "aws:SourceIp=192.0.2.7")["outcome"] == "allowed"
    assert answer(*asked, "--context", "aws:SourceIp=198.51.100.1")["outcome"] == "implicitly denied"


@pytest.mark.parametrize(
    "arguments",
    [
        ("can", "nobody", "s3:GetObject", "*"),
        ("can", "bob", "s3:GetObjekt", "*"),
        ("can", "bob", "s3:GetObject", "*", "--context", "nonsense"),
        ("what-can", f"{ARN}:group/readers"),
        ("who-can", "nothing"),
    ],
)
def test_bad_input_is_a_sentence(file: str, arguments: tuple[str, ...]) -> None:
    assert isinstance(run(*arguments, "--from-file", file).exception, UserError)


def test_several_resources_are_all_asked(file: str) -> None:
    told = answer(
        "can", "bob", "s3:GetObject", "arn:aws:s3:::b/x", "arn:aws:s3:::secret/x", "--from-file", file
    )
    assert told["outcome"] == "explicitly denied" and len(told["decisions"]) == 2


def test_who_can_and_what_can(file: str) -> None:
    who = answer("who-can", "sts:AssumeRole", f"{ARN}:role/machine", "--from-file", file)
    assert {"principal": "ec2.amazonaws.com", "outcome": "allowed", "outsider": True, "open": []} in who[
        "rows"
    ]
    what = answer("what-can", "bob", "--from-file", file)
    found = next(r for r in what["rows"] if r["action"] == "s3:GetObject")
    assert found["except"] == ["inline own:No"] and found["statements"] == ["group readers: inline read:#1"]
    assert "sqs" in run("what-can", "bob", "--from-file", file).output


def test_hostile_names_do_not_reach_the_terminal(file: str) -> None:
    text = Path(file).read_text().replace('"read"', '"re\\u001b[2Jad"')
    Path(file).write_text(text)
    told = run("can", "bob", "s3:GetObject", "arn:aws:s3:::b/x", "--from-file", file)
    assert "\x1b" not in told.output and "re?[2Jad" in told.output


def test_the_last_scan_is_asked(demo: DemoScan) -> None:
    member = next(a for a in demo.accounts if a != demo.accounts[0])
    told = answer("can", f"{member}:user/li.chen", "ec2:DescribeInstances", "--data", str(demo.data))
    layers = [s["layer"] for s in told["decisions"][0]["steps"]]
    assert "service control policies" in layers and "identity-based policies" in layers
