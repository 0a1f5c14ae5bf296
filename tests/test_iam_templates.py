"""Policies inside templates and plans: with file and line, compared with their former selves, as SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from partywall.analysis.iam.compare import Outcome
from partywall.analysis.iam.lint.compared import new_access, not_granted, not_public
from partywall.analysis.iam.lint.sources import lint_file, policies
from partywall.cli.app import app

SCHEMA = Path(__file__).parent / "data" / "sarif-schema-2.1.0.json"
TEMPLATE = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters: {Bucket: {Type: String}}
Resources:
  Worker:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: {Service: ec2.amazonaws.com}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: work
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - Effect: Allow
                Action: [s3:GetObject, s3:GetObjekt]
                Resource: !Sub "arn:aws:s3:::${Bucket}/*"
              - Effect: Allow
                Action: dynamodb:GetItem
                Resource: !GetAtt Table.Arn
  Shared:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          Effect: Allow
          Principal: {AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}
          Action: s3:GetObject
          Resource: !Join ["", ["arn:aws:s3:::", !Ref Bucket, "/*"]]
  Plain:
    Type: AWS::Logs::ResourcePolicy
    Properties:
      PolicyName: x
      PolicyDocument: |
        {"Version": "2012-10-17",
         "Statement": [{"Effect": "Alow", "Action": "logs:PutLogEvents",
           "Resource": "*", "Principal": {"Service": "es.amazonaws.com"}}]}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
        - AWSLambdaBasicExecutionRole
        - S3ReadPolicy: {BucketName: !Ref Bucket}
        - Version: "2012-10-17"
          Statement: [{Effect: Allow, Action: "iam:PassRole", Resource: "*"}]
"""


def codes(text: str) -> list[tuple[str, str, int]]:
    return [(f.policy, f.code, f.line) for f in lint_file(text)[0]]


def test_a_template_in_yaml_is_read_with_its_short_forms() -> None:
    found = [(p.name, str(p.type)) for p in policies(TEMPLATE)]
    assert found == [
        ("Worker", "trust"),
        ("Worker", "identity"),
        ("Shared", "resource"),
        ("Plain", "resource"),
        ("Function", "identity"),
    ]
    told = codes(TEMPLATE)
    line = TEMPLATE.splitlines().index("                Action: [s3:GetObject, s3:GetObjekt]") + 1
    assert ("Worker", "INVALID_ACTION", line) in told
    assert ("Function", "PASS_ROLE_WITH_STAR_IN_RESOURCE", len(TEMPLATE.splitlines())) in told
    # A policy in a block of text is told at its own line.
    alow = next(n for n, text in enumerate(TEMPLATE.splitlines(), 1) if "Alow" in text)
    assert ("Plain", "INVALID_EFFECT", alow) in told
    assert not [t for t in told if t[0] == "Shared"]


def outcomes(old: str, new: str) -> dict[str, Outcome]:
    return {f"{each.name}": each.result.outcome for each in new_access(old, new)}


CHANGES: list[tuple[str, str, str, Outcome]] = [
    ("s3:GetObject, s3:GetObjekt", "s3:GetObject", "Worker", Outcome.NONE),
    ("s3:GetObject, s3:GetObjekt", "s3:Get*", "Worker", Outcome.NEW),
    ("arn:aws:s3:::${Bucket}/*", "arn:aws:s3:::${Bucket}/in/*", "Worker", Outcome.NONE),
    ("arn:aws:s3:::${Bucket}/*", "arn:aws:s3:::*", "Worker", Outcome.NEW),
    ("!GetAtt Table.Arn", "!GetAtt Other.Arn", "Worker", Outcome.NEW),
    ("!GetAtt Table.Arn", "!GetAtt   Table.Arn", "Worker", Outcome.NONE),
    ("Action: dynamodb:GetItem", "Action: !Ref Chosen", "Worker", Outcome.UNDECIDED),
    ("${AWS::AccountId}:root", "${Partner}:root", "Shared", Outcome.NEW),
    ("${AWS::AccountId}:root", "${AWS::AccountId}:root", "Shared", Outcome.NONE),
    ('{AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}', '"*"', "Shared", Outcome.NEW),
]


@pytest.mark.parametrize(("before", "after", "name", "expected"), CHANGES)
def test_new_access_in_a_template(before: str, after: str, name: str, expected: Outcome) -> None:
    assert before in TEMPLATE
    judged = [e for e in new_access(TEMPLATE, TEMPLATE.replace(before, after)) if e.name == name]
    found = {each.result.outcome for each in judged}
    assert expected in found and found <= {expected, Outcome.NONE}


