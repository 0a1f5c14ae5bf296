"""A big account made up from botocore's output shapes: the answers of `endpoint.py --synthetic`.

Listings have as many elements as `COUNTS` says (a mid-sized company's account, Region by Region), every
member filled; identifiers agree between a listing, its describe calls and its batches.
"""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from typing import Any

from partywall.aws.paging import paging_of
from partywall.tables.registry import all_tables
from partywall.tables.spec import Batch, Call

REGIONS = ("us-east-1", "eu-west-1", "eu-central-1")
ACCOUNT = "123456789012"
_SMALL = 3
"""Elements of a listing that `COUNTS` does not name."""

# Elements for each Region (or in all, for global services); 50,000 resources in the whole account.
COUNTS: dict[str, int] = {
    "ec2:DescribeInstances": 1200,
    "ec2:DescribeVolumes": 2000,
    "ec2:DescribeSnapshots": 2400,
    "ec2:DescribeImages": 150,
    "ec2:DescribeNetworkInterfaces": 2600,
    "ec2:DescribeSecurityGroups": 1000,
    "ec2:DescribeSecurityGroupRules": 5000,
    "ec2:DescribeSubnets": 120,
    "ec2:DescribeRouteTables": 80,
    "ec2:DescribeNetworkAcls": 40,
    "ec2:DescribeAddresses": 100,
    "ec2:DescribeVpcs": 12,
    "ec2:DescribeLaunchTemplates": 60,
    "ec2:DescribeKeyPairs": 40,
    "ec2:DescribeVpcEndpoints": 40,
    "s3:ListBuckets": 500,
    "iam:ListPolicies": 60,
    "kms:ListKeys": 120,
    "rds:DescribeDBInstances": 80,
    "rds:DescribeDBSnapshots": 300,
    "dynamodb:ListTables": 80,
    "secretsmanager:ListSecrets": 120,
    "ssm:DescribeParameters": 300,
    "ssm:DescribeInstanceInformation": 400,
    "elbv2:DescribeLoadBalancers": 40,
    "elbv2:DescribeTargetGroups": 80,
    "acm:ListCertificates": 60,
    "lambda:ListFunctions": 250,
    "logs:DescribeLogGroups": 300,
    "cloudwatch:DescribeAlarms": 200,
    "sqs:ListQueues": 80,
    "sns:ListTopics": 60,
    "ecr:DescribeRepositories": 80,
    "resourcegroupstaggingapi:GetResources": 40,
    "route53:ListHostedZones": 20,
    "route53:ListResourceRecordSets": 40,
}
_IAM_DETAILS = {"UserDetailList": 150, "GroupDetailList": 30, "RoleDetailList": 900, "Policies": 300}
_WHEN = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "true"}},
            }
        ],
    }
)
_REPORT_COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,"
    "cert_2_active,cert_2_last_rotated"
)


@functools.cache
def _listed() -> dict[str, set[str]]:
    """Operation -> the top-level members that a table lists."""
    found: dict[str, set[str]] = {}
    for table in all_tables().values():
        for call in (table.rows, *table.calls.values()):
            if isinstance(call, Call) and call is not table.rows:
                continue
            at = getattr(call, "at", "")
            if at:
                found.setdefault(call.operation, set()).add(at.split(".")[0].removesuffix("[]"))
    return found


@functools.cache
def _batches() -> dict[str, Batch]:
    calls = (c for t in all_tables().values() for c in t.calls.values() if isinstance(c, Batch))
    return {call.operation: call for call in calls}


