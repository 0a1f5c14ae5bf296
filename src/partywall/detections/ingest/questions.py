"""Questions over the log of API calls: what a credential did, who touched a resource, what changed when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.ingest.chains import chains_sql
from partywall.lake.source import literal

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.detections.ingest.store import LogStore

_ID: Final = '"userIdentity.'
_WHO: Final = (
    f'coalesce({_ID}arn", {_ID}userName", {_ID}invokedBy", {_ID}principalId", {_ID}type", \'unknown\')'
)
_COLUMNS: Final = f"""
    e."eventTime", replace(e."eventSource", '.amazonaws.com', '') || ':' || e."eventName" AS event,
    coalesce(e."errorCode", '') AS error, e.account, e.region, e."sourceIPAddress" AS address,
    {_WHO} AS principal, coalesce(c."firstArn", {_WHO}) AS first_principal,
    e.{_ID}accessKeyId" AS "accessKeyId", e."userAgent" AS agent, e."requestParameters" AS parameters,
    e."eventID", e.source"""
_TRAIL: Final = f'FROM trail e LEFT JOIN chain c ON c."accessKeyId" = e.{_ID}accessKeyId"'


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on and before `until`; open where None."""

    since: datetime | None = None
    until: datetime | None = None


def what(store: LogStore, subject: str, span: Span, limit: int = 0) -> pa.Table:
    """What an access key, ARN, user or role name did, in order, also by every credential that came of it.

    Columns: eventTime, event, error, account, region, address, principal, first_principal, accessKeyId,
    agent, parameters (JSON text), eventID, source.
    """
    text = literal(subject)
    mine = f"""
        e.{_ID}accessKeyId" = {text} OR e.{_ID}arn" = {text}
        OR ends_with(e.{_ID}arn", {literal("/" + subject)}) OR e.{_ID}principalId" = {text}
        OR e.{_ID}userName" = {text} OR e.{_ID}sessionContext.sessionIssuer.arn" = {text}
        OR e.{_ID}sessionContext.sessionIssuer.userName" = {text} OR e.{_ID}invokedBy" = {text}
        OR e.{_ID}sessionContext.sourceIdentity" = {text}"""
    return _asked(
        store,
        span,
        f"""
, mine AS (SELECT DISTINCT e.{_ID}accessKeyId" AS key FROM history e
    WHERE ({mine}) AND e.{_ID}accessKeyId" <> ''),
line AS (
    SELECT key FROM mine
    UNION
    SELECT e."issuedAccessKeyId" FROM line l JOIN history e ON e.{_ID}accessKeyId" = l.key
    WHERE e."issuedAccessKeyId" IS NOT NULL
)
SELECT {_COLUMNS} {_TRAIL}
WHERE ({mine}) OR e.{_ID}accessKeyId" IN (SELECT key FROM line)
ORDER BY e."eventTime", e."eventID" """,
        limit,
    )


def who(store: LogStore, resource: str, span: Span, limit: int = 0) -> pa.Table:
    """Who touched a resource (name, id or ARN) as a whole word of the call's parameters, answer or resources.

    One row a first principal: first_principal, principals, events, failed, writes, first, last, calls,
    addresses; those who changed something come first.
    """
    word = literal(rf"(^|[^A-Za-z0-9_.-])\Q{resource.replace(chr(92) + 'E', '')}\E($|[^A-Za-z0-9_.-])")
    touched = " OR ".join(
        f'(contains(e."{c}", {literal(resource)}) AND regexp_matches(e."{c}", {word}))'
        for c in ("requestParameters", "responseElements", "resources", "serviceEventDetails")
    )
    return _asked(
        store,
        span,
        f"""
SELECT first_principal, list_sort(list(DISTINCT principal)) AS principals, count(*) AS events,
       count(*) FILTER (error <> '') AS failed, count(*) FILTER (NOT "readOnly") AS writes,
       min("eventTime") AS first, max("eventTime") AS last,
       list_sort(list(DISTINCT event)) AS calls, list_sort(list(DISTINCT address)) AS addresses
FROM (SELECT {_COLUMNS}, e."readOnly" {_TRAIL}
      WHERE {touched})
GROUP BY ALL ORDER BY writes DESC, events DESC, first_principal""",
        limit,
    )


def when(store: LogStore, until: datetime, before: timedelta, subject: str = "", limit: int = 0) -> pa.Table:
    """What was changed in the time before a moment, latest first; of one resource or principal if named.

    A change is a call that did not fail and is not said to only read. Columns as `what`.
    """
    word = literal(subject)
    of = (
        f'AND (contains(e."requestParameters", {word}) OR contains(e."responseElements", {word})'
        f' OR contains(e."resources", {word}) OR contains({_WHO}, {word}))'
        if subject
        else ""
    )
    return _asked(
        store,
        Span(until - before, until),
        f"""
SELECT {_COLUMNS} {_TRAIL}
WHERE e."readOnly" IS NOT TRUE AND e."errorCode" IS NULL {of}
ORDER BY e."eventTime" DESC, e."eventID" """,
        limit,
    )


def sql(store: LogStore, query: str, span: Span = Span()) -> pa.Table:
    """The rows of a query over all log tables and `credential_chain`. Raises duckdb.Error as DuckDB does."""
    connection = store.connect(span.since, span.until)
    connection.execute(f"CREATE VIEW credential_chain AS {chains_sql(store.relation('cloudtrail'))}")
    return connection.sql(query).to_arrow_table()


def _asked(store: LogStore, span: Span, query: str, limit: int) -> pa.Table:
    # A credential may be older than what is asked about: its chain is sought in all that there is.
    history = store.relation("cloudtrail")
    text = (
        f"WITH RECURSIVE trail AS ({store.relation('cloudtrail', span.since, span.until)}),"
        f" history AS ({history}), chain AS ({chains_sql(history)}){query}"
    )
    connection = store.connect()
    return connection.sql(text + (f" LIMIT {int(limit)}" if limit else "")).to_arrow_table()


def rows(table: pa.Table, names: Sequence[str]) -> list[dict[str, Any]]:
    """Rows with only the named columns."""
    return list(table.select(list(names)).to_pylist())
