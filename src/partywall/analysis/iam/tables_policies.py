"""The tables of what policies say: statements, findings of the lint, and a reviewer's look at each policy."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.review import codes, idle_denies, linted, masker, read, review
from partywall.analysis.iam.tables_documents import Held, Row, everything, identity, resources
from partywall.tables.registry import table as find
from partywall.tables.schema import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake


def table(name: str, rows: list[Row]) -> pa.Table:
    """Rows as an Arrow table of a declared table's schema."""
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=arrow_schema(find(name)))


def statements(lake: Lake) -> pa.Table:
    """The table iam_statement."""
    made: list[Row] = []
    for held in everything(lake, aws=True):
        base = held.base()
        made += [{**base, **found} for found in _statements(held)] if held.text else [base]
    return table("iam_statement", made)


def _statements(held: Held) -> Iterable[Row]:
    named = held.kind in ("trust", "resource", "rcp")
    return _read(held.text or "", None if held.kind in (None, "rcp") else named)


@lru_cache(maxsize=4096)
def _read(text: str, principal: bool | None) -> tuple[Row, ...]:
    return tuple(_statement(s) for s in read(text, "policy", principal).statements)


def _statement(s: Statement) -> Row:
    if s.broken:
        # Of what AWS would not read, nothing but the fault is told.
        return {"position": s.index + 1, "problem": s.broken}
    principals = [f"{kind}:{text}" for kind, text in s.principal.named] if s.principal else []
    return {
        "position": s.index + 1,
        "sid": s.sid,
        "effect": "Allow" if s.allow else "Deny",
        "problem": "",
        "actions": list(s.actions),
        "not_action": s.not_action,
        "action_count": masker().statement(s).bit_count(),
        "resources": list(s.resources or ()),
        "not_resource": s.not_resource,
        "principals": [*(["*"] if s.principal and s.principal.everyone else []), *principals],
        "not_principal": s.not_principal,
        "conditions": [
            {"operator": c.operator, "key": c.key, "values": list(c.values)} for c in s.conditions
        ],
    }


def findings(lake: Lake) -> pa.Table:
    """The table iam_policy_finding."""
    made: list[Row] = []
    for held in everything(lake, aws=False):
        base = held.base()
        if held.text is None:
            made.append(base)
        for f in linted(held.text, held.type) if held.text else ():
            finding = {"code": f.code, "severity": str(f.severity), "message": f.message, "path": f.path}
            made.append({**base, **finding, "line": f.line, "column": f.column})
    return table("iam_policy_finding", made)


def reviews(lake: Lake) -> pa.Table:
    """The table iam_policy_review."""
    made: list[Row] = []
    for held in identity(lake):
        row = held.base()
        if held.kind == "managed":
            row["attachments"] = held.row["attachment_count"]
            row["boundary_uses"] = held.row["boundary_usage_count"]
        else:
            row |= {"attachments": 1, "boundary_uses": 0}
        if held.text is not None:
            row |= review(held.text)
        made.append(row)
    return table("iam_policy_review", made)


def resource_policies(lake: Lake) -> pa.Table:
    """The table iam_resource_policy."""
    made: list[Row] = []
    for held in resources(lake):
        row: dict[str, Any] = held.base()
        del row["holder_arn"]
        row |= {"table_name": held.table, "column_name": held.column}
        if held.text == "":
            row["has_policy"] = False
        elif held.text is not None:
            policy = read(held.text, "policy", True)
            row |= {
                "has_policy": True,
                "statement_count": len(policy.statements),
                **codes(held.text, held.type),
                "allows_not_principal": any(s.allow and s.not_principal for s in policy.statements),
                "idle_denies": idle_denies(policy),
            }
        made.append(row)
    return table("iam_resource_policy", made)
