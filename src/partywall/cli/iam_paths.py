"""`partywall iam paths` and `graph`: who becomes an administrator, by which steps."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.iam_options import Files, Strict
from partywall.cli.options import DEFAULT_DATA, Data, ScanName
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.analysis.iam.escalation_study import Study, Way


class Form(StrEnum):
    """How paths are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Gate(StrEnum):
    """Which paths make the exit code 1; each takes in those before it."""

    CERTAIN = "certain"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


def register(app: typer.Typer) -> None:
    """Adds the commands to the `iam` group."""
    app.command("paths")(paths)
    app.command("graph")(graph)


def paths(
    to: Annotated[str, typer.Option("--to", help="admin, or whom to become: an ARN or a name.")] = "admin",
    start: Annotated[
        list[str] | None, typer.Option("--from", help="Only from these: ARNs or names, explained (repeat).")
    ] = None,
    fail_on: Annotated[
        Gate | None, typer.Option(help="Exit with 1 where there is such a path, or a surer one.")
    ] = None,
    chokes: Annotated[int, typer.Option(min=0, help="How many choke points to tell; 0: none.")] = 5,
    from_file: Files = None,
    strict: Strict = False,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: Annotated[Form, typer.Option("--format", help="table, json or csv.")] = Form.TABLE,
) -> None:
    """Find who becomes an administrator (or another principal), by which steps, and what cuts most paths.

    A path is certain where it hangs on nothing, possible where conditions are open, unknown where it hangs on
    what could not be read.
    """
    study = _study(from_file, strict, data, scan)
    world = study.reading.people.world
    goal = "" if to == "admin" else world.principal(to).arn
    chosen = {world.principal(name).arn for name in start or ()}
    ways = [way for way in study.ways(goal) if not chosen or way.principal in chosen]
    if format is Form.CSV:
        _csv(ways)
    else:
        record = _record(study, ways, to, chokes if not goal and not chosen else 0)
        if format is Form.JSON:
            from partywall.cli.console import print_json

            print_json(record)
        else:
            _tell(record, study, chosen, goal)
    gates = list(Gate)
    if fail_on is not None and any(Gate(way.certainty) in gates[: gates.index(fail_on) + 1] for way in ways):
        raise typer.Exit(1)


def graph(
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path(
        "iam-graph.html"
    ),
    from_file: Files = None,
    strict: Strict = False,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
) -> None:
    """Write the attack graph, who becomes an administrator over whom, as one HTML page without requests."""
    from partywall.outputs import iam_graph

    study = _study(from_file, strict, data, scan)
    page = iam_graph.render(study)
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {output}: {error.strerror}; name another file with --output"
        ) from error
    print(f"wrote {output}", file=sys.stderr)


def _study(files: list[Path] | None, strict: bool, data: Path, scan: str) -> Study:
    from partywall.analysis.iam.escalation_study import Study
    from partywall.analysis.iam.scan_actors import from_files

    if files:
        return Study(from_files(files, strict=strict))
    from partywall.analysis.iam.tables_paths import study
    from partywall.analysis.policy import FACTS
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data).resolve(scan)
    with explained(directory):
        return study(Lake(directory, FACTS))


def _record(study: Study, ways: list[Way], to: str, chokes: int) -> dict[str, Any]:
    from partywall.analysis.iam.access_actions import spelled
    from partywall.analysis.iam.escalation_study import how
    from partywall.analysis.iam.scan_actors import gap_words

    graph = study.most.graph
    return {
        "to": to,
        "principals": len(study.reading.people.persons),
        "administrators": sorted(study.least.admins),
        "bounded": any(at.graph.bounded for at in (study.least, study.most)),
        "paths": [
            {
                "principal": way.principal,
                "certainty": way.certainty,
                "target": way.target,
                "hangs_on": [gap_words(gap) for gap in way.gaps],
                "steps": [
                    {
                        "step": hop.step.id,
                        "title": hop.step.title,
                        "how": how(hop.step),
                        "source": hop.source,
                        "target": hop.target,
                        "certain": hop.certain,
                        "evidence": [
                            {"action": e.action, "resource": e.resource, "statements": list(e.statements)}
                            for e in evidence
                        ],
                        "why": hop.step.why,
                        "fix": hop.step.fix,
                    }
                    for hop, evidence in zip(way.hops, way.evidence, strict=True)
                ],
            }
            for way in ways
        ],
        "choke_principals": [
            {"principal": c.principal, "passing": c.passing, "cut": c.cut} for c in graph.chokes(chokes)
        ]
        if chokes
        else [],
        "choke_grants": [
            {
                "policy": c.policy,
                "action": spelled([c.action])[0],
                "passing": c.passing,
                "cut": c.cut,
                "holders": c.holders,
            }
            for c in graph.grant_chokes(chokes)
        ]
        if chokes
        else [],
        "not_read": {gap_words(gap): sorted(places) for gap, places in study.reading.gaps.items()},
        "assumptions": study.reading.people.world.assumptions,
    }


