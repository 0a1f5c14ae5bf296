"""IP addresses as text that sorts by family and number, so that a CIDR block is a range of text."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=262144)
def sortable(text: str | None) -> str | None:
    """ "4" and 8 hexadecimal digits, or "6" and 32; None for what is no address."""
    if text is None or not text or text[0] not in "0123456789abcdefABCDEF:":
        return None
    try:
        return _written(ipaddress.ip_address(text))
    except ValueError:
        return None


def _written(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"{address.version}{int(address):0{8 if address.version == 4 else 32}x}"


def within(cidr: str, address: str) -> str:
    """SQL that tells whether sortable text lies in a block; FALSE where there is none."""
    network = ipaddress.ip_network(cidr)
    first, last = _written(network.network_address), _written(network.broadcast_address)
    return f"coalesce({address} BETWEEN '{first}' AND '{last}', FALSE)"
