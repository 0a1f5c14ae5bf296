"""Builds the tables of the network: exposure of each interface and service, and reach of each class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.network.answers import INTERNET
from partywall.analysis.network.assumed import is_assumed
from partywall.analysis.network.classes import EndpointClass
from partywall.analysis.network.entry_points import Door, listened
from partywall.analysis.network.model import Interface, LoadBalancer, Unread
from partywall.analysis.network.scan_services import Service
from partywall.analysis.network.sets import EMPTY, Spans, services
from partywall.analysis.network.steps import Outcome
from partywall.analysis.network.study import INSTANCES, Reach, Study, Via, answers_internet, study
from partywall.analysis.network.words import ports_of, services_text
from partywall.analysis.tables import with_missing

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake

Row = dict[str, Any]
_KNOWN = {Outcome.REACHABLE: True, Outcome.NOT_REACHABLE: False, Outcome.UNKNOWN: None}
# Security groups judge who reaches these; others answer by an endpoint of AWS's own.
SOURCES: Final = (
    "vpc",
    "vpc_subnet",
    "vpc_network_interface",
    "redshift_subnet_group",
    "elasticache_subnet_group",
    "elbv2_load_balancer",
    "elb_load_balancer",
    "rds_instance",
    "redshift_cluster",
    "redshift_serverless_workgroup",
    "opensearch_domain",
    "elasticache_cluster",
    "eks_cluster",
    "ecs_service",
)
"""The tables whose rows are, or hold, interfaces."""
_PLACES: Final = ("vpc_subnet", "redshift_subnet_group", "elasticache_subnet_group")
_STANDING: Final = (
    "rds-instance",
    "redshift-cluster",
    "redshift-workgroup",
    "elasticache-cluster",
    "eks-cluster",
    "ecs-service",
)
"""Services that always stand in subnets of the account's."""
_BEHIND_GROUPS = ("rds-instance", "redshift-cluster", "redshift-workgroup", "ecs-service")


def exposure(lake: Lake) -> pa.Table:
    """A row per interface, listener and service: what the internet and other sides reach of it."""
    found = study(lake)
    rows = [_interface(found, each) for each in found.real()]
    balancers = {each.id: each for each in found.scanned.network.load_balancers}
    names = {r["load_balancer_arn"]: r for r in found.scanned.rows.rows("elbv2_load_balancer")}
    names |= {r["arn"]: r for r in found.scanned.rows.rows("elb_load_balancer")}
    for door in found.doors:
        rows.append(_door(found, door, balancers[door.balancer], names.get(door.balancer, {})))
    rows += [_service(found, each) for each in found.scanned.services if each.kind != "accelerator"]
    return with_missing(
        as_table("network_exposure", rows), found.scanned.rows.unplaced.get("ecs_service", ())
    )


def as_table(name: str, rows: list[Row]) -> pa.Table:
    """Rows as an Arrow table with the columns of the declared table."""
    import pyarrow as pa

    from partywall.tables.registry import all_tables
    from partywall.tables.schema import arrow_schema

    schema = arrow_schema(all_tables()[name])
    return pa.Table.from_pylist([{f: row.get(f) for f in schema.names} for row in rows], schema=schema)


def open_ports(reach: Reach) -> list[Row | None]:
    """What is surely open, and one NULL more where there may be more: quantifiers stay three-valued."""
    found: list[Row | None] = [*ports_of(reach.sure)] if reach.sure else []
    if reach.maybe != reach.sure or (reach.unread and not reach.sure):
        found.append(None)
    return found


def _accounts(found: Mapping[str, Reach]) -> list[Row | None]:
    told: list[Row | None] = []
    for account, reach in sorted(found.items()):
        told += [{"account_id": account, **port} for port in ports_of(reach.sure)] if reach.sure else []
    if any(r.maybe != r.sure or (r.unread and not r.sure) for r in found.values()):
        told.append(None)
    return told


