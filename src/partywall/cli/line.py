"""`partywall line`: the account drawn as a wall, its stones one by one, and what would move them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.cli.console import console, grid, print_json
from partywall.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from partywall.checks.model import Check
    from partywall.config import Config
    from partywall.findings.model import Report
    from partywall.lake.engine import Lake
    from partywall.responsibility.moves import Move
    from partywall.responsibility.wall import Line, Wall

_LETTERS: Final = {"aws": "A", "shared": "S", "customer": "C", "mixed": "M", "unknown": "?", "none": " "}
_SIDE_STYLES: Final = {
    "aws": "white on grey30",
    "shared": "black on light_steel_blue3",
    "customer": "black on light_goldenrod3",
    "mixed": "black on thistle3",
    "unknown": "black on yellow3",
    "none": "dim",
}
_STATE_GLYPHS: Final = {"failing": "✕", "unknown": "?", "satisfied": "✓", "unproven": "·"}
_CELL: Final = 3
_MOST_RESOURCES: Final = 50
_MOST_REQUIREMENTS: Final = 12


@dataclass(frozen=True, slots=True)
class Request:
    """What to show of which scan's wall."""

    data: Path
    scan: str
    services: tuple[str, ...]
    domain: str | None
    what_if: tuple[str, ...]
    since: str | None
    gaps: bool
    form: str
    checks_dirs: tuple[Path, ...]
    config: Path | None


def run(request: Request) -> None:
    """Shows the wall, one of its stones, or what moves. Raises UserError for what does not exist."""
    asked = [n for n, v in (("--what-if", request.what_if), ("--since", request.since)) if v]
    if len(asked) > 1 or (asked and request.domain):
        raise UserError(f"{' and '.join([*asked, '--domain'][:2])} do not go together: ask one at a time")
    opened = _Opened(request)
    if request.what_if:
        opened.what_if(request.what_if)
    elif request.since is not None:
        opened.since(request.since)
    elif request.domain is not None:
        opened.stone(request.domain)
    else:
        opened.wall()


