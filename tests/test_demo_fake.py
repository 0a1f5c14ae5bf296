"""The fake: every operation it serves answers in its shape; the sample organisation fills what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from partywall.demo.emulator import Emulator
from partywall.demo.fake import OPERATIONS, Fake
from partywall.demo.identify import service_model
from partywall.demo.shapes import faults_of, output_shape

_READS = re.compile(r"(Describe|List|Get|BatchGet|Search)")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def client(emulator: Emulator, service: str, region: str = "eu-west-1") -> Any:
    return get_session().create_client(
        service,
        region_name=region,
        endpoint_url=emulator.url,
        aws_access_key_id="AKIAEXAMPLE000000000",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 0}, parameter_validation=False),
    )


def dummy(shape: Any, depth: int = 0) -> Any:
    """Parameters of the right types that name nothing."""
    kind = shape.type_name
    if kind == "structure":
        return {} if depth > 3 else {m: dummy(shape.members[m], depth + 1) for m in shape.required_members}
    if kind == "list":
        return [dummy(shape.member, depth + 1)]
    plain: dict[str, Any] = {"map": {}, "boolean": False, "integer": 1, "long": 1, "float": 1.0}
    plain |= {"double": 1.0, "timestamp": 1700000000, "blob": b"x"}
    if kind in plain:
        return plain[kind]
    return shape.enum[0] if shape.enum else "abc"


def test_every_operation_is_in_botocores_models() -> None:
    unknown = [key for key in OPERATIONS if key[1] not in service_model(key[0]).operation_names]
    assert unknown == []


@pytest.mark.parametrize("service", sorted({service for service, _ in OPERATIONS}))
def test_an_unused_account_gets_answers_in_shape_or_errors_of_aws(emulator: Emulator, service: str) -> None:
    """The emulator checks each answer against its shape and fails with InternalFailure where it errs."""
    asked = client(emulator, service)
    methods = {name: method for method, name in asked.meta.method_to_api_mapping.items()}
    for operation in sorted(name for owner, name in OPERATIONS if owner == service and _READS.match(name)):
        shape = asked.meta.service_model.operation_model(operation).input_shape
        try:
            getattr(asked, methods[operation])(**(dummy(shape) if shape else {}))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            assert code not in ("InternalFailure", "UnknownOperationException", "InvalidAction"), (
                operation,
                emulator.failures[-1:],
            )


@pytest.mark.parametrize(
    ("service", "method", "params", "code"),
    [
        ("macie2", "get_macie_session", {}, "AccessDeniedException"),
        ("securityhub", "get_enabled_standards", {}, "InvalidAccessException"),
        ("securityhub", "describe_hub", {}, "InvalidAccessException"),
        ("shield", "describe_subscription", {}, "ResourceNotFoundException"),
        ("fms", "get_admin_account", {}, "ResourceNotFoundException"),
        ("guardduty", "list_findings", {"DetectorId": "none"}, "BadRequestException"),
        ("iam", "get_credential_report", {}, "ReportNotPresent"),
        ("resource-explorer-2", "get_index", {}, "ResourceNotFoundException"),
    ],
)
def test_what_is_not_in_use_says_so(
    emulator: Emulator, service: str, method: str, params: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(client(emulator, service), method)(**params)
    assert caught.value.response["Error"]["Code"] == code


def test_settings_answer_aws_defaults_until_they_are_written(emulator: Emulator) -> None:
    ec2 = client(emulator, "ec2", "us-west-2")
    assert ec2.get_snapshot_block_public_access_state()["State"] == "unblocked"
    assert ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "unblocked"
    assert "HttpTokens" not in ec2.get_instance_metadata_defaults()["AccountLevel"]
    ec2.enable_snapshot_block_public_access(State="block-all-sharing")
    ec2.modify_instance_metadata_defaults(HttpTokens="required")
    assert ec2.get_snapshot_block_public_access_state()["State"] == "block-all-sharing"
    assert ec2.get_instance_metadata_defaults()["AccountLevel"]["HttpTokens"] == "required"
    other = client(emulator, "ec2", "us-west-1")
    assert other.get_snapshot_block_public_access_state()["State"] == "unblocked"


def test_the_credential_report_has_the_root_user(emulator: Emulator) -> None:
    iam = client(emulator, "iam")
    iam.create_user(UserName="ann")
    iam.create_access_key(UserName="ann")
    iam.generate_credential_report()
    rows = iam.get_credential_report()["Content"].decode().split("\n")
    assert len({len(row.split(",")) for row in rows}) == 1
    assert [row.split(",")[0] for row in rows] == ["user", "<root_account>", "ann"]
    ann = dict(zip(rows[0].split(","), rows[2].split(","), strict=True))
    assert (ann["password_enabled"], ann["access_key_1_active"], ann["mfa_active"]) == (
        "false",
        "true",
        "false",
    )


def test_security_hub_and_macie_answer_once_enabled(emulator: Emulator) -> None:
    hub = client(emulator, "securityhub", "eu-north-1")
    hub.enable_security_hub(EnableDefaultStandards=False)
    arn = "arn:aws:securityhub:eu-north-1::standards/pci-dss/v/4.0.1"
    hub.batch_enable_standards(StandardsSubscriptionRequests=[{"StandardsArn": arn}])
    assert [s["StandardsArn"] for s in hub.get_enabled_standards()["StandardsSubscriptions"]] == [arn]
    macie = client(emulator, "macie2", "eu-north-1")
    macie.enable_macie(status="ENABLED")
    assert macie.get_macie_session()["status"] == "ENABLED"


def test_answers_are_kept_per_account_region_and_parameters(emulator: Emulator) -> None:
    fake = emulator.fake
    event = {"EventName": "ConsoleLogin", "EventId": "1"}
    fake.put("123456789012", "ap-south-1", "cloudtrail", "LookupEvents", {"Events": [event]})
    fake.put("123456789012", "*", "wellarchitected", "GetWorkload", {"Workload": {"WorkloadId": "w1"}},
             when={"WorkloadId": "w1"})  # fmt: skip
    asked = client(emulator, "cloudtrail", "ap-south-1").lookup_events()
    assert asked["Events"] == [event]
    reviews = client(emulator, "wellarchitected")
    assert reviews.get_workload(WorkloadId="w1")["Workload"]["WorkloadId"] == "w1"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        reviews.get_workload(WorkloadId="w2")


def test_listings_are_paged_as_the_client_asks(emulator: Emulator) -> None:
    reports = client(emulator, "artifact", "us-east-1")
    whole = reports.list_reports()["reports"]
    first = reports.list_reports(maxResults=3)
    paged = [r for page in reports.get_paginator("list_reports").paginate(PaginationConfig={"PageSize": 3})
             for r in page["reports"]]  # fmt: skip
    assert (len(first["reports"]), paged) == (3, whole)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"State": "open"}, "is none of"),
        ({"Status": "unblocked"}, "not a member"),
        ({"State": 3}, "is not a string"),
    ],
)
def test_an_answer_that_does_not_fit_its_shape_is_refused(answer: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Fake().put("*", "*", "ec2", "GetSnapshotBlockPublicAccessState", answer)


def test_missing_required_members_are_found() -> None:
    shape = output_shape("accessanalyzer", "ListAnalyzers")
    assert faults_of(shape, {}) == [".analyzers: missing"]
