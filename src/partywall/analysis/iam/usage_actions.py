"""From an event of CloudTrail to the IAM actions that it used, and the resources that it used them on.

Most events are named as their action is; the exceptions are data here. AWS CloudTrail User Guide: CloudTrail
record contents; Logging data events. Amazon S3 API Reference: required permissions of each operation. AWS
Lambda Developer Guide: Logging Lambda API calls (event names that carry the API's version).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast

from partywall.analysis.iam.actions import Action, asked, find, service_actions, services

# eventSource's first label -> the prefix of its actions, where the two differ.
_SOURCES: Final = {
    "amazonmq": "mq",
    "email": "ses",
    "monitoring": "cloudwatch",
    "tagging": "tag",
    "cloudcontrolapi": "cloudformation",
    "marketplace": "aws-marketplace",
}
# Sources whose events are no calls that a policy allows.
_NO_CALLS: Final = frozenset(("signin",))
_VERSION: Final = re.compile(r"(?:_?\d{4}_?\d{2}_?\d{2}|\d{6,8})(?:v\d+)?$")
# (prefix, event name in lower case) -> actions, the main one first; () where the call needs none.
_EVENTS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("sts", "getcalleridentity"): (),
    ("sts", "getsessiontoken"): (),
    ("lambda", "invoke"): ("lambda:InvokeFunction",),
    ("lambda", "invokewithresponsestream"): ("lambda:InvokeFunction",),
    ("lambda", "getlayerversionbyarn"): ("lambda:GetLayerVersion",),
    ("dynamodb", "transactgetitems"): ("dynamodb:GetItem",),
    ("dynamodb", "transactwriteitems"): (
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
    ),
    ("dynamodb", "executestatement"): (
        "dynamodb:PartiQLSelect",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PartiQLDelete",
    ),
    ("sqs", "sendmessagebatch"): ("sqs:SendMessage",),
    ("sqs", "deletemessagebatch"): ("sqs:DeleteMessage",),
    ("sqs", "changemessagevisibilitybatch"): ("sqs:ChangeMessageVisibility",),
    ("sns", "publishbatch"): ("sns:Publish",),
    ("kms", "reencrypt"): ("kms:ReEncryptFrom", "kms:ReEncryptTo"),
    ("access-analyzer", "getfindingv2"): ("access-analyzer:GetFinding",),
    ("access-analyzer", "listfindingsv2"): ("access-analyzer:ListFindings",),
    ("s3", "listbuckets"): ("s3:ListAllMyBuckets",),
    ("s3", "listobjects"): ("s3:ListBucket",),
    ("s3", "listobjectsv2"): ("s3:ListBucket",),
    ("s3", "headbucket"): ("s3:ListBucket",),
    ("s3", "listobjectversions"): ("s3:ListBucketVersions",),
    ("s3", "listmultipartuploads"): ("s3:ListBucketMultipartUploads",),
    ("s3", "listparts"): ("s3:ListMultipartUploadParts",),
    ("s3", "headobject"): ("s3:GetObject",),
    ("s3", "selectobjectcontent"): ("s3:GetObject",),
    ("s3", "createmultipartupload"): ("s3:PutObject",),
    ("s3", "uploadpart"): ("s3:PutObject",),
    ("s3", "completemultipartupload"): ("s3:PutObject",),
    ("s3", "postobject"): ("s3:PutObject",),
    ("s3", "deleteobjects"): ("s3:DeleteObject",),
    ("s3", "deletebucketcors"): ("s3:PutBucketCORS",),
    ("s3", "putbucketcors"): ("s3:PutBucketCORS",),
    ("s3", "getbucketcors"): ("s3:GetBucketCORS",),
    ("s3", "deletebucketencryption"): ("s3:PutEncryptionConfiguration",),
    ("s3", "putbucketencryption"): ("s3:PutEncryptionConfiguration",),
    ("s3", "getbucketencryption"): ("s3:GetEncryptionConfiguration",),
    ("s3", "deletebucketlifecycle"): ("s3:PutLifecycleConfiguration",),
    ("s3", "putbucketlifecycle"): ("s3:PutLifecycleConfiguration",),
    ("s3", "putbucketlifecycleconfiguration"): ("s3:PutLifecycleConfiguration",),
    ("s3", "getbucketlifecycle"): ("s3:GetLifecycleConfiguration",),
    ("s3", "getbucketlifecycleconfiguration"): ("s3:GetLifecycleConfiguration",),
    ("s3", "deletebucketreplication"): ("s3:PutReplicationConfiguration",),
    ("s3", "putbucketreplication"): ("s3:PutReplicationConfiguration",),
    ("s3", "getbucketreplication"): ("s3:GetReplicationConfiguration",),
    ("s3", "deletebuckettagging"): ("s3:PutBucketTagging",),
    ("s3", "getbucketaccelerateconfiguration"): ("s3:GetAccelerateConfiguration",),
    ("s3", "putbucketaccelerateconfiguration"): ("s3:PutAccelerateConfiguration",),
    ("s3", "getbucketnotificationconfiguration"): ("s3:GetBucketNotification",),
    ("s3", "putbucketnotificationconfiguration"): ("s3:PutBucketNotification",),
    ("s3", "getbucketpublicaccessblock"): ("s3:GetBucketPublicAccessBlock",),
    ("s3", "getpublicaccessblock"): ("s3:GetBucketPublicAccessBlock",),
    ("s3", "putpublicaccessblock"): ("s3:PutBucketPublicAccessBlock",),
    ("s3", "deletepublicaccessblock"): ("s3:PutBucketPublicAccessBlock",),
    ("s3", "putbucketpublicaccessblock"): ("s3:PutBucketPublicAccessBlock",),
    ("s3", "deletebucketpublicaccessblock"): ("s3:PutBucketPublicAccessBlock",),
    ("s3", "getobjectlockconfiguration"): ("s3:GetBucketObjectLockConfiguration",),
    ("s3", "putobjectlockconfiguration"): ("s3:PutBucketObjectLockConfiguration",),
    ("s3", "getbucketanalyticsconfiguration"): ("s3:GetAnalyticsConfiguration",),
    ("s3", "putbucketanalyticsconfiguration"): ("s3:PutAnalyticsConfiguration",),
    ("s3", "getbucketinventoryconfiguration"): ("s3:GetInventoryConfiguration",),
    ("s3", "putbucketinventoryconfiguration"): ("s3:PutInventoryConfiguration",),
    ("s3", "getbucketmetricsconfiguration"): ("s3:GetMetricsConfiguration",),
    ("s3", "putbucketmetricsconfiguration"): ("s3:PutMetricsConfiguration",),
    ("s3", "getbucketintelligenttieringconfiguration"): ("s3:GetIntelligentTieringConfiguration",),
    ("s3", "putbucketintelligenttieringconfiguration"): ("s3:PutIntelligentTieringConfiguration",),
}
# Prefixes of services of which some events are data events, which no trail logs unless told to. Rather too
# many than too few: what is not seen of them is not taken to be unused.
_DATA: Final = """
    aoss appconfig appsync athena aws-marketplace b2bi bedrock bedrock-agentcore bedrock-mantle cassandra
    cloudfront-keyvaluestore cloudtrail-data cloudwatch codeguru-profiler codewhisperer cognito-identity
    cognito-sync dataexchange datazone dax deadline dynamodb ebs ec2-instance-connect elasticmapreduce es
    events execute-api finspace firehose gamelift geo geo-maps geo-places geo-routes glue greengrass guardduty
    healthlake inspector2 invoicing iot iotsitewise iottwinmaker kafka-cluster kendra-ranking kinesis
    kinesisanalytics kinesisvideo lambda lex logs machinelearning managedblockchain
    managedblockchain-query medical-imaging mobiletargeting neptune-db neptune-graph notifications one
    payment-cryptography pca-connector-ad pca-connector-scep personalize polly q qapps qbusiness rds-data
    rds-db redshift-data rekognition rum s3 s3-object-lambda s3-outposts s3express s3tables s3vectors
    sagemaker scheduler schemas scn sdb servicediscovery ses signer sms-voice sns social-messaging sqs ssm
    ssmmessages sso-directory states swf synthetics textract thinclient timestream timestream-influxdb
    transcribe translate user-subscriptions verifiedpermissions voiceid wisdom workmailmessageflow xray
