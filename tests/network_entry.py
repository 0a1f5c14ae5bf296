"""Small networks of one load balancer and one target, by cases that each name AWS's page."""

from __future__ import annotations

from itertools import product
from typing import Any

from partywall.analysis.network.addresses import ANY4, address, cidr
from partywall.analysis.network.model import (
    AclEntry,
    Gateway,
    GatewayKind,
    Interface,
    Listener,
    ListenerRule,
    LoadBalancer,
    Network,
    NetworkAcl,
    PrivateAddress,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Target,
    TargetGroup,
    Vpc,
    network,
)

_PLACE = ("111122223333", "eu-west-1")
_ALB = "ELB User Guide for Application Load Balancers: Security groups for your Application Load Balancer"
_NLB = "ELB User Guide for Network Load Balancers: Target groups, Client IP preservation"
_NLB_SG = (
    "ELB User Guide for Network Load Balancers: Update the security groups for your Network Load Balancer"
)
_RULES = "ELB User Guide for Application Load Balancers: Listener rules"
_CLB = "ELB User Guide for Classic Load Balancers: Configure security groups for your Classic Load Balancer"
_SCHEME = "ELB User Guide: How Elastic Load Balancing works, Load balancer scheme"
_HEALTH = "ELB User Guide for Application Load Balancers: Health checks for your target groups"


def cases() -> list[dict[str, Any]]:
    """Every case: its name, AWS's page, how the network differs from the plain one, and the answer."""
    found: list[dict[str, Any]] = []

    def add(name: str, page: str, opened: str, **how: Any) -> None:
        found.append({"name": name, "page": page, "open": opened, **how})

    # Load balancers whose targets see the balancer: kind x who the target's group lets in.
    lets = {"balancer": "reachable", "vpc": "reachable", "clients": "not_reachable", "none": "not_reachable"}
    for kind, (let, opened) in product(("application", "classic"), lets.items()):
        add(f"{kind}-target-lets-{let}", _ALB if kind == "application" else _CLB, opened, kind=kind, let=let)
    # A Network Load Balancer, with and without groups of its own, keeping clients' addresses or not.
    for groups, keeps in product((True, False), (True, False)):
        for let in ("balancer", "vpc", "clients", "all", "none"):
            if let == "balancer":
                opened = "reachable" if groups else "not_reachable"
            elif let == "clients":
                opened = "reachable" if keeps else "not_reachable"
            elif let == "vpc":
                opened = "not_reachable" if keeps else "reachable"
            else:
                opened = "reachable" if let == "all" else "not_reachable"
            page = _NLB_SG if groups else _NLB
            name = f"network-{'groups' if groups else 'plain'}-{'keeps' if keeps else 'hides'}-lets-{let}"
            add(name, page, opened, kind="network", let=let, groups=groups, keeps=keeps)
    for let in ("clients", "vpc"):
        add(f"network-unread-attributes-lets-{let}", _NLB, "unknown", kind="network", let=let, keeps=None)
    # The front: scheme, its own group, the way in.
    for kind in ("application", "classic", "network"):
        add(f"{kind}-internal", _SCHEME, "not_reachable", kind=kind, facing=False, let="all")
        add(f"{kind}-no-route", _SCHEME, "not_reachable", kind=kind, routed=False, let="all")
        add(f"{kind}-front-list-denies", _SCHEME, "not_reachable", kind=kind, denied=True, let="all")
        add(f"{kind}-front-group-closed", _NLB_SG, "not_reachable", kind=kind, front=(8443,), let="all")
        add(f"{kind}-front-group-of-offices", _ALB, "reachable", kind=kind, block="8.8.8.0/24", let="all")
        add(f"{kind}-front-group-of-inside", _ALB, "not_reachable", kind=kind, block="10.0.0.0/8", let="all")
        add(f"{kind}-no-targets", _HEALTH, "not_reachable", kind=kind, targets=0, let="all")
        add(f"{kind}-targets-unread", _HEALTH, "unknown", kind=kind, targets=None, let="all")
        add(f"{kind}-target-unused", _HEALTH, "not_reachable", kind=kind, health="unused", let="all")
        add(f"{kind}-target-unhealthy", _HEALTH, "reachable", kind=kind, health="unhealthy", let="all")
        add(f"{kind}-listener-rules-unread", _RULES, "unknown", kind=kind, rules=None, let="all")
        add(f"{kind}-wrong-target-port", _ALB, "not_reachable", kind=kind, let="all", opens=9090)
    # Rules of an Application Load Balancer.
    sources = {"8.8.8.0/24": "reachable", "10.0.0.0/8": "not_reachable", "192.168.0.0/16": "not_reachable"}
    for block, opened in sources.items():
        add(f"rule-source-{block}", _RULES, opened, sources=(block,), let="balancer")
    for action in ("redirect", "fixed-response"):
        add(f"rule-{action}-answers-itself", _RULES, "reachable", action=action, let="none")
        add(f"rule-{action}-inside", _RULES, "not_reachable", action=action, let="none", facing=False)
        add(
            f"rule-{action}-for-offices-inside",
            _RULES,
            "not_reachable",
            action=action,
            sources=("10.0.0.0/8",),
        )
    for narrowed, authenticates in product((True, False), repeat=2):
        name = f"rule-{'narrow' if narrowed else 'wide'}-{'signed' if authenticates else 'plain'}"
        add(name, _RULES, "reachable", narrowed=narrowed, authenticates=authenticates, let="balancer")
    add(
        "lambda-target",
        "ELB User Guide: Use Lambda functions as targets",
        "reachable",
        target="lambda",
        let="none",
    )
    add("ip-target", "ELB User Guide: Target type ip", "reachable", target="ip", let="balancer")
    add("ip-target-elsewhere", "ELB User Guide: Target type ip", "unknown", target="far", let="balancer")
    for protocol, port in (("HTTP", 80), ("HTTPS", 443), ("HTTPS", 8443)):
        add(
            f"listener-{protocol}-{port}",
            _RULES,
            "reachable",
            protocol=protocol,
            port=port,
            front=(port,),
            let="vpc",
        )
    for protocol in ("UDP", "TCP_UDP", "TLS"):
        page = "ELB User Guide for Network Load Balancers: Listeners for your Network Load Balancers"
        add(f"network-{protocol}", page, "reachable", kind="network", protocol=protocol, let="all", wide=True)
    return found


