"""Commands over a published scan: findings, report, diff, scans."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall.cli.console import console, grid, print_json
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.findings.model import Report

STATUSES = ("fail", "unknown", "pass", "not_applicable")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which scan, and which of its findings."""

    data: Path
    scan: str
    statuses: tuple[str, ...]
    severities: tuple[str, ...]
    services: tuple[str, ...]
    checks: tuple[str, ...]
    tags: tuple[str, ...]
    checks_dirs: tuple[Path, ...]
    config: Path | None


def parse_tags(tags: Sequence[str]) -> dict[str, str]:
    """KEY or KEY=VALUE options as a map; "" stands for any value. Raises UserError where there is no key."""
    pairs = [tag.partition("=") for tag in tags]
    for tag, (key, _, _) in zip(tags, pairs, strict=True):
        if not key:
            raise UserError(f"--tags takes KEY or KEY=VALUE, not {tag!r}")
    return {key: value for key, _, value in pairs}


def writable(directory: Path) -> None:
    """Makes the directory of the reports; raises UserError where nothing can be written there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13))
    except OSError as error:
        raise UserError(
            f"cannot write reports to the directory {directory}: {error.strerror}; name another with --output"
        ) from error


def opened(chosen: Chosen) -> Report:
    """The report of the chosen scan; raises UserError for what does not exist."""
    from partywall.config import load
    from partywall.findings.assemble import Wanted
    from partywall.lake.snapshot import DataDirectory
    from partywall.opened import open_report
    from partywall.scan import Selection, load_checks

    for status in chosen.statuses:
        if status not in STATUSES:
            raise UserError(f"there is no status {status!r}; choose among {', '.join(STATUSES)}")
    directory = DataDirectory(chosen.data).resolve(chosen.scan)
    config = load(chosen.config, chosen.data)
    selection = Selection(services=chosen.services, checks=chosen.checks, severities=chosen.severities)
    checks = load_checks(selection, config, chosen.checks_dirs)
    wanted = Wanted(statuses=chosen.statuses, tags=parse_tags(chosen.tags))
    return open_report(directory, checks.chosen, config, wanted)


def show_findings(chosen: Chosen, limit: int | None, form: str) -> None:
    """Prints findings as a listing, as CSV or as JSON."""
    from partywall.outputs.console import print_findings

    report = opened(chosen)
    if form == "json":
        found = report.findings if not limit else report.findings.slice(0, limit)
        print_json(found.to_pylist())
        return
    if form == "csv":
        from partywall.outputs import dump

        dump(report, "csv", sys.stdout.buffer)
        return
    screen = console()
    default = 50 if screen.is_terminal and limit is None else limit or None
    print_findings(report, screen, chosen.statuses, default)


def written(report: Report, formats: Sequence[str], directory: Path) -> list[Path]:
    """Writes the reports, named by the scan's id; returns their paths."""
    from partywall.outputs import FORMATS, write

    files: list[Path] = []
    for name in formats:
        known = FORMATS.get(name)
        if known is None:
            raise UserError(f"--format is one of {', '.join(FORMATS)}, not {name!r}")
        writable(directory)
        files.append(write(report, name, directory / f"{report.scan.id}{known.suffix}"))
    return files


def write_reports(chosen: Chosen, formats: Sequence[str], output: Path | None) -> None:
    """Writes reports of a scan and prints its summary."""
    from partywall.outputs.console import print_summary

    report = opened(chosen)
    files = written(report, formats, output or chosen.data / "reports")
    print_summary(report, console(), files)


