"""`partywall detect`: reads logs into the lake's log tables and says what they show."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.options import DEFAULT_DATA, ConfigFile, Data, words
from partywall.cli.threats import Form

if TYPE_CHECKING:
    from partywall.detections.ingest.ingest import Ingested


def moment(text: str | None, option: str) -> datetime | None:
    """A time as a user gives it: ISO 8601, or how long ago (90m, 24h, 7d). Raises UserError."""
    from partywall.errors import UserError

    if text is None:
        return None
    if ago := re.fullmatch(r"(\d{1,5})([mhdw])", text.strip()):
        unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[ago.group(2)]
        return datetime.now(UTC) - timedelta(**{unit: int(ago.group(1))})
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UserError(f"{option} {text} is no time: give 2026-11-23T20:00:00Z, or 24h, or 7d") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def detect(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Files, directories, s3://bucket/prefix, or logs://group of CloudWatch Logs."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="CloudTrail's event history of this account (LookupEvents).")
    ] = False,
    since: Annotated[
        str | None, typer.Option(help="S3, CloudWatch Logs, --live: from then on: a time, or 24h, 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="The same: before then.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on: look again and again.")] = False,
    interval: Annotated[int, typer.Option("--every", help="With --follow: seconds between looks.")] = 60,
    regions: Annotated[list[str] | None, typer.Option(help="Regions of --live and logs://.")] = None,
    profile: Annotated[str | None, typer.Option(help="Named profile.", envvar="AWS_PROFILE")] = None,
    role_arn: Annotated[str | None, typer.Option(help="Role to assume.")] = None,
    external_id: Annotated[str | None, typer.Option(help="External id for the role.")] = None,
    data: Data = DEFAULT_DATA,
    max_ratio: Annotated[
        float, typer.Option(help="Refuse a file that unpacks to more than so many to 1.")
    ] = 300,
    max_size: Annotated[
        float, typer.Option(help="Refuse a file that unpacks to more than so many GB.")
    ] = 256,
    rules: Annotated[
        list[Path] | None, typer.Option(help="Sigma rules of your own: a file or directory (repeat).")
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--no-rules", help="Only read the logs into their tables.")
    ] = False,
    incidents: Annotated[bool, typer.Option("--incidents", help="Show only incidents.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show mild detections, too.")] = False,
    imports: Annotated[
        list[Path] | None,
        typer.Option("--import", help="Findings of other detectors: OCSF or ASFF JSON (repeat)."),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit 1 for open detections or incidents of these severities: high,critical."),
    ] = None,
    config: ConfigFile = None,
    format: Annotated[Form, typer.Option("--format", help="How threats are printed.")] = Form.TABLE,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No report of the files.")] = False,
) -> None:
    """Read logs, each record once, into the log tables, and say what they show: incidents and detections.

    CloudTrail, flow logs, DNS, S3, ELB, WAF. Exit code 1: a file could not be read whole, or --fail-on holds.
    """
    from partywall.cli.threats import exceptions, failing, show
    from partywall.detections.detection import SEVERITIES
    from partywall.detections.ingest.client import Client
    from partywall.detections.ingest.ingest import Asked, ingest_addresses
    from partywall.detections.ingest.limits import Limits
    from partywall.errors import UserError

    severities = words(fail_on)
    if unknown := [each for each in severities if each not in SEVERITIES]:
        raise UserError(f"--fail-on {unknown[0]}: severities are {', '.join(SEVERITIES)}")
    if not paths and not live and not incidents and not imports:
        raise UserError("name what to read: files, directories, s3://bucket/prefix, logs://group, or --live")
    if follow and interval < 1:
        raise UserError("--every is a number of seconds from 1 on")
    limits = Limits(max_ratio=max_ratio, max_unpacked=int(max_size * (1 << 30)))

    def client() -> Client:
        from partywall.aws.credentials import resolve

        return Client(resolve(profile, role_arn, external_id))

    begin, end = moment(since, "--since"), moment(until, "--until")
    bad = False
    accepted, first = exceptions(config, data), True
    for path in imports or ():
        bad = _imported(path, data, quiet) or bad
    while True:
        asked = Asked(begin, end, words(regions), live)
        done = ingest_addresses(paths or (), data, limits, client, asked)
        bad = bad or any(r.status in ("refused", "unreadable") for r in done.files)
        if not quiet:
            _show(done, follow)
        stored = done.total("stored")
        if not read_only and (stored or not follow or first):
            from partywall.detections.run.pipeline import detect as evaluated

            found = evaluated(data, tuple(rules or ()), accepted)
            if not follow or first or found.fresh or found.grown:
                show(found, format, only_incidents=incidents, every=every)
            bad = bad or failing(found, severities) > 0
        first = False
        if not follow:
            break
        try:
            time.sleep(interval)
        except KeyboardInterrupt:
            break
        # From the second look on live sources go on where they were left; S3 is listed from a day before.
        begin = None if live else max(filter(None, (begin, datetime.now(UTC) - timedelta(days=1))))
    raise typer.Exit(int(bad))


def _imported(path: Path, data: Path, quiet: bool) -> bool:
    """Takes in another detector's findings; True where something of the file could not be read."""
    from partywall.cli.console import console
    from partywall.detections.imports.read import take_in
    from partywall.outputs.text import plural, visible

    done = take_in(path, data)
    if not quiet:
        screen = console(stderr=True)
        screen.print(
            f"{visible(str(path))}: {plural(done.findings, 'finding')}, {done.fresh:,} new,"
            f" {done.known:,} known already, {done.joined:,} joined with ours, {done.rejected:,} not read"
        )
        for line, problem in done.problems[:20]:
            screen.print(f"  line {line}: {visible(problem)}")
    return done.rejected > 0


def _show(done: Ingested, follow: bool) -> None:
    """The report of reading, on standard error: standard output has the threats."""
    from partywall.cli.console import console, grid
    from partywall.outputs.text import visible

    totals = {name: done.total(name) for name in ("records", "stored", "duplicates", "rejected")}
    again = sum(r.status == "again" for r in done.files)
    if not done.files or (follow and not totals["stored"] and not done.problems()):
        return
    screen = console(stderr=True)
    if troubled := done.problems():
        table = grid("file", "kind", "status", "stored", "rejected", "what was found", right=(3, 4))
        for report in troubled[:50]:
            told = "; ".join(f"{n:,} × {kind}{_detail(report, kind)}" for kind, n in report.problems.items())
            table.add_row(
                visible(report.uri),
                report.kind or "-",
                report.status,
                f"{report.stored:,}",
                f"{report.rejected:,}",
                visible(told),
            )
        screen.print(table)
        if len(troubled) > 50:
            screen.print(f"… and {len(troubled) - 50:,} files more; partywall trail files tells all")
    files = len(done.files) - again
    screen.print(
        f"{files:,} files read{f' ({again:,} known already)' if again else ''}: {totals['stored']:,} records"
        f" stored, {totals['duplicates']:,} known already, {totals['rejected']:,} could not be read"
    )


def _detail(report: Any, kind: str) -> str:
    detail = report.examples.get(kind)
    return f" ({detail[:80]})" if detail else ""
