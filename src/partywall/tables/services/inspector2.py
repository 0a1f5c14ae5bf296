"""Amazon Inspector: what it scans in each Region, how much of it, and how much it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Call,
    Column,
    Const,
    Each,
    Enum,
    Field,
    Float,
    Int,
    List,
    Single,
    Str,
    Struct,
    Table,
)


def _first(values: list[Any]) -> Any:
    return values[0] if values else None


_STATUS: Final = Enum("ENABLING", "ENABLED", "DISABLING", "DISABLED", "SUSPENDING", "SUSPENDED")


_STATE: Final = ("status",)


def _on(row: Mapping[str, Any]) -> bool:
    """Where Inspector is off nothing is asked of it; where that is not known, it is."""
    return row["status"] != "DISABLED"


def _scan(name: str, member: str, doc: str) -> Column:
    return Column(
        f"{name}_status", _STATUS, f"status.accounts[].resourceState.{member}.status", doc=doc, fn=_first
    )


def _severity(name: str) -> Column:
    return Column(
        f"{name}_findings",
        Int,
        f"findings.responses[].accountAggregation.severityCounts.{name}",
        0,
        doc="Open findings of that severity; 0 where Inspector is off.",
        fn=sum,
    )


def _exploitable(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each finding with a known exploit and each resource that it is of."""
    return [
        {
            "resource": resource.get("id", ""),
            "resource_type": resource.get("type", ""),
            "vulnerability": (finding.get("packageVulnerabilityDetails") or {}).get("vulnerabilityId")
            or finding.get("title", ""),
            "severity": finding.get("severity", ""),
            "epss": (finding.get("epss") or {}).get("score"),
            "fix_available": finding.get("fixAvailable", ""),
        }
        for finding in findings
        if finding.get("exploitAvailable") == "YES"
        for resource in finding.get("resources") or ()
    ]


def _count(key: str) -> Callable[[list[dict[str, Any]]], int]:
    return lambda groups: sum(int(g.get("count") or 0) for g in groups if g.get("groupKey") == key)


region = Table(
    "inspector2_region",
    service="inspector2",
    scope="regional",
    resource_type="AWS::::Account",
    doc="Inspector in a Region of the account, one row, whether or not it is in use.",
    rows=Single(),
    arn="arn:{partition}:inspector2:{region}:{account_id}:region",
    title="Inspector in {region}",
    calls={
        "status": Call("inspector2:BatchGetAccountStatus", {"accountIds": Each("@account_id")}),
        "coverage": Call(
            "inspector2:ListCoverageStatistics",
            {
                "groupBy": Const("SCAN_STATUS_CODE"),
                "filterCriteria": {
                    "accountId": [{"comparison": Const("EQUALS"), "value": "@account_id"}],
                },
            },
            when=_on,
            after=_STATE,
        ),
        "findings": Call(
            "inspector2:ListFindingAggregations",
            {
                "aggregationType": Const("ACCOUNT"),
                "accountIds": [{"comparison": Const("EQUALS"), "value": "@account_id"}],
            },
            when=_on,
            after=_STATE,
        ),
        "exploits": Call(
            "inspector2:ListFindings",
            {
                "filterCriteria": {
                    "awsAccountId": [{"comparison": Const("EQUALS"), "value": "@account_id"}],
                    "findingStatus": [{"comparison": Const("EQUALS"), "value": Const("ACTIVE")}],
                    "exploitAvailable": [{"comparison": Const("EQUALS"), "value": Const("YES")}],
                },
            },
            when=_on,
            after=_STATE,
        ),
        "configuration": Call("inspector2:GetConfiguration", when=_on, after=_STATE),
        "deep": Call("inspector2:GetEc2DeepInspectionConfiguration", when=_on, after=_STATE),
    },
    columns=(
        Column("status", _STATUS, "status.accounts[].state.status", doc="Of Inspector itself.", fn=_first),
        _scan("ec2", "ec2", "Scanning of instances."),
        _scan("ecr", "ecr", "Scanning of container images."),
        _scan("lambda", "lambda", "Scanning of functions' dependencies."),
        _scan("lambda_code", "lambdaCode", "Scanning of functions' own code."),
        _scan("code_repository", "codeRepository", "Scanning of source repositories."),
        Column("active_resources", Int, "coverage.countsByGroup", 0, doc="Scanned.", fn=_count("ACTIVE")),
        Column(
            "inactive_resources",
            Int,
            "coverage.countsByGroup",
            0,
            doc="Known to Inspector and not scanned, such as instances without an agent.",
            fn=_count("INACTIVE"),
        ),
        _severity("critical"),
        _severity("high"),
        _severity("medium"),
        Column(
            "exploitable_findings",
            Int,
            "findings.responses[].accountAggregation.exploitAvailableCount",
            0,
            doc="Open findings for which an exploit is known.",
            fn=sum,
        ),
        Column(
            "exploitable",
            List(
                Struct(
                    Field("resource", Str, "resource"),
                    Field("resource_type", Str, "resource_type"),
                    Field("vulnerability", Str, "vulnerability"),
                    Field("severity", Str, "severity"),
                    Field("epss", Float, "epss", None),
                    Field("fix_available", Str, "fix_available", ""),
                )
            ),
            "exploits.findings",
            [],
            doc="Open findings with a known exploit: on which resource, which vulnerability, and how likely"
            " it is exploited within 30 days (EPSS, 0 to 1; NULL where it has no score).",
            fn=_exploitable,
        ),
        Column(
            "ec2_scan_mode",
            Enum("EC2_SSM_AGENT_BASED", "EC2_HYBRID"),
            "configuration.ec2Configuration.scanModeState.scanMode",
            "",
        ),
        Column(
            "ecr_rescan_duration",
            Str,
            "configuration.ecrConfiguration.rescanDurationState.rescanDuration",
            "",
            doc="How long after its push an image is scanned anew: DAYS_30, LIFETIME, …",
        ),
        Column(
            "deep_inspection_status",
            Enum("ACTIVATED", "DEACTIVATED", "PENDING", "FAILED"),
            "deep.status",
            "DEACTIVATED",
            doc="Packages of programming languages on instances are looked at too.",
        ),
        Column("deep_inspection_paths", List(Str), "deep.packagePaths"),
    ),
)

TABLES = (region,)
