"""What is unusual for an interface or its account: resolvers, ports, volume and regular calls.

Every day leaves a profile in the memory; a day is compared with those of the account before it. New
resolvers alarm after WARM_UP days. Ports, volume and regular calls are scored, and a score alarms where no
more than RATE a day were as high (see `memory.alarms`): on days that are alike at most RATE alerts a day.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.detection import Detection
from partywall.detections.models.flow_models import HABIT_DAYS, FlowModel, Place, made
from partywall.detections.models.memory import HISTORY, WARM_UP, Memory, alarms

if TYPE_CHECKING:
    import duckdb

NAME: Final = "flow"
RATE: Final = 0.06
"""Alerts a day that each of the scored models may give on days that are alike."""
_OWN_DAYS: Final = 7
"""Days of history that a score needs, in the past as today."""
_TODAY: Final = date(9999, 12, 31)
_MOST_ROWS: Final = 200_000
COLUMNS: Final = {"kind": "VARCHAR", "eni": "VARCHAR", "own": "VARCHAR", "value": "VARCHAR", "n": "DOUBLE"}

_RESOLVERS: Final = (
    "1.1.1.1 1.0.0.1 1.1.1.2 1.0.0.2 8.8.8.8 8.8.4.4 9.9.9.9 9.9.9.10 149.112.112.112 208.67.222.222"
    " 208.67.220.220 94.140.14.14 94.140.15.15 185.228.168.9 185.228.169.9 76.76.2.0 45.90.28.0"
    " 2606:4700:4700::1111 2606:4700:4700::1001 2001:4860:4860::8888 2001:4860:4860::8844"
    " 2620:fe::fe 2620:fe::9 2620:119:35::35 2620:119:53::53 2a10:50c0::ad1:ff 2a10:50c0::ad2:ff"
)
"""Public resolvers that answer DNS over HTTPS: Cloudflare, Google, Quad9, OpenDNS, AdGuard,
    CleanBrowsing …"""

# A caller's beat: the times between its calls of one address and port, the middle one and how far they stray.
_BEATS: Final = """
CREATE TEMP TABLE beat AS
WITH call AS (
    SELECT eni, own, other, other_port AS port, epoch(first)::BIGINT AS begin, max(sent + got) AS size
    FROM conn
    WHERE begun AND public AND ok AND pgot > 0 AND NOT aws AND protocol = 6
    GROUP BY ALL
), gap AS (
    SELECT *, begin - lag(begin) OVER (PARTITION BY eni, own, other, port ORDER BY begin) AS gap FROM call
), middle AS (
    SELECT eni, own, other, port, count(*) AS calls, median(gap) AS every, quantile_cont(gap, 0.9) AS late,
        quantile_cont(gap, 0.1) AS early, median(size) AS size, max(begin) - min(begin) AS span
    FROM gap GROUP BY ALL HAVING count(*) >= 24
)
SELECT *, (late - early) / every AS jitter FROM middle
WHERE every BETWEEN 20 AND 7200 AND span >= 6 * 3600 AND (late - early) <= 0.4 * every AND size < 200000
"""

_PROFILE: Final = f"""
CREATE TEMP TABLE profile AS
SELECT 'sent' AS kind, eni, '' AS own, '' AS value, sum(sent)::DOUBLE AS n FROM talk WHERE public GROUP BY ALL
UNION ALL SELECT 'resolver', eni, '', other, sum(conns) FROM talk
WHERE begun AND public AND port = 53 AND accepted > silent GROUP BY ALL
UNION ALL SELECT 'dot', eni, '', other, sum(conns) FROM talk
WHERE begun AND public AND port = 853 AND accepted > silent GROUP BY ALL
UNION ALL SELECT 'doh', eni, '', other, sum(conns) FROM talk WHERE begun AND port = 443 AND accepted > silent
AND other IN ({", ".join(f"'{each}'" for each in _RESOLVERS.split())}) GROUP BY ALL
UNION ALL SELECT 'port', eni, '', port::VARCHAR, sum(sent + got) FROM talk
WHERE begun AND public AND accepted > silent AND protocol IN (6, 17) AND port BETWEEN 1 AND 49151 GROUP BY ALL
UNION ALL SELECT 'beat', eni, own, other || ' ' || port, calls FROM beat
UNION ALL SELECT model, eni, own, coalesce(port::VARCHAR, ''), 1 FROM fired
"""


def _model(id_: str, type_: str, title: str, tactic: str, technique: str, why: str) -> FlowModel:
    return FlowModel(id_, type_, title, "medium", 55, tactic, technique, why, "", "")


_RATED: Final = " On {scored} days before, scores as high came {rate} times a day."
_NEVER: Final = "{own} asked {other}, {records} records: seen on 0 of {days} days before in the account."
_CONTROL: Final = "command-and-control"
MODELS: Final = {
    "resolver": _model(
        "flow-new-resolver",
        "DefenseEvasion:EC2/UnusualDNSResolver",
        "A resolver is asked that the account never used",
        _CONTROL,
        "T1071.004",
        _NEVER,
    ),
    "dot": _model(
        "flow-new-dot",
        "DefenseEvasion:EC2/UnusualDoTActivity",
        "Names are asked for over TLS, as the account never did",
        _CONTROL,
        "T1071.004",
        _NEVER,
    ),
    "doh": _model(
        "flow-new-doh",
        "DefenseEvasion:EC2/UnusualDoHActivity",
        "Names are asked for over HTTPS, as the account never did",
        _CONTROL,
        "T1071.004",
        _NEVER,
    ),
    "port": _model(
        "flow-new-port",
        "Behavior:EC2/NetworkPortUnusual",
        "A port is called that the interface never called",
        _CONTROL,
        "T1571",
        "Port {port} of {other} called by {own}, {bytes} bytes: on 0 of {own_days} days before." + _RATED,
    ),
    "sent": _model(
        "flow-volume",
        "Behavior:EC2/TrafficVolumeUnusual",
        "Far more is sent to the internet than ever",
        "exfiltration",
        "T1048",
        "{own} sent {bytes} bytes, most to {other}; at most {most} on {own_days} days before." + _RATED,
    ),
    "beat": _model(
        "flow-beacon",
        "Behavior:EC2/Beaconing",
        "An address is called with a regular beat",
        _CONTROL,
        "T1071",
        "{own} called {other} port {port} {calls} times, every {every} s (the middle nine tenths"
        " stray by {jitter} %), about {size} bytes each; no call like that on {days} days before in the"
        " account." + _RATED,
    ),
}
"""By what of the profile they look at. Beaconing is our own type: GuardDuty has none."""


def habits(connection: duckdb.DuckDBPyConnection, memory: Memory, account: str, day: date) -> None:
    """Makes the tables `past` (the profiles of the days before) and `habit` (model, eni, own, port)."""
    connection.execute(f"CREATE TEMP TABLE past AS {memory.history(NAME, account, day, COLUMNS)}")
    connection.execute(
        "CREATE TEMP TABLE habit AS SELECT kind AS model, eni, own, TRY_CAST(value AS INT) AS port FROM past"
        f" WHERE starts_with(kind, 'flow-') GROUP BY ALL HAVING count(DISTINCT day) >= {HABIT_DAYS}"
    )


def detections(
    connection: duckdb.DuckDBPyConnection, memory: Memory, place: Place, day: date, notes: list[str]
) -> list[Detection]:
    """Compares a day with those before (tables talk, conn, past, fired), then remembers it."""
    connection.execute(_BEATS)
    connection.execute(_PROFILE)
    days = memory.days(NAME, place.account, day)
    scored = len(days) - _OWN_DAYS
    found: list[Detection] = []
    if len(days) >= WARM_UP:
        for kind, port in (("resolver", 53), ("dot", 853), ("doh", 443)):
            found += _new(connection, place, kind, port, len(days))
    if (scored + 1) * RATE >= 1:
        found += _scored(connection, place, len(days))
    else:
        need = next(n for n in range(HISTORY) if (n - _OWN_DAYS + 1) * RATE >= 1)
        notes.append(
            f"flow logs of {place.account}: learning what is usual since {days[0] if days else day}"
            f" ({len(days) + 1} days; new resolvers from {WARM_UP} days on, ports, volume and regular calls"
            f" from {need})"
        )
    rows = connection.sql(f"SELECT * FROM profile ORDER BY n DESC LIMIT {_MOST_ROWS}").to_arrow_table()
    memory.put(NAME, place.account, day, rows)
    return found


def _new(
    connection: duckdb.DuckDBPyConnection, place: Place, kind: str, port: int, days: int
) -> list[Detection]:
    """Resolvers of a kind that nobody in the account used before; one detection an interface's address."""
    rows = connection.sql(
        f"""SELECT eni, own, any_value(region) AS region, any_value(instance) AS instance,
            min(first) AS first,
            max(last) AS last, sum(records)::BIGINT AS records, list(DISTINCT other ORDER BY other) AS others,
            arg_max(other, conns) AS other FROM talk t
        WHERE begun AND port = {port} AND accepted > silent
        AND EXISTS (SELECT 1 FROM profile p WHERE p.kind = '{kind}' AND p.eni = t.eni AND p.value = t.other)
        AND NOT EXISTS (SELECT 1 FROM past h WHERE h.kind = '{kind}' AND h.value = t.other)
        GROUP BY eni, own"""
    ).to_arrow_table()
    return [made(MODELS[kind], place, row, row | {"port": port, "days": days}) for row in rows.to_pylist()]


