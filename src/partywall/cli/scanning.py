"""`partywall scan`: credentials, progress, reports, exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall.checks.model import SEVERITIES
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.aws.credentials import Identity
    from partywall.config import Config
    from partywall.findings.model import Report
    from partywall.lake.snapshot import DataDirectory
    from partywall.scan import Checks, Scan, Selection


@dataclass(frozen=True, slots=True)
class Request:
    """The options of `partywall scan`."""

    profile: str | None
    role_arns: tuple[str, ...]
    external_id: str | None
    mfa_serial: str | None
    regions: tuple[str, ...]
    services: tuple[str, ...]
    checks: tuple[str, ...]
    severities: tuple[str, ...]
    tags: tuple[str, ...]
    tables: tuple[str, ...]
    checks_dirs: tuple[Path, ...]
    config: Path | None
    data: Path
    formats: tuple[str, ...]
    output: Path | None
    fail_on: str | None
    fail_on_unknown: bool
    max_rate: float | None
    concurrency: int
    resume: bool
    quiet: bool
    evidence: bool = True
    sign_key: str | None = None
    intents: Path | None = None


def run(request: Request, identities: Sequence[Identity] = ()) -> int:
    """Runs a scan to its reports; returns the exit code. Raises UserError for wrong use."""
    from partywall.aws.answers import CredentialsExpired
    from partywall.aws.models import widen
    from partywall.cli.console import console
    from partywall.cli.results import parse_tags, writable, written
    from partywall.config import load
    from partywall.findings.assemble import Wanted
    from partywall.lake.snapshot import DataDirectory
    from partywall.opened import open_report
    from partywall.outputs.console import print_summary
    from partywall.scan import Selection, load_checks

    _validate(request)
    wanted = Wanted(tags=parse_tags(request.tags))
    output = request.output or request.data / "reports"
    config = load(request.config, request.data)
    data = DataDirectory(request.data)
    resume = ""
    selection = Selection(
        regions=request.regions,
        services=request.services,
        checks=request.checks,
        severities=request.severities,
        tables=request.tables,
        tags=request.tags,
    )
    if request.resume:
        resume, selection = _interrupted(data, selection)
    checks = load_checks(selection, config, request.checks_dirs)
    if request.intents is not None:
        config = _with_intents(request.intents, config, checks)
    _narrow_models(selection, checks)
    if request.formats:
        # Before the scan: an hour later is too late to hear that nothing can be written there.
        writable(output)
    who = list(identities) or _identities(request)
    scan = _scan(request, data, who, selection, checks, config, resume)
    # SIGTERM goes the way of Ctrl-C, for which asyncio stops its tasks in order.
    stop = signal.signal(signal.SIGTERM, _interrupt)
    try:
        path = _shown(scan, quiet=request.quiet)
    except CredentialsExpired as error:
        raise UserError(f"{error}; what was collected is kept: renew them and go on with --resume") from error
    except KeyboardInterrupt:
        print(
            f"partywall: stopped; what was collected is kept in {data.partial(scan.id)}: go on with --resume",
            file=sys.stderr,
        )
        return 130
    finally:
        signal.signal(signal.SIGTERM, stop)
        widen()
    for note in scan.progress.notes:
        print(f"partywall: {note}", file=sys.stderr)
    if request.resume:
        wanted = Wanted(tags=parse_tags(selection.tags))
    report: Report = open_report(path, checks.chosen, config, wanted)
    files = written(report, request.formats, output)
    if not request.quiet:
        print_summary(report, console(), files)
    _warn_expired(config, report)
    return gate(report, request.fail_on, request.fail_on_unknown)


def _with_intents(file: Path, config: Config, checks: Checks) -> Config:
    """The configuration with the intents of a file in place of its own."""
    from partywall.analysis.network.intent import read

    found = read(file)
    if all(c.check.id != "network-intent-kept" for c in checks.chosen):
        raise UserError(
            "--intents is held against the network by the check network-intent-kept, which this selection"
            " leaves out: add it to --checks"
        )
    return replace(config, intents=found)


def _narrow_models(selection: Selection, checks: Checks) -> None:
    """Keeps in memory only what this scan can call of AWS's service models."""
    from partywall.aws.models import narrow
    from partywall.collect.planner import plan
    from partywall.scan import demanded
    from partywall.tables.registry import all_tables

    operations = plan(demanded(selection, checks.chosen), all_tables()).operations()
    narrow([*operations, "ec2:DescribeRegions", "account:ListRegions"])


