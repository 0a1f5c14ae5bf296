"""What each condition key says about the caller, as AWS documents it; data for the engine.

Titles: IAM User Guide, AWS global condition context keys; Service Authorization Reference, Actions,
resources, and condition keys for AWS services. A key that stands in no set here is unknown.
"""

from __future__ import annotations

from typing import Final

ACCOUNTS: Final = frozenset(
    (
        "aws:principalaccount",
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:vpceaccount",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
        "vpc-lattice-svcs:sourcevpcowneraccount",
    )
)
"""The value is the id of the account that calls, or on whose behalf a service calls."""

ORGANIZATIONS: Final = frozenset(
    (
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
    )
)
"""The value is an organization's id, or a path that starts with one."""

ARNS: Final = frozenset(
    (
        "aws:principalarn",
        "aws:sourcearn",
        "aws:sourcevpcarn",
        "ec2:sourceinstancearn",
        "elasticfilesystem:accesspointarn",
        "lambda:sourcefunctionarn",
        "s3:dataaccesspointarn",
        "ssm:sourceinstancearn",
    )
)
"""The value is the ARN of the caller or of the resource that it comes by; its account field tells whose."""

FIXED: Final = frozenset(
    ("lambda:eventsourcetoken", "s3:x-amz-server-side-encryption-aws-kms-key-id", "sns:endpoint")
)
"""A fixed value bounds the grant, though it names no account."""

SERVICES: Final = frozenset(("aws:principalservicename", "aws:principalservicenameslist"))

DATES: Final = frozenset(("aws:currenttime", "aws:epochtime"))
"""Whether the condition holds depends on when one looks: not a fact of the document."""

_SIGNED_ONLY: Final = frozenset(
    (
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalarn",
        "aws:principaltype",
        "aws:sourceidentity",
        "aws:tokenissuetime",
        "aws:userid",
        "aws:username",
        "s3:authtype",
        "s3:signatureage",
        "s3:signatureversion",
        "s3:x-amz-content-sha256",
        "sts:externalid",
        "sts:rolesessionname",
    )
)
"""Only signed requests carry these keys (and every `aws:PrincipalTag/…`)."""

_OPEN_KEYS: Final = frozenset(
    (
        "aws:assumedroot",
        "aws:calledvia",
        "aws:calledviaawsmcp",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:federatedprovider",
        "aws:ismcpserviceaction",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principaltype",
        "aws:referer",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:securetransport",
        "aws:sourceidentity",
        "aws:tagkeys",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:username",
        "aws:viaawsmcpservice",
        "aws:viaawsservice",
        "aws:vpcsourceip",
        "lambda:functionarn",
        "lambda:functionurlauthtype",
        "lambda:invokedviafunctionurl",
        "sns:protocol",
        "sts:awsservicename",
        "sts:externalid",
        "sts:rolesessionname",
        "sts:sourceidentity",
        "sts:transitivetagkeys",
        "backup:copytargetorgpaths",
        "backup:copytargets",
        "backup:index",
        "elasticfilesystem:createaction",
        "elasticfilesystem:encrypted",
        "events:creatoraccount",
        "events:managedby",
        "events:targetarn",
        "kms:viaservice",
    )
)

_OPEN_PREFIXES: Final = (
    "aws:principaltag/",
    "aws:requesttag/",
    "aws:resourcetag/",
    "codeartifact:",
    "dynamodb:",
    "ecr:",
    "events:detail",
    "events:eventbusinvocation",
    "events:source",
    "glue:",
    "kinesis:",
    "kms:bypasspolicylockoutsafetycheck",
    "kms:customermasterkey",
    "kms:encryptionalgorithm",
    "kms:encryptioncontext",
    "kms:grant",
    "kms:key",
    "kms:macalgorithm",
    "kms:message",
    "kms:multiregion",
    "kms:origin",
    "kms:primaryregion",
    "kms:reencryptonsamekey",
    "kms:replicaregion",
    "kms:requestalias",
    "kms:resourcealiases",
    "kms:retiringprincipal",
    "kms:rotationperiod",
    "kms:scheduledeletionpendingwindow",
    "kms:signingalgorithm",
    "kms:trailingdayswithoutkeyusage",
    "kms:validto",
    "kms:wrapping",
    "logs:",
    "s3:",
    "secretsmanager:",
    "ses:",
    "vpc-lattice-svcs:request",
)


def is_open(key: str) -> bool:
    """Whether the key (lower case) describes the request or resource, or what any caller can choose."""
    return key in _OPEN_KEYS or key.startswith(_OPEN_PREFIXES)


def is_signed_only(key: str) -> bool:
    """Whether only signed requests carry the key (lower case)."""
    return key in _SIGNED_ONLY or key.startswith(("aws:principaltag/", "kms:"))
