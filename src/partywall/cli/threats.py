"""How threats are shown on a console: incidents first, then what stands alone, worst first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from partywall.cli.console import console, grid, print_json
from partywall.outputs.text import clip, plural, visible

if TYPE_CHECKING:
    from pathlib import Path

    from partywall.detections.incidents.incident import Incident
    from partywall.detections.run.pipeline import Threats
    from partywall.detections.run.store import Kept
    from partywall.findings.exceptions import RiskException

STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
_FEW = 20


class Form(StrEnum):
    """How threats are printed."""

    TABLE = "table"
    JSON = "json"
    OCSF = "ocsf"
    ASFF = "asff"
    CSV = "csv"


def exceptions(config: Path | None, data: Path) -> list[RiskException]:
    """The accepted risks of the configuration, and those that people approved."""
    from partywall.config import load

    return load(config, data).exceptions


def show(found: Threats, form: Form, *, only_incidents: bool = False, every: bool = False) -> None:
    """Prints threats; on a console the mild ones that stand alone are only counted unless `every`."""
    from partywall.outputs import threats as outputs

    match form:
        case Form.JSON:
            told = outputs.as_json(found)
            print_json(told["incidents"] if only_incidents else told)
        case Form.OCSF:
            print_json(outputs.ocsf(found))
        case Form.ASFF:
            print_json(outputs.asff(found))
        case Form.CSV:
            sys.stdout.write(outputs.csv_text(found))
        case Form.TABLE:
            _table(found, only_incidents, every)


def findings_of_logs(
    data: Path, config: Path | None, form: str, severities: Sequence[str], *, alone: bool
) -> bool:
    """Prints stored threats beside posture findings; True where there are any. `alone`: say so if none."""
    from dataclasses import replace

    from partywall.detections.run.pipeline import threats

    found = threats(data, exceptions(config, data))
    if severities:
        found = replace(
            found,
            detections=[k for k in found.detections if k.detection.severity in severities],
            incidents=[each for each in found.incidents if each.severity in severities],
        )
    if not alone and found.detections and not console().is_terminal:
        # A pipe gets one kind of line.
        console(stderr=True).print(
            f"{plural(len(found.incidents), 'incident')} and {plural(len(found.detections), 'detection')}"
            " in logs: partywall findings --kind threat"
        )
    elif alone or any(k.state != "resolved" for k in found.detections):
        show(found, Form(form), every=bool(severities))
    return bool(found.detections)


def moment(when: datetime) -> str:
    """A time as listings show it, in UTC."""
    return when.strftime("%Y-%m-%d %H:%M")


def _table(found: Threats, only_incidents: bool, every: bool) -> None:
    screen = console()
    open_ones = [each for each in found.incidents if each.state != "resolved"]
    if open_ones:
        screen.print(f"\n{plural(len(open_ones), 'incident')}", style="bold")
        for each in open_ones[:_FEW]:
            print_incident(each)
        if len(open_ones) > _FEW:
            screen.print(f"… and {len(open_ones) - _FEW:,} more: partywall incidents")
    else:
        screen.print("\nno incident")
    if only_incidents:
        return
    alone = [k for k in found.alone() if k.detection.id not in found.excepted and k.state != "resolved"]
    shown = alone if every else [k for k in alone if k.detection.severity not in ("low", "informational")]
    if shown:
        screen.print(f"\n{plural(len(shown), 'detection')} that stand alone", style="bold")
        _listing(shown[: None if every else 2 * _FEW])
    mild = len(alone) - len(shown)
    told = [f"{plural(mild, 'mild detection')} not shown (--all)"] if mild else []
    if len(shown) > 2 * _FEW and not every:
        told.append(f"{len(shown) - 2 * _FEW:,} more (--all)")
    if found.excepted:
        told.append(f"{plural(len(found.excepted), 'detection')} excepted by the configuration")
    if told:
        screen.print("; ".join(told), style="dim")
    for note in found.notes[:10]:
        screen.print(visible(note), style="dim")


def print_incident(each: Incident) -> None:
    """An incident in a few lines: what, who, from where, when, why, and what to do next."""
    screen = console()
    screen.print()
    screen.print(
        f"{each.severity.upper()}  {visible(each.title)}  ({each.id}, {each.state})",
        style=STYLES[each.severity],
    )
    who = ", ".join(visible(name) for name in each.principals[:3])
    more = len(each.principals) - 3
    rows = [
        ("who", who + (f" and {more} more" if more > 0 else "") or "not known"),
        ("from", ", ".join(visible(a) for a in each.addresses[:6]) or "not known"),
        (
            "when",
            f"{moment(each.first_seen)} to {moment(each.last_seen)} UTC, {plural(each.events, 'event')}",
        ),
        ("where", ", ".join(each.accounts[:4]) + " " + ", ".join(each.regions[:6])),
        ("what", visible(each.summary)),
        ("why", visible("; ".join(each.why))),
        ("known", visible("; ".join(each.context[:4]))),
        ("next", f"partywall incidents {each.id}"),
    ]
    for name, value in rows:
        if value.strip():
            screen.print(f"  {name:<6} {value}")


def _listing(shown: Sequence[Kept]) -> None:
    table: Any = grid("severity", "when (UTC)", "account", "principal", "from", "what was found", right=())
    from partywall.detections.incidents.incident import short

    for kept in shown:
        each = kept.detection
        times = f" ×{each.count:,}" if each.count > 1 else ""
        table.add_row(
            each.severity,
            moment(each.last_seen),
            each.account,
            clip(visible(short(each.principal or each.caller)), 40),
            clip(visible(each.addresses[0]) if each.addresses else "-", 39),
            visible(f"{each.title}{times} ({each.source if each.source not in _OURS else each.type})"),
            style=STYLES[each.severity] if each.severity in ("critical", "high") else "",
        )
    console().print(table)


_OURS = frozenset(["rule", "correlation", "model"])


def failing(found: Threats, at_least: Sequence[str]) -> int:
    """How many open detections and incidents have one of the severities."""
    count = sum(
        k.detection.severity in at_least and k.detection.id not in found.excepted and k.state != "resolved"
        for k in found.detections
    )
    return count + sum(each.severity in at_least and each.state != "resolved" for each in found.incidents)
