"""Lint of policies: every code raised by its cases and left out by near misses, with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from partywall.analysis.iam.lint import SECTIONS, PolicyType, lint
from partywall.analysis.iam.lint.positions import JsonError, Source, parse
from partywall.analysis.iam.lint.sources import lint_file
from partywall.cli.iam_policies import register

CASES = [
    case
    for path in sorted((Path(__file__).parent / "iam_lint_cases").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text(encoding="utf-8"))
]
_ACTION = {"Effect": "Allow", "Action": "s3:GetObject"}
PLAIN: dict[str, dict[str, Any]] = {
    "identity": {**_ACTION, "Resource": "arn:aws:s3:::b/k"},
    "resource": {**_ACTION, "Principal": {"AWS": "111122223333"}, "Resource": "arn:aws:s3:::b/k"},
    "trust": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"},
    "scp": {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"},
    "rcp": {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"},
}


def codes(case: dict[str, Any], kind: str) -> set[str]:
    """The codes of one case's document."""
    entry = dict(case)
    kind = entry.pop("type", kind)
    text = entry.pop("text", None)
    document = entry.pop("document", {})
    repeat, spaces = entry.pop("repeat", 0), entry.pop("spaces", 0)
    statement = {k: v for k, v in {**PLAIN[kind], **entry}.items() if v is not None}
    if repeat:
        statement["Resource"] = [f"arn:aws:s3:::b{n}/*" for n in range(repeat)]
    whole = {"Version": "2012-10-17", "Statement": [statement], **document}
    made = json.dumps({k: v for k, v in whole.items() if v is not None}) + " " * spaces
    return {f.code for f in lint(made if text is None else text, PolicyType(kind))}


def _code(case: dict[str, Any]) -> str:
    return case["section"].upper().replace(" ", "_")


@pytest.mark.parametrize("case", CASES, ids=_code)
def test_raises(case: dict[str, Any]) -> None:
    for entry in case["raises"]:
        assert _code(case) in codes(entry, case.get("type", "identity")), entry


@pytest.mark.parametrize("case", CASES, ids=_code)
def test_near_misses(case: dict[str, Any]) -> None:
    assert case["near"]
    for entry in case["near"]:
        assert _code(case) not in codes(entry, case.get("type", "identity")), entry


def test_every_code_has_cases() -> None:
    assert {_code(case) for case in CASES} == set(SECTIONS)


@pytest.mark.parametrize("kind", PLAIN)
def test_plain_policies_are_clean(kind: str) -> None:
    assert codes({}, kind) == set()


def test_places() -> None:
    text = '{\n  "Version": "2012-10-17",\r\n  "Statement": {\n    "Effect": "allow",\n'
    text += '"Action": "s3:*", "Resource": "*"}}'
    (found,) = [f for f in lint(text) if f.code == "INVALID_EFFECT"]
    assert (found.line, found.column, found.path) == (4, 15, "Statement.Effect")


def test_places_in_a_plan() -> None:
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "no", "Action": "s3:*", "Resource": "*"}]}
    )
    resource = {"type": "aws_iam_policy", "address": "aws_iam_policy.a", "values": {"policy": policy}}
    text = json.dumps({"planned_values": {"root_module": {"child_modules": [{"resources": [resource]}]}}})
    findings, number = lint_file(text)
    (found,) = [f for f in findings if f.code == "INVALID_EFFECT"]
    assert number == 1 and found.policy == "aws_iam_policy.a"
    assert text[found.column - 1 :].startswith('\\"no\\"')


def test_templates_leave_functions_open() -> None:
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", {"Ref": "More"}],
        "Resource": {"Fn::Sub": "nonsense-${Bucket}"},
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    document = {
        "Version": "2012-10-17",
        "Statement": [statement, {"Effect": "Allow", "Action": "s3:Nope*", "Resource": "*"}],
    }
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"Policies": [{"PolicyName": "p", "PolicyDocument": document}]},
    }
    findings, number = lint_file(json.dumps({"Resources": {"Role": role}}))
    assert number == 1
    assert [(f.code, f.policy) for f in findings] == [("INVALID_ACTION", "Role")]


def test_account_details() -> None:
    trust = {"Version": "2012-10-17", "Statement": [{**PLAIN["trust"], "Action": "sts:AssumeRoleWithSAML"}]}
    encoded = "%7B%22Version%22%3A%222012-10-17%22%7D"
    role = {
        "Arn": "arn:aws:iam::111122223333:role/a",
        "AssumeRolePolicyDocument": trust,
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": encoded}],
    }
    findings, number = lint_file(json.dumps({"RoleDetailList": [role]}))
    assert number == 2
    assert {f.code for f in findings} == {"MISMATCHED_ACTION_FOR_PRINCIPAL", "MISSING_STATEMENT"}
    assert {f.policy for f in findings} == {"arn:aws:iam::111122223333:role/a"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
@settings(max_examples=150)
def test_reads_what_json_reads(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1)
    root = parse(text)
    assert json.dumps(root.plain()) == json.dumps(json.loads(text))


@given(st.text(alphabet='{}[]":,\\u0123eE+-. \ntruefalsn', max_size=40))
@settings(max_examples=300)
def test_refuses_what_json_refuses(text: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        with pytest.raises(JsonError):
            parse(text)
    else:
        parse(text)


ELEMENT = st.sampled_from(
    [
        "Version",
        "Statement",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "Principal",
        "Condition",
        "Sid",
        "AWS",
        "StringEquals",
        "aws:SourceIp",
        "aws:TagKeys",
        "IpAddress",
        "Null",
    ]
)
LEAF = st.sampled_from(
    ["*", "Allow", "2012-10-17", "arn:aws:s3:::b", "${", "", "s3:*", ":", "10.0.0.0/8", 1, True, None]
)


@given(
    st.recursive(
        LEAF, lambda x: st.lists(x, max_size=3) | st.dictionaries(ELEMENT, x, max_size=5), max_leaves=25
    ),
    st.sampled_from(PolicyType),
)
@settings(max_examples=300, deadline=None)
def test_never_raises(value: object, kind: PolicyType) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": value})
    for found in lint(text, kind):
        assert found.line == 1 and 1 <= found.column <= len(text)


def test_hostile_texts_are_findings() -> None:
    for text in (
        "[" * 100_000,
        '{"Statement":' * 5000,
        "\x00",
        '"' + "a" * 100_000,
        "1" * 10_000,
        "NaN",
        "nul",
    ):
        assert [f.code for f in lint(text)] and all(f.severity for f in lint(text)), text[:20]


def test_lines_of_all_endings() -> None:
    source = Source("a\nb\r\nc\rd")
    assert [source.place(n) for n in (0, 2, 5, 7)] == [(1, 1), (2, 1), (3, 1), (4, 1)]


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


def test_command(app: typer.Typer, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps({"Version": "2012-10-17", "Statement": [PLAIN["identity"]]}))
    bad.write_text("{\n\x1b")
    run = CliRunner()
    assert run.invoke(app, ["lint", str(good)]).exit_code == 0
    result = run.invoke(app, ["lint", str(good), str(bad), "--format", "json"])
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)
    assert (found["issueCode"], found["line"], found["column"]) == ("JSON_SYNTAX_ERROR", 2, 1)
    assert "\x1b" not in run.invoke(app, ["lint", str(bad)]).output
    assert run.invoke(app, ["lint", str(tmp_path / "none.json")]).exit_code != 0
