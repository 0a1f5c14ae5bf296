"""Answers in Reachability Analyzer's shapes: valid by botocore's model, AWS's codes, hops in AWS's order."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_network
from typing import Any

import pytest
from botocore.loaders import Loader

from partywall.analysis.network.answers import path
from partywall.analysis.network.explain import analysis
from partywall.analysis.network.world import World
from tests.network_world import Builder, parse_ask
from tests.test_network_cases import CASES

# VPC Reachability Analyzer: "Explanation codes", all that tell of a path that is not reachable.
CODES = set(
    """BAD_STATE BAD_STATE_ATTACHMENT BAD_STATE_ROUTE BAD_STATE_VPN CANNOT_ROUTE ELB_ACL_RESTRICTION
    ELB_INSTALLED_AZ_RESTRICTION ELB_LISTENER_PORT_RESTRICTION ELB_LISTENERS_MISMATCH ELB_NOT_CROSSZONE
    ELBV2_LISTENER_HAS_NO_TG ELBV2_LISTENER_PORT_RESTRICTION ELBV2_LISTENER_REQUIRES_TG_ACCEPT
    ELBV2_LISTENERS_MISMATCH ELBV2_NO_TARGETS_IN_AZ ELBV2_SOURCE_ADDRESS_PRESERVATION ENI_ADDRESS_RESTRICTION
    ENI_SG_RULES_MISMATCH ENI_SOURCE_DEST_CHECK_RESTRICTION FIREWALL_RULES_RESTRICTION
    GATEWAY_REJECTS_SPOOFED_TRAFFIC GWLB_DESTINATION_PORT_RESTRICTION GWLB_PROTOCOL_RESTRICTION
    HIGHER_PRIORITY_ROUTE IGW_DESTINATION_ADDRESS_IN_VPC_CIDRS IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS
    IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS IGW_NAT_REFLECTION IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS
    IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS
    IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS INGRESS_RTB_NO_PUBLIC_IP INGRESS_RTB_TRAFFIC_REDIRECTION
    MORE_SPECIFIC_ROUTE NGW_DEST_ADDRESS_PRESERVATION NGW_REQUIRES_SOURCE_IN_VPC NGW_SOURCE_ADDRESS_REASSIGN
    NO_POSSIBLE_DESTINATION NO_ROUTE_TO_DESTINATION PCX_REQUIRES_ADDRESS_IN_VPC_CIDR PROTOCOL_RESTRICTION
    REGIONAL_NGW_ROUTE_AZ_RESTRICTION REMAP_EPHEMERAL_PORT SG_HAS_NO_RULES SG_REFERENCES_NOT_PRESERVED
    SG_REFERENCING_SUPPORT SUBNET_ACL_RESTRICTION TARGET_ADDRESS_RESTRICTION TARGET_PORT_RESTRICTION
    TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION TGW_ATTACH_VPC_AZ_RESTRICTION TGW_BAD_STATE_VPN
    TGW_ROUTE_AZ_RESTRICTION TGW_RTB_BAD_STATE_ROUTE TGW_RTB_CANNOT_ROUTE TGW_RTB_HIGHER_PRIORITY_ROUTE
    TGW_RTB_MORE_SPECIFIC_ROUTE TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT TGW_RTB_ROUTES_ARE_UNKNOWN
    UNKNOWN_DESTINATION UNKNOWN_PEERED_SGS UNKNOWN_RESOURCE VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS
    VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS VPC_BLOCK_PUBLIC_ACCESS_ENABLED VPC_LOCAL_ROUTE_CIDR_RESTRICTION
    VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION VPCE_GATEWAY_PROTOCOL_RESTRICTION VPCE_INTRA_VPC_TRAFFIC
    VPCE_SERVICE_NOT_INSTALLED_IN_AZ DISCONNECTED_VPCS NO_PATH NO_SOURCE_OR_DESTINATION
    UNASSOCIATED_COMPONENT UNSUPPORTED_COMPONENT""".split()  # noqa: SIM905
)
SCALARS = {"string": str, "integer": int, "boolean": bool}


@cache
def shapes() -> dict[str, Any]:
    return Loader().load_service_model("ec2", "service-2")["shapes"]


def valid(name: str, value: Any, where: str) -> None:
    """Raise AssertionError unless a value is of a shape of EC2's model: members, types, lengths, patterns."""
    shape = shapes()[name]
    kind = shape["type"]
    if kind == "structure":
        assert isinstance(value, dict), where
        for key, held in value.items():
            assert key in shape["members"], f"{where}.{key}"
            valid(shape["members"][key]["shape"], held, f"{where}.{key}")
    elif kind == "list":
        assert isinstance(value, list), where
        for number, each in enumerate(value):
            valid(shape["member"]["shape"], each, f"{where}[{number}]")
    else:
        assert type(value) is SCALARS[kind], f"{where}: {value!r}"
        if "enum" in shape:
            assert value in shape["enum"], f"{where}: {value!r}"
        if name == "IpAddress" and "/" in value:
            # AWS's own examples write prefixes here, whatever its pattern says.
            ip_network(value)
            return
        if "pattern" in shape:
            assert re.match(shape["pattern"], value), f"{where}: {value!r}"
        if kind == "string":
            assert len(value) <= shape.get("max", len(value)), f"{where}: {value!r}"


