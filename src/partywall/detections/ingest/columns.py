"""What the columns of all log tables have in common: text, times, identities and places."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.ingest.schemas import UNKNOWN

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.detections.ingest.state import FileReport

_ACCOUNT: Final = r"^[0-9]{12}$"
_REGION: Final = r"^[a-z]{2}[a-z0-9-]{1,30}$"
# S3 began in 2006: what is older, or of the day after tomorrow, is a clock's fault.
_OLDEST: Final = datetime(2006, 1, 1, tzinfo=UTC)


def compute() -> Any:
    """pyarrow.compute, whose functions are made when it is loaded, out of a type checker's sight."""
    import pyarrow.compute

    return pyarrow.compute


def joined(texts: Sequence[Any]) -> pa.Array:
    """Bytes of UTF-8 as a column of text, without looking at each."""
    import pyarrow as pa

    offsets = array("i", accumulate(map(len, texts), initial=0))
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def digest(text: Any) -> str:
    """A record's identity where it has none of its own: 32 hexadecimal digits."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def times(texts: Sequence[str | None], report: FileReport) -> pa.Array:
    """ISO 8601 text as times in UTC (text without a zone is UTC); NULL, counted, where it is no time."""
    import pyarrow as pa

    pc = compute()

    stamp = pa.timestamp("us", tz="UTC")
    try:
        found = pa.array(texts, pa.string()).cast(stamp)
    except pa.ArrowInvalid:
        found = pa.array([_time(text, report) for text in texts], stamp)
    if missing := list(texts).count(None):
        report.problem("no time", count=missing)
    span = pc.min_max(found).as_py()
    if span["min"] is not None:
        latest = datetime.now(UTC) + timedelta(days=1)
        if span["min"] < _OLDEST or span["max"] > latest:
            odd = pc.or_(
                pc.less(found, pa.scalar(_OLDEST, stamp)), pc.greater(found, pa.scalar(latest, stamp))
            )
            report.problem("clock skew", "times before 2006 or in the future", pc.sum(odd).as_py())
    return found


def _time(text: str | None, report: FileReport) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        report.problem("invalid time", text)
        return None


def epochs(values: Iterable[int | None], unit: int) -> pa.Array:
    """Counts since 1970, `unit` of them a second, as times; NULL where they cannot be."""
    import pyarrow as pa

    scale = 1_000_000 // unit
    return pa.array(
        [None if v is None or not 0 <= v * scale < 2**62 else v * scale for v in values],
        pa.timestamp("us", tz="UTC"),
    )


def place(
    accounts: Sequence[str | None] | pa.Array,
    regions: Sequence[str | None] | pa.Array,
    when: pa.Array,
    source: str,
) -> dict[str, pa.Array]:
    """The columns account, region, date and source. What the record says becomes part of a path: only
    12 digits and what looks like a Region are taken from it."""
    import pyarrow as pa

    pc = compute()

    def packed(values: Any, pattern: str = "") -> pa.Array:
        """Each different value is looked at once."""
        given = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
        coded = given if pa.types.is_dictionary(given.type) else given.dictionary_encode("encode")
        words = coded.dictionary.cast(pa.string())
        if pattern:
            words = pc.if_else(pc.match_substring_regex(words, pattern), words, UNKNOWN)
        # Several of the values may have become one.
        merged = pc.fill_null(words, UNKNOWN).dictionary_encode()
        return pa.DictionaryArray.from_arrays(merged.indices.take(coded.indices), merged.dictionary)

    return {
        "account": packed(accounts, _ACCOUNT),
        "region": packed(regions, _REGION),
        "date": packed(when.cast(pa.date32())),
        "source": pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), len(when)), [source]),
    }
