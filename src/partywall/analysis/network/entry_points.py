"""Front doors: what a caller reaches behind load balancers, distributions, APIs and accelerators, end to end.

A door is open if its front is reached and something behind it answers: a target that the load balancer itself
reaches, or that lets the clients' own addresses in where the load balancer keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from partywall.analysis.network.addresses import address
from partywall.analysis.network.answers import INTERNET, Ask, Place, addresses_of, path
from partywall.analysis.network.cells import Point
from partywall.analysis.network.exposure import Exposure
from partywall.analysis.network.model import (
    Interface,
    Listener,
    ListenerRule,
    LoadBalancer,
    Target,
    TargetGroup,
    Unread,
)
from partywall.analysis.network.sets import EMPTY, FULL, Spans, cross, forward, reply, services, services_of
from partywall.analysis.network.steps import Outcome
from partywall.analysis.network.walk import group_allowed
from partywall.analysis.network.world import World

_TRANSPORTS: Final = {
    "UDP": (17,),
    "QUIC": (17,),
    "TCP_UDP": (6, 17),
    "TCP_QUIC": (6, 17),
    "GENEVE": (17,),
}
_ENCRYPTED: Final = ("HTTPS", "TLS", "SSL", "QUIC", "TCP_QUIC")
_MAX_DEPTH: Final = 3


@dataclass(frozen=True, slots=True)
class Backend:
    """Something behind a door. `outcome` says whether the load balancer reaches it."""

    target: str
    """Instance id, address, function ARN or load balancer ARN as the target group names it."""
    interface: str
    """The interface that answers; "" where the target has none (a function) or it is not known which."""
    port: int
    outcome: Outcome
    authenticated: bool
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class Door:
    """A listener of a load balancer. `front` is what of the internet reaches it, `open` front and backend."""

    listener: str
    balancer: str
    protocol: str
    port: int
    tls_policy: str
    front: Outcome
    backends: tuple[Backend, ...]
    answers: bool
    """It answers by itself, by a redirect or a fixed response, to some requests."""
    unread: tuple[Unread, ...] = ()

    @property
    def plaintext(self) -> bool:
        """It does not encrypt by itself (a redirect alone still greets in plain text)."""
        return self.protocol not in _ENCRYPTED

    @property
    def open(self) -> Outcome:
        """Whether the internet reaches something behind it, or it itself where it answers."""
        if self.front is Outcome.NOT_REACHABLE:
            return self.front
        behind = [b.outcome for b in self.backends]
        if self.answers or Outcome.REACHABLE in behind:
            return self.front
        if Outcome.UNKNOWN in behind or self.unread:
            return Outcome.UNKNOWN
        return Outcome.NOT_REACHABLE

    @property
    def authenticated(self) -> bool:
        """Every backend that is reached stands behind an authentication of the load balancer's own."""
        reached = [b for b in self.backends if b.outcome is not Outcome.NOT_REACHABLE]
        return bool(reached) and all(b.authenticated for b in reached)


