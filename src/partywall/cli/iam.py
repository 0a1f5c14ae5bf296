"""`partywall iam`: who can do what, with the whole evaluation told."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli import iam_paths, iam_policies, iam_shrink
from partywall.cli.iam_options import Files, Keys, Strict
from partywall.cli.options import DEFAULT_DATA, AsListing, Data, Listing, ScanName
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.analysis.iam.context import Context
    from partywall.analysis.iam.evaluate import Decision, Policies
    from partywall.analysis.iam.request import Request
    from partywall.analysis.iam.world import Answer, World

iam = typer.Typer(
    help="Who can do what: AWS authorization evaluated over the last scan, or over files.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
iam_policies.register(iam)
iam_shrink.register(iam)
iam_paths.register(iam)


class Expected(StrEnum):
    """What a decision is expected to be."""

    ALLOWED = "allowed"
    DENIED = "denied"


@iam.command("can")
def can(
    principal: Annotated[str, typer.Argument(help="ARN, account id, service, * or a name: user/bob.")],
    action: Annotated[str, typer.Argument(help="Such as s3:GetObject.")],
    resource: Annotated[
        list[str] | None, typer.Argument(help="ARNs; several where the action needs several.")
    ] = None,
    context: Keys = None,
    expect: Annotated[
        Expected | None, typer.Option(help="Exit with 1 where the decision is another (open ones are).")
    ] = None,
    from_file: Files = None,
    strict: Strict = False,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsListing = Listing.TABLE,
) -> None:
    """Tell whether a principal may do an action on a resource, and how AWS comes to it, layer by layer."""
    from partywall.analysis.iam.actions import known

    world = _world(from_file, strict, data, scan)
    answer = world.can(principal, known(action).name, resource or [], _context(context))
    record = _record(answer, world)
    if format is Listing.JSON:
        from partywall.cli.console import print_json

        print_json(record)
    else:
        _tell(record)
    if expect is not None:
        told = record["outcome"]
        if expect is Expected.ALLOWED and told != "allowed":
            raise typer.Exit(1)
        if expect is Expected.DENIED and "denied" not in told:
            raise typer.Exit(1)


@iam.command("who-can")
def who_can(
    action: Annotated[str, typer.Argument(help="Such as s3:GetObject.")],
    resource: Annotated[list[str] | None, typer.Argument(help="ARNs.")] = None,
    context: Keys = None,
    from_file: Files = None,
    strict: Strict = False,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsListing = Listing.TABLE,
) -> None:
    """List everyone who may do an action on a resource, outsiders whom its policy names included."""
    from partywall.analysis.iam.actions import known

    world = _world(from_file, strict, data, scan)
    rows = [
        {
            "principal": g.principal.arn or "* (anonymous)",
            "outcome": str(g.answer.outcome),
            "outsider": g.outsider,
            "open": [o for part in g.answer.parts for o in _open(part[1], part[2])],
        }
        for g in world.who_can(known(action).name, resource or [], _context(context))
    ]
    _list(rows, ("principal", "outcome", "outsider", "open"), format, world)


@iam.command("what-can")
def what_can(
    principal: Annotated[str, typer.Argument(help="ARN, account id, or a name: user/bob.")],
    from_file: Files = None,
    strict: Strict = False,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsListing = Listing.TABLE,
) -> None:
    """List what a principal may do: actions and resources, with the statements that allow it."""
    world = _world(from_file, strict, data, scan)
    rows: list[dict[str, Any]] = [
        {
            "action": r.action,
            "resource": r.resource,
            "outcome": str(r.outcome),
            "statements": [s.label for s in r.statements],
            "except": [s.label for s in r.exceptions],
            "open": _open(None, r.decision),
        }
        for r in world.what_can(principal)
    ]
    if format is Listing.TABLE:
        rows = _by_service(rows)
        _list(rows, ("service", "actions", "resource", "outcome", "statements", "except"), format, world)
    else:
        _list(rows, (), format, world)


def _world(files: list[Path] | None, strict: bool, data: Path, scan: str) -> World:
    if files:
        from partywall.analysis.iam import gaad

        return gaad.load(files, strict=strict)
    from partywall.analysis.iam import scan_world
    from partywall.analysis.policy import FACTS
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data).resolve(scan)
    with explained(directory):
        return scan_world.load(Lake(directory, FACTS))


def _context(given: list[str] | None) -> Context:
    from partywall.analysis.iam.context import Context

    values: dict[str, list[str]] = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UserError(f"{text!r} is no key of a context: write --context aws:SourceIp=192.0.2.1")
        values.setdefault(key.strip(), []).append(value)
    return Context(values)


def _record(answer: Answer, world: World) -> dict[str, Any]:
    return {
        "outcome": str(answer.outcome),
        "decisions": [_decision(*part) for part in answer.parts],
        "notes": list(answer.notes),
        "assumptions": world.assumptions,
    }


def _decision(request: Request, policies: Policies, decision: Decision) -> dict[str, Any]:
    from partywall.analysis.iam.evaluate import Outcome

    words = {True: "allows", False: "does not allow", None: "open"}
    if decision.outcome is Outcome.EXPLICITLY_DENIED:
        words[False] = "denies"
    steps = [
        {
            "layer": str(step.layer),
            "result": words[step.result],
            "statements": [s.label for s in step.statements],
        }
        for step in decision.steps
    ]
    return {
        "principal": request.principal.arn or "* (anonymous)",
        "action": request.action,
        "resource": request.resource.arn,
        "outcome": str(decision.outcome),
        "steps": steps,
        "open": _open(policies, decision),
        "unread": sorted(str(layer) for layer in policies.unread),
    }


def _open(policies: Policies | None, decision: Decision) -> list[str]:
    """What is left open, a line each: the statement, its effect, and under which conditions it applies."""
    found: list[str] = []
    for residual in decision.residual:
        if residual.statement is None:
            found.append(residual.note)
            continue
        effect = "allows" if residual.statement.allow else "denies"
        why = " and ".join(str(c) for c in residual.conditions) or residual.note or "its resource is open"
        found.append(f"{residual.statement.label} {effect} if {why}")
    if policies is not None and decision.may:
        told = {f"the {layer} could not be read" for layer in policies.unread}
        found += sorted(told - set(found)) if not decision.must else []
    return list(dict.fromkeys(found))


def _plain(value: Any) -> str:
    """A cell without what a terminal would obey: names and Sids come from the account."""
    text = "; ".join(value) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return "".join(c if c.isprintable() else "?" for c in text)


def _tell(record: dict[str, Any]) -> None:
    several = len(record["decisions"]) > 1
    if several:
        print(f"{record['outcome'].upper()} over {len(record['decisions'])} resources")
    for decision in record["decisions"]:
        print(
            _plain(
                f"{decision['outcome'].upper()}: {decision['principal']} {decision['action']}"
                f" {decision['resource']}"
            )
        )
        for number, step in enumerate(decision["steps"], 1):
            by = f" by {_plain(step['statements'])}" if step["statements"] else ""
            print(f"  {number}. {step['layer']}: {step['result']}{by}")
        for line in decision["open"]:
            print(f"  open: {_plain(line)}")
    for line in record["notes"]:
        print(f"note: {_plain(line)}")
    for line in record["assumptions"]:
        print(f"assumed: {_plain(line)}")


def _list(rows: list[dict[str, Any]], columns: tuple[str, ...], form: Listing, world: World) -> None:
    from partywall.cli.console import console, grid, print_json

    if form is Listing.JSON:
        print_json({"rows": rows, "assumptions": world.assumptions})
        return
    table = grid(*columns)
    for row in rows:
        table.add_row(*(_plain(row[c]) for c in columns))
    console().print(table)
    for line in world.assumptions:
        print(f"assumed: {_plain(line)}", file=sys.stderr)


def _by_service(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of single actions as rows of a service's actions that share all else."""
    from partywall.analysis.iam.actions import service_actions

    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        service = row["action"].partition(":")[0]
        key = (service, row["resource"], row["outcome"], _plain(row["statements"]), _plain(row["except"]))
        groups.setdefault(key, []).append(row)
    found: list[dict[str, Any]] = []
    for (service, *_), members in groups.items():
        names = [m["action"].partition(":")[2] for m in members]
        total = len(service_actions(service))
        told = names if len(names) <= 5 else [f"{len(names)} of {total}"]
        found.append({**members[0], "service": service, "actions": ", ".join(told)})
    return found
