"""Performs a scan again from its evidence: the same collector, tables and checks, and no call to AWS."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from partywall.aws.answers import CallFailed, Outcome
from partywall.aws.codec import codec
from partywall.aws.credentials import Credentials
from partywall.aws.transport import fingerprint
from partywall.evidence.capture import failure
from partywall.evidence.rows import BODY, read_rows, restore

NOT_KEPT = "NoEvidence"


class EvidenceTransport:
    """A transport that answers from the evidence of a scan, the last answer to a request standing for all.

    A request that the evidence has no answer to fails with the code NoEvidence and is listed in `missing`.
    The answers are indexed on disk, in a file that the caller removes with its directory.
    """

    def __init__(self, directory: Path, index: Path) -> None:
        self.missing: list[str] = []
        """Calls without evidence, as service:Operation account Region."""
        self._index = sqlite3.connect(index)
        self._index.execute("PRAGMA journal_mode = OFF")
        self._index.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, failed INT, body TEXT)")
        rows = (
            (row["key"], row["failed"], row[BODY]) for _, row in read_rows(directory, ["key", "failed", BODY])
        )
        self._index.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)

    async def call(
        self, service: str, region: str, credentials: Credentials, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The kept answer. Raises CallFailed as the scan met it, or with the code NoEvidence."""
        # As a live transport does: whoever awaits an answer lets others go on.
        await asyncio.sleep(0)
        account = credentials.account_id
        if (service, operation) == ("sts", "GetCallerIdentity"):
            # Asked where a Region refused credentials: that they worked elsewhere is part of that outcome.
            return {}
        key = fingerprint(account, service, region, operation, params)
        found = self._index.execute("SELECT failed, body FROM answers WHERE key = ?", (key,)).fetchone()
        if found is None:
            self.missing.append(f"{service}:{operation} in account {account}, {region}")
            text = "the evidence has no answer to this"
            raise CallFailed(NOT_KEPT, text, outcome=Outcome.ERROR, retryable=False)
        failed, body = found
        if failed:
            raise failure(body)
        return restore(orjson.loads(body), codec(service).operation(operation).model.output_shape)

    async def close(self) -> None:
        """Closes the index."""
        self._index.close()
