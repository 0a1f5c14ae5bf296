"""Two system security plans: AWS's side as the leveraged system, and the customer's that leverages it.

AWS publishes no such plan: the leveraged one is written from the framework's file and the responsibility
model, and says so. Its `provided` and `responsibilities` are what the customer's `inherited` and `satisfied`
point to. A responsibility that is not proven to be met is not `satisfied` but a property
`open-responsibility`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from partywall.frameworks.model import State
from partywall.oscal.base import (
    OSCAL_NS,
    aws_party,
    clean,
    document,
    line,
    metadata,
    plain,
    prop,
    props,
    uid,
)
from partywall.oscal.components import describe, owners, service_props, told
from partywall.outputs.text import plural

if TYPE_CHECKING:
    from partywall.frameworks.states import Standing
    from partywall.oscal.source import Source
    from partywall.outputs.handover import Told

MET: Final = frozenset({State.SATISFIED, State.ATTESTED})
IMPLEMENTED: Final = {
    State.SATISFIED: "implemented",
    State.ATTESTED: "implemented",
    State.INHERITED: "implemented",
    State.NOT_APPLICABLE: "not-applicable",
}
"""State -> `implementation-status`; other states go by their own names, which OSCAL allows."""
_OURS: Final = (
    "Written by partywall from the requirements' AWS parts and its responsibility model; it is not a plan"
    " that AWS published or approved. AWS's own evidence is in AWS Artifact."
)


def implementation_status(state: State) -> dict[str, Any]:
    """How far a requirement is implemented; never "implemented" while something is unknown."""
    return {"state": IMPLEMENTED.get(state) or str(state).replace("_", "-")}


def leveraged(source: Source) -> dict[str, Any] | None:
    """AWS's plan: what it provides, and what it leaves to the customer; None where it has no part at all."""
    requirements = [r for told_, _ in source.told if (r := _exported(source, told_))]
    if not requirements:
        return None
    components = [
        {
            "uuid": _aws_component(name),
            "type": "service",
            "title": line(name),
            "description": describe(service),
            "props": service_props(service),
            "status": {"state": "operational"},
        }
        for name, service in source.services.items()
    ]
    this = {
        "uuid": _aws_component(""),
        "type": "this-system",
        "title": "Amazon Web Services",
        "description": "The AWS cloud: what AWS answers for below the line.",
        "status": {"state": "operational"},
    }
    return document(
        "system-security-plan",
        {
            "metadata": {
                **metadata("AWS as a leveraged system", source.manifest.started_at, [aws_party()]),
                "remarks": _OURS,
            },
            "import-profile": {"href": source.controls.href},
            "system-characteristics": _characteristics(
                "aws", "Amazon Web Services", "The services of AWS that the scanned accounts use.", _OURS
            ),
            "system-implementation": {"users": [_user("provider")], "components": [this, *components]},
            "control-implementation": {
                "description": _OURS,
                "implemented-requirements": requirements,
            },
        },
    )


