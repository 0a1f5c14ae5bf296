"""What the API Gateway and CloudFront tables compute while mapping."""

import json

import pytest

from partywall.tables.mapping import CompiledTable
from partywall.tables.services.apigateway import secret_variables, stage, unescape
from partywall.tables.services.cloudfront import bucket_of


def test_policy_of_a_rest_api_is_unescaped() -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*"}]}
    escaped = json.dumps(json.dumps(document))[1:-1]
    assert json.loads(unescape(escaped) or "") == document
    assert unescape(json.dumps(document)) == json.dumps(document)
    assert unescape("") is None


def test_secrets_are_named_and_their_values_never_kept() -> None:
    variables = {
        "db_password": "hunter2",
        "secretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db",
        "url": "https://example.com/token",
        "note": "AKIAIOSFODNN7EXAMPLE",
        "empty_token": "",
        "stage": "prod",
    }
    assert secret_variables(variables) == ["db_password", "note"]
    context = {
        "@account_id": "111122223333",
        "@region": "eu-west-1",
        "@partition": "aws",
        "@parent.rest_api_id": "a1",
        "@parent.name": "shop",
        "@parent.endpoint_types": ["EDGE"],
    }
    row = CompiledTable(stage).start(context, {"stageName": "prod", "variables": variables})
    row = CompiledTable(stage).finish(row)
    assert "hunter2" not in str(row) and "AKIA" not in str(row)
    assert row["arn"] == "arn:aws:apigateway:eu-west-1::/restapis/a1/stages/prod"


@pytest.mark.parametrize(
    ("domain", "bucket"),
    [
        ("site.s3.amazonaws.com", "site"),
        ("my.site.s3.eu-west-1.amazonaws.com", "my.site"),
        ("site.s3-eu-west-1.amazonaws.com", "site"),
        ("site.s3.dualstack.eu-west-1.amazonaws.com", "site"),
        ("site.s3.cn-north-1.amazonaws.com.cn", "site"),
        ("site.s3-website-eu-west-1.amazonaws.com", ""),
        ("site.s3-website.eu-west-1.amazonaws.com", ""),
        ("www.example.com", ""),
    ],
)
def test_buckets_behind_origins(domain: str, bucket: str) -> None:
    assert bucket_of(domain) == bucket
