"""Flow logs held against the user's lists of bad addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from partywall.detections.detection import Detection
from partywall.detections.models.flow_models import GROUP, FlowModel, Place, made
from partywall.detections.models.lists import CUSTOM, Lists

if TYPE_CHECKING:
    import duckdb

LATE: Final = 30
"""Days before the latest that a changed list is held against."""

_WHY: Final = (
    "{other} is on your list {list} ({entry}): {conns} connections with {own}, {accepted} let through,"
    " {sent} bytes sent, {got} received."
)
_CONTROL: Final = "command-and-control"


def _listed(
    id_: str,
    type_: str,
    title: str,
    severity: str,
    tactic: str,
    technique: str,
    playbook: str = "contain-instance",
) -> FlowModel:
    return FlowModel(id_, type_, title, severity, 80, tactic, technique, _WHY, "", "", playbook)


_CUSTOM: Final = "UnauthorizedAccess:EC2/MaliciousIPCaller.Custom"
OUT: Final = {
    "tor": _listed(
        "flow-list-tor",
        "UnauthorizedAccess:EC2/TorClient",
        "An address of Tor is called",
        "high",
        _CONTROL,
        "T1090.003",
    ),
    "control": _listed(
        "flow-list-control",
        "Backdoor:EC2/C&CActivity.B",
        "A listed command server is called",
        "high",
        _CONTROL,
        "T1071",
    ),
    "mining": _listed(
        "flow-list-mining",
        "CryptoCurrency:EC2/BitcoinTool.B",
        "A listed miners' address is called",
        "high",
        "impact",
        "T1496.001",
        "stop-mining",
    ),
    "sinkhole": _listed(
        "flow-list-sinkhole",
        "Trojan:EC2/BlackholeTraffic",
        "A listed sinkhole is called",
        "medium",
        _CONTROL,
        "T1071",
    ),
    "drop": _listed(
        "flow-list-drop",
        "Trojan:EC2/DropPoint",
        "A listed drop point is called",
        "medium",
        "exfiltration",
        "T1041",
    ),
    CUSTOM: _listed("flow-list", _CUSTOM, "An address on your list is called", "medium", _CONTROL, "T1071"),
}
"""By class, what was called; classes without one of their own as CUSTOM."""
IN: Final = _listed(
    "flow-list-caller", _CUSTOM, "An address on your list was answered", "medium", "initial-access", "T1190"
)
IN_WEB: Final = _listed(
    "flow-list-visitor",
    _CUSTOM,
    "An address on your list visited a web server",
    "low",
    "reconnaissance",
    "T1595",
)
MODELS: Final = (*OUT.values(), IN, IN_WEB)


def match(connection: duckdb.DuckDBPyConnection, lists: Lists) -> bool:
    """Makes the table `bad` (address, class, list,
    entry) of the listed addresses in `flow`; whether any is."""
    import pyarrow as pa

    texts = connection.sql(
        "SELECT DISTINCT a FROM (SELECT DISTINCT lower(srcaddr) AS a FROM flow"
        " UNION ALL SELECT DISTINCT lower(dstaddr) FROM flow) WHERE a IS NOT NULL"
    ).to_arrow_table()
    rows = lists.addresses(texts["a"].to_pylist())
    columns = {"address": list(rows)} | {
        name: [entry[n] for entry in rows.values()] for n, name in enumerate(("class", "list", "entry"))
    }
    connection.register("bad_rows", pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()}))
    connection.execute("CREATE TEMP TABLE bad AS SELECT * FROM bad_rows")
    connection.unregister("bad_rows")
    return bool(rows)


def detections(connection: duckdb.DuckDBPyConnection, place: Place) -> list[Detection]:
    """Conversations (tables talk, bad) with listed addresses: what was called,
        tried or not; what was answered.

    One detection an interface's address,
    class and direction. Exits of Tor that visit web servers are not told.
    """
    rows = (
        connection.sql(
            f"""SELECT {GROUP}, begun, model, list(DISTINCT other ORDER BY other) AS others, arg_max(i,
                w) AS worst
        FROM (
            SELECT *, CASE WHEN begun THEN class WHEN port IN (80, 443) THEN 'web' ELSE 'caller' END AS model,
                sent + got AS w
            FROM (
                SELECT {GROUP}, other, begun, class, list, entry, arg_max(port, sent + got) AS port,
                    sum(conns)::BIGINT AS conns, sum(accepted)::BIGINT AS accepted,
                    sum(sent)::BIGINT AS sent, sum(got)::BIGINT AS got
                FROM talk JOIN bad ON bad.address = other
                WHERE begun OR (accepted > silent AND NOT (class = 'tor' AND port IN (80, 443)))
                GROUP BY eni, own, other, begun, class, list, entry, port IN (80, 443)
            )
        ) i GROUP BY eni, own, begun, model ORDER BY eni, own, model"""
        )
        .to_arrow_table()
        .to_pylist()
    )
    return [
        made(
            OUT.get(row["model"], OUT[CUSTOM]) if row["begun"] else IN_WEB if row["model"] == "web" else IN,
            place,
            row,
            row["worst"],
            row["model"],
        )
        for row in rows
    ]
