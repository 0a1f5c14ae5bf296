"""The SQL of a verdict: where and pass of a check, joined to one byte that is never NULL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from partywall.checks.loader import CompiledCheck
from partywall.findings.model import Verdict


def parameters(check: CompiledCheck, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The check's parameters: defaults, then a user's or a framework's values for them."""
    values = {name: param.default for name, param in check.check.params.items()}
    return values | {k: v for k, v in (overrides or {}).items() if k in values}


def verdict_sql(check: CompiledCheck, now: datetime, overrides: Mapping[str, Any] | None = None) -> str:
    """A DuckDB expression of type UTINYINT: the `Verdict` of the check on a row."""
    params = parameters(check, overrides)
    where = check.where.to_duckdb(params, now) if check.where is not None else None
    return joined(where, check.passes.to_duckdb(params, now))


def joined(where: str | None, passes: str) -> str:
    """The `Verdict` as UTINYINT of a check whose predicates are these expressions of DuckDB's."""
    # A boolean as a number is its verdict (1 PASS, 0 FAIL); `CASE x WHEN` would evaluate x once per WHEN.
    verdict = f"coalesce(CAST({passes} AS UTINYINT), {Verdict.UNKNOWN})"
    if where is not None:
        verdict = (
            f"CASE ({where}) WHEN FALSE THEN {Verdict.NOT_APPLICABLE} WHEN TRUE THEN {verdict}"
            f" ELSE {Verdict.UNKNOWN} END"
        )
    return f"({verdict})::UTINYINT"
