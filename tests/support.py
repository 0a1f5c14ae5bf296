"""What several tests share: the recorded demo scan, replaying it, and verdicts as a plain map."""

from __future__ import annotations

import asyncio
import fcntl
import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from partywall.aws.answers import CallRecord
from partywall.aws.caller import Caller
from partywall.aws.credentials import Credentials, Identity, StaticProvider
from partywall.aws.limits import Limit, RateGovernor
from partywall.checks.loader import CompiledCheck
from partywall.collect.recorder import Fault, Recording, ReplayTransport
from partywall.config import Config
from partywall.findings.model import Verdict
from partywall.lake.snapshot import DataDirectory
from partywall.scan import Scan, Selection, load_checks

REGIONS = ("us-east-1", "eu-west-1", "eu-central-1")


def identity(account_id: str, arn: str = "", partition: str = "aws") -> Identity:
    """An identity whose credentials are good for nothing but naming the account."""
    credentials = Credentials("AKIAEXAMPLE", "secret", account_id=account_id)
    return Identity(
        account_id, arn or f"arn:aws:iam::{account_id}:role/scan", partition, StaticProvider(credentials)
    )


def demo_config() -> Config:
    """What `partywall demo` scans with."""
    from partywall.analysis.network.intent import read
    from partywall.cli.demo import INTENTS

    return Config(intents=replace(read(INTENTS), file=INTENTS.name))


async def no_sleep(_seconds: float) -> None:
    """Gives way without waiting."""
    await asyncio.sleep(0)


def unlimited(transport: Any, **options: Any) -> Callable[[Callable[[CallRecord], None]], Caller]:
    """A maker of callers without rate limits or waits."""

    def make(log: Callable[[CallRecord], None]) -> Caller:
        governor = RateGovernor(limits={}, default=Limit(1e9, 1e9, 1000), sleep=no_sleep)
        return Caller(transport, governor, log, sleep=no_sleep, **options)

    return make


@dataclass(frozen=True)
class DemoScan:
    """The demo's scan over HTTP, recorded once for all tests of a run."""

    data: Path
    scan_id: str
    accounts: list[str]
    recording_path: Path
    requests: list[tuple[str, str, str, str]]
    """(account id, region, service, operation) as the emulator saw them during the scan."""

    @property
    def directory(self) -> Path:
        return self.data / "scans" / self.scan_id

    def recording(self) -> Recording:
        return Recording.load(self.recording_path)

    def replay(
        self,
        data: Path,
        *,
        fault: Fault | None = None,
        recording: Recording | None = None,
        selection: Selection | None = None,
        accounts: Sequence[str] = (),
        transport: Any = None,
        config: Config | None = None,
    ) -> tuple[Path, ReplayTransport]:
        """Scans once more, from the recording; returns the published scan and the transport."""
        replayer = transport or ReplayTransport(recording or self.recording(), fault)
        chosen = selection or Selection(regions=REGIONS)
        scan = Scan(
            DataDirectory(data),
            [identity(a) for a in accounts or self.accounts],
            chosen,
            load_checks(chosen, config or demo_config()),
            config or demo_config(),
            replayer,
            caller=unlimited(replayer),
        )
        return scan.run(), replayer


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a file's lock, so that one of several test processes does a thing."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def record_demo(base: Path) -> DemoScan:
    """Seeds the emulator, scans it over HTTP and keeps all; done by the first process that asks."""
    with locked(base / "demo.lock"):
        done = base / "demo.pickle"
        if not done.exists():
            demo = _record(base)
            done.write_bytes(pickle.dumps(demo))
        return pickle.loads(done.read_bytes())


def _record(base: Path) -> DemoScan:
    import os

    from partywall.aws.credentials import resolve
    from partywall.aws.transport import LeanTransport
    from partywall.cli.demo import _use
    from partywall.demo.desk import admin
    from partywall.demo.emulator import EmulatorProcess
    from partywall.demo.organisation import seed

    saved = dict(os.environ)
    data = base / "demo-data"
    try:
        # A process of its own: moto's state is the process's, and other tests run emulators in this one.
        with EmulatorProcess() as emulator:
            summary = seed(emulator.url)
            _use(emulator.url, summary)
            who = [resolve(role_arn=a.role_arn or None, region="us-east-1") for a in summary.accounts]
            before = len(admin(emulator.url, "requests", []))
            recording = Recording()
            selection = Selection(regions=REGIONS)
            transport = LeanTransport(observer=recording)
            scan = Scan(
                DataDirectory(data),
                who,
                selection,
                load_checks(selection, demo_config()),
                demo_config(),
                transport,
                caller=unlimited(transport, max_attempts=3),
            )
            path = scan.run()
            recording.save(base / "demo.recording")
            logged = admin(emulator.url, "requests", [])[before:]
            # A call is logged as service, operation, account, region.
            requests = [
                (account, region, service, operation) for service, operation, account, region in logged
            ]
    finally:
        os.environ.clear()
        os.environ.update(saved)
    return DemoScan(data, path.name, [i.account_id for i in who], base / "demo.recording", requests)


VerdictKey = tuple[str, str, str, str]


def verdicts(directory: Path, checks: Sequence[CompiledCheck]) -> dict[VerdictKey, Verdict]:
    """(check, account, region, arn) -> verdict, of every judged row."""
    import pyarrow.parquet as pq

    from partywall.findings.verdicts import by_table, verdict_file

    found: dict[VerdictKey, Verdict] = {}
    for table, group in by_table(checks).items():
        path = verdict_file(directory, table)
        if not path.exists():
            continue
        rows = pq.read_table(path)
        keys = list(zip(*(rows[n].to_pylist() for n in ("account_id", "region", "arn")), strict=True))
        for check in group:
            for key, verdict in zip(keys, rows[check.check.id].to_pylist(), strict=True):
                # A row for which another of its resource speaks has no verdict.
                if verdict is not None:
                    found[(check.check.id, *(part or "" for part in key))] = Verdict(verdict)
    return found


def jsonable(value: Any) -> Any:
    """A value as JSON would give it back."""
    return json.loads(json.dumps(value, default=str))