@pytest.mark.parametrize(("written", "question", "expected", "appliances"), CASES)
def test_every_answer_is_of_ec2s_shapes(
    written: dict[str, Any], question: str, expected: str, appliances: bool
) -> None:
    world = World(Builder(written).build(), appliances)
    source, target, ask = parse_ask(question)
    found = analysis(world, path(world, source, target, ask))
    valid("NetworkInsightsAnalysis", found, "analysis")
    for each in found.get("Explanations", ()):
        assert each["ExplanationCode"] in CODES, each
        assert each["Direction"] in ("ingress", "egress")
    for way in ("ForwardPathComponents", "ReturnPathComponents"):
        numbers = [each["SequenceNumber"] for each in found.get(way, ())]
        assert numbers == list(range(1, len(numbers) + 1))
    if found["NetworkPathFound"]:
        assert found["ForwardPathComponents"]


TWO_TIER: dict[str, Any] = {
    "vpcs": {"vpc-1": ["10.0.0.0/16"]},
    "subnets": {"subnet-a": ["vpc-1", "az1", "10.0.1.0/24"], "subnet-b": ["vpc-1", "az1", "10.0.2.0/24"]},
    "interfaces": {
        "eni-a": {
            "subnet": "subnet-a",
            "ip": "10.0.1.10",
            "public": "54.0.0.10",
            "groups": ["sg-1"],
            "instance": "i-a",
        },
        "eni-b": {"subnet": "subnet-b", "ip": "10.0.2.10", "groups": ["sg-1"]},
    },
    "groups": {"sg-1": ["vpc-1", "in tcp/22 0.0.0.0/0", "out all 0.0.0.0/0"]},
    "tables": {
        "rtb-a": {"vpc": "vpc-1", "subnets": ["subnet-a"], "routes": ["0.0.0.0/0 igw-1"]},
        "rtb-b": {"vpc": "vpc-1", "subnets": ["subnet-b"], "routes": ["0.0.0.0/0 nat-1"]},
    },
    "gateways": {"igw-1": "vpc-1"},
    "nats": {"nat-1": {"subnet": "subnet-a", "ip": "10.0.1.20", "public": "54.0.0.20"}},
}


def hops(question: str) -> tuple[dict[str, Any], list[str], list[str]]:
    world = World(Builder(TWO_TIER).build())
    source, target, ask = parse_ask(question)
    found = analysis(world, path(world, source, target, ask))
    there, back = (
        [each["Component"]["Id"] for each in found[way]]
        for way in ("ForwardPathComponents", "ReturnPathComponents")
    )
    return found, there, back


