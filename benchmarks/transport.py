"""CPU per small call of the lean transport against boto3's clients in threads, in the same run.

A loopback server in another process answers each protocol with a canned answer. Prints milliseconds of this
process's CPU per call, calls per second, and the ratio of the two. Run: python benchmarks/transport.py
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

JSON_BODY = (
    b'{"Keys": [{"KeyId": "k1", "KeyArn": "arn:aws:kms:eu-west-1:123456789012:key/k1"}], "Truncated": false}'
)
EC2_BODY = (
    b'<?xml version="1.0" encoding="UTF-8"?><DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
    b"<requestId>r</requestId><vpcSet><item><vpcId>vpc-1</vpcId><state>available</state>"
    b"<cidrBlock>10.0.0.0/16</cidrBlock><isDefault>false</isDefault><tagSet><item><key>Name</key><value>a</value>"
    b"</item></tagSet></item></vpcSet></DescribeVpcsResponse>"
)
IAM_BODY = (
    b'<GetUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetUserResult><User><Path>/</Path>'
    b"<UserName>ann</UserName><UserId>AIDA1</UserId><Arn>arn:aws:iam::123456789012:user/ann</Arn>"
    b"<CreateDate>2024-01-02T03:04:05Z</CreateDate></User></GetUserResult></GetUserResponse>"
)
S3_BODY = (
    b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status>'
    b"</VersioningConfiguration>"
)
LAMBDA_BODY = (
    b'{"FunctionName": "f", "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "Timeout": 3,'
    b' "Runtime": "python3.12", "LastModified": "2024-01-02T03:04:05.000+0000"}'
)
# A scan makes ten calls and more for each bucket, and resolves the bucket's endpoint once.
CASES: list[tuple[str, str, Callable[[int], dict[str, Any]], bytes]] = [
    ("kms", "ListKeys", lambda _: {"Limit": 1000}, JSON_BODY),
    ("ec2", "DescribeVpcs", lambda _: {"MaxResults": 1000}, EC2_BODY),
    ("iam", "GetUser", lambda n: {"UserName": f"u{n}"}, IAM_BODY),
    ("s3", "GetBucketVersioning", lambda n: {"Bucket": f"bucket-{n // 10}"}, S3_BODY),
    ("lambda", "GetFunctionConfiguration", lambda n: {"FunctionName": f"f{n}"}, LAMBDA_BODY),
]


class Canned(asyncio.Protocol):
    """Answers each request with the body of its service, found by a word in the request; keeps alive."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = 0
            if (at := head.find(b"content-length:")) >= 0:
                length = int(head[at + 15 :].split(b"\r\n")[0])
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            body = next(body for name, _, _, body in CASES if f"/{name}/aws4_request".encode() in head)
            self.transport.write(  # type: ignore[attr-defined]
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nx-amzn-RequestId: r\r\nContent-Length: "
                + str(len(body)).encode()
                + b"\r\n\r\n"
                + body
            )


def serve(listener: socket.socket) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Canned, sock=listener)
        await server.serve_forever()

    asyncio.run(run())


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def lean(
    case: tuple[str, str, Callable[[int], dict[str, Any]], bytes], calls: int, at_once: int
) -> Any:
    from partywall.aws.credentials import Credentials
    from partywall.aws.transport import LeanTransport

    service, operation, params, _ = case
    keys = Credentials("AKIDEXAMPLE", "secret", "token", account_id="123456789012")
    transport = LeanTransport()

    async def worker(first: int, last: int) -> None:
        for number in range(first, last):
            await transport.call(service, "eu-west-1", keys, operation, params(number))

    async def run(count: int) -> None:
        step = count // at_once
        await asyncio.gather(*(worker(n * step, (n + 1) * step) for n in range(at_once)))

    await run(at_once * 2)
    began, used = time.perf_counter(), cpu()
    await run(calls)
    result = (cpu() - used, time.perf_counter() - began)
    await transport.close()
    return result


def boto(case: tuple[str, str, Callable[[int], dict[str, Any]], bytes], calls: int, at_once: int) -> Any:
    import boto3
    from botocore.config import Config

    service, operation, params, _ = case
    client: Any = boto3.client(
        service,
        region_name="eu-west-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        aws_session_token="token",
        config=Config(max_pool_connections=at_once),
    )
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda n: client._make_api_call(operation, params(n)), range(at_once * 2)))
        began, used = time.perf_counter(), cpu()
        list(pool.map(lambda n: client._make_api_call(operation, params(n)), range(calls)))
        return cpu() - used, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--profile", action="store_true", help="profile the lean transport")
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
    server.start()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    if options.profile:
        import cProfile
        import pstats

        profiler = cProfile.Profile()
        profiler.enable()
        for case in CASES:
            asyncio.run(lean(case, options.calls, options.at_once))
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(45)
        return
    print(f"{'call':36} {'lean ms':>8} {'calls/s':>8} {'boto3 ms':>9} {'calls/s':>8} {'ratio':>6}")
    totals = [0.0, 0.0]
    for case in CASES:
        lean_cpu, lean_wall = asyncio.run(lean(case, options.calls, options.at_once))
        few = max(200, options.calls // 4)
        boto_cpu, boto_wall = boto(case, few, options.at_once)
        ours, theirs = lean_cpu / options.calls * 1000, boto_cpu / few * 1000
        totals = [totals[0] + ours, totals[1] + theirs]
        speeds = options.calls / lean_wall, few / boto_wall
        name = f"{case[0]}:{case[1]}"
        print(f"{name:36} {ours:8.3f} {speeds[0]:8.0f} {theirs:9.3f} {speeds[1]:8.0f} {theirs / ours:6.1f}")
    ours, theirs = totals[0] / len(CASES), totals[1] / len(CASES)
    print(f"{'mean':36} {ours:8.3f} {'':8} {theirs:9.3f} {'':8} {theirs / ours:6.1f}")
    server.terminate()


if __name__ == "__main__":
    main()
