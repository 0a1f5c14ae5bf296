"""The fake's security services: Access Analyzer, GuardDuty, Security Hub, Macie, Inspector and others.

What a service answers depends on whether it is in use, so the handlers that need to know look into moto's
state of the same account and region.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from partywall.demo.fake_answers import ago, digest
from partywall.demo.protocol import AwsError

if TYPE_CHECKING:
    from partywall.demo.fake import Asked

Handler = Callable[["Asked"], Any]


# -- IAM Access Analyzer


def _analyzers(asked: Asked) -> dict[str, dict[str, Any]]:
    return asked.state.setdefault("analyzers", {})


def _create_analyzer(asked: Asked) -> Any:
    name = asked.params["analyzerName"]
    if name in _analyzers(asked):
        raise AwsError("ConflictException", f"An analyzer with the name {name} already exists.", 409)
    analyzer = {
        "arn": asked.arn(f"analyzer/{name}", "access-analyzer"),
        "name": name,
        "type": asked.params["type"],
        "createdAt": ago(0),
        "status": "ACTIVE",
        "tags": asked.params.get("tags") or {},
    }
    if "configuration" in asked.params:
        analyzer["configuration"] = asked.params["configuration"]
    _analyzers(asked)[name] = analyzer
    return {"arn": analyzer["arn"]}


def _list_analyzers(asked: Asked) -> Any:
    wanted = asked.params.get("type")
    found = [a for a in _analyzers(asked).values() if wanted in (None, a["type"])]
    return {"analyzers": found}


def _get_analyzer(asked: Asked) -> Any:
    return {"analyzer": _analyzer_named(asked, asked.params["analyzerName"])}


def _analyzer_named(asked: Asked, name: str) -> dict[str, Any]:
    if name not in _analyzers(asked):
        raise AwsError("ResourceNotFoundException", f"Analyzer {name} not found.", 404)
    return _analyzers(asked)[name]


def _of_analyzer(key: str) -> Handler:
    def listing(asked: Asked) -> Any:
        name = asked.params.get("analyzerName") or str(asked.params["analyzerArn"]).rpartition("/")[2]
        _analyzer_named(asked, name)
        return {key: []}

    return listing


# -- GuardDuty


def _detector(asked: Asked) -> Any:
    """moto's detector that the request names. Raises GuardDuty's BadRequestException if it is not there."""
    from moto.guardduty.models import guardduty_backends

    detectors: dict[str, Any] = guardduty_backends[asked.account][asked.region].detectors
    if asked.params.get("DetectorId") not in detectors:
        message = "The request is rejected because the input detectorId is not owned by the current account."
        raise AwsError("BadRequestException", message, 400, {"Type": "InvalidInputException"})
    return detectors[asked.params["DetectorId"]]


def _of_detector(answer: dict[str, Any]) -> Handler:
    def handle(asked: Asked) -> Any:
        _detector(asked)
        return answer

    return handle


def _members(asked: Asked) -> dict[str, dict[str, Any]]:
    _detector(asked)
    return asked.state.setdefault("members", {})


def _create_members(asked: Asked) -> Any:
    for detail in asked.params["AccountDetails"]:
        _members(asked)[detail["AccountId"]] = {
            "AccountId": detail["AccountId"],
            "MasterId": asked.account,
            "AdministratorId": asked.account,
            "DetectorId": digest("detector", detail["AccountId"], asked.region),
            "Email": detail["Email"],
            "RelationshipStatus": "Enabled",
            "InvitedAt": ago(0),
            "UpdatedAt": ago(0),
        }
    return {"UnprocessedAccounts": []}


def _get_members(asked: Asked) -> Any:
    known = _members(asked)
    wanted = asked.params["AccountIds"]
    unknown = [{"AccountId": a, "Result": "The account is not a member."} for a in wanted if a not in known]
    return {"Members": [known[a] for a in wanted if a in known], "UnprocessedAccounts": unknown}


def _update_organization(asked: Asked) -> Any:
    _detector(asked)
    asked.state["organization"] = {
        name: asked.params[name]
        for name in ("AutoEnable", "AutoEnableOrganizationMembers")
        if name in asked.params
    }
    return {}


def _describe_organization(asked: Asked) -> Any:
    _detector(asked)
    default = {"AutoEnable": False, "AutoEnableOrganizationMembers": "NONE"}
    return {"MemberAccountLimitReached": False, "Features": [], **asked.state.get("organization", default)}


def _guardduty_findings(asked: Asked) -> Any:
    """Findings that were put under the answer of GetFindings, by id."""
    _detector(asked)
    return {"Findings": []}


# -- Security Hub

_STANDARDS = {
    "aws-foundational-security-best-practices/v/1.0.0": "AWS Foundational Security Best Practices v1.0.0",
    "cis-aws-foundations-benchmark/v/3.0.0": "CIS AWS Foundations Benchmark v3.0.0",
    "nist-800-53/v/5.0.0": "NIST Special Publication 800-53 Revision 5",
    "pci-dss/v/4.0.1": "PCI DSS v4.0.1",
}


def _hub(asked: Asked) -> None:
    """Raise what Security Hub answers where it is not enabled."""
    from moto.securityhub.models import securityhub_backends

    backend: Any = securityhub_backends[asked.account][asked.region]
    if not backend.enabled:
        message = f"Account {asked.account} is not subscribed to AWS Security Hub"
        raise AwsError("InvalidAccessException", message, 401)


def _of_hub(answer: dict[str, Any]) -> Handler:
    def handle(asked: Asked) -> Any:
        _hub(asked)
        return answer

    return handle


def _hub_or_moto(asked: Asked) -> Any:
    _hub(asked)


def _standards(asked: Asked) -> Any:
    _hub(asked)
    return {
        "Standards": [
            {
                "StandardsArn": f"arn:aws:securityhub:{asked.region}::standards/{path}",
                "Name": name,
                "Description": name,
                "EnabledByDefault": path.startswith("aws-foundational"),
            }
            for path, name in _STANDARDS.items()
        ]
    }


def _enable_standards(asked: Asked) -> Any:
    _hub(asked)
    enabled = asked.state.setdefault("standards", {})
    answered: list[dict[str, Any]] = []
    for wanted in asked.params["StandardsSubscriptionRequests"]:
        arn = wanted["StandardsArn"]
        path = str(arn).partition(":standards/")[2] or str(arn).partition("ruleset/")[2]
        subscription = {
            "StandardsSubscriptionArn": asked.arn(f"subscription/{path}"),
            "StandardsArn": arn,
            "StandardsInput": {},
            "StandardsStatus": "READY",
            "StandardsControlsUpdatable": "READY_FOR_UPDATES",
        }
        enabled[arn] = subscription
        answered.append({**subscription, "StandardsStatus": "PENDING"})
    return {"StandardsSubscriptions": answered}


def _enabled_standards(asked: Asked) -> Any:
    _hub(asked)
    return {"StandardsSubscriptions": list(asked.state.get("standards", {}).values())}


def _create_aggregator(asked: Asked) -> Any:
    _hub(asked)
    arn = asked.arn(f"finding-aggregator/{digest(asked.account, asked.region)}")
    asked.state["aggregator"] = {
        "FindingAggregatorArn": arn,
        "FindingAggregationRegion": asked.region,
        "RegionLinkingMode": asked.params["RegionLinkingMode"],
        "Regions": asked.params.get("Regions") or [],
    }
    return asked.state["aggregator"]


def _list_aggregators(asked: Asked) -> Any:
    _hub(asked)
    found = asked.state.get("aggregator")
    return {"FindingAggregators": [{"FindingAggregatorArn": found["FindingAggregatorArn"]}] if found else []}


# -- Macie and Inspector


def _set_macie(enabled: bool) -> Handler:
    def handle(asked: Asked) -> Any:
        asked.state["enabled"] = enabled

    return handle


def _macie(asked: Asked) -> Any:
    """Let moto answer where Macie was enabled; moto itself takes it as enabled everywhere."""
    if not asked.state.get("enabled"):
        raise AwsError("AccessDeniedException", "Macie is not enabled.", 403)


def _of_macie(answer: dict[str, Any]) -> Handler:
    def handle(asked: Asked) -> Any:
        _macie(asked)
        return answer

    return handle


# -- Detective


def _create_graph(asked: Asked) -> Any:
    arn = asked.arn(f"graph:{digest(asked.account, asked.region)}")
    asked.state["graph"] = {"Arn": arn, "CreatedTime": ago(0)}
    return {"GraphArn": arn}


def _list_graphs(asked: Asked) -> Any:
    return {"GraphList": [asked.state["graph"]] if "graph" in asked.state else []}


def _of_graph(answer: dict[str, Any]) -> Handler:
    def handle(asked: Asked) -> Any:
        if asked.state.get("graph", {}).get("Arn") != asked.params["GraphArn"]:
            raise AwsError("ResourceNotFoundException", "The request refers to a nonexistent resource.", 404)
        return answer

    return handle


# -- Firewall Manager


def _no_fms_admin(code: str) -> Handler:
    def handle(asked: Asked) -> Any:
        message = f"No default admin could be found for account {asked.account} in Region {asked.region}"
        raise AwsError(code, message)

    return handle


ANSWERS: dict[str, dict[str, Any]] = {
    "accessanalyzer": {
        "CreateAnalyzer": _create_analyzer,
        "ListAnalyzers": _list_analyzers,
        "GetAnalyzer": _get_analyzer,
        "ListFindings": _of_analyzer("findings"),
        "ListFindingsV2": _of_analyzer("findings"),
        "ListArchiveRules": _of_analyzer("archiveRules"),
        "ListAnalyzedResources": _of_analyzer("analyzedResources"),
        "ListAccessPreviews": _of_analyzer("accessPreviews"),
        "ListPolicyGenerations": {"policyGenerations": []},
    },
    "guardduty": {
        "CreateMembers": _create_members,
        "ListMembers": lambda asked: {"Members": list(_members(asked).values())},
        "GetMembers": _get_members,
        "ListFindings": _of_detector({"FindingIds": []}),
        "GetFindings": _guardduty_findings,
        "GetFindingsStatistics": _of_detector({"FindingStatistics": {"CountBySeverity": {}}}),
        "UpdateOrganizationConfiguration": _update_organization,
        "DescribeOrganizationConfiguration": _describe_organization,
        "ListPublishingDestinations": _of_detector({"Destinations": []}),
        "ListFilters": _of_detector({"FilterNames": []}),
        "ListIPSets": _of_detector({"IpSetIds": []}),
        "ListThreatIntelSets": _of_detector({"ThreatIntelSetIds": []}),
        "ListCoverage": _of_detector({"Resources": []}),
        "ListInvitations": {"Invitations": []},
        "ListMalwareProtectionPlans": {"MalwareProtectionPlans": []},
        "GetMalwareScanSettings": _of_detector(
            {"ScanResourceCriteria": {}, "EbsSnapshotPreservation": "NO_RETENTION"}
        ),
        "ListTagsForResource": {"Tags": {}},
    },
    "securityhub": {
        "GetFindings": _hub_or_moto,
        "ListMembers": _hub_or_moto,
        "GetAdministratorAccount": _hub_or_moto,
        "GetMasterAccount": _hub_or_moto,
        "DescribeStandards": _standards,
        "BatchEnableStandards": _enable_standards,
        "GetEnabledStandards": _enabled_standards,
        "DescribeStandardsControls": _of_hub({"Controls": []}),
        "CreateFindingAggregator": _create_aggregator,
        "ListFindingAggregators": _list_aggregators,
        "ListEnabledProductsForImport": _of_hub({"ProductSubscriptions": []}),
        "GetInsights": _of_hub({"Insights": []}),
        "ListAutomationRules": _of_hub({"AutomationRulesMetadata": []}),
        "ListOrganizationAdminAccounts": {"AdminAccounts": []},
        "ListInvitations": _of_hub({"Invitations": []}),
        "DescribeActionTargets": _of_hub({"ActionTargets": []}),
        "ListStandardsControlAssociations": _of_hub({"StandardsControlAssociationSummaries": []}),
        "ListTagsForResource": {"Tags": {}},
    },
    "macie2": {
        "EnableMacie": _set_macie(True),
        "DisableMacie": _set_macie(False),
        "GetMacieSession": _macie,
        "GetAdministratorAccount": _macie,
        "ListMembers": _macie,
        "DescribeBuckets": _of_macie({"buckets": []}),
        "GetAutomatedDiscoveryConfiguration": _of_macie({"status": "DISABLED"}),
        "GetBucketStatistics": _of_macie({"bucketCount": 0}),
        "GetClassificationExportConfiguration": _of_macie({"configuration": {}}),
        "GetFindingsPublicationConfiguration": _of_macie(
            {
                "securityHubConfiguration": {
                    "publishClassificationFindings": False,
                    "publishPolicyFindings": True,
                }
            }
        ),
        "GetRevealConfiguration": _of_macie({"configuration": {"status": "DISABLED"}}),
        "ListAllowLists": _of_macie({"allowLists": []}),
        "ListClassificationJobs": _of_macie({"items": []}),
        "ListCustomDataIdentifiers": _of_macie({"items": []}),
        "GetFindingStatistics": _of_macie({"countsByGroup": []}),
        "ListFindings": _of_macie({"findingIds": []}),
        "GetFindings": _of_macie({"findings": []}),
        "ListFindingsFilters": _of_macie({"findingsFilterListItems": []}),
        "GetUsageTotals": _of_macie({"usageTotals": [], "timeRange": "MONTH_TO_DATE"}),
    },
    "inspector2": {
        "GetConfiguration": {
            "ec2Configuration": {"scanModeState": {"scanMode": "EC2_HYBRID", "scanModeStatus": "SUCCESS"}},
            "ecrConfiguration": {"rescanDurationState": {"rescanDuration": "LIFETIME", "status": "SUCCESS"}},
        },
        "GetDelegatedAdminAccount": {},
        "GetEc2DeepInspectionConfiguration": {
            "packagePaths": [],
            "orgPackagePaths": [],
            "status": "ACTIVATED",
        },
        "ListAccountPermissions": {"permissions": []},
        "ListCisScanConfigurations": {"scanConfigurations": []},
        "ListCisScans": {"scans": []},
        "ListCoverage": {"coveredResources": []},
        "ListCoverageStatistics": {"totalCounts": 0, "countsByGroup": []},
        "ListUsageTotals": {"totals": []},
    },
    "detective": {
        "CreateGraph": _create_graph,
        "ListGraphs": _list_graphs,
        "ListMembers": _of_graph({"MemberDetails": []}),
        "ListDatasourcePackages": _of_graph(
            {"DatasourcePackages": {"DETECTIVE_CORE": {"DatasourcePackageIngestState": "STARTED"}}}
        ),
        "ListInvestigations": _of_graph({"InvestigationDetails": []}),
        "DescribeOrganizationConfiguration": _of_graph({"AutoEnable": False}),
        "ListInvitations": {"Invitations": []},
        "ListOrganizationAdminAccounts": {"Administrators": []},
    },
    "fms": {
        "GetAdminAccount": _no_fms_admin("ResourceNotFoundException"),
        **{
            name: _no_fms_admin("AccessDeniedException")
            for name in ("ListPolicies", "ListComplianceStatus", "ListMemberAccounts", "GetPolicy")
        },
        "ListAdminAccountsForOrganization": {"AdminAccounts": []},
    },
    "artifact": {
        "GetReportMetadata": lambda asked: _artifact_report(asked),
        "ListReportVersions": lambda asked: {"reports": [_artifact_report(asked)["reportDetails"]]},
    },
}


def _artifact_report(asked: Asked) -> dict[str, Any]:
    from partywall.demo.fake_answers import AWS_REPORTS

    for report in AWS_REPORTS:
        if report["id"] == asked.params["reportId"]:
            return {"reportDetails": report}
    raise AwsError("ResourceNotFoundException", "Report not found.", 404)
