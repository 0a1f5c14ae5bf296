"""The CloudTrail events of some days as the models of callers see them: `call`, one row an event.

    with calls.opened(asked.logs, days, accounts) as span:
        span.of(days[0])
        span.connection.sql("SELECT * FROM call JOIN caller USING (who)")

`event` holds every day, `call` the one that was last asked for: id, micros (since 1970), day, account,
region, api ("ec2:DescribeInstances", without the version that some services put behind the name), service,
name, denied, failed, reads, data, address, key, own (the caller's account), endpoint, endpoint_account, who.
`caller`: who, kind (`callers.KINDS`), arn, actor (whose habits count), session (what a burst is of), agent
(family), role, instance. `place`: address, network (its AS where that is known), country.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.callers import MACHINES, kind_of
from partywall.detections.incidents.links import public
from partywall.detections.sigma.chains import Chains, learn

if TYPE_CHECKING:
    import duckdb

    from partywall.detections.ingest.store import LogStore

_MEMORY: Final = "1GB"
_SESSIONS: Final = timedelta(hours=36)
"""How far back the calls that made sessions are read."""
_ID: Final = "userIdentity."
_WHO: Final[tuple[str, ...]] = (
    "type",
    "arn",
    "principalId",
    "userName",
    "invokedBy",
    "sessionContext.sessionIssuer.arn",
    "sessionContext.ec2RoleDelivery",
    "sessionContext.webIdFederationData.federatedProvider",
    "identityProvider",
)
_OTHER: Final[tuple[str, ...]] = (
    "id",
    "eventTime",
    "eventSource",
    "eventName",
    "errorCode",
    "readOnly",
    "managementEvent",
    "sourceIPAddress",
    "userAgent",
    "account",
    "region",
    "date",
    "sessionCredentialFromConsole",
    "vpcEndpointId",
    "vpcEndpointAccountId",
)
_COLUMNS: Final = (
    *_OTHER,
    *(_ID + name for name in _WHO),
    _ID + "accessKeyId",
    _ID + "accountId",
)
DENIED: Final = (
    "(\"errorCode\" ILIKE '%AccessDenied%' OR \"errorCode\" ILIKE '%Unauthorized%'"
    " OR \"errorCode\" IN ('AuthorizationError', 'AuthFailure', 'ForbiddenException', 'Forbidden'))"
)
_PERSONAL: Final = re.compile(r"AWSReservedSSO_|[Ss]so|[Ff]ederat")
_DIGITS: Final = re.compile(r"\d{6,}|[0-9a-f]{12,}")
_FAMILIES: Final = (
    ("Terraform", "terraform"),
    ("OpenTofu", "opentofu"),
    ("Pulumi", "pulumi"),
    ("aws-cdk", "cdk"),
    ("aws-cli", "aws-cli"),
    ("Boto3", "boto3"),
    ("Botocore", "botocore"),
    ("aws-sdk-go", "sdk-go"),
    ("aws-sdk-java", "sdk-java"),
    ("aws-sdk-nodejs", "sdk-js"),
    ("aws-sdk-js", "sdk-js"),
    ("aws-sdk-rust", "sdk-rust"),
    ("aws-sdk-ruby", "sdk-ruby"),
    ("aws-sdk-dotnet", "sdk-dotnet"),
    ("aws-sdk-php", "sdk-php"),
    ("AWSPowerShell", "powershell"),
    ("console.amazonaws.com", "browser"),
    ("signin.amazonaws.com", "browser"),
    ("S3Console", "browser"),
    ("AWS-Console", "browser"),
    ("Mozilla/", "browser"),
)
_SYSTEMS: Final = (
    ("windows", "windows"),
    ("darwin", "macos"),
    ("macos", "macos"),
    ("mac os x", "macos"),
    ("linux", "linux"),
)


@dataclass(slots=True)
class Span:
    """Some days of events in an open DuckDB with the tables that this module's text names."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    """SELECT of the whole records of those days."""
    _older: str = ""
    _chains: list[Chains] = field(default_factory=list[Chains])

    def chains(self) -> Chains:
        """Who made the sessions of those days: read when first asked for."""
        if not self._chains:
            from partywall.detections.sigma.fields import cloudtrail

            text = f"SELECT * FROM ({self.relation}) UNION ALL SELECT * FROM ({self._older})"
            self._chains.append(learn(self.connection, text, cloudtrail()))
        return self._chains[0]

    def of(self, day: date) -> None:
        """Makes `call` the events of a day."""
        self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW call AS SELECT * FROM event WHERE day = DATE '{day}'"
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """A query's rows by name."""
        return self.connection.sql(sql).to_arrow_table().to_pylist()


