"""Keeps the answer to every API call of a scan as evidence, in bounded memory, while the scan goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import orjson

from partywall.aws.answers import CallFailed
from partywall.aws.transport import canonical as canonical_params
from partywall.aws.transport import fingerprint
from partywall.evidence.masking import Masker, tempting_texts
from partywall.evidence.rows import (
    BODY,
    FOLDER,
    ROW_HASH,
    canonical,
    evidence_files,
    evidence_schema,
    row_hash,
    sha256,
)
from partywall.lake.writer import write_error
from partywall.tables.paths import MISSING, Getter, compile_path

_ROWS: Final = 4000
_BYTES: Final = 8 << 20
OPEN: Final = "open"
LOST: Final = "lost"
_MESSAGE: Final = 2000


class Capture:
    """A caller's `on_answer`: writes `evidence/part-*.parquet` in a scan's directory.

    `principals` maps account ids to the ARNs in whose name was asked. `close` writes what is pending. Where a
    scan was killed before that, the scan that resumes it marks its evidence as incomplete (file `lost`).
    """

    def __init__(self, directory: Path, principals: Mapping[str, str], masker: Masker | None = None) -> None:
        self._folder = directory / FOLDER
        self._principals = principals
        self._masker = masker or Masker()
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if (self._folder / OPEN).exists():
                (self._folder / LOST).touch()
            (self._folder / OPEN).touch()
        except OSError as error:
            raise write_error(self._folder, error) from error
        self._parts = len(evidence_files(directory))
        self._number = self._rows_so_far(directory)

    def __call__(
        self,
        account_id: str,
        region: str,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        answer: dict[str, Any] | CallFailed,
        asked_at: datetime,
    ) -> None:
        """Keeps one answer. Raises UserError where the disk is full."""
        population, code = None, ""
        if isinstance(answer, CallFailed):
            code = answer.code
            body = canonical({"error": self._error(answer)})
        else:
            body = canonical(answer)
            getter = _populations().get(f"{service}:{operation}")
            if getter is not None:
                found = getter(answer)
                population = len(found) if isinstance(found, list) else int(found is not MISSING)
        self._rows.append(
            {
                "number": self._number,
                "key": fingerprint(account_id, service, region, operation, params),
                "account_id": account_id,
                "region": region,
                "principal": self._principals.get(account_id, ""),
                "service": service,
                "operation": operation,
                "params": canonical_params(params),
                "asked_at": asked_at,
                "failed": isinstance(answer, CallFailed),
                "error_code": code,
                "population": population,
                BODY: body.decode(),
            }
        )
        self._number += 1
        self._bytes += len(body)
        if self._bytes >= _BYTES or len(self._rows) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes the rows kept so far to a file of their own. Raises UserError where it cannot."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._rows:
            return
        self._mask()
        schema = evidence_schema()
        arrays = [
            pa.array([row[n] for row in self._rows], t)
            for n, t in zip(schema.names, schema.types, strict=True)
        ]
        target = self._folder / f"part-{self._parts:05d}.parquet"
        try:
            plain = ["key", "sha256", ROW_HASH, BODY, "params"]
            pq.write_table(
                pa.Table.from_arrays(arrays, schema=schema),
                target.with_suffix(".tmp"),
                compression="zstd",
                use_dictionary=cast(Any, [n for n in schema.names if n not in plain]),
                write_statistics=False,
            )
            target.with_suffix(".tmp").rename(target)
        except OSError as error:
            raise write_error(target, error) from error
        self._parts += 1
        self._bytes = 0
        self._rows.clear()

    def close(self) -> None:
        """Writes what is pending: nothing was lost."""
        self.flush()
        with suppress(OSError):
            (self._folder / OPEN).unlink(missing_ok=True)

    def _mask(self) -> None:
        """Masks what is pending, and only then hashes it."""
        tempting = tempting_texts([row[BODY] for row in self._rows])
        for row, looks in zip(self._rows, tempting, strict=True):
            before = self._masker.masked
            body = row[BODY].encode()
            if not row["failed"]:
                body = self._masker.body(row["service"], row["operation"], body, looks)
                row[BODY] = body.decode()
            row["masked"] = self._masker.masked - before
            row["sha256"] = sha256(body)
            row[ROW_HASH] = row_hash(row)

    def _error(self, failed: CallFailed) -> dict[str, Any]:
        return {
            "code": failed.code,
            "message": self._masker.text(failed.message[:_MESSAGE]),
            "status": failed.status,
            "outcome": str(failed.outcome),
            "denied_by": failed.denied_by,
        }

    @staticmethod
    def _rows_so_far(directory: Path) -> int:
        import pyarrow.parquet as pq

        return sum(pq.read_metadata(path).num_rows for path in evidence_files(directory))


def failure(body: str) -> CallFailed:
    """The failure that an evidence row of a failed call tells of."""
    from partywall.aws.answers import Outcome

    told = orjson.loads(body)["error"]
    return CallFailed(
        told["code"],
        told["message"],
        told["status"],
        outcome=Outcome(told["outcome"]),
        denied_by=told["denied_by"],
        retryable=False,
    )


@cache
def _populations() -> Mapping[str, Getter]:
    """Listing operation -> the path of its rows in an answer."""
    from partywall.tables.registry import all_tables
    from partywall.tables.spec import Call

    return {
        t.rows.operation: compile_path(t.rows.at) for t in all_tables().values() if isinstance(t.rows, Call)
    }
