"""The dialect of checks: `parse` a predicate, then lower it to DuckDB or Spark.

A predicate is three-valued: TRUE passes, FALSE fails, NULL is unknown. Every operator and function is either
strict (an unknown operand gives unknown) or Kleene's (AND, OR, IN, contains and the quantifiers: unknown
unless the known operands decide). An error at evaluation, such as a division by zero, is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from partywall.errors import UserError
from partywall.sql.nodes import Call, Col, Lit, Node, Param, PredicateError, leaves, walk
from partywall.tables.types import FloatType, IntType, ListType, Type

if TYPE_CHECKING:
    from partywall.sql.template import Template

__all__ = ["Expression", "PredicateError", "parse", "parse_template", "parse_value"]


@dataclass(frozen=True)
class Expression:
    """A parsed and typed expression; `warnings` name legal slips, such as a text that is no enum member."""

    text: str
    node: Node
    bindings: Mapping[str, Any] = field(repr=False, compare=False)
    warnings: tuple[str, ...] = ()

    @property
    def type(self) -> Type:
        return self.node.type

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns of the table that it reads."""
        return frozenset(node.name for node in walk(self.node) if isinstance(node, Col))

    @cached_property
    def leaves(self) -> frozenset[tuple[str, ...]]:
        """Paths that it reads: ("rules", "[]", "port") is the field `port` of the elements of `rules`."""
        return leaves(self.node)

    @cached_property
    def params(self) -> frozenset[str]:
        """The names of the parameters that it uses."""
        return frozenset(node.name for node in walk(self.node) if isinstance(node, Param))

    def bind(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Values for all parameters used: those given over those of `parse`. Raises UserError on a type."""
        return bind(self.node, self.bindings, params)

    def to_duckdb(self, params: Mapping[str, Any], now: datetime) -> str:
        """DuckDB's SQL for it; `now` is the scan's start. Raises UserError on a parameter of a wrong type."""
        from partywall.sql.duckdb import DuckDB

        return DuckDB(self.bind(params), now).sql(self.node)

    def to_spark(self, params: Mapping[str, Any], now: datetime) -> str:
        """Spark's SQL for it; otherwise like `to_duckdb`."""
        from partywall.sql.spark import Spark

        return Spark(self.bind(params), now).sql(self.node)


def bind(node: Node, defaults: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a node uses, checked against the types with which it was parsed."""
    from partywall.sql.regex import RegexError
    from partywall.sql.signatures import check_pattern, type_of_value

    bound: dict[str, Any] = {}
    for part in walk(node):
        if isinstance(part, Param):
            value = params.get(part.name, defaults.get(part.name))
            if not _fits(type_of_value(value), part.type, value):
                raise UserError(f"the parameter {part.name} must be a {part.type.sql}, and {value!r} is not")
            bound[part.name] = value
        elif isinstance(part, Call) and len(part.args) == 2 and isinstance(part.args[1], Param):
            name = part.args[1].name
            value = params.get(name, defaults.get(name))
            try:
                if isinstance(value, str):
                    check_pattern(part.op, value)
            except RegexError as error:
                raise UserError(f"the parameter {name} does not suit {part.op}: {error}") from None
    return bound


def _fits(given: Type | None, wanted: Type, value: Any) -> bool:
    if given is None:
        return False
    if isinstance(wanted, ListType) and isinstance(given, ListType):
        return not value or _fits(given.element, wanted.element, value[0])
    if isinstance(wanted, IntType | FloatType):
        return isinstance(given, IntType | FloatType)
    return given == wanted


def parse(
    text: str,
    schema: Mapping[str, Type],
    params: Mapping[str, Any] = {},
    *,
    allow_absence_tests: bool = False,
) -> Expression:
    """Parse a predicate over a table's columns; `params` holds each parameter's default value.

    `allow_absence_tests` admits IS NULL, coalesce and CASE, for checks that declare why. Raises
    PredicateError with line and column within `text`.
    """
    expression = parse_value(text, schema, params, allow_absence_tests=allow_absence_tests)
    from partywall.tables.types import BoolType

    if not isinstance(expression.type, BoolType):
        raise PredicateError(f"a predicate is true or false, and this is a {expression.type.sql}")
    return expression


def parse_value(
    text: str,
    schema: Mapping[str, Type],
    params: Mapping[str, Any] = {},
    *,
    allow_absence_tests: bool = False,
    in_template: bool = False,
) -> Expression:
    """Parse an expression of any type; `in_template` admits filter and transform. Raises PredicateError."""
    from partywall.sql.typecheck import TypeChecker

    checker = TypeChecker(text, schema, params, absence=allow_absence_tests, template=in_template)
    node = checker.check()
    return Expression(text, node, dict(params), tuple(checker.warnings))


def parse_template(text: str, schema: Mapping[str, Type], params: Mapping[str, Any] = {}) -> Template:
    """Parse a message with expressions in braces, `{{` being a brace. Raises PredicateError."""
    from partywall.sql.template import parse_template as parsed

    return parsed(text, schema, params)


def literal(node: Node, params: Mapping[str, Any]) -> Any:
    """The value of a literal or parameter; None for any other node."""
    return node.value if isinstance(node, Lit) else params.get(node.name) if isinstance(node, Param) else None
