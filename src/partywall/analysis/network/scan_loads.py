"""Load balancers and firewalls of a scan, as records of `model`."""

from __future__ import annotations

from typing import Any, Final

from partywall.analysis.network.addresses import ANY4, ANY6, Cidr
from partywall.analysis.network.model import (
    Firewall,
    FirewallPolicy,
    Interface,
    Listener,
    ListenerRule,
    LoadBalancer,
    StatefulGroup,
    StatefulRule,
    StatelessGroup,
    StatelessRule,
    Target,
    TargetGroup,
)
from partywall.analysis.network.scan_tables import Reading, Row, cidrs, known
from partywall.analysis.network.stand_ins import StandIns

# Keywords that say nothing of which packets a rule matches.
_PLAIN_KEYWORDS: Final = frozenset(("sid", "msg", "rev", "classtype", "metadata", "priority", "reference"))
_DEFAULT_PRIORITY: Final = 50001


def loads(reading: Reading, stand_ins: StandIns) -> list[Any]:
    """Load balancers with listeners and targets, firewalls with their policies."""
    return [
        *_load_balancers(reading, stand_ins),
        *_target_groups(reading),
        *_firewalls(reading),
        *_policies(reading),
    ]


def _load_balancers(reading: Reading, stand_ins: StandIns) -> list[Any]:
    from partywall.analysis.network.scan_network import load_balancer_owners

    kind = "load_balancers"
    reading.open(kind, "elbv2_load_balancer")
    reading.open(kind, "elb_load_balancer")
    owners = load_balancer_owners(reading)
    held: dict[str, list[str]] = {}
    for row in reading.rows("vpc_network_interface"):
        owner = owners.get((row["account_id"], row["region"], row["description"] or ""))
        if owner:
            held.setdefault(owner, []).append(row["network_interface_id"])
    listeners = _listeners(reading)
    unlisted = reading.lake.source.incomplete.get("elbv2_listener", set())
    found: list[Any] = []
    for row in reading.rows("elbv2_load_balancer"):
        arn = row["load_balancer_arn"]
        place = {(row["account_id"], row["region"]), (row["account_id"], "*")}
        if place & unlisted:
            reading.open(kind, "elbv2_listener")
        standing = [] if arn in held else _standing(stand_ins, row, arn)
        found += standing
        found.append(
            LoadBalancer(
                arn,
                row["account_id"],
                row["region"],
                row["vpc_id"] or "",
                row["type"] or "application",
                row["scheme"] == "internet-facing",
                tuple(known(row["subnet_ids"])),
                None if row["group_ids"] is None else tuple(known(row["group_ids"])),
                tuple(held.get(arn) or (each.id for each in standing)),
                None if place & unlisted and arn not in listeners else tuple(listeners.get(arn, ())),
                None if row["cross_zone"] is None else row["cross_zone"] == "true",
                row["enforce_groups_on_private_link"] != "off",
                row["state"] or "active",
                row["name"] or "",
            )
        )
    for row in reading.rows("elb_load_balancer"):
        standing = [] if row["arn"] in held else _standing(stand_ins, row, row["arn"])
        found += standing
        found += _classic(row, tuple(held.get(row["arn"]) or (each.id for each in standing)))
    return found


def _standing(stand_ins: StandIns, row: Row, arn: str) -> list[Interface]:
    """A load balancer's interfaces, which it surely has, where the scan did not list them."""
    return stand_ins.make(
        arn,
        tuple(known(row["subnet_ids"])),
        None if row["group_ids"] is None else tuple(known(row["group_ids"])),
        public=row["scheme"] == "internet-facing",
        kind="network_load_balancer" if row.get("type") == "network" else "interface",
        name=row["name"] or "",
    )


def _listeners(reading: Reading) -> dict[str, list[Listener]]:
    found: dict[str, list[Listener]] = {}
    for row in reading.rows("elbv2_listener"):
        rules = row["rules"]
        if rules is None:
            reading.lack("load_balancers", row, "rules", "elbv2_listener", row["load_balancer_arn"])
        found.setdefault(row["load_balancer_arn"], []).append(
            Listener(
                row["listener_arn"],
                row["protocol"] or "",
                row["port"] or 0,
                None
                if rules is None
                else tuple(
                    sorted(
                        (_rule(row["listener_arn"], r) for r in known(rules)), key=lambda rule: rule.priority
                    )
                ),
                row["ssl_policy"] or "",
            )
        )
    return found


