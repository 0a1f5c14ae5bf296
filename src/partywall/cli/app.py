"""The commands and their options; each imports what it needs when it runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from partywall import __version__
from partywall.cli.attest import attest
from partywall.cli.evidence import evidence
from partywall.cli.handover import matrix, oscal

app = typer.Typer(
    name="partywall",
    help="Which side of the wall is it on: AWS's shared responsibility, proven on a real account.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: rich would double the time to the first line.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(attest, name="attest")
app.add_typer(evidence, name="evidence")
app.command()(matrix)
app.command()(oscal)


class Listing(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    JSON = "json"


class Rows(StrEnum):
    """How the rows of a query are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Findings(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class PolicyFormat(StrEnum):
    """How the IAM policy is written."""

    JSON = "json"
    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"


Data = Annotated[
    Path, typer.Option("--data", help="Directory that keeps the scans.", envvar="PARTYWALL_DATA")
]
ScanName = Annotated[
    str, typer.Option("--scan", help="Which scan: its id, its beginning, latest or previous.")
]
AsListing = Annotated[Listing, typer.Option("--format", help="table or json.")]
Services = Annotated[
    list[str] | None, typer.Option("--services", help="Only these services (repeat, or a,b,c).")
]
CheckIds = Annotated[
    list[str] | None,
    typer.Option("--checks", help="Only these checks: ids, globs, or SOURCE:ID such as prowler:s3_*."),
]
Severities = Annotated[list[str] | None, typer.Option("--severity", help="Only checks of these severities.")]
ChecksDirs = Annotated[
    list[Path] | None, typer.Option("--checks-dir", help="Directory with your own checks (repeat).")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Configuration file (default: ./partywall.yaml if there).")
]
DEFAULT_DATA = Path("partywall-data")


def words(values: list[str] | None) -> tuple[str, ...]:
    """Repeated and comma-separated option values as one tuple."""
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


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
    format: Annotated[Findings, typer.Option(help="table, csv or json.")] = Findings.TABLE,
) -> None:
    """List the findings of a scan, worst first."""
    from partywall.cli.results import Chosen, show_findings

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


@app.command()
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


@app.command()
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
