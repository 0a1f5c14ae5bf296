"""One HTTP/1.1 connection: a request is written, its answer is put together as its bytes come (RFC 9112)."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final, cast

from multidict import CIMultiDict

Whole = tuple[int, CIMultiDict[str], bytes]
"""Status, headers and body of an answer."""
_LONGEST_HEAD: Final = 65536
_LONGEST_LINE: Final = 4096
_UNTIL_CLOSED: Final = -1
_CHUNKED: Final = -2
_IN_HEAD: Final = -3


class Cut(Exception):
    """The connection ended, or what came is not HTTP; `answering`: bytes of the answer had come."""

    def __init__(self, text: str, *, answering: bool = False) -> None:
        super().__init__(text)
        self.answering = answering


class TimedOut(Exception):
    """Nothing came for the time that the next bytes may take."""


class Connection(asyncio.Protocol):
    """A connection that carries one exchange at a time."""

    __slots__ = (
        "_answer",
        "_buffer",
        "_headers",
        "_left",
        "_loop",
        "_method",
        "_parts",
        "_status",
        "_timeout",
        "_timer",
        "reusable",
        "transport",
        "used_at",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, read_timeout: float) -> None:
        self._loop = loop
        self._timeout = read_timeout
        self._timer: asyncio.TimerHandle | None = None
        self._answer: asyncio.Future[Whole] | None = None
        self._buffer = b""
        self._parts: list[bytes] = []
        self._left = _IN_HEAD
        self._method = ""
        self._status = 0
        self._headers: CIMultiDict[str] = CIMultiDict()
        self.transport: asyncio.BaseTransport | None = None
        self.reusable = True
        self.used_at = loop.time()

    async def exchange(self, method: str, message: bytes) -> Whole:
        """Writes a request and waits for its whole answer. Raises Cut and TimedOut; closes then."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise Cut("the server had closed the connection")
        self._answer = self._loop.create_future()
        self._method = method
        self._left = _IN_HEAD
        self.used_at = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._check)
        cast(asyncio.WriteTransport, transport).write(message)
        try:
            return await self._answer
        except BaseException:
            self.close()
            cast(asyncio.WriteTransport, transport).abort()
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        """Ends the connection."""
        self.reusable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.transport is not None:
            self.transport.close()

    def _check(self) -> None:
        """One timer serves many answers: it looks when something came last, and waits on."""
        self._timer = None
        if self._answer is None:
            return
        due = self.used_at + self._timeout
        if due <= self._loop.time():
            self._fail(TimedOut(f"no answer in {self._timeout:g} s"))
        else:
            self._timer = self._loop.call_at(due, self._check)

    def _fail(self, error: Exception) -> None:
        self.reusable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _cut(self, text: str) -> None:
        answering = bool(self._buffer or self._parts or self._left != _IN_HEAD)
        self._fail(Cut(text, answering=answering))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self.transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if exc is not None or self._left != _UNTIL_CLOSED:
            self._cut(f"the connection was cut: {exc}" if exc else "the server closed the connection")
            return
        try:
            self._done(b"".join(self._parts))
        except (ValueError, zlib.error) as error:
            self._cut(str(error))

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            # Bytes that nothing asked for: what they would answer next time nobody knows.
            self.close()
            return
        self.used_at = self._loop.time()
        try:
            self._take(data)
        except (ValueError, zlib.error) as error:
            self._fail(Cut(f"not an HTTP answer: {error}", answering=True))

    def _take(self, data: bytes) -> None:
        if self._left == _IN_HEAD:
            data = self._buffer + data if self._buffer else data
            end = data.find(b"\r\n\r\n")
            if end < 0 or end > _LONGEST_HEAD:
                if len(data) > _LONGEST_HEAD:
                    raise ValueError("its head is too long")
                self._buffer = data
                return
            self._buffer = b""
            self._head(data[:end])
            data = data[end + 4 :]
            if self._left == _IN_HEAD:
                if data:
                    self._take(data)
                return
        if self._left >= 0:
            if not self._parts and len(data) == self._left:
                self._done(data)
                return
            self._parts.append(data)
            self._left -= len(data)
            if self._left <= 0:
                self._last_part()
        elif self._left == _CHUNKED:
            self._chunks(data)
        elif data:
            self._parts.append(data)

    def _last_part(self) -> None:
        body = b"".join(self._parts)
        if self._left < 0:
            # More came than was announced: the answer is whole, but the connection is out of step.
            self.reusable = False
            body = body[: self._left]
        self._done(body)

    def _head(self, head: bytes) -> None:
        """Reads the status line and the headers, and how long the body is."""
        lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        if version not in ("HTTP/1.1", "HTTP/1.0") or not rest[:3].isdecimal() or rest[3:4] not in ("", " "):
            raise ValueError(f"{lines[0][:60]!r} is no status line")
        self._status = status = int(rest[:3])
        if 100 <= status < 200:
            if status == 101:
                raise ValueError("it changes the protocol")
            return
        headers: CIMultiDict[str] = CIMultiDict()
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip() or "\n" in line or "\r" in line:
                raise ValueError("a header is malformed")
            headers.add(name, value.strip())
        self._headers = headers
        connection = headers.get("Connection", "").lower()
        if version == "HTTP/1.0" or "close" in connection:
            self.reusable = False
        self._left = self._length(status, headers)

    def _length(self, status: int, headers: CIMultiDict[str]) -> int:
        """RFC 9112, Message Body Length."""
        if status in (204, 304) or self._method == "HEAD" or (self._method == "CONNECT" and status < 300):
            return 0
        coding = headers.get("Transfer-Encoding")
        if coding is not None:
            if coding.strip().lower() != "chunked" or len(headers.getall("Transfer-Encoding")) > 1:
                raise ValueError(f"transfer coding {coding[:60]!r}")
            return _CHUNKED
        lengths = set(headers.getall("Content-Length", ()))
        if not lengths:
            self.reusable = False
            return _UNTIL_CLOSED
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdecimal()):
            raise ValueError("its length is not one number")
        return int(length)

    def _chunks(self, data: bytes) -> None:
        """Takes the whole chunks of what has come; the rest waits for more."""
        data = self._buffer + data
        at = 0
        while True:
            end = data.find(b"\r\n", at)
            if end < 0:
                if len(data) - at > _LONGEST_LINE:
                    raise ValueError("a chunk's size is too long")
                break
            text = data[at:end].partition(b";")[0].strip()
            if not text or text.strip(b"0123456789abcdefABCDEF"):
                raise ValueError("a chunk's size is no number")
            size = int(text, 16)
            if size == 0:
                if self._trailer(data, end + 2):
                    return
                break
            if len(data) < end + size + 4:
                break
            if data[end + 2 + size : end + size + 4] != b"\r\n":
                raise ValueError("a chunk does not end where it says")
            self._parts.append(data[end + 2 : end + 2 + size])
            at = end + size + 4
        self._buffer = data[at:]

    def _trailer(self, data: bytes, at: int) -> bool:
        """Whether the last chunk's trailer is whole; then the answer is."""
        if data[at : at + 2] == b"\r\n":
            end = at + 2
        else:
            found = data.find(b"\r\n\r\n", at)
            if found < 0:
                if len(data) - at > _LONGEST_HEAD:
                    raise ValueError("its trailer is too long")
                return False
            end = found + 4
        if len(data) > end:
            self.reusable = False
        self._buffer = b""
        self._done(b"".join(self._parts))
        return True

    def _done(self, body: bytes) -> None:
        coding = self._headers.get("Content-Encoding", "").lower()
        if body and coding in ("gzip", "x-gzip", "deflate"):
            body = _decompressed(body, coding)
        self._parts = []
        self._left = _IN_HEAD
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._status, self._headers, body))


def _decompressed(body: bytes, coding: str) -> bytes:
    """A body without its content coding. Raises ValueError or zlib.error where it is broken or cut short."""
    # 47: gzip or zlib by its head. Some servers mean bare deflate by "deflate".
    bare = coding == "deflate" and (len(body) < 2 or int.from_bytes(body[:2], "big") % 31 != 0)
    reader = zlib.decompressobj(-15 if bare else 47)
    plain = reader.decompress(body)
    if not reader.eof:
        raise ValueError("its compressed body is cut short")
    return plain