_SCORES: Final = {
    "sent": f"if(seen >= {_OWN_DAYS} AND n > 3 * most AND n > 1e8, n / most, 0)",
    "port": f"if(seen = 0 AND known >= {_OWN_DAYS}, log2(1 + n), 0)",
    "beat": "if(nets = 0, n, 0)",
}
"""Of a row of the profile: `seen` days with it and `most` of it before, `known` days of the interface, `nets`
days on which the account had regular calls into the same network."""
# Vendors' addresses change within their networks: a /16 or /32 of IPv6 is taken as one.
_NETWORK: Final = (
    "if(contains(value, ':'), array_to_string(list_slice(string_split(value, ':'), 1, 2), ':'),"
    " array_to_string(list_slice(string_split(value, '.'), 1, 2), '.'))"
)


def _scored(connection: duckdb.DuckDBPyConnection, place: Place, days: int) -> list[Detection]:
    """Ports, volume and regular calls, scored by what came before them: the days of the past alike."""
    connection.execute(
        f"""CREATE TEMP TABLE line AS
        WITH every AS (
            SELECT kind, eni, own, value, n, day FROM past UNION ALL
            SELECT kind, eni, own, value, n, DATE '{_TODAY}' FROM profile
        ), age AS (SELECT eni, day, row_number() OVER (PARTITION BY eni ORDER BY day) - 1 AS known FROM every
            WHERE kind = 'sent')
        SELECT e.*, coalesce(known, 0) AS known, max(n) OVER w AS most, count(*) OVER w AS seen,
            if(e.kind = 'beat', count(*) OVER (PARTITION BY e.kind, {_NETWORK}, e.kind = 'beat' ORDER BY e.day
                RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 DAY PRECEDING), 0) AS nets
        FROM every e LEFT JOIN age USING (eni, day) WHERE e.kind IN ('sent', 'port', 'beat')
        WINDOW w AS (PARTITION BY e.kind, e.eni, e.own, e.value ORDER BY e.day
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"""
    )
    found: list[Detection] = []
    begun = connection.execute(
        f"SELECT DISTINCT day FROM past ORDER BY day LIMIT 1 OFFSET {_OWN_DAYS}"
    ).fetchall()
    for kind, score in _SCORES.items():
        rows = (
            connection.sql(
                f"SELECT * FROM (SELECT *, {score} AS score FROM line WHERE kind = '{kind}') WHERE score > 0"
            )
            .to_arrow_table()
            .to_pylist()
        )
        # The first days have no history of their own to be scored by.
        past: dict[date, list[float]] = {}
        for row in rows:
            if begun and begun[0][0] <= row["day"] < _TODAY:
                past.setdefault(row["day"], []).append(float(row["score"]))
        scored = days - _OWN_DAYS
        known = [*past.values(), *([] for _ in range(scored - len(past)))]
        today = {n: float(row["score"]) for n, row in enumerate(rows) if row["day"] == _TODAY}
        for n, rate in alarms(today, known, RATE).items():
            told = {"days": days, "own_days": rows[n]["known"], "scored": scored, "rate": f"{rate:.2f}"}
            found += _told(connection, place, kind, rows[n], told)
    return found


