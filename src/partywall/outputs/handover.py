"""A scan judged by a framework as it is handed over: what the matrix and the OSCAL documents both tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from partywall.frameworks.states import ALL, Standing, evidence_for, is_heading
from partywall.frameworks.tally import Judged, resources
from partywall.responsibility.engine import with_choices
from partywall.responsibility.loader import model

if TYPE_CHECKING:
    from partywall.config import Config
    from partywall.evidence.model import Attestation, Inherited, PoamItem
    from partywall.findings.exceptions import RiskException
    from partywall.frameworks.assess import Compliance
    from partywall.frameworks.model import Framework, Requirement

COUNTS: Final = ("passes", "fails", "unknown", "excepted", "not_applicable")
"""What `Compliance.drill` counts of a check's resources."""


@dataclass(frozen=True, slots=True)
class Told:
    """A requirement with all that is known of it. `standing` is None for headings and withdrawn ones."""

    requirement: Requirement
    standing: Standing | None
    checks: list[dict[str, Any]]
    """Rows of `Compliance.drill`."""
    programmes: list[str]
    inherited: list[Inherited]
    attestations: list[tuple[Attestation, str]]
    """With how each stands: withdrawn, unreviewed, not_yet_effective, attested, attested_expired."""
    exceptions: list[RiskException]
    """Those in force that cover a failing resource of its checks."""
    items: list[PoamItem]

    @property
    def who(self) -> str:
        """AWS, shared, customer; n/a for headings and withdrawn requirements."""
        if self.standing is None:
            return "n/a"
        mine = self.requirement.technical is not None or self.requirement.process is not None
        if self.requirement.aws is not None:
            return "shared" if mine else "AWS"
        return "customer"


@dataclass(slots=True)
class Service:
    """A service in use: its resources by variant; `undecided` by the variants among which they are."""

    name: str
    variants: dict[str, int] = field(default_factory=dict[str, int])
    undecided: dict[tuple[str, ...], int] = field(default_factory=dict[tuple[str, ...], int])

    @property
    def resources(self) -> int:
        """How many resources."""
        return sum(self.variants.values()) + sum(self.undecided.values())

    def possible(self) -> dict[str, int]:
        """Variant id -> how many resources are of it for certain (0: some may be)."""
        found = dict(self.variants)
        for candidates in self.undecided:
            for variant in candidates:
                found.setdefault(variant, 0)
        return {v: n for v, n in sorted(found.items()) if v in model().variants}


class Handover:
    """One scan, one framework, one account or all ("*"). Everything is worked out at the first question."""

    def __init__(
        self,
        compliance: Compliance,
        framework: Framework,
        config: Config,
        items: Sequence[PoamItem] = (),
        account: str = ALL,
    ) -> None:
        from partywall.findings.exceptions import in_force

        self.compliance = compliance
        self.framework = framework
        self.config = config
        self.account = account
        self._items = items
        self._valid = in_force(config.exceptions, compliance.lake.manifest.started_at)[0]
        self._covering: dict[Judged, list[RiskException]] = {}

    @cached_property
    def told(self) -> list[Told]:
        """Every requirement of the framework, in its order."""
        judge = self.compliance.judge(self.framework)
        found: list[Told] = []
        for r in self.framework.requirements:
            if r.withdrawn or is_heading(r):
                found.append(Told(r, None, [], [], [], [], [], []))
                continue
            standing = judge.standing(r, self.account)
            checks = self.compliance.drill(r, self.account)
            programmes = list(r.aws.programmes) or [self.framework.programme] if r.aws else []
            programmes = [p for p in programmes if p]
            inherited = [self.compliance.inherited[p] for p in programmes if p in self.compliance.inherited]
            found.append(
                Told(
                    r,
                    standing,
                    checks,
                    programmes,
                    inherited,
                    self._attestations(r),
                    self._exceptions(r, checks),
                    [i for i in self._items if self._is_mine(i.framework) and i.requirement == r.id],
                )
            )
        return found

    def _is_mine(self, framework: str) -> bool:
        return framework in (self.framework.id, *self.framework.aliases)

    def _attestations(self, requirement: Requirement) -> list[tuple[Attestation, str]]:
        from partywall.evidence.attestations import status

        return [
            (a, status(a, self.compliance.today))
            for a in self.compliance.attestations
            if self._is_mine(a.framework)
            and a.requirement == requirement.id
            and (self.account == ALL or any(fnmatchcase(self.account, glob) for glob in a.accounts))
        ]

    def _exceptions(
        self, requirement: Requirement, checks: Sequence[Mapping[str, Any]]
    ) -> list[RiskException]:
        excepted = {row["check"] for row in checks if row["excepted"]}
        found: list[RiskException] = []
        for row, _ in evidence_for(requirement, self.compliance.evidence) if excepted else ():
            if row.check in excepted:
                found += [e for e in self._covers(Judged.of(row.check, row.params)) if e not in found]
        return found

    def _covers(self, judged: Judged) -> list[RiskException]:
        """The exceptions that cover a failing resource of a check."""
        if judged not in self._covering:
            failing = self.rows_of(judged, ("fail",))
            places = [[r[n] or "" for n in ("account_id", "region", "resource_arn")] for r in failing]
            self._covering[judged] = [
                e for e in self._valid if any(e.covers(judged.check, *place) for place in places)
            ]
        return self._covering[judged]

    def rows_of(self, judged: Judged, statuses: Sequence[str]) -> list[dict[str, Any]]:
        """The resources of the account that a check, with the framework's parameters, judged so."""
        compiled = self.compliance.checks.get(judged.check)
        if compiled is None or judged.check not in self.compliance.lake.manifest.checks:
            return []
        overrides = {**self.config.params.get(judged.check, {}), **judged.overrides()}
        found = resources(self.compliance.lake, compiled, overrides, statuses, stored=not judged.params)
        return [r for r in found if self.account in (ALL, r["account_id"])]

    def is_excepted(self, check: str, row: Mapping[str, Any]) -> bool:
        """Whether an exception in force covers a failing row of `rows_of`."""
        place = [row[n] or "" for n in ("account_id", "region", "resource_arn")]
        return any(e.covers(check, *place) for e in self._valid)


def resources_sql(compliance: Compliance, config: Config, account: str = ALL) -> str:
    """SELECT of the resources of the account that have a place on the wall, with the user's variants."""
    from partywall.lake.source import literal

    stored = with_choices(compliance.lake.sql_of("resource_responsibility"), config.variants)
    return stored if account == ALL else f"SELECT * FROM ({stored}) WHERE account_id = {literal(account)}"


def services_in_use(compliance: Compliance, config: Config, account: str = ALL) -> list[Service]:
    """The services that hold resources of the account, by name. Raises UserError for a scan without them."""
    rows = compliance.lake.execute(
        "SELECT service, variant_id, candidates, count(*)"
        f" FROM ({resources_sql(compliance, config, account)}) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found: dict[str, Service] = {}
    for name, variant, candidates, count in rows:
        service = found.setdefault(name, Service(name))
        if variant:
            service.variants[variant] = service.variants.get(variant, 0) + count
        else:
            key = tuple(candidates)
            service.undecided[key] = service.undecided.get(key, 0) + count
    return list(found.values())


def coverage(evaluated: int, unknown: int) -> float | None:
    """evaluated / (evaluated + unknown); None where there was nothing to look at: that is no 100 %."""
    return evaluated / (evaluated + unknown) if evaluated + unknown else None
