"""Partitions and regions: which exist, which an account has enabled, and where a service lives."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.aws.caller import Caller, Result, Scope

# Where a partition's global services (IAM, Organizations, Route 53 ...) are signed for and logged.
HOME_REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}

# Regions that every account has from the start; all others of the partition `aws` are opt-in.
# Page: "Enable or disable AWS Regions in your account" (AWS Account Management).
ALWAYS_ENABLED = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)

# Services with one endpoint for the whole partition: they are called in the home region only.
GLOBAL_SERVICES = frozenset(
    {
        "account",
        "artifact",
        "budgets",
        "ce",
        "cloudfront",
        "globalaccelerator",
        "health",
        "iam",
        "networkmanager",
        "organizations",
        "route53",
        "route53domains",
        "savingsplans",
        "shield",
        "support",
        "trustedadvisor",
        "waf",
    }
)
# Of those, the ones whose home is not the partition's.
_HOME_OF_SERVICE = {("aws", "globalaccelerator"): "us-west-2", ("aws", "networkmanager"): "us-west-2"}


@lru_cache(maxsize=1)
def _endpoints() -> dict[str, dict[str, Any]]:
    from partywall.aws.models import loader

    data = cast("dict[str, Any]", loader().load_data("endpoints"))
    return {partition["partition"]: partition for partition in data["partitions"]}


@lru_cache(maxsize=1)
def _outputs() -> dict[str, dict[str, Any]]:
    from partywall.aws.models import loader

    data = cast("dict[str, Any]", loader().load_data("partitions"))
    return {partition["id"]: partition for partition in data["partitions"]}


def partitions() -> list[str]:
    """The partitions that botocore knows, "aws" first."""
    return sorted(_outputs(), key=lambda name: (name != "aws", name))


def regions_of(partition: str) -> list[str]:
    """The region names of a partition, sorted; without pseudo-regions. Unknown partition: empty."""
    names = set(_outputs().get(partition, {}).get("regions", ()))
    names |= set(_endpoints().get(partition, {}).get("regions", ()))
    return sorted(name for name in names if not name.endswith("-global"))


@lru_cache(maxsize=1024)
def partition_of(region: str) -> str:
    """The partition of a region, by botocore's list, else by its naming pattern; "aws" as the last resort."""
    import re

    for partition in partitions():
        if region in regions_of(partition):
            return partition
    for partition in partitions():
        pattern = _outputs()[partition].get("regionRegex", "")
        if pattern and re.match(pattern, region):
            return partition
    return "aws"


def home_region(partition: str, service: str = "") -> str:
    """The region in which a partition's global services are called."""
    return _HOME_OF_SERVICE.get((partition, service)) or HOME_REGIONS.get(partition, "us-east-1")


def is_global(service: str) -> bool:
    """Whether a service has one endpoint for the whole partition."""
    return service in GLOBAL_SERVICES


# S3 Control lives wherever S3 does, which botocore's list of it lags behind.
_LISTED_AS = {"s3control": "s3"}


@lru_cache(maxsize=512)
def _endpoint_prefix(service: str) -> str:
    if service in _LISTED_AS:
        return _LISTED_AS[service]
    from partywall.aws.models import service_model

    return str(service_model(service).endpoint_prefix)


@lru_cache(maxsize=4096)
def service_regions(service: str, partition: str = "aws") -> frozenset[str]:
    """The regions in which botocore's data says that a service has an endpoint.

    Empty where the data is silent, which means "try everywhere", not "nowhere".
    """
    if is_global(service):
        return frozenset({home_region(partition, service)})
    services = _endpoints().get(partition, {}).get("services", {})
    entry: dict[str, Any] | None = services.get(_endpoint_prefix(service))
    if entry is None:
        return frozenset()
    known = set(regions_of(partition))
    return frozenset(name for name in entry.get("endpoints", {}) if name in known)


def is_service_in(service: str, region: str) -> bool | None:
    """Whether a service exists in a region: True, False by botocore's data, None where it is silent.

    It is silent on regions newer than its list of endpoints, which know none of their services.
    """
    partition = partition_of(region)
    if not is_global(service) and region not in _endpoints().get(partition, {}).get("regions", {}):
        return None
    listed = service_regions(service, partition)
    return region in listed if listed else None


def validate_regions(names: Iterable[str], partition: str = "aws") -> list[str]:
    """The given names without repeats, in order. Raises UserError with the nearest for an unknown one."""
    known = regions_of(partition)
    chosen: list[str] = []
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3, 0.5)
            other = [other for other in partitions() if other != partition and name in regions_of(other)]
            if other:
                raise UserError(
                    f"The region {name!r} is in the partition {other[0]}, but the credentials are for "
                    f"{partition}: use credentials of that partition"
                )
            hint = f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(known)}"
            raise UserError(f"Unknown region {name!r} in --regions{hint}")
        if name not in chosen:
            chosen.append(name)
    return chosen


async def enabled_regions(caller: Caller, scope: Scope) -> tuple[list[str], Result]:
    """The regions that an account has enabled, sorted, and the answer that says so.

    Asks ec2:DescribeRegions, then account:ListRegions. Where neither answers, the list is what every account
    of the partition has, and the result is not ok, so that the caller can say that it is a guess.
    """
    from dataclasses import replace

    home = replace(scope, region=home_region(scope.partition))
    first = await caller.call(home, "ec2", "DescribeRegions", {"AllRegions": True}, table="region")
    if first.ok:
        rows = cast("list[dict[str, str]]", (first.data or {}).get("Regions", []))
        return sorted(row["RegionName"] for row in rows if row.get("OptInStatus") != "not-opted-in"), first
    found: list[str] = []
    second = first
    params = {"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]}
    async for page in caller.pages(home, "account", "ListRegions", params, table="region"):
        second = page
        if not page.ok:
            break
        found += [row["RegionName"] for row in (page.data or {}).get("Regions", [])]
    else:
        return sorted(found), second
    fallback = regions_of(scope.partition)
    if scope.partition == "aws":
        fallback = [name for name in fallback if name in ALWAYS_ENABLED]
    return fallback, first
