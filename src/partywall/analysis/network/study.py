"""Everything that the tables, the commands and the checks of a scan's network share, worked out once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.answers import INTERNET, Place, addresses_of, path
from partywall.analysis.network.assumed import is_assumed
from partywall.analysis.network.classes import EndpointClass, classes
from partywall.analysis.network.entry_points import Door, Doors
from partywall.analysis.network.exposure import Exposure, exposures
from partywall.analysis.network.matrix import Matrix
from partywall.analysis.network.model import Interface, Unread
from partywall.analysis.network.scan_network import ScannedNetwork, load
from partywall.analysis.network.sets import EMPTY, Spans
from partywall.analysis.network.stand_ins import is_stand_in
from partywall.analysis.network.steps import Outcome
from partywall.analysis.network.words import path_lines
from partywall.analysis.network.world import World

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

_ENVIRONMENT_KEYS: Final = ("env", "environment", "stage")
_PRODUCTION: Final = re.compile(r"^(prod|production|prd|live)$", re.IGNORECASE)
_SANDBOX: Final = re.compile(r"^(sandbox|sbx|playground|dev|development|test|testing|qa)$", re.IGNORECASE)

INSTANCES: Final[Mapping[str, tuple[str, ...]]] = {
    "ec2_instance": ("instance_id", "http_tokens", "http_endpoint", "instance_profile_arn", "state"),
    "iam_instance_profile": ("role_arns",),
    "iam_role": ("attached_policy_arns", "inline_policy"),
    "iam_policy": ("document",),
}
"""What is read of instances beside the network: their metadata service and their roles."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What some side reaches: surely, and perhaps; `lines` is the widest way, hop by hop."""

    sure: Spans = EMPTY
    maybe: Spans = EMPTY
    lines: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def known(self) -> bool | None:
        """Whether anything is reached; None where that is not known."""
        return True if self.sure else None if self.maybe or self.unread else False


@dataclass(frozen=True, slots=True)
class Via:
    """A front door that leads to an interface, an instance or a load balancer."""

    entry: str
    kind: str
    protocol: str
    port: int
    target_port: int
    outcome: Outcome
    waf: bool | None
    authentication: str | None
    unread: tuple[Unread, ...] = ()


