"""The page's data: columns of dictionary codes as JSON, gzipped, in base64."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Generic, TypeVar

from partywall.outputs.native import check_info, scan_info
from partywall.outputs.rows import rows
from partywall.outputs.scope import DENIERS, REASONS
from partywall.outputs.summary import Counts, summarise

if TYPE_CHECKING:
    from partywall.findings.model import Report

Key = TypeVar("Key", bound=Hashable)

_GZIP: Final = 16 + zlib.MAX_WBITS


class _Codes(Generic[Key]):
    """Distinct values in the order of their first use, and the code of each finding's."""

    def __init__(self) -> None:
        self.values: dict[Key, int] = {}
        self.column: list[int] = []

    def add(self, value: Key) -> None:
        self.column.append(self.values.setdefault(value, len(self.values)))


class _Base64:
    """Binary in, base64 out, piece by piece."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        self._rest = b""

    def write(self, data: bytes) -> None:
        self._out(self._compressor.compress(data))

    def close(self) -> None:
        self._out(self._compressor.flush())
        self._stream.write(base64.b64encode(self._rest))

    def _out(self, data: bytes) -> None:
        data = self._rest + data
        whole = len(data) - len(data) % 3
        self._rest = data[whole:]
        self._stream.write(base64.b64encode(data[:whole]))


def write_payload(report: Report, stream: BinaryIO) -> None:
    """Writes the payload; `assets/data.js` reads it."""
    import orjson

    out = _Base64(stream)
    separator = b"{"

    def member(name: str, value: Any) -> None:
        nonlocal separator
        out.write(separator + b'"' + name.encode() + b'":' + orjson.dumps(value, default=str))
        separator = b","

    member("scan", scan_info(report))
    _write_summary(report, member)
    member("reasons", REASONS)
    member("deniers", DENIERS)
    member("checks", {check_id: check_info(check) for check_id, check in report.checks.items()})
    _write_findings(report, member)
    for name, page in report.pages().items():
        member(name, page)
    out.write(b"}")
    out.close()


def _write_summary(report: Report, member: Any) -> None:
    summary = summarise(report)
    member(
        "summary",
        {"checks": summary.checks, "resources": summary.resources, "calls": summary.calls}
        | {"counts": _figures(summary.counts)},
    )
    member("services", {name: _figures(counts) for name, counts in summary.by_service.items()})
    member(
        "heat",
        [
            [service, severity, *_figures(counts)]
            for (service, severity), counts in summary.by_service_severity.items()
        ],
    )
    member(
        "unseen",
        [
            {
                "service": unseen.service,
                "operation": unseen.operation,
                "outcome": unseen.outcome,
                "code": unseen.error_code,
                "denied_by": unseen.denied_by,
                "count": unseen.count,
                "accounts": sorted(filter(None, unseen.accounts)),
                "regions": sorted(filter(None, unseen.regions)),
            }
            for unseen in summary.unseen
        ],
    )


def _figures(counts: Counts) -> list[int]:
    return [counts.fail, counts.unknown, counts.passed, counts.not_applicable]


def _write_findings(report: Report, member: Any) -> None:
    names = ("check_id", "account_id", "region", "status", "severity", "state", "message", "exception")
    plain: dict[str, _Codes[str]] = {name: _Codes() for name in (*names, "priority_why")}
    times: dict[str, _Codes[int]] = {name: _Codes() for name in ("first_seen", "changed_at", "resolved_at")}
    resources: _Codes[tuple[str, str, str]] = _Codes()
    unknown: _Codes[tuple[str, ...]] = _Codes()
    priorities: list[int] = []
    ids: list[str] = []
    for row in rows(report, "ms"):
        for name, codes in plain.items():
            codes.add(getattr(row, name))
        for name, codes in times.items():
            codes.add((getattr(row, name) or 0) // 1000)
        resources.add((row.resource_arn, row.resource_name, row.resource_type))
        unknown.add(
            (
                row.unknown_operation,
                row.unknown_region,
                row.unknown_outcome,
                row.unknown_code,
                row.unknown_denied_by,
            )
        )
        priorities.append(row.priority)
        ids.append(row.finding_id)
    for name, codes in (*plain.items(), *times.items(), ("unknown", unknown), ("resource", resources)):
        member(name, {"values": list(codes.values), "codes": codes.column})
    member("priority", priorities)
    member("ids", "".join(ids))
