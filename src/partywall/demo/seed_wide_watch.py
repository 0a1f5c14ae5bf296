"""Who else watches and vouches: authorities, key and event stores, packs, permission sets, agreements."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, allow, deny, policy, tags, trust
from partywall.demo.fake_answers import ago, digest

_PARTNER = "464622532012"


def _authorities(desk: Desk) -> None:
    """A private root that rests, and an old subordinate that issues without revocation."""
    pca = desk.at("acm-pca")
    listed: list[dict[str, Any]] = []
    for name, kind, algorithm, status, published in (
        ("Brightwater Root", "ROOT", "ML_DSA_65", "DISABLED", True),
        ("Brightwater Devices", "SUBORDINATE", "ML_DSA_65", "ACTIVE", True),
        ("Depot Wi-Fi 2017", "ROOT", "RSA_2048", "ACTIVE", False),
    ):
        signing = "ML_DSA_65" if algorithm.startswith("ML") else "SHA256WITHRSA"
        settings = {
            "KeyAlgorithm": "RSA_2048",
            "SigningAlgorithm": "SHA256WITHRSA",
            "Subject": {"CommonName": name, "Organization": "Brightwater"},
        }
        arn = pca.create_certificate_authority(
            CertificateAuthorityConfiguration=settings,
            CertificateAuthorityType=kind,
            **({"Tags": tags("platform", desk.name)} if published else {}),
        )["CertificateAuthorityArn"]
        listed.append(
            {
                "Arn": arn,
                "OwnerAccount": desk.account,
                "CreatedAt": ago(2000),
                "Type": kind,
                "Serial": "42",
                "Status": status,
                "NotBefore": ago(2000),
                "NotAfter": ago(-1600),
                "CertificateAuthorityConfiguration": {
                    **settings,
                    "KeyAlgorithm": algorithm,
                    "SigningAlgorithm": signing,
                },
                "RevocationConfiguration": {
                    "CrlConfiguration": {"Enabled": published},
                    "OcspConfiguration": {"Enabled": False},
                },
            }
        )
    # moto's authorities are never past their creation, and know no post-quantum keys.
    answer = {"CertificateAuthorities": listed}
    desk.put("acm-pca", "ListCertificateAuthorities", answer, HOME)


def _key_stores(desk: Desk) -> None:
    stores = [
        {
            "CustomKeyStoreId": f"cks-{digest('hsm')[:17]}",
            "CustomKeyStoreName": "hsm",
            "CustomKeyStoreType": "AWS_CLOUDHSM",
            "CloudHsmClusterId": "cluster-1a23b4cdefg",
            "ConnectionState": "CONNECTED",
            "CreationDate": ago(500),
        },
        *(
            {
                "CustomKeyStoreId": f"cks-{digest(name)[:17]}",
                "CustomKeyStoreName": name,
                "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
                "ConnectionState": state,
                "CreationDate": ago(300),
                "XksProxyConfiguration": {
                    "Connectivity": how,
                    "UriEndpoint": f"https://{name}.brightwater.example",
                    "UriPath": "/kms/xks/v1",
                },
                **({"ConnectionErrorCode": "XKS_PROXY_TIMED_OUT"} if state == "FAILED" else {}),
            }
            for name, state, how in (
                ("datacentre", "CONNECTED", "VPC_ENDPOINT_SERVICE"),
                ("xks-trial", "FAILED", "PUBLIC_ENDPOINT"),
            )
        ),
    ]
    desk.put("kms", "DescribeCustomKeyStores", {"CustomKeyStores": stores}, HOME)


def _refused(desk: Desk, action: str, because: str) -> dict[str, Any]:
    """The error for the organisation's own role, as in "Troubleshoot access denied error messages"."""
    who = f"arn:aws:sts::{desk.account}:assumed-role/OrganizationAccountAccessRole/partywall"
    message = f"User: {who} is not authorized to perform: {action} {because}"
    return {"Error": {"Code": "AccessDeniedException", "Message": message, "Status": 400}}


