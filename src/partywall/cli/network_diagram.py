"""`partywall network diagram`: the VPCs of a scan as a map."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from partywall.cli.options import DEFAULT_DATA, Data, ScanName, words
from partywall.errors import UserError


def diagram_command(
    vpc: Annotated[list[str] | None, typer.Option(help="Only these VPCs: ids or names (repeat).")] = None,
    account: Annotated[list[str] | None, typer.Option(help="Only these accounts (repeat).")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File.html or File.svg (default: vpc-map.html).")
    ] = None,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
) -> None:
    """Draw a map: VPCs with zones, subnets, gateways and links, and what the internet reaches."""
    file = output or Path("vpc-map.html")
    if file.suffix not in (".html", ".svg"):
        raise UserError(f"--output is a file .html or .svg, not {file}")
    from partywall.analysis.network.diagram import map_of
    from partywall.cli.network import study_of
    from partywall.outputs.network_map import render, render_svg

    found = study_of(data, scan)
    drawn = map_of(found, words(vpc), words(account))
    if not drawn.boxes:
        raise UserError("there is no VPC with an interface or a link in this scan: name one with --vpc")
    started = found.lake.manifest.started_at.strftime("%Y-%m-%d %H:%M UTC")
    page = render_svg(drawn) if file.suffix == ".svg" else render(drawn, started)
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from error
    print(f"partywall: wrote {file}", file=sys.stderr)
