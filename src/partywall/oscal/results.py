"""The assessment plan and results: what each check saw, and how each requirement stands by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from partywall import __version__
from partywall.frameworks.model import State
from partywall.oscal.base import clean, document, line, metadata, plain, props, uid, when
from partywall.oscal.ssp import implementation_status

if TYPE_CHECKING:
    from partywall.evidence.model import Attestation, Inherited
    from partywall.frameworks.states import Standing
    from partywall.frameworks.tally import Judged
    from partywall.oscal.proof import Proof
    from partywall.oscal.source import Source
    from partywall.outputs.handover import Told

TARGET: Final = {
    State.SATISFIED: ("satisfied", "pass"),
    State.INHERITED: ("satisfied", "pass"),
    State.ATTESTED: ("satisfied", "pass"),
    State.NOT_SATISFIED: ("not-satisfied", "fail"),
    State.NOT_EVALUATED: ("not-satisfied", "other"),
    State.NOT_APPLICABLE: ("not-satisfied", "other"),
    State.INHERITED_STALE: ("not-satisfied", "other"),
    State.ATTESTED_EXPIRED: ("not-satisfied", "other"),
    State.EXCEPTED: ("not-satisfied", "other"),
}
"""State -> target status and reason. OSCAL knows two: only what is proven is satisfied, and the property
`state` and the remarks tell the rest apart."""
_REMARKS: Final = {
    State.NOT_EVALUATED: "Not evaluated: something is not known. It is no finding against the system.",
    State.NOT_APPLICABLE: "Not applicable: every check answered and found nothing to evaluate.",
    State.INHERITED_STALE: "AWS's report ended too long ago.",
    State.ATTESTED_EXPIRED: "The attestation has run out.",
    State.EXCEPTED: "What fails is covered by accepted risks in force.",
}
TOOL: Final = uid("tool", "partywall")
_PLATFORM: Final = uid("platform", "partywall")


def assessment_plan(source: Source) -> dict[str, Any]:
    """The plan that the results import: which controls, by which tool."""
    return document(
        "assessment-plan",
        {
            "metadata": metadata(
                f"Scan for {source.framework.name} {source.framework.version}", source.manifest.started_at
            ),
            "import-ssp": {"href": "ssp.json"},
            "reviewed-controls": _reviewed(source),
            "assessment-subjects": [{"type": "inventory-item", "include-all": {}}],
            "assessment-assets": _assets(),
        },
    )


def assessment_results(source: Source, proof: Proof) -> dict[str, Any]:
    """Observations of checks, reports and attestations, and a finding for every requirement."""
    manifest = source.manifest
    observations = all_observations(source, proof)
    found = [finding(source, t, s) for t, s in source.told]
    hrefs = {e.get("href", "") for o in observations for e in o.get("relevant-evidence", ())}
    result = clean(
        {
            "uuid": uid("result", manifest.id, source.book.account, source.framework.id),
            "title": f"Scan {manifest.id}",
            "description": line(" ".join(["A scan by partywall.", *source.compliance.limits()])),
            "start": when(manifest.started_at),
            "end": when(manifest.finished_at) if manifest.finished_at else None,
            "props": props(scan=manifest.id, as_of=str(source.compliance.today), account=source.book.account),
            "local-definitions": {"assessment-assets": _assets()},
            "reviewed-controls": _reviewed(source),
            "observations": observations,
            "findings": found,
        }
    )
    resources = proof.resources(hrefs)
    return document(
        "assessment-results",
        {
            "metadata": metadata(
                f"Results of a scan for {source.framework.name} {source.framework.version}",
                manifest.started_at,
            ),
            "import-ap": {"href": "assessment-plan.json"},
            "results": [result],
            "back-matter": {"resources": resources} if resources else None,
        },
    )


def _reviewed(source: Source) -> dict[str, Any]:
    ids = [{"control-id": source.controls.id(t.requirement.id)} for t, _ in source.told]
    return {"control-selections": [{"include-controls": ids}]}


def _assets() -> dict[str, Any]:
    tool = {
        "uuid": TOOL,
        "type": "software",
        "title": "partywall",
        "description": "Scans AWS accounts by their APIs, reading only.",
        "props": [{"name": "version", "value": __version__}],
        "status": {"state": "operational"},
    }
    platform = {"uuid": _PLATFORM, "title": "partywall", "uses-components": [{"component-uuid": TOOL}]}
    return {"components": [tool], "assessment-platforms": [platform]}


def all_observations(source: Source, proof: Proof) -> list[dict[str, Any]]:
    """One for each check that bears on a requirement, each report of AWS and each attestation."""
    reports = {i.programme: i for t, _ in source.told for i in t.inherited}
    statements = {a.id: (a, state) for t, _ in source.told for a, state in t.attestations}
    return [
        *(observation(source, proof, judged) for judged in source.judged),
        *(_report(source, found) for found in reports.values()),
        *(_statement(source, a, state) for a, state in statements.values()),
    ]


def observation(source: Source, proof: Proof, judged: Judged, failing_only: bool = False) -> dict[str, Any]:
    """What a check saw, with its resources as subjects, those that fail first."""
    row = source.judged[judged]
    subjects, left_out = source.subjects.get(judged, ([], 0))
    listed = [s for s in subjects if s["status"] == "fail"] if failing_only else subjects
    compiled = source.compliance.checks.get(judged.check)
    numbers = {n: row[n] for n in ("passes", "fails", "unknown", "excepted", "not_applicable")}
    evaluated = row["passes"] + row["fails"] + row["excepted"]
    told = f"{row['passes']} resources pass, {row['fails']} fail, {row['unknown']} are unknown"
    told += f", {row['excepted']} fail under accepted risks" if row["excepted"] else ""
    told += f"; evaluated {evaluated} of {evaluated + row['unknown']}"
    told += f"; not known whole: {row['lacking']}" if row["lacking"] else ""
    return clean(
        {
            "uuid": source.observation(judged),
            "title": line(row["title"] or judged.check),
            "description": line(f"{told}."),
            "props": props(
                check=judged.check,
                parameters=judged.params,
                status=row["status"],
                **numbers,
                lacking=row["lacking"],
                subjects_left_out=left_out or None,
            ),
            "methods": ["TEST-AUTOMATED"],
            "types": ["control-objective"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": TOOL}]}],
            "subjects": [_subject(source, judged, s) for s in listed],
            "relevant-evidence": proof.relevant(compiled),
            "collected": when(source.manifest.started_at),
        }
    )


def _subject(source: Source, judged: Judged, row: dict[str, Any]) -> dict[str, Any]:
    status = row["status"]
    if status == "fail" and source.book.is_excepted(judged.check, row):
        status = "excepted"
    return {"subject-uuid": row["item"], "type": "inventory-item", "props": props(status=status)}


def _report_id(source: Source, programme: str) -> str:
    return uid("observation", source.manifest.id, "report", programme)


def _statement_id(source: Source, name: str) -> str:
    return uid("observation", source.manifest.id, "attestation", name)


def _report(source: Source, found: Inherited) -> dict[str, Any]:
    pointer = {
        "description": "The report in AWS Artifact, by its id and version; its text is not copied.",
        "props": props(report=found.report, bridge_letter=found.bridge),
    }
    return clean(
        {
            "uuid": _report_id(source, found.programme),
            "title": line(f"AWS's evidence for {found.programme}"),
            "description": plain(found.why),
            "props": props(
                programme=found.programme,
                state=found.state,
                report_title=found.title,
                period_start=str(found.period_start or ""),
                period_end=str(found.period_end or ""),
                bridge_needed="yes" if found.bridge_needed else None,
            ),
            "methods": ["EXAMINE"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": TOOL}]}],
            "relevant-evidence": [pointer] if found.report else [],
            "collected": when(source.manifest.started_at),
        }
    )


def _statement(source: Source, a: Attestation, state: str) -> dict[str, Any]:
    files = [
        {
            "description": plain(f"The file {f.name}, {f.size} bytes, kept by the author."),
            "props": props(file=f.name, sha256=f.sha256),
        }
        for f in a.files
    ]
    return clean(
        {
            "uuid": _statement_id(source, a.id),
            "title": f"Attestation {a.id}",
            "description": plain(a.statement),
            "props": props(
                state=state,
                author=a.author,
                reviewer=a.reviewer or "none yet",
                effective=str(a.effective),
                valid_until=str(a.valid_until),
                accounts=" ".join(a.accounts),
            ),
            "methods": ["INTERVIEW"],
            "relevant-evidence": files,
            "collected": when(a.recorded_at),
        }
    )


def finding(source: Source, told: Told, standing: Standing) -> dict[str, Any]:
    """How a requirement stands: satisfied only where all of it is proven."""
    r = told.requirement
    state, reason = TARGET[standing.state]
    related = [source.observation(source.key(row)) for row in told.checks]
    related += [_report_id(source, i.programme) for i in told.inherited]
    related += [_statement_id(source, a.id) for a, _ in told.attestations]
    parts = {f"state_{p.kind}": str(p.state) if p.state else "says-nothing" for p in standing.parts}
    why = " ".join(f"{p.kind}: {p.why}." for p in standing.parts) or r.unprovable or "-"
    status: dict[str, Any] = {"state": state, "reason": reason, "remarks": _REMARKS.get(standing.state)}
    return clean(
        {
            "uuid": source.finding(r.id),
            "title": line(f"{r.id} {r.title}"),
            "description": plain(why),
            "props": props(requirement=r.id, state=str(standing.state), **parts),
            "target": {
                "type": "statement-id",
                "target-id": source.controls.statement(r.id),
                "props": props(state=str(standing.state)),
                "status": clean(status),
                "implementation-status": implementation_status(standing.state),
            },
            "related-observations": [{"observation-uuid": u} for u in dict.fromkeys(related)],
        }
    )
