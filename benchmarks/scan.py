"""A whole scan through an endpoint with 40 ms of latency, against boto3's clients in threads, in one run.

Scans the made-up big account (`synthetic.py`) and, with `--recording`, a recorded one. Prints, for each, the
calls, the wall time against calls x latency / concurrency, CPU per call (serialise, sign, send, parse, map,
write), peak memory, then the same calls made by boto3 (a sample of them, scaled up), and the ratios.
partywall's rate limits are off (a RateGovernor with one allowance that nothing exhausts), for boto3 has none.
CPU is this program's own: the endpoint is another process, and its answers are made before the clock starts.
Loading the services' models is counted apart, once for each side. Keeping each answer as evidence, which
boto3 does not do, is measured by a scan of its own.

Run: python benchmarks/scan.py [--recording FILE] [--boto-calls 2000] [--concurrency 64]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

LATENCY = 0.04


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """This process's peak memory (VmHWM; ru_maxrss would inherit the parent's)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def scan(
    account_ids: list[str], regions: list[str], concurrency: int, data: Path, evidence: bool
) -> dict[str, Any]:
    """Scans in this process, as the command does; the figures of each stage."""
    from partywall.aws.caller import Caller
    from partywall.aws.codec import codec
    from partywall.aws.credentials import Credentials, Identity, StaticProvider
    from partywall.aws.limits import Limit, RateGovernor
    from partywall.aws.models import narrow
    from partywall.aws.transport import LeanTransport
    from partywall.collect.planner import plan
    from partywall.config import Config
    from partywall.lake.snapshot import DataDirectory
    from partywall.lake.writer import ScanWriter
    from partywall.opened import open_report
    from partywall.scan import Scan, Selection, demanded, judge_scan, load_checks
    from partywall.tables.registry import all_tables

    found: dict[str, Any] = {}
    began, used = time.perf_counter(), cpu()
    selection = Selection(regions=tuple(regions))
    checks = load_checks(selection, Config())
    found["load"] = cpu() - used
    used = cpu()
    names = plan(demanded(selection, checks.chosen), all_tables()).operations()
    narrow([*names, "ec2:DescribeRegions", "account:ListRegions"])
    for name in names:
        service, _, operation = name.partition(":")
        codec(service).operation(operation)
    found["models"] = cpu() - used
    who = []
    for account in account_ids:
        keys = Credentials(f"AKIA{account}", "secret", account_id=account)
        who.append(Identity(account, f"arn:aws:iam::{account}:role/scan", "aws", StaticProvider(keys)))
    transport = LeanTransport()
    free = RateGovernor(limits={}, default=Limit(1e9, 1e9, concurrency))
    job = Scan(
        DataDirectory(data),
        who,
        selection,
        checks,
        Config(),
        transport,
        # What a recording lacks fails at once, and is not tried again.
        caller=lambda log: Caller(transport, free, log, max_attempts=1, concurrency=concurrency),
        evidence=evidence,
    )

    async def collect(writer: ScanWriter) -> None:
        try:
            await job.collect(writer)
        finally:
            await transport.close()

    with job.data.claimed(job.id) as directory:
        writer = ScanWriter(directory)
        before, used, idle = time.perf_counter(), cpu(), peak_mb()
        asyncio.run(collect(writer))
        writer.close()
        found |= {"collect": cpu() - used, "collect_wall": time.perf_counter() - before, "idle_mb": idle}
        found["collect_mb"] = peak_mb()
        before, used = time.perf_counter(), cpu()
        judge_scan(directory, checks.chosen, {}, job.data)
        found |= {"judge": cpu() - used, "judge_wall": time.perf_counter() - before}
    before, used = time.perf_counter(), cpu()
    report = open_report(job.data.scans / job.id, checks.chosen, Config())
    found |= {"report": cpu() - used, "report_wall": time.perf_counter() - before}
    found |= {
        "calls": job.progress.calls,
        "rows": job.progress.rows,
        "failed": job.progress.failed,
        "checks": len(checks.chosen),
        "findings": report.findings.num_rows,
        "wall": time.perf_counter() - began,
        "peak_mb": peak_mb(),
        "directory": str(job.data.scans / job.id),
    }
    return found


