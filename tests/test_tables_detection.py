"""What trails log by their selectors, and other readings of the detection services' answers."""

from typing import Any

import pytest

from partywall.tables.services.cloudtrail import logged
from partywall.tables.services.cloudwatch import metric_ids, topic_arns
from partywall.tables.services.guardduty import features
from partywall.tables.services.ses import joined


def _field(name: str, **operators: list[str]) -> dict[str, Any]:
    return {"Field": name, **operators}


def _advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"AdvancedEventSelectors": [{"Name": "n", "FieldSelectors": list(fields)}]}


_MANAGEMENT = _field("eventCategory", Equals=["Management"])
_DATA = _field("eventCategory", Equals=["Data"])
_OBJECTS = _field("resources.type", Equals=["AWS::S3::Object"])


@pytest.mark.parametrize(
    ("answer", "complete"),
    [
        ({}, {("Management", "", "read"), ("Management", "", "write")}),
        (
            {"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]},
            {("Management", "", "write")},
        ),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, set()),
        (
            {
                "EventSelectors": [
                    {
                        "ReadWriteType": "ReadOnly",
                        "IncludeManagementEvents": False,
                        "DataResources": [
                            {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]},
                            {
                                "Type": "AWS::Lambda::Function",
                                "Values": ["arn:aws:lambda:us-east-1:1:function:f"],
                            },
                        ],
                    }
                ]
            },
            {("Data", "AWS::S3::Object", "read")},
        ),
        (
            {
                "EventSelectors": [
                    {
                        "ReadWriteType": "All",
                        "IncludeManagementEvents": False,
                        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::one/"]}],
                    }
                ]
            },
            set(),
        ),
        (_advanced(_MANAGEMENT), {("Management", "", "read"), ("Management", "", "write")}),
        (_advanced(_MANAGEMENT, _field("readOnly", Equals=["false"])), {("Management", "", "write")}),
        (
            _advanced(_MANAGEMENT, _field("eventSource", NotEquals=["kms.amazonaws.com"])),
            {("Management", "", "read"), ("Management", "", "write")},
        ),
        (_advanced(_MANAGEMENT, _field("eventSource", Equals=["iam.amazonaws.com"])), set()),
        (
            _advanced(_DATA, _OBJECTS, _field("readOnly", Equals=["true"])),
            {("Data", "AWS::S3::Object", "read")},
        ),
        (_advanced(_DATA, _OBJECTS, _field("resources.ARN", StartsWith=["arn:aws:s3:::one/"])), set()),
        (_advanced(_DATA, _OBJECTS, _field("eventName", Equals=["PutObject"])), set()),
    ],
)
def test_selectors_tell_what_is_logged_completely(answer: Any, complete: set[tuple[str, str, str]]) -> None:
    found = {(e["category"], e["resource_type"], e["direction"]) for e in logged(answer) if e["is_complete"]}
    assert found == complete


def test_excluded_sources_are_kept() -> None:
    answer = _advanced(_MANAGEMENT, _field("eventSource", NotEquals=["kms.amazonaws.com"]))
    assert {tuple(e["excluded_sources"]) for e in logged(answer)} == {("kms.amazonaws.com",)}


def test_an_alarm_watches_its_metric_or_those_of_its_expression() -> None:
    assert metric_ids({"Namespace": "Security", "MetricName": "root"}) == ["Security/root"]
    stat = {"MetricStat": {"Metric": {"Namespace": "A", "MetricName": "b"}}}
    assert metric_ids({"Metrics": [stat, {"Expression": "m1 * 2"}]}) == ["A/b"]


def test_a_topic_of_another_account_may_have_subscribers_that_are_not_seen() -> None:
    alarm = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a"
    own, foreign = (f"arn:aws:sns:us-east-1:{account}:t" for account in ("111122223333", "999988887777"))
    lambda_ = "arn:aws:lambda:us-east-1:111122223333:function:f"
    assert topic_arns({"AlarmArn": alarm, "AlarmActions": [own, lambda_]}) == [own]
    assert topic_arns({"AlarmArn": alarm, "AlarmActions": [foreign]}) == [foreign, None]


def test_features_are_on_with_their_additional_configuration() -> None:
    listed = [
        {
            "Name": "RUNTIME_MONITORING",
            "Status": "ENABLED",
            "AdditionalConfiguration": [
                {"Name": "EC2_AGENT_MANAGEMENT", "Status": "ENABLED"},
                {"Name": "EKS_ADDON_MANAGEMENT", "Status": "DISABLED"},
            ],
        },
        {
            "Name": "EKS_RUNTIME_MONITORING",
            "Status": "DISABLED",
            "AdditionalConfiguration": [{"Name": "EKS_ADDON_MANAGEMENT", "Status": "ENABLED"}],
        },
    ]
    assert features(listed) == ["RUNTIME_MONITORING", "RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT"]


def test_the_policies_of_a_mail_identity_count_together() -> None:
    text = joined({"a": '{"Statement": {"Sid": "one"}}', "b": '{"Statement": [{"Sid": "two"}]}'})
    assert text is not None
    assert '"one"' in text
    assert '"two"' in text
    assert joined({}) is None
