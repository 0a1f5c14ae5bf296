"""Records of load balancers: listeners, rules, target groups and targets."""

from __future__ import annotations

from dataclasses import dataclass

from partywall.analysis.network.addresses import Cidr


@dataclass(frozen=True, slots=True)
class Target:
    """A target (instance, Lambda function, address or load balancer) and the port that it is sent to."""

    id: str
    """Instance id, address as written, function ARN or load balancer ARN."""
    port: int = 0
    zone: str = ""
    health: str = ""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group. `targets` None where they were not read."""

    id: str
    """Its ARN; of a Classic Load Balancer, the load balancer's own with the instance port."""
    account: str
    region: str
    vpc: str
    protocol: str
    port: int
    kind: str
    """instance, ip, lambda or alb."""
    targets: tuple[Target, ...] | None
    preserve_client_ip: bool | None = None
    """Of a Network Load Balancer's group; None where its attributes were not read."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ListenerRule:
    """A rule of an Application Load Balancer's listener, in order of priority (the default rule last)."""

    id: str
    target_groups: tuple[str, ...]
    """Empty where it redirects, answers by itself or authenticates only."""
    action: str = "forward"
    """The last action: forward, redirect, fixed-response."""
    sources: tuple[Cidr, ...] = ()
    """Of a source-ip condition; empty where it has none."""
    narrowed: bool = False
    """It has further conditions (host, path, header, method, query), which some requests meet."""
    authenticates: bool = False
    """An authenticate-oidc, authenticate-cognito or JWT validation action comes first."""
    priority: int = 50001


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener; `port` 0 of a Gateway Load Balancer is every port."""

    id: str
    protocol: str
    """HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP, QUIC, TCP_QUIC, GENEVE; a Classic one's HTTP, HTTPS, TCP, SSL."""
    port: int
    rules: tuple[ListenerRule, ...] | None
    """The default action is the last rule; None where they were not read."""
    tls_policy: str = ""


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer of any kind."""

    id: str
    """Its ARN (a Classic one's, too)."""
    account: str
    region: str
    vpc: str
    kind: str
    """application, network, gateway or classic."""
    internet_facing: bool
    subnets: tuple[str, ...]
    groups: tuple[str, ...] | None
    """Security groups; empty where it has none (older Network, all Gateway Load Balancers)."""
    interfaces: tuple[str, ...]
    """Its network interfaces."""
    listeners: tuple[Listener, ...] | None
    cross_zone: bool | None = True
    enforce_groups_on_privatelink: bool = True
    """Whether its groups judge traffic that comes by PrivateLink (Network Load Balancer)."""
    state: str = "active"
    name: str = ""