def leveraging(source: Source) -> dict[str, Any]:
    """The customer's plan: this system, AWS's services that it leverages, its inventory and controls."""
    accounts = source.system
    authorization = uid("authorization", source.system, source.framework.id)
    leveraged_props = [
        prop("implementation-point", "external", OSCAL_NS),
        prop("leveraged-authorization-uuid", authorization, OSCAL_NS),
    ]
    aws = {
        "uuid": source.component(""),
        "type": "system",
        "title": "Amazon Web Services",
        "description": "The leveraged system.",
        "props": [*leveraged_props, prop("inherited-uuid", _aws_component(""), OSCAL_NS)],
        "status": {"state": "operational"},
    }
    services = [
        {
            "uuid": source.component(name),
            "type": "service",
            "title": line(name),
            "description": describe(service),
            "props": [
                *leveraged_props,
                prop("inherited-uuid", _aws_component(name), OSCAL_NS),
                *service_props(service),
            ],
            "status": {"state": "operational"},
        }
        for name, service in source.services.items()
    ]
    this = {
        "uuid": this_system(source),
        "type": "this-system",
        "title": "The scanned AWS accounts",
        "description": "What the customer put into its AWS accounts.",
        "props": props(scan=source.manifest.id, accounts=accounts),
        "status": {"state": "operational"},
    }
    return document(
        "system-security-plan",
        {
            "metadata": metadata(
                f"The scanned AWS accounts, for {source.framework.name} {source.framework.version}",
                source.manifest.started_at,
                [aws_party(), customer_party(source)],
            ),
            "import-profile": {"href": source.controls.href},
            "system-characteristics": _characteristics(
                uid("system", source.system),
                "AWS accounts",
                "Accounts as scanned; their ids are properties of the component this-system.",
                " ".join(source.compliance.limits()),
            ),
            "system-implementation": clean(
                {
                    "leveraged-authorizations": [_authorization(source, authorization)],
                    "users": [_user("customer")],
                    "components": [this, aws, *services],
                    "inventory-items": source.inventory,
                }
            ),
            "control-implementation": {
                "description": "How each requirement stands, by the parts of AWS and of the customer.",
                "implemented-requirements": [_implemented(source, t, s) for t, s in source.told],
            },
        },
    )


def this_system(source: Source) -> str:
    """The uuid of the component that stands for the customer's own system."""
    return uid("this-system", source.system)


def customer_party(source: Source) -> dict[str, Any]:
    """The customer as a party; nobody is named, since no account tells who it is."""
    return {"uuid": uid("party", source.system), "type": "organization", "name": "The customer"}


def _aws_component(service: str) -> str:
    return uid("aws-component", service)


def _user(role: str) -> dict[str, Any]:
    return {"uuid": uid("user", role), "title": role.capitalize(), "role-ids": [role]}


def _characteristics(number: str, name: str, description: str, remarks: str) -> dict[str, Any]:
    kind = {
        "uuid": uid("information", number),
        "title": "Not categorised",
        "description": "A scan does not tell what the information is worth: categorise it.",
    }
    return clean(
        {
            "system-ids": [{"identifier-type": "https://ietf.org/rfc/rfc4122", "id": uid("system", number)}],
            "system-name": name,
            "description": description,
            "system-information": {"information-types": [kind]},
            "status": {"state": "operational"},
            "authorization-boundary": {"description": description},
            "remarks": remarks,
        }
    )


def _authorization(source: Source, number: str) -> dict[str, Any]:
    found = source.compliance.inherited.get(source.framework.programme)
    began = found.period_start if found else None
    known = props(
        programme=source.framework.programme,
        report=found.report if found else None,
        report_title=found.title if found else None,
        report_state=found.state if found else None,
        period_start=str(began) if began else None,
        period_end=str(found.period_end) if found and found.period_end else None,
        date_known="yes" if began else "no",
    )
    remarks = (
        "The date is the beginning of the report's period or validity."
        if began
        else "No report tells a date: the day of the scan stands here."
    )
    return clean(
        {
            "uuid": number,
            "title": "Amazon Web Services",
            "props": known,
            "links": [{"href": "aws-ssp.json", "rel": "leveraged-system"}],
            "party-uuid": aws_party()["uuid"],
            "date-authorized": str(began or source.manifest.started_at.date()),
            "remarks": f"{remarks} {line(found.why) if found else ''}".strip(),
        }
    )


def _ids(source: Source, requirement: str, service: str) -> tuple[str, str]:
    """The uuids of what AWS provides and of what it leaves to the customer."""
    where = (source.framework.id, requirement, service)
    return uid("provided", *where), uid("responsibility", *where)


def _mine(told_: Told) -> str:
    """What the customer has to do for a requirement."""
    r = told_.requirement
    parts = [r.technical.why or "Configure what the requirement's checks judge."] if r.technical else []
    return " ".join([*parts, *([r.process.statement] if r.process else [])])


