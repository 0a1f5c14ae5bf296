"""pySigma's parse trees as our nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from partywall.detections.sigma.nodes import (
    And,
    Clock,
    Compare,
    Exists,
    Leaf,
    Network,
    Node,
    Not,
    Null,
    Number,
    Or,
    Order,
    Regex,
    SameAs,
    Test,
    Text,
    TimePart,
    Wild,
)

if TYPE_CHECKING:
    from sigma.rule import SigmaRule
    from sigma.types import SigmaString


class RuleError(ValueError):
    """A rule that cannot run as it is written, and why."""


_FLAGS: Final = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}


def condition(rule: SigmaRule) -> Node:
    """The rule's condition (any of several); raises RuleError or pySigma's SigmaError."""
    trees = [_node(parsed.parsed) for parsed in rule.detection.parsed_condition]
    return trees[0] if len(trees) == 1 else Or(tuple(trees))


def _node(tree: Any) -> Node:
    from sigma.conditions import (
        ConditionAND,
        ConditionFieldEqualsValueExpression,
        ConditionNOT,
        ConditionOR,
        ConditionValueExpression,
    )

    if isinstance(tree, ConditionFieldEqualsValueExpression):
        return _value(tree.field, tree.value)
    if isinstance(tree, ConditionValueExpression):
        return _value(None, tree.value)
    if isinstance(tree, ConditionNOT):
        return Not(_node(tree.args[0]))
    if isinstance(tree, ConditionAND):
        return And(tuple(_node(item) for item in tree.args))
    if isinstance(tree, ConditionOR):
        return Or(tuple(_node(item) for item in tree.args))
    raise RuleError("the condition is empty")


def _value(field: str | None, value: Any) -> Node:
    from sigma.types import SigmaExpansion

    if isinstance(value, SigmaExpansion):
        return Or(tuple(_value(field, each) for each in value.values))
    if field is None:
        return Leaf(None, _keyword(value))
    return Leaf(field, _test(field, value))


def _keyword(value: Any) -> Test:
    from sigma.types import SigmaBool, SigmaNumber, SigmaRegularExpression, SigmaString

    if isinstance(value, SigmaRegularExpression):
        return _test("keywords", value)
    if isinstance(value, SigmaString):
        text = _text(value)
        return Text((Wild.ANY, *text.parts, Wild.ANY), text.cased)
    if isinstance(value, (SigmaNumber, SigmaBool)):
        return Text((Wild.ANY, str(value), Wild.ANY))
    raise RuleError(f"a keyword is text, not {type(value).__name__}")


def _test(field: str, value: Any) -> Test:
    from sigma.types import (
        SigmaBool,
        SigmaCIDRExpression,
        SigmaCompareExpression,
        SigmaExists,
        SigmaFieldReference,
        SigmaNull,
        SigmaNumber,
        SigmaRegularExpression,
        SigmaString,
        SigmaTimestampPart,
    )

    if isinstance(value, SigmaString):
        return _text(value)
    if isinstance(value, SigmaTimestampPart):
        return TimePart(Clock(value.timestamp_part.name.lower()), int(value.number))
    if isinstance(value, SigmaNumber):
        return Number(value.number)
    if isinstance(value, SigmaBool):
        return Text(("true" if value.boolean else "false",))
    if isinstance(value, SigmaNull):
        return Null()
    if isinstance(value, SigmaExists):
        return Exists(value.exists)
    if isinstance(value, SigmaRegularExpression):
        if value.contains_placeholder():
            raise RuleError(f"{field}: the values of placeholders are not known")
        flags = "".join(sorted(_FLAGS[flag.name] for flag in value.flags))
        return Regex(f"(?{flags}){_pattern(value)}" if flags else _pattern(value))
    if isinstance(value, SigmaCIDRExpression):
        return Network(str(value.network))
    if isinstance(value, SigmaCompareExpression):
        return Compare(Order[value.op.name], value.number.number)
    if isinstance(value, SigmaFieldReference):
        return SameAs(value.field, value.starts_with, value.ends_with)
    raise RuleError(f"{field}: {type(value).__name__} has no meaning in a log")


def _pattern(value: Any) -> str:
    # A pattern is kept in a SigmaString, where * and ? stand as special characters.
    from sigma.types import SpecialChars

    marks = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
    return "".join(part if isinstance(part, str) else marks[part] for part in value.regexp.s)


def _text(value: SigmaString) -> Text:
    from sigma.types import SigmaCasedString, SpecialChars

    parts: list[str | Wild] = []
    for part in value.s:
        if isinstance(part, str):
            parts.append(part)
        elif part == SpecialChars.WILDCARD_MULTI:
            if not parts or parts[-1] is not Wild.ANY:
                parts.append(Wild.ANY)
        elif part == SpecialChars.WILDCARD_SINGLE:
            parts.append(Wild.ONE)
        else:
            raise RuleError(f"the values of the placeholder {part} are not known")
    return Text(tuple(parts), isinstance(value, SigmaCasedString))
