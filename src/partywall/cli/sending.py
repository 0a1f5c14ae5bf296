"""`partywall send security-hub`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.aws.credentials import Credentials, Identity


def run(
    target: str,
    data: Path,
    scan: str,
    profile: str | None,
    role_arns: tuple[str, ...],
    external_id: str | None,
    checks_dirs: tuple[Path, ...],
    config: Path | None,
) -> int:
    """Sends the open findings of a scan to Security Hub; returns 1 where some were not taken."""
    from partywall.aws.credentials import resolve
    from partywall.cli.results import Chosen, opened
    from partywall.outputs.securityhub import send_security_hub

    if target != "security-hub":
        raise UserError(f"findings can be sent to security-hub, not to {target!r}")
    report = opened(Chosen(data, scan, ("fail", "unknown", "pass"), (), (), (), (), checks_dirs, config))
    identities = [resolve(profile, role, external_id) for role in role_arns] or [resolve(profile)]
    by_account = {i.account_id: i for i in identities}

    def session(account_id: str) -> Any:
        identity = by_account.get(account_id)
        if identity is None:
            raise UserError(
                f"the scan has findings of account {account_id}, for which there are no credentials;"
                " name a role there with --role-arn"
            )
        return session_of(identity)

    sent = send_security_hub(report, session)
    print(f"{sent.imported} findings taken by Security Hub, {sent.failed} not")
    for failure in sent.failures:
        print(
            f"partywall: {len(failure.finding_ids)} findings of {failure.account_id} {failure.region}"
            f" were not taken: {failure.code}: {failure.message}",
            file=sys.stderr,
        )
    return int(sent.failed > 0)


def session_of(identity: Identity) -> Any:
    """A botocore session with the credentials of an identity."""
    import asyncio

    from botocore.session import Session

    credentials = asyncio.run(_credentials(identity))
    session = Session()
    session.set_credentials(credentials.access_key, credentials.secret_key, credentials.token)
    return session


async def _credentials(identity: Identity) -> Credentials:
    return await identity.provider.get()
