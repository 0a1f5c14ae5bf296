"""Scripted intrusions and a quiet account's week, as whole CloudTrail records in form."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]
CLI = "aws-cli/2.27.50 md/awscrt#0.26.1 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.4"
BOTO = "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.7"
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 aws-sdk-go-v2/1.39.4 ua/2.1 os/linux lang/go#1.24.6"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def _unique(text: str, prefix: str) -> str:
    return prefix + hashlib.sha256(text.encode()).hexdigest()[:16].upper()


@dataclass
class Who:
    """A caller: what its records say of it."""

    identity: Record
    agent: str
    address: str
    console: bool = False


def user(account: str, name: str, address: str, agent: str = CLI, key: str = "") -> Who:
    return Who(
        {
            "type": "IAMUser",
            "principalId": _unique(account + name, "AIDA"),
            "arn": f"arn:aws:iam::{account}:user/{name}",
            "accountId": account,
            "accessKeyId": key or _unique(account + name + "key", "AKIA"),
            "userName": name,
        },
        agent,
        address,
    )


def session(
    account: str, role: str, name: str, address: str, agent: str = CLI, key: str = "", **more: Any
) -> Who:
    unique = _unique(account + role, "AROA")
    short = role.rpartition("/")[2]
    return Who(
        {
            "type": "AssumedRole",
            "principalId": f"{unique}:{name}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{short}/{name}",
            "accountId": account,
            "accessKeyId": key or _unique(account + role + name, "ASIA"),
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": unique,
                    "arn": f"arn:aws:iam::{account}:role/{role}",
                    "accountId": account,
                    "userName": short,
                },
                "attributes": {"creationDate": "2026-11-02T08:55:00Z", "mfaAuthenticated": "false"},
                **more,
            },
        },
        agent,
        address,
    )


def sso(account: str, name: str, address: str) -> Who:
    role = "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Operator_0123456789abcdef"
    who = session(account, role, name, address, BROWSER)
    who.console = True
    return who


def service(name: str) -> Who:
    return Who({"type": "AWSService", "invokedBy": name}, name, name)


def linked(account: str, product: str) -> Who:
    who = session(
        account, f"aws-service-role/{product}.amazonaws.com/AWSServiceRoleFor{product.title()}", product, ""
    )
    who.identity["invokedBy"] = who.agent = who.address = f"{product}.amazonaws.com"
    return who


@dataclass
class Script:
    """Writes records one after the other, `gap` seconds apart."""

    account: str
    at: datetime
    gap: float = 20
    records: list[Record] = field(default_factory=list[Record])

    def call(
        self,
        who: Who,
        call: str,
        request: Record | None = None,
        response: Record | None = None,
        *,
        error: str = "",
        region: str = "eu-west-1",
        **more: Any,
    ) -> Script:
        source, _, name = call.partition(":")
        number = f"{self.account}{self.at}{len(self.records)}{call}{who.identity.get('accessKeyId')}"
        digest = hashlib.sha256(number.encode()).hexdigest()
        record: Record = {
            "eventVersion": "1.11",
            "userIdentity": who.identity,
            "eventTime": self.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{source}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": who.address,
            "userAgent": who.agent,
            "requestParameters": request,
            "responseElements": response,
            "requestID": digest[:16].upper(),
            "eventID": f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}",
            "readOnly": name.startswith(("Get", "List", "Describe", "Lookup", "Head", "Batch", "Simulate")),
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        }
        if error:
            record |= {"errorCode": error, "errorMessage": f"not allowed: {name}", "responseElements": None}
        if who.console:
            record["sessionCredentialFromConsole"] = "true"
        record |= more
        self.records.append(record)
        self.at += timedelta(seconds=self.gap)
        return self

    def data(self, who: Who, call: str, request: Record, *, error: str = "", **more: Any) -> Script:
        return self.call(
            who,
            call,
            request,
            error=error,
            managementEvent=False,
            eventCategory="Data",
            readOnly=call.endswith(("GetObject", "ListObjects")),
            **more,
        )


def leaked_key(account: str, at: datetime, address: str) -> list[Record]:
    """A developer's key found in a repository: a look around, a second admin, data carried out."""
    it, thief = Script(account, at), user(account, "build-uploader", address)
    it.call(thief, "sts:GetCallerIdentity").call(thief, "iam:ListUsers").call(thief, "iam:ListRoles")
    it.call(thief, "iam:ListAttachedUserPolicies", {"userName": "build-uploader"})
    it.call(thief, "iam:GetAccountAuthorizationDetails").call(thief, "s3:ListBuckets")
    it.call(thief, "ec2:DescribeInstances").call(thief, "rds:DescribeDBSnapshots")
    it.call(thief, "secretsmanager:ListSecrets").call(
        thief, "organizations:DescribeOrganization", error="AccessDenied"
    )
    it.call(thief, "iam:CreateUser", {"userName": "svc-backup"}, {"user": {"userName": "svc-backup"}})
    it.call(thief, "iam:AttachUserPolicy", {"userName": "svc-backup", "policyArn": ADMIN})
    made = _unique(account + "svc-backup", "AKIA")
    it.call(
        thief,
        "iam:CreateAccessKey",
        {"userName": "svc-backup"},
        {"accessKey": {"userName": "svc-backup", "accessKeyId": made, "status": "Active"}},
    )
    second = user(account, "svc-backup", address, BOTO, made)
    it.call(second, "sts:GetCallerIdentity").call(second, "rds:DescribeDBInstances")
    share = {
        "attributeName": "restore",
        "dBSnapshotIdentifier": "orders-2026-11",
        "valuesToAdd": ["999988887777"],
    }
    it.call(second, "rds:ModifyDBSnapshotAttribute", share)
    disk = {
        "createVolumePermission": {"add": {"items": [{"userId": "999988887777"}]}},
        "snapshotId": "snap-0a1b2c3d",
    }
    it.call(second, "ec2:ModifySnapshotAttribute", disk | {"attributeType": "CREATE_VOLUME_PERMISSION"})
    for n in range(12):
        it.data(second, "s3:GetObject", {"bucketName": "orders-export", "key": f"2026/{n}.parquet"})
    return it.records


