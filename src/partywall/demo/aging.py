"""Makes what the seeding created a moment ago look its age in moto's state: keys, users, secrets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any


def _user(account: str, name: str) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[account]["aws"].get_user(name)


def _age_user(account: str, _region: str, name: str, when: datetime) -> None:
    _user(account, name).create_date = when


def _age_password(account: str, _region: str, name: str, when: datetime) -> None:
    user = _user(account, name)
    user.password_last_used = when


def _key(account: str, name: str) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[account]["aws"].access_keys[name]


def _age_key(account: str, _region: str, name: str, when: datetime) -> None:
    _key(account, name).create_date = when


def _age_key_use(account: str, region: str, name: str, when: datetime) -> None:
    from moto.iam.models import AccessKeyLastUsed

    _key(account, name).last_used = AccessKeyLastUsed(timestamp=when, service="s3", region=region)


def _age_secret(account: str, region: str, name: str, when: datetime) -> None:
    from moto.secretsmanager.models import secretsmanager_backends

    secret: Any = secretsmanager_backends[account][region].secrets[name]
    seconds = int(when.replace(tzinfo=UTC).timestamp())
    secret.created_date = secret.last_changed_date = secret.last_accessed_date = seconds


def _age_snapshot(account: str, region: str, name: str, when: datetime) -> None:
    from moto.ec2.models import ec2_backends

    snapshot: Any = ec2_backends[account][region].snapshots[name]
    snapshot.start_time = when


def _age_instance(account: str, region: str, name: str, when: datetime) -> None:
    from moto.ec2.models import ec2_backends

    instance: Any = ec2_backends[account][region].get_instance(name)
    instance.launch_time = when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _age_role(account: str, _region: str, name: str, when: datetime) -> None:
    _role(account, name).create_date = when


def _age_role_use(account: str, region: str, name: str, when: datetime) -> None:
    role = _role(account, name)
    role.last_used = when
    role.last_used_region = region


def _role(account: str, name: str) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[account]["aws"].get_role(name)


def _end_certificate(account: str, region: str, name: str, when: datetime) -> None:
    from moto.acm.models import acm_backends

    certificate: Any = acm_backends[account][region].get_certificate(name)
    certificate._not_valid_after = lambda _certificate: when


_KINDS: dict[str, Callable[[str, str, str, datetime], None]] = {
    "iam_user": _age_user,
    "iam_password_used": _age_password,
    "iam_access_key": _age_key,
    "iam_access_key_used": _age_key_use,
    "iam_role": _age_role,
    "iam_role_used": _age_role_use,
    "certificate_end": _end_certificate,
    "secret": _age_secret,
    "snapshot": _age_snapshot,
    "instance": _age_instance,
}


def age(kind: str, account: str, region: str, name: str, days: float) -> None:
    """Set back the dates of one thing by some days. Raises KeyError for a kind or thing that is not known."""
    # moto keeps its dates in UTC without a zone.
    when = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=days)
    _KINDS[kind](account, region, name, when)
