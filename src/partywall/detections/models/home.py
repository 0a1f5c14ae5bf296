"""Credentials away from home: an instance's, a function's or a session's, used where it was not given out.

GuardDuty's guide, "GuardDuty IAM finding types", says what the types mean. Home is what the last scan names
as the account's own addresses, and where the same role's credentials were used on earlier days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.detection import MOST_EVENTS
from partywall.detections.models.calls import network
from partywall.detections.models.candidate import About, Candidate
from partywall.detections.models.geo import Place
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.detections.models.calls import Span

_TAKEN: Final = ("credential-access", "lateral-movement")
_HOW: Final = ("T1552.005", "T1550.001")
OUTSIDE: Final = About(
    "model-instance-credentials-outside",
    "Credentials of an instance used from elsewhere",
    "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
    "high",
    80,
    _TAKEN,
    _HOW,
    "contain-instance",
)
INSIDE: Final = About(
    "model-instance-credentials-inside",
    "Credentials of an instance used in another account of AWS",
    "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS",
    "high",
    85,
    _TAKEN,
    _HOW,
    "contain-instance",
)
RESOURCE: Final = About(
    "model-resource-credentials-outside",
    "Credentials of a function or container used outside AWS",
    "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS",
    "high",
    80,
    _TAKEN,
    ("T1552", "T1550.001"),
    "contain-function",
)
TWO_NETWORKS: Final = About(
    "model-session-two-networks",
    "One session used from two networks at a time",
    "UnauthorizedAccess:IAMUser/SessionFromTwoNetworks",
    "medium",
    60,
    ("credential-access",),
    ("T1539", "T1550.001"),
)
ABOUTS: Final = (OUTSIDE, INSIDE, RESOURCE, TWO_NETWORKS)
AMAZON: Final = frozenset({"AS16509", "AS14618", "AS8987", "AS7224", "AS62785", "AS38895", "AS39111"})
"""Amazon's autonomous systems, by public registries."""
_OVERLAP: Final = 3_600_000_000
"""Microseconds within which a session in two networks is in both at a time."""


@dataclass(frozen=True, slots=True)
class Own:
    """What the last scan knows to be the accounts' own."""

    addresses: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()


def own(data: Path) -> Own:
    """The addresses and accounts of the last scan; nothing where there is none that can be read."""
    from partywall.analysis.policy import FACTS
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data)
    if not directory.published():
        return Own()
    try:
        place = directory.resolve()
        with explained(place):
            return _scanned(Lake(place, FACTS))
    except UserError:
        return Own()


def _scanned(lake: Any) -> Own:
    def values(table: str, sql: str) -> list[tuple[Any, ...]]:
        if table not in lake.manifest.demand:
            return []
        return list(lake.execute(sql.format(f"({lake.sql_of(table)})")).fetchall())

    addresses: set[str] = set()
    for (found,) in values("vpc_network_interface", "SELECT public_addresses FROM {}"):
        addresses.update(found or ())
    addresses.update(a for (a,) in values("ec2_instance", "SELECT public_ip FROM {}") if a)
    addresses.update(a for (a,) in values("vpc_elastic_ip", "SELECT public_ip FROM {}") if a)
    for (found,) in values("vpc_nat_gateway", "SELECT public_ips FROM {}"):
        addresses.update(found or ())
    return Own(
        frozenset(addresses),
        frozenset(str(each["account_id"]) for each in lake.manifest.accounts),
    )


def candidates(span: Span, mine: Own, places: Mapping[str, Place]) -> list[Candidate]:
    """The credentials of a day that were used away from home."""
    found = _sessions(span, places)
    if span.rows("SELECT 1 AS one FROM call WHERE endpoint_account NOT IN ('', own) AND own <> '' LIMIT 1"):
        found += _endpoints(span, mine)
    unknown = """SELECT DISTINCT c.address FROM call c JOIN caller r USING (who)
        WHERE r.instance <> '' AND c.endpoint = '' AND NOT EXISTS (SELECT 1 FROM past h
            WHERE h.account = c.account AND h.what = 'instance address' AND h.value = c.address)"""
    if {row["address"] for row in span.rows(unknown)} - mine.addresses:
        found += _instances(span, mine, places)
    return found