def role_theft(account: str, at: datetime, address: str) -> list[Record]:
    """Credentials of an instance's role taken by request forgery and used from elsewhere."""
    key = _unique(account + "web", "ASIA")
    home = session(account, "web", "i-0abcd1234ef567890", "52.94.133.131", BOTO, key, ec2RoleDelivery="1.0")
    away = session(account, "web", "i-0abcd1234ef567890", address, CLI, key, ec2RoleDelivery="1.0")
    it = Script(account, at)
    it.call(home, "s3:ListBuckets").call(home, "ssm:UpdateInstanceInformation")
    it.call(away, "sts:GetCallerIdentity").call(away, "s3:ListBuckets").call(
        away, "iam:ListRoles", error="AccessDenied"
    )
    it.call(away, "ec2:DescribeInstances").call(away, "ec2:DescribeSnapshots").call(
        away, "iam:ListUsers", error="AccessDenied"
    )
    it.call(away, "secretsmanager:ListSecrets").call(
        away, "lambda:ListFunctions20150331", error="AccessDenied"
    )
    it.call(away, "dynamodb:ListTables", error="AccessDenied").call(away, "ssm:DescribeParameters")
    for n in range(12):
        it.call(away, "secretsmanager:GetSecretValue", {"secretId": f"prod/db/{n}"})
    return it.records


def ransom(account: str, at: datetime, address: str) -> list[Record]:
    """Versioning suspended, objects deleted and written again, encrypted by another's key."""
    it, thief = Script(account, at, 5), user(account, "media-sync", address)
    it.call(thief, "sts:GetCallerIdentity").call(thief, "s3:ListBuckets")
    it.call(thief, "s3:GetBucketVersioning", {"bucketName": "media-originals"})
    it.call(thief, "s3:GetBucketPolicy", {"bucketName": "media-originals"})
    suspended = {"bucketName": "media-originals", "VersioningConfiguration": {"Status": "Suspended"}}
    it.call(thief, "s3:PutBucketVersioning", suspended)
    for n in range(8):
        it.data(thief, "s3:DeleteObject", {"bucketName": "media-originals", "key": f"film-{n}.mov"})
    for n in range(8):
        encrypted = {"x-amz-server-side-encryption-customer-algorithm": "AES256", "key": f"film-{n}.mov"}
        it.data(thief, "s3:CopyObject", encrypted | {"bucketName": "media-originals"})
    it.data(thief, "s3:PutObject", {"bucketName": "media-originals", "key": "HOW_TO_GET_FILES_BACK.txt"})
    return it.records