def _csv(ways: list[Way]) -> None:
    from partywall.analysis.iam.escalation_study import describe
    from partywall.outputs.table import write_csv

    header = ("principal", "account_id", "certainty", "hops", "target", "steps", "path")
    write_csv(
        header,
        (
            (
                way.principal,
                way.principal.split(":")[4],
                way.certainty,
                len(way.hops),
                way.target,
                " > ".join(hop.step.id for hop in way.hops),
                describe(way.hops),
            )
            for way in ways
        ),
        sys.stdout,
    )


def _tell(record: dict[str, Any], study: Study, chosen: set[str], goal: str) -> None:
    from partywall.cli.console import console, grid
    from partywall.outputs.text import plural, visible

    several = len(study.reading.people.world.accounts) > 1
    become = f"become {visible(goal)}" if goal else "become administrators"
    found = record["paths"]
    of = f"{len(found)} of {plural(record['principals'], 'principal')} {become}"
    admins = "" if goal else f"; {plural(len(record['administrators']), 'is one already', 'are already')}"
    if not chosen:
        print(f"{of}{admins}")
    if chosen:
        _explain(found)
        for arn in sorted(chosen - {p["principal"] for p in found}):
            print(f"\n{visible(arn)}: {_standing(study, arn, goal)}")
    elif found:
        print()
        table = grid("certainty", "principal", "path")
        for path in found:
            steps = "\n".join(_line(n, step) for n, step in enumerate(path["steps"], 1))
            hangs = f"\nnot read: {', '.join(path['hangs_on'])}" if path["hangs_on"] else ""
            table.add_row(path["certainty"], _name(path["principal"], several), f"{steps}{hangs}")
        console().print(table)
    _tell_chokes(record, several)
    if record["bounded"]:
        print(
            "\nchanges of own rights, one after another, were too many to follow all: paths may lack",
            file=sys.stderr,
        )
    if record["not_read"]:
        print(f"\nnot read everywhere: {', '.join(record['not_read'])}", file=sys.stderr)
    for line in record["assumptions"]:
        print(f"assumed: {visible(line)}", file=sys.stderr)


def _tell_chokes(record: dict[str, Any], several: bool) -> None:
    from partywall.cli.console import console, grid
    from partywall.outputs.text import visible

    if record["choke_grants"]:
        print("\nGrants whose removal cuts most:")
        table = grid("cuts", "on paths", "action", "policy", right=(0, 1))
        for choke in record["choke_grants"]:
            policy = visible(choke["policy"])
            if choke["holders"]:
                policy += f" of {_name(choke['holders'][0], several)}"
            if len(choke["holders"]) > 1:
                policy += f" and {len(choke['holders']) - 1} more"
            table.add_row(str(choke["cut"]), str(choke["passing"]), visible(choke["action"]), policy)
        console().print(table)
    if record["choke_principals"]:
        print("\nPrincipals on the way of most:")
        table = grid("cuts", "on paths", "principal", right=(0, 1))
        for choke in record["choke_principals"]:
            table.add_row(str(choke["cut"]), str(choke["passing"]), _name(choke["principal"], several))
        console().print(table)


def _standing(study: Study, arn: str, goal: str) -> str:
    if not goal and arn in study.least.admins:
        return "is an administrator already"
    if not goal and arn in study.most.admins:
        return "may be an administrator already: its policies or SCPs were not all read"
    return "does not become it" if goal else "does not become an administrator"


def _name(arn: str, several: bool) -> str:
    """A principal as listings call it, with its account where there are several."""
    from partywall.outputs.text import visible

    parts = arn.split(":", 5)
    return visible(f"{parts[4]}:{parts[5]}" if several else parts[-1])


def _line(number: int, step: dict[str, Any]) -> str:
    from partywall.analysis.iam.escalation_study import short
    from partywall.outputs.text import visible

    target = f" → {visible(short(step['target']))}" if step["target"] else ""
    away = step["target"] and step["target"].split(":")[4] != step["source"].split(":")[4]
    account = f" in {step['target'].split(':')[4]}" if away else ""
    return f"{number}. {step['title']}{target}{account}{'' if step['certain'] else ' (conditions open)'}"


def _explain(found: list[dict[str, Any]]) -> None:
    from partywall.outputs.text import visible

    for path in found:
        print(f"\n{visible(path['principal'])}: {path['certainty']}")
        for number, step in enumerate(path["steps"], 1):
            print(f"  {_line(number, step)}")
            for evidence in step["evidence"]:
                on = f" on {visible(evidence['resource'])}" if evidence["resource"] else ""
                by = ", ".join(map(visible, evidence["statements"])) or "what the step before gives"
                print(f"     {evidence['action']}{on}: {by}")
            print(f"     why: {step['why']}")
            print(f"     fix: {step['fix']}")
        if path["hangs_on"]:
            print(f"  not read: {', '.join(path['hangs_on'])}")
