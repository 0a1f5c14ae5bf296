"""Storage: buckets of every degree of openness, access points, file systems, backups."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, allow, deny, policy, tags

_BLOCK_ALL = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_BLOCK_NONE = dict.fromkeys(_BLOCK_ALL, False)


def _tls_only(bucket: str) -> dict[str, Any]:
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return deny("s3:*", arns, Principal={"AWS": "*"}, Condition={"Bool": {"aws:SecureTransport": "false"}})


def _public_read(bucket: str) -> dict[str, Any]:
    return allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal="*")


def _good(desk: Desk, bucket: str, region: str, team: str, logs: str) -> None:
    s3 = desk.at("s3", region)
    _create(desk, bucket, region, team)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_BLOCK_ALL)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(_tls_only(bucket)))
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": desk.ids[f"key/data/{region}"],
                    },
                    "BucketKeyEnabled": True,
                }
            ]
        },
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "expire-old",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                }
            ]
        },
    )
    if logs:
        s3.put_bucket_logging(
            Bucket=bucket,
            BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": f"{bucket}/"}},
        )


def _create(desk: Desk, bucket: str, region: str, team: str) -> None:
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3 = desk.at("s3", region)
    s3.create_bucket(Bucket=bucket, **where)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags(team, desk.name)})


def _production(desk: Desk) -> None:
    s3 = desk.at("s3")
    logs = "brightwater-logs-prod"
    _create(desk, logs, HOME, "platform")
    s3.put_bucket_ownership_controls(
        Bucket=logs, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    s3.put_public_access_block(Bucket=logs, PublicAccessBlockConfiguration=_BLOCK_ALL)
    s3.put_bucket_policy(
        Bucket=logs,
        Policy=policy(
            _tls_only(logs),
            allow(
                "s3:PutObject",
                f"arn:aws:s3:::{logs}/*",
                Principal={"Service": "logging.s3.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": desk.account}},
            ),
            allow(
                "s3:GetBucketAcl", f"arn:aws:s3:::{logs}", Principal={"Service": "cloudtrail.amazonaws.com"}
            ),
            allow(
                "s3:PutObject", f"arn:aws:s3:::{logs}/*", Principal={"Service": "cloudtrail.amazonaws.com"}
            ),
        ),
    )
    for bucket, team in (
        ("orders", "shop"),
        ("invoices", "finance"),
        ("backups", "platform"),
        ("telemetry", "data"),
    ):
        _good(desk, f"brightwater-{bucket}-prod", HOME, team, logs)
    _good(desk, "brightwater-replica-prod", "eu-central-1", "platform", "")
    site = "brightwater-www-prod"
    _create(desk, site, HOME, "web")
    s3.put_public_access_block(Bucket=site, PublicAccessBlockConfiguration=_BLOCK_NONE)
    s3.put_bucket_website(Bucket=site, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    s3.put_bucket_policy(Bucket=site, Policy=policy(_public_read(site)))
    s3.put_bucket_cors(
        Bucket=site,
        CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"]}]},
    )
    old = "brightwater-downloads"
    _create(desk, old, "us-east-1", "web")
    us = desk.at("s3", "us-east-1")
    us.put_bucket_ownership_controls(
        Bucket=old, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    us.put_bucket_acl(Bucket=old, ACL="public-read-write")
    partner = "brightwater-partner-exchange"
    _create(desk, partner, HOME, "edi")
    s3.put_bucket_policy(
        Bucket=partner,
        Policy=policy(
            allow(
                ["s3:PutObject", "s3:GetObject"],
                f"arn:aws:s3:::{partner}/*",
                Principal={"AWS": "arn:aws:iam::464622532012:root"},
            )
        ),
    )
    s3.put_bucket_versioning(Bucket=partner, VersioningConfiguration={"Status": "Suspended"})
    limited = "brightwater-office-share"
    _create(desk, limited, HOME, "office")
    s3.put_bucket_policy(
        Bucket=limited,
        Policy=policy(
            allow(
                "s3:GetObject",
                f"arn:aws:s3:::{limited}/*",
                Principal="*",
                Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
            )
        ),
    )
    s3.create_bucket(
        Bucket="brightwater-audit-vault",
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": HOME},
    )
    s3.put_object_lock_configuration(
        Bucket="brightwater-audit-vault",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 365}},
        },
    )
    for bucket in ("brightwater-athena-results", "brightwater-build-artifacts", "brightwater-tmp-2019"):
        _create(desk, bucket, HOME, "data")
    for key in ("index.html", "prices/2019.csv"):
        s3.put_object(Bucket=site, Key=key, Body=b"<h1>Brightwater</h1>")
    control = desk.at("s3control")
    control.create_access_point(
        AccountId=desk.account, Name="orders-analytics", Bucket="brightwater-orders-prod"
    )
    control.create_access_point(
        AccountId=desk.account,
        Name="telemetry-open",
        Bucket="brightwater-telemetry-prod",
        PublicAccessBlockConfiguration=_BLOCK_NONE,
    )


def _file_systems(desk: Desk) -> None:
    efs = desk.at("efs")
    for name, encrypted, backup in (("media", True, True), ("legacy-share", False, False)):
        made = efs.create_file_system(
            CreationToken=f"{desk.name}-{name}",
            Encrypted=encrypted,
            Backup=backup,
            Tags=[{"Key": "Name", "Value": name}, *tags("platform", desk.name)],
        )["FileSystemId"]
        desk.ids[f"efs/{name}"] = made
        efs.create_mount_target(
            FileSystemId=made,
            SubnetId=desk.ids[f"subnet/main-private-a/{HOME}"],
            SecurityGroups=[desk.ids[f"sg/nfs/{HOME}"]],
        )
    efs.put_file_system_policy(
        FileSystemId=desk.ids["efs/media"],
        Policy=policy(
            deny("*", Principal={"AWS": "*"}, Condition={"Bool": {"aws:SecureTransport": "false"}})
        ),
    )
    efs.create_access_point(ClientToken="media-web", FileSystemId=desk.ids["efs/media"])
    desk.at("fsx").create_file_system(
        FileSystemType="WINDOWS",
        StorageCapacity=300,
        SubnetIds=[desk.ids[f"subnet/main-private-a/{HOME}"]],
        Tags=tags("office", desk.name),
        WindowsConfiguration={"ThroughputCapacity": 8, "AutomaticBackupRetentionDays": 0},
    )


def _backups(desk: Desk) -> None:
    backup = desk.at("backup")
    vault = backup.create_backup_vault(
        BackupVaultName="production",
        EncryptionKeyArn=desk.ids[f"key/data/{HOME}"],
        BackupVaultTags={"team": "platform"},
    )["BackupVaultArn"]
    backup.put_backup_vault_lock_configuration(
        BackupVaultName="production", MinRetentionDays=30, MaxRetentionDays=365, ChangeableForDays=3
    )
    backup.create_backup_vault(BackupVaultName="ad-hoc")
    plan = backup.create_backup_plan(
        BackupPlan={
            "BackupPlanName": "daily",
            "Rules": [
                {
                    "RuleName": "daily-35-days",
                    "TargetBackupVaultName": "production",
                    "ScheduleExpression": "cron(0 3 * * ? *)",
                    "Lifecycle": {"DeleteAfterDays": 35},
                }
            ],
        }
    )["BackupPlanId"]
    backup.create_backup_selection(
        BackupPlanId=plan,
        BackupSelection={
            "SelectionName": "tagged",
            "IamRoleArn": desk.ids["role/backup"],
            "ListOfTags": [
                {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "daily"}
            ],
        },
    )
    backup.create_backup_plan(
        BackupPlan={
            "BackupPlanName": "forgotten",
            "Rules": [{"RuleName": "weekly", "TargetBackupVaultName": "ad-hoc"}],
        }
    )
    desk.put(
        "backup",
        "ListProtectedResources",
        {
            "Results": [
                {
                    "ResourceArn": desk.arn("rds", "db:orders"),
                    "ResourceType": "RDS",
                    "LastBackupTime": "2026-11-22T03:10:00Z",
                }
            ]
        },
        region=HOME,
    )
    desk.put(
        "backup",
        "ListRecoveryPointsByBackupVault",
        {
            "RecoveryPoints": [
                {
                    "RecoveryPointArn": desk.arn("backup", "recovery-point:7a1d"),
                    "BackupVaultName": "production",
                    "BackupVaultArn": vault,
                    "ResourceArn": desk.arn("rds", "db:orders"),
                    "ResourceType": "RDS",
                    "Status": "COMPLETED",
                    "CreationDate": "2026-11-22T03:10:00Z",
                    "IsEncrypted": True,
                    "EncryptionKeyArn": desk.ids[f"key/data/{HOME}"],
                }
            ]
        },
        region=HOME,
        when={"BackupVaultName": "production"},
    )


def seed_storage(desk: Desk) -> None:
    """Fill the storage of one account; needs its keys and, in production, its network."""
    if desk.name == "production":
        _production(desk)
        _file_systems(desk)
        _backups(desk)
        desk.at("s3control").put_public_access_block(
            AccountId=desk.account,
            PublicAccessBlockConfiguration={
                **_BLOCK_ALL,
                "BlockPublicPolicy": False,
                "RestrictPublicBuckets": False,
            },
        )
        return
    if desk.name == "management":
        desk.at("s3control").put_public_access_block(
            AccountId=desk.account, PublicAccessBlockConfiguration=_BLOCK_ALL
        )
        for bucket in ("brightwater-billing-reports", "brightwater-config-archive"):
            _create(desk, bucket, HOME, "finance")
        return
    for bucket in ("brightwater-sandbox-scratch", "hackday-2022-uploads", "brightwater-demo-assets"):
        _create(desk, bucket, HOME, "sandbox")
    s3 = desk.at("s3")
    s3.put_public_access_block(Bucket="hackday-2022-uploads", PublicAccessBlockConfiguration=_BLOCK_NONE)
    everyone = allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::hackday-2022-uploads/*", Principal="*")
    s3.put_bucket_policy(Bucket="hackday-2022-uploads", Policy=policy(everyone))
