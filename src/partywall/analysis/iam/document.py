"""Policy documents for evaluation: what is well formed takes part, what is not becomes a problem.

A malformed document or statement never widens access: of an Allow nothing is granted, and a Deny that cannot
be read stays open for every request. IAM User Guide: Grammar of the IAM JSON policy language.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

from partywall.analysis.iam.operators import OPERATORS, Condition, readable
from partywall.analysis.iam.patterns import Matcher, glob, template
from partywall.analysis.iam.patterns import resource as resource_pattern

VERSIONS: Final = ("2012-10-17", "2008-10-17")
_ELEMENTS: Final = frozenset(
    (
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    )
)
_MAX_CHARACTERS: Final = 1_000_000
_numbers: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document: where (a path such as `Statement[2].Action`) and what."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class PrincipalElement:
    """A Principal or NotPrincipal element: kind (AWS, Service, Federated, CanonicalUser) -> its texts."""

    everyone: bool = False
    named: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement. Identity policies have no `principal`; `resources` None where the element is absent."""

    policy: str
    sid: str
    index: int
    """From 0, its place in the document."""
    allow: bool
    principal: PrincipalElement | None
    not_principal: bool
    actions: tuple[str, ...]
    """In lower case."""
    not_action: bool
    resources: tuple[str, ...] | None
    not_resource: bool
    conditions: tuple[Condition, ...]
    variables: bool
    broken: str = ""
    """Why it could not be read; a broken Deny is open for every request."""
    key: int = field(default_factory=lambda: next(_numbers))
    """Tells statements apart in caches."""
    written: tuple[str, ...] = ()
    """The actions as the document has them."""

    @property
    def label(self) -> str:
        """How reports call it: its policy's name and its Sid or number."""
        return f"{self.policy}:{self.sid or f'#{self.index + 1}'}"

    def action_matches(self, action: str) -> bool:
        """Whether an action (in lower case) falls under Action or NotAction."""
        return any(glob(p)(action) for p in self.actions) != self.not_action


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Policy:
    """A document read: `name` tells where it is attached or what its ARN is."""

    name: str
    statements: tuple[Statement, ...]
    problems: tuple[Problem, ...] = ()


class _Malformed(Exception):
    def __init__(self, where: str, what: str) -> None:
        super().__init__(what)
        self.problem = Problem(where, what)


def parse(document: str | dict[str, Any], name: str = "policy", *, principal: bool | None = None) -> Policy:
    """Reads a document, text or already decoded. `principal`: it must (True) or must not (False) name one."""
    raw: Any = document
    if isinstance(document, str):
        if len(document) > _MAX_CHARACTERS:
            return _unreadable(name, "the document is longer than any that AWS takes")
        import orjson

        try:
            raw = orjson.loads(document)
        except (orjson.JSONDecodeError, RecursionError) as error:
            return _unreadable(name, f"not JSON: {error}")
        if _repeats(document, raw):
            return _unreadable(name, "an element is there twice")
    if not isinstance(raw, dict):
        return _unreadable(name, "not a JSON object")
    body = cast("dict[str, Any]", raw)
    problems = [
        Problem(key, "no element of a policy document")
        for key in body
        if key not in ("Version", "Id", "Statement")
    ]
    version = body.get("Version", "2008-10-17")
    if version not in VERSIONS:
        shown = repr(version)[:40] if isinstance(version, str) else "of another type than text"
        return _unreadable(name, f"Version {shown} is neither {' nor '.join(VERSIONS)}")
    listed = body.get("Statement")
    if listed is None:
        return _unreadable(name, "Statement is missing")
    statements: list[Statement] = []
    variables = version == "2012-10-17"
    for index, entry in enumerate(cast("list[Any]", listed) if isinstance(listed, list) else [listed]):
        try:
            statements.append(_statement(entry, name, index, variables, principal))
        except _Malformed as error:
            problems.append(error.problem)
            allow = isinstance(entry, dict) and cast("dict[str, Any]", entry).get("Effect") == "Allow"
            statements.append(_broken(name, index, allow, error.problem.what))
    return Policy(name, tuple(statements), tuple(problems))


_KEY: Final = re.compile(r'"\s*:')


