"""Lowering to Spark, for its default settings and with ANSI mode on or off."""

from __future__ import annotations

from partywall.sql.lower import LETTERS, Lowering
from partywall.sql.nodes import Node, Over, Var
from partywall.tables.types import ListType


class Spark(Lowering):
    """One expression's SQL for Spark."""

    def name(self, text: str) -> str:
        return "`" + text.replace("`", "``") + "`"

    def text(self, value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
        return f"'{escaped}'"

    def double(self, value: float) -> str:
        text = repr(value).upper()
        return f"({text}D)" if value < 0 else f"{text}D"

    def integer(self, value: int) -> str:
        return f"CAST('{value}' AS BIGINT)" if value < 0 else f"{value}L"

    def array(self, items: list[str]) -> str:
        return f"array({', '.join(items)})" if items else "CAST(array() AS ARRAY<STRING>)"

    def get(self, base: str, field: str) -> str:
        return f"{base}.{self.name(field)}"

    def finite(self, sql: str) -> str:
        return f"(CASE WHEN abs({sql}) <= 1.7976931348623157E308D THEN {sql} END)"

    def quantifier(self, node: Over) -> str:
        items, var = self.sql(node.items), node.var.name
        body = self.guarded(node, self.sql(node.body))
        match node.kind:
            case "any_match":
                return f"exists({items}, {var} -> {body})"
            case "none_match":
                return f"(NOT exists({items}, {var} -> {body}))"
            case "all_match":
                return f"forall({items}, {var} -> {body})"
            case _:
                return f"{node.kind}({items}, {var} -> {body})"

    def contains(self, items: Node, value: Node) -> str:
        assert isinstance(items.type, ListType)
        var = Var(items.type.element, items.pos, "__sought")
        left, right = self.compared((var, value))
        found = f"exists({self.sql(items)}, {var.name} -> {left} = {right})"
        return f"(CASE WHEN {self.sql(value)} IS NOT NULL THEN {found} END)"

    def function(self, op: str, args: list[str], nodes: tuple[Node, ...]) -> str:
        match op:
            case "cardinality":
                known = f"forall({args[0]}, __e -> __e IS NOT NULL)"
                return f"(CASE WHEN {known} THEN CAST(size({args[0]}) AS BIGINT) END)"
            case "has_key":
                return f"map_contains_key({args[0]}, {args[1]})"
            case "map_value":
                has, value = f"map_contains_key({args[0]}, {args[1]})", f"element_at({args[0]}, {args[1]})"
                return f"(CASE WHEN {has} THEN {value} WHEN NOT {has} THEN '' END)"
            case "keys":
                return f"map_keys({args[0]})"
            case "length":
                return f"CAST(char_length({args[0]}) AS BIGINT)"
            case "starts_with":
                return f"startswith({args[0]}, {args[1]})"
            case "ends_with":
                return f"endswith({args[0]}, {args[1]})"
            case "includes":
                return f"contains({args[0]}, {args[1]})"
            case "split":
                separator = "".join(
                    f"[{c}]" if c not in "^\\" else f"\\{c}" for c in self.constant_text(nodes[1])
                )
                return f"split({args[0]}, {self.text(separator)}, -1)"
            case "days_since" | "days_until":
                return self.days(op, f"unix_micros({args[0]})")
            case _:
                raise NotImplementedError(op)

    def like(self, value: str, pattern: str) -> str:
        return f"({value} LIKE {self.text(pattern.replace(chr(92), chr(92) * 2))})"

    def fold(self, value: str, *, up: bool) -> str:
        source, target = (LETTERS[1], LETTERS[0]) if up else LETTERS
        return f"translate({value}, '{source}', '{target}')"

    def find(self, value: str, source: str) -> str:
        return f"({value} RLIKE {self.text(source)})"
