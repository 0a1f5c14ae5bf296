"""Credentials: the ordinary chain, profiles, role chains, and errors that say how to mend them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from partywall.aws.answers import CredentialsExpired
from partywall.aws.credentials import BotocoreProvider, Credentials, StaticProvider, assume, resolve
from partywall.errors import UserError

ROLE = "arn:aws:iam::222222222222:role/audit"
NEXT = "arn:aws:iam::333333333333:role/deep/reader"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "config").write_text(
        "[default]\nregion = eu-west-1\n"
        f"[profile chained]\nrole_arn = {ROLE}\nsource_profile = base\nregion = eu-north-1\n"
        "[profile asked]\nrole_arn = "
        + ROLE
        + "\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n"
        "[profile sso]\nsso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\n"
        "sso_account_id = 111111111111\nsso_role_name = Audit\n"
        "[profile broken]\nrole_arn = " + ROLE + "\nsource_profile = nosuch\n"
        "[profile process]\ncredential_process = /bin/false\n"
    )
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = hunter2\n"
        "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = hunter2\n"
    )
    return tmp_path


@pytest.fixture
def sts(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)


def keys(identity: Any) -> Credentials:
    return asyncio.run(identity.provider.get())


def test_the_default_profile(sts: None) -> None:
    identity = resolve()
    assert (identity.account_id, identity.partition, identity.region) == ("123456789012", "aws", "eu-west-1")
    assert keys(identity).access_key == "AKIADEFAULT"
    assert keys(identity).account_id == "123456789012"
    assert keys(identity).expires_at is None


def test_the_environment_comes_first(sts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    assert keys(resolve()).access_key == "AKIAENV"


def test_a_profile_that_assumes_a_role(sts: None) -> None:
    identity = resolve(profile="chained")
    assert identity.account_id == "222222222222"
    assert ":assumed-role/audit/" in identity.arn
    assert identity.region == "eu-north-1"
    assert (keys(identity).expires_at or datetime.min.replace(tzinfo=UTC)) > datetime.now(UTC)


def test_a_role_with_external_id_and_session_name(sts: None) -> None:
    policy = '{"Version": "2012-10-17", "Statement": []}'
    identity = resolve(role_arn=ROLE, external_id="secret-ish", session_policy=policy)
    assert identity.arn == "arn:aws:sts::222222222222:assumed-role/audit/partywall"
    assert keys(identity).token


def test_roles_are_chained_in_order(sts: None) -> None:
    identity = resolve(profile="base", role_arn=[ROLE, NEXT])
    assert identity.account_id == "333333333333"
    assert identity.arn.endswith("/partywall")


def test_one_more_role_from_an_identity(sts: None) -> None:
    member = assume(resolve(), NEXT)
    assert member.account_id == "333333333333"
    assert keys(member).access_key != keys(resolve()).access_key


def test_a_code_is_asked_for_once(sts: None) -> None:
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        return "123456"

    identity = resolve(role_arn=ROLE, mfa_serial="arn:aws:iam::123456789012:mfa/me", mfa_prompt=prompt)
    assert identity.account_id == "222222222222"
    assert len(asked) == 1
    assert "mfa/me" in asked[0]


def test_a_profile_with_a_device_asks_through_our_prompt(sts: None) -> None:
    asked: list[str] = []
    resolve(profile="asked", mfa_prompt=lambda question: asked.append(question) or "123456")
    assert len(asked) == 1


def test_a_session_with_a_code_and_no_role(sts: None) -> None:
    identity = resolve(mfa_serial="arn:aws:iam::123456789012:mfa/me", mfa_prompt=lambda _: "123456")
    assert keys(identity).token
    with pytest.raises(UserError, match="nobody can be asked"):
        resolve(mfa_serial="arn:aws:iam::123456789012:mfa/me")


def test_expiring_role_credentials_are_renewed(sts: None) -> None:
    identity = resolve(role_arn=ROLE)
    first = keys(identity)
    identity.source._expiry_time = datetime.now(UTC) - timedelta(seconds=1)
    second = keys(identity)
    assert second.access_key != first.access_key
    assert asyncio.run(identity.provider.refresh()) is True  # type: ignore[attr-defined]
    assert keys(identity).access_key != second.access_key


def test_credentials_that_cannot_be_renewed_end_the_scan(sts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = resolve(role_arn=ROLE)

    def refuse() -> dict[str, str]:
        raise RuntimeError("the source is gone")

    identity.source._refresh_using = refuse
    identity.source._expiry_time = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(CredentialsExpired, match="the source is gone"):
        keys(identity)


def test_static_keys_cannot_be_refreshed(sts: None) -> None:
    provider = resolve().provider
    assert isinstance(provider, BotocoreProvider)
    assert asyncio.run(provider.refresh()) is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "chaned"}, "did you mean chained"),
        ({"profile": "nothing-like-it"}, "is not in ~/.aws/config"),
        ({"profile": "sso"}, "aws sso login --profile sso"),
        ({"profile": "broken"}, "nosuch"),
        ({"profile": "process"}, "cannot be used"),
        ({"role_arn": "audit"}, "is not a role's ARN"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(sts: None, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        resolve(**options)
    assert "hunter2" not in str(caught.value)


def test_no_credentials_at_all(sts: None, home: Path) -> None:
    (home / "credentials").write_text("")
    with pytest.raises(UserError, match="aws sso login"):
        resolve()


def test_an_unreadable_configuration(sts: None, home: Path) -> None:
    (home / "config").write_text("[default\nregion = x\n")
    with pytest.raises(UserError, match="cannot be"):
        resolve()


def test_an_endpoint_that_nobody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(UserError, match="cannot be reached"):
        resolve()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredToken", "have expired"),
        ("InvalidClientTokenId", "does not know the access key"),
        ("SignatureDoesNotMatch", "secret key is wrong"),
        ("AccessDenied", "AWS refused the credentials"),
    ],
)
def test_refusals_by_sts(sts: None, code: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    from partywall.aws import credentials

    def refuse(*_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")

    monkeypatch.setattr(credentials, "_sts", refuse)
    with pytest.raises(UserError, match=words):
        resolve()


def test_a_role_that_cannot_be_assumed(sts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.credentials import AssumeRoleCredentialFetcher
    from botocore.exceptions import ClientError

    def refuse(*_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "AssumeRole")

    monkeypatch.setattr(AssumeRoleCredentialFetcher, "_get_credentials", refuse)
    with pytest.raises(UserError, match="trust policy"):
        resolve(role_arn=ROLE)


def test_secrets_do_not_show() -> None:
    keys = Credentials("AKIA", "hunter2", "tokentoken")
    for text in (repr(keys), str(keys), repr(StaticProvider(keys)), f"{keys}"):
        assert "hunter2" not in text
        assert "tokentoken" not in text
