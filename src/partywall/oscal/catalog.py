"""A catalog for frameworks that NIST publishes none for: ids and titles, no text that is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partywall.frameworks.states import is_heading
from partywall.oscal.base import clean, document, line, metadata, prop, props

if TYPE_CHECKING:
    from partywall.frameworks.model import Requirement
    from partywall.oscal.source import Source


def catalog(source: Source) -> dict[str, Any]:
    """The framework's requirements as controls, headings as well, all beside each other in its order."""
    framework = source.framework
    title = f"{framework.name} {framework.version}: requirements by id"
    return document(
        "catalog",
        {
            "metadata": {
                **metadata(title, source.manifest.started_at),
                "remarks": f"{line(framework.source)} The framework's own text is not here, only its ids.",
            },
            "controls": [_control(source, r) for r in framework.requirements],
        },
    )


def _control(source: Source, requirement: Requirement) -> dict[str, Any]:
    name = source.controls.id(requirement.id)
    heading = is_heading(requirement) and not requirement.withdrawn
    known = props(parent=source.controls.id(requirement.parent) if requirement.parent else None)
    known += props(heading="yes" if heading else None, type=requirement.type)
    if requirement.withdrawn:
        known.append({"name": "status", "value": "withdrawn"})
    parts: list[dict[str, Any]] = []
    if not heading and not requirement.withdrawn:
        told = [
            *([("aws", requirement.aws.what)] if requirement.aws else []),
            *([("process", requirement.process.statement)] if requirement.process else []),
        ]
        statement: dict[str, Any] = {
            "id": source.controls.statement(requirement.id),
            "name": "statement",
            "prose": line(requirement.title),
            "parts": [
                {
                    "id": f"{source.controls.statement(requirement.id)}.{kind}",
                    "name": "item",
                    "prose": line(text),
                }
                for kind, text in told
            ],
        }
        parts = [clean(statement)]
    label = prop("label", requirement.id)
    del label["ns"]
    return clean({"id": name, "title": line(requirement.title), "props": [label, *known], "parts": parts})
