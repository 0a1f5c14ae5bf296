"""AWS's own mappings: read through botocore's models, kept with account and date, never believed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from partywall.checks.loader import catalogue
from partywall.errors import UserError
from partywall.frameworks import imported
from partywall.frameworks.loader import load_frameworks

ARN = "arn:aws:controlcatalog:::control/abc"
NOW = datetime(2026, 6, 30, tzinfo=UTC)


class Service:
    """Botocore clients whose answers are checked against AWS's models, and must all be asked for."""

    def __init__(self) -> None:
        session = botocore.session.Session()
        session.set_credentials("AKIAEXAMPLE", "secret")
        self.clients = {
            name: session.create_client(name, region_name="eu-west-1")
            for name in ("securityhub", "controlcatalog")
        }
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def associations(self, control: str, requirements: list[str], token: str = "", then: str = "") -> None:
        summary = {
            "StandardsArn": "arn:aws:securityhub:::standards/x",
            "SecurityControlId": control,
            "SecurityControlArn": f"arn:aws:securityhub:eu-west-1:111111111111:security-control/{control}",
            "AssociationStatus": "ENABLED",
            "RelatedRequirements": requirements,
        }
        answer: dict[str, Any] = {"StandardsControlAssociationSummaries": [summary]}
        asked = {"SecurityControlId": control} | ({"NextToken": token} if token else {})
        self.stubs["securityhub"].add_response(
            "list_standards_control_associations", answer | ({"NextToken": then} if then else {}), asked
        )

    def read(self, *controls: str) -> imported.Imported:
        found = imported.read(self.clients.__getitem__, "111111111111", "eu-west-1", controls, NOW)
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()
        return found


@pytest.fixture
def aws() -> Service:
    return Service()


def controls_of(aws: Service) -> None:
    listed = {
        "Arn": ARN,
        "Name": "n",
        "Description": "d",
        "Implementation": {"Type": "AWS::SecurityHub::SecurityControl", "Identifier": "S3.5"},
    }
    other = {**listed, "Arn": ARN + "d", "Implementation": {"Type": "AWS::Config::ConfigRule"}}
    aws.stubs["controlcatalog"].add_response("list_controls", {"Controls": [listed, other]})


def framework_mapping(arn: str, name: str, item: str) -> dict[str, Any]:
    mapped = {"Framework": {"Name": name, "Item": item}}
    return {"ControlArn": arn, "MappingType": "FRAMEWORK", "Mapping": mapped}


def test_both_sources_are_read_to_the_last_page(aws: Service, tmp_path: Path) -> None:
    aws.associations("S3.5", ["PCI DSS v4.0.1/4.2.1"], then="more")
    aws.associations(
        "S3.5", ["NIST.800-53.r5 AC-17(2)", "CIS AWS Foundations Benchmark v3.0.0/2.1.1"], "more"
    )
    controls_of(aws)
    aws.stubs["controlcatalog"].add_response(
        "list_control_mappings",
        {
            "ControlMappings": [
                framework_mapping(ARN, "PCI-DSS-v4.0", "4.2.1"),
                framework_mapping("arn:aws:controlcatalog:::control/zzz", "PCI-DSS-v4.0", "1.1.1"),
            ]
        },
    )
    found = aws.read("S3.5")
    assert found.unanswered == []
    assert {(m.control, m.name, m.item, m.by) for m in found.mappings} == {
        ("S3.5", "PCI DSS v4.0.1", "4.2.1", "Security Hub"),
        ("S3.5", "NIST.800-53.r5", "AC-17(2)", "Security Hub"),
        ("S3.5", "CIS AWS Foundations Benchmark v3.0.0", "2.1.1", "Security Hub"),
        ("S3.5", "PCI-DSS-v4.0", "4.2.1", "Control Catalog"),
    }
    path = imported.save(tmp_path, found)
    assert path == tmp_path / "mappings" / "111111111111.json"
    assert imported.load(tmp_path) == [found]
    checks = [c.check for c in catalogue().values()]
    rows = imported.by_requirement([found], load_frameworks(), checks)
    (cis,) = rows[("cis-3.0", "2.1.1")]
    assert (cis.check, cis.by, cis.account_id, cis.read_at) == (
        "s3-bucket-tls-only",
        "Security Hub",
        "111111111111",
        NOW,
    )
    path.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="import anew"):
        imported.load(tmp_path)


def test_a_call_that_fails_is_noted_and_nothing_is_taken_for_empty(aws: Service) -> None:
    hub = aws.stubs["securityhub"]
    hub.add_client_error("list_standards_control_associations", "ResourceNotFoundException")
    aws.associations("S3.8", ["PCI DSS v4.0.1/1.4.4"])
    aws.stubs["controlcatalog"].add_client_error("list_controls", "AccessDeniedException")
    found = aws.read("S3.5", "S3.8")
    assert [m.control for m in found.mappings] == ["S3.8"]
    assert [(u.operation, u.about, u.code) for u in found.unanswered] == [
        ("securityhub:ListStandardsControlAssociations", "S3.5", "ResourceNotFoundException"),
        ("controlcatalog:ListControls", "", "AccessDeniedException"),
    ]


def test_a_hub_that_is_off_is_asked_once(aws: Service) -> None:
    aws.stubs["securityhub"].add_client_error("list_standards_control_associations", "InvalidAccessException")
    aws.stubs["controlcatalog"].add_response("list_controls", {"Controls": []})
    found = aws.read("S3.1", "S3.5", "S3.8")
    assert found.mappings == []
    assert [u.about for u in found.unanswered] == ["S3.1"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PCI DSS v4.0.1", "pci-dss-4.0.1"),
        ("PCI DSS v3.2.1", ""),
        ("CIS AWS Foundations Benchmark v3.0.0", "cis-3.0"),
        ("CIS AWS Foundations Benchmark v1.4.0", ""),
        ("NIST.800-53.r5", "nist-800-53-r5"),
        ("NIST.800-171.r2", ""),
        ("ISO-IEC-27001:2022-Annex-A", "iso27001-2022"),
        ("ISO-IEC-27001:2013-Annex-A", ""),
        ("CIS-v8.0", ""),
    ],
)
def test_only_the_same_version_is_taken_for_ours(name: str, expected: str) -> None:
    known = ("pci-dss-4.0.1", "cis-3.0", "nist-800-53-r5", "iso27001-2022")
    assert imported.framework_of(name, known) == expected