def show_scans(data: Path, form: str) -> None:
    """Lists the scans of a data directory, oldest first."""
    from partywall.lake.snapshot import DataDirectory, read_manifest

    directory = DataDirectory(data)
    entries: list[dict[str, Any]] = []
    for name in directory.published():
        try:
            manifest = read_manifest(directory.scans / name)
        except UserError:
            entries.append({"id": name, "state": "damaged"})
            continue
        entries.append(
            {
                "id": name,
                "started_at": manifest.started_at,
                "finished_at": manifest.finished_at,
                "accounts": [a["account_id"] for a in manifest.accounts],
                "regions": manifest.regions,
                "selection": manifest.selection,
                "state": "published",
            }
        )
    entries += [{"id": name, "state": "interrupted or running"} for name in directory.interrupted()]
    if form == "json":
        print_json(entries)
        return
    table = grid("scan", "state", "started", "accounts", "regions", "selection")
    for entry in entries:
        started = entry.get("started_at")
        table.add_row(
            entry["id"],
            entry["state"],
            f"{started:%Y-%m-%d %H:%M}" if started else "",
            ", ".join(entry.get("accounts", [])),
            str(len(entry.get("regions", []))),
            "; ".join(f"{k}: {', '.join(v)}" for k, v in entry.get("selection", {}).items()),
        )
    console().print(table)


def show_diff(
    data: Path, before: str, after: str, checks_dirs: tuple[Path, ...], config: Path | None, form: str
) -> None:
    """Prints what changed from one scan to another: new, resolved, gone, changed and no longer looked at."""
    reports: list[Report] = [
        opened(Chosen(data, name, STATUSES[:2], (), (), (), (), checks_dirs, config))
        for name in (before, after)
    ]
    changes = compare(reports[0], reports[1], _states(data, after))
    if form == "json":
        print_json(changes)
        return
    screen = console()
    first, second = (r.scan.id for r in reports)
    screen.print(f"from {first} to {second}: " + _totals(changes))
    for change in ("new", "changed", "resolved", "gone", "not_looked_at"):
        rows = changes[change]
        if rows:
            screen.print(f"\n{change.replace('_', ' ')} ({len(rows)})", style="bold")
            table = grid("severity", "check", "account", "region", "status", "resource")
            for row in rows:
                was = f"{row['was']} -> {row['status']}" if row.get("was") else row["status"]
                name = row["resource_name"] or row["resource_arn"]
                table.add_row(row["severity"], row["check_id"], row["account_id"], row["region"], was, name)
            screen.print(table)


def _totals(changes: Mapping[str, list[dict[str, Any]]]) -> str:
    return ", ".join(f"{len(rows)} {name.replace('_', ' ')}" for name, rows in changes.items()) or "no change"


def _states(data: Path, scan: str) -> dict[str, str]:
    """Finding id -> state in a scan's lifecycle."""
    import pyarrow.parquet as pq

    from partywall.findings.lifecycle import FILE
    from partywall.lake.engine import explained
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data).resolve(scan)
    with explained(directory):
        table = pq.read_table(directory / FILE, columns=["finding_id", "state"])
    return dict(zip(table["finding_id"].to_pylist(), table["state"].to_pylist(), strict=True))


def compare(first: Report, second: Report, states: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The differences between the open findings of two scans, by kind of change.

    `states` is the later scan's lifecycle: what was mended, what went, and what was not looked at.
    """
    names = [
        "finding_id",
        "check_id",
        "account_id",
        "region",
        "severity",
        "status",
        "resource_arn",
        "resource_name",
    ]
    old = {row["finding_id"]: row for row in first.findings.select(names).to_pylist()}
    new = {row["finding_id"]: row for row in second.findings.select(names).to_pylist()}
    changes: dict[str, list[dict[str, Any]]] = {
        "new": [row for key, row in new.items() if key not in old],
        "changed": [
            {**row, "was": old[key]["status"]}
            for key, row in new.items()
            if key in old and old[key]["status"] != row["status"]
        ],
        "resolved": [],
        "gone": [],
        "not_looked_at": [],
    }
    for key, row in old.items():
        if key not in new:
            state = states.get(key, "")
            changes[state if state in ("resolved", "gone") else "not_looked_at"].append(row)
    return changes
