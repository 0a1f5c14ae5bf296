"""What a packet meets on its way, one record each, and how a way ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from partywall.analysis.network.cells import Point
from partywall.analysis.network.model import Route, TransitGatewayRoute, Unread
from partywall.analysis.network.sets import ALL, EMPTY, NONE, Flows, Spans, cross


class Outcome(Enum):
    """An answer."""

    REACHABLE = "reachable"
    NOT_REACHABLE = "not_reachable"
    UNKNOWN = "unknown"


class Kind(Enum):
    """What a step is, as Reachability Analyzer's components go."""

    INTERFACE = "network-interface"
    SECURITY_GROUP = "security-group"
    NETWORK_ACL = "network-acl"
    ROUTE_TABLE = "route-table"
    INTERNET_GATEWAY = "internet-gateway"
    EGRESS_ONLY_GATEWAY = "egress-only-internet-gateway"
    NAT_GATEWAY = "natgateway"
    VPN_GATEWAY = "vpn-gateway"
    CARRIER_GATEWAY = "carrier-gateway"
    LOCAL_GATEWAY = "local-gateway"
    PEERING = "vpc-peering-connection"
    TRANSIT_GATEWAY = "transit-gateway"
    TRANSIT_GATEWAY_ATTACHMENT = "transit-gateway-attachment"
    TRANSIT_GATEWAY_ROUTE_TABLE = "transit-gateway-route-table"
    VPC_ENDPOINT = "vpc-endpoint"
    FIREWALL = "firewall"
    CLIENT_VPN = "client-vpn-endpoint"
    LOAD_BALANCER = "loadbalancer"
    LISTENER = "listener"
    TARGET_GROUP = "targetgroup"
    VPC = "vpc"


@dataclass(slots=True)
class Step:
    """One component on the way there (`reply` False) or back, with the flows that surely or perhaps pass it.

    `source` and `destination` are the packet's addresses as it arrives. `code` is Reachability Analyzer's
    explanation code where it stops packets.
    """

    kind: Kind
    component: str
    reply: bool
    source: int
    destination: int
    sure: Flows = ALL
    maybe: Flows = ALL
    code: str = ""
    vpc: str = ""
    subnet: str = ""
    holder: str = ""
    """What it is attached to or part of: a group's interface, a route's table, an attachment's gateway."""
    egress: bool = False
    groups: tuple[str, ...] = ()
    remote_groups: frozenset[str] = frozenset()
    route: Route | TransitGatewayRoute | None = None
    matched: str = ""
    """The prefix of a route that matched."""
    unread: tuple[Unread, ...] = ()
    discarded: tuple[Kind, str, str] | None = None
    """Of a group: what lost the other end's groups, for which a rule would have let `lost` pass."""
    lost: Spans = EMPTY
    translated: int | None = None
    """The source address that a gateway puts for the packet's own, where it does."""
    remapped: bool = False
    """Past a NAT gateway, which gives each flow a source port of its own."""


@dataclass(slots=True)
class End:
    """Where a packet arrives: at an interface, the internet (by which gateway), a service, outside, a NAT
    gateway. `lost` and `unknown` are ends, too."""

    kind: str
    id: str = ""
    vpc: str = ""
    source: Point = field(default_factory=lambda: Point(0))
    """Its source address then."""


def flows_of(steps: Iterable[Step]) -> tuple[Flows, Flows]:
    """The flows that surely and that perhaps pass all of the steps."""
    sure = maybe = ALL
    for step in steps:
        if step.sure is not ALL:
            sure = cross(sure, step.sure)
        if step.maybe is not ALL:
            maybe = cross(maybe, step.maybe)
    return sure, maybe


def blocks(step: Step, asked: Flows) -> bool:
    """Whether a step surely stops all that was asked."""
    return step.maybe is NONE or not cross(step.maybe, asked)


def doubts(step: Step, asked: Flows) -> bool:
    """Whether it is not known if a step lets through (some of) what was asked."""
    return step.sure is not step.maybe and cross(step.sure, asked) != cross(step.maybe, asked)
