"""The state over a period, samples, and auditors' packs, from the console."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.cli.console import console, grid, print_json
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.evidence.period import Period, Timeline
    from partywall.frameworks.model import Framework

_SHOWN: Final = 60


def run(
    data: Path,
    days: tuple[date, date],
    framework: str | None,
    gap: int,
    size: int | None,
    seed: str,
    form: str,
    output: Path | None,
    checks_dirs: tuple[Path, ...],
    config: Path | None,
) -> None:
    """Prints or writes timelines or a sample. Raises UserError for what does not exist."""
    from partywall.evidence.period import check_timelines, open_period, sample
    from partywall.lake.snapshot import DataDirectory
    from partywall.outputs.pack.tables import sample_table, timeline_table

    period = open_period(DataDirectory(data), *days, gap)
    chosen = _framework(framework) if framework else None
    wanted = checks_of(chosen) if chosen else None
    if size is not None:
        header, rows = sample_table(sample(period, size, seed, wanted), seed)
        _write(header, rows, "json" if form == "json" else "csv", output)
        return
    if chosen is not None:
        found = requirement_timelines(period, data, chosen, checks_dirs, config)
    else:
        found = check_timelines(period)
    if form == "table" and output is None:
        _print(period, found)
        return
    header, rows = timeline_table(found)
    _write(header, rows, "json" if form == "json" else "csv", output)


def write_pack(
    data: Path,
    scan: str,
    framework: str,
    output: Path,
    days: tuple[date, date] | None,
    gap: int,
    sign_key: str | None,
    checks_dirs: tuple[Path, ...],
    config: Path | None,
    *,
    scanned_only: bool = False,
) -> None:
    """Writes an auditor's pack of one scan and framework, with a period where one is given."""
    from partywall.evidence.period import check_timelines, open_period
    from partywall.evidence.signing import load_signer
    from partywall.frameworks.assess import open_compliance
    from partywall.frameworks.loader import find
    from partywall.lake.snapshot import DataDirectory
    from partywall.outputs.pack import Contents, write
    from partywall.outputs.text import plural

    signer = load_signer(sign_key) if sign_key else None
    compliance = open_compliance(
        data, scan, checks_dirs=checks_dirs, config=config, scanned_only=scanned_only
    )
    chosen = find(compliance.frameworks, framework)
    period = None
    timelines: tuple[list[Timeline], list[Timeline]] = ([], [])
    if days is not None:
        period = open_period(DataDirectory(data), *days, gap)
        timelines = (
            requirement_timelines(period, data, chosen, checks_dirs, config),
            check_timelines(period, checks_of(chosen)),
        )
    contents = Contents(compliance, chosen, data, _exceptions(config, data), period, *timelines)
    written = write(contents, output, signer)
    told = [
        plural(written.files, "file"),
        plural(written.answers, "answer"),
        "signed" if signer else "not signed",
    ]
    print(f"{output}: {', '.join(told)}; whoever gets it runs: python3 verify.py")


def checks_of(framework: Framework) -> set[str]:
    """The checks that bear on any requirement of a framework."""
    from partywall.frameworks.loader import library
    from partywall.frameworks.states import counted, evidence_for

    evidence = library().evidence()
    return {row.check for r in counted(framework) for row, _ in evidence_for(r, evidence)}


def requirement_timelines(
    period: Period, data: Path, framework: Framework, checks_dirs: Sequence[Path], config: Path | None
) -> list[Timeline]:
    """How each requirement stood in each account: every scan judged as of its own day."""
    from partywall.evidence.period import Observation, timeline
    from partywall.frameworks.assess import open_compliance

    seen: dict[tuple[str, str], list[tuple[Observation, str]]] = {}
    order = [r.id for r in framework.requirements]
    for observation in period.observations:
        found = open_compliance(
            data, observation.scan, checks_dirs=checks_dirs, config=config, today=observation.at.date()
        )
        # Only this framework is asked for, so that no other's checks are counted.
        found.frameworks = {framework.id: framework}
        for account in found.accounts:
            for standing in found.standings(framework, account):
                key = (standing.requirement.id, account)
                seen.setdefault(key, []).append((observation, str(standing.state)))
    pairs = sorted(seen, key=lambda k: (order.index(k[0]), k[1]))
    return [
        timeline(period, requirement, account, seen[requirement, account]) for requirement, account in pairs
    ]


def _framework(name: str) -> Framework:
    from partywall.frameworks.loader import find, load_frameworks

    return find(load_frameworks(()), name)


def _exceptions(config: Path | None, data: Path) -> list[Any]:
    from partywall.config import load

    return list(load(config, data).exceptions)


def _write(header: Sequence[str], rows: Sequence[Sequence[Any]], form: str, output: Path | None) -> None:
    from partywall.lake.writer import write_error
    from partywall.outputs.table import write_csv

    if form == "json" and output is None:
        print_json([dict(zip(header, row, strict=True)) for row in rows])
        return
    text = io.StringIO(newline="")
    if form == "json":
        import orjson

        text.write(orjson.dumps([dict(zip(header, r, strict=True)) for r in rows], default=str).decode())
    else:
        write_csv(header, rows, text)
    if output is None:
        sys.stdout.write(text.getvalue())
        return
    try:
        output.write_text(text.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise write_error(output, error) from error
    print(f"{output}: {len(rows)} rows")


def _print(period: Period, found: Sequence[Timeline]) -> None:
    from partywall.outputs.text import plural

    if not found:
        raise UserError("no scan of the period says anything of this")
    screen = console()
    screen.print(f"from {period.first} to {period.last}: {plural(len(period.inside), 'scan')}")
    if period.inside:
        screen.print(f"first {period.inside[0].scan}, last {period.inside[-1].scan}")
    for account in period.accounts():
        for since, until in period.gaps(account):
            length = (until - since).total_seconds() / 86400
            screen.print(
                f"account {account} was not observed for {length:.1f} days:"
                f" {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC",
                style="yellow",
            )
    table = grid("what", "account", "at start", "at end", "changes", "days in each state")
    bad = ("fail", "not_satisfied", "unknown", "not_evaluated")
    ordered = sorted(found, key=lambda t: -sum(t.days.get(s, 0.0) for s in bad[:2]))
    for t in ordered[:_SHOWN]:
        days = ", ".join(f"{state} {length:.1f}" for state, length in t.days.items())
        table.add_row(t.subject, t.account_id, t.at_start, t.at_end, str(len(t.changes)), days)
    screen.print(table)
    if len(found) > _SHOWN:
        screen.print(f"… and {len(found) - _SHOWN:,} more; --format csv writes them all")
