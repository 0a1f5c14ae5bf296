"""What our rules find in recorded attacks, and how much they say of quiet accounts.

Recall: each recorded event judged by itself (no correlation helps), by label and technique, at medium or
above and at any level. Quiet: the negatives of labelled tests, and generated days of an account in which
nothing happens (`quiet_day`), with correlations.

Run: python benchmarks/recall.py [--data ../shared/data/cloudtrail] [--days 7] [--missed]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partywall.detections.sigma.rules import RuleSet

LOUD = ("medium", "high", "critical")

_CONSOLE_READS = """
ec2: DescribeInstances DescribeVolumes DescribeVpcs DescribeSubnets DescribeSecurityGroups DescribeKeyPairs
  DescribeAddresses DescribeImages DescribeSnapshots DescribeRegions DescribeTags DescribeInstanceTypes
  DescribeRouteTables DescribeInternetGateways DescribeNatGateways DescribeNetworkAcls DescribeVpcEndpoints
  DescribeNetworkInterfaces DescribeLaunchTemplates DescribeAvailabilityZones DescribeAccountAttributes
  DescribeFlowLogs DescribeInstanceStatus DescribeVolumeStatus DescribePlacementGroups DescribeDhcpOptions
  DescribeVpnConnections DescribeTransitGateways DescribeCapacityReservations DescribeInstanceAttribute
iam: ListUsers ListRoles ListGroups ListPolicies GetAccountSummary ListAccountAliases ListMFADevices
  ListAccessKeys GetUser GetRole ListAttachedRolePolicies ListRolePolicies GetPolicy GetPolicyVersion
  ListGroupsForUser ListAttachedUserPolicies ListUserPolicies GetLoginProfile ListInstanceProfiles
  ListSigningCertificates ListServiceSpecificCredentials ListSSHPublicKeys GetAccountPasswordPolicy
s3: ListBuckets GetBucketAcl GetBucketPolicy GetBucketLocation GetBucketVersioning GetBucketTagging
  GetBucketLogging GetBucketPublicAccessBlock GetAccountPublicAccessBlock GetBucketEncryption
lambda: ListFunctions20150331 GetAccountSettings20160819 GetFunction20150331v2 ListTags20170331
  GetPolicy20150331v2 ListEventSourceMappings20150331
