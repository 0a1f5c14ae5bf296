"""The responsibility model from its YAML files: read, validated, and its predicates typed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from partywall.checks.model import DOMAINS
from partywall.errors import UserError, did_you_mean
from partywall.responsibility.model import (
    CODES,
    Domain,
    Select,
    TableRoles,
    Text,
    Variant,
    VariantFile,
)

if TYPE_CHECKING:
    from partywall.sql.dialect import Expression
    from partywall.tables.spec import Table

HERE: Final = Path(__file__).parent
VARIANTS: Final = HERE / "variants"


class ModelError(UserError):
    """A fault in a data file of the model: which file, which variant, what is wrong."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way for a row to be of a variant; `when` is None for the catch-all."""

    variant: Variant
    select: Select
    when: Expression | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rows of a table may be, most special first.

    A part (`part` not "") whose options have no catch-all need not exist.
    """

    table: Table
    part: str
    options: tuple[Option, ...]

    @property
    def columns(self) -> frozenset[str]:
        """The columns that deciding reads."""
        return frozenset[str]().union(*(o.when.columns for o in self.options if o.when is not None))

    @property
    def always(self) -> bool:
        """Whether every row has one."""
        return self.options[-1].when is None


@dataclass(frozen=True, slots=True)
class Model:
    """The whole model. `digest` differs wherever its data does."""

    variants: Mapping[str, Variant]
    domains: Mapping[str, Domain]
    roles: TableRoles
    samples: Mapping[str, dict[str, Any]]
    digest: str

    def variant(self, id_: str) -> Variant:
        """The variant of that id; raises UserError with the nearest ids where there is none."""

        found = self.variants.get(id_)
        if found is None:
            hint = did_you_mean(id_, self.variants)
            raise UserError(f"the responsibility model has no variant {id_!r}{hint}")
        return found

    def text(self, variant: Variant, domain: str) -> Text:
        """What each side does on a line of a variant: its own words over the domain's common ones."""
        code = variant.owners.split()[DOMAINS.index(domain)]
        texts = self.domains[domain].texts
        common = texts.get(f"{code}/{variant.tenancy}") or texts[code]
        own = variant.texts.get(domain, Text())
        told = (getattr(own, part) or getattr(common, part) for part in ("aws", "customer", "why"))
        return Text(*(text.replace("{service}", variant.service) for text in told))


def _read(path: Path, type_: Any) -> Any:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return msgspec.convert(yaml.load(path.read_text(encoding="utf-8"), loader), type_)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise ModelError(f"{path}: {error}") from error


@cache
def model() -> Model:
    """The model that comes with partywall. Raises ModelError where its data is at fault."""
    digest = hashlib.sha256()
    variants: dict[str, Variant] = {}
    samples: dict[str, dict[str, Any]] = {}
    for path in [*sorted(VARIANTS.glob("*.yaml")), HERE / "domains.yaml", HERE / "tables.yaml"]:
        digest.update(path.read_bytes())
        if path.parent != VARIANTS:
            continue
        file: VariantFile = _read(path, VariantFile)
        for variant in file.variants:
            for fault in _faults(variant):
                raise ModelError(f"{path}: {variant.id}: {fault}")
            if variant.id in variants:
                raise ModelError(f"{path}: there are two variants {variant.id}")
            variants[variant.id] = variant
        samples |= file.samples
    domains: dict[str, Domain] = _read(HERE / "domains.yaml", dict[str, Domain])
    roles: TableRoles = _read(HERE / "tables.yaml", TableRoles)
    return Model(variants, domains, roles, samples, digest.hexdigest()[:16])


def _faults(variant: Variant) -> Iterator[str]:
    codes = variant.owners.split()
    if len(codes) != len(DOMAINS) or not set(codes) <= set(CODES):
        yield f"`owners` are {len(DOMAINS)} of {', '.join(CODES)} between spaces"
    for domain in (
        *variant.texts,
        *(g.domain for g in variant.gaps),
        *(c.domain for c in variant.corrections),
    ):
        if domain not in DOMAINS:
            yield f"there is no domain {domain!r}"
    if bool(variant.selects) == variant.manual:
        yield "either `selects` says which rows are of it, or it is `manual`"


@cache
def choices() -> tuple[Choice, ...]:
    """What the rows of each table may be, in order of table and part. Raises ModelError."""
    from partywall.tables.registry import all_tables

    options: dict[tuple[str, str], list[Option]] = {}
    for variant in model().variants.values():
        for select in variant.selects:
            table = all_tables().get(select.table)
            if table is None:
                raise ModelError(f"{variant.id}: there is no table {select.table!r}")
            option = Option(variant, select, _when(variant, select, table))
            options.setdefault((select.table, select.part), []).append(option)
    found: list[Choice] = []
    for (name, part), group in sorted(options.items()):
        group.sort(key=lambda o: -o.select.precedence)
        found.append(Choice(all_tables()[name], part, tuple(group)))
    return tuple(found)


def _when(variant: Variant, select: Select, table: Table) -> Expression | None:
    from partywall.checks.schema import readable
    from partywall.sql.dialect import PredicateError, parse

    if not select.when:
        return None
    try:
        return parse(select.when, readable(table))
    except PredicateError as error:
        raise ModelError(f"{variant.id}: in `when` for {table.name}: {error}") from error


@cache
def covered() -> frozenset[str]:
    """The tables whose rows have a place on the wall."""
    return frozenset(choice.table.name for choice in choices())
