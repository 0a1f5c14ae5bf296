"""AWS Artifact in the console: what a scan listed, and fetching a report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall.cli.console import console, grid, print_json
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.evidence.fetch import Terms


def show(data: Path, scan: str, stale_after: int, form: str) -> None:
    """Prints how AWS's evidence for each programme stands, other reports, and the agreements."""
    import msgspec

    from partywall.analysis.policy import FACTS
    from partywall.evidence.artifact import baa, inherited, listing_of, reports_of
    from partywall.evidence.fetch import fetched_reports
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory
    from partywall.outputs.table import write_csv
    from partywall.outputs.text import visible

    if stale_after < 1:
        raise UserError("--stale-after is a number of months from 1 on")
    directory = DataDirectory(data).resolve(scan)
    today = datetime.now(UTC).date()
    with explained(directory):
        lake = Lake(directory, FACTS)
        programmes = [msgspec.to_builtins(i) for i in inherited(lake, today, stale_after).values()]
        reports = [asdict(r) for r in reports_of(lake)]
        agreements = [msgspec.to_builtins(a) for a in baa(lake, today).values()]
        failed = listing_of(lake, "artifact_report").failed
    fetched = [msgspec.to_builtins(f) for f in fetched_reports(data)]
    if form == "json":
        told = {"programmes": programmes, "reports": reports, "agreements": agreements, "fetched": fetched}
        print_json(told)
        return
    if form == "csv":
        write_csv(list(programmes[0]), (row.values() for row in programmes), sys.stdout)
        return
    screen = console()
    for account, why in failed.items():
        screen.print(f"AWS's reports are not known from account {account}: {why}", style="yellow")
    table = grid("programme", "state", "report", "until", "bridge letter", "why")
    for row in sorted(programmes, key=lambda r: not r["report"]):
        letter = (row["bridge"] or "needed") if row["bridge_needed"] else ""
        until = _text(row["period_end"])
        table.add_row(row["programme"], row["state"], row["report"], until, letter, visible(row["why"]))
    screen.print(table)
    known = {row["report"] for row in programmes} | {row["bridge"] for row in programmes}
    others = [r for r in reports if f"{r['id']}:{r['version']}" not in known]
    if others:
        screen.print("\nOther reports", style="bold")
        table = grid("report", "version", "state", "until", "company", "name")
        for r in others:
            until, version = _text(r["period_end"]), _text(r["version"])
            company, name = visible(r["company"] or ""), visible(r["name"])
            table.add_row(r["id"], version, r["state"] or "unknown", until, company, name)
        screen.print(table)
    screen.print("\nBusiness associate addendum (HIPAA)", style="bold")
    table = grid("account", "in force", "why")
    for agreement in agreements:
        told = {True: "yes", False: "no", None: "unknown"}[agreement["in_force"]]
        table.add_row(agreement["account_id"], told, visible(agreement["why"]))
    screen.print(table)
    if fetched:
        screen.print("\nFetched", style="bold")
        table = grid("report", "sha256", "accepted by", "name")
        for f in fetched:
            label = f"{f['report']}:{f['version']}"
            table.add_row(label, f["sha256"], visible(f["accepted_by"]), visible(f["name"]))
        screen.print(table)


def fetch_report(
    data: Path,
    report: str,
    version: int | None,
    accept: Callable[[Terms], str],
    output: Path | None,
    profile: str | None,
    role_arn: str | None,
    external_id: str | None,
) -> None:
    """Fetches a report and records its hash; the report itself is written only where `output` says."""
    from partywall.aws.credentials import resolve
    from partywall.cli.sending import session_of
    from partywall.evidence.fetch import fetch, keep

    identity = resolve(profile, role_arn, external_id)
    # Artifact answers in this Region for all of AWS's commercial partition (page "AWS Artifact endpoints").
    client = session_of(identity).create_client("artifact", region_name="us-east-1")
    fetched, _ = fetch(client, identity.account_id, report, version, accept, to=output)
    keep(data, fetched)
    print(f"{fetched.name}, version {fetched.version}: sha256 {fetched.sha256}, {fetched.size:,} bytes")
    print(
        f"kept in {output}" if output else "recorded; the report itself was not kept (--output FILE keeps it)"
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)
