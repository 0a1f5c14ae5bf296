"""S3 server access logs and load balancers' access logs as rows, line by line.

Fields as on AWS's pages "Amazon S3 server access log format", "Access logs for your Application Load
Balancer", "Access logs for your Network Load Balancer" and "Access logs for your Classic Load Balancer".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.ingest.columns import digest, place, times
from partywall.detections.ingest.schemas import TABLES, LogColumn, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.detections.ingest.state import FileReport

# A quoted field ends at a quote before a blank: user agents may hold quotes of their own.
_FIELD: Final = re.compile(r'"(.*?)"(?=[ \t]|$)|\[([^\]]*)\]|(\S+)')
_S3: Final = [
    "bucket_owner",
    "bucket",
    "time",
    "remote_ip",
    "requester",
    "request_id",
    "operation",
    "key",
    "request_uri",
    "http_status",
    "error_code",
    "bytes_sent",
    "object_size",
    "total_time",
    "turn_around_time",
    "referer",
    "user_agent",
    "version_id",
    "host_id",
    "signature_version",
    "cipher_suite",
    "authentication_type",
    "host_header",
    "tls_version",
    "access_point_arn",
    "acl_required",
]
_APPLICATION: Final = [
    "type",
    "time",
    "elb",
    "client",
    "target",
    "request_processing_time",
    "target_processing_time",
    "response_processing_time",
    "elb_status_code",
    "target_status_code",
    "received_bytes",
    "sent_bytes",
    "request",
    "user_agent",
    "ssl_cipher",
    "ssl_protocol",
    "target_group_arn",
    "trace_id",
    "domain_name",
    "chosen_cert_arn",
    "matched_rule_priority",
    "request_creation_time",
    "actions_executed",
    "redirect_url",
    "error_reason",
    "target_list",
    "target_status_code_list",
    "classification",
    "classification_reason",
]
_NETWORK: Final = [
    "type",
    "version",
    "time",
    "elb",
    "listener",
    "client",
    "target",
    "connection_time",
    "tls_handshake_time",
    "received_bytes",
    "sent_bytes",
    "incoming_tls_alert",
    "chosen_cert_arn",
    "chosen_cert_serial",
    "ssl_cipher",
    "ssl_protocol",
    "tls_named_group",
    "domain_name",
]
_CLASSIC: Final = [
    "time",
    "elb",
    "client",
    "target",
    "request_processing_time",
    "target_processing_time",
    "response_processing_time",
    "elb_status_code",
    "target_status_code",
    "received_bytes",
    "sent_bytes",
    "request",
    "user_agent",
    "ssl_cipher",
    "ssl_protocol",
]
_S3_TIME: Final = "%d/%b/%Y:%H:%M:%S %z"
_LEAST: Final = {"s3": 18, "application": 12, "network": 11, "classic": 11}


def s3_access(lines: Sequence[str], source: str, where: Place, report: FileReport) -> pa.Table:
    """Rows of the table `s3_access`."""
    rows: list[dict[str, str]] = []
    for line in lines:
        fields = _fields(line)
        if len(fields) < _LEAST["s3"]:
            _broken(report, line)
            continue
        row = dict(zip(_S3, fields, strict=False))
        row["time"] = _iso(row["time"])
        row["raw"] = line
        rows.append(row)
    return _table("s3_access", rows, source, where, report)


def elb_access(lines: Sequence[str], source: str, where: Place, report: FileReport) -> pa.Table:
    """Rows of the table `elb_access`."""
    rows: list[dict[str, str]] = []
    for line in lines:
        fields = _fields(line)
        kind, names = "classic", _CLASSIC
        if fields and not fields[0][:1].isdigit():
            network = fields[0] in ("tls", "tcp", "quic")
            kind, names = ("network", _NETWORK) if network else ("application", _APPLICATION)
        if len(fields) < _LEAST[kind]:
            _broken(report, line)
            continue
        row = dict(zip(names, fields, strict=False))
        for side in ("client", "target"):
            # IPv6 addresses have colons too: the port is after the last.
            address, _, port = row.pop(side, "-").rpartition(":")
            row[f"{side}_ip"], row[f"{side}_port"] = address.strip("[]"), port
        row["balancer"], row["raw"] = kind, line
        rows.append(row)
    return _table("elb_access", rows, source, where, report)


Place = tuple[str | None, str | None]
"""Account and Region that the path of the file tells."""


def _fields(line: str) -> list[str]:
    return [m[1] if m[1] is not None else m[2] if m[2] is not None else m[3] for m in _FIELD.finditer(line)]


def _broken(report: FileReport, line: str) -> None:
    report.rejected += 1
    report.problem("broken line", line)


def _iso(text: str) -> str:
    try:
        return datetime.strptime(text, _S3_TIME).isoformat()
    except ValueError:
        return text


def _table(name: str, rows: list[dict[str, str]], source: str, where: Place, report: FileReport) -> pa.Table:
    import pyarrow as pa

    table = TABLES[name]
    columns: dict[str, Any] = {
        c.name: pa.array([_value(c, row.get(c.name)) for row in rows], arrow_type(c.kind))
        for c in table.columns
        if c.kind != "time"
    }
    columns["time"] = times([row.get("time") for row in rows], report)
    columns["id"] = pa.array([digest(row["raw"].encode()) for row in rows], pa.string())
    arns = [row.get("target_group_arn", "").split(":") for row in rows]
    accounts = [where[0] or (arn[4] if len(arn) > 5 else None) for arn in arns]
    regions = [where[1] or (arn[3] if len(arn) > 5 else None) for arn in arns]
    columns.update(place(accounts, regions, columns["time"], source))
    return pa.table([columns[c.name] for c in table.columns], schema=table.arrow())


def _value(column: LogColumn, text: str | None) -> Any:
    if text is None or text in ("-", ""):
        return None
    if column.kind not in ("int", "float"):
        return text
    try:
        return int(text) if column.kind == "int" else float(text)
    except (ValueError, OverflowError):
        return None
