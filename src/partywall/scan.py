"""A scan from credentials to a published, judged snapshot: the one way, used by CLI, demo, web and tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall import __version__
from partywall.checks.demand import demand, inventory
from partywall.checks.loader import CompiledCheck, LoadedCheck, catalogue, compile_check, load_directory
from partywall.checks.select import choose
from partywall.collect.collector import Collector, Unit
from partywall.collect.planner import Demand, Group, Plan, plan
from partywall.config import Config, validate
from partywall.errors import UserError
from partywall.lake.engine import explained
from partywall.lake.snapshot import MANIFEST, DataDirectory, Manifest, read_manifest, write_manifest
from partywall.lake.writer import ScanWriter, scan_id
from partywall.responsibility.demand import demand_variants
from partywall.tables.registry import all_tables

if TYPE_CHECKING:
    from partywall.aws.answers import CallRecord
    from partywall.aws.caller import Caller
    from partywall.aws.credentials import Identity
    from partywall.aws.transport import Transport
    from partywall.evidence.capture import Capture
    from partywall.evidence.signing import Signer
    from partywall.lake.engine import Lake

JUDGE_MEMORY: Final = "1GB"
"""What DuckDB may hold while a scan is judged or its report is made."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What limits a scan; empty means all."""

    regions: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """Tables to collect with all their columns besides what the checks read; "all" for every one."""
    tags: tuple[str, ...] = ()
    """KEY or KEY=VALUE: what is reported of; everything is judged all the same."""

    def given(self) -> dict[str, list[str]]:
        """Only what was limited, for the manifest."""
        names = ("regions", "services", "checks", "severities", "tables", "tags")
        return {n: list(getattr(self, n)) for n in names if getattr(self, n)}


