"""Network Firewall: stateless rules by the packet, then plain stateful rules by the flow.

Network Firewall Developer Guide, "Stateless and stateful rules engines" and "Evaluation order for stateful
rule groups". What Suricata text, domain lists and rule options match is not known: those packets may pass.
"""

from __future__ import annotations

from collections.abc import Iterable

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.cells import Point
from partywall.analysis.network.model import FirewallPolicy, StatefulRule, StatelessRule
from partywall.analysis.network.sets import (
    EMPTY,
    FULL,
    NONE,
    PORTED,
    Flows,
    Product,
    Spans,
    cross,
    reply,
    services,
    spans,
)

_PROTOCOLS = {
    "IP": None,
    "TCP": 6,
    "UDP": 17,
    "ICMP": 1,
    # Application protocols run over TCP; which packets carry them shows only in their content.
}
Ports = tuple[tuple[int, int], ...]


def judge(
    policy: FirewallPolicy, source: Point, destination: Point, is_reply: bool, tracked: bool | None
) -> tuple[Flows, Flows]:
    """The flows that surely pass and those that may, by one packet from `source` to `destination`.

    For a reply, `tracked` says whether the firewall saw the first packet (None: perhaps); the stateful engine
    then lets the reply pass.
    """
    passed, dropped_to_engine, doubtful = _stateless(policy, source, destination)
    if is_reply:
        sure = [*passed, *(dropped_to_engine if tracked else ())]
        maybe = [*passed, *dropped_to_engine, *doubtful]
        return _reversed(sure), _reversed(maybe)
    stateful_sure, stateful_maybe = _stateful(policy, source, destination)
    sure_flows = (*passed, *cross(tuple(dropped_to_engine), stateful_sure))
    maybe_flows = (*passed, *doubtful, *cross(tuple(dropped_to_engine), stateful_maybe))
    return tuple(dict.fromkeys(sure_flows)), tuple(dict.fromkeys(maybe_flows))


def _stateless(
    policy: FirewallPolicy, source: Point, destination: Point
) -> tuple[list[Product], list[Product], list[Product]]:
    left: list[Product] = [(FULL, FULL)]
    passed: list[Product] = []
    engine: list[Product] = []
    doubtful: list[Product] = []

    def settle(actions: Iterable[str], matched: list[Product]) -> None:
        if "aws:pass" in actions:
            passed.extend(matched)
        elif "aws:forward_to_sfe" in actions:
            engine.extend(matched)

    for group in sorted(policy.stateless_groups, key=lambda each: each.priority):
        if group.rules is None:
            doubtful.extend(left)
            return passed, engine, doubtful
        for rule in sorted(group.rules, key=lambda each: each.priority):
            if not _inside(rule.sources, source) or not _inside(rule.destinations, destination):
                continue
            for product in _products(rule):
                matched = [each for each in (_meet(one, product) for one in left) if each]
                if rule.tcp_flags:
                    doubtful.extend(matched)
                else:
                    settle(rule.actions, matched)
                left = [piece for one in left for piece in _apart(one, product)]
    settle(policy.stateless_default, left)
    return passed, engine, doubtful


def _stateful(policy: FirewallPolicy, source: Point, destination: Point) -> tuple[Flows, Flows]:
    groups = sorted(policy.stateful_groups, key=lambda each: each.priority)
    if any(group.rules is None for group in groups):
        unread = True
        if not policy.strict:
            return NONE, ((FULL, FULL),)
    else:
        unread = False
    rules: list[StatefulRule | None] = []
    for group in groups:
        rules.extend(group.rules if group.rules is not None else (None,))
    if not policy.strict:
        order = {"PASS": 0, "DROP": 1, "REJECT": 2, "ALERT": 3}
        rules.sort(key=lambda each: order.get(each.action, 3) if each else 4)
    left: list[Product] = [(FULL, FULL)]
    passed: list[Product] = []
    doubtful: list[Product] = []
    for rule in rules:
        if rule is None:
            doubtful.extend(left)
            left = []
            break
        if rule.action == "ALERT":
            continue
        for product in _stateful_products(rule, source, destination):
            matched = [each for each in (_meet(one, product) for one in left) if each]
            if not rule.plain or rule.protocol not in _PROTOCOLS:
                doubtful.extend(matched)
            elif rule.action == "PASS":
                passed.extend(matched)
            left = [piece for one in left for piece in _apart(one, product)]
    drops = any(each.startswith("aws:drop") for each in policy.stateful_default)
    if not (policy.strict and drops) and not unread:
        passed.extend(left)
    return tuple(passed), (*passed, *doubtful)