def _rule(listener: str, rule: Row) -> ListenerRule:
    written = rule["priority"] or ""
    priority = int(written) if written.isdigit() else _DEFAULT_PRIORITY
    actions = list(known(rule["action_types"]))
    return ListenerRule(
        f"{listener} rule {written}",
        tuple(known(rule["target_group_arns"])),
        next((a for a in reversed(actions) if a in ("forward", "redirect", "fixed-response")), "forward"),
        cidrs(rule["source_ips"]),
        any(condition != "source-ip" for condition in known(rule["conditions"])),
        bool(rule["authentication"]),
        priority,
    )


def _target_groups(reading: Reading) -> list[TargetGroup]:
    kind, table = "target_groups", "elbv2_target_group"
    reading.open(kind, table)
    found: list[TargetGroup] = []
    for row in reading.rows(table):
        targets, preserves = row["targets"], row["preserve_client_ip"]
        if targets is None:
            reading.lack(kind, row, "targets", table, row["target_group_arn"])
        if preserves is None:
            reading.lack(kind, row, "preserve_client_ip", table, row["target_group_arn"])
        found.append(
            TargetGroup(
                row["target_group_arn"],
                row["account_id"],
                row["region"],
                row["vpc_id"] or "",
                row["protocol"] or "",
                row["port"] or 0,
                row["target_type"] or "instance",
                None if targets is None else tuple(_target(t) for t in known(targets)),
                _preserves(row),
                row["name"] or "",
            )
        )
    return found


def _target(target: Row) -> Target:
    return Target(
        target["id"] or "",
        target["port"] or 0,
        target["availability_zone"] or "",
        target["state"] or "",
    )


def _preserves(row: Row) -> bool | None:
    """Whether targets see clients' addresses: the attribute, else the default of the group's kind.

    Network Load Balancers, "Client IP preservation": on for instances and UDP, off for addresses over TCP.
    """
    written = row["preserve_client_ip"]
    if written is None:
        return None
    if row["protocol"] in ("UDP", "TCP_UDP", "QUIC", "TCP_QUIC"):
        return True
    return row["target_type"] == "instance" if written == "default" else written == "true"


def _classic(row: Row, interfaces: tuple[str, ...]) -> list[Any]:
    """A Classic Load Balancer: each listener with a target group of its own."""
    instances = tuple(known(row["instance_ids"]))
    found: list[Any] = []
    listeners: list[Listener] | None = None if row["listeners"] is None else []
    for each in known(row["listeners"]):
        group = f"{row['arn']}:{each['instance_port']}"
        if all(made.id != group for made in found):
            found.append(
                TargetGroup(
                    group,
                    row["account_id"],
                    row["region"],
                    row["vpc_id"] or "",
                    each["instance_protocol"] or "",
                    each["instance_port"] or 0,
                    "instance",
                    tuple(Target(i, each["instance_port"] or 0) for i in instances),
                    False,
                )
            )
        if listeners is not None:
            id_ = f"{row['arn']}:{each['port']}"
            rule = ListenerRule(f"{id_} rule default", (group,))
            listeners.append(Listener(id_, each["protocol"] or "", each["port"] or 0, (rule,)))
    found.append(
        LoadBalancer(
            row["arn"],
            row["account_id"],
            row["region"],
            row["vpc_id"] or "",
            "classic",
            row["scheme"] == "internet-facing",
            tuple(known(row["subnet_ids"])),
            None if row["group_ids"] is None else tuple(known(row["group_ids"])),
            interfaces,
            None if listeners is None else tuple(listeners),
            name=row["name"] or "",
        )
    )
    return found


def _firewalls(reading: Reading) -> list[Firewall]:
    kind, table = "firewalls", "networkfirewall_firewall"
    reading.open(kind, table)
    found: list[Firewall] = []
    for row in reading.rows(table):
        if row["endpoints"] is None:
            reading.lack(kind, row, "endpoints", table, row["arn"])
        found.append(
            Firewall(
                row["arn"],
                row["vpc_id"] or "",
                row["account_id"],
                row["region"],
                tuple(e["endpoint_id"] for e in known(row["endpoints"]) if e["endpoint_id"]),
                row["firewall_policy_arn"] or "",
                row["name"] or "",
            )
        )
    return found