class _Opened:
    """A scan's lake and report, and what the command asks of them."""

    def __init__(self, request: Request) -> None:
        from partywall.analysis.policy import FACTS
        from partywall.config import load
        from partywall.lake.engine import Lake
        from partywall.lake.snapshot import DataDirectory
        from partywall.opened import open_report
        from partywall.scan import Selection, load_checks

        self.request = request
        self.directory = DataDirectory(request.data).resolve(request.scan)
        self.config: Config = load(request.config, request.data)
        checks = load_checks(Selection(), self.config, request.checks_dirs)
        self.report: Report = open_report(self.directory, checks.chosen, self.config)
        self.lake: Lake = Lake(self.directory, FACTS)

    def build(self) -> Wall:
        from partywall.responsibility.wall import wall

        found = wall(self.lake, self.report, self.config.variants)
        if not self.request.services:
            return found
        by_name = {c.service.lower(): c for c in found.columns}
        chosen = [by_name[_near(name, by_name, "service on the wall")] for name in self.request.services]
        names = {c.service for c in chosen}
        found.columns[:] = chosen
        for key in [k for k in found.lines if k[0] not in names]:
            del found.lines[key]
        return found

    def wall(self) -> None:
        from partywall.outputs.wall import wall_data

        found = self.build()
        if self.request.gaps:
            self._gaps(found)
        elif self.request.form == "json":
            print_json(wall_data(found))
        elif self.request.form == "csv":
            _write_csv(
                {"service": line.service, "domain": line.domain}
                | {"side": line.side, "must_act": line.must_act, "state": line.state}
                | {"failing": line.failing, "unknown": line.unknown, "passing": line.passing}
                | {"excepted": line.excepted, "checks": line.checks}
                | {o.value: n for o, n in line.owners.items()}
                for line in found.lines.values()
            )
        else:
            print_wall(found, console())

    def _gaps(self, found: Wall) -> None:
        from partywall.outputs.wall import gap_data
        from partywall.responsibility.wall import gaps

        rows = [gap_data(g) for g in gaps(found)]
        if self.request.form == "json":
            print_json(rows)
        elif self.request.form == "csv":
            _write_csv(rows)
        elif not rows:
            console().print("No service in use has a line that you cannot close.")
        else:
            table = grid("service", "line", "resources", "what is missing, and what to do", right=(2,))
            for row in rows:
                told = f"{row['lack']} {row['do']}"
                table.add_row(
                    f"{row['service']} ({row['variant']})", row["domain"], str(row["resources"]), told
                )
            console().print(table)

    def stone(self, domain: str) -> None:
        """One domain of one service: what each side does, and the resources."""
        from partywall.checks.model import DOMAINS
        from partywall.outputs.wall import line_data, variant_data
        from partywall.responsibility.loader import model
        from partywall.responsibility.wall import resources

        if len(self.request.services) != 1:
            raise UserError("--domain shows one line: name its service too, such as --service RDS")
        domain = _near(domain.lower(), {d: d for d in DOMAINS}, "domain")
        found = self.build()
        column = found.columns[0]
        line = found.lines[column.service, domain]
        rows = resources(self.lake, self.report, column.service, domain, self.config.variants).to_pylist()
        variants = [variant_data(model().variants[v], n) for v, n in column.variants.items() if v]
        if self.request.form == "json":
            at = DOMAINS.index(domain)
            told = [{**v, "lines": [v["lines"][at]]} for v in variants]
            print_json({"service": column.service, "domain": domain, **line_data(line)} | {
                "variants": told,
                "resources": rows,
            })  # fmt: skip
        elif self.request.form == "csv":
            _write_csv({**r, "candidates": " ".join(r["candidates"])} for r in rows)
        else:
            self._print_stone(line, variants, rows, DOMAINS.index(domain))

    def _print_stone(
        self, line: Line, variants: list[dict[str, Any]], rows: list[dict[str, Any]], at: int
    ) -> None:
        from rich.text import Text

        from partywall.outputs.text import plural, visible
        from partywall.outputs.wall import SIDE_WORDS, STATE_WORDS
        from partywall.responsibility.loader import model
        from partywall.responsibility.model import GRADE_WORDS

        screen = console()
        course = model().domains[line.domain]
        screen.print(Text(f"{line.service}: {course.title}", style="bold"), Text(course.what, style="dim"))
        screen.print(Text(f"{SIDE_WORDS[line.side][0]}. {SIDE_WORDS[line.side][1]}"))
        if line.must_act:
            verdicts = (
                f"{line.failing} fail, {line.unknown} unknown, {line.passing} pass, {line.excepted} excepted"
            )
            screen.print(
                Text(f"{STATE_WORDS[line.state].capitalize()}: {verdicts}"), style=_state_style(line.state)
            )
        for variant in variants:
            told = variant["lines"][at]
            screen.print(Text(f"\n{variant['variant']} ({plural(variant['resources'], 'resource')})"))
            for who, text in (
                ("AWS", told["aws"]),
                ("You", told["customer"]),
                ("Why", told["why"]),
            ):
                screen.print(Text.assemble((f"  {who}  ", "bold"), text))
            source = "; ".join(s["title"] for s in variant["sources"])
            read = f", read {variant['read_on']}" if variant["read_on"] else ""
            screen.print(Text(f"  {source} ({GRADE_WORDS[variant['grade']]}{read})", style="dim"))
        table = grid("owner", "fail", "unknown", "pass", "account", "region", "resource", right=(1, 2, 3))
        for row in rows[:_MOST_RESOURCES]:
            table.add_row(
                row["owner"],
                *(str(row[n]) for n in ("failing", "unknown", "passing")),
                row["account_id"],
                row["region"] or "",
                visible(" ".join(filter(None, (row["resource_name"] or row["resource_arn"], row["part"])))),
            )
        screen.print()
        screen.print(table)
        if len(rows) > _MOST_RESOURCES:
            screen.print(
                f"… and {len(rows) - _MOST_RESOURCES:,} more; --format csv writes them.", style="dim"
            )

    def what_if(self, given: Sequence[str]) -> None:
        """What would move if resources were of other variants, and which requirements that touches."""
        from partywall.responsibility.moves import what_if

        wanted: dict[str, str] = {}
        for entry in given:
            key, mark, variant = entry.rpartition("=")
            if not (key and mark and variant):
                raise UserError(f"--what-if takes RESOURCE=VARIANT such as rds:db-1=rds, not {entry!r}")
            wanted[key] = variant
        moves = what_if(self.lake, wanted)
        touched = self._requirements(moves)
        if self.request.form == "json":
            print_json({"moves": [_move_row(m) for m in moves], "requirements": touched})
        elif self.request.form == "csv":
            _write_csv(_flat(_move_row(m)) for m in moves)
        else:
            screen = console()
            _print_moves(moves, screen, "Nothing would move: the lines run the same way there.")
            _print_requirements(touched, screen)

    def since(self, name: str) -> None:
        """What moved since an earlier scan, and why."""
        from partywall.analysis.policy import FACTS
        from partywall.lake.engine import Lake
        from partywall.responsibility.moves import since

        earlier = _scan_of(self.request.data, name, self.directory.name)
        moves = since(Lake(earlier, FACTS), self.lake)
        if self.request.form == "json":
            rows = [_move_row(m) for m in moves]
            print_json({"earlier": earlier.name, "later": self.directory.name, "moves": rows})
        elif self.request.form == "csv":
            _write_csv(_flat(_move_row(m)) for m in moves)
        else:
            screen = console()
            screen.print(f"Between {earlier.name} and {self.directory.name}:")
            _print_moves(moves, screen, "No line has moved.")

    def _requirements(self, moves: Sequence[Move]) -> list[dict[str, Any]]:
        """Requirements whose evidence is checks on lines that would move, each with the direction."""
        from partywall.frameworks.loader import library, load_frameworks
        from partywall.frameworks.states import counted, evidence_for
        from partywall.responsibility.model import SIDES

        directions: dict[str, set[str]] = {}
        by_line: dict[tuple[str, str], list[Check]] = {}
        for check in self.report.checks.values():
            by_line.setdefault((check.table, check.domain), []).append(check)
        for move in moves:
            # A move to AWS makes the line inherited there; one to the customer asks for proof of their own.
            side = SIDES.get(move.after, ("unknown", ""))[0]
            for check in by_line.get((move.resource_type, move.domain), ()):
                directions.setdefault(check.id, set()).add(side)
        rows: list[dict[str, Any]] = []
        evidence = library().evidence()
        for framework in load_frameworks().values():
            for requirement in counted(framework):
                checks = {row.check for row, _ in evidence_for(requirement, evidence)} & directions.keys()
                if checks:
                    sides = sorted(set[str]().union(*(directions[c] for c in checks)))
                    rows.append(
                        {"framework": framework.id, "requirement": requirement.id}
                        | {"title": requirement.title, "to": sides, "checks": sorted(checks)}
                    )
        return rows


