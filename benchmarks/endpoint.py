"""An AWS endpoint that replays a recording of a scan, or a made-up big account, slowed and throttled at will.

It serves the lean transport, boto3 and any other client of any protocol. The account of a request is its
access key's digits ("AKIA" and the account id). Latency is added to each answer; `--rate` lets so many
requests through per second for each account, Region and service and answers the rest with the protocol's own
throttling error; `--errors` fails that share of requests with an internal error. An answer is made once and
served from memory ever after. GET /_log gives the requests as JSON lines: seconds, account, Region, service,
operation, status. GET /_latency/20 sets the latency to 20 milliseconds.

Run: python benchmarks/endpoint.py --recording FILE | --synthetic [--latency 40] [--rate 20] [--port 0]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

_SCOPE = re.compile(rb"Credential=(?:AKIA|ASIA)?(\w+)/\d+/([^/]+)/([^/]+)/aws4_request")
_TARGET = re.compile(rb"\r\nx-amz-target: *([^\r]+)", re.I)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


@dataclass(slots=True)
class Known:
    """A request seen before: whose it is, how its errors look, and the bytes that answer it."""

    account: str
    region: str
    service: str
    operation: str
    protocol: str
    answer: bytes


def http_bytes(status: int, headers: Mapping[str, str] | list[tuple[str, str]], body: bytes) -> bytes:
    """One HTTP/1.1 answer."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    head += [f"{n}: {v}" for n, v in pairs if n.lower() not in ("content-length", "connection")]
    head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + body


def wire_key(
    account: str, region: str, signing: str, method: str, target: str, amz_target: str, body: bytes
) -> str:
    """A request without its order of parameters, its host and its date."""
    path, _, query = target.partition("?")
    if body[:1] == b"{":
        shown = json.dumps(json.loads(body), sort_keys=True)
    elif b"Action=" in body:
        shown = repr(sorted(parse_qsl(body.decode(), keep_blank_values=True)))
    else:
        shown = body.decode("latin-1")
    asked = sorted(parse_qsl(query, keep_blank_values=True))
    return repr((account, region, signing, method, path, asked, amz_target, shown))


class Replayed:
    """Answers from a recording, found by the request that the lean transport would send for each."""

    def __init__(self, path: Path) -> None:
        from partywall.aws.codec import codec
        from partywall.aws.credentials import Credentials
        from partywall.aws.transport import LeanTransport, fingerprint
        from partywall.collect.recorder import Recording

        os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
        recording = Recording.load(path)
        transport = LeanTransport()
        accounts = accounts_of(recording)
        self.answers: dict[str, tuple[str, str, bytes]] = {}
        for each in recording:
            spoken = codec(each.service)
            params = json.loads(each.params)
            account = next(
                (
                    a
                    for a in accounts
                    if fingerprint(a, each.service, each.region, each.operation, params) == each.key
                ),
                None,
            )
            if account is None:
                continue
            keys = Credentials(f"AKIA{account}", "secret", account_id=account)
            op = spoken.operation(each.operation)
            if op.needs_boto:
                continue
            sent = transport._build(spoken, op, each.region, keys, params)
            scope = _SCOPE.search(sent.headers["Authorization"].encode())
            assert scope is not None
            key = wire_key(
                account,
                scope[2].decode(),
                scope[3].decode(),
                sent.method,
                "/" + sent.url.split("/", 3)[3] if sent.url.count("/") > 2 else "/",
                {n.lower(): v for n, v in sent.headers.items()}.get("x-amz-target", ""),
                sent.body,
            )
            self.answers[key] = (
                each.service,
                each.operation,
                http_bytes(each.status, each.headers, each.body),
            )
        del os.environ["AWS_ENDPOINT_URL"]

    def find(self, key: str, _request: Any) -> tuple[str, str, bytes]:
        """Service, operation and the answer; a request that was not recorded is not found."""
        absent = http_bytes(404, {"Content-Type": "application/json"}, b'{"__type": "NotRecorded"}')
        return self.answers.get(key, ("", "", absent))


def accounts_of(recording: Any) -> list[str]:
    """The accounts of a recording: those whose own listing of users, roles and policies it holds."""
    found = re.compile(rb"<Arn>arn:aws:iam::(\d{12}):(?:role|user)/")
    listings = (e for e in recording if e.operation == "GetAccountAuthorizationDetails")
    return sorted({m.decode() for each in listings for m in found.findall(each.body)})


