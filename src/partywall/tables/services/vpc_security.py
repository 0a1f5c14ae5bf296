"""Amazon VPC's packet filters: security groups and their rules, network ACLs and their entries."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from partywall.tables.cidr import CIDR_FIELDS, cidr_facts, is_anywhere
from partywall.tables.spec import Bool, Call, Column, Enum, Field, Int, List, Relation, Str, Struct, Table

Entry = Mapping[str, Any]

_PROTOCOLS: Final = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}
_PORTLESS: Final = ("icmp", "icmpv6")
_ALL_PORTS: Final = (0, 65535)


def protocol_name(raw: Any) -> str:
    """A protocol in EC2's words: "tcp", "udp", "icmp", "icmpv6", "-1" for all, else its number."""
    text = str(raw).lower()
    return _PROTOCOLS.get(text, text)


def ports(protocol: str, first: Any, last: Any) -> tuple[int, int]:
    """The ports that a rule covers: all of them where the protocol has ports and the rule names none.

    For ICMP, EC2 keeps type and code in these members, so that they say nothing of ports: (-1, -1).
    """
    if protocol in _PORTLESS:
        return (-1, -1)
    if protocol == "-1" or first is None or last is None or (int(first) == -1 and int(last) == -1):
        return _ALL_PORTS
    return (int(first), int(last))


def _sources(permission: Entry) -> Iterator[dict[str, Any]]:
    """One member set per peer that a permission names."""
    for peer in permission.get("IpRanges") or ():
        yield {
            "peer_type": "cidr",
            "peer": peer.get("CidrIp", ""),
            **_facts(peer.get("CidrIp")),
            **_note(peer),
        }
    for peer in permission.get("Ipv6Ranges") or ():
        block = peer.get("CidrIpv6")
        yield {"peer_type": "cidr", "peer": block or "", **_facts(block), **_note(peer)}
    for peer in permission.get("PrefixListIds") or ():
        yield {"peer_type": "prefix-list", "peer": peer.get("PrefixListId", ""), **_note(peer)}
    for peer in permission.get("UserIdGroupPairs") or ():
        group = peer.get("GroupId") or peer.get("GroupName", "")
        account = peer.get("UserId", "")
        yield {
            "peer_type": "security-group",
            "peer": group,
            "peer_account_id": account,
            "peer_vpc_id": peer.get("VpcId", ""),
            "peering_status": peer.get("PeeringStatus", ""),
            **_note(peer),
        }


def _facts(block: str | None) -> dict[str, Any]:
    return cidr_facts(block) if block else {}


def _note(peer: Entry) -> dict[str, Any]:
    return {"description": peer.get("Description") or ""}


def permissions(raw: list[Entry]) -> list[dict[str, Any]]:
    """EC2's nested permissions, one element per protocol, port range and peer."""
    found: list[dict[str, Any]] = []
    for permission in raw:
        protocol = protocol_name(permission.get("IpProtocol", ""))
        first, last = ports(protocol, permission.get("FromPort"), permission.get("ToPort"))
        icmp = protocol in _PORTLESS
        common = {
            "protocol": protocol,
            "from_port": first,
            "to_port": last,
            "icmp_type": int(permission.get("FromPort", -1)) if icmp else -1,
            "icmp_code": int(permission.get("ToPort", -1)) if icmp else -1,
        }
        found.extend({**common, **source} for source in _sources(permission))
    return found


def anywhere_texts(raw: list[Entry]) -> list[str]:
    """The permissions that name the whole of IPv4 or IPv6, as text for people: "tcp 22 from 0.0.0.0/0"."""
    return [
        f"{_traffic(p['protocol'], p['from_port'], p['to_port'])} from {p['peer']}"
        for p in permissions(raw)
        if p.get("is_anywhere")
    ]


def _traffic(protocol: str, first: int, last: int) -> str:
    if protocol == "-1":
        return "all traffic"
    if (first, last) == _ALL_PORTS:
        return f"{protocol} all ports"
    if first < 0:
        return protocol
    return f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"


