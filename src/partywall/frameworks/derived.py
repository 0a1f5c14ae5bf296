"""The mapping as tables for SQL: frameworks, requirements, objectives, checks, programmes' scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from partywall.frameworks.loader import library
from partywall.frameworks.scope import scope_rows
from partywall.frameworks.states import evidence_for, is_heading
from partywall.lake.derived import DerivedColumn, DerivedTable

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

_FRAMEWORK: Final = (
    DerivedColumn("framework", "VARCHAR", "Its id."),
    DerivedColumn("name", "VARCHAR", "Its name."),
    DerivedColumn("version", "VARCHAR", "Its version."),
    DerivedColumn("aliases", "VARCHAR[]", "Other names that commands take."),
    DerivedColumn("programme", "VARCHAR", "The AWS programme whose reports bear AWS's part."),
    DerivedColumn("requirements", "BIGINT", "How many requirements take a state."),
    DerivedColumn("source", "VARCHAR", "Whose framework it is and where it is published."),
)
_REQUIREMENT: Final = (
    DerivedColumn("framework", "VARCHAR", "The framework's id."),
    DerivedColumn("requirement", "VARCHAR", "Its id in the framework."),
    DerivedColumn("position", "BIGINT", "Its place in the framework's order, from 1."),
    DerivedColumn("parent", "VARCHAR", "The requirement above it."),
    DerivedColumn("title", "VARCHAR", "What it asks for."),
    DerivedColumn("type", "VARCHAR", "T technical, P process, I AWS's, X several of them; '' for a heading."),
    DerivedColumn("heading", "BOOLEAN", "Whether it only groups others."),
    DerivedColumn("withdrawn", "BOOLEAN", "Whether the framework withdrew it."),
    DerivedColumn("aws", "VARCHAR", "What AWS does; NULL where it has no such part."),
    DerivedColumn("programmes", "VARCHAR[]", "The AWS programmes that AWS's part rests on."),
    DerivedColumn("objectives", "VARCHAR[]", "The control objectives of its technical part."),
    DerivedColumn("statement", "VARCHAR", "What an attestation must say; NULL where it has no process part."),
    DerivedColumn("unprovable", "VARCHAR", "Why no check proves it."),
    DerivedColumn("mapped_by", "VARCHAR", "Who mapped it."),
    DerivedColumn("why", "VARCHAR", "Why it is mapped so."),
)
_OBJECTIVE: Final = (
    DerivedColumn("objective", "VARCHAR", "Its id."),
    DerivedColumn("title", "VARCHAR", "What it says."),
    DerivedColumn("domain", "VARCHAR", "The course of the wall to which it belongs."),
    DerivedColumn("checks", "BIGINT", "How many checks bear on it."),
)
_CHECK: Final = (
    DerivedColumn("framework", "VARCHAR", "The framework's id."),
    DerivedColumn("requirement", "VARCHAR", "The requirement's id."),
    DerivedColumn("check_id", "VARCHAR", "The check that bears on it."),
    DerivedColumn("weight", "VARCHAR", "proves, supports or contradicts."),
    DerivedColumn("objective", "VARCHAR", "The control objective that brings it; '' for a row of its own."),
    DerivedColumn("params", "VARCHAR", "Parameters that the framework sets, as JSON; '' for none."),
    DerivedColumn("why", "VARCHAR", "Why the check says that of the requirement."),
    DerivedColumn("mapped_by", "VARCHAR", "Who set the row."),
    DerivedColumn("set_on", "DATE", "When; NULL where it came with the framework's file."),
)
_SCOPE: Final = (
    DerivedColumn("programme", "VARCHAR", "AWS's compliance programme."),
    DerivedColumn("service", "VARCHAR", "The service, as tables name it."),
    DerivedColumn("table_name", "VARCHAR", "The kind of resource."),
    DerivedColumn("in_scope", "VARCHAR", "yes, no, or unknown where no document that was read says."),
    DerivedColumn("source", "VARCHAR", "AWS's document."),
    DerivedColumn("as_of", "DATE", "The document's time."),
    DerivedColumn("read_on", "DATE", "When it was read."),
)


def _registered(lake: Lake, name: str, columns: Sequence[DerivedColumn], rows: list[dict[str, Any]]) -> str:
    return register_rows(lake, f"_{name}", [(c.name, c.type) for c in columns], rows)


def register_rows(
    lake: Lake, name: str, columns: Sequence[tuple[str, str]], rows: list[dict[str, Any]]
) -> str:
    """Puts rows that Python made on the lake's connection under a name; returns a SELECT of them."""
    import pyarrow as pa

    kinds: dict[str, pa.DataType] = {
        "VARCHAR": pa.string(),
        "BOOLEAN": pa.bool_(),
        "DATE": pa.date32(),
        "BIGINT": pa.int64(),
        "VARCHAR[]": pa.list_(pa.string()),
    }
    schema = pa.schema([(column, kinds[type_]) for column, type_ in columns])
    lake.connection.register(name, pa.Table.from_pylist(rows, schema=schema))
    return f"SELECT * FROM {name}"


