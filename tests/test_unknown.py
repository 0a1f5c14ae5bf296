"""The signature test: a recorded scan replayed with each operation failing in turn.

A verdict may change only to unknown, and each finding that becomes unknown names the call that is to blame.
Only the listings that use the operation are collected afresh; all else is the baseline's.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from partywall.analysis.policy import FACTS
from partywall.analysis.tables import analyse
from partywall.aws.answers import CallFailed, Outcome
from partywall.aws.paging import paging_of
from partywall.checks.loader import CompiledCheck
from partywall.collect.collector import Collector
from partywall.collect.planner import Group, Plan, plan
from partywall.collect.recorder import Recording, ReplayTransport
from partywall.config import Config
from partywall.findings.assemble import report
from partywall.findings.model import Verdict
from partywall.findings.verdicts import judge
from partywall.lake.engine import Lake, connect
from partywall.lake.writer import JOURNAL, ScanWriter
from partywall.scan import Selection, demanded, load_checks, units_of
from partywall.tables.mapping import path_call
from partywall.tables.registry import all_tables, analysis_tables
from tests.support import REGIONS, DemoScan, identity, unlimited, verdicts

_SELECTION = Selection(regions=REGIONS)


@cache
def _checks() -> list[CompiledCheck]:
    return load_checks(_SELECTION, Config()).chosen


@cache
def _plan() -> Plan:
    return plan(demanded(_SELECTION, _checks()), all_tables())


OPERATIONS = sorted(_plan().operations())


def _denied(service: str, operation: str) -> CallFailed:
    who = "User: arn:aws:sts::111122223333:assumed-role/scan/partywall"
    what = f"is not authorized to perform: {service}:{operation} on resource: *"
    return CallFailed(
        "AccessDeniedException", f"{who} {what} with an explicit deny in a service control policy", 403
    )


def _throttled(_service: str, _operation: str) -> CallFailed:
    return CallFailed("ThrottlingException", "Rate exceeded", 400)


def _region_disabled(_service: str, _operation: str) -> CallFailed:
    return CallFailed("OptInRequired", "not opted in", 403, outcome=Outcome.REGION_DISABLED, retryable=False)


def _not_supported(_service: str, _operation: str) -> CallFailed:
    return CallFailed("UnknownOperationException", "", 404, outcome=Outcome.NOT_SUPPORTED, retryable=False)


def _cut(_service: str, _operation: str) -> CallFailed:
    return CallFailed("ConnectionCut", "the connection was cut")


FAULTS: dict[str, tuple[Callable[[str, str], CallFailed], str]] = {
    "denied": (_denied, "denied"),
    "throttled": (_throttled, "throttled"),
    "region_disabled": (_region_disabled, "region_disabled"),
    "not_supported": (_not_supported, "not_supported"),
    "cut": (_cut, "error"),
}
_OTHERS = [name for name in FAULTS if name != "denied"] + ["malformed", "cut_mid_page"]


class _Faulty(ReplayTransport):
    """Replays, but one operation fails: as a failure, half of its body, or after its first page."""

    def __init__(self, recording: Recording, operation: str, kind: str) -> None:
        super().__init__(recording)
        self._service, _, self._operation = operation.partition(":")
        self._kind = kind
        self.struck = 0

    async def call(
        self, service: str, region: str, credentials: Any, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        if (service, operation) != (self._service, self._operation):
            return await super().call(service, region, credentials, operation, params)
        self.struck += 1
        if self._kind in FAULTS:
            raise FAULTS[self._kind][0](service, operation)
        if self._kind == "malformed":
            # An answer that parses as nothing sensible: every list and scalar of the wrong kind.
            raise CallFailed("MalformedAnswer", "the body ends in the middle", 200, outcome=Outcome.ERROR)
        return await self._first_page(service, region, credentials, operation, params)

    async def _first_page(
        self, service: str, region: str, credentials: Any, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The first half of the list and a token for the rest; the call with that token is cut."""
        paging = paging_of(service, operation)
        assert paging is not None
        if "cut-here" in repr(params):
            raise CallFailed("ConnectionCut", "the connection was cut in the middle of the list")
        data = await super().call(service, region, credentials, operation, params)
        for value in data.values():
            if isinstance(value, list) and value:
                del value[len(value) // 2 :]
        return {**data, **_token(service, operation)}


def _token(service: str, operation: str) -> dict[str, Any]:
    """The members by which an answer of the operation says that there is more."""
    paging: Any = paging_of(service, operation)
    found: dict[str, Any] = {}
    for path in paging.outputs:
        _put(found, path, "cut-here")
    if paging.more:
        _put(found, paging.more, True)
    return found


def _put(into: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split(" || ")[0].split(".")
    for name in outer:
        into = into.setdefault(name, {})
    into[last.removesuffix("[-1]")] = value


class Baseline:
    """The demo scan, and what its verdicts are, held once per test process."""

    def __init__(self, demo: DemoScan) -> None:
        self.demo = demo
        self.recording = demo.recording()
        self.verdicts = verdicts(demo.directory, _checks())
        lake = Lake(demo.directory, FACTS)
        told = f"SELECT DISTINCT service || ':' || operation FROM ({lake.sql_of('api_call')})"
        rows = lake.execute(f"{told} WHERE outcome NOT IN ('ok', 'empty')").fetchall()
        self.failed = {operation for (operation,) in rows}
        self.by_check: dict[str, dict[Any, Verdict]] = {}
        for key, verdict in self.verdicts.items():
            self.by_check.setdefault(key[0], {})[key] = verdict


_baselines: dict[Path, Baseline] = {}


@pytest.fixture
def baseline(demo: DemoScan) -> Baseline:
    if demo.data not in _baselines:
        _baselines[demo.data] = Baseline(demo)
    return _baselines[demo.data]


_opened: list[Lake] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Closes each case's lake: a thousand of them left to the garbage collector would fill the memory."""
    yield
    while _opened:
        _opened.pop().connection.close()


def _affected(operation: str) -> list[Group]:
    tables = _plan().operations()[operation]
    return [g for g in _plan().groups if any(t.table.name in tables for t in g.walk())]


def _remade(afresh: set[str]) -> set[str]:
    """The analysis tables that read some of these tables, directly or by others of their kind."""
    found: set[str] = set()
    for name, rows in analysis_tables().items():
        if not (afresh | found).isdisjoint(rows.inputs):
            found.add(name)
    return found


def _rerun(
    baseline: Baseline, operation: str, kind: str, work: Path, *, analyses: bool = True
) -> tuple[Lake, list[CompiledCheck], int]:
    """Collects what uses the operation once more, with the fault; judges all checks that could notice.

    Without `analyses` those of collected tables alone, which takes a third of the time.
    """
    groups = _affected(operation)
    names = {g.name for g in groups}
    afresh = {t.table.name for g in groups for t in g.walk()}
    source = baseline.demo.directory
    shutil.copytree(source / "derived", work / "derived", copy_function=os.link)
    (work / "tables").mkdir()
    for folder in (source / "tables").iterdir():
        if folder.name not in afresh:
            # Nothing writes to these; a thousand folders for each case would cost more than the case.
            (work / "tables" / folder.name).symlink_to(folder)
    shutil.copy(source / "manifest.json", work / "manifest.json")
    lines = (source / JOURNAL).read_bytes().splitlines()
    kept = [line for line in lines if orjson.loads(line)["unit"].rpartition("/")[2] not in names]
    (work / JOURNAL).write_bytes(b"\n".join(kept) + b"\n")
    writer = ScanWriter(work)
    transport = _Faulty(baseline.recording, operation, kind)
    units = [
        unit
        for account in baseline.demo.accounts
        for unit in units_of(_plan(), identity(account), REGIONS)[0]
        if unit.group.name in names
    ]
    caller = unlimited(transport, max_attempts=2)(writer.log)
    asyncio.run(Collector(caller, writer, sleep=_no_wait).run(units))
    writer.close()
    lake = Lake(work, FACTS, connection=connect("1GB", threads=1))
    _opened.append(lake)
    if analyses:
        afresh |= _remade(afresh)
        assert analyse(lake, afresh) == []
    checks = [
        c
        for c in _checks()
        if c.check.table in afresh or any(r.table in afresh for r in c.table.relations if r.name in c.columns)
    ]
    judge(lake, checks, lake.manifest.started_at, {})
    return lake, checks, transport.struck


async def _no_wait(_seconds: float) -> None:
    return None


def _compare(
    baseline: Baseline,
    lake: Lake,
    checks: list[CompiledCheck],
    operation: str,
    outcomes: set[str],
    *,
    half: bool = False,
) -> None:
    """Findings are matched by check, account and ARN: a bucket's Region may be among what became unknown.

    After `half` a listing, calls for many rows at once name fewer rows than were recorded.
    """
    after = {_identity(key): verdict for key, verdict in verdicts(lake.directory, checks).items()}
    unknown = {
        (f["check_id"], f["account_id"], f["resource_arn"]): f
        for f in report(lake, checks, {}).findings.to_pylist()
        if f["status"] == "unknown"
    }
    unlisted = {(f["check_id"], f["account_id"]) for f in unknown.values() if not f["resource_name"]}
    wrong: list[str] = []
    before_all = {_identity(k): v for c in checks for k, v in baseline.by_check.get(c.check.id, {}).items()}
    for key, before in before_all.items():
        now = after.get(key)
        if now == before:
            continue
        if now is None:
            if key[:2] not in unlisted:
                wrong.append(f"{key}: {before.name} vanished without an unknown finding")
        elif now is not Verdict.UNKNOWN:
            wrong.append(f"{key}: {before.name} became {now.name}")
        elif (found := unknown.get(key)) is None:
            wrong.append(f"{key}: became unknown without a finding")
        elif found["unknown_code"] == "NotRecorded":
            # A call that is made only where this one's answer asks for it: the live scan never made it.
            assert half or _may_follow(found["unknown_operation"], operation), found
        elif found["unknown_operation"] in baseline.failed - {operation}:
            # This one failed all along; what was decided without it hangs on it now.
            continue
        elif found["unknown_operation"] != operation or found["unknown_outcome"] not in outcomes:
            blamed = f"{found['unknown_operation']} {found['unknown_outcome']} {found['unknown_code']}"
            wrong.append(f"{key}: blames {blamed}, not {operation}")
        elif "denied" in outcomes and found["unknown_denied_by"] != "scp":
            wrong.append(f"{key}: does not name the policy that denied")
    for key, now in after.items():
        if key not in before_all and now is not Verdict.UNKNOWN:
            wrong.append(f"{key}: {now.name} out of nowhere")
    assert wrong == []


def _may_follow(later: str, earlier: str) -> bool:
    """Whether some table makes the later call only where a column that the earlier one fills asks for it."""
    for compiled in _plan().tables.values():
        table = compiled.table
        filled = {c.name: path_call(table, c.path) for c in table.columns}
        if table.parent_after and getattr(table.rows, "operation", "") == later:
            parent = all_tables()[table.parent]
            paths = {c.name: path_call(parent, c.path) for c in parent.columns}
            if earlier in {parent.calls[paths[c]].operation for c in table.parent_after if paths.get(c)}:
                return True
        for call in table.calls.values():
            after = getattr(call, "after", ())
            sources = {table.calls[filled[c]].operation for c in after if filled.get(c)}
            if call.operation == later and earlier in sources:
                return True
    return False


def _identity(key: tuple[str, str, str, str]) -> tuple[str, str, str]:
    return key[0], key[1], key[3]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_denied_an_operation_a_verdict_changes_only_to_unknown(
    baseline: Baseline, operation: str, tmp_path: Path
) -> None:
    lake, checks, struck = _rerun(baseline, operation, "denied", tmp_path)
    _compare(baseline, lake, checks, operation, {"denied"})
    if struck:
        calls = lake.execute(
            f"SELECT DISTINCT outcome, error_code, denied_by FROM ({lake.sql_of('api_call')})"
            " WHERE service || ':' || operation = ?",
            [operation],
        ).fetchall()
        assert calls == [("denied", "AccessDeniedException", "scp")]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_other_faults_change_a_verdict_only_to_unknown(
    baseline: Baseline, operation: str, tmp_path: Path
) -> None:
    kinds = list(_OTHERS)
    if paging_of(*operation.split(":")) is None:
        kinds.remove("cut_mid_page")
    kind = kinds[OPERATIONS.index(operation) % len(kinds)]
    # What analyses make of a failed call does not depend on how it failed: denials prove it above.
    lake, checks, _ = _rerun(baseline, operation, kind, tmp_path, analyses=False)
    outcome = FAULTS[kind][1] if kind in FAULTS else "error"
    _compare(baseline, lake, checks, operation, {outcome}, half=kind == "cut_mid_page")


def test_a_denied_call_does_make_findings_unknown(baseline: Baseline, tmp_path: Path) -> None:
    """Guards the tests above: a fault that changes nothing would prove nothing."""
    lake, checks, struck = _rerun(baseline, "s3:GetBucketVersioning", "denied", tmp_path)
    assert struck
    after = verdicts(lake.directory, checks)
    versioning = {v for key, v in after.items() if key[0] == "s3-bucket-versioning-enabled"}
    assert versioning == {Verdict.UNKNOWN}