class Synthetic:
    """Answers of the made-up account, written by moto's serialisers from botocore's shapes."""

    def find(self, _key: str, request: Any) -> tuple[str, str, bytes]:
        from partywall.demo.identify import identify
        from partywall.demo.protocol import parse_params, protocol_of, write_answer

        sys.path.insert(0, str(Path(__file__).parent))
        import synthetic

        target = identify(request)
        if target is None or not target.operation:
            return "", "", http_bytes(404, {"Content-Type": "application/json"}, b'{"__type": "NotFound"}')
        params = parse_params(target.service, target.operation, request)
        made = synthetic.answer(target.service, target.operation, target.region, params)
        reply = write_answer(target.service, target.operation, protocol_of(target.service, request), made)
        return target.service, target.operation, http_bytes(reply.status, reply.headers, reply.body)


class Endpoint:
    """What all connections share."""

    def __init__(self, source: Replayed | Synthetic, latency: float, rate: float, errors: float) -> None:
        from partywall.demo.faults import Fault, Faults

        self.source = source
        self.latency = latency
        self.errors = errors
        self.random = random.Random(1)
        self.known: dict[bytes, Known] = {}
        self.log: list[str] = []
        self.faults = Faults()
        if rate:
            self.faults.add(Fault("rate", rate=rate))
        self.failing = Faults()
        self.failing.add(Fault("error"))

    def respond(self, method: str, target: str, head: bytes, body: bytes) -> bytes:
        """The answer to a request."""
        scope = _SCOPE.search(head)
        if scope is None:
            if target.startswith("/_latency/"):
                self.latency = float(target.rpartition("/")[2]) / 1000
            text = "\n".join(self.log).encode()
            return http_bytes(200, {"Content-Type": "text/plain"}, text if target == "/_log" else b"ready")
        named = _TARGET.search(head)
        amz = named[1] if named else b""
        fast = b"\n".join((scope[0], method.encode(), target.encode(), amz, body))
        known = self.known.get(fast)
        if known is None:
            known = self.known[fast] = self._learn(scope, method, target, amz.decode(), head, body)
        reply = self._fault(known)
        self.log.append(
            json.dumps(
                [
                    round(time.monotonic(), 4),
                    known.account,
                    known.region,
                    known.service,
                    known.operation,
                    (reply or known.answer)[9:12].decode(),
                ]
            )
        )
        return reply or known.answer

    def _learn(self, scope: Any, method: str, target: str, amz: str, head: bytes, body: bytes) -> Known:
        from partywall.demo.http import Request
        from partywall.demo.identify import identify
        from partywall.demo.protocol import protocol_of

        pairs = [
            (n, v.strip())
            for n, _, v in (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
        ]
        request = Request(method, target, {n.lower(): v for n, v in pairs}, body, pairs)
        account, region, signing = (part.decode() for part in scope.groups())
        key = wire_key(account, region, signing, method, target, amz, body)
        service, operation, reply = self.source.find(key, request)
        if not service:
            found = identify(request)
            service, operation = (found.service, found.operation) if found else ("", "")
            print(f"no answer: {service}:{operation} {region} {target} {body[:200]!r}", file=sys.stderr)
        protocol = protocol_of(service, request) if service else "json"
        return Known(account, region, service, operation, protocol, reply)

    def _fault(self, known: Known) -> bytes | None:
        faults = self.faults
        if self.errors and self.random.random() < self.errors:
            faults = self.failing
        if not faults:
            return None
        from partywall.demo.identify import Target

        target = Target(known.service, known.operation, known.region, "")
        reply = faults.before(
            target, known.account, known.protocol, f"arn:aws:iam::{known.account}:role/scan"
        )
        return None if reply is None else http_bytes(reply.status, reply.headers, reply.body)


class Connection(asyncio.Protocol):
    """One keep-alive connection; a client waits for an answer before its next request."""

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        self.endpoint = endpoint
        self.loop = loop
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            length = _LENGTH.search(head)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < total:
                return
            body, self.buffer = self.buffer[end + 4 : total], self.buffer[total:]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            reply = self.endpoint.respond(method, target, head, body)
            self.loop.call_later(self.endpoint.latency, self.write, reply)

    def write(self, reply: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(reply)


@contextlib.contextmanager
def running(*options: str) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """An endpoint in a process of its own, ready for requests; yields its URL and the process."""
    command = [sys.executable, str(Path(__file__)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the endpoint did not start")
            yield url, process
        finally:
            process.terminate()


async def serve(endpoint: Endpoint, port: int) -> None:
    """Listens, and prints the URL."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(endpoint, loop), "127.0.0.1", port, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--recording", type=Path)
    what.add_argument("--synthetic", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=40, help="milliseconds before each answer")
    parser.add_argument("--rate", type=float, default=0, help="requests per second; 0: no throttling")
    parser.add_argument("--errors", type=float, default=0, help="share of requests that fail")
    options = parser.parse_args()
    source = Synthetic() if options.synthetic else Replayed(options.recording)
    endpoint = Endpoint(source, options.latency / 1000, options.rate, options.errors)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(endpoint, options.port))


if __name__ == "__main__":
    main()
