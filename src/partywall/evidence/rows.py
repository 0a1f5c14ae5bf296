"""Evidence rows: each API call's answer as canonical JSON with its hash, as Parquet beside the tables."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER: Final = "evidence"
_META: Final = (
    "number",
    "key",
    "account_id",
    "region",
    "principal",
    "service",
    "operation",
    "params",
    "asked_at",
    "failed",
    "error_code",
    "population",
    "masked",
    "sha256",
)
BODY: Final = "answer"
ROW_HASH: Final = "row_sha256"


def evidence_schema() -> pa.Schema:
    """The columns of a scan's `evidence/*.parquet`: one row per API call, in the order of the answers.

    `answer` is canonical JSON (keys sorted, no spaces, UTF-8, times as RFC 3339 in UTC, bytes as base64) of
    what AWS answered, in the names of AWS's API, with credentials masked; of a failed call {"error": …}.
    `sha256` is of just these bytes. `params` is canonical JSON too; `key` is the request's fingerprint, by
    which the answer is found again; `population` the rows that a listing's page brought, NULL for others;
    `masked` how many values were masked; `row_sha256` is `row_hash` of the row.
    """
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    types = {"number": number, "asked_at": pa.timestamp("us", tz="UTC"), "failed": pa.bool_()}
    types |= {"population": number, "masked": pa.int32()}
    return pa.schema([*((name, types.get(name, text)) for name in _META), (ROW_HASH, text), (BODY, text)])


def canonical(value: Any) -> bytes:
    """A value as canonical JSON. Raises TypeError for what JSON cannot hold."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def sha256(raw: bytes) -> str:
    """The sha256 of bytes in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def row_hash(row: Mapping[str, Any]) -> str:
    """The sha256 over a row's own facts (all but the answer, which its sha256 stands for)."""
    return sha256(facts_of(row))


def facts_of(row: Mapping[str, Any]) -> bytes:
    """A row's own facts as canonical JSON."""
    facts = {name: row[name] for name in _META}
    asked = cast(datetime, facts["asked_at"]).astimezone(UTC)
    return canonical({**facts, "asked_at": f"{asked:%Y-%m-%dT%H:%M:%S.%f}Z"})


def evidence_files(directory: Path) -> list[Path]:
    """The evidence files of a scan, in order; none where it was made without evidence."""
    return sorted((directory / FOLDER).glob("part-*.parquet"))


def read_rows(
    directory: Path, columns: list[str] | None = None, where: tuple[str, str] | None = None
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every evidence row of a scan with the file that it is in, a batch in memory at a time.

    `where` is a service and operation: only their rows. Raises pyarrow's errors for damaged files.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for path in evidence_files(directory):
        with pq.ParquetFile(path) as file:
            for found in file.iter_batches(batch_size=500, columns=columns):
                batch: Any = found
                if where is not None:
                    compute = cast(Any, pc)
                    same = [
                        compute.equal(batch[n], v)
                        for n, v in zip(("service", "operation"), where, strict=True)
                    ]
                    batch = batch.filter(compute.and_(*same))
                for row in batch.to_pylist():
                    yield path, row


def restore(value: Any, shape: Any) -> Any:
    """What AWS answered out of its canonical JSON: times and bytes by the shape of botocore's model."""
    if value is None or shape is None:
        return value
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = shape.members
        entries = cast("dict[str, Any]", value)
        return {k: restore(v, members[k]) if k in members else v for k, v in entries.items()}
    if kind == "list" and isinstance(value, list):
        return [restore(v, shape.member) for v in cast("list[Any]", value)]
    if kind == "map" and isinstance(value, dict):
        return {k: restore(v, shape.value) for k, v in cast("dict[str, Any]", value).items()}
    if kind == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value)
    if kind == "blob" and isinstance(value, str):
        return base64.b64decode(value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"an answer holds a {type(value).__name__}")
