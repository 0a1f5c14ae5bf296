"""Fetches a report from AWS Artifact once a person accepted its terms; keeps hash, size and pointer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from partywall.errors import UserError
from partywall.evidence.events import append, read_events, recording
from partywall.lake.writer import write_error

KIND: Final = "artifact-report"
_MOST: Final = 512 << 20
_TIMEOUT: Final = 60.0


class FetchedReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report that somebody fetched: never its text, only what it was and who accepted which terms."""

    report: str
    version: int
    arn: str
    name: str
    sha256: str
    size: int
    terms_sha256: str
    terms_size: int
    accepted_by: str
    accepted_at: datetime
    account_id: str
    period_start: date | None = None
    period_end: date | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a report, as a person is asked to accept them."""

    name: str
    report: str
    version: int
    sha256: str
    size: int
    document: bytes


def fetch(
    client: Any,
    account_id: str,
    report: str,
    version: int | None,
    accept: Callable[[Terms], str],
    *,
    to: Path | None = None,
    download: Callable[[str], bytes] | None = None,
    now: datetime | None = None,
) -> tuple[FetchedReport, bytes]:
    """Fetches a report over a botocore client of Artifact; with `to`, writes it there and nowhere else.

    `accept` is asked with the terms and answers with the name of the person who accepts them, or "".
    Pages: "GetTermForReport" and "GetReport" of AWS Artifact's API reference. Raises UserError where AWS
    refuses, nobody accepts, or the file cannot be written.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    get = download or _download
    which: dict[str, Any] = {"reportId": report} | ({"reportVersion": version} if version else {})
    try:
        detail = client.get_report_metadata(**which)["reportDetails"]
        which["reportVersion"] = detail["version"]
        term = client.get_term_for_report(**which)
    except (ClientError, BotoCoreError, KeyError) as error:
        raise UserError(f"AWS Artifact does not tell the terms of {report}: {error}") from error
    document = get(term["documentPresignedUrl"])
    terms = Terms(
        detail.get("name", report),
        report,
        detail["version"],
        hashlib.sha256(document).hexdigest(),
        len(document),
        document,
    )
    person = accept(terms).strip()
    if not person:
        raise UserError(f"nobody accepted the terms of {terms.name}, so it was not fetched")
    accepted = now or datetime.now(UTC)
    try:
        answer = client.get_report(**which, termToken=term["termToken"])
    except (ClientError, BotoCoreError) as error:
        raise UserError(f"AWS Artifact does not give {report}: {error}") from error
    content = get(answer["documentPresignedUrl"])
    if to is not None:
        try:
            with to.open("xb") as file:
                file.write(content)
        except FileExistsError:
            raise UserError(f"{to} exists already; name another file") from None
        except OSError as error:
            raise write_error(to, error) from error
    return (
        FetchedReport(
            report=report,
            version=detail["version"],
            arn=detail.get("arn", ""),
            name=terms.name,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            terms_sha256=terms.sha256,
            terms_size=terms.size,
            accepted_by=person,
            accepted_at=accepted,
            account_id=account_id,
            period_start=_day(detail.get("periodStart")),
            period_end=_day(detail.get("periodEnd")),
        ),
        content,
    )


def keep(data: Path, fetched: FetchedReport, now: datetime | None = None) -> None:
    """Records in a data directory that a report was fetched, beside the attestations."""
    with recording(data) as events:
        append(data, events, KIND, fetched, now)


def fetched_reports(data: Path) -> list[FetchedReport]:
    """The reports that were fetched, oldest first. Raises UserError for changed records."""
    return [msgspec.convert(e.body, FetchedReport) for e in read_events(data) if e.kind == KIND]


def _download(url: str) -> bytes:
    from urllib.error import URLError
    from urllib.request import urlopen

    place = urlsplit(url)
    if place.scheme != "https" and place.hostname not in ("localhost", "127.0.0.1"):
        raise UserError("AWS Artifact gave an address that is not https, so nothing was fetched from it")
    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:
            content: bytes = answer.read(_MOST + 1)
    except (URLError, OSError, ValueError) as error:
        # The address is signed, and whoever has it may read the document: it is not told.
        raise UserError(f"the document could not be fetched: {type(error).__name__}") from None
    if len(content) > _MOST:
        raise UserError(f"the document is larger than {_MOST >> 20} MB")
    return content


def _day(moment: Any) -> date | None:
    return moment.astimezone(UTC).date() if isinstance(moment, datetime) else None
