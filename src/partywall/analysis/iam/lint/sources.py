"""Policies inside files: documents, `get-account-authorization-details`, CloudFormation, Terraform plans.

AWS CLI Command Reference: get-account-authorization-details. AWS CloudFormation Template Reference.
Terraform: JSON Output Format (`terraform show -json`). Intrinsic functions and values known only after apply
are unknown text, of which nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from partywall.analysis.iam.lint import guess_type, lint_node
from partywall.analysis.iam.lint.codes import SEVERITIES, Finding, PolicyType
from partywall.analysis.iam.lint.positions import JsonError, Node, Source, parse

_I, _R, _T = PolicyType.IDENTITY, PolicyType.RESOURCE, PolicyType.TRUST
_INLINE: Final = (("Policies[].PolicyDocument", _I),)
_DOCUMENT: Final = (("PolicyDocument", _I),)
_OF_RESOURCE: Final = (("PolicyDocument", _R),)
# CloudFormation's resource type -> where its policies stand.
_CLOUDFORMATION: Final[dict[str, tuple[tuple[str, PolicyType], ...]]] = {
    "AWS::IAM::Role": (("AssumeRolePolicyDocument", _T), *_INLINE),
    "AWS::IAM::User": _INLINE,
    "AWS::IAM::Group": _INLINE,
    "AWS::IAM::Policy": _DOCUMENT,
    "AWS::IAM::ManagedPolicy": _DOCUMENT,
    "AWS::IAM::RolePolicy": _DOCUMENT,
    "AWS::IAM::UserPolicy": _DOCUMENT,
    "AWS::IAM::GroupPolicy": _DOCUMENT,
    "AWS::S3::BucketPolicy": _OF_RESOURCE,
    "AWS::SQS::QueuePolicy": _OF_RESOURCE,
    "AWS::SNS::TopicPolicy": _OF_RESOURCE,
    "AWS::KMS::Key": (("KeyPolicy", _R),),
    "AWS::SecretsManager::ResourcePolicy": (("ResourcePolicy", _R),),
    "AWS::ECR::Repository": (("RepositoryPolicyText", _R),),
    "AWS::EFS::FileSystem": (("FileSystemPolicy", _R),),
    "AWS::EC2::VPCEndpoint": _OF_RESOURCE,
    "AWS::Backup::BackupVault": (("AccessPolicy", _R),),
    "AWS::OpenSearchService::Domain": (("AccessPolicies", _R),),
    "AWS::ApiGateway::RestApi": (("Policy", _R),),
    "AWS::Events::EventBusPolicy": (("Statement", _R),),
    "AWS::Organizations::Policy": (("Content", PolicyType.SCP),),
}
_TEXT: Final = (("policy", _I),)
_RESOURCE_TEXT: Final = (("policy", _R),)
# Terraform's resource type -> where its policies stand, as JSON in a string.
_TERRAFORM: Final[dict[str, tuple[tuple[str, PolicyType], ...]]] = {
    "aws_iam_role": (("assume_role_policy", _T), ("inline_policy[].policy", _I)),
    "aws_iam_policy": _TEXT,
    "aws_iam_role_policy": _TEXT,
    "aws_iam_user_policy": _TEXT,
    "aws_iam_group_policy": _TEXT,
    "aws_s3_bucket_policy": _RESOURCE_TEXT,
    "aws_sqs_queue_policy": _RESOURCE_TEXT,
    "aws_sqs_queue": _RESOURCE_TEXT,
    "aws_sns_topic_policy": _RESOURCE_TEXT,
    "aws_sns_topic": _RESOURCE_TEXT,
    "aws_kms_key": _RESOURCE_TEXT,
    "aws_kms_key_policy": _RESOURCE_TEXT,
    "aws_secretsmanager_secret_policy": _RESOURCE_TEXT,
    "aws_ecr_repository_policy": _RESOURCE_TEXT,
    "aws_efs_file_system_policy": _RESOURCE_TEXT,
    "aws_vpc_endpoint": _RESOURCE_TEXT,
    "aws_vpc_endpoint_policy": _RESOURCE_TEXT,
    "aws_backup_vault_policy": _RESOURCE_TEXT,
    "aws_glacier_vault": (("access_policy", _R),),
    "aws_organizations_policy": (("content", PolicyType.SCP),),
}
_ORGANIZATION: Final = {
    "SERVICE_CONTROL_POLICY": PolicyType.SCP,
    "RESOURCE_CONTROL_POLICY": PolicyType.RCP,
}


@dataclass(frozen=True, slots=True)
class Found:
    """A policy in a file. `root` None: its text is no JSON, and `fault` says where in `source`."""

    name: str
    type: PolicyType
    source: Source
    root: Node | None
    fault: JsonError | None = None


def lint_file(text: str, type_: PolicyType | None = None) -> tuple[list[Finding], int]:
    """The findings of all policies in a file's text, and how many policies it holds. Never raises."""
    findings: list[Finding] = []
    number = 0
    for found in policies(text, type_):
        number += 1
        if found.root is not None:
            findings += lint_node(found.source, found.root, found.type, found.name)
        elif found.fault is not None:
            line, column = found.source.place(found.fault.offset)
            code = "JSON_SYNTAX_ERROR"
            findings.append(
                Finding(code, SEVERITIES[code], f"Not JSON: {found.fault}.", "", line, column, found.name)
            )
    return sorted(findings, key=lambda f: (f.line, f.column, f.code)), number