@dataclass(slots=True)
class Progress:
    """What a running scan tells: units and calls done so far; read by whoever shows it."""

    units: int = 0
    done: int = 0
    rows: int = 0
    calls: int = 0
    throttles: int = 0
    failed: int = 0
    stage: str = "starting"
    notes: list[str] = field(default_factory=list[str])
    """What a person should know of the scan besides its findings, one sentence each."""
    services: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Service of the tables -> [units done, units in all, calls]."""

    def record(self, call: CallRecord) -> None:
        self.calls += 1
        self.throttles += call.throttles
        self.failed += call.outcome not in ("ok", "empty")
        entry = self.services.setdefault(call.service, [0, 0, 0])
        entry[2] += 1


@dataclass(frozen=True, slots=True)
class Checks:
    """The chosen checks, compiled, and every loaded one."""

    chosen: list[CompiledCheck]
    loaded: list[LoadedCheck]


def load_checks(selection: Selection, config: Config, directories: Iterable[Path] = ()) -> Checks:
    """The catalogue and the users' directories, chosen and compiled.

    Raises UserError for unknown names, for two checks of one id, and for whatever a check file has wrong.
    """
    loaded = dict(catalogue())
    for directory in directories:
        for check in load_directory(directory):
            if check.check.id in loaded:
                raise UserError(
                    f"{check.place('id')}: the id {check.check.id} is taken by the catalogue; give it another"
                )
            loaded[check.check.id] = check
    validate(config, [c.check for c in loaded.values()])
    chosen = choose(
        loaded.values(),
        ids=selection.checks,
        services=selection.services,
        severities=selection.severities,
    )
    enabled = [c for c in chosen if c.check.id not in config.disable]
    return Checks([compile_check(c) for c in enabled], list(loaded.values()))


def demanded(selection: Selection, checks: Sequence[CompiledCheck]) -> Demand:
    """What to collect: just what named checks read; for an open selection every listing too."""
    tables = all_tables()
    for name in selection.tables:
        if name != "all":
            from partywall.tables.registry import table

            table(name)
    full = [t for n, t in tables.items() if n in selection.tables or "all" in selection.tables]
    if selection.checks or selection.severities:
        listed: list[Any] = []
    else:
        listed = [t for t in tables.values() if not selection.services or t.service in selection.services]
    wanted = inventory(checks, listed) if listed else demand(checks)
    demand_variants(wanted, listed)
    if selection.tags:
        for check in checks:
            wanted[check.check.table].add("tags")
    for name, columns in inventory((), full, full=True).items():
        wanted.setdefault(name, set()).update(columns)
    return wanted


def units_of(
    planned: Plan, identity: Identity, regions: Iterable[str]
) -> tuple[list[Unit], dict[str, list[str]]]:
    """The units of one account, and region -> tables whose service AWS does not offer there."""
    from partywall.aws.caller import Scope
    from partywall.aws.partitions import home_region, is_service_in

    units: list[Unit] = []
    lacking: dict[str, list[str]] = {}
    for group in planned.groups:
        service = _service(group)
        if group.scope == "global":
            home = home_region(identity.partition, service)
            scope = Scope(identity.account_id, home, identity.partition, identity.provider)
            units.append(Unit(scope, group, "global"))
            continue
        for region in regions:
            if service and is_service_in(service, region) is False:
                lacking.setdefault(region, []).extend(t.table.name for t in group.walk())
            else:
                scope = Scope(identity.account_id, region, identity.partition, identity.provider)
                units.append(Unit(scope, group, region))
    return units, lacking


def _service(group: Group) -> str:
    """The botocore service that a group calls first."""
    table = group.tables[0]
    service = getattr(table.table.rows, "service", "")
    if not service and table.calls:
        service = table.table.calls[table.calls[0][0]].service
    return service


class Scan:
    """One scan of some accounts. `run` collects; `finish` judges and publishes.

    An interrupted `run` (cancelled, credentials expired, disk full) leaves its staging directory, from which
    a Scan with `resume` goes on.
    """

    def __init__(
        self,
        data: DataDirectory,
        identities: Sequence[Identity],
        selection: Selection,
        checks: Checks,
        config: Config,
        transport: Transport,
        *,
        max_rate: float | None = None,
        concurrency: int = 64,
        resume: str = "",
        now: datetime | None = None,
        caller: Callable[[Callable[[CallRecord], None]], Caller] | None = None,
        evidence: bool = True,
        signer: Signer | None = None,
    ) -> None:
        self.data = data
        self.identities = list(identities)
        self.selection = selection
        self.checks = checks
        self.config = config
        self.progress = Progress()
        self._transport = transport
        self._max_rate = max_rate
        self._concurrency = concurrency
        self._caller = caller
        self._resume = resume
        self._evidence = evidence
        self._signer = signer
        self.id = resume or scan_id(now or datetime.now(UTC))
        self._now = now or datetime.now(UTC)

    async def collect(self, writer: ScanWriter) -> Manifest:
        """Collects all units into the writer's directory; returns the manifest as it stands."""
        from partywall.aws.caller import Caller
        from partywall.aws.limits import RateGovernor

        def log(record: CallRecord) -> None:
            self.progress.record(record)
            writer.log(record)

        caller = (
            self._caller(log)
            if self._caller
            else Caller(
                self._transport,
                RateGovernor(max_rate=self._max_rate),
                log,
                concurrency=self._concurrency,
            )
        )
        capture: Capture | None = None
        if self._evidence:
            from partywall.evidence.capture import Capture

            capture = Capture(writer.directory, {i.account_id: i.arn for i in self.identities})
            caller.on_answer = capture
        try:
            manifest = await self._manifest(writer.directory, caller)
            planned = plan({k: set(v) for k, v in manifest.demand.items()}, all_tables())
            units: list[Unit] = []
            for identity in self.identities:
                enabled = manifest.enabled_regions[identity.account_id]
                regions = [r for r in manifest.regions if r in enabled or not enabled]
                mine, lacking = units_of(planned, identity, regions)
                units += mine
                for region, tables in lacking.items():
                    why = "AWS does not offer this service in the Region"
                    writer.skip(identity.account_id, region, tables, "not_supported", why)
            self._expect(units)
            self.progress.stage = "collecting"
            await Collector(caller, writer, on_unit=self._done).run(_interleaved(units))
        finally:
            if capture is not None:
                capture.close()
            writer.flush_calls()
        return manifest

    def _expect(self, units: list[Unit]) -> None:
        self.progress.units = len(units)
        for unit in units:
            self.progress.services.setdefault(_service(unit.group), [0, 0, 0])[1] += 1

    def _done(self, unit: Unit, rows: int) -> None:
        self.progress.done += 1
        self.progress.rows += rows
        self.progress.services[_service(unit.group)][0] += 1

    async def _manifest(self, directory: Path, caller: Caller) -> Manifest:
        """The manifest of an interrupted scan, or a new one, which asks AWS for the enabled Regions."""
        if self._resume:
            manifest = read_manifest(directory)
            self._fits(manifest)
            return manifest
        from partywall.aws.caller import Scope
        from partywall.aws.partitions import enabled_regions, home_region

        self.progress.stage = "asking which Regions are enabled"
        enabled: dict[str, list[str]] = {}
        told = True
        for identity in self.identities:
            home = home_region(identity.partition)
            scope = Scope(identity.account_id, home, identity.partition, identity.provider)
            found, answer = await enabled_regions(caller, scope)
            enabled[identity.account_id] = found
            told = told and answer.ok
        if told:
            _enabled_somewhere(self.selection.regions, enabled)
        every = sorted({r for regions in enabled.values() for r in regions})
        wanted = demanded(self.selection, self.checks.chosen)
        manifest = Manifest(
            id=self.id,
            version=__version__,
            started_at=self._now,
            accounts=[
                {
                    "account_id": i.account_id,
                    "name": "",
                    "partition": i.partition,
                    "principal": i.arn,
                }
                for i in self.identities
            ],
            regions=list(self.selection.regions) or every,
            enabled_regions=enabled,
            demand={name: sorted(columns) for name, columns in sorted(wanted.items())},
            checks=[c.check.id for c in self.checks.chosen],
            selection=self.selection.given(),
            variants=self.config.variants,
            intents=self.config.intents.kept() if self.config.intents else {},
        )
        write_manifest(directory, manifest)
        return manifest

    def _fits(self, manifest: Manifest) -> None:
        """Raises UserError where an interrupted scan cannot be gone on with."""
        begun, mine = (
            {a["account_id"] for a in manifest.accounts},
            {i.account_id for i in self.identities},
        )
        if begun != mine:
            raise UserError(
                f"the interrupted scan {manifest.id} is of {_listed(begun)}, but these credentials are for"
                f" {_listed(mine)}: give the same profile and roles with --resume"
            )
        if manifest.version != __version__:
            raise UserError(
                f"the interrupted scan {manifest.id} was begun by partywall {manifest.version}, and this is"
                f" {__version__}: begin a new one without --resume"
            )

    def run(self) -> Path:
        """Collects, judges and publishes; returns the published scan's directory.

        Raises UserError (bad data directory, full disk), CredentialsExpired, KeyboardInterrupt; what was
        collected stays in each case.
        """
        with self.data.claimed(self.id) as directory:
            writer = ScanWriter(directory)
            try:
                manifest = asyncio.run(self._collect_and_close(writer))
                writer.close()
            except BaseExceptionGroup as group:
                raise _first(group) from None
            finally:
                writer.release()
                if not (directory / MANIFEST).exists():
                    # It did not get as far as a plan, so there is nothing to go on with.
                    self.data.discard(self.id)
            return self._finish(directory, manifest)

    async def _collect_and_close(self, writer: ScanWriter) -> Manifest:
        try:
            return await self.collect(writer)
        finally:
            await self._transport.close()

    def _finish(self, directory: Path, manifest: Manifest) -> Path:
        self.progress.stage = "judging"
        with explained(directory):
            accounts = _named(directory, manifest.accounts)
        manifest = replace(
            manifest,
            finished_at=datetime.now(UTC),
            complete=True,
            accounts=accounts,
            checks=[c.check.id for c in self.checks.chosen],
        )
        write_manifest(directory, manifest)
        self.progress.notes += judge_scan(
            directory, self.checks.chosen, self.config.params, self.data, self._signer
        )
        return self.data.scans / self.id


