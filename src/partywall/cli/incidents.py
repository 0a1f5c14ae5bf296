"""`partywall incidents`: attack stories, one by one, with their timeline and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.options import DEFAULT_DATA, AsListing, Data, Listing

if TYPE_CHECKING:
    from pathlib import Path

    from partywall.detections.incidents.incident import Incident


def incidents(
    name: Annotated[
        str | None,
        typer.Argument(help="An incident's id, or its beginning, to see it whole.", metavar="[ID]"),
    ] = None,
    data: Data = DEFAULT_DATA,
    every: Annotated[bool, typer.Option("--all", help="List resolved ones, too.")] = False,
    resolve: Annotated[
        str | None, typer.Option(help="Close it, with this reason; it reopens if it grows.")
    ] = None,
    format: AsListing = Listing.TABLE,
) -> None:
    """List incidents, latest first; with an id its timeline, why it is one, and commands to contain it."""
    from partywall.detections.incidents.join import stored
    from partywall.errors import UserError

    found = stored(data)
    if name is None:
        if resolve is not None:
            raise UserError("--resolve closes one incident: name its id")
        _list([each for each in found if every or each.state != "resolved"], format.value)
        return
    matching = [each for each in found if each.id == name] or [e for e in found if e.id.startswith(name)]
    if len(matching) != 1:
        fault = "no incident has" if not matching else "several incidents have"
        raise UserError(f"{fault} an id that begins with {name!r}: partywall incidents lists them")
    if resolve is not None:
        _resolve(matching[0], resolve, data)
        return
    _whole(matching[0], data, format.value)


def _list(found: list[Incident], form: str) -> None:
    from dataclasses import asdict

    from partywall.cli.console import console, grid, print_json
    from partywall.cli.threats import STYLES, moment
    from partywall.outputs.text import visible

    if form == "json":
        print_json([asdict(each) for each in found])
        return
    screen = console()
    if not found:
        screen.print("no incident")
        return
    table = grid("id", "severity", "state", "first (UTC)", "last (UTC)", "events", "title", right=(5,))
    for each in found:
        table.add_row(
            each.id,
            each.severity,
            each.state,
            moment(each.first_seen),
            moment(each.last_seen),
            f"{each.events:,}",
            visible(each.title),
            style=STYLES[each.severity] if each.severity in ("critical", "high") else "",
        )
    screen.print(table)


def _resolve(incident: Incident, reason: str, data: Path) -> None:
    from partywall.cli.console import console
    from partywall.detections.run.store import DetectionStore
    from partywall.errors import UserError

    if not reason.strip():
        raise UserError("--resolve needs a reason: what the incident turned out to be")
    store = DetectionStore(data)
    try:
        store.resolve([incident.id], reason.strip(), datetime.now(UTC))
    finally:
        store.close()
    console().print(f"{incident.id} is resolved; it reopens if it grows")


def _whole(incident: Incident, data: Path, form: str) -> None:
    from dataclasses import asdict

    from partywall.cli.console import console, print_json
    from partywall.cli.threats import print_incident
    from partywall.detections.incidents.timeline import timeline
    from partywall.detections.run.pipeline import threats
    from partywall.detections.run.steps import steps
    from partywall.outputs.text import visible

    wanted = set(incident.detections)
    detections = [kept.detection for kept in threats(data).detections if kept.detection.id in wanted]
    moments = timeline(data, detections)
    books = steps(detections, incident.playbooks)
    if form == "json":
        print_json(
            {
                **asdict(incident),
                "timeline": moments,
                "evidence": [{**asdict(each), "facts": dict(each.facts)} for each in detections],
                "playbook": [asdict(each) for each in books],
            }
        )
        return
    screen = console()
    print_incident(incident)
    screen.print(f"\ntied together by: {', '.join(incident.links) or 'one detection'}")
    screen.print("\ntimeline", style="bold")
    screen.print(_timeline(moments))
    for book in books:
        screen.print(f"\n{book.title}", style="bold")
        for part in ("contain", "investigate", "recover"):
            screen.print(f"  {part}")
            for line in getattr(book, part):
                screen.print(f"    - {visible(line)}")


def _timeline(moments: list[dict[str, Any]]) -> Any:
    from partywall.cli.console import grid
    from partywall.outputs.text import clip, visible

    table = grid("time (UTC)", "call", "error", "principal", "from", "found as")
    for each in moments:
        table.add_row(
            each["time"].strftime("%m-%d %H:%M:%S"),
            clip(visible(each["call"]), 44),
            clip(visible(each["error"]), 24),
            clip(visible(each["who"]), 40),
            clip(visible(each["address"]), 39),
            visible("; ".join(each["found"])),
        )
    return table
