"""Sample architectures, deployed with CloudFormation and scanned: the report as their owner reads it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from partywall.aws.credentials import Credentials, Identity, StaticProvider
from partywall.aws.transport import LeanTransport
from partywall.config import Config
from partywall.demo.emulator import Emulator
from partywall.demo.organisation import MANAGEMENT_KEY
from partywall.demo.samples import REGION, deploy_samples
from partywall.findings.model import Verdict
from partywall.lake.snapshot import DataDirectory
from partywall.scan import Scan, Selection, load_checks
from tests.support import unlimited, verdicts

ACCOUNT = "123456789012"
FAIL, PASS = Verdict.FAIL, Verdict.PASS
EXPECTED = [
    # A VPC with public and private subnets, servers and a database behind a load balancer.
    ("elbv2-http-redirects-to-https", ":listener/app/sample-vpc-web", FAIL),
    ("elbv2-internal", ":loadbalancer/app/sample-vpc-web", FAIL),
    ("elbv2-waf-attached", ":loadbalancer/app/sample-vpc-web", FAIL),
    ("elbv2-multi-az", ":loadbalancer/app/sample-vpc-web", PASS),
    ("elbv2-groups-open-listeners-only", ":loadbalancer/app/sample-vpc-web", PASS),
    ("rds-instance-storage-encrypted", ":db:sample-vpc-web", PASS),
    ("rds-instance-automated-backups", ":db:sample-vpc-web", PASS),
    ("rds-instance-multi-az", ":db:sample-vpc-web", FAIL),
    ("rds-instance-in-vpc", ":db:sample-vpc-web", PASS),
    ("ec2-launch-template-imdsv2-required", ":launch-template/", FAIL),
    # A static site.
    ("s3-bucket-no-public-read", "sample-static-site-123456789012", PASS),
    ("s3-bucket-no-public-write", "sample-static-site-123456789012", PASS),
    ("s3-bucket-versioning-enabled", "sample-static-site-123456789012", FAIL),
    ("s3-bucket-tls-only", "sample-static-site-123456789012", FAIL),
    ("sns-topic-encrypted", ":sample-static-site-Alerts", PASS),
    # A serverless API.
    ("sns-topic-encrypted", ":sample-serverless-api-Alerts", FAIL),
    ("sqs-queue-dead-letter", ":sample-serverless-api-Jobs", PASS),
    ("sqs-queue-not-public", ":sample-serverless-api-Jobs", PASS),
    ("apigateway-methods-authorized", "::/restapis/", FAIL),
    ("apigateway-access-logging", "/stages/prod", FAIL),
    ("dynamodb-table-point-in-time-recovery", ":table/sample-serverless-api", FAIL),
    ("lambda-function-runtime-supported", ":function:sample-serverless-api-ApiFunction", PASS),
    ("lambda-function-traced", ":function:sample-serverless-api-ApiFunction", FAIL),
    # A data lake whose raw and curated buckets have a key of their own, and the results none.
    ("s3-bucket-default-kms-encryption", "sample-data-lake-raw", PASS),
    ("s3-bucket-default-kms-encryption", "sample-data-lake-curated", PASS),
    ("s3-bucket-default-kms-encryption", "sample-data-lake-results", FAIL),
    ("redshift-cluster-encrypted", ":cluster:sample-data-lake", FAIL),
    # A pipeline that builds and deploys a container.
    ("ecr-repository-tags-immutable", ":repository/sample-ci-cd/app", FAIL),
    ("ecr-repository-not-public", ":repository/sample-ci-cd/app", PASS),
    ("ecs-service-no-public-address", ":service/sample-ci-cd", PASS),
    ("ecs-task-definition-not-privileged", ":task-definition/sample-ci-cd", PASS),
    ("ecs-task-definition-read-only-root", ":task-definition/sample-ci-cd", FAIL),
]
"""Check, what the resource's ARN contains, and what an owner who knows the template expects."""

Found = dict[tuple[str, str], Verdict]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """(check, ARN) -> verdict of a scan of the account with the samples."""
    selection = Selection(regions=(REGION,), checks=tuple({check for check, _, _ in EXPECTED}))
    checks = load_checks(selection, Config())
    key, secret = MANAGEMENT_KEY
    credentials = Credentials(key, secret, account_id=ACCOUNT)
    who = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "aws", StaticProvider(credentials))
    with Emulator() as emulator, pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # moto says on every deployment which of the resources' types it leaves out.
        warnings.simplefilter("ignore")
        deployed = deploy_samples(emulator.url)
        patch.setenv("AWS_ENDPOINT_URL", emulator.url)
        transport = LeanTransport()
        data = DataDirectory(tmp_path_factory.mktemp("samples"))
        caller = unlimited(transport, max_attempts=2)
        path: Path = Scan(data, [who], selection, checks, Config(), transport, caller=caller).run()
    assert {d.status for d in deployed} == {"CREATE_COMPLETE"}
    assert len(deployed) == 5
    judged = verdicts(path, checks.chosen)
    return {(check, arn): verdict for (check, _, _, arn), verdict in judged.items()}


@pytest.mark.parametrize(("check", "resource", "verdict"), EXPECTED)
def test_the_report_says_what_the_owner_knows(
    found: Found, check: str, resource: str, verdict: Verdict
) -> None:
    of_it = {arn: v for (c, arn), v in found.items() if c == check and resource in arn}
    assert of_it
    assert set(of_it.values()) == {verdict}, of_it


def test_each_resource_of_the_templates_is_judged_once(found: Found) -> None:
    """No more than the templates say: one launch template, five buckets and the artifacts' one."""
    assert len([arn for c, arn in found if c == "s3-bucket-tls-only"]) == 6
    assert len([arn for c, arn in found if c == "ec2-launch-template-imdsv2-required"]) == 1
