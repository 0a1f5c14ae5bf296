"""Models of flow logs: each of GuardDuty's types fires on its traffic, and not on the next thing to it.

In IPv4 and IPv6, in the default format and in one with every field.
"""

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
from partywall.detections.models import flow_models
from partywall.detections.sigma.playbooks import playbooks
from tests.flows import ACCOUNT, BEGIN, Host, Traffic, quiet_day

Made = Callable[[Traffic, Host, datetime], None]


def asked(traffic: Traffic, directory: Path, name: str = "flow.log") -> list[Detection]:
    """What is found in some traffic, besides what the directory has already."""
    done = ingest([traffic.write(directory / "in", name)], directory / "data")
    assert done.total("stored") == len(traffic.lines)
    answer = models.run(LogStore(directory / "data"))
    answer.stored()
    return answer.detections


def minutes(at: datetime, count: int, within: float = 50.0) -> list[datetime]:
    """Times spread over some minutes."""
    return [at + timedelta(minutes=within * n / count) for n in range(count)]


def scan(t: Traffic, one: Host, at: datetime) -> None:
    for port, when in enumerate(minutes(at, 60), 1):
        t.talk(
            one, t.foe(one), port * 17, when, (1, 44), (1, 60 if t.six else 40), opened=False, client=61000
        )


def scan_few(t: Traffic, one: Host, at: datetime) -> None:
    for port, when in enumerate(minutes(at, 30), 1):
        t.talk(
            one, t.foe(one), port * 17, when, (1, 44), (1, 60 if t.six else 40), opened=False, client=61000
        )


def many_open_ports(t: Traffic, one: Host, at: datetime) -> None:
    for port, when in enumerate(minutes(at, 200), 1):
        t.talk(one, t.host(40).address, 1024 + port * 17, when, client=61000)


def traceroute(t: Traffic, one: Host, at: datetime) -> None:
    for port, when in enumerate(minutes(at, 90), 33434):
        t.talk(one, t.foe(one), port, when, (1, 60), (0, 0), protocol=17, client=61000)


def sweep(t: Traffic, one: Host, at: datetime) -> None:
    for number, when in enumerate(minutes(at, 80)):
        t.talk(one, t.foe(one, number), 445, when, (3, 180), (0, 0), opened=False, ok=number % 2 == 0)


def crawl(t: Traffic, one: Host, at: datetime) -> None:
    for number, when in enumerate(minutes(at, 180)):
        t.talk(one, t.foe(one, number), 443, when)


def check_health(t: Traffic, one: Host, at: datetime) -> None:
    for number in range(60):
        for when in minutes(at, 20):
            t.talk(one, t.host(200 + number).address, 8080, when, (3, 164), (2, 104))


def guess(port: int, asked_: bool = True, size: int = 2400) -> Made:
    def made(t: Traffic, one: Host, at: datetime) -> None:
        for when in minutes(at, 60):
            t.talk(one, t.foe(one), port, when, (12, size), (11, size), asked=asked_)

    return made


def probe(port: int, tried: int = 30, answered: bool = True) -> Made:
    def made(t: Traffic, one: Host, at: datetime) -> None:
        for number, when in enumerate(minutes(at, tried)):
            t.talk(one, t.foe(one), 100 + number, when, (0, 0), (1, 44), asked=False, ok=False, opened=False)
        sent = (1, 80 if t.six else 44) if answered else (0, 0)
        t.talk(one, t.foe(one), port, at, sent, (2, 104), asked=False, opened=answered)

    return made


def mail(servers: int) -> Made:
    def made(t: Traffic, one: Host, at: datetime) -> None:
        for number, when in enumerate(minutes(at, 90)):
            t.talk(one, t.foe(one, number % servers), 25, when, (20, 9000), (18, 2000))

    return made


