"""Every table against botocore's models; one test per table, its id beginning with the service."""

from dataclasses import replace

import pytest

from partywall.checks.schema import readable
from partywall.tables.lint import lint
from partywall.tables.mapping import CompiledTable
from partywall.tables.registry import all_tables
from partywall.tables.spec import Column, Enum, Lookup, Relation

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


@pytest.mark.parametrize(
    ("table", "column", "fault"),
    [
        ("vpc", "colour", "relation others: vpc has no column colour"),
        ("vpcs", "name", "relation others: there is no table vpcs"),
    ],
)
def test_a_relation_to_what_is_not_there_is_a_fault_told_in_words(
    table: str, column: str, fault: str
) -> None:
    relation = Relation("others", table, (column,), {"account_id": "account_id"})
    wrong = replace(TABLES["vpc"], relations=(relation,))
    assert f"vpc: {fault}" in lint(wrong, TABLES)
    with pytest.raises(ValueError, match=fault):
        readable(wrong)


def test_a_shared_lookup_that_cannot_be_shared_is_a_fault() -> None:
    wrong = Lookup(
        "resourcegroupstaggingapi:GetResources",
        at="ResourceTagMappingList",
        key="ResourceARN",
        by="arn",
        many=True,
        shared="ResourceTypeFilters",
    )
    faults = lint(replace(TABLES["sns_topic"], calls={"tagging": wrong}, columns=()), TABLES)
    assert any("many" in f for f in faults)
    assert any("ResourceTypeFilters" in f for f in faults)


def test_what_tables_share_in_one_listing_fits_into_it() -> None:
    """GetResources takes at most a hundred types (Resource Groups Tagging API Reference)."""
    types = {
        repr(value)
        for table in TABLES.values()
        for call in table.calls.values()
        if isinstance(call, Lookup) and call.shared
        for value in call.params[call.shared]
    }
    assert 30 < len(types) <= 100


def test_a_column_that_a_gate_reads_must_be_there() -> None:
    table = TABLES["ecs_service"]
    assert table.parent_when is not None
    assert lint(replace(table, parent_after=("nothing",)), TABLES) == [
        "ecs_service: the parent ecs_cluster has no column nothing"
    ]