def _any(reaches: Iterable[Reach]) -> bool | None:
    known = [r.known for r in reaches]
    return True if True in known else None if None in known else False


def _via(found: Iterable[Via]) -> list[Row | None]:
    told: list[Row | None] = []
    unknown = False
    for each in found:
        if each.outcome is Outcome.UNKNOWN:
            unknown = True
        else:
            told.append(
                {
                    "entry_arn": each.entry,
                    "kind": each.kind,
                    "protocol": each.protocol,
                    "port": each.port,
                    "target_port": each.target_port,
                    "waf": each.waf,
                    "authentication": each.authentication,
                }
            )
    return [*told, None] if unknown else told


def _sides(
    found: Study, ids: list[str], account: str, region: str, *, whole: bool = True
) -> tuple[Row, list[Unread]]:
    """The columns of other networks and other accounts, and the calls that they lack."""
    outside = found.outside(ids)
    others = found.other_accounts(ids)
    # What was not listed in other accounts may reach it, too.
    hidden = [f for other in found.accounts if other != account for f in found.failing(SOURCES, other)]
    # Without its subnets it is not known where something stands, and so not what reaches it.
    lost = [] if whole else found.failing(_PLACES, account, region)
    ports = _accounts(others)
    known = _any(others.values())
    if (hidden and ids) or lost:
        ports = ports if None in ports else [*ports, None]
        known = known or None
    outer = open_ports(outside)
    row = {
        "on_premises_reachable": outside.known or None if lost else outside.known,
        "on_premises_ports": [*outer, None] if lost and None not in outer else outer,
        "other_account_reachable": known,
        "other_account_ports": ports,
        "_failed": [*(hidden if ids else []), *lost],
    }
    unread = list(outside.unread if outside.maybe != outside.sure or not outside.sure else ())
    for reach in others.values():
        unread += reach.unread
    return row, unread


def _interface(found: Study, each: Interface) -> Row:
    row = found.rows[each.id]
    internet = found.internet([each.id])
    via = found.via.get(each.id, [])
    sides, unread = _sides(found, [each.id], each.account, each.region)
    egress = found.egress(each.id)
    instance = found.instances.get(each.instance, {}) if each.instance else {}
    admin = found.admin_role(each.instance) if each.instance else False
    reached = internet.known
    if reached is not True and any(v.outcome is Outcome.REACHABLE for v in via):
        through: bool | None = True
    else:
        through = reached if reached else None if _doubtful(internet, via) else False
    failed = found.scanned.failed(
        [*internet.unread, *unread, *egress.unread, *(u for v in via for u in v.unread)]
    )
    failed += sides.pop("_failed")
    told_via = _via(via)
    doubts = found.door_doubts(each.account, each.region)
    if doubts is not None:
        failed += doubts
        told_via = told_via if None in told_via else [*told_via, None]
        through = through or None
    if each.instance and (not instance or admin is None):
        failed += found.failing(INSTANCES, each.account, each.region)
    return {
        **_common(row),
        "kind": "network-interface",
        "resource_arn": _instance_arn(row, each) if each.instance else row["arn"],
        "vpc_id": each.vpc,
        "subnet_ids": [each.subnet] if each.subnet else [],
        "group_ids": None if each.groups is None else list(each.groups),
        "interface_ids": [each.id],
        "instance_id": each.instance,
        "environment": found.environment(each),
        "internet_reachable": reached,
        "internet_ports": open_ports(internet),
        "internet_path": None if internet.unread else list(internet.lines),
        "internet_via": told_via,
        "internet_reachable_at_all": through,
        "egress_ports": open_ports(egress),
        **sides,
        "listener_protocol": "",
        "tls_policy": "",
        "plaintext": False,
        "waf": False,
        "authentication": "",
        "engine": "",
        "port": 0,
        "admin_role": admin,
        "metadata_tokens": instance.get("http_tokens") if each.instance else "",
        "_failed": failed,
    }


