"""One scan judged by frameworks: opened once, asked for any framework and account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall.frameworks.model import Evidence, Framework, Requirement, State
from partywall.frameworks.states import ALL, Judge, Standing, counted, evidence_for
from partywall.frameworks.tally import Judged, Tallies, resources, tally

if TYPE_CHECKING:
    from partywall.checks.loader import CompiledCheck
    from partywall.config import Config
    from partywall.evidence.model import Attestation, Inherited
    from partywall.frameworks.imported import Found, Imported
    from partywall.lake.engine import Lake


@dataclass(frozen=True, slots=True)
class Summary:
    """The requirements of a framework by state; `states` has all nine and sums to `total`."""

    framework: Framework
    account_id: str
    states: Mapping[State, int]

    @property
    def total(self) -> int:
        """How many requirements take a state."""
        return sum(self.states.values())

    @property
    def evaluated(self) -> int:
        """How many of them could be told; never to be read without the states."""
        return self.total - self.states[State.NOT_EVALUATED]


class Compliance:
    """What frameworks say of one scan. Counting happens once, at the first question."""

    def __init__(
        self,
        lake: Lake,
        checks: Sequence[CompiledCheck],
        config: Config,
        frameworks: Mapping[str, Framework],
        evidence: Mapping[str, Sequence[Evidence]],
        *,
        attestations: Sequence[Attestation] = (),
        inherited: Mapping[str, Inherited] | None = None,
        today: date | None = None,
        scanned_only: bool = False,
        imported: Sequence[Imported] = (),
    ) -> None:
        self.lake = lake
        self.frameworks = frameworks
        self.evidence = evidence
        self.today = today or datetime.now(UTC).date()
        self.scanned_only = scanned_only
        self.attestations = attestations
        self.inherited = inherited or {}
        self.checks = {c.check.id: c for c in checks}
        self._config = config
        self._imported = imported
        self._judges: dict[str, Judge] = {}

    @property
    def accounts(self) -> list[str]:
        """The accounts of the scan."""
        return [a["account_id"] for a in self.lake.manifest.accounts]

    @cached_property
    def tallies(self) -> Tallies:
        """What every check that any of the frameworks names found."""
        wanted = {
            Judged.of(row.check, row.params)
            for framework in self.frameworks.values()
            for requirement in counted(framework)
            for row, _ in evidence_for(requirement, self.evidence)
        }
        return tally(
            self.lake,
            list(self.checks.values()),
            sorted(wanted, key=lambda j: (j.check, j.params)),
            self._config.params,
            self._config.exceptions,
            scanned_only=self.scanned_only,
        )

    @cached_property
    def _theirs(self) -> dict[tuple[str, str], list[Found]]:
        from partywall.frameworks.imported import by_requirement

        return by_requirement(self._imported, self.frameworks, [c.check for c in self.checks.values()])

    def aws_mappings(self, framework: Framework, requirement: Requirement) -> list[Found]:
        """What AWS told the user's accounts of a requirement, where it was imported; no state rests on it."""
        return self._theirs.get((framework.id, requirement.id), [])

    def judge(self, framework: Framework) -> Judge:
        """The judge of a framework; it keeps what it worked out."""
        if framework.id not in self._judges:
            self._judges[framework.id] = Judge(
                framework, self.evidence, self.tallies, self.attestations, self.inherited, self.today
            )
        return self._judges[framework.id]

    def standings(self, framework: Framework, account: str = ALL) -> list[Standing]:
        """How each counted requirement of a framework stands."""
        return self.judge(framework).standings(account)

    def summary(self, framework: Framework, account: str = ALL) -> Summary:
        """How many of a framework's requirements are in each state."""
        states = dict.fromkeys(State, 0)
        for standing in self.standings(framework, account):
            states[standing.state] += 1
        return Summary(framework, account, states)

    def limits(self) -> list[str]:
        """What this scan cannot speak of, one sentence each."""
        manifest = self.lake.manifest
        notes: list[str] = []
        unscanned = {r for found in manifest.enabled_regions.values() for r in found} - set(manifest.regions)
        if unscanned and self.scanned_only:
            notes.append(f"Only the scanned Regions are in scope: {', '.join(sorted(manifest.regions))}.")
        elif unscanned:
            notes.append(
                f"{len(unscanned)} enabled Regions were not scanned, so that no Regional check proves"
                " anything; --scope scanned leaves them out of scope and says so."
            )
        left_out = [i for i in self.checks if i not in set(manifest.checks)]
        if left_out:
            notes.append(f"{len(left_out)} checks were not part of the scan.")
        return notes

    def scope_violations(self, framework: Framework, account: str = ALL) -> tuple[list[dict[str, Any]], int]:
        """Data tagged as protected in services not known to be in scope, and resources of unknown tags.

        Only HIPAA's programme has tags to tell by; others give nothing.
        """
        from partywall.frameworks.scope import HIPAA, PHI_TAGS, tagged, violations

        if framework.programme != HIPAA:
            return [], 0
        found = tagged(self.lake, self._config.phi_tags or PHI_TAGS)
        return [v for v in violations(found) if account in (ALL, v["account_id"])], found.unknown

    def drill(self, requirement: Requirement, account: str = ALL) -> list[dict[str, Any]]:
        """The checks that bear on a requirement: the mapping's rows with what they found.

        Keys: check, title, weight, why, by, objective ("" for the requirement's own), params, status, passes,
        fails, unknown, excepted, not_applicable, lacking.
        """
        found: list[dict[str, Any]] = []
        for row, objective in evidence_for(requirement, self.evidence):
            t = self.tallies.get(Judged.of(row.check, row.params), account)
            check = self.checks.get(row.check)
            found.append(
                {
                    "check": row.check,
                    "title": check.check.title if check else "",
                    "weight": str(row.weight),
                    "why": row.why,
                    "by": row.by,
                    "objective": objective,
                    "params": row.params,
                    "status": t.status,
                    "passes": t.passes,
                    "fails": t.fails,
                    "unknown": t.unknown,
                    "excepted": t.excepted,
                    "not_applicable": t.not_applicable,
                    "lacking": t.lacking,
                }
            )
        return found

    def open_resources(self, requirement: Requirement, account: str = ALL) -> list[dict[str, Any]]:
        """The resources that fail or are unknown under a requirement's checks.

        Keys: check, status, excepted, account_id, region, resource_arn, resource_name.
        """
        from partywall.findings.exceptions import in_force

        valid = in_force(self._config.exceptions, self.lake.manifest.started_at)[0]
        found: list[dict[str, Any]] = []
        for row, _ in evidence_for(requirement, self.evidence):
            check = self.checks.get(row.check)
            if check is None or row.check not in self.lake.manifest.checks:
                continue
            overrides = {**self._config.params.get(row.check, {}), **row.params}
            for resource in resources(
                self.lake, check, overrides, ("fail", "unknown"), stored=not row.params
            ):
                if account not in (ALL, resource["account_id"]):
                    continue
                place = [resource[n] or "" for n in ("account_id", "region", "resource_arn")]
                covered = resource["status"] == "fail" and any(e.covers(row.check, *place) for e in valid)
                found.append({"check": row.check, "excepted": covered, **resource})
        return found