def mining(account: str, at: datetime, address: str) -> list[Record]:
    """A session of a person's role used to start large machines in Regions where nobody works."""
    it, thief = Script(account, at, 15), session(account, "Developer", "pat", address)
    it.call(thief, "sts:GetCallerIdentity").call(
        thief, "servicequotas:ListServiceQuotas", {"serviceCode": "ec2"}
    )
    asked = {"serviceCode": "ec2", "quotaCode": "L-417A185B", "desiredValue": 512}
    it.call(thief, "servicequotas:RequestServiceQuotaIncrease", asked)
    for region in ("us-east-1", "us-east-2", "us-west-2", "ap-south-1", "ap-northeast-1", "sa-east-1"):
        made = {"instancesSet": {"items": [{"instanceId": f"i-0{_unique(region, '')[:16].lower()}"}]}}
        kind = {"instanceType": "p4d.24xlarge", "minCount": 1, "maxCount": 8}
        items = {"instancesSet": {"items": [{"imageId": "ami-0abc", "minCount": 8, "maxCount": 8}]}}
        it.call(thief, "ec2:CreateKeyPair", {"keyName": "k"}, {"keyName": "k"}, region=region)
        failed = "Client.InstanceLimitExceeded" if region == "sa-east-1" else ""
        it.call(thief, "ec2:RunInstances", items | kind, made, error=failed, region=region)
    return it.records


def tampering(account: str, at: datetime, address: str) -> list[Record]:
    """Somebody sees to it that nobody looks: trail, detector, flow logs, configuration recorder."""
    it, thief = Script(account, at), user(account, "ops-legacy", address)
    arn = f"arn:aws:cloudtrail:eu-west-1:{account}:trail/main"
    it.call(thief, "cloudtrail:DescribeTrails").call(thief, "guardduty:ListDetectors")
    it.call(thief, "cloudtrail:StopLogging", {"name": arn})
    it.call(thief, "guardduty:DeleteDetector", {"detectorId": "12abc34d567e8fa901bc2d34e56789f0"})
    it.call(thief, "config:StopConfigurationRecorder", {"configurationRecorderName": "default"})
    it.call(
        thief, "ec2:DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-0a"}}}
    )
    it.call(thief, "cloudtrail:DeleteTrail", {"name": arn})
    it.call(thief, "iam:CreateLoginProfile", {"userName": "ops-legacy", "passwordResetRequired": False})
    return it.records


def foreign_role(account: str, at: datetime, address: str) -> list[Record]:
    """Another account takes on a role that trusts too much, opens another and makes a user."""
    it = Script(account, at)
    outsider = Who(
        {"type": "AWSAccount", "principalId": "AIDAJ45Q7YFFAREXAMPLE", "accountId": "999988887777"},
        CLI,
        address,
    )
    key = _unique(account + "vendor", "ASIA")
    it.call(
        outsider,
        "sts:AssumeRole",
        {"roleArn": f"arn:aws:iam::{account}:role/vendor-access", "roleSessionName": "x"},
        {"credentials": {"accessKeyId": key, "expiration": "Nov 10, 2026, 1:00:00 PM"}},
    )
    thief = session(account, "vendor-access", "x", address, CLI, key)
    it.call(thief, "sts:GetCallerIdentity").call(thief, "iam:ListRoles").call(thief, "iam:ListUsers")
    it.call(thief, "iam:GetRole", {"roleName": "vendor-access"})
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},'
        '"Action":"sts:AssumeRole"}]}'
    )
    it.call(thief, "iam:UpdateAssumeRolePolicy", {"roleName": "admin", "policyDocument": trust})
    it.call(thief, "iam:CreateUser", {"userName": "support2"}, {"user": {"userName": "support2"}})
    it.call(thief, "iam:AttachUserPolicy", {"userName": "support2", "policyArn": ADMIN})
    it.call(thief, "iam:CreateLoginProfile", {"userName": "support2", "passwordResetRequired": False})
    return it.records


