"""Sends findings to AWS Security Hub, each from its own account and in its own region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from partywall.outputs.asff import Batch, batches
from partywall.outputs.text import visible

if TYPE_CHECKING:
    from partywall.findings.model import Report


@dataclass(slots=True)
class Failure:
    """Findings of one account and region that Security Hub did not take, and its reason."""

    account_id: str
    region: str
    code: str
    message: str
    finding_ids: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Sent:
    """How many findings were taken, per account and region, and all that were not."""

    imported: int = 0
    failed: int = 0
    regions: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """(account id, region) -> findings imported."""
    failures: list[Failure] = field(default_factory=list[Failure])
    """One per account, region, code and message."""


def send_security_hub(report: Report, session_factory: Callable[[str], Any]) -> Sent:
    """Imports every finding of the report with BatchImportFindings.

    `session_factory(account_id)` gives a botocore session (or a boto3 one) with that account's credentials:
    with the default product ARN, a finding's own account must import it. A call that fails counts all its
    findings as failed; where the answer is about the whole account and region (Security Hub not enabled,
    access denied), its further batches are counted as failed without being sent. Nothing is raised for them.
    """
    sent = Sent()
    clients: dict[tuple[str, str], Any] = {}
    closed: dict[tuple[str, str], tuple[str, str]] = {}
    failures: dict[tuple[str, str, str, str], Failure] = {}
    for batch in batches(report):
        scope = (batch.account_id, batch.region)
        errors = {}
        if scope in closed:
            error = closed[scope]
        else:
            error, errors, imported = _send(batch, clients, session_factory)
            sent.imported += imported
            sent.regions[scope] = sent.regions.get(scope, 0) + imported
            if error and error[0] != "InvalidInputException":
                closed[scope] = error
        for found in batch.findings:
            reason = error or errors.get(found["Id"])
            if reason:
                failure = failures.setdefault((*scope, *reason), Failure(*scope, *reason))
                failure.finding_ids.append(found["Id"])
                sent.failed += 1
    sent.failures = list(failures.values())
    return sent


def _send(
    batch: Batch, clients: dict[tuple[str, str], Any], session_factory: Callable[[str], Any]
) -> tuple[tuple[str, str] | None, dict[str, tuple[str, str]], int]:
    """One call: the error of the call as a whole, or each refused finding's own, and how many were taken."""
    import botocore.exceptions

    scope = (batch.account_id, batch.region)
    try:
        if scope not in clients:
            clients[scope] = _client(session_factory(batch.account_id), batch.region)
        answer: dict[str, Any] = clients[scope].batch_import_findings(Findings=batch.findings)
    except botocore.exceptions.ClientError as error:
        details: dict[str, Any] = dict(error.response.get("Error", {}))
        return (str(details.get("Code", "")), visible(str(details.get("Message", "")))), {}, 0
    except botocore.exceptions.BotoCoreError as error:
        return (type(error).__name__, visible(str(error))), {}, 0
    refused = {
        item["Id"]: (str(item["ErrorCode"]), visible(str(item["ErrorMessage"])))
        for item in answer.get("FailedFindings", [])
    }
    return None, refused, int(answer["SuccessCount"])


def _client(session: Any, region: str) -> Any:
    from botocore.config import Config

    create = getattr(session, "create_client", None) or session.client
    # The API takes 10 calls a second per account and region; adaptive mode stays below what it throttles.
    config = Config(retries={"mode": "adaptive", "max_attempts": 8})
    return create("securityhub", region_name=region, config=config)