def open_compliance(
    data: Path,
    scan: str = "latest",
    *,
    frameworks_dirs: Iterable[Path] = (),
    checks_dirs: Iterable[Path] = (),
    config: Path | None = None,
    today: date | None = None,
    scanned_only: bool = False,
    only: str = "",
) -> Compliance:
    """A scan of a data directory with all that frameworks need. Raises UserError for what does not exist.

    `only` names the one framework that is asked for, by id or alias: no other is looked at.
    """
    from partywall.config import load
    from partywall.lake.snapshot import DataDirectory
    from partywall.scan import Selection, load_checks

    directory = DataDirectory(data).resolve(scan)
    configuration = load(config, data)
    checks = load_checks(Selection(), configuration, checks_dirs).chosen
    return compliance_of(
        directory,
        data,
        checks,
        configuration,
        frameworks_dirs,
        today=today,
        scanned_only=scanned_only,
        only=only,
    )


def compliance_of(
    directory: Path,
    data: Path,
    checks: Sequence[CompiledCheck],
    config: Config,
    frameworks_dirs: Iterable[Path] = (),
    *,
    today: date | None = None,
    scanned_only: bool = False,
    only: str = "",
) -> Compliance:
    """The compliance of a published scan's directory, with the attestations of its data directory."""
    from partywall.analysis.policy import FACTS
    from partywall.evidence.artifact import inherited
    from partywall.evidence.attestations import load as load_attestations
    from partywall.frameworks.imported import load as load_imported
    from partywall.frameworks.lint import check_user_frameworks
    from partywall.frameworks.loader import find, library, load_frameworks
    from partywall.lake.engine import Lake, explained

    listed = list(frameworks_dirs)
    frameworks = load_frameworks(listed)
    evidence = library().evidence()
    if listed:
        check_user_frameworks(frameworks, evidence, {c.check.id: c.check for c in checks})
    if only:
        chosen = find(frameworks, only)
        frameworks = {chosen.id: chosen}
    day = today or datetime.now(UTC).date()
    with explained(directory):
        lake = Lake(directory, FACTS)
        lake.whole({c.check.table for c in checks if c.check.id in set(lake.manifest.checks)})
        return Compliance(
            lake,
            checks,
            config,
            frameworks,
            evidence,
            attestations=load_attestations(data),
            inherited=inherited(lake, day),
            today=day,
            scanned_only=scanned_only,
            imported=load_imported(data),
        )
