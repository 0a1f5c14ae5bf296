"""`partywall evidence`: verify scans, AWS's reports, the state over a period, packs for auditors."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.options import ChecksDirs, ConfigFile, Data, ScanName, day

if TYPE_CHECKING:
    from partywall.evidence.fetch import Terms

evidence = typer.Typer(
    help="Evidence for auditors: what was answered, that nothing was changed since, and packs of it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
artifact = typer.Typer(
    help="AWS's own compliance reports and agreements, as AWS Artifact lists them.",
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
)
evidence.add_typer(artifact, name="artifact")


class Form(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


AsForm = Annotated[Form, typer.Option("--format", help="table, csv or json.")]
PublicKey = Annotated[
    Path | None, typer.Option("--public-key", help="PEM file of the key that must have signed the seal.")
]
_DATA = Path("partywall-data")


@evidence.command("verify")
def verify(
    scan: ScanName = "latest",
    every: Annotated[bool, typer.Option("--all", help="Every scan of the data directory.")] = False,
    public_key: PublicKey = None,
    judge: Annotated[
        bool, typer.Option("--judge/--no-judge", help="Judge every verdict again from the answers kept.")
    ] = True,
    checks_dir: ChecksDirs = None,
    format: Annotated[Form, typer.Option(help="table or json.")] = Form.TABLE,
    data: Data = _DATA,
) -> None:
    """Verify that nothing was changed: hashes, seals, every verdict again from the evidence."""
    from partywall.cli.console import print_json
    from partywall.evidence.signing import read_public_key
    from partywall.evidence.verify import verify as check
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data)
    trusted = read_public_key(public_key) if public_key else None
    places = [directory.scans / n for n in directory.published()] if every else [directory.resolve(scan)]
    if not places:
        directory.resolve()
    results = [
        check(directory, place, trusted=trusted, again=judge, checks_dirs=checks_dir or ())
        for place in places
    ]
    if format is Form.JSON:
        print_json([_verified(result) for result in results])
    else:
        for result in results:
            _print_verified(result)
    raise typer.Exit(int(not all(result.sound for result in results)))


@evidence.command("key")
def key(
    file: Annotated[Path, typer.Argument(help="Where to write the private key; FILE.pub beside it.")],
) -> None:
    """Make an ed25519 key pair to sign scans with: partywall scan --sign-key FILE."""
    from partywall.evidence.signing import new_key

    public = new_key(file)
    print(f"private key in {file} (keep it where those who can change scans cannot read it)")
    print(f"public key in {public} (give it to whoever verifies)")


@evidence.command("period")
def period(
    first: Annotated[str, typer.Option("--from", help="The period's first day, such as 2026-01-01.")],
    last: Annotated[str, typer.Option("--to", help="Its last day.")],
    framework: Annotated[
        str | None, typer.Option(help="The requirements of a framework (default: every check).")
    ] = None,
    gap: Annotated[int, typer.Option(help="Days that a scan speaks of; beyond, nothing was observed.")] = 7,
    sample: Annotated[
        int | None, typer.Option(help="Draw this many resources for each check, as CSV.")
    ] = None,
    seed: Annotated[str, typer.Option(help="With --sample: the same seed draws the same resources.")] = "",
    format: AsForm = Form.TABLE,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
    data: Data = _DATA,
) -> None:
    """Show how checks or requirements stood over a period, with the times that nobody looked."""
    from partywall.cli.period import run

    run(
        data,
        (day(first, "--from"), day(last, "--to")),
        framework,
        gap,
        sample,
        seed,
        format.value,
        output,
        tuple(checks_dir or ()),
        config,
    )


@evidence.command("pack")
def pack(
    framework: Annotated[str, typer.Option(help="The framework, such as pci.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The zip file to write.")],
    first: Annotated[
        str | None, typer.Option("--from", help="Tell of a period too, from this day on.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="The period's last day.")] = None,
    gap: Annotated[int, typer.Option(help="Days that a scan speaks of; beyond, nothing was observed.")] = 7,
    scope: Annotated[
        str, typer.Option(help="enabled: Regions that were not scanned count; scanned: only those that were.")
    ] = "enabled",
    sign_key: Annotated[
        str | None,
        typer.Option(help="Sign the pack: a PEM file, or kms:KEY_ARN.", envvar="PARTYWALL_SIGN_KEY"),
    ] = None,
    scan: ScanName = "latest",
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
    data: Data = _DATA,
) -> None:
    """Write one zip for an auditor: a page to read, tables, evidence, seals, a script that verifies it."""
    from partywall.cli.period import write_pack
    from partywall.errors import UserError

    if scope not in ("enabled", "scanned"):
        raise UserError(f"--scope is enabled or scanned, not {scope!r}")
    days = None
    if first is not None or last is not None:
        if first is None or last is None:
            raise UserError("a period has two ends: give --from and --to")
        days = (day(first, "--from"), day(last, "--to"))
    write_pack(
        data,
        scan,
        framework,
        output,
        days,
        gap,
        sign_key,
        tuple(checks_dir or ()),
        config,
        scanned_only=scope == "scanned",
    )


@artifact.callback()
def reports(
    context: typer.Context,
    scan: ScanName = "latest",
    stale_after: Annotated[int, typer.Option(help="Months after which a report's period is stale.")] = 12,
    format: AsForm = Form.TABLE,
    data: Data = _DATA,
) -> None:
    """List AWS's compliance programmes with the report that is in force, and the accounts' agreements."""
    if context.invoked_subcommand is None:
        from partywall.cli.artifact import show

        show(data, scan, stale_after, format.value)


@artifact.command("fetch")
def fetch(
    report: Annotated[str, typer.Argument(help="The report's id, such as report-0123456789abcdef.")],
    version: Annotated[int | None, typer.Option(help="Its version (default: the latest).")] = None,
    accepted_by: Annotated[
        str, typer.Option(help="Who accepts the terms (asked for where it is not given).")
    ] = "",
    accept_terms: Annotated[
        str,
        typer.Option(
            help="The sha256 of the terms that were read and accepted (else asked in the terminal)."
        ),
    ] = "",
    terms: Annotated[
        Path | None, typer.Option(help="Write the terms here, to be read before they are accepted.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Keep the report here; else only its hash is.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Named profile.", envvar="AWS_PROFILE")] = None,
    role_arn: Annotated[str | None, typer.Option(help="Role to assume.")] = None,
    external_id: Annotated[str | None, typer.Option(help="External id for the role.")] = None,
    data: Data = _DATA,
) -> None:
    """Fetch a report whose terms a person accepts; what is kept of it is its hash, size and name."""
    from partywall.cli.artifact import fetch_report

    fetch_report(
        data,
        report,
        version,
        lambda asked: _accepted(asked, accepted_by, accept_terms, terms),
        output,
        profile,
        role_arn,
        external_id,
    )


def _accepted(asked: Terms, person: str, known: str, file: Path | None) -> str:
    """The person who accepts the terms: by naming the very terms, or by answering in a terminal."""
    from partywall.errors import UserError
    from partywall.lake.writer import write_error
    from partywall.outputs.text import visible

    if file is not None:
        try:
            file.write_bytes(asked.document)
        except OSError as error:
            raise write_error(file, error) from error
    print(f"{visible(asked.name)} ({asked.report}, version {asked.version})")
    print(f"its terms: sha256 {asked.sha256}, {asked.size:,} bytes" + (f", in {file}" if file else ""))
    if known:
        if known.lower() != asked.sha256:
            raise UserError(f"the terms are not those that --accept-terms names: theirs is {asked.sha256}")
        if not person:
            raise UserError("say with --accepted-by who accepts the terms")
        return person
    if not sys.stdin.isatty():
        raise UserError(
            f"a person must accept the terms: read them (--terms FILE), then run in a terminal, or give"
            f" --accepted-by NAME --accept-terms {asked.sha256}"
        )
    if not typer.confirm("Have you read the terms, and do you accept them?", default=False):
        return ""
    return person or typer.prompt("Your name")


def _verified(result: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(result), "sound": result.sound}


def _print_verified(result: Any) -> None:
    from partywall.cli.console import console
    from partywall.outputs.text import plural, visible

    screen = console()
    counted = [
        plural(result.files, "file"),
        plural(result.rows, "answer"),
        plural(result.verdicts, "verdict"),
    ]
    signed = f", signed by {result.signed_by[:16]}…" if result.signed_by else ""
    if result.sound:
        screen.print(f"{result.scan}: sound{signed} ({', '.join(counted)})", style="green")
    else:
        problems = plural(len(result.problems), "problem")
        screen.print(f"{result.scan}: {problems} ({', '.join(counted)} looked at)", style="bold red")
    for problem in result.problems:
        screen.print(f"  {problem.kind}: {visible(problem.where)}: {visible(problem.what)}")
    for note in result.notes:
        screen.print(f"  note: {note}")
