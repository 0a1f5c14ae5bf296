"""Writes the documents of a scan as files that name each other."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.errors import UserError
from partywall.oscal.catalog import catalog
from partywall.oscal.components import component_definition
from partywall.oscal.poam import plan_of_action
from partywall.oscal.proof import Proof
from partywall.oscal.results import assessment_plan, assessment_results
from partywall.oscal.source import Source
from partywall.oscal.ssp import leveraged, leveraging

if TYPE_CHECKING:
    from partywall.evidence.model import PoamItem
    from partywall.outputs.handover import Handover

KINDS: Final = ("component-definition", "ssp", "assessment-results", "poam")


def documents(
    book: Handover, items: Sequence[PoamItem] = (), kinds: Collection[str] = KINDS
) -> dict[str, dict[str, Any]]:
    """File name -> document, of the kinds asked for and what these need to be read.

    ssp brings aws-ssp.json, assessment-results the plan; any kind brings the framework's own catalog, save
    NIST SP 800-53, whose catalog NIST publishes. A document that would be empty is left out.
    """
    source = Source(book)
    found: dict[str, dict[str, Any] | None] = {}
    if not source.controls.nist:
        found["catalog.json"] = catalog(source)
    if "component-definition" in kinds:
        found["component-definition.json"] = component_definition(source)
    if "ssp" in kinds:
        found["aws-ssp.json"] = leveraged(source)
        found["ssp.json"] = leveraging(source)
    if {"assessment-results", "poam"} & set(kinds):
        proof = Proof(source)
        if "assessment-results" in kinds:
            found["assessment-plan.json"] = assessment_plan(source)
            found["assessment-results.json"] = assessment_results(source, proof)
        if "poam" in kinds:
            found["poam.json"] = plan_of_action(source, proof, items)
    return {name: made for name, made in found.items() if made is not None}


def write(found: dict[str, dict[str, Any]], directory: Path) -> list[Path]:
    """Writes each document whole or not at all; raises UserError where the directory cannot be written."""
    import orjson

    paths: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, made in found.items():
            path = directory / name
            temporary = path.with_name(f".{name}.{os.getpid()}.tmp")
            temporary.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2) + b"\n")
            temporary.replace(path)
            paths.append(path)
    except OSError as error:
        raise UserError(f"cannot write to {directory}: {error.strerror or error}") from error
    return paths