"""
DATA_EVENTS: Final = frozenset(_DATA.split())
_ROLE: Final = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/.+")
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
_PROFILE: Final = ("iaminstanceprofile",)
_DEEPEST: Final = 6
# Placeholders of ARNs (in lower case) -> names that parameters of calls give them.
_ALIASES: Final = {
    "objectname": ("key",),
    "clustername": ("cluster", "clustername", "name"),
    "topicname": ("topicname", "name"),
    "streamname": ("streamname", "name"),
}
# What these stand for may hold slashes and colons; of others such a value is an alias, a path or an ARN.
_WITH_SLASHES: Final = ("objectname", "loggroupname", "logstreamname")
Params = Mapping[str, Any]
Used = tuple[str, tuple[str, ...] | None]
"""An action as AWS writes it, and the ARNs it was used on; None where the event does not tell them."""


def prefix_of(source: str) -> str:
    """The prefix of the actions of an eventSource such as `monitoring.amazonaws.com`; "" for none."""
    label = source.lower().partition(".")[0]
    label = _SOURCES.get(label, label)
    return label if label in services() and label not in _NO_CALLS else ""


@lru_cache(maxsize=256)
def events_of(prefix: str) -> frozenset[str]:
    """Actions of a service (in lower case, without it) whose use shows as events of other names."""
    names = [n for (p, _), actions in _EVENTS.items() if p == prefix for n in actions]
    if prefix == "s3":
        plain = (action.name for action in service_actions("s3").values())
        names += ["s3:PutObjectAcl", "s3:PutObjectTagging", *(v for n in plain if (v := _versioned(n)))]
    return frozenset(n.partition(":")[2].lower() for n in names)


def is_no_call(source: str) -> bool:
    """Whether the events of a source are no API calls."""
    return source.lower().partition(".")[0] in _NO_CALLS


def used_by(event: Params) -> list[Used] | None:
    """What one event used; None where no action of AWS's reference can be told from it."""
    source, name = str(event.get("eventSource") or ""), str(event.get("eventName") or "")
    if is_no_call(source):
        return []
    prefix = prefix_of(source)
    names = _names(prefix, name) if prefix else None
    if names is None:
        return None
    params = _params(event)
    names = [*names, *_more(names, params)]
    found = [(action.name, _resources(action, event, params)) for n in names if (action := find(n))]
    return [*found, *_passed(prefix, names, params)]


