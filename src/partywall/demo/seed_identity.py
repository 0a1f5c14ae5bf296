"""Who may do what: users, groups, roles, policies, keys and MFA devices as a grown company has them."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import Desk, allow, deny, policy, tags, trust

_PARTNER = "464622532012"  # A monitoring vendor's account, foreign to the organisation.
_READ = ["s3:GetObject", "s3:ListBucket"]


def _service(name: str) -> dict[str, str]:
    return {"Service": f"{name}.amazonaws.com"}


def _roles(desk: Desk) -> None:
    iam = desk.at("iam")
    roles: list[tuple[str, str, list[str], dict[str, str]]] = [
        ("web-instance", trust(_service("ec2")), ["AmazonSSMManagedInstanceCore"], {}),
        ("batch-instance", trust(_service("ec2")), ["AdministratorAccess"], {}),
        ("orders-lambda", trust(_service("lambda")), ["service-role/AWSLambdaBasicExecutionRole"], {}),
        ("image-resizer-lambda", trust(_service("lambda")), ["AmazonS3FullAccess"], {}),
        (
            "ecs-task-execution",
            trust(_service("ecs-tasks")),
            ["service-role/AmazonECSTaskExecutionRolePolicy"],
            {},
        ),
        ("eks-cluster", trust(_service("eks")), ["AmazonEKSClusterPolicy"], {}),
        ("codebuild-deploy", trust(_service("codebuild")), ["PowerUserAccess"], {}),
        ("config-recorder", trust(_service("config")), ["service-role/AWS_ConfigRole"], {}),
        ("flow-logs", trust(_service("vpc-flow-logs")), [], {}),
        ("backup", trust(_service("backup")), ["service-role/AWSBackupServiceRolePolicyForBackup"], {}),
        ("redshift-load", trust(_service("redshift")), ["AmazonS3ReadOnlyAccess"], {}),
        ("glue-etl", trust(_service("glue")), ["service-role/AWSGlueServiceRole"], {}),
        ("scheduler", trust(_service("scheduler")), [], {}),
        (
            "rds-monitoring",
            trust(_service("monitoring.rds")),
            ["service-role/AmazonRDSEnhancedMonitoringRole"],
            {},
        ),
        (
            "engineers",
            trust({"AWS": f"arn:aws:iam::{desk.account}:root"}, Bool={"aws:MultiFactorAuthPresent": "true"}),
            ["ReadOnlyAccess"],
            {},
        ),
        ("SecurityAudit", trust({"AWS": "arn:aws:iam::123456789012:root"}), ["SecurityAudit"], {}),
        (
            "cloudwatch-partner",
            trust({"AWS": f"arn:aws:iam::{_PARTNER}:root"}, StringEquals={"sts:ExternalId": "bw-7731"}),
            ["ReadOnlyAccess"],
            {},
        ),
    ]
    if desk.name == "production":
        roles.append(
            ("legacy-monitoring", trust({"AWS": f"arn:aws:iam::{_PARTNER}:root"}), ["ReadOnlyAccess"], {})
        )
        github = f"arn:aws:iam::{desk.account}:oidc-provider/token.actions.githubusercontent.com"
        roles.append(
            (
                "github-deploy",
                trust(
                    {"Federated": github},
                    StringLike={
                        "token.actions.githubusercontent.com:sub": "repo:brightwater/shop:ref:refs/heads/main"
                    },
                    StringEquals={"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                ),
                ["PowerUserAccess"],
                {},
            )
        )
        roles.append(
            (
                "github-preview",
                trust({"Federated": github}, StringLike={"token.actions.githubusercontent.com:sub": "*"}),
                [],
                {},
            )
        )
    if desk.name == "sandbox":
        roles.append(("anyone-can-try", trust({"AWS": "*"}), ["AmazonS3ReadOnlyAccess"], {}))
    for name, document, managed, _ in roles:
        made = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=document,
            Tags=tags("platform", desk.name),
            MaxSessionDuration=43200 if name == "legacy-monitoring" else 3600,
        )
        desk.ids[f"role/{name}"] = made["Role"]["Arn"]
        desk.age("iam_role", name, 1000)
        if name not in ("scheduler", "anyone-can-try", "github-preview", "legacy-monitoring"):
            desk.age("iam_role_used", name, 2)
        for policy_name in managed:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy_name}")
    iam.put_role_policy(
        RoleName="orders-lambda",
        PolicyName="orders-table",
        PolicyDocument=policy(
            allow(
                ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
                f"arn:aws:dynamodb:*:{desk.account}:table/orders",
            )
        ),
    )
    iam.put_role_policy(
        RoleName="scheduler",
        PolicyName="invoke-anything",
        PolicyDocument=policy(allow(["lambda:InvokeFunction", "iam:PassRole"])),
    )
    for role in ("web-instance", "batch-instance"):
        iam.create_instance_profile(InstanceProfileName=role)
        iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)


def _policies(desk: Desk) -> None:
    iam = desk.at("iam")
    documents: dict[str, dict[str, Any]] = {
        "orders-read": allow(
            _READ, ["arn:aws:s3:::brightwater-orders*", "arn:aws:s3:::brightwater-orders*/*"]
        ),
        "deploy-shop": allow(["ecs:UpdateService", "ecs:RegisterTaskDefinition", "ecr:PutImage"]),
        "ops-everything": allow("*"),
        "kms-decrypt-all": allow(["kms:Decrypt", "kms:ReEncryptFrom"]),
        "pass-any-role": allow(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]),
        "policy-editor": allow(["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"]),
        "trail-cleaner": allow("cloudtrail:*"),
        "deny-outside-europe": deny(
            "*",
            Condition={
                "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1", "us-east-1"]}
            },
        ),
    }
    for name, statement in documents.items():
        made = iam.create_policy(
            PolicyName=name, PolicyDocument=policy(statement), Tags=tags("security", desk.name)
        )
        desk.ids[f"policy/{name}"] = made["Policy"]["Arn"]
    iam.create_policy_version(
        PolicyArn=desk.ids["policy/orders-read"],
        PolicyDocument=policy(allow(_READ, "arn:aws:s3:::brightwater-orders-prod/*")),
        SetAsDefault=True,
    )
    iam.attach_role_policy(RoleName="batch-instance", PolicyArn=desk.ids["policy/ops-everything"])
    iam.attach_role_policy(RoleName="image-resizer-lambda", PolicyArn=desk.ids["policy/kms-decrypt-all"])


def _groups(desk: Desk) -> None:
    iam = desk.at("iam")
    for group, managed in (
        ("admins", ["AdministratorAccess"]),
        ("developers", ["PowerUserAccess"]),
        ("support", ["AWSSupportAccess", "ReadOnlyAccess"]),
        ("billing", ["job-function/Billing"]),
        ("interns-2021", []),
    ):
        iam.create_group(GroupName=group)
        for policy_name in managed:
            iam.attach_group_policy(GroupName=group, PolicyArn=f"arn:aws:iam::aws:policy/{policy_name}")
    iam.attach_group_policy(GroupName="developers", PolicyArn=desk.ids["policy/pass-any-role"])
    iam.put_group_policy(
        GroupName="support",
        PolicyName="read-tickets",
        PolicyDocument=policy(allow("s3:GetObject", "arn:aws:s3:::brightwater-support-*/*")),
    )


# user: groups, console login, MFA, ages of the access keys in days (negative: inactive).
_USERS: dict[str, dict[str, tuple[list[str], bool, bool, list[int]]]] = {
    "management": {
        "maria.keller": (["admins"], True, True, []),
        "tom.okafor": (["admins"], True, False, [412]),
        "billing-export": ([], False, False, [730]),
        "ines.duarte": (["billing"], True, True, []),
        "break-glass": (["admins"], True, True, []),
    },
    "production": {
        "maria.keller": (["admins"], True, True, [35]),
        "jonas.weber": (["admins"], True, False, [512, -900]),
        "li.chen": (["developers"], True, True, [20]),
        "priya.nair": (["developers"], True, True, [120]),
        "sam.reid": (["support"], True, False, []),
        "ci-deploy": ([], False, False, [648, 210]),
        "backup-agent": ([], False, False, [71]),
        "old-contractor": (["developers"], True, False, [1102]),
        "metrics-exporter": ([], False, False, [15]),
        "aiko.tanaka": (["support"], True, True, []),
    },
    "sandbox": {
        "li.chen": (["developers"], True, False, [200]),
        "workshop-1": (["interns-2021"], True, False, []),
        "workshop-2": (["interns-2021"], True, False, [640]),
        "hackday-bot": (["admins"], False, False, [333]),
    },
}
_UNUSED_FOR = {"old-contractor": 380, "workshop-1": 700, "workshop-2": 610, "ci-deploy": 2, "sam.reid": 121}


def _users(desk: Desk) -> None:
    iam = desk.at("iam")
    for user, (groups, console, mfa, keys) in _USERS[desk.name].items():
        team = "platform" if groups else "automation"
        iam.create_user(UserName=user, Tags=tags(team, desk.name))
        desk.age("iam_user", user, 1200 if user != "li.chen" else 90)
        for group in groups:
            iam.add_user_to_group(GroupName=group, UserName=user)
        if console:
            iam.create_login_profile(
                UserName=user, Password="Tr4ce!-of-9-otters", PasswordResetRequired=False
            )
            desk.age("iam_password_used", user, _UNUSED_FOR.get(user, 3))
        if mfa:
            serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
            iam.enable_mfa_device(
                UserName=user,
                SerialNumber=serial["SerialNumber"],
                AuthenticationCode1="123456",
                AuthenticationCode2="654321",
            )
        for age in keys:
            key = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
            desk.age("iam_access_key", key, abs(age))
            if age < 0:
                iam.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
            else:
                desk.age("iam_access_key_used", key, _UNUSED_FOR.get(user, 1))
    if desk.name == "production":
        iam.attach_user_policy(UserName="ci-deploy", PolicyArn=desk.ids["policy/ops-everything"])
        iam.attach_user_policy(
            UserName="old-contractor", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
        iam.put_user_policy(
            UserName="backup-agent",
            PolicyName="write-backups",
            PolicyDocument=policy(allow("s3:PutObject", "arn:aws:s3:::brightwater-backups-prod/*")),
        )


def _providers(desk: Desk) -> None:
    iam = desk.at("iam")
    iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com",
        ClientIDList=["sts.amazonaws.com"],
        ThumbprintList=["6938fd4d98bab03faadb97b34396831e3780aea1"],
    )
    metadata = "<EntityDescriptor entityID='https://login.brightwater.example'>" + "x" * 1000
    iam.create_saml_provider(Name="brightwater-idp", SAMLMetadataDocument=metadata + "</EntityDescriptor>")


# Name of a user or role -> service, or action of those tracked one by one -> days since it was used.
_LAST_ACCESSED: dict[str, dict[str, float]] = {
    "maria.keller": {
        "iam": 3,
        "iam:GetRole": 3,
        "iam:ListRoles": 3,
        "s3": 5,
        "s3:ListAllMyBuckets": 5,
        "ec2": 9,
    },
    "li.chen": {
        "ecs": 1,
        "ecs:UpdateService": 1,
        "ecr": 1,
        "logs": 2,
        "lambda": 140,
        "lambda:GetFunction": 140,
    },
    "jonas.weber": {"s3": 210, "ec2": 190},
    "ci-deploy": {"ecs": 2, "ecs:UpdateService": 2, "ecs:RegisterTaskDefinition": 2, "ecr": 2},
    "backup-agent": {"s3": 1},
    "old-contractor": {"ec2": 385},
    "batch-instance": {"s3": 2, "sqs": 2},
    "orders-lambda": {"dynamodb": 2, "logs": 2},
    "image-resizer-lambda": {"s3": 2, "logs": 2},
    "web-instance": {"ssm": 2, "ssmmessages": 2, "ec2messages": 2},
    "codebuild-deploy": {"ecs": 2, "ecs:UpdateService": 2, "logs": 2, "ecr": 2},
    "github-deploy": {"ecs": 2, "ecs:UpdateService": 2, "s3": 4, "cloudformation": 4},
    "engineers": {"s3": 2, "ec2": 2, "ec2:DescribeInstances": 2, "cloudwatch": 2},
}


def seed_identity(desk: Desk) -> None:
    """Fill IAM of one account; the others' steps find the roles under `role/NAME`."""
    iam = desk.at("iam")
    roots: dict[str, dict[str, Any]] = {
        "management": {"mfa": True, "virtual_mfa": True, "key_days": None, "used_days": 12},
        "production": {"mfa": True, "virtual_mfa": False, "key_days": None, "used_days": 300},
        "sandbox": {"mfa": False, "virtual_mfa": False, "key_days": 800, "used_days": 40},
    }
    desk.keep("iam", "root", roots[desk.name])
    desk.keep("iam", "last_accessed", _LAST_ACCESSED)
    iam.create_account_alias(AccountAlias=f"brightwater-{desk.name}")
    if desk.name == "production":
        iam.update_account_password_policy(
            MinimumPasswordLength=14,
            RequireSymbols=True,
            RequireNumbers=True,
            RequireUppercaseCharacters=True,
            RequireLowercaseCharacters=True,
            PasswordReusePrevention=24,
            MaxPasswordAge=365,
        )
    elif desk.name == "management":
        iam.update_account_password_policy(MinimumPasswordLength=8, RequireNumbers=True)
    _roles(desk)
    _policies(desk)
    _groups(desk)
    _users(desk)
    if desk.name == "production":
        _providers(desk)
        for region in ("eu-west-1", "us-east-1"):
            desk.at("accessanalyzer", region).create_analyzer(
                analyzerName="account-analyzer", type="ACCOUNT", tags={"team": "security"}
            )
    if desk.name == "management":
        desk.at("accessanalyzer").create_analyzer(analyzerName="organisation", type="ORGANIZATION")
        desk.put("iam", "ListOrganizationsFeatures", {"EnabledFeatures": ["RootCredentialsManagement"]})
    if desk.name == "production":
        desk.put(
            "accessanalyzer",
            "ListFindingsV2",
            {
                "findings": [
                    _external(desk, "bucket", "AWS::S3::Bucket", "arn:aws:s3:::brightwater-www-prod"),
                    _external(desk, "role", "AWS::IAM::Role", desk.ids["role/legacy-monitoring"]),
                ]
            },
            region="eu-west-1",
        )


def _external(desk: Desk, name: str, kind: str, resource: str) -> dict[str, Any]:
    return {
        "id": f"5a0e3a1c-0000-4000-8000-{name:x<12}",
        "analyzedAt": "2026-11-20T06:00:00Z",
        "createdAt": "2025-05-04T10:00:00Z",
        "updatedAt": "2026-11-20T06:00:00Z",
        "resource": resource,
        "resourceType": kind,
        "resourceOwnerAccount": desk.account,
        "status": "ACTIVE",
        "findingType": "ExternalAccess",
    }