_PERMISSION = Struct(
    Field("protocol", Str, "protocol", ""),
    Field("from_port", Int, "from_port", -1),
    Field("to_port", Int, "to_port", -1),
    Field("icmp_type", Int, "icmp_type", -1),
    Field("icmp_code", Int, "icmp_code", -1),
    Field("peer_type", Enum("cidr", "prefix-list", "security-group"), "peer_type", ""),
    Field("peer", Str, "peer", ""),
    Field("peer_account_id", Str, "peer_account_id", ""),
    Field("peer_vpc_id", Str, "peer_vpc_id", ""),
    Field("peering_status", Str, "peering_status", ""),
    Field("description", Str, "description", ""),
    *CIDR_FIELDS,
)
_PERMISSION_DOC = (
    "one element per protocol, port range and peer (block, prefix list, group). Protocol -1 is all traffic; "
    "ports are 0-65535 where the rule covers all of them and -1 for ICMP, whose type and code are -1 for all."
)

security_group = Table(
    "vpc_security_group",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::SecurityGroup",
    doc="A security group with its permissions, and the network interfaces that use it.",
    rows=Call("ec2:DescribeSecurityGroups", at="SecurityGroups"),
    arn="arn:{partition}:ec2:{region}:{owner_id}:security-group/{group_id}",
    title="GroupName",
    tags="Tags",
    columns=(
        Column("group_id", Str, "GroupId"),
        Column("owner_id", Str, "OwnerId", doc="The account that owns the group."),
        Column("vpc_id", Str, "VpcId", ""),
        Column("description", Str, "Description", ""),
        Column(
            "is_default", Bool, "GroupName", fn=lambda v: v == "default", doc="The VPC's own default group."
        ),
        Column(
            "ingress",
            List(_PERMISSION),
            "IpPermissions",
            fn=permissions,
            doc="What it lets in: " + _PERMISSION_DOC,
        ),
        Column(
            "egress",
            List(_PERMISSION),
            "IpPermissionsEgress",
            fn=permissions,
            doc="What it lets out: " + _PERMISSION_DOC,
        ),
        Column(
            "ingress_from_anywhere",
            List(Str),
            "IpPermissions",
            fn=anywhere_texts,
            doc="The inbound permissions for 0.0.0.0/0 and ::/0 as text.",
        ),
    ),
    relations=(
        Relation(
            "interfaces",
            "vpc_network_interface",
            ("network_interface_id", "interface_type", "status", "public_ip", "instance_id"),
            {"group_id": "group_ids[]", "region": "region"},
            doc="The network interfaces that the group is attached to.",
        ),
    ),
)

security_group_rule = Table(
    "vpc_security_group_rule",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::SecurityGroupIngress",
    doc="One rule of a security group, with its own id and tags.",
    rows=Call("ec2:DescribeSecurityGroupRules", at="SecurityGroupRules"),
    arn="arn:{partition}:ec2:{region}:{account_id}:security-group-rule/{security_group_rule_id}",
    title="SecurityGroupRuleId",
    tags="Tags",
    columns=(
        Column("security_group_rule_id", Str, "SecurityGroupRuleId"),
        Column("group_id", Str, "GroupId"),
        Column("group_owner_id", Str, "GroupOwnerId"),
        Column("is_egress", Bool, "IsEgress"),
        Column(
            "protocol",
            Str,
            "IpProtocol",
            fn=protocol_name,
            doc="tcp, udp, icmp, icmpv6, -1 (all) or a number.",
        ),
        Column("from_port", Int, "FromPort", -1, doc="First port, or the ICMP type; -1: all."),
        Column("to_port", Int, "ToPort", -1, doc="Last port, or the ICMP code; -1: all."),
        Column("cidr_ipv4", Str, "CidrIpv4", ""),
        Column("cidr_ipv6", Str, "CidrIpv6", ""),
        Column(
            "is_anywhere",
            Bool,
            ".",
            doc="The rule's peer is 0.0.0.0/0 or ::/0.",
            fn=lambda v: _rule_anywhere(v),
        ),
        Column("prefix_list_id", Str, "PrefixListId", ""),
        Column("referenced_group_id", Str, "ReferencedGroupInfo.GroupId", ""),
        Column(
            "referenced_group_peering_status",
            Str,
            "ReferencedGroupInfo.PeeringStatus",
            "",
            doc="Of a group in a peered VPC; `deleted` where the peering is gone and the rule is stale.",
        ),
        Column("description", Str, "Description", ""),
    ),
)


def _rule_anywhere(rule: Entry) -> bool:
    return is_anywhere(rule.get("CidrIpv4") or "") or is_anywhere(rule.get("CidrIpv6") or "")