monitoring: DescribeAlarms ListDashboards ListMetrics
logs: DescribeLogGroups DescribeLogStreams GetLogEvents
rds: DescribeDBInstances DescribeDBClusters DescribeDBSnapshots DescribeEvents
secretsmanager: ListSecrets DescribeSecret
ssm: DescribeParameters DescribeInstanceInformation
kms: ListKeys ListAliases DescribeKey GetKeyRotationStatus
cloudtrail: DescribeTrails GetTrailStatus LookupEvents
guardduty: ListDetectors GetDetector ListFindings GetFindings
ce: GetCostAndUsage GetCostForecast
organizations: DescribeOrganization ListAccounts
"""


def console_reads() -> list[str]:
    """The distinct reads of a person clicking through the console, `service:Api`."""
    found: list[str] = []
    service = ""
    for word in _CONSOLE_READS.split():
        if word.endswith(":"):
            service = word[:-1]
        else:
            found.append(f"{service}:{word}")
    return found


def quiet_day(seed: int) -> list[dict[str, Any]]:
    """Events as a rule writes them (sigma.samples) of a day in a well-run account."""
    chance = random.Random(seed)
    events: list[dict[str, Any]] = []

    def add(caller: str, call: str, at: float, **more: Any) -> None:
        events.append({"as": caller, "call": call, "at": at, **more})

    hour = 3600.0
    # People: a login, then 85 distinct reads in ten minutes, twice a day.
    for caller, start in (("console", 9 * hour), ("sso", 14 * hour)):
        add(
            caller,
            "signin:ConsoleLogin",
            start - 30,
            response={"ConsoleLogin": "Success"},
            record={"additionalEventData": {"MFAUsed": "Yes", "MobileVersion": "No"}},
        )
        reads = chance.sample(console_reads(), 85)
        for number, call in enumerate(reads):
            refused = {"error": "AccessDenied"} if chance.random() < 0.04 else {}
            add(caller, call, start + number * 7, **refused)
    # Infrastructure as code: plans every two hours, one apply.
    plan = [call for call in console_reads() if call.split(":")[0] in ("ec2", "iam", "s3", "lambda", "kms")]
    for start in range(7, 19, 2):
        add("terraform", "sts:GetCallerIdentity", start * hour)
        for number, call in enumerate(plan):
            add("terraform", call, start * hour + 1 + number * 0.3)
    apply = [
        ("ec2:RunInstances", {"instanceType": "t3.micro", "minCount": 1, "maxCount": 1}),
        ("ec2:CreateTags", {"resourcesSet": {"items": [{"resourceId": "i-0abcd1234ef567890"}]}}),
        ("s3:PutObject", {"bucketName": "terraform-state", "key": "prod.tfstate"}),
        ("lambda:UpdateFunctionCode20150331v2", {"functionName": "orders"}),
        ("iam:TagRole", {"roleName": "orders-function"}),
        ("ec2:AuthorizeSecurityGroupIngress", {"groupId": "sg-1", "ipPermissions": _inside()}),
        ("elasticloadbalancing:ModifyRule", {"ruleArn": "arn:aws:elasticloadbalancing:eu-west-1:1:rule/a"}),
    ]
    for number, (call, request) in enumerate(apply):
        add("terraform", call, 10 * hour + 60 + number, request=request)
    # CI: eight deployments of a function and of a container.
    for number in range(8):
        start = 8 * hour + number * hour + chance.random() * 600
        deploy = "arn:aws:iam::111122223333:role/github-actions"
        add("outsider", "sts:AssumeRoleWithWebIdentity", start, record=_github(), request={"roleArn": deploy})
        add("ci", "sts:GetCallerIdentity", start + 1)
        add("ci", "ecr:GetAuthorizationToken", start + 2)
        add("ci", "ecr:PutImage", start + 9, request={"repositoryName": "orders", "imageTag": "v{n}"})
        add("ci", "ecs:RegisterTaskDefinition", start + 12, request={"family": "orders"})
        add("ci", "ecs:UpdateService", start + 13, request={"cluster": "prod", "service": "orders"})
        add("ci", "ecs:DescribeServices", start + 15, times=10, every=15)
        add("ci", "lambda:UpdateFunctionCode20150331v2", start + 20, request={"functionName": "orders"})
        add("ci", "cloudformation:DescribeStacks", start + 25)
        add("ci", "ssm:GetParameter", start + 26, request={"name": "/orders/version"})
    # Services, machines and functions all day.
    for start in range(24):
        at = start * hour
        add("service", "ec2:RunInstances", at + 100, request={"instanceType": "m5.large"})
        add("service", "ec2:TerminateInstances", at + 1700, request={"instancesSet": {"items": []}})
        add("service", "sts:AssumeRole", at + 5, times=6, every=500, request={"roleSessionName": "web"})
        add("lambda", "ssm:GetParameter", at + 9, times=5, every=300, request={"name": "/orders/x"})
        add("lambda", "secretsmanager:GetSecretValue", at + 11, request={"secretId": "orders/db"})
        add("lambda", "kms:Decrypt", at + 12, times=4, every=200)
        add("lambda", "logs:CreateLogStream", at + 13, request={"logGroupName": "/aws/lambda/orders"})
        add("instance", "s3:GetObject", at + 20, times=20, every=30, request={"bucketName": "assets"})
        add("instance", "ssm:UpdateInstanceInformation", at + 30, times=12, every=300)
        add("instance", "sqs:ReceiveMessage", at + 40, times=5, every=60)
        add("script", "s3:PutObject", at + 50, request={"bucketName": "reports", "key": "r{n}"}, times=3)
        for number, call in enumerate(chance.sample(console_reads(), 40)):
            add("linked", call, at + 200 + number, record=_config())
    # Backups at night, deletion of old ones, key rotation, a person's small changes.
    for number in range(6):
        add("linked", "ec2:CreateSnapshot", 2 * hour + number * 20, request={"volumeId": f"vol-{number}"})
        add("linked", "ec2:DeleteSnapshot", 3 * hour + number * 20, request={"snapshotId": f"snap-{number}"})
    add("linked", "rds:CreateDBSnapshot", 2.5 * hour, request={"dBInstanceIdentifier": "orders"})
    add("service", "kms:RotateKey", 4 * hour)
    add("service", "secretsmanager:RotateSecret", 4 * hour + 60)
    add("sso", "ec2:RebootInstances", 14 * hour + 700)
    add("sso", "logs:StartQuery", 14 * hour + 720)
    add("sso", "cloudwatch:PutMetricAlarm", 14 * hour + 740, request={"alarmName": "latency"})
    add("role", "sts:GetCallerIdentity", 11 * hour)
    add("role", "s3:ListBuckets", 11 * hour + 5)
    add("role", "ec2:DescribeInstances", 11 * hour + 15)
    return events


def _inside() -> dict[str, Any]:
    opened = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    return {"items": [{**opened, "ipRanges": {"items": [{"cidrIp": "10.0.0.0/16"}]}}]}


def _github() -> dict[str, Any]:
    provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    identity = {"type": "WebIdentityUser", "identityProvider": provider, "userName": "repo:o/orders"}
    return {"userIdentity": {**identity, "principalId": f"{provider}:sts.amazonaws.com:repo:o/orders"}}


def _config() -> dict[str, Any]:
    return {
        "userAgent": "config.amazonaws.com",
        "sourceIPAddress": "config.amazonaws.com",
        "userIdentity": {"invokedBy": "config.amazonaws.com"},
    }


def judge(
    loaded: RuleSet, records: list[dict[str, Any]]
) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """The levels of the rules that match each event id, and (title, level) of each correlation's alerts."""
    import duckdb

    from partywall.detections.sigma import fields
    from partywall.detections.sigma.detect import Detector

    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.register("partywall_recorded", fields.table(records))
        found = Detector(loaded, fields.cloudtrail()).run(connection, "SELECT * FROM partywall_recorded")
    levels: dict[str, list[str]] = defaultdict(list)
    for rule, event in found.matches:
        levels[event].append(f"{rule.about.level}\t{rule.about.title}")
    return levels, [(alert.correlation.about.title, alert.correlation.about.level) for alert in found.alerts]


