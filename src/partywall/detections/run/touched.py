"""What a call touched: ARNs and ids out of its parameters, its answer and CloudTrail's list of resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from partywall.detections.sigma.extract import decoded

# Name of a parameter (as CloudTrail writes it) -> the playbook's place that it fills, and the ARN it makes.
# {p} partition, {r} Region, {a} account, {v} the value.
_NAMES: Final[dict[str, tuple[str, str]]] = {
    "userName": ("user", "arn:{p}:iam::{a}:user/{v}"),
    "roleName": ("role", "arn:{p}:iam::{a}:role/{v}"),
    "roleArn": ("role", "{v}"),
    "groupName": ("group", "{v}"),
    "policyArn": ("policy", "{v}"),
    "policyName": ("policy", ""),
    "bucketName": ("bucket", "arn:{p}:s3:::{v}"),
    "functionName": ("function", "arn:{p}:lambda:{r}:{a}:function:{v}"),
    "instanceId": ("instance", "arn:{p}:ec2:{r}:{a}:instance/{v}"),
    "snapshotId": ("snapshot", "arn:{p}:ec2:{r}:{a}:snapshot/{v}"),
    "volumeId": ("volume", "arn:{p}:ec2:{r}:{a}:volume/{v}"),
    "imageId": ("image", "arn:{p}:ec2:{r}:{a}:image/{v}"),
    "groupId": ("security-group", "arn:{p}:ec2:{r}:{a}:security-group/{v}"),
    "secretId": ("secret", "{v}"),
    "keyId": ("key", "{v}"),
    "detectorId": ("detector", "{v}"),
    "trailName": ("trail", "{v}"),
    "dBInstanceIdentifier": ("database", "arn:{p}:rds:{r}:{a}:db:{v}"),
    "dBSnapshotIdentifier": ("snapshot", "arn:{p}:rds:{r}:{a}:snapshot:{v}"),
    "clusterName": ("cluster", "{v}"),
    "stackName": ("stack", "{v}"),
    "statementId": ("statement", ""),
    "associationId": ("association", ""),
    "accessKeyId": ("key-id", "{v}"),
}
_MADE: Final = frozenset(["accessKeyId", "instanceId", "snapshotId", "imageId", "volumeId"])
"""What an answer is searched for: things that the call made or named by id."""
_MOST: Final = 50


def touched(
    call: str, account: str, region: str, parameters: str | None, answer: str | None, listed: str | None
) -> tuple[list[str], dict[str, list[str]]]:
    """Resources (ARNs or ids, at most 50) and the playbook's places with their values, of one event.

    `parameters`, `answer`, `listed` are JSON text as recorded, or None.
    """
    partition = (
        "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov") else "aws"
    )
    resources: dict[str, None] = {}
    places: dict[str, list[str]] = {}
    for text, names in ((parameters, None), (answer, _MADE)):
        value = decoded(text) if text else None
        for name, found in _leaves(value):
            if found.startswith("arn:") and len(found) < 512:
                resources[found] = None
            if name == "name" and call.startswith("cloudtrail:") and names is None:
                name = "trailName"
            known = _NAMES.get(name)
            if known is None or (names is not None and name not in names):
                continue
            place, shape = known
            values = places.setdefault(place, [])
            if found not in values and len(values) < _MOST:
                values.append(found)
            if shape and not found.startswith("arn:"):
                arn = shape.format(p=partition, r=region, a=account, v=found)
                resources[arn] = None
    for name, found in _leaves(decoded(listed) if listed else None):
        if name in ("ARN", "arn") and found.startswith("arn:"):
            resources[found] = None
    return list(resources)[:_MOST], places


def _leaves(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Each text of a JSON value with the name of the nearest key."""
    if depth > 12:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, str(key), depth + 1)
    elif isinstance(value, list):
        for inner in value[:200]:
            yield from _leaves(inner, name, depth + 1)
    elif isinstance(value, str) and value:
        yield name, value
