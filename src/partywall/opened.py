"""Opens the report of a published scan: its findings, and the pages made of it when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall.checks.loader import CompiledCheck, catalogue
from partywall.config import Config
from partywall.lake.engine import damaged, explained
from partywall.scan import JUDGE_MEMORY

if TYPE_CHECKING:
    from partywall.findings.model import Report
    from partywall.findings.people import Said
    from partywall.lake.engine import Lake


def open_report(directory: Path, checks: Sequence[CompiledCheck], config: Config, wanted: Any = None) -> Any:
    """The `Report` of a published scan for the given checks. Raises UserError where it cannot be read."""
    from partywall.analysis.policy import FACTS
    from partywall.findings.assemble import report
    from partywall.findings.people import People
    from partywall.lake.engine import Lake, connect

    with explained(directory):
        lake = Lake(directory, FACTS, connection=connect(JUDGE_MEMORY))
        known = set(lake.manifest.checks)
        judged = [c for c in checks if c.check.id in known]
        _whole(lake, {c.check.table for c in judged})
        people = People(_said(directory), config.owners)
        found: Report = report(lake, judged, config.params, config.exceptions, wanted, people)
        return replace(found, pages=partial(_pages, lake, found, config, checks))


def _said(directory: Path) -> list[Said]:
    """What people had said of findings while this scan was the newest of its data directory."""
    from partywall.lake.snapshot import DataDirectory, read_manifest
    from partywall.state.places import exists

    place = directory.parent.parent
    if not exists(place):
        return []
    from partywall.findings.people import Said
    from partywall.state.store import Store

    later = [name for name in DataDirectory(place).published() if name > directory.name]
    until = read_manifest(directory.parent / later[0]).started_at if later else None
    with Store.open(place) as store:
        found = store.work(at=until)
    return [Said(w.finding_id, w.status, w.status_at, w.owner) for w in found.values()]


def _pages(lake: Lake, report: Report, config: Config, checks: Sequence[CompiledCheck]) -> dict[str, Any]:
    """The pages of the HTML report besides its findings; a scan of before there was a model has no wall.

    A report of some checks has no page of compliance, as the others would look as if not judged.
    """
    from partywall.frameworks.assess import compliance_of
    from partywall.lake.derived import derived_file
    from partywall.outputs.compliance import compliance_page
    from partywall.outputs.threats_page import threats_page
    from partywall.outputs.wall import wall_page

    pages: dict[str, Any] = {}
    given = {c.check.id for c in checks} | config.disable
    if {i for i in lake.manifest.checks if i in catalogue()} <= given:
        data = lake.directory.parent.parent
        pages["compliance"] = compliance_page(compliance_of(lake.directory, data, checks, config))
    if lake.source.files("attack_path"):
        from partywall.analysis.attack_paths.study import study
        from partywall.outputs.attack import attack_page

        pages["attack"] = attack_page(study(lake))
    if (found := threats_page(lake.directory.parent.parent, config.exceptions)) is not None:
        pages["threats"] = found
    if derived_file(lake.directory, "resource_responsibility").exists():
        pages["wall"] = wall_page(lake, report, config.variants)
    return pages


def _whole(lake: Lake, tables: set[str]) -> None:
    """Raises UserError where files of the tables or of the verdicts on them are missing: no silent gap."""
    from partywall.findings.verdicts import verdict_file

    lake.whole(tables)
    for name in sorted(tables):
        if lake.source.files(name) and not verdict_file(lake.directory, name).exists():
            raise damaged(lake.directory, f"the verdicts on {name} are missing")
