"""A scan asks for no more than it needs, and backs off when AWS says so. Nothing here is timed.

Rates are tested on a loop whose clock jumps from timer to timer: seconds are exact and cost nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from partywall.aws.answers import CallFailed, CallRecord
from partywall.aws.caller import Caller
from partywall.aws.limits import LIMITS, RateGovernor
from partywall.aws.transport import canonical
from partywall.collect.planner import plan
from partywall.collect.recorder import Recording, ReplayTransport
from partywall.config import Config
from partywall.lake.snapshot import DataDirectory
from partywall.lake.writer import ScanWriter
from partywall.scan import Scan, Selection, demanded, judge_scan, load_checks
from partywall.tables.registry import all_tables
from partywall.tables.spec import Batch, Call, Lookup
from tests.support import REGIONS, DemoScan, demo_config, identity, verdicts

_LATENCY = 0.04


class _Timeless(asyncio.SelectorEventLoop):
    """A loop that never waits: where nothing is ready, its clock jumps to the next timer."""

    _clock = 0.0

    def time(self) -> float:
        return self._clock

    def _run_once(self) -> None:
        waiting: Any = self
        if not waiting._ready and waiting._scheduled:
            self._clock = max(self._clock, waiting._scheduled[0]._when)
        super()._run_once()  # type: ignore[misc]


class _Aws(ReplayTransport):
    """The recorded AWS: 40 ms an answer; `rate` requests a second for each account, Region and service."""

    def __init__(self, recording: Recording, rate: float = 0.0) -> None:
        super().__init__(recording)
        self.rate = rate
        self.requests: list[tuple[float, tuple[str, str, str], bool]] = []
        """When, (account, Region, service), whether it was throttled."""
        self.asked: list[tuple[str, str, str, str, str]] = []
        self._tokens: dict[tuple[str, str, str], tuple[float, float]] = {}

    async def call(
        self, service: str, region: str, credentials: Any, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        now, key = asyncio.get_running_loop().time(), (credentials.account_id, region, service)
        throttled = self.rate > 0 and not self._admits(key, now)
        self.requests.append((now, key, throttled))
        self.asked.append((*key, operation, canonical(params)))
        await asyncio.sleep(_LATENCY)
        if throttled:
            raise CallFailed("ThrottlingException", "Rate exceeded", 400)
        return await super().call(service, region, credentials, operation, params)

    def _admits(self, key: tuple[str, str, str], now: float) -> bool:
        tokens, before = self._tokens.get(key, (self.rate, now))
        tokens = min(self.rate, tokens + (now - before) * self.rate)
        admitted = tokens >= 1
        self._tokens[key] = (tokens - admitted, now)
        return admitted


def _scan(
    demo: DemoScan, data: Path, aws: _Aws, selection: Selection, governor: Callable[..., RateGovernor]
) -> tuple[Path, list[RateGovernor]]:
    """A scan with the limits that users get, on the timeless loop; its directory and its governor."""
    checks = load_checks(selection, demo_config())
    made: list[RateGovernor] = []

    def caller(log: Callable[[CallRecord], None]) -> Caller:
        clock = asyncio.get_running_loop().time
        made.append(governor(clock=clock))
        return Caller(aws, made[0], log, clock=clock, jitter=random.Random(7).random)

    scan = Scan(
        DataDirectory(data),
        [identity(account) for account in demo.accounts],
        selection,
        checks,
        demo_config(),
        aws,
        caller=caller,
    )
    with scan.data.claimed(scan.id) as directory:
        writer = ScanWriter(directory)
        with asyncio.Runner(loop_factory=_Timeless) as runner:
            runner.run(scan.collect(writer))
        writer.close()
    return directory, made


def _calls(directory: Path) -> list[dict[str, Any]]:
    files = sorted((directory / "api_call").glob("*.parquet"))
    return [row for path in files for row in pq.read_table(path).to_pylist()]


def test_throttled_throughout_a_scan_collects_everything_and_slows_down(
    demo: DemoScan, tmp_path: Path
) -> None:
    selection = Selection(regions=REGIONS)
    aws = _Aws(demo.recording(), rate=6)
    directory, (governor,) = _scan(demo, tmp_path / "throttled", aws, selection, RateGovernor)

    checks = load_checks(selection, demo_config()).chosen
    judge_scan(directory, checks, {})
    assert verdicts(directory, checks) == verdicts(demo.directory, checks)
    calls = _calls(directory)
    assert {c["outcome"] for c in calls} == {c["outcome"] for c in _calls(demo.directory)}
    assert sum(c["throttles"] for c in calls) == sum(throttled for _, _, throttled in aws.requests) > 50

    by_allowance: dict[tuple[str, str, str], list[tuple[float, bool]]] = defaultdict(list)
    for moment, key, throttled in aws.requests:
        by_allowance[key].append((moment, throttled))
    key, requests = max(by_allowance.items(), key=lambda item: len(item[1]))
    moments = [moment for moment, _ in requests]
    half = (moments[0] + moments[-1]) / 2
    fastest = max(sum(m <= later < m + 1 for later in moments) for m in moments)
    late = [throttled for moment, throttled in requests if moment > half]
    early = [throttled for moment, throttled in requests if moment <= half]
    assert fastest > 3 * aws.rate, "never faster than AWS admits, so nothing was tested"
    assert len(late) / (moments[-1] - half) < 1.5 * aws.rate
    assert sum(late) / len(late) < 0.8 * sum(early) / len(early)
    assert governor.rate(*key) < LIMITS[key[2]].rate / 2
    assert governor.throttles == sum(c["throttles"] for c in calls)


def test_a_scan_that_is_not_throttled_is_not_slowed_down(demo: DemoScan, tmp_path: Path) -> None:
    """Guards the test above: the governor alone keeps within its own rates, and cuts none of them."""
    aws = _Aws(demo.recording())
    selection = Selection(regions=REGIONS, services=("s3", "vpc", "iam"))
    _, (governor,) = _scan(demo, tmp_path, aws, selection, RateGovernor)
    assert governor.throttles == 0
    for key in {key for _, key, _ in aws.requests}:
        assert governor.rate(*key) == governor.limit(key[2]).rate


@pytest.mark.parametrize("most", [5.0, 40.0])
def test_max_rate_caps_all_requests_together(
    demo: DemoScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: float
) -> None:
    """Through the scan's own option, so that a rate that is parsed and then forgotten is found out."""

    def governor(**options: Any) -> RateGovernor:
        return RateGovernor(**options, clock=asyncio.get_running_loop().time)

    monkeypatch.setattr("partywall.aws.limits.RateGovernor", governor)
    selection = Selection(regions=REGIONS, services=("s3",))
    aws = _Aws(demo.recording())
    scan = Scan(
        DataDirectory(tmp_path),
        [identity(account) for account in demo.accounts],
        selection,
        load_checks(selection, Config()),
        Config(),
        aws,
        max_rate=most,
    )
    with scan.data.claimed(scan.id) as directory, asyncio.Runner(loop_factory=_Timeless) as runner:
        writer = ScanWriter(directory)
        runner.run(scan.collect(writer))
        writer.close()
    moments = sorted(moment for moment, _, _ in aws.requests)
    assert len(moments) > 100
    burst = max(1.0, most / 10)
    for i, moment in enumerate(moments):
        within = sum(1 for later in moments[i:] if later < moment + 10)
        assert within <= most * 10 + burst + 1
    assert moments[-1] - moments[0] >= (len(moments) - burst - 1) / most


