"""The responsibility model: the facts, the examples, and that what was not read never chooses."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partywall.checks.loader import catalogue
from partywall.checks.model import DOMAINS
from partywall.errors import UserError
from partywall.responsibility.engine import glob_pattern, table_sql
from partywall.responsibility.lint import candidates_of, lint, run_examples
from partywall.responsibility.loader import Choice, choices, model
from partywall.responsibility.model import CODES, Owner
from partywall.responsibility.wall import home, lines_of_table

HERE = Path(__file__).parent
FACTS = HERE.parents[1] / "shared" / "facts" / "responsibility.tsv"
COLUMNS = [
    *(
        "physical",
        "hypervisor",
        "host_os",
        "guest_os",
        "runtime_engine",
        "net_infra",
        "net_config",
        "firewall",
    ),
    *("iam", "enc_rest", "enc_transit", "key_mgmt", "backup_dr", "logging", "app_code", "data_class"),
    "compliance_cert",
]
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def codes(service: str, variant: str) -> dict[str, str]:
    (found,) = [v for v in model().variants.values() if (v.service, v.variant) == (service, variant)]
    return dict(zip(COLUMNS, found.owners.split(), strict=True))


@pytest.mark.parametrize(
    "row",
    rows(HERE / "data" / "responsibility_verified.tsv"),
    ids=lambda r: f"{r['service']}: {r['variant']}",
)
def test_every_cell_of_the_verified_rows(row: dict[str, str]) -> None:
    assert codes(row["service"], row["variant"]) == {c: row[c] for c in COLUMNS}


def test_there_are_25_verified_rows() -> None:
    assert len(rows(HERE / "data" / "responsibility_verified.tsv")) == 25


@pytest.mark.skipif(not FACTS.exists(), reason="the project's facts are not beside this checkout")
def test_every_row_of_the_facts_is_a_variant_and_changes_are_recorded() -> None:
    facts = rows(FACTS)
    assert len(facts) == 124
    for row in facts:
        (variant,) = [
            v for v in model().variants.values() if (v.service, v.variant) == (row["service"], row["variant"])
        ]
        corrected = {c.domain: c.was for c in variant.corrections}
        for domain, column, code in zip(DOMAINS, COLUMNS, variant.owners.split(), strict=True):
            assert corrected.get(domain, code) == row[column], (variant.id, domain)
        assert not (row["grade"] == "V" and (corrected or variant.grade != "V")), variant.id
        # A grade rises by reading a page, and never falls.
        assert "VPG".index(variant.grade) <= "VPG".index(row["grade"]), variant.id
    assert {row["service"] for row in facts} == {v.service for v in model().variants.values()}


def test_the_model_has_no_fault() -> None:
    assert lint() == []


def test_every_variant_predicate_has_rows_that_it_takes_leaves_and_cannot_tell() -> None:
    for choice in choices():
        for option in choice.options:
            if option.when is not None:
                examples = option.select.examples
                assert examples.selected and examples.other and examples.unknown, option.variant.id


def test_an_example_that_does_not_hold_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machinery that proves the examples can fail: a catalogue whose predicates are swapped does."""
    from partywall.responsibility import lint as module

    choice = next(c for c in choices() if c.table.name == "kms_key")
    first, second, *rest = choice.options
    swapped = (
        type(first)(first.variant, first.select, second.when),
        type(first)(second.variant, second.select, first.when),
        *rest,
    )
    monkeypatch.setattr(module, "choices", lambda: (Choice(choice.table, choice.part, swapped),))
    assert any(first.variant.id in fault for fault in run_examples())


def test_each_check_lies_where_the_customer_has_a_duty() -> None:
    """A check on a line that is AWS's alone, or not there, would blame the customer wrongly."""
    misplaced = {
        c.check.id: c.check.domain
        for c in catalogue().values()
        if home(c.check.table) and lines_of_table(c.check.table, c.check.domain) <= {Owner.AWS, Owner.NONE}
    }
    assert misplaced == {}


# Which tables' variants depend on the configuration, with their generated rows.
CONDITIONAL = [c for c in choices() if any(o.when is not None for o in c.options)]


