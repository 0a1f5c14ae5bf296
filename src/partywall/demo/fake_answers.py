"""Values that several parts of the fake answer with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from partywall.demo.protocol import AwsError

FIRST_DAY = "2023-02-06T09:00:00Z"


def ago(days: float) -> str:
    """The time some days ago (ahead, if negative) in ISO 8601, so that the demo never grows stale."""
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(*parts: object) -> str:
    """A stable identifier of 32 hexadecimal digits made from what it identifies."""
    return hashlib.md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


_ENABLED = (
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-central-1 eu-west-1 eu-west-2 "
    "eu-west-3 eu-north-1 ap-south-1 ap-southeast-1 ap-southeast-2 ap-northeast-1 ap-northeast-2 "
    "ap-northeast-3"
)
_OPT_IN = (
    "af-south-1 ap-east-1 ap-south-2 ap-southeast-3 ap-southeast-4 eu-central-2 eu-south-1 eu-south-2 "
    "il-central-1 me-central-1 me-south-1 ca-west-1"
)
REGIONS: list[dict[str, Any]] = [
    *({"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for name in _ENABLED.split()),
    *({"RegionName": name, "RegionOptStatus": "DISABLED"} for name in _OPT_IN.split()),
]


def _report(number: int, name: str, series: str, from_days: int, to_days: int) -> dict[str, Any]:
    report = f"report-{number:016x}"
    return {
        "id": report,
        "arn": f"arn:aws:artifact:us-east-1::report/{report}:1",
        "name": name,
        "version": 1,
        "state": "PUBLISHED",
        "uploadState": "COMPLETE",
        "description": f"{name} of Amazon Web Services",
        "periodStart": ago(from_days),
        "periodEnd": ago(to_days),
        "series": series,
        "category": "Certifications and Attestations",
        "companyName": "Amazon Web Services",
        "productName": "Amazon Web Services",
        "acceptanceType": "PASSTHROUGH",
    }


# AWS's own reports are the same in every account; names and periods stand for those that AWS publishes.
AWS_REPORTS: list[dict[str, Any]] = [
    _report(1, "Service Organization Controls (SOC) 1 Report", "SOC 1", 420, 60),
    _report(2, "Service Organization Controls (SOC) 2 Report", "SOC 2", 420, 60),
    _report(3, "Service Organization Controls (SOC) 3 Report", "SOC 3", 420, 60),
    _report(4, "PCI DSS Attestation of Compliance (AOC) and Responsibility Summary", "PCI", 200, -165),
    _report(5, "ISO 27001:2022 Certification", "ISO", 500, -595),
    _report(6, "ISO 27017:2015 Certification", "ISO", 500, -595),
    _report(7, "C5 Type 2 Attestation Report", "C5", 800, 435),
    _report(8, "FedRAMP Moderate Partner Package", "FedRAMP", 300, -65),
]


def not_found(error: AwsError) -> Callable[[Any], dict[str, Any]]:
    """A handler that always raises a fresh copy of an error."""

    def fail(_asked: Any) -> dict[str, Any]:
        raise AwsError(error.code, error.message, error.status)

    return fail
