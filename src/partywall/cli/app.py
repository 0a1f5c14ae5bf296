"""The commands and their options; each imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from partywall import __version__
from partywall.cli.attack import attack
from partywall.cli.attest import attest
from partywall.cli.detect import detect
from partywall.cli.detections import detections
from partywall.cli.evidence import evidence
from partywall.cli.handover import matrix, oscal
from partywall.cli.iam import iam
from partywall.cli.incidents import incidents
from partywall.cli.network import network
from partywall.cli.options import (
    DEFAULT_DATA,
    AsListing,
    CheckIds,
    ChecksDirs,
    ConfigFile,
    Data,
    Findings,
    Listing,
    PolicyFormat,
    Rows,
    ScanName,
    Services,
    Severities,
    words,
)
from partywall.cli.sides import compliance, line
from partywall.cli.trail import trail

app = typer.Typer(
    name="partywall",
    help="Which side of the wall is it on: AWS's shared responsibility, proven on a real account.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: rich would double the time to the first line.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Which side of the wall is it on: AWS's shared responsibility, proven on a real account."""
    if version:
        print(f"partywall {__version__}")
        raise typer.Exit()


@app.command()
def scan(
    profile: Annotated[
        str | None, typer.Option(help="Named profile (also SSO).", envvar="AWS_PROFILE")
    ] = None,
    role_arn: Annotated[
        list[str] | None, typer.Option(help="Role to assume; several scan several accounts.")
    ] = None,
    external_id: Annotated[str | None, typer.Option(help="External id for the role.")] = None,
    mfa_serial: Annotated[str | None, typer.Option(help="MFA device; its code is asked for.")] = None,
    regions: Annotated[
        list[str] | None, typer.Option(help="Only these Regions (default: all that are enabled).")
    ] = None,
    services: Services = None,
    checks: CheckIds = None,
    severity: Severities = None,
    tags: Annotated[
        list[str] | None, typer.Option(help="Report only resources with this tag: KEY or KEY=VALUE.")
    ] = None,
    tables: Annotated[
        list[str] | None, typer.Option(help="Collect these tables in full too (all: every one).")
    ] = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
    intents: Annotated[
        Path | None,
        typer.Option(
            help="What may, must and must not reach what (see: partywall network intent --explain)."
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    format: Annotated[
        list[str] | None,
        typer.Option(help="Reports to write: html, json, csv, ocsf, asff, sarif (repeat)."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Directory for the reports (default: DATA/reports).")
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option(help="Exit 1 if a check of this severity or worse fails.")
    ] = None,
    fail_on_unknown: Annotated[bool, typer.Option(help="With --fail-on: unknown findings fail too.")] = False,
    max_rate: Annotated[float | None, typer.Option(help="At most this many API calls per second.")] = None,
    concurrency: Annotated[int, typer.Option(help="At most this many API calls at a time.")] = 64,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the scan that was interrupted last.")
    ] = False,
    keep_evidence: Annotated[
        bool, typer.Option("--evidence/--no-evidence", help="Keep every answer, to verify the scan by.")
    ] = True,
    sign_key: Annotated[
        str | None,
        typer.Option(help="Sign the scan: a PEM file, or kms:KEY_ARN.", envvar="PARTYWALL_SIGN_KEY"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
) -> None:
    """Scan AWS accounts: collect, judge, report."""
    from partywall.cli.scanning import Request, run

    request = Request(
        profile=profile,
        role_arns=words(role_arn),
        external_id=external_id,
        mfa_serial=mfa_serial,
        regions=words(regions),
        services=words(services),
        checks=words(checks),
        severities=words(severity),
        tags=words(tags),
        tables=words(tables),
        checks_dirs=tuple(checks_dir or ()),
        config=config,
        data=data,
        formats=words(format),
        output=output,
        fail_on=fail_on,
        fail_on_unknown=fail_on_unknown,
        max_rate=max_rate,
        concurrency=concurrency,
        resume=resume,
        quiet=quiet,
        evidence=keep_evidence,
        sign_key=sign_key,
        intents=intents,
    )
    raise typer.Exit(run(request))


@app.command()
def demo(
    data: Data = DEFAULT_DATA,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the emulator running to explore.")] = False,
    samples: Annotated[
        bool, typer.Option("--samples", help="Deploy sample CloudFormation architectures as well.")
    ] = False,
) -> None:
    """Scan a sample organisation on a local AWS emulator; nothing leaves this machine."""
    from partywall.cli.demo import run

    raise typer.Exit(run(data, keep=keep, samples=samples))


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(help="DuckDB SQL over tables, findings, api_call; - reads it from stdin.")
    ],
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: Annotated[Rows, typer.Option(help="table, csv, json or parquet.")] = Rows.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write (parquet needs it).")
    ] = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
) -> None:
    """Ask a scan in SQL."""
    from partywall.cli.querying import run

    run(sql, data, scan, format.value, output, tuple(checks_dir or ()), config)


@app.command()
def tables(
    name: Annotated[str | None, typer.Argument(help="A table, for its columns and calls.")] = None,
    service: Annotated[str | None, typer.Option(help="Only this service's tables.")] = None,
    format: AsListing = Listing.TABLE,
) -> None:
    """List the tables, or show one with its columns and the API calls that fill them."""
    from partywall.cli.catalogue import show_tables

    show_tables(name, service, format.value)


@app.command()
def checks(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="A check id for its page; or: lint DIR, test DIR for your own checks.", show_default=False
        ),
    ] = None,
    ref: Annotated[
        list[str] | None,
        typer.Option(help="Checks standing for another catalogue's: prowler:ID, securityhub:S3.5."),
    ] = None,
    services: Services = None,
    severity: Severities = None,
    checks_dir: ChecksDirs = None,
    format: AsListing = Listing.TABLE,
) -> None:
    """List the checks, show one whole, or lint and test your own."""
    from partywall.cli.catalogue import lint_directory, show_checks, test_directory
    from partywall.errors import UserError

    asked = list(what or ())
    if asked and asked[0] in ("lint", "test"):
        if len(asked) != 2:
            raise UserError(f"name one directory: partywall checks {asked[0]} DIR")
        action = lint_directory if asked[0] == "lint" else test_directory
        raise typer.Exit(action(Path(asked[1])))
    show_checks(asked, words(ref), words(services), words(severity), tuple(checks_dir or ()), format.value)


