"""Builds the table `network_link`: which VPCs peerings and transit gateways let packets pass between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.model import Peering, TransitGatewayRouteTable, Unread, Vpc
from partywall.analysis.network.study import Study, environment_of, study
from partywall.analysis.network.tables import as_table

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake

Row = dict[str, Any]
_KEYS = ("env", "environment", "stage")


def links(lake: Lake) -> pa.Table:
    """A row per peering connection and per transit gateway route table, as each account lists them."""
    found = _Joins(study(lake))
    return as_table("network_link", [*found.peerings(), *found.route_tables()])


class _Joins:
    def __init__(self, found: Study) -> None:
        self._found = found
        self._network = found.scanned.network
        self._index = self._network.index

    def peerings(self) -> Iterator[Row]:
        held = self._index["peerings"]
        for row in self._found.scanned.rows.rows("vpc_peering_connection"):
            each = held.get(row["vpc_peering_connection_id"])
            if each is not None and each.state == "active":
                yield self._row(row, "peering", each.id, *self._peered(each))

    def route_tables(self) -> Iterator[Row]:
        held = self._index["transit_gateway_route_tables"]
        for row in self._found.scanned.rows.rows("vpc_transit_gateway_route_table"):
            each = held.get(row["transit_gateway_route_table_id"])
            if each is not None:
                yield self._row(row, "transit-gateway-route-table", each.transit_gateway, *self._routed(each))

    def _row(
        self, row: Row, kind: str, link: str, joins: list[Row | None], overlaps: list[Row | None],
        unread: list[Unread],
    ) -> Row:  # fmt: skip
        return {
            **{name: row.get(name) for name in ("account_id", "region", "arn", "name", "tags")},
            "kind": kind,
            "link_id": link,
            "joins": joins,
            "overlaps": overlaps,
            "_failed": self._found.scanned.failed(dict.fromkeys(unread)),
        }

    def _peered(self, each: Peering) -> tuple[list[Row | None], list[Row | None], list[Unread]]:
        joins: list[Row | None] = []
        unread: list[Unread] = []
        for here, there in ((each.requester, each.accepter), (each.accepter, each.requester)):
            tables = [t for t in self._network.route_tables if t.vpc == here.vpc]
            lacking = [t for t in tables if t.routes is None]
            if any(r.target == each.id and r.state == "active" for t in tables for r in t.routes or ()):
                joins.append(self._join(here.vpc, there.vpc, unread))
            elif lacking or self._scanned(here.account):
                unread += [u for t in lacking for u in self._network.blame("route_tables", t.id)]
                unread += self._network.unlisted("route_tables", here.account, here.region)
        overlaps: list[Row | None] = []
        for here, there in ((each.requester, each.accepter), (each.accepter, each.requester)):
            for other in self._network.peerings:
                if other.id == each.id or other.state != "active":
                    continue
                sides = (other.requester, other.accepter)
                if here.vpc in (s.vpc for s in sides):
                    third = sides[0] if sides[1].vpc == here.vpc else sides[1]
                    overlaps += overlaps_of(there.vpc, there.cidrs, third.vpc, third.cidrs)
        gaps = self._network.unlisted("peerings")
        if unread:
            joins.append(None)
        if gaps:
            overlaps.append(None)
        return _once(joins), _once(overlaps), [*unread, *gaps]

    def _routed(
        self, each: TransitGatewayRouteTable
    ) -> tuple[list[Row | None], list[Row | None], list[Unread]]:
        attachments = self._index["transit_gateway_attachments"]
        unread = [*self._network.unlisted("transit_gateway_attachments")]
        if each.routes is None:
            unread += self._network.blame("transit_gateway_route_tables", each.id)
        joins: list[Row | None] = []
        senders = {a: attachments.get(a) for a in each.associations}
        # An association is told by the attachment, too.
        senders |= {a.id: a for a in attachments.values() if a.route_table == each.id}
        reached = dict.fromkeys(
            a for route in each.routes or () if route.state == "active" for a in route.attachments
        )
        ends: list[str] = []
        for target in reached:
            there = attachments.get(target)
            if there is None or there.kind != "vpc":
                continue
            ends.append(there.resource)
            for here in senders.values():
                if here is not None and here.kind == "vpc" and here.resource != there.resource:
                    joins.append(self._join(here.resource, there.resource, unread))
        overlaps: list[Row | None] = []
        vpcs: list[Vpc] = [self._vpcs[id_] for id_ in dict.fromkeys(ends) if id_ in self._vpcs]
        for i, one in enumerate(vpcs):
            for other in vpcs[i + 1 :]:
                overlaps += overlaps_of(one.id, one.cidrs, other.id, other.cidrs)
        if any(id_ not in self._vpcs for id_ in ends):
            unread += self._network.unlisted("vpcs")
        if unread:
            joins.append(None)
            overlaps.append(None)
        return _once(joins), _once(overlaps), unread

    def _join(self, here: str, there: str, unread: list[Unread]) -> Row:
        row: Row = {}
        for side, id_ in (("from", here), ("to", there)):
            vpc = self._vpcs.get(id_)
            row[f"{side}_vpc"] = id_
            row[f"{side}_account"] = vpc.account if vpc is not None else ""
            row[f"{side}_environment"] = self._environments.get(id_, "")
            if id_ not in self._environments and (vpc is None or self._scanned(vpc.account)):
                gaps = self._network.unlisted("vpcs")
                if gaps:
                    unread += gaps
                    row[f"{side}_environment"] = None
        return row

    def _scanned(self, account: str) -> bool:
        return account in self._found.accounts

    @cached_property
    def _vpcs(self) -> dict[str, Vpc]:
        return {vpc.id: vpc for vpc in self._network.vpcs}

    @cached_property
    def _environments(self) -> dict[str, str]:
        """VPC -> the environment that its tags name; "" where they name none."""
        told: dict[str, str] = {}
        for row in self._found.scanned.rows.rows("vpc"):
            tags = row["tags"] or {}
            values = (v for k, v in tags.items() if v and k.lower() in _KEYS)
            told[row["vpc_id"]] = next(map(environment_of, values), "")
        return told


def overlaps_of(one: str, blocks: Iterable[Cidr], other: str, others: Iterable[Cidr]) -> Iterator[Row]:
    """The blocks that two VPCs have in common, the narrower of each pair."""
    theirs = list(others)
    if one == other:
        return
    for a in blocks:
        for b in theirs:
            if a.overlaps(b):
                low, high = sorted((one, other))
                yield {"one_vpc": low, "other_vpc": high, "block": str(max(a, b, key=lambda c: c.length))}


def _once(rows: list[Row | None]) -> list[Row | None]:
    """Each once, in order, what is not known last."""
    known = {tuple(row.values()): row for row in rows if row is not None}
    ordered: list[Row | None] = [known[key] for key in sorted(known, key=repr)]
    return [*ordered, None] if None in rows else ordered
