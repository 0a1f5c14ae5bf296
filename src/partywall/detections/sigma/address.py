"""IP addresses in DuckDB SQL, without its inet extension: text that sorts by family and number."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

FUNCTION: Final = "partywall_address"
"""The macro: "4" and 8 hexadecimal digits, or "6" and 32; NULL for text that is no address."""

_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4: Final = f"{_OCTET}([.]{_OCTET}){{3}}"
_BYTES: Final = " || ".join(
    f"printf('%02x', coalesce(TRY_CAST(split_part(d, '.', {part}) AS INTEGER), 0))" for part in (1, 2, 3, 4)
)
_PADDED: Final = "array_to_string(list_transform({}, lambda g: lpad(g, 4, '0')), '')"

# Each macro uses those before it. An address of version 6 may end in one of version 4, and in a zone (%eth0).
_MACROS: Final = (
    f"partywall_v4(d) AS {_BYTES}",
    """partywall_hex(v) AS CASE WHEN contains(v, '.')
        THEN regexp_replace(v, '[^:]*$', '') || left(partywall_v4(regexp_extract(v, '[^:]*$')), 4)
            || ':' || right(partywall_v4(regexp_extract(v, '[^:]*$')), 4)
        ELSE v END""",
    "partywall_groups(s) AS CASE WHEN s = '' THEN [] ELSE string_split(s, ':') END",
    f"""partywall_filled(l, r) AS CASE WHEN len(l) + len(r) <= 7
        THEN '6' || {_PADDED.format("l")} || repeat('0000', 8 - len(l) - len(r)) || {_PADDED.format("r")}
        END""",
    f"""partywall_v6(t) AS CASE
        WHEN regexp_matches(t, ':::|::.*::|[0-9a-f]{{5}}|^:[^:]|[^:]:$|^:$') THEN NULL
        WHEN contains(t, '::')
        THEN partywall_filled(
            partywall_groups(split_part(t, '::', 1)), partywall_groups(split_part(t, '::', 2)))
        WHEN len(partywall_groups(t)) = 8 THEN '6' || {_PADDED.format("partywall_groups(t)")}
        END""",
    f"""{FUNCTION}(v) AS CASE
        WHEN regexp_full_match(v, '{_V4}') THEN '4' || partywall_v4(v)
        WHEN contains(v, ':') AND regexp_full_match(v, '[0-9a-fA-F:]*(:{_V4})?(%[^%]+)?')
        THEN partywall_v6(partywall_hex(lower(split_part(v, '%', 1))))
        END""",
)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Defines the macros in a connection."""
    for macro in _MACROS:
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")


def within(cidr: str, value: str) -> str:
    """SQL that tells whether the text `value` is an address inside the block; FALSE where it is none."""
    network = ipaddress.ip_network(cidr)
    digits = 8 if network.version == 4 else 32
    first, last = (
        f"{network.version}{int(address):0{digits}x}"
        for address in (network.network_address, network.broadcast_address)
    )
    return f"coalesce({FUNCTION}({value}) BETWEEN '{first}' AND '{last}', FALSE)"
