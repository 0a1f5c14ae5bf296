"""Who is behind a session: credentials followed back to the principal that got the first of them.

An access key opens a session (AssumeRole, GetSessionToken, GetFederationToken), the session assumes a role,
the role another: each call's answer names the key that it made, and later calls name the key that they use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from partywall.detections.sigma.fields import Fields

if TYPE_CHECKING:
    import duckdb

PRINCIPAL: Final = "partywall.principal"
"""The field, in the group-by of a correlation, whose value is the first principal of an event's chain."""

IDENTITY: Final = tuple(
    f"userIdentity.{name}" for name in ("accessKeyId", "arn", "principalId", "accountId", "invokedBy")
)
"""The fields that tell who called, in the order in which `Chains.first` takes them."""

_ISSUED: Final = "responseElements.credentials.accessKeyId"
_LONGEST: Final = 32


def name(identity: tuple[str | None, ...]) -> str:
    """A caller's ARN, or what else there is to call it by."""
    _, arn, principal, account, service = identity
    return arn or principal or service or account or "unknown"


@dataclass(slots=True)
class Chains:
    """Who made each session's key: key -> the identity of the call that made it."""

    makers: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict[str, tuple[str | None, ...]])

    def first(self, identity: tuple[str | None, ...]) -> str:
        """The name of the first principal of the chain that ends in this identity."""
        for _ in range(_LONGEST):
            maker = self.makers.get(identity[0] or "")
            if maker is None or maker[0] == identity[0]:
                break
            identity = maker
        return name(identity)


def learn(connection: duckdb.DuckDBPyConnection, relation: str, fields: Fields) -> Chains:
    """The chains that the calls of STS in some events tell of; those made by a service itself start anew."""
    column, rest = fields.locate(_ISSUED)
    issued = column.sql
    if rest:
        path = "$" + "".join(f'."{step}"' for step in rest.split("."))
        issued = f"json_extract_string(TRY_CAST({column.sql} AS JSON), '{path}')"
    source = fields.locate("eventSource")[0].sql
    who = ", ".join(fields.locate(each)[0].sql for each in IDENTITY)
    kind = fields.locate("userIdentity.type")[0].sql
    found = connection.execute(
        f"SELECT {issued}, {who} FROM ({relation}) WHERE {source} = 'sts.amazonaws.com'"
        f" AND {kind} IS DISTINCT FROM 'AWSService' AND {issued} IS NOT NULL ORDER BY {fields.event_time}"
    ).fetchall()
    makers: dict[str, tuple[str | None, ...]] = {}
    for key, *identity in found:
        # The same call is in the trails of both accounts; only the caller's own tells its key.
        if identity[0] or key not in makers:
            makers[key] = tuple(identity)
    return Chains(makers)
