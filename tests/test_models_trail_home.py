"""Credentials away from home, and callers on lists: what fires, and what comes near and does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from partywall.detections import guardduty
from partywall.detections.models.lists import class_of
from partywall.detections.models.trail import MODEL
from tests.stories import BOTO, CLI, Record, Script, Who, begin, session, user
from tests.trail_models import ACCOUNT, Watched, asked

_HOME, _AWAY = "52.94.133.131", "198.51.100.20"
_INSTANCE = "i-0abcd1234ef567890"
_MAC = "aws-cli/2.27.50 md/awscrt#0.26.1 ua/2.1 os/macos#24.5.0 md/arch#arm64 lang/python#3.13.4"


def _web(address: str, agent: str = BOTO, instance: str = _INSTANCE, key: str = "") -> Who:
    return session(ACCOUNT, "web", instance, address, agent, key, ec2RoleDelivery="2.0")


def _days(who: Who, count: int) -> list[Record]:
    records: list[Record] = []
    for day in range(count):
        it = Script(ACCOUNT, begin() + timedelta(days=day, hours=9), 60)
        it.call(who, "ssm:UpdateInstanceInformation").call(who, "s3:ListBuckets")
        records += it.records
    return records


def _later(days: int) -> Script:
    return Script(ACCOUNT, begin() + timedelta(days=days, hours=11), 30)


def test_instance_credentials_elsewhere_after_a_quiet_day(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.add(_days(_web(_HOME), 2))
    assert watched.ask().detections == []
    watched.add(_later(2).call(_web(_AWAY, CLI, key="ASIANEW"), "sts:GetCallerIdentity").records)
    (found,) = watched.ask().detections
    assert found.type == "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"
    assert (found.severity, found.addresses, found.playbook) == ("high", (_AWAY,), "contain-instance")
    assert ("instance", _INSTANCE) in found.facts
    assert found.principal.endswith(f"assumed-role/web/{_INSTANCE}")


@pytest.mark.parametrize(
    ("address", "agent"),
    [
        pytest.param("52.94.133.140", CLI, id="the network that it always had"),
        pytest.param(_AWAY, BOTO, id="a new address with the tool that it always used"),
        pytest.param("10.0.3.4", CLI, id="an address inside the VPC"),
    ],
)
def test_an_instance_at_home(tmp_path: Path, address: str, agent: str) -> None:
    watched = Watched(tmp_path)
    watched.add([*_days(_web(_HOME), 2), *_later(2).call(_web(address, agent), "s3:ListBuckets").records])
    assert watched.ask().detections == []


def test_an_address_that_other_instances_share_is_a_gateway(tmp_path: Path) -> None:
    it = _later(2)
    for number in range(3):
        it.call(_web(_AWAY, CLI, f"i-0abcd1234ef56789{number}"), "s3:ListBuckets")
    assert asked(tmp_path, [*_days(_web(_HOME), 2), *it.records]) == []


@pytest.mark.parametrize("address", ["10.9.8.7", "2001:db8::7"])
def test_instance_credentials_through_the_endpoint_of_another_account(tmp_path: Path, address: str) -> None:
    it = _later(0).call(_web(_HOME), "s3:ListBuckets")
    it.call(_web(address), "s3:ListBuckets", vpcEndpointId="vpce-0ff", vpcEndpointAccountId="999988887777")
    (found,) = asked(tmp_path, it.records)
    assert found.type == "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS"
    assert found.severity == "high"
    assert "999988887777" in found.explanation


def test_endpoints_of_ones_own_or_of_a_shared_network_are_home(tmp_path: Path) -> None:
    it = _later(0)
    it.call(_web("10.9.8.7"), "s3:ListBuckets", vpcEndpointId="vpce-01", vpcEndpointAccountId=ACCOUNT)
    for number in range(3):
        who = _web("10.9.8.7", instance=f"i-0abcd1234ef56789{number}")
        it.call(who, "s3:ListBuckets", vpcEndpointId="vpce-02", vpcEndpointAccountId="444455556666")
    assert asked(tmp_path, it.records) == []


def _session(address: str, agent: str) -> Who:
    return session(ACCOUNT, "Developer", "pat", address, agent, "ASIAPAT")


def test_one_session_on_two_systems_in_two_networks(tmp_path: Path) -> None:
    it = _later(0).call(_session("203.0.113.7", _MAC), "s3:ListBuckets")
    it.call(_session(_AWAY, CLI), "s3:ListBuckets").call(_session("203.0.113.7", _MAC), "s3:ListBuckets")
    (found,) = asked(tmp_path, it.records)
    assert (found.type, found.severity) == ("UnauthorizedAccess:IAMUser/SessionFromTwoNetworks", "medium")
    assert set(found.addresses) == {"203.0.113.7", _AWAY}


@pytest.mark.parametrize(
    ("address", "agent", "hours"),
    [
        pytest.param(_AWAY, _MAC, 0, id="a laptop that moves"),
        pytest.param("203.0.113.99", CLI, 0, id="two machines in one network"),
        pytest.param(_AWAY, CLI, 5, id="hours later"),
    ],
)
def test_one_session_of_one_person(tmp_path: Path, address: str, agent: str, hours: int) -> None:
    it = _later(0).call(_session("203.0.113.7", _MAC), "s3:ListBuckets")
    it.at += timedelta(hours=hours)
    assert asked(tmp_path, it.call(_session(address, agent), "s3:ListBuckets").records) == []


def test_function_credentials_on_a_command_line(tmp_path: Path) -> None:
    key = "ASIAFUNCTION"
    inside = session(ACCOUNT, "orders", "orders", _HOME, BOTO + " exec-env/AWS_Lambda_python3.12", key)
    outside = replace(inside, agent=CLI, address=_AWAY)
    it = _later(0).call(inside, "dynamodb:DescribeTable").call(outside, "s3:ListBuckets")
    (found,) = asked(tmp_path, it.records)
    assert found.type == "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS"
    assert asked(tmp_path / "other", _later(0).call(inside, "s3:ListBuckets").records) == []


_CALLS = {
    "Recon:IAMUser/": ("iam:ListUsers", False),
    "UnauthorizedAccess:IAMUser/": ("iam:CreateUser", False),
    "Discovery:S3/": ("s3:ListBuckets", False),
    "Exfiltration:S3/": ("s3:GetObject", True),
    "Impact:S3/": ("s3:PutObject", True),
    "UnauthorizedAccess:S3/": ("s3:GetObject", True),
}


@pytest.mark.parametrize(
    "name", sorted(each for each, needs in guardduty.table().items() if "you bring" in needs)
)
@pytest.mark.parametrize("address", ["198.51.100.30", "2001:db8:77::5"])
def test_callers_on_lists(tmp_path: Path, name: str, address: str) -> None:
    prefix, _, kind = name.rpartition("/")
    call, data = _CALLS[f"{prefix}/"]
    listed = {"TorIPCaller": "tor-exits.txt", "MaliciousIPCaller": "malware.csv"}.get(kind, "ours.txt")
    network = "198.51.100.0/24" if "." in address else "2001:db8:77::/48"
    it = Script(ACCOUNT, begin())
    it.call(user(ACCOUNT, "ann", address), call, managementEvent=not data)
    it.call(user(ACCOUNT, "bob", "203.0.113.9"), call, managementEvent=not data)
    (found,) = asked(tmp_path, it.records, (listed, network))
    assert found.type == name
    assert name in MODEL.types
    assert found.severity in ("medium", "high")
    assert found.principal.endswith(":user/ann")
    assert listed in found.explanation
    assert class_of(listed) in found.explanation


def test_the_same_days_again_tell_the_same(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    who = user(ACCOUNT, "ann", "198.51.100.30")
    watched.add(Script(ACCOUNT, begin()).call(who, "iam:ListUsers").records)
    (first,) = watched.ask(("ours.txt", "198.51.100.30")).detections
    assert watched.ask(("ours.txt", "198.51.100.30")).detections == []
    watched.add(Script(ACCOUNT, begin() + timedelta(hours=1)).call(who, "iam:ListRoles").records)
    (again,) = watched.ask(("ours.txt", "198.51.100.30")).detections
    assert (again.id, again.count, first.count) == (first.id, 2, 1)
    # A list that is new is asked of what was read before.
    assert len(watched.ask(("tor.txt", "198.51.100.30")).detections) == 1
