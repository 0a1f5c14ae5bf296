"""The resources of a scan that others may be let into, and what is decided of each.

A resource whose listing answered has its rows whatever else failed: what was not told makes its answers NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.iam.access import Access, Target, assess
from partywall.analysis.iam.access_callers import Zone
from partywall.analysis.iam.access_keys import Outsider
from partywall.analysis.iam.access_kinds import HOLDERS, Holder
from partywall.analysis.iam.access_sharing import EFS_DEFAULT
from partywall.analysis.iam.context import Values
from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.evaluate import Layer, Tri, both, either
from partywall.analysis.iam.s3_sharing import acl_policy, public_blocked
from partywall.analysis.iam.scan_world import grant_policies, load_accounts
from partywall.analysis.iam.world import Account, World

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

Row = Mapping[str, Any]

ORGANIZATION_INPUTS: Final[dict[str, tuple[str, ...]]] = {
    "account": ("organization_id", "management_account_id"),
    "organizations_account": ("member_account_id", "ancestor_ids", "parent_type", "organization_path"),
    "organizations_root": ("root_id",),
    "organizations_policy_type": ("policy_type", "status"),
    "organizations_policy": ("policy_type", "content", "target_ids"),
}
"""What tells of accounts, their organization and its resource control policies."""
OTHER_INPUTS: Final[dict[str, tuple[str, ...]]] = {
    "s3_account_public_access_block": ("restrict_public_buckets", "ignore_public_acls"),
    "ec2_region_settings": ("snapshot_block_public_access",),
}


def inputs() -> dict[str, tuple[str, ...]]:
    """Table -> the columns that are read of it."""
    own = {h.table: (*h.policies, *h.more) for h in HOLDERS}
    return {**own, **ORGANIZATION_INPUTS, **OTHER_INPUTS}


def assessed(lake: Lake) -> Iterator[tuple[Holder, Row, dict[Outsider, Access]]]:
    """Each resource of a scan that others may be let into, with the access of each kind of outsider."""
    reading = _Reading(lake)
    for holder in HOLDERS:
        for row in reading.rows(holder.table, *holder.policies, *holder.more):
            if holder.where is None or holder.where(row):
                yield holder, row, reading.assess(holder, row)


class _Reading:
    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.world: World = load_accounts(lake)
        self.blocks = {
            r["account_id"]: r
            for r in self.rows(
                "s3_account_public_access_block", *OTHER_INPUTS["s3_account_public_access_block"]
            )
        }
        self.settings = {
            (r["account_id"], r["region"]): r["snapshot_block_public_access"]
            for r in self.rows("ec2_region_settings", "snapshot_block_public_access")
        }
        self.canonical: dict[str, str] = {}
        for row in self.rows("s3_bucket", "acl_owner"):
            if row["acl_owner"]:
                self.canonical[row["acl_owner"]] = row["account_id"]
        self.zones: dict[str, Zone] = {}

    def rows(self, table: str, *columns: str) -> list[dict[str, Any]]:
        """A table's rows with the common columns and those named; what nobody collected is None."""
        from partywall.tables.registry import table as find

        common = ("account_id", "region", "arn", "name", "tags", "_failed")
        wanted = dict.fromkeys((*common, *columns))
        return self.lake.arrow(self.lake.source.stored(find(table), wanted)).to_pylist()

    def zone(self, owner: str) -> Zone:
        """Where an account stands among the others."""
        found = self.zones.get(owner)
        if found is None:
            accounts = self.world.accounts
            own = accounts.get(owner) or Account(owner)
            scanned = {id_: account.organization for id_, account in accounts.items()}
            found = Zone(owner, own.organization, scanned, self._members(owner), self.canonical)
            self.zones[owner] = found
        return found

    def _members(self, owner: str) -> frozenset[str] | None:
        """The accounts of the owner's organization; None where they were not listed."""
        own = self.rows("account", "organization_id", "management_account_id")
        mine = next((r for r in own if r["account_id"] == owner), None)
        if mine is None or not mine["organization_id"] or not mine["management_account_id"]:
            return None
        manager = mine["management_account_id"]
        listed = manager in self.world.accounts and not any(
            account == manager for account, _ in self.lake.source.incomplete.get("organizations_account", ())
        )
        if not listed:
            return None
        rows = self.rows("organizations_account", "member_account_id")
        return frozenset(r["member_account_id"] for r in rows if r["account_id"] == manager) | {manager}

    def assess(self, holder: Holder, row: Row) -> dict[Outsider, Access]:
        """The access of each kind of outsider to one resource."""
        target = self.target(holder, row)
        zone = self.zone(row["account_id"])
        if holder.table == "s3_access_point":
            # AWS holds others back where the policy is public, which is judged here.
            restricted = either(
                row["restrict_public_buckets"],
                self.blocks.get(row["account_id"], {}).get("restrict_public_buckets"),
            )
            if restricted is not False:
                first = assess(target, zone)
                public: Tri = either(first[Outsider.ANONYMOUS].granted, first[Outsider.ANY].granted)
                target = replace(target, public_blocked=both(restricted, public))
        return assess(target, zone)

    def target(self, holder: Holder, row: Row) -> Target:
        """A row as what `assess` asks about."""
        arn: str = row["arn"] or ""
        owner = self.world.account(row["account_id"])
        label = f"trust of {arn}" if holder.table == "iam_role" else f"policy of {arn}"
        documents = [row[c] for c in holder.policies]
        policies = [self.world.policy(d, label, principal=True) for d in documents if d]
        unread = None in documents or not arn or any(p.problems for p in policies)
        partition = arn.split(":")[1] if ":" in arn else "aws"
        names = {
            "arn": arn,
            "partition": partition,
            "region": row["region"],
            "account": row["account_id"],
            "id": row.get("rest_api_id"),
        }
        blocked: Tri = False
        enclosed: Tri = False
        settings: dict[str, Values | None] = {}
        signed_only = not holder.anonymous
        if holder.sharing is not None:
            found = holder.sharing(f"sharing of {arn}", row)
            unread |= found is None
            policies += found or []
        if holder.table == "s3_bucket":
            acl, missing = acl_policy(row, self.blocks.get(row["account_id"], {}))
            policies += acl
            unread |= missing
            blocked = public_blocked(row, self.blocks.get(row["account_id"], {}))
        elif holder.table == "s3_access_point":
            enclosed = None if row["network_origin"] is None else row["network_origin"] == "VPC"
        elif holder.table == "opensearch_domain":
            enclosed = None if row["vpc_id"] is None else row["vpc_id"] != ""
        elif holder.table == "kms_key":
            unread |= row["grants"] is None
            policies += grant_policies(self.world, dict(row))
        elif holder.table == "efs_file_system" and row["policy"] == "":
            policies.append(EFS_DEFAULT)
        elif holder.table == "ec2_snapshot":
            policies, missing = self._snapshot(row, policies)
            unread |= missing
        elif holder.table == "lambda_function":
            settings, signed_only, missing = _by_url(row, policies)
            unread |= missing
        elif holder.table == "apigateway_rest_api":
            policies = [_expanded(p, names) for p in policies]
        return Target(
            arn=arn,
            account=row["account_id"],
            service=holder.service,
            policies=self.world.policy_set(policies) if policies else None,
            parts=tuple(p.format(**names) for p in holder.parts),
            unread=unread,
            rcps=owner.rcps,
            rcps_unread=Layer.RCP in owner.unread,
            public_blocked=blocked,
            tags=None if row["tags"] is None else dict(row["tags"]),
            organization=owner.organization,
            management=owner.management,
            settings=settings,
            signed_only=signed_only,
            actions=holder.actions,
            enclosed=enclosed,
        )

    def _snapshot(self, row: Row, policies: list[Policy]) -> tuple[list[Policy], bool]:
        """Block public access for snapshots (Amazon EC2 User Guide): in the mode that blocks all sharing,
        what is public is so no longer."""
        state = self.settings.get((row["account_id"], row["region"]))
        if state is None:
            return policies, bool(row["is_public"])
        if state != "block-all-sharing":
            return policies, False
        made = [
            Policy(p.name, tuple(s for s in p.statements if s.sid != "everyone"), p.problems)
            for p in policies
        ]
        return made, False


def _by_url(row: Row, policies: Iterable[Policy]) -> tuple[dict[str, Values | None], bool, bool]:
    """What function URLs settle: the key of their authentication, no anonymous calls, something not told."""
    asked = any("functionurl" in a or "*" in a for p in policies for s in p.statements for a in s.actions)
    if row["urls"] is None:
        return {}, False, asked
    kinds = sorted({each["auth_type"] for each in row["urls"]})
    if len(kinds) != 1:
        # With both kinds of URLs, that without authentication tells the most.
        kinds = [k for k in kinds if k == "NONE"]
    return {"lambda:functionurlauthtype": tuple(kinds) or None}, kinds != ["NONE"], False


def _expanded(policy: Policy, names: Mapping[str, Any]) -> Policy:
    """API Gateway fills in the rest of a Resource that begins with `execute-api:/` (its guide's page on
    resource policies)."""
    prefix = f"arn:{names['partition']}:execute-api:{names['region']}:{names['account']}:{names['id']}"
    statements = tuple(
        replace(
            s,
            resources=tuple(
                prefix + r.removeprefix("execute-api:") if r.startswith("execute-api:/") else r
                for r in s.resources
            ),
            key=-2 - s.key,
        )
        if s.resources and any(r.startswith("execute-api:/") for r in s.resources)
        else s
        for s in policy.statements
    )
    return Policy(policy.name, statements, policy.problems)
