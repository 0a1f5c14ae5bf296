"""Findings as CSV: one line each, harmless in a spreadsheet and in a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

from partywall.outputs.names import service_of
from partywall.outputs.rows import Row, rows
from partywall.outputs.text import clip, visible

if TYPE_CHECKING:
    from partywall.findings.model import Report

HEADER: Final = (
    "status",
    "severity",
    "priority",
    "check_id",
    "title",
    "service",
    "account_id",
    "region",
    "resource_type",
    "resource_name",
    "resource_arn",
    "message",
    "state",
    "first_seen",
    "last_seen",
    "changed_at",
    "resolved_at",
    "unknown_operation",
    "unknown_region",
    "unknown_outcome",
    "unknown_code",
    "unknown_denied_by",
    "exception",
    "priority_why",
    "finding_id",
    "owner",
)
"""The columns, in an order that stays: new ones are added at the end."""

# Spreadsheets hold at most 32,767 characters in a cell and spill the rest into the next.
_CELL_CHARACTERS: Final = 32_000
# What starts a formula in a spreadsheet (OWASP, "CSV Injection"), with the full-width forms.
_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠|%")


def cell(text: str) -> str:
    """Text for one cell: no formula, on one line, no invisible or control character, at most 32,000 long."""
    risky = text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA
    shown = clip(visible(text), _CELL_CHARACTERS, " … [cut; whole in the JSON report]")
    return f"'{shown}" if text and risky else shown


def csv_line(row: Iterable[Any]) -> list[Any]:
    """Values for one line of CSV: numbers as they are, text harmless in a spreadsheet and a terminal."""
    return [v if isinstance(v, int | float) else "" if v is None else cell(str(v)) for v in row]


def write_csv(header: Sequence[str], rows: Iterable[Iterable[Any]], stream: TextIO) -> None:
    """Writes a table as CSV (RFC 4180), every value harmless."""
    writer = csv.writer(stream)
    writer.writerow(header)
    writer.writerows(csv_line(row) for row in rows)


def dump(report: Report, stream: BinaryIO) -> None:
    """Writes UTF-8 with `HEADER`, comma-separated, lines ended by CR LF (RFC 4180)."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text)
        writer.writerow(HEADER)
        for row in rows(report):
            writer.writerow(_line(row, report))
    finally:
        text.flush()
        text.detach()


def _line(row: Row, report: Report) -> list[str | int]:
    values = row._asdict()
    check = report.checks.get(row.check_id)
    values["title"] = check.title if check else ""
    values["service"] = service_of(row.resource_type)
    return [value if isinstance(value := values[name], int) else cell(str(value)) for name in HEADER]
