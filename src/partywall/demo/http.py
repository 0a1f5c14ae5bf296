"""A small HTTP/1.1 server for the emulator: keep-alive connections, one thread, answers that can misbehave.

Requests are handled one after the other on the server's own event loop, which keeps moto's state free of
races and costs no thread switch per request; injected latency waits on the loop and holds nothing up.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

MAX_HEAD = 64 * 1024


@dataclass(slots=True)
class Request:
    """One HTTP request: `target` is the raw path with its query, header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    raw_headers: list[tuple[str, str]]

    @property
    def path(self) -> str:
        """The raw path without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The raw query without the question mark."""
        return self.target.partition("?")[2]


@dataclass(slots=True)
class Reply:
    """An answer: `delay` in seconds before it is sent, `cut` bytes of body after which the line is cut."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body: bytes = b""
    delay: float = 0.0
    cut: int | None = None


Handler = Callable[[Request], Reply]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _chunked_body(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    """The decoded body and the end offset of a chunked message, or None while it is incomplete."""
    body = bytearray()
    at = start
    while True:
        line_end = buffer.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(bytes(buffer[at:line_end]).split(b";")[0], 16)
        chunk = line_end + 2
        if size == 0:
            end = buffer.find(b"\r\n\r\n", line_end)
            return None if end < 0 else (bytes(body), end + 4)
        if len(buffer) < chunk + size + 2:
            return None
        body += buffer[chunk : chunk + size]
        at = chunk + size + 2


class _Connection(asyncio.Protocol):
    """One client connection; pipelined requests wait until the reply before them is written."""

    def __init__(self, handler: Handler, loop: asyncio.AbstractEventLoop, live: set[_Connection]) -> None:
        self._handler = handler
        self._loop = loop
        self._live = live
        self._buffer = bytearray()
        self._busy = False
        self._continued = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._live.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._live.discard(self)

    def drop(self) -> None:
        """Cut the connection without waiting for what is still to be sent."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:
            self._advance()

    def _advance(self) -> None:
        try:
            request = self._take()
        except (ValueError, IndexError):
            self._write(Reply(400, [("Connection", "close")]), False, "GET")
            return
        if request is None:
            return
        self._busy = True
        reply = self._handler(request)
        keep = request.headers.get("connection", "").lower() != "close"
        if reply.delay > 0:
            self._loop.call_later(reply.delay, self._finish, reply, keep, request.method)
        else:
            self._finish(reply, keep, request.method)

    def _finish(self, reply: Reply, keep: bool, method: str) -> None:
        self._write(reply, keep, method)
        self._busy = False
        if self._transport is not None and self._buffer:
            self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        if not self._busy and self._transport is not None:
            self._advance()

    def _take(self) -> Request | None:
        """The next whole request of the buffer, or None while it is incomplete."""
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise ValueError("header section too large")
            return None
        lines = self._buffer[:head_end].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        raw = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        headers = {name.lower(): value for name, value in raw}
        start = head_end + 4
        if headers.get("transfer-encoding", "").lower() == "chunked":
            decoded = _chunked_body(self._buffer, start)
            if decoded is None:
                self._invite(headers)
                return None
            body, end = decoded
        else:
            end = start + int(headers.get("content-length") or 0)
            if len(self._buffer) < end:
                self._invite(headers)
                return None
            body = bytes(self._buffer[start:end])
        del self._buffer[:end]
        self._continued = False
        return Request(method, target, headers, body, raw)

    def _invite(self, headers: dict[str, str]) -> None:
        """Let a client send its body that waits for `100 Continue`, as S3 uploads do."""
        waits = headers.get("expect", "").lower() == "100-continue"
        if waits and not self._continued and self._transport is not None:
            self._continued = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _write(self, reply: Reply, keep: bool, method: str) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        head = [f"HTTP/1.1 {reply.status} {_reason(reply.status)}"]
        head += [f"{n}: {v}" for n, v in reply.headers if n.lower() not in ("content-length", "connection")]
        # A HEAD answer keeps the length of the body that it does not send.
        declared = {n.lower(): v for n, v in reply.headers}.get("content-length")
        bodyless = method == "HEAD" or reply.status in (204, 304)
        if not bodyless:
            head.append(f"Content-Length: {len(reply.body)}")
        elif method == "HEAD":
            head.append(f"Content-Length: {declared or len(reply.body)}")
        if not keep:
            head.append("Connection: close")
        data = "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n"
        if reply.cut is not None:
            transport.write(data + reply.body[: reply.cut])
            transport.close()
            return
        transport.write(data if bodyless else data + reply.body)
        if not keep:
            transport.close()


class HttpServer:
    """Serves `handler` on a loopback port from a thread of its own; `start` returns the port."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1", port: int = 0) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> int:
        """Listen and return the port. Raises OSError if the port is taken."""
        ready = threading.Event()
        failure: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._serve(ready))
            except BaseException as error:
                failure.append(error)
            finally:
                ready.set()

        self._thread = threading.Thread(target=run, name="emulator", daemon=True)
        self._thread.start()
        ready.wait()
        if failure:
            raise failure[0]
        return self._port

    async def _serve(self, ready: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._stopping = asyncio.Event()
        live: set[_Connection] = set()
        server = await loop.create_server(
            lambda: _Connection(self._handler, loop, live), self._host, self._port, backlog=1024
        )
        self._port = int(server.sockets[0].getsockname()[1])
        ready.set()
        await self._stopping.wait()
        server.close()
        for connection in list(live):
            connection.drop()

    def stop(self) -> None:
        """Close the listener and every connection, and join the thread."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stopping.set)
        if self._thread is not None:
            self._thread.join(timeout=10)