def flood(port: int, protocol: int, packets: int, back: int = 0) -> Made:
    def made(t: Traffic, one: Host, at: datetime) -> None:
        for when in minutes(at, 10):
            t.talk(
                one,
                t.foe(one),
                port,
                when,
                (packets // 10, packets * 6),
                (back // 10, back * 9),
                protocol=protocol,
            )

    return made


def mine(t: Traffic, one: Host, at: datetime) -> None:
    for hour in range(5):
        t.talk(one, t.foe(one), 3333, at + timedelta(hours=hour), (400, 40_000), (380, 90_000), client=50123)


def download(t: Traffic, one: Host, at: datetime) -> None:
    for hour in range(5):
        t.talk(
            one,
            t.foe(one),
            3333,
            at + timedelta(hours=hour),
            (4000, 240_000),
            (9000, 9_000_000),
            client=50123,
        )


def peers(t: Traffic, one: Host, at: datetime) -> None:
    for number in range(8):
        t.talk(one, t.foe(one, number), 8333, at, (100, 30_000), (300, 300_000))


def onion(relays: int, answered: bool = True) -> Made:
    def made(t: Traffic, one: Host, at: datetime) -> None:
        for number in range(relays):
            back = (300, 300_000) if answered else (0, 0)
            t.talk(
                one,
                t.foe(one, number),
                9001,
                at + timedelta(minutes=number),
                (100, 30_000),
                back,
                opened=answered,
            )

    return made


def relay(t: Traffic, one: Host, at: datetime) -> None:
    onion(4)(t, one, at)
    for number in range(20):
        t.talk(one, t.foe(one, 100 + number), 9001, at, (100, 30_000), (300, 300_000), asked=False)


SSH, RDP = "UnauthorizedAccess:EC2/SSHBruteForce", "UnauthorizedAccess:EC2/RDPBruteForce"
WINRM, TOR = "Impact:EC2/WinRMBruteForce", "UnauthorizedAccess:EC2/TorClient"
PROBE, EMR = "Recon:EC2/PortProbeUnprotectedPort", "Recon:EC2/PortProbeEMRUnprotectedPort"
DOS = "Backdoor:EC2/DenialOfService."
FIRE: list[tuple[str, Made, str]] = [
    ("Recon:EC2/Portscan", scan, "60 ports"),
    ("Impact:EC2/PortSweep", sweep, "445 of 80 addresses"),
    (SSH, guess(22), "60 connections"),
    (SSH, guess(22, asked_=False), "60 connections"),
    (RDP, guess(3389), "60 connections"),
    (WINRM, guess(5985), "60 connections"),
    (PROBE, probe(6379), "tried 31"),
    (EMR, probe(8088), "tried 31"),
    ("Backdoor:EC2/Spambot", mail(40), "40 mail servers"),
    (DOS + "Dns", flood(53, 17, 300_000), "300,000 packets"),
    (DOS + "Tcp", flood(80, 6, 900_000), "900,000 packets"),
    (DOS + "Udp", flood(40_000, 17, 900_000), "900,000 packets"),
    (DOS + "UdpOnTcpPorts", flood(22, 17, 90_000), "90,000 packets"),
    (DOS + "UnusualProtocol", flood(0, 253, 90_000), "90,000 packets"),
    ("CryptoCurrency:EC2/BitcoinTool.B", mine, "port 3333"),
    ("CryptoCurrency:EC2/BitcoinTool.B", peers, "8 peers"),
    (TOR, onion(5), "5 addresses"),
    ("UnauthorizedAccess:EC2/TorRelay", relay, "20 addresses"),
]
MISS: list[tuple[str, Made]] = [
    ("too few ports", scan_few),
    ("ports that answer", many_open_ports),
    ("a traceroute", traceroute),
    ("a crawler", crawl),
    ("health checks", check_health),
    ("Git over SSH", guess(22, size=60_000)),
    ("a desktop", guess(3389, size=60_000)),
    ("a port that did not answer", probe(6379, answered=False)),
    ("a caller of few ports", probe(6379, tried=5)),
    ("a visit to a web server", probe(443)),
    ("one relay of mail", mail(1)),
    ("a transfer that is answered", flood(443, 6, 900_000, 400_000)),
    ("names asked for and told", flood(53, 17, 300_000, 300_000)),
    ("a tunnel", flood(0, 47, 900_000)),
    ("a download", download),
    ("calls of Tor's port without an answer", onion(5, answered=False)),
    ("one call of Tor's port", onion(1)),
]


@pytest.mark.parametrize("full", [False, True], ids=["default", "full"])
@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_what_is_wrong_on_any_day(tmp_path: Path, six: bool, full: bool) -> None:
    """Every model at once: each attack by a host of its own, amid a quiet day."""
    traffic = Traffic(full, six)
    quiet_day(traffic, BEGIN, random.Random(7), 0.3)
    hosts = [traffic.host(300 + n) for n in range(len(FIRE))]
    for host, (_, made, _) in zip(hosts, FIRE, strict=True):
        made(traffic, host, BEGIN + timedelta(hours=5))
        traffic.talk(host, traffic.out(3), 443, BEGIN)
    found = asked(traffic, tmp_path)
    by_host = {host.eni: [each for each in found if host.eni in each.resources[-1]] for host in hosts}
    for host, (type_, _, why) in zip(hosts, FIRE, strict=True):
        (one,) = [each for each in by_host[host.eni] if each.type == type_]
        assert why in one.explanation
        assert {each.type for each in by_host[host.eni]} <= {type_, TOR}
        assert one.principal.endswith(host.instance if full else host.eni)
        assert one.playbook in playbooks()
        assert one.account == ACCOUNT and one.techniques and one.tactics
        assert one.first_seen >= BEGIN + timedelta(hours=5)
        facts = dict(one.facts)
        assert host.eni in facts["record-1"] and host.address in facts["record-1"]
        rows = LogStore(tmp_path / "data").connect().sql(facts["query"]).to_arrow_table()
        assert rows.num_rows >= one.count
    assert {each.rule for each in found} == {each.id for each in flow_models.MODELS} - {
        "flow-rdp-guess-at-us",
        "flow-winrm-guess-at-us",
    }
    assert len(found) == len(FIRE) + 1  # a relay of Tor is a client of it, too


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_next_to_what_is_wrong(tmp_path: Path, six: bool) -> None:
    traffic = Traffic(six=six)
    for number, (_, made) in enumerate(MISS):
        made(traffic, traffic.host(300 + number), BEGIN + timedelta(hours=5))
        traffic.talk(traffic.host(300 + number), traffic.out(3), 443, BEGIN)
    assert [(each.rule, each.explanation) for each in asked(traffic, tmp_path)] == []


def test_the_same_records_say_the_same_once_and_later_ones_extend_it(tmp_path: Path) -> None:
    traffic = Traffic()
    scan(traffic, traffic.host(1), BEGIN + timedelta(hours=5))
    (first,) = asked(traffic, tmp_path)
    assert models.run(LogStore(tmp_path / "data")).detections == []
    traffic.lines.clear()
    scan(traffic, traffic.host(1), BEGIN + timedelta(hours=6))
    (later,) = asked(traffic, tmp_path, "more.log")
    assert (later.id, later.count) == (first.id, 2 * first.count)
    # What was found and not stored is found again.
    shutil.rmtree(tmp_path / "data" / "models")
    assert [each.id for each in models.run(LogStore(tmp_path / "data")).detections] == [first.id]
    assert [each.id for each in models.run(LogStore(tmp_path / "data")).detections] == [first.id]
    assert models.run(LogStore(tmp_path / "nothing")).detections == []
