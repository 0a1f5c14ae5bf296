"""`partywall detections`: the Sigma rules; list, lint and test them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.options import AsListing, Listing, words

if TYPE_CHECKING:
    from partywall.detections.sigma.rules import Correlation, Rule, RuleSet

detections = typer.Typer(
    help="The rules that detect threats in CloudTrail: Sigma, ours and yours.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

RuleDirs = Annotated[
    list[Path] | None, typer.Option("--rules", help="Directory or file of your own Sigma rules (repeat).")
]
Named = Annotated[
    list[Path] | None, typer.Argument(help="Directories or files (default: our rules).", show_default=False)
]


@detections.command("list")
def list_rules(
    rules: RuleDirs = None,
    level: Annotated[list[str] | None, typer.Option(help="Only these levels: critical, high, …")] = None,
    technique: Annotated[
        list[str] | None, typer.Option(help="Only these ATT&CK techniques: T1098, or T1098.001.")
    ] = None,
    guardduty: Annotated[
        bool, typer.Option("--guardduty", help="GuardDuty's types on CloudTrail, and what stands for each.")
    ] = False,
    format: AsListing = Listing.TABLE,
) -> None:
    """List the rules, worst first; or GuardDuty's finding types with what stands for them."""
    from partywall.cli.console import console, grid, print_json
    from partywall.detections.sigma.rules import LEVELS, OURS, load
    from partywall.errors import UserError

    levels, techniques = words(level), tuple(each.upper() for each in words(technique))
    if unknown := [each for each in levels if each not in LEVELS]:
        raise UserError(f"{unknown[0]} is no level: levels are {', '.join(LEVELS)}")
    loaded = load([OURS, *(rules or ())])
    _tell(loaded)
    if guardduty:
        _guardduty(loaded, format)
        return
    chosen = [
        each
        for each in (*loaded.rules, *loaded.correlations)
        if (not levels or each.about.level in levels)
        and (
            not techniques
            or any(
                t == want or t.startswith(f"{want}.") for t in each.about.techniques for want in techniques
            )
        )
    ]
    chosen.sort(key=lambda each: (-LEVELS.index(each.about.level), each.about.title))
    if format is Listing.JSON:
        print_json([_row(each) for each in chosen])
        return
    listing = grid("level", "technique", "finding", "title")
    for each in chosen:
        about = each.about
        finding = str(about.extra.get("finding", ""))
        listing.add_row(about.level, " ".join(about.techniques[:2]), finding, about.title)
    console().print(listing)
    console(stderr=True).print(f"{len(chosen)} rules", style="dim")


@detections.command()
def lint(paths: Named = None, format: AsListing = Listing.TABLE) -> None:
    """Say what is wrong with rules, by file and line; exit code 1 if anything is."""
    from partywall.cli.console import console, print_json
    from partywall.detections.sigma import lint as linting
    from partywall.detections.sigma.rules import OURS

    loaded, problems = linting.lint(paths or [OURS], ours=not paths)
    if format is Listing.JSON:
        told = [{"file": str(p.path), "line": p.line, "message": p.message} for p in problems]
        print_json(told)
    else:
        for problem in problems:
            console().print(str(problem), soft_wrap=True)
    count = len(loaded.rules) + len(loaded.correlations)
    others = f", {loaded.elsewhere} for other logs left out" if loaded.elsewhere else ""
    console(stderr=True).print(f"{count} rules, {len(problems)} problems{others}", style="dim")
    if problems:
        raise typer.Exit(1)


@detections.command()
def test(paths: Named = None, format: AsListing = Listing.TABLE) -> None:
    """Run the events that rules bring (partywall: events); exit code 1 if one comes out wrong."""
    from partywall.cli.console import console, print_json
    from partywall.detections.sigma import selftest
    from partywall.detections.sigma.rules import OURS, load

    loaded = load(paths or [OURS])
    failures, count = selftest.run(loaded)
    if format is Listing.JSON:
        print_json(
            [{"file": str(f.about.path), "line": f.about.line, "message": f.message} for f in failures]
        )
    else:
        for failure in failures:
            console().print(str(failure), soft_wrap=True)
    _tell(loaded)
    console(stderr=True).print(f"{count} examples, {len(failures)} failures", style="dim")
    if failures or loaded.problems:
        raise typer.Exit(1)


def _tell(loaded: RuleSet) -> None:
    """The rules that did not load, on standard error."""
    from partywall.cli.console import console

    for problem in loaded.problems:
        console(stderr=True).print(f"left out: {problem}", soft_wrap=True)


def _guardduty(loaded: RuleSet, format: Listing) -> None:
    from partywall.cli.console import console, grid, print_json
    from partywall.detections.guardduty import equivalents

    found = equivalents(loaded)
    if format is Listing.JSON:
        print_json([{"type": e.type, "rules": e.rules, "models": e.models, "needs": e.needs} for e in found])
        return
    listing = grid("type", "rules and models")
    for each in found:
        by = (*each.rules, *(f"model {name}" for name in each.models))
        listing.add_row(each.type, "; ".join(filter(None, (", ".join(by), each.needs))))
    console().print(listing)
    covered = sum(bool(each.rules or each.models) for each in found)
    console(stderr=True).print(f"{covered} of {len(found)} types have a rule or a model", style="dim")


def _row(each: Rule | Correlation) -> dict[str, Any]:
    about = each.about
    return {
        "id": about.id,
        "title": about.title,
        "level": about.level,
        "status": about.status,
        "description": about.description,
        "finding": about.extra.get("finding"),
        "playbook": about.extra.get("playbook"),
        "techniques": about.techniques,
        "tactics": about.tactics,
        "falsepositives": about.falsepositives,
        "references": about.references,
        "file": str(about.path),
        "line": about.line,
    }
