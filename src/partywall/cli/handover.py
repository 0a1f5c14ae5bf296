"""`partywall matrix` and `partywall oscal`: what is handed over to customers, auditors and their tools."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partywall.cli.options import ChecksDirs, ConfigFile, Data, ScanName, day
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.config import Config
    from partywall.frameworks.assess import Compliance


class Form(StrEnum):
    """How the matrix is written."""

    XLSX = "xlsx"
    CSV = "csv"


class Kind(StrEnum):
    """Which OSCAL documents are written."""

    COMPONENT_DEFINITION = "component-definition"
    SSP = "ssp"
    ASSESSMENT_RESULTS = "assessment-results"
    POAM = "poam"
    ALL = "all"


Account = Annotated[str, typer.Option(help="One account (default: all of the scan together).")]
Scope = Annotated[
    str, typer.Option(help="Which Regions must be known: all that are enabled, or those scanned.")
]
AsOf = Annotated[
    str | None, typer.Option(help="Day on which attestations and reports must hold (default: today).")
]
FrameworksDirs = Annotated[
    list[Path] | None, typer.Option(help="Directory with frameworks of your own (repeat).")
]
_DATA = Path("partywall-data")


def matrix(
    framework: Annotated[
        str | None, typer.Argument(help="A framework: pci, hipaa, nist … (default: all in one table).")
    ] = None,
    format: Annotated[Form, typer.Option(help="xlsx or csv.")] = Form.XLSX,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write (csv: standard output without it).")
    ] = None,
    sheet: Annotated[
        str, typer.Option(help="With csv: requirements, services, resources, checks or about.")
    ] = "requirements",
    data: Data = _DATA,
    scan: ScanName = "latest",
    account: Account = "*",
    scope: Scope = "enabled",
    as_of: AsOf = None,
    frameworks_dir: FrameworksDirs = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
) -> None:
    """Write the customer responsibility matrix: who answers for what, and how it stands."""
    from partywall.evidence import poam
    from partywall.frameworks.loader import find
    from partywall.outputs.matrix import matrix as sheets_of
    from partywall.outputs.workbook import write_csv, write_xlsx

    if format is Form.XLSX and output is None:
        raise UserError("a workbook needs a file: partywall matrix pci -o matrix.xlsx")
    compliance, configuration = _opened(data, scan, account, scope, as_of, frameworks_dir, checks_dir, config)
    frameworks = compliance.frameworks
    chosen = [find(frameworks, framework)] if framework else list(frameworks.values())
    sheets = sheets_of(compliance, chosen, configuration, poam.load(data), account)
    manifest = compliance.lake.manifest
    if format is Form.XLSX and output is not None:
        footer = f"partywall, scan {manifest.id}, as of {compliance.today}"
        for note in write_xlsx(sheets, output, manifest.started_at, footer):
            print(f"partywall: {note}", file=sys.stderr)
        print(output)
        return
    names = {s.name.casefold(): s for s in sheets}
    if sheet.casefold() not in names:
        raise UserError(f"--sheet is one of {', '.join(names)}, not {sheet!r}")
    if output is None:
        write_csv(names[sheet.casefold()], sys.stdout)
    else:
        try:
            # The mark at the beginning tells spreadsheets that it is UTF-8.
            with output.open("w", encoding="utf-8-sig", newline="") as stream:
                write_csv(names[sheet.casefold()], stream)
        except OSError as error:
            raise UserError(f"cannot write {output}: {error.strerror or error}") from error
    for limit in compliance.limits():
        print(f"partywall: {limit}", file=sys.stderr)


def oscal(
    framework: Annotated[
        str, typer.Argument(help="A framework: nist, pci, hipaa, iso27001 …")
    ] = "nist-800-53-r5",
    kind: Annotated[list[Kind] | None, typer.Option(help="Which documents (repeat; default: all).")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the files.")] = Path("oscal"),
    data: Data = _DATA,
    scan: ScanName = "latest",
    account: Account = "*",
    scope: Scope = "enabled",
    as_of: AsOf = None,
    frameworks_dir: FrameworksDirs = None,
    checks_dir: ChecksDirs = None,
    config: ConfigFile = None,
) -> None:
    """Write OSCAL documents: components, system security plans, assessment results, plan of action."""
    from partywall.evidence import poam
    from partywall.frameworks.loader import find
    from partywall.oscal.export import KINDS, documents, write
    from partywall.outputs.handover import Handover

    compliance, configuration = _opened(data, scan, account, scope, as_of, frameworks_dir, checks_dir, config)
    items = poam.load(data)
    book = Handover(compliance, find(compliance.frameworks, framework), configuration, items, account)
    asked = {k.value for k in kind or [Kind.ALL]}
    kinds = KINDS if "all" in asked else tuple(asked)
    found = documents(book, items, kinds)
    for path in write(found, output):
        print(path)
    notes = compliance.limits()
    if "poam" in kinds and "poam.json" not in found:
        notes.append("There is no poam.json: no requirement fails and nothing is planned.")
    for note in notes:
        print(f"partywall: {note}", file=sys.stderr)


def _opened(
    data: Path,
    scan: str,
    account: str,
    scope: str,
    as_of: str | None,
    frameworks_dir: list[Path] | None,
    checks_dir: list[Path] | None,
    config: Path | None,
) -> tuple[Compliance, Config]:
    """The scan judged, and the configuration. Raises UserError for what does not exist."""
    from partywall.config import load
    from partywall.frameworks.assess import open_compliance

    if scope not in ("enabled", "scanned"):
        raise UserError(f"--scope is enabled or scanned, not {scope!r}")
    compliance = open_compliance(
        data,
        scan,
        frameworks_dirs=tuple(frameworks_dir or ()),
        checks_dirs=tuple(checks_dir or ()),
        config=config,
        today=day(as_of, "--as-of") if as_of else None,
        scanned_only=scope == "scanned",
    )
    if account != "*" and account not in compliance.accounts:
        raise UserError(f"the scan has no account {account!r}; it has {', '.join(compliance.accounts)}")
    return compliance, load(config, data)
