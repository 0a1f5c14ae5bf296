"""Every table against botocore's models; one test per table, its id beginning with the service."""

import pytest

from partywall.tables.lint import lint
from partywall.tables.mapping import CompiledTable
from partywall.tables.registry import all_tables

TABLES = all_tables()


@pytest.mark.parametrize("name", TABLES, ids=lambda name: f"{TABLES[name].service}-{name}")
def test_table_agrees_with_botocore(name: str) -> None:
    assert lint(TABLES[name], TABLES) == []


@pytest.mark.parametrize("name", TABLES, ids=lambda name: f"{TABLES[name].service}-{name}")
def test_calls_can_be_ordered_and_columns_are_documented(name: str) -> None:
    table = TABLES[name]
    CompiledTable(table)
    plain = {c.name for c in table.columns if not c.doc and len(c.name) < 3}
    assert not plain, f"columns with short names want a doc: {plain}"
