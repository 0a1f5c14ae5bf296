"""The policy commands as a pipeline uses them: wrong files, templates, plans, directories, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from partywall.cli.app import app

TEMPLATE = """
Parameters: {Bucket: {Type: String}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
        - PolicyName: data
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: s3:GetObject
                Resource: !Join ["", ["arn:aws:s3:::", !Ref Bucket, "/*"]]
  Open:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: "*", Action: s3:GetObject, Resource: !Sub "arn:aws:s3:::${Bucket}/*"}
  Closed:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: "*", Action: s3:GetObject, Resource: !Sub "arn:aws:s3:::${Bucket}/*"}
          - {Effect: Deny, Principal: "*", Action: "s3:*", Resource: !Sub "arn:aws:s3:::${Bucket}/*"}
  Chosen:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: !If
        - Production
        - {Version: "2012-10-17", Statement: {Effect: Allow, Action: sqs:SendMessage, Resource: "*"}}
        - {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}
"""


def statement(**more: Any) -> dict[str, Any]:
    return {"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", **more}


def document(**more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement(**more)]})


FILES = {
    "good.json": document(),
    "wider.json": document(Action="s3:*"),
    "bucket.json": document(Principal="*"),
    "broken.json": document()[:-1],
    "other.yaml": "hello: world",
    "text.txt": "just text",
    "empty.json": "",
    "t.yaml": TEMPLATE,
    "plan.json": json.dumps(
        {
            "format_version": "1.2",
            "planned_values": {
                "root_module": {
                    "resources": [
                        {
                            "address": "aws_s3_bucket_policy.b",
                            "type": "aws_s3_bucket_policy",
                            "values": {"policy": document(Principal="*")},
                        }
                    ]
                }
            },
        }
    ),
    "tree/package.json": '{"name": "not-a-policy"}',
    "tree/notes.txt": "just text",
    "tree/policies/good.json": document(),
    "tree/t.yaml": TEMPLATE,
    "wider/policies/good.json": document(Action="s3:*"),
    "wider/new.json": document(Action="sqs:SendMessage", Resource="*"),
    "bare/notes.txt": "just text",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("policies")
    for name, text in FILES.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (base / "binary.json").write_bytes(b"\x80\x81")
    return base


# The command, its exit code, and what it says.
CASES: list[tuple[str, int, str]] = [
    ("lint good.json", 0, "0 findings"),
    ("lint broken.json", 1, "JSON_SYNTAX_ERROR"),
    ("lint other.yaml", 2, "neither JSON"),
    ("lint text.txt", 2, "neither JSON"),
    ("lint empty.json", 2, "neither JSON"),
    ("lint binary.json", 2, "not text in UTF-8"),
    ("lint none.json", 2, "No such file"),
    ("lint bare", 2, "holds no file with policies"),
    ("lint tree", 1, "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE [Chosen]"),
    ("lint plan.json", 0, "1 policies, 0 findings"),
    ("no-new-access good.json wider.json", 1, "new access"),
    ("no-new-access wider.json good.json", 0, "no new access"),
    ("no-new-access good.json broken.json", 2, "neither JSON"),
    ("no-new-access good.json tree", 2, "two of a kind"),
    ("no-new-access tree tree", 0, "t.yaml:13: [Role] no new access"),
    ("no-new-access tree wider", 1, "sqs:SendMessage"),
    ("access-not-granted good.json --action s3:PutObject", 0, "access not granted"),
    ("access-not-granted good.json --action s3:GetObject", 1, "access granted"),
    ("access-not-granted good.json --action s3:GetObjct", 2, "did you mean GetObject"),
    ("access-not-granted good.json --action nonsense", 2, "no service"),
    ("access-not-granted good.json", 2, "--action or --resource"),
    ("access-not-granted tree --action sqs:DeleteQueue", 1, "[Chosen] access granted"),
    ("no-public-access bucket.json", 1, "public access: A"),
    ("no-public-access good.json", 2, "names no principals"),
    ("no-public-access t.yaml", 1, "[Open] public access: #1"),
    ("no-public-access t.yaml", 1, "[Closed] no public access"),
    ("no-public-access plan.json", 1, "[aws_s3_bucket_policy.b] public access: A"),
    ("no-public-access tree", 1, "[Open] public access: #1"),
    ("no-public-access bucket.json --account 12", 2, "12 digits"),
]


@pytest.mark.parametrize(("command", "code", "says"), CASES)
def test_commands(files: Path, monkeypatch: pytest.MonkeyPatch, command: str, code: int, says: str) -> None:
    monkeypatch.chdir(files)
    result = CliRunner().invoke(app, ["iam", *command.split()])
    told = result.output + str(result.exception or "")
    assert says in told
    assert (2 if _refused(result.exception) else result.exit_code) == code


def _refused(error: BaseException | None) -> bool:
    from partywall.errors import UserError

    return isinstance(error, UserError)


def test_json_of_public_access(files: Path) -> None:
    result = CliRunner().invoke(app, ["iam", "no-public-access", str(files / "t.yaml"), "--format", "json"])
    found = {r["policy"]: r["outcome"] for r in json.loads(result.output)}
    assert found == {"Role": "no public access", "Open": "public access", "Closed": "no public access"}
