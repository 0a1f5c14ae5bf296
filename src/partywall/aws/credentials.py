"""Credentials: the ordinary AWS chain, role chains, MFA, and the identity behind them.

Nothing here prints or logs a secret: the representations hide them, and errors carry codes and names only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from partywall.aws.answers import CredentialsExpired
from partywall.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from botocore.session import Session

SESSION_NAME = "partywall"
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One set of keys. `expires_at` is UTC, None for keys that do not expire."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    account_id: str = ""

    def __str__(self) -> str:
        return f"Credentials({self.access_key})"


class CredentialProvider(Protocol):
    """Gives valid credentials, refreshing them by itself.

    A provider may also have `async def refresh(self) -> bool`, which fetches new credentials although the old
    ones are not due, and tells whether it could.
    """

    async def get(self) -> Credentials: ...


class StaticProvider:
    """Always the same credentials."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def get(self) -> Credentials:
        return self._credentials


class BotocoreProvider:
    """Credentials that a botocore credential object holds and refreshes (in a thread, one refresh at a time).

    Raises CredentialsExpired where they ran out and no new ones can be had without a person.
    """

    def __init__(self, source: Any, account_id: str = "") -> None:
        self._source = source
        self._account_id = account_id
        self._frozen: Any = None
        self._current: Credentials | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> Credentials:
        needed = getattr(self._source, "refresh_needed", None)
        if needed is not None and needed():
            async with self._lock:
                if needed():
                    await self._in_thread(self._source.get_frozen_credentials)
        return self.get_now()

    def get_now(self) -> Credentials:
        """The same without waiting: blocks while a refresh runs."""
        frozen = self._source.get_frozen_credentials()
        if self._current is None or frozen is not self._frozen:
            expires = getattr(self._source, "_expiry_time", None)
            self._frozen = frozen
            self._current = Credentials(
                frozen.access_key,
                frozen.secret_key,
                frozen.token or "",
                expires.astimezone(UTC) if isinstance(expires, datetime) else None,
                self._account_id or getattr(frozen, "account_id", None) or "",
            )
        return self._current

    async def refresh(self) -> bool:
        """Fetch new credentials now; False where these cannot be refreshed."""
        force = getattr(self._source, "_protected_refresh", None)
        if force is None:
            return False
        before = self.get_now()
        async with self._lock:
            if self.get_now() == before:
                await self._in_thread(lambda: force(is_mandatory=True))
        return self.get_now() != before

    async def _in_thread(self, work: Callable[[], Any]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            await asyncio.to_thread(work)
        except (BotoCoreError, ClientError, RuntimeError) as error:
            raise CredentialsExpired(
                f"The credentials expired and could not be refreshed ({_reason(error)})",
                account_id=self._account_id,
                code=type(error).__name__,
            ) from None


@dataclass(frozen=True)
class Identity:
    """Who a scan is: what sts:GetCallerIdentity answered, and the provider of the credentials.

    `region` is the region that the profile or environment names, "" where none does.
    """

    account_id: str
    arn: str
    partition: str
    provider: CredentialProvider
    region: str = ""
    profile: str = ""
    session: Session | None = field(default=None, repr=False)
    source: Any = field(default=None, repr=False)


def resolve(
    profile: str | None = None,
    role_arn: str | Sequence[str] | None = None,
    external_id: str | None = None,
    mfa_serial: str | None = None,
    mfa_prompt: Callable[[str], str] | None = None,
    region: str | None = None,
    *,
    session_policy: str | None = None,
    duration_seconds: int | None = None,
) -> Identity:
    """Find credentials as the AWS CLI does, assume the role or chain of roles, and ask STS who they are.

    The chain is botocore's: environment, profile, SSO, web identity, process, container, instance role.
    `role_arn` may be a list, each role assumed from the one before; `external_id` goes to the last role and
    `mfa_serial` to the first step. `mfa_prompt` gets a question and returns the code. `session_policy` is IAM
    JSON that narrows the last session. Raises UserError, with the mend, where credentials are missing,
    expired or refused.
    """
    session = _session(profile, mfa_prompt)
    roles = [role_arn] if isinstance(role_arn, str) else list(role_arn or ())
    with _explained(profile):
        configured = region or _configured_region(session)
        home = configured or _DEFAULT_REGION
        # A profile that assumes a role needs some region for STS; any one of the partition serves.
        session.set_config_variable("region", home)
        source = _base_credentials(session, profile)
        if mfa_serial and not roles:
            source = _mfa_session(session, source, home, mfa_serial, mfa_prompt)
        for index, arn in enumerate(roles):
            last = index == len(roles) - 1
            source = _assumed(
                session,
                source,
                home,
                arn,
                external_id=external_id if last else None,
                mfa_serial=mfa_serial if index == 0 else None,
                mfa_prompt=mfa_prompt,
                session_policy=session_policy if last else None,
                duration_seconds=duration_seconds,
            )
        return _identity(session, source, home, profile or "", configured)


def assume(
    identity: Identity,
    role_arn: str,
    external_id: str | None = None,
    *,
    session_policy: str | None = None,
    duration_seconds: int | None = None,
) -> Identity:
    """Assume one more role from a resolved identity, as a scan of an organization's member accounts does.

    Raises UserError naming the role where it cannot be assumed.
    """
    if identity.session is None or identity.source is None:
        raise UserError(f"Role {role_arn} cannot be assumed from credentials that botocore did not provide")
    home = identity.region or _DEFAULT_REGION
    with _explained(identity.profile or None):
        source = _assumed(
            identity.session,
            identity.source,
            home,
            role_arn,
            external_id=external_id,
            mfa_serial=None,
            mfa_prompt=None,
            session_policy=session_policy,
            duration_seconds=duration_seconds,
        )
        return _identity(identity.session, source, home, identity.profile, identity.region)


def _session(profile: str | None, mfa_prompt: Callable[[str], str] | None) -> Session:
    from botocore.exceptions import BotoCoreError

    from partywall.aws.models import plain_session

    try:
        session = plain_session(profile)
        if profile and profile not in session.available_profiles:
            hint = did_you_mean(profile, session.available_profiles)
            raise UserError(
                f"The AWS profile {profile!r} is not in ~/.aws/config or ~/.aws/credentials{hint}"
            )
        if mfa_prompt is not None:
            providers = cast(Any, session.get_component("credential_provider"))
            providers.get_provider("assume-role")._prompter = mfa_prompt
    except BotoCoreError as error:
        raise UserError(f"The AWS configuration cannot be read: {error}") from None
    return session


def _configured_region(session: Session) -> str:
    return cast("str | None", session.get_config_variable("region")) or ""


def _base_credentials(session: Session, profile: str | None) -> Any:
    found = cast(Any, session.get_credentials())
    if found is None:
        where = f"profile {profile!r}" if profile else "the environment, the shared files or an instance role"
        raise UserError(
            f"No AWS credentials found in {where}: run `aws configure` or `aws sso login`, "
            "or name a profile with --profile"
        )
    return found


def _sts(session: Session, source: Any, region: str) -> Any:
    from botocore.config import Config

    frozen = source.get_frozen_credentials()
    client: Any = session.create_client(
        "sts",
        region_name=region,
        aws_access_key_id=frozen.access_key,
        aws_secret_access_key=frozen.secret_key,
        aws_session_token=frozen.token,
        config=Config(retries={"mode": "standard"}, connect_timeout=10, read_timeout=30),
    )
    return client


def _assumed(
    session: Session,
    source: Any,
    region: str,
    role_arn: str,
    *,
    external_id: str | None,
    mfa_serial: str | None,
    mfa_prompt: Callable[[str], str] | None,
    session_policy: str | None,
    duration_seconds: int | None,
) -> Any:
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        RefreshableCredentials,
        create_mfa_serial_refresher,  # pyright: ignore[reportUnknownVariableType]
    )

    if not role_arn.startswith("arn:") or ":role/" not in role_arn:
        raise UserError(
            f"{role_arn!r} is not a role's ARN: it should look like arn:aws:iam::<account>:role/<name>"
        )
    extra: dict[str, Any] = {"RoleSessionName": SESSION_NAME}
    for key, value in (
        ("ExternalId", external_id),
        ("SerialNumber", mfa_serial),
        ("Policy", session_policy),
        ("DurationSeconds", duration_seconds),
    ):
        if value:
            extra[key] = value

    def create(service: str, **keys: Any) -> Any:
        return session.create_client(service, region_name=region, **keys)

    cache: dict[str, Any] = {}
    fetcher: Any = AssumeRoleCredentialFetcher(
        create, source, role_arn, extra_args=extra, mfa_prompter=mfa_prompt, cache=cache
    )

    def renew() -> Any:
        # The fetcher's own cache would give the same session again until it is nearly over.
        cache.clear()
        return fetcher.fetch_credentials()

    refresh: Any = renew
    first = refresh()
    if mfa_serial:
        # A code serves once, so a session made with one ends when it ends.
        refresh = create_mfa_serial_refresher(lambda: first)
        refresh()
    return RefreshableCredentials.create_from_metadata(first, refresh_using=refresh, method="assume-role")


