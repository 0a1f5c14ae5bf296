"""A small account to scan that a test changes between scans: buckets and volumes, answered without HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from partywall.aws.answers import CallFailed
from partywall.config import Config
from partywall.findings.lifecycle import FILE
from partywall.lake.snapshot import DataDirectory
from partywall.scan import Scan, Selection, load_checks
from tests.support import identity, unlimited

ACCOUNT = "111122223333"
OTHER = "444455556666"
BUCKETS, VOLUMES = "s3-bucket-versioning-enabled", "ec2-volume-encrypted"
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class World:
    """What AWS would answer: bucket -> versioning, (account, Region) -> volume -> encrypted."""

    def __init__(self, data: Path) -> None:
        self.data = DataDirectory(data)
        self.regions = ["eu-west-1", "us-east-1"]
        self.buckets = {"logs": "Disabled", "site": "Enabled"}
        self.volumes = {(ACCOUNT, "eu-west-1"): {"vol-a": False}, (ACCOUNT, "us-east-1"): {"vol-b": False}}
        self.denied: set[str] = set()
        """Operations that are denied, or "Operation Region"."""
        self.repeated = False
        """Each volume is listed twice, as pages that shift while they are read give it."""

    async def call(
        self, service: str, region: str, credentials: Any, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The answer, as a transport gives it."""
        if self.denied & {operation, f"{operation} {region}"}:
            raise CallFailed("AccessDenied", f"not authorized to perform: {service}:{operation}", 403)
        account = credentials.account_id
        match operation:
            case "DescribeRegions":
                return {"Regions": [{"RegionName": r, "OptInStatus": "opted-in"} for r in self.regions]}
            case "ListBuckets":
                return {"Buckets": [{"Name": name} for name in self.buckets] if account == ACCOUNT else []}
            case "GetBucketLocation":
                return {"LocationConstraint": "eu-west-1"}
            case "GetBucketVersioning":
                return {"Status": self.buckets[params["Bucket"]]}
            case "DescribeVolumes":
                listed = self.volumes.get((account, region), {})
                volumes = [{"VolumeId": v, "Encrypted": e, "Size": 8} for v, e in listed.items()]
                return {"Volumes": volumes * (2 if self.repeated else 1)}
            case _:
                raise AssertionError(operation)

    async def close(self) -> None:
        """Nothing to release."""

    def prepare(
        self,
        day: int,
        *,
        checks: Sequence[str] = (BUCKETS, VOLUMES),
        regions: Sequence[str] = (),
        accounts: Sequence[str] = (ACCOUNT,),
    ) -> Scan:
        """A scan that begins so many days after BEGIN, not yet run."""
        selection = Selection(checks=tuple(checks), regions=tuple(regions))
        return Scan(
            self.data,
            [identity(account) for account in accounts],
            selection,
            load_checks(selection, Config()),
            Config(),
            self,
            now=BEGIN + timedelta(days=day),
            caller=unlimited(self),
        )

    def scan(self, day: int, **options: Any) -> dict[str, dict[str, Any]]:
        """Scans; returns the findings' histories by the resource's name ("" for a failed listing)."""
        return history(self.prepare(day, **options).run())


def history(scan: Path) -> dict[str, dict[str, Any]]:
    """A published scan's findings' histories by the resource's name; each finding is there once."""
    rows = pq.read_table(scan / FILE).to_pylist()
    ids = [row["finding_id"] for row in rows]
    assert len(ids) == len(set(ids))
    return {row["resource_name"] or f"{row['table_name']} in {row['region']}": row for row in rows}


def day(number: int) -> datetime:
    """The moment when the scan of that day begins."""
    return BEGIN + timedelta(days=number)