def test_a_path_from_the_internet_reads_as_aws_writes_it() -> None:
    """Reachability Analyzer: "Getting started using the AWS CLI", example 2."""
    found, there, back = hops("internet -> eni-a tcp/22")
    assert there == ["igw-1", "acl-vpc-1", "sg-1", "eni-a", "i-a"]
    assert back == ["i-a", "eni-a", "sg-1", "acl-vpc-1", "rtb-a", "igw-1"]
    forward, returned = found["ForwardPathComponents"], found["ReturnPathComponents"]
    assert forward[0]["InboundHeader"]["DestinationAddresses"] == ["54.0.0.10/32"]
    assert forward[0]["InboundHeader"]["DestinationPortRanges"] == [{"From": 22, "To": 22}]
    assert forward[0]["InboundHeader"]["SourcePortRanges"] == [{"From": 0, "To": 65535}]
    assert forward[0]["InboundHeader"]["SourceAddresses"][:3] == ["11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4"]
    assert forward[0]["InboundHeader"]["Protocol"] == "6"
    assert forward[0]["OutboundHeader"]["DestinationAddresses"] == ["10.0.1.10/32"]
    assert forward[1]["AclRule"]["RuleNumber"] == 100 and not forward[1]["AclRule"]["Egress"]
    assert forward[2]["SecurityGroupRule"]["PortRange"] == {"From": 22, "To": 22}
    assert forward[3]["AttachedTo"]["Id"] == "i-a" and forward[3]["Subnet"]["Id"] == "subnet-a"
    assert forward[4]["InboundHeader"]["DestinationAddresses"] == ["10.0.1.10/32"]
    assert returned[0]["OutboundHeader"]["SourcePortRanges"] == [{"From": 22, "To": 22}]
    assert "SecurityGroupRule" not in returned[2]
    assert returned[3]["AclRule"]["Egress"]
    assert returned[4]["RouteTableRoute"] == {
        "DestinationCidr": "0.0.0.0/0",
        "GatewayId": "igw-1",
        "Origin": "createroute",
        "State": "active",
    }
    assert returned[5]["OutboundHeader"]["SourceAddresses"] == ["54.0.0.10/32"]
    assert all(
        ("OutboundHeader" in each or "InboundHeader" in each) == (i in (0, 4))
        for i, each in enumerate(forward)
    )


def test_a_path_between_subnets_passes_both_lists() -> None:
    found, there, back = hops("eni-b -> eni-a tcp/22")
    assert there == ["eni-b", "sg-1", "acl-vpc-1", "rtb-b", "acl-vpc-1", "sg-1", "eni-a", "i-a"]
    assert back == ["i-a", "eni-a", "sg-1", "acl-vpc-1", "rtb-a", "acl-vpc-1", "sg-1", "eni-b"]
    assert found["ForwardPathComponents"][0]["OutboundHeader"]["SourceAddresses"] == ["10.0.2.10/32"]
    assert found["ReturnPathComponents"][-1]["InboundHeader"]["SourcePortRanges"] == [{"From": 22, "To": 22}]


def test_a_nat_gateway_shows_both_headers() -> None:
    found, there, back = hops("eni-b -> internet=8.8.8.8/32 tcp/443")
    assert there == [
        "eni-b",
        "sg-1",
        "acl-vpc-1",
        "rtb-b",
        "acl-vpc-1",
        "nat-1",
        "acl-vpc-1",
        "rtb-a",
        "igw-1",
    ]
    assert back == ["igw-1", "acl-vpc-1", "nat-1", "acl-vpc-1", "rtb-a", "acl-vpc-1", "sg-1", "eni-b"]
    nat, gateway = found["ForwardPathComponents"][5], found["ForwardPathComponents"][-1]
    assert nat["InboundHeader"]["SourceAddresses"] == ["10.0.2.10/32"]
    assert nat["OutboundHeader"]["SourceAddresses"] == ["10.0.1.20/32"]
    assert nat["OutboundHeader"]["SourcePortRanges"] == [{"From": 1024, "To": 65535}]
    assert gateway["OutboundHeader"]["SourceAddresses"] == ["54.0.0.20/32"]
    back_nat = found["ReturnPathComponents"][2]
    assert back_nat["InboundHeader"]["DestinationAddresses"] == ["10.0.1.20/32"]
    assert back_nat["OutboundHeader"]["DestinationAddresses"] == ["10.0.2.10/32"]
