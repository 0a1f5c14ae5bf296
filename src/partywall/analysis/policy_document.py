"""A policy document as the facts read it: the engine's statements, with their patterns as sets of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from partywall.analysis.globs import EVERYTHING, Globs
from partywall.analysis.iam import document
from partywall.analysis.iam.document import parse as read
from partywall.analysis.principals import Principals, read_principals


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


def parse(text: str, kind: str) -> Document | None:
    """The document of `text` ("" is an empty one), or None where it is malformed, be it in one statement.

    Read by the engine's own parser: IAM User Guide, Grammar of the IAM JSON policy language.
    """
    if text == "":
        return EMPTY
    found = read(text, principal=kind != "identity")
    if found.problems:
        return None
    return Document(tuple(_statement(s) for s in found.statements))


def _statement(found: document.Statement) -> Statement:
    resources = found.resources or ()
    return Statement(
        label=found.sid or f"#{found.index + 1}",
        allow=found.allow,
        principals=None if found.principal is None else read_principals(found.principal),
        not_principal=found.not_principal,
        actions=Globs(tuple(map(_action, found.actions)), found.not_action),
        written_actions=found.written,
        resources=Globs(resources, found.not_resource) if resources or found.not_resource else EVERYTHING,
        conditions=tuple(map(_condition, found.conditions)),
    )


def _action(lowered: str) -> str:
    return "*" if lowered.strip("*") in ("", ":") else lowered


def _condition(found: document.Condition) -> Condition:
    return Condition(
        operator=found.name,
        key=found.lower_key,
        values=found.values,
        quantifier=_QUANTIFIERS[found.quantifier],
        if_exists=found.if_exists,
        variables=found.variables and any("${" in value for value in found.values),
    )


_QUANTIFIERS: Final = {"": "", "all": "forallvalues", "any": "foranyvalue"}
