"""Actions that matter beyond their name: escalation methods, stopping of logs, opening to the public.

Titles: Service Authorization Reference, Actions, resources, and condition keys for AWS services; IAM User
Guide, Grant a user permissions to pass a role to an AWS service.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

# Each alone, or together, gives the bearer rights that the document does not name.
_METHODS: Final[tuple[tuple[str, ...], ...]] = (
    ("iam:AddUserToGroup",),
    ("iam:AttachGroupPolicy",),
    ("iam:AttachRolePolicy",),
    ("iam:AttachUserPolicy",),
    ("iam:CreateAccessKey",),
    ("iam:CreateLoginProfile",),
    ("iam:CreatePolicyVersion",),
    ("iam:CreateServiceSpecificCredential",),
    ("iam:DeleteRolePermissionsBoundary",),
    ("iam:DeleteUserPermissionsBoundary",),
    ("iam:PutGroupPolicy",),
    ("iam:PutRolePermissionsBoundary",),
    ("iam:PutRolePolicy",),
    ("iam:PutUserPermissionsBoundary",),
    ("iam:PutUserPolicy",),
    ("iam:SetDefaultPolicyVersion",),
    ("iam:UpdateAssumeRolePolicy",),
    ("iam:UpdateLoginProfile",),
    ("sts:AssumeRole",),
    ("cloudformation:UpdateStack",),
    ("codebuild:UpdateProject", "codebuild:StartBuild"),
    ("codestar:AssociateTeamMember",),
    ("datapipeline:PutPipelineDefinition", "datapipeline:ActivatePipeline"),
    ("ec2-instance-connect:SendSSHPublicKey",),
    ("ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:StopInstances"),
    ("ecs:ExecuteCommand",),
    ("glue:UpdateDevEndpoint",),
    ("glue:UpdateJob", "glue:StartJobRun"),
    ("lambda:UpdateFunctionCode",),
    ("lambda:UpdateFunctionConfiguration",),
    ("sagemaker:CreatePresignedNotebookInstanceUrl",),
    ("ssm:SendCommand",),
    ("ssm:StartSession",),
    ("sso:AttachManagedPolicyToPermissionSet", "sso:ProvisionPermissionSet"),
    ("sso:CreateAccountAssignment",),
    ("sso:PutInlinePolicyToPermissionSet", "sso:ProvisionPermissionSet"),
    ("states:UpdateStateMachine", "states:StartExecution"),
    ("iam:PassRole", "apprunner:CreateService"),
    ("iam:PassRole", "autoscaling:CreateAutoScalingGroup", "autoscaling:CreateLaunchConfiguration"),
    ("iam:PassRole", "autoscaling:CreateAutoScalingGroup", "ec2:CreateLaunchTemplate"),
    ("iam:PassRole", "batch:RegisterJobDefinition", "batch:SubmitJob"),
    ("iam:PassRole", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
    ("iam:PassRole", "cloudformation:CreateStack"),
    ("iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"),
    ("iam:PassRole", "codestar:CreateProject"),
    ("iam:PassRole", "cognito-identity:SetIdentityPoolRoles"),
    (
        "iam:PassRole",
        "datapipeline:CreatePipeline",
        "datapipeline:PutPipelineDefinition",
        "datapipeline:ActivatePipeline",
    ),
    ("iam:PassRole", "ec2:AssociateIamInstanceProfile", "ssm:StartSession"),
    ("iam:PassRole", "ec2:RunInstances"),
    ("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService"),
    ("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"),
    ("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:StartTask"),
    ("iam:PassRole", "elasticmapreduce:RunJobFlow"),
    ("iam:PassRole", "events:PutRule", "events:PutTargets"),
    ("iam:PassRole", "glue:CreateDevEndpoint"),
    ("iam:PassRole", "glue:CreateJob", "glue:CreateTrigger"),
    ("iam:PassRole", "glue:CreateJob", "glue:StartJobRun"),
    ("iam:PassRole", "lambda:CreateFunction", "lambda:AddPermission"),
    ("iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
    ("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"),
    (
        "iam:PassRole",
        "sagemaker:CreateNotebookInstance",
        "sagemaker:CreatePresignedNotebookInstanceUrl",
    ),
    ("iam:PassRole", "sagemaker:CreateProcessingJob"),
    ("iam:PassRole", "sagemaker:CreateTrainingJob"),
    ("iam:PassRole", "scheduler:CreateSchedule"),
    ("iam:PassRole", "ssm:StartAutomationExecution"),
    ("iam:PassRole", "states:CreateStateMachine", "states:StartExecution"),
)

ESCALATION: Final[dict[str, tuple[str, ...]]] = {
    " + ".join(actions): tuple(action.lower() for action in actions) for actions in _METHODS
}
"""Name of the method -> the lower-case actions that it takes."""

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

_IAM_TYPES: Final = {
    "iam:addusertogroup": "group",
    "iam:attachgrouppolicy": "group",
    "iam:attachrolepolicy": "role",
    "iam:attachuserpolicy": "user",
    "iam:createaccesskey": "user",
    "iam:createloginprofile": "user",
    "iam:createpolicyversion": "policy",
    "iam:createservicespecificcredential": "user",
    "iam:deleterolepermissionsboundary": "role",
    "iam:deleteuserpermissionsboundary": "user",
    "iam:passrole": "role",
    "iam:putgrouppolicy": "group",
    "iam:putrolepermissionsboundary": "role",
    "iam:putrolepolicy": "role",
    "iam:putuserpermissionsboundary": "user",
    "iam:putuserpolicy": "user",
    "iam:setdefaultpolicyversion": "policy",
    "iam:updateassumerolepolicy": "role",
    "iam:updateloginprofile": "user",
    "sts:assumerole": "role",
}


@lru_cache(maxsize=4096)
def all_resources(action: str, owner: str) -> str:
    """The pattern that stands for every resource of the account that the action (lower case) acts on.

    It is in the partition `aws`; the caller brings a document's ARNs there first.
    """
    if action in _IAM_TYPES:
        return f"arn:aws:iam::{owner}:{_IAM_TYPES[action]}/*"
    service = action.partition(":")[0]
    if service == "s3":
        return "arn:aws:s3:::*/*" if action == "s3:getobject" else "arn:aws:s3:::*"
    return f"arn:aws:{service}:*:{owner}:{_SERVICE_TYPES.get(service, '*')}"


# The resource type that the actions above act on, where a service has but one that matters.
_SERVICE_TYPES: Final = {
    "cloudformation": "stack/*",
    "cloudtrail": "trail/*",
    "guardduty": "detector/*",
    "lambda": "function:*",
    "kms": "key/*",
    "logs": "log-group:*",
    "secretsmanager": "secret:*",
}
