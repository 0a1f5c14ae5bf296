"""The tables of what principals may do and what of it they use.

IAM User Guide: Refine permissions in AWS using last accessed information. Use is counted over 90 days; AWS
keeps track for 400 days at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from partywall.analysis.iam.evaluate import Layer, Policies
from partywall.analysis.iam.masks import Member, classes
from partywall.analysis.iam.review import EXFILTRATION, escalation, masker, named, service_masks
from partywall.analysis.iam.tables_documents import Row, rows
from partywall.analysis.iam.tables_policies import table
from partywall.analysis.iam.universe import actions
from partywall.analysis.iam.world import Identity, World

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake

_TRACKED_DAYS: Final = 400
_UNUSED_DAYS: Final = 90
_UNREAD: Final = frozenset((Layer.IDENTITY, Layer.BOUNDARY))


def effective(lake: Lake) -> pa.Table:
    """The table iam_effective_permission."""
    from partywall.analysis.iam import scan_world

    world = scan_world.load(lake)
    known = {row["arn"]: row for name in ("iam_user", "iam_role") for row in rows(lake, name, ())}
    members = [i for arn, i in world.identities.items() if arn in known]
    made: list[Row] = []
    found = [Member(i.principal, _policies(world, i)) for i in members]
    for group in classes(found, masker()):
        arns = sorted(members[n].principal.arn for n in group.members)
        row = known[arns[0]]
        base = {k: row[k] for k in ("account_id", "region", "arn", "name", "tags", "_failed")}
        open_ = bool(group.policies.unread)
        for service, all_ in service_masks().items():
            may, must = group.effective.may & all_, group.effective.must & all_
            if not may:
                continue
            told: Row = {"members": arns, "service_prefix": service, "total_count": all_.bit_count()}
            if not open_:
                told |= {"may_count": may.bit_count(), "must_count": must.bit_count()}
                told |= {"may": _names(may, all_), "must": _names(must, all_)}
            made.append({**base, **told})
    return table("iam_effective_permission", made)


@lru_cache(maxsize=65536)
def _names(mask: int, all_: int) -> list[str]:
    return ["*"] if mask == all_ else named(set(actions().names(mask)))


def _policies(world: World, identity: Identity) -> Policies:
    account = world.account(identity.principal.account)
    unread = identity.unread
    if not (identity.principal.management or identity.principal.service_linked):
        unread |= account.unread & {Layer.SCP}
    return Policies(identity=identity.policies, boundary=identity.boundary, scps=account.scps, unread=unread)


@dataclass(frozen=True, slots=True)
class _Principal:
    """A user or role with what its policies and boundary allow. `may` None: not all of them were read."""

    row: Row
    kind: str
    may: int | None
    must: int | None
    boundary_idle: bool | None
    age: int | None
    report: Mapping[str, Row] | None


def _principals(lake: Lake) -> Iterator[_Principal]:
    from partywall.analysis.iam import scan_world

    world = scan_world.load(lake)
    now: datetime = lake.manifest.started_at
    free = actions().bits(("sts:getcalleridentity", "sts:getsessiontoken"))
    for name in ("iam_user", "iam_role"):
        columns = ["create_date", "permissions_boundary", "last_accessed"]
        if name == "iam_role":
            columns.append("is_aws_managed")
        for row in rows(lake, name, columns):
            identity = world.identities.get(row["arn"])
            may = must = None
            idle: bool | None = None
            if identity is not None:
                if not identity.unread & _UNREAD:
                    own = Policies(identity=identity.policies, boundary=identity.boundary)
                    allowed = masker().effective(identity.principal, own)
                    # What no policy withholds is not granted by one.
                    may, must = allowed.may & ~free, allowed.must & ~free
                if row["permissions_boundary"] == "":
                    idle = False
                elif identity.boundary is not None:
                    limits = masker().policies(identity.boundary.policies)
                    idle = limits.allow_must & ~limits.deny_may == actions().all
            report = None if row["last_accessed"] is None else {r["service"]: r for r in row["last_accessed"]}
            yield _Principal(
                row, name.removeprefix("iam_"), may, must, idle, _days(now, row["create_date"]), report
            )


def _days(now: datetime, then: datetime | None) -> int | None:
    return None if then is None else max(0, (now - then).days)


def _base(one: _Principal) -> Row:
    row = one.row
    return {k: row[k] for k in ("account_id", "region", "arn", "name", "tags", "_failed")}


def unused(lake: Lake) -> pa.Table:
    """The table iam_unused_permission."""
    now = lake.manifest.started_at
    made: list[Row] = []
    for one in _principals(lake):
        reported = set(one.report or ())
        for service, all_ in service_masks().items():
            granted = None if one.may is None else one.may & all_
            if granted == 0 and service not in reported:
                continue
            row: Row = {**_base(one), "service_prefix": service}
            if granted is not None:
                row["granted_count"] = granted.bit_count()
            if one.report is not None:
                row["tracked"] = service in reported
                if (entry := one.report.get(service)) is not None:
                    row |= {"used": entry["used"], "last_used": entry["last_used"]}
                    row["unused_days"] = _unused_days(now, entry, one.age)
                    row["unused_actions"] = _unused_actions(now, service, entry, granted, one.age)
            made.append(row)
    return table("iam_unused_permission", made)


def _unused_days(now: datetime, entry: Row, age: int | None) -> int | None:
    if entry["used"]:
        return _days(now, entry["last_used"])
    return None if age is None else min(age, _TRACKED_DAYS)


def _unused_actions(
    now: datetime, service: str, entry: Row, granted: int | None, age: int | None
) -> list[str] | None:
    """Tracked actions that are allowed and were not used for 90 days."""
    if granted is None or age is None or entry["actions"] is None:
        return None
    if age < _UNUSED_DAYS:
        return []
    return sorted(
        f"{service}:{action['name']}"
        for action in entry["actions"]
        if actions().has(granted, f"{service}:{action['name']}".lower()) and not _recent(now, action)
    )


def _recent(now: datetime, entry: Row) -> bool:
    return bool(entry["used"]) and (_days(now, entry["last_used"]) or 0) < _UNUSED_DAYS


def usage(lake: Lake) -> pa.Table:
    """The table iam_principal_usage."""
    return table("iam_principal_usage", [_usage(one, lake.manifest.started_at) for one in _principals(lake)])


def _usage(one: _Principal, now: datetime) -> Row:
    universe = actions()
    row: Row = {
        **_base(one),
        "principal_kind": one.kind,
        "is_aws_managed": one.row.get("is_aws_managed", False),
        "age_days": one.age,
        "has_boundary": None if (b := one.row["permissions_boundary"]) is None else b != "",
        "boundary_allows_everything": one.boundary_idle,
    }
    if one.report is not None:
        recent = [e["last_used"] for e in one.report.values() if e["used"] and e["last_used"]]
        row["idle_days"] = _days(now, max(recent)) if recent else one.age
    if one.may is None or one.must is None:
        return row
    risky = {name for name in _risky() if universe.has(one.may, name)}
    # A role or a key always takes that one's own policy as well: of them no mask is sure.
    sure = universe.all & ~(universe.match("sts:*") | universe.match("kms:*"))
    row["allows_everything"] = one.must & sure == sure
    row["high_risk_actions"] = named(risky)
    if one.report is None or one.age is None:
        return row
    granted = [s for s in one.report if one.may & service_masks().get(s, 0)]
    young = one.age < _UNUSED_DAYS
    idle = [] if young else [s for s in granted if not _recent(now, one.report[s])]
    row["granted_services"] = sorted(granted)
    row["unused_services"] = sorted(idle)
    row["unused_share"] = len(idle) / len(granted) if granted else 0.0
    row["unused_high_risk"] = [] if young else named(set(_unused_risky(one.report, risky, set(idle), now)))
    return row


@lru_cache(maxsize=1)
def _risky() -> frozenset[str]:
    return escalation() | EXFILTRATION


def _unused_risky(
    report: Mapping[str, Row], risky: Iterable[str], idle: set[str], now: datetime
) -> Iterator[str]:
    for name in risky:
        service, _, action = name.partition(":")
        if service in idle:
            yield name
            continue
        for tracked in (report[service]["actions"] or ()) if service in report else ():
            if tracked["name"].lower() == action and not _recent(now, tracked):
                yield name
