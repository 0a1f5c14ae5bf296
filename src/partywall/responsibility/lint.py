"""What the model's data must hold besides its types: every table placed, every variant explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from partywall.checks.model import DOMAINS
from partywall.responsibility.engine import columns_of, table_sql
from partywall.responsibility.loader import Choice, Option, choices, covered, model


def lint() -> list[str]:
    """A sentence for each fault of the model's data. Raises ModelError where it cannot even be read."""
    return [*_variants(), *_tables(), *_choices(), *run_examples()]


def _variants() -> Iterator[str]:
    for variant in model().variants.values():
        if not variant.sources or not all(s.url.startswith("https://") for s in variant.sources):
            yield f"{variant.id}: names no page of AWS's as its source"
        if (variant.grade == "G") != (variant.read_on is None):
            yield f"{variant.id}: `read_on` stands exactly where the grade is not G"
        codes: dict[str, str] = dict(zip(DOMAINS, variant.owners.split(), strict=True))
        for domain, code in codes.items():
            texts = model().domains[domain].texts
            if code not in texts:
                yield f"{variant.id}: domains.yaml has no words for {domain} where the owner is {code}"
            elif not all(getattr(model().text(variant, domain), part) for part in ("aws", "customer", "why")):
                yield f"{variant.id}: {domain} is told in part only"
        for correction in variant.corrections:
            if codes[correction.domain] == correction.was:
                yield f"{variant.id}: the correction of {correction.domain} corrects nothing"
        for gap in variant.gaps:
            if codes[gap.domain] == "N" and not variant.texts.get(gap.domain):
                yield f"{variant.id}: the gap in {gap.domain} wants a text that says why the line is missing"


def _tables() -> Iterator[str]:
    from partywall.tables.registry import all_tables

    roles = model().roles
    services = {v.service for v in model().variants.values()}
    places = {"selected by variants": covered(), "a part": set(roles.parts), "nobody's": set(roles.nobody)}
    places["about others"] = set(roles.about)
    for name in all_tables():
        found = [place for place, names in places.items() if name in names]
        if len(found) != 1:
            told = " and ".join(found) or "nowhere"
            yield f"the table {name} is {told}: tables.yaml or variants place it"
    for name in {*roles.parts, *roles.nobody, *roles.about} - set(all_tables()):
        yield f"tables.yaml places {name}, which is no table"
    for name, service in (*roles.parts.items(), *roles.about.items()):
        if service not in services:
            yield f"tables.yaml counts {name} under {service!r}, which is no service of the model"


def _choices() -> Iterator[str]:
    from partywall.checks.schema import readable
    from partywall.sql.monotone import prove

    for choice in choices():
        name = choice.table.name + (f" ({choice.part})" if choice.part else "")
        ranks = [o.select.precedence for o in choice.options]
        if len(set(ranks)) < len(ranks):
            yield f"{name}: two variants have one precedence, so that either may be chosen"
        if not choice.part and choice.always == (name in model().roles.partial):
            yield f"{name}: tables.yaml says `partial` exactly where no variant takes every row"
        for option in choice.options[:-1]:
            if option.when is None:
                yield f"{name}: {option.variant.id} takes every row, and others of lower precedence none"
        for option in choice.options:
            if option.when is not None:
                for warning in option.when.warnings:
                    yield f"{option.variant.id}: {warning}"
                for fault in prove(None, option.when, readable(choice.table)):
                    yield f"{option.variant.id}: {fault}"


def run_examples() -> Iterator[str]:
    """Chooses the variant of every example row in DuckDB; yields a sentence for each that comes out wrong."""
    import duckdb

    connection = duckdb.connect()
    for choice in choices():
        for option in choice.options:
            yield from _run(connection, choice, option)


def _run(connection: Any, choice: Choice, option: Option) -> Iterator[str]:
    from partywall.checks.examples import NOW

    examples = option.select.examples
    place = f"{option.variant.id} in {choice.table.name}"
    if option.when is not None:
        for kind, rows in (
            ("is", examples.selected),
            ("is_not", examples.other),
            ("unknown", examples.unknown),
        ):
            if not rows:
                yield f"{place}: needs an example `{kind}`"
    elif len(choice.options) > 1 and not examples.selected:
        yield f"{place}: needs an example `is`"
    cases = [(k, r) for k in ("selected", "other", "unknown") for r in getattr(examples, k)]
    if not cases:
        return
    found = candidates(connection, choice, [row for _, row in cases], NOW)
    for (kind, row), got in zip(cases, found, strict=True):
        mine = option.variant.id
        fine = {
            "selected": got == [mine],
            "other": mine not in got,
            "unknown": mine in got and len(got) > 1,
        }[kind]
        if not fine:
            yield f"{place}: the example {row} may be {', '.join(got) or 'nothing'}"


def candidates(connection: Any, choice: Choice, rows: list[dict[str, Any]], now: Any) -> list[list[str]]:
    """The candidates for rows laid over the table's sample, in their order; [] where the part is not there.

    Raises ExampleError where a row does not fit the table or says nothing of a column that deciding reads.
    """
    whole = [{**_sample(choice), **row} for row in rows]
    return candidates_of(connection, choice, [example(choice, row) for row in whole], now)


def _sample(choice: Choice) -> dict[str, Any]:
    return dict(model().samples.get(choice.table.name, {}))


def example(choice: Choice, row: dict[str, Any]) -> dict[str, Any]:
    """An example as a row of its table. Raises ExampleError."""
    from partywall.checks.examples import ACCOUNT, ExampleError, coerce
    from partywall.checks.schema import readable

    schema = readable(choice.table)
    missing = choice.columns - set(row) - {"account_id", "region", "arn", "name"}
    if missing or set(row) - set(schema):
        named = ", ".join(sorted(missing or set(row) - set(schema)))
        raise ExampleError(f"{choice.table.name}: examples and sample do not fit the table in {named}")
    keys = {"account_id": ACCOUNT, "region": "eu-west-1", "arn": "", "name": ""}
    return keys | {name: coerce(schema[name], value) for name, value in row.items()}


def candidates_of(connection: Any, choice: Choice, rows: list[dict[str, Any]], now: Any) -> list[list[str]]:
    """The candidates for whole rows, in their order; [] where the part is not there."""
    import pyarrow as pa

    from partywall.checks.schema import readable

    schema = pa.schema(
        [(n, t.arrow()) for n, t in readable(choice.table).items() if n in columns_of([choice])]
    )
    numbered = [{**row, "name": str(i)} for i, row in enumerate(rows)]
    connection.register("rows", pa.Table.from_pylist(numbered, schema=schema))
    sql = f"SELECT resource_name, candidates FROM ({table_sql('SELECT * FROM rows', [choice], now)})"
    found = {int(name): got for name, got in connection.execute(sql).fetchall()}
    return [found.get(i, []) for i in range(len(rows))]
