"""Chooses the variant of every row of a scan, and with it the owner of its 17 lines, one query per table.

Of the variants of a table the one of highest precedence whose predicate is TRUE is chosen, unless one of
higher precedence is NULL: then all of these are candidates, and the owner of a line is known only where they
agree. What was not read never chooses.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from partywall.checks.model import DOMAINS
from partywall.lake.source import literal, quote
from partywall.responsibility.loader import Choice, Model, choices, model
from partywall.responsibility.model import Owner

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

OWNER_COLUMNS: Final = {domain: domain.replace("-", "_") for domain in DOMAINS}
"""Domain -> its column in `resource_responsibility`."""
_KEYS: Final = ("account_id", "region", "arn", "name")
_ABSENT: Final = "absent"


def resources_sql(
    lake: Lake, chosen: Mapping[str, str] | None = None, tables: Collection[str] | None = None
) -> str:
    """SELECT of a scan's resources that have a place on the wall, as the table `resource_responsibility`.

    `chosen` maps globs of ARNs to variants that somebody set; the first that matches holds. `tables` limits
    it to the rows of these. Raises UserError for a variant that does not exist.
    """
    now = lake.manifest.started_at
    groups: dict[str, list[Choice]] = {}
    for choice in choices():
        groups.setdefault(choice.table.name, []).append(choice)
    parts = [
        table_sql(lake.source.select(group[0].table, sorted(columns_of(group))), group, now)
        for name, group in groups.items()
        if (tables is None or name in tables) and lake.source.files(name)
    ]
    return with_choices(" UNION ALL ".join(parts) or _nothing(), chosen or {})


def columns_of(group: Sequence[Choice]) -> set[str]:
    """What a query of `table_sql` reads of the table."""
    return {*_KEYS, *(c for choice in group for c in choice.columns)}


def table_sql(source: str, group: Sequence[Choice], now: datetime) -> str:
    """SELECT of the resources among the rows of one table; `source` gives its rows."""
    tests = [
        f"{option.when.to_duckdb({}, now)} AS _{p}_{i}"
        for p, choice in enumerate(group)
        for i, option in enumerate(choice.options)
        if option.when is not None
    ]
    judged = f"SELECT {', '.join([*map(quote, _KEYS), *tests])} FROM ({source})"
    parts = [_part_sql(choice, p) for p, choice in enumerate(group)]
    # Each predicate is computed once, however many lines ask for it.
    return f"(WITH judged AS MATERIALIZED ({judged}) {' UNION ALL '.join(parts)})"


def _part_sql(choice: Choice, number: int) -> str:
    options = choice.options
    tests = [f"_{number}_{i}" for i, option in enumerate(options) if option.when is not None]
    first = f"CASE {' '.join(f'WHEN {t} THEN {i}' for i, t in enumerate(tests))} ELSE {len(tests)} END"
    nulls = ", ".join(f"CASE WHEN {t} IS NULL THEN {i} END" for i, t in enumerate(tests))
    if tests:
        open_ = f"list_filter([{nulls}], lambda i: i IS NOT NULL AND i < _first)"
        numbers = f"list_append({open_}, _first)"
        keys = f"SELECT {', '.join(map(quote, _KEYS))}, {numbers} AS _c"
        rows = f"{keys} FROM (SELECT *, {first} AS _first FROM judged)"
    else:
        rows = f"SELECT {', '.join(map(quote, _KEYS))}, [0] AS _c FROM judged"
    ids = [o.variant.id for o in options]
    services = [o.variant.service for o in options]
    absent = [] if choice.always else [_ABSENT]
    where = f" WHERE _c <> [{len(tests)}]" if absent else ""
    owners: list[str] = []
    for domain in DOMAINS:
        codes = [*(o.variant.owner(domain).value for o in options), *absent]
        owners.append(f"{_agreed(codes)} AS {quote(OWNER_COLUMNS[domain])}")
    candidates = f"list_transform(_c, lambda i: {_list([*ids, *absent])}[i + 1])"
    return (
        "SELECT account_id, region, arn AS resource_arn, name AS resource_name,"
        f" {literal(choice.table.name)} AS resource_type, {literal(choice.part)} AS part,"
        f" {_list([*services, *([services[-1]] if absent else [])])}[_c[-1] + 1] AS service,"
        f" CASE WHEN len(_c) = 1 THEN {_list([*ids, *absent])}[_c[1] + 1] ELSE '' END AS variant_id,"
        f" {candidates} AS candidates, 'configuration' AS set_by, {', '.join(owners)}"
        f" FROM ({rows}){where}"
    )


def _agreed(codes: list[str]) -> str:
    """The owner on whom all candidates of a row agree."""
    if len(set(codes)) == 1:
        return literal(codes[0])
    found = f"list_distinct(list_transform(_c, lambda i: {_list(codes)}[i + 1]))"
    return f"CASE WHEN len({found}) = 1 THEN {found}[1] ELSE {literal(Owner.UNKNOWN)} END"


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"


def _nothing() -> str:
    texts = ("account_id", "region", "resource_arn", "resource_name", "resource_type", "part", "service")
    told = [f"'' AS {name}" for name in (*texts, "variant_id", "set_by", *OWNER_COLUMNS.values())]
    return f"SELECT {', '.join(told)}, []::VARCHAR[] AS candidates WHERE FALSE"


def glob_pattern(glob: str) -> str:
    """A glob (* any run of characters, ? one) as a regular expression for the whole text."""
    return "".join({"*": ".*", "?": "."}.get(c) or re.escape(c) for c in glob)


def with_choices(resources: str, chosen: Mapping[str, str]) -> str:
    """SELECT of resources, those whose ARN a glob matches being of the variant that somebody set."""
    if not chosen:
        return resources
    whole: Model = model()
    variants = [whole.variant(id_) for id_ in chosen.values()]
    tests = " ".join(
        f"WHEN regexp_full_match(resource_arn, {literal(glob_pattern(glob))}) THEN {i + 1}"
        for i, glob in enumerate(chosen)
    )
    ids, services = _list([v.id for v in variants]), _list([v.service for v in variants])
    replaced = [
        f"CASE WHEN _i IS NULL THEN service ELSE {services}[_i] END AS service",
        f"CASE WHEN _i IS NULL THEN variant_id ELSE {ids}[_i] END AS variant_id",
        f"CASE WHEN _i IS NULL THEN candidates ELSE [{ids}[_i]] END AS candidates",
        "CASE WHEN _i IS NULL THEN set_by ELSE 'you' END AS set_by",
    ]
    for domain, column in OWNER_COLUMNS.items():
        owners = _list([v.owner(domain).value for v in variants])
        replaced.append(f"CASE WHEN _i IS NULL THEN {column} ELSE {owners}[_i] END AS {column}")
    # Only the resource itself: the nodes of a cluster keep what its configuration says of them.
    number = f"CASE WHEN part <> '' THEN NULL {tests} END"
    return (
        f"SELECT * EXCLUDE (_i) REPLACE ({', '.join(replaced)})"
        f" FROM (SELECT *, {number} AS _i FROM ({resources}))"
    )
