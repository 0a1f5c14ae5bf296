"""Models of flow logs that know what is usual: quiet for a month, then not; and lists of bad addresses."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from partywall.detections import models
from partywall.detections.detection import Detection
from partywall.detections.ingest.ingest import ingest
from partywall.detections.ingest.store import LogStore
from partywall.detections.models import Answer, flow, flow_lists, flow_models, flow_usual
from partywall.detections.models.memory import WARM_UP, alarms
from tests.flows import BEGIN, Host, Traffic, quiet_day

DAYS = 30
Made = Callable[[Traffic, Host, datetime], None]


def asked(traffic: Traffic, directory: Path, name: str, lists: tuple[Path, ...] = ()) -> Answer:
    ingest([traffic.write(directory / "in", name)], directory / "data")
    answer = models.run(LogStore(directory / "data"), lists)
    answer.stored()
    return answer


@pytest.fixture(scope="module", params=[(1, False, False), (2, True, True)], ids=str)
def month(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Traffic, Answer]:
    """A quiet month of an account: its directory, the kind of traffic, and what was found."""
    seed, full, six = request.param
    traffic, chance = Traffic(full, six), random.Random(seed)
    for day in range(DAYS):
        quiet_day(traffic, BEGIN + timedelta(days=day), chance, 0.1)
    directory = tmp_path_factory.mktemp("month")
    answer = asked(traffic, directory, "month.log")
    traffic.lines.clear()
    return directory, traffic, answer


def test_a_quiet_month_has_at_most_one_alert_in_five_days(month: tuple[Path, Traffic, Answer]) -> None:
    found = month[2].detections
    assert len(found) <= 0.2 * DAYS, [(each.rule, each.explanation) for each in found]
    assert month[2].notes == ()


def resolver(port: int, protocol: int, address: str = "") -> Made:
    def made(t: Traffic, one: Host, at: datetime) -> None:
        for n in range(20):
            t.talk(
                one,
                address or t.out(5000),
                port,
                at + timedelta(minutes=n),
                (2, 160),
                (2, 400),
                protocol=protocol,
            )

    return made


def known_resolver(t: Traffic, one: Host, at: datetime) -> None:
    resolver(443, 6, "2606:4700:4700::1111" if t.six else "1.1.1.1")(t, one, at)


def odd_port(t: Traffic, one: Host, at: datetime) -> None:
    t.talk(one, t.out(5001), 4455, at, (30_000, 40_000_000), (20_000, 1_000_000))


def carried_off(t: Traffic, one: Host, at: datetime) -> None:
    for n in range(10):
        t.talk(
            one,
            t.out(5002),
            443,
            at + timedelta(minutes=n),
            (1_000_000, 1_400_000_000),
            (300_000, 15_000_000),
        )


def beacon(t: Traffic, one: Host, at: datetime) -> None:
    chance = random.Random(5)
    for n in range(140):
        when = at.replace(hour=0, minute=2) + timedelta(minutes=10 * n, seconds=chance.randrange(40))
        t.talk(
            one,
            "2a02:26f0::7" if t.six else "192.5.6.7",
            443,
            when,
            (9, 1200 + chance.randrange(300)),
            (8, 900),
        )


NEW: list[tuple[str, Made, str]] = [
    ("DefenseEvasion:EC2/UnusualDNSResolver", resolver(53, 17), "seen on 0 of 30 days"),
    ("DefenseEvasion:EC2/UnusualDoTActivity", resolver(853, 6), "seen on 0 of 30 days"),
    ("DefenseEvasion:EC2/UnusualDoHActivity", known_resolver, "seen on 0 of 30 days"),
    ("Behavior:EC2/NetworkPortUnusual", odd_port, "Port 4455"),
    ("Behavior:EC2/TrafficVolumeUnusual", carried_off, "on 30 days before"),
    ("Behavior:EC2/Beaconing", beacon, "140 times, every 600 s"),
]


def test_what_was_never_there_before(month: tuple[Path, Traffic, Answer], tmp_path: Path) -> None:
    directory, traffic, _ = month
    shutil.copytree(directory / "data", tmp_path / "data")
    hosts = [traffic.host(n) for n in (0, 1, 2, 3, 20, 91)]
    told: list[list[Detection]] = []
    # What was seen today is not new tomorrow.
    for number in range(2):
        traffic.lines.clear()
        day = BEGIN + timedelta(days=DAYS + number)
        quiet_day(traffic, day, random.Random(number), 0.1)
        for host, (_, made, _) in zip(hosts, NEW, strict=True):
            made(traffic, host, day + timedelta(hours=9))
        told.append(asked(traffic, tmp_path, f"{number}.log").detections)
    today, tomorrow = told
    for host, (type_, _, why) in zip(hosts, NEW, strict=True):
        (one,) = [each for each in today if each.type == type_]
        assert why in one.explanation
        assert host.eni in one.resources[-1]
        assert dict(one.facts)["record-1"]
    assert len(today) == len(NEW)
    assert tomorrow == []


def test_a_short_history_says_that_it_learns(tmp_path: Path) -> None:
    traffic = Traffic()
    for day in range(WARM_UP - 1):
        quiet_day(traffic, BEGIN + timedelta(days=day), random.Random(day), 0.05)
    for _, made, _ in NEW:
        made(traffic, traffic.host(2), BEGIN + timedelta(days=WARM_UP - 2, hours=9))
    answer = asked(traffic, tmp_path, "flow.log")
    assert answer.detections == []
    (note,) = answer.notes
    assert note.startswith("flow logs of 111122223333: learning what is usual since 2026-11-02 (13 days")
    assert (
        len(list((tmp_path / "data" / "models" / "flow" / "111122223333").glob("*.parquet"))) == WARM_UP - 1
    )


def test_what_comes_every_day_is_a_habit(tmp_path: Path) -> None:
    """A machine that signs in at another all the time is told for three days."""
    traffic = Traffic()
    for day in range(6):
        for n in range(60):
            when = BEGIN + timedelta(days=day, hours=3, seconds=40 * n)
            traffic.talk(traffic.host(1), traffic.out(7), 22, when, (12, 2400), (11, 2400))
        traffic.talk(traffic.host(1), traffic.out(3), 443, BEGIN + timedelta(days=day))
    found = asked(traffic, tmp_path, "flow.log").detections
    assert [each.first_seen.day - BEGIN.day for each in found] == [0, 1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_scores_alarm_at_their_rate_whatever_their_distribution(seed: int) -> None:
    chance = random.Random(seed)
    draw = [lambda: chance.paretovariate(0.7), chance.random, lambda: float(chance.randrange(3))][seed % 3]
    past: list[list[float]] = []
    told = 0
    for _ in range(400):
        today = {n: draw() for n in range(chance.randrange(6))}
        told += len(alarms(today, past[-90:], 0.1)) if len(past) >= 20 else 0
        past.append(list(today.values()))
    assert told <= 0.1 * 380 + 3 * (0.1 * 380) ** 0.5


CLASSES = {
    "tor-exits": ("UnauthorizedAccess:EC2/TorClient", "high"),
    "c2": ("Backdoor:EC2/C&CActivity.B", "high"),
    "mining-pools": ("CryptoCurrency:EC2/BitcoinTool.B", "high"),
    "sinkholes": ("Trojan:EC2/BlackholeTraffic", "medium"),
    "drop-points": ("Trojan:EC2/DropPoint", "medium"),
    "ours": ("UnauthorizedAccess:EC2/MaliciousIPCaller.Custom", "medium"),
}


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_listed_addresses(tmp_path: Path, six: bool) -> None:
    traffic = Traffic(six=six)
    for number in range(20):
        traffic.talk(traffic.host(number), traffic.out(3), 443, BEGIN)
    lists = tmp_path / "data" / "lists"
    lists.mkdir(parents=True)
    for number, name in enumerate(CLASSES):
        one = traffic.host(number)
        traffic.talk(one, traffic.foe(one), 8443, BEGIN + timedelta(hours=number))
        # Narrower than what the address lies in: a network of it.
        network = f"{traffic.foe(one)}/{126 if six else 30}"
        (lists / f"{name}.txt").write_text(f"# from a feed\n{network} seen 2026-11-01\n")
    ours = traffic.foe(traffic.host(list(CLASSES).index("ours")))
    tor = traffic.foe(traffic.host(list(CLASSES).index("tor-exits")))
    traffic.talk(traffic.host(10), ours, 22, BEGIN, asked=False)
    traffic.talk(traffic.host(11), ours, 443, BEGIN, asked=False)
    traffic.talk(traffic.host(12), ours, 22, BEGIN, (0, 0), (1, 44), asked=False, ok=False)
    traffic.talk(traffic.host(13), tor, 443, BEGIN, asked=False)
    traffic.talk(traffic.host(14), traffic.foe(traffic.host(19)), 8443, BEGIN)
    found = asked(traffic, tmp_path, "flow.log").detections
    by_host = {each.resources[-1].rpartition("/")[2]: each for each in found}
    for number, (name, (type_, severity)) in enumerate(CLASSES.items()):
        one = by_host.pop(traffic.host(number).eni)
        assert (one.type, one.severity) == (type_, severity)
        assert f"your list {name}.txt" in one.explanation
        assert traffic.foe(traffic.host(number)) in one.addresses
        assert dict(one.facts)["record-1"]
    assert (by_host[traffic.host(10).eni].rule, by_host[traffic.host(11).eni].severity) == (
        "flow-list-caller",
        "low",
    )
    assert len(by_host) == 2
    # A list that comes later is held against what was read before.
    late = tmp_path / "late-c2.csv"
    late.write_text(f"first_seen,ip,port\n2026-11-01,{traffic.foe(traffic.host(19))},8443\n")
    again = models.run(LogStore(tmp_path / "data"), [late])
    again.stored()
    fresh = {each.id for each in again.detections} - {each.id for each in found}
    assert [each.type for each in again.detections if each.id in fresh] == ["Backdoor:EC2/C&CActivity.B"]
    assert models.run(LogStore(tmp_path / "data"), [late]).detections == []


def test_the_models_stand_for_every_type_of_guardduty_on_flow_logs() -> None:
    told = [each.type for each in (*flow_models.MODELS, *flow_lists.MODELS, *flow_usual.MODELS.values())]
    assert set(told) == set(flow.MODEL.types)
