"""A report in the terminal: what an engineer wants to know in the first screen, and findings as lines."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.outputs.rows import Row, rows
from partywall.outputs.scope import DENIERS, REASONS, Accounts, why_unknown
from partywall.outputs.summary import Counts, Summary, Unseen, percent, summarise
from partywall.outputs.text import clip, plural, visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table as RichTable
    from rich.text import Text

    from partywall.findings.model import Report

_STATUS_STYLES: Final = {"fail": "red", "unknown": "yellow", "pass": "green", "not_applicable": "dim"}
_SEVERITY_STYLES: Final = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "informational": "dim",
}
_BAR_CELLS: Final = 40
_PLAIN_WIDTH: Final = 160
_SIDE_BY_SIDE: Final = 118


def print_summary(report: Report, console: Console, files: Sequence[Path] = ()) -> None:
    """Prints the head of the report: what was scanned, verdicts with coverage, worst findings, the unseen.

    `files` are the reports already written, named at the end. Text from the account is shown escaped.
    """
    summary = summarise(report)
    width = console.width if console.is_terminal else max(console.width, _PLAIN_WIDTH)
    parts: list[RenderableType] = [
        _headline(report, summary),
        *_verdicts(summary),
        *_worst(report),
        *_breakdown(summary, width),
        *_unseen(summary),
        *_files(files),
        *_next(report, summary),
    ]
    for part in parts:
        console.print(part, width=width)


def print_findings(
    report: Report, console: Console, statuses: Iterable[str] = ("fail", "unknown"), limit: int | None = None
) -> int:
    """Prints findings, worst first, and returns how many matched `statuses`.

    At most `limit` are shown (0 or None: all), and a last line says how many that leaves out. Where the
    console is no terminal, tab-separated lines: status, severity, priority, check, account, region,
    resource, message.
    """
    from rich.text import Text

    wanted = frozenset(statuses)
    matching = (row for row in rows(report) if row.status in wanted)
    shown = list(itertools.islice(matching, limit or None))
    total = len(shown) + sum(1 for _ in matching)
    accounts = Accounts(report)
    if console.is_terminal:
        for entry in _entries(shown, accounts):
            console.print(entry)
    else:
        for row in shown:
            name = row.resource_name or row.resource_arn
            cells = (
                row.status,
                row.severity,
                str(row.priority),
                row.check_id,
                row.account_id,
                row.region,
                name,
            )
            line = "\t".join(visible(cell) for cell in (*cells, row.message or why_unknown(row)))
            # Rich would expand the tabs.
            console.file.write(f"{line}\n")
    if len(shown) < total:
        more = f"… and {total - len(shown):,} more; --limit 0 shows all, --format csv writes them."
        console.print(Text(more, style="dim"))
    return total


def _heading(text: str) -> Text:
    from rich.text import Text

    return Text(f"\n{text}", style="bold")


def _grid(*right: int, columns: int, wrap_last: bool = True) -> RichTable:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=0)
    for number in range(columns):
        grid.add_column(
            justify="right" if number in right else "left", no_wrap=wrap_last is False or number < columns - 1
        )
    return grid


def _headline(report: Report, summary: Summary) -> Text:
    from rich.text import Text

    scan = report.scan
    facts = [
        plural(len(scan.accounts), "account"),
        plural(len(scan.regions), "region"),
        plural(summary.resources, "resource"),
        plural(summary.checks, "check"),
        plural(summary.calls, "API call"),
    ]
    if scan.finished_at:
        facts.append(f"{(scan.finished_at - scan.started_at).total_seconds():.1f} s")
    text = Text("\npartywall", style="bold").append(f"  scan {visible(scan.id)}", style="not bold dim")
    text.append("\n" + " · ".join(facts), style="not bold")
    named = [f"{visible(item.get('name') or '')} {item['account_id']}".strip() for item in scan.accounts[:4]]
    if len(scan.accounts) > 4:
        named.append(f"{len(scan.accounts) - 4} more")
    text.append("\n" + ", ".join(named), style="not bold dim")
    if not scan.complete:
        text.append("\nThis scan did not finish: what it had not reached is not judged.", style="yellow")
    return text


def _verdicts(summary: Summary) -> list[RenderableType]:
    from rich.text import Text

    counts = summary.counts
    if not counts.total:
        return [
            _heading("Verdicts"),
            Text("Nothing was judged: no resource that a selected check applies to."),
        ]
    judged = (
        ("fail", counts.fail, "fail"),
        ("unknown", counts.unknown, "unknown"),
        ("pass", counts.passed, "pass"),
    )
    asked = counts.evaluated + counts.unknown
    bar, line = Text(), Text()
    for status, count, word in judged:
        # A verdict that was given is never rounded out of the bar.
        cells = max(1, round(_BAR_CELLS * count / asked)) if count else 0
        bar.append("█" * cells, style=_STATUS_STYLES[status])
        line.append(f"{count:,} {word}   ", style=_STATUS_STYLES[status])
    line.append(f"{counts.not_applicable:,} not applicable", style="dim")
    rates = Text.assemble(
        (percent(counts.pass_rate), "bold"),
        f" pass of {counts.evaluated:,} judged · coverage ",
        (percent(counts.coverage), "bold"),
        f" ({counts.evaluated:,} of {asked:,} could be judged)",
    )
    return [_heading("Verdicts"), bar, line, rates]


def _worst(report: Report) -> list[RenderableType]:
    fails = (row for row in rows(report) if row.status == "fail" and row.state != "excepted")
    worst = list(itertools.islice(fails, 6))
    return [_heading("Mend first"), *_entries(worst, Accounts(report), status=False)] if worst else []


def _entries(found: Sequence[Row], accounts: Accounts, status: bool = True) -> list[Text]:
    """Two lines per finding: what and where, and under it what is wrong."""
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    names = [clip(visible(row.resource_name or row.resource_arn), 44) for row in found]
    name_cells = max(map(cell_len, names), default=0)
    check_cells = max((cell_len(visible(row.check_id)) for row in found), default=0)
    severity_cells = max((len(row.severity) for row in found), default=0)
    entries: list[Text] = []
    for row, name in zip(found, names, strict=True):
        entry = Text(f"  {row.priority:>3}  ", style="dim", no_wrap=True, overflow="ellipsis")
        if status:
            entry.append(f"{row.status:<8}", style=f"not dim {_STATUS_STYLES.get(row.status, '')}")
        severity = f"{row.severity:<{severity_cells}}  "
        indent = cell_len(entry.plain) + len(severity)
        entry.append(severity, style=f"not dim {_SEVERITY_STYLES.get(row.severity, '')}")
        entry.append(set_cell_size(visible(row.check_id), check_cells) + "  ", style="not dim")
        entry.append(set_cell_size(name, name_cells) + "  ", style="not dim bold")
        entry.append(f"{clip(visible(accounts[row.account_id].name), 32)} {row.region}", style="dim")
        message = clip(visible(row.message or why_unknown(row)), 300)
        if message:
            entry.append(f"\n{' ' * indent}{message}", style="dim")
        reason = row.priority_why.partition("; ")[2]
        if reason:
            entry.append(f"\n{' ' * indent}{clip(visible(reason), 300)}", style="dim italic")
        entries.append(entry)
    return entries


def _breakdown(summary: Summary, width: int) -> list[RenderableType]:
    from rich.console import Group
    from rich.table import Table

    severities = {name: counts for name, counts in summary.by_severity.items() if counts.total}
    services = {
        name: counts for name, counts in summary.by_service.items() if counts.evaluated + counts.unknown
    }
    if not severities:
        return []
    top = dict(itertools.islice(services.items(), 8))
    title = "By service" if len(top) == len(services) else f"By service, worst {len(top)} of {len(services)}"
    left = Group(_heading("By severity"), _counts_grid(severities))
    right = Group(_heading(title), _counts_grid(top))
    if width < _SIDE_BY_SIDE:
        return [left, right]
    grid = Table.grid(padding=(0, 4, 0, 0))
    grid.add_row(left, right)
    return [grid]


def _counts_grid(groups: dict[str, Counts]) -> RichTable:
    from rich.text import Text

    grid = _grid(1, 2, 3, 4, 5, columns=6, wrap_last=False)
    titles = ("", "fail", "unknown", "pass", "pass rate", "coverage")
    grid.add_row("", *(Text(title, style="dim") for title in titles))
    for name, counts in groups.items():
        grid.add_row(
            "",
            Text(visible(name), style=_SEVERITY_STYLES.get(name, "")),
            Text(f"{counts.fail:,}", style="red" if counts.fail else "dim"),
            Text(f"{counts.unknown:,}", style="yellow" if counts.unknown else "dim"),
            Text(f"{counts.passed:,}", style="green" if counts.passed else "dim"),
            percent(counts.pass_rate),
            percent(counts.coverage),
        )
    return grid


def _unseen(summary: Summary) -> list[RenderableType]:
    from rich.text import Text

    if not summary.unseen:
        return []
    failed = sum(unseen.count for unseen in summary.unseen)
    grid = _grid(0, columns=3)
    for unseen in summary.unseen[:8]:
        grid.add_row(
            "",
            Text(f"{unseen.count:,}", style="yellow"),
            Text(visible(f"{unseen.service}:{unseen.operation}")),
            Text(unseen_reason(unseen)),
        )
    title = f"Not seen: {plural(failed, 'call')} did not answer, so what depends on them is unknown"
    parts: list[RenderableType] = [_heading(title), grid]
    if len(summary.unseen) > 8:
        parts.append(Text(f"… and {plural(len(summary.unseen) - 8, 'more kind')} of failure", style="dim"))
    return parts


def unseen_reason(unseen: Unseen) -> str:
    """Why the calls failed and where: "access was denied (AccessDenied) · 2 accounts"."""
    reason = REASONS.get(unseen.outcome, unseen.outcome) or "no reason was given"
    if unseen.denied_by:
        reason += " " + DENIERS.get(unseen.denied_by, f"by {unseen.denied_by}")
    if unseen.error_code:
        reason += f" ({unseen.error_code})"
    where = " · ".join(filter(None, (_some(unseen.accounts, "account"), _some(unseen.regions, "region"))))
    return visible(f"{reason} · {where}" if where else reason)


def _some(names: set[str], noun: str) -> str:
    known = sorted(name for name in names if name)
    if not known:
        return ""
    return known[0] if len(known) == 1 else f"{len(known)} {noun}s"


def _files(files: Sequence[Path]) -> list[RenderableType]:
    from rich.text import Text

    if not files:
        return []
    return [_heading("Written"), *(Text(f"  {visible(str(path))}", overflow="fold") for path in files)]


def _next(report: Report, summary: Summary) -> list[RenderableType]:
    from rich.text import Text

    commands: list[tuple[str, str]] = []
    first = next((row for row in rows(report) if row.status == "fail"), None)
    if first:
        commands += [
            ("partywall findings --status fail", "every failed finding, worst first"),
            (f"partywall checks {visible(first.check_id)}", "why the worst one matters, and its fix"),
        ]
    if summary.counts.unknown:
        commands.append(("partywall findings --status unknown", "what could not be judged, and why"))
    if any(unseen.outcome == "denied" for unseen in summary.unseen):
        commands.append(("partywall policy", "the least privileges that this scan needs"))
    if not report.scan.complete:
        commands.append(("partywall scan --resume", "go on where this scan stopped"))
    if not commands:
        commands.append(("partywall tables", "what was collected"))
    grid = _grid(columns=2)
    for command, meaning in commands:
        grid.add_row("", Text(command, style="cyan"), Text(meaning, style="dim"))
    return [_heading("Next"), grid]
