"""Reads a file of OCSF or ASFF findings: a JSON array, an object that holds one, or one object a line.

What is no finding is counted with the line that it begins on; the rest of the file is read all the same.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from partywall.detections.detection import Detection
from partywall.detections.imports.asff import from_asff
from partywall.detections.imports.ocsf import from_ocsf
from partywall.detections.imports.same import same
from partywall.detections.run.store import DetectionStore, Found
from partywall.errors import UserError

_MOST_BYTES: Final = 1 << 30
_HOLDERS: Final = ("Findings", "findings")
_SPACE: Final = re.compile(r"[\s,\x1e]*")


@dataclass(slots=True)
class Imported:
    """What a file came to. `joined`: findings that ours tell of, too; `problems`: (line, what is wrong)."""

    findings: int = 0
    fresh: int = 0
    known: int = 0
    joined: int = 0
    rejected: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


def take_in(path: Path, data: Path, now: datetime | None = None) -> Imported:
    """Stores the findings of a file. Raises UserError where it cannot be read at all."""
    now = now or datetime.now(UTC)
    done = Imported()
    found = list(read(_text(path), done))
    store = DetectionStore(data)
    try:
        run = store.begin(now)
        done.findings = len(found)
        done.fresh, grown = store.add((Found(each) for each in found), run, now)
        done.known = len(found) - done.fresh - grown
        alike = same([kept.detection for kept in store.detections()])
    finally:
        store.close()
    done.joined = sum(each.id in alike for each in found)
    return done


def read(text: str, done: Imported) -> Iterator[Detection]:
    """The detections of a file's text; what is wrong is noted in `done`."""
    for line, value in values(text, done):
        try:
            yield one(value)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            done.rejected += 1
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            done.problems.append((line, reason[:200]))


def one(value: Any) -> Detection:
    """An OCSF or ASFF finding as a detection. Raises ValueError, KeyError, TypeError where it is neither."""
    if not isinstance(value, dict):
        raise TypeError("a finding is a JSON object")
    if "class_uid" in value:
        return from_ocsf(value)
    if "SchemaVersion" in value or "AwsAccountId" in value:
        return from_asff(value)
    raise ValueError("neither OCSF (class_uid) nor ASFF (SchemaVersion)")


def values(text: str, done: Imported) -> Iterator[tuple[int, Any]]:
    """Each finding's JSON value with the line that it begins on."""
    decoder = json.JSONDecoder()
    at = _past(text, 0)
    inside = text[at : at + 1] == "["
    if inside:
        at = _past(text, at + 1)
    counted, line = 0, 1
    while at < len(text):
        line += text.count("\n", counted, at)
        counted = at
        if inside and text[at] == "]":
            inside = False
            at = _past(text, at + 1)
            continue
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            done.rejected += 1
            done.problems.append((line, f"no JSON: {error}"[:200]))
            end = text.find("\n", at)
            if end < 0:
                return
            at = _past(text, end)
            continue
        at = _past(text, end)
        for held in _held(value):
            yield line, held


def _held(value: Any) -> list[Any]:
    """The findings in a value: itself, a list of them, Security Hub's answer, or an EventBridge event."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        detail = value.get("detail")
        holder = detail if isinstance(detail, dict) and "detail-type" in value else value
        for name in _HOLDERS:
            if isinstance(holder.get(name), list):
                return holder[name]
    return [value]


def _past(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if zipped:
                with gzip.open(file) as inner:
                    raw = inner.read(_MOST_BYTES + 1)
            else:
                raw = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise UserError(f"cannot read the findings in {path}: {error}") from error
    if len(raw) > _MOST_BYTES:
        raise UserError(f"{path} holds more than 1 GB of findings: split it")
    return raw.decode("utf-8-sig", "replace")