# A check, and by hand from AWS's API what it takes to know: how often each call is made. "account" is once
# for each account, "region" once for each account and Region, a table's name once for each of its rows.
NEEDS: dict[str, dict[str, str]] = {
    "s3-bucket-versioning-enabled": {
        "s3:ListBuckets": "account",
        "s3:GetBucketVersioning": "s3_bucket",
    },
    "iam-root-hardware-mfa": {
        "iam:GetAccountSummary": "account",
        "iam:ListVirtualMFADevices": "account",
    },
    "rds-instance-storage-encrypted": {"rds:DescribeDBInstances": "region"},
    "vpc-default-security-group-closed": {"ec2:DescribeSecurityGroups": "region"},
    "ec2-volume-encrypted": {"ec2:DescribeVolumes": "region"},
    "ec2-region-ebs-encryption-by-default": {"ec2:GetEbsEncryptionByDefault": "region"},
    "kms-key-rotation-enabled": {
        "kms:ListKeys": "region",
        "kms:DescribeKey": "kms_key",
        "kms:GetKeyRotationStatus": "kms_key",
    },
    "secretsmanager-secret-rotation-enabled": {"secretsmanager:ListSecrets": "region"},
    "efs-mount-target-private-subnet": {
        "efs:DescribeFileSystems": "region",
        "efs:DescribeMountTargets": "efs_file_system",
        "ec2:DescribeSubnets": "region",
    },
    "elbv2-http-redirects-to-https": {
        "elbv2:DescribeLoadBalancers": "region",
        "elbv2:DescribeListeners": "elbv2_load_balancer",
        "elbv2:DescribeRules": "elbv2_listener",
    },
}


