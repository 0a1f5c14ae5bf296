"""Compliance as plain rows: what JSON, CSV, SQL and the HTML report are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from partywall.frameworks.assess import Compliance, Summary
from partywall.frameworks.model import Framework
from partywall.frameworks.states import ALL, Standing

STATUSES: Final = ("pass", "fail", "unknown", "excepted", "not_applicable")
PARTS: Final = ("aws", "technical", "process")


def summary_row(summary: Summary) -> dict[str, Any]:
    """A framework's states: framework, name, version, account_id, total, evaluated, states (all nine)."""
    return {
        "framework": summary.framework.id,
        "name": summary.framework.name,
        "version": summary.framework.version,
        "account_id": summary.account_id,
        "total": summary.total,
        "evaluated": summary.evaluated,
        "states": {str(state): count for state, count in summary.states.items()},
    }


def requirement_row(framework: Framework, standing: Standing) -> dict[str, Any]:
    """A requirement's standing; parts that it does not have are left out."""
    requirement = standing.requirement
    return {
        "framework": framework.id,
        "requirement": requirement.id,
        "parent": requirement.parent,
        "title": requirement.title,
        "type": requirement.type,
        "account_id": standing.account_id,
        "state": str(standing.state),
        "parts": [
            {"kind": p.kind, "state": str(p.state) if p.state else "", "why": p.why} for p in standing.parts
        ],
        "unprovable": requirement.unprovable,
        "checks": dict(standing.checks),
        "resources": dict(standing.resources),
    }


FLAT: Final = (
    ("framework", "VARCHAR", "The framework's id."),
    ("requirement", "VARCHAR", "The requirement's id."),
    ("parent", "VARCHAR", "The requirement above it."),
    ("title", "VARCHAR", "What it asks for."),
    ("type", "VARCHAR", "T technical, P process, I AWS's, X several of them."),
    ("account_id", "VARCHAR", "The account; * for all accounts of the scan together."),
    ("state", "VARCHAR", "How it stands: one of the nine states."),
    ("aws", "VARCHAR", "How AWS's part stands; NULL where it has none."),
    ("technical", "VARCHAR", "How the technical part stands; '' where its evidence says nothing by itself."),
    ("process", "VARCHAR", "How the process part stands; NULL where it has none."),
    *((f"checks_{s}", "BIGINT", f"How many of its checks are {s} as a whole.") for s in STATUSES),
    *((f"resources_{s}", "BIGINT", f"How many resources are {s}, for each check.") for s in STATUSES),
    ("why", "VARCHAR", "Why its parts stand so."),
)
"""Columns of the table `compliance`: name, DuckDB's type, what it says."""


def flat_row(framework: Framework, standing: Standing) -> dict[str, Any]:
    """A requirement's standing with the columns of `FLAT`."""
    row = requirement_row(framework, standing)
    parts = {p["kind"]: p["state"] for p in row["parts"]}
    counts = {
        f"{kind}_{status}": row[kind].get(status, 0)
        for kind in ("checks", "resources")
        for status in STATUSES
    }
    why = "; ".join(f"{p['kind']}: {p['why']}" for p in row["parts"]) or row["unprovable"]
    flat = {**row, **{kind: parts.get(kind) for kind in PARTS}, **counts, "why": why}
    return {name: flat[name] for name, _, _ in FLAT}


def flat_rows(compliance: Compliance, accounts: Iterable[str]) -> list[dict[str, Any]]:
    """Every requirement of every framework in each of the accounts ("*" for all together)."""
    return [
        flat_row(framework, standing)
        for account in accounts
        for framework in compliance.frameworks.values()
        for standing in compliance.standings(framework, account)
    ]


def every_account(compliance: Compliance) -> list[str]:
    """The accounts of the scan, and "*" for all of them together."""
    return [ALL, *compliance.accounts]
