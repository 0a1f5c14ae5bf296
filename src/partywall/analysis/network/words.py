"""Paths and blockers in words: one short line per hop, with the rule that let it pass or stops it."""

from __future__ import annotations

from typing import Any, Final

from partywall.analysis.network.addresses import text
from partywall.analysis.network.answers import Answer, Cell, asked_of
from partywall.analysis.network.hops import rule_of, sample
from partywall.analysis.network.model import AclEntry, Interface, SecurityGroupRule
from partywall.analysis.network.sets import FAMILY, Spans, cross, described, forward
from partywall.analysis.network.steps import Kind, Step
from partywall.analysis.network.world import World

_NAMES: Final = {-1: "all", 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
_TYPED: Final = (1, 58)
_HINTS: Final = {
    "ENI_SG_RULES_MISMATCH": "no rule lets it pass",
    "SUBNET_ACL_RESTRICTION": "denies it",
    "NO_ROUTE_TO_DESTINATION": "has no route to it",
    "BAD_STATE_ROUTE": "its route leads into nothing (blackhole)",
    "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS": "no public address leads to it",
    "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS": "it has no public address",
    "NO_POSSIBLE_DESTINATION": "nothing there has that address",
    "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT": "has no route to it",
    "TGW_ROUTE_AZ_RESTRICTION": "is not attached in that zone",
    "BAD_STATE": "is not in use",
    "BAD_STATE_ATTACHMENT": "is not attached",
    "NO_PATH": "no way leads there",
    "NO_SOURCE_OR_DESTINATION": "was not found",
    "PROTOCOL_RESTRICTION": "does not carry it",
    "VPCE_GATEWAY_PROTOCOL_RESTRICTION": "carries TCP and pings alone",
    "VPCE_INTRA_VPC_TRAFFIC": "starts no connections",
    "VPC_LOCAL_ROUTE_CIDR_RESTRICTION": "is not the VPC of that address",
    "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR": "carries the two VPCs' own addresses alone",
    "NGW_REQUIRES_SOURCE_IN_VPC": "takes traffic of its own VPC alone",
    "ENI_SOURCE_DEST_CHECK_RESTRICTION": "passes nothing on: its source/destination check is on",
    "FIREWALL_RULES_RESTRICTION": "a rule of the firewall drops it",
    "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS": "takes no private sources",
    "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS": "takes no shared sources",
    "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS": "sends nothing to private addresses",
    "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS": "sends nothing to shared addresses",
    "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION": "is associated with no route table",
    "TGW_RTB_BAD_STATE_ROUTE": "its route leads into nothing (blackhole)",
    "BAD_STATE_VPN": "has no tunnel or link that is up",
    "VPC_BLOCK_PUBLIC_ACCESS_ENABLED": "VPC Block Public Access stops it",
}


def runs(found: Spans) -> list[tuple[int, int, int]]:
    """Protocol, first and last port of each run; all that IPv4 or IPv6 can carry is one run of -1s."""
    if any(not family - found for family in FAMILY.values()):
        return [(-1, -1, -1)]
    return described(found)


def ports_of(found: Spans) -> list[dict[str, Any]]:
    """Services as rows: protocol in EC2's words, first and last port (-1 to -1: all; ICMP: types)."""
    return [
        {"protocol": "-1" if p < 0 else _NAMES.get(p, str(p)), "from_port": low, "to_port": high}
        for p, low, high in runs(found)
    ]


def services_text(found: Spans, limit: int = 12) -> str:
    """Services for people: "tcp 22, tcp 80-443, icmp"; "nothing", "everything"."""
    told: list[str] = []
    for protocol, low, high in runs(found):
        name = _NAMES.get(protocol, f"protocol {protocol}")
        if protocol < 0:
            return "everything"
        if low < 0 or protocol in _TYPED or (low, high) == (0, 65535):
            told.append(name)
        else:
            told.append(f"{name} {low}" if low == high else f"{name} {low}-{high}")
    told = list(dict.fromkeys(told))
    more = f" and {len(told) - limit} more" if len(told) > limit else ""
    return ", ".join(told[:limit]) + more if told else "nothing"


def title_of(interface: Interface | None, id_: str = "") -> str:
    """An interface for people: its name or what holds it, and its id."""
    if interface is None:
        return id_
    holder = interface.name or interface.instance or interface.owner.rpartition("/")[2]
    return f"{holder} ({interface.id})" if holder and holder != interface.id else interface.id


def path_lines(world: World, cell: Cell, is_reply: bool = False) -> list[str]:
    """The hops of a path one way, a line each."""
    service, port = sample(cell.sure or cell.maybe)
    lines: list[str] = []
    for step in cell.trace.steps:
        if step.reply != is_reply:
            continue
        line = f"{step.kind.value} {_who(world, step)}"
        passed = rule_text(rule_of(world, step, port if is_reply else service))
        if passed:
            line += f": {'out' if step.egress else 'in'} by {passed}"
        elif step.route is not None:
            to = getattr(step.route, "target", "") or ", ".join(getattr(step.route, "attachments", ()))
            line += f": {step.matched} to {to}"
        lines.append(line)
    return lines


def _who(world: World, step: Step) -> str:
    if step.kind is Kind.INTERFACE:
        return title_of(world.interfaces.get(step.component), step.component)
    if step.kind is Kind.SECURITY_GROUP:
        held = world.network.index["security_groups"]
        names = [
            f"{group} ({held[group].name})" if group in held and held[group].name else group
            for group in step.groups
        ]
        return ", ".join(names) or step.holder
    return step.component


def rule_text(rule: SecurityGroupRule | AclEntry | None) -> str:
    """A rule for people: "tcp 22 0.0.0.0/0", "entry 100 allow all 0.0.0.0/0"; "" where there is none."""
    if rule is None:
        return ""
    name = _NAMES.get(rule.protocol, f"protocol {rule.protocol}")
    if rule.from_port >= 0 and rule.protocol not in _TYPED:
        name += (
            f" {rule.from_port}" if rule.from_port == rule.to_port else f" {rule.from_port}-{rule.to_port}"
        )
    if isinstance(rule, AclEntry):
        return f"entry {rule.number} {'allow' if rule.allow else 'deny'} {name} {rule.cidr}"
    return f"{name} {rule.cidr or rule.prefix_list or rule.group}"


def blocker_lines(world: World, answer: Answer) -> list[str]:
    """Everything that stops what was asked, a line each, with AWS's explanation code."""
    asked = asked_of(answer.ask, answer.cells[0].source) if answer.cells else ()
    service, port = sample(asked)
    lines: list[str] = []
    for step in answer.blockers:
        hint = _HINTS.get(step.code, "stops it")
        rule = rule_of(world, step, port if step.reply else service)
        if isinstance(rule, AclEntry) and not rule.allow:
            hint = f"{rule_text(rule)}"
        way = "the reply " if step.reply else ""
        remote = step.destination if step.egress else step.source
        side = (
            f"{'to' if step.egress else 'from'} {text(remote)}: " if step.source != step.destination else ""
        )
        lines.append(f"{step.kind.value} {_who(world, step)}: {way}{side}{hint} [{step.code}]")
        if step.discarded and cross(forward(step.lost), asked):
            kind, id_, code = step.discarded
            lines.append(f"{kind.value} {id_}: past it, rules that name groups do not match [{code}]")
    return list(dict.fromkeys(lines))
