"""Policies inside files: documents, `get-account-authorization-details`, templates, Terraform plans.

AWS CLI Command Reference: get-account-authorization-details. AWS CloudFormation Template Reference (JSON, or
YAML with short forms). AWS SAM Developer Guide. Terraform: JSON Output Format (`terraform show -json`).
Intrinsic functions and values known only after apply are unknown text, of which nothing is said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from partywall.analysis.iam.lint import guess_type, lint_node
from partywall.analysis.iam.lint.codes import SEVERITIES, Finding, PolicyType
from partywall.analysis.iam.lint.positions import JsonError, Node, Source, parse
from partywall.analysis.iam.lint.yaml_nodes import YamlSource
from partywall.analysis.iam.lint.yaml_nodes import parse as parse_yaml

_I, _R, _T = PolicyType.IDENTITY, PolicyType.RESOURCE, PolicyType.TRUST
_INLINE: Final = (("Policies[].PolicyDocument", _I),)
_DOCUMENT: Final = (("PolicyDocument", _I),)
_OF_RESOURCE: Final = (("PolicyDocument", _R),)
_SERVERLESS: Final = (("Policies[]", _I), ("AssumeRolePolicyDocument", _T))
_Places = tuple[tuple[str, PolicyType], ...]
# CloudFormation's resource type -> where its policies stand.
_CLOUDFORMATION: Final[dict[str, _Places]] = {
    "AWS::IAM::Role": (("AssumeRolePolicyDocument", _T), *_INLINE),
    "AWS::IAM::User": _INLINE,
    "AWS::IAM::Group": _INLINE,
    **dict.fromkeys(("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"), _DOCUMENT),
    **dict.fromkeys(("AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy"), _DOCUMENT),
    "AWS::SSO::PermissionSet": (("InlinePolicy", _I),),
    **dict.fromkeys(("AWS::S3::BucketPolicy", "AWS::S3Express::BucketPolicy"), _OF_RESOURCE),
    **dict.fromkeys(("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy"), _OF_RESOURCE),
    **dict.fromkeys(("AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy"), _OF_RESOURCE),
    **dict.fromkeys(("AWS::EC2::VPCEndpoint", "AWS::Logs::ResourcePolicy"), _OF_RESOURCE),
    **dict.fromkeys(("AWS::KMS::Key", "AWS::KMS::ReplicaKey"), (("KeyPolicy", _R),)),
    **dict.fromkeys(
        ("AWS::SecretsManager::ResourcePolicy", "AWS::Kinesis::ResourcePolicy"), (("ResourcePolicy", _R),)
    ),
    **dict.fromkeys(("AWS::ECR::Repository", "AWS::ECR::PublicRepository"), (("RepositoryPolicyText", _R),)),
    "AWS::ECR::RegistryPolicy": (("PolicyText", _R),),
    "AWS::EFS::FileSystem": (("FileSystemPolicy", _R),),
    "AWS::Backup::BackupVault": (("AccessPolicy", _R),),
    **dict.fromkeys(
        ("AWS::OpenSearchService::Domain", "AWS::Elasticsearch::Domain"), (("AccessPolicies", _R),)
    ),
    **dict.fromkeys(
        ("AWS::ApiGateway::RestApi", "AWS::S3::AccessPoint", "AWS::MSK::ClusterPolicy"), (("Policy", _R),)
    ),
    "AWS::Events::EventBusPolicy": (("Statement", _R),),
    "AWS::DynamoDB::Table": (("ResourcePolicy.PolicyDocument", _R),),
    **dict.fromkeys(
        ("AWS::CodeArtifact::Domain", "AWS::CodeArtifact::Repository"), (("PermissionsPolicyDocument", _R),)
    ),
    "AWS::Organizations::Policy": (("Content", PolicyType.SCP),),
    **dict.fromkeys(("AWS::Serverless::Function", "AWS::Serverless::StateMachine"), _SERVERLESS),
}
_TEXT: Final = (("policy", _I),)
_RESOURCE_TEXT: Final = (("policy", _R),)
_WITH_POLICY: Final = """
    aws_s3_bucket_policy aws_s3_access_point aws_s3control_access_point_policy aws_sqs_queue_policy
    aws_sqs_queue aws_sns_topic_policy aws_sns_topic aws_kms_key aws_kms_key_policy
    aws_secretsmanager_secret_policy aws_secretsmanager_secret aws_ecr_repository_policy
    aws_ecr_registry_policy aws_ecrpublic_repository_policy aws_efs_file_system_policy aws_vpc_endpoint
    aws_vpc_endpoint_policy aws_backup_vault_policy aws_api_gateway_rest_api_policy aws_glue_resource_policy
    aws_msk_cluster_policy aws_cloudwatch_event_bus_policy
