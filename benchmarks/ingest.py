"""Ingest of logs on one core: CloudTrail and flow logs to Parquet, against DuckDB's and Python's own readers.

    python benchmarks/ingest.py [--events 300000] [--flows 2000000] [--big 2]

Times are CPU seconds of the whole process, threads included, so that a busy machine and a second core change
nothing. Each reading runs in a process of its own, whose peak of resident memory is printed. `--big` also
reads one gzipped CloudTrail object of that many GB of JSON.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

_GOAL_BYTES, _GOAL_EVENTS, _GOAL_FLOWS = 60e6, 45_000, 1_000_000
_MEASURED = """
import gzip, json, resource, sys, time
from pathlib import Path
import duckdb, msgspec, pyarrow.compute, pyarrow.csv, pyarrow.parquet
from partywall.detections.ingest.ingest import ingest
begun = time.process_time()
{body}
seconds = time.process_time() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "rows": rows}))
"""
_OURS = """
done = ingest([Path(sys.argv[1])], Path(sys.argv[2]))
rows = done.total("stored")
assert not done.problems(), done.problems()
"""
_LOADS = """
rows = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    for record in json.loads(gzip.open(path).read())["Records"]:
        rows += record["userIdentity"]["type"] == "AssumedRole"
"""
_DUCKDB = """
duckdb.execute("SET threads = 1; SET memory_limit = '8GB'")
source = f"read_json('{sys.argv[1]}/*', maximum_object_size = 4000000000)"
duckdb.execute(f"COPY (SELECT unnest(Records) FROM {source})"
               f" TO '{sys.argv[2]}.parquet' (COMPRESSION zstd)")
rows = duckdb.sql(f"SELECT count(*) FROM '{sys.argv[2]}.parquet'").fetchone()[0]
"""
_SPLIT = """
rows = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    for line in gzip.open(path, "rt"):
        fields = line.split(" ")
        rows += fields[0] == "2" and int(fields[9]) > 0