class Doors:
    """The doors of a network, over what the internet reaches of each interface."""

    def __init__(self, world: World, exposed: dict[str, Exposure]) -> None:
        self._world = world
        self._exposed = exposed
        self._held = {(i.vpc, a.private): i for i in world.network.interfaces for a in i.addresses}
        self._reached: dict[tuple[str, str, int, int], tuple[Outcome, tuple[Unread, ...]]] = {}
        self._balancers = {each.id: each for each in world.network.load_balancers}
        self._groups = {each.id: each for each in world.network.target_groups}

    def all(self) -> list[Door]:
        """Every listener of every load balancer."""
        return [
            self.door(balancer, listener)
            for balancer in self._world.network.load_balancers
            for listener in balancer.listeners or ()
        ]

    def door(self, balancer: LoadBalancer, listener: Listener, *, from_inside: bool = False) -> Door:
        """One listener; `from_inside`: asked past its front, by a service that AWS lets in (a VPC link)."""
        front, clients, unread = self._front(balancer, listener)
        if from_inside:
            front, clients = Outcome.REACHABLE, FULL
        if listener.rules is None:
            network = self._world.network
            blamed = network.blame("load_balancers", balancer.id, balancer.account, balancer.region)
            return Door(
                *(listener.id, balancer.id, listener.protocol, listener.port, listener.tls_policy, front),
                (),
                False,
                (*unread, *blamed),
            )
        backends: list[Backend] = []
        answers = False
        for rule in listener.rules:
            sources = addresses_of(rule.sources) & clients if rule.sources else clients
            if rule.sources and not sources and not from_inside:
                continue
            if rule.action in ("redirect", "fixed-response"):
                answers = True
            backends += self._behind(balancer, rule, sources, listener, 0)
            if not rule.narrowed and not rule.sources:
                # A rule without conditions takes every request that comes so far.
                break
        return Door(
            *(listener.id, balancer.id, listener.protocol, listener.port, listener.tls_policy, front),
            tuple(dict.fromkeys(backends)),
            answers,
            unread,
        )

    def _front(self, balancer: LoadBalancer, listener: Listener) -> tuple[Outcome, Spans, tuple[Unread, ...]]:
        """Whether the internet reaches a listener, and which clients."""
        asked = listened(listener)
        clients, maybe = EMPTY, False
        unread: list[Unread] = []
        if not balancer.interfaces:
            network = self._world.network
            unread += network.unlisted("interfaces", balancer.account, balancer.region)
            unread += network.unlisted("subnets", balancer.account, balancer.region)
            if unread and balancer.internet_facing:
                return Outcome.UNKNOWN, INTERNET, tuple(unread)
        for id_ in balancer.interfaces:
            exposure = self._exposed.get(id_)
            for opening in exposure.openings if exposure else ():
                if opening.services & asked:
                    clients = clients | opening.sources
                maybe = maybe or bool(opening.possible & asked)
            if exposure and exposure.outcome is Outcome.UNKNOWN:
                maybe = True
            unread += exposure.unread if exposure else ()
        if clients:
            return Outcome.REACHABLE, clients, ()
        if maybe:
            return Outcome.UNKNOWN, INTERNET, tuple(dict.fromkeys(unread))
        return Outcome.NOT_REACHABLE, EMPTY, ()

    def _behind(
        self, balancer: LoadBalancer, rule: ListenerRule, clients: Spans, listener: Listener, depth: int
    ) -> Iterable[Backend]:
        for id_ in rule.target_groups:
            group = self._groups.get(id_)
            network = self._world.network
            if group is None or group.targets is None:
                blamed = network.blame("target_groups", id_, balancer.account, balancer.region)
                yield Backend(id_, "", 0, Outcome.UNKNOWN, rule.authenticates, blamed)
                continue
            for target in group.targets:
                if target.health == "unused" and group.kind != "lambda":
                    # Elastic Load Balancing, "Target health status": in no zone of the load balancer.
                    continue
                yield from self._target(balancer, group, target, rule, clients, listener, depth)

    def _target(
        self,
        balancer: LoadBalancer,
        group: TargetGroup,
        target: Target,
        rule: ListenerRule,
        clients: Spans,
        listener: Listener,
        depth: int,
    ) -> Iterable[Backend]:
        if group.kind == "lambda":
            yield Backend(target.id, "", 0, Outcome.REACHABLE, rule.authenticates)
            return
        if group.kind == "alb":
            other = self._balancers.get(target.id)
            inner = [x for x in (other.listeners or () if other else ()) if x.port == target.port]
            if other is None or other.listeners is None or depth >= _MAX_DEPTH:
                blamed = self._world.network.blame("load_balancers", target.id, balancer.account)
                yield Backend(target.id, "", target.port, Outcome.UNKNOWN, rule.authenticates, blamed)
            for found in inner:
                if found.rules is not None and other is not None:
                    for further in found.rules:
                        yield from self._behind(other, further, FULL, found, depth + 1)
            return
        port = target.port or group.port
        interface = self._interface(group, target)
        if interface is None:
            network = self._world.network
            unread = network.unlisted("interfaces", group.account, group.region)
            outside = group.kind == "ip" and not unread
            outcome = Outcome.UNKNOWN if unread or outside else Outcome.NOT_REACHABLE
            if outside:
                # An address of another VPC or of the customer's own network.
                unread = (Unread("interfaces", "", id=target.id, reason="lies in no scanned VPC"),)
            yield Backend(target.id, "", port, outcome, rule.authenticates, unread)
            return
        for transport in _TRANSPORTS.get(group.protocol, (6,)):
            if balancer.kind == "network" and group.preserve_client_ip is not False:
                outcome, unread = self._let_in(balancer, interface, transport, port, clients)
                if group.preserve_client_ip is None:
                    network = self._world.network
                    outcome = Outcome.UNKNOWN
                    unread = network.blame("target_groups", group.id, group.account, group.region)
            else:
                outcome, unread = self._from_balancer(balancer, interface, transport, port)
            yield Backend(target.id, interface.id, port, outcome, rule.authenticates, unread)

    def _interface(self, group: TargetGroup, target: Target) -> Interface | None:
        if group.kind == "instance":
            held = self._world.instances.get(target.id, [])
            return held[0] if held else None
        try:
            return self._held.get((group.vpc, address(target.id)))
        except ValueError:
            return None

    def _from_balancer(
        self, balancer: LoadBalancer, interface: Interface, transport: int, port: int
    ) -> tuple[Outcome, tuple[Unread, ...]]:
        key = (balancer.id, interface.id, transport, port)
        found = self._reached.get(key)
        if found is None:
            found = self._reached[key] = self._asked(balancer, interface, transport, port)
        return found

    def _asked(
        self, balancer: LoadBalancer, interface: Interface, transport: int, port: int
    ) -> tuple[Outcome, tuple[Unread, ...]]:
        unread: list[Unread] = []
        unknown = not balancer.interfaces
        for own in balancer.interfaces:
            answer = path(
                self._world, Place.interface(own), Place.interface(interface.id), Ask(transport, (port, port))
            )
            if answer.outcome is Outcome.REACHABLE:
                return Outcome.REACHABLE, ()
            unknown = unknown or answer.outcome is Outcome.UNKNOWN
            unread += answer.unread
        if not balancer.interfaces:
            unread += self._world.network.unlisted("interfaces", balancer.account, balancer.region)
        return (Outcome.UNKNOWN if unknown else Outcome.NOT_REACHABLE), tuple(dict.fromkeys(unread))

    def _let_in(
        self, balancer: LoadBalancer, interface: Interface, transport: int, port: int, clients: Spans
    ) -> tuple[Outcome, tuple[Unread, ...]]:
        """Whether a target lets clients in: its groups and its network ACL judge their own addresses.

        Network Load Balancers, "Target security groups": with client IP preservation a target's groups must
        allow the clients' addresses, or name the load balancer's own groups.
        """
        asked = services(transport, port, port)
        held = frozenset(balancer.groups or ())
        subnet = self._world.subnets.get(interface.subnet)
        unread: list[Unread] = []
        maybe = False
        for low, high in clients:
            at = low
            while at <= high:
                point = Point(at, low, high)
                group = group_allowed(self._world, interface, False, point, held, True)
                sure, perhaps = forward(group.sure & asked), forward(group.maybe & asked)
                unread += group.unread
                if subnet is not None:
                    for egress in (False, True):
                        turn = reply if egress else forward
                        _, acl = self._world.judged(subnet, egress, point)
                        sure, perhaps = cross(sure, turn(acl.sure)), cross(perhaps, turn(acl.maybe))
                        unread += acl.unread
                if services_of(sure):
                    return Outcome.REACHABLE, ()
                maybe = maybe or bool(services_of(perhaps))
                at = point.high + 1
        return (Outcome.UNKNOWN if maybe else Outcome.NOT_REACHABLE), tuple(dict.fromkeys(unread))


def listened(listener: Listener) -> Spans:
    """The protocols and ports that a listener answers on."""
    found = EMPTY
    for transport in _TRANSPORTS.get(listener.protocol, (6,)):
        found = found | (
            services(transport) if not listener.port else services(transport, listener.port, listener.port)
        )
    return found
