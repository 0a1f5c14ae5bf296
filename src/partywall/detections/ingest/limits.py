"""What the reading of one file may take, so that no input can exhaust the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file. CloudTrail's own files are packed about 10 to 30 to 1, its records at most 1 MB."""

    max_ratio: float = 300.0
    """Unpacked bytes for each packed one, judged once `ratio_from` bytes are unpacked."""
    ratio_from: int = 64 << 20
    max_unpacked: int = 256 << 30
    """Bytes that one file may unpack to."""
    max_record: int = 8 << 20
    """Bytes of one record."""
    block: int = 4 << 20
    """Bytes that are split at a time."""
    flush_bytes: int = 96 << 20
    """Arrow bytes of rows that are held before they are written."""
    flush_rows: int = 250_000


class Damaged(Exception):
    """The rest of a file cannot be read; what came before it was. `kind` is the problem's name."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Refused(Damaged):
    """A limit stopped the reading of a file."""
