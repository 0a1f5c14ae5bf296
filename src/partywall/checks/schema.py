"""The columns that a check may read: stored ones, policy facts and relations, with their types."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from partywall.analysis.policy import FACTS
from partywall.tables import schema
from partywall.tables.registry import all_tables
from partywall.tables.spec import Relation, Table
from partywall.tables.types import PolicyType, Type

FACTS_SUFFIX = "_facts"


@cache
def readable(table: Table) -> Mapping[str, Type]:
    """Every column of a table that SQL sees, with its type, relations last."""
    columns = dict(plain(table))
    for relation in table.relations:
        columns[relation.name] = _relation_type(relation)
    return columns


def _relation_type(relation: Relation) -> Type:
    """A relation's type; among its columns may be relations of the other table, and so on.

    Raises ValueError, in the table linter's words, where the table or a column is not there.
    """
    other = all_tables().get(relation.table)
    if other is None:
        raise ValueError(f"relation {relation.name}: there is no table {relation.table}")
    further = {r.name: _relation_type(r) for r in other.relations if r.name in relation.columns}
    columns = {**plain(other), **further}
    for name in relation.columns:
        if name not in columns:
            raise ValueError(f"relation {relation.name}: {relation.table} has no column {name}")
    return schema.relation_type(columns, relation.columns)


@cache
def plain(table: Table) -> Mapping[str, Type]:
    """The stored columns and, beside each policy column `x`, the struct `x_facts`."""
    columns: dict[str, Type] = {}
    for name, type_ in schema.stored_types(table).items():
        columns[name] = type_
        if isinstance(type_, PolicyType):
            columns[name + FACTS_SUFFIX] = FACTS[type_.kind]
    return columns
