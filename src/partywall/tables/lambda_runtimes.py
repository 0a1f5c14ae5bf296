"""When AWS ends the support of Lambda's runtimes (AWS Lambda Developer Guide, "Lambda runtimes").

As published by autumn 2026. Dates of runtimes still supported are AWS's forecasts and move now and then; a
runtime that is not listed here is unknown, not supported.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_DATES: Final = {
    # Still supported when this was written.
    "nodejs26.x": "",
    "nodejs24.x": "2028-04-30",
    "nodejs22.x": "2027-04-30",
    "python3.15": "",
    "python3.14": "2029-06-30",
    "python3.13": "2029-06-30",
    "python3.12": "2028-10-31",
    "python3.11": "2027-06-30",
    "java25": "2029-06-30",
    "java21": "2029-06-30",
    "java17.al2023": "2029-06-30",
    "java11.al2023": "2029-06-30",
    "java8.al2023": "2029-06-30",
    "java17": "2027-06-30",
    "java11": "2027-06-30",
    "java8.al2": "2027-06-30",
    "dotnet10": "2028-11-14",
    "ruby4.0": "2029-03-31",
    "ruby3.4": "2028-03-31",
    "ruby3.3": "2027-03-31",
    "provided.al2023": "2029-06-30",
    # Deprecated.
    "dotnet9": "2026-11-10",
    "dotnet8": "2026-11-10",
    "python3.10": "2026-10-31",
    "provided.al2": "2026-07-31",
    "nodejs20.x": "2026-04-30",
    "ruby3.2": "2026-03-31",
    "python3.9": "2025-12-15",
    "nodejs18.x": "2025-09-01",
    "dotnet6": "2024-12-20",
    "python3.8": "2024-10-14",
    "nodejs16.x": "2024-06-12",
    "dotnet7": "2024-05-14",
    "java8": "2024-01-08",
    "go1.x": "2024-01-08",
    "provided": "2024-01-08",
    "ruby2.7": "2023-12-07",
    "nodejs14.x": "2023-12-04",
    "python3.7": "2023-12-04",
    "dotnetcore3.1": "2023-04-03",
    "nodejs12.x": "2023-03-31",
    "python3.6": "2022-07-18",
    "dotnet5.0": "2022-05-10",
    "dotnetcore2.1": "2022-01-05",
    "nodejs10.x": "2021-07-30",
    "ruby2.5": "2021-07-30",
    "python2.7": "2021-07-15",
    "nodejs8.10": "2020-03-06",
    "nodejs4.3": "2020-03-05",
    "nodejs4.3-edge": "2020-03-05",
    "nodejs6.10": "2019-08-12",
    "dotnetcore1.0": "2019-06-27",
    "dotnetcore2.0": "2019-05-30",
    "nodejs": "2016-08-30",
}


def end_of_support(runtime: str) -> datetime | None:
    """The day on which AWS ends (or ended) support of a runtime; None where no day is known."""
    date = _DATES.get(runtime, "")
    return datetime.fromisoformat(date).replace(tzinfo=UTC) if date else None


def has_end(runtime: str) -> bool | None:
    """Whether a day is set; None for a runtime that is not listed."""
    date = _DATES.get(runtime)
    return None if date is None else date != ""
