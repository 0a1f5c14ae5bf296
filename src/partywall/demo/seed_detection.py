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
    judged = (("s3-bucket-public-read-prohibited", "NON_COMPLIANT"), ("encrypted-volumes", "COMPLIANT"))
    desk.put(
        "config",
        "DescribeComplianceByConfigRule",
        {
            "ComplianceByConfigRules": [
                {"ConfigRuleName": name, "Compliance": {"ComplianceType": kind}} for name, kind in judged
            ]
        },
        HOME,
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
        "CreatedAt": ago(45 if number == 1 else 6),
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


def _vulnerabilities(desk: Desk) -> list[dict[str, Any]]:
    found = (
        ("batch-1", "CVE-2021-44228", "CRITICAL", "log4j-core", "2.14.1", 620),
        ("batch-1", "CVE-2024-6387", "HIGH", "openssh-server", "8.7p1", 480),
        ("web-1", "CVE-2025-32462", "LOW", "sudo", "1.9.15", 21),
    )
    return [
        {
            "findingArn": desk.arn("inspector2", f"finding/{number:032x}"),
            "awsAccountId": desk.account,
            "type": "PACKAGE_VULNERABILITY",
            "title": f"{cve} - {package}",
            "description": f"{package} {version} is affected by {cve}",
            "severity": severity,
            "status": "ACTIVE",
            "fixAvailable": "YES",
            "exploitAvailable": "YES" if severity == "CRITICAL" else "NO",
            "firstObservedAt": ago(days),
            "lastObservedAt": ago(0.5),
            "updatedAt": ago(0.5),
            "remediation": {"recommendation": {"text": f"Update {package}"}},
            "resources": [{"type": "AWS_EC2_INSTANCE", "id": desk.ids[f"instance/{name}"], "region": HOME}],
            "packageVulnerabilityDetails": {
                "vulnerabilityId": cve,
                "source": "NVD",
                "vulnerablePackages": [{"name": package, "version": version}],
            },
        }
        for number, (name, cve, severity, package, version, days) in enumerate(found, 1)
    ]


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
    desk.put("inspector2", "ListFindings", {"findings": _vulnerabilities(desk)}, HOME)
    counts = {"all": 3, "critical": 1, "high": 1, "medium": 0}
    totals = {"accountId": desk.account, "severityCounts": counts, "exploitAvailableCount": 1}
    desk.put(
        "inspector2",
        "ListFindingAggregations",
        {"aggregationType": "ACCOUNT", "responses": [{"accountAggregation": totals}]},
        HOME,
        when={"aggregationType": "ACCOUNT"},
    )
    high = {"count": 2, "groupKey": "SensitiveData:S3Object/Personal"}
    desk.put("macie2", "GetFindingStatistics", {"countsByGroup": [high]}, HOME)
    coverage = [
        {
            "resourceType": "AWS_EC2_INSTANCE",
            "resourceId": desk.ids[f"instance/{name}"],
            "accountId": desk.account,
            "scanType": "PACKAGE",
            "scanStatus": {"statusCode": code, "reason": reason},
        }
        for name, code, reason in (
            ("web-1", "ACTIVE", "SUCCESSFUL"),
            ("batch-1", "ACTIVE", "SUCCESSFUL"),
            ("legacy-erp", "INACTIVE", "UNMANAGED_EC2_INSTANCE"),
        )
    ]
    desk.put("inspector2", "ListCoverage", {"coveredResources": coverage}, HOME)


def seed_detection(desk: Desk) -> None:
    """Fill detection of one account; needs everything else."""
    _trails(desk)
    _logs(desk)
    _recording(desk)
    _detectors(desk)
    _hubs(desk)