def takeover(account: str, at: datetime, address: str) -> list[Record]:
    """A password guessed at the console; the second factor taken off, keys of others made."""
    it = Script(account, at, 8)
    person = user(account, "lee", address, BROWSER)
    person.console = True
    door = Who(
        {"type": "IAMUser", "accountId": account, "userName": "lee", "accessKeyId": ""}, BROWSER, address
    )
    more = {"eventType": "AwsConsoleSignIn", "readOnly": False}
    for _ in range(7):
        it.call(
            door,
            "signin:ConsoleLogin",
            None,
            {"ConsoleLogin": "Failure"},
            **more,
            errorMessage="Failed authentication",
        )
    login = {"MFAUsed": "No", "LoginTo": "https://console.aws.amazon.com/", "MobileVersion": "No"}
    it.call(
        person, "signin:ConsoleLogin", None, {"ConsoleLogin": "Success"}, **more, additionalEventData=login
    )
    it.call(
        person,
        "iam:DeactivateMFADevice",
        {"userName": "lee", "serialNumber": f"arn:aws:iam::{account}:mfa/lee"},
    )
    made = {"accessKey": {"userName": "robin", "accessKeyId": _unique("robin", "AKIA"), "status": "Active"}}
    it.call(person, "iam:CreateAccessKey", {"userName": "robin"}, made)
    it.call(person, "iam:AttachUserPolicy", {"userName": "lee", "policyArn": ADMIN})
    return it.records


def rollback(account: str, at: datetime, address: str) -> list[Record]:
    """Somebody with little permission finds an older version of a policy that allowed more."""
    it, thief = Script(account, at), user(account, "raynor", address)
    policy = {"policyArn": f"arn:aws:iam::{account}:policy/reader"}
    it.call(thief, "sts:GetCallerIdentity").call(
        thief, "iam:ListAttachedUserPolicies", {"userName": "raynor"}
    )
    it.call(thief, "iam:ListPolicyVersions", policy)
    for number in range(1, 6):
        it.call(thief, "iam:GetPolicyVersion", policy | {"versionId": f"v{number}"})
    it.call(thief, "iam:SetDefaultPolicyVersion", policy | {"versionId": "v2"})
    return it.call(thief, "s3:ListBuckets").call(thief, "iam:ListUsers").records


def copied_database(account: str, at: datetime, address: str) -> list[Record]:
    """A database restored beside the first, open to the internet, with a password of the intruder's own."""
    it, thief = Script(account, at), user(account, "solo", address)
    it.call(thief, "sts:GetCallerIdentity").call(thief, "rds:DescribeDBInstances")
    shot = {"dBSnapshotIdentifier": "s"}
    it.call(thief, "rds:CreateDBSnapshot", shot | {"dBInstanceIdentifier": "orders"})
    copy = shot | {"dBInstanceIdentifier": "copy", "publiclyAccessible": True}
    it.call(thief, "rds:RestoreDBInstanceFromDBSnapshot", copy)
    return it.call(
        thief, "rds:ModifyDBInstance", {"dBInstanceIdentifier": "copy", "masterUserPassword": "****"}
    ).records


INTRUSIONS: dict[str, Callable[[str, datetime, str], list[Record]]] = {
    each.__name__: each
    for each in (
        leaked_key,
        role_theft,
        ransom,
        mining,
        tampering,
        foreign_role,
        takeover,
        rollback,
        copied_database,
    )
}

