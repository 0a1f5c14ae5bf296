"""A quiet account in which something is always new: people with ways of their own, machines, pipelines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.stories import BOTO, CLI, TERRAFORM, Record, Script, Who, linked, service, session, sso, user

_SERVICES = "ec2 iam s3 rds lambda ecs eks kms sqs sns acm logs ssm glue athena batch monitoring dynamodb"
_NOUNS = "Things Policies Roles Versions Limits Events Tags Groups Settings Endpoints Plans Keys"
_READS = [
    f"{s}:{verb}{n}" for n in _NOUNS.split() for s in _SERVICES.split() for verb in ("Describe", "List")
]
_OFTEN = (
    "ec2:RunInstances ec2:CreateTags ec2:StopInstances ec2:TerminateInstances ec2:ModifyInstanceAttribute"
    " ec2:CreateSnapshot ec2:AuthorizeSecurityGroupIngress s3:PutBucketPolicy s3:PutBucketTagging"
    " iam:CreateRole iam:AttachRolePolicy iam:PutRolePolicy iam:CreateAccessKey lambda:UpdateFunctionCode"
    " rds:CreateDBSnapshot rds:ModifyDBInstance logs:PutRetentionPolicy kms:CreateAlias sqs:CreateQueue"
    " ssm:SendCommand ssm:StartSession secretsmanager:GetSecretValue ecs:UpdateService sns:Subscribe"
    " cloudformation:UpdateStack dynamodb:CreateTable ssm:PutParameter lambda:AddPermission"
)
_WRITES = _OFTEN.split()
_MAC = CLI.replace("os/linux#6.8.0", "os/macos#24.5.0")
_REGIONS = ("eu-west-1", "eu-west-1", "eu-west-1", "eu-central-1", "us-east-1", "us-east-2", "us-west-2")


def _tailed(chance: random.Random, of: list[str], count: int, steep: float) -> list[str]:
    """Draws with a long tail: some often, most hardly ever."""
    weights = [1 / (n + 1) ** steep for n in range(len(of))]
    return chance.choices(of, weights, k=count)


def quiet_days(account: str, start: datetime, days: int, seed: int) -> Iterator[list[Record]]:
    """Day by day: some 300 events of seven people, two pipelines and a few machines."""
    chance = random.Random(seed)
    people: list[tuple[str, list[str], list[str], str]] = []
    for number in range(7):
        reads, writes = _READS[:], list(_WRITES)
        chance.shuffle(reads)
        chance.shuffle(writes)
        people.append((f"person{number}@example.com", reads, writes, f"203.{number}.113.9"))
    for day in range(days):
        midnight = start + timedelta(days=day)
        made: list[Record] = []
        at_work = midnight.weekday() < 5
        for number, (name, reads, writes, home) in enumerate(people):
            if chance.random() < (0.15 if at_work else 0.85):
                continue
            office = chance.random() < 0.6
            address = "203.0.113.10" if office else home
            if chance.random() < 0.03:
                address = f"{chance.randrange(60, 200)}.{chance.randrange(256)}.7.7"
            who = sso(account, name, address)
            if number < 3:
                who = session(account, "Developer", name, address, _MAC if number else CLI)
            made += _work(account, midnight, chance, who, reads, writes)
        made += _machinery(account, midnight, chance, day)
        yield made


def _work(
    account: str, midnight: datetime, chance: random.Random, who: Who, reads: list[str], writes: list[str]
) -> list[Record]:
    it = Script(account, midnight + timedelta(hours=8, seconds=chance.randrange(18000)), 70)
    region = chance.choice(_REGIONS)
    for call in _tailed(chance, reads, chance.randrange(8, 30), 0.9):
        it.call(who, call, region=region, error="AccessDenied" if chance.random() < 0.02 else "")
    for call in _tailed(chance, writes, chance.randrange(0, 4), 1.1):
        it.call(who, call, {"name": f"thing-{chance.randrange(50)}"}, region=region)
    return it.records


def _machinery(account: str, midnight: datetime, chance: random.Random, day: int) -> list[Record]:
    it = Script(account, midnight, 40)
    apply = session(account, "github-actions-terraform", f"run-{day}", "20.57.12.9", TERRAFORM)
    it.at += timedelta(hours=10)
    for call in _tailed(chance, _READS, 30, 0.6):
        it.call(apply, call)
    for call in _tailed(chance, list(_WRITES), 3, 0.8):
        it.call(apply, call, {"name": f"app-{day}"})
    deploy = session(account, "gitlab-deploy", f"job-{day}", "52.94.133.200", BOTO)
    it.call(deploy, "ecs:UpdateService").call(deploy, "ecr:PutImage").call(deploy, "sts:GetCallerIdentity")
    for hour in range(0, 24, 4):
        it.at = midnight + timedelta(hours=hour)
        it.call(linked(account, "config"), chance.choice(_READS))
        it.call(service("autoscaling.amazonaws.com"), "sts:AssumeRole")
        for number in range(2):
            name = f"i-0abcd1234ef56789{number}"
            app = session(account, "web", name, f"52.94.133.{number}", BOTO, ec2RoleDelivery="2.0")
            it.call(app, "secretsmanager:GetSecretValue", {"secretId": "web"})
            it.call(app, chance.choice(("s3:ListBuckets", "ssm:GetParameter", "sqs:ReceiveMessage")))
            if chance.random() < 0.02:
                it.call(app, chance.choice(_READS))
        run = BOTO + " exec-env/AWS_Lambda_python3.12"
        function = session(account, "orders", "orders", "52.94.133.140", run)
        it.call(function, "kms:Decrypt").call(function, "dynamodb:DescribeTable", {"tableName": "o"})
    for number in range(3):
        # Jobs that read now few, now many secrets.
        job = session(account, f"job-{number}", "job", "52.94.133.141", run)
        for secret in range(round(chance.lognormvariate(1.1, 0.8))):
            it.call(job, "secretsmanager:GetSecretValue", {"secretId": f"customer-{secret}"})
    backup = user(account, "backup-job", "203.0.113.77", CLI)
    it.call(backup, "s3:ListBuckets").call(backup, "s3:PutObject", {"bucketName": "b", "key": f"{day}"})
    return it.records
