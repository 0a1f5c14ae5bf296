"""The table `iam_resource_access`: a row for each resource and each kind of outsider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.iam.access import Access
from partywall.analysis.iam.access_actions import spelled
from partywall.analysis.iam.access_keys import Outsider
from partywall.analysis.iam.access_kinds import Holder
from partywall.analysis.iam.access_scan import ORGANIZATION_INPUTS, assessed
from partywall.analysis.iam.access_words import conditions, context_of, sentence
from partywall.analysis.iam.sources import tells_source

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake

_SETTINGS: Final = {
    "s3_access_point": "s3_account_public_access_block",
    "s3_bucket": "s3_account_public_access_block",
    "ec2_image": "ec2_region_settings",
    "ec2_snapshot": "ec2_region_settings",
}
"""Tables of resources -> the setting of their account or Region that may hold access back."""
_TOLD: Final = (
    "access",
    "granted",
    "limited",
    "by_name",
    "unbound",
    "can_read",
    "can_write",
    "can_change_permissions",
    "can_do_everything",
)
_ORGANIZATIONAL: Final = frozenset(("organization", "resource control policies"))


def resource_access(lake: Lake) -> pa.Table:
    """All rows of a scan, as the table declares them, with `_failed`."""
    import pyarrow as pa

    from partywall.analysis.tables import listing_failures
    from partywall.tables.registry import table
    from partywall.tables.schema import arrow_schema

    # Asked in the management account, they tell of every account.
    above = list(
        {tuple(c.values()): c for _, _, c in listing_failures(lake, list(ORGANIZATION_INPUTS))}.values()
    )
    settings = {table_name: _settings(lake, setting) for table_name, setting in _SETTINGS.items()}
    rows: list[dict[str, Any]] = []
    for holder, row, accesses in assessed(lake):
        held = settings.get(holder.table, {})
        account, region = row["account_id"], row["region"]
        above_it = [*held.get((account, region), ()), *held.get((account, "global"), ())]
        everyone = accesses[Outsider.ANY].access is True
        for kind, access in accesses.items():
            if everyone and kind is Outsider.SERVICE:
                _only_named(access)
            made = _row(holder, row, kind, access, above)
            if above_it and any(made[name] is None for name in _TOLD):
                made["_failed"] = [*made["_failed"], *above_it]
            rows.append(made)
    return pa.Table.from_pylist(rows, arrow_schema(table("iam_resource_access")))


def _settings(lake: Lake, name: str) -> dict[tuple[str, str], list[dict[str, str]]]:
    """The failed calls behind an account's or a Region's setting, by account and Region."""
    from partywall.analysis.tables import listing_failures
    from partywall.tables.registry import table

    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for account, region, call in listing_failures(lake, [name]):
        found.setdefault((account, region), []).append(call)
    if lake.source.files(name):
        stored = lake.source.select(table(name), ("account_id", "region", "_failed"))
        for row in lake.arrow(stored).to_pylist():
            found.setdefault((row["account_id"], row["region"]), []).extend(row["_failed"] or ())
    return found


def _row(
    holder: Holder,
    row: Mapping[str, Any],
    kind: Outsider,
    access: Access,
    above: Sequence[dict[str, str]],
) -> dict[str, Any]:
    open_ = access.access is None
    unbound, unbound_principals = _unbound(holder, kind, access)
    failed = [dict(call) for call in row["_failed"] or ()] if access.undecided else []
    if access.undecided & _ORGANIZATIONAL:
        failed += above
    witness: dict[str, str] = {}
    if access.witness is not None:
        found = access.witness
        witness = {
            "action": spelled([found.action])[0],
            "resource": found.resource,
            **context_of(found.context),
        }
    return {
        "account_id": row["account_id"],
        "region": row["region"],
        "arn": row["arn"],
        "name": row["name"],
        "tags": row["tags"],
        "_failed": failed,
        "resource_type": holder.table,
        "kind": kind.value,
        "access": access.access,
        "granted": access.granted,
        "limited": access.limited,
        "by_name": access.by_name,
        "unbound": unbound,
        "can_read": access.groups["read"],
        "can_write": access.groups["write"],
        "can_change_permissions": access.groups["permissions"],
        "can_do_everything": access.everything,
        # What may yet be among them is not known, so that the lists are not either.
        "actions": None if open_ else spelled(access.actions),
        "principals": None if open_ else sorted(access.principals),
        "unbound_principals": None if unbound is None else sorted(unbound_principals),
        "statements": None if open_ else sorted(access.statements),
        "conditions": None if open_ else conditions(access),
        "blocked_by": None if open_ else sorted(access.blocked_by),
        "undecided": sorted(access.undecided),
        "witness": None if open_ else witness,
        "summary": sentence(access),
    }


def _only_named(access: Access) -> None:
    """That any service is let in too, where everyone is, is told of everyone."""
    access.unbound_principals.discard("*")
    if not access.unbound_principals:
        access.unbound = False


def _unbound(holder: Holder, kind: Outsider, access: Access) -> tuple[bool | None, set[str]]:
    """`unbound` of services only as far as they tell for whom they call."""
    if kind is not Outsider.SERVICE or access.unbound is False:
        return access.unbound, access.unbound_principals
    kept = {name for name in access.unbound_principals if tells_source(name, role=holder.table == "iam_role")}
    if kept or (access.unbound is None and not access.unbound_principals):
        return access.unbound, kept
    return False, kept