def sample(directory: Path, count: int) -> list[list[str]]:
    """Calls of a scan chosen at random: account, Region, service, operation, arguments."""
    import pyarrow.parquet as pq

    from partywall.aws.models import operation_model

    rows = [
        row
        for path in sorted((directory / "api_call").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
        # A queue's URL names the host of the recording; boto3 puts the account before s3control's host.
        if row["outcome"] == "ok"
        and row["service"] != "s3control"
        # Nor do endpoints that are discovered exist here.
        and not operation_model(row["service"], row["operation"]).endpoint_discovery
        and len(row["arguments"]) < 2000
        and "://127" not in row["arguments"]
    ]
    chosen = random.Random(1).sample(rows, min(count, len(rows)))
    return [[r["account_id"], r["region"], r["service"], r["operation"], r["arguments"]] for r in chosen]


def boto(calls: list[list[str]], threads: int) -> dict[str, Any]:
    """The same calls through boto3's clients, one for each account, Region and service."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    used = cpu()
    clients: dict[tuple[str, str, str], Any] = {}
    for account, region, service, _, _ in calls:
        if (account, region, service) not in clients:
            clients[account, region, service] = boto3.session.Session(
                aws_access_key_id=f"AKIA{account}", aws_secret_access_key="secret"
            ).client(
                service,
                region_name=region,
                config=Config(
                    max_pool_connections=threads, retries={"max_attempts": 1}, inject_host_prefix=False
                ),
            )
    found = {"clients": cpu() - used}

    def one(call: list[str]) -> int:
        account, region, service, operation, arguments = call
        try:
            clients[account, region, service]._make_api_call(operation, json.loads(arguments))
        except ClientError as error:
            # boto3 opens sessions with directory buckets of its own accord.
            print(f"boto3: {service}:{operation}: {error}", file=sys.stderr)
        return 1

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, calls[:threads]))
        before, used = time.perf_counter(), cpu()
        done = sum(pool.map(one, calls))
    found |= {"collect": cpu() - used, "collect_wall": time.perf_counter() - before, "calls": done}
    return found | {"peak_mb": peak_mb()}


def child(url: str, job: dict[str, Any]) -> dict[str, Any]:
    """Runs a job of this file in a process of its own and returns its figures."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    command = [sys.executable, __file__, "--child"]
    text = json.dumps(job)
    done = subprocess.run(command, env=environment, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(title: str, source: list[str], job: dict[str, Any], options: argparse.Namespace) -> None:
    """Scans one endpoint twice (the first time to make its answers), then lets boto3 call it."""
    from endpoint import running

    with tempfile.TemporaryDirectory() as folder, running(*source, "--latency", "0") as (url, _):
        child(url, {"kind": "scan", **job, "evidence": False, "data": f"{folder}/warm"})
        with_latency(url, int(LATENCY * 1000))
        ours = child(url, {"kind": "scan", **job, "evidence": False, "data": f"{folder}/data"})
        kept = child(url, {"kind": "scan", **job, "evidence": True, "data": f"{folder}/kept"})
        calls = sample(Path(ours["directory"]), options.boto_calls)
        theirs = child(url, {"kind": "boto", "calls": calls, "threads": options.threads})
    wall = ours["collect_wall"]
    ideal = ours["calls"] * LATENCY / options.concurrency
    each, boto_each = ours["collect"] / ours["calls"] * 1000, theirs["collect"] / theirs["calls"] * 1000
    scaled = theirs["collect_wall"] * ours["calls"] / theirs["calls"]
    print(f"\n{title}: {ours['rows']:,} rows, {ours['checks']} checks, {ours['findings']:,} findings open")
    print(f"  calls                {ours['calls']:,} ({ours['failed']} without an answer)")
    print(f"  collecting           {ours['collect_wall']:.1f} s, CPU {ours['collect']:.1f} s")
    print(f"  calls x 40 ms / {options.concurrency}    {ideal:.1f} s: {wall / ideal:.2f} times that")
    print(f"  CPU per call         {each:.2f} ms; boto3 {boto_each:.2f} ms ({boto_each / each:.1f} times)")
    print(
        f"  with evidence kept   {kept['collect'] / kept['calls'] * 1000:.2f} ms per call,"
        f" collecting {kept['collect_wall']:.1f} s, {kept['collect_mb']:.0f} MB"
    )
    print(
        f"  wall, same calls     {wall:.1f} s; boto3 with {options.threads} threads"
        f" {scaled:.1f} s, scaled up from {theirs['calls']:,} calls ({scaled / wall:.1f} times)"
    )
    print(f"  CPU once             checks {ours['load']:.2f} s, models {ours['models']:.2f} s;", end=" ")
    print(f"boto3's clients {theirs['clients']:.2f} s")
    print(f"  judging              {ours['judge_wall']:.2f} s, CPU {ours['judge']:.2f} s")
    print(f"  reporting            {ours['report_wall']:.2f} s, CPU {ours['report']:.2f} s")
    print(
        f"  peak memory          {ours['collect_mb']:.0f} MB collecting (idle {ours['idle_mb']:.0f}),"
        f" {ours['peak_mb']:.0f} MB with judging and report; boto3 {theirs['peak_mb']:.0f} MB, calls only"
    )


def with_latency(url: str, milliseconds: int) -> None:
    """Sets the endpoint's latency."""
    from urllib.request import urlopen

    with urlopen(f"{url}/_latency/{milliseconds}") as answer:
        answer.read()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recording", type=Path, help="a recorded scan (Recording.save) to scan as well")
    parser.add_argument("--boto-calls", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=16, help="boto3's threads")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        job = json.loads(sys.stdin.read())
        kind = job.pop("kind")
        if kind == "boto":
            print(json.dumps(boto(**job)))
        else:
            print(json.dumps(scan(**job | {"data": Path(job["data"])})))
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if options.recording:
        from endpoint import accounts_of

        from partywall.collect.recorder import Recording

        recording = Recording.load(options.recording)
        regions = sorted({each.region for each in recording if each.operation == "DescribeInstances"})
        job = {"account_ids": accounts_of(recording), "regions": regions, "concurrency": options.concurrency}
        compare("recorded scan", ["--recording", str(options.recording)], job, options)
    from synthetic import ACCOUNT, REGIONS

    job = {"account_ids": [ACCOUNT], "regions": list(REGIONS), "concurrency": options.concurrency}
    compare("made-up account", ["--synthetic"], job, options)


if __name__ == "__main__":
    main()