"""


def event(index: int, chance: random.Random) -> dict[str, object]:
    """A CloudTrail record as data events and API calls have it: 1.4 kB, most of its values new."""
    name, source = chance.choice(
        [("GetObject", "s3"), ("DescribeInstances", "ec2"), ("AssumeRole", "sts"), ("Decrypt", "kms")]
    )
    role = f"app-{index % 50}"
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROAEXAMPLE{index % 50:05}:i-{index % 500:017x}",
            "arn": f"arn:aws:sts::111122223333:assumed-role/{role}/i-{index % 500:017x}",
            "accountId": "111122223333",
            "accessKeyId": f"ASIA{index % 500:016}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": f"AROAEXAMPLE{index % 50:05}",
                    "arn": f"arn:aws:iam::111122223333:role/{role}",
                    "accountId": "111122223333",
                    "userName": role,
                },
                "attributes": {"creationDate": "2026-11-01T00:00:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": f"2026-11-01T{index // 3600 % 24:02}:{index // 60 % 60:02}:{index % 60:02}Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": f"10.0.{chance.randrange(256)}.{chance.randrange(256)}",
        "userAgent": "[aws-sdk-java/2.20.1 Linux/5.10 OpenJDK_64-Bit_Server_VM/17 vendor/Amazon io/async]",
        "requestParameters": {
            "bucketName": f"bucket-{index % 20}",
            "Host": "bucket.s3.eu-west-1.amazonaws.com",
            "key": f"data/{uuid.UUID(int=chance.getrandbits(128))}/part-{index}.parquet",
        },
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0,
            "x-amz-id-2": f"{chance.getrandbits(256):x}=",
            "bytesTransferredOut": chance.randrange(1 << 20),
        },
        "requestID": f"{chance.getrandbits(64):016X}",
        "eventID": str(uuid.UUID(int=chance.getrandbits(128))),
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": "111122223333",
        "eventCategory": "Data",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "bucket.s3.eu-west-1.amazonaws.com",
        },
    }


def trail(folder: Path, count: int, each: int) -> int:
    """Writes CloudTrail files of `each` events; returns the bytes of their JSON."""
    chance, total = random.Random(1), 0
    folder.mkdir()
    for at in range(0, count, each):
        records = [event(i, chance) for i in range(at, min(at + each, count))]
        data = json.dumps({"Records": records}, separators=(",", ":")).encode()
        total += len(data)
        (folder / f"{at:09}.json.gz").write_bytes(gzip.compress(data, 6))
    return total


def large(folder: Path, size: int) -> tuple[int, int]:
    """Writes one CloudTrail object of about `size` bytes; returns its bytes and its events."""
    chance, total, index = random.Random(2), 0, 0
    folder.mkdir()
    with gzip.open(folder / "one.json.gz", "wb", 1) as file:
        total += file.write(b'{"Records":[')
        while total < size:
            text = json.dumps(event(index, chance), separators=(",", ":"))
            # New ids on old records: making each anew would take longer than the measurement.
            for _ in range(20):
                fresh = text.replace(text[text.index('"eventID":"') :][11:47], str(uuid.UUID(int=index)))
                total += file.write((b"," if index else b"") + fresh.encode())
                index += 1
        total += file.write(b"]}")
    return total, index


def flows(folder: Path, count: int) -> int:
    """Writes one gzipped flow log of the default format; returns its bytes of text."""

    def lines() -> Iterator[str]:
        chance = random.Random(3)
        yield (
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end"
            " action log-status\n"
        )
        for i in range(count):
            start = 1_793_491_200 + i // 1000
            yield (
                f"2 111122223333 eni-{i % 40:017x} 10.0.{i % 7}.{chance.randrange(256)}"
                f" 10.1.{i % 11}.{chance.randrange(256)} {chance.randrange(1024, 65536)} 443 6"
                f" {chance.randrange(1, 50)} {chance.randrange(40, 90000)} {start} {start + 60} ACCEPT OK\n"
            )

    folder.mkdir()
    text = "".join(lines()).encode()
    (folder / "flow.log.gz").write_bytes(gzip.compress(text, 6))
    return len(text)


def measured(body: str, folder: Path, data: Path) -> dict[str, float]:
    """Runs a reading in a process of its own."""
    program = _MEASURED.replace("{body}", body)
    command = [sys.executable, "-c", program, str(folder), str(data)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        return {"failed": 1.0, "why": ran.stderr.strip().splitlines()[-1][:150]}  # type: ignore[dict-item]
    return json.loads(ran.stdout)


def told(name: str, found: dict[str, float], size: int, ours: dict[str, float] | None = None) -> None:
    """Prints one line of results."""
    if "failed" in found:
        print(f"  {name:28} failed: {found['why']}")
        return
    seconds, rows = found["seconds"], found["rows"]
    ratio = f"  ours is {seconds / ours['seconds']:.1f} times as fast" if ours else ""
    print(
        f"  {name:28} {seconds:7.2f} s CPU {size / seconds / 1e6:7.0f} MB/s {rows / seconds:12,.0f} rows/s"
        f" {found['peak']:6.0f} MB{ratio}"
    )


def main() -> None:
    """Makes the files, measures, prints; exits 1 where a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--flows", type=int, default=2_000_000)
    parser.add_argument("--big", type=float, default=0.0)
    asked = parser.parse_args()
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        print(f"CloudTrail, {asked.events:,} events in gzipped files of 5,000, to Parquet")
        size = trail(root / "trail", asked.events, 5000)
        ours = measured(_OURS, root / "trail", root / "data")
        told("partywall", ours, size)
        again = measured(_OURS, root / "trail", root / "data")
        print(f"  {'partywall, once more':28} {again['seconds']:7.2f} s CPU, nothing to add")
        told("DuckDB read_json", measured(_DUCKDB, root / "trail", root / "duck"), size, ours)
        told("json.loads, looked at only", measured(_LOADS, root / "trail", root), size, ours)
        missed += ["MB/s of CloudTrail"] if size / ours["seconds"] < _GOAL_BYTES else []
        missed += ["events/s"] if ours["rows"] / ours["seconds"] < _GOAL_EVENTS else []
        print(f"Flow logs, {asked.flows:,} records of the default format, gzipped, to Parquet")
        size = flows(root / "flows", asked.flows)
        ours = measured(_OURS, root / "flows", root / "data2")
        told("partywall", ours, size)
        told("split and int, looked at only", measured(_SPLIT, root / "flows", root), size, ours)
        missed += ["flow records/s"] if ours["rows"] / ours["seconds"] < _GOAL_FLOWS else []
        if asked.big:
            size, count = large(root / "big", int(asked.big * 1e9))
            print(f"One CloudTrail object of {size / 1e9:.1f} GB of JSON, {count:,} events, gzipped")
            ours = measured(_OURS, root / "big", root / "data3")
            told("partywall", ours, size)
            missed += ["1 GB of memory"] if ours["peak"] > 1024 else []
            told("DuckDB read_json", measured(_DUCKDB, root / "big", root / "duck3"), size, ours)
    print("every goal is met" if not missed else f"missed: {', '.join(missed)}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
