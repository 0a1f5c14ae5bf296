"""What a day shows of each caller: the table `profile`, which habits are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from partywall.detections.models.calls import Span

_BY_ACTOR = (
    ("api", "c.api"),
    ("service", "c.service"),
    ("region", "c.region"),
    ("agent", "r.agent"),
    ("network", "p.network"),
    ("country", "p.country"),
    ("actor", "''"),
)


def profiled(span: Span) -> None:
    """Makes `profile` (account, actor, kind, what, value, n) of the day that `call` shows."""
    parts = [
        f"SELECT c.account, r.actor, any_value(r.kind) AS kind, '{what}' AS what, {value} AS value,"
        f" count(*)::DOUBLE AS n FROM call c JOIN caller r USING (who) LEFT JOIN place p USING (address)"
        f" WHERE r.kind <> 'service' AND r.actor <> '' AND coalesce({value}, 'none') <> '{_no(what)}'"
        f" GROUP BY c.account, r.actor, {value}"
        for what, value in _BY_ACTOR
    ]
    parts += [
        # Homes of instances and of the account as a whole are nobody's habit in particular.
        "SELECT c.account, '' AS actor, '' AS kind, 'instance address' AS what, c.address AS value,"
        " count(*)::DOUBLE AS n FROM call c JOIN caller r USING (who) JOIN place p USING (address)"
        " WHERE r.instance <> '' AND p.network <> '' GROUP BY ALL",
        "SELECT c.account, '' AS actor, '' AS kind, 'endpoint account' AS what, c.endpoint_account AS value,"
        " count(*)::DOUBLE AS n FROM call c WHERE c.endpoint_account <> '' GROUP BY ALL",
        "SELECT account, actor, any_value(kind) AS kind, 'burst ' || what AS what, '' AS value,"
        " max(n)::DOUBLE AS n FROM burst GROUP BY ALL",
        "SELECT account, '' AS actor, '' AS kind, 'day' AS what, '' AS value, count(*)::DOUBLE AS n"
        " FROM call GROUP BY ALL",
    ]
    span.connection.execute(f"CREATE OR REPLACE TEMP TABLE profile AS {' UNION ALL '.join(parts)}")


def _no(what: str) -> str:
    return "never" if what == "actor" else ""
