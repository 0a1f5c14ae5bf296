"""OCSF, ASFF and SARIF against their own schemas, models and an emulated Security Hub."""

from __future__ import annotations

import dataclasses
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import botocore.session
import jsonschema
import orjson
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.validate import ParamValidator
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from py_ocsf_models.objects.cloud import Cloud

from partywall.outputs import asff, dump
from partywall.outputs.names import ASFF_TYPES, asff_type
from partywall.outputs.securityhub import send_security_hub
from partywall.tables.registry import all_tables
from tests.outputs_reports import ACCOUNTS, HOSTILE, REGIONS, make_report

DATA = Path(__file__).parent / "data"


def loaded(report, format: str) -> Any:
    stream = io.BytesIO()
    dump(report, format, stream)
    return json.loads(stream.getvalue())


@pytest.fixture(scope="module")
def report():
    return make_report(400)


def statuses(report) -> Counter[str]:
    return Counter(report.findings.column("status").to_pylist())


def test_ocsf_events_validate(report):
    events = loaded(report, "ocsf")
    assert len(events) == 400
    for event in events:
        finding = ComplianceFinding.model_validate(event)
        assert finding.metadata.version == "1.5.0"
        assert event["type_uid"] == 2003 * 100 + event["activity_id"]
        Cloud.model_validate(event["cloud"])
    wanted = statuses(report)
    found = Counter(event["compliance"]["status_id"] for event in events)
    assert found == {3: wanted["fail"], 1: wanted["pass"], 2: wanted["unknown"], 99: wanted["not_applicable"]}


def test_ocsf_has_no_field_that_the_model_lacks(report):
    known = set(ComplianceFinding.model_fields) | {"cloud"}
    for event in loaded(report, "ocsf"):
        assert set(event) <= known
        assert set(event["finding_info"]) <= set(
            ComplianceFinding.model_fields["finding_info"].annotation.model_fields  # type: ignore[union-attr]
        )


def test_ocsf_unknown_says_which_call_failed(report):
    unknown = [event for event in loaded(report, "ocsf") if event["compliance"]["status_id"] == 2]
    assert all("did not answer" in event["compliance"]["status_details"][0] for event in unknown)
    assert any("service control policy" in event["message"] for event in unknown)


def test_asff_is_valid_by_botocores_model(report):
    model = botocore.session.get_session().get_service_model("securityhub")
    shape = model.operation_model("BatchImportFindings").input_shape
    for batch in asff.batches(report):
        problems = ParamValidator().validate({"Findings": batch.findings}, shape)
        assert not problems.has_errors(), problems.generate_report()
        assert 1 <= len(batch.findings) <= asff.BATCH_FINDINGS


def test_asff_keeps_security_hubs_limits(report):
    limits = {"Id": 512, "Title": 256, "Description": 1024, "GeneratorId": 512, "ProductArn": 2048}
    for finding in loaded(report, "asff"):
        for name, limit in limits.items():
            assert finding[name].strip() and len(finding[name]) <= limit
        assert len(json.dumps(finding).encode()) <= asff.FINDING_BYTES
        assert len(finding["ProductFields"]) <= 50
        assert all(0 < len(value) <= 2048 for value in finding["ProductFields"].values())
        assert finding["ProductFields"]["partywall/check_id"]
        assert len(finding["Resources"][0]["Region"]) <= 16
        if "Remediation" in finding:
            assert len(finding["Remediation"]["Recommendation"]["Text"]) <= 512


def test_asff_words(report):
    found = loaded(report, "asff")
    wanted = statuses(report)
    assert Counter(finding["Compliance"]["Status"] for finding in found) == {
        "FAILED": wanted["fail"],
        "PASSED": wanted["pass"],
        "WARNING": wanted["unknown"],
        "NOT_AVAILABLE": wanted["not_applicable"],
    }
    suppressed = [finding for finding in found if finding["Workflow"]["Status"] == "SUPPRESSED"]
    assert suppressed and all(finding["ProductFields"]["partywall/exception"] for finding in suppressed)
    for finding in found:
        if finding["Compliance"]["Status"] in ("PASSED", "NOT_AVAILABLE"):
            assert finding["Severity"]["Label"] == "INFORMATIONAL"


def test_asff_batches_are_of_one_account_and_region(report):
    seen = Counter()
    for batch in asff.batches(report):
        for finding in batch.findings:
            assert finding["AwsAccountId"] == batch.account_id
            assert (
                f":{batch.region}:{batch.account_id}:product/{batch.account_id}/default"
                in finding["ProductArn"]
            )
        assert batch.region in REGIONS
        seen[batch.account_id] += len(batch.findings)
    assert seen == Counter(report.findings.column("account_id").to_pylist())


def test_asff_batches_stay_under_six_megabytes(report, monkeypatch):
    monkeypatch.setattr(asff, "BATCH_BYTES", 20_000)
    for batch in asff.batches(report):
        size = len(orjson.dumps(batch.findings))
        assert size <= 20_000 or len(batch.findings) == 1


def test_asff_types_are_those_of_botocores_model():
    model = botocore.session.get_session().get_service_model("securityhub")
    named = set(model.shape_for("ResourceDetails").members)
    assert named - ASFF_TYPES <= {"Container", "Other", "CodeRepository", "AzureResource", "GcpResource"}
    assert ASFF_TYPES - named == {"AwsAccount"}