@dataclass(eq=False)
class Study:
    """A scan's network with what the internet, other networks and other accounts reach of it."""

    lake: Lake
    scanned: ScannedNetwork
    _outside: dict[str, Reach] = field(default_factory=dict[str, Reach])
    _egress: dict[str, Reach] = field(default_factory=dict[str, Reach])

    @cached_property
    def world(self) -> World:
        """The network compiled for questions."""
        return World(self.scanned.network)

    @cached_property
    def exposed(self) -> dict[str, Exposure]:
        """What the internet reaches of each interface, by id."""
        return exposures(self.world)

    @cached_property
    def doors(self) -> list[Door]:
        """Every listener."""
        return Doors(self.world, self.exposed).all()

    @cached_property
    def classes(self) -> list[EndpointClass]:
        """Interfaces that nothing tells apart."""
        return classes(self.scanned.network)

    @cached_property
    def class_of(self) -> dict[str, EndpointClass]:
        """Interface id -> its class."""
        return {member: each for each in self.classes for member in each.members}

    @cached_property
    def matrices(self) -> tuple[Matrix, Matrix]:
        """All pairs of classes, over IPv4 and over IPv6."""
        return Matrix(self.world, 4), Matrix(self.world, 6)

    @cached_property
    def pairs(self) -> dict[str, dict[str, Reach]]:
        """First member of a class -> first member of another class that it reaches or may reach -> what."""
        found: dict[str, dict[str, Reach]] = {}
        for matrix in self.matrices:
            for source, target, sure, maybe in matrix.pairs():
                here, there = matrix.classes[source].first, matrix.classes[target].first
                unread = matrix.unread(source, target) if sure != maybe else ()
                held = found.setdefault(here, {}).get(there, Reach())
                found[here][there] = Reach(
                    held.sure | matrix.spans(sure), held.maybe | matrix.spans(maybe), (), held.unread + unread
                )
        return found

    @cached_property
    def accounts(self) -> list[str]:
        """The scanned accounts."""
        return [account["account_id"] for account in self.lake.manifest.accounts]

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Interface id -> its row, of those that were listed."""
        return {row["network_interface_id"]: row for row in self.scanned.rows.rows("vpc_network_interface")}

    def real(self) -> Iterable[Interface]:
        """The interfaces that were listed."""
        return (
            each for each in self.scanned.network.interfaces if not is_stand_in(each) and not is_assumed(each)
        )

    def internet(self, ids: Iterable[str]) -> Reach:
        """What the internet reaches of any of some interfaces."""
        sure = maybe = EMPTY
        unread: list[Unread] = []
        lines: tuple[str, ...] = ()
        for id_ in ids:
            exposure = self.exposed.get(id_)
            if exposure is None:
                continue
            if exposure.services and not sure:
                answer = path(self.world, Place.internet(), Place.interface(id_))
                lines = tuple(path_lines(self.world, answer.best)) if answer.best else ()
            sure, maybe = sure | exposure.services, maybe | exposure.possible
            unread += exposure.unread
        return Reach(sure, maybe, lines if not unread else (), tuple(dict.fromkeys(unread)))

    def outside(self, ids: Iterable[str]) -> Reach:
        """What other networks (VPN, Direct Connect, Outposts) reach of any of some interfaces."""
        found = Reach()
        for id_ in ids:
            first = self.class_of[id_].first if id_ in self.class_of else id_
            held = self._outside.get(first)
            if held is None:
                answer = path(self.world, Place.outside(), Place.interface(first))
                unread = list(answer.missing)
                if answer.services != answer.possible or not answer.services:
                    unread += answer.unread
                held = Reach(answer.services, answer.possible, (), tuple(dict.fromkeys(unread)))
                self._outside[first] = held
            found = Reach(found.sure | held.sure, found.maybe | held.maybe, (), found.unread + held.unread)
        return found

    def egress(self, id_: str) -> Reach:
        """What an interface may send to the internet at large."""
        interface = self.world.interfaces[id_]
        first = self.class_of[id_].first if id_ in self.class_of else id_
        # Internet and carrier gateways let out who has a public address alone.
        public = any(a.public is not None or a.carrier is not None for a in interface.addresses)
        key = f"{first} {public}"
        held = self._egress.get(key)
        if held is None:
            answer = path(self.world, Place.interface(id_), Place("internet", "", _ANYWHERE))
            unread = answer.unread or (answer.missing if not answer.services else ())
            held = self._egress[key] = Reach(answer.services, answer.possible, (), unread)
        return held

    @cached_property
    def reached_by(self) -> dict[str, dict[str, Reach]]:
        """First member of a class -> account -> what interfaces of that other account reach of it."""
        found: dict[str, dict[str, Reach]] = {}
        for here, others in self.pairs.items():
            account = self.world.interfaces[here].account
            for there, reach in others.items():
                if self.world.interfaces[there].account == account:
                    continue
                by = found.setdefault(there, {})
                held = by.get(account, Reach())
                by[account] = Reach(
                    held.sure | reach.sure, held.maybe | reach.maybe, (), held.unread + reach.unread
                )
        return found

    def other_accounts(self, ids: Iterable[str]) -> dict[str, Reach]:
        """What each other account reaches of any of some interfaces."""
        found: dict[str, Reach] = {}
        for id_ in ids:
            first = self.class_of[id_].first if id_ in self.class_of else id_
            for account, reach in self.reached_by.get(first, {}).items():
                held = found.get(account, Reach())
                found[account] = Reach(
                    held.sure | reach.sure, held.maybe | reach.maybe, (), held.unread + reach.unread
                )
        return found

    def failing(self, tables: Iterable[str], account: str = "", region: str = "") -> list[dict[str, str]]:
        """Listings of some tables that were asked and did not answer, as elements of `_failed`."""
        found: dict[tuple[str, ...], dict[str, str]] = {}
        for table in tables:
            for where, place, call in self._failing.get(table, ()):
                if (account in ("", where) and region in ("", place, "global")) or place == "global":
                    found[tuple(call.values())] = call
        return [{**call, "call": "rows"} for call in found.values()]

    @cached_property
    def _failing(self) -> dict[str, list[tuple[str, str, dict[str, str]]]]:
        from partywall.analysis.network.scan_tables import INPUTS
        from partywall.analysis.tables import listing_failures

        failing = {t: listing_failures(self.lake, (t,)) for t in {*INPUTS, *INSTANCES}} if self._any else {}
        for table, unplaced in self.scanned.rows.unplaced.items():
            failing[table] = [*failing.get(table, ()), *unplaced]
        return {table: found for table, found in failing.items() if found}

    @cached_property
    def _any(self) -> bool:
        from partywall.analysis.network.scan_tables import INPUTS
        from partywall.analysis.tables import listing_failures

        return bool(listing_failures(self.lake, (*INPUTS, *INSTANCES)))

    def door_doubts(self, account: str, region: str) -> list[dict[str, str]] | None:
        """Calls for lack of which front doors of a place may lead where it is not known; None: none lack."""
        failed = self.failing(_DOORS, account, region)
        unread = [
            u
            for door in self.doors
            if door.front is not Outcome.NOT_REACHABLE
            for u in (*door.unread, *(u for b in door.backends if not b.interface for u in b.unread))
        ]
        lacking = [s for s in self.scanned.services if not s.behind_known and s.account == account]
        if not failed and not unread and not lacking:
            return None
        return [*failed, *self.scanned.failed(unread), *(dict(f) for s in lacking for f in s.failed)]

    @cached_property
    def via(self) -> dict[str, list[Via]]:
        """Interface id -> the front doors that lead to it from the internet, surely or perhaps."""
        found: dict[str, list[Via]] = {}
        balancers = {r["load_balancer_arn"]: r for r in self.scanned.rows.rows("elbv2_load_balancer")}
        for door in self.doors:
            row = balancers.get(door.balancer)
            waf = False if row is None else None if row["web_acl_arn"] is None else bool(row["web_acl_arn"])
            self._behind(found, door, door.listener, "load-balancer-listener", door.front, waf, None)
        inside = Doors(self.world, self.exposed)
        network = self.scanned.network
        for service in self.scanned.services:
            front = _outcome(service.public)
            for balancer in network.load_balancers:
                for listener in balancer.listeners or ():
                    if balancer.id in service.behind or listener.id in service.behind:
                        door = inside.door(balancer, listener, from_inside=True)
                        self._behind(
                            found, door, service.arn, service.kind, front, service.waf, service.authentication
                        )
        return found

    def _behind(
        self,
        found: dict[str, list[Via]],
        door: Door,
        entry: str,
        kind: str,
        front: Outcome,
        waf: bool | None,
        authentication: str | None,
    ) -> None:
        for backend in door.backends:
            outcomes = (front, backend.outcome)
            if not backend.interface or Outcome.NOT_REACHABLE in outcomes:
                continue
            outcome = Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes else Outcome.REACHABLE
            shown = authentication or ("load balancer" if backend.authenticated else authentication or "")
            found.setdefault(backend.interface, []).append(
                Via(
                    entry,
                    kind,
                    door.protocol,
                    door.port,
                    backend.port,
                    outcome,
                    waf,
                    shown,
                    (*door.unread, *backend.unread),
                )
            )

    # What people call environments.

    def environment(self, interface: Interface) -> str:
        """The environment that tags name, of the interface, its subnet or its VPC; "" where none does."""
        row = self.rows.get(interface.id, {})
        for tags in (row.get("tags"), self._tags.get(interface.subnet), self._tags.get(interface.vpc)):
            for key, value in (tags or {}).items():
                if key.lower() in _ENVIRONMENT_KEYS and value:
                    return environment_of(value)
        return ""

    @cached_property
    def _tags(self) -> dict[str, Mapping[str, str] | None]:
        rows = self.scanned.rows
        found = {row["subnet_id"]: row["tags"] for row in rows.rows("vpc_subnet")}
        return found | {row["vpc_id"]: row["tags"] for row in rows.rows("vpc")}

    # Instances.

    @cached_property
    def instances(self) -> dict[str, dict[str, Any]]:
        """Instance id -> its row."""
        rows = self.scanned.rows.rows("ec2_instance", INSTANCES["ec2_instance"])
        return {row["instance_id"]: row for row in rows}

    @cached_property
    def _roles(self) -> dict[str, bool | None]:
        """Role ARN -> whether it has administrator rights by its own policies."""
        from partywall.analysis.policy import facts

        reading = self.scanned.rows
        documents = {r["arn"]: r["document"] for r in reading.rows("iam_policy", INSTANCES["iam_policy"])}
        told: dict[tuple[str, str], bool | None] = {}

        def admin(text: str | None, account: str) -> bool | None:
            if not text:
                return None if text is None else False
            if (text, account) not in told:
                read = facts("identity", text, account)
                told[text, account] = None if read is None else read["is_admin"]
            return told[text, account]

        found: dict[str, bool | None] = {}
        for row in reading.rows("iam_role", INSTANCES["iam_role"]):
            attached = row["attached_policy_arns"]
            arns = attached or ()
            parts: list[bool | None] = [a.endswith(":policy/AdministratorAccess") for a in arns if a]
            parts += [admin(documents[a], row["account_id"]) for a in arns if a in documents]
            parts.append(admin(row["inline_policy"], row["account_id"]))
            unknown = attached is None or None in parts
            found[row["arn"]] = True if True in parts else None if unknown else False
        return found

    @cached_property
    def _profiles(self) -> dict[str, list[str] | None]:
        rows = self.scanned.rows.rows("iam_instance_profile", INSTANCES["iam_instance_profile"])
        return {row["arn"]: row["role_arns"] for row in rows}

    def admin_role(self, instance: str) -> bool | None:
        """Whether an instance's role has administrator rights; False where it has no role."""
        row = self.instances.get(instance)
        if row is None:
            return None
        profile = row["instance_profile_arn"]
        if not profile:
            return None if profile is None else False
        roles = self._profiles.get(profile)
        if roles is None:
            return None
        held = [self._roles.get(role) for role in roles]
        return True if True in held else None if None in held else False