_READS = [
    f"{service_}:{verb}{thing}"
    for service_, things in {
        "ec2": "Instances Vpcs Subnets SecurityGroups Volumes Snapshots Images Addresses RouteTables",
        "rds": "DBInstances DBSnapshots DBClusters DBSubnetGroups Events OptionGroups DBParameterGroups",
        "elasticloadbalancing": "LoadBalancers TargetGroups Listeners Rules TargetHealth",
        "autoscaling": "AutoScalingGroups LaunchConfigurations Policies ScalingActivities",
        "monitoring": "Alarms AlarmHistory InsightRules AnomalyDetectors",
        "logs": "LogGroups LogStreams MetricFilters QueryDefinitions",
        "cloudformation": "Stacks StackEvents StackResources StackSets",
        "elasticache": "CacheClusters ReplicationGroups Users",
        "dynamodb": "Table TimeToLive ContinuousBackups Limits",
        "kms": "Key CustomKeyStores",
        "ssm": "Parameters InstanceInformation Sessions MaintenanceWindows",
    }.items()
    for verb in ("Describe",)
    for thing in things.split()
] + [
    f"{name}:{call}"
    for name, calls in {
        "iam": "ListRoles ListUsers ListPolicies ListGroups GetAccountSummary ListAccountAliases",
        "s3": "ListBuckets GetBucketLocation GetBucketVersioning GetBucketPolicyStatus GetBucketEncryption"
        " GetBucketTagging GetBucketLogging GetBucketAcl GetBucketPublicAccessBlock",
        "lambda": "ListFunctions20150331 GetAccountSettings20160819 ListLayers20181031 GetPolicy20150331v2",
        "sns": "ListTopics ListSubscriptions GetTopicAttributes",
        "sqs": "ListQueues GetQueueAttributes",
        "ecs": "ListClusters ListServices ListTasks DescribeClusters",
        "eks": "ListClusters DescribeCluster ListNodegroups",
        "cloudtrail": "DescribeTrails GetTrailStatus LookupEvents ListTrails",
        "secretsmanager": "ListSecrets DescribeSecret",
        "acm": "ListCertificates DescribeCertificate",
        "kms": "ListKeys ListAliases GetKeyRotationStatus",
    }.items()
    for call in calls.split()
]


def week(account: str, start: datetime, seed: int = 0, days: int = 7) -> Iterator[list[Record]]:
    """A quiet account, day by day: people, pipelines, Terraform, services, machines, nothing hostile."""
    chance = random.Random(seed)
    office = "203.0.113.10"
    for day in range(days):
        morning = start + timedelta(days=day, hours=8)
        made: list[Record] = []
        for name in ("dora", "sam", "kim"):
            it = Script(account, morning + timedelta(minutes=chance.randrange(240)), 6)
            person = sso(account, f"{name}@example.com", office)
            it.call(
                service("sso.amazonaws.com"), "sso:Federate", {"accountId": account, "role_name": "Operator"}
            )
            for call in chance.sample(_READS, min(len(_READS), 85)):
                it.call(person, call, error="AccessDenied" if chance.random() < 0.02 else "")
            made += it.records
        made += _changes(account, morning, office, chance, day)
        made += _machines(account, start + timedelta(days=day), chance)
        yield made