"""
# Terraform's resource type -> where its policies stand, as JSON in a string.
_TERRAFORM: Final[dict[str, _Places]] = {
    "aws_iam_role": (("assume_role_policy", _T), ("inline_policy[].policy", _I)),
    **dict.fromkeys(("aws_iam_policy", "aws_iam_role_policy"), _TEXT),
    **dict.fromkeys(("aws_iam_user_policy", "aws_iam_group_policy"), _TEXT),
    "aws_ssoadmin_permission_set_inline_policy": (("inline_policy", _I),),
    **dict.fromkeys(_WITH_POLICY.split(), _RESOURCE_TEXT),
    **dict.fromkeys(("aws_kinesis_resource_policy", "aws_dynamodb_resource_policy"), _RESOURCE_TEXT),
    "aws_glacier_vault": (("access_policy", _R),),
    "aws_cloudwatch_log_resource_policy": (("policy_document", _R),),
    "aws_codeartifact_domain_permissions_policy": (("policy_document", _R),),
    **dict.fromkeys(("aws_opensearch_domain_policy", "aws_opensearch_domain"), (("access_policies", _R),)),
    "aws_elasticsearch_domain_policy": (("access_policies", _R),),
    "aws_organizations_policy": (("content", PolicyType.SCP),),
}
_ORGANIZATION: Final = {
    "SERVICE_CONTROL_POLICY": PolicyType.SCP,
    "RESOURCE_CONTROL_POLICY": PolicyType.RCP,
}


_DETAILS: Final = ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies")
_PARAMETER: Final = re.compile(r"\$\{([^}]*)\}")


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
        root = _yaml(text)
        if root is None:
            yield Found("", type_ or _I, source, None, error)
            return
        source = YamlSource(text)
    if any(root.get(key) for key in _DETAILS):
        yield from _details(source, root)
    elif (listed := root.get("Resources")) is not None and listed.kind == "object":
        yield from _template(source, listed)
    elif (planned := root.get("planned_values")) is not None:
        module = planned.get("root_module")
        if module is not None:
            yield from _module(source, module)
    else:
        yield Found("", type_ or guess_type(root), source, root)


def is_yaml(text: str) -> bool:
    """Whether a text is a template or policy in YAML."""
    return _yaml(text) is not None


def holds_policies(text: str) -> bool:
    """Whether a text, of any sort, is of a form that holds policies, or a policy with faults."""
    try:
        root = parse(text)
    except JsonError:
        return is_yaml(text) or '"Statement"' in text
    return any(root.get(key) is not None for key in ("Statement", "Resources", "planned_values", *_DETAILS))


def _yaml(text: str) -> Node | None:
    """The root of a template or policy in YAML; None for any other text."""
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return None
    try:
        root = parse_yaml(text)
    except JsonError:
        return None
    return root if root.get("Resources") or root.get("Statement") else None


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
            for node in (choice for at in _at(properties, path) for choice in _choices(at)):
                if path == "Policies[]" and node.get("Statement") is None:
                    # SAM's names of managed policies, and its own policy templates.
                    continue
                known = _without_functions(node, source.text)
                if path == "Statement" and known.kind in ("object", "array"):
                    version = Node("string", node.start, node.start, "2012-10-17")
                    label = Node("string", node.start, node.start, "Version")
                    statement = Node("string", node.start, node.start, "Statement")
                    members = [(label, version), (statement, known)]
                    known = Node("object", node.start, node.end, members=members)
                yield from _read(key.text, kind, source, known)


def _choices(node: Node) -> Iterator[Node]:
    """A value, or each of those that `Fn::If` chooses between."""
    inner = node.get("Fn::If") if node.kind == "object" and len(node.members) == 1 else None
    if inner is None or len(inner.items) != 3:
        yield node
        return
    for item in inner.items[1:]:
        yield from _choices(item)


def _without_functions(node: Node, text: str) -> Node:
    """The value with each intrinsic function (`Ref`, `Fn::...`) as unknown text.

    Its `template` has a policy variable for what only the deployment knows, the same for the same expression.
    """
    if node.kind == "object" and len(node.members) == 1:
        name, inner = node.members[0][0].text, node.members[0][1]
        if (name in ("Ref", "Condition") and inner.kind == "string") or name.startswith("Fn::"):
            return Node("unknown", node.start, node.end, template=_template_of(name, inner, text))
    members = [(key, _without_functions(value, text)) for key, value in node.members]
    items = [_without_functions(item, text) for item in node.items]
    return Node(node.kind, node.start, node.end, node.value, members, items)


def _template_of(name: str, inner: Node, text: str) -> str:
    if name == "Ref":
        return variable(inner.text)
    if name == "Fn::Sub" and inner.kind == "string":
        return _PARAMETER.sub(
            lambda m: variable(m.group(1)) if m.group(1)[:1] != "!" else m.group(), inner.text
        )
    if name == "Fn::Join" and len(inner.items) == 2 and inner.items[1].kind == "array":
        return inner.items[0].text.join(_part(item, text) for item in inner.items[1].items)
    return variable(f"{name} {' '.join(text[inner.start : inner.end].split())}")


def _part(node: Node, text: str) -> str:
    known = _without_functions(node, text)
    return known.text or known.template or variable(text[node.start : node.end])


def variable(expression: str) -> str:
    """A policy variable that stands for an expression of a template."""
    return f"${{partywall/{hashlib.sha256(expression.encode()).hexdigest()[:16]}}}"


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
