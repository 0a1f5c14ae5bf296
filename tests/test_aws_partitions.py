"""Partitions, regions, where services live, and which regions an account has enabled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from partywall.aws.answers import Outcome
from partywall.aws.caller import Result, Scope
from partywall.aws.credentials import Credentials, StaticProvider
from partywall.aws.partitions import (
    ALWAYS_ENABLED,
    enabled_regions,
    home_region,
    is_global,
    is_service_in,
    partition_of,
    regions_of,
    service_regions,
    validate_regions,
)
from partywall.errors import UserError

SCOPE = Scope("1", "eu-west-1", "aws", StaticProvider(Credentials("A", "s")))


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-newest-9", "aws"),
    ],
)
def test_partitions_of_regions(region: str, partition: str) -> None:
    assert partition_of(region) == partition


def test_home_regions() -> None:
    assert home_region("aws") == "us-east-1"
    assert home_region("aws-cn") == "cn-north-1"
    assert home_region("aws-us-gov") == "us-gov-west-1"
    assert home_region("aws", "globalaccelerator") == "us-west-2"


def test_the_regions_of_a_partition() -> None:
    assert set(regions_of("aws")) > ALWAYS_ENABLED
    assert regions_of("aws-cn") == ["cn-north-1", "cn-northwest-1"]
    assert not [name for name in regions_of("aws") if "global" in name]
    assert regions_of("nowhere") == []


def test_where_services_live() -> None:
    assert is_service_in("ec2", "eu-west-1") is True
    assert is_service_in("iam", "eu-west-1") is False
    assert is_global("iam")
    assert service_regions("iam", "aws-cn") == {"cn-north-1"}
    assert is_service_in("cloudhsm", "il-central-1") is not True
    assert "us-east-1" in service_regions("kms")
    assert service_regions("s3control") == service_regions("s3")


def test_regions_newer_than_botocores_list_are_tried() -> None:
    from partywall.aws import partitions

    listed = partitions._endpoints()["aws"]["regions"]
    for region in regions_of("aws"):
        assert is_service_in("ec2", region) is (True if region in listed else None)
    assert is_service_in("ec2", "us-newest-9") is None


def test_region_names_are_checked() -> None:
    assert validate_regions(["eu-west-1", "us-east-1", "eu-west-1"]) == ["eu-west-1", "us-east-1"]
    with pytest.raises(UserError, match="did you mean eu-west-1"):
        validate_regions(["eu-wset-1"])
    with pytest.raises(UserError, match="partition aws-cn"):
        validate_regions(["cn-north-1"])


class FakeCaller:
    def __init__(self, first: Result, *pages: Result) -> None:
        self.first = first
        self.listed = pages
        self.asked: list[str] = []

    async def call(self, scope: Scope, service: str, operation: str, params: Any, **_: Any) -> Result:
        self.asked.append(f"{scope.region} {service}:{operation}")
        return self.first

    async def pages(
        self, scope: Scope, service: str, operation: str, params: Any, **_: Any
    ) -> AsyncIterator[Result]:
        self.asked.append(f"{scope.region} {service}:{operation}")
        for page in self.listed:
            yield page


def enabled(caller: FakeCaller) -> tuple[list[str], Result]:
    return asyncio.run(enabled_regions(caller, SCOPE))  # type: ignore[arg-type]


def test_enabled_regions_by_ec2() -> None:
    regions = [
        {"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"},
        {"RegionName": "af-south-1", "OptInStatus": "not-opted-in"},
        {"RegionName": "ap-east-1", "OptInStatus": "opted-in"},
    ]
    caller = FakeCaller(Result({"Regions": regions}, Outcome.OK))
    names, result = enabled(caller)
    assert names == ["ap-east-1", "us-east-1"]
    assert result.ok
    assert caller.asked == ["us-east-1 ec2:DescribeRegions"]


def test_enabled_regions_by_the_account_service() -> None:
    denied = Result(None, Outcome.DENIED)
    page = Result({"Regions": [{"RegionName": "us-east-1"}]}, Outcome.OK)
    names, result = enabled(FakeCaller(denied, page))
    assert names == ["us-east-1"]
    assert result.ok


def test_a_guess_is_told_as_one() -> None:
    denied = Result(None, Outcome.DENIED, "AccessDenied")
    names, result = enabled(FakeCaller(denied, denied))
    assert set(names) == ALWAYS_ENABLED
    assert not result.ok