def test_a_policy_that_is_new_allows_all_that_it_says() -> None:
    start = TEMPLATE.index("  Function:")
    assert outcomes(TEMPLATE[:start], TEMPLATE)["Function"] is Outcome.NEW
    judged = new_access(TEMPLATE, TEMPLATE[:start])
    # An Allow that is misspelt cannot be read, and is not taken to be harmless.
    assert {e.name: e.result.outcome for e in judged}["Plain"] is Outcome.UNDECIDED
    assert "Function" not in {e.name for e in judged}


PLAN: dict[str, Any] = {
    "format_version": "1.2",
    "planned_values": {
        "root_module": {
            "resources": [
                {
                    "address": "aws_iam_policy.deploy",
                    "type": "aws_iam_policy",
                    "values": {
                        "policy": json.dumps(
                            {
                                "Version": "2012-10-17",
                                "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}],
                            }
                        )
                    },
                },
                {"address": "aws_iam_policy.later", "type": "aws_iam_policy", "values": {}},
            ],
            "child_modules": [
                {
                    "resources": [
                        {
                            "address": "module.a.aws_s3_bucket_policy.open",
                            "type": "aws_s3_bucket_policy",
                            "values": {
                                "policy": json.dumps(
                                    {
                                        "Version": "2012-10-17",
                                        "Statement": [
                                            {
                                                "Sid": "Open",
                                                "Effect": "Allow",
                                                "Principal": "*",
                                                "Action": "s3:GetObject",
                                                "Resource": "arn:aws:s3:::b/*",
                                            }
                                        ],
                                    }
                                )
                            },
                        }
                    ]
                }
            ],
        }
    },
}


def test_a_plan_is_asked_for_what_is_granted_and_what_is_public() -> None:
    text = json.dumps(PLAN, indent=1)
    granted = {e.name: e.result.outcome for e in not_granted(text, ["iam:PassRole"], [])}
    assert granted["aws_iam_policy.deploy"] is Outcome.NEW
    assert granted["module.a.aws_s3_bucket_policy.open"] is Outcome.NONE
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "arn:aws:s3:::b" in row)
    assert not_public(text, "") == [("module.a.aws_s3_bucket_policy.open", line, True, ["Open"])]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["iam", *arguments])


def test_commands_take_templates_and_tell_file_and_line(tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(TEMPLATE)
    new.write_text(TEMPLATE.replace("Action: dynamodb:GetItem", "Action: dynamodb:*"))
    told = run("no-new-access", str(old), str(new))
    assert told.exit_code == 1
    assert f"{new}:16: [Worker] new access" in told.output
    narrow = tmp_path / "narrow.yaml"
    narrow.write_text(TEMPLATE[: TEMPLATE.index("  Plain:")])
    assert run("no-new-access", str(narrow), str(narrow)).exit_code == 0
    assert run("access-not-granted", str(narrow), "--action", "ec2:*").exit_code == 0
    assert run("access-not-granted", str(narrow), "--action", "s3:*").exit_code == 1
    assert run("no-public-access", str(narrow)).exit_code == 0
    records = json.loads(run("no-new-access", str(old), str(new), "--format", "json").stdout)
    assert {r["policy"] for r in records if r["outcome"] == "new access"} == {"Worker"}


def test_lint_writes_sarif_at_the_lines_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a b.yaml"
    file.write_text(TEMPLATE)
    told = run("lint", str(file), "--format", "sarif")
    assert told.exit_code == 1
    log = json.loads(told.stdout)
    assert log["version"] == "2.1.0" and len(log["runs"]) == 1
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
    run_ = log["runs"][0]
    rules = [r["id"] for r in run_["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    findings, _ = lint_file(TEMPLATE)
    assert len(run_["results"]) == len(findings)
    for result, finding in zip(run_["results"], findings, strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == finding.code
        place = result["locations"][0]["physicalLocation"]
        assert place["region"] == {"startLine": finding.line, "startColumn": finding.column}
        assert place["artifactLocation"]["uri"].endswith("/a%20b.yaml")


BROKEN = [
    "Resources: [",
    "Resources: &a {b: *a}",
    "Resources: {A: {Type: AWS::IAM::Policy, Properties: {PolicyDocument: !Sub [}}}}",
    "a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
    "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
    "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nResources: [*f,*f,*f,*f,*f,*f,*f,*f,*f]",
    "Resources: {A: {Type: AWS::IAM::Policy, Properties: {PolicyDocument: '{'}}}",
    "Resources: {A: {Type: [1], Properties: 3}}",
    "Resources: {? [a] : {Type: x}}",
    "\t- x",
    "Statement: " + "[" * 2000,
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_broken_templates_are_findings_or_nothing_never_crashes(text: str) -> None:
    lint_file(text)
    new_access(text, text)
    not_granted(text, ["s3:*"], [])
    not_public(text, "")
