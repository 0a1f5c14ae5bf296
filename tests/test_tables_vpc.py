"""What the VPC tables compute while mapping: CIDR facts, flattened permissions, a network ACL's effect."""

from typing import Any

import pytest

from partywall.tables.cidr import cidr_facts, is_anywhere, is_public
from partywall.tables.mapping import CompiledTable
from partywall.tables.services.vpc import route_table
from partywall.tables.services.vpc_interfaces import network_interface
from partywall.tables.services.vpc_security import (
    anywhere_texts,
    network_acl,
    open_to_internet,
    permissions,
    security_group,
)

CONTEXT = {"@account_id": "111122223333", "@region": "eu-west-1", "@partition": "aws"}


@pytest.mark.parametrize(
    ("block", "public"),
    [
        ("10.0.0.0/8", False),
        ("10.0.0.0/7", True),
        ("172.16.0.0/12", False),
        ("172.0.0.0/8", True),
        ("100.64.0.0/10", False),
        ("198.51.100.7", False),
        ("8.8.8.8/32", True),
        ("0.0.0.0/0", True),
        ("::/0", True),
        ("fd00::/8", False),
        ("2a05:d018::/32", True),
    ],
)
def test_public_blocks(block: str, public: bool) -> None:
    assert is_public(block) is public


def test_cidr_facts() -> None:
    assert cidr_facts("10.1.0.0/16") == {
        "cidr": "10.1.0.0/16",
        "family": "ipv4",
        "prefix_length": 16,
        "addresses": 65536.0,
        "is_public": False,
        "is_anywhere": False,
    }
    assert cidr_facts("::/0")["is_anywhere"] and cidr_facts("0.0.0.0/0")["is_anywhere"]
    assert not is_anywhere("") and not is_anywhere("0.0.0.0/1")
    with pytest.raises(ValueError, match="nonsense"):
        cidr_facts("nonsense")


def test_permissions_are_one_per_peer() -> None:
    raw: list[dict[str, Any]] = [
        {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}, {"CidrIp": "10.0.0.0/8", "Description": "office"}],
            "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
            "PrefixListIds": [{"PrefixListId": "pl-1"}],
            "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "444455556666"}],
        },
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ]
    found = permissions(raw)
    assert [p["peer"] for p in found] == [
        "0.0.0.0/0", "10.0.0.0/8", "::/0", "pl-1", "sg-2", "0.0.0.0/0", "0.0.0.0/0",
    ]  # fmt: skip
    assert (found[5]["from_port"], found[5]["to_port"]) == (0, 65535)
    assert (found[6]["from_port"], found[6]["to_port"]) == (-1, -1)
    assert anywhere_texts(raw) == [
        "tcp 22 from 0.0.0.0/0",
        "tcp 22 from ::/0",
        "all traffic from 0.0.0.0/0",
        "icmp from 0.0.0.0/0",
    ]


def _entry(number: int, action: str, first: int = 0, last: int = 0, **more: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"RuleNumber": number, "RuleAction": action, "Egress": False, "Protocol": "6"}
    if last:
        entry["PortRange"] = {"From": first, "To": last}
    return entry | ({"CidrBlock": "0.0.0.0/0"} if "Ipv6CidrBlock" not in more else {}) | more


def _tcp(raw: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(o["from_port"], o["to_port"]) for o in open_to_internet(raw) if o["protocol"] == "tcp"]


def test_network_acl_reads_entries_in_order() -> None:
    everything = _entry(100, "allow", Protocol="-1")
    assert _tcp([everything]) == [(0, 65535)]
    assert _tcp([everything, _entry(90, "deny", 22, 22)]) == [(0, 21), (23, 65535)]
    assert _tcp([everything, _entry(110, "deny", 22, 22)]) == [(0, 65535)]
    assert _tcp([everything, _entry(90, "deny", 22, 22, CidrBlock="192.0.2.0/24")]) == [(0, 65535)]
    assert _tcp([everything, _entry(90, "deny", 22, 22, Ipv6CidrBlock="::/0")]) == [(0, 65535)]
    assert _tcp([{**everything, "Egress": True}]) == []
    assert _tcp([_entry(100, "allow", 443, 443), _entry(32767, "deny", Protocol="-1")]) == [(443, 443)]
    assert _tcp([_entry(50, "deny", Protocol="-1"), everything]) == []


def test_a_malformed_block_makes_the_column_unknown_and_says_so() -> None:
    element = {
        "GroupId": "sg-1",
        "GroupName": "web",
        "OwnerId": "111122223333",
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "x"}]}],
    }
    row = CompiledTable(security_group).start(CONTEXT, element)
    assert row["ingress"] is None and row["egress"] == []
    assert row["_failed"][0]["code"] == "MalformedValue"


def test_rows_of_acl_route_table_and_interface() -> None:
    acl = CompiledTable(network_acl).start(
        CONTEXT, {"NetworkAclId": "acl-1", "OwnerId": "1", "Entries": [_entry(100, "allow", Protocol="-1")]}
    )
    assert acl["entries"][0]["is_anywhere"] and len(acl["open_to_internet"]) == 2
    table = CompiledTable(route_table).start(
        CONTEXT,
        {
            "RouteTableId": "rtb-1",
            "Associations": [{"Main": True}, {"Main": False, "SubnetId": "subnet-1"}],
            "Routes": [
                {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
                {"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1", "State": "active"},
                {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "State": "active"},
                {"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active"},
            ],
        },
    )
    assert table["is_main"] and table["has_internet_route"] and table["subnet_ids"] == ["subnet-1"]
    assert [r["target_type"] for r in table["routes"]] == [
        "local", "internet-gateway", "vpc-endpoint", "vpc-peering-connection",
    ]  # fmt: skip
    interface = CompiledTable(network_interface).start(
        CONTEXT,
        {
            "NetworkInterfaceId": "eni-1",
            "Association": {"PublicIp": "52.1.2.3"},
            "PrivateIpAddresses": [
                {"Association": {"PublicIp": "52.1.2.3"}},
                {"Association": {"PublicIp": "52.1.2.4"}},
            ],
            "Ipv6Addresses": [{"Ipv6Address": "2a05:d018::1"}, {"Ipv6Address": "fd00::1"}],
        },
    )
    assert interface["public_addresses"] == ["2a05:d018::1", "52.1.2.3", "52.1.2.4"]
