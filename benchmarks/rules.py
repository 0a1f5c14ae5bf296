"""800 Sigma rules over 1,000,000 CloudTrail events: time for all, and for each rule more.

    python benchmarks/rules.py [--events 1000000] [--rules 800] [--sigma DIR]

Events are made up in the proportions of a busy account: a few calls make most of them, a thousand kinds the
rest, with thousands of user agents and addresses. Rules are our own, varied up to the number asked (other
calls, other values) or those of `--sigma DIR`. Events lie in one Parquet file with the log table's columns.
The baseline is the reference evaluator (a Python loop over records) on a sample, scaled up.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from partywall.detections.sigma import fields, oracle, rules, samples
from partywall.detections.sigma.engine import Engine
from partywall.detections.sigma.nodes import And, Leaf, Node, Not, Or, Text
from partywall.detections.sigma.rules import Rule

_COMMON = (
    ("sts:AssumeRole", 24), ("kms:Decrypt", 16), ("s3:GetObject", 14), ("s3:PutObject", 8),
    ("logs:CreateLogStream", 4), ("kms:GenerateDataKey", 6), ("ec2:DescribeInstances", 6),
    ("secretsmanager:GetSecretValue", 3), ("ssm:GetParameter", 3),
    ("ecr:BatchGetImage", 2), ("ec2:RunInstances", 0.2), ("lambda:Invoke", 3),
)  # fmt: skip


def _templates() -> list[dict[str, Any]]:
    """Records of our rules' own examples: real shapes, each kind of call that rules speak of."""
    from partywall.detections.sigma.selftest import examples

    found: list[dict[str, Any]] = []
    for each in rules.load([rules.OURS]).rules:
        for kind in ("match", "clean"):
            for written in examples(each.about, kind):
                found += samples.expand([{k: v for k, v in e.items() if k != "times"} for e in written])
    return found


