"""Where a finding belongs: its account's name and partition, and a region that an API call can go to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from partywall.findings.model import Report
    from partywall.outputs.rows import Row

_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_HOME_REGIONS: Final = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}


REASONS: Final = {
    "denied": "access was denied",
    "throttled": "it was throttled past all retries",
    "region_disabled": "the region is not enabled",
    "not_supported": "the service is not available there",
    "error": "it failed",
}
"""A call's outcome, as people read it."""

DENIERS: Final = {
    "identity": "by the identity's own policy",
    "scp": "by a service control policy",
    "rcp": "by a resource control policy",
    "resource": "by the resource's policy",
    "boundary": "by a permissions boundary",
    "session": "by the session's policy",
    "vpc_endpoint": "by the VPC endpoint's policy",
}
"""Whose policy denied a call, as people read it."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the scan."""

    id: str
    name: str
    partition: str

    def region(self, region: str) -> str:
        """`region` where it is one; for global resources the region that their service's API lives in."""
        return region if _REGION.fullmatch(region) else _HOME_REGIONS.get(self.partition, "us-east-1")


class Accounts:
    """The accounts of a scan by id; one that the scan does not list has its id for a name."""

    def __init__(self, report: Report) -> None:
        self._known = {
            item["account_id"]: Account(
                item["account_id"], item.get("name") or item["account_id"], item.get("partition") or "aws"
            )
            for item in report.scan.accounts
        }
        first = next(iter(self._known.values()), None)
        self._partition = first.partition if first else "aws"

    def __getitem__(self, account_id: str) -> Account:
        return self._known.get(account_id) or Account(account_id, account_id, self._partition)


def why_unknown(row: Row) -> str:
    """One sentence on the call that did not answer; "" where all did."""
    if not (row.unknown_operation or row.unknown_outcome or row.unknown_code):
        return ""
    where = f" in {row.unknown_region}" if row.unknown_region else ""
    reason = REASONS.get(row.unknown_outcome, row.unknown_outcome) or "no reason was given"
    code = f" ({row.unknown_code})" if row.unknown_code else ""
    by = f", {DENIERS.get(row.unknown_denied_by, row.unknown_denied_by)}" if row.unknown_denied_by else ""
    return f"{row.unknown_operation or 'A call'} did not answer{where}: {reason}{code}{by}."