def print_wall(found: Wall, screen: Console) -> None:
    """Draws the wall: courses from the ground up, services side by side as the screen has room."""
    from rich.text import Text

    from partywall.checks.model import DOMAINS
    from partywall.outputs.wall import COURSES, SIDE_WORDS, STATE_WORDS, totals, wall_data
    from partywall.responsibility.loader import model

    if not found.columns:
        screen.print("There is no resource to draw: the scan found none, or was not allowed to.")
        return
    names = [s["service"] for s in wall_data(found)["services"]]
    titles = {d: model().domains[d].title for d in DOMAINS}
    margin = max(map(len, titles.values())) + 1
    width = screen.width if screen.is_terminal else 160
    room = max(1, (width - margin) // _CELL)
    for start in range(0, len(names), room):
        shown = names[start : start + room]
        depth = max(len(name) for name in shown)
        for row in range(depth):
            letters = "".join(f" {name.rjust(depth)[row]} " for name in shown)
            screen.print(Text(" " * margin + letters), no_wrap=True, crop=False)
        for domain in reversed(COURSES):
            text = Text(titles[domain].ljust(margin))
            for name in shown:
                _brick(text, found.lines[name, domain])
            screen.print(text, no_wrap=True, crop=False)
        screen.print()
    sums = totals(found)
    sides = [f"{_LETTERS[s]} {SIDE_WORDS[s][0]} {n:,}" for s, n in sums["sides"].items() if n]
    screen.print(f"Lines: {' · '.join(s for s in sides if not s.startswith(' '))}")
    states = [f"{_STATE_GLYPHS[s]} {STATE_WORDS[s]} {n:,}" for s, n in sums["states"].items()]
    screen.print(f"Of those where you must act: {' · '.join(states)}")
    if found.unlisted:
        screen.print(
            Text(f"{len(found.unlisted)} listings failed: the wall may lack resources of theirs.", "yellow")
        )
    unread = sorted({c.service for c in found.columns if c.grade == "G"})
    if unread:
        screen.print(
            Text(f"Not yet checked against AWS's documentation: {', '.join(unread)}.", "dim"), soft_wrap=True
        )
    screen.print(
        Text("One line: partywall line --service RDS --domain encryption-at-rest · gaps: --gaps", "dim")
    )


def _brick(text: Text, line: Line) -> None:
    glyph = _STATE_GLYPHS[line.state] if line.must_act else " "
    style = _SIDE_STYLES[line.side]
    if line.must_act and line.state == "failing":
        style = f"bold red on {style.rpartition(' on ')[2]}"
    text.append(f"{_LETTERS[line.side]}{glyph}", style=style)
    text.append(" ")


def _state_style(state: str) -> str:
    return {"failing": "red", "unknown": "yellow", "satisfied": "green"}.get(state, "dim")


def _print_moves(moves: Sequence[Move], screen: Console, nothing: str) -> None:
    from rich.text import Text

    from partywall.outputs.text import visible

    if not moves:
        screen.print(nothing)
        return
    groups: dict[tuple[Any, ...], list[Move]] = {}
    for move in moves:
        groups.setdefault(
            (move.resource_arn or move.resource_name, move.resource_type, move.part), []
        ).append(move)
    for (resource, table, part), group in groups.items():
        first = group[0]
        screen.print(
            Text(visible(f"{resource} {part}".strip()), style="bold"),
            Text(
                f"({table}) {' or '.join(first.variants_before)} -> {' or '.join(first.variants_after)}",
                "dim",
            ),
        )
        for change in first.changes:
            screen.print(Text(visible(f"  {change.column}: {change.before!r} -> {change.after!r}")))
        if first.why:
            screen.print(Text(f"  {first.why}"))
        for move in group:
            screen.print(f"  {move.domain}: {_words(move.before)} -> {_words(move.after)}")


def _words(owner: str) -> str:
    return {
        "aws": "AWS",
        "shared_safe": "shared, safe by default",
        "shared_act": "shared, you must act",
        "customer": "you",
        "none": "not there",
        "unknown": "not known",
    }[owner]


def _print_requirements(touched: Sequence[Mapping[str, Any]], screen: Console) -> None:
    if not touched:
        return
    by_framework: dict[str, list[str]] = {}
    for row in touched:
        by_framework.setdefault(row["framework"], []).append(row["requirement"])
    screen.print("\nRequirements whose evidence changes with it:", style="bold")
    for framework, ids in by_framework.items():
        more = f" and {len(ids) - _MOST_REQUIREMENTS} more" if len(ids) > _MOST_REQUIREMENTS else ""
        screen.print(f"  {framework}: {', '.join(ids[:_MOST_REQUIREMENTS])}{more}", soft_wrap=True)


def _move_row(move: Move) -> dict[str, Any]:
    names = ("account_id", "region", "resource_arn", "resource_name", "resource_type", "part", "domain")
    return {n: getattr(move, n) for n in names} | {
        "before": move.before.value,
        "after": move.after.value,
        "variants_before": list(move.variants_before),
        "variants_after": list(move.variants_after),
        "cause": move.cause,
        "why": move.why,
        "changes": [{"column": c.column, "before": c.before, "after": c.after} for c in move.changes],
    }


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    import orjson

    return {k: orjson.dumps(v, default=str).decode() if isinstance(v, list) else v for k, v in row.items()}


def _write_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    from partywall.outputs.table import write_csv

    listed = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row))
    write_csv(names, ([row.get(name) for name in names] for row in listed), sys.stdout)


def _near(name: str, known: Mapping[str, Any], what: str) -> str:
    """A known name (in lower case), or UserError with the nearest."""
    if name.lower() in known:
        return name.lower()
    hint = did_you_mean(name.lower(), known, f"; there are {', '.join(sorted(known))}")
    raise UserError(f"there is no {what} {name!r}{hint}")


def _scan_of(data: Path, name: str, later: str) -> Path:
    """The scan that a date or name stands for: of a date, the last one begun until that day's end (UTC)."""
    from partywall.lake.snapshot import DataDirectory, read_manifest

    directory = DataDirectory(data)
    try:
        day = date.fromisoformat(name)
    except ValueError:
        found = directory.resolve(name)
    else:
        end = datetime.combine(day, time.min, UTC) + timedelta(days=1)
        before = [n for n in directory.published() if read_manifest(directory.scans / n).started_at < end]
        if not before:
            raise UserError(f"there is no scan of {day} or before in {data}; partywall scans lists them")
        found = directory.scans / before[-1]
    if found.name == later:
        raise UserError(f"{name} stands for the scan {later} itself: name an earlier one")
    return found
