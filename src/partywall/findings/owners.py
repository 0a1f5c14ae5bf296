"""Whose a finding is: rules by tag, account, Region, resource and check; the first that fits decides."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from partywall.errors import UserError
from partywall.findings.globs import glob_sql
from partywall.lake.source import literal


class OwnerRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings that fit all of it are `owner`'s, or of whoever the resource's tag `owner_tag` names.

    `tag` is KEY or KEY=VALUE (VALUE a glob); `account`, `region`, `resource` (ARN), `type` (table) and
    `check` are globs.
    """

    owner: str = ""
    owner_tag: str = ""
    tag: str = ""
    account: str = "*"
    region: str = "*"
    resource: str = "*"
    type: str = "*"
    check: str = "*"


def parse(entries: Any, place: str) -> list[OwnerRule]:
    """Rules from configuration; raises UserError naming the one that is wrong."""
    if not isinstance(entries, list):
        raise UserError(f"{place}: `owners` is a list of rules such as {{owner: team-a, tag: team=a}}")
    found: list[OwnerRule] = []
    for number, entry in enumerate(entries, 1):
        try:
            rule = msgspec.convert(entry, OwnerRule)
        except msgspec.ValidationError as error:
            raise UserError(f"{place}: rule {number} of `owners`: {error}") from error
        if bool(rule.owner.strip()) == bool(rule.owner_tag.strip()):
            raise UserError(f"{place}: rule {number} of `owners` has either an owner or an owner_tag")
        if rule.tag.startswith("="):
            raise UserError(f"{place}: rule {number} of `owners`: tag is KEY or KEY=VALUE, not {rule.tag!r}")
        found.append(rule)
    return found


def owner_sql(rules: Collection[OwnerRule]) -> str:
    """SQL of the owner of a row with check_id, account_id, region, resource_arn, table_name and tags.

    It is NULL where no rule fits; unknown tags fit no rule that asks for one.
    """
    whens: list[str] = []
    columns = {
        "check": "check_id",
        "account": "account_id",
        "region": "region",
        "resource": "resource_arn",
        "type": "table_name",
    }
    for rule in rules:
        fits = [
            glob_sql(column, getattr(rule, name))
            for name, column in columns.items()
            if getattr(rule, name) != "*"
        ]
        if rule.tag:
            key, has_value, value = rule.tag.partition("=")
            fits.append(glob_sql(f"tags[{literal(key)}]", value if has_value else "*"))
        owner = literal(rule.owner.strip())
        if rule.owner_tag:
            owner = f"tags[{literal(rule.owner_tag)}]"
            fits.append(f"{owner} <> ''")
        whens.append(f"WHEN {' AND '.join(fits) or 'TRUE'} THEN {owner}")
    return f"CASE {' '.join(whens)} END" if whens else "NULL::VARCHAR"