def _sealed_key(desk: Desk) -> None:
    """A key whose policy lets nobody but one who left read it."""
    root = {"AWS": f"arn:aws:iam::{desk.account}:root"}
    document = policy(allow(["kms:Describe*", "kms:List*", "kms:PutKeyPolicy"], Principal=root))
    key = desk.at("kms").create_key(Description="payroll 2017", Policy=document)["KeyMetadata"]
    for operation in ("GetKeyPolicy", "GetKeyRotationStatus", "GetKeyLastUsage"):
        action = f"kms:{operation}"
        because = f"on resource: {key['Arn']} because no resource-based policy allows the {action} action"
        desk.put("kms", operation, _refused(desk, action, because), HOME, {"KeyId": key["KeyId"]})


def _no_desktops(desk: Desk) -> None:
    """A service control policy keeps the sandbox from WorkSpaces."""
    because = "with an explicit deny in a service control policy"
    for operation in (
        "DescribeWorkspaces",
        "DescribeWorkspaceDirectories",
        "DescribeWorkspacesConnectionStatus",
    ):
        desk.put("workspaces", operation, _refused(desk, f"workspaces:{operation}", because))


def _guard_sandbox(desk: Desk) -> None:
    organizations = desk.at("organizations", "us-east-1")
    guard = organizations.create_policy(
        Name="no-desktops-in-sandbox",
        Description="Desktops are bought by the office",
        Type="SERVICE_CONTROL_POLICY",
        Content=policy(deny("workspaces:*")),
    )["Policy"]["PolicySummary"]["Id"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    units = organizations.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
    sandbox = next(unit["Id"] for unit in units if unit["Name"] == "Sandbox")
    organizations.attach_policy(PolicyId=guard, TargetId=sandbox)


def _event_stores(desk: Desk) -> None:
    listed: list[dict[str, Any]] = []
    for name, good in (("investigations", True), ("trial-lake", False)):
        arn = desk.arn("cloudtrail", f"eventdatastore/{digest(name)[:8]}-0000-4000-8000-000000000000")
        listed.append({"EventDataStoreArn": arn, "Name": name})
        key = {"KmsKeyId": desk.ids[f"key/data/{HOME}"]} if good else {}
        store = {
            "EventDataStoreArn": arn,
            "Name": name,
            "Status": "ENABLED",
            "MultiRegionEnabled": good,
            "OrganizationEnabled": False,
            "RetentionPeriod": 2557 if good else 90,
            "TerminationProtectionEnabled": good,
            "CreatedTimestamp": ago(200),
            "UpdatedTimestamp": ago(100),
            "FederationStatus": "DISABLED",
            "AdvancedEventSelectors": [
                {
                    "Name": "Management events",
                    "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}],
                }
            ],
            **key,
        }
        desk.put("cloudtrail", "GetEventDataStore", store, HOME, {"EventDataStore": arn})
        if not good:
            partner = allow("cloudtrail:StartQuery", arn, Principal={"AWS": f"arn:aws:iam::{_PARTNER}:root"})
            answer = {"ResourceArn": arn, "ResourcePolicy": policy(partner)}
            desk.put("cloudtrail", "GetResourcePolicy", answer, HOME, {"ResourceArn": arn})
    desk.put("cloudtrail", "ListEventDataStores", {"EventDataStores": listed}, HOME)


def _alarms(desk: Desk) -> None:
    cloudwatch = desk.at("cloudwatch")
    for name, rule, actions in (
        ("shop-in-trouble", 'ALARM("security-root-use") OR ALARM("erp-cpu")', True),
        ("edi-in-trouble", 'ALARM("erp-cpu")', False),
    ):
        cloudwatch.put_composite_alarm(
            AlarmName=name,
            AlarmRule=rule,
            ActionsEnabled=actions,
            AlarmActions=[desk.ids["topic/ops-alerts"]] if actions else [],
            Tags=tags("platform", desk.name),
        )
    logs = desk.at("logs")
    for name, open_to_all in (("partner-logs", False), ("any-logs", True)):
        made = logs.put_destination(
            destinationName=name,
            targetArn=desk.arn("kinesis", "stream/clicks"),
            roleArn=desk.ids["role/flow-logs"],
        )["destination"]["arn"]
        who = "*" if open_to_all else {"AWS": desk.account}
        logs.put_destination_policy(
            destinationName=name,
            accessPolicy=policy(allow("logs:PutSubscriptionFilter", made, Principal=who)),
        )
    writing = ["logs:CreateLogStream", "logs:PutLogEvents"]
    everywhere = desk.arn("logs", "*")
    bound = allow(
        writing,
        everywhere,
        Principal={"Service": "route53.amazonaws.com"},
        Condition={"StringEquals": {"aws:SourceAccount": desk.account}},
    )
    for name, statement in (
        ("route53-queries", bound),
        ("opensearch-2019", allow(writing, everywhere, Principal={"Service": "es.amazonaws.com"})),
        ("anyone-writes", allow(writing, everywhere, Principal="*")),
    ):
        logs.put_resource_policy(policyName=name, policyDocument=policy(statement))


def _packs(desk: Desk) -> None:
    packs = [
        {
            "ConformancePackName": name,
            "ConformancePackArn": desk.arn(
                "config", f"conformance-pack/{name}/conformance-pack-{digest(name)[:9]}"
            ),
            "ConformancePackId": f"conformance-pack-{digest(name)[:9]}",
            "DeliveryS3Bucket": "brightwater-config-archive",
        }
        for name in ("operational-best-practices", "pci-dss-trial")
    ]
    states = [
        {
            **{k: v for k, v in pack.items() if k != "DeliveryS3Bucket"},
            "ConformancePackState": state,
            "StackArn": desk.arn("cloudformation", f"stack/awsconfigconforms-{digest(state)[:9]}/1"),
            "LastUpdateRequestedTime": ago(60),
        }
        for pack, state in zip(packs, ("CREATE_COMPLETE", "CREATE_FAILED"), strict=True)
    ]
    desk.put("config", "DescribeConformancePacks", {"ConformancePackDetails": packs}, HOME)
    answer = {"ConformancePackStatusDetails": states}
    desk.put("config", "DescribeConformancePackStatus", answer, HOME)


def _detection(desk: Desk) -> None:
    plans: list[dict[str, Any]] = []
    for bucket, status in (("brightwater-www-prod", "ACTIVE"), ("brightwater-build-artifacts", "ERROR")):
        made = digest("malware", bucket)[:20]
        plans.append({"MalwareProtectionPlanId": made})
        reason = {"Code": "INSUFFICIENT_TEST_OBJECT_PERMISSIONS", "Message": "The role may not write."}
        plan = {
            "Arn": desk.arn("guardduty", f"malware-protection-plan/{made}"),
            "Role": desk.ids["role/backup"],
            "ProtectedResource": {"S3Bucket": {"BucketName": bucket}},
            "CreatedAt": ago(100),
            "Status": status,
            "StatusReasons": [reason] if status == "ERROR" else [],
            "Tags": {"team": "security"},
        }
        desk.put("guardduty", "GetMalwareProtectionPlan", plan, HOME, {"MalwareProtectionPlanId": made})
    desk.put("guardduty", "ListMalwareProtectionPlans", {"MalwareProtectionPlans": plans}, HOME)
    jobs = [
        {
            "jobId": digest(name),
            "name": name,
            "jobType": "SCHEDULED",
            "jobStatus": status,
            "createdAt": ago(200),
            "lastRunErrorStatus": {"code": "ERROR" if status == "USER_PAUSED" else "NONE"},
            "bucketDefinitions": [{"accountId": desk.account, "buckets": [bucket]}],
        }
        for name, status, bucket in (
            ("orders-weekly", "IDLE", "brightwater-orders-prod"),
            ("exports", "USER_PAUSED", "brightwater-build-artifacts"),
        )
    ]
    desk.put("macie2", "ListClassificationJobs", {"items": jobs}, HOME)
    # Frankfurt came later and was set up as it should be.
    frankfurt = "eu-central-1"
    # moto names the service-linked role otherwise.
    desk.at("iam").create_role(
        RoleName="AWSServiceRoleForAmazonMacie",
        Path="/aws-service-role/macie.amazonaws.com/",
        AssumeRolePolicyDocument=trust({"Service": "macie.amazonaws.com"}),
    )
    desk.at("macie2", frankfurt).enable_macie(findingPublishingFrequency="FIFTEEN_MINUTES", status="ENABLED")
    for operation, answer in (
        ("GetAutomatedDiscoveryConfiguration", {"status": "ENABLED"}),
        (
            "GetClassificationExportConfiguration",
            {
                "configuration": {
                    "s3Destination": {
                        "bucketName": "brightwater-config-archive",
                        "kmsKeyArn": desk.ids[f"key/data/{frankfurt}"],
                    }
                }
            },
        ),
        (
            "GetFindingsPublicationConfiguration",
            {
                "securityHubConfiguration": {
                    "publishClassificationFindings": True,
                    "publishPolicyFindings": True,
                }
            },
        ),
    ):
        desk.put("macie2", operation, answer, frankfurt)
    aggregator = desk.arn("securityhub", f"finding-aggregator/{digest('aggregator')[:8]}")
    desk.put(
        "securityhub",
        "ListFindingAggregators",
        {"FindingAggregators": [{"FindingAggregatorArn": aggregator}]},
        HOME,
    )
    desk.put(
        "securityhub",
        "GetFindingAggregator",
        {
            "FindingAggregatorArn": aggregator,
            "FindingAggregationRegion": HOME,
            "RegionLinkingMode": "SPECIFIED_REGIONS",
            "Regions": ["eu-central-1", "us-east-1"],
        },
        HOME,
    )


def _credentials(desk: Desk) -> None:
    """Long-lived credentials of single services: for Git over HTTPS, and for Bedrock."""
    listed = [
        {
            "UserName": user,
            "Status": "Active",
            "ServiceUserName": f"{user}-at-{desk.account}",
            "CreateDate": ago(days),
            "ServiceSpecificCredentialId": f"ACCA{digest(user, service)[:16].upper()}",
            "ServiceName": service,
            **({"ExpirationDate": ago(-60)} if expires else {}),
        }
        for user, service, days, expires in (
            ("ci-deploy", "bedrock.amazonaws.com", 30, True),
            ("legacy-erp", "codecommit.amazonaws.com", 1500, False),
            ("legacy-erp", "bedrock.amazonaws.com", 200, False),
        )
    ]
    desk.put("iam", "ListServiceSpecificCredentials", {"ServiceSpecificCredentials": listed})


def _archives(desk: Desk) -> None:
    backup = desk.at("backup")
    backup.create_report_plan(
        ReportPlanName="restores",
        ReportDeliveryChannel={"S3BucketName": "brightwater-logs-prod", "Formats": ["CSV"]},
        ReportSetting={"ReportTemplate": "RESTORE_JOB_REPORT"},
    )
    vault = "ad-hoc"
    arn = desk.arn("backup", f"backup-vault:{vault}")
    point = {
        "RecoveryPointArn": desk.arn("backup", "recovery-point:2b9e"),
        "BackupVaultName": vault,
        "BackupVaultArn": arn,
        "ResourceArn": desk.arn("ec2", f"instance/{desk.ids['instance/legacy-erp']}"),
        "ResourceType": "EC2",
        "Status": "COMPLETED",
        "CreationDate": ago(3),
        "IsEncrypted": False,
        "Lifecycle": {"DeleteAfterDays": 3},
    }
    desk.keep("backup", "recovery_points", {"production": 1, vault: 1})
    answer = {"RecoveryPoints": [point]}
    desk.put("backup", "ListRecoveryPointsByBackupVault", answer, HOME, {"BackupVaultName": vault})


def _permission_sets(desk: Desk) -> None:
    """What people sign in with; the management account owns the instance."""
    sso = desk.at("sso-admin")
    instance = sso.list_instances()["Instances"][0]["InstanceArn"]
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    escalating = policy(allow(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]))
    reading = policy(allow(["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::brightwater-telemetry-prod*"))
    for name, session, attached, inline in (
        ("break-glass", "PT1H", admin, ""),
        ("platform-admin", "PT12H", admin, ""),
        ("developer", "PT8H", "", escalating),
        ("analyst", "PT4H", "", reading),
        ("unused", "PT4H", "arn:aws:iam::aws:policy/ReadOnlyAccess", ""),
    ):
        made = sso.create_permission_set(
            Name=name, InstanceArn=instance, SessionDuration=session, Tags=tags("platform", "all")
        )["PermissionSet"]["PermissionSetArn"]
        what = {"InstanceArn": instance, "PermissionSetArn": made}
        if attached:
            sso.attach_managed_policy_to_permission_set(**what, ManagedPolicyArn=attached)
        if inline:
            sso.put_inline_policy_to_permission_set(**what, InlinePolicy=inline)
        if name != "unused":
            sso.create_account_assignment(
                **what,
                TargetId=desk.account,
                TargetType="AWS_ACCOUNT",
                PrincipalType="GROUP",
                PrincipalId="9a67121d-1111-4222-8333-0123456789ab",
            )
            sso.provision_permission_set(**what, TargetId=desk.account, TargetType="AWS_ACCOUNT")


def _organisation_trail(desk: Desk) -> None:
    """One Region's trail of all accounts, begun and never finished."""
    trail = desk.at("cloudtrail", "us-east-1")
    trail.create_trail(
        Name="all-accounts-draft",
        S3BucketName="brightwater-billing-reports",
        IsMultiRegionTrail=False,
        IsOrganizationTrail=True,
        EnableLogFileValidation=False,
    )


def _agreements(desk: Desk) -> None:
    agreements: list[dict[str, Any]] = []
    for name, state, start, end in (
        ("AWS Organizations GDPR Data Processing Addendum", "ACTIVE", 900, 0),
        ("AWS Business Associate Addendum", "CUSTOMER_TERMINATED", 1500, 400),
    ):
        made = f"customer-agreement-{digest(name)[:16]}"
        agreements.append(
            {
                "id": made,
                "name": name,
                "arn": f"arn:aws:artifact::{desk.account}:customer-agreement/{made}",
                "agreementArn": f"arn:aws:artifact:::agreement/agreement-{digest(name)[:16]}",
                "awsAccountId": desk.account,
                "organizationArn": f"arn:aws:organizations::{desk.account}:organization/o-brightwater1",
                "state": state,
                "type": "DEFAULT",
                "description": name,
                "effectiveStart": ago(start),
                **({"effectiveEnd": ago(end)} if end else {}),
                "acceptanceTerms": [],
                "terminateTerms": [],
            }
        )
    desk.put("artifact", "ListCustomerAgreements", {"customerAgreements": agreements})
    told = {"accountSettings": {"notificationSubscriptionStatus": "SUBSCRIBED"}}
    desk.put("artifact", "GetAccountSettings", told)


def seed_wide_watch(desk: Desk) -> None:
    """Fill what else watches and vouches; needs instances, keys, streams, topics and alarms."""
    if desk.name == "management":
        for step in (_permission_sets, _organisation_trail, _agreements, _guard_sandbox):
            step(desk)
    if desk.name == "sandbox":
        _no_desktops(desk)
    if desk.name != "production":
        return
    for step in (
        _authorities,
        _key_stores,
        _sealed_key,
        _event_stores,
        _alarms,
        _packs,
        _detection,
        _credentials,
        _archives,
    ):
        step(desk)
