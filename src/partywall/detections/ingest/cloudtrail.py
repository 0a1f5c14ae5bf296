"""CloudTrail records as rows: typed decoding of what rules read most, and all of it in raw.

Fields as on AWS's page "CloudTrail record contents for management, data, and network activity events".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from partywall.detections.ingest.columns import compute, digest, joined, place, times
from partywall.detections.ingest.schemas import CLOUDTRAIL, LogColumn, arrow_type
from partywall.detections.ingest.state import FileReport

if TYPE_CHECKING:
    import pyarrow as pa

Text = str | None


class _Issuer(Struct, gc=False):
    type: Text = None
    principalId: Text = None
    arn: Text = None
    accountId: Text = None
    userName: Text = None


class _Attributes(Struct, gc=False):
    creationDate: Text = None
    mfaAuthenticated: Text = None


class _Federation(Struct, gc=False):
    federatedProvider: Text = None


class _Session(Struct, gc=False):
    sessionIssuer: _Issuer | None = None
    attributes: _Attributes | None = None
    webIdFederationData: _Federation | None = None
    sourceIdentity: Text = None
    ec2RoleDelivery: Text = None
    assumedRoot: Text = None


class _Behalf(Struct, gc=False):
    userId: Text = None
    identityStoreArn: Text = None


class _Identity(Struct, gc=False):
    type: Text = None
    principalId: Text = None
    arn: Text = None
    accountId: Text = None
    accessKeyId: Text = None
    userName: Text = None
    invokedBy: Text = None
    identityProvider: Text = None
    credentialId: Text = None
    onBehalfOf: _Behalf | None = None
    sessionContext: _Session | None = None


class _Tls(Struct, gc=False):
    tlsVersion: Text = None
    cipherSuite: Text = None
    clientProvidedHostHeader: Text = None


class Record(Struct, gc=False):
    """The fields of a CloudTrail record that have columns of their own."""

    eventTime: Text = None
    eventID: Text = None
    eventName: Text = None
    eventSource: Text = None
    awsRegion: Text = None
    recipientAccountId: Text = None
    eventType: Text = None
    eventCategory: Text = None
    eventVersion: Text = None
    apiVersion: Text = None
    requestID: Text = None
    sharedEventID: Text = None
    sourceIPAddress: Text = None
    userAgent: Text = None
    errorCode: Text = None
    errorMessage: Text = None
    vpcEndpointId: Text = None
    vpcEndpointAccountId: Text = None
    sessionCredentialFromConsole: Text = None
    readOnly: bool | None = None
    managementEvent: bool | None = None
    userIdentity: _Identity | None = None
    tlsDetails: _Tls | None = None
    requestParameters: Raw | UnsetType = UNSET
    responseElements: Raw | UnsetType = UNSET
    additionalEventData: Raw | UnsetType = UNSET
    resources: Raw | UnsetType = UNSET
    serviceEventDetails: Raw | UnsetType = UNSET
    insightDetails: Raw | UnsetType = UNSET
    edgeDeviceDetails: Raw | UnsetType = UNSET
    addendum: Raw | UnsetType = UNSET


class _Key(Struct, gc=False):
    accessKeyId: Text = None


class _Issued(Struct, gc=False):
    credentials: _Key | None = None
    accessKey: _Key | None = None


_DECODE: Final = msgspec.json.Decoder(Record).decode
_ISSUED: Final = msgspec.json.Decoder(_Issued).decode
_ANY: Final = msgspec.json.Decoder().decode
# Made of more than the field of that name.
_MADE: Final = ("issuedAccessKeyId", "raw", "id", "account", "region", "date", "source")
_JSON: Final = frozenset(c.name for c in CLOUDTRAIL.columns if c.kind == "json" and c.name != "raw")
_EMPTY: Final[dict[str, Any]] = {
    "userIdentity": _Identity(),
    "tlsDetails": _Tls(),
    "userIdentity.onBehalfOf": _Behalf(),
    "userIdentity.sessionContext": _Session(),
    "userIdentity.sessionContext.sessionIssuer": _Issuer(),
    "userIdentity.sessionContext.attributes": _Attributes(),
    "userIdentity.sessionContext.webIdFederationData": _Federation(),
}
# Whose answers hold a new access key; from the API references of STS, IAM and S3.
ISSUERS: Final = frozenset(
    [
        "AssumeRole",
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "AssumeRoot",
        "GetSessionToken",
        "GetFederationToken",
        "CreateAccessKey",
        "CreateSession",
    ]
)
UUID: Final = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_NIL: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(slots=True)
class Trail:
    """CloudTrail records and, at the same places, their text."""

    raws: list[Raw] = field(default_factory=list[Raw])
    records: list[Record] = field(default_factory=list[Record])


def read(raws: Sequence[Raw], trail: Trail, report: FileReport) -> list[Raw]:
    """Adds the CloudTrail records among JSON values; returns the values that are something else."""
    try:
        records = list(map(_DECODE, raws))
    except (msgspec.DecodeError, RecursionError):
        records = []
    # Names repeat: to look at each different one once is to look at all.
    if records and None not in {r.eventName for r in records}:
        sources = {r.eventSource for r in records}
        if None not in sources and not any(str(source).startswith("aws:") for source in sources):
            trail.raws += raws
            trail.records += records
            return []
    return _read_each(raws, trail, report)


def _read_each(raws: Iterable[Raw], trail: Trail, report: FileReport) -> list[Raw]:
    others: list[Raw] = []
    for raw in raws:
        try:
            record = _DECODE(raw)
        except (msgspec.DecodeError, RecursionError):
            record = _lenient(raw)
            if record is not None and record.eventName is not None:
                report.problem("field of another type", bytes(raw)[:120].decode(errors="replace"))
        # S3's notifications have both names too: theirs come from aws:s3.
        if record is None or record.eventName is None or (record.eventSource or "aws:")[:4] == "aws:":
            others.append(raw)
        else:
            trail.raws.append(raw)
            trail.records.append(record)
    return others


def _lenient(raw: Raw) -> Record | None:
    try:
        value = _ANY(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    return _coerced(Record, value) if isinstance(value, dict) else None


def _coerced(type_: type[Any], value: Any) -> Any:
    """A struct of what can be had of a JSON object: as text where text should be."""
    given: dict[str, Any] = {}
    if not isinstance(value, dict):
        return type_()
    for known in msgspec.structs.fields(type_):
        if known.name not in value:
            continue
        item = value[known.name]
        if known.name in _JSON and type_ is Record:
            given[known.name] = Raw(msgspec.json.encode(item))
        elif item is None:
            continue
        elif known.type == (bool | None):
            given[known.name] = {"true": True, "false": False}.get(str(item).lower())
        elif known.type == Text:
            given[known.name] = item if isinstance(item, str) else msgspec.json.encode(item).decode()
        else:
            given[known.name] = _coerced(known.type.__args__[0], item)
    return type_(**given)


def batch(trail: Trail, source: str, report: FileReport) -> pa.Table:
    """Rows of the table `cloudtrail`."""
    import pyarrow as pa

    raws, records = trail.raws, trail.records
    columns: dict[str, Any] = {}
    objects: dict[str, list[Any]] = {"": records}
    for path, empty in _EMPTY.items():
        parent, _, name = path.rpartition(".")
        if parent in objects:
            found = list(map(attrgetter(name), objects[parent]))
            missing = found.count(None)
            if missing < len(found):
                objects[path] = [value or empty for value in found] if missing else found
    for column in CLOUDTRAIL.columns:
        if column.kind != "time" and column.name not in _MADE:
            parent, _, name = column.name.rpartition(".")
            values = list(map(attrgetter(name), objects[parent])) if parent in objects else []
            columns[column.name] = _array(values, column, len(records))
    columns["eventTime"] = times([r.eventTime for r in records], report)
    columns["issuedAccessKeyId"] = _issued_keys(records)
    columns["raw"] = joined(raws)
    columns["id"] = ids(columns["eventID"], raws)
    accounts = [r.recipientAccountId or (r.userIdentity and r.userIdentity.accountId) for r in records]
    columns.update(place(accounts, [r.awsRegion for r in records], columns["eventTime"], source))
    return pa.table([columns[c.name] for c in CLOUDTRAIL.columns], schema=CLOUDTRAIL.arrow())


def _array(values: list[Any], column: LogColumn, count: int) -> pa.Array:
    """A column; most columns of most batches are wholly NULL, which is told at once."""
    import pyarrow as pa

    type_ = arrow_type(column.kind)
    if column.kind == "json":
        if values.count(UNSET) == count:
            return pa.nulls(count, type_)
        texts = [b"null" if v is UNSET else bytes(v) for v in values]
        return pa.array([None if t == b"null" else t for t in texts], type_)
    if values.count(None) == len(values):
        return pa.nulls(count, type_)
    return pa.array(values, type_)


def _issued_keys(records: list[Record]) -> pa.Array:
    import pyarrow as pa

    if ISSUERS.isdisjoint({r.eventName for r in records}):
        return pa.nulls(len(records), pa.string())
    keys = [_issued(r.responseElements) if r.eventName in ISSUERS else None for r in records]
    return pa.array(keys, pa.string())


def _issued(answer: Raw | UnsetType) -> str | None:
    if answer is UNSET:
        return None
    try:
        issued = _ISSUED(answer)
    except msgspec.DecodeError:
        return None
    key = (issued.credentials or issued.accessKey) if issued else None
    return key.accessKeyId if key else None


def ids(event_ids: pa.Array, raws: Sequence[Raw]) -> pa.Array:
    """The eventIDs that are UUIDs; a hash of the record in place of all others."""
    import pyarrow as pa

    pc = compute()

    usable = pc.and_kleene(pc.match_substring_regex(event_ids, UUID), pc.not_equal(event_ids, _NIL))
    usable = pc.fill_null(usable, False)
    if pc.all(usable).as_py():
        return event_ids
    hashed = [None if ok else digest(raw) for ok, raw in zip(usable.to_pylist(), raws, strict=True)]
    return pc.if_else(usable, event_ids, pa.array(hashed, pa.string()))
