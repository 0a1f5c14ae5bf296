"""All declared tables, found by their modules."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from partywall.errors import UserError
from partywall.tables import services
from partywall.tables.spec import Table


@cache
def all_tables() -> Mapping[str, Table]:
    """Every table by name, sorted; raises ValueError where two share a name."""
    tables: dict[str, Table] = {}
    for module in pkgutil.iter_modules(services.__path__):
        for table in importlib.import_module(f"{services.__name__}.{module.name}").TABLES:
            if table.name in tables:
                raise ValueError(f"two tables are called {table.name}")
            tables[table.name] = table
    return dict(sorted(tables.items()))


def table(name: str) -> Table:
    """The table of that name; raises UserError with the nearest names where there is none."""
    found = all_tables().get(name)
    if found is None:
        near = difflib.get_close_matches(name, all_tables(), n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UserError(f"there is no table {name!r}{hint} (partywall tables lists them)")
    return found
