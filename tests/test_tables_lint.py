"""Every table against botocore's models; one test per table, its id beginning with the service."""

from dataclasses import replace

import pytest

from partywall.tables.lint import lint
from partywall.tables.mapping import CompiledTable
from partywall.tables.registry import all_tables
from partywall.tables.spec import Column, Enum

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


def test_an_enum_that_lacks_a_member_of_aws_or_has_one_too_many_is_a_fault() -> None:
    table = replace(
        TABLES["ec2_instance"],
        columns=(
            Column("state", Enum("pending", "running", "asleep"), "State.Name"),
            Column("lifecycle", Enum("on-demand", "spot"), "InstanceLifecycle", "on-demand"),
        ),
        calls={},
        relations=(),
        arn="",
        title="",
    )
    faults = "\n".join(lint(table, TABLES))
    assert "state: AWS also knows shutting-down, stopped, stopping, terminated" in faults
    assert "state: AWS knows no asleep" in faults
    assert "lifecycle: AWS knows no" not in faults