def test_asff_type_of_tables():
    assert asff_type("s3_bucket") == "AwsS3Bucket"
    assert asff_type("vpc_security_group") == "AwsEc2SecurityGroup"
    assert asff_type("no_such_table") == "Other"
    assert {asff_type(name) for name in all_tables()} <= ASFF_TYPES | {"Other"}


@pytest.fixture(scope="module")
def security_hub():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def session_to(endpoint: str):
    import boto3

    def session(account_id: str):
        found = boto3.Session(aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="none")
        client = found.client

        def for_account(name, **kwargs):
            made = client(name, endpoint_url=endpoint, **kwargs)
            # How moto is told whose credentials these are.
            events = made.meta.events
            events.register(
                "request-created",
                lambda request, **_: request.headers.add_header("x-moto-account-id", account_id),
            )
            return made

        found.client = for_account  # type: ignore[method-assign]
        return found

    return session


def test_security_hub_imports_everything(security_hub, report):
    make = session_to(security_hub)
    for account in ACCOUNTS:
        for region in REGIONS:
            make(account["account_id"]).client("securityhub", region_name=region).enable_security_hub()
    sent = send_security_hub(report, make)
    assert (sent.imported, sent.failed, sent.failures) == (400, 0, [])
    assert sum(sent.regions.values()) == 400
    assert {account for account, _ in sent.regions} == {account["account_id"] for account in ACCOUNTS}
    client = make("222222222222").client("securityhub", region_name="eu-west-1")
    page = client.get_findings(MaxResults=100)["Findings"]
    assert page and all(item["Id"].startswith("partywall/eu-west-1/222222222222/") for item in page)


class FakeHub:
    """A Security Hub client that answers as told."""

    def __init__(self, answer):
        self.answer, self.calls = answer, 0

    def create_client(self, name, region_name, config):
        return self

    def batch_import_findings(self, Findings):
        self.calls += 1
        return self.answer(Findings)


def test_refused_findings_are_reported(report):
    def answer(findings):
        refused = [
            {"Id": finding["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": "bad\x1b[31m"}
            for finding in findings[:2]
        ]
        return {"SuccessCount": len(findings) - 2, "FailedCount": 2, "FailedFindings": refused}

    hub = FakeHub(answer)
    sent = send_security_hub(report, lambda account: hub)
    assert sent.imported + sent.failed == 400
    assert sent.failed == 2 * hub.calls
    assert all(failure.message == "bad\\x1b[31m" for failure in sent.failures)


def test_a_hub_that_is_not_enabled_is_asked_once_per_region():
    report = make_report(2500, hostile=False)

    def answer(findings):
        error = {"Code": "InvalidAccessException", "Message": "Account is not subscribed to AWS Security Hub"}
        raise ClientError({"Error": error}, "BatchImportFindings")

    hub = FakeHub(answer)
    sent = send_security_hub(report, lambda account: hub)
    assert (sent.imported, sent.failed) == (0, 2500)
    assert hub.calls == len(ACCOUNTS) * len(REGIONS) == len(sent.failures)
    assert sum(len(failure.finding_ids) for failure in sent.failures) == 2500


def test_a_hub_out_of_reach_is_a_failure_not_a_crash(report):
    def answer(findings):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    sent = send_security_hub(report, lambda account: FakeHub(answer))
    assert (sent.imported, sent.failed) == (0, 400)
    assert {failure.code for failure in sent.failures} == {"EndpointConnectionError"}


@pytest.fixture(scope="module")
def sarif(report):
    return loaded(report, "sarif")


def test_sarif_keeps_its_schema(sarif):
    schema = json.loads((DATA / "sarif-schema-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(sarif)


def test_sarif_results(sarif, report):
    run = sarif["runs"][0]
    wanted = statuses(report)
    kinds = Counter(result["kind"] for result in run["results"])
    assert kinds == {"fail": wanted["fail"], "open": wanted["unknown"]}
    rules = run["tool"]["driver"]["rules"]
    ids = [result["partialFingerprints"]["partywallFindingId/v1"] for result in run["results"]]
    assert len(set(ids)) == len(ids)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert (result["level"] == "none") == (result["kind"] == "open")
        assert (result["properties"]["state"] == "excepted") == ("suppressions" in result)
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.startswith("aws/") and ".." not in uri.split("/") and uri.isascii()


def test_sarif_messages_hold_no_link_or_placeholder(sarif):
    texts = [result["message"]["text"] for result in sarif["runs"][0]["results"]]
    links = [text for text in texts if "evil.example" in text and "click" in text and "HYPERLINK" not in text]
    assert links and all("\\[click\\]" in text and "{{0}}" in text for text in links)
    assert all(len(text) < 10_000 for text in texts)


def test_sarif_says_that_a_scan_was_cut_short(report):
    cut = dataclasses.replace(report, scan=dataclasses.replace(report.scan, complete=False, finished_at=None))
    invocation = loaded(cut, "sarif")["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False and "endTimeUtc" not in invocation
    assert len(invocation["toolExecutionNotifications"]) == len(report.failed_calls)


def test_hostile_names_reach_every_standard(report):
    assert set(HOSTILE) <= set(report.findings.column("resource_name").to_pylist())
