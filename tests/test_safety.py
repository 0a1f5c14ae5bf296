"""A scan that is killed, interrupted, starved of disk or of credentials leaves the last good one readable."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from partywall.aws.answers import CallFailed, CredentialsExpired
from partywall.checks.loader import CompiledCheck
from partywall.cli.querying import answer
from partywall.cli.results import Chosen, _states, opened
from partywall.collect.recorder import ReplayTransport
from partywall.config import Config
from partywall.demo.emulator import Emulator
from partywall.demo.faults import Fault
from partywall.errors import UserError
from partywall.findings.lifecycle import FILE
from partywall.lake.snapshot import LOCK, MANIFEST, DataDirectory
from partywall.lake.writer import JOURNAL
from partywall.scan import Scan, load_checks
from tests.support import DemoScan, identity, unlimited, verdicts
from tests.world import ACCOUNT, BUCKETS, VOLUMES, World, day, history
from tests.zygote import SELECTION

MOMENTS = 20


class Forge:
    """Orders scans of a process that forks one per order, and knows what an undisturbed one comes to."""

    def __init__(self, demo: DemoScan, base: Path) -> None:
        self._accounts = demo.accounts
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote", str(demo.recording_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.checks: list[CompiledCheck] = load_checks(SELECTION, Config()).chosen
        self.good = base / "good"
        self.counts = self.order(data=str(self.good))
        self.expected = verdicts(self.good / "scans" / self.counts["scan"], self.checks)
        assert len(self.expected) > 30

    def order(self, **order: Any) -> dict[str, Any]:
        """One scan in a child process, and what it came to."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"accounts": self._accounts, **order}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def copy(self, to: Path) -> DataDirectory:
        """A data directory with one good scan."""
        shutil.copytree(self.good, to)
        return DataDirectory(to)

    def whole(self, data: DataDirectory, name: str) -> bool:
        """Whether a scan has the verdicts of an undisturbed one."""
        return verdicts(data.scans / name, self.checks) == self.expected

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def forge(demo: DemoScan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    made = Forge(demo, tmp_path_factory.mktemp("forge"))
    yield made
    made.close()


def _digest(scan: Path) -> str:
    text = hashlib.sha256()
    for path in sorted(p for p in scan.rglob("*") if p.is_file()):
        text.update(f"{path.relative_to(scan)}\n".encode() + path.read_bytes())
    return text.hexdigest()


def _moments() -> list[tuple[str, float, float]]:
    """(kind of event, how far through the scan's events of that kind, seconds after it)."""
    chance = random.Random(20)
    kinds = ["call"] * 7 + ["sql"] * 7 + ["file"] * 6
    return [
        (
            kind,
            (kinds[: i + 1].count(kind) - chance.random()) / kinds.count(kind),
            chance.choice((0, 0, 0.002)),
        )
        for i, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize(("kind", "share", "delay"), _moments())
def test_killed_at_any_moment(forge: Forge, tmp_path: Path, kind: str, share: float, delay: float) -> None:
    data = forge.copy(tmp_path / "data")
    (before,) = data.published()
    kept = _digest(data.scans / before)
    number = max(1, round(share * forge.counts[kind]))
    killed = forge.order(data=str(data.path), kind=kind, number=number, delay=delay)
    assert killed["signal"] == signal.SIGKILL or delay

    assert _digest(data.scans / before) == kept
    assert opened(_all(data)).findings.num_rows > 0
    waiting = data.interrupted()
    for name in data.published():
        assert forge.whole(data, name)
    if waiting:
        assert not data.running(waiting[0])
        resumed = forge.order(data=str(data.path), resume=waiting[0])
        assert resumed["scan"] == waiting[0]
        if kind == "call" and share > 0.5:
            assert resumed["calls"] < forge.counts["calls"], "what was collected is not asked again"
    else:
        resumed = forge.order(data=str(data.path))
    assert forge.whole(data, resumed["scan"])
    assert data.interrupted() == []
    states = {row["state"] for row in history(data.scans / resumed["scan"]).values()}
    assert states == {"open"}, "the history goes on from the good scan"
    if share > 0.7:
        again = forge.order(data=str(data.path))
        assert forge.whole(data, again["scan"])


def _all(data: DataDirectory, scan: str = "latest") -> Chosen:
    return Chosen(data.path, scan, ("fail", "unknown"), (), SELECTION.services, (), (), (), None)


def test_the_moments_are_spread_over_the_whole_scan(forge: Forge) -> None:
    assert len(_moments()) == MOMENTS
    for kind in ("call", "sql", "file"):
        shares = [share for k, share, _ in _moments() if k == kind]
        assert min(shares) < 0.3
        assert max(shares) > 0.8
        assert forge.counts[kind] >= 10


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("kind", "share"), [("call", 0.3), ("sql", 0.6)])
def test_interrupted_it_keeps_what_it_has_and_goes_on(
    forge: Forge, tmp_path: Path, sign: signal.Signals, kind: str, share: float
) -> None:
    data = forge.copy(tmp_path / "data")
    number = round(share * forge.counts[kind])
    stopped = forge.order(data=str(data.path), kind=kind, number=number, sign=sign)
    assert stopped.get("interrupted") or stopped["signal"] == signal.SIGTERM
    (waiting,) = data.interrupted()
    resumed = forge.order(data=str(data.path), resume=waiting)
    assert resumed["calls"] < forge.counts["calls"]
    assert forge.whole(data, waiting)


class _Expiring(ReplayTransport):
    """The session token is over after some calls, everywhere."""

    left = 20

    async def call(
        self, service: str, region: str, credentials: Any, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        self.left -= 1
        if self.left < 0:
            raise CallFailed("ExpiredToken", "The security token included in the request is expired", 403)
        return await super().call(service, region, credentials, operation, params)


def test_a_token_that_expires_on_the_way_costs_nothing(forge: Forge, demo: DemoScan, tmp_path: Path) -> None:
    data = forge.copy(tmp_path / "data")
    expiring = _Expiring(demo.recording())
    with pytest.raises(CredentialsExpired, match="--resume"):
        _scan(data, demo, expiring).run()
    (waiting,) = data.interrupted()
    plain = ReplayTransport(demo.recording())
    _scan(data, demo, plain, waiting).run()
    assert forge.whole(data, waiting)
    assert len(plain.calls) < forge.counts["calls"]
    outcomes = answer(
        "select distinct outcome from api_call where error_code = 'ExpiredToken'", data.path, "latest"
    )
    assert outcomes.num_rows == 1, "the log of calls says what happened"


def _scan(
    data: DataDirectory, demo: DemoScan, transport: Any, resume: str = "", accounts: Any = None
) -> Scan:
    who = [identity(account) for account in accounts or demo.accounts]
    checks = load_checks(SELECTION, Config())
    caller = unlimited(transport)
    return Scan(data, who, SELECTION, checks, Config(), transport, resume=resume, caller=caller)


def test_a_journal_line_that_a_kill_cut_short_counts_for_nothing(
    forge: Forge, demo: DemoScan, tmp_path: Path
) -> None:
    data = forge.copy(tmp_path / "data")
    for left in (20, 12):
        expiring = _Expiring(demo.recording())
        expiring.left = left
        with pytest.raises(CredentialsExpired):
            _scan(data, demo, expiring, *data.interrupted()).run()
        journal = data.partial(data.interrupted()[0]) / JOURNAL
        os.truncate(journal, journal.stat().st_size - 9)
    (waiting,) = data.interrupted()
    _scan(data, demo, ReplayTransport(demo.recording()), waiting).run()
    assert forge.whole(data, waiting)


def test_resumed_with_other_credentials_it_says_so(forge: Forge, demo: DemoScan, tmp_path: Path) -> None:
    data = forge.copy(tmp_path / "data")
    with pytest.raises(CredentialsExpired):
        _scan(data, demo, _Expiring(demo.recording())).run()
    (waiting,) = data.interrupted()
    with pytest.raises(UserError, match=f"{demo.accounts[0]}.*same profile and roles"):
        _scan(data, demo, ReplayTransport(demo.recording()), waiting, demo.accounts[:1]).run()
    assert data.interrupted() == [waiting]


def test_resumed_by_another_version_it_says_so(forge: Forge, demo: DemoScan, tmp_path: Path) -> None:
    data = forge.copy(tmp_path / "data")
    with pytest.raises(CredentialsExpired):
        _scan(data, demo, _Expiring(demo.recording())).run()
    (waiting,) = data.interrupted()
    path = data.partial(waiting) / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "0.0.9"}))
    with pytest.raises(UserError, match=r"0\.0\.9.*without --resume"):
        _scan(data, demo, ReplayTransport(demo.recording()), waiting).run()


