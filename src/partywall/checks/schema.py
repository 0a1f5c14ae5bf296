"""The columns that a check may read: stored ones, policy facts and relations, with their types."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from partywall.analysis.policy import FACTS
from partywall.tables import schema
from partywall.tables.registry import all_tables
from partywall.tables.spec import Table
from partywall.tables.types import PolicyType, Type

FACTS_SUFFIX = "_facts"


@cache
def readable(table: Table) -> Mapping[str, Type]:
    """Every column of a table that SQL sees, with its type, relations last."""
    columns = dict(plain(table))
    for relation in table.relations:
        other = plain(all_tables()[relation.table])
        columns[relation.name] = schema.relation_type(other, relation.columns)
    return columns


@cache
def plain(table: Table) -> Mapping[str, Type]:
    """The stored columns and, beside each policy column `x`, the struct `x_facts`."""
    columns: dict[str, Type] = {}
    for name, type_ in schema.stored_types(table).items():
        columns[name] = type_
        if isinstance(type_, PolicyType):
            columns[name + FACTS_SUFFIX] = FACTS[type_.kind]
    return columns
