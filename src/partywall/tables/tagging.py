"""Tags from one call per Region, for services whose listings leave them out."""

from partywall.tables.spec import Const, Lookup


def tagging(*resource_types: str) -> Lookup:
    """All tagged resources of these types ("rds:pg"); a resource without an element has no tags."""
    return Lookup(
        "resourcegroupstaggingapi:GetResources",
        at="ResourceTagMappingList",
        key="ResourceARN",
        by="arn",
        params={"ResourceTypeFilters": [Const(t) for t in resource_types]},
    )