def _stateful_products(rule: StatefulRule, source: Point, destination: Point) -> list[Product]:
    found: list[Product] = []
    number = _PROTOCOLS.get(rule.protocol, 6)
    protocols = () if number is None else (number, 58) if number == 1 else (number,)
    if _inside(rule.sources or (), source) and _inside(rule.destinations or (), destination):
        found.extend(_box(protocols, rule.source_ports or (), rule.destination_ports or ()))
    if (
        rule.any_direction
        and _inside(rule.sources or (), destination)
        and _inside(rule.destinations or (), source)
    ):
        found.extend(_box(protocols, rule.destination_ports or (), rule.source_ports or ()))
    return found


def policy_products(policy: FirewallPolicy) -> list[Product]:
    """The packets of every rule of a policy, addresses aside."""
    found = [
        product
        for group in policy.stateless_groups
        for rule in group.rules or ()
        for product in _products(rule)
    ]
    for group in policy.stateful_groups:
        for rule in group.rules or ():
            number = _PROTOCOLS.get(rule.protocol, 6)
            protocols = () if number is None else (number, 58) if number == 1 else (number,)
            there, back = rule.destination_ports or (), rule.source_ports or ()
            found.extend((*_box(protocols, back, there), *_box(protocols, there, back)))
    return found


def _products(rule: StatelessRule) -> list[Product]:
    return _box(rule.protocols, rule.source_ports, rule.destination_ports)


def _box(protocols: tuple[int, ...], source_ports: Ports, destination_ports: Ports) -> list[Product]:
    """The packets of a rule: destination services times source ports. Ports make it one of TCP and UDP."""
    if not source_ports and not destination_ports:
        there = EMPTY
        for number in protocols:
            there = there | services(number)
        return [(there if protocols else FULL, FULL)]
    numbers = [number for number in protocols or (6, 17) if number in (6, 17)]
    found: list[Product] = []
    for number in numbers:
        there, back = _ports(number, destination_ports), _ports(number, source_ports)
        found.append((there, back | (FULL - services(number))))
    return found


def _ports(number: int, ports: Ports) -> Spans:
    if not ports:
        return services(number)
    return spans(pair for low, high in ports for pair in services(number, low, high))


def _inside(cidrs: tuple[Cidr, ...], point: Point) -> bool:
    return not cidrs or any(point.within(each) for each in cidrs)


def _meet(one: Product, two: Product) -> Product | None:
    found = cross((one,), (two,))
    return found[0] if found else None


def _apart(one: Product, two: Product) -> list[Product]:
    """What is in `one` and not in `two`."""
    found: list[Product] = []
    outside = one[0] - two[0]
    if outside:
        found.append((outside, one[1]))
    shared = one[0] & two[0]
    for number in (6, 17):
        there, back = shared & services(number), (one[1] - two[1]) & services(number)
        if there and back:
            found.append((there, back | (FULL - services(number))))
    return found


def _reversed(products: list[Product]) -> Flows:
    """Flows whose reply is one of these packets."""
    # What has no answer is not stopped on the way back.
    found: list[Product] = list(reply(EMPTY))
    for there, back in products:
        rest = EMPTY
        for bare, _ in reply(there):
            rest = bare - PORTED
        if rest:
            found.append((rest, FULL))
        for number in (6, 17):
            client, server = there & services(number), back & services(number)
            if client and server:
                found.append((server, client | (FULL - services(number))))
    return tuple(dict.fromkeys(found))
