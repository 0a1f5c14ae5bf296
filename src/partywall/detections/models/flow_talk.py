"""Conversations of one account's UTC day of flow logs: one pass that every model of flow logs asks.

Tables (DuckDB, temporary), of an open connection with the view `flow`:

- `home`: (eni, address), an interface's own addresses;
- `conn`: a connection (interface, own address and port, other address and port, protocol) in one hour;
- `talk`: conversations of an hour: connections with one service port of one side.

Who began it: SYN without ACK where the format has tcp-flags ("Flow log records": the flags of an interval
are OR-ed), else who talked where only one did and both ports are above 1023, else the lower port is the
service's. Which address is the interface's own: by flow-direction
where the format has it, else the private one of a private and a public address, else the one that makes up
more of this interface's records than of any other's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

COLUMNS: Final = [
    "region",
    "interface_id",
    "instance_id",
    "srcaddr",
    "dstaddr",
    "pkt_srcaddr",
    "pkt_dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "tcp_flags",
    "packets",
    "bytes",
    "flow_direction",
    "action",
    "pkt_src_aws_service",
    "pkt_dst_aws_service",
    "start",
    "end",
]
"""What is read of `vpc_flow`."""

NOT_INTERNET: Final = (
    r"^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|0\.|127\."
    r"|169\.254\.|22[4-9]\.|23[0-9]\.|24[0-9]\.|25[0-5]\.|[fF][cCdD][0-9a-fA-F]{2}:"
    r"|[fF][eE][89abAB][0-9a-fA-F]:|[fF][fF][0-9a-fA-F]{2}:|::1?$)"
)
"""Addresses that are not of the internet: private, shared, loopback, link-local, multicast; IPv6 alike."""

_RAW: Final = """
CREATE TEMP TABLE raw AS
SELECT coalesce(region, '') AS region, coalesce(interface_id, '') AS eni, coalesce(instance_id,
'') AS instance,
    lower(srcaddr) AS src, lower(dstaddr) AS dst, lower(pkt_srcaddr) AS psrc, lower(pkt_dstaddr) AS pdst,
    coalesce(srcport, 0)::INT AS sport, coalesce(dstport, 0)::INT AS dport, coalesce(protocol,
    -1)::INT AS protocol,
    tcp_flags::INT AS flags, coalesce(packets, 0) AS packets, coalesce(bytes, 0) AS bytes,
    flow_direction AS direction, action IS DISTINCT FROM 'REJECT' AS ok,
    pkt_src_aws_service IS NOT NULL OR pkt_dst_aws_service IS NOT NULL AS aws, start, coalesce("end",
    start) AS stop
FROM flow WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL AND start IS NOT NULL
"""
_SEEN: Final = f"""
CREATE TEMP TABLE seen AS
SELECT eni, address, sum(n)::BIGINT AS n, bool_or(own) AS own, NOT regexp_matches(address,
'{NOT_INTERNET}') AS public,
    sum(n) / sum(sum(n)) OVER (PARTITION BY eni) AS share
FROM (
    SELECT eni, src AS address, count(*) AS n, bool_or(direction = 'egress') AS own FROM raw GROUP BY ALL
    UNION ALL SELECT eni, dst, count(*), bool_or(direction = 'ingress') FROM raw GROUP BY ALL
) GROUP BY eni, address
"""
# An address is the own one of the interface that has most records of it, by number and by share.
_HOME: Final = """
CREATE TEMP TABLE home AS
SELECT address, arg_max(eni, (coalesce(own, FALSE)::INT, n * share, eni)) AS eni FROM seen GROUP BY address
"""
# A NAT gateway's records name the packet's own address; where that is another interface's of the same logs,
# the conversation is told there.
_CONN: Final = """
CREATE TEMP TABLE conn AS
WITH sided AS (
    SELECT raw.*, s.public AS spub, d.public AS dpub,
        CASE WHEN direction = 'egress' THEN TRUE WHEN direction = 'ingress' THEN FALSE
            WHEN s.public <> d.public AND NOT contains(src, ':') THEN d.public
            WHEN (hs.eni = raw.eni) <> (hd.eni = raw.eni) THEN hs.eni = raw.eni
            ELSE (s.n, src) >= (d.n, dst) END AS outward
    FROM raw JOIN seen s ON s.eni = raw.eni AND s.address = src
        JOIN seen d ON d.eni = raw.eni AND d.address = dst
        JOIN home hs ON hs.address = src JOIN home hd ON hd.address = dst
), summed AS (
    SELECT eni, if(outward, src, dst) AS own, if(outward, dst, src) AS other,
        if(outward, sport, dport) AS own_port, if(outward, dport, sport) AS other_port, protocol,
        date_trunc('hour', start) AS hour, any_value(region) AS region, any_value(instance) AS instance,
        any_value(if(outward, psrc, pdst)) AS behind, any_value(if(outward, dpub, spub)) AS public,
        bool_or(flags & 18 = if(outward, 2, 18)) AS ours, bool_or(flags & 18 = if(outward, 18, 2)) AS theirs,
        coalesce(bool_or(flags & 18 = 18), FALSE) AS opened, bool_or(ok) AS ok, bool_or(aws) AS aws,
        coalesce(sum(packets) FILTER (outward), 0)::BIGINT AS psent,
        coalesce(sum(bytes) FILTER (outward), 0)::BIGINT AS sent,
        coalesce(sum(packets) FILTER (NOT outward), 0)::BIGINT AS pgot,
        coalesce(sum(bytes) FILTER (NOT outward), 0)::BIGINT AS got,
        min(start) AS first, max(stop) AS last, count(*) AS records
    FROM sided GROUP BY eni, own, other, own_port, other_port, protocol, hour
)
SELECT summed.* EXCLUDE (behind, ours, theirs),
    CASE WHEN ours THEN TRUE WHEN theirs THEN FALSE
        WHEN (least(own_port, other_port) >= 1024 OR own_port = other_port) AND (psent = 0 OR pgot = 0)
            THEN psent > 0
        ELSE other_port <= own_port END AS begun
FROM summed LEFT JOIN home ON home.address = behind AND behind <> own
WHERE home.eni IS NULL OR home.eni = summed.eni
"""
# No answer: nothing came back, or nothing but resets, which are bare headers.
_TALK: Final = """
CREATE TEMP TABLE talk AS
SELECT eni, own, other, begun, if(begun, other_port, own_port) AS port, protocol, hour,
    any_value(region) AS region, any_value(instance) AS instance, bool_or(public) AS public,
    bool_or(aws) AS aws,
    count(*) AS conns, count(*) FILTER (ok) AS accepted, sum(records)::BIGINT AS records,
    count(*) FILTER (silent) AS silent, count(*) FILTER (silent AND psent <= 8 AND pgot <= 8) AS probes,
    sum(psent)::BIGINT AS psent, sum(sent)::BIGINT AS sent, sum(pgot)::BIGINT AS pgot,
    sum(got)::BIGINT AS got,
    min(first) AS first, max(last) AS last
FROM (
    SELECT *, NOT ok OR if(begun, pgot, psent) = 0
        OR (protocol = 6 AND NOT opened
            AND if(begun, got, sent) <= if(begun, pgot, psent) * if(contains(own, ':'), 60, 40)) AS silent
    FROM conn
) GROUP BY ALL
"""


def converse(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the tables of the view `flow`. What a gateway passes on is left to whose it is."""
    connection.execute(_RAW)
    connection.execute(_SEEN)
    connection.execute(_HOME)
    connection.execute(_CONN)
    connection.execute(_TALK)
