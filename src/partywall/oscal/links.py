"""Every uuid, control and file that one document names must be there in another: the links, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from partywall.oscal.base import NIST_CATALOG

_REFERENCES: Final = {
    "component-uuid": "component",
    "provided-uuid": "provided",
    "responsibility-uuid": "responsibility",
    "subject-uuid": "inventory item",
    "observation-uuid": "observation",
    "finding-uuid": "finding",
    "risk-uuid": "risk",
    "party-uuid": "party",
    "actor-uuid": "component",
}
_DEFINED: Final = {
    "components": "component",
    "provided": "provided",
    "responsibilities": "responsibility",
    "inventory-items": "inventory item",
    "observations": "observation",
    "findings": "finding",
    "risks": "risk",
    "parties": "party",
    "resources": "resource",
    "leveraged-authorizations": "authorization",
}
_NAMED: Final = {
    "inherited-uuid": "component",
    "leveraged-authorization-uuid": "authorization",
    "open-responsibility": "responsibility",
}
"""Properties whose values are uuids of something."""
_FILES: Final = ("import-profile", "import-ssp", "import-ap")


def check_links(documents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is named and is not there, one sentence each. `documents`: file name -> document.

    Uuids must be defined once in a document and be of the kind that the reference says; control ids and
    statements must be in the catalog where one is among the documents; every responsibility that the
    leveraged system exports must be taken by the leveraging one, as satisfied or open, and never as both.
    """
    problems: list[str] = []
    defined: dict[str, set[str]] = {}
    for file, found in documents.items():
        seen: set[tuple[str, str]] = set()
        for kind, number in _definitions(found):
            if (kind, number) in seen:
                problems.append(f"{file}: two of the kind {kind} have the uuid {number}")
            seen.add((kind, number))
            defined.setdefault(kind, set()).add(number)
    controls, statements = _controls(documents)
    for file, found in documents.items():
        for name, value in _pairs(found):
            kind = _REFERENCES.get(name) or _NAMED.get(name)
            if kind and value not in defined.get(kind, set()):
                problems.append(f"{file}: {name} {value} names no {kind}")
            elif name == "control-id" and controls and value not in controls:
                problems.append(f"{file}: no control {value} in the catalog")
            elif name in ("statement-id", "target-id") and statements and value not in statements:
                problems.append(f"{file}: no statement {value} in the catalog")
            elif name == "href" and value.startswith("#") and value[1:] not in defined.get("resource", set()):
                problems.append(f"{file}: {value} names no resource of the back matter")
        for href in _imports(found):
            if href != NIST_CATALOG and href not in documents:
                problems.append(f"{file}: it imports {href}, which is not among the documents")
    return problems + _responsibilities(documents, defined)


def _responsibilities(documents: Mapping[str, Any], defined: Mapping[str, set[str]]) -> list[str]:
    satisfied: set[str] = set()
    left_open: set[str] = set()
    for found in documents.values():
        for name, value in _pairs(found):
            if name == "responsibility-uuid":
                satisfied.add(value)
            elif name == "open-responsibility":
                left_open.add(value)
    if not satisfied and not left_open:
        return []
    given = defined.get("responsibility", set())
    problems = [f"responsibility {n} is satisfied and open at once" for n in sorted(satisfied & left_open)]
    lost = sorted(given - satisfied - left_open)
    return problems + [f"responsibility {n} is neither satisfied nor open" for n in lost]


def _controls(documents: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    controls: set[str] = set()
    statements: set[str] = set()
    for found in documents.values():
        for control in found.get("catalog", {}).get("controls", ()):
            controls.add(control["id"])
            statements |= {part["id"] for part in control.get("parts", ())}
    return controls, statements


def _imports(found: Mapping[str, Any]) -> Iterator[str]:
    for body in found.values():
        for name in _FILES:
            if name in body:
                yield body[name]["href"]
        for component in body.get("components", ()):
            for implementation in component.get("control-implementations", ()):
                yield implementation["source"]


def _definitions(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and uuid of all that a document defines."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            if name in _DEFINED and isinstance(inner, list):
                for entry in cast("list[Any]", inner):
                    if "uuid" in entry:
                        yield _DEFINED[name], entry["uuid"]
            yield from _definitions(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _definitions(inner)


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    """Every name with its text, properties by their own names."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        if "name" in entries and isinstance(entries.get("value"), str):
            yield entries["name"], entries["value"]
        for name, inner in entries.items():
            if isinstance(inner, str):
                yield name, inner
            else:
                yield from _pairs(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _pairs(inner)