@lru_cache(maxsize=8192)
def _names(prefix: str, event: str) -> tuple[str, ...] | None:
    known = _EVENTS.get((prefix, event.lower()))
    if known is not None:
        return known
    for name in (event, _VERSION.sub("", event)):
        known = _EVENTS.get((prefix, name.lower()))
        if known is not None:
            return known
        if (action := find(f"{prefix}:{name}")) is not None:
            return (action.name,)
    return None


def _params(event: Params) -> Params:
    raw = event.get("requestParameters")
    return cast("Params", raw) if isinstance(raw, dict) else {}


def _more(names: tuple[str, ...], params: Params) -> Iterator[str]:
    """Actions that parameters of S3's calls ask for besides (Amazon S3 API Reference)."""
    if not any(n.startswith("s3:") for n in names):
        return
    keys = {k.lower() for k in params}
    if "versionid" in keys or "version-id" in keys:
        yield from (made for n in names if (made := _versioned(n)))
    if "x-amz-copy-source" in keys or "s3:CopyObject" in names:
        yield "s3:GetObject"
    if "s3:PutObject" in names:
        if "x-amz-acl" in keys or any(k.startswith("x-amz-grant-") for k in keys):
            yield "s3:PutObjectAcl"
        if "x-amz-tagging" in keys:
            yield "s3:PutObjectTagging"