def _told(
    connection: duckdb.DuckDBPyConnection, place: Place, kind: str, row: dict[str, Any], told: dict[str, Any]
) -> list[Detection]:
    """A detection of a row of `line` that alarms."""
    other, _, number = str(row["value"]).rpartition(" ")
    port = number if kind in ("port", "beat") else ""
    where = ["public", "eni = $eni", "begun" if kind != "sent" else "TRUE"]
    where += ["port = $port"] if port else []
    where += ["other = $other", "own = $own"] if kind == "beat" else []
    weight = "sent" if kind == "sent" else "sent + got"
    given = {"eni": row["eni"]} | ({"port": int(port)} if port else {})
    given |= {"other": other, "own": row["own"]} if kind == "beat" else {}
    text = f"""SELECT eni, arg_max(own, {weight}) AS own, arg_max(other, {weight}) AS other,
        any_value(region) AS region,
        any_value(instance) AS instance, min(first) AS first, max(last) AS last,
        sum(records)::BIGINT AS records,
        sum({weight})::BIGINT AS bytes FROM talk WHERE {" AND ".join(where)} GROUP BY eni"""
    for seen in connection.sql(text, params=given).to_arrow_table().to_pylist():
        more: dict[str, Any] = {"most": int(row["most"] or 0), "port": int(port) if port else None}
        if kind == "beat":
            beats = connection.sql(
                "SELECT calls, every::BIGINT AS every, round(100 * jitter)::INT AS jitter,"
                " size::BIGINT AS size FROM beat"
                " WHERE eni = $eni AND own = $own AND other = $other AND port = $port",
                params=given,
            )
            more |= beats.to_arrow_table().to_pylist()[0]
        return [made(MODELS[kind], place, seen, seen | told | more, str(row["value"]))]
    return []
