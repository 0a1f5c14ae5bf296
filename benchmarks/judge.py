"""Judges a million resources with the whole catalogue: time, memory and bytes for each verdict.

Rows are made by `tables.generate`, spread over the tables as in a big organisation (`SHARES`; the rest
evenly), and written as a scan's Parquet. Then the worst case: all of them in one table. Prints `judge`'s time
and this process's peak memory, what a verdict takes on disk, and what a loop in Python (`sql.reference`, the
dialect's own interpreter) takes on a sample, scaled up.

Run: python benchmarks/judge.py [--rows 1000000] [--worst ec2_instance] [--threads 2]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ACCOUNTS = [f"{n:012d}" for n in range(111111111111, 111111111121)]
REGIONS = ("us-east-1", "eu-west-1", "eu-central-1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Percent of all resources; every other table with checks gets an even part of what is left.
SHARES = {
    "vpc_security_group_rule": 12.0,
    "vpc_network_interface": 11.0,
    "ec2_snapshot": 11.0,
    "ec2_volume": 9.0,
    "ec2_instance": 7.0,
    "iam_role": 6.0,
    "cloudwatch_log_group": 5.0,
    "logs_log_group": 5.0,
    "vpc_security_group": 5.0,
    "s3_bucket": 4.0,
    "lambda_function": 4.0,
    "ssm_parameter": 3.0,
    "iam_user": 1.0,
    "kms_key": 1.5,
    "secretsmanager_secret": 1.5,
    "dynamodb_table": 1.0,
    "rds_instance": 0.5,
}


def write(directory: Path, counts: dict[str, int], seed: int = 0) -> int:
    """A scan's directory with so many rows in each table; returns its Parquet bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from partywall.collect.collector import Collected
    from partywall.config import Config
    from partywall.lake.snapshot import Manifest, write_manifest
    from partywall.lake.writer import collection_schema
    from partywall.scan import Selection, demanded, load_checks
    from partywall.sql.hints import hints
    from partywall.tables import generate, schema
    from partywall.tables.generate import rows
    from partywall.tables.registry import all_tables

    # One text in 25 of the generator's has 2,000 characters, to break things; AWS's own are short.
    generate._LONG_TEXT = "x" * 40
    checks = load_checks(Selection(), Config()).chosen
    wanted: dict[str, dict[tuple[str, ...], list[Any]]] = {}
    for check in checks:
        for expression in (check.passes, check.where):
            if expression is not None:
                for leaf, values in hints(expression, {}, NOW).items():
                    wanted.setdefault(check.check.table, {}).setdefault(leaf, []).extend(values)
    listings: list[dict[str, Any]] = []
    keys = related()
    size = 0
    for name, table in all_tables().items():
        places = [(a, r) for a in ACCOUNTS for r in (REGIONS if table.scope == "regional" else ("global",))]
        count = counts.get(name, 0)
        for i, (account, region) in enumerate(places):
            mine = count // len(places) + (i < count % len(places))
            outcome = Collected(name, "ok" if mine else "empty", rows=mine)
            listings.append(
                {
                    "account_id": account,
                    "region": region,
                    "table_name": name,
                    "outcome": outcome.outcome,
                    "operation": "",
                    "row_count": mine,
                }
            )
            if not mine:
                continue
            made = rows(
                schema.stored_types(table),
                mine,
                seed + i,
                wanted.get(name, {}),
                null_rate=0.02,
                unique=("arn", "name"),
            )
            for column, (other, key) in keys.get(name, {}).items():
                far = all_tables()[other].scope
                places_of = len(ACCOUNTS) * (len(REGIONS) if far == "regional" else 1)
                where = "" if far == "global" else REGIONS[0] if region == "global" else region
                stem = f"{other}.{key}-{account}-{where}"
                made = keyed(made, column, stem, max(1, counts.get(other, 0) // places_of))
            for column, value in (("account_id", account), ("region", region)):
                at = made.schema.get_field_index(column)
                made = made.set_column(at, made.schema.field(at), pa.repeat(pa.scalar(value), mine))
            stored = schema.arrow_schema(table)
            # No policy document of the generator's is a real one; an empty text is "no policy".
            failed = pa.array([[]] * mine, stored.field("_failed").type)
            made = made.append_column(stored.field("_failed"), failed).cast(stored)
            path = directory / "tables" / name / f"account_id={account}" / f"region={region}"
            path.mkdir(parents=True)
            pq.write_table(made, path / f"{name}.parquet", compression="zstd")
            size += (path / f"{name}.parquet").stat().st_size
    pq.write_table(
        pa.Table.from_pylist(listings, schema=collection_schema()), directory / "collection.parquet"
    )
    manifest = Manifest(
        id="20260101T000000Z-bench0",
        version="0",
        started_at=NOW,
        accounts=[{"account_id": a, "name": "", "partition": "aws", "principal": ""} for a in ACCOUNTS],
        regions=list(REGIONS),
        enabled_regions={a: list(REGIONS) for a in ACCOUNTS},
        demand={k: sorted(v) for k, v in demanded(Selection(), checks).items()},
        checks=[c.check.id for c in checks],
    )
    write_manifest(directory, manifest)
    return size


def related() -> dict[str, dict[str, tuple[str, str]]]:
    """Table -> its columns by which tables are joined -> the table and column whose values they take.

    Without this, rows would be joined by the few texts that the generator picks from: each with thousands.
    """
    from partywall.tables.registry import all_tables
    from partywall.tables.schema import COMMON

    own: dict[str, dict[str, tuple[str, str]]] = {}
    for table in all_tables().values():
        for relation in table.relations:
            for mine, theirs in relation.on.items():
                if theirs in COMMON and theirs not in ("arn", "name"):
                    continue
                if theirs.endswith("[]"):
                    ends = (table.name, mine.removesuffix("[]")), (relation.table, theirs[:-2])
                else:
                    ends = (relation.table, theirs), (table.name, mine.removesuffix("[]"))
                identifier, user = ends
                own.setdefault(identifier[0], {})[identifier[1]] = identifier
                own.setdefault(user[0], {}).setdefault(user[1], identifier)
    return own


def keyed(made: Any, column: str, stem: str, count: int) -> Any:
    """The table with a text column, or a column of lists of texts, taking one of `count` numbered values."""
    import pyarrow as pa

    at = made.schema.get_field_index(column)
    field = made.schema.field(at)
    n = made.num_rows
    if pa.types.is_string(field.type):
        return made.set_column(at, field, pa.array([f"{stem}-{i % count}" for i in range(n)]))
    if pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type):
        values = [[f"{stem}-{i % count}", f"{stem}-{(i * 7 + 1) % count}"] for i in range(n)]
        return made.set_column(at, field, pa.array(values, field.type))
    return made


def judged(directory: Path, threads: int, memory: str) -> dict[str, Any]:
    """Judges the directory in this process; times, peak memory and verdicts."""
    import pyarrow.parquet as pq

    from partywall.analysis.policy import FACTS
    from partywall.analysis.steps import policy_facts
    from partywall.config import Config
    from partywall.findings.verdicts import by_table, judge
    from partywall.lake.engine import Lake, connect
    from partywall.scan import Selection, load_checks

    checks = load_checks(Selection(), Config()).chosen
    lake = Lake(directory, FACTS, connection=connect(memory, threads))
    start = time.perf_counter()
    policy_facts(lake)
    facts = time.perf_counter() - start
    used = time.process_time()
    each: dict[str, float] = {}
    for table, group in by_table(checks).items():
        start = time.perf_counter()
        judge(lake, group, NOW, {})
        each[table] = time.perf_counter() - start
    used = time.process_time() - used
    verdicts = stored = rows = 0
    for path in (directory / "verdicts").glob("*.parquet"):
        file = pq.ParquetFile(path)
        # `_row` and the four keys are no verdicts, but their bytes count.
        verdicts += file.metadata.num_rows * (len(file.schema_arrow.names) - 5)
        rows += file.metadata.num_rows
        stored += path.stat().st_size
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000
    return {
        "facts": facts,
        "wall": sum(each.values()),
        "cpu": used,
        "peak_mb": peak,
        "verdicts": verdicts,
        "rows": rows,
        "bytes": stored,
        "checks": len(checks),
        "slowest": sorted(each.items(), key=lambda item: -item[1])[:5],
    }


def looped(directory: Path, sample: int) -> float:
    """Seconds for each row and check in a Python loop over a sample of the rows, tables weighed by size."""
    from partywall.analysis.policy import FACTS
    from partywall.config import Config
    from partywall.findings.verdicts import by_table
    from partywall.lake.engine import Lake, connect
    from partywall.scan import Selection, load_checks
    from partywall.sql.reference import evaluate

    lake = Lake(directory, FACTS, connection=connect("1GB"))
    total = 0.0
    for table, group in by_table(load_checks(Selection(), Config()).chosen).items():
        if not lake.source.files(table):
            continue
        columns = sorted({c for check in group for c in check.columns} | {"arn"})
        stored = lake.source.select(group[0].table, columns)
        counted = f"SELECT count(*) FROM ({lake.source.stored(group[0].table, ['arn'])})"
        [(count,)] = lake.execute(counted).fetchall()
        rows = lake.arrow(f"SELECT * FROM ({stored}) LIMIT {sample}").to_pylist(maps_as_pydicts="lossy")
        start = time.perf_counter()
        for check in group:
            for row in rows:
                if check.where is None or evaluate(check.where, row, {}, NOW) is True:
                    evaluate(check.passes, row, {}, NOW)
        total += (time.perf_counter() - start) * count / len(rows)
    return total


def child(kind: str, directory: Path, options: argparse.Namespace) -> Any:
    """Runs one part in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--child", kind, "--directory", str(directory)]
    command += ["--threads", str(options.threads), "--memory", options.memory]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def show(title: str, directory: Path, size: int, options: argparse.Namespace) -> None:
    found = child("judge", directory, options)
    print(f"\n{title}: {found['rows']:,} rows ({size / 1e6:.0f} MB of Parquet), {found['checks']} checks")
    print(f"  judge        {found['wall']:.1f} s with {options.threads} threads, CPU {found['cpu']:.1f} s")
    print(f"  policy facts {found['facts']:.1f} s before it")
    print(f"  peak memory  {found['peak_mb']:.0f} MB")
    each, stored = found["bytes"] / found["verdicts"], found["bytes"] / 1e6
    print(f"  stored       {found['verdicts']:,} verdicts in {stored:.1f} MB: {each:.2f} bytes each")
    print("  dearest      " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found["slowest"]))
    if options.sample:
        loop = child("loop", directory, options)
        print(f"  Python loop  {loop:.0f} s, scaled up: {loop / found['wall']:.0f} times as long")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--worst", default="ec2_instance", help="the table that gets all rows")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="1GB", help="DuckDB's limit")
    parser.add_argument("--sample", type=int, default=100, help="rows of each table for the loop; 0: no loop")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "judge":
        print(json.dumps(judged(options.directory, options.threads, options.memory)))
        return
    if options.child == "loop":
        print(json.dumps(looped(options.directory, options.sample)))
        return
    from partywall.config import Config
    from partywall.scan import Selection, load_checks
    from partywall.tables.registry import all_tables

    tables = {c.table.name for c in load_checks(Selection(), Config()).chosen}
    shares = {name: share for name, share in SHARES.items() if name in all_tables()}
    others = sorted(tables - set(shares))
    left = (100 - sum(shares.values())) / len(others)
    parts = {**shares, **dict.fromkeys(others, left)}
    counts = {name: round(options.rows * share / 100) for name, share in parts.items()}
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        show("spread over the tables", Path(folder) / "a", write(Path(folder) / "a", counts), options)
    with tempfile.TemporaryDirectory() as folder:
        size = write(Path(folder) / "a", {options.worst: options.rows})
        show(f"all in {options.worst}", Path(folder) / "a", size, options)


if __name__ == "__main__":
    main()
