"""The data of the report's page "Threats": incidents with timelines and playbooks, and the rest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.callers import WORD
from partywall.detections.incidents.timeline import timeline
from partywall.detections.run.pipeline import Threats, threats
from partywall.detections.run.steps import steps
from partywall.outputs.text import clip, visible
from partywall.outputs.threats import state_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partywall.detections.detection import Detection
    from partywall.detections.incidents.incident import Incident
    from partywall.detections.run.store import Kept
    from partywall.findings.exceptions import RiskException

INCIDENTS: Final = 200
EVENTS: Final = 150
ALONE: Final = 1000
_LISTED: Final = 30


def threats_page(data: Path, exceptions: Sequence[RiskException] = ()) -> dict[str, Any] | None:
    """All that the page shows, invisible characters of texts escaped; None where nothing was detected."""
    found = threats(data, exceptions)
    if not found.detections:
        return None
    by_id = {kept.detection.id: kept for kept in found.detections}
    shown = found.incidents[:INCIDENTS]
    alone = found.alone()
    page = {
        "incidents": [_incident(data, each, by_id) for each in shown],
        "alone": [_detection(kept, found) for kept in alone[:ALONE]],
        "left": {"incidents": len(found.incidents) - len(shown), "alone": max(0, len(alone) - ALONE)},
    }
    return _clean(page)


def _incident(data: Path, each: Incident, by_id: dict[str, Kept]) -> dict[str, Any]:
    members = [by_id[name] for name in each.detections if name in by_id]
    detections = [kept.detection for kept in members]
    moments = timeline(data, detections, EVENTS)
    return {
        "id": each.id,
        "title": each.title,
        "severity": each.severity,
        "state": each.state,
        "first": each.first_seen.isoformat(),
        "last": each.last_seen.isoformat(),
        "events": each.events,
        "summary": each.summary,
        "accounts": list(each.accounts[:_LISTED]),
        "regions": list(each.regions[:_LISTED]),
        "principals": list(each.principals[:_LISTED]),
        "kinds": [WORD.get(kind, kind) for kind in each.kinds],
        "keys": list(each.access_keys[:_LISTED]),
        "addresses": list(each.addresses[:_LISTED]),
        "resources": list(each.resources[:_LISTED]),
        "techniques": list(each.techniques),
        "tactics": list(each.tactics),
        "why": list(each.why),
        "links": list(each.links),
        "context": list(each.context),
        "detections": [_told(one) for one in detections],
        "timeline": [
            {
                "time": row["time"].isoformat(),
                "call": row["call"],
                "error": row["error"],
                "who": row["who"],
                "address": row["address"],
                "found": row["found"],
                "severity": row["severity"],
            }
            for row in moments
        ],
        "left": max(0, each.events - len(moments)),
        "playbook": [asdict(book) for book in steps(detections, each.playbooks)],
    }


def _told(each: Detection) -> dict[str, Any]:
    return {
        "title": each.title,
        "type": each.type,
        "severity": each.severity,
        "source": each.source,
        "first": each.first_seen.isoformat(),
        "last": each.last_seen.isoformat(),
        "count": each.count,
        "tactics": list(each.tactics),
        "explanation": each.explanation,
        "agent": clip(each.agent, 200),
    }


def _detection(kept: Kept, found: Threats) -> dict[str, Any]:
    each = kept.detection
    return _told(each) | {
        "account": each.account,
        "region": each.region,
        "principal": each.principal or each.caller,
        "kind": WORD.get(each.kind, each.kind),
        "addresses": list(each.addresses[:3]),
        "resources": list(each.resources[:5]),
        "state": state_of(kept, found),
        "exception": found.excepted.get(each.id, ""),
    }


def _clean(value: Any) -> Any:
    """Every text with control and invisible characters shown as their escapes."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {name: _clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
