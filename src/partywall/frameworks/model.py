"""What a framework is: requirements in parts, control objectives, and the checks that bear evidence."""

from __future__ import annotations

import enum
from datetime import date
from typing import Any

import msgspec


class State(enum.StrEnum):
    """How a requirement, or one part of it, stands. Kept apart always, never summed into one percentage."""

    SATISFIED = "satisfied"
    NOT_SATISFIED = "not_satisfied"
    NOT_EVALUATED = "not_evaluated"
    NOT_APPLICABLE = "not_applicable"
    INHERITED = "inherited"
    INHERITED_STALE = "inherited_stale"
    ATTESTED = "attested"
    ATTESTED_EXPIRED = "attested_expired"
    EXCEPTED = "excepted"


class Weight(enum.StrEnum):
    """What a check says of an objective. A failing check contradicts it whatever its weight."""

    PROVES = "proves"
    """Passing over its whole population, with no unknown, shows the objective (or the facet) met."""
    SUPPORTS = "supports"
    """Passing is evidence, but not enough: somebody must attest."""
    CONTRADICTS = "contradicts"
    """Passing shows nothing; failing shows the objective broken."""


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the mapping: a check that bears on an objective or requirement, who says so and why."""

    check: str
    weight: Weight
    why: str
    by: str = "partywall"
    set_on: date | None = None
    params: dict[str, Any] = {}
    """Parameters that the framework sets, such as {max_age_days: 90}: the check is judged with these."""


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A control objective: what many frameworks ask for, in our words. `domain` is a course of the wall."""

    id: str
    title: str
    domain: str


class AwsPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """AWS's part of a requirement: inherited from reports in Artifact of any of these programmes."""

    what: str
    programmes: list[str] = []
    """Empty: the framework's own. Names of `frameworks.programmes`."""


class TechnicalPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's technical part: objectives, and rows of its own where a framework asks for more."""

    objectives: list[str] = []
    checks: list[Evidence] = []
    params: dict[str, dict[str, Any]] = {}
    """check id -> parameters that this requirement sets for checks that its objectives bring."""
    why: str = ""


class ProcessPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's process part: what an attestation must say."""

    statement: str


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One requirement. A heading (only children) has no part; a withdrawn one none either."""

    id: str
    title: str
    parent: str = ""
    type: str = ""
    """T technical, P process, I physical or inherited, X mixed; "" for a heading."""
    aws: AwsPart | None = None
    technical: TechnicalPart | None = None
    process: ProcessPart | None = None
    unprovable: str = ""
    """Why no check can prove it, where that is so."""
    by: str = "partywall"
    why: str = ""
    """Why it is mapped so."""
    withdrawn: bool = False
    attributes: dict[str, Any] = {}
    """What the framework adds: baselines, level, severity, addressable or required …"""


class Framework(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A framework: one file in `catalogue/`, its requirements in the framework's order."""

    id: str
    name: str
    version: str
    aliases: list[str]
    about: str
    source: str
    requirements: list[Requirement]
    programme: str = ""
    """The AWS compliance programme whose Artifact reports bear AWS's part; "" where there is none."""
    note: str = ""