def _doubtful(internet: Reach, via: Iterable[Via]) -> bool:
    return internet.known is None or any(v.outcome is Outcome.UNKNOWN for v in via)


def _instance_arn(row: Row, each: Interface) -> str:
    prefix = str(row["arn"]).partition(":network-interface/")[0]
    return f"{prefix}:instance/{each.instance}"


def _common(row: Row) -> Row:
    return {name: row.get(name) for name in ("account_id", "region", "arn", "name", "tags")}


def _door(found: Study, door: Door, balancer: LoadBalancer, row: Row) -> Row:
    listener = next(each for each in balancer.listeners or () if each.id == door.listener)
    ids = list(balancer.interfaces)
    asked = listened(listener)
    outcome = door.open
    reach = Reach(
        asked if outcome is Outcome.REACHABLE else EMPTY,
        asked if outcome is not Outcome.NOT_REACHABLE else EMPTY,
        (),
        tuple(u for b in door.backends for u in b.unread) + door.unread if outcome is Outcome.UNKNOWN else (),
    )
    whole = len(ids) >= len(balancer.subnets)
    sides, unread = _sides(found, ids, balancer.account, balancer.region, whole=whole)
    front = found.internet(ids)
    listened_row = _listeners(found).get(door.listener, {})
    mutual = listened_row.get("mutual_authentication_mode") == "verify"
    acl = row.get("web_acl_arn", "")
    return {
        "account_id": balancer.account,
        "region": balancer.region,
        "arn": door.listener,
        "name": f"{balancer.name}:{door.port}",
        "tags": row.get("tags"),
        "kind": "load-balancer-listener",
        "resource_arn": balancer.id,
        "vpc_id": balancer.vpc,
        "subnet_ids": list(balancer.subnets),
        "group_ids": None if balancer.groups is None else list(balancer.groups),
        "interface_ids": ids,
        "instance_id": "",
        "environment": _tagged(row),
        "internet_reachable": _KNOWN[outcome],
        "internet_ports": open_ports(reach),
        "internet_path": None if reach.unread or front.unread else _door_lines(front, door),
        "internet_via": [],
        "internet_reachable_at_all": _KNOWN[outcome],
        "egress_ports": [],
        **_only(sides, asked),
        "listener_protocol": door.protocol,
        "tls_policy": door.tls_policy,
        "plaintext": door.plaintext and not _only_redirects(door),
        "waf": None if acl is None else bool(acl),
        "authentication": "mutual TLS" if mutual else "load balancer" if door.authenticated else "",
        "engine": "",
        "port": door.port,
        "admin_role": False,
        "metadata_tokens": "",
        "_failed": found.scanned.failed([*reach.unread, *unread]) + sides["_failed"] + _row_failed(row),
    }


def _row_failed(row: Row) -> list[dict[str, str]]:
    return [{**f, "call": "rows"} for f in row.get("_failed") or ()]


def _tagged(row: Row) -> str:
    from partywall.analysis.network.study import environment_of

    tags: Mapping[str, str] = row.get("tags") or {}
    return next(
        (environment_of(v) for k, v in tags.items() if v and k.lower() in ("env", "environment", "stage")), ""
    )


def _only_redirects(door: Door) -> bool:
    return door.answers and not door.backends


def _listeners(found: Study) -> dict[str, Row]:
    return {r["listener_arn"]: r for r in found.scanned.rows.rows("elbv2_listener")}


def _door_lines(front: Reach, door: Door) -> list[str]:
    if door.open is not Outcome.REACHABLE:
        return []
    lines = [*front.lines, f"listener {door.protocol} {door.port}"]
    reached = [b for b in door.backends if b.outcome is Outcome.REACHABLE]
    return lines + [f"target {b.target}:{b.port}" if b.port else f"target {b.target}" for b in reached]


