"""What people said of findings, as reports take it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from partywall.findings.owners import OwnerRule
    from partywall.lake.engine import Lake


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one finding: `status` acknowledged, in_progress or "", and its owner or ""."""

    finding_id: str
    status: str
    status_at: datetime | None
    owner: str


@dataclass(frozen=True, slots=True)
class People:
    """What was said of findings, and the rules of whose they are that nobody was assigned."""

    said: Sequence[Said] = ()
    owners: Sequence[OwnerRule] = field(default_factory=tuple)

    def register(self, lake: Lake) -> None:
        """Makes `_said` of the lake's connection: finding_id, status, status_at, owner."""
        import pyarrow as pa

        text = pa.string()
        kinds = {
            "finding_id": text,
            "status": text,
            "status_at": pa.timestamp("us", tz="UTC"),
            "owner": text,
        }
        columns = [
            pa.array([getattr(each, name) for each in self.said], kind) for name, kind in kinds.items()
        ]
        lake.connection.register("_said", pa.table(dict(zip(kinds, columns, strict=True))))