def _endpoints(span: Span, mine: Own) -> list[Candidate]:
    """Instances' credentials that came through a VPC endpoint of an account that is not theirs."""
    rows = span.rows(
        f"""SELECT c.account, r.instance, c.endpoint_account AS other, any_value(c.own) AS own,
        list_slice(list(c.id ORDER BY c.micros), 1, {MOST_EVENTS}) AS events, count(*)::BIGINT AS n,
        any_value(c.endpoint) AS endpoint,
        (SELECT count(DISTINCT o.instance) FROM call p JOIN caller o USING (who) WHERE p.account = c.account
            AND p.endpoint_account = c.endpoint_account AND o.instance <> '') AS sharing,
        (SELECT count(*) FROM call p JOIN caller o USING (who) WHERE o.arn = r.arn
            AND p.endpoint_account <> c.endpoint_account AND p.address NOT LIKE '%.amazonaws.com')
            AS elsewhere,
        EXISTS (SELECT 1 FROM past h WHERE h.account = c.account AND h.what = 'endpoint account'
            AND h.value = c.endpoint_account) AS usual
        FROM call c JOIN caller r USING (who)
        WHERE r.instance <> '' AND c.endpoint_account <> '' AND c.own <> '' AND c.endpoint_account <> c.own
        GROUP BY c.account, r.instance, r.arn, c.endpoint_account"""
    )
    found: list[Candidate] = []
    for row in rows:
        if row["usual"] or row["other"] in mine.accounts or row["sharing"] > (2 if row["elsewhere"] else 1):
            continue
        known = "" if row["elsewhere"] else " Nothing else of this instance was seen."
        found.append(
            Candidate(
                INSIDE,
                tuple(row["events"]),
                f"Credentials of {row['instance']} (account {row['own']}) came through the VPC endpoint"
                f" {row['endpoint']} of account {row['other']}: {row['n']} calls, on no day before.{known}",
                count=row["n"],
                subject=row["other"],
                severity="high" if row["elsewhere"] else "medium",
                facts=(("instance", row["instance"]), ("account", row["other"])),
            )
        )
    return found


def _instances(span: Span, mine: Own, places: Mapping[str, Place]) -> list[Candidate]:
    """Instances' credentials that came from public addresses which are not their home."""
    rows = span.rows(
        f"""WITH used AS (
            SELECT c.account, r.role, r.instance, r.arn, c.address, list(DISTINCT r.agent) AS agents,
                list_slice(list(c.id ORDER BY c.micros), 1, {MOST_EVENTS}) AS events, count(*)::BIGINT AS n,
                min(c.micros) AS first,
                list_slice(list(DISTINCT c.api), 1, 6) AS apis, max(c.micros) AS last
            FROM call c JOIN caller r USING (who) JOIN place p USING (address)
            WHERE r.instance <> '' AND p.network NOT IN ('', 'private') AND c.endpoint = ''
            GROUP BY ALL)
        SELECT u.*, (SELECT count(DISTINCT o.instance) FROM used o WHERE o.account = u.account
                AND o.address = u.address) AS sharing,
            (SELECT list(DISTINCT h.value) FROM past h WHERE h.account = u.account AND h.actor = u.role
                AND h.what = 'network') AS networks,
            (SELECT max(h.days) FROM past h WHERE h.account = u.account AND h.what = 'instance address'
                AND h.value = u.address) AS days,
            (SELECT list(DISTINCT h.value) FROM past h WHERE h.account = u.account AND h.actor = u.role
                AND h.what = 'agent') AS known_agents,
            (SELECT list({{'address': o.address, 'agents': o.agents, 'first': o.first, 'last': o.last}})
                FROM used o WHERE o.arn = u.arn AND o.account = u.account AND o.address <> u.address)
                AS others
        FROM used u"""
    )
    found: list[Candidate] = []
    for row in rows:
        address = row["address"]
        if address in mine.addresses or row["days"] or row["sharing"] > 1:
            continue
        reason = _away(row, mine, places)
        if reason is None:
            continue
        about, severity, why = reason
        place = places.get(address, Place())
        calls = ", ".join(sorted(row["apis"]))
        found.append(
            Candidate(
                about,
                tuple(row["events"]),
                f"Credentials of {row['instance']} came from {address}{_at(place)}: {why}"
                f" {row['n']} calls, among them {calls}.",
                count=row["n"],
                subject=address,
                severity=severity,
                asn=place.named(),
                facts=(("instance", row["instance"]), ("address", address)),
            )
        )
    return found


def _at(place: Place) -> str:
    told = ", ".join(filter(None, (place.named(), place.country)))
    return f" ({told})" if told else ""


