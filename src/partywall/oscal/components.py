"""The component definition: each AWS service in use, and both sides' parts in what it bears on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from partywall.oscal.base import aws_party, clean, document, line, metadata, prop, props, uid
from partywall.responsibility.loader import model
from partywall.responsibility.model import GRADE_WORDS

if TYPE_CHECKING:
    from partywall.oscal.source import Side, Source
    from partywall.outputs.handover import Service

NOTHING = "Nothing on the lines that the checks look at."


@cache
def aws_uuids() -> Mapping[str, list[str]]:
    """Service of the responsibility model -> uuids of AWS's own OSCAL components for it."""
    import yaml

    return yaml.safe_load(files("partywall.oscal").joinpath("services.yaml").read_text(encoding="utf-8"))


def component_definition(source: Source) -> dict[str, Any]:
    """Component of every service in use, with the requirements that some check bears on through it."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for told, _ in source.told:
        for service, rows in source.by_service(told).items():
            made = _implemented(source, service, told.requirement.id, source.side(service, rows))
            parts.setdefault(service, []).append(made)
    components = [_component(source, s, parts.get(s.name, [])) for s in source.services.values()]
    title = f"AWS services in use, for {source.framework.name} {source.framework.version}"
    return document(
        "component-definition",
        {
            "metadata": metadata(title, source.manifest.started_at, [aws_party()]),
            "components": components,
        },
    )


def _component(source: Source, service: Service, parts: list[dict[str, Any]]) -> dict[str, Any]:
    implementation = {
        "uuid": uid("definition", source.system, source.framework.id, service.name),
        "source": source.controls.href,
        "description": "Who does what, by the service's configuration in the scanned accounts.",
        "implemented-requirements": parts,
    }
    return clean(
        {
            "uuid": uid("definition", source.system, service.name),
            "type": "service",
            "title": line(service.name),
            "description": describe(service),
            "props": service_props(service),
            "responsible-roles": [{"role-id": "provider", "party-uuids": [aws_party()["uuid"]]}],
            "control-implementations": [implementation] if parts else [],
        }
    )


def describe(service: Service) -> str:
    """A service by the variants of it that are in use."""
    names = [model().variants[v].variant for v in service.possible()]
    return f"{line(service.name)} as configured here: {'; '.join(map(line, names)) or 'not known'}."


def service_props(service: Service) -> list[dict[str, Any]]:
    """How many resources, which variants, how well the model knows them, and AWS's uuids for the service."""
    found = props(resources=service.resources, responsibility_model=model().digest)
    if service.undecided:
        found += props(resources_of_unknown_variant=sum(service.undecided.values()))
    for variant_id, count in service.possible().items():
        variant = model().variants[variant_id]
        grade = f"{variant.grade}: {GRADE_WORDS[variant.grade]}"
        found += [
            {
                **prop("variant", variant.id),
                "remarks": f"{count} resources. {line(variant.variant)}. {grade}.",
            }
        ]
    return found + [prop("aws-oscal-component-uuid", u) for u in aws_uuids().get(service.name, [])]


def owners(side: Side) -> list[dict[str, Any]]:
    """The owner of each line, as properties."""
    return [{**prop("owner", owner), "class": domain} for domain, owner in side.owners.items()]


def _implemented(source: Source, service: str, requirement: str, side: Side) -> dict[str, Any]:
    control = source.controls.id(requirement)
    aws, customer = told(side.aws), told(side.customer)
    statement = {
        "statement-id": source.controls.statement(requirement),
        "uuid": uid("definition-statement", source.system, control, service),
        "description": f"AWS: {aws}\n\nCustomer: {customer}",
    }
    return clean(
        {
            "uuid": uid("definition-requirement", source.system, control, service),
            "control-id": control,
            "description": "AWS's and the customer's parts, by the lines that partywall's checks look at.",
            "props": owners(side),
            "statements": [statement],
        }
    )


def told(texts: list[str]) -> str:
    """The texts of one side as a paragraph."""
    return " ".join(dict.fromkeys(map(line, texts))) or NOTHING
