"""A small HTTP/1.1 client: pooled connections, TLS, proxies and timeouts, nothing that a scan does not need.

General clients spend more CPU on a small request than its signature and its parsing take together. Answers
are read strictly: what is cut short or is not HTTP fails, and is never a shorter answer.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from multidict import CIMultiDict

from partywall.aws.http_connection import Connection, Cut, TimedOut

_URL: Final = re.compile(r"(https?://[^/?#\s]+)([/?]?[!-\"$-~]*)")
_KEEP_ALIVE: Final = 12.0
"""Seconds that an idle connection is kept; AWS's endpoints close theirs after 20 and more."""
_FALL_BACK: Final = 0.25
"""Seconds before the next address of a host is tried beside the first (RFC 8305)."""
_SENT_AGAIN: Final = frozenset({"GET", "HEAD"})


class Answer(NamedTuple):
    """One HTTP answer; the body is whole and decompressed."""

    status: int
    headers: CIMultiDict[str]
    body: bytes


class Unanswered(Exception):
    """No whole answer came. `code` is one of ours (`CallFailed`): ConnectionCut, ConnectionFailed,
    EndpointUnresolved, Timeout, TlsFailed, InvalidRequest."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Proxy:
    host: str
    port: int
    tls: bool
    authorization: str


@dataclass(slots=True, eq=False)
class _Host:
    """One origin, how it is reached, and its connections."""

    name: str
    port: int
    tls: bool
    authority: str
    proxy: _Proxy | None
    slots: asyncio.Semaphore | None
    idle: list[Connection] = field(default_factory=list[Connection])
    busy: int = 0


class HttpClient:
    """One pool of connections, for one event loop.

    `tls` gives the TLS context when it is first needed. `limit` bounds requests under way and idle
    connections, `limit_per_host` the requests to one host (0: no bound). `connect_timeout` (seconds) covers
    the TCP, proxy and TLS handshakes, `read_timeout` the wait for the next bytes of an answer.
    """

    def __init__(
        self,
        tls: Callable[[], ssl.SSLContext],
        *,
        limit: int = 256,
        limit_per_host: int = 0,
        connect_timeout: float = 10,
        read_timeout: float = 60,
    ) -> None:
        self._tls = tls
        self._limit = limit
        self._limit_per_host = limit_per_host
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._slots = asyncio.Semaphore(limit)
        self._hosts: dict[str, _Host] = {}
        self._idle: dict[Connection, _Host] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def request(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Sends one request; redirects are not followed. Raises Unanswered.

        The length is added to the headers, and the host where it is not among them.
        """
        found = _URL.fullmatch(url)
        if found is None:
            raise Unanswered("InvalidRequest", f"{url[:200]!r} is not a URL that can be asked")
        host = self._hosts.get(found[1]) or self._host(found[1])
        message = _message(method, found[2], headers, body, host)
        await self._slots.acquire()
        try:
            if host.slots is None:
                return await self._exchange(host, method, message)
            async with host.slots:
                return await self._exchange(host, method, message)
        finally:
            self._slots.release()

    async def _exchange(self, host: _Host, method: str, message: bytes) -> Answer:
        host.busy += 1
        try:
            while True:
                connection = self._reusable(host)
                reused = connection is not None
                if connection is None:
                    connection = await self._connected(host)
                try:
                    answer = await connection.exchange(method, message)
                except TimedOut as error:
                    raise Unanswered("Timeout", str(error)) from None
                except Cut as error:
                    # A server may close an idle connection just as it is used again.
                    if reused and not error.answering and method in _SENT_AGAIN:
                        continue
                    raise Unanswered("ConnectionCut", str(error)) from None
                if connection.reusable:
                    self._keep(host, connection)
                else:
                    connection.close()
                return Answer(*answer)
        finally:
            host.busy -= 1

    async def close(self) -> None:
        """Closes the idle connections; none is busy once the scan is over."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        self._hosts.clear()
        # Transports close in the loop's next turn.
        await asyncio.sleep(0)

    def _host(self, origin: str) -> _Host:
        try:
            parts = urlsplit(origin)
            tls = parts.scheme == "https"
            port = parts.port or (443 if tls else 80)
        except ValueError as error:
            raise Unanswered("InvalidRequest", f"{origin[:200]!r}: {error}") from None
        if not parts.hostname or "@" in parts.netloc:
            raise Unanswered("InvalidRequest", f"{origin[:200]!r} names no host, or names a user")
        slots = asyncio.Semaphore(self._limit_per_host) if self._limit_per_host else None
        host = _Host(parts.hostname, port, tls, parts.netloc, _proxy_of(origin), slots)
        self._hosts[origin] = host
        return host

    def _reusable(self, host: _Host) -> Connection | None:
        oldest = self._loop.time() - _KEEP_ALIVE
        while host.idle:
            connection = host.idle.pop()
            del self._idle[connection]
            if connection.reusable and connection.used_at >= oldest:
                return connection
            connection.close()
        return None

    def _keep(self, host: _Host, connection: Connection) -> None:
        host.idle.append(connection)
        self._idle[connection] = host
        if len(self._idle) > self._limit:
            self._drop(next(iter(self._idle)))
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(_KEEP_ALIVE, self._sweep)

    def _drop(self, connection: Connection) -> None:
        self._idle.pop(connection).idle.remove(connection)
        connection.close()

    def _sweep(self) -> None:
        """Closes what was idle too long; forgets the hosts that have nothing open."""
        oldest = self._loop.time() - _KEEP_ALIVE
        for connection in [c for c in self._idle if c.used_at < oldest or not c.reusable]:
            self._drop(connection)
        self._hosts = {origin: host for origin, host in self._hosts.items() if host.idle or host.busy}
        self._sweeping = self._loop.call_later(_KEEP_ALIVE, self._sweep) if self._hosts else None

    async def _connected(self, host: _Host) -> Connection:
        where = f"{host.name}:{host.port}"
        try:
            async with asyncio.timeout(self._connect_timeout):
                return await self._connect(host)
        except TimeoutError:
            raise Unanswered("Timeout", f"no connection to {where} in {self._connect_timeout:g} s") from None
        except socket.gaierror as error:
            raise Unanswered("EndpointUnresolved", f"{host.name}: {error.strerror or error}") from None
        except ssl.SSLError as error:
            raise Unanswered("TlsFailed", f"{where}: {error}") from None
        except (OSError, Cut) as error:
            raise Unanswered("ConnectionFailed", f"{where}: {error}") from None
        except ValueError as error:
            raise Unanswered("InvalidRequest", f"{where}: {error}") from None

    async def _connect(self, host: _Host) -> Connection:
        proxy = host.proxy
        name, port, tls = (host.name, host.port, host.tls) if proxy is None else _first_hop(proxy)
        _, connection = await self._loop.create_connection(
            lambda: Connection(self._loop, self._read_timeout),
            name,
            port,
            ssl=self._tls() if tls else None,
            server_hostname=name if tls else None,
            happy_eyeballs_delay=_FALL_BACK,
        )
        if proxy is None or not host.tls:
            return connection
        try:
            await self._tunnel(connection, host, proxy)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _tunnel(self, connection: Connection, host: _Host, proxy: _Proxy) -> None:
        """Asks a proxy for a tunnel and begins TLS through it (RFC 9110, CONNECT)."""
        target = f"[{host.name}]:{host.port}" if ":" in host.name else f"{host.name}:{host.port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if proxy.authorization:
            lines.append(f"Proxy-Authorization: {proxy.authorization}")
        status, _, _ = await connection.exchange("CONNECT", "\r\n".join([*lines, "", ""]).encode())
        if not 200 <= status < 300:
            raise Cut(f"the proxy {proxy.host}:{proxy.port} answered CONNECT with {status}")
        secured = await self._loop.start_tls(
            cast(asyncio.WriteTransport, connection.transport),
            connection,
            self._tls(),
            server_hostname=host.name,
        )
        if secured is None:
            raise Cut("the connection was lost in the TLS handshake")
        connection.transport = secured


def _message(method: str, target: str, headers: dict[str, str], body: bytes, host: _Host) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if "Host" not in headers and "host" not in headers:
        lines.append(f"Host: {host.authority}")
    if body or method not in _SENT_AGAIN:
        lines.append(f"Content-Length: {len(body)}")
    if not target.startswith("/"):
        target = f"/{target}"
    if host.proxy is not None and not host.tls:
        target = f"http://{host.authority}{target}"
        if host.proxy.authorization:
            lines.append(f"Proxy-Authorization: {host.proxy.authorization}")
    text = "\n".join(lines)
    if "\r" in text or "\0" in text or text.count("\n") != len(lines) - 1:
        raise Unanswered("InvalidRequest", "a header of the request holds a line break")
    head = "\r\n".join(lines)
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n\r\n".encode() + body


def _first_hop(proxy: _Proxy) -> tuple[str, int, bool]:
    return proxy.host, proxy.port, proxy.tls


def _proxy_of(origin: str) -> _Proxy | None:
    """The proxy that the environment names for an origin, found as botocore finds it."""
    from botocore.utils import get_environ_proxies  # pyright: ignore[reportUnknownVariableType]

    proxies = cast("dict[str, str]", get_environ_proxies(origin))
    url = proxies.get(origin.partition(":")[0], "")
    if not url:
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url.removeprefix('//')}")
        port = parts.port
    except ValueError as error:
        raise Unanswered("InvalidRequest", f"the proxy's URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unanswered("InvalidRequest", "the proxy of the environment is no http or https URL")
    tls = parts.scheme == "https"
    authorization = ""
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(user.encode()).decode()}"
    return _Proxy(parts.hostname, port or (443 if tls else 80), tls, authorization)