def _only(sides: Row, asked: Spans) -> Row:
    """Of what other sides reach of a load balancer's interfaces, what its listener answers."""
    from partywall.analysis.network.words import ports_of

    wanted = [(p["protocol"], p["from_port"], p["to_port"]) for p in ports_of(asked)]

    def kept(ports: list[Row | None]) -> list[Row | None]:
        found: list[Row | None] = []
        for port in ports:
            if port is None:
                found.append(None)
                continue
            for protocol, low, high in wanted:
                whole = port["protocol"] == "-1" or (port["protocol"] == protocol and port["from_port"] < 0)
                first, last = (
                    (low, high) if whole else (max(low, port["from_port"]), min(high, port["to_port"]))
                )
                if whole or (port["protocol"] == protocol and first <= last):
                    found.append({**port, "protocol": protocol, "from_port": first, "to_port": last})
        return found

    result: Row = {}
    for side in ("on_premises", "other_account"):
        ports = kept(sides[f"{side}_ports"])
        result[f"{side}_ports"] = ports
        known = [p for p in ports if p is not None]
        result[f"{side}_reachable"] = True if known else None if ports else False
    return result


def _service(found: Study, each: Service) -> Row:
    asked = services(6, each.port, each.port) if each.port else services(6)
    ids = list(each.interfaces)
    inner = found.internet(ids)
    if each.kind in _BEHIND_GROUPS:
        if each.public is None:
            reach = Reach(EMPTY, asked)
        elif each.public and each.subnets and not ids:
            blamed = [*found.scanned.network.unlisted("subnets", each.account, each.region)]
            reach = Reach(EMPTY, asked if blamed else EMPTY, (), tuple(blamed))
        else:
            reach = Reach(inner.sure & asked, inner.maybe & asked, inner.lines, inner.unread)
    elif each.public is None:
        reach = Reach(EMPTY, asked)
    else:
        answered = bool(each.public) and bool(answers_internet(each.sources))
        reach = Reach(asked, asked) if answered else Reach()
        if each.public and each.sources is None and each.kind == "eks-cluster":
            reach = Reach(EMPTY, asked)
    lines = list(reach.lines)
    if reach.sure and each.kind not in _BEHIND_GROUPS:
        everyone = answers_internet(each.sources) == INTERNET
        lines = [f"{each.kind} endpoint open to {'everyone' if everyone else 'some blocks of the internet'}"]
    whole = each.kind not in _STANDING or (bool(ids) and len(ids) >= len(each.subnets))
    sides, unread = _sides(found, ids, each.account, each.region, whole=whole)
    lost = [] if whole else found.failing(_PLACES, each.account, each.region)
    if lost and each.kind in _BEHIND_GROUPS and each.public and not reach.sure:
        reach = Reach(EMPTY, asked)
    known = reach.known if reach.maybe or reach.sure else False
    return {
        "account_id": each.account,
        "region": each.region,
        "arn": each.arn,
        "name": each.name,
        "tags": list(each.tags.items()) if each.tags is not None else None,
        "kind": each.kind,
        "resource_arn": each.arn,
        "vpc_id": each.vpc,
        "subnet_ids": list(each.subnets),
        "group_ids": None if each.groups is None else list(each.groups),
        "interface_ids": [],
        "instance_id": "",
        "environment": _tagged({"tags": each.tags}),
        "internet_reachable": known,
        "internet_ports": open_ports(Reach(reach.sure, reach.maybe)),
        "internet_path": None if reach.unread or known is None else lines,
        "internet_via": _via(v for id_ in ids for v in found.via.get(id_, [])),
        "internet_reachable_at_all": known,
        "egress_ports": open_ports(found.egress(ids[0])) if ids else [None] if lost else [],
        **_only(sides, asked),
        "listener_protocol": "HTTPS" if each.port == 443 else "",
        "tls_policy": "",
        "plaintext": each.plaintext,
        "waf": each.waf,
        "authentication": each.authentication,
        "engine": each.engine,
        "port": each.port,
        "admin_role": False,
        "metadata_tokens": "",
        "_failed": [
            *found.scanned.failed([*reach.unread, *unread]),
            *sides["_failed"],
            *map(dict, each.failed),
        ],
    }


