"""Lines that move: what another variant would change, and what changed since an earlier scan, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from partywall.checks.model import DOMAINS
from partywall.errors import UserError
from partywall.lake.source import literal, quote
from partywall.responsibility.engine import OWNER_COLUMNS, glob_pattern, resources_sql
from partywall.responsibility.loader import choices, model
from partywall.responsibility.model import Owner
from partywall.tables.registry import all_tables

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

_KEYS: Final = ("account_id", "region", "resource_arn", "resource_name", "resource_type", "part")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A column that the choice of the variant reads, with its values in the two scans (None: not known)."""

    column: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Move:
    """A line of a resource that passes from one owner to another.

    `cause`: what_if, configuration, knowledge (something became known, or is not known any more), you
    (partywall.yaml names another variant), or model (its data changed).
    """

    account_id: str
    region: str
    resource_arn: str
    resource_name: str
    resource_type: str
    part: str
    domain: str
    before: Owner
    after: Owner
    variants_before: tuple[str, ...]
    variants_after: tuple[str, ...]
    cause: str
    changes: tuple[Change, ...] = field(default=())
    why: str = ""


def what_if(lake: Lake, variants: Mapping[str, str]) -> list[Move]:
    """The lines that would move if resources were of other variants.

    A key is an ARN, a glob of ARNs, a name, or a service or table with a name (`rds:db-1`). Raises UserError
    where none is found, or there is no such variant.
    """
    moves: list[Move] = []
    for key, id_ in variants.items():
        wanted = model().variant(id_)
        found = _rows(lake, f"SELECT * FROM ({lake.sql_of('resource_responsibility')}) WHERE {_named(key)}")
        if not found:
            raise UserError(
                f"the scan {lake.directory.name} has no resource {key!r} on the wall; give its ARN, a glob of"
                " ARNs, or service:name"
            )
        for row in found:
            after = {OWNER_COLUMNS[d]: owner.value for d, owner in wanted.lines.items()}
            moves += _moves(row, {**after, "candidates": [id_]}, "what_if")
    return moves


def _named(key: str) -> str:
    """A condition on resources: those that a key of `what_if` names."""
    prefix, colon, name = key.partition(":")
    if prefix == "arn" and colon:
        return f"part = '' AND regexp_full_match(resource_arn, {literal(glob_pattern(key))})"
    if not colon:
        return f"part = '' AND resource_name = {literal(key)}"
    short = prefix.lower()
    tables = [t.name for t in all_tables().values() if short in (t.name, t.service)]
    listed = ", ".join(map(literal, tables)) or "''"
    return (
        f"part = '' AND ((resource_name = {literal(name)} AND (resource_type IN ({listed})"
        f" OR lower(service) = {literal(short)})) OR resource_name = {literal(key)})"
    )


def since(earlier: Lake, later: Lake) -> list[Move]:
    """The lines that moved between two scans, and why; of resources that are in both.

    Raises UserError where one of the scans was made before there was a model.
    """
    on = " AND ".join(f"a.{k} IS NOT DISTINCT FROM b.{k}" for k in _KEYS)
    differ = " OR ".join(f"a.{c} <> b.{c}" for c in OWNER_COLUMNS.values())
    pairs: list[tuple[Row, Row]] = [
        (row["a"], row["b"])
        for row in _rows(
            later,
            f"SELECT a, b FROM ({earlier.sql_of('resource_responsibility')}) a"
            f" JOIN ({later.sql_of('resource_responsibility')}) b ON {on} WHERE {differ}"
            f" ORDER BY {', '.join(f'b.{k}' for k in _KEYS)}",
        )
    ]
    tables = {a["resource_type"] for a, _ in pairs}
    # What today's model says of yesterday's configuration tells its own changes from the account's.
    again = {
        _key(row): row
        for row in (
            _rows(earlier, resources_sql(earlier, earlier.manifest.variants, tables)) if pairs else ()
        )
    }
    read = {table: (_columns(earlier, table), _columns(later, table)) for table in tables}
    moves: list[Move] = []
    for a, b in pairs:
        cause, why = _cause(a, b, again.get(_key(a)))
        before, after = (side.get(_place(a), {}) for side in read[a["resource_type"]])
        changes = tuple(_changes(before, after))
        if cause == "configuration" and any(c.before is None or c.after is None for c in changes):
            cause = "knowledge"
        moves += _moves(a, b, cause, changes if cause in ("configuration", "knowledge") else (), why)
    return moves


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[k] for k in _KEYS)


def _place(row: Row) -> tuple[Any, ...]:
    return tuple(row[k] for k in _KEYS[:4])


def _cause(a: Row, b: Row, again: Row | None) -> tuple[str, str]:
    if "you" in (a["set_by"], b["set_by"]) and a["candidates"] != b["candidates"]:
        return "you", "partywall.yaml names another variant"
    if again is not None and all(again[c] == b[c] for c in OWNER_COLUMNS.values()):
        dates = {model().variants[v].valid_from for v in b["candidates"] if v in model().variants}
        told = f" (valid from {max(dates)})" if dates else ""
        return "model", f"the responsibility model changed{told}"
    return "configuration", ""


def _columns(lake: Lake, table: str) -> dict[tuple[Any, ...], Row]:
    """What choosing the variant reads, of each row of a table."""
    group = [c for c in choices() if c.table.name == table]
    read = sorted({c for choice in group for c in choice.columns})
    if not read or not lake.source.files(table):
        return {}
    keys = ("account_id", "region", "arn", "name")
    source = lake.source.select(group[0].table, sorted({*keys, *read}))
    rows = _rows(
        lake, f"SELECT {', '.join(map(quote, [*keys, *(c for c in read if c not in keys)]))} FROM ({source})"
    )
    return {tuple(row[k] for k in keys): {c: row[c] for c in read} for row in rows}


def _changes(before: Row, after: Row) -> Iterable[Change]:
    for column in sorted({*before, *after}):
        old, new = before.get(column), after.get(column)
        if isinstance(old, dict) and isinstance(new, dict):
            for key in sorted({*old, *new}):
                if old.get(key) != new.get(key):
                    yield Change(f"{column}.{key}", old.get(key, ""), new.get(key, ""))
        elif old != new:
            yield Change(column, old, new)


def _moves(a: Row, b: Row, cause: str, changes: tuple[Change, ...] = (), why: str = "") -> Iterable[Move]:
    for domain in DOMAINS:
        column = OWNER_COLUMNS[domain]
        if a[column] != b[column]:
            yield Move(
                **{k: a[k] or "" for k in _KEYS},
                domain=domain,
                before=Owner(a[column]),
                after=Owner(b[column]),
                variants_before=tuple(a["candidates"]),
                variants_after=tuple(b["candidates"]),
                cause=cause,
                changes=changes,
                why=why,
            )


def _rows(lake: Lake, sql: str) -> list[Row]:
    return lake.arrow(sql).to_pylist()
