"""Who watches: trails, recorders, detectors, alarms and logs; on in one account, off in another."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, tag_map
from partywall.demo.fake_answers import ago


def _trails(desk: Desk) -> None:
    trail = desk.at("cloudtrail")
    logs = desk.at("logs")
    if desk.name == "production":
        group = "/cloudtrail/organisation"
        logs.create_log_group(logGroupName=group, kmsKeyId=desk.ids[f"key/data/{HOME}"])
        logs.put_retention_policy(logGroupName=group, retentionInDays=400)
        trail.create_trail(
            Name="organisation",
            S3BucketName="brightwater-logs-prod",
            IsMultiRegionTrail=True,
            EnableLogFileValidation=True,
            IncludeGlobalServiceEvents=True,
            KmsKeyId=desk.ids[f"key/data/{HOME}"],
            CloudWatchLogsLogGroupArn=f"{desk.arn('logs', f'log-group:{group}')}:*",
            CloudWatchLogsRoleArn=desk.ids["role/flow-logs"],
        )
        trail.start_logging(Name="organisation")
        trail.put_event_selectors(
            TrailName="organisation",
            EventSelectors=[
                {
                    "ReadWriteType": "All",
                    "IncludeManagementEvents": True,
                    "DataResources": [
                        {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::brightwater-orders-prod/"]}
                    ],
                }
            ],
        )
        desk.put(
            "cloudtrail",
            "LookupEvents",
            {
                "Events": [
                    {
                        "EventId": "0d3c1a6e-0000-4000-8000-00000000cafe",
                        "EventName": "ConsoleLogin",
                        "EventSource": "signin.amazonaws.com",
                        "EventTime": ago(300),
                        "Username": "root",
                        "ReadOnly": "false",
                        "Resources": [],
                    }
                ]
            },
            region="us-east-1",
        )
    elif desk.name == "management":
        trail.create_trail(
            Name="billing-2019",
            S3BucketName="brightwater-billing-reports",
            IsMultiRegionTrail=False,
            EnableLogFileValidation=False,
        )


_BEST_PRACTICES = "aws-foundational-security-best-practices/v/1.0.0"
_METRIC_FILTERS = {
    "root-use": '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS '
    '&& $.eventType != "AwsServiceEvent" }',
    "unauthorised": '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
    "no-mfa-sign-in": '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }',
    "trail-changes": "{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) "
    "|| ($.eventName = DeleteTrail) || ($.eventName = StartLogging) || ($.eventName = StopLogging) }",
}


def _logs(desk: Desk) -> None:
    logs = desk.at("logs")
    groups = {
        "production": [
            "/aws/lambda/orders-api",
            "/aws/lambda/image-resizer",
            "/aws/lambda/legacy-invoice",
            "/ecs/shop",
            "/api/mobile",
            "/rds/orders",
            "/eks/platform",
            "erp-application",
        ],
        "sandbox": ["/aws/lambda/try-bedrock", "/aws/lambda/old-hack"],
        "management": [],
    }
    for number, group in enumerate(groups[desk.name]):
        logs.create_log_group(logGroupName=group, tags=tag_map("platform", desk.name))
        if number % 3 == 0:
            logs.put_retention_policy(logGroupName=group, retentionInDays=(30, 365)[number % 2])
    if desk.name != "production":
        return
    cloudwatch = desk.at("cloudwatch")
    for name, pattern in _METRIC_FILTERS.items():
        logs.put_metric_filter(
            logGroupName="/cloudtrail/organisation",
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[{"metricName": name, "metricNamespace": "Security", "metricValue": "1"}],
        )
        cloudwatch.put_metric_alarm(
            AlarmName=f"security-{name}",
            MetricName=name,
            Namespace="Security",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            AlarmActions=[desk.ids["topic/ops-alerts"]] if name != "unauthorised" else [],
        )
    cloudwatch.put_metric_alarm(
        AlarmName="erp-cpu",
        MetricName="CPUUtilization",
        Namespace="AWS/EC2",
        Statistic="Average",
        Period=300,
        EvaluationPeriods=2,
        Threshold=90,
        ComparisonOperator="GreaterThanThreshold",
        ActionsEnabled=False,
    )


def _recorder(desk: Desk, region: str, everything: bool, running: bool) -> None:
    config = desk.at("config", region)
    config.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": desk.ids["role/config-recorder"],
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": region == HOME}
            if everything
            else {"allSupported": False, "resourceTypes": ["AWS::EC2::Instance"]},
        }
    )
    config.put_delivery_channel(
        DeliveryChannel={"name": "default", "s3BucketName": "brightwater-config-archive"}
    )
    if running:
        config.start_configuration_recorder(ConfigurationRecorderName="default")


def _recording(desk: Desk) -> None:
    if desk.name == "sandbox":
        return
    if desk.name == "management":
        _recorder(desk, HOME, everything=False, running=False)
        return
    _recorder(desk, HOME, everything=True, running=True)
    _recorder(desk, "eu-central-1", everything=True, running=False)
    config = desk.at("config")
    for rule in ("S3_BUCKET_PUBLIC_READ_PROHIBITED", "ROOT_ACCOUNT_MFA_ENABLED", "ENCRYPTED_VOLUMES"):
        config.put_config_rule(
            ConfigRule={
                "ConfigRuleName": rule.lower().replace("_", "-"),
                "Source": {"Owner": "AWS", "SourceIdentifier": rule},
            }
        )
    config.put_configuration_aggregator(
        ConfigurationAggregatorName="all",
        AccountAggregationSources=[{"AccountIds": [desk.account], "AllAwsRegions": True}],
    )


def _finding(desk: Desk, kind: str, severity: float, resource: dict[str, Any], number: int) -> dict[str, Any]:
    name = f"{number:032x}"
    return {
        "AccountId": desk.account,
        "Arn": desk.arn("guardduty", f"detector/{desk.ids['detector']}/finding/{name}"),
        "Id": name,
        "CreatedAt": ago(6),
        "UpdatedAt": ago(1),
        "Region": HOME,
        "Partition": "aws",
        "SchemaVersion": "2.0",
        "Severity": severity,
        "Title": kind,
        "Type": kind,
        "Description": kind,
        "Resource": resource,
        "Service": {
            "Archived": False,
            "Count": 3,
            "DetectorId": desk.ids["detector"],
            "EventFirstSeen": ago(6),
            "EventLastSeen": ago(1),
            "ServiceName": "guardduty",
        },
    }


def _detectors(desk: Desk) -> None:
    if desk.name == "sandbox":
        return
    for region in (HOME, "us-east-1") if desk.name == "production" else (HOME,):
        guardduty = desk.at("guardduty", region)
        made = guardduty.create_detector(
            Enable=region == HOME,
            FindingPublishingFrequency="FIFTEEN_MINUTES",
            Features=[
                {"Name": "S3_DATA_EVENTS", "Status": "ENABLED"},
                {"Name": "EKS_AUDIT_LOGS", "Status": "DISABLED"},
            ],
            Tags={"team": "security"},
        )["DetectorId"]
        if region == HOME:
            desk.ids["detector"] = made
    if desk.name != "production":
        return
    resource = {
        "ResourceType": "Instance",
        "InstanceDetails": {"InstanceId": desk.ids["instance/legacy-erp"]},
    }
    key = {"ResourceType": "AccessKey", "AccessKeyDetails": {"UserName": "ci-deploy", "UserType": "IAMUser"}}
    findings = [
        _finding(desk, "UnauthorizedAccess:EC2/SSHBruteForce", 5.0, resource, 1),
        _finding(desk, "CryptoCurrency:EC2/BitcoinTool.B!DNS", 8.0, resource, 2),
        _finding(desk, "Recon:IAMUser/MaliciousIPCaller.Custom", 5.0, key, 3),
    ]
    desk.put("guardduty", "ListFindings", {"FindingIds": [f["Id"] for f in findings]}, HOME)
    desk.put("guardduty", "GetFindings", {"Findings": findings}, HOME)


def _hubs(desk: Desk) -> None:
    if desk.name != "production":
        return
    hub = desk.at("securityhub")
    hub.enable_security_hub(EnableDefaultStandards=False, Tags={"team": "security"})
    hub.batch_enable_standards(
        StandardsSubscriptionRequests=[
            {"StandardsArn": f"arn:aws:securityhub:{HOME}::standards/{_BEST_PRACTICES}"}
        ]
    )
    desk.at("macie2").enable_macie(findingPublishingFrequency="SIX_HOURS", status="ENABLED")
    desk.at("inspector2").enable(accountIds=[desk.account], resourceTypes=["EC2", "ECR"])
    desk.at("detective").create_graph()


def _managed_instances(desk: Desk) -> None:
    """Systems Manager sees some of the instances; the legacy ones run no agent."""
    if desk.name != "production":
        return
    ssm = desk.at("ssm")
    names = ("web-1", "web-2", "batch-1", "bastion")
    states: list[dict[str, Any]] = []
    instances: list[dict[str, Any]] = []
    for name in names:
        instance = desk.ids[f"instance/{name}"]
        behind = name == "batch-1"
        instances.append(
            {
                "InstanceId": instance,
                "PingStatus": "ConnectionLost" if name == "bastion" else "Online",
                "LastPingDateTime": ago(20 if name == "bastion" else 0),
                "AgentVersion": "3.3.1142.0",
                "IsLatestVersion": not behind,
                "PlatformType": "Linux",
                "PlatformName": "Amazon Linux",
                "PlatformVersion": "2" if behind else "2023",
                "ResourceType": "EC2Instance",
                "IPAddress": "10.20.10.11",
                "ComputerName": name,
                "AssociationStatus": "Success",
            }
        )
        states.append(
            {
                "InstanceId": instance,
                "PatchGroup": "default",
                "BaselineId": "pb-0e392de35e7c563b7",
                "InstalledCount": 210,
                "InstalledOtherCount": 4,
                "InstalledPendingRebootCount": int(behind),
                "MissingCount": 9 if behind else 0,
                "FailedCount": int(behind),
                "NotApplicableCount": 800,
                "OperationStartTime": ago(2),
                "OperationEndTime": ago(2),
                "Operation": "Scan",
                "CriticalNonCompliantCount": 2 if behind else 0,
                "SecurityNonCompliantCount": 5 if behind else 0,
                "OtherNonCompliantCount": 2 if behind else 0,
            }
        )
        ssm.put_compliance_items(
            ResourceId=instance,
            ResourceType="ManagedInstance",
            ComplianceType="Patch",
            ExecutionSummary={"ExecutionTime": 1790000000},
            Items=[
                {
                    "Id": "kernel",
                    "Title": "kernel",
                    "Severity": "CRITICAL",
                    "Status": "NON_COMPLIANT" if behind else "COMPLIANT",
                }
            ],
        )
    desk.put("ssm", "DescribeInstanceInformation", {"InstanceInformationList": instances}, HOME)
    desk.put("ssm", "DescribeInstancePatchStates", {"InstancePatchStates": states}, HOME)
    ssm.create_patch_baseline(Name="amazon-linux", OperatingSystem="AMAZON_LINUX_2023")
    ssm.create_document(
        Name="restart-shop",
        DocumentType="Command",
        DocumentFormat="YAML",
        Content=(
            "schemaVersion: '2.2'\ndescription: restart\nmainSteps:\n- action: aws:runShellScript\n"
            "  name: restart\n  inputs:\n    runCommand:\n    - systemctl restart shop\n"
        ),
    )
    ssm.modify_document_permission(Name="restart-shop", PermissionType="Share", AccountIdsToAdd=["all"])


def _reviews(desk: Desk) -> None:
    if desk.name != "production":
        return
    workload = "9d4a7c1e5b6f40a1a2b3c4d5e6f70819"
    arn = desk.arn("wellarchitected", f"workload/{workload}")
    risks = {"HIGH": 4, "MEDIUM": 7, "NONE": 31, "UNANSWERED": 16}
    summary = {
        "WorkloadId": workload,
        "WorkloadArn": arn,
        "WorkloadName": "shop",
        "Owner": desk.account,
        "UpdatedAt": ago(420),
        "Lenses": ["wellarchitected"],
        "RiskCounts": risks,
        "ImprovementStatus": "IN_PROGRESS",
    }
    desk.put("wellarchitected", "ListWorkloads", {"WorkloadSummaries": [summary]}, HOME)
    desk.put(
        "wellarchitected",
        "GetWorkload",
        {
            "Workload": {
                **summary,
                "Environment": "PRODUCTION",
                "AwsRegions": [HOME],
                "AccountIds": [desk.account],
                "Description": "web shop",
                "ReviewOwner": "platform@brightwater.example",
            }
        },
        HOME,
        {"WorkloadId": workload},
    )
    lens = {
        "LensAlias": "wellarchitected",
        "LensArn": "arn:aws:wellarchitected::aws:lens/wellarchitected",
        "LensName": "AWS Well-Architected Framework",
        "LensVersion": "2024-06-27",
        "LensStatus": "CURRENT",
        "UpdatedAt": ago(420),
        "RiskCounts": risks,
    }
    desk.put(
        "wellarchitected", "ListLensReviews", {"WorkloadId": workload, "LensReviewSummaries": [lens]}, HOME
    )
    answers = [
        {
            "QuestionId": name,
            "PillarId": "security",
            "QuestionTitle": title,
            "IsApplicable": True,
            "Risk": risk,
            "SelectedChoices": [],
        }
        for name, title, risk in (
            ("securely-operate", "How do you securely operate your workload?", "MEDIUM"),
            ("identities", "How do you manage identities for people and machines?", "HIGH"),
            ("permissions", "How do you manage permissions for people and machines?", "HIGH"),
            ("detect-investigate-events", "How do you detect and investigate security events?", "NONE"),
        )
    ]
    desk.put(
        "wellarchitected",
        "ListAnswers",
        {"WorkloadId": workload, "LensAlias": "wellarchitected", "AnswerSummaries": answers},
        HOME,
    )


def _evidence(desk: Desk) -> None:
    """Agreements with AWS, and who to call."""
    account = desk.at("account", "us-east-1")
    for kind in {"production": ("SECURITY", "OPERATIONS", "BILLING"), "management": ("BILLING",)}.get(
        desk.name, ()
    ):
        account.put_alternate_contact(
            AlternateContactType=kind,
            Name="Maria Keller",
            Title="Head of Platform",
            EmailAddress=f"{kind.lower()}@brightwater.example",
            PhoneNumber="+353 1 000 0000",
        )
    if desk.name == "management":
        desk.put(
            "artifact",
            "ListCustomerAgreements",
            {
                "customerAgreements": [
                    {
                        "name": "AWS Organizations GDPR Data Processing Addendum",
                        "state": "ACTIVE",
                        "type": "DEFAULT",
                        "effectiveStart": ago(900),
                        "acceptanceTerms": [],
                        "terminateTerms": [],
                    }
                ]
            },
        )
        desk.put("fms", "GetAdminAccount", {"AdminAccount": desk.account, "RoleStatus": "READY"})
        desk.put("fms", "ListPolicies", {"PolicyList": []})
    if desk.name == "production":
        index = {"Arn": desk.arn("resource-explorer-2", "index/1d2c"), "Region": HOME, "Type": "AGGREGATOR"}
        desk.put("resource-explorer-2", "ListIndexes", {"Indexes": [index]})
        desk.put(
            "lightsail",
            "GetInstances",
            {
                "instances": [
                    {
                        "name": "old-blog",
                        "arn": desk.arn("lightsail", "Instance/old-blog"),
                        "createdAt": ago(2200),
                        "blueprintId": "wordpress",
                        "publicIpAddress": "198.51.100.44",
                        "tags": [],
                        "location": {"availabilityZone": f"{HOME}a", "regionName": HOME},
                        "resourceType": "Instance",
                        "networking": {
                            "ports": [
                                {
                                    "fromPort": 22,
                                    "toPort": 22,
                                    "protocol": "tcp",
                                    "accessType": "Public",
                                    "cidrs": ["0.0.0.0/0"],
                                }
                            ]
                        },
                    }
                ]
            },
            HOME,
        )


def seed_detection(desk: Desk) -> None:
    """Fill detection, review and evidence of one account; needs everything else."""
    _trails(desk)
    _logs(desk)
    _recording(desk)
    _detectors(desk)
    _hubs(desk)
    _managed_instances(desk)
    _reviews(desk)
    _evidence(desk)
