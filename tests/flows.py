"""Flow log records in AWS's form for tests: conversations as the lines that interfaces log of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ACCOUNT = "111122223333"
DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
    " log-status"
)
FULL = (
    f"{DEFAULT} vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id"
    " flow-direction pkt-src-aws-service pkt-dst-aws-service"
)
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
MTU = 1500


@dataclass
class Host:
    """An interface and its address."""

    address: str
    eni: str
    instance: str = ""


@dataclass
class Traffic:
    """Collects records; `full` has every field, else the default format. `six` turns addresses into IPv6."""

    full: bool = False
    six: bool = False
    lines: list[str] = field(default_factory=list)

    def host(self, number: int) -> Host:
        address = f"10.0.{number // 250}.{number % 250 + 4}"
        if self.six:
            address = f"2600:1f18:1::{number + 4:x}"
        return Host(address, f"eni-{number:017x}", f"i-{number:017x}")

    def out(self, number: int) -> str:
        """An address on the internet."""
        if self.six:
            return f"2a00:1450::{number + 1:x}"
        return f"{203 - number // 62500}.0.{number // 250 % 250 + 1}.{number % 250 + 1}"

    def foe(self, one: Host, number: int = 0) -> str:
        """An address on the internet that no other host talks to."""
        return self.out(int(one.eni[4:], 16) * 200 + number)

    def talk(
        self,
        one: Host,
        other: str,
        port: int,
        at: datetime,
        sent: tuple[int, int] = (10, 1200),
        got: tuple[int, int] = (12, 9000),
        *,
        client: int = 0,
        protocol: int = 6,
        asked: bool = True,
        ok: bool = True,
        opened: bool = True,
        seconds: int = 5,
        syn: bool = True,
    ) -> None:
        """A connection: one's interface sent and got (packets, bytes). `asked`: one began it."""
        client = client or 32768 + (len(self.lines) * 7919) % 28000
        here, there = (client, port) if asked else (port, client)
        flags = (2, 18 if opened else 4) if asked else (18 if opened else 4, 2)
        if not syn or protocol != 6:
            flags = (0, 0)
        if sent[0]:
            self._line(
                one, one.address, other, here, there, protocol, sent, at, seconds, ok, flags[0], "egress"
            )
        if got[0]:
            self._line(
                one, other, one.address, there, here, protocol, got, at, seconds, ok, flags[1], "ingress"
            )

    def between(self, one: Host, other: Host, port: int, at: datetime, **how: Any) -> None:
        """A connection within the network, as both interfaces log it."""
        size = len(self.lines)
        client = 32768 + (size * 7919) % 28000
        sent, got = how.pop("sent", (10, 1200)), how.pop("got", (12, 9000))
        self.talk(one, other.address, port, at, sent, got, client=client, **how)
        self.talk(other, one.address, port, at, got, sent, client=client, asked=False, **how)

    def _line(
        self,
        one: Host,
        src: str,
        dst: str,
        sport: int,
        dport: int,
        protocol: int,
        size: tuple[int, int],
        at: datetime,
        seconds: int,
        ok: bool,
        flags: int,
        direction: str,
    ) -> None:
        start = int(at.timestamp())
        line = (
            f"{5 if self.full else 2} {ACCOUNT} {one.eni} {src} {dst} {sport} {dport} {protocol}"
            f" {size[0]} {size[1]} {start} {start + seconds} {'ACCEPT' if ok else 'REJECT'} OK"
        )
        if self.full:
            kind = "IPv6" if ":" in src else "IPv4"
            line += f" vpc-1 subnet-1 {one.instance or '-'} {flags} {kind} {src} {dst} eu-west-1 euw1-az1"
            line += f" {direction} - -"
        self.lines.append(line)

    def write(self, directory: Path, name: str = "flow.log") -> Path:
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / name
        header = FULL if self.full else DEFAULT
        file.write_text("\n".join([header, *self.lines]) + "\n")
        return file