def _group(id_: str, rules: list[SecurityGroupRule]) -> SecurityGroup:
    out = SecurityGroupRule(f"{id_} out", True, -1, cidr=ANY4)
    return SecurityGroup(id_, "vpc-1", *_PLACE, (*rules, out))


def network_of(case: dict[str, Any]) -> Network:
    """The network of a case."""
    kind = case.get("kind", "application")
    port = case.get("port", 443)
    own = ("sg-lb",) if kind != "network" or case.get("groups", True) else ()
    front = [
        SecurityGroupRule(
            f"in {p}", False, -1 if case.get("wide") else 6, p, p, cidr(case.get("block", "0.0.0.0/0"))
        )
        for p in case.get("front", (port,))
    ]
    if case.get("wide"):
        front = [SecurityGroupRule("in all", False, -1, cidr=ANY4)]
    opens = case.get("opens", 8080)
    blocks = {"vpc": "10.0.0.0/16", "clients": "8.0.0.0/7", "all": "0.0.0.0/0"}
    let = case.get("let", "balancer")
    inward: list[SecurityGroupRule] = []
    if let == "balancer":
        inward = [
            SecurityGroupRule("from lb", False, 6, opens, opens, group="sg-lb", group_account=_PLACE[0])
        ]
    elif let in blocks:
        number = -1 if case.get("wide") else 6
        span = (-1, -1) if case.get("wide") else (opens, opens)
        inward = [SecurityGroupRule(f"from {let}", False, number, *span, cidr(blocks[let]))]
    allow = AclEntry(100, False, not case.get("denied", False), -1, ANY4)
    entries = (allow, AclEntry(100, True, True, -1, ANY4))
    routes = (Route("local", cidr("10.0.0.0/16")),)
    outward = (*routes, Route("igw-1", ANY4)) if case.get("routed", True) else routes
    targets = case.get("targets", 1)
    target_kind = case.get("target", "instance")
    named = {
        "ip": "10.0.1.10",
        "far": "172.31.0.9",
        "lambda": "arn:aws:lambda:eu-west-1:111122223333:function:f",
    }
    target = Target(named.get(target_kind, "i-1"), 8080, health=case.get("health", "healthy"))
    group_kind = "ip" if target_kind == "far" else target_kind
    protocol = case.get("protocol", "TCP" if kind == "network" else "HTTPS")
    action = case.get("action", "forward")
    rule = ListenerRule(
        "rule",
        ("tg",) if action == "forward" else (),
        action,
        tuple(cidr(s) for s in case.get("sources", ())),
        case.get("narrowed", False),
        case.get("authenticates", False),
    )
    public = address("54.0.0.1") if case.get("facing", True) else None
    rules: tuple[ListenerRule, ...] | None = (rule,) if case.get("rules", ()) is not None else None
    return network(
        [
            Vpc("vpc-1", *_PLACE, (cidr("10.0.0.0/16"),)),
            Subnet("subnet-a", "vpc-1", *_PLACE, "a", (cidr("10.0.0.0/24"),)),
            Subnet("subnet-b", "vpc-1", *_PLACE, "a", (cidr("10.0.1.0/24"),)),
            RouteTable("rtb-a", "vpc-1", *_PLACE, outward, ("subnet-a",)),
            RouteTable("rtb-b", "vpc-1", *_PLACE, outward, ("subnet-b",), main=True),
            NetworkAcl("acl-a", "vpc-1", *_PLACE, ("subnet-a",), entries),
            NetworkAcl(
                "acl-b",
                "vpc-1",
                *_PLACE,
                ("subnet-b",),
                (AclEntry(100, False, True, -1, ANY4), entries[1]),
                True,
            ),
            Gateway("igw-1", GatewayKind.INTERNET, *_PLACE, ("vpc-1",)),
            _group("sg-lb", front),
            _group("sg-web", inward),
            Interface(
                "eni-lb",
                *_PLACE,
                "vpc-1",
                "subnet-a",
                (PrivateAddress(address("10.0.0.10"), public),),
                groups=own,
            ),
            Interface(
                "eni-web",
                *_PLACE,
                "vpc-1",
                "subnet-b",
                (PrivateAddress(address("10.0.1.10")),),
                groups=("sg-web",),
                instance="i-1",
            ),
            TargetGroup(
                "tg",
                *_PLACE,
                "vpc-1",
                protocol if protocol in ("UDP", "TCP_UDP") else "TCP" if kind == "network" else "HTTP",
                8080,
                group_kind,
                None if targets is None else (target,) * targets,
                case.get("keeps", True) if kind == "network" else False,
            ),
            LoadBalancer(
                "lb",
                *_PLACE,
                "vpc-1",
                kind,
                case.get("facing", True),
                ("subnet-a",),
                own,
                ("eni-lb",),
                (Listener("listener", protocol, port, rules),),
            ),
        ]
    )
