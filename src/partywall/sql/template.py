"""Messages: text with expressions in braces, rendered by DuckDB for the rows that are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from partywall.sql.dialect import Expression, PredicateError, parse_value
from partywall.sql.duckdb import DuckDB
from partywall.sql.nodes import Call
from partywall.sql.syntax import error_at, place
from partywall.tables.types import (
    BoolType,
    FloatType,
    IntType,
    ListType,
    MapType,
    StrType,
    StructType,
    TimestampType,
    Type,
)

SHOWN_ELEMENTS = 5
SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Template:
    """A parsed message: `parts` are plain texts and expressions, in order."""

    text: str
    parts: tuple[str | Expression, ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(part for part in self.parts if isinstance(part, Expression))

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns of the table that it reads."""
        return frozenset[str]().union(*(e.columns for e in self.expressions))

    @cached_property
    def leaves(self) -> frozenset[tuple[str, ...]]:
        """The paths that it reads, as in `Expression.leaves`."""
        return frozenset[tuple[str, ...]]().union(*(e.leaves for e in self.expressions))

    @cached_property
    def params(self) -> frozenset[str]:
        """The names of the parameters that it uses."""
        return frozenset[str]().union(*(e.params for e in self.expressions))

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        return tuple(warning for e in self.expressions for warning in e.warnings)

    def to_duckdb(self, params: Mapping[str, Any], now: datetime) -> str:
        """SQL for the message, never NULL.

        An unknown piece is "unknown"; booleans are yes and no, timestamps their date in UTC, days whole,
        other fractions rounded to two places, an empty list "none". A list shows 5 elements and how many
        more there are, a text 200 characters.
        """
        pieces: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(DuckDB({}, now).text(part))
            else:
                lowering = DuckDB(part.bind(params), now)
                pieces.append(_Rendering(lowering).shown(lowering.sql(part.node), part))
        return "(" + " || ".join(pieces or ["''"]) + ")"


class _Rendering:
    def __init__(self, lowering: DuckDB) -> None:
        self.lowering = lowering
        self.variables = 0

    def shown(self, sql: str, expression: Expression) -> str:
        node = expression.node
        if isinstance(node, Call) and node.op in ("days_since", "days_until"):
            return f"coalesce(CAST(CAST(floor({sql}) AS BIGINT) AS VARCHAR), 'unknown')"
        return self.or_unknown(sql, expression.type)

    def or_unknown(self, sql: str, type_: Type) -> str:
        return f"coalesce({self.rendered(sql, type_)}, 'unknown')"

    def rendered(self, sql: str, type_: Type) -> str:
        match type_:
            case StrType():
                cut = f"left({sql}, {SHOWN_CHARACTERS}) || '…'"
                return f"CASE WHEN length({sql}) > {SHOWN_CHARACTERS} THEN {cut} ELSE {sql} END"
            case IntType():
                return f"CAST({sql} AS VARCHAR)"
            case FloatType():
                whole, fraction = f"format('{{:.0f}}', {sql})", f"format('{{:.2f}}', {sql})"
                return (
                    f"CASE WHEN NOT isfinite({sql}) THEN NULL "
                    f"WHEN abs({sql}) >= 1e15 THEN CAST({sql} AS VARCHAR) "
                    f"WHEN {sql} = floor({sql}) THEN {whole} ELSE {fraction} END"
                )
            case BoolType():
                return f"CASE {sql} WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END"
            case TimestampType():
                return f"strftime(make_timestamp(epoch_us({sql})), '%Y-%m-%d')"
            case ListType():
                return self.elements(sql, type_.element)
            case MapType():
                return self.elements(f"map_entries({sql})", None)
            case StructType():
                glue = " || ' ' || "
                texts = [
                    f"{self.lowering.text(f.name + '=')} || "
                    f"{self.or_unknown(self.lowering.get(sql, f.name), f.type)}"
                    for f in type_.fields
                ]
                return f"CASE WHEN {sql} IS NOT NULL THEN {glue.join(texts)} END" if texts else "''"
            case _:
                raise NotImplementedError(type_.sql)

    def elements(self, sql: str, element: Type | None) -> str:
        """A list, or (without an element type) the entries of a map."""
        self.variables += 1
        var = f"__t{self.variables}"
        if element is None:
            body = f"{var}.key || '=' || coalesce({self.rendered(f'{var}.value', StrType())}, 'unknown')"
        else:
            body = self.or_unknown(var, element)
        first = f"list_transform(list_slice({sql}, 1, {SHOWN_ELEMENTS}), lambda {var}: {body})"
        more = f"' and ' || CAST(len({sql}) - {SHOWN_ELEMENTS} AS VARCHAR) || ' more'"
        return (
            f"CASE WHEN len({sql}) = 0 THEN 'none' WHEN {sql} IS NOT NULL THEN "
            f"array_to_string({first}, ', ') || "
            f"CASE WHEN len({sql}) > {SHOWN_ELEMENTS} THEN {more} ELSE '' END END"
        )


def parse_template(text: str, schema: Mapping[str, Type], params: Mapping[str, Any]) -> Template:
    """See `dialect.parse_template`."""
    parts: list[str | Expression] = []
    plain = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char in "{}" and text[at : at + 2] == char * 2:
            plain += char
            at += 2
        elif char == "}":
            raise error_at(text, at, "a } without its {; write }} for the character")
        elif char == "{":
            end = _closing(text, at)
            if plain:
                parts.append(plain)
                plain = ""
            parts.append(_piece(text, at + 1, end, schema, params))
            at = end + 1
        elif char == "\0" or "\ud800" <= char <= "\udfff":
            raise error_at(text, at, f"the character {char!r} is not allowed")
        else:
            plain += char
            at += 1
    if plain:
        parts.append(plain)
    return Template(text, tuple(parts))


def _closing(text: str, start: int) -> int:
    quoted = ""
    for at in range(start + 1, len(text)):
        char = text[at]
        if quoted:
            quoted = "" if char == quoted else quoted
        elif char in "'\"":
            quoted = char
        elif char == "}":
            return at
        elif char == "{":
            break
    raise error_at(text, start, "a { without its }; write {{ for the character")


def _piece(
    text: str, start: int, end: int, schema: Mapping[str, Type], params: Mapping[str, Any]
) -> Expression:
    try:
        return parse_value(text[start:end], schema, params, in_template=True)
    except PredicateError as error:
        line, column = place(text, start)
        if error.line == 1:
            raise PredicateError(error.message, line, column + error.column - 1) from None
        raise PredicateError(error.message, line + error.line - 1, error.column) from None