def _frameworks(lake: Lake) -> str:
    from partywall.frameworks.states import counted

    rows = [
        {
            "framework": f.id,
            "name": f.name,
            "version": f.version,
            "aliases": f.aliases,
            "programme": f.programme,
            "requirements": len(counted(f)),
            "source": f.source,
        }
        for f in library().frameworks
    ]
    return _registered(lake, "framework", _FRAMEWORK, rows)


def _requirements(lake: Lake) -> str:
    rows = [
        {
            "framework": f.id,
            "requirement": r.id,
            "position": position,
            "parent": r.parent,
            "title": r.title,
            "type": r.type,
            "heading": is_heading(r) and not r.withdrawn,
            "withdrawn": r.withdrawn,
            "aws": r.aws.what if r.aws else None,
            "programmes": (r.aws.programmes or [f.programme]) if r.aws else [],
            "objectives": r.technical.objectives if r.technical else [],
            "statement": r.process.statement if r.process else None,
            "unprovable": r.unprovable,
            "mapped_by": r.by,
            "why": r.technical.why if r.technical and r.technical.why else r.why,
        }
        for f in library().frameworks
        for position, r in enumerate(f.requirements, 1)
    ]
    return _registered(lake, "requirement", _REQUIREMENT, rows)


def _objectives(lake: Lake) -> str:
    evidence = library().evidence()
    rows = [
        {"objective": o.id, "title": o.title, "domain": o.domain, "checks": len(evidence[o.id])}
        for o in library().objectives
    ]
    return _registered(lake, "control_objective", _OBJECTIVE, rows)


def _checks(lake: Lake) -> str:
    from partywall.frameworks.tally import Judged

    evidence = library().evidence()
    rows = [
        {
            "framework": f.id,
            "requirement": r.id,
            "check_id": row.check,
            "weight": str(row.weight),
            "objective": objective,
            "params": Judged.of(row.check, row.params).params,
            "why": row.why,
            "mapped_by": row.by,
            "set_on": row.set_on,
        }
        for f in library().frameworks
        for r in f.requirements
        for row, objective in evidence_for(r, evidence)
    ]
    return _registered(lake, "requirement_check", _CHECK, rows)


def _scope(lake: Lake) -> str:
    return _registered(lake, "programme_scope", _SCOPE, scope_rows())


DERIVED: Final = (
    DerivedTable("framework", "The compliance frameworks that partywall knows.", _FRAMEWORK, _frameworks),
    DerivedTable(
        "requirement", "Their requirements and the parts that each has.", _REQUIREMENT, _requirements
    ),
    DerivedTable("control_objective", "What many frameworks ask for, in our words.", _OBJECTIVE, _objectives),
    DerivedTable("requirement_check", "Which checks bear on which requirement, and why.", _CHECK, _checks),
    DerivedTable("programme_scope", "Which services AWS's programmes cover, as far as read.", _SCOPE, _scope),
)