def _exported(source: Source, told_: Told) -> dict[str, Any] | None:
    r = told_.requirement
    components: list[dict[str, Any]] = []
    if r.aws is not None:
        provided, duty = _ids(source, r.id, "")
        exported: dict[str, Any] = {"provided": [{"uuid": provided, "description": line(r.aws.what)}]}
        if mine := _mine(told_):
            exported["responsibilities"] = [
                {"uuid": duty, "provided-uuid": provided, "description": line(mine)}
            ]
        components.append(
            {
                "component-uuid": _aws_component(""),
                "uuid": uid("aws-by", source.framework.id, r.id),
                "description": line(r.aws.what),
                "export": exported,
            }
        )
    for service, rows in source.by_service(told_).items():
        side = source.side(service, rows)
        provided, duty = _ids(source, r.id, service)
        exported = {}
        if side.aws:
            exported["provided"] = [{"uuid": provided, "description": told(side.aws)}]
        if side.customer:
            duties = {"uuid": duty, "description": told(side.customer)}
            exported["responsibilities"] = [{**duties, "provided-uuid": provided} if side.aws else duties]
        if exported:
            components.append(
                {
                    "component-uuid": _aws_component(service),
                    "uuid": uid("aws-by", source.framework.id, r.id, service),
                    "description": f"{line(service)}: {told(side.aws)}",
                    "props": owners(side),
                    "export": exported,
                }
            )
    if not components:
        return None
    return {
        "uuid": uid("aws-requirement", source.framework.id, r.id),
        "control-id": source.controls.id(r.id),
        "by-components": components,
    }


def _implemented(source: Source, told_: Told, standing: Standing) -> dict[str, Any]:
    r = told_.requirement
    where = (source.system, source.framework.id, r.id)
    parts = " ".join(f"{p.kind}: {p.why}." for p in standing.parts) or r.unprovable
    own = {
        "component-uuid": this_system(source),
        "uuid": uid("by", *where),
        "description": plain(parts),
        "props": props(state=str(standing.state)),
        "implementation-status": implementation_status(standing.state),
    }
    components = [own]
    if r.aws is not None:
        part = standing.part("aws")
        provided, duty = _ids(source, r.id, "")
        mine = [p.state for p in standing.parts if p.kind != "aws"]
        # A part that says nothing by itself leaves the verdict to the others, as in the whole state.
        met = [s for s in mine if s is not None]
        done = bool(met) and all(s in MET for s in met)
        taken = {
            "uuid": uid("inherited", *where),
            "provided-uuid": provided,
            "description": line(r.aws.what),
            "props": props(evidence_state=str(part.state) if part else None),
        }
        components.append(_by(source, "", where, [taken], duty if _mine(told_) else "", done, plain(parts)))
    for service, rows in source.by_service(told_).items():
        side = source.side(service, rows)
        provided, duty = _ids(source, r.id, service)
        state = source.state(rows)
        taken = {"uuid": uid("inherited", *where, service), "provided-uuid": provided}
        inherited = [{**taken, "description": told(side.aws)}] if side.aws else []
        if inherited or side.customer:
            why = f"{plural(len(rows), 'check')} on it: {str(state).replace('_', ' ')}."
            made = _by(source, service, where, inherited, duty if side.customer else "", state in MET, why)
            made["props"] = [*props(state=str(state)), *made.get("props", [])]
            components.append(made)
    return {
        "uuid": uid("requirement", *where),
        "control-id": source.controls.id(r.id),
        "props": props(state=str(standing.state), account=source.book.account),
        "by-components": components,
    }


def _by(
    source: Source,
    service: str,
    where: tuple[str, ...],
    inherited: list[dict[str, Any]],
    duty: str,
    done: bool,
    why: str,
) -> dict[str, Any]:
    """A by-component of what is leveraged: satisfied where proven, an open responsibility otherwise."""
    satisfied = {"uuid": uid("satisfied", *where, service), "responsibility-uuid": duty, "description": why}
    return clean(
        {
            "component-uuid": source.component(service),
            "uuid": uid("by", *where, service or "aws"),
            "description": why,
            "props": props(open_responsibility=duty) if duty and not done else [],
            "inherited": inherited,
            "satisfied": [satisfied] if duty and done else [],
        }
    )