def names(choice: Choice) -> str:
    return f"{choice.table.name} {choice.part}".strip()


@pytest.fixture(scope="module")
def connection() -> Any:
    import duckdb

    return duckdb.connect()


def generated(choice: Choice, data: st.DataObject) -> dict[str, Any]:
    """A row of values that the table's variants' own examples use, mixed, some of them unknown."""
    from partywall.responsibility.lint import example

    sample = dict(model().samples.get(choice.table.name, {}))
    pool: dict[str, list[Any]] = {column: [sample.get(column)] for column in choice.columns}
    for option in choice.options:
        examples = option.select.examples
        for row in [*examples.selected, *examples.other, *examples.unknown]:
            for column, value in row.items():
                pool.setdefault(column, []).append(value)
    row = {c: data.draw(st.sampled_from(values), label=c) for c, values in sorted(pool.items())}
    row.pop("account_id", None)
    return example(choice, row)


@pytest.mark.parametrize("choice", CONDITIONAL, ids=names)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_knowing_less_only_adds_candidates(choice: Choice, connection: Any, data: st.DataObject) -> None:
    """NULL never becomes a choice: making a value unknown keeps every candidate that was there."""
    row = generated(choice, data)
    hidden = data.draw(st.sets(st.sampled_from(sorted(choice.columns - {"account_id"})), min_size=1))
    less = {**row, **dict.fromkeys(hidden)}
    known, guessed = candidates_of(connection, choice, [row, less], NOW)
    if choice.always:
        assert known and guessed
    assert set(known) <= set(guessed)


@pytest.mark.parametrize("choice", CONDITIONAL, ids=names)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_owner_is_known_only_where_all_candidates_agree(
    choice: Choice, connection: Any, data: st.DataObject
) -> None:
    import pyarrow as pa

    from partywall.checks.schema import readable
    from partywall.responsibility.engine import columns_of

    row = generated(choice, data)
    schema = pa.schema(
        [(n, t.arrow()) for n, t in readable(choice.table).items() if n in columns_of([choice])]
    )
    connection.register("one", pa.Table.from_pylist([row], schema=schema))
    sql = f"SELECT * FROM ({table_sql('SELECT * FROM one', [choice], NOW)})"
    result = connection.execute(sql)
    columns = [c[0] for c in result.description]
    for values in result.fetchall():
        told = dict(zip(columns, values, strict=True))
        variants = [model().variants.get(c) for c in told["candidates"]]
        assert (told["variant_id"] != "") == (len(variants) == 1)
        for domain in DOMAINS:
            owners = {v.owner(domain) if v else None for v in variants}
            owner = owners.pop() if len(owners) == 1 else Owner.UNKNOWN
            assert told[domain.replace("-", "_")] == owner


def test_texts_name_no_placeholder_and_every_code_has_words() -> None:
    used = Counter(
        (domain, code)
        for v in model().variants.values()
        for domain, code in zip(DOMAINS, v.owners.split(), strict=True)
    )
    assert {code for _, code in used} <= set(CODES)
    for variant in model().variants.values():
        for domain in DOMAINS:
            text = model().text(variant, domain)
            assert text.aws and text.customer and text.why
            assert "{" not in text.aws + text.customer + text.why


def test_a_variant_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(UserError, match="rds-custom-oracle"):
        model().variant("rds-custom-orcale")


@pytest.mark.parametrize(
    ("glob", "text", "fits"),
    [
        ("arn:aws:ec2:*:instance/i-1", "arn:aws:ec2:eu-west-1:1:instance/i-1", True),
        ("arn:aws:ec2:*:instance/i-1", "arn:aws:ec2:eu-west-1:1:instance/i-12", False),
        ("*", "anything", True),
        ("a.c", "abc", False),
        ("a?c", "abc", True),
        ("a[b]c", "a[b]c", True),
    ],
)
def test_globs(glob: str, text: str, fits: bool) -> None:
    import re

    assert bool(re.fullmatch(glob_pattern(glob), text)) is fits
