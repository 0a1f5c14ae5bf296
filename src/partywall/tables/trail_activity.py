"""Activities that CloudTrail records, and which of them a filter over the records catches.

An activity is caught where the filter matches every event of it and nothing of everyday work. The activities
are those of the monitoring section of the CIS AWS Foundations Benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.filter_pattern import compile_pattern

Event = dict[str, Any]


def _event(source: str, name: str, **more: Any) -> Event:
    return {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:somebody",
            "arn": "arn:aws:sts::111122223333:assumed-role/engineer/somebody",
            "accountId": "111122223333",
            "sessionContext": {"attributes": {"mfaAuthenticated": "true"}},
        },
        "eventTime": "2026-01-02T03:04:05Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.0",
        "requestParameters": None,
        "responseElements": None,
        "readOnly": name.startswith(("Describe", "List", "Get")),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        **more,
    }


def _calls(source: str, *names: str) -> list[Event]:
    return [_event(source, name) for name in names]


def _sign_in(result: str, mfa: str, **more: Any) -> Event:
    return _event(
        "signin",
        "ConsoleLogin",
        eventType="AwsConsoleSignIn",
        userIdentity={"type": "IAMUser", "userName": "somebody", "accountId": "111122223333"},
        additionalEventData={"LoginTo": "https://console.aws.amazon.com", "MFAUsed": mfa},
        responseElements={"ConsoleLogin": result},
        **more,
    )


_ROOT: Final = {"type": "Root", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:root"}

_CAUGHT: Final[Mapping[str, list[Event]]] = {
    "unauthorized-calls": [
        _event("ec2", "RunInstances", errorCode="Client.UnauthorizedOperation"),
        _event("s3", "GetBucketPolicy", errorCode="AccessDenied"),
        _event("kms", "Decrypt", errorCode="AccessDenied"),
    ],
    "sign-in-without-mfa": [_sign_in("Success", "No")],
    "root-use": [
        _event("iam", "CreateAccessKey", userIdentity=_ROOT),
        _event("signin", "ConsoleLogin", userIdentity=_ROOT, eventType="AwsConsoleSignIn"),
    ],
    "iam-policy-changes": _calls(
        "iam",
        "PutGroupPolicy",
        "PutRolePolicy",
        "PutUserPolicy",
        "DeleteGroupPolicy",
        "DeleteRolePolicy",
        "DeleteUserPolicy",
        "CreatePolicy",
        "DeletePolicy",
        "CreatePolicyVersion",
        "DeletePolicyVersion",
        "AttachRolePolicy",
        "DetachRolePolicy",
        "AttachUserPolicy",
        "DetachUserPolicy",
        "AttachGroupPolicy",
        "DetachGroupPolicy",
    ),
    "trail-changes": _calls(
        "cloudtrail", "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"
    ),
    "sign-in-failures": [
        _sign_in("Failure", "No", errorMessage="Failed authentication"),
        _sign_in("Failure", "Yes", errorMessage="Failed authentication"),
    ],
    "key-disabling": _calls("kms", "DisableKey", "ScheduleKeyDeletion"),
    "bucket-policy-changes": _calls(
        "s3",
        "PutBucketAcl",
        "PutBucketPolicy",
        "PutBucketCors",
        "PutBucketLifecycle",
        "PutBucketReplication",
        "DeleteBucketPolicy",
        "DeleteBucketCors",
        "DeleteBucketLifecycle",
        "DeleteBucketReplication",
    ),
    "config-changes": _calls(
        "config",
        "StopConfigurationRecorder",
        "PutConfigurationRecorder",
        "DeleteDeliveryChannel",
        "PutDeliveryChannel",
    ),
    "security-group-changes": _calls(
        "ec2",
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
    ),
    "network-acl-changes": _calls(
        "ec2",
        "CreateNetworkAcl",
        "CreateNetworkAclEntry",
        "DeleteNetworkAcl",
        "DeleteNetworkAclEntry",
        "ReplaceNetworkAclEntry",
        "ReplaceNetworkAclAssociation",
    ),
    "gateway-changes": _calls(
        "ec2",
        "CreateCustomerGateway",
        "DeleteCustomerGateway",
        "CreateInternetGateway",
        "DeleteInternetGateway",
        "AttachInternetGateway",
        "DetachInternetGateway",
    ),
    "route-table-changes": _calls(
        "ec2",
        "CreateRoute",
        "CreateRouteTable",
        "ReplaceRoute",
        "ReplaceRouteTableAssociation",
        "DeleteRoute",
        "DeleteRouteTable",
        "DisassociateRouteTable",
    ),
    "vpc-changes": _calls(
        "ec2",
        "CreateVpc",
        "DeleteVpc",
        "ModifyVpcAttribute",
        "AcceptVpcPeeringConnection",
        "CreateVpcPeeringConnection",
        "DeleteVpcPeeringConnection",
        "RejectVpcPeeringConnection",
    ),
    "organization-changes": _calls(
        "organizations",
        "AcceptHandshake",
        "AttachPolicy",
        "CreateAccount",
        "CreateOrganizationalUnit",
        "CreatePolicy",
        "DeclineHandshake",
        "DeleteOrganization",
        "DeleteOrganizationalUnit",
        "DeletePolicy",
        "DetachPolicy",
        "DisablePolicyType",
        "EnablePolicyType",
        "InviteAccountToOrganization",
        "LeaveOrganization",
        "MoveAccount",
        "RemoveAccountFromOrganization",
        "UpdateOrganizationalUnit",
        "UpdatePolicy",
    ),
}

_EVERYDAY: Final = [
    *_calls("ec2", "DescribeInstances", "RunInstances"),
    *_calls("s3", "ListBuckets", "GetBucketLocation"),
    *_calls("iam", "GetRole"),
    *_calls("kms", "Decrypt"),
    *_calls("cloudtrail", "LookupEvents"),
    *_calls("config", "DescribeConfigRules"),
    *_calls("organizations", "ListAccounts"),
    _sign_in("Success", "Yes"),
    _event("ec2", "CreateTags", userIdentity={"type": "IAMUser", "userName": "somebody"}),
]

ACTIVITIES: Final = tuple(_CAUGHT)
"""The names of the activities."""


def caught(pattern: str) -> list[str]:
    """The activities that a CloudWatch Logs filter pattern catches; raises PatternError.

    A pattern that matches everyday events too catches none: its alarm would tell of nothing.
    """
    match = compile_pattern(pattern)
    if any(match(event) for event in _EVERYDAY):
        return []
    return [name for name, events in _CAUGHT.items() if all(match(event) for event in events)]