def reachability(lake: Lake) -> pa.Table:
    """A row per subnet and set of groups: what its interfaces reach of others, and of the internet."""
    found = study(lake)
    world = found.world
    merged: dict[str, list[EndpointClass]] = {}
    for each in found.classes:
        if not is_assumed(world.interfaces[each.first]):
            merged.setdefault(class_arn(found, each), []).append(each)
    arns = {each.first: arn for arn, those in merged.items() for each in those}
    hidden = found.failing(SOURCES)
    rows: list[Row] = []
    for arn, those in merged.items():
        first = world.interfaces[those[0].first]
        sure: dict[str, Spans] = {}
        unread: list[Unread] = []
        doubt = bool(hidden)
        for each in those:
            for there, reach in found.pairs.get(each.first, {}).items():
                target = arns.get(there)
                if target is None or target == arn:
                    continue
                if reach.sure:
                    sure[target] = sure.get(target, EMPTY) | reach.sure
                if reach.maybe != reach.sure:
                    doubt = True
                    unread += reach.unread
        reaches: list[Row | None] = [_reached(found, merged[t][0].first, t, sure[t]) for t in sorted(sure)]
        if doubt:
            reaches.append(None)
        egress = found.egress(first.id)
        rows.append(
            {
                "account_id": first.account,
                "region": first.region,
                "arn": arn,
                "name": first.name or first.instance or first.owner.rpartition("/")[2] or first.id,
                "tags": list((found.rows.get(first.id, {}).get("tags") or {}).items()),
                "vpc_id": first.vpc,
                "subnet_id": first.subnet,
                "group_ids": None if first.groups is None else sorted(first.groups),
                "interface_ids": sorted(m for each in those for m in each.members),
                "environment": found.environment(first),
                "holds_data": True
                if any(_holds_data(found, each.members) for each in those)
                else None
                if found.failing(_DATA_TABLES, first.account, first.region)
                else False,
                "reaches": reaches,
                "egress_ports": open_ports(egress),
                "_failed": [*found.scanned.failed([*unread, *egress.unread]), *hidden],
            }
        )
    unplaced = (call for calls in found.scanned.rows.unplaced.values() for call in calls)
    return with_missing(as_table("network_reachability", rows), unplaced)


def _reached(found: Study, first: str, arn: str, sure: Spans) -> Row:
    other = found.world.interfaces[first]
    return {
        "class_arn": arn,
        "account_id": other.account,
        "vpc_id": other.vpc,
        "subnet_id": other.subnet,
        "environment": found.environment(other),
        "services": services_text(sure),
    }


_DATA_TABLES = (
    *_PLACES,
    "rds_instance",
    "redshift_cluster",
    "redshift_serverless_workgroup",
    "elasticache_cluster",
    "opensearch_domain",
)
_DATA = ("rds-instance", "redshift-cluster", "redshift-workgroup", "elasticache-cluster", "opensearch-domain")


def _holds_data(found: Study, members: Iterable[str]) -> bool:
    stores = {i for s in found.scanned.services if s.kind in _DATA for i in s.interfaces}
    return any(member in stores for member in members)


def class_arn(found: Study, each: EndpointClass) -> str:
    """The name of a class: its account and place, its subnet and its groups."""
    first = found.world.interfaces[each.first]
    partition = next((a.get("partition") for a in found.lake.manifest.accounts), None) or "aws"
    groups = "unknown" if each.groups is None else ",".join(each.groups)
    return f"arn:{partition}:ec2:{first.region}:{first.account}:network-class/{each.subnet}/{groups}"