def _versioned(name: str) -> str:
    """The action that a call on a version of an object asks for; "" where there is none."""
    found = find(name.replace("Object", "ObjectVersion", 1))
    return found.name if found and found.name != name else ""


def _passed(prefix: str, names: tuple[str, ...] | list[str], params: Params) -> Iterator[Used]:
    """Roles that a call hands to a service: iam:PassRole makes no event of its own.

    IAM User Guide, Grant a user permissions to pass a role to an AWS service.
    """
    if prefix in ("iam", "sts") and not any(n.lower() == "iam:addroletoinstanceprofile" for n in names):
        return
    roles = tuple(dict.fromkeys(text for _, text in _texts(params) if _ROLE.fullmatch(text)))
    if roles:
        yield ("iam:PassRole", roles)
    if any(key in _PROFILE for key, _ in _keys(params)):
        # The role inside an instance profile is not in the event.
        yield ("iam:PassRole", None)


def _texts(raw: Any, depth: int = 0, key: str = "") -> Iterator[tuple[str, str]]:
    """(name in lower case, text) of all texts within parameters."""
    if isinstance(raw, str):
        yield key, raw
    elif depth < _DEEPEST and isinstance(raw, dict):
        for name, value in cast("Params", raw).items():
            yield from _texts(value, depth + 1, str(name).lower())
    elif depth < _DEEPEST and isinstance(raw, list):
        for value in cast("list[Any]", raw):
            yield from _texts(value, depth + 1, key)


def _keys(raw: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth < _DEEPEST and isinstance(raw, dict):
        for name, value in cast("Params", raw).items():
            yield str(name).lower(), value
            yield from _keys(value, depth + 1)
    elif depth < _DEEPEST and isinstance(raw, list):
        for value in cast("list[Any]", raw):
            yield from _keys(value, depth + 1)


def _resources(action: Action, event: Params, params: Params) -> tuple[str, ...] | None:
    if not action.resources:
        return asked(action.name).resources
    # ARNPrefix beside ARN stands for objects that are not named.
    listed = _texts(event.get("resources"))
    told = [text for key, text in listed if key == "arn" and text.startswith("arn:")]
    told += [text for _, text in _texts(params) if text.startswith("arn:")]
    given = {k.lower(): v for k, v in params.items() if isinstance(v, str)}
    found: dict[str, None] = {}
    lacking = False
    for acts_on in action.resources:
        mine = [t for t in told if acts_on.type.takes(t) and "*" not in t]
        made = None if mine else _filled(acts_on.type.arn, given, event)
        if made is not None and acts_on.type.takes(made):
            mine.append(made)
        found |= dict.fromkeys(mine)
        lacking |= acts_on.required and not mine
    return tuple(found) if found and not lacking else None


def _filled(template: str, given: Mapping[str, str], event: Params) -> str | None:
    """An ARN made of a resource type's template and a call's parameters; None where one is not told."""
    account = str(event.get("recipientAccountId") or "")
    region = str(event.get("awsRegion") or "")
    partition = (
        "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    )
    fixed = {"partition": partition, "region": region, "account": account}
    whole = True

    def fill(found: re.Match[str]) -> str:
        nonlocal whole
        name = found.group(1).lower()
        value = fixed.get(name)
        for key in (name, *_ALIASES.get(name, ())) if value is None else ():
            value = given.get(key)
            if value:
                break
        if not value or (name not in _WITH_SLASHES and (":" in value or "/" in value)):
            whole = False
            return ""
        return value

    made = _PLACEHOLDER.sub(fill, template)
    if "path" in template.lower():
        # A path is part of the ARN and of no parameter.
        return None
    return made if whole else None
