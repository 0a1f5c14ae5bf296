"""The least-privilege IAM policy of a plan: exactly the actions of the calls that it can make."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from partywall.aws.actions import actions_of
from partywall.collect.planner import Plan

# Which Regions to scan is asked before anything else, of EC2 or else of Account Management.
_ALWAYS: Final = (("ec2", "DescribeRegions"), ("account", "ListRegions"))
MANAGED_POLICY_LIMIT: Final = 6144
"""Characters of a managed policy, white space aside (IAM User Guide, IAM and AWS STS quotas)."""


def needed(plan: Plan) -> list[str]:
    """The IAM actions that the plan's calls need, sorted."""
    found: set[str] = set()
    pairs = [tuple(operation.split(":", 1)) for operation in plan.operations()]
    for service, operation in [*pairs, *_ALWAYS]:
        found.update(actions_of(service, operation))
    return sorted(found)


def documents(names: Iterable[str], *, limit: int = MANAGED_POLICY_LIMIT) -> list[dict[str, Any]]:
    """Policy documents that allow the actions on every resource, each within `limit` characters."""
    chunks: list[list[str]] = [[]]
    for name in names:
        if len(_compact(_document([*chunks[-1], name]))) > limit:
            chunks.append([])
        chunks[-1].append(name)
    return [_document(chunk) for chunk in chunks]


def _document(names: list[str]) -> dict[str, Any]:
    statement = {"Sid": "PartywallRead", "Effect": "Allow", "Action": names, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _compact(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def as_json(names: list[str]) -> str:
    """One IAM policy document; longer than a managed policy may be where many services are scanned."""
    return json.dumps(_document(names), indent=2)


def as_cloudformation(names: list[str]) -> str:
    """A CloudFormation template of a role with managed policies; who may assume it is a parameter."""
    resources: dict[str, Any] = {
        "ScanRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": {"Ref": "RoleName"},
                "Description": "Read-only role of partywall's scans",
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": {"Ref": "TrustedPrincipal"}},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
                        }
                    ],
                },
            },
        }
    }
    for number, document in enumerate(documents(names), 1):
        resources[f"ScanPolicy{number}"] = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": document, "Roles": [{"Ref": "ScanRole"}]},
        }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Read-only role for partywall scans",
        "Parameters": {
            "RoleName": {"Type": "String", "Default": "partywall-scan"},
            "TrustedPrincipal": {"Type": "String", "Description": "ARN of the principal that scans"},
            "ExternalId": {"Type": "String", "NoEcho": True, "MinLength": 2},
        },
        "Resources": resources,
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["ScanRole", "Arn"]}}},
    }
    return json.dumps(template, indent=2)


def as_terraform(names: list[str]) -> str:
    """Terraform of a role with managed policies; who may assume it is a variable."""
    parts = [_TERRAFORM_ROLE]
    for number, document in enumerate(documents(names), 1):
        listed = "\n".join(f'          "{name}",' for name in document["Statement"][0]["Action"])
        parts.append(
            f'resource "aws_iam_policy" "partywall_{number}" {{\n'
            f'  name = "partywall-scan-{number}"\n'
            "  policy = jsonencode({\n"
            '    Version = "2012-10-17"\n'
            "    Statement = [\n"
            "      {\n"
            '        Sid    = "PartywallRead"\n'
            '        Effect = "Allow"\n'
            f"        Action = [\n{listed}\n        ]\n"
            '        Resource = "*"\n'
            "      }\n"
            "    ]\n"
            "  })\n"
            "}\n\n"
            f'resource "aws_iam_role_policy_attachment" "partywall_{number}" {{\n'
            "  role       = aws_iam_role.partywall.name\n"
            f"  policy_arn = aws_iam_policy.partywall_{number}.arn\n"
            "}\n"
        )
    return "\n".join(parts)


_TERRAFORM_ROLE: Final = """variable "trusted_principal" {
  type        = string
  description = "ARN of the principal that scans"
}

variable "external_id" {
  type      = string
  sensitive = true
}

resource "aws_iam_role" "partywall" {
  name        = "partywall-scan"
  description = "Read-only role of partywall's scans"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = var.trusted_principal }
        Action    = "sts:AssumeRole"
        Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
      }
    ]
  })
}

output "role_arn" {
  value = aws_iam_role.partywall.arn
}
"""
