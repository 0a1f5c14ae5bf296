"""What is wrong in a day of conversations with no history asked: scans, guessing, floods, mining, Tor.

Each model is SQL over some of `talk` (see flow_talk.py) that gives rows of: eni, own, other, port, region,
instance, first, last, records, w (the worst row of an interface's address tells the story) and the numbers
of `why`. One detection an interface's address and day. Numbers in brackets are the thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.detection import Detection, stable_id

if TYPE_CHECKING:
    import duckdb

HABIT_DAYS: Final = 3
"""Earlier days with the same, of the same interface's address and port, from which on it is a habit."""
_ADDRESSES: Final = 20


@dataclass(frozen=True, slots=True)
class FlowModel:
    """A model of conversations. `why` has {names} of its rows' columns."""

    id: str
    type: str
    title: str
    severity: str
    confidence: int
    tactic: str
    technique: str
    why: str
    where: str
    """Which conversations of an hour it looks at."""
    rows: str
    """SELECT from `chosen`, the conversations that `where` chooses."""
    playbook: str = "contain-instance"
    habit: bool = False
    """Whether it is silent where the same was there on HABIT_DAYS days before."""


_ROW: Final = "eni, own, other, port, region, instance, first, last, records"
GROUP: Final = (
    "eni, own, any_value(region) AS region, any_value(instance) AS instance, min(first) AS first,"
    " max(last) AS last, sum(records)::BIGINT AS records"
)
"""What every model says of a group of conversations."""
_EMR: Final = "8042, 8088, 8188, 9864, 9870, 16010, 18080, 19888, 50070, 50075"
_MINING: Final = "3333, 3334, 4444, 5555, 7777, 9332, 9333, 14433, 14444, 18080, 18081, 45560, 45700"
_TCP_SERVICES: Final = "21, 22, 23, 25, 80, 110, 143, 445, 1433, 3306, 3389, 5432, 8080"
_CALLED: Final = "begun AND public AND accepted > silent AND protocol = 6"
# The ports that traceroute calls.
_NO_TRACE: Final = "NOT (protocol = 17 AND port BETWEEN 33434 AND 33625)"
_PROTOCOLS: Final = "-1, 0, 1, 2, 4, 6, 17, 41, 46, 47, 50, 51, 58, 89, 103, 112, 115, 132"


def _guess(kind: str, ports: str, name: str, low: str, size: int) -> tuple[FlowModel, FlowModel]:
    """Guessing of passwords at a service: by us, and at us from outside."""
    prefix = "Impact" if kind == "WinRMBruteForce" else "UnauthorizedAccess"
    rows = f"""SELECT {_ROW}, accepted AS tries, ((sent + got) / accepted)::BIGINT AS size, accepted AS w
        FROM chosen"""
    where = (
        f"protocol = 6 AND port IN ({ports}) AND accepted - silent >= 30 AND (sent + got) < {size} * accepted"
    )
    why = (
        f"{{tries}} connections (30) to {name} in an hour %s, {{size}} bytes each ({size}):"
        " as many tries to sign in."
    )
    about = ("credential-access", "T1110.001")
    return (
        FlowModel(
            f"flow-{low}-guess-by-us",
            f"{prefix}:EC2/{kind}",
            f"Passwords are guessed at {name}",
            "high",
            75,
            *about,
            why % "from {own} to {other}",
            f"{where} AND begun",
            rows,
            habit=True,
        ),
        FlowModel(
            f"flow-{low}-guess-at-us",
            f"{prefix}:EC2/{kind}",
            f"Somebody guesses passwords at {name}",
            "low",
            60,
            *about,
            why % "from {other} to {own}",
            f"{where} AND NOT begun AND public",
            rows,
        ),
    )