def quiet(loaded: RuleSet, days: int) -> tuple[Counter[str], int]:
    """What is said at medium or above, by title, and the number of events, over days of quiet traffic."""
    from partywall.detections.sigma.samples import expand

    records: list[dict[str, Any]] = []
    for day in range(days):
        for number, record in enumerate(expand(quiet_day(day))):
            moved = datetime.fromisoformat(record["eventTime"]) + timedelta(days=day)
            record["eventTime"] = moved.strftime("%Y-%m-%dT%H:%M:%SZ")
            record["eventID"] = f"{day:08x}-0000-4000-8000-{number:012x}"
            records.append(record)
    levels, alerts = judge(loaded, records)
    said = Counter(
        told.partition("\t")[2]
        for each in levels.values()
        for told in each
        if told.partition("\t")[0] in LOUD
    )
    said.update(title for title, level in alerts if level in LOUD)
    return said, len(records)


def recorded(path: Path) -> list[dict[str, Any]]:
    """The labelled lines of a file whose events are CloudTrail's."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if "eventSource" in line["event"]]


def labelled(loaded: RuleSet, lines: list[dict[str, Any]]) -> list[tuple[dict[str, Any], list[str]]]:
    """Each line with what was said about its event alone, `level<tab>title`."""
    records = [{**line["event"], "eventID": f"recorded-{n}"} for n, line in enumerate(lines)]
    levels, _ = judge(loaded, records)
    return [(line, levels.get(f"recorded-{n}", [])) for n, line in enumerate(lines)]


def is_loud(told: list[str]) -> bool:
    """Whether anything was said at medium or above."""
    return any(each.partition("\t")[0] in LOUD for each in told)


def main() -> int:
    from partywall.detections.sigma.rules import OURS, load

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data/cloudtrail"))
    arguments.add_argument("--days", type=int, default=7)
    arguments.add_argument("--missed", action="store_true", help="name what was not found")
    chosen = arguments.parse_args()
    loaded = load([OURS])
    for name in ("traildiscover", "panther_tests"):
        path = chosen.data / f"{name}.jsonl"
        if not path.exists():
            print(f"{name}: not here", file=sys.stderr)
            continue
        told = labelled(loaded, recorded(path))
        for label in sorted({line["label"] for line, _ in told}):
            mine = [(line, said) for line, said in told if line["label"] == label]
            loud, any_level = sum(is_loud(s) for _, s in mine), sum(bool(s) for _, s in mine)
            print(f"{name} {label}: {len(mine)} events, {loud} at medium or above, {any_level} at any level")
            by: dict[str, list[bool]] = defaultdict(list)
            for line, said in mine:
                by[line["technique"]].append(is_loud(said))
            whole = sum(any(each) for each in by.values())
            print(f"  {whole} of {len(by)} techniques or intents with a detection at medium or above")
            if chosen.missed:
                for line, said in mine:
                    if is_loud(said) is (label == "benign"):
                        event = line["event"]
                        what = f"{event.get('eventSource')}:{event.get('eventName')}"
                        print(f"  {line['technique']}: {what} {event.get('errorCode') or ''} {said}")
    said, events = quiet(loaded, chosen.days)
    print(f"quiet account: {sum(said.values()) / chosen.days:.2f} a day at medium or above, {events} events")
    for title, count in said.most_common():
        print(f"  {count} {title}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
