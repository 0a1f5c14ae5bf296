"""What a scan must collect besides for its checks, so that the variant of every resource can be told."""

from __future__ import annotations

from collections.abc import Iterable

from partywall.checks.demand import add
from partywall.collect.planner import Demand
from partywall.responsibility.loader import choices
from partywall.tables.spec import Table


def demand_variants(wanted: Demand, tables: Iterable[Table]) -> None:
    """Adds to a demand the columns that choosing the variants of these tables' rows reads."""
    names = {table.name for table in tables}
    for choice in choices():
        if choice.table.name in names:
            add(wanted, choice.table, choice.columns)