def _away(row: Mapping[str, Any], mine: Own, places: Mapping[str, Place]) -> tuple[About, str, str] | None:
    """(model, severity, why) where an address is not an instance's home."""
    address, others = row["address"], row["others"] or []
    place = places.get(address, Place())
    networks = set[str](row["networks"] or ())
    agents, known = set[str](row["agents"]), set[str](row["known_agents"] or ())
    homes = [each["address"] for each in others]
    # Where nothing is known of earlier days, what came first is taken for home.
    today = {agent for each in others if each["first"] < row["first"] for agent in each["agents"]}
    if place.asn and place.asn not in AMAZON:
        if place.asn in networks:
            return None
        if homes or networks:
            return OUTSIDE, "high", "it is not AWS's, and the role was not seen there on any day before;"
        return OUTSIDE, "medium", "it is not AWS's; nothing else of the role was seen yet;"
    strange = bool(known | today) and not agents & (known | today)
    if not strange or network(address) in networks:
        return None
    told = ", ".join(sorted(agents))
    usual = ", ".join(sorted(known | today)[:4])
    why = f"neither the address nor the tool ({told}; usual: {usual}) was seen of the role before;"
    if place.asn in AMAZON:
        return INSIDE, "high", f"it is AWS's, but not known as yours; {why}"
    # Without a database of addresses it may be the instance's own new address: the tool must be new, too.
    return OUTSIDE, "high" if mine.addresses or known else "medium", why


def _sessions(span: Span, places: Mapping[str, Place]) -> list[Candidate]:
    """Temporary credentials of people, pipelines and functions that were in two places at a time."""
    rows = span.rows(
        f"""WITH part AS (
            SELECT c.account, c.key, p.network, r.agent, split_part(r.agent, ' ', 2) AS system,
                any_value(r.kind) AS kind, min(c.micros) AS first, max(c.micros) AS last,
                count(*)::BIGINT AS n,
                list_slice(list(c.id ORDER BY c.micros), 1, {MOST_EVENTS // 2}) AS events,
                any_value(c.address) AS address
            FROM call c JOIN caller r USING (who) JOIN place p USING (address)
            WHERE c.key LIKE 'ASIA%' AND p.network NOT IN ('', 'private') AND r.instance = ''
                AND r.kind NOT IN ('service', 'instance') AND c.address NOT LIKE '%.amazonaws.com'
            GROUP BY c.account, c.key, p.network, r.agent)
        SELECT * FROM part WHERE (account, key) IN
            (SELECT (account, key) FROM part GROUP BY account, key HAVING count(DISTINCT network) > 1)
        ORDER BY first"""
    )
    keys: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        keys.setdefault((row["account"], row["key"]), []).append(row)
    found: list[Candidate] = []
    for parts in keys.values():
        one = _stolen(parts, places)
        if one is not None:
            found.append(one)
    return found


def _stolen(parts: Sequence[dict[str, Any]], places: Mapping[str, Place]) -> Candidate | None:
    first = parts[0]
    for other in parts[1:]:
        if other["network"] == first["network"]:
            continue
        here, there = places.get(first["address"], Place()), places.get(other["address"], Place())
        given = first["kind"] in ("function", "container")
        if given and other["kind"] not in ("function", "container"):
            away = there.asn not in AMAZON if there.asn else True
            severity, about = ("high" if there.asn and away else "medium"), RESOURCE
            if not away:
                continue
            why = f"given to a {first['kind']}, then used by {other['agent'] or 'an unnamed tool'}"
        else:
            systems = {first["system"], other["system"]} - {""}
            near = other["first"] <= first["last"] + _OVERLAP
            countries = {here.country, there.country} - {""}
            if here.asn and here.asn == there.asn:
                continue
            if not (near and (len(systems) > 1 or (len(countries) > 1 and other["first"] <= first["last"]))):
                continue
            about, severity = TWO_NETWORKS, "medium"
            why = f"by {first['agent']} and, within the hour, by {other['agent']}"
        return Candidate(
            about,
            (*first["events"], *other["events"]),
            f"One session ({first['key']}) came from {first['address']}{_at(here)} and from"
            f" {other['address']}{_at(there)}: {why}; {first['n']} and {other['n']} calls.",
            count=first["n"] + other["n"],
            subject=first["key"],
            severity=severity,
            asn=there.named(),
            facts=(("address", other["address"]),),
        )
    return None
