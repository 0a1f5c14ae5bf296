"""What the last scan knows of those who are in a story: raises its severity, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from partywall.detections.detection import Detection
from partywall.detections.incidents.links import role_of
from partywall.errors import UserError

NO_SCAN: Final = "No scan of the accounts is there, so nothing is known of what those involved may do."
_SENSITIVE: Final = frozenset(
    "confidential restricted secret pii phi pci sensitive highly-confidential".split()  # noqa: SIM905
)


@dataclass(slots=True)
class Posture:
    """Facts of a scan by ARN. `scan` is its id, "" where there is none."""

    scan: str = ""
    admins: Mapping[str, tuple[bool | None, bool | None, str]] = field(
        default_factory=dict[str, tuple[bool | None, bool | None, str]]
    )
    """User or role (account and name) -> is an administrator, reaches one, by which path."""
    exposed: Mapping[str, str] = field(default_factory=dict[str, str])
    """ARN of what holds an interface -> how it is open to the internet."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Bucket ARN -> the tag that classifies it."""
    problem: str = ""
    """Why the scan that is there cannot be read."""
    missing: tuple[str, ...] = ()
    """Tables that the scan does not have."""

    def of(self, story: Sequence[Detection]) -> tuple[list[str], list[str]]:
        """(what is told of those involved, the reasons among them that raise the severity)."""
        if not self.scan:
            return [self.problem or NO_SCAN], []
        told: list[str] = []
        raised: list[str] = []
        actors = {name for each in story for name in (each.principal, each.caller) if name}
        for name in sorted(actors):
            known = self.admins.get(_identity(name))
            if known is None:
                continue
            admin, reaches, path = known
            if admin:
                raised.append(f"{name} is an administrator (scan {self.scan})")
            elif reaches:
                raised.append(f"{name} can become an administrator: {path} (scan {self.scan})")
            elif admin is None or reaches is None:
                told.append(f"whether {name} can become an administrator is not known (scan {self.scan})")
        touched = dict.fromkeys(resource for each in story for resource in each.resources)
        for resource in touched:
            if resource in self.exposed:
                raised.append(f"{resource} is open to the internet: {self.exposed[resource]}")
            if resource in self.tags:
                raised.append(f"{resource} is tagged {self.tags[resource]}")
        told += [f"the scan {self.scan} does not have the table {name}" for name in self.missing]
        if not raised and not told:
            told.append(f"the scan {self.scan} tells nothing of those involved that makes it worse")
        return raised + told, raised


def _identity(arn: str) -> str:
    """Account and name of the user or role behind an ARN: role/Admin of its sessions too, paths left out."""
    found = role_of(arn) or arn
    parts = found.split(":", 5)
    if len(parts) < 6:
        return found
    kind = parts[5].partition("/")[0]
    return f"{parts[4]}:{kind}/{parts[5].rpartition('/')[2]}"


def posture(data: Path) -> Posture:
    """The context from the latest scan of a data directory; an empty one where there is none."""
    from partywall.analysis.policy import FACTS
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data)
    if not directory.published():
        return Posture()
    try:
        place = directory.resolve()
        with explained(place):
            return _read(Lake(place, FACTS), place.name)
    except UserError as error:
        return Posture(problem=f"Nothing is known of what those involved may do: {error}")


def _read(lake: Any, scan: str) -> Posture:
    missing: list[str] = []

    def rows(table: str, sql: str) -> list[tuple[Any, ...]]:
        if table not in lake.manifest.demand:
            missing.append(table)
            return []
        return list(lake.execute(sql.format(f"({lake.sql_of(table)})")).fetchall())

    admins = {
        f"{account}:{kind}/{name}": (admin, reaches, path or "")
        for account, kind, name, admin, reaches, path in rows(
            "iam_principal_risk",
            "SELECT account_id, kind, name, is_admin, reaches_admin, path_text FROM {}",
        )
    }
    exposed = {
        arn: f"{kind} {name}"
        for arn, kind, name in rows(
            "network_exposure",
            "SELECT resource_arn, kind, name FROM {} WHERE internet_reachable_at_all AND resource_arn <> ''",
        )
    }
    tags: dict[str, str] = {}
    for arn, found in rows("s3_bucket", "SELECT arn, map_entries(tags) FROM {} WHERE tags IS NOT NULL"):
        for entry in found or ():
            if str(entry["value"]).lower() in _SENSITIVE:
                tags[arn] = f"{entry['key']}={entry['value']}"
    return Posture(scan, admins, exposed, tags, missing=tuple(missing))