def _policies(reading: Reading) -> list[FirewallPolicy]:
    kind, table = "firewall_policies", "networkfirewall_policy"
    reading.open(kind, table)
    groups = {row["arn"]: row for row in reading.rows("networkfirewall_rule_group")}
    found: list[FirewallPolicy] = []
    for row in reading.rows(table):
        if row["stateless_rule_groups"] is None:
            # Without its policy a firewall may do anything: its endpoints' answers are unknown.
            reading.lack(kind, row, "stateless_rule_groups", table, row["arn"])
            continue
        variables = row["variables"] or {}
        stateless = tuple(
            StatelessGroup(r["arn"], r["priority"] or 0, _stateless(reading, groups.get(r["arn"])))
            for r in known(row["stateless_rule_groups"])
        )
        stateful = tuple(
            StatefulGroup(
                r["arn"],
                r["priority"] or 0,
                None if r["override"] else _stateful(reading, groups.get(r["arn"]), variables),
            )
            for r in known(row["stateful_rule_groups"])
        )
        found.append(
            FirewallPolicy(
                row["arn"],
                row["account_id"],
                row["region"],
                stateless,
                stateful,
                tuple(known(row["stateless_default_actions"])),
                tuple(known(row["stateful_default_actions"])),
                row["stateful_rule_order"] == "STRICT_ORDER",
            )
        )
    return found


def _stateless(reading: Reading, row: Row | None) -> tuple[StatelessRule, ...] | None:
    if row is None:
        return None
    if row["stateless_rule_list"] is None:
        reading.lack(
            "firewall_policies", row, "stateless_rule_list", "networkfirewall_rule_group", row["arn"]
        )
        return None
    return tuple(
        StatelessRule(
            rule["priority"] or 0,
            tuple(known(rule["actions"])),
            cidrs(rule["sources"]),
            cidrs(rule["destinations"]),
            tuple(_span(s) for s in known(rule["source_ports"])),
            tuple(_span(s) for s in known(rule["destination_ports"])),
            tuple(known(rule["protocols"])),
            bool(rule["tcp_flags"]),
        )
        for rule in known(row["stateless_rule_list"])
    )


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _stateful(reading: Reading, row: Row | None, variables: Row) -> tuple[StatefulRule, ...] | None:
    """A group's plain rules; None where it is an AWS managed one, Suricata text, or was not read."""
    if row is None:
        return None
    column, table = "stateful_rule_list", "networkfirewall_rule_group"
    if row[column] is None:
        reading.lack("firewall_policies", row, column, table, row["arn"])
        return None
    if row["has_rules_string"] or known_list(row["domain_targets"]) or row["type"] != "STATEFUL":
        return None
    sets = {**variables, **(row["ip_sets"] or {})}
    ports = row["port_sets"] or {}
    return tuple(_stateful_rule(r, sets, ports) for r in known(row["stateful_rule_list"]))


def known_list(value: Any) -> list[Any]:
    """The known elements of a list column as a list."""
    return list(known(value))


def _stateful_rule(rule: Row, sets: Row, port_sets: Row) -> StatefulRule:
    sources, plain_1 = _places(rule["source"], sets)
    destinations, plain_2 = _places(rule["destination"], sets)
    source_ports, plain_3 = _ports(rule["source_port"], port_sets)
    destination_ports, plain_4 = _ports(rule["destination_port"], port_sets)
    keywords = {k.lower() for k in known(rule["keywords"])}
    plain = plain_1 and plain_2 and plain_3 and plain_4 and keywords <= _PLAIN_KEYWORDS
    return StatefulRule(
        rule["action"] or "",
        rule["protocol"] or "IP",
        sources,
        destinations,
        source_ports,
        destination_ports,
        rule["direction"] == "ANY",
        plain,
    )


def _written(text: str | None, sets: Row) -> list[str] | None:
    """The parts of an address or port as a rule writes it, variables replaced; None: not understood."""
    text = (text or "ANY").strip()
    if text.startswith("["):
        text = text.strip("[]")
    parts: list[str] = []
    for part in (p.strip() for p in text.split(",")):
        if part.startswith("$"):
            value = sets.get(part[1:])
            if value is None:
                return None
            parts += [v.strip() for v in value.split(",")]
        elif part.startswith(("!", "@")):
            return None
        else:
            parts.append(part)
    return parts


def _places(text: str | None, sets: Row) -> tuple[tuple[Cidr, ...] | None, bool]:
    parts = _written(text, sets)
    if parts is None:
        return None, False
    if any(p.upper() == "ANY" for p in parts):
        return None, True
    blocks = cidrs(parts)
    if len(blocks) != len(parts):
        return None, False
    return (None, True) if {ANY4, ANY6} <= {*blocks} else (blocks, True)


def _ports(text: str | None, sets: Row) -> tuple[tuple[tuple[int, int], ...] | None, bool]:
    parts = _written(text, sets)
    if parts is None:
        return None, False
    if any(p.upper() == "ANY" for p in parts):
        return None, True
    spans: list[tuple[int, int]] = []
    for part in parts:
        first, _, last = part.partition(":")
        if not first.isdigit() or (last and not last.isdigit()):
            return None, False
        spans.append((int(first), int(last or (65535 if ":" in part else first))))
    return tuple(spans), True