def judge_scan(
    directory: Path,
    checks: Sequence[CompiledCheck],
    overrides: Mapping[str, Mapping[str, Any]],
    data: DataDirectory | None = None,
    signer: Signer | None = None,
) -> list[str]:
    """Analyses and judges a collected scan in its directory; with `data`, seals and publishes it too.

    Returns what a person should know, one sentence each. Raises UserError where files cannot be written.
    """
    from partywall.analysis.policy import FACTS
    from partywall.analysis.steps import policy_facts
    from partywall.analysis.tables import analyse
    from partywall.evidence.seal import seal
    from partywall.findings.lifecycle import advance, current_findings, remember
    from partywall.findings.verdicts import judge
    from partywall.lake.derived import derive
    from partywall.lake.engine import Lake, connect

    # Closed at once: what it holds would stay until Python next searches for garbage.
    with explained(directory), closing(connect(JUDGE_MEMORY)) as connection:
        lake = Lake(directory, FACTS, connection=connection)
        now = lake.manifest.started_at
        policy_facts(lake)
        notes = analyse(lake)
        derive(lake)
        judge(lake, checks, now, overrides)
        current_findings(lake, checks)
        if data is None:
            remember(lake, ())
            advance(lake, checks, now)
            return notes
        with data.publishing():
            follows, damaged = _histories(lake, data)
            advance(lake, checks, now)
            write_manifest(directory, replace(lake.manifest, follows=follows))
            seal(directory, data, overrides, signer)
            data.publish(lake.manifest.id)
        return [*notes, *damaged]


