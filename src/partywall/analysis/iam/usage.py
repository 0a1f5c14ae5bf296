"""What a principal used, by files of CloudTrail events: each action, on which resources, when last.

AWS CloudTrail User Guide: CloudTrail record contents; CloudTrail userIdentity element; Finding your
CloudTrail log files.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import orjson

from partywall.analysis.iam.usage_actions import used_by
from partywall.errors import UserError

_LARGEST: Final = 1_000_000_000
_ENDINGS: Final = (".json", ".json.gz", ".jsonl", ".ndjson", ".jsonl.gz")
# CloudTrail User Guide, record contents (errorCode); EC2 names its own.
_DENIED: Final = frozenset(
    (
        "accessdenied",
        "accessdeniedexception",
        "accessdeniederror",
        "authorizationerror",
        "authorizationerrorexception",
        "client.unauthorizedoperation",
        "forbidden",
        "notauthorized",
        "notauthorizedexception",
        "unauthorizedoperation",
        "unauthorizedaccess",
    )
)
_MOST: Final = 10_000


@dataclass(slots=True)
class Use:
    """How an action was used: `resources` ARN -> last time; `unknown` where some event named none."""

    action: str
    last: datetime
    count: int = 0
    resources: dict[str, datetime] = field(default_factory=dict[str, datetime])
    unknown: bool = False


@dataclass(slots=True)
class Usage:
    """The events of a principal, and what the files tell of their own coverage."""

    uses: dict[str, Use] = field(default_factory=dict[str, Use])
    """By action in lower case."""
    unmapped: dict[str, int] = field(default_factory=dict[str, int])
    """`source:event` whose IAM action is not known -> how many."""
    data_sources: set[str] = field(default_factory=set[str])
    """Prefixes of services of which there are data events, of whomever."""
    first: datetime | None = None
    """The earliest event of anyone, and the latest: what lies between is covered."""
    last: datetime | None = None
    events: int = 0
    """All events read."""
    own: int = 0
    """Those of the principal, denied ones left out."""
    since: datetime | None = None


def read(paths: Iterable[Path], arn: str, since: datetime | None = None) -> Usage:
    """What the principal with that ARN (a user, a role with all its sessions, a root) used.

    Files and directories of what CloudTrail delivers (JSON, gzipped or not), of
    `aws cloudtrail lookup-events`, or of one event a line. Raises UserError for one that is none of
    these, and where there are no events.
    """
    usage = Usage(since=since)
    for path in paths:
        for file in _files(path):
            for event in _events(file):
                _add(usage, event, arn, since)
    if not usage.events:
        raise UserError(
            "the files hold no CloudTrail events: give --events what CloudTrail wrote to its bucket"
        )
    return usage


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise UserError(f"{path} is neither a file nor a directory: give --events what CloudTrail wrote")
    for file in sorted(path.rglob("*")):
        # Digests of log files stand in the same bucket.
        if file.is_file() and file.name.endswith(_ENDINGS) and "CloudTrail-Digest" not in file.parts:
            yield file


def _text(file: Path) -> bytes:
    try:
        raw = file.read_bytes()
        if raw[:2] != b"\x1f\x8b":
            return raw
        with gzip.open(file) as stream:
            text = stream.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file} cannot be read ({error}): give files of CloudTrail") from error
    if len(text) > _LARGEST:
        raise UserError(f"{file} is larger than {_LARGEST} bytes unpacked: give the events in smaller files")
    return text


def _events(file: Path) -> Iterator[Mapping[str, Any]]:
    text = _text(file)
    try:
        raw: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        try:
            raw = [orjson.loads(line) for line in text.splitlines() if line.strip()]
        except orjson.JSONDecodeError:
            raise UserError(f"{file} is not JSON ({error}): give files of CloudTrail events") from error
    if isinstance(raw, dict):
        body = cast("dict[str, Any]", raw)
        raw = body.get("Records", body.get("Events", [body] if "eventName" in body else None))
    if not isinstance(raw, list):
        raise UserError(f"{file} holds no list Records: give files of CloudTrail events")
    for item in cast("list[Any]", raw):
        if not isinstance(item, dict):
            raise UserError(f"{file} holds an event that is no object: give files of CloudTrail events")
        event = cast("dict[str, Any]", item)
        inner = event.get("CloudTrailEvent")
        if isinstance(inner, str):
            try:
                event = orjson.loads(inner)
            except orjson.JSONDecodeError as error:
                raise UserError(f"{file} holds an event that is not JSON ({error})") from error
        if isinstance(event, dict) and isinstance(event.get("eventName"), str):  # pyright: ignore[reportUnnecessaryIsInstance]
            yield event


def who(event: Mapping[str, Any]) -> str:
    """The ARN of the user, role or root in whose name an event was; "" where it tells none."""
    identity = event.get("userIdentity")
    if not isinstance(identity, dict):
        return ""
    body = cast("dict[str, Any]", identity)
    context = body.get("sessionContext")
    issuer = cast("dict[str, Any]", context).get("sessionIssuer") if isinstance(context, dict) else None
    if isinstance(issuer, dict) and isinstance(named := cast("dict[str, Any]", issuer).get("arn"), str):
        return named
    arn = body.get("arn")
    return arn if isinstance(arn, str) else ""


def _time(event: Mapping[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(event.get("eventTime")))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _add(usage: Usage, event: Mapping[str, Any], arn: str, since: datetime | None) -> None:
    moment = _time(event)
    if moment is None:
        return
    usage.events += 1
    usage.first = moment if usage.first is None else min(usage.first, moment)
    usage.last = moment if usage.last is None else max(usage.last, moment)
    if event.get("eventCategory") == "Data" or event.get("managementEvent") is False:
        from partywall.analysis.iam.usage_actions import prefix_of

        usage.data_sources.add(prefix_of(str(event.get("eventSource") or "")))
    if who(event) != arn or (since is not None and moment < since):
        return
    if str(event.get("errorCode") or "").lower() in _DENIED:
        # What is denied is not used; the policies did not allow it.
        return
    usage.own += 1
    used = used_by(event)
    if used is None:
        name = f"{event.get('eventSource')}:{event.get('eventName')}"
        usage.unmapped[name] = usage.unmapped.get(name, 0) + 1
        return
    for action, resources in used:
        use = usage.uses.get(action.lower())
        if use is None:
            use = usage.uses[action.lower()] = Use(action, moment)
        use.last = max(use.last, moment)
        use.count += 1
        if resources is None or len(use.resources) >= _MOST:
            use.unknown = True
        else:
            for resource in resources:
                use.resources[resource] = max(moment, use.resources.get(resource, moment))
