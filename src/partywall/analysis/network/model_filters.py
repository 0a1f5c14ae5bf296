"""Records of what lets packets pass or stops them: groups, lists, access control lists, firewalls, blocks."""

from __future__ import annotations

from dataclasses import dataclass

from partywall.analysis.network.addresses import Cidr

ALL_PROTOCOLS = -1


@dataclass(frozen=True, slots=True)
class SecurityGroupRule:
    """One rule: exactly one of `cidr`, `prefix_list`, `group` names the remote side.

    `protocol` is the number (-1 all). Ports are destination ports (-1 to -1 all); for ICMP `from_port` is the
    type and `to_port` the code (-1 all).
    """

    id: str
    egress: bool
    protocol: int
    from_port: int = -1
    to_port: int = -1
    cidr: Cidr | None = None
    prefix_list: str = ""
    group: str = ""
    """A security group's id, own, of the same VPC, of a peer or of a VPC on the same transit gateway."""
    group_account: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A security group; `rules` None where they were not read."""

    id: str
    vpc: str
    account: str
    region: str
    rules: tuple[SecurityGroupRule, ...] | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class PrefixList:
    """A prefix list, the customer's or AWS's own; `entries` None where they were not read."""

    id: str
    account: str
    region: str
    entries: tuple[Cidr, ...] | None
    name: str = ""
    """AWS's own are named after the service: com.amazonaws.us-east-1.s3."""


@dataclass(frozen=True, slots=True)
class AclEntry:
    """An entry of a network ACL. `number` 32767 is the last, `*`. `cidr` is the source of ingress entries and
    the destination of egress ones; ports are destination ports (-1 all); ICMP type and code -1 are all."""

    number: int
    egress: bool
    allow: bool
    protocol: int
    cidr: Cidr
    from_port: int = -1
    to_port: int = -1
    icmp_type: int = -1
    icmp_code: int = -1


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """A network ACL with the subnets associated with it; `entries` None where they were not read."""

    id: str
    vpc: str
    account: str
    region: str
    subnets: tuple[str, ...]
    entries: tuple[AclEntry, ...] | None
    default: bool = False


@dataclass(frozen=True, slots=True)
class StatelessRule:
    """A stateless rule of Network Firewall; empty fields match everything. `actions` as AWS writes them."""

    priority: int
    actions: tuple[str, ...]
    """aws:pass, aws:drop or aws:forward_to_sfe; custom actions beside them only publish metrics."""
    sources: tuple[Cidr, ...] = ()
    destinations: tuple[Cidr, ...] = ()
    source_ports: tuple[tuple[int, int], ...] = ()
    destination_ports: tuple[tuple[int, int], ...] = ()
    protocols: tuple[int, ...] = ()
    tcp_flags: bool = False
    """It matches on TCP flags, which part the packets of one connection."""


@dataclass(frozen=True, slots=True)
class StatelessGroup:
    """A stateless rule group at its priority in a policy; `rules` None where they were not read."""

    arn: str
    priority: int
    rules: tuple[StatelessRule, ...] | None


@dataclass(frozen=True, slots=True)
class StatefulRule:
    """A plain stateful rule (5-tuple). Fields that are None match anything; so does `protocol` "IP"."""

    action: str
    """PASS, DROP, REJECT or ALERT."""
    protocol: str
    sources: tuple[Cidr, ...] | None = None
    destinations: tuple[Cidr, ...] | None = None
    source_ports: tuple[tuple[int, int], ...] | None = None
    destination_ports: tuple[tuple[int, int], ...] | None = None
    any_direction: bool = False
    plain: bool = True
    """False: it has options (keywords) or names that were not understood; what it matches is not known."""


@dataclass(frozen=True, slots=True)
class StatefulGroup:
    """A stateful rule group; `rules` None where not read or not plain (Suricata text, domain lists)."""

    arn: str
    priority: int
    rules: tuple[StatefulRule, ...] | None


@dataclass(frozen=True, slots=True)
class FirewallPolicy:
    """A firewall policy of Network Firewall."""

    id: str
    """Its ARN."""
    account: str
    region: str
    stateless_groups: tuple[StatelessGroup, ...]
    stateful_groups: tuple[StatefulGroup, ...]
    stateless_default: tuple[str, ...] = ("aws:forward_to_sfe",)
    stateful_default: tuple[str, ...] = ()
    """Only for strict order: aws:drop_strict, aws:drop_established, aws:alert_strict …"""
    strict: bool = False
    """Stateful rules in strict order; else by action: pass, drop, reject, alert."""


@dataclass(frozen=True, slots=True)
class Firewall:
    """A firewall of Network Firewall with the VPC endpoints in its subnets; `policy` "" was not read."""

    id: str
    """Its ARN."""
    vpc: str
    account: str
    region: str
    endpoints: tuple[str, ...]
    policy: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class BlockPublicAccess:
    """VPC Block Public Access of one account and Region."""

    account: str
    region: str
    mode: str
    """off, block-bidirectional or block-ingress."""


@dataclass(frozen=True, slots=True)
class BlockPublicAccessExclusion:
    """A VPC or subnet let off it."""

    id: str
    account: str
    region: str
    mode: str
    """allow-bidirectional or allow-egress."""
    vpc: str = ""
    subnet: str = ""
    state: str = "create-complete"