def _changes(account: str, morning: datetime, office: str, chance: random.Random, day: int) -> list[Record]:
    it = Script(account, morning + timedelta(hours=3), 2)
    oidc = Who(
        {
            "type": "WebIdentityUser",
            "principalId": "arn:aws:iam::oidc:repo",
            "userName": "repo:acme/infra:ref:refs/heads/main",
            "identityProvider": f"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com",
        },
        "aws-sdk-nodejs/2.1692.0 configure-aws-credentials-for-github-actions",
        "20.57.12.9",
    )
    key = _unique(f"{account}{day}tf", "ASIA")
    role = f"arn:aws:iam::{account}:role/github-actions-terraform"
    it.call(
        oidc,
        "sts:AssumeRoleWithWebIdentity",
        {"roleArn": role, "roleSessionName": f"run-{day}"},
        {"credentials": {"accessKeyId": key}},
    )
    apply = session(account, "github-actions-terraform", f"run-{day}", "20.57.12.9", TERRAFORM, key)
    it.call(apply, "sts:GetCallerIdentity")
    for call in chance.sample(_READS, 40):
        it.call(apply, call)
    it.call(apply, "iam:CreateRole", {"roleName": f"app-{day}", "assumeRolePolicyDocument": "{}"})
    it.call(
        apply,
        "iam:AttachRolePolicy",
        {"roleName": f"app-{day}", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
    )
    it.call(apply, "s3:CreateBucket", {"bucketName": f"acme-data-{day}"})
    it.call(
        apply, "s3:PutBucketPolicy", {"bucketName": f"acme-data-{day}", "bucketPolicy": {"Statement": []}}
    )
    it.call(
        apply,
        "ec2:AuthorizeSecurityGroupIngress",
        {
            "groupId": "sg-0a",
            "ipPermissions": {
                "items": [
                    {
                        "ipProtocol": "tcp",
                        "fromPort": 443,
                        "toPort": 443,
                        "ipRanges": {"items": [{"cidrIp": "10.0.0.0/8"}]},
                    }
                ]
            },
        },
    )
    deploy = session(account, "codepipeline-deploy", f"deploy-{day}", "52.94.133.200", BOTO)
    it.call(deploy, "ecr:GetAuthorizationToken").call(deploy, "ecs:RegisterTaskDefinition", {"family": "web"})
    it.call(deploy, "ecs:UpdateService", {"service": "web", "cluster": "main"})
    it.call(deploy, "lambda:UpdateFunctionCode20150331v2", {"functionName": "orders"})
    admin = sso(account, "dora@example.com", office)
    if day == 1:
        it.call(
            admin,
            "ec2:RunInstances",
            {
                "instanceType": "t3.medium",
                "instancesSet": {"items": [{"imageId": "ami-0abc", "minCount": 1, "maxCount": 1}]},
            },
        )
        it.call(admin, "ec2:CreateTags", {"resourcesSet": {"items": [{"resourceId": "i-0a"}]}})
    if day == 3:
        it.call(
            admin,
            "iam:CreateAccessKey",
            {"userName": "backup-job"},
            {
                "accessKey": {
                    "userName": "backup-job",
                    "accessKeyId": _unique(f"bk{day}", "AKIA"),
                    "status": "Active",
                }
            },
        )
        it.call(admin, "iam:UpdateAccessKey", {"userName": "backup-job", "status": "Inactive"})
        it.call(admin, "iam:DeleteAccessKey", {"userName": "backup-job"})
    if day == 5:
        it.call(
            admin,
            "ec2:AuthorizeSecurityGroupIngress",
            {
                "groupId": "sg-0b",
                "ipPermissions": {
                    "items": [
                        {
                            "ipProtocol": "tcp",
                            "fromPort": 22,
                            "toPort": 22,
                            "ipRanges": {"items": [{"cidrIp": f"{office}/32"}]},
                        }
                    ]
                },
            },
        )
    return it.records


def _machines(account: str, midnight: datetime, chance: random.Random) -> list[Record]:
    it = Script(account, midnight, 300)
    app = session(account, "web", "i-0abcd1234ef567890", "52.94.133.131", BOTO, ec2RoleDelivery="2.0")
    function = session(
        account, "orders-function", "orders", "52.94.133.140", BOTO + " exec-env/AWS_Lambda_python3.12"
    )
    backup = user(account, "backup-job", "203.0.113.77", CLI)
    for hour in range(24):
        it.at = midnight + timedelta(hours=hour)
        it.gap = 60
        it.call(
            service("autoscaling.amazonaws.com"),
            "sts:AssumeRole",
            {"roleArn": f"arn:aws:iam::{account}:role/x"},
            {"credentials": {"accessKeyId": _unique(f"{midnight}{hour}", "ASIA")}},
        )
        it.call(
            linked(account, "autoscaling"),
            "ec2:RunInstances",
            {
                "instanceType": "c5.large",
                "instancesSet": {"items": [{"imageId": "ami-0abc", "minCount": 1, "maxCount": 1}]},
            },
        )
        it.call(linked(account, "config"), chance.choice(_READS)).call(
            linked(account, "securityhub"), "s3:GetBucketAcl"
        )
        it.call(linked(account, "access-analyzer"), "iam:ListRoles")
        it.call(app, "secretsmanager:GetSecretValue", {"secretId": "prod/db/web"}).call(
            app, "ssm:UpdateInstanceInformation"
        )
        it.call(function, "kms:Decrypt", {"keyId": "alias/orders"}).call(
            function, "dynamodb:DescribeTable", {"tableName": "o"}
        )
        if hour == 2:
            it.call(backup, "sts:GetCallerIdentity").call(backup, "s3:ListBuckets")
            it.call(linked(account, "backup"), "ec2:CreateSnapshot", {"volumeId": "vol-0a"})
            it.call(linked(account, "backup"), "rds:CreateDBSnapshot", {"dBInstanceIdentifier": "orders"})
    return it.records


def begin() -> datetime:
    """A Monday."""
    return datetime(2026, 11, 2, tzinfo=UTC)