def _histories(lake: Lake, data: DataDirectory) -> tuple[list[str], list[str]]:
    """Loads the histories of findings before a scan: the scans they are of, and notes on damaged ones.

    A damaged scan must not keep all later ones from being published: the one before it is gone on from.
    """
    from partywall.findings.lifecycle import remember

    damaged: set[str] = set()
    for name in data.published():
        with suppress(UserError):
            read_manifest(data.scans / name)
            continue
        damaged.add(name)
    while True:
        heads = data.heads(lake.manifest.id, damaged)
        for name in heads:
            try:
                remember(lake, [data.scans / name])
            except UserError:
                damaged.add(name)
        if not damaged & set(heads):
            break
    if len(heads) != 1:
        remember(lake, [data.scans / name for name in heads])
    missed = sorted(n for n in damaged if max(heads, default="") < n < lake.manifest.id)
    return heads, [f"the scan {n} is damaged, so the findings' history goes on without it" for n in missed]


def _interleaved(units: list[Unit]) -> list[Unit]:
    """Units ordered so that neighbours are of different services: no one limit holds up all."""
    by_service: dict[str, list[Unit]] = {}
    for unit in units:
        by_service.setdefault(_service(unit.group), []).append(unit)
    queues = sorted(by_service.values(), key=len, reverse=True)
    ordered: list[Unit] = []
    for i in range(max(map(len, queues), default=0)):
        ordered += [queue[i] for queue in queues if i < len(queue)]
    return ordered


def _named(directory: Path, accounts: list[dict[str, str]]) -> list[dict[str, str]]:
    """Accounts with the names that organizations:ListAccounts gave, where the scan collected them."""
    import pyarrow.parquet as pq

    names: dict[str, str] = {}
    for path in (directory / "tables" / "organizations_account").glob("*/*/*.parquet"):
        for row in pq.read_table(path, columns=["arn", "name"]).to_pylist():
            names[str(row["arn"]).rpartition("/")[2]] = row["name"] or ""
    return [{**a, "name": a["name"] or names.get(a["account_id"], "")} for a in accounts]


def _enabled_somewhere(regions: Iterable[str], enabled: Mapping[str, list[str]]) -> None:
    """Raises UserError for a chosen Region that none of the accounts has enabled."""
    for region in regions:
        if not any(region in found for found in enabled.values()):
            every = sorted({r for found in enabled.values() for r in found})
            raise UserError(
                f"the Region {region} is not enabled in {_listed(set(enabled))}: enable it there, or choose"
                f" --regions among {', '.join(every)}"
            )


def _listed(accounts: set[str]) -> str:
    return f"account{'s' * (len(accounts) > 1)} {', '.join(sorted(accounts))}"


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception that tells most of a group: an interruption, then expired credentials, then any."""
    from partywall.aws.answers import CredentialsExpired

    flat: list[BaseException] = []
    for error in group.exceptions:
        flat += [_first(error)] if isinstance(error, BaseExceptionGroup) else [error]
    for kind in (KeyboardInterrupt, CredentialsExpired, UserError):
        for error in flat:
            if isinstance(error, kind):
                return error
    return flat[0]
