"""Unpacks gzip and zstd as they stream, by content and not by name, however deep and long they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from partywall.detections.ingest.limits import Damaged, Limits, Refused

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_STEP: Final = 1 << 20
_DEEPEST: Final = 3
# Of a zstd window: what `zstd --long` makes by default at most.
_WINDOW: Final = 128 << 20
# A zstd block of 4 bytes can stand for 128 KiB, and all that is put in comes out at once: 64 MiB at most.
_SIP: Final = 2048


class Counted:
    """Chunks with their bytes counted as they pass."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.count += len(chunk)
            yield chunk


def unpacked(packed: Counted, limits: Limits) -> Iterator[bytes]:
    """The content of a file in chunks of at most 1 MiB or as they came, unpacked as often as it was packed.

    Raises Damaged where the packed data breaks off or is corrupt, after all that could be unpacked of it,
    and Refused where a limit of ratio or size is passed.
    """
    total = 0
    for chunk in _layer(iter(packed), 0):
        total += len(chunk)
        if total > limits.max_unpacked:
            raise Refused("too large", f"unpacks to more than {limits.max_unpacked:,} bytes")
        if total > limits.ratio_from and total > limits.max_ratio * packed.count:
            raise Refused(
                "unpacks too far",
                f"{packed.count:,} bytes unpacked to {total:,}, more than {limits.max_ratio:g} to 1",
            )
        yield chunk


def _layer(chunks: Iterator[bytes], depth: int) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_ZSTD):
            break
    if not head:
        return iter(())
    chained = _chain(head, chunks)
    if head.startswith((_GZIP, _ZSTD)):
        if depth == _DEEPEST:
            raise Refused("packed too deep", f"packed more than {_DEEPEST} times over")
        return _layer(_gunzip(chained) if head.startswith(_GZIP) else _unzstd(chained), depth + 1)
    return chained


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    from isal import igzip_lib

    errors: Any = igzip_lib.error
    member, rest, begun = _member(), b"", False
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        rest = b""
        while data:
            if not begun:
                # Between members there may be padding of zeros, as tape archives leave it.
                data = data.lstrip(b"\0")
                if not data:
                    break
                if len(data) < len(_GZIP):
                    rest = data
                    break
                if not data.startswith(_GZIP):
                    raise Damaged("trailing bytes", "after the end of the gzip data is something else")
                begun = True
            try:
                out = member.decompress(data, _STEP)
                if out:
                    yield out
                while not member.eof and not member.needs_input:
                    out = member.decompress(b"", _STEP)
                    if out:
                        yield out
            except errors as error:
                raise Damaged("corrupt gzip", str(error)) from error
            data = b""
            if member.eof:
                data = member.unused_data
                member, begun = _member(), False
    if begun or rest:
        raise Damaged("truncated gzip", "the file ends before its gzip data does")


def _member() -> Any:
    from isal import igzip_lib

    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard

    frames = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    frame, begun = frames.decompressobj(), False
    for chunk in chunks:
        for at in range(0, len(chunk), _SIP):
            data = chunk[at : at + _SIP]
            while data:
                begun = True
                try:
                    out = frame.decompress(data)
                except zstandard.ZstdError as error:
                    raise Damaged("corrupt zstd", str(error)) from error
                if out:
                    yield out
                data = frame.unused_data if frame.eof else b""
                if frame.eof:
                    frame, begun = frames.decompressobj(), False
    if begun:
        raise Damaged("truncated zstd", "the file ends before its zstd data does")
