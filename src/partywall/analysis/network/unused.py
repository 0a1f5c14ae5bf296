"""Rules that do nothing: of groups that nothing holds, covered by others, shadowed, or naming what is gone.

And of each rule that names public addresses: whether the internet reaches anything by it, end to end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.answers import INTERNET, addresses_of
from partywall.analysis.network.assumed import is_assumed
from partywall.analysis.network.model import AclEntry, Interface, NetworkAcl, SecurityGroup, SecurityGroupRule
from partywall.analysis.network.nacl import entry_services
from partywall.analysis.network.sets import FULL, Spans, services
from partywall.analysis.network.stand_ins import is_stand_in
from partywall.analysis.network.study import INSTANCES, Study, study
from partywall.analysis.network.words import rule_text

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake

Row = dict[str, Any]
_LAST: Final = 32767
# Tables whose rows hold security groups, seen as interfaces or not.
_HOLDERS: Final = (
    "vpc_network_interface",
    "vpc_subnet",
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


def unused_rules(lake: Lake) -> pa.Table:
    """A row per security group, group rule and network ACL entry."""
    from partywall.analysis.network.tables import as_table

    found = study(lake)
    held: dict[str, list[Interface]] = {}
    unknown_groups = False
    for each in found.scanned.network.interfaces:
        unknown_groups = unknown_groups or each.groups is None
        for group in each.groups or ():
            held.setdefault(group, []).append(each)
    named = _named(found)
    tables = found.scanned.rows
    groups = {r["group_id"]: r for r in tables.rows("vpc_security_group")}
    acls = {r["network_acl_id"]: r for r in tables.rows("vpc_network_acl")}
    rows: list[Row] = []
    for group in found.scanned.network.security_groups:
        row = groups.get(group.id)
        if row is not None:
            rows += _group_rows(found, group, row, held.get(group.id, []), named)
    for acl in found.scanned.network.network_acls:
        row = acls.get(acl.id)
        if row is not None:
            rows += _acl_rows(acl, row)
    return as_table("network_unused_rule", rows)


def _named(found: Study) -> set[str]:
    """The groups that rules of other groups name."""
    return {
        rule.group
        for group in found.scanned.network.security_groups
        for rule in group.rules or ()
        if rule.group and rule.group != group.id
    }


def _base(row: Row, kind: str, holder: str, vpc: str, default: bool) -> Row:
    return {
        "account_id": row["account_id"],
        "region": row["region"],
        "tags": list((row["tags"] or {}).items()),
        "kind": kind,
        "holder_id": holder,
        "vpc_id": vpc,
        "is_default": default,
    }


def _group_rows(
    found: Study, group: SecurityGroup, row: Row, held: list[Interface], named: set[str]
) -> list[Row]:
    lacking = found.failing(_HOLDERS, group.account, group.region)
    own = [i.id for i in held if not is_stand_in(i) and not is_assumed(i)]
    attached = True if held else None if lacking else False
    base = _base(row, "security-group", group.id, group.vpc, bool(row["is_default"]))
    reason = "" if held else None if lacking else "nothing holds the group"
    if not held and attached is False and group.id in named:
        reason = "nothing holds the group; rules of other groups name it"
    unknown = [{**f, "call": "rows"} for f in row["_failed"] or ()]
    rows: list[Row] = [
        {
            **base,
            "arn": row["arn"],
            "name": row["name"],
            "rule": "",
            "is_used": attached,
            "reason": reason,
            "from_internet": False,
            "admin_reached": False,
            "attached_interface_ids": None if lacking and not held else sorted(own),
            "_failed": lacking if attached is None else [],
        }
    ]
    reach: bool | None = False
    reached_admin: bool | None = False
    behind: list[dict[str, str]] = []
    for index, rule in enumerate(group.rules or ()):
        internet, admin, failed = _from_internet(found, group, rule, held, bool(lacking))
        behind += failed
        reach = True if True in (reach, internet) else None if None in (reach, internet) else False
        reached_admin = (
            True if True in (reached_admin, admin) else None if None in (reached_admin, admin) else False
        )
        why = _why(found, group, rule, index, attached)
        rows.append(
            {
                **base,
                "kind": "security-group-rule",
                "arn": f"{row['arn']}/{rule.id.removeprefix(group.id).strip().replace(' ', '/')}",
                "name": row["name"],
                "rule": f"{'to' if rule.egress else 'from'} {rule_text(rule)}",
                "is_used": None if why is None else not why,
                "reason": why,
                "from_internet": internet,
                "admin_reached": admin,
                "attached_interface_ids": rows[0]["attached_interface_ids"],
                "_failed": [*failed, *(lacking if attached is None else [])],
            }
        )
    if group.rules is None:
        reach = reached_admin = None
        rows[0]["_failed"] = [*rows[0]["_failed"], *unknown]
    if None in (reach, reached_admin):
        rows[0]["_failed"] = [*rows[0]["_failed"], *behind]
    rows[0]["from_internet"] = reach
    rows[0]["admin_reached"] = reached_admin
    return _once(rows)


def _once(rows: list[Row]) -> list[Row]:
    """Rules that say the same are one rule to EC2; an emulator may list them twice."""
    return list({row["arn"]: row for row in reversed(rows)}.values())[::-1]


def _why(
    found: Study, group: SecurityGroup, rule: SecurityGroupRule, index: int, attached: bool | None
) -> str | None:
    """Why a rule does nothing, "" where it may do something, None where that is not known."""
    for position, other in enumerate(group.rules or ()):
        if other is rule or other.egress != rule.egress or not _covers(other, rule):
            continue
        if not _covers(rule, other) or position < index:
            return f"covered by the rule {rule_text(other)}"
    if rule.group and not found.scanned.network.index["security_groups"].get(rule.group):
        own = rule.group_account in ("", group.account)
        lacking = found.failing(("vpc_security_group",), group.account, group.region)
        if own and not lacking and _same_region(found, group):
            return "names a group that is gone"
    if attached is False:
        return "nothing holds the group"
    return None if attached is None else ""


def _same_region(found: Study, group: SecurityGroup) -> bool:
    """Whether every group that a rule may name is in the scan: VPCs peered within the Region count alone."""
    return not any(
        group.vpc in (peering.requester.vpc, peering.accepter.vpc)
        for peering in found.scanned.network.peerings
    )


def _covers(wide: SecurityGroupRule, narrow: SecurityGroupRule) -> bool:
    """Whether one rule lets through all that another does."""
    opened = services(narrow.protocol, narrow.from_port, narrow.to_port)
    if opened - services(wide.protocol, wide.from_port, wide.to_port):
        return False
    if narrow.cidr is not None:
        return wide.cidr is not None and wide.cidr.holds(narrow.cidr)
    return (wide.prefix_list, wide.group, wide.cidr) == (narrow.prefix_list, narrow.group, None)


def _public(block: Cidr | None) -> Spans:
    return addresses_of([block]) & INTERNET if block is not None else Spans(())


def _from_internet(
    found: Study, group: SecurityGroup, rule: SecurityGroupRule, held: list[Interface], lacking: bool
) -> tuple[bool | None, bool | None, list[dict[str, str]]]:
    """Whether the internet reaches an interface by a rule, whether its role is an administrator's; gaps."""
    blocks = [rule.cidr]
    if rule.prefix_list:
        listed = found.scanned.network.index["prefix_lists"].get(rule.prefix_list)
        if listed is None or listed.entries is None:
            blamed = found.scanned.network.blame(
                "prefix_lists", rule.prefix_list, group.account, group.region
            )
            return (None, None, found.scanned.failed(blamed)) if not rule.egress else (False, False, [])
        blocks = [*listed.entries]
    public = Spans(())
    for block in blocks:
        public = public | _public(block)
    if rule.egress or not public:
        return False, False, []
    opened = services(rule.protocol, rule.from_port, rule.to_port)
    reached: bool | None = False
    admin: bool | None = False
    unread: list[Any] = []
    for each in held:
        exposure = found.exposed.get(each.id)
        if exposure is None:
            continue
        sure = any(o.services & opened and o.sources & public for o in exposure.openings)
        maybe = any(o.possible & opened and o.sources & public for o in exposure.openings)
        if sure:
            reached = True
            role = found.admin_role(each.instance) if each.instance else False
            admin = True if role or admin else None if role is None else admin
        elif (maybe or exposure.unread) and reached is False:
            reached = None
            unread += exposure.unread
    failed = found.scanned.failed(unread) if reached is None else []
    if lacking and reached is False:
        return None, None, found.failing(_HOLDERS, group.account, group.region)
    if reached and admin is not True and lacking:
        admin = None
        failed = [*failed, *found.failing(_HOLDERS, group.account, group.region)]
    if reached and admin is None:
        failed = [*failed, *found.failing(INSTANCES, group.account, group.region)]
    return reached, admin if reached else reached, failed


