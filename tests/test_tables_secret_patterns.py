"""What looks like a credential, and what only sounds like one; on real user data too."""

import base64
import gzip
import json
from pathlib import Path

import pytest

from partywall.tables.lambda_runtimes import end_of_support, has_end
from partywall.tables.secret_patterns import is_secret, secret_kinds, secret_pairs, user_data_kinds

RECORDED = Path(__file__).parents[2] / "shared/data/aws_responses/ec2.jsonl"
KEY_ID = "AKIA" + "Q2W3E4R5T6Y7U6I5"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"export AWS_ACCESS_KEY_ID={KEY_ID}", "AWS access key id"),
        ("aws_secret_access_key = " + "aB3/" * 10, "AWS secret access key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("-----BEGIN PRIVATE KEY-----", "private key"),
        ("git clone https://x:ghp_" + "a1B2" * 9 + "@github.com/x/y", "GitHub token"),
        ("psql postgres://app:hunter22@db.internal/app", "password in a URL"),
        ("mysql -u root --password=hunter22 app", "password or token"),
        ("DB_PASSWORD='hunter22'", "password or token"),
        ('"api_key": "0123456789abcdef"', "password or token"),
    ],
)
def test_credentials_are_told_by_their_form(text: str, kind: str) -> None:
    assert kind in secret_kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yum update -y && systemctl enable --now httpd",
        'PASSWORD="$(aws ssm get-parameter --name /db/password --query Parameter.Value)"',
        "DB_PASSWORD=${DB_PASSWORD}",
        "password: {{ vault_password }}",
        "PasswordAuthentication no",
        "curl https://example.com/a:b@c",
    ],
)
def test_ordinary_scripts_hold_none(text: str) -> None:
    assert secret_kinds(text) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DB_PASSWORD", "hunter22", True),
        ("AWS_SECRET_ACCESS_KEY", "x" * 40, True),
        ("ECS_ENGINE_AUTH_DATA", '{"https://index.docker.io/v1/":{}}', True),
        ("ENDPOINT", f"key {KEY_ID}", True),
        ("DATABASE_URL", "postgres://app:hunter22@db/app", True),
        ("DB_PASSWORD", "", False),
        ("DB_PASSWORD_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", False),
        ("DB_PASSWORD", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", False),
        ("DB_PASSWORD", "{{resolve:secretsmanager:x}}", False),
        ("SECRET_NAME", "prod/db", False),
        ("TOKEN_TTL", "3600", False),
        ("USE_TOKEN", "true", False),
        ("STAGE", "production", False),
    ],
)
def test_variables_are_told_by_name_and_value(name: str, value: str, expected: bool) -> None:
    assert is_secret(name, value) is expected


def test_only_names_leave() -> None:
    pairs = [{"name": "B_TOKEN", "value": "abcdefgh"}, {"name": "STAGE", "value": "x"}, {"name": "A_SECRET"}]
    assert secret_pairs(pairs) == ["B_TOKEN"]


def test_user_data_is_read_plain_and_compressed() -> None:
    script = b"#!/bin/sh\nmysql --password=hunter22\n"
    assert user_data_kinds(base64.b64encode(script).decode()) == ["password or token"]
    assert user_data_kinds(base64.b64encode(gzip.compress(script)).decode()) == ["password or token"]
    for broken in ("a", base64.b64encode(b"\x1f\x8b broken").decode()):
        with pytest.raises(ValueError, match="user data"):
            user_data_kinds(broken)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are not here")
def test_recorded_user_data_is_read() -> None:
    found = [
        user_data_kinds(answer["data"]["UserData"]["Value"])
        for answer in map(json.loads, RECORDED.read_text().splitlines())
        if answer["operation"] == "DescribeInstanceAttribute"
        and answer["data"].get("UserData", {}).get("Value")
    ]
    assert any("password or token" in kinds for kinds in found)


def test_runtimes_without_a_date_are_told_from_unknown_ones() -> None:
    assert has_end("python3.8") is True
    assert end_of_support("python3.8") is not None
    assert has_end("nodejs26.x") is False
    assert end_of_support("nodejs26.x") is None
    assert has_end("cobol85") is None
