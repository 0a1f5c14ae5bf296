"""A report in the formats that people and other tools read: `write(report, format, path)`."""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from partywall.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from partywall.findings.model import Report

__all__ = ["FORMATS", "Format", "dump", "write"]


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: its name on the command line, its files' suffix and one line on what it is for."""

    name: str
    suffix: str
    doc: str
    module: str
    """The module of this package whose `dump(report, stream)` writes it."""


FORMATS: Final[dict[str, Format]] = {
    item.name: item
    for item in (
        Format("html", ".html", "One self-contained page to read, filter and search; no network.", "html"),
        Format("json", ".json", "Everything in the report, in partywall's own schema.", "native"),
        Format("csv", ".csv", "One finding per line, for spreadsheets.", "table"),
        Format(
            "ocsf",
            ".ocsf.json",
            "OCSF 1.5 Compliance Findings, for SIEMs and data lakes.",
            "ocsf",
        ),
        Format("asff", ".asff.json", "AWS Security Finding Format, for Security Hub.", "asff"),
        Format("sarif", ".sarif", "SARIF 2.1.0, for code-scanning dashboards.", "sarif"),
    )
}


def dump(report: Report, format: str, stream: BinaryIO) -> None:
    """Writes the report to an open binary stream.

    Raises UserError for a format that is not in `FORMATS`.
    """
    known = FORMATS.get(format)
    if known is None:
        hint = did_you_mean(format, FORMATS, f"; choose one of {', '.join(FORMATS)}")
        raise UserError(f"There is no output format {format!r}{hint}")
    writer: Callable[[Report, BinaryIO], None] = importlib.import_module(f"{__name__}.{known.module}").dump
    writer(report, stream)


def write(report: Report, format: str, path: str | os.PathLike[str]) -> Path:
    """Writes the report to a file and returns its path: whole, or not at all.

    It is written beside the target under a temporary name and renamed when it is on disk, so that readers
    of an earlier report never see half of this one. Raises UserError where the file cannot be written.
    """
    target = Path(path)
    temporary = target.with_name(f".partywall-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb", buffering=1 << 18) as stream:
            dump(report, format, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        raise UserError(
            f"The {format} report cannot be written to {target}: {error.strerror or error}; "
            "name a file in a writable directory with enough free space."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return target