def test_two_scans_at_once(forge: Forge, demo: DemoScan, tmp_path: Path) -> None:
    data = forge.copy(tmp_path / "data")
    done: list[str] = []

    def one() -> None:
        done.append(_scan(data, demo, ReplayTransport(demo.recording())).run().name)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(done)) == 2
    assert len(data.published()) == 3
    after = forge.order(data=str(data.path))["scan"]
    for name in (*done, after):
        assert forge.whole(data, name)
        found = history(data.scans / name)
        assert {row["state"] for row in found.values()} == {"open"}
    firsts = {row["first_seen"] for row in history(data.scans / after).values()}
    assert len(firsts) == 1, "all were seen first by the good scan"


def test_a_scan_that_another_process_works_on_is_left_alone(forge: Forge, tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    with data.claimed("20260101T000000Z-aaaaaa"):
        assert data.running("20260101T000000Z-aaaaaa")
        with pytest.raises(UserError, match="another process"), data.claimed("20260101T000000Z-aaaaaa"):
            pass
    assert not data.running("20260101T000000Z-aaaaaa")
    assert (data.partial("20260101T000000Z-aaaaaa") / LOCK).exists()


@pytest.mark.parametrize(
    ("kind", "share", "size"),
    [
        ("file", 0, 0),
        ("file", 0, 200),
        ("call", 0.2, 0),
        ("call", 0.5, 4000),
        ("call", 1, 0),
        ("sql", 0, 0),
        ("sql", 0.2, 100),
        ("sql", 0.5, 100),
        ("sql", 0.8, 100),
        ("sql", 1, 100),
        ("sql", 1, 0),
    ],
)
def test_a_full_disk_is_told_in_one_sentence(
    forge: Forge, tmp_path: Path, kind: str, share: float, size: int
) -> None:
    """From some moment on no file may grow beyond so many bytes: what a scan sees of a full disk."""
    data = forge.copy(tmp_path / "data")
    (before,) = data.published()
    kept = _digest(data.scans / before)
    number = max(1, round(share * forge.counts[kind]))
    full = forge.order(data=str(data.path), kind=kind, number=number, file_size=size)
    assert "traceback" not in full, full["traceback"]
    assert "cannot write" in full["sentence"]
    assert "free space" in full["sentence"]
    assert "\n" not in full["sentence"]
    assert _digest(data.scans / before) == kept
    waiting = data.interrupted()
    resumed = forge.order(data=str(data.path), **({"resume": waiting[0]} if waiting else {}))
    assert forge.whole(data, resumed["scan"])
    assert list((data.scans / resumed["scan"]).rglob("*.tmp")) == []


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at in range(4, max(5, len(content) - 200)):
        content[at] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [_truncate, _empty, _flip, Path.unlink], ids=lambda f: f.__name__.strip("_")
)
@pytest.mark.parametrize(
    "file",
    [MANIFEST, "collection.parquet", FILE, "verdicts/s3_bucket.parquet", "tables/s3_bucket/*/*/*.parquet"],
)
def test_a_damaged_scan_is_told_in_one_sentence(tmp_path: Path, file: str, damage: Any) -> None:
    world = World(tmp_path)
    good = world.prepare(0).run()
    bad = world.prepare(1).run()
    (path,) = bad.glob(file)
    damage(path)
    checks = (BUCKETS, VOLUMES)
    told: list[str] = []
    for use in (
        lambda: opened(Chosen(tmp_path, "latest", ("fail",), (), (), checks, (), (), None)),
        lambda: answer("select name, versioning, creation_date from s3_bucket", tmp_path, "latest"),
        lambda: _states(tmp_path, "latest"),
    ):
        # Anything but a UserError fails the test; what does not need the file works on.
        try:
            use()
        except UserError as error:
            told.append(str(error))
    if path.name == MANIFEST and not path.exists():
        assert world.data.published() == [good.name], "without a manifest it is no scan"
    else:
        assert told
    for text in told:
        assert "\n" not in text.strip()
        assert bad.name in text
    whole = opened(Chosen(tmp_path, good.name, ("fail",), (), (), checks, (), (), None))
    assert whole.findings.num_rows == 3
    after = world.prepare(2)
    found = history(after.run())
    assert found["logs"]["first_seen"] == day(0), "the history goes on from the last scan that can be read"
    assert found["vol-a"]["account_id"] == ACCOUNT
    assert all("\n" not in note for note in after.progress.notes)
    if file in (MANIFEST, FILE):
        assert any(bad.name in note for note in after.progress.notes) or not bad.joinpath(MANIFEST).exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_command_line_stops_and_goes_on(tmp_path: Path, sign: signal.Signals) -> None:
    with Emulator() as emulator:
        emulator.inject(Fault("latency", "kms", latency_ms=60_000))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PARTYWALL_"))}
        environment = {
            **kept,
            "AWS_ENDPOINT_URL": emulator.url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000000",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        command = [sys.executable, "-m", "partywall", "scan", "--data", str(tmp_path), "-q"]
        chosen = ["--regions", "eu-west-1", "--services", "kms,sqs,sns"]
        running = subprocess.Popen([*command, *chosen], env=environment, stderr=subprocess.PIPE, text=True)
        while not any(call.service == "kms" for call in emulator.requests):
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        time.sleep(0.3)
        running.send_signal(sign)
        _, text = running.communicate(timeout=30)
        assert running.returncode == 130
        assert "--resume" in text
        assert "Traceback" not in text
        assert DataDirectory(tmp_path).published() == []
        emulator.clear_faults()
        asked = len(emulator.requests)
        done = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        again = {call.service for call in emulator.requests[asked:]}
        assert "kms" in again
        assert "sqs" not in again, "what was collected is not asked again"
    data = DataDirectory(tmp_path)
    assert len(data.published()) == 1
    assert data.interrupted() == []
