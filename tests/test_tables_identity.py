"""What the identity tables make of raw answers: credential report, inline policies, paths, durations."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from partywall.tables.mapping import CompiledTable, Row
from partywall.tables.paths import MISSING
from partywall.tables.registry import all_tables
from partywall.tables.services.iam import merged_policy
from partywall.tables.services.ssm import holds_secret
from partywall.tables.services.sso import hours

CONTEXT = {"@account_id": "111122223333", "@region": "us-east-1", "@partition": "aws"}
USER_ARN = "arn:aws:iam::111122223333:user/jo"
REPORT_LINE = {
    "user": "jo",
    "arn": USER_ARN,
    "user_creation_time": "2024-01-01T00:00:00+00:00",
    "password_enabled": "true",
    "password_last_used": "no_information",
    "password_last_changed": "2024-02-01T00:00:00+00:00",
    "password_next_rotation": "N/A",
    "mfa_active": "false",
    "access_key_1_active": "true",
    "access_key_1_last_rotated": "2024-03-01T00:00:00+00:00",
    "access_key_1_last_used_date": "N/A",
    "access_key_1_last_used_region": "N/A",
    "access_key_1_last_used_service": "N/A",
    "access_key_2_active": "false",
    "access_key_2_last_rotated": "N/A",
    "access_key_2_last_used_date": "N/A",
    "access_key_2_last_used_region": "N/A",
    "access_key_2_last_used_service": "N/A",
    "cert_1_active": "false",
    "cert_1_last_rotated": "N/A",
    "cert_2_active": "false",
    "cert_2_last_rotated": "N/A",
}
ALLOW_READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
DENY_ALL = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def mapped(table: str, element: Any, **context: Any) -> Row:
    compiled = CompiledTable(all_tables()[table])
    return compiled.start({**CONTEXT, **context}, element)


def user_with(**changes: str) -> Row:
    compiled = CompiledTable(all_tables()["iam_user"])
    row = compiled.start(CONTEXT, {"Arn": USER_ARN, "UserName": "jo"})
    compiled.answered(row, "report", {**REPORT_LINE, **changes})
    return row


def test_password_never_used_counts_from_when_it_was_set() -> None:
    row = user_with()
    assert row["password_used"] is False
    assert row["password_last_active"] == moment("2024-02-01")
    assert row["mfa_active"] is False


def test_password_used_counts_from_its_use() -> None:
    row = user_with(password_last_used="2024-05-05T00:00:00+00:00")
    assert row["password_used"] is True
    assert row["password_last_active"] == moment("2024-05-05")


def test_user_without_password_has_no_unknown_times() -> None:
    row = user_with(
        password_enabled="false", password_last_used="N/A", password_last_changed="N/A", mfa_active="false"
    )
    assert row["password_enabled"] is False
    assert row["password_last_changed"] == moment("2024-01-01")


def test_only_access_keys_that_exist_are_listed() -> None:
    [key] = user_with()["access_keys"]
    assert (key["slot"], key["active"], key["used"], key["service"]) == (1, True, False, "")
    assert key["last_active"] == key["created"] == moment("2024-03-01")


def test_inactive_key_that_was_once_made_is_listed() -> None:
    row = user_with(
        access_key_2_last_rotated="2023-01-01T00:00:00+00:00",
        access_key_2_last_used_date="2023-06-01T00:00:00+00:00",
    )
    assert [(k["slot"], k["active"]) for k in row["access_keys"]] == [(1, True), (2, False)]
    assert row["access_keys"][1]["last_active"] == moment("2023-06-01")


def test_what_the_report_does_not_support_is_unknown() -> None:
    assert user_with(password_enabled="not_supported")["password_enabled"] is None


def test_user_missing_from_the_report_is_unknown() -> None:
    compiled = CompiledTable(all_tables()["iam_user"])
    row = compiled.start(CONTEXT, {"Arn": USER_ARN, "UserName": "jo"})
    compiled.answered(row, "report", MISSING)
    assert row["mfa_active"] is None
    assert row["access_keys"] is None
    assert row["password_last_active"] is None


@pytest.mark.parametrize("encode", [quote, str])
def test_inline_policies_are_one_document(encode: Any) -> None:
    documents = [
        encode(json.dumps({"Statement": ALLOW_READ})),
        encode(json.dumps({"Statement": [DENY_ALL]})),
    ]
    merged = merged_policy([{"PolicyName": str(i), "PolicyDocument": d} for i, d in enumerate(documents)])
    assert json.loads(merged or "")["Statement"] == [ALLOW_READ, DENY_ALL]


def test_no_inline_policy_is_known_to_be_none() -> None:
    row = mapped(
        "iam_role", {"Arn": "arn:aws:iam::111122223333:role/r", "RoleName": "r", "RolePolicyList": []}
    )
    assert row["inline_policy"] == ""
    assert row["inline_policy_names"] == []


def test_malformed_inline_policy_is_unknown_and_says_so() -> None:
    element = {
        "Arn": "arn:aws:iam::111122223333:role/r",
        "RoleName": "r",
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": "{not json"}],
    }
    row = mapped("iam_role", element)
    assert row["inline_policy"] is None
    assert row["_failed"][0]["code"] == "MalformedValue"


def test_policy_document_is_that_of_the_version_in_force() -> None:
    element = {
        "Arn": "arn:aws:iam::111122223333:policy/p",
        "PolicyName": "p",
        "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": False, "Document": json.dumps({"Statement": [DENY_ALL]})},
            {
                "VersionId": "v2",
                "IsDefaultVersion": True,
                "Document": json.dumps({"Statement": [ALLOW_READ]}),
            },
        ],
    }
    assert json.loads(mapped("iam_policy", element)["document"])["Statement"] == [ALLOW_READ]


def test_account_is_reached_by_policies_of_all_units_above_it() -> None:
    element = {
        "Id": "444455556666",
        "Arn": "arn:aws:organizations::111122223333:account/o-a/444455556666",
        "Name": "app",
        "Paths": ["o-abcdefghij/r-ab12/ou-ab12-11111111/ou-ab12-22222222/444455556666/"],
    }
    row = mapped("organizations_account", element, **{"@parent.management_account_id": "111122223333"})
    assert set(row["ancestor_ids"]) == {"r-ab12", "ou-ab12-11111111", "ou-ab12-22222222", "444455556666"}


def test_account_without_a_path_has_unknown_units() -> None:
    element = {"Id": "444455556666", "Arn": "arn", "Name": "app"}
    row = mapped("organizations_account", element, **{"@parent.management_account_id": "111122223333"})
    assert row["ancestor_ids"] is None


@pytest.mark.parametrize(
    ("text", "expected"), [("PT1H", 1.0), ("PT30M", 0.5), ("PT12H", 12.0), ("P1DT1H", 25.0)]
)
def test_session_durations(text: str, expected: float) -> None:
    assert hours(text) == expected


def test_session_duration_of_another_form_is_an_error() -> None:
    with pytest.raises(ValueError, match="PT8H"):
        hours("eight hours")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aws_access_key_id = AKIAIOSFODNN7EXAMPLE", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("password: 'hunter2hunter2'", True),
        ("password: '{{ssm-secure:/db/password}}'", False),
        ("runCommand: ['yum update -y']", False),
    ],
)
def test_secrets_in_documents(text: str, expected: bool) -> None:
    assert holds_secret(text) is expected