def _mfa_session(
    session: Session, source: Any, region: str, serial: str, prompt: Callable[[str], str] | None
) -> Any:
    from botocore.credentials import (
        RefreshableCredentials,
        create_mfa_serial_refresher,  # pyright: ignore[reportUnknownVariableType]
    )

    if prompt is None:
        raise UserError(f"The MFA device {serial} needs a code, and nobody can be asked: run in a terminal")
    answer = _sts(session, source, region).get_session_token(
        SerialNumber=serial, TokenCode=prompt(f"MFA code for {serial}: ")
    )["Credentials"]
    metadata = {
        "access_key": answer["AccessKeyId"],
        "secret_key": answer["SecretAccessKey"],
        "token": answer["SessionToken"],
        "expiry_time": answer["Expiration"].isoformat(),
    }
    refresh: Any = create_mfa_serial_refresher(lambda: metadata)
    refresh()
    return RefreshableCredentials.create_from_metadata(metadata, refresh_using=refresh, method="mfa")


def _identity(session: Session, source: Any, region: str, profile: str, configured: str) -> Identity:
    answer = _sts(session, source, region).get_caller_identity()
    account = str(answer["Account"])
    arn = str(answer["Arn"])
    return Identity(
        account_id=account,
        arn=arn,
        partition=arn.split(":")[1],
        provider=BotocoreProvider(source, account),
        region=configured,
        profile=profile,
        session=session,
        source=source,
    )