def make(count: int, path: Path) -> list[dict[str, Any]]:
    """Writes events as Parquet; a sample of them as records."""
    rng = random.Random(7)
    templates = _templates()
    callers = [
        *(["lambda"] * 5),
        *(["instance"] * 3),
        "role",
        "ci",
        "terraform",
        "console",
        "service",
        "script",
    ]
    common, weights = zip(*_COMMON, strict=True)
    agents = [
        f"aws-sdk-go-v2/1.{n % 60} os/linux lang/go#1.{n % 30} md/GOOS#linux app/{n}" for n in range(3000)
    ]
    addresses = [f"10.{rng.randrange(200)}.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(20000)]
    sample: list[dict[str, Any]] = []
    written, size = 0, 50_000
    with pq.ParquetWriter(path, fields.table([]).schema, compression="zstd") as writer:
        while written < count:
            batch: list[dict[str, Any]] = []
            for _ in range(min(size, count - written)):
                if rng.random() < 0.9:
                    (call,) = rng.choices(common, weights)
                    record = samples.expand(
                        [
                            {
                                "as": rng.choice(callers),
                                "call": call,
                                "request": {
                                    "bucketName": f"b{rng.randrange(300)}",
                                    "key": f"k/{rng.randrange(10**6)}",
                                    "roleArn": f"arn:aws:iam::111122223333:role/r{rng.randrange(400)}",
                                    "encryptionContext": {
                                        "aws:s3:arn": f"arn:aws:s3:::b{rng.randrange(300)}"
                                    },
                                },
                            }
                        ]
                    )[0]
                    record["userAgent"] = rng.choice(agents)
                elif rng.random() < 0.97:
                    kind = rng.randrange(1000)
                    record = samples.expand(
                        [{"as": rng.choice(callers), "call": f"svc{kind % 80}:DescribeThing{kind}"}]
                    )[0]
                else:
                    record = dict(rng.choice(templates))
                if "amazonaws" not in str(record["sourceIPAddress"]):
                    record["sourceIPAddress"] = rng.choice(addresses)
                record["eventID"] = f"{written + len(batch):09}"
                batch.append(record)
            sample += batch[:40]
            writer.write_table(fields.table(batch))
            written += len(batch)
    return sample


def varied(node: Node, number: int) -> Node:
    """The same shape of rule over other calls: what a larger rule set adds."""
    if isinstance(node, Leaf):
        if node.field == "eventName" and isinstance(node.test, Text):
            parts = tuple(f"{p}{number}" if type(p) is str else p for p in node.test.parts)
            return Leaf(node.field, Text(parts, node.test.cased))
        return node
    if isinstance(node, Not):
        return Not(varied(node.item, number))
    items = tuple(varied(item, number) for item in node.items)
    return And(items) if isinstance(node, And) else Or(items)


def _live(node: Node, number: int) -> Node:
    """Every third variant speaks of calls that the log is full of, so that added rules are not all idle."""
    calls = [call.partition(":")[2] for call, _ in _COMMON] + [f"DescribeThing{number % 1000}"]
    if isinstance(node, Leaf):
        if node.field == "eventName":
            return Leaf("eventName", Text((calls[number % len(calls)],)))
        return node
    if isinstance(node, Not):
        return Not(_live(node.item, number))
    items = tuple(_live(item, number) for item in node.items if not _source(item))
    return And(items) if isinstance(node, And) else Or(items)


def _source(node: Node) -> bool:
    return isinstance(node, Leaf) and node.field == "eventSource"


def many(count: int) -> list[Rule]:
    """Our rules, then variants of them."""
    ours = rules.load([rules.OURS]).rules
    chosen = list(ours[:count])
    number = 0
    while len(chosen) < count:
        base = ours[number % len(ours)]
        node = _live(base.condition, number) if number % 3 == 0 else varied(base.condition, number)
        chosen.append(Rule(replace(base.about, id=f"{base.about.id}-{number}"), node))
        number += 1
    return chosen


def measure(asked: list[Rule], path: Path) -> tuple[float, float, int, int]:
    """Wall and CPU seconds on two threads, matches, JSON rows decoded."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        wall, cpu = time.perf_counter(), time.process_time()
        matched = Engine(asked, fields.cloudtrail()).run(connection, f"SELECT * FROM read_parquet('{path}')")
        spent = time.perf_counter() - wall, time.process_time() - cpu
        hits = connection.execute("SELECT count(*) FROM partywall_hits").fetchall()[0][0]
    return *spent, hits, matched.decoded


def main() -> None:
    """Makes the events, asks them few rules and many, and prints both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rules", type=int, default=800)
    parser.add_argument("--sigma", type=Path, help="A directory of Sigma rules instead of ours.")
    parser.add_argument("--keep", type=Path, help="Parquet file of events to make or use again.")
    given = parser.parse_args()
    pa.set_cpu_count(2)
    with tempfile.TemporaryDirectory() as scratch:
        path = given.keep or Path(scratch) / "events.parquet"
        sample_path = path.with_suffix(".sample.json")
        if not path.exists():
            sample_path.write_text(json.dumps(make(given.events, path)))
        sample = json.loads(sample_path.read_text())
        asked = rules.load([given.sigma]).rules if given.sigma else many(given.rules)
        few = asked[: max(1, len(asked) // 4)]
        results = {}
        for chosen in (few, asked):
            wall, cpu, hits, decoded = results[len(chosen)] = measure(chosen, path)
            print(
                f"{len(chosen):5} rules: {wall:6.2f} s wall, {cpu:6.2f} s CPU, {hits:,} matches,"
                f" {decoded:,} JSON rows decoded"
            )
        more = len(asked) - len(few)
        if more:
            extra = (results[len(asked)][1] - results[len(few)][1]) / more
            print(f"each rule more: {extra * 1000:.1f} ms CPU")
        begun = time.process_time()
        for record in sample[:200]:
            raw = fields.compact(record)
            for each in asked:
                oracle.matches(each.condition, record, raw)
        loop = (time.process_time() - begun) / min(200, len(sample)) * given.events
        print(f"Python loop, scaled up: {loop:,.0f} s; {loop / results[len(asked)][1]:,.0f} times as long")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
