"""`partywall trail`: questions over the log tables, and the integrity of CloudTrail's own files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.detect import moment
from partywall.cli.options import DEFAULT_DATA, AsListing, Data, Listing, Rows

if TYPE_CHECKING:
    import pyarrow as pa

trail = typer.Typer(
    no_args_is_help=True, help="Ask what was done, by whom and when; verify CloudTrail's files."
)

Since = Annotated[str | None, typer.Option(help="From then on: a time, or how long ago: 24h, 7d.")]
Until = Annotated[str | None, typer.Option(help="Before then.")]
Limit = Annotated[int, typer.Option(help="At most this many rows; 0 for all.")]
AsRows = Annotated[Rows, typer.Option("--format", help="table, csv or json.")]
_SHOWN = ("eventTime", "event", "error", "region", "address", "principal", "first_principal")


@trail.command()
def what(
    subject: Annotated[str, typer.Argument(help="An access key, an ARN, a user's or a role's name.")],
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    data: Data = DEFAULT_DATA,
    format: AsRows = Rows.TABLE,
) -> None:
    """What did it do: every call of a credential or principal, and of all credentials that came of it."""
    from partywall.detections.ingest.questions import Span, what
    from partywall.detections.ingest.store import LogStore

    span = Span(moment(since, "--since"), moment(until, "--until"))
    _print(what(LogStore(data), subject, span, limit), format, limit, _SHOWN)


@trail.command()
def who(
    resource: Annotated[str, typer.Argument(help="A resource's name, id or ARN.")],
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    data: Data = DEFAULT_DATA,
    format: AsRows = Rows.TABLE,
) -> None:
    """Who touched it: the first principals behind every call that names a resource."""
    from partywall.detections.ingest.questions import Span, who
    from partywall.detections.ingest.store import LogStore

    span = Span(moment(since, "--since"), moment(until, "--until"))
    shown = ("first_principal", "events", "failed", "writes", "first", "last", "calls")
    _print(who(LogStore(data), resource, span, limit), format, limit, shown)


@trail.command()
def when(
    until: Annotated[str, typer.Argument(help="The moment: a time, or how long ago: 24h.")] = "0m",
    before: Annotated[str, typer.Option(help="How far back: 90m, 24h, 7d.")] = "24h",
    subject: Annotated[str, typer.Option(help="Only of this resource or principal.")] = "",
    limit: Limit = 200,
    data: Data = DEFAULT_DATA,
    format: AsRows = Rows.TABLE,
) -> None:
    """What changed before then: calls that changed something, latest first."""
    from partywall.detections.ingest.questions import when
    from partywall.detections.ingest.store import LogStore

    end = moment(until, "the moment") or datetime.now(UTC)
    begin = moment(before, "--before") or end
    back = datetime.now(UTC) - begin
    _print(when(LogStore(data), end, back, subject, limit), format, limit, _SHOWN)


@trail.command()
def query(
    sql: Annotated[str, typer.Argument(help="DuckDB SQL over the log tables and credential_chain.")],
    since: Since = None,
    until: Until = None,
    data: Data = DEFAULT_DATA,
    format: AsRows = Rows.TABLE,
) -> None:
    """Ask the log tables in SQL."""
    import duckdb

    from partywall.detections.ingest.questions import Span
    from partywall.detections.ingest.questions import sql as ask
    from partywall.detections.ingest.store import LogStore
    from partywall.errors import UserError

    try:
        rows = ask(LogStore(data), sql, Span(moment(since, "--since"), moment(until, "--until")))
    except duckdb.Error as error:
        raise UserError(
            f"{str(error).splitlines()[0]}: `partywall trail tables` lists the columns"
        ) from error
    _print(rows, format, 0, tuple(rows.column_names))


@trail.command()
def tables(
    name: Annotated[str | None, typer.Argument(help="A log table, for its columns.")] = None,
    format: AsListing = Listing.TABLE,
) -> None:
    """List the log tables, or the columns of one."""
    from partywall.cli.console import console, grid, print_json
    from partywall.detections.ingest.schemas import TABLES
    from partywall.errors import UserError, did_you_mean

    if name is None:
        listed = [{"table": t.name, "columns": len(t.columns), "what": t.doc} for t in TABLES.values()]
    elif name in TABLES:
        listed = [{"column": c.name, "kind": c.kind, "what": c.doc} for c in TABLES[name].columns]
    else:
        raise UserError(f"there is no log table {name}{did_you_mean(name, list(TABLES), '')}")
    if format is Listing.JSON:
        print_json(listed)
        return
    table = grid(*listed[0])
    for row in listed:
        table.add_row(*map(str, row.values()))
    console().print(table)


@trail.command()
def files(data: Data = DEFAULT_DATA, format: AsListing = Listing.TABLE) -> None:
    """List the files that were read, and what was wrong with them."""
    from dataclasses import asdict

    from partywall.cli.console import console, grid, print_json
    from partywall.detections.ingest.store import LogStore
    from partywall.outputs.text import visible

    reports = LogStore(data).reports()
    if format is Listing.JSON:
        print_json([asdict(r) for r in reports])
        return
    table = grid("kind", "status", "stored", "known", "rejected", "file", right=(2, 3, 4))
    for r in reports:
        counts = (f"{n:,}" for n in (r.stored, r.duplicates, r.rejected))
        table.add_row(r.kind or "-", r.status, *counts, visible(r.uri))
    console().print(table)


@trail.command()
def verify(
    place: Annotated[str, typer.Argument(help="s3://bucket/prefix, or a directory that it was copied to.")],
    since: Since = None,
    until: Until = None,
    keys: Annotated[
        Path | None, typer.Option(help="File of `aws cloudtrail list-public-keys`, to check without AWS.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Named profile.", envvar="AWS_PROFILE")] = None,
    role_arn: Annotated[str | None, typer.Option(help="Role to assume.")] = None,
    external_id: Annotated[str | None, typer.Option(help="External id for the role.")] = None,
    format: AsListing = Listing.TABLE,
) -> None:
    """Verify CloudTrail's files: the digests' signatures, their chain, and every log file they name.

    Exit 1 unless all is proven valid.
    """
    from contextlib import ExitStack
    from dataclasses import asdict

    from partywall.cli.console import console, grid, print_json
    from partywall.detections.ingest import verify as checks
    from partywall.errors import UserError
    from partywall.outputs.text import visible

    span = [_iso(moment(since, "--since")), _iso(moment(until, "--until"))]
    remote = place.startswith("s3://")
    if not remote and not Path(place).exists():
        raise UserError(f"{place} is not there: name a directory, or s3://bucket/prefix")
    with ExitStack() as stack:
        client: Any = None
        if remote or keys is None:
            from partywall.aws.credentials import resolve
            from partywall.detections.ingest.client import Client

            client = stack.enter_context(Client(resolve(profile, role_arn, external_id)))
        if remote:
            from partywall.detections.ingest.bucket import parse

            where: checks.Place = checks.Bucket(client, *parse(place))
        else:
            where = checks.Folder(Path(place))
        found = checks.verify(where, checks.filed_keys(keys) if keys else checks.listed_keys(client), *span)
    if format is Listing.JSON:
        print_json({"proven": found.proven, "checked": [asdict(c) for c in found.checked]})
        raise typer.Exit(int(not found.proven))
    screen = console()
    wrong = [c for c in found.checked if c.state is not checks.State.VALID]
    if wrong:
        table = grid("state", "kind", "what", "why")
        for c in wrong:
            table.add_row(str(c.state), c.kind, visible(c.uri), visible(c.why))
        screen.print(table)
    for kind in ("digest", "log"):
        valid, every = found.count(kind, checks.State.VALID), found.count(kind)
        screen.print(f"{valid:,} of {every:,} {kind} files are valid")
    if not found.checked:
        screen.print("no digest files were found: nothing is proven")
    raise typer.Exit(int(not found.proven))


def _iso(when: datetime | None) -> str:
    return "" if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print(rows: pa.Table, form: Rows, limit: int, shown: tuple[str, ...]) -> None:
    import sys

    from partywall.cli.console import console, grid, print_json
    from partywall.errors import UserError
    from partywall.outputs.table import write_csv
    from partywall.outputs.text import visible

    found = rows.to_pylist()
    if form is Rows.PARQUET:
        raise UserError("answers are printed as table, csv or json")
    if form is Rows.JSON:
        print_json(found)
    elif form is Rows.CSV:
        write_csv(rows.column_names, (row.values() for row in found), sys.stdout)
    else:
        table = grid(*shown)
        for row in found:
            table.add_row(*(visible(_cell(row[name])) for name in shown))
        console().print(table)
        if limit and len(found) == limit:
            console(stderr=True).print(f"the first {limit} rows: --limit 0 shows all")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
