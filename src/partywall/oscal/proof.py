"""Evidence rows as resources of back matter: one for each operation that the checks' columns rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partywall.checks.demand import demand
from partywall.collect.planner import plan
from partywall.evidence.attestations import digest
from partywall.evidence.rows import FOLDER, ROW_HASH, read_rows
from partywall.evidence.seal import SEAL, root_of
from partywall.oscal.base import clean, props, uid
from partywall.tables.registry import all_tables

if TYPE_CHECKING:
    from partywall.checks.loader import CompiledCheck
    from partywall.oscal.source import Source


class Proof:
    """The evidence of one scan by operation; empty where the scan kept none."""

    def __init__(self, source: Source) -> None:
        self._scan = source.manifest.id
        self._account = source.book.account
        directory = source.compliance.lake.directory
        hashes: dict[str, list[str]] = {}
        failed: dict[str, int] = {}
        files: dict[str, set[str]] = {}
        sums: dict[str, str] = {}
        columns = ["account_id", "service", "operation", "failed", ROW_HASH]
        for path, row in read_rows(directory, columns):
            if self._account not in ("*", row["account_id"]):
                continue
            name = f"{row['service']}:{row['operation']}"
            hashes.setdefault(name, []).append(row[ROW_HASH])
            failed[name] = failed.get(name, 0) + bool(row["failed"])
            if path.name not in sums:
                sums[path.name] = digest(path)[0]
            files.setdefault(name, set()).add(path.name)
        self._operations: dict[str, dict[str, Any]] = {
            name: {
                "uuid": self._uuid(name),
                "title": f"Answers to {name}",
                "description": (
                    "The answers as canonical JSON, one row each. The property answers-sha256 is the sha256"
                    " over the rows' hashes (row_sha256), sorted, one a line."
                ),
                "props": props(
                    operation=name,
                    answers=len(rows),
                    answers_failed=failed[name],
                    answers_sha256=root_of(rows),
                ),
                "rlinks": [
                    {
                        "href": f"scans/{self._scan}/{FOLDER}/{file}",
                        "media-type": "application/vnd.apache.parquet",
                        "hashes": [{"algorithm": "SHA-256", "value": sums[file]}],
                    }
                    for file in sorted(files[name])
                ],
            }
            for name, rows in sorted(hashes.items())
        }
        seal = directory / SEAL
        self.seal: dict[str, Any] | None = None
        if seal.is_file():
            link = {"href": f"scans/{self._scan}/{SEAL}", "media-type": "application/json"}
            self.seal = {
                "uuid": uid("resource", self._scan, SEAL),
                "title": "The scan's seal",
                "description": "The hash of every file of the scan, in a chain over all scans.",
                "rlinks": [{**link, "hashes": [{"algorithm": "SHA-256", "value": digest(seal)[0]}]}],
            }

    def _uuid(self, operation: str) -> str:
        return uid("resource", self._scan, self._account, operation)

    def relevant(self, check: CompiledCheck | None) -> list[dict[str, Any]]:
        """`relevant-evidence` of a check: links to the resources of the operations that it rests on."""
        if check is None:
            return []
        made = plan(demand([check]), all_tables()).operations()
        return [
            {
                "href": f"#{found['uuid']}",
                "description": f"What AWS answered to {operation}.",
                "props": [p for p in found["props"] if p["name"] in ("answers", "answers-sha256")],
            }
            for operation in made
            if (found := self._operations.get(operation))
        ]

    def resources(self, hrefs: set[str]) -> list[dict[str, Any]]:
        """The resources that these links name, for a document's back matter, and the seal."""
        found = [clean(r) for r in self._operations.values() if f"#{r['uuid']}" in hrefs]
        return [*found, *([self.seal] if self.seal else [])]
