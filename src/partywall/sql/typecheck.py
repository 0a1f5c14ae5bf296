"""From sqlglot's tree to ours: a node that is not on the whitelist, or of a wrong type, is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from sqlglot import exp

from partywall.errors import did_you_mean
from partywall.sql.nodes import Call, Col, Get, Lit, Node, Over, Param, PredicateError, Var
from partywall.sql.regex import RegexError
from partywall.sql.signatures import (
    ABSENCE,
    FUNCTIONS,
    QUANTIFIERS,
    TEMPLATE_ONLY,
    check_pattern,
    kind,
    type_of_value,
)
from partywall.sql.syntax import error_at, offset_of, syntax_tree
from partywall.tables.types import (
    Bool,
    EnumType,
    Float,
    FloatType,
    ListType,
    Str,
    StructType,
    Type,
)

_COMPARISONS: Final = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_ARITHMETIC: Final = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}

_MAX_DEPTH: Final = 150


class TypeChecker:
    """Turns one expression into typed nodes. Raises PredicateError with the place of the first fault."""

    def __init__(
        self,
        text: str,
        schema: Mapping[str, Type],
        params: Mapping[str, Any],
        *,
        absence: bool = False,
        template: bool = False,
    ) -> None:
        self.text = text
        self.schema = schema
        self.params = params
        self.absence = absence
        self.template = template
        self.scope: dict[str, Var] = {}
        self.lambdas = 0
        self.depth = 0
        self.warnings: list[str] = []

    def check(self) -> Node:
        try:
            return self.node(syntax_tree(self.text))
        except RecursionError:
            raise PredicateError("the predicate is nested too deeply") from None

    def fail(self, at: exp.Expr | Node, message: str) -> PredicateError:
        return error_at(self.text, at.pos if isinstance(at, Node) else offset_of(at), message)

    def only(self, tree: exp.Expr, *allowed: str) -> None:
        """No argument of a syntax node may slip by unread."""
        for name, value in tree.args.items():
            if value and name not in allowed:
                raise self.fail(tree, f"{name} is not part of the dialect here")

    def node(self, tree: exp.Expr) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:  # engines and our own walks recurse over what is built here
            raise PredicateError("the predicate is nested too deeply")
        try:
            return self.node_of(tree)
        finally:
            self.depth -= 1

    def node_of(self, tree: exp.Expr) -> Node:
        cls = type(tree)
        if cls in _COMPARISONS:
            self.only(tree, "this", "expression")
            return self.comparison(
                tree, _COMPARISONS[cls], self.node(tree.this), self.node(tree.args["expression"])
            )
        if cls in _ARITHMETIC:
            self.only(tree, "this", "expression", "typed", "safe")
            return self.arithmetic(tree, _ARITHMETIC[cls])
        handler = _HANDLERS.get(cls)
        if handler is None:
            raise self.fail(tree, self.refusal(tree))
        return handler(self, tree)

    def refusal(self, tree: exp.Expr) -> str:
        if isinstance(tree, exp.Null):
            return "NULL cannot be written; an unknown value makes the predicate unknown by itself"
        if isinstance(tree, exp.Cast | exp.TryCast):
            return "casts are not part of the dialect"
        if isinstance(tree, exp.Lambda | exp.JSONExtract | exp.JSONExtractScalar):
            return "-> stands only in any_match, all_match and none_match, as in any_match(items, x -> x = 1)"
        if isinstance(tree, exp.DPipe):
            return "|| is not part of the dialect"
        if isinstance(tree, exp.Bracket):
            return "[ ] is not part of the dialect; use map_value, contains or any_match"
        return f"{type(tree).__name__.upper()} is not part of the dialect"

    def want(self, node: Node, family: str, what: str) -> Node:
        if kind(node.type) != family:
            raise self.fail(node, f"{what} wants a {family}, and this is a {node.type.sql}")
        return node

    # Operators

    def connective(self, tree: exp.Expr) -> Node:
        self.only(tree, "this", "expression")
        op = "and" if isinstance(tree, exp.And) else "or"
        parts: list[Node] = []
        rest: list[exp.Expr] = [tree]
        while rest:  # a long chain leans left: taken apart without recursion
            part = rest.pop()
            if type(part) is type(tree):
                rest += [part.args["expression"], part.this]
            else:
                parts.append(self.want(self.node(part), "boolean", op.upper()))
        return Call(Bool, parts[0].pos, op, tuple(parts))

    def negation(self, tree: exp.Expr) -> Node:
        self.only(tree, "this")
        inner = self.want(self.node(tree.this), "boolean", "NOT")
        return Call(Bool, inner.pos, "not", (inner,))

    def paren(self, tree: exp.Expr) -> Node:
        self.only(tree, "this")
        return self.node(tree.this)

    def comparison(self, tree: exp.Expr, op: str, left: Node, right: Node) -> Node:
        families = kind(left.type), kind(right.type)
        if families[0] != families[1]:
            hint = "; use days_since(…) or days_until(…)" if "timestamp" in families else ""
            raise self.fail(right, f"{op} compares a {left.type.sql} with a {right.type.sql}{hint}")
        if families[0] in ("list", "map", "struct"):
            hint = "; use contains or any_match" if families[0] == "list" else ""
            raise self.fail(left, f"{op} does not compare a {left.type.sql}{hint}")
        if families[0] == "boolean" and op not in ("=", "<>"):
            raise self.fail(left, f"{op} does not order booleans")
        for one, other in ((left, right), (right, left)):
            self.check_member(one.type, other)
        return Call(Bool, left.pos, op, (left, right))

    def check_member(self, type_: Type, literal: Node) -> None:
        """A literal that is no member of the enum is legal (AWS adds members), but likely a slip."""
        if not isinstance(type_, EnumType) or not type_.values:
            return
        value = (
            literal.value
            if isinstance(literal, Lit)
            else self.params.get(literal.name)
            if isinstance(literal, Param)
            else None
        )
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item not in type_.values:
                self.warnings.append(
                    f"{item!r} is not a member of {type_.sql}{did_you_mean(item, type_.values)}"
                )

    def arithmetic(self, tree: exp.Expr, op: str) -> Node:
        left = self.want(self.node(tree.this), "number", op)
        right = self.want(self.node(tree.args["expression"]), "number", op)
        if op == "/" and isinstance(right, Lit) and right.value == 0:
            raise self.fail(right, "this divides by zero")
        return Call(Float, left.pos, op, (left, right))

    def minus(self, tree: exp.Expr) -> Node:
        self.only(tree, "this")
        if isinstance(tree.this, exp.Literal) and not tree.this.is_string:
            return self.number(tree.this, "-")
        inner = self.want(self.node(tree.this), "number", "-")
        return Call(Float, inner.pos, "neg", (inner,))

    def between(self, tree: exp.Expr) -> Node:
        self.only(tree, "this", "low", "high")
        value = self.node(tree.this)
        low = self.comparison(tree, ">=", value, self.node(tree.args["low"]))
        high = self.comparison(tree, "<=", value, self.node(tree.args["high"]))
        return Call(Bool, value.pos, "and", (low, high))

    def membership(self, tree: exp.Expr) -> Node:
        self.only(tree, "this", "expressions", "field")
        value = self.node(tree.this)
        field = tree.args.get("field")
        if field is not None:
            items = self.node(field)
            if not isinstance(items, Param) or not isinstance(items.type, ListType):
                raise self.fail(
                    items, "IN wants literals in brackets or a list parameter; use contains(list, value)"
                )
            if kind(items.type.element) != kind(value.type) and self.params.get(items.name):
                raise self.fail(items, f"IN compares a {value.type.sql} with a {items.type.sql}")
            self.check_member(value.type, items)
            self.want_scalar(value)
            return Call(Bool, value.pos, "in", (value, items))
        nodes = [self.node(item) for item in tree.expressions]
        if not nodes:
            raise self.fail(value, "IN wants at least one value")
        for item in nodes:
            if not isinstance(item, Lit | Param):
                raise self.fail(item, "IN wants literals and parameters; use = and OR for columns")
            self.comparison(tree, "=", value, item)
        return Call(Bool, value.pos, "in", (value, *nodes))

    def want_scalar(self, node: Node) -> None:
        if kind(node.type) in ("list", "map", "struct"):
            raise self.fail(node, f"a single value is wanted, and this is a {node.type.sql}")

    def like(self, tree: exp.Expr) -> Node:
        self.only(tree, "this", "expression", "negate")
        op = "ilike" if isinstance(tree, exp.ILike) else "like"
        value = self.want(self.node(tree.this), "text", op.upper())
        pattern = self.want(self.node(tree.expression), "text", op.upper())
        self.want_constant(pattern, op.upper())
        node = Call(Bool, value.pos, op, (value, pattern))
        return Call(Bool, value.pos, "not", (node,)) if tree.args.get("negate") else node

    def want_constant(self, node: Node, what: str) -> str:
        if isinstance(node, Lit):
            return node.value
        if isinstance(node, Param):
            return self.params[node.name]
        raise self.fail(node, f"the pattern of {what} is a literal or a parameter")

    # Leaves

    def literal(self, tree: exp.Expr) -> Node:
        if tree.is_string:
            return Lit(Str, offset_of(tree), tree.this)
        return self.number(cast("exp.Literal", tree), "")

    def number(self, tree: exp.Literal, sign: str) -> Node:
        text = sign + tree.this
        if re.fullmatch(r"-?[0-9]+", text, re.ASCII):
            value: Any = int(text)
        elif re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text, re.ASCII):
            value = float(text)
        else:
            raise self.fail(tree, f"{text} is not a number")
        type_ = type_of_value(value)
        if type_ is None:
            raise self.fail(tree, f"{text} is out of range")
        return Lit(type_, offset_of(tree), value)

    def boolean(self, tree: exp.Expr) -> Node:
        return Lit(Bool, offset_of(tree), bool(tree.this))

    def placeholder(self, tree: exp.Expr) -> Node:
        self.only(tree, "this")
        name = str(tree.this or "?")
        found = re.search(rf":{re.escape(name)}\b", self.text)
        at = found.start() if found else 0
        if name not in self.params:
            known = ", ".join(f":{p}" for p in self.params) or "none declared"
            near = did_you_mean(name, self.params)
            raise error_at(self.text, at, f"no parameter :{name}{near or f' ({known})'}")
        type_ = type_of_value(self.params[name])
        if type_ is None:
            message = f":{name} is not a number, text, boolean or list of one kind of these"
            raise error_at(self.text, at, message)
        return Param(type_, at, name)

    def name(self, tree: exp.Expr) -> Node:
        parts = self.parts(tree)
        first = parts[0].name
        pos = offset_of(tree)
        if first in self.scope:
            var = self.scope[first]
            node: Node = Var(var.type, pos, var.name)
        elif first in self.schema:
            node = Col(self.schema[first], pos, first)
        else:
            hint = did_you_mean(first, [*self.scope, *self.schema])
            if not hint and parts[0].args.get("quoted"):
                hint = "; texts take single quotes"
            raise self.fail(tree, f"no column {first}{hint}")
        for part in parts[1:]:
            node = self.field(node, part)
        return node

    def parts(self, tree: exp.Expr) -> list[exp.Identifier]:
        if isinstance(tree, exp.Identifier):
            return [tree]
        if isinstance(tree, exp.Column):
            self.only(tree, "this", "table", "db", "catalog")
            names = [tree.args.get(key) for key in ("catalog", "db", "table", "this")]
            found = [name for name in names if name is not None]
        elif isinstance(tree, exp.Dot):
            self.only(tree, "this", "expression")
            found = [*self.parts(tree.this), tree.expression]
        else:
            raise self.fail(tree, "a field is read from a column, as in column.field")
        for part in found:
            if not isinstance(part, exp.Identifier):
                raise self.fail(tree, "a name is wanted here")
        return cast("list[exp.Identifier]", found)

    def field(self, base: Node, part: exp.Identifier) -> Node:
        if not isinstance(base.type, StructType):
            hint = "; use any_match(list, x -> x.field …)" if isinstance(base.type, ListType) else ""
            raise self.fail(part, f"a {base.type.sql} has no field {part.name}{hint}")
        found = base.type.field(part.name)
        if found is None:
            near = did_you_mean(part.name, [f.name for f in base.type.fields])
            raise self.fail(part, f"no field {part.name}{near or ' in ' + base.type.sql}")
        return Get(found.type, base.pos, base, part.name)

    # Functions

    def function(self, tree: exp.Expr) -> Node:
        self.only(tree, "this", "expressions")
        name = str(tree.this).lower()
        args = cast("list[exp.Expr]", tree.expressions)
        at = offset_of(tree)
        lambdas = (*QUANTIFIERS, *(TEMPLATE_ONLY if self.template else ()))
        if name in lambdas:
            return self.over(tree, name, args)
        if name == "contains":
            self.arity(tree, name, args, 2)
            return self.contains(self.node(args[0]), self.node(args[1]))
        if name in ABSENCE and self.absence:
            return self.coalesce(tree, args)
        if name not in FUNCTIONS:
            known = [*FUNCTIONS, *lambdas, "contains"]
            raise error_at(
                self.text, at, f"no function {name}{self.why_not(name) or did_you_mean(name, known)}"
            )
        kinds, result = FUNCTIONS[name]
        self.arity(tree, name, args, len(kinds))
        nodes: list[Node] = []
        for arg, wanted in zip(args, kinds, strict=True):
            node = self.want(self.node(arg), wanted.removeprefix("constant "), name)
            if wanted.startswith("constant"):
                self.check_constant(name, node, self.want_constant(node, name))
            nodes.append(node)
        return Call(result, at, name, tuple(nodes))

    def why_not(self, name: str) -> str:
        if name in ("coalesce", "ifnull", "nvl", "is_null"):
            return ": it would turn an unknown value into a verdict"
        if name in TEMPLATE_ONLY:
            return ": it is for messages only; use any_match, all_match or none_match"
        if name in ("len", "size", "count", "array_length"):
            return "; use cardinality(list) or length(text)"
        if name in ("now", "today", "current_timestamp", "current_date"):
            return "; use days_since(timestamp) or days_until(timestamp)"
        return ""

    def arity(self, tree: exp.Expr, name: str, args: list[exp.Expr], wanted: int) -> None:
        if len(args) != wanted:
            takes = f"{wanted} argument{'s' if wanted > 1 else ''}"
            raise self.fail(tree, f"{name} takes {takes}, and this has {len(args)}")

    def check_constant(self, name: str, node: Node, value: str) -> None:
        try:
            check_pattern(name, value)
        except RegexError as error:
            at = node.pos
            if name == "matches" and isinstance(node, Lit) and "'" not in value[: error.at]:
                at += 1 + error.at
            raise error_at(self.text, at, f"{name}: {error}") from None

    def contains(self, items: Node, value: Node) -> Node:
        if kind(items.type) == "text":
            raise self.fail(items, "contains wants a list; for a part of a text use includes(text, part)")
        if not isinstance(items.type, ListType):
            raise self.fail(items, f"contains wants a list, and this is a {items.type.sql}")
        element = items.type.element
        if kind(element) != kind(value.type) or kind(element) in ("list", "map", "struct"):
            raise self.fail(value, f"contains looks for a {value.type.sql} in a {items.type.sql}")
        self.check_member(element, value)
        return Call(Bool, items.pos, "contains", (items, value))

    def over(self, tree: exp.Expr, name: str, args: list[exp.Expr]) -> Node:
        self.arity(tree, name, args, 2)
        at = offset_of(tree)
        items = self.node(args[0])
        if not isinstance(items.type, ListType):
            raise self.fail(items, f"{name} wants a list, and this is a {items.type.sql}")
        func = args[1]
        if not isinstance(func, exp.Lambda) or len(func.expressions) != 1:
            raise self.fail(func, f"{name} wants a list and x -> predicate")
        param = func.expressions[0].name
        if param in self.scope:
            raise self.fail(func, f"the name {param} is taken by the lambda around this one")
        self.lambdas += 1
        var = Var(items.type.element, at, f"__e{self.lambdas}")
        self.scope[param] = var
        try:
            body = self.node(func.this)
        finally:
            del self.scope[param]
        if name == "transform":
            return Over(ListType(body.type), at, name, items, var, body)
        self.want(body, "boolean", name)
        return Over(items.type if name == "filter" else Bool, at, cast(Any, name), items, var, body)

    # Tests for absence: only where a check declares why it may

    def need_absence(self, tree: exp.Expr, what: str) -> None:
        if not self.absence:
            raise self.fail(
                tree, f"{what} is not part of the dialect: it would turn an unknown value into a verdict"
            )

    def is_null(self, tree: exp.Expr) -> Node:
        self.only(tree, "this", "expression")
        self.need_absence(tree, "IS")
        if not isinstance(tree.expression, exp.Null):
            raise self.fail(tree, "IS stands only in IS NULL and IS NOT NULL")
        inner = self.node(tree.this)
        return Call(Bool, inner.pos, "is_null", (inner,))

    def coalesce(self, tree: exp.Expr, args: list[exp.Expr]) -> Node:
        if len(args) < 2:
            raise self.fail(tree, "coalesce takes two or more arguments")
        nodes = [self.node(arg) for arg in args]
        return Call(self.common(nodes), offset_of(tree), "coalesce", tuple(nodes))

    def common(self, nodes: list[Node]) -> Type:
        for node in nodes[1:]:
            if kind(node.type) != kind(nodes[0].type) or kind(node.type) in ("list", "map", "struct"):
                raise self.fail(
                    node, f"this is a {node.type.sql}, and the value before it a {nodes[0].type.sql}"
                )
        if kind(nodes[0].type) == "number" and any(isinstance(n.type, FloatType) for n in nodes):
            return Float
        return nodes[0].type

    def case(self, tree: exp.Expr) -> Node:
        self.need_absence(tree, "CASE")
        self.only(tree, "ifs", "default")
        args: list[Node] = []
        values: list[Node] = []
        for branch in tree.args["ifs"]:
            args += [self.want(self.node(branch.this), "boolean", "WHEN"), self.node(branch.args["true"])]
            values.append(args[-1])
        if tree.args.get("default") is None:
            raise self.fail(tree, "CASE wants an ELSE")
        args.append(self.node(tree.args["default"]))
        return Call(self.common([*values, args[-1]]), offset_of(tree), "case", tuple(args))


_HANDLERS: Final[dict[type[exp.Expr], Callable[[TypeChecker, Any], Node]]] = {
    exp.And: TypeChecker.connective,
    exp.Or: TypeChecker.connective,
    exp.Not: TypeChecker.negation,
    exp.Paren: TypeChecker.paren,
    exp.Neg: TypeChecker.minus,
    exp.Between: TypeChecker.between,
    exp.In: TypeChecker.membership,
    exp.Like: TypeChecker.like,
    exp.ILike: TypeChecker.like,
    exp.Literal: TypeChecker.literal,
    exp.Boolean: TypeChecker.boolean,
    exp.Placeholder: TypeChecker.placeholder,
    exp.Column: TypeChecker.name,
    exp.Dot: TypeChecker.name,
    exp.Identifier: TypeChecker.name,
    exp.Anonymous: TypeChecker.function,
    exp.Is: TypeChecker.is_null,
    exp.Case: TypeChecker.case,
}