def _reason(error: Exception) -> str:
    response = cast("dict[str, Any]", getattr(error, "response", None) or {})
    detail = cast("dict[str, str]", response.get("Error", {}))
    if detail:
        return f"{detail.get('Code', '')}: {detail.get('Message', '')}"
    return str(error)


class _explained:
    """Turns botocore's errors while credentials are found into one sentence with the mend."""

    def __init__(self, profile: str | None) -> None:
        self._profile = profile

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, UserError):
            return
        text = _mend(error, self._profile)
        if text:
            raise UserError(text) from None


def _mend(error: Exception, profile: str | None) -> str:
    from botocore import exceptions as boto

    named = f" --profile {profile}" if profile else ""
    if isinstance(error, boto.ClientError):
        response = cast("dict[str, Any]", error.response)
        code = str(response.get("Error", {}).get("Code", ""))
        if error.operation_name == "AssumeRole" and code not in ("ExpiredToken", "InvalidClientTokenId"):
            return (
                f"The role could not be assumed ({_reason(error)}): check its trust policy, "
                "the external id and that your identity may call sts:AssumeRole on it"
            )
        expired = f"The AWS credentials have expired: renew them, for example `aws sso login{named}`"
        return {
            "ExpiredToken": expired,
            "ExpiredTokenException": expired,
            "InvalidClientTokenId": "AWS does not know the access key: it may be deleted, inactive or of "
            "another partition; renew it or choose another profile with --profile",
            "SignatureDoesNotMatch": "AWS refused the signature: the secret key is wrong, or this machine's "
            "clock is; correct either",
            "RequestExpired": "AWS refused the request's time: set this machine's clock",
        }.get(code, f"AWS refused the credentials ({_reason(error)}): renew them or choose another profile")
    if isinstance(error, (boto.SSOError, boto.TokenRetrievalError)):
        return f"The SSO session has ended ({error}): run `aws sso login{named}`"
    if isinstance(error, (boto.HTTPClientError, boto.ConnectionError)):
        return f"AWS STS cannot be reached ({error}): check the network, the region and AWS_ENDPOINT_URL"
    if isinstance(error, boto.BotoCoreError):
        return f"The AWS credentials cannot be used: {error}"
    return ""
