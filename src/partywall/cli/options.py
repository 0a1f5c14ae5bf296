"""Options and formats that several commands take."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Listing(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    JSON = "json"


class Rows(StrEnum):
    """How the rows of a query are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Findings(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class PolicyFormat(StrEnum):
    """How the IAM policy is written."""

    JSON = "json"
    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"


Data = Annotated[
    Path, typer.Option("--data", help="Directory that keeps the scans.", envvar="PARTYWALL_DATA")
]
ScanName = Annotated[
    str, typer.Option("--scan", help="Which scan: its id, its beginning, latest or previous.")
]
AsListing = Annotated[Listing, typer.Option("--format", help="table or json.")]
Services = Annotated[
    list[str] | None, typer.Option("--services", help="Only these services (repeat, or a,b,c).")
]
CheckIds = Annotated[
    list[str] | None,
    typer.Option("--checks", help="Only these checks: ids, globs, or SOURCE:ID such as prowler:s3_*."),
]
Severities = Annotated[list[str] | None, typer.Option("--severity", help="Only checks of these severities.")]
ChecksDirs = Annotated[
    list[Path] | None, typer.Option("--checks-dir", help="Directory with your own checks (repeat).")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Configuration file (default: ./partywall.yaml if there).")
]
DEFAULT_DATA = Path("partywall-data")


def words(values: list[str] | None) -> tuple[str, ...]:
    """Repeated and comma-separated option values as one tuple."""
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def day(text: str, option: str) -> date:
    """The day that an option gives; raises UserError where it is none."""
    from partywall.errors import UserError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{option} is a day such as 2026-06-30, not {text!r}") from None
