"""The policy documents of a scan, one by one, with whose they are and what kept them from being read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from partywall.analysis.iam.lint.codes import PolicyType
from partywall.tables.registry import table as find

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """A policy as an account holds it. `text` None: it was not read; "": there is none."""

    row: Row
    """The row that it is of: account_id, region, arn, name, tags, _failed and the columns read."""
    kind: str | None
    """As in the column `policy_kind`; None where it was not read."""
    type: PolicyType
    text: str | None
    name: str
    holder: str = ""
    table: str = ""
    column: str = ""
    arn: str = ""
    """Where the row's own would stand for several policies: one that tells them apart."""

    def base(self) -> Row:
        """The common columns of a row about this policy."""
        row = self.row
        return {
            "account_id": row["account_id"],
            "region": row["region"],
            "arn": self.arn or row["arn"],
            "name": self.name,
            "tags": row["tags"],
            "_failed": row["_failed"] if self.text is None else [],
            "policy_kind": self.kind,
            "holder_arn": self.holder,
        }


def rows(lake: Lake, name: str, columns: Iterable[str]) -> list[Row]:
    """A table's stored rows with the common columns; a column that nobody collected is None."""
    wanted = ["account_id", "region", "arn", "name", "tags", *columns, "_failed"]
    return lake.arrow(lake.source.stored(find(name), wanted)).to_pylist()


def identity(lake: Lake, *, aws: bool = False) -> Iterator[Held]:
    """Managed policies and, each by itself, inline ones; AWS's own with `aws`."""
    more = ("document", "attachment_count", "boundary_usage_count")
    for row in rows(lake, "iam_policy", more):
        yield Held(row, "managed", PolicyType.IDENTITY, row["document"], row["name"])
    if aws:
        for row in rows(lake, "iam_aws_managed_policy", ("document",)):
            yield Held(row, "aws_managed", PolicyType.IDENTITY, row["document"], row["name"])
    for name in ("iam_user", "iam_group", "iam_role"):
        for row in rows(lake, name, ("inline_policies",)):
            if row["inline_policies"] is None:
                arn, named = f"{row['arn']}/inline-policies", f"{row['name']}: inline policies"
                yield Held(row, "inline", PolicyType.IDENTITY, None, named, row["arn"], arn=arn)
            for each in row["inline_policies"] or ():
                named = f"{row['name']}: {each['name']}"
                arn, text = f"{row['arn']}/inline-policy/{each['name']}", each["document"]
                yield Held(row, "inline", PolicyType.IDENTITY, text, named, row["arn"], arn=arn)


def resources(lake: Lake) -> Iterator[Held]:
    """The trust policy of each role and the policy of each resource that could have one ("": it has none)."""
    from partywall.tables.analyses.iam_policies import RESOURCE_POLICIES

    for name, columns in {"iam_role": ("trust_policy",), **RESOURCE_POLICIES}.items():
        trust = name == "iam_role"
        type_ = PolicyType.TRUST if trust else PolicyType.RESOURCE
        for row in rows(lake, name, columns):
            for number, column in enumerate(columns):
                kind, label = "trust" if trust else "resource", row["name"] or row["arn"]
                arn = f"{row['arn']}/{column}" if number else ""
                yield Held(row, kind, type_, row[column], label, row["arn"], name, column, arn)


def organizations(lake: Lake) -> Iterator[Held]:
    """SCPs, RCPs and inline policies of permission sets."""
    kinds = {"SERVICE_CONTROL_POLICY": "scp", "RESOURCE_CONTROL_POLICY": "rcp"}
    for row in rows(lake, "organizations_policy", ("policy_type", "content", "aws_managed")):
        kind = kinds.get(row["policy_type"])
        if (kind or row["policy_type"] is None) and row["aws_managed"] is not True:
            yield Held(row, kind, PolicyType(kind or "scp"), row["content"], row["name"])
    for row in rows(lake, "sso_permission_set", ("inline_policy",)):
        if row["inline_policy"] != "":
            text, label = row["inline_policy"], row["name"] or row["arn"]
            yield Held(row, "permission_set", PolicyType.IDENTITY, text, label, row["arn"])


def everything(lake: Lake, *, aws: bool) -> Iterator[Held]:
    """All of them."""
    yield from identity(lake, aws=aws)
    yield from (held for held in resources(lake) if held.text != "")
    yield from organizations(lake)
