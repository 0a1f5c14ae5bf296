"""The HTTP client against a server that sends whatever bytes it is told to, through proxies and TLS."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partywall.aws.http import HttpClient, Unanswered

NAMES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


class Server:
    """Answers the nth request of all connections with the nth script; each script is the pieces it sends.

    After a piece that is None the connection is closed.
    """

    def __init__(self, *scripts: list[bytes | None]) -> None:
        self.scripts = list(scripts)
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""
        self.serving: set[asyncio.Task[Any]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            await self.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
            body = await reader.readexactly(int(lengths[0].split()[1])) if lengths else b""
            self.requests.append(head + body)
            for piece in self.scripts[min(len(self.requests), len(self.scripts)) - 1]:
                if piece is None:
                    return
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)


@asynccontextmanager
async def listening(server: Server, context: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=context)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
    try:
        yield server.url
    finally:
        listener.close()
        await asyncio.wait_for(asyncio.gather(*server.serving), 5)


def run(
    server: Server, work: Callable[[HttpClient, str], Awaitable[Any]], context: Any = None, **options: Any
) -> Any:
    async def whole() -> Any:
        async with listening(server, context) as url:
            client = HttpClient(options.pop("tls", ssl.create_default_context), **options)
            try:
                return await work(client, url)
            finally:
                await client.close()

    return asyncio.run(whole())


async def get(client: HttpClient, url: str) -> Any:
    try:
        answer = await client.request("GET", f"{url}/a?b=c", {"Host": "example"}, b"")
    except Unanswered as error:
        return error.code
    return answer.status, answer.body


def framed(body: bytes, framing: str) -> bytes:
    if framing == "length":
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    if framing == "closed":
        return b"HTTP/1.1 200 OK\r\n\r\n" + body
    chunks = [body[i : i + 7] for i in range(0, len(body), 7)]
    told = b"".join(b"%x;x=1\r\n%s\r\n" % (len(c), c) for c in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + told + b"0\r\nLast: yes\r\n\r\n"


@given(
    body=st.binary(max_size=60),
    framing=st.sampled_from(["length", "closed", "chunked"]),
    cuts=st.lists(st.integers(0, 160), max_size=5),
)
def test_an_answer_is_the_same_however_its_bytes_come(body: bytes, framing: str, cuts: list[int]) -> None:
    sent = b"HTTP/1.1 100 Continue\r\n\r\n" + framed(body, framing)
    ends = [0, *sorted(c for c in cuts if c < len(sent)), len(sent)]
    pieces: list[bytes | None] = [sent[a:b] for a, b in pairwise(ends)]
    server = Server([*pieces, *([None] if framing == "closed" else [])])
    assert run(server, get) == (200, body)


@given(
    body=st.binary(min_size=1, max_size=60),
    framing=st.sampled_from(["length", "chunked"]),
    share=st.floats(0, 0.999),
)
def test_an_answer_cut_anywhere_is_no_answer(body: bytes, framing: str, share: float) -> None:
    sent = framed(body, framing)
    assert run(Server([sent[: int(len(sent) * share)], None]), get) == "ConnectionCut"


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok!!0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000,
    ],
)
def test_what_is_not_http_is_no_answer(sent: bytes) -> None:
    assert run(Server([sent]), get) == "ConnectionCut"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare"])
def test_compressed_bodies_are_whole_or_nothing(coding: str) -> None:
    plain = b"a body " * 50
    packed = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    packed = packed[2:-4] if coding == "bare" else packed
    name = "gzip" if coding == "gzip" else "deflate"
    for body, expected in ((packed, (200, plain)), (packed[:-9], "ConnectionCut")):
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nContent-Length: {len(body)}\r\n\r\n"
        assert run(Server([head.encode() + body]), get) == expected


def test_connections_are_used_again_unless_out_of_step() -> None:
    async def thrice(client: HttpClient, url: str) -> list[Any]:
        return [await get(client, url) for _ in range(3)]

    for sent, connections in (
        (OK, 1),
        (OK + b"more", 3),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), 3),
    ):
        server = Server([sent])
        assert run(server, thrice) == [(200, b"ok")] * 3
        assert server.connections == connections


def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    async def post(client: HttpClient, url: str) -> Any:
        try:
            return (await client.request("POST", url, {}, b"x")).body
        except Unanswered as error:
            return error.code

    async def twice(client: HttpClient, url: str) -> list[Any]:
        return [await get(client, url), await get(client, url)]

    async def then_post(client: HttpClient, url: str) -> list[Any]:
        return [await get(client, url), await post(client, url)]

    # Closed on the second request: a read is sent again, what may have been done is not.
    assert run(Server([OK], [None], [OK]), twice) == [(200, b"ok"), (200, b"ok")]
    assert run(Server([OK], [None], [OK]), then_post) == [(200, b"ok"), "ConnectionCut"]
    # Part of an answer is never asked for again here: the caller decides.
    assert run(Server([OK], [OK[:20], None], [OK]), twice) == [(200, b"ok"), "ConnectionCut"]


def test_silence_ends_an_exchange_and_slow_answers_do_not() -> None:
    async def slowly(client: HttpClient, url: str) -> Any:
        return await get(client, url)

    assert run(Server([OK[:20]]), slowly, read_timeout=0.1) == "Timeout"

    class Slow(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            for i in range(0, len(OK), 8):
                writer.write(OK[i : i + 8])
                await asyncio.sleep(0.05)

    assert run(Slow(), slowly, read_timeout=0.2) == (200, b"ok")


def test_no_more_requests_to_a_host_than_allowed_and_none_is_lost() -> None:
    most = 0
    under_way = 0

    class Counting(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal most, under_way
            while await reader.readuntil(b"\r\n\r\n"):
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0.005)
                under_way -= 1
                writer.write(OK)

    async def many(client: HttpClient, url: str) -> list[Any]:
        return list(await asyncio.gather(*(get(client, url) for _ in range(30))))

    assert run(Counting(), many, limit_per_host=4) == [(200, b"ok")] * 30
    assert most == 4


def test_a_request_cancelled_leaves_no_answer_to_the_next() -> None:
    async def cancelled(client: HttpClient, url: str) -> Any:
        task = asyncio.create_task(get(client, url))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await get(client, url)

    server = Server([OK[:20]], [OK])
    assert run(server, cancelled) == (200, b"ok")
    assert server.connections == 2


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b"])
def test_headers_and_urls_cannot_smuggle_lines(value: str) -> None:
    async def ask(client: HttpClient, url: str) -> list[str]:
        codes: list[str] = []
        for target, headers in (
            (url, {"A": value}),
            (f"{url}/{value}", {}),
            (f"{url}/ü", {}),
            ("ftp://x/", {}),
        ):
            with pytest.raises(Unanswered) as caught:
                await client.request("GET", target, headers, b"")
            codes.append(caught.value.code)
        return codes

    server = Server([OK])
    assert run(server, ask) == ["InvalidRequest"] * 4
    assert not server.requests


def test_a_proxy_gets_whole_urls_and_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    async def through(client: HttpClient, url: str) -> Any:
        monkeypatch.setenv("http_proxy", url.replace("//", "//us%40er:pa%3Ass@"))
        monkeypatch.setenv("no_proxy", "direct.invalid")
        return await get(client, "http://kms.example:8080"), await get(client, "http://direct.invalid")

    server = Server([OK])
    assert run(server, through) == ((200, b"ok"), "EndpointUnresolved")
    (request,) = server.requests
    assert request.startswith(b"GET http://kms.example:8080/a?b=c HTTP/1.1\r\nHost: example\r\n")
    assert b"Proxy-Authorization: Basic dXNAZXI6cGE6c3M=" in request


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for 127.0.0.1, and the certificate that it is known by."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem, keyfile = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    keyfile.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, keyfile)
    return context, pem


def test_tls_is_spoken_and_a_stranger_is_refused(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path)
    trusting = lambda: ssl.create_default_context(cafile=str(pem))  # noqa: E731
    assert run(Server([OK]), get, context, tls=trusting) == (200, b"ok")
    assert run(Server([OK]), get, context) == "TlsFailed"


@pytest.mark.parametrize("secure_proxy", [False, True])
@pytest.mark.parametrize("status", ["200 OK", "407 Proxy Authentication Required"])
def test_tls_goes_through_a_tunnel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, secure_proxy: bool
) -> None:
    context, pem = certificate(tmp_path)
    heads: list[bytes] = []

    relaying: set[asyncio.Task[Any]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        relaying.add(task)
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        writer.write(f"HTTP/1.1 {status}\r\nVia: relay\r\n\r\n".encode())
        if not status.startswith("200"):
            writer.close()
            await writer.wait_closed()
            return
        host, _, port = head.split()[1].decode().partition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(4096):
                    sink.write(data)
            sink.close()
            with contextlib.suppress(OSError):
                await sink.wait_closed()

        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    async def through(client: HttpClient, url: str) -> Any:
        proxy = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context if secure_proxy else None)
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"{'https' if secure_proxy else 'http'}://u:p@127.0.0.1:{port}")
        try:
            return await get(client, url), await get(client, url)
        finally:
            await client.close()
            proxy.close()
            await asyncio.wait_for(asyncio.gather(*relaying), 5)

    server = Server([OK])
    found = run(server, through, context, tls=lambda: ssl.create_default_context(cafile=str(pem)))
    if status.startswith("200"):
        assert found == ((200, b"ok"), (200, b"ok"))
        assert len(heads) == 1
        assert not any(b"Proxy-Authorization" in request for request in server.requests)
    else:
        assert found == ("ConnectionFailed", "ConnectionFailed")
        assert not server.requests
    assert heads[0].startswith(f"CONNECT {server.url.removeprefix('https://')} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic dTpw" in heads[0]
