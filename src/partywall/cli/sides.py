"""The commands `line` and `compliance` with their options: who secures what, and how that stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from partywall.cli.options import (
    DEFAULT_DATA,
    ChecksDirs,
    ConfigFile,
    Data,
    Findings,
    ScanName,
    words,
)


def compliance(
    framework: Annotated[
        str | None,
        typer.Argument(help="A framework: pci, hipaa, cis, nist … (default: all); or import."),
    ] = None,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    account: Annotated[str, typer.Option(help="One account (default: all of the scan together).")] = "*",
    state: Annotated[list[str] | None, typer.Option(help="Only requirements in these states.")] = None,
    requirement: Annotated[
        str | None, typer.Option(help="One requirement: its parts, checks and resources.")
    ] = None,
    fail_on: Annotated[
        list[str] | None, typer.Option(help="Exit 1 if a requirement is in such a state: not_satisfied …")
    ] = None,
    scope: Annotated[
        str, typer.Option(help="Which Regions must be known: all that are enabled, or those scanned.")
    ] = "enabled",
    as_of: Annotated[
        str | None, typer.Option(help="Day on which attestations and reports must hold (default: today).")
    ] = None,
    frameworks_dir: Annotated[
        list[Path] | None, typer.Option(help="Directory with frameworks of your own (repeat).")
    ] = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
    profile: Annotated[
        str | None, typer.Option(help="With import: named profile.", envvar="AWS_PROFILE")
    ] = None,
    role_arn: Annotated[list[str] | None, typer.Option(help="With import: roles to assume.")] = None,
    external_id: Annotated[str | None, typer.Option(help="With import: external id for the roles.")] = None,
    region: Annotated[str | None, typer.Option(help="With import: Region of Security Hub.")] = None,
    format: Annotated[Findings, typer.Option(help="table, csv or json.")] = Findings.TABLE,
) -> None:
    """Show how accounts stand by compliance frameworks, down to checks and resources.

    `compliance import` reads the mappings of Security Hub and Control Catalog, to show them beside ours.
    """
    from partywall.cli.compliance import Request, import_mappings, run

    if framework == "import":
        raise typer.Exit(import_mappings(data, profile, words(role_arn), external_id, region))

    request = Request(
        framework=framework,
        data=data,
        scan=scan,
        account=account,
        states=words(state),
        requirement=requirement,
        form=format.value,
        fail_on=words(fail_on),
        scope=scope,
        as_of=as_of,
        frameworks_dirs=tuple(frameworks_dir or ()),
        checks_dirs=tuple(checks_dir or ()),
        config=config,
    )
    raise typer.Exit(run(request))


def line(
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    services: Annotated[
        list[str] | None,
        typer.Option("--services", "--service", help="Only these columns of the wall, such as RDS."),
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help="With one service: this line, who does what on it, its resources.")
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(help="RESOURCE=VARIANT: which lines would move, such as rds:db-1=rds (repeat)."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Which lines moved since a day (2026-06-30) or scan, and why.")
    ] = None,
    gaps: Annotated[bool, typer.Option("--gaps", help="Lines that cannot be closed here.")] = False,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
    format: Annotated[Findings, typer.Option(help="table, csv or json.")] = Findings.TABLE,
) -> None:
    """Draw the account as a wall: which side each line is on, and how yours stand."""
    from partywall.cli.line import Request, run

    run(
        Request(
            data=data,
            scan=scan,
            services=words(services),
            domain=domain,
            what_if=words(what_if),
            since=since,
            gaps=gaps,
            form=format.value,
            checks_dirs=tuple(checks_dir or ()),
            config=config,
        )
    )
