"""Lowering to DuckDB: each function the cheapest exact way that was measured."""

from __future__ import annotations

from typing import Any, Final

from partywall.sql.lower import LETTERS, Lowering
from partywall.sql.nodes import Call, Lit, Node, Over, Param, Var, strict_in, substituted, walk
from partywall.tables.types import Bool, FloatType, ListType

_FEW: Final = 32
"""Constants that a quantifier is written out for."""


class DuckDB(Lowering):
    """One expression's SQL for DuckDB."""

    def name(self, text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    def text(self, value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    def double(self, value: float) -> str:
        text = repr(value)
        text = text if "e" in text else f"{text}e0"
        return f"({text})" if value < 0 else text

    def integer(self, value: int) -> str:
        return f"CAST({value} AS BIGINT)" if value >= 0 else f"CAST('{value}' AS BIGINT)"

    def array(self, items: list[str]) -> str:
        return "[" + ", ".join(items) + "]" if items else "CAST([] AS VARCHAR[])"

    def get(self, base: str, field: str) -> str:
        return f"struct_extract({base}, {self.text(field)})"

    def finite(self, sql: str) -> str:
        return f"(CASE WHEN isfinite({sql}) THEN {sql} END)"

    def quantifier(self, node: Over) -> str:
        constants = self.constants(node.items)
        if constants is not None and node.kind in ("any_match", "all_match", "none_match"):
            return self.unrolled(node, constants)
        items, var, body = self.sql(node.items), node.var.name, self.sql(node.body)
        strict = strict_in(node.body, var)

        def some(predicate: str) -> str:
            return f"list_contains(list_transform({items}, lambda {var}: {predicate}), TRUE)"

        def known(predicate: str) -> str:
            return predicate if strict else f"({var} IS NOT NULL AND {predicate})"

        def possible(predicate: str) -> str:
            return predicate if strict else f"({var} IS NULL OR {predicate})"

        if node.kind == "filter":
            return f"list_filter({items}, lambda {var}: {known(body)})"
        if node.kind == "transform":
            return f"list_transform({items}, lambda {var}: {self.guarded(node, body)})"
        if any(isinstance(part, Over) for part in walk(node.body)):
            return self.nested_quantifier(node, items, body, strict=strict)
        if node.kind == "all_match":
            possibly, surely = possible(f"({body} IS NOT TRUE)"), known(f"(NOT {body})")
            verdicts = "TRUE", "FALSE"
        else:
            possibly, surely = possible(f"({body} IS NOT FALSE)"), known(body)
            verdicts = ("FALSE", "TRUE") if node.kind == "any_match" else ("TRUE", "FALSE")
        # One pass over the elements decides nearly all rows; the second sees only those that the first left.
        return (
            f"(CASE {some(possibly)} WHEN FALSE THEN {verdicts[0]} "
            f"WHEN TRUE THEN CASE WHEN {some(surely)} THEN {verdicts[1]} END END)"
        )

    def constants(self, items: Node) -> list[Any] | None:
        """The few values of a constant list; None for any other."""
        value = (
            items.value
            if isinstance(items, Lit)
            else self.params[items.name]
            if isinstance(items, Param)
            else None
        )
        return list(value) if isinstance(value, list | tuple) and len(value) <= _FEW else None  # pyright: ignore[reportUnknownArgumentType]

    def unrolled(self, node: Over, constants: list[Any]) -> str:
        """A quantifier over constants as ORs or ANDs of its body: lambdas within lambdas are dear."""
        element = node.var.type
        every = node.kind == "all_match"
        bodies = [
            self.sql(substituted(node.body, node.var.name, Lit(element, node.pos, value)))
            for value in dict.fromkeys(map(float, constants) if isinstance(element, FloatType) else constants)
        ]
        sql = "(" + (" AND " if every else " OR ").join(bodies or [str(every).upper()]) + ")"
        return f"(NOT {sql})" if node.kind == "none_match" else sql

    def nested_quantifier(self, node: Over, items: str, body: str, *, strict: bool) -> str:
        """With the body written once: written twice at each level, it would double with every level.

        (DuckDB itself writes out `CASE x WHEN` once for each WHEN.)
        """
        ranked = f"coalesce(2 * CAST({body} AS TINYINT), 1)"
        if not strict:
            ranked = f"CASE WHEN {node.var.name} IS NULL THEN 1 ELSE {ranked} END"
        decisive, empty = ("list_min", 2) if node.kind == "all_match" else ("list_max", 0)
        answers = "[TRUE, NULL, FALSE]" if node.kind == "none_match" else "[FALSE, NULL, TRUE]"
        rank = f"{decisive}(list_transform({items}, lambda {node.var.name}: {ranked}))"
        return f"{answers}[1 + coalesce({rank}, CASE WHEN len({items}) = 0 THEN {empty} END)]"

    def contains(self, items: Node, value: Node) -> str:
        array, sought = self.sql(items), self.sql(value)
        assert isinstance(items.type, ListType)
        if isinstance(value.type, FloatType) or isinstance(items.type.element, FloatType):
            return self.contains_number(items, value)
        return (
            f"(CASE list_contains({array}, {sought}) WHEN TRUE THEN TRUE "
            f"WHEN FALSE THEN CASE WHEN list_count({array}) = len({array}) THEN FALSE END END)"
        )

    def contains_number(self, items: Node, value: Node) -> str:
        assert isinstance(items.type, ListType)
        var = Var(items.type.element, items.pos, "__number")
        same = Call(Bool, items.pos, "=", (var, value))
        found = self.quantifier(Over(Bool, items.pos, "any_match", items, var, same))
        return f"(CASE WHEN {self.sql(value)} IS NOT NULL THEN {found} END)"

    def function(self, op: str, args: list[str], nodes: tuple[Node, ...]) -> str:
        match op:
            case "cardinality":
                return f"(CASE WHEN list_count({args[0]}) = len({args[0]}) THEN len({args[0]}) END)"
            case "has_key":
                return f"map_contains({args[0]}, {args[1]})"
            case "map_value":
                has = f"map_contains({args[0]}, {args[1]})"
                return f"(CASE {has} WHEN TRUE THEN {args[0]}[{args[1]}] WHEN FALSE THEN '' END)"
            case "keys":
                return f"map_keys({args[0]})"
            case "length":
                return f"length({args[0]})"
            case "starts_with":
                return f"starts_with({args[0]}, {args[1]})"
            case "ends_with":
                return f"suffix({args[0]}, {args[1]})"
            case "includes":
                return f"contains({args[0]}, {args[1]})"
            case "split":
                return f"string_split({args[0]}, {args[1]})"
            case "days_since" | "days_until":
                return self.days(op, f"epoch_us({args[0]})")
            case _:
                raise NotImplementedError(op)

    def like(self, value: str, pattern: str) -> str:
        return f"({value} LIKE {self.text(pattern)})"

    def fold(self, value: str, *, up: bool) -> str:
        source, target = (LETTERS[1], LETTERS[0]) if up else LETTERS
        quick = "upper" if up else "lower"
        return (
            f"(CASE WHEN strlen({value}) = length({value}) THEN {quick}({value}) "
            f"ELSE translate({value}, '{source}', '{target}') END)"
        )

    def find(self, value: str, source: str) -> str:
        return f"regexp_matches({value}, {self.text(source)})"
