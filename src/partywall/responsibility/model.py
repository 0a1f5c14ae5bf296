"""What a variant of a service is: where the wall runs through it, domain by domain, and who says so."""

from __future__ import annotations

import enum
from datetime import date
from typing import Any, Final, Literal

import msgspec

from partywall.checks.model import DOMAINS


class Owner(enum.StrEnum):
    """Who answers for a line of the wall."""

    AWS = "aws"
    SHARED_SAFE = "shared_safe"
    """Both; what AWS sets by default is safe without the customer's doing."""
    SHARED_ACT = "shared_act"
    """Both; the customer must act."""
    CUSTOMER = "customer"
    NONE = "none"
    """The line does not exist here."""
    UNKNOWN = "unknown"
    """The account was not told enough: the variants that are possible disagree."""


CODES: Final = {
    "A": Owner.AWS,
    "SA": Owner.SHARED_SAFE,
    "SC": Owner.SHARED_ACT,
    "C": Owner.CUSTOMER,
    "N": Owner.NONE,
}
"""How owners are written in the data files."""

SIDES: Final = {
    Owner.AWS: ("aws", "inherited"),
    Owner.SHARED_SAFE: ("shared", "safe_default"),
    Owner.SHARED_ACT: ("shared", "must_act"),
    Owner.CUSTOMER: ("customer", "must_act"),
    Owner.NONE: ("none", "none"),
}
"""Owner -> (owner, mode) as the table `responsibility` tells them."""

Tenancy = Literal["single", "multi", "customer account", "on premises"]
Grade = Literal["V", "P", "G"]
"""V read in AWS's documentation, P partly, G general knowledge that nobody has checked yet."""
GRADE_WORDS: Final = {
    "V": "read in AWS's documentation",
    "P": "partly read in AWS's documentation",
    "G": "general knowledge, not yet checked against AWS's documentation",
}


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each side does on a line, and why the line runs there."""

    aws: str = ""
    customer: str = ""
    why: str = ""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of AWS's documentation. Of a variant of grade G: the page that ought to tell."""

    title: str
    url: str


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that the customer cannot close on this service: to accept, or to leave by moving."""

    domain: str
    lack: str
    do: str


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An owner that was seeded otherwise and changed after reading AWS's page."""

    domain: str
    was: str
    why: str
    source: Source
    read_on: date


class Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that prove a selection, each laid over the table's sample row.

    `is`: this variant is chosen; `is_not`: another is, or none; `unknown`: it is one of several candidates.
    """

    selected: list[dict[str, Any]] = msgspec.field(name="is", default_factory=list[dict[str, Any]])
    other: list[dict[str, Any]] = msgspec.field(name="is_not", default_factory=list[dict[str, Any]])
    unknown: list[dict[str, Any]] = []


class Select(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of a table that are of a variant: those where `when` is TRUE and nothing of higher precedence.

    Without `when` it takes what no other does. `part` names a further resource that the row stands for, such
    as the nodes of a cluster; such a part need not exist.
    """

    table: str
    when: str = ""
    precedence: int = 0
    part: str = ""
    examples: Examples = Examples()


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service in one way of configuring it, and the owner of each of its 17 lines."""

    id: str
    service: str
    variant: str
    tenancy: Tenancy
    owners: str
    """Codes of `CODES` in the order of `checks.model.DOMAINS`, between spaces."""
    grade: Grade
    sources: list[Source]
    valid_from: date
    read_on: date | None = None
    selects: list[Select] = []
    manual: bool = False
    """No API tells it: a user names such resources in `variants` of partywall.yaml."""
    texts: dict[str, Text] = {}
    """Domain -> what differs here from the domain's common text; empty members are taken from that."""
    gaps: list[Gap] = []
    corrections: list[Correction] = []

    def owner(self, domain: str) -> Owner:
        """Who answers for a domain."""
        return self.lines[domain]

    @property
    def lines(self) -> dict[str, Owner]:
        """Domain -> owner, in the order of the courses."""
        return dict(zip(DOMAINS, (CODES[c] for c in self.owners.split()), strict=True))


class VariantFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of `variants/`: the variants of some services, and a typical row of each table they select."""

    variants: list[Variant]
    samples: dict[str, dict[str, Any]] = {}


class Domain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A course of the wall: its title, what it is, and its texts by owner code ("C", or "C/on premises")."""

    title: str
    what: str
    texts: dict[str, Text]


class TableRoles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tables whose rows are no columns of the wall themselves.

    `parts`: table -> the service on whose column its findings count. `nobody`: table -> why it has no place.
    `partial`: table of resources -> why some of its rows are none, so that it needs no catch-all.
    `about`: table that tells of resources of other tables -> the service that counts its findings on those
    which have no column; all others count where the resource of that ARN stands.
    """

    parts: dict[str, str]
    nobody: dict[str, str]
    partial: dict[str, str] = {}
    about: dict[str, str] = {}

    def home(self, table: str) -> str:
        """The service of a table's findings, "" where it is not in `parts` or `about`."""
        return self.parts.get(table) or self.about.get(table, "")
