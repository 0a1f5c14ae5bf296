"""How each list operation is paged: botocore's paginator data, else derived from the operation's members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import jmespath
from botocore.model import Shape, StructureShape

from partywall.aws.models import operation_model, paginators
from partywall.aws.parsers import members_of

# Token members, in and out, of operations for which botocore has no paginator.
_TOKENS = (
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "NextMarker"),
    ("nextMarker", "nextMarker"),
    ("Marker", "NextMarker"),
    ("Marker", "Marker"),
    ("marker", "nextMarker"),
    ("marker", "marker"),
    ("PaginationToken", "PaginationToken"),
    ("paginationToken", "paginationToken"),
    ("nextPageToken", "nextPageToken"),
    ("NextPageToken", "NextPageToken"),
    ("pageToken", "nextPageToken"),
    ("PageToken", "NextPageToken"),
    ("position", "position"),
)
_LIMITS = ("MaxResults", "maxResults", "Limit", "limit", "MaxItems", "MaxRecords", "PageSize", "pageSize")

# Page sizes where the model states no maximum, or a larger one than the API's page allows.
_PAGE_SIZES: dict[tuple[str, str], int] = {
    ("autoscaling", "DescribeAutoScalingGroups"): 100,
    ("autoscaling", "DescribeLaunchConfigurations"): 100,
    ("ec2", "DescribeImages"): 1000,
    ("ec2", "DescribeInstances"): 1000,
    ("ec2", "DescribeNetworkInterfaces"): 1000,
    ("ec2", "DescribeSecurityGroupRules"): 1000,
    ("ec2", "DescribeSecurityGroups"): 1000,
    ("ec2", "DescribeSnapshots"): 1000,
    ("ec2", "DescribeVolumes"): 1000,
    ("ecs", "ListClusters"): 100,
    ("ecs", "ListServices"): 100,
    ("ecs", "ListTasks"): 100,
    ("ecs", "ListTaskDefinitions"): 100,
    ("elb", "DescribeLoadBalancers"): 400,
    ("elbv2", "DescribeLoadBalancers"): 400,
    ("elbv2", "DescribeTargetGroups"): 400,
    ("glue", "GetDatabases"): 100,
    ("glue", "GetTables"): 100,
    ("kms", "ListAliases"): 100,
    ("kms", "ListGrants"): 100,
    ("kms", "ListResourceTags"): 50,
    ("rds", "DescribeDBClusters"): 100,
    ("rds", "DescribeDBInstances"): 100,
    ("rds", "DescribeDBSnapshots"): 100,
}


@dataclass(frozen=True, slots=True)
class Paging:
    """Members that carry the token in and out, the flag for more, and the page size to ask for."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    more: str = ""
    limit_member: str = ""
    limit: int = 0

    def next_params(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The token members of the next request; empty after the last page."""
        if self.more and not _find(self.more, answer):
            return {}
        tokens: dict[str, Any] = {}
        for member, path in zip(self.inputs, self.outputs, strict=True):
            token = _find(path, answer)
            if token not in (None, "", {}, []):
                tokens[member] = token
        return tokens


@cache
def _compiled(path: str) -> Any:
    return jmespath.compile(path)


def _find(path: str, answer: Mapping[str, Any]) -> Any:
    if path.isidentifier():
        return answer.get(path)
    return _compiled(path).search(answer)


@cache
def paging_of(service: str, operation: str) -> Paging | None:
    """How to page an operation; None where it answers in one piece."""
    model = operation_model(service, operation)
    given = cast("StructureShape | None", model.input_shape)
    answered = cast("StructureShape | None", model.output_shape)
    if given is None or answered is None:
        return None
    inputs, outputs = members_of(given), members_of(answered)
    data = paginators(service).get(operation)
    if data is not None:
        limit = str(data.get("limit_key", ""))
        return Paging(
            _names(data["input_token"]),
            _names(data["output_token"]),
            str(data.get("more_results", "")),
            *_limit(service, operation, limit, inputs),
        )
    for token_in, token_out in _TOKENS:
        if token_in in inputs and token_out in outputs and inputs[token_in].type_name == "string":
            limit = next((name for name in _LIMITS if name in inputs), "")
            return Paging((token_in,), (token_out,), "", *_limit(service, operation, limit, inputs))
    return None


def _names(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _limit(service: str, operation: str, member: str, inputs: Mapping[str, Shape]) -> tuple[str, int]:
    """The page-size member and the most that it may hold, ("", 0) where nothing states a maximum."""
    shape = inputs.get(member)
    if shape is None or shape.type_name not in ("integer", "long"):
        return "", 0
    known = _PAGE_SIZES.get((service, operation))
    if known:
        return member, known
    most = int(cast("dict[str, Any]", shape.metadata).get("max", 0))
    return (member, most) if most > 0 else ("", 0)


def first_params(paging: Paging, params: Mapping[str, Any]) -> dict[str, Any]:
    """The request of the first page: the largest page, unless the caller chose or names resources itself."""
    made = dict(params)
    if paging.limit_member and paging.limit_member not in made:
        # EC2 and RDS refuse a page size beside explicit identifiers.
        named = any(isinstance(value, list) and not name.endswith("ilters") for name, value in params.items())
        if not named:
            made[paging.limit_member] = paging.limit
    return made