def policies(text: str, type_: PolicyType | None = None) -> Iterator[Found]:
    """The policies in a file's text; a file of no form known here is one policy of `type_`."""
    source = Source(text)
    try:
        root = parse(text)
    except JsonError as error:
        yield Found("", type_ or _I, source, None, error)
        return
    if any(root.get(key) for key in ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies")):
        yield from _details(source, root)
    elif (listed := root.get("Resources")) is not None and listed.kind == "object":
        yield from _template(source, listed)
    elif (planned := root.get("planned_values")) is not None:
        module = planned.get("root_module")
        if module is not None:
            yield from _module(source, module)
    else:
        yield Found("", type_ or guess_type(root), source, root)


def _read(name: str, type_: PolicyType, source: Source, node: Node) -> Iterator[Found]:
    """A policy that is an object, or JSON in a string, percent-encoded as IAM's API gives it or not."""
    if node.kind == "object":
        yield Found(name, type_, source, node)
    elif node.kind == "string" and node.text:
        inner = source.inner(node)
        text = node.text
        if text.lstrip()[:1] == "%":
            text = unquote(text)
            # Places inside encoded text are those of its beginning.
            inner = Source(text, source, [node.start])
        try:
            yield Found(name, type_, inner, parse(text))
        except JsonError as error:
            yield Found(name, type_, inner, None, error)


def _at(node: Node, path: str) -> Iterator[Node]:
    """The values at a path such as `Policies[].PolicyDocument`."""
    head, _, tail = path.partition(".")
    value = node.get(head.removesuffix("[]"))
    for item in (value.each() if head.endswith("[]") else [value]) if value is not None else ():
        if tail:
            yield from _at(item, tail)
        else:
            yield item


def _details(source: Source, root: Node) -> Iterator[Found]:
    places = {
        "UserDetailList": (("UserPolicyList[].PolicyDocument", _I),),
        "GroupDetailList": (("GroupPolicyList[].PolicyDocument", _I),),
        "RoleDetailList": (("AssumeRolePolicyDocument", _T), ("RolePolicyList[].PolicyDocument", _I)),
        "Policies": (("PolicyVersionList[].Document", _I),),
    }
    for key, wanted in places.items():
        for entry in _at(root, f"{key}[]"):
            arn = entry.get("Arn")
            for path, type_ in wanted:
                for node in _at(entry, path):
                    yield from _read(arn.text if arn else "", type_, source, node)


def _template(source: Source, resources: Node) -> Iterator[Found]:
    for key, resource in resources.members:
        type_, properties = resource.get("Type"), resource.get("Properties")
        if type_ is None or properties is None:
            continue
        for path, kind in _CLOUDFORMATION.get(type_.text, ()):
            named = properties.get("Type")
            kind = _ORGANIZATION.get(named.text, kind) if named else kind
            for node in _at(properties, path):
                known = _without_functions(node)
                if path == "Statement" and known.kind in ("object", "array"):
                    version = Node("string", node.start, node.start, "2012-10-17")
                    label = Node("string", node.start, node.start, "Version")
                    statement = Node("string", node.start, node.start, "Statement")
                    members = [(label, version), (statement, known)]
                    known = Node("object", node.start, node.end, members=members)
                yield from _read(key.text, kind, source, known)


def _without_functions(node: Node) -> Node:
    """The value with each intrinsic function (`Ref`, `Fn::...`) as unknown text."""
    if node.kind == "object" and len(node.members) == 1:
        name = node.members[0][0].text
        if name in ("Ref", "Condition") and node.members[0][1].kind == "string":
            return Node("unknown", node.start, node.end)
        if name.startswith("Fn::"):
            return Node("unknown", node.start, node.end)
    members = [(key, _without_functions(value)) for key, value in node.members]
    items = [_without_functions(item) for item in node.items]
    return Node(node.kind, node.start, node.end, node.value, members, items)


def _module(source: Source, module: Node) -> Iterator[Found]:
    for resource in _at(module, "resources[]"):
        type_, values, address = resource.get("type"), resource.get("values"), resource.get("address")
        if type_ is None or values is None:
            continue
        for path, kind in _TERRAFORM.get(type_.text, ()):
            named = values.get("type")
            kind = _ORGANIZATION.get(named.text, kind) if named else kind
            for node in _at(values, path):
                yield from _read(address.text if address else "", kind, source, node)
    for child in _at(module, "child_modules[]"):
        yield from _module(source, child)