def _flood(kind: str, where: str, least: int, what: str) -> FlowModel:
    return FlowModel(
        f"flow-flood-{kind.lower()}",
        f"Backdoor:EC2/DenialOfService.{kind}",
        f"{what} floods another address",
        "high",
        75,
        "impact",
        "T1498.001",
        f"{{packets}} packets ({least:,}) to {{other}} in an hour, {{back}} came back (a twentieth).",
        f"public AND begun AND {where}",
        f"""SELECT {GROUP}, other, arg_max(port, psent) AS port, sum(psent)::BIGINT AS packets,
        sum(pgot)::BIGINT AS back, sum(psent)::BIGINT AS w FROM chosen
        GROUP BY eni, own, other, hour HAVING sum(psent) >= {least} AND sum(pgot) * 20 < sum(psent)""",
        habit=True,
    )


def _probe(id_: str, type_: str, title: str, severity: str, where: str) -> FlowModel:
    return FlowModel(
        id_,
        type_,
        title,
        severity,
        60,
        "reconnaissance",
        "T1595.001",
        "{other} was answered at port {port} of {own}, in an hour in which it tried {tried} ports and"
        " addresses (15) of the account.",
        f"NOT begun AND public AND accepted > silent AND {where}",
        f"""SELECT {_ROW}, tried, tried AS w FROM chosen JOIN (
            SELECT other, hour, count(DISTINCT (own, port)) AS tried FROM talk WHERE public AND NOT begun
            AND protocol IN (6, 17) GROUP BY ALL HAVING count(DISTINCT (own, port)) >= 15
        ) USING (other, hour)""",
    )


