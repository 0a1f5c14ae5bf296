"""Judges a million resources: time, memory and bytes for each verdict.

Rows are made by `tables.generate`, spread over the tables as in a big organisation (`SHARES`; the rest
evenly), and written as a scan's Parquet; the checks are the 300 of the highest severity, or as many as
`--checks` says. Then the worst case: all rows in one table, with all its checks, and a hundredth of the rows
in each table that it reads. Prints `judge`'s time and this process's peak memory, what a verdict takes on
disk, and what a loop in Python (`sql.reference`, the dialect's own interpreter) takes on a sample, scaled up.

Run: python benchmarks/judge.py [--rows 1000000] [--checks 300] [--worst ec2_instance] [--threads 2]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partywall.checks.loader import CompiledCheck

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


def picked(count: int) -> list[CompiledCheck]:
    """The checks of the highest severity, in order of id among equals; all of them for 0."""
    from partywall.checks.model import SEVERITIES
    from partywall.config import Config
    from partywall.scan import Selection, load_checks

    checks = load_checks(Selection(), Config()).chosen
    ranked = sorted(checks, key=lambda c: (SEVERITIES.index(c.check.severity), c.check.id))
    return ranked[: count or None]


def write(directory: Path, counts: dict[str, int], checks: list[CompiledCheck], seed: int = 0) -> int:
    """A scan's directory with so many rows in each table; returns its Parquet bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from partywall.collect.collector import Collected
    from partywall.lake.snapshot import Manifest, write_manifest
    from partywall.lake.writer import collection_schema
    from partywall.scan import Selection, demanded
    from partywall.sql.hints import hints
    from partywall.tables import generate, schema
    from partywall.tables.generate import rows
    from partywall.tables.registry import all_tables

    # One text in 25 of the generator's has 2,000 characters, to break things; AWS's own are short.
    generate._LONG_TEXT = "x" * 40
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


def judged(directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Judges the directory in this process; times, peak memory and verdicts."""
    import pyarrow.parquet as pq

    from partywall.analysis.policy import FACTS
    from partywall.analysis.steps import policy_facts
    from partywall.findings.verdicts import by_table, judge
    from partywall.lake.engine import Lake, connect

    checks = picked(options.checks)
    lake = Lake(directory, FACTS, connection=connect(options.memory, options.threads))
    start = time.perf_counter()
    policy_facts(lake)
    facts = time.perf_counter() - start
    start, used = time.perf_counter(), time.process_time()
    judge(lake, checks, NOW, {})
    wall, used = time.perf_counter() - start, time.process_time() - used
    verdicts = stored = rows = 0
    for path in (directory / "verdicts").glob("*.parquet"):
        file = pq.ParquetFile(path)
        # `_row` and the four keys are no verdicts, but their bytes count.
        verdicts += file.metadata.num_rows * (len(file.schema_arrow.names) - 5)
        rows += file.metadata.num_rows
        stored += path.stat().st_size
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000
    each: dict[str, float] = {}
    for table, group in by_table(checks).items():
        start = time.process_time()
        judge(lake, group, NOW, {})
        each[table] = time.process_time() - start
    return {
        "facts": facts,
        "wall": wall,
        "cpu": used,
        "peak_mb": peak,
        "verdicts": verdicts,
        "rows": rows,
        "bytes": stored,
        "checks": len(checks),
        "slowest": sorted(each.items(), key=lambda item: -item[1])[:5],
    }


def looped(directory: Path, options: argparse.Namespace) -> float:
    """Seconds for each row and check in a Python loop over a sample of the rows, tables weighed by size."""
    from partywall.analysis.policy import FACTS
    from partywall.findings.verdicts import by_table
    from partywall.lake.engine import Lake, connect
    from partywall.sql.reference import evaluate

    lake = Lake(directory, FACTS, connection=connect("1GB"))
    total = 0.0
    for table, group in by_table(picked(options.checks)).items():
        if not lake.source.files(table):
            continue
        columns = sorted({c for check in group for c in check.columns} | {"arn"})
        stored = lake.source.select(group[0].table, columns)
        counted = f"SELECT count(*) FROM ({lake.source.stored(group[0].table, ['arn'])})"
        [(count,)] = lake.execute(counted).fetchall()
        rows = lake.arrow(f"SELECT * FROM ({stored}) LIMIT {options.sample}").to_pylist(
            maps_as_pydicts="lossy"
        )
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
    for name in ("threads", "memory", "checks", "sample"):
        command += [f"--{name}", str(getattr(options, name))]
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
    print("  dearest      " + ", ".join(f"{name} {seconds:.2f} s CPU" for name, seconds in found["slowest"]))
    if options.sample:
        loop = child("loop", directory, options)
        print(f"  Python loop  {loop:.0f} s, scaled up: {loop / found['wall']:.0f} times as long")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--checks", type=int, default=300, help="so many checks, of the highest severity; 0: all"
    )
    parser.add_argument("--worst", default="ec2_instance", help="the table that gets all rows")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="1GB", help="DuckDB's limit")
    parser.add_argument("--sample", type=int, default=100, help="rows of each table for the loop; 0: no loop")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "judge":
        print(json.dumps(judged(options.directory, options)))
        return
    if options.child == "loop":
        print(json.dumps(looped(options.directory, options)))
        return
    from partywall.findings.verdicts import by_table
    from partywall.lake.rows import reached

    checks = picked(options.checks)
    tables = by_table(checks).keys()
    shares = {name: share for name, share in SHARES.items() if name in tables}
    others = sorted(tables - set(shares))
    left = (100 - sum(SHARES.values())) / len(others)
    # What the tables of fewer checks leave goes to those that have many rows.
    wide = (100 - left * len(others)) / sum(shares.values())
    parts = {name: share * wide for name, share in shares.items()} | dict.fromkeys(others, left)
    related = {other for check in checks for other in reached(check.table, check.columns)}
    # Related rows that no check is on come on top of the rows that are judged.
    parts |= {name: SHARES.get(name, left) for name in related - tables}
    counts = {name: round(options.rows * share / 100) for name, share in parts.items()}
    severities = Counter(check.check.severity for check in checks)
    told = ", ".join(f"{count} {severity}" for severity, count in severities.items())
    print(f"{len(checks)} checks ({told}) on {len(tables)} tables, which read {len(related)} related ones")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        show("spread over the tables", Path(folder) / "a", write(Path(folder) / "a", counts, checks), options)
    with tempfile.TemporaryDirectory() as folder:
        options.checks = 0
        checks = picked(0)
        group = by_table(checks)[options.worst]
        others = {other for check in group for other in reached(check.table, check.columns)}
        counts = dict.fromkeys(others, options.rows // 100) | {options.worst: options.rows}
        size = write(Path(folder) / "a", counts, checks)
        show(f"all in {options.worst}", Path(folder) / "a", size, options)


if __name__ == "__main__":
    main()