@app.command()
def findings(
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    status: Annotated[
        list[str] | None,
        typer.Option(help="fail, unknown, pass, not_applicable (default: fail, unknown)."),
    ] = None,
    severity: Severities = None,
    services: Services = None,
    checks: CheckIds = None,
    tags: Annotated[
        list[str] | None, typer.Option(help="Only resources with this tag: KEY or KEY=VALUE.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most this many; 0 for all.")] = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
    kind: Annotated[str, typer.Option(help="posture (a scan's), threat (what logs showed), or all.")] = "all",
    format: Annotated[Findings, typer.Option(help="table, csv or json.")] = Findings.TABLE,
) -> None:
    """List the findings of a scan, worst first, after the open threats that `detect` found.

    CSV and JSON have one kind at a time: posture, unless --kind threat.
    """
    from partywall.cli.results import Chosen, show_findings
    from partywall.cli.threats import findings_of_logs
    from partywall.errors import UserError

    if kind not in ("all", "posture", "threat"):
        raise UserError(f"--kind {kind}: choose posture, threat or all")
    narrowed = any((status, services, checks, tags)) or scan != "latest"
    if kind == "threat" or (kind == "all" and format is Findings.TABLE and not narrowed):
        shown = findings_of_logs(data, config, format.value, words(severity), alone=kind == "threat")
        if kind == "threat" or (shown and not (data / "scans").is_dir()):
            return

    chosen = Chosen(
        data,
        scan,
        words(status) or ("fail", "unknown"),
        words(severity),
        words(services),
        words(checks),
        words(tags),
        tuple(checks_dir or ()),
        config,
    )
    show_findings(chosen, limit, format.value)


@app.command()
def report(
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: Annotated[
        list[str] | None, typer.Option(help="html, json, csv, ocsf, asff, sarif (repeat; default: html).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Directory for the files (default: DATA/reports).")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(help="fail, unknown, pass, not_applicable (default: fail, unknown)."),
    ] = None,
    severity: Severities = None,
    services: Services = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
) -> None:
    """Write reports of a scan and print its summary."""
    from partywall.cli.results import Chosen, write_reports

    chosen = Chosen(
        data,
        scan,
        words(status) or ("fail", "unknown"),
        words(severity),
        words(services),
        (),
        (),
        tuple(checks_dir or ()),
        config,
    )
    write_reports(chosen, words(format) or ("html",), output)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="The earlier scan.")] = "previous",
    after: Annotated[str, typer.Argument(help="The later scan.")] = "latest",
    data: Data = DEFAULT_DATA,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
    format: AsListing = Listing.TABLE,
) -> None:
    """Show what changed between two scans."""
    from partywall.cli.results import show_diff

    show_diff(data, before, after, tuple(checks_dir or ()), config, format.value)


@app.command()
def scans(data: Data = DEFAULT_DATA, format: AsListing = Listing.TABLE) -> None:
    """List the scans that are kept, and those that were interrupted."""
    from partywall.cli.results import show_scans

    show_scans(data, format.value)


@app.command()
def policy(
    services: Services = None,
    checks: CheckIds = None,
    severity: Severities = None,
    tables: Annotated[list[str] | None, typer.Option(help="Tables collected in full too.")] = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
    format: Annotated[
        PolicyFormat, typer.Option(help="json, cloudformation or terraform.")
    ] = PolicyFormat.JSON,
) -> None:
    """Print the least IAM policy that the selected scan needs."""
    from partywall.cli.policy import show

    show(
        words(services),
        words(checks),
        words(severity),
        words(tables),
        tuple(checks_dir or ()),
        config,
        format.value,
    )


@app.command()
def send(
    target: Annotated[str, typer.Argument(help="Where to: security-hub.")],
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    profile: Annotated[str | None, typer.Option(help="Named profile.", envvar="AWS_PROFILE")] = None,
    role_arn: Annotated[
        list[str] | None, typer.Option(help="Role to assume in each account that findings go to.")
    ] = None,
    external_id: Annotated[str | None, typer.Option(help="External id for the roles.")] = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
) -> None:
    """Send the findings of a scan elsewhere (writes to AWS Security Hub; all else here only reads)."""
    from partywall.cli.sending import run

    raise typer.Exit(
        run(target, data, scan, profile, words(role_arn), external_id, tuple(checks_dir or ()), config)
    )


for command in (line, compliance, matrix, oscal, detect, incidents):
    app.command()(command)
app.add_typer(attack, name="attack-paths")
app.add_typer(attest, name="attest")
app.add_typer(detections, name="detections")
app.add_typer(evidence, name="evidence")
app.add_typer(iam, name="iam")
app.add_typer(network, name="network")
app.add_typer(trail, name="trail")
