"""Derived tables: what analyses make of a collected scan, kept beside it and read by SQL like any table."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.errors import UserError
from partywall.lake.source import literal, quote
from partywall.lake.writer import write_error

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

# Each exports DERIVED: its tables, in the order in which they are made.
_MODULES: Final = ("partywall.responsibility.derived", "partywall.frameworks.derived")


@dataclass(frozen=True, slots=True)
class DerivedColumn:
    """A column: its name, DuckDB's name of its type, and what it says."""

    name: str
    type: str
    doc: str = ""


@dataclass(frozen=True, slots=True)
class DerivedTable:
    """A table that an analysis makes. `build` gives a SELECT of just these columns over the connection.

    A build may register what it needs on the connection and read derived tables that come before its own.
    """

    name: str
    doc: str
    columns: tuple[DerivedColumn, ...]
    build: Callable[[Lake], str]


@cache
def derived_tables() -> Mapping[str, DerivedTable]:
    """Every derived table by name, in the order in which they are made."""
    return {t.name: t for module in _MODULES for t in importlib.import_module(module).DERIVED}


def derived_file(directory: Path, name: str) -> Path:
    """Where a scan keeps a derived table."""
    return directory / "derived" / f"{name}.parquet"


def derived_sql(directory: Path, name: str) -> str:
    """SELECT of a scan's derived table; raises UserError where the scan has none yet."""
    path = derived_file(directory, name)
    if not path.exists():
        raise UserError(
            f"the scan {directory.name} has no table {name}: an earlier version of partywall judged it;"
            " scan again"
        )
    return f"SELECT * FROM read_parquet({literal(str(path))})"


def derive(lake: Lake) -> None:
    """Makes every derived table of a scan. Raises UserError where one cannot be written."""
    for table in derived_tables().values():
        path = derived_file(lake.directory, table.name)
        columns = ", ".join(f"{quote(c.name)}::{c.type} AS {quote(c.name)}" for c in table.columns)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(path, error) from error
        lake.execute(
            f"COPY (SELECT {columns} FROM ({table.build(lake)}))"
            f" TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )
