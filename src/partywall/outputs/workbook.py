"""Sheets as an Excel workbook or as CSV: harmless to open, readable on paper, the same for the same scan."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from partywall.errors import UserError
from partywall.outputs.table import cell
from partywall.outputs.text import clip

if TYPE_CHECKING:
    from partywall.outputs.matrix import Sheet, Value

MOST_ROWS: Final = 1_048_575
"""Rows below the heading that a sheet of a workbook holds ("Excel specifications and limits")."""
_CELL_CHARACTERS: Final = 32_000
_CUT: Final = " … [cut]"
_COLOURS: Final = {
    "satisfied": "#C6E7CE",
    "attested": "#C6E7CE",
    "inherited": "#CFE2F7",
    "not_satisfied": "#F7C9C4",
    "not_evaluated": "#FBE9A9",
    "inherited_stale": "#EBD0EF",
    "attested_expired": "#EBD0EF",
    "excepted": "#EBD0EF",
    "not_applicable": "#E6E6E6",
}


def write_xlsx(sheets: Sequence[Sheet], path: Path, made_at: datetime, footer: str) -> list[str]:
    """Writes the sheets as a workbook, rows as they come; returns what did not fit, one sentence each.

    Text is written as text, never as a formula or a link, and guarded as in CSV, since workbooks are saved as
    CSV too. Raises UserError where the file cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    left_out: list[str] = []
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            # A fixed time makes the file the same for the same scan.
            book.set_properties({"created": made_at.replace(tzinfo=None), "title": footer})
            formats = _Formats(book)
            for sheet in sheets:
                left_out += _sheet(book.add_worksheet(sheet.name), sheet, formats, footer)
    except (FileCreateError, OSError) as error:
        raise UserError(f"cannot write {path}: {error}; name a file in a writable directory") from error
    return left_out


class _Formats:
    """The workbook's styles: a state has its word and a colour besides."""

    def __init__(self, book: Any) -> None:
        plain = {"text_wrap": True, "valign": "top", "border": 1, "border_color": "#D9D9D9"}
        self.head = book.add_format({**plain, "bold": True, "bg_color": "#1F3A4D", "font_color": "#FFFFFF"})
        self.text = book.add_format(plain)
        self.share = book.add_format({**plain, "num_format": "0 %"})
        self.number = book.add_format({**plain, "num_format": "#,##0"})
        self.day = book.add_format({**plain, "num_format": "yyyy-mm-dd"})
        self.states = {
            word: book.add_format({**plain, "bg_color": colour}) for word, colour in _COLOURS.items()
        }


def _sheet(page: Any, sheet: Sheet, formats: _Formats, footer: str) -> list[str]:
    page.freeze_panes(1, sheet.keep)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_paper(8)  # A3
    page.fit_to_pages(1, 0)
    page.set_footer(f"&L{footer.replace('&', '&&')}&C{sheet.name}&R&P / &N")
    for i, column in enumerate(sheet.columns):
        page.set_column(i, i, column.width)
        page.write_string(0, i, column.title, formats.head)
    number = 0
    lost = 0
    for row in sheet.rows:
        if number == MOST_ROWS:
            lost += 1
            continue
        number += 1
        for i, value in enumerate(row):
            _write(page, number, i, value, formats)
    page.autofilter(0, 0, max(number, 1), len(sheet.columns) - 1)
    if lost:
        return [f"{lost:,} rows of {sheet.name} do not fit into a workbook: --format csv has them all"]
    return []


def _write(page: Any, row: int, column: int, value: Value, formats: _Formats) -> None:
    if value is None or value == "" or value == ():
        page.write_blank(row, column, None, formats.text)
    elif isinstance(value, float):
        page.write_number(row, column, value, formats.share)
    elif isinstance(value, int):
        page.write_number(row, column, value, formats.number)
    elif isinstance(value, date):
        page.write_datetime(row, column, datetime(value.year, value.month, value.day), formats.day)
    else:
        text = (
            cell(value)
            if isinstance(value, str)
            else clip("\n".join(map(cell, value)), _CELL_CHARACTERS, _CUT)
        )
        page.write_string(row, column, text, formats.states.get(text, formats.text))


def write_csv(sheet: Sheet, stream: TextIO) -> None:
    """Writes one sheet as CSV (RFC 4180); lists with "; " between, shares as decimals, days in ISO 8601."""
    writer = csv.writer(stream)
    writer.writerow([column.title for column in sheet.columns])
    for row in sheet.rows:
        writer.writerow([_plain(value) for value in row])


def _plain(value: Value) -> str | int:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, int):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return cell(value if isinstance(value, str) else "; ".join(value))
