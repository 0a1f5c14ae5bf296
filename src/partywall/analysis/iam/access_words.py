"""Accesses as data and as sentences that people read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from partywall.analysis.iam.access import Access
from partywall.analysis.iam.access_actions import spelled
from partywall.analysis.iam.access_keys import Outsider
from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.operators import Condition

_WHO: Final = {
    Outsider.ANONYMOUS: "anyone, even without signing in,",
    Outsider.ANY: "any AWS account",
    Outsider.FOREIGN: "another account",
    Outsider.ORGANIZATION: "another account of the organization",
    Outsider.SCANNED: "another scanned account",
    Outsider.SERVICE: "an AWS service",
    Outsider.FEDERATED: "federated identities",
}
_IS: Final = {
    "stringequals": "is",
    "stringequalsignorecase": "is",
    "stringlike": "is like",
    "arnequals": "is like",
    "arnlike": "is like",
    "bool": "is",
    "binaryequals": "is",
    "ipaddress": "is in",
    "numericequals": "is",
    "dateequals": "is",
    "lessthan": "is less than",
    "lessthanequals": "is at most",
    "greaterthan": "is more than",
    "greaterthanequals": "is at least",
}
_SHOWN: Final = 4
"""So many names, values or actions are spelled out; of more, the number of the others."""


def conditions(access: Access) -> list[dict[str, Any]]:
    """The conditions under which it holds: effect (of their statement), statement, operator, key, values."""
    made: list[dict[str, Any]] = []
    for s in _statements(access):
        for c in s.conditions:
            told = {"effect": "Allow" if s.allow else "Deny", "statement": s.label}
            made.append({**told, "operator": c.operator, "key": c.key, "values": list(c.values)})
    return made


def _statements(access: Access) -> list[Statement]:
    """The Allow statements, or the one without conditions alone where there is one; and the Deny ones."""
    allows = [access.statements[label] for label in sorted(access.statements)]
    if access.witness is not None and not access.witness.statement.conditions:
        allows = [access.witness.statement]
    return [*allows, *(access.denies[label] for label in sorted(access.denies))]


def sentence(access: Access) -> str:
    """Who may do what under which conditions; "" where nobody may."""
    if access.access is False and access.granted is not True and access.limited is not True:
        return ""
    who = _WHO[access.kind]
    if names := sorted(access.principals - {"*"}):
        who = f"{who} ({_listed(names)})"
    may = "may" if access.access is True else "perhaps may"
    if access.access is False:
        may = "might" if access.granted else "may"
    what = _listed(spelled(access.actions)) or "some actions"
    text = f"{who} {may} {what}"
    parts = [_under(s) for s in _statements(access)]
    allowed = list(dict.fromkeys(p for p, s in zip(parts, _statements(access), strict=True) if s.allow))
    if all(allowed) and allowed:
        text += f", if {' or if '.join(allowed[:_SHOWN])}"
    spared = list(dict.fromkeys(p for p, s in zip(parts, _statements(access), strict=True) if not s.allow))
    if spared:
        text += f", unless {' or '.join(spared[:_SHOWN])}"
    if access.blocked_by and access.access is not True:
        holds = "may hold" if access.access is None else "holds"
        text += f"; {_listed(sorted(access.blocked_by))} {holds} it back"
    if access.access is False and access.limited:
        text += "; nobody else may"
    if access.access is None and access.undecided:
        text += f"; not known: {_listed(sorted(access.undecided))}"
    return text


def _under(statement: Statement) -> str:
    return " and ".join(phrase(c) for c in statement.conditions)


def phrase(condition: Condition) -> str:
    """A condition in words: `aws:SourceIp is in 203.0.113.0/24`."""
    values = _listed(condition.values, "or")
    if condition.name == "null":
        there = {v.lower() for v in condition.values} == {"false"}
        return f"{condition.key} is {'there' if there else 'missing'}"
    name, negated = condition.name, False
    if "not" in name:
        name, negated = name.replace("not", "", 1), True
    bare = name.removeprefix("numeric").removeprefix("date")
    verb = _IS.get(name) or _IS.get(bare) or name
    if negated:
        verb = f"{verb.replace('is', 'is not', 1)}"
    every = {"all": "every value of ", "any": "some value of "}.get(condition.quantifier, "")
    missing = f" or {condition.key} is missing" if condition.if_exists else ""
    return f"{every}{condition.key} {verb} {values}{missing}"


def _listed(names: Iterable[str], word: str = "and") -> str:
    listed = list(names)
    if len(listed) > _SHOWN + 1:
        return f"{', '.join(listed[:_SHOWN])} {word} {len(listed) - _SHOWN} more"
    return f" {word} ".join(filter(None, (", ".join(listed[:-1]), listed[-1]))) if listed else ""


def context_of(context: Mapping[str, Any]) -> dict[str, str]:
    """A witness's context as text; a missing key as "(missing)"."""
    return {k: ", ".join(v) if v is not None else "(missing)" for k, v in sorted(context.items())}
