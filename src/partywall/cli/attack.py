"""`partywall attack-paths`: from where an attacker can begin to what would hurt, over the last scan."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.options import DEFAULT_DATA, AsListing, Data, Listing, ScanName
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.analysis.attack_paths.study import AttackPath, AttackStudy

attack = typer.Typer(
    help="How an attacker gets from an entry to what would hurt, and what cuts most of these paths.",
    rich_markup_mode=None,
)


class Entries(StrEnum):
    """Where paths begin."""

    INTERNET = "internet"
    OTHER_ACCOUNT = "other-account"
    ACCESS_KEY = "access-key"
    WORKLOAD = "workload"


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


_Start = Annotated[
    str,
    typer.Option("--from", help="Only from here: internet, other-account, access-key, workload, or a name."),
]
_To = Annotated[
    str,
    typer.Option(
        "--to", help="Only to these: admin, data, secret, kms-key, backup-vault, an account, ARN or name."
    ),
]


@attack.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    start: _Start = "",
    to: _To = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many paths; 0: all.")] = 20,
    html: Annotated[Path | None, typer.Option(help="Write the page that draws them.")] = None,
    fail_on: Annotated[
        Gate | None, typer.Option(help="Exit with 1 where there is such a path, or a surer one.")
    ] = None,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: Annotated[Form, typer.Option("--format", help="table, json or csv.")] = Form.TABLE,
) -> None:
    """List attack paths, the worst first: likelihood, damage, and the steps.

    A path is certain where the configuration alone allows it, possible where something beside it must hold (a
    fault in software, a guessed password, a condition), unknown where it hangs on what was not read.
    """
    if context.invoked_subcommand is not None:
        return
    found = _study(data, scan)
    chosen = _chosen(found, start, to)
    if html is not None:
        _write(found, html)
    elif format is Form.JSON:
        _json(found, chosen, limit)
    elif format is Form.CSV:
        _csv(chosen, limit)
    else:
        _tell(found, chosen, limit)
    gates = list(Gate)
    if fail_on is not None and any(
        Gate(p.best.certainty) in gates[: gates.index(fail_on) + 1] for _, p in chosen
    ):
        raise typer.Exit(1)


@attack.command("show")
def show(
    rank: Annotated[int, typer.Argument(min=1, help="Its number in the listing.")],
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsListing = Listing.TABLE,
) -> None:
    """Explain one path: each step with its evidence, why it ranks where it does, and what cuts it."""
    from partywall.analysis.attack_paths.tables import path_row
    from partywall.outputs.text import plural, visible

    found = _study(data, scan)
    if rank > len(found.paths):
        raise UserError(
            f"there is no path {rank}; the scan has {plural(len(found.paths), 'path')}, which"
            " `partywall attack-paths --limit 0` lists"
        )
    row = path_row(found.paths[rank - 1], rank)
    if format is Listing.JSON:
        from partywall.cli.console import print_json

        print_json({k: v for k, v in row.items() if k != "tags"})
        return
    print(f"{rank}. {visible(row['entry_name'])} to {visible(row['target_name'])}: {row['certainty']}")
    for number, step in enumerate(row["steps"], 1):
        sure = "" if step["certainty"] == "certain" else f" ({step['certainty']})"
        print(f"\n  {number}. {visible(step['title'])}{sure}")
        print(f"     {step['technique']} {step['technique_name']}")
        print(f"     {visible(step['why'])}")
        for line in step["evidence"]:
            print(f"     - {visible(line)}")
    print(f"\nlikelihood {row['likelihood']} of 100:")
    for factor in row["likelihood_why"]:
        print(f"  x{factor['weight']:<5g} {visible(factor['why'])}")
    print(f"damage {row['damage']} of 100:")
    for factor in row["damage_why"]:
        print(f"  +{factor['weight']:<5g} {visible(factor['why'])}")
    print("\neach of these cuts it:")
    for change in row["changes"]:
        print(f"  - {visible(change['text'])}{_check(change['check_id'])}")
    for call in row["_failed"]:
        print(f"not read: {call['operation']} ({call['code'] or call['outcome']})")


@attack.command("cut")
def cut(
    start: _Start = "",
    to: _To = "",
    most: Annotated[int, typer.Option(min=0, help="At most so many changes; 0: until all are cut.")] = 10,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsListing = Listing.TABLE,
) -> None:
    """Tell the smallest set of changes that cuts the most paths, and how to make each."""
    from partywall.analysis.attack_paths.cut import plan
    from partywall.checks.loader import catalogue
    from partywall.cli.console import console, grid, print_json
    from partywall.outputs.text import plural, visible

    found = _study(data, scan)
    made = plan([p for _, p in _chosen(found, start, to)], most)
    checks = catalogue()
    if format is Listing.JSON:
        print_json(
            {
                "paths": made.paths,
                "cut": made.cut,
                "smallest": made.smallest,
                "changes": [
                    {
                        "kind": c.change.kind,
                        "subject": c.change.subject,
                        "text": c.change.text,
                        "check": c.change.check,
                        "fix": _fix(checks, c.change.check),
                        "cuts_alone": c.alone,
                        "cuts_together": c.together,
                        "score": c.weight,
                    }
                    for c in made.cuts
                ],
            }
        )
        return
    if not made.paths:
        print("no path is known that could be cut")
        return
    proven = "no smaller set cuts as many" if made.smallest else "found greedily, by likelihood and damage"
    changes = plural(len(made.cuts), "change cuts", "changes cut")
    print(f"{changes} {made.cut} of {plural(made.paths, 'path')}; {proven}\n")
    table = grid("cut so far", "alone", "change", right=(0, 1))
    for each in made.cuts:
        fix = _fix(checks, each.change.check)
        told = f"{visible(each.change.text)}{_check(each.change.check)}"
        table.add_row(str(each.together), str(each.alone), f"{told}\n{visible(fix)}" if fix else told)
    console().print(table)


def _fix(checks: Any, check_id: str) -> str:
    """How a check says that its finding is mended: by the command line, where it says."""
    check = checks.get(check_id)
    if check is None:
        return ""
    told: str = check.check.fix.cli or check.check.fix.console
    return " ".join(told.split())


def _check(check_id: str) -> str:
    return f" [{check_id}]" if check_id else ""


def _study(data: Path, scan: str) -> AttackStudy:
    from partywall.analysis.attack_paths.study import study
    from partywall.analysis.policy import FACTS
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data).resolve(scan)
    with explained(directory):
        lake = Lake(directory, FACTS)
        if "attack_path" not in lake.manifest.demand:
            raise UserError(
                f"the scan {lake.manifest.id} did not collect what attack paths are made of: scan without"
                " --services and --checks, or with --tables attack_path"
            )
        return study(lake)


def _chosen(found: AttackStudy, start: str, to: str) -> list[tuple[int, AttackPath]]:
    """The paths between two ends with their ranks. Raises UserError for an end that no path has."""
    ranked = list(enumerate(found.paths, 1))
    if start:
        kept = [(n, p) for n, p in ranked if _begins(p, start)]
        _known(kept, start, [e.value for e in Entries], "--from", found)
        ranked = kept
    if to:
        kept = [(n, p) for n, p in ranked if _ends(p, to)]
        kinds = ["admin", "data", "secret", "kms-key", "backup-vault"]
        names = [t.name for t in found.targets]
        _known(kept, to, [*kinds, *names], "--to", found)
        ranked = kept
    return ranked


def _known(
    kept: list[tuple[int, AttackPath]], word: str, words: list[str], option: str, found: AttackStudy
) -> None:
    from partywall.errors import did_you_mean

    ends = {t.arn for t in found.targets} | {t.account for t in found.targets} | set(words)
    if kept or word in ends:
        return
    raise UserError(f"no path has {option} {word!r}{did_you_mean(word, words)}")


def _begins(path: AttackPath, word: str) -> bool:
    entry = path.best.entry
    ends = (entry.kind, entry.arn, entry.title, path.via, entry.arn.rpartition("/")[2])
    return word in ends or (len(word) > 3 and (word in entry.title or word in path.best.text))


def _ends(path: AttackPath, word: str) -> bool:
    target = path.best.target
    return word in (target.kind, target.arn, target.name, target.account) or (
        len(word) > 3 and word in target.name
    )


def _json(found: AttackStudy, chosen: list[tuple[int, AttackPath]], limit: int) -> None:
    from partywall.analysis.attack_paths.tables import path_row
    from partywall.cli.console import print_json

    kept = chosen[:limit] if limit else chosen
    rows = [path_row(p, n) for n, p in kept]
    print_json(
        {
            "paths": [{k: v for k, v in row.items() if k != "tags"} for row in rows],
            "total": len(chosen),
            "undecided": found.undecided,
            "failed_calls": found.failed,
        }
    )


def _csv(chosen: list[tuple[int, AttackPath]], limit: int) -> None:
    from partywall.outputs.table import write_csv

    header = (
        *("rank", "score", "likelihood", "damage", "certainty", "entry", "entry_name", "entry_arn"),
        *("target_kind", "target_name", "target_arn", "account_id", "techniques", "path"),
    )
    write_csv(
        header,
        (
            (
                n,
                round(p.best.score, 1),
                p.best.likelihood,
                p.best.target.damage,
                p.best.certainty,
                p.best.entry.kind,
                p.best.entry.title,
                p.best.entry.arn,
                p.best.target.kind,
                p.best.target.name,
                p.best.target.arn,
                p.best.target.account,
                " ".join(dict.fromkeys(s.technique for s in p.best.steps)),
                p.best.text,
            )
            for n, p in (chosen[:limit] if limit else chosen)
        ),
        sys.stdout,
    )


def _tell(found: AttackStudy, chosen: list[tuple[int, AttackPath]], limit: int) -> None:
    from partywall.cli.console import console, grid
    from partywall.outputs.text import plural, visible

    sure = [sum(p.best.certainty == c for _, p in chosen) for c in ("certain", "possible", "unknown")]
    print(
        f"{plural(len(chosen), 'attack path')}: {sure[0]} certain, {sure[1]} possible, {sure[2]} not known;"
        f" {plural(len(found.targets), 'thing')} that would hurt"
    )
    kept = chosen[:limit] if limit else chosen
    if kept:
        print()
        table = grid("no", "score", "certainty", "path", right=(0, 1))
        for n, path in kept:
            best = path.best
            steps = "\n".join(f"{at}. {visible(s.title)}" for at, s in enumerate(best.steps, 1))
            title = f"{visible(best.entry.title)} → {visible(best.target.name)}"
            more = f"  ({len(path.routes)} routes)" if len(path.routes) > 1 else ""
            table.add_row(str(n), str(round(best.score)), best.certainty, f"{title}{more}\n{steps}")
        console().print(table)
    if len(kept) < len(chosen):
        print(f"{len(chosen) - len(kept)} more: --limit 0 lists all")
    if kept:
        print("explain one: partywall attack-paths show NUMBER; what to change: partywall attack-paths cut")
    if found.undecided:
        open_ = ", ".join(f"{what} ({count})" for what, count in found.undecided.items())
        print(f"not decided everywhere: {open_}", file=sys.stderr)
    for operation in sorted({str(c["operation"]) for c in found.failed if c["operation"]}):
        print(f"may hide paths, as it did not answer: {operation}", file=sys.stderr)


def _write(found: AttackStudy, path: Path) -> None:
    from partywall.outputs.attack import render

    try:
        path.write_text(render(found), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; name another file with --html") from error
    print(f"wrote {path}", file=sys.stderr)
