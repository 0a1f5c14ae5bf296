"""Condition operators: one condition against the request context, in three values.

IAM User Guide: JSON policy elements: Condition operators; Creating a condition with multiple keys or values
(set operators); Policy variables. A result of None means that the context does not decide it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from partywall.analysis.iam.context import MISSING, PRESENT, UNKNOWN, Context, Values
from partywall.analysis.iam.patterns import Variable, arn, glob, literal, plain, template

Compare = Callable[[str, str], bool]
"""(value of the request, value of the policy with its variables filled) -> whether they match."""


@dataclass(frozen=True, slots=True)
class Operator:
    """`compare` is that of the positive form; `variables`: policy variables are filled in its values."""

    compare: Compare
    negated: bool = False
    variables: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a Condition block; `operator` and `key` as written, `name` the operator without affixes."""

    operator: str
    key: str
    values: tuple[str, ...]
    name: str
    """Lower case, without `ForAllValues:`/`ForAnyValue:` and `IfExists`."""
    quantifier: str = ""
    """"" , "all" or "any"."""
    if_exists: bool = False
    variables: bool = False
    """The document's version knows policy variables."""

    @property
    def lower_key(self) -> str:
        """The key in lower case: names of condition keys are compared without case."""
        return self.key.lower()

    def __str__(self) -> str:
        values = ", ".join(self.values)
        return f"{self.operator} {self.key} [{values}]"


def _equal(request: str, policy: str) -> bool:
    return request == plain(policy)


def _equal_ignoring_case(request: str, policy: str) -> bool:
    return request.casefold() == plain(policy).casefold()


def _like(request: str, policy: str) -> bool:
    return glob(policy)(request)


def _arn_like(request: str, policy: str) -> bool:
    return arn(policy)(request)


def _boolean(request: str, policy: str) -> bool:
    return request.lower() == plain(policy).lower()


def _binary(request: str, policy: str) -> bool:
    return request == policy or _bytes(request) == _bytes(policy) is not None


