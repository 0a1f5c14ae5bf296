"""Masks leave no credential in the evidence, and every detector of credentials says the same as before."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partywall.evidence.masking import Masker, tempting_texts
from partywall.evidence.rows import canonical, restore, sha256
from partywall.tables.secret_patterns import is_secret, secret_kinds, user_data_kinds

# Made of parts, so that scanners of this repository find no credential in it.
KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
SECRETS = {
    "AWS access key id": KEY_ID,
    "AWS secret access key": "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "GitLab token": "glpat-" + "x" * 20,
    "Slack token": "xoxb-" + "123456789012",
    "Stripe key": "sk_live_" + "4" * 24,
    "Google API key": "AIza" + "S" * 35,
    "signed token": "eyJ" + "h" * 12 + ".eyJ" + "p" * 12 + "." + "s" * 12,
    "password in a URL": "postgres://app:hunter22@db.internal/shop",
    "password or token": "DB_PASSWORD=hunter22",
}
PARTS = {
    "AWS secret access key": "wJalrXUtnFEMI",
    "private key": "MIIEpAIBAAKCAQEA",
    "password in a URL": "hunter22",
    "password or token": "hunter22",
}
SALT = b"0" * 32


def masked(service: str, operation: str, answer: dict[str, Any]) -> Any:
    """An answer as a scan would keep it."""
    text = canonical(answer)
    return json.loads(Masker(SALT).body(service, operation, text, tempting_texts([text.decode()])[0]))


def secret(kind: str) -> str:
    """What must not be left of a credential."""
    return PARTS.get(kind, SECRETS[kind])


@pytest.mark.parametrize("kind", SECRETS)
def test_each_kind(kind: str) -> None:
    text = f"export X=1 {SECRETS[kind]} # the end"
    masked = Masker(SALT).text(text)
    assert secret(kind) not in masked
    assert secret_kinds(masked) == secret_kinds(text)
    assert kind in secret_kinds(masked)
    assert masked.startswith("export X=1 ")
    assert secret(kind) not in Masker(SALT).whole(text)
    assert secret_kinds(Masker(SALT).whole(text)) == secret_kinds(text)


@given(
    st.lists(
        st.one_of(
            st.sampled_from(sorted(SECRETS.values())),
            st.text(st.characters(codec="utf-8"), max_size=20),
            st.sampled_from(["password=", "token: ", "://", "@", "\n", "'", '"', "secret_key=", "eyJ"]),
        ),
        max_size=8,
    )
)
def test_kinds_stay_whatever_is_around_them(parts: list[str]) -> None:
    text = "".join(parts)
    for masked in (Masker(SALT).text(text), Masker(SALT).whole(text)):
        assert secret_kinds(masked) == secret_kinds(text)
    assert Masker(SALT).text(text) == Masker(SALT).text(text)


@given(st.lists(st.sampled_from(sorted(SECRETS)), min_size=2, max_size=8))
def test_several_secrets_all_go(kinds: list[str]) -> None:
    masked = Masker(SALT).text("\n".join(SECRETS[k] for k in kinds))
    assert not [k for k in kinds if secret(k) in masked]


@given(
    st.sampled_from(["DB_PASSWORD", "API_KEY", "TOKEN_TTL", "REGION", "secret", "x"]),
    st.one_of(
        st.sampled_from(
            [*SECRETS.values(), "true", "443", "arn:aws:s3:::b", "/run/secret", "${X}", "", "*****"]
        ),
        st.text(st.characters(codec="utf-8"), max_size=20),
    ),
)
def test_a_setting_is_a_secret_before_and_after(name: str, value: str) -> None:
    assert is_secret(name, Masker(SALT).setting(name, value)) == is_secret(name, value)


@pytest.mark.parametrize("packed", [False, True])
def test_user_data(packed: bool) -> None:
    script = f"#!/bin/sh\nexport {SECRETS['password or token']}\n".encode()
    given_ = base64.b64encode(gzip.compress(script) if packed else script).decode()
    answer = {"InstanceId": "i-1", "UserData": {"Value": given_}}
    kept = masked("ec2", "DescribeInstanceAttribute", answer)
    assert b"hunter22" not in base64.b64decode(kept["UserData"]["Value"])
    assert user_data_kinds(kept["UserData"]["Value"]) == user_data_kinds(given_) == ["password or token"]


def test_environment_variables_keep_their_names_and_lose_their_values() -> None:
    answer = {
        "Functions": [
            {
                "FunctionName": "f",
                "Environment": {
                    "Variables": {"DB_PASSWORD": "hunter22", "HOST": "db.internal", "PORT": "5432"}
                },
                "KMSKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/1",
            }
        ]
    }
    kept = masked("lambda", "ListFunctions", answer)["Functions"][0]
    assert kept["FunctionName"] == "f" and kept["KMSKeyArn"].endswith("key/1")
    variables = kept["Environment"]["Variables"]
    assert list(variables) == ["DB_PASSWORD", "HOST", "PORT"]
    assert not {"hunter22", "db.internal", "5432"} & set(variables.values())
    assert [n for n, v in variables.items() if is_secret(n, v)] == ["DB_PASSWORD"]


def test_pairs_and_stars_and_names_of_keys() -> None:
    stage = {"name": "s", "actions": [{"name": "a", "configuration": {"OAuthToken": "****", "Owner": "o"}}]}
    answer: dict[str, Any] = {"pipeline": {"name": "p", "stages": [stage]}}
    assert masked("codepipeline", "GetPipeline", answer) == answer, "AWS's own mask stays"
    keys = {"AccessKeyMetadata": [{"UserName": "u", "AccessKeyId": KEY_ID, "Status": "Active"}]}
    assert masked("iam", "ListAccessKeys", keys) == keys, "other calls are made with these ids"
    vpn = {"VpnConnections": [{"Options": {"TunnelOptions": [{"PreSharedKey": "hunter22hunter22"}]}}]}
    assert "hunter22" not in json.dumps(masked("ec2", "DescribeVpnConnections", vpn))


def test_presigned_addresses_lose_their_signature() -> None:
    url = "https://b.s3.amazonaws.com/f.zip?X-Amz-Security-Token=FwoGZX&X-Amz-Signature=0123456789abcdef&x=1"
    masked = Masker(SALT).text(url)
    assert "FwoGZX" not in masked and "0123456789abcdef" not in masked and masked.endswith("&x=1")


@pytest.mark.parametrize("text", [*SECRETS.values(), "https://x/?X-Amz-Signature=abc"])
@pytest.mark.parametrize("others", [0, 30])
def test_what_masking_changes_is_found_in_any_answer(text: str, others: int) -> None:
    """Answers are only looked at closely where they are tempting: no credential may slip through that."""
    if Masker(SALT).text(text) == text:
        return
    plain = [{"StackName": f"s{i}", "Description": "nothing"} for i in range(others)]
    answer = {"Stacks": [*plain, {"StackName": "x", "Description": text}], "NextToken": "t" * 40}
    kept = masked("cloudformation", "DescribeStacks", answer)
    assert kept["Stacks"][:-1] == plain and kept["NextToken"] == answer["NextToken"]
    assert kept["Stacks"][-1]["Description"] == Masker(SALT).text(text)


def test_hashes_do_not_lead_back() -> None:
    one, other = Masker().whole("hunter22"), Masker().whole("hunter22")
    assert one != other, "each scan has a salt of its own"
    assert sha256(b"hunter22")[:16] not in one


def test_canonical_json_gives_the_answer_back() -> None:
    from datetime import UTC, datetime

    from partywall.aws.codec import codec

    answer = {
        "Content": b"user,arn\n\xff",
        "ReportFormat": "text/csv",
        "GeneratedTime": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    }
    shape = codec("iam").operation("GetCredentialReport").model.output_shape
    raw = canonical(answer)
    content = b'"Content":"dXNlcixhcm4K/w=="'
    made = b'"GeneratedTime":"2026-01-02T03:04:05.678000+00:00"'
    assert raw == b'{%b,%b,"ReportFormat":"text/csv"}' % (content, made)
    assert restore(json.loads(raw), shape) == answer


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
        ),
        max_leaves=20,
    )
)
def test_canonical_json_is_what_pythons_json_writes_sorted(value: Any) -> None:
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(value) == plain.encode()
