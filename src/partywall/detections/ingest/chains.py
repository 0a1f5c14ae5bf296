"""Who is behind a session: temporary credentials followed back to the first principal."""

from __future__ import annotations

from typing import Final

_IDENTITY: Final = '"userIdentity.'
_LONGEST: Final = 20


def chains_sql(relation: str) -> str:
    """SELECT over CloudTrail events: one row for each access key that an event of `relation` issued.

    accessKeyId, the key issued; parentAccessKeyId, the key that asked for it; firstAccessKeyId, firstArn,
    firstType, those of the principal that the chain began with (a user, root, a federated identity, an AWS
    service, or the earliest session whose issue is not among the events); depth, how many credentials lie
    between; arns, the identities from the first on; issuedAt, when; sourceIPAddress, from where.
    """
    return f"""
WITH RECURSIVE issue AS (
    SELECT "issuedAccessKeyId" AS child,
           arg_min({_IDENTITY}accessKeyId", "eventTime") AS parent,
           arg_min(coalesce({_IDENTITY}arn", {_IDENTITY}userName", {_IDENTITY}invokedBy",
                            {_IDENTITY}principalId", {_IDENTITY}type"), "eventTime") AS arn,
           arg_min({_IDENTITY}type", "eventTime") AS type,
           arg_min("sourceIPAddress", "eventTime") AS address,
           min("eventTime") AS issued_at
    FROM ({relation}) WHERE "issuedAccessKeyId" IS NOT NULL GROUP BY 1
), chain AS (
    SELECT child AS key, parent, parent AS first_key, arn AS first_arn, type AS first_type, 1 AS depth,
           [arn] AS arns, issued_at, address
    FROM issue
    UNION ALL
    SELECT c.key, c.parent, i.parent, i.arn, i.type, c.depth + 1, list_prepend(i.arn, c.arns),
           c.issued_at, c.address
    FROM chain c JOIN issue i ON i.child = c.first_key
    WHERE c.depth < {_LONGEST} AND c.first_key <> c.key
)
SELECT key AS "accessKeyId", parent AS "parentAccessKeyId", first_key AS "firstAccessKeyId",
       first_arn AS "firstArn", first_type AS "firstType", depth, arns, issued_at AS "issuedAt",
       address AS "sourceIPAddress"
FROM chain QUALIFY row_number() OVER (PARTITION BY key ORDER BY depth DESC) = 1"""
