"""`partywall iam shrink`: what a principal used of what it may do, as a policy in the place of its own.

Reads only: prints the policy on the output, what changes on the error output. Exit codes: 0 a policy was
made, 2 the evidence does not suffice (the sentence says what is lacking) or something cannot be read.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.iam_options import Files
from partywall.cli.options import DEFAULT_DATA, Data, ScanName
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.analysis.iam.principal import Principal
    from partywall.analysis.iam.shrink import Shrunk
    from partywall.analysis.iam.shrink_evidence import Report
    from partywall.analysis.iam.world import World


class Shape(StrEnum):
    """What the policy is written for."""

    JSON = "json"
    CFN = "cfn"
    TERRAFORM = "terraform"


def register(app: typer.Typer) -> None:
    """Adds the command to the `iam` group."""
    app.command("shrink")(shrink)


def shrink(
    principal: Annotated[str, typer.Argument(help="A user or role: ARN or name, such as role/deploy.")],
    events: Annotated[
        list[Path] | None,
        typer.Option("--events", help="CloudTrail's files, or a directory of them (repeat)."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what was used since: a day (2026-10-01) or a time (90d).")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="An action or pattern to keep, used or not (repeat).")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="An action or pattern known to be unused (repeat).")
    ] = None,
    keep_unknown: Annotated[
        bool, typer.Option("--keep-unknown", help="Keep whatever no evidence speaks of.")
    ] = False,
    inline: Annotated[
        bool, typer.Option("--inline", help="One inline policy, in place of managed ones.")
    ] = False,
    format: Annotated[Shape, typer.Option(help="json, cfn or terraform.")] = Shape.JSON,
    from_file: Files = None,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
) -> None:
    """Print the policy that allows what a user or role used, and nothing beyond what it may do now."""
    import json

    from partywall.analysis.iam.shrink import shrink as made
    from partywall.analysis.iam.shrink_evidence import Evidence
    from partywall.analysis.iam.usage import read

    moment = _since(since)
    world, report = _world(principal, from_file, data, scan)
    who = world.principal(principal)
    identity = world.identity(who)
    arn = identity.principal.arn if identity else who.arn
    usage = read(events, arn, moment) if events else None
    evidence = Evidence(usage, report(who), tuple(keep or ()), tuple(drop or ()), keep_unknown, since=moment)
    kind = "user" if ":user/" in arn else "role"
    result = made(world, who, evidence, kind if inline else "managed")
    print(json.dumps(_shaped(result, kind, format), indent=2))
    for line in (*_told(result, evidence.usage), *(f"assumed: {a}" for a in world.assumptions)):
        print(_plain(line), file=sys.stderr)


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    if days := re.fullmatch(r"(\d{1,5})d", text):
        return datetime.now(UTC) - timedelta(days=int(days.group(1)))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--since {text!r} is no time: write a day such as 2026-10-01, or 90d") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _world(principal: str, files: list[Path] | None, data: Path, scan: str) -> tuple[World, Any]:
    """The world, and a function from a principal to the report of its last accesses."""
    if files:
        from partywall.analysis.iam import gaad

        return gaad.load(files), lambda _who: None
    from partywall.analysis.iam import scan_world
    from partywall.analysis.policy import FACTS
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data).resolve(scan)
    with explained(directory):
        lake = Lake(directory, FACTS)
        world = scan_world.load(lake)

    def report(who: Principal) -> Report | None:
        from partywall.analysis.iam.shrink_evidence import report_of
        from partywall.lake.source import literal
        from partywall.tables.registry import table

        identity = world.identity(who)
        arn = identity.principal.arn if identity else who.arn
        name = "iam_user" if ":user/" in arn else "iam_role"
        with explained(directory):
            stored = lake.source.stored(table(name), ["arn", "last_accessed"])
            rows = lake.arrow(f"SELECT last_accessed FROM ({stored}) WHERE arn = {literal(arn)}").to_pylist()
        return report_of(rows[0]["last_accessed"]) if rows else None

    return world, report


def _shaped(result: Shrunk, kind: str, shape: Shape) -> Any:
    from partywall.analysis.iam.shrink_render import cloudformation, terraform

    name = result.arn.rpartition("/")[2]
    if shape is Shape.CFN:
        return cloudformation(result.documents, kind, name)
    if shape is Shape.TERRAFORM:
        return terraform(result.documents, kind, name)
    return result.documents[0] if len(result.documents) == 1 else result.documents


def _told(result: Shrunk, usage: Any) -> list[str]:
    """What changes, a line each."""
    found = result.verdicts
    lines = [
        f"{result.arn}: {len(result.granted)} actions before, {len(found.kept)} after,"
        f" {len(result.narrowed)} of them on fewer resources; {len(result.documents)} documents"
    ]
    if usage is not None and usage.first and usage.last:
        lines.append(
            f"evidence: {usage.own} of {usage.events} events, {usage.first:%Y-%m-%d} to {usage.last:%Y-%m-%d}"
        )
    lines += [f"- {line}" for line in _by_service(found.unused)]
    lines += [f"~ {line} on fewer resources" for line in _by_service(result.narrowed)]
    reasons: dict[str, list[str]] = {}
    for action, why in found.whole.items():
        reasons.setdefault(why, []).append(action)
    for why, actions in sorted(reasons.items()):
        lines += [f"= {line} kept: {why}" for line in _by_service(actions)]
    return [*lines, *(f"note: {note}" for note in result.notes)]


def _by_service(actions: Any) -> list[str]:
    from partywall.analysis.iam.actions import service_actions
    from partywall.analysis.iam.shrink_render import action_name

    services: dict[str, list[str]] = {}
    for action in sorted(set(actions)):
        services.setdefault(action.partition(":")[0], []).append(action_name(action))
    return [
        ", ".join(names)
        if len(names) <= 4
        else f"{service}: {len(names)} of {len(service_actions(service))} actions"
        for service, names in services.items()
    ]


def _plain(text: str) -> str:
    """A line without what a terminal would obey: names come from the account and from files."""
    return "".join(c if c.isprintable() else "?" for c in text)