def quiet_day(traffic: Traffic, day: datetime, random_: random.Random, scale: float = 1.0) -> None:
    """A day of an ordinary account: web servers behind a balancer, a database, a bastion,
        machines that build.

    Clients of all the world, health checks, NTP, package mirrors, monitoring agents, backups at night, mail
    through one relay, Git over SSH, a VPN, a resolver's own queries, and scanners at closed ports.
    """
    balancer, bastion, builder, relay = (traffic.host(n) for n in (90, 91, 92, 93))
    webs, database = [traffic.host(n) for n in range(4)], traffic.host(20)
    out, talk = traffic.out, traffic.talk

    def moment(hour: float = 24.0, begin: float = 0.0) -> datetime:
        return day + timedelta(seconds=random_.randrange(int(begin * 3600), int(hour * 3600)))

    for _ in range(int(700 * scale)):
        pages = random_.randrange(8, 120)
        talk(
            balancer,
            out(1000 + random_.randrange(4000)),
            443,
            moment(),
            (pages, pages * 900),
            (pages, pages * 90),
            asked=False,
            client=random_.randrange(1024, 65535),
        )
        traffic.between(balancer, random_.choice(webs), 8080, moment(), sent=(9, 2000), got=(15, 14000))
    for _ in range(int(500 * scale)):
        traffic.between(random_.choice(webs), database, 5432, moment(), sent=(40, 9000), got=(60, 70000))
    for minutes in range(0, 1440, 5):
        for web in webs:
            traffic.between(
                balancer, web, 8080, day + timedelta(minutes=minutes), sent=(6, 500), got=(5, 700)
            )
            agent = out(50 + minutes % 3)
            talk(web, agent, 443, day + timedelta(minutes=minutes, seconds=7), (14, 5200), (12, 4300))
    for host in (*webs, database, bastion, builder, relay):
        for hours in range(24):
            talk(
                host,
                out(10 + hours % 4),
                123,
                day + timedelta(hours=hours),
                (4, 304),
                (4, 304),
                client=123,
                protocol=17,
            )
            name = Host(host.address, host.eni, host.instance)
            resolver = "fd00:ec2::253" if traffic.six else "10.0.0.2"
            talk(name, resolver, 53, moment(), (3, 210), (3, 600), protocol=17)
        for _ in range(random_.randrange(1, 4)):
            talk(host, out(30 + random_.randrange(3)), 443, moment(), (300, 22000), (4000, 5_800_000))
    for _ in range(random_.randrange(4, 14)):
        talk(bastion, out(60), 22, moment(19, 8), (400, 60_000), (380, 40_000), asked=False)
        traffic.between(
            bastion, random_.choice([*webs, database]), 22, moment(19, 8), sent=(300, 30000), got=(290, 50000)
        )
    for _ in range(random_.randrange(20, 80)):
        talk(builder, out(70), 22, moment(20, 7), (30, 5200), (40, 30_000 + random_.randrange(300_000)))
        talk(builder, out(200 + random_.randrange(60)), 443, moment(20, 7), (80, 9000), (700, 900_000))
    for _ in range(random_.randrange(5, 30)):
        talk(relay, out(80), 587, moment(), (30, 24000), (25, 3200))
    night = day + timedelta(hours=2, minutes=random_.randrange(40))
    size = int(2_000_000_000 * random_.uniform(0.7, 1.4))
    talk(database, out(40), 443, night, (size // 1400, size), (size // 3000, size // 70), seconds=590)
    for _ in range(int(120 * scale)):
        talk(
            random_.choice([balancer, bastion]),
            out(9000 + random_.randrange(3000)),
            random_.choice([23, 445, 3389, 8088]),
            moment(),
            (0, 0),
            (1, 60),
            asked=False,
            ok=False,
            opened=False,
        )
    for hour in range(24):
        # A VPN between two gateways, all day.
        talk(
            relay,
            out(85),
            4500,
            day + timedelta(hours=hour),
            (9000, 8_000_000),
            (8000, 5_000_000),
            client=4500,
            protocol=17,
        )