@lru_cache(maxsize=4096)
def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=16384)
def network(text: str) -> IPv4Network | IPv6Network | None:
    """An address or CIDR block, None where it is neither."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _within(request: str, policy: str) -> bool:
    mine, theirs = network(request), network(policy)
    if isinstance(mine, IPv4Network) and isinstance(theirs, IPv4Network):
        return mine.subnet_of(theirs)
    if isinstance(mine, IPv6Network) and isinstance(theirs, IPv6Network):
        return mine.subnet_of(theirs)
    return False


_NUMBER: Final = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


@lru_cache(maxsize=16384)
def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=16384)
def instant(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 date (W3C profile) or of epoch seconds; None where it is neither."""
    number = _number(text)
    # A bare year is a date too, but four digits of epoch seconds are no date that anybody means.
    if number is not None and not (len(text) == 4 and text.isdigit()):
        return number
    for form in ("%Y", "%Y-%m"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _ordered(read: Callable[[str], float | None], test: Callable[[float, float], bool]) -> Compare:
    def compare(request: str, policy: str) -> bool:
        mine, theirs = read(request), read(policy)
        return mine is not None and theirs is not None and test(mine, theirs)

    return compare


def _orders(name: str, read: Callable[[str], float | None]) -> dict[str, Operator]:
    equal = _ordered(read, float.__eq__)
    return {
        f"{name}equals": Operator(equal),
        f"{name}notequals": Operator(equal, negated=True),
        f"{name}lessthan": Operator(_ordered(read, float.__lt__)),
        f"{name}lessthanequals": Operator(_ordered(read, float.__le__)),
        f"{name}greaterthan": Operator(_ordered(read, float.__gt__)),
        f"{name}greaterthanequals": Operator(_ordered(read, float.__ge__)),
    }


OPERATORS: Final[dict[str, Operator]] = {
    "stringequals": Operator(_equal, variables=True),
    "stringnotequals": Operator(_equal, negated=True, variables=True),
    "stringequalsignorecase": Operator(_equal_ignoring_case, variables=True),
    "stringnotequalsignorecase": Operator(_equal_ignoring_case, negated=True, variables=True),
    "stringlike": Operator(_like, variables=True),
    "stringnotlike": Operator(_like, negated=True, variables=True),
    "arnequals": Operator(_arn_like, variables=True),
    "arnlike": Operator(_arn_like, variables=True),
    "arnnotequals": Operator(_arn_like, negated=True, variables=True),
    "arnnotlike": Operator(_arn_like, negated=True, variables=True),
    "bool": Operator(_boolean, variables=True),
    "binaryequals": Operator(_binary),
    "ipaddress": Operator(_within),
    "notipaddress": Operator(_within, negated=True),
    **_orders("numeric", _number),
    **_orders("date", instant),
}


def readable(name: str, value: str) -> bool:
    """Whether an operator (in lower case, without affixes) can read a value of a policy at all."""
    if name.startswith("numeric"):
        return _number(value) is not None
    if name.startswith("date"):
        return instant(value) is not None
    return name not in ("ipaddress", "notipaddress") or network(value) is not None


def holds(condition: Condition, context: Context) -> bool | None:
    """Whether a condition holds; None where the context does not say.

    A missing key: positive operators fail, negated ones hold, `IfExists` holds, ForAllValues holds and
    ForAnyValue fails (page "Condition operators", and "Set operators" for the last two). A variable that
    cannot be filled makes its value match nothing, and a negated condition fail ("Policy variables").
    """
    key = condition.lower_key
    found = context.get(key)
    if condition.name == "null":
        return _null(condition, found)
    operator = OPERATORS.get(condition.name)
    if operator is None:
        # AWS refuses such a policy; whatever it would mean, it grants nothing and its denial stays open.
        return None
    if found is UNKNOWN or found is PRESENT:
        return _regardless(condition, operator)
    present: Values = found if isinstance(found, tuple) else ()
    quantifier = condition.quantifier
    if quantifier:
        # A key without a value, or with the empty string alone, is an empty set.
        # `IfExists` holds of a missing key before ForAnyValue asks for a member; an empty set is not missing.
        if not any(present):
            return quantifier == "all" or (condition.if_exists and found is MISSING)
    elif found is MISSING or not present:
        return True if condition.if_exists else operator.negated
    filled, open_ = _filled(condition, operator, context)
    compare = operator.compare
    if quantifier:
        return _quantified(quantifier, operator, present, filled, open_)
    matched = any(compare(value, policy) for value in present for policy in filled)
    if operator.negated:
        if matched or open_ == "never":
            return False
        return None if open_ == "unknown" else True
    if matched:
        return True
    return None if open_ == "unknown" else False


def _quantified(
    quantifier: str, operator: Operator, present: Values, filled: list[str], open_: str
) -> bool | None:
    results: list[bool | None] = []
    for value in present:
        matched = any(operator.compare(value, policy) for policy in filled)
        if not operator.negated:
            results.append(True if matched else None if open_ == "unknown" else False)
        elif matched or open_ == "never":
            results.append(False)
        else:
            results.append(None if open_ == "unknown" else True)
    if quantifier == "all":
        return False if False in results else None if None in results else True
    return True if True in results else None if None in results else False


def _filled(condition: Condition, operator: Operator, context: Context) -> tuple[list[str], str]:
    """The policy's values with their variables filled, and what is left open of the others.

    "" all are filled; "unknown" a variable's key is not known; "never" one cannot be filled.
    """
    if not (condition.variables and operator.variables):
        return list(condition.values), ""
    filled: list[str] = []
    open_ = ""
    for value in condition.values:
        if "${" not in value:
            filled.append(value)
            continue
        made = fill(value, context)
        if made is None:
            open_ = open_ or "never"
        elif made is UNKNOWN:
            open_ = "unknown"
        elif isinstance(made, str):
            filled.append(made)
    return filled, open_


def fill(pattern: str, context: Context) -> str | object | None:
    """A pattern with its variables filled; None where one has no value, UNKNOWN where that is not known.

    A key with several values fills nothing ("Policy variables": only single-valued keys).
    """
    made: list[str] = []
    unknown = False
    for part in template(pattern):
        if not isinstance(part, Variable):
            made.append(part)
            continue
        found = context.get(part.key)
        if found is UNKNOWN or found is PRESENT:
            unknown = True
        elif isinstance(found, tuple) and len(found) == 1:
            made.append(literal(found[0]))
        elif part.default is not None and not (isinstance(found, tuple) and found):
            made.append(literal(part.default))
        else:
            return None
    return UNKNOWN if unknown else "".join(made)


def _null(condition: Condition, found: object) -> bool | None:
    wanted = {value.lower() for value in condition.values}
    if wanted == {"true", "false"}:
        return True
    if found is UNKNOWN:
        return None
    if found is PRESENT:
        return "false" in wanted
    # An empty set is no value: "the key exists and its value is not null".
    absent = found is MISSING or found == ()
    return ("true" if absent else "false") in wanted


def _regardless(condition: Condition, operator: Operator) -> bool | None:
    """The result where nothing is known of the key but every value gives the same."""
    everything = condition.name in ("stringlike", "stringnotlike", "arnlike", "arnnotlike") and any(
        value == "*" for value in condition.values
    )
    if everything and not operator.negated:
        if condition.quantifier == "all" or (condition.if_exists and not condition.quantifier):
            return True
    elif everything and operator.negated and condition.quantifier == "any" and not condition.if_exists:
        return False
    return None
