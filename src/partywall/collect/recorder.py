"""Records the raw HTTP answers of a scan, and replays them through the same parsers, faults included."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from partywall.aws.answers import CallFailed, Outcome
from partywall.aws.credentials import Credentials
from partywall.aws.transport import fingerprint, parse_raw
from partywall.errors import UserError

_KEPT_HEADERS: Final = ("content-type", "x-amzn-errortype", "x-amz-bucket-region", "x-amzn-query-error")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One HTTP answer: which request it answers, and what came back."""

    key: str
    service: str
    region: str
    operation: str
    params: str
    status: int
    headers: dict[str, str]
    body: bytes


class Recording:
    """Raw answers by request fingerprint; the last answer to a request wins (earlier ones were retried).

    Used as a transport's `observer`, it fills itself.
    """

    def __init__(self) -> None:
        self._answers: dict[str, Recorded] = {}

    def __call__(
        self,
        key: str,
        service: str,
        region: str,
        operation: str,
        params: Mapping[str, Any],
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        kept = {k.lower(): v for k, v in headers.items() if k.lower() in _KEPT_HEADERS}
        text = orjson.dumps(dict(params), default=str, option=orjson.OPT_SORT_KEYS).decode()
        self._answers[key] = Recorded(key, service, region, operation, text, status, kept, body)

    def __len__(self) -> int:
        return len(self._answers)

    def __iter__(self) -> Iterator[Recorded]:
        return iter(self._answers.values())

    def get(self, key: str) -> Recorded | None:
        """The answer to a request, None where it was never made."""
        return self._answers.get(key)

    def save(self, path: Path) -> None:
        """Writes the answers as zstd-compressed JSON lines; credentials are never part of them."""
        import pyarrow as pa

        lines = [
            orjson.dumps(
                {
                    "key": a.key,
                    "service": a.service,
                    "region": a.region,
                    "operation": a.operation,
                    "params": a.params,
                    "status": a.status,
                    "headers": a.headers,
                    "body": base64.b64encode(a.body).decode(),
                }
            )
            for a in self
        ]
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(b"\n".join(lines))

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Reads what `save` wrote; raises UserError where it is not a recording."""
        import pyarrow as pa

        recording = cls()
        try:
            with pa.CompressedInputStream(str(path), "zstd") as stream:
                text = stream.read()
            for line in text.splitlines():
                entry = orjson.loads(line)
                entry["body"] = base64.b64decode(entry["body"])
                recording._answers[entry["key"]] = Recorded(**entry)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path} is not a recording of a scan: {error}") from error
        return recording


Fault = Callable[[str, str, str, str, Mapping[str, Any]], CallFailed | None]
"""(account id, region, service, operation, params) -> the failure to answer with, or None."""


class ReplayTransport:
    """Answers from a recording through the parsers that live answers go through.

    A request that was not recorded fails with the code NotRecorded: it is unknown, never empty.
    """

    def __init__(self, recording: Recording, fault: Fault | None = None) -> None:
        self._recording = recording
        self._fault = fault
        self.calls: list[tuple[str, str, str, str]] = []
        """(account id, region, service, operation) of every call, in order."""

    async def call(
        self, service: str, region: str, credentials: Credentials, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The recorded answer, parsed. Raises CallFailed as the live transport does."""
        account = credentials.account_id
        self.calls.append((account, region, service, operation))
        failure = self._fault(account, region, service, operation, params) if self._fault else None
        if failure is not None:
            raise failure
        found = self._recording.get(fingerprint(account, service, region, operation, params))
        if found is None:
            raise CallFailed(
                "NotRecorded", "the recording has no answer to this", outcome=Outcome.ERROR, retryable=False
            )
        return parse_raw(service, operation, found.status, found.headers, found.body)

    async def close(self) -> None:
        """Nothing to release."""
