"""Tables that queries read and no scan stores: they rest on attestations, exceptions and configuration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from partywall.lake.engine import Lake


def register(
    lake: Lake, data: Path, names: Collection[str], checks_dirs: Sequence[Path], config_file: Path | None
) -> None:
    """Puts the named ones of `compliance` and `programme_scope_violation` on the lake's connection."""
    from partywall.config import load
    from partywall.frameworks.assess import compliance_of
    from partywall.frameworks.derived import register_rows
    from partywall.frameworks.rows import FLAT, every_account, flat_rows
    from partywall.frameworks.scope import PHI_TAGS, VIOLATION, tagged, violations
    from partywall.scan import Selection, load_checks

    config = load(config_file, data)
    if "compliance" in names:
        checks = load_checks(Selection(), config, checks_dirs).chosen
        found = compliance_of(lake.directory, data, checks, config)
        rows = flat_rows(found, every_account(found))
        register_rows(lake, "compliance", [(n, t) for n, t, _ in FLAT], rows)
    if "programme_scope_violation" in names:
        rows = violations(tagged(lake, config.phi_tags or PHI_TAGS))
        register_rows(lake, "programme_scope_violation", [(n, t) for n, t, _ in VIOLATION], rows)
