"""The plan of action and milestones: requirements that fail, and the items that people recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from partywall.frameworks.model import State
from partywall.oscal.base import clean, document, metadata, plain, props, uid, when
from partywall.oscal.results import finding, observation

if TYPE_CHECKING:
    from partywall.evidence.model import PoamItem
    from partywall.frameworks.states import Standing
    from partywall.oscal.proof import Proof
    from partywall.oscal.source import Source
    from partywall.outputs.handover import Told


def plan_of_action(source: Source, proof: Proof, items: Sequence[PoamItem]) -> dict[str, Any] | None:
    """The failing requirements and the recorded items of this framework or of none; None without any."""
    failing = {t.requirement.id: (t, s) for t, s in source.told if s.state is State.NOT_SATISFIED}
    mine = [i for i in items if i.framework in ("", source.framework.id, *source.framework.aliases)]
    if not failing and not mine:
        return None
    judged = {source.key(row): row for told, _ in failing.values() for row in told.checks if row["fails"]}
    judged |= {key: row for key, row in source.judged.items() if key.check in {i.check for i in mine}}
    known = {source.observation(key) for key in judged}
    observations = [observation(source, proof, key, failing_only=True) for key in judged]
    hrefs = {e.get("href", "") for o in observations for e in o.get("relevant-evidence", ())}
    findings: list[dict[str, Any]] = []
    for told, standing in failing.values():
        made = finding(source, told, standing)
        related = [o for o in made.get("related-observations", []) if o["observation-uuid"] in known]
        findings.append(clean({**made, "related-observations": related}))
    planned = [_planned(source, i, failing, known) for i in mine]
    found = [_failing(source, t, s, mine) for t, s in failing.values()]
    resources = proof.resources(hrefs)
    return document(
        "plan-of-action-and-milestones",
        {
            "metadata": metadata(
                f"Plan of action for {source.framework.name} {source.framework.version}",
                source.manifest.started_at,
            ),
            "import-ssp": {"href": "ssp.json"},
            "observations": observations,
            "risks": [_risk(source, i) for i in mine],
            "findings": findings,
            "poam-items": [*planned, *found],
            "back-matter": {"resources": resources} if resources else None,
        },
    )


def _risk_id(item: PoamItem) -> str:
    return uid("risk", item.id, when(item.recorded_at))


def _failing(source: Source, told: Told, standing: Standing, items: Sequence[PoamItem]) -> dict[str, Any]:
    r = told.requirement
    technical = standing.part("technical")
    plans = [i.id for i in items if i.requirement == r.id and i.closed_at is None]
    return {
        "uuid": uid("poam", source.finding(r.id)),
        "title": plain(f"{r.id} {r.title}"),
        "description": plain(technical.why if technical else "It fails."),
        "props": props(origin="scan", state="open", requirement=r.id, planned_by=" ".join(plans)),
        "related-findings": [{"finding-uuid": source.finding(r.id)}],
    }


def _planned(
    source: Source, item: PoamItem, failing: dict[str, tuple[Told, Standing]], known: set[str]
) -> dict[str, Any]:
    checks = [source.observation(k) for k in source.judged if item.check and k.check == item.check]
    return clean(
        {
            "uuid": uid("poam", item.id, when(item.recorded_at)),
            "title": plain(item.weakness),
            "description": plain(item.weakness),
            "props": props(
                origin="recorded",
                item=item.id,
                state=item.state(source.compliance.today),
                owner=item.owner,
                due=str(item.due),
                requirement=item.requirement,
                check=item.check,
                finding=item.finding,
                closed_by=item.closed_by,
                closed_why=item.closed_why,
            ),
            "related-findings": (
                [{"finding-uuid": source.finding(item.requirement)}] if item.requirement in failing else []
            ),
            "related-observations": [{"observation-uuid": u} for u in checks if u in known],
            "related-risks": [{"risk-uuid": _risk_id(item)}],
        }
    )


def _risk(source: Source, item: PoamItem) -> dict[str, Any]:
    number = _risk_id(item)
    milestones = [
        {
            "uuid": uid("milestone", number, str(i)),
            "type": "milestone",
            "title": plain(m.what),
            "timing": {"on-date": {"date": when(_end_of(m.due))}},
        }
        for i, m in enumerate(item.milestones)
    ]
    response = clean(
        {
            "uuid": uid("response", number),
            "lifecycle": "completed" if item.closed_at else "planned",
            "title": "Plan",
            "description": f"Due on {item.due}.",
            "props": props(owner=item.owner),
            "tasks": milestones,
        }
    )
    return {
        "uuid": number,
        "title": plain(item.weakness),
        "description": plain(item.weakness),
        "statement": plain(item.weakness),
        "props": props(item=item.id, state=item.state(source.compliance.today)),
        "status": "closed" if item.closed_at else "open",
        "deadline": when(_end_of(item.due)),
        "remediations": [response],
    }


def _end_of(day: date) -> datetime:
    """A due day is kept until it ends."""
    return datetime.combine(day, time(23, 59, 59), UTC)