MODELS: Final = (
    FlowModel(
        "flow-port-scan",
        "Recon:EC2/Portscan",
        "Ports of another host are scanned",
        "medium",
        75,
        "discovery",
        "T1046",
        "{ports} ports (40) of {other} tried in an hour from {own}, {closed} of them without answer (70 %).",
        f"begun AND protocol IN (6, 17) AND {_NO_TRACE}",
        f"""SELECT {GROUP}, other, NULL::INT AS port, count(DISTINCT port) AS ports,
        count(DISTINCT port) FILTER (probes > 0) AS closed, count(DISTINCT port) AS w FROM chosen
        GROUP BY eni, own, other, hour HAVING count(DISTINCT port) >= 40
        AND count(DISTINCT port) FILTER (probes > 0) >= 0.7 * count(DISTINCT port)""",
    ),
    FlowModel(
        "flow-port-sweep",
        "Impact:EC2/PortSweep",
        "One port of many addresses is tried",
        "high",
        70,
        "discovery",
        "T1046",
        "Port {port} of {hosts} addresses (50) tried in an hour from {own}, {closed} of them without answer"
        " (60 %), {each} times each (6).",
        f"begun AND protocol IN (6, 17) AND port NOT IN (53, 123) AND {_NO_TRACE}",
        f"""SELECT {GROUP}, '' AS other, port, count(DISTINCT other) AS hosts,
        count(DISTINCT other) FILTER (probes > 0) AS closed,
        round(sum(conns) / count(DISTINCT other), 1) AS each, count(DISTINCT other) AS w FROM chosen
        GROUP BY eni, own, port, protocol, hour HAVING count(DISTINCT other) >= 50
        AND count(DISTINCT other) FILTER (probes > 0) >= 0.6 * count(DISTINCT other)
        AND sum(conns) <= 6 * count(DISTINCT other)""",
    ),
    _probe(
        "flow-probe-emr",
        "Recon:EC2/PortProbeEMRUnprotectedPort",
        "An open port of a cluster's managers is probed",
        "high",
        f"port IN ({_EMR}) AND protocol = 6",
    ),
    _probe(
        "flow-probe",
        "Recon:EC2/PortProbeUnprotectedPort",
        "An open port is probed",
        "low",
        f"port NOT IN (80, 443, {_EMR})",
    ),
    *_guess("SSHBruteForce", "22", "SSH", "ssh", 9_000),
    *_guess("RDPBruteForce", "3389", "RDP", "rdp", 12_000),
    *_guess("WinRMBruteForce", "5985, 5986", "WinRM", "winrm", 12_000),
    FlowModel(
        "flow-spam",
        "Backdoor:EC2/Spambot",
        "Mail goes straight to many servers",
        "medium",
        70,
        "impact",
        "T1496",
        "{hosts} mail servers (20) at port 25 in an hour from {own}.",
        "begun AND public AND port = 25 AND protocol = 6",
        f"""SELECT {GROUP}, '' AS other, 25 AS port, count(DISTINCT other) AS hosts,
            count(DISTINCT other) AS w
        FROM chosen GROUP BY eni, own, hour HAVING count(DISTINCT other) >= 20""",
        habit=True,
    ),
    _flood("Dns", "protocol = 17 AND port = 53", 100_000, "An instance with DNS"),
    _flood("Tcp", "protocol = 6", 500_000, "An instance with TCP"),
    _flood("Udp", f"protocol = 17 AND port NOT IN (53, {_TCP_SERVICES})", 500_000, "An instance with UDP"),
    _flood(
        "UdpOnTcpPorts",
        f"protocol = 17 AND port IN ({_TCP_SERVICES})",
        50_000,
        "An instance with UDP at a TCP service's port",
    ),
    _flood(
        "UnusualProtocol", f"protocol NOT IN ({_PROTOCOLS})", 50_000, "An instance with an unusual protocol"
    ),
    FlowModel(
        "flow-mining-port",
        "CryptoCurrency:EC2/BitcoinTool.B",
        "A connection as miners hold it",
        "medium",
        60,
        "impact",
        "T1496.001",
        "In {hours} hours (3) at port {port} of {other} from {own}, at most {most} bytes in an hour"
        " (2,000,000), answered all the time.",
        f"{_CALLED} AND port IN ({_MINING})",
        f"""SELECT {GROUP}, other, port, count(DISTINCT hour) AS hours, max(sent + got)::BIGINT AS most,
        count(DISTINCT hour) AS w FROM chosen GROUP BY eni, own, other, port
        HAVING count(DISTINCT hour) >= 3 AND max(sent + got) < 2000000""",
        playbook="stop-mining",
        habit=True,
    ),
    FlowModel(
        "flow-coin-node",
        "CryptoCurrency:EC2/BitcoinTool.B",
        "A node of a cryptocurrency's network runs",
        "high",
        75,
        "impact",
        "T1496.001",
        "{hosts} peers (5) at port {port} from {own} answered.",
        f"{_CALLED} AND port IN (8333, 9333, 18333, 30303)",
        f"""SELECT {GROUP}, '' AS other, port, count(DISTINCT other) AS hosts, count(DISTINCT other) AS w
        FROM chosen GROUP BY eni, own, port HAVING count(DISTINCT other) >= 5""",
        playbook="stop-mining",
        habit=True,
    ),
    FlowModel(
        "flow-tor-client",
        "UnauthorizedAccess:EC2/TorClient",
        "Connections as a client of Tor makes them",
        "medium",
        60,
        "command-and-control",
        "T1090.003",
        "{hosts} addresses (3) on the internet at ports 9001 or 9030 from {own} answered.",
        f"{_CALLED} AND port IN (9001, 9030)",
        f"""SELECT {GROUP}, '' AS other, arg_max(port, conns) AS port, count(DISTINCT other) AS hosts,
        count(DISTINCT other) AS w FROM chosen GROUP BY eni, own HAVING count(DISTINCT other) >= 3""",
        habit=True,
    ),
    FlowModel(
        "flow-tor-relay",
        "UnauthorizedAccess:EC2/TorRelay",
        "Connections as a relay of Tor passes them on",
        "high",
        65,
        "command-and-control",
        "T1090.003",
        "{hosts} addresses (10) came from the internet to port {port} of {own}, which called {beyond} (3) at"
        " the same ports.",
        "public AND accepted > silent AND protocol = 6 AND port IN (9001, 9030)",
        f"""SELECT {GROUP}, '' AS other, any_value(port) FILTER (NOT begun) AS port,
        count(DISTINCT other) FILTER (NOT begun) AS hosts, count(DISTINCT other) FILTER (begun) AS beyond,
        count(DISTINCT other) AS w FROM chosen GROUP BY eni, own
        HAVING count(DISTINCT other) FILTER (NOT begun) >= 10
        AND count(DISTINCT other) FILTER (begun) >= 3""",
        habit=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose day it is."""

    account: str
    partition: str = "aws"


def detections(connection: duckdb.DuckDBPyConnection, place: Place) -> list[Detection]:
    """What the models find in the tables talk and habit (model, eni, own, port) of one day.

    Makes the table `fired` (model, eni, own, port) of all that was found, habits included.
    """
    import pyarrow as pa

    usual = set(connection.execute("SELECT model, eni, own, port FROM habit").fetchall())
    fired: list[tuple[str, str, str, int | None]] = []
    found: list[Detection] = []
    # Most models have nothing to look at on most days: one pass says which.
    asked = connection.execute(
        f"SELECT {', '.join(f'coalesce(bool_or({model.where}), FALSE)' for model in MODELS)} FROM talk"
    ).fetchall()[0]
    for model in (each for each, some in zip(MODELS, asked, strict=True) if some):
        rows = connection.sql(
            f"WITH chosen AS (SELECT * FROM talk WHERE {model.where})"
            " SELECT eni, own, any_value(region) AS region, any_value(instance) AS instance,"
            " min(first) AS first, max(last) AS last, sum(records)::BIGINT AS records,"
            " arg_max(i, w) AS worst, list(DISTINCT other ORDER BY other) FILTER (other <> '') AS others"
            f" FROM ({model.rows}) i GROUP BY eni, own ORDER BY eni, own"
        )
        for row in rows.to_arrow_table().to_pylist():
            worst = row["worst"]
            fired.append((model.id, row["eni"], row["own"], worst["port"]))
            if not model.habit or fired[-1] not in usual:
                found.append(made(model, place, row, worst))
    columns = zip(*fired, strict=True) if fired else ([], [], [], [])
    types = (pa.string(), pa.string(), pa.string(), pa.int32())
    names = ("model", "eni", "own", "port")
    told = [pa.array(list(column), type_) for column, type_ in zip(columns, types, strict=True)]
    connection.register("fired", pa.table(told, names=list(names)))
    return found


def made(
    model: FlowModel, place: Place, row: Mapping[str, Any], worst: Mapping[str, Any], *further: str
) -> Detection:
    """A detection of a model's row (eni, own, region, instance, first, last, records,
    others) and its worst."""
    first: datetime = row["first"]
    eni, instance, own, region = (
        str(row["eni"]),
        str(row["instance"] or ""),
        str(row["own"]),
        str(row["region"]),
    )
    other, port = str(worst.get("other") or ""), worst.get("port")
    arn = f"arn:{place.partition}:ec2:{region}:{place.account}:"
    who = f"{arn}instance/{instance}" if instance else f"{arn}network-interface/{eni}" if eni else own
    others = [each for each in dict.fromkeys((other, *(row.get("others") or ()))) if each]
    more = len(others) - 1 if other else 0
    names = {
        "interface": eni,
        "instance": instance,
        "address": other,
        "port": "" if port is None else str(port),
        "own": own,
    }
    said = {name: _shown(value) for name, value in worst.items() if name != "port"}
    said["port"] = str(port)
    explanation = model.why.format(**said) + (f" So did {more} other addresses." if more else "")
    return Detection(
        id=stable_id(model.id, place.account, f"{eni} {own}", first, *further),
        rule=model.id,
        source="model",
        type=model.type,
        title=model.title,
        severity=model.severity,
        confidence=model.confidence,
        first_seen=first,
        last_seen=max(row["last"], first),
        count=int(row["records"]),
        account=place.account,
        region=region,
        principal=who,
        caller=who,
        addresses=tuple((others or [own])[:_ADDRESSES]),
        resources=tuple(
            dict.fromkeys(each for each in (who, f"{arn}network-interface/{eni}" if eni else "") if each)
        ),
        techniques=(model.technique,),
        tactics=(model.tactic,),
        explanation=explanation,
        playbook=model.playbook,
        facts=tuple((name, value) for name, value in names.items() if value),
    )


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