def _entry_block(entry: Entry) -> str:
    return entry.get("CidrBlock") or entry.get("Ipv6CidrBlock") or ""


def entries(raw: list[Entry]) -> list[dict[str, Any]]:
    """A network ACL's entries in the order in which the VPC evaluates them."""
    found: list[dict[str, Any]] = []
    for entry in sorted(raw, key=lambda e: (bool(e.get("Egress")), int(e.get("RuleNumber", 0)))):
        protocol = protocol_name(entry.get("Protocol", ""))
        span = entry.get("PortRange") or {}
        first, last = ports(protocol, span.get("From"), span.get("To"))
        icmp = entry.get("IcmpTypeCode") or {}
        found.append(
            {
                "icmp_type": int(icmp.get("Type", -1)),
                "icmp_code": int(icmp.get("Code", -1)),
                "rule_number": int(entry.get("RuleNumber", 0)),
                "egress": bool(entry.get("Egress")),
                "action": entry.get("RuleAction", ""),
                "protocol": protocol,
                "from_port": first,
                "to_port": last,
                **_facts(_entry_block(entry)),
            }
        )
    return found


def open_to_internet(raw: list[Entry]) -> list[dict[str, Any]]:
    """The TCP and UDP ports that an ACL lets in from the whole internet, earlier denials taken off.

    Entries are read in the order of their numbers and the first that matches decides ("Network ACL rules").
    Only entries for all addresses count: a denial of some blocks leaves the rest of the world in.
    """
    found: list[dict[str, Any]] = []
    for family in ("ipv4", "ipv6"):
        for protocol in ("tcp", "udp"):
            decided: list[tuple[int, int]] = []
            for entry in entries(raw):
                if entry["egress"] or entry.get("family") != family or not entry.get("is_anywhere"):
                    continue
                if entry["protocol"] not in (protocol, "-1"):
                    continue
                span = (entry["from_port"], entry["to_port"])
                if entry["action"] == "allow":
                    found.extend(
                        {"family": family, "protocol": protocol, "from_port": first, "to_port": last}
                        for first, last in _without(span, decided)
                    )
                decided.append(span)
    return found


def _without(span: tuple[int, int], decided: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of a port range when the ranges already decided are taken off."""
    left = [span]
    for first, last in decided:
        left = [
            part
            for start, end in left
            for part in ((start, min(end, first - 1)), (max(start, last + 1), end))
            if part[0] <= part[1]
        ]
    return left


network_acl = Table(
    "vpc_network_acl",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::NetworkAcl",
    doc="A network ACL with its entries and the subnets it filters.",
    rows=Call("ec2:DescribeNetworkAcls", at="NetworkAcls"),
    arn="arn:{partition}:ec2:{region}:{owner_id}:network-acl/{network_acl_id}",
    title="NetworkAclId",
    tags="Tags",
    columns=(
        Column("network_acl_id", Str, "NetworkAclId"),
        Column("owner_id", Str, "OwnerId"),
        Column("vpc_id", Str, "VpcId", ""),
        Column("is_default", Bool, "IsDefault", False),
        Column(
            "subnet_ids", List(Str), "Associations[].SubnetId", doc="The subnets that it is associated with."
        ),
        Column(
            "entries",
            List(
                Struct(
                    Field("rule_number", Int, "rule_number"),
                    Field("egress", Bool, "egress"),
                    Field("action", Enum("allow", "deny"), "action"),
                    Field("protocol", Str, "protocol"),
                    Field("from_port", Int, "from_port"),
                    Field("to_port", Int, "to_port"),
                    Field("icmp_type", Int, "icmp_type", -1),
                    Field("icmp_code", Int, "icmp_code", -1),
                    *CIDR_FIELDS,
                )
            ),
            "Entries",
            fn=entries,
            doc="Its entries in the order of evaluation, inbound first; protocol -1 is all traffic.",
        ),
        Column(
            "open_to_internet",
            List(
                Struct(
                    Field("family", Enum("ipv4", "ipv6"), "family"),
                    Field("protocol", Enum("tcp", "udp"), "protocol"),
                    Field("from_port", Int, "from_port"),
                    Field("to_port", Int, "to_port"),
                )
            ),
            "Entries",
            fn=open_to_internet,
            doc="Ports let in from 0.0.0.0/0 or ::/0 once the denials with lower numbers are taken off.",
        ),
    ),
)

TABLES = (security_group, security_group_rule, network_acl)