def answer(service: str, operation: str, region: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the account answers to a request, in the operation's output shape."""
    from partywall.demo.shapes import output_shape

    name = f"{service}:{operation}"
    special = _special(name)
    if special is not None:
        return special
    shape = output_shape(service, operation)
    if shape is None:
        return {}
    maker = _Maker(service, region)
    batch = _batches().get(name)
    if batch is not None and isinstance(params.get(batch.param), list):
        return _batch(maker, shape, batch, params[batch.param])
    listed = _listed().get(name, set()) & set(shape.members)
    if not listed:
        made = maker.structure(shape, 0, 0)
        paging = paging_of(service, operation)
        for output in paging.outputs if paging else ():
            made.pop(output.split(".")[0].split(" ")[0], None)
        if paging and paging.more:
            made.pop(paging.more, None)
        return made
    return _page(maker, shape, name, listed, params)


def _special(name: str) -> dict[str, Any] | None:
    if name == "ec2:DescribeRegions":
        return {"Regions": [{"RegionName": r, "OptInStatus": "opt-in-not-required"} for r in REGIONS]}
    if name == "iam:GenerateCredentialReport":
        return {"State": "COMPLETE", "Description": "done"}
    if name == "iam:GetCredentialReport":
        day = "2026-01-10T10:00:00+00:00"
        users = ["<root_account>", *(f"username-{i:05d}" for i in range(_IAM_DETAILS["UserDetailList"]))]
        key = f"true,{day},{day},us-east-1,s3"
        rows = [
            f"{u},arn:aws:iam::{ACCOUNT}:user/{u},{day},true,{day},{day},N/A,true,{key},{key},"
            "false,N/A,false,N/A"
            for u in users
        ]
        content = "\n".join([_REPORT_COLUMNS, *rows]).encode()
        return {"Content": content, "ReportFormat": "text/csv", "GeneratedTime": _WHEN}
    return None


def _batch(maker: _Maker, shape: Any, batch: Batch, asked: list[Any]) -> dict[str, Any]:
    head = batch.at.split(".")[0].removesuffix("[]")
    elements: list[Any] = []
    for i, value in enumerate(asked):
        element = maker.value(shape.members[head].member, head, i, 1)
        if batch.key in element:
            element[batch.key] = value
        elements.append(element)
    return {head: elements}


def _page(maker: _Maker, shape: Any, name: str, listed: set[str], params: dict[str, Any]) -> dict[str, Any]:
    service, _, operation = name.partition(":")
    paging = paging_of(service, operation)
    start, size = 0, 1000
    if paging is not None and paging.outputs:
        token = str(params.get(paging.inputs[0]) or "from-0")
        start = int(token.rpartition("-")[2]) if token.startswith("from-") else 0
        asked = params.get(paging.limit_member) if paging.limit_member else None
        size = int(asked or (100 if service != "iam" else 1000))
    made: dict[str, Any] = {}
    longest = 0
    for member in listed:
        count = (
            _IAM_DETAILS.get(member, COUNTS.get(name, _SMALL))
            if service == "iam"
            else COUNTS.get(name, _SMALL)
        )
        holder = shape.members[member]
        if holder.type_name == "structure":
            # CloudFront wraps its lists; it gets one page.
            made[member] = maker.structure(holder, 0, 1)
            for key in ("IsTruncated", "NextMarker"):
                made[member].pop(key, None)
            continue
        if holder.type_name != "list":
            made[member] = maker.value(holder, member, 0, 1)
            continue
        longest = max(longest, count)
        last = count if paging is None else min(count, start + size)
        made[member] = [maker.value(holder.member, member, i, 1) for i in range(start, last)]
    if paging is not None and start + size < longest:
        made[paging.outputs[0].split(" ")[0].split(".")[0]] = f"from-{start + size}"
        if paging.more:
            made[paging.more.split(".")[0]] = True
    return made


class _Maker:
    def __init__(self, service: str, region: str) -> None:
        self.service = service
        self.region = region

    def structure(self, shape: Any, i: int, depth: int) -> dict[str, Any]:
        if getattr(shape, "is_document_type", False):
            return {}
        return {
            name: self.value(member, name, i, depth + 1)
            for name, member in shape.members.items()
            if depth < 5 or member.type_name not in ("structure", "list", "map")
        }

    def value(self, shape: Any, name: str, i: int, depth: int) -> Any:
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, i, depth)
        if kind == "list":
            return [self.value(shape.member, name, i, depth + 1)] if depth < 6 else []
        if kind == "map":
            return (
                {self.text(shape.key, "key", i): self.value(shape.value, name, i, depth + 1)}
                if depth < 6
                else {}
            )
        if kind == "boolean":
            return i % 3 != 0
        if kind in ("integer", "long"):
            return max(i % 97, int((shape.metadata or {}).get("min", 0)))
        if kind in ("float", "double"):
            return float(i % 97)
        if kind == "timestamp":
            return _WHEN
        if kind == "blob":
            return b""
        return self.text(shape, name, i)

    def text(self, shape: Any, name: str, i: int) -> str:
        allowed = getattr(shape, "enum", None)
        if allowed:
            return str(allowed[i % len(allowed)])
        lowered = name.lower()
        if lowered.endswith(("arn", "arns")):
            kind = lowered.removesuffix("arn") or "resource"
            return f"arn:aws:{self.service}:{self.region}:{ACCOUNT}:{kind}/{i:05d}"
        if "policy" in lowered and ("document" in lowered or lowered in ("policy", "resourcepolicy")):
            return _POLICY
        if "cidr" in lowered:
            return f"10.{i // 65536 % 256}.{i // 256 % 256}.{i % 256}/32"
        if lowered in ("accountid", "ownerid", "account", "owner", "awsaccountid"):
            return ACCOUNT
        if "region" in lowered:
            return self.region
        if lowered in ("key", "value"):
            return f"tag-{lowered}-{i % 10}"
        if lowered == "name" and self.service == "s3":
            return f"bucket-{i:05d}"
        if "time" in lowered or "date" in lowered:
            return _WHEN.isoformat()
        return f"{lowered}-{i:05d}"
