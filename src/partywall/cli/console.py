"""The one rich console, and JSON on standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console


_UNBROKEN: Final = 4000
"""Columns of a "line" that goes to a file or a pipe: wide enough that nothing is wrapped."""


def console(*, stderr: bool = False) -> Console:
    """A console without markup or emoji codes: names from an account are shown as they are."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(
        stderr=stderr, highlight=False, markup=False, emoji=False, width=None if terminal else _UNBROKEN
    )


def print_json(value: Any) -> None:
    """Prints a value as JSON, times in ISO format."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(value, default=str, option=option).decode() + "\n")


def grid(*headers: str, right: tuple[int, ...] = ()) -> Any:
    """A light table for listings: no borders, the last column takes what is left."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for i, header in enumerate(headers):
        last = i == len(headers) - 1
        table.add_column(
            header,
            justify="right" if i in right else "left",
            no_wrap=not last,
            overflow="fold",
            min_width=24 if last else None,
        )
    return table
