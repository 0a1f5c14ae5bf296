"""What a day shows of each caller: the table `profile`, which habits are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from partywall.detections.models.calls import Span

THINGS: Final = ("api", "service", "region", "agent", "network", "country")


def profiled(span: Span) -> None:
    """Makes `profile` (account, actor, kind, what, value, n) of the day that `call` shows.

    `what`: one of THINGS, "actor" (once for each day with calls), "burst …", "volume …"; of no actor
    "instance address", "endpoint account" and "day".
    """
    sets = ", ".join(f"(account, actor, {thing})" for thing in THINGS)
    what = " ".join(f"WHEN grouping({thing}) = 0 THEN '{thing}'" for thing in THINGS)
    span.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE profile AS
        SELECT account, actor, any_value(kind) AS kind, CASE {what} ELSE 'actor' END AS what,
            coalesce({", ".join(THINGS)}, '') AS value, count(*)::DOUBLE AS n
        FROM (SELECT c.account, r.actor, r.kind, c.api, c.service, c.region, r.agent, p.network, p.country
            FROM call c JOIN caller r USING (who) JOIN place p USING (address)
            WHERE r.kind <> 'service' AND r.actor <> '')
        GROUP BY GROUPING SETS ({sets}, (account, actor)) HAVING value <> '' OR what = 'actor'
        UNION ALL
        SELECT c.account, '', '', 'instance address', c.address, count(*)
        FROM call c JOIN caller r USING (who) WHERE r.instance <> '' AND c.endpoint = '' GROUP BY ALL
        UNION ALL
        SELECT account, '', '', 'endpoint account', endpoint_account, count(*)
        FROM call WHERE endpoint_account <> '' GROUP BY ALL
        UNION ALL
        SELECT account, actor, any_value(kind), 'burst ' || what, '', max(n) FROM burst GROUP BY ALL
        UNION ALL
        SELECT account, actor, kind, 'volume ' || what, '', n FROM volume
        UNION ALL
        SELECT account, '', '', 'day', '', count(*) FROM call GROUP BY ALL"""
    )