def gate(report: Report, fail_on: str | None, unknown: bool) -> int:
    """1 where a finding of that severity or worse fails (excepted ones aside), else 0."""
    if fail_on is None:
        return 0
    worst = set(SEVERITIES[: SEVERITIES.index(fail_on) + 1])
    statuses = {"fail", "unknown"} if unknown else {"fail"}
    names = ("severity", "status", "state")
    rows = zip(*(report.findings[n].to_pylist() for n in names), strict=True)
    return int(
        any(sev in worst and status in statuses and state != "excepted" for sev, status, state in rows)
    )


def _interrupt(*_: object) -> None:
    # Started in the background, as by nohup, the process ignores SIGINT, and so would asyncio.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _interrupted(data: DataDirectory, asked: Selection) -> tuple[str, Selection]:
    """The id of the scan that was interrupted last, and what it selects."""
    from partywall.lake.snapshot import read_manifest
    from partywall.scan import Selection

    waiting = data.interrupted()
    idle = [name for name in waiting if not data.running(name)]
    if not idle:
        running = f"; {waiting[-1]} is still running" if waiting else ""
        raise UserError(f"no scan in {data.path} was interrupted{running}: leave --resume out to begin one")
    kept = read_manifest(data.partial(idle[-1])).selection
    for name, values in asked.given().items():
        if values != kept.get(name):
            was = ", ".join(kept.get(name, [])) or "all"
            raise UserError(
                f"the interrupted scan {idle[-1]} selects other {name} ({was}): leave that option out with"
                " --resume, or begin a new scan without it"
            )
    return idle[-1], Selection(**{name: tuple(values) for name, values in kept.items()})


def _validate(request: Request) -> None:
    from partywall.outputs import FORMATS

    if request.fail_on is not None and request.fail_on not in SEVERITIES:
        raise UserError(f"--fail-on is one of {', '.join(SEVERITIES)}, not {request.fail_on!r}")
    for name in request.formats:
        if name not in FORMATS:
            raise UserError(f"--format is one of {', '.join(FORMATS)}, not {name!r}")
    if request.fail_on_unknown and request.fail_on is None:
        raise UserError("--fail-on-unknown says what --fail-on SEVERITY counts: give that too")
    if request.max_rate is not None and not request.max_rate > 0:
        raise UserError("--max-rate is a number of calls per second above 0")
    if request.concurrency < 1:
        raise UserError("--concurrency is at least 1")


def _identities(request: Request) -> list[Identity]:
    from partywall.aws.credentials import resolve
    from partywall.aws.partitions import validate_regions

    def ask(question: str) -> str:
        import getpass

        if sys.stdin is not None and sys.stdin.isatty():
            return getpass.getpass(question if question.endswith(" ") else f"{question}: ")
        answer = sys.stdin.readline().strip() if sys.stdin is not None else ""
        if not answer:
            raise UserError(
                f"{question.strip().rstrip(':')}: nobody answered; run in a terminal, or give the code on"
                " standard input"
            )
        return answer

    def one(role_arn: str | None) -> Identity:
        return resolve(
            request.profile,
            role_arn,
            request.external_id,
            request.mfa_serial,
            ask,
        )

    found = [one(role) for role in request.role_arns] or [one(None)]
    for identity in found:
        validate_regions(request.regions, identity.partition)
    repeated = {i.account_id for i in found if [j.account_id for j in found].count(i.account_id) > 1}
    if repeated:
        raise UserError(
            f"two of the roles are in the account {sorted(repeated)[0]}; name one role per account"
        )
    return found


def _scan(
    request: Request,
    data: Any,
    identities: Sequence[Identity],
    selection: Any,
    checks: Any,
    config: Any,
    resume: str,
) -> Scan:
    from partywall.aws.transport import LeanTransport
    from partywall.scan import Scan

    signer = None
    if request.sign_key:
        from partywall.evidence.signing import load_signer

        # Before the scan: an hour later is too late to hear that the key is none.
        signer = load_signer(request.sign_key, identities[0].session)
    return Scan(
        data,
        identities,
        selection,
        checks,
        config,
        LeanTransport(identities[0].session),
        max_rate=request.max_rate,
        concurrency=request.concurrency,
        resume=resume,
        evidence=request.evidence,
        signer=signer,
    )


def _shown(scan: Scan, *, quiet: bool) -> Path:
    from partywall.cli.progress import showing

    if quiet:
        return scan.run()
    with showing(scan.progress):
        return scan.run()


def _warn_expired(config: Any, report: Report) -> None:
    from partywall.findings.exceptions import in_force

    for exception in in_force(config.exceptions, report.scan.started_at)[1]:
        print(
            f"partywall: the exception for {exception.check} ({exception.reason}) expired on"
            f" {exception.expires}; its findings count again",
            file=sys.stderr,
        )
