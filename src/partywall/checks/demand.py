"""Which columns of which tables a selection of checks reads: what a scan must collect, and no more."""

from __future__ import annotations

from collections.abc import Iterable

from partywall.checks.loader import CompiledCheck
from partywall.collect.planner import Demand
from partywall.lake.source import FACTS_SUFFIX
from partywall.tables.mapping import path_call
from partywall.tables.registry import all_tables
from partywall.tables.spec import Analysis, Table


def demand(checks: Iterable[CompiledCheck]) -> Demand:
    """The columns that the verdicts read, relations followed to the tables that they join."""
    wanted: Demand = {}
    for check in checks:
        add(wanted, check.table, check.columns)
    return wanted


def inventory(checks: Iterable[CompiledCheck], tables: Iterable[Table], *, full: bool = False) -> Demand:
    """The demand of the checks, and of each table its tags and what its listing gives (`full`: all)."""
    wanted = demand(checks)
    for table in tables:
        listed = {c.name for c in table.columns if full or not path_call(table, c.path)}
        add(wanted, table, listed | {"tags"})
    return wanted


def add(wanted: Demand, table: Table, columns: Iterable[str]) -> None:
    """Adds to a demand what reading these columns of a table takes; relations and analyses are followed."""
    if isinstance(table.rows, Analysis) and table.name not in wanted:
        wanted[table.name] = set()
        for name, read in table.rows.inputs.items():
            add(wanted, all_tables()[name], read)
    relations = {r.name: r for r in table.relations}
    stored = wanted.setdefault(table.name, set())
    for name in columns:
        relation = relations.get(name)
        if relation is None:
            own = name in {c.name for c in table.columns}
            stored.add(name if own else name.removesuffix(FACTS_SUFFIX))
            continue
        stored.update(k.removesuffix("[]") for k in relation.on)
        keys = [v.removesuffix("[]") for v in relation.on.values()]
        add(wanted, all_tables()[relation.table], [*relation.columns, *keys])
