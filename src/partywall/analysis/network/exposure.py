"""What the internet (or another network) can reach of every interface, class by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from partywall.analysis.network.answers import (
    Answer,
    Ask,
    Cell,
    Place,
    cover,
    internet_of,
    own_addresses,
    path,
    public_addresses,
)
from partywall.analysis.network.classes import Digests
from partywall.analysis.network.model import Interface, Unread
from partywall.analysis.network.sets import EMPTY, Spans, services_of
from partywall.analysis.network.steps import Outcome, doubts
from partywall.analysis.network.ways import Goal, Origin
from partywall.analysis.network.world import World


@dataclass(frozen=True, slots=True)
class Opening:
    """Some addresses of the internet and the services that they surely, or perhaps, reach."""

    sources: Spans
    services: Spans
    possible: Spans


@dataclass(frozen=True, slots=True)
class Exposure:
    """How open an interface is. `openings` are apart in their sources; `unread` says why it is not known."""

    outcome: Outcome
    openings: tuple[Opening, ...]
    unread: tuple[Unread, ...] = ()

    @property
    def services(self) -> Spans:
        """Everything that some address surely reaches."""
        found = EMPTY
        for each in self.openings:
            found = found | each.services
        return found

    @property
    def possible(self) -> Spans:
        """Everything that some address may reach."""
        found = EMPTY
        for each in self.openings:
            found = found | each.possible
        return found


class Cache:
    """Answers by the content they rest on: kept from scan to scan, only what changed is computed again."""

    def __init__(self, held: Mapping[str, Exposure] | None = None) -> None:
        self.held: dict[str, Exposure] = dict(held or {})
        self.hits = 0
        self.misses = 0


def exposures(world: World, cache: Cache | None = None) -> dict[str, Exposure]:
    """What the internet can reach of every interface, by interface id."""
    store = cache if cache is not None else Cache()
    digests = Digests(world)
    reached: dict[str, str] = {}
    by_key: dict[tuple[object, ...], Exposure] = {}
    found: dict[str, Exposure] = {}
    gateways: dict[str, list[Origin]] = {}
    for gateway in (*world.network.internet_gateways, *world.network.carrier_gateways):
        for vpc in gateway.vpcs:
            gateways.setdefault(vpc, []).append(Origin("internet", gateway.id, vpc))
    for each in world.network.interfaces:
        key = _alike(world, each, gateways.get(each.vpc, []))
        known = by_key.get(key)
        if known is None:
            if each.vpc not in reached:
                reached[each.vpc] = digests.reach(each.vpc)
            groups = "".join(digests.group(group) for group in each.groups or ())
            content = f"{reached[each.vpc]}{groups}{key}"
            known = store.held.get(content)
            if known is None:
                store.misses += 1
                known = store.held[content] = _exposure(world, each, gateways.get(each.vpc, []))
            else:
                store.hits += 1
            by_key[key] = known
        found[each.id] = known
    return found


def _alike(world: World, each: Interface, gateways: list[Origin]) -> tuple[object, ...]:
    """What of an interface bears on its exposure; its address only where a gateway has a table of its own."""
    vpc = world.vpcs.get(each.vpc)
    edge = vpc is None or any(world.edge_table(gateway.id, vpc) is not None for gateway in gateways)
    public = frozenset(
        (address.public is not None, address.carrier is not None) for address in each.addresses
    )
    own = own_addresses(each).spans if edge else ()
    return (
        each.subnet,
        each.vpc,
        each.groups,
        each.status,
        each.kind,
        public,
        bool(each.ipv6),
        each.deny_all_igw,
        own,
    )


def _exposure(world: World, each: Interface, gateways: list[Origin]) -> Exposure:
    targets = public_addresses(each)
    missing = world.network.unlisted("internet_gateways", "", each.region)
    if not targets:
        return Exposure(Outcome.NOT_REACHABLE, ())
    if not gateways:
        return Exposure(Outcome.UNKNOWN if missing else Outcome.NOT_REACHABLE, (), missing)
    cells: list[Cell] = []
    for origin in gateways:
        # Addresses of one family fare alike but for what they are themselves: one of each is followed.
        for target in _one_of_each(targets):
            cells.extend(
                cover(
                    world, origin, internet_of(world, origin.vpc), Goal("interface", each.id), target, Ask()
                )
            )
    return summary(cells, missing)


def _one_of_each(targets: Spans) -> list[Spans]:
    return [Spans(((low, high),)) for low, high in targets]


def summary(cells: list[Cell], missing: tuple[Unread, ...] = ()) -> Exposure:
    """The exposure that cells add up to; cells of the same openness are put together."""
    by_services: dict[tuple[Spans, Spans], Spans] = {}
    unread: list[Unread] = list(missing)
    for cell in cells:
        sure, maybe = services_of(cell.sure), services_of(cell.maybe)
        if maybe:
            by_services[sure, maybe] = by_services.get((sure, maybe), EMPTY) | cell.source
        if maybe != sure:
            asked = cell.maybe
            unread.extend(one for step in cell.trace.steps if doubts(step, asked) for one in step.unread)
    openings = tuple(Opening(sources, sure, maybe) for (sure, maybe), sources in by_services.items())
    if any(sure for sure, _ in by_services):
        outcome = Outcome.REACHABLE
    elif by_services or missing:
        outcome = Outcome.UNKNOWN
    else:
        outcome = Outcome.NOT_REACHABLE
    return Exposure(outcome, openings, tuple(dict.fromkeys(unread)))


def from_outside(world: World, interface: str, gateway: str = "") -> Answer:
    """What other networks (by VPN, Direct Connect, Outposts) can reach of an interface."""
    return path(world, Place.outside(gateway), Place.interface(interface))