@contextmanager
def opened(logs: LogStore, days: Sequence[date], accounts: Sequence[str]) -> Generator[Span]:
    """The events of some UTC days in order, and of some accounts."""
    from partywall.lake.engine import connect

    begin = datetime.combine(days[0], time(), UTC)
    end = datetime.combine(days[-1], time(), UTC) + timedelta(days=1)
    relation = logs.relation("cloudtrail", begin, end, accounts=accounts)
    timed = f'SELECT * FROM ({relation}) WHERE "eventTime" IS NOT NULL'
    older = logs.relation("cloudtrail", begin - _SESSIONS, begin, accounts=accounts)
    older = (
        f'SELECT * FROM ({older}) WHERE "eventTime" IS NOT NULL AND "eventSource" = \'sts.amazonaws.com\''
        ' AND "issuedAccessKeyId" IS NOT NULL'
    )
    connection = connect(_MEMORY, 2)
    try:
        _callers(connection, logs.relation("cloudtrail", begin, end, accounts=accounts, columns=_COLUMNS))
        yield Span(connection, timed, older)
    finally:
        connection.close()


def _callers(connection: duckdb.DuckDBPyConnection, relation: str) -> None:
    who = ", ".join(f'"{_ID}{name}"' for name in _WHO)
    service = "if(\"sourceIPAddress\" LIKE '%.amazonaws.com', \"sourceIPAddress\", '')"
    identity = (
        f"{who}, coalesce(\"userAgent\", ''), {service}, coalesce(\"sessionCredentialFromConsole\", '')"
    )
    connection.execute(
        f"""CREATE TEMP TABLE event AS SELECT id, epoch_us("eventTime") AS micros, "eventTime"::DATE AS day,
        coalesce(account, '') AS account, coalesce(region, '') AS region,
        replace(coalesce("eventSource", ''), '.amazonaws.com', '') AS service,
        regexp_replace(coalesce("eventName", ''), '(20[0-9]{{6}})(v[0-9]+)?$', '') AS name,
        service || ':' || name AS api, {DENIED} IS TRUE AS denied, "errorCode" IS NOT NULL AS failed,
        coalesce("readOnly", regexp_matches(name, '^(Get|List|Describe|Lookup|Head|Search)')) AS reads,
        "managementEvent" IS FALSE AS data, coalesce("sourceIPAddress", '') AS address,
        coalesce("{_ID}accessKeyId", '') AS key, coalesce("{_ID}accountId", '') AS own,
        coalesce("vpcEndpointId", '') AS endpoint, coalesce("vpcEndpointAccountId", '') AS endpoint_account,
        hash(row({identity})) AS who
        FROM ({relation}) WHERE "eventTime" IS NOT NULL"""
    )
    rows = connection.sql(
        f"SELECT hash(row({identity})) AS who, any_value(row({identity})) AS told"
        f' FROM ({relation}) WHERE "eventTime" IS NOT NULL GROUP BY 1'
    ).to_arrow_table()
    table(
        connection,
        "caller",
        ("who", "kind", "arn", "actor", "session", "agent", "role", "instance"),
        [(str(each["who"]), *caller(tuple(each["told"].values()))) for each in rows.to_pylist()],
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE caller AS SELECT * REPLACE (who::UBIGINT AS who) FROM caller"
    )


def caller(told: tuple[str | None, ...]) -> tuple[str, str, str, str, str, str, str]:
    """(kind, ARN, actor, session, agent's family, role, instance) of an identity as `_callers` reads it."""
    identity: dict[str, str | None] = dict(zip(_WHO, told, strict=False))
    agent, address, console = (text or "" for text in told[len(_WHO) :])
    kind = kind_of(identity, agent, address, console == "true")
    arn = identity["arn"] or identity["userName"] or identity["invokedBy"] or identity["principalId"] or ""
    role = identity["sessionContext.sessionIssuer.arn"] or ""
    session = arn.rpartition("/")[2] if ":assumed-role/" in arn else ""
    instance = session if re.fullmatch(r"i-[0-9a-f]{8,17}", session) else ""
    actor = role or arn
    if session and kind not in MACHINES and ("@" in session or _PERSONAL.search(role)):
        actor = arn
    return kind, arn, actor, arn, family(agent), role, instance


@lru_cache(maxsize=20_000)
def family(agent: str) -> str:
    """What a user agent is of, without its versions: "aws-cli linux"; "" for none."""
    if (
        agent.endswith(".amazonaws.com")
        and "/" not in agent
        and "signin" not in agent
        and "console" not in agent
    ):
        return agent
    low = agent.lower()
    name = next((known for text, known in _FAMILIES if text in agent), "")
    name = name or re.split(r"[/ ]", agent.strip().strip("[]"), maxsplit=1)[0][:40]
    system = next((known for text, known in _SYSTEMS if text in low), "")
    return f"{name} {system}".strip()


@lru_cache(maxsize=100_000)
def network(address: str) -> str:
    """The network of an address, as far as that tells it: its /16, of IPv6 its /32; "" for no address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    length = 16 if found.version == 4 else 32
    return str(ipaddress.ip_network((found, length), strict=False)) if public(str(found)) else "private"


def table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Makes a temporary table of text columns."""
    import pyarrow as pa

    listed = list(rows)
    told = pa.table(
        {column: pa.array([row[n] for row in listed], pa.string()) for n, column in enumerate(columns)}
    )
    connection.register("partywall_rows", told)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM partywall_rows")
    connection.unregister("partywall_rows")
