"""A table with every type, and random predicates over it: what the SQL tests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from partywall.tables.types import (
    Bool,
    Enum,
    Field,
    Float,
    Int,
    List,
    Policy,
    Str,
    StrMap,
    Struct,
    Timestamp,
    Type,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)

_RULE = Struct(
    Field("port", Int, "port"),
    Field("cidrs", List(Str), "cidrs"),
    Field("open", Bool, "open"),
    Field("kind", Enum("tcp", "udp"), "kind"),
)
SCHEMA: dict[str, Type] = {
    "state": Enum("on", "off"),
    "name": Str,
    "n": Int,
    "m": Int,
    "f": Float,
    "b": Bool,
    "ts": Timestamp,
    "ts2": Timestamp,
    "tags": StrMap,
    "l": List(Str),
    "nums": List(Int),
    "ratios": List(Float),
    "rules": List(_RULE),
    "policy": Policy("resource"),
    "facts": Struct(Field("public", Bool, ""), Field("inner", Struct(Field("x", Int, "")), "")),
}
PARAMS: dict[str, Any] = {
    "days": 90,
    "ratio": 0.5,
    "word": "prod",
    "words": ["a", "prod", "é"],
    "ports": [22, 3389],
    "none": [],
}

Pick = Callable[[Sequence[Any]], Any]
_TEXT_LITERALS = (
    "'a'",
    "'prod'",
    "''",
    "'on'",
    "'0.0.0.0/0'",
    "'it''s'",
    "'é'",
    "'A'",
    "'tcp'",
    "':x'",
    "'\\'",
    ":word",
)
_NUMBERS = ("0", "1", "-1", "22", "365", "2.5", "-0.0", "1e3", "9007199254740993", ":days", ":ratio")
_PATTERNS = ("'a%'", "'%a%'", "'_'", "'%'", "''", "'%\\%'", "'PROD'", "'a_'", "'100\\%'", "'%é'", "'%\n%'")
_REGEXES = (
    *("'^a'", "'a$'", "'(?i)PROD|x'", "'[^a-c]'", "'^[\\[:]+$'", "'\\d+\\.\\d+'", "'^\\s*$'", "'é?'", "''"),
    *("'.'", "'^.$'", "'a.b'", "'^(a|b){1,2}$'", "'^x{3,}'", "'[\\w-]+/\\d'", "'\\S\\s\\S'", "'(?i)[x-z]'"),
    *("'\\\\'", "'^[^\\n]+$'", "'[&]{2}'", "'^(?:a*)*$'", "'\\D\\W'", "'[\\]]'", "'^(?:0|1)+?[.]'"),
)
_VERSIONS = ("'1.28'", "'1'", "'0'", "'1.0'", "'1.9.10'", "'90.1'", "'1.28.5'")


class Grammar:
    """Writes random predicates; `pick` chooses among alternatives (hypothesis's draw, or random.choice)."""

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        self.terms: dict[str, list[str]] = {
            "text": ["state", "name", "policy"],
            "number": ["n", "m", "f", "facts.inner.x"],
            "boolean": ["b", "facts.public"],
            "timestamp": ["ts", "ts2"],
            "texts": ["l", ":words"],
            "numbers": ["nums", "ratios", ":ports"],
            "rules": ["rules"],
        }
        self.lambdas = 0

    def predicate(self, depth: int) -> str:
        """A boolean expression, nested at most `depth` deep."""
        if depth <= 0:
            return self.atom(0)
        kind = self.pick(("and", "or", "not", "atom", "atom", "atom", "over", "over"))
        match kind:
            case "and" | "or":
                parts = [self.predicate(depth - 1) for _ in range(self.pick((2, 2, 3)))]
                return "(" + f" {kind.upper()} ".join(parts) + ")"
            case "not":
                return f"NOT ({self.predicate(depth - 1)})"
            case "over":
                return self.over(depth)
            case _:
                return self.atom(depth)

    def over(self, depth: int) -> str:
        quantifier = self.pick(("any_match", "all_match", "none_match"))
        kind = self.pick(("texts", "numbers", "rules", "split"))
        self.lambdas += 1
        var = f"x{self.lambdas}"
        if kind == "split":
            separator = self.pick(("','", "'a'", "'.'", "'^'"))
            items, kind = f"split({self.text(0)}, {separator})", "texts"
        elif kind == "texts" and self.pick((False, False, True)):
            items = "keys(tags)"
        else:
            items = self.pick(self.terms[kind])
        saved = {name: list(found) for name, found in self.terms.items()}
        if kind == "rules":
            for name, field in (
                ("number", "port"),
                ("texts", "cidrs"),
                ("boolean", "open"),
                ("text", "kind"),
            ):
                self.terms[name] += [f"{var}.{field}"] * 3
        else:
            self.terms[{"texts": "text", "numbers": "number"}[kind]] += [var] * 3
        body = self.predicate(depth - 1)
        self.terms = saved
        return f"{quantifier}({items}, {var} -> {body})"

    def atom(self, depth: int) -> str:
        kind = self.pick(
            ("=", "=", "order", "bool", "in", "like", "contains", "map", "texts", "regex", "version", "time")
        )
        match kind:
            case "=":
                family = self.pick(("text", "number", "boolean"))
                one, other = (getattr(self, family)(depth) for _ in range(2))
                return f"({one} {self.pick(('=', '<>'))} {other})"
            case "order":
                family = self.pick(("text", "number", "number"))
                one, other, third = (getattr(self, family)(depth) for _ in range(3))
                if self.pick((False, False, True)):
                    return f"({one} {self.pick(('BETWEEN', 'NOT BETWEEN'))} {other} AND {third})"
                return f"({one} {self.pick(('<', '<=', '>', '>='))} {other})"
            case "bool":
                return self.boolean(depth)
            case "in":
                return self.membership()
            case "like":
                operator = self.pick(("LIKE", "NOT LIKE", "ILIKE"))
                return f"({self.text(depth)} {operator} {self.pick(_PATTERNS)})"
            case "contains":
                if self.pick((True, False)):
                    return f"contains({self.pick(self.terms['texts'])}, {self.text(depth)})"
                return f"contains({self.pick(self.terms['numbers'])}, {self.number(0)})"
            case "map":
                return f"has_key(tags, {self.text(0)})"
            case "texts":
                function = self.pick(("starts_with", "ends_with", "includes"))
                return f"{function}({self.text(depth)}, {self.text(0)})"
            case "regex":
                return f"matches({self.text(depth)}, {self.pick(_REGEXES)})"
            case "version":
                return f"version_at_least({self.text(depth)}, {self.pick(_VERSIONS)})"
            case _:
                one, other = (self.pick(self.terms["timestamp"]) for _ in range(2))
                return f"({one} {self.pick(('=', '<>', '<', '<=', '>', '>='))} {other})"

    def membership(self) -> str:
        operator = self.pick(("IN", "NOT IN"))
        if self.pick((True, False)):
            items = self.pick(("('a', 'prod', '')", "(:word, 'x')", ":words", ":none"))
            return f"({self.text(0)} {operator} {items})"
        return f"({self.number(0)} {operator} {self.pick(('(0, 1, 22)', '(2.5, -1)', ':ports', '(:days)'))})"

    def boolean(self, depth: int) -> str:
        return self.pick([*self.terms["boolean"], "TRUE", "FALSE"])

    def text(self, depth: int) -> str:
        kind = self.pick(("term", "term", "literal", "fold", "map") if depth > 0 else ("term", "literal"))
        match kind:
            case "term":
                return self.pick(self.terms["text"])
            case "literal":
                return self.pick(_TEXT_LITERALS)
            case "fold":
                return f"{self.pick(('lower', 'upper'))}({self.text(depth - 1)})"
            case _:
                return f"map_value(tags, {self.text(0)})"

    def number(self, depth: int) -> str:
        kinds = ("term", "term", "literal", "sum", "quotient", "length", "cardinality", "days", "abs")
        match self.pick(kinds if depth > 0 else kinds[:3]):
            case "term":
                return self.pick(self.terms["number"])
            case "literal":
                return self.pick(_NUMBERS)
            case "sum":
                return f"({self.number(depth - 1)} {self.pick(('+', '-', '*'))} {self.number(depth - 1)})"
            case "quotient":
                return f"({self.number(depth - 1)} / {self.pick((*self.terms['number'], '1024', '(n - m)'))})"
            case "length":
                return f"length({self.text(depth - 1)})"
            case "cardinality":
                lists = [*self.terms["texts"], *self.terms["numbers"], "rules", "keys(tags)"]
                return f"cardinality({self.pick(lists)})"
            case "days":
                return f"{self.pick(('days_since', 'days_until'))}({self.pick(self.terms['timestamp'])})"
            case _:
                return self.pick((f"abs({self.number(depth - 1)})", f"(- {self.number(depth - 1)})"))
