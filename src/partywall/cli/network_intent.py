"""`partywall network intent`: a file of sentences held against the network of a scan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.options import DEFAULT_DATA, AsListing, ConfigFile, Data, Listing, ScanName
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.analysis.network.intent import Intents
    from partywall.analysis.network.intent_held import Held, Holder

_SHOWN = 8


def intent_command(
    file: Annotated[
        Path | None,
        typer.Argument(help="YAML: places and intents (default: those of partywall.yaml, or of the scan)."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell how to write one; with a file, what it stands for.")
    ] = False,
    config: ConfigFile = None,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsListing = Listing.TABLE,
) -> None:
    """Hold a file of intents against the network: exits with 1 where one is breached or not known."""
    from partywall.analysis.network.intent import GRAMMAR
    from partywall.cli.network import print_lines, study_of

    if explain and file is None:
        print_lines(GRAMMAR.splitlines())
        return
    intents = _intents(file, config, data, scan)
    from partywall.analysis.network.intent_held import Holder

    holder = Holder(study_of(data, scan), intents)
    if explain:
        print_lines(line for each in intents.intents for line in _explained(holder, each.text))
        return
    held = list(holder.all())
    if format is Listing.JSON:
        from partywall.cli.console import print_json

        print_json([_row(holder, each) for each in held])
    else:
        print_lines(line for each in held for line in _lines(holder, each))
        states = [each.state for each in held]
        counts = [f"{states.count(s)} {s}" for s in ("kept", "breached", "unknown") if s in states]
        print_lines([", ".join(counts)])
    if any(each.state != "kept" for each in held):
        raise typer.Exit(1)


def _intents(file: Path | None, config: Path | None, data: Path, scan: str) -> Intents:
    """The intents of a file, else of the configuration, else those that the scan was given."""
    from partywall.analysis.network.intent import Intents, read
    from partywall.config import load
    from partywall.lake.snapshot import DataDirectory, read_manifest

    if file is not None:
        return read(file)
    found = load(config).intents
    if found is None:
        found = Intents.of(read_manifest(DataDirectory(data).resolve(scan)).intents)
    if not found.intents:
        raise UserError(
            "neither partywall.yaml nor the scan has intents: name a file of them (how to write one:"
            " partywall network intent --explain)"
        )
    return found


def _lines(holder: Holder, held: Held) -> list[str]:
    from partywall.analysis.network.words import services_text

    lines = [
        f"{held.state}: {held.intent.text}" + (f"  (line {held.intent.line})" if held.intent.line else "")
    ]
    if held.because:
        lines.append(f"  {held.because}")
    lines += [f"  {i}. {hop}" for i, hop in enumerate(held.hops, 1)]
    if held.state == "breached" and len(held.breaches) > 1:
        for each in held.breaches[1:_SHOWN]:
            told = "reaches" if each.services else "does not reach"
            on = f" on {services_text(each.services)}" if each.services else ""
            more = f" ({each.alike} more alike)" if each.alike else ""
            lines.append(f"  also: {holder.title(each.source)} {told} {holder.title(each.target)}{on}{more}")
        if len(held.breaches) > _SHOWN:
            lines.append(f"  and {len(held.breaches) - _SHOWN} more")
    if held.state == "unknown":
        calls = dict.fromkeys(
            f"{c['operation']}"
            + (f" in {c['region']}" if c["region"] else "")
            + (f": {c['code']}" if c["code"] else "")
            for c in held.failed
            if c["operation"] and not c["operation"].startswith("partywall:")
        )
        lines += [f"  not read: {call}" for call in calls]
    return lines


def _row(holder: Holder, held: Held) -> dict[str, Any]:
    from partywall.analysis.network.intent_table import breach_row

    intent = held.intent
    return {
        "intent": intent.text,
        "line": intent.line,
        "state": held.state,
        "because": held.because,
        "breaches": [breach_row(holder, each) for each in held.breaches],
        "path": list(held.hops),
        "not_read": list(held.failed),
    }


def _explained(holder: Holder, text: str) -> list[str]:
    """A sentence in other words, and what each of its places stands for in the scan."""
    from partywall.analysis.network.intent import parse
    from partywall.analysis.network.words import services_text

    intent = parse(text)
    ports = "any protocol and port" if not intent.on else services_text(intent.services)
    told = {
        "no": f"nothing of {intent.source} may get through to {intent.target} on {ports}",
        "must": f"each of {intent.source} must reach {'each' if intent.every else 'one'} of {intent.target}"
        f" on {ports}",
        "may": f"{intent.source} may reach {intent.target} on {ports}"
        + (
            f"; any other that reaches {intent.target}, or another port of it, is a breach"
            if intent.only
            else "; by itself this is never breached: add '; nothing else may' to one line about "
            + intent.target
        ),
    }
    lines = [intent.text, f"  {told[intent.kind]}"]
    for side, is_target in ((intent.source, False), (intent.target, True)):
        try:
            places = holder.named(side, target=is_target)
        except UserError as error:
            lines.append(f"  {side}: {error}")
            continue
        names = list(dict.fromkeys(map(holder.title, places)))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        lines.append(f"  {side}: {', '.join(names[:_SHOWN])}{more}")
    return lines