def _repeats(text: str, raw: Any) -> bool:
    """Whether an object of a document repeats a key ("Grammar of the IAM JSON policy language" forbids it).

    Where there are no more `":` than keys there is none; a text that holds `":` itself is read again slowly.
    """
    if len(_KEY.findall(text)) == _keys(raw):
        return False

    def distinct(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            raise _Malformed("", "")

    try:
        json.loads(text, object_pairs_hook=distinct)
    except _Malformed:
        return True
    return False


def _keys(raw: Any) -> int:
    found, waiting = 0, [raw]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            body = cast("dict[str, Any]", item)
            found += len(body)
            waiting += body.values()
        elif isinstance(item, list):
            waiting += cast("list[Any]", item)
    return found


def _unreadable(name: str, what: str) -> Policy:
    return Policy(name, (_broken(name, 0, False, what),), (Problem("", what),))


def _broken(name: str, index: int, allow: bool, what: str) -> Statement:
    # Of a broken Allow nothing matches; a broken Deny is asked of every request and stays open.
    actions = () if allow else ("*",)
    return Statement(name, "", index, allow, None, False, actions, False, None, False, (), False, what)


def _statement(raw: Any, name: str, index: int, variables: bool, principal: bool | None) -> Statement:
    where = f"Statement[{index}]"
    if not isinstance(raw, dict):
        raise _Malformed(where, "a statement is a JSON object")
    body = cast("dict[str, Any]", raw)
    for key in body:
        if key not in _ELEMENTS:
            raise _Malformed(f"{where}.{key}", "no element of a statement")
    if body.get("Effect") not in ("Allow", "Deny"):
        raise _Malformed(f"{where}.Effect", "Effect is Allow or Deny")
    actions, not_action = _either(body, "Action", where)
    if actions is None:
        raise _Malformed(where, "Action and NotAction are both missing")
    resources, not_resource = _either(body, "Resource", where)
    if "Principal" in body and "NotPrincipal" in body:
        raise _Malformed(where, "Principal and NotPrincipal exclude one another")
    named = "Principal" in body or "NotPrincipal" in body
    if resources is None and not named:
        # Only a trust policy goes without, and it names principals.
        raise _Malformed(where, "Resource and NotResource are both missing")
    if principal is not None and named != principal:
        kind, named_by = ("a resource", "a") if principal else ("an identity", "no")
        raise _Malformed(where, f"{kind} policy names {named_by} principal")
    not_principal = "NotPrincipal" in body
    element = (
        _principal(body["NotPrincipal" if not_principal else "Principal"], f"{where}.Principal")
        if named
        else None
    )
    sid = body.get("Sid") or ""
    if not isinstance(sid, str):
        raise _Malformed(f"{where}.Sid", "Sid is text")
    return Statement(
        policy=name,
        sid=sid,
        index=index,
        allow=body["Effect"] == "Allow",
        principal=element,
        not_principal=not_principal,
        actions=tuple("*" if a in ("*:*", "*") else a.lower() for a in actions),
        not_action=not_action,
        resources=resources,
        not_resource=not_resource,
        conditions=tuple(_conditions(body.get("Condition"), variables, f"{where}.Condition")),
        variables=variables,
        written=actions,
    )


def _either(body: dict[str, Any], name: str, where: str) -> tuple[tuple[str, ...] | None, bool]:
    opposite = f"Not{name}"
    if name in body and opposite in body:
        raise _Malformed(where, f"{name} and {opposite} exclude one another")
    if name in body:
        return _texts(body[name], f"{where}.{name}"), False
    if opposite in body:
        texts = _texts(body[opposite], f"{where}.{opposite}")
        if not texts:
            # An empty list has no effect where it names something; of what it excludes, it would be all.
            raise _Malformed(f"{where}.{opposite}", "an empty list")
        return texts, True
    return None, False


def _texts(raw: Any, where: str) -> tuple[str, ...]:
    items = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    if not all(isinstance(item, str) and item for item in items):
        raise _Malformed(where, "text, or a list of texts, is wanted here")
    return tuple(items)


def _principal(raw: Any, where: str) -> PrincipalElement:
    if raw == "*":
        return PrincipalElement(everyone=True)
    if isinstance(raw, str) and (raw.startswith("arn:") or (len(raw) == 12 and raw.isdigit())):
        # Services have taken a bare ARN or account too, and still return it.
        return PrincipalElement(named=(("AWS", raw),))
    if not isinstance(raw, dict) or not raw:
        fault = 'a principal is "*" or maps AWS, Service, Federated or CanonicalUser to texts'
        raise _Malformed(where, fault)
    everyone = False
    named: list[tuple[str, str]] = []
    for kind, given in cast("dict[str, Any]", raw).items():
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
            raise _Malformed(f"{where}.{kind}", "no kind of principal")
        for text in _texts(given, f"{where}.{kind}"):
            if kind == "AWS" and text == "*":
                everyone = True
            else:
                named.append((kind, text))
    return PrincipalElement(everyone, tuple(named))


def _conditions(raw: Any, variables: bool, where: str) -> Iterator[Condition]:
    if raw is None:
        return
    if not isinstance(raw, dict):
        raise _Malformed(where, "Condition maps operators to keys")
    for operator, block in cast("dict[str, Any]", raw).items():
        if not isinstance(block, dict):
            raise _Malformed(f"{where}.{operator}", "an operator maps keys to values")
        name, quantifier, if_exists = _operator(operator)
        if name not in OPERATORS and name != "null":
            raise _Malformed(f"{where}.{operator}", "no condition operator")
        if name == "null" and if_exists:
            raise _Malformed(f"{where}.{operator}", "Null takes no IfExists")
        for key, given in cast("dict[str, Any]", block).items():
            place = f"{where}.{operator}.{key}"
            items = cast("list[Any]", given) if isinstance(given, list) else [given]
            values = tuple(_value(item, place) for item in items)
            if not values:
                raise _Malformed(place, "a condition without values")
            if name in OPERATORS and OPERATORS[name].negated:
                # An unreadable value matches nothing, so that the negation would hold of everything.
                for value in values:
                    if not readable(name, value):
                        raise _Malformed(place, f"{operator} cannot read {value[:80]!r}")
            yield Condition(operator, key, values, name, quantifier, if_exists, variables)


def _value(raw: Any, where: str) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (str, int, float)):
        return str(raw)
    raise _Malformed(where, "a condition's value is text, a number or a boolean")


@lru_cache(maxsize=1024)
def _operator(text: str) -> tuple[str, str, bool]:
    lowered = text.lower()
    quantifier, colon, name = lowered.partition(":")
    quantifiers = {"forallvalues": "all", "foranyvalue": "any"}
    if not colon:
        quantifier, name = "", lowered
    elif quantifier not in quantifiers:
        return lowered, "", False
    return name.removesuffix("ifexists"), quantifiers.get(quantifier, ""), name.endswith("ifexists")


@lru_cache(maxsize=65536)
def resource_test(pattern: str, variables: bool) -> Matcher | None:
    """The test of a Resource entry; None where it holds variables that each request fills."""
    if variables and "${" in pattern:
        parts = template(pattern)
        if len(parts) != 1 or not isinstance(parts[0], str):
            return None
        pattern = parts[0]
    return resource_pattern(pattern)
