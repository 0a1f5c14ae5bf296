"""Tags from one call per account and Region, for services whose listings leave them out."""

from partywall.tables.spec import Const, Lookup


def tagging(*resource_types: str, by: str = "arn", region: str = "") -> Lookup:
    """All tagged resources of these types ("rds:pg", or "sns" for all of a service).

    A resource without an element has no tags. One call serves all tables of a scan. Resource Groups Tagging
    API Reference, GetResources (at most 100 types, 100 resources a page).
    """
    return Lookup(
        "resourcegroupstaggingapi:GetResources",
        at="ResourceTagMappingList",
        key="ResourceARN",
        by=by,
        params={"ResourceTypeFilters": [Const(t) for t in resource_types], "ResourcesPerPage": 100},
        region=region,
        shared="ResourceTypeFilters",
    )
