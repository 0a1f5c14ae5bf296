"""What a call is for, as GuardDuty's guide ("IAM finding types", "S3 finding types") sorts calls."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_BY_PURPOSE: Final = {
    "initial-access": "GetFederationToken StartSession GetAuthorizationToken ConsoleLogin SwitchRole"
    " AssumeRoleWithSAML",
    "credential-access": "GetPasswordData GetSecretValue BatchGetSecretValue GenerateDbAuthToken"
    " GetParameters GetParameter GetParametersByPath GetSessionToken GetClusterCredentials"
    " GetClusterCredentialsWithIAM CreateDBInstanceReadReplica GetCertificate ExportCertificate"
    " GetKeyPair GetInstanceAccessDetails",
    "persistence": "CreateUser CreateAccessKey CreateLoginProfile UpdateLoginProfile CreateRole ImportKeyPair"
    " CreateKeyPair UpdateAssumeRolePolicy CreateVirtualMFADevice EnableMFADevice"
    " CreateSAMLProvider CreateOpenIDConnectProvider ModifyInstanceAttribute AddPermission"
    " CreateFunction UpdateFunctionCode UpdateFunctionConfiguration PutRule PutTargets"
    " CreateEventSourceMapping CreateFunctionUrlConfig UploadSSHPublicKey"
    " CreateServiceSpecificCredential ResetServiceSpecificCredential AddUserToGroup",
    "privilege-escalation": "AttachUserPolicy AttachRolePolicy AttachGroupPolicy PutUserPolicy PutRolePolicy"
    " PutGroupPolicy CreatePolicyVersion SetDefaultPolicyVersion AssociateIamInstanceProfile"
    " ReplaceIamInstanceProfileAssociation AddRoleToInstanceProfile PassRole CreateInstanceProfile"
    " DeleteUserPermissionsBoundary DeleteRolePermissionsBoundary PutRolePermissionsBoundary",
    "defense-evasion": "StopLogging DeleteTrail UpdateTrail PutEventSelectors DeleteFlowLogs DeleteDetector"
    " UpdateDetector StopConfigurationRecorder DeleteConfigurationRecorder DeleteDeliveryChannel"
    " DisableAlarmActions DeleteAlarms DeleteLogGroup DeleteLogStream PutRetentionPolicy"
    " DisableSecurityHub DeleteMembers DisassociateMembers DisassociateFromMasterAccount"
    " DisassociateFromAdministratorAccount DeleteRule DisableRule LeaveOrganization"
    " DeactivateMFADevice DeletePublishingDestination DeleteInvocationLoggingConfiguration"
    " DeleteModelInvocationLoggingConfiguration CreateFilter CreateIPSet",
    "exfiltration": "ModifySnapshotAttribute ModifyImageAttribute ModifyDBSnapshotAttribute CreateSnapshot"
    " CopySnapshot CreateDBSnapshot ModifyDBClusterSnapshotAttribute"
    " RestoreDBInstanceFromDBSnapshot StartExportTask PutBucketReplication"
    " CreateInstanceExportTask CreateImage ExportImage CreateStoreImageTask"
    " ExportTableToPointInTime GetObject CopyObject SelectObjectContent"
    " RestoreDBClusterFromSnapshot GetEbsSnapshotBlock GetSnapshotBlock",
    "impact": "RunInstances RequestSpotInstances RequestSpotFleet CreateFleet DeleteSecurityGroup"
    " TerminateInstances StopInstances DeleteBucket DeleteObject DeleteObjects DeleteDBInstance"
    " DeleteDBCluster DeleteDBSnapshot DeleteSnapshot DeleteVolume ScheduleKeyDeletion DisableKey"
    " DeleteTable DeleteFileSystem DeleteUser UpdateUser PutBucketPolicy DeleteBucketPolicy"
    " PutBucketVersioning PutBucketEncryption PutBucketLifecycle PutBucketLifecycleConfiguration"
    " PutObject PutObjectAcl PutBucketAcl RequestServiceQuotaIncrease InvokeModel SendEmail"
    " CreateCluster DeleteStack DeleteCluster DeregisterImage UpdateDistribution"
    " ChangeResourceRecordSets DeleteHostedZone",
    "execution": "SendCommand CreateAssociation StartAutomationExecution ExecuteCommand Invoke RunTask"
    " RegisterTaskDefinition StartBuild CreateJob StartExecution CreateStack UpdateStack"
    " SendSSHPublicKey SendSerialConsoleSSHPublicKey AuthorizeSecurityGroupIngress",
}
_PURPOSES: Final = {name: purpose for purpose, names in _BY_PURPOSE.items() for name in names.split()}
LOOKS: Final = "^(List|Describe|Get|Head|Lookup|Search|Simulate|BatchGet|Query|Scan|Select)"
"""What names of calls begin with that look around: a regular expression, DuckDB's, too."""
_LOOKS: Final = re.compile(LOOKS)
ORDINARY: Final = frozenset(
    {
        "GetCallerIdentity",
        "GetObject",
        "HeadObject",
        "HeadBucket",
        "GetParameter",
        "GetParameters",
        "GetSecretValue",
        "GetAuthorizationToken",
        "GetItem",
        "Query",
        "Scan",
        "GetSessionToken",
        "GetFederationToken",
    }
)
"""What applications and command lines read all day."""
_S3_DATA: Final = {
    "GetObject": "exfiltration",
    "CopyObject": "exfiltration",
    "SelectObjectContent": "exfiltration",
    "PutObject": "impact",
    "DeleteObject": "impact",
    "DeleteObjects": "impact",
    "PutObjectAcl": "impact",
}
TECHNIQUES: Final = {
    "initial-access": "T1078.004",
    "discovery": "T1580",
    "credential-access": "T1552",
    "persistence": "T1098",
    "privilege-escalation": "T1098.003",
    "defense-evasion": "T1562",
    "exfiltration": "T1537",
    "impact": "T1496",
    "execution": "T1648",
}
"""The technique that a behaviour of a purpose stands for where nothing closer is known."""


@lru_cache(maxsize=20_000)
def purpose(api: str) -> str:
    """The tactic that a call serves ("ec2:RunInstances"), as its name tells; "" for everyday changes."""
    service, _, name = api.partition(":")
    if service == "s3" and name in _S3_DATA:
        return _S3_DATA[name]
    if found := _PURPOSES.get(name):
        return found
    return "discovery" if _LOOKS.match(name) else ""


def looks(name: str) -> bool:
    """Whether a call of that name looks around, rather than does an application's daily reading."""
    return bool(_LOOKS.match(name)) and name not in ORDINARY


def type_of(tactic: str, api: str = "", data: bool = False) -> str:
    """GuardDuty's name for unusual behaviour of that tactic: of S3 where the call is S3's and on objects."""
    title = "".join(word.capitalize() for word in tactic.split("-"))
    service, _, name = api.partition(":")
    if service == "s3" and (data or tactic in ("discovery", "exfiltration")):
        if tactic == "impact":
            kind = "Delete" if name.startswith("Delete") else "Permission" if "Acl" in name else "Write"
            return f"Impact:S3/AnomalousBehavior.{kind}"
        if tactic in ("discovery", "exfiltration"):
            return f"{title}:S3/AnomalousBehavior"
    if service == "s3" and name.endswith(("Policy", "Acl", "PublicAccessBlock")) and tactic == "impact":
        return "Impact:S3/AnomalousBehavior.Permission"
    known = {"execution": "Impact", "": "Impact"}
    return f"{known.get(tactic, title)}:IAMUser/AnomalousBehavior"
