"""`partywall detect`: reads logs into the lake's log tables."""

from __future__ import annotations

import re
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.options import DEFAULT_DATA, AsListing, Data, Listing, words

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
    every: Annotated[int, typer.Option(help="With --follow: seconds between looks.")] = 60,
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
    format: AsListing = Listing.TABLE,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No report of the files.")] = False,
) -> None:
    """Read logs, each record once, into the log tables: CloudTrail, flow logs, DNS, S3, ELB, WAF."""
    from partywall.detections.ingest.client import Client
    from partywall.detections.ingest.ingest import Asked, ingest_addresses
    from partywall.detections.ingest.limits import Limits
    from partywall.errors import UserError

    if not paths and not live:
        raise UserError("name what to read: files, directories, s3://bucket/prefix, logs://group, or --live")
    if follow and every < 1:
        raise UserError("--every is a number of seconds from 1 on")
    limits = Limits(max_ratio=max_ratio, max_unpacked=int(max_size * (1 << 30)))

    def client() -> Client:
        from partywall.aws.credentials import resolve

        return Client(resolve(profile, role_arn, external_id))

    begin, end = moment(since, "--since"), moment(until, "--until")
    bad = False
    while True:
        asked = Asked(begin, end, words(regions), live)
        done = ingest_addresses(paths or (), data, limits, client, asked)
        bad = bad or any(r.status in ("refused", "unreadable") for r in done.files)
        if not quiet:
            _show(done, format.value, follow)
        if not follow:
            break
        try:
            time.sleep(every)
        except KeyboardInterrupt:
            break
        # From the second look on live sources go on where they were left; S3 is listed from a day before.
        begin = None if live else max(filter(None, (begin, datetime.now(UTC) - timedelta(days=1))))
    raise typer.Exit(int(bad))


def _show(done: Ingested, form: str, follow: bool) -> None:
    from partywall.cli.console import console, grid, print_json
    from partywall.outputs.text import visible

    totals = {
        name: done.total(name)
        for name in ("records", "stored", "duplicates", "rejected", "bytes_read", "bytes_unpacked")
    }
    again = sum(r.status == "again" for r in done.files)
    if follow and not totals["stored"] and not done.problems():
        return
    if form == "json":
        from dataclasses import asdict

        print_json({**totals, "files": [asdict(r) for r in done.files]})
        return
    screen = console()
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
            screen.print(f"… and {len(troubled) - 50:,} files more: --format json tells all")
    files = len(done.files) - again
    screen.print(
        f"{files:,} files read{f' ({again:,} known already)' if again else ''}: {totals['stored']:,} records"
        f" stored, {totals['duplicates']:,} known already, {totals['rejected']:,} could not be read"
    )
    sys.stdout.flush()


def _detail(report: Any, kind: str) -> str:
    detail = report.examples.get(kind)
    return f" ({detail[:80]})" if detail else ""
