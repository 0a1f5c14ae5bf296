"""A policy document read into statements; every other form than the grammar's is malformed, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from partywall.analysis.globs import EVERYTHING, Globs
from partywall.analysis.principals import Principals, read_principals


class MalformedPolicy(ValueError):
    """The text is not a policy document of the IAM grammar; only caught inside `analysis`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a Condition block: `operator` lower case without its set prefix and IfExists suffix."""

    operator: str
    key: str
    values: tuple[str, ...]
    quantifier: str = ""
    """"" , "forallvalues" or "foranyvalue"."""
    if_exists: bool = False
    variables: bool = False
    """A value holds a policy variable (`${…}`) and the document's version knows them."""


@dataclass(frozen=True, slots=True)
class Statement:
    """`principals` is None where the document names none (identity policies); actions are lower case."""

    label: str
    allow: bool
    principals: Principals | None
    not_principal: bool
    actions: Globs
    written_actions: tuple[str, ...]
    resources: Globs
    conditions: tuple[Condition, ...]

    @property
    def to_everyone(self) -> bool:
        """Its principal is everyone, with no exception."""
        return self.principals is not None and self.principals.everyone and not self.not_principal


@dataclass(frozen=True, slots=True)
class Document:
    statements: tuple[Statement, ...]

    @property
    def allows(self) -> list[Statement]:
        return [s for s in self.statements if s.allow]

    @property
    def denies(self) -> list[Statement]:
        return [s for s in self.statements if not s.allow]


EMPTY: Final = Document(())

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


def parse(text: str, kind: str) -> Document | None:
    """The document of `text` ("" is an empty one), or None where it is malformed.

    See the IAM User Guide, Grammar of the IAM JSON policy language.
    """
    if text == "":
        return EMPTY
    import orjson

    try:
        return _document(orjson.loads(text), kind)
    except ValueError:
        return None


def _document(raw: Any, kind: str) -> Document:
    if not isinstance(raw, dict):
        raise MalformedPolicy("not an object")
    body = cast("dict[str, Any]", raw)
    if not body.keys() <= {"Version", "Id", "Statement"} or "Statement" not in body:
        raise MalformedPolicy("elements")
    version = body.get("Version", "2008-10-17")
    if version not in ("2012-10-17", "2008-10-17"):
        raise MalformedPolicy("version")
    found = body["Statement"]
    listed = cast("list[Any]", found) if isinstance(found, list) else [found]
    variables = version == "2012-10-17"
    return Document(tuple(_statement(s, n, kind, variables) for n, s in enumerate(listed, 1)))


def _statement(raw: Any, number: int, kind: str, variables: bool) -> Statement:
    if not isinstance(raw, dict):
        raise MalformedPolicy("statement")
    body = cast("dict[str, Any]", raw)
    if not body.keys() <= _ELEMENTS or body.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicy("statement's elements")
    written, not_action = _either(body, "Action", "NotAction", required=True)
    resources, not_resource = _either(body, "Resource", "NotResource", required=kind == "identity")
    named = "Principal" in body or "NotPrincipal" in body
    if named == (kind == "identity") or ("Principal" in body and "NotPrincipal" in body):
        raise MalformedPolicy("principal")
    not_principal = "NotPrincipal" in body
    principals = read_principals(body["NotPrincipal" if not_principal else "Principal"]) if named else None
    if named and principals is None:
        raise MalformedPolicy("principal")
    sid = body.get("Sid") or ""
    if not isinstance(sid, str):
        raise MalformedPolicy("Sid")
    return Statement(
        label=sid or f"#{number}",
        allow=body["Effect"] == "Allow",
        principals=principals,
        not_principal=not_principal,
        actions=Globs(tuple(_action(a) for a in written), not_action),
        written_actions=written,
        resources=Globs(resources, not_resource) if resources or not_resource else EVERYTHING,
        conditions=_conditions(body.get("Condition"), variables),
    )


def _action(text: str) -> str:
    lowered = text.lower()
    return "*" if lowered.strip("*") in ("", ":") else lowered


def _either(
    body: dict[str, Any], name: str, opposite: str, *, required: bool
) -> tuple[tuple[str, ...], bool]:
    if (name in body and opposite in body) or (required and name not in body and opposite not in body):
        raise MalformedPolicy(name)
    return _texts(body.get(name, body.get(opposite, []))), opposite in body


def _texts(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        return (raw,)
    if isinstance(raw, list):
        items = cast("list[Any]", raw)
        if all(isinstance(item, str) for item in items):
            return tuple(items)
    raise MalformedPolicy("neither a string nor a list of strings")


def _value(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (str, int, float)):
        return str(raw)
    raise MalformedPolicy("condition value")


def _conditions(raw: Any, variables: bool) -> tuple[Condition, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, dict):
        raise MalformedPolicy("condition")
    found: list[Condition] = []
    for operator, block in cast("dict[str, Any]", raw).items():
        if not isinstance(block, dict):
            raise MalformedPolicy("condition block")
        name, quantifier, if_exists = _operator(operator)
        for key, given in cast("dict[str, Any]", block).items():
            items = cast("list[Any]", given) if isinstance(given, list) else [given]
            values = tuple(_value(item) for item in items)
            variable = variables and any("${" in value for value in values)
            found.append(Condition(name, key.lower(), values, quantifier, if_exists, variable))
    return tuple(found)


@lru_cache(maxsize=1024)
def _operator(text: str) -> tuple[str, str, bool]:
    name = text.lower()
    quantifier, colon, rest = name.partition(":")
    if colon:
        name = rest
        # A prefix of no known meaning stays with the name, so that the operator is not known either.
        if quantifier not in ("forallvalues", "foranyvalue"):
            quantifier, name = "", text.lower()
    else:
        quantifier = ""
    if_exists = name.endswith("ifexists")
    return (name.removesuffix("ifexists"), quantifier, if_exists)
