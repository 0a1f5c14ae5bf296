"""All declared tables, found by their modules."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from graphlib import TopologicalSorter

from partywall.errors import UserError, did_you_mean
from partywall.tables import analyses, services
from partywall.tables.spec import Analysis, Table


@cache
def all_tables() -> Mapping[str, Table]:
    """Every table by name, sorted; raises ValueError where two share a name."""
    tables: dict[str, Table] = {}
    for package in (services, analyses):
        for module in pkgutil.iter_modules(package.__path__):
            for table in importlib.import_module(f"{package.__name__}.{module.name}").TABLES:
                if table.name in tables:
                    raise ValueError(f"two tables are called {table.name}")
                tables[table.name] = table
    return dict(sorted(tables.items()))


@cache
def analysis_tables() -> Mapping[str, Analysis]:
    """How each table is made that an analysis fills, by name; those that others read come first."""
    made = {name: t.rows for name, t in all_tables().items() if isinstance(t.rows, Analysis)}
    order = TopologicalSorter({name: sorted(set(rows.inputs) & set(made)) for name, rows in made.items()})
    return {name: made[name] for name in order.static_order()}


def table(name: str) -> Table:
    """The table of that name; raises UserError with the nearest names where there is none."""
    found = all_tables().get(name)
    if found is None:
        hint = did_you_mean(name, all_tables(), " (partywall tables lists them)")
        raise UserError(f"there is no table {name!r}{hint}")
    return found
