"""Findings as typed rows, read batch by batch so that a writer's memory does not grow with the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from partywall.findings.model import Report

_BATCH_ROWS = 8192


class Row(NamedTuple):
    """One finding, in the order of `findings_schema()`; times as asked of `rows`, NULL text as ""."""

    finding_id: str
    check_id: str
    account_id: str
    region: str
    resource_arn: str
    resource_name: str
    resource_type: str
    status: str
    severity: str
    state: str
    message: str
    first_seen: Any
    last_seen: Any
    changed_at: Any
    resolved_at: Any
    unknown_operation: str
    unknown_region: str
    unknown_outcome: str
    unknown_code: str
    unknown_denied_by: str
    exception: str
    priority: int
    priority_why: str
    owner: str


def rows(report: Report, times: Literal["iso", "ms"] = "iso") -> Iterator[Row]:
    """The findings in the report's order.

    `times`: "iso" gives "2026-01-31T23:00:00.123Z" or "", "ms" milliseconds since 1970 or None.
    """
    for batch in any_table(report).to_batches(max_chunksize=_BATCH_ROWS):
        columns = [column_values(batch.column(name), times) for name in Row._fields]
        yield from map(Row._make, zip(*columns, strict=True))


def any_table(report: Report) -> Any:
    """The findings table, untyped: pyarrow ships no type stubs."""
    return cast(Any, report).findings


def column_values(array: Any, times: Literal["iso", "ms"]) -> list[Any]:
    """An Arrow column as Python values: text and numbers never NULL, times as `rows` says."""
    import pyarrow as pa
    import pyarrow.compute as compute

    arrow, pc = cast(Any, pa), cast(Any, compute)
    kind = array.type
    if arrow.types.is_timestamp(kind):
        # To UTC without a zone: Arrow's formatter would need a time zone database otherwise.
        plain = array.cast(arrow.timestamp("ms"), safe=False)
        if times == "ms":
            return plain.cast(arrow.int64()).to_pylist()
        # An all-NULL column still has to be text.
        return pc.fill_null(pc.strftime(plain, format="%Y-%m-%dT%H:%M:%SZ"), "").to_pylist()
    filler = "" if arrow.types.is_string(kind) or arrow.types.is_large_string(kind) else 0
    return pc.fill_null(array, filler).to_pylist()