_ANYWHERE: Final = INTERNET
_DOORS: Final = (
    "elbv2_load_balancer",
    "elbv2_listener",
    "elbv2_target_group",
    "elb_load_balancer",
    "apigateway_rest_api",
    "apigateway_vpc_link",
    "apigatewayv2_api",
    "cloudfront_distribution",
    "cloudfront_vpc_origin",
    "globalaccelerator_listener",
    "globalaccelerator_endpoint_group",
)
_STUDIES: WeakKeyDictionary[Any, Study] = WeakKeyDictionary()


def study(lake: Lake) -> Study:
    """The study of a scan's network, made once for each opened scan."""
    found = _STUDIES.get(lake)
    if found is None:
        found = _STUDIES[lake] = Study(lake, load(lake))
    return found


def environment_of(value: str) -> str:
    """An environment's name as checks compare it: production, sandbox, or the tag's own in lower case."""
    if _PRODUCTION.match(value):
        return "production"
    return "sandbox" if _SANDBOX.match(value) else value.lower()


def _outcome(known: bool | None) -> Outcome:
    return Outcome.UNKNOWN if known is None else Outcome.REACHABLE if known else Outcome.NOT_REACHABLE


def answers_internet(sources: tuple[Cidr, ...] | None) -> Spans:
    """The internet addresses that a public endpoint answers; all where it names none."""
    return INTERNET if sources is None else addresses_of(sources) & INTERNET
