"""`partywall policy`: what a scan must be allowed to do, and no more."""

from __future__ import annotations

import sys
from pathlib import Path


def show(
    services: tuple[str, ...],
    checks: tuple[str, ...],
    severities: tuple[str, ...],
    tables: tuple[str, ...],
    checks_dirs: tuple[Path, ...],
    config: Path | None,
    form: str,
) -> None:
    """Prints the policy of the selected scan."""
    from partywall.collect import permissions
    from partywall.collect.planner import plan
    from partywall.config import load
    from partywall.scan import Selection, demanded, load_checks
    from partywall.tables.registry import all_tables

    selection = Selection(services=services, checks=checks, severities=severities, tables=tables)
    chosen = load_checks(selection, load(config), checks_dirs).chosen
    names = permissions.needed(plan(demanded(selection, chosen), all_tables()))
    writers = {
        "json": permissions.as_json,
        "cloudformation": permissions.as_cloudformation,
        "terraform": permissions.as_terraform,
    }
    print(writers[form](names))
    parts = len(permissions.documents(names))
    if form == "json" and parts > 1:
        print(
            f"partywall: {len(names)} actions are more than one managed policy holds"
            f" ({permissions.MANAGED_POLICY_LIMIT} characters); the formats cloudformation and terraform"
            f" split them into {parts}",
            file=sys.stderr,
        )
