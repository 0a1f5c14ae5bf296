"""Judges small tables in Python: DuckDB takes longer to plan a query than this to judge a hundred rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from partywall.checks.loader import CompiledCheck
from partywall.checks.verdict import parameters
from partywall.findings.model import Verdict
from partywall.lake.rows import Row, Rows, Wanted, reached, want
from partywall.lake.source import FACTS_SUFFIX, ROW
from partywall.sql.nodes import Col, Get, Over, Var, walk

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

_VERDICTS: Final = 600
"""What takes Python less than a query takes DuckDB, whose plan and files cost 10 to 30 ms."""
_RELATED: Final = 600
_FACTS_BYTES: Final = 1_000_000


def is_small(lake: Lake, group: list[CompiledCheck], counts: Mapping[str, int]) -> bool:
    """True where Python judges the checks of a table sooner; `counts` holds the rows of each table."""
    table = group[0].table
    columns = {c for check in group for c in check.columns}
    others = reached(table, columns)
    if counts.get(table.name, 0) * len(group) > _VERDICTS or sum(counts.get(o, 0) for o in others) > _RELATED:
        return False
    if not others and not any(c.endswith(FACTS_SUFFIX) for c in columns):
        return True
    files = (lake.directory / "derived").glob("policy_facts_*.parquet")
    return sum(file.stat().st_size for file in files) <= _FACTS_BYTES


def judge_small(
    lake: Lake,
    groups: Collection[list[CompiledCheck]],
    now: datetime,
    overrides: Mapping[str, Mapping[str, Any]],
    write: Callable[[str, dict[str, list[Any]]], None],
) -> None:
    """Gives `write` the columns of the verdict file of each table: `_row`, the keys, a number per check."""
    from partywall.sql.reference import evaluator

    wanted: Wanted = {}
    for group in groups:
        for check in group:
            for path in _paths(check):
                want(wanted, check.table, path)
    rows = Rows(lake.source, wanted)
    for group in groups:
        judged = rows.of(group[0].table)
        columns = {n: [row[n] for row in judged] for n in (ROW, "account_id", "region", "arn", "name")}
        for check in group:
            params = parameters(check, overrides.get(check.check.id))
            where = evaluator(check.where, params, now) if check.where is not None else None
            passes = evaluator(check.passes, params, now)
            columns[check.check.id] = [_verdict(row, where, passes) for row in judged]
        write(group[0].table.name, columns)


def _verdict(row: Row, where: Callable[[Row], Any] | None, passes: Callable[[Row], Any]) -> int:
    if where is not None:
        applies = where(row)
        if applies is not True:
            return Verdict.UNKNOWN if applies is None else Verdict.NOT_APPLICABLE
    found = passes(row)
    return Verdict.UNKNOWN if found is None else Verdict.PASS if found else Verdict.FAIL


def _paths(check: CompiledCheck) -> set[tuple[str, ...]]:
    """The paths that a check reads; whole relations where `leaves` cannot follow what becomes of a list."""
    paths: set[tuple[str, ...]] = set()
    for expression in (check.passes, check.where):
        if expression is None:
            continue
        paths |= expression.leaves
        overs = [node for node in walk(expression.node) if isinstance(node, Over)]
        if all(isinstance(node.items, Col | Get | Var) for node in overs):
            continue
        for relation in check.table.relations:
            if relation.name in expression.columns:
                paths |= {(relation.name, "[]", column) for column in relation.columns}
    return paths