@pytest.mark.parametrize("check", NEEDS)
def test_a_scan_of_one_check_makes_only_the_calls_that_it_needs(
    demo: DemoScan, tmp_path: Path, check: str
) -> None:
    selection = Selection(regions=REGIONS, checks=(check,))
    directory, transport = demo.replay(tmp_path, selection=selection)
    made = Counter(f"{service}:{operation}" for _, _, service, operation in transport.calls)
    # Which Regions are enabled is asked of every account first.
    assert made.pop("ec2:DescribeRegions") == len(demo.accounts)
    times = {"account": len(demo.accounts), "region": len(demo.accounts) * len(REGIONS)}
    for operation, often in NEEDS[check].items():
        assert operation in made
        assert 0 < made.pop(operation) <= (times.get(often) or _rows(directory, often)), operation
    assert made == {}


# The demo's full scan made 3,171 calls when this was written: 3 accounts x (about 75 global calls + 3 Regions
# x about 250 regional listings, single calls and tag look-ups) and some 700 calls for single rows. The limit
# leaves room for a dozen tables more. The issue's own limit, a third of the 8,879 calls that Prowler made of
# one account, is 2,959 for each account; this is a third of that.
BUDGET = 3 * 1200


def test_a_full_scan_keeps_within_its_budget_of_calls(demo: DemoScan) -> None:
    assert len(demo.requests) <= BUDGET
    assert len(demo.requests) > 1000, "the demo has shrunk, and the budget says nothing any more"


def test_a_full_scan_asks_hardly_anything_twice(demo: DemoScan) -> None:
    """Two tables that need one answer may each ask for it, but that stays rare."""
    asked = Counter(
        (c["account_id"], c["region"], c["service"], c["operation"], c["arguments"])
        for c in _calls(demo.directory)
    )
    again = sum(times - 1 for times in asked.values())
    assert again <= 0.02 * asked.total()


def test_a_full_scan_makes_no_call_that_its_tables_do_not_explain(demo: DemoScan) -> None:
    """Per operation: at most one call for each place to list and each row to ask about, and their pages."""
    selection = Selection(regions=REGIONS)
    tables = all_tables()
    planned = plan(demanded(selection, load_checks(selection, Config()).chosen), tables)
    places = {"global": len(demo.accounts), "regional": len(demo.accounts) * len(REGIONS)}
    # Asked besides, and first of all: which Regions are enabled.
    most = Counter({"ec2:DescribeRegions": len(demo.accounts)})
    for name, compiled in planned.tables.items():
        table = tables[name]
        rows = _rows(demo.directory, name)
        if isinstance(table.rows, Call):
            parents = _rows(demo.directory, table.parent) if table.parent else places[table.scope]
            most[table.rows.operation] += parents
        for stage in compiled.calls:
            for call in (table.calls[each] for each in stage):
                match call:
                    case Lookup():
                        most[call.operation] += min(rows, places[table.scope])
                    case Batch() | Call():
                        most[call.operation] += rows
    pages = Counter(
        f"{c['service']}:{c['operation']}"
        for c in _calls(demo.directory)
        if not _later_page(c["arguments"]) and c["table_name"]
    )
    over = {operation: (made, most[operation]) for operation, made in pages.items() if made > most[operation]}
    assert {o: v for o, v in over.items() if o != "iam:GenerateCredentialReport"} == {}


def _rows(directory: Path, table: str) -> int:
    return sum(pq.read_metadata(p).num_rows for p in (directory / "tables" / table).glob("**/*.parquet"))


def _later_page(arguments: str) -> bool:
    """Whether a call carries a token, and so goes on with a listing."""
    return any(f'"{name}"' in arguments for name in ("NextToken", "nextToken", "Marker", "ContinuationToken"))