def _acl_rows(acl: NetworkAcl, row: Row) -> list[Row]:
    rows: list[Row] = []
    for egress in (False, True):
        before: list[AclEntry] = []
        entries = sorted((e for e in acl.entries or () if e.egress == egress), key=lambda e: e.number)
        for entry in entries:
            way = "egress" if egress else "ingress"
            why = "" if entry.number == _LAST else _shadowed(before, entry)
            if not why and not acl.subnets and entry.number != _LAST:
                why = "no subnet uses the network ACL"
            rows.append(
                {
                    **_base(row, "network-acl-entry", acl.id, acl.vpc, acl.default),
                    "arn": f"{row['arn']}/{way}/{entry.number}/{'v6' if entry.cidr.version == 6 else 'v4'}",
                    "name": f"{acl.id} {way} {entry.number}",
                    "rule": rule_text(entry),
                    "is_used": not why,
                    "reason": why,
                    "from_internet": False,
                    "admin_reached": False,
                    "attached_interface_ids": [],
                    "_failed": [],
                }
            )
            before.append(entry)
    return rows


def _shadowed(before: list[AclEntry], entry: AclEntry) -> str:
    """Which earlier entries take everything that an entry matches, "" where something is left for it.

    Amazon VPC User Guide, "Network ACL rules": evaluated from the lowest number on; the first match decides.
    """
    left = entry_services(entry)
    by: list[int] = []
    for other in before:
        if other.cidr.holds(entry.cidr) and left & entry_services(other):
            left = left & (FULL - entry_services(other))
            by.append(other.number)
            if not left:
                numbers = ", ".join(map(str, by))
                return f"shadowed by {'entry' if len(by) == 1 else 'entries'} {numbers}"
    return ""
