"""Reads one file of logs, whatever it is, into the writer: unpack, tell its kind, split, decode."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from partywall.detections.ingest import cloudtrail, jsonlogs, lines
from partywall.detections.ingest.contents import hinted, opened, text_kind, unexported
from partywall.detections.ingest.flow import FlowReader, parquet_tables
from partywall.detections.ingest.limits import Damaged, Limits, Refused
from partywall.detections.ingest.split import records
from partywall.detections.ingest.state import FileReport
from partywall.detections.ingest.unpack import Counted, unpacked

if TYPE_CHECKING:
    from partywall.detections.ingest.writer import LogWriter

_HEAD: Final = 65_536
_BLOCK: Final = 8 << 20
_ROWS: Final = 8192
_PARQUET: Final = b"PAR1"


class FileReader:
    """Reads one file. `uri` names it in its rows and its report; `fingerprint` is its content's identity."""

    def __init__(self, writer: LogWriter, uri: str, fingerprint: str) -> None:
        self.report = FileReport(uri)
        self._writer = writer
        self._limits: Limits = writer.limits
        self._fingerprint = fingerprint
        self._where = hinted(uri)
        self._trail = cloudtrail.Trail()
        self._digests = 0
        self._unknown = 0
        self._messages: list[str] = []

    def read(self, chunks: Iterable[bytes], path: Path | None = None) -> FileReport:
        """Reads it to its end, or as far as it goes; `path` is where it lies, if it is a local file.

        Never raises for what the file holds: the report tells.
        """
        packed = Counted(chunks)
        try:
            self._read(packed, path)
        except Refused as error:
            self._stopped("refused", error)
        except Damaged as error:
            self._stopped("damaged", error)
        except OSError as error:
            self._stopped("unreadable", Damaged("unreadable", error.strerror or str(error)))
        self._emit_trail()
        self.report.bytes_read = packed.count
        self._judge()
        return self.report

    def _stopped(self, status: str, error: Damaged) -> None:
        self.report.status = status
        self.report.problem(error.kind, error.detail)

    def _judge(self) -> None:
        report = self.report
        if self._unknown:
            report.rejected += self._unknown
            report.problem("unknown record", count=self._unknown)
        if report.status != "done":
            return
        if self._digests:
            report.problem(
                "digest", "a digest of log files: `partywall trail verify` reads it", self._digests
            )
            report.kind = report.kind or "digest"
        if not report.kind:
            report.status = "unknown" if report.bytes_unpacked and report.records else "skipped"
        elif report.kind == "digest":
            report.status = "skipped"

    def _read(self, packed: Counted, path: Path | None) -> None:
        stream = self._counted(unpacked(packed, self._limits))
        head = b""
        damage: Damaged | None = None
        while len(head) < _HEAD:
            try:
                chunk = next(stream, b"")
            except Damaged as error:
                damage, chunk = error, b""
            if not chunk:
                break
            head += chunk
        rest = _raising(damage) if damage else stream
        if head.startswith(_PARQUET):
            self._parquet(chain([head], rest), path)
            return
        self._text(chain([head], rest), head)

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.report.bytes_unpacked += len(chunk)
            yield chunk

    def _text(self, chunks: Iterator[bytes], head: bytes) -> None:
        match text_kind(head):
            case "json":
                for batch in records(chunks, self._limits, self.report):
                    self._json(batch)
            case "flow":
                self._flow(_blocks(chunks, self._limits))
            case "s3_access" | "elb_access" as kind:
                for block in _blocks(chunks, self._limits):
                    self._lines(kind, block.decode(errors="replace").splitlines())
            case "export":
                inner = (unexported(block) for block in _blocks(chunks, self._limits))
                first = next(inner, b"")
                if text_kind(first) in ("export", "unknown"):
                    self._no_log(first)
                else:
                    self._text(chain([first], inner), first)
            case "unknown":
                self._no_log(head)
                for _ in chunks:
                    pass

    def _no_log(self, head: bytes) -> None:
        if head.strip(b"\0 \t\r\n"):
            self.report.status = "unknown"
            self.report.problem("no log that is known", head[:80].decode(errors="replace"))

    def _json(self, batch: list[msgspec.Raw]) -> None:
        others = cloudtrail.read(batch, self._trail, self.report)
        texts: list[str] = []
        kinds: dict[str, list[msgspec.Raw]] = {}
        for value in others:
            try:
                for what, raw in opened(value):
                    if what == "text":
                        texts.append(msgspec.json.decode(raw, type=str))
                    else:
                        kinds.setdefault(what, []).append(raw)
            except (msgspec.DecodeError, RecursionError) as error:
                self.report.problem("odd record", str(error))
                self._unknown += 1
                self.report.records += 1
        if inner := kinds.get("cloudtrail"):
            odd = cloudtrail.read(inner, self._trail, self.report)
            self._unknown += len(odd)
            self.report.records += len(odd)
        if len(self._trail.records) >= _ROWS:
            self._emit_trail()
        uri = self.report.uri
        for what, make, log in (
            ("resolver", jsonlogs.resolver, "resolver_query"),
            ("waf", jsonlogs.waf, "waf"),
        ):
            if raws := kinds.get(what):
                self._is(log)
                self.report.records += len(raws)
                self._writer.add(log, make(raws, uri, self.report), self.report, self._fingerprint)
        self._digests += len(kinds.get("digest", ()))
        self._unknown += len(kinds.get("unknown", ()))
        self.report.records += len(kinds.get("unknown", ()))
        if texts:
            block = "".join(text.strip() + "\n" for text in texts).encode(errors="replace")
            self._text(iter([block]), block)

    def _emit_trail(self) -> None:
        if not self._trail.records:
            return
        self._is("cloudtrail")
        self.report.records += len(self._trail.records)
        rows = cloudtrail.batch(self._trail, self.report.uri, self.report)
        self._trail = cloudtrail.Trail()
        self._writer.add("cloudtrail", rows, self.report, self._fingerprint)

    def _is(self, log: str) -> None:
        kinds = [k for k in self.report.kind.split("+") if k]
        if log not in kinds:
            self.report.kind = "+".join([*kinds, log])

    def _flow(self, blocks: Iterator[bytes]) -> None:
        reader = FlowReader(self.report.uri, self._where, self.report)
        for block in blocks:
            rows = reader.read(block)
            self._is("vpc_flow")
            if rows is not None:
                self._writer.add("vpc_flow", rows, self.report, self._fingerprint)

    def _lines(self, kind: str, texts: list[str]) -> None:
        texts = [text for text in texts if text.strip()]
        make = lines.s3_access if kind == "s3_access" else lines.elb_access
        for at in range(0, len(texts), _ROWS):
            some = texts[at : at + _ROWS]
            self.report.records += len(some)
            rows = make(some, self.report.uri, self._where, self.report)
            self._is(kind)
            self._writer.add(kind, rows, self.report, self._fingerprint)

    def _parquet(self, chunks: Iterator[bytes], path: Path | None) -> None:
        if path is None or path.read_bytes()[:4] != _PARQUET:
            # Parquet is read from its end: what streams in is kept aside first.
            with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                self._parquet_file(Path(file.name))
        else:
            self.report.bytes_unpacked = path.stat().st_size
            self._parquet_file(path)

    def _parquet_file(self, path: Path) -> None:
        for rows in parquet_tables(path, self.report.uri, self._where, self.report):
            self._is("vpc_flow")
            self._writer.add("vpc_flow", rows, self.report, self._fingerprint)


def _raising(error: Damaged) -> Iterator[bytes]:
    raise error
    yield b""


def _blocks(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """Whole lines, many at a time. The last line of a stream that breaks off is given up; others are not."""
    rest: list[bytes] = []
    held = 0
    while True:
        try:
            chunk = next(chunks, b"")
        except Damaged:
            yield from _whole_lines(b"".join(rest))
            raise
        if not chunk:
            break
        rest.append(chunk)
        held += len(chunk)
        if held >= _BLOCK:
            data = b"".join(rest)
            cut = data.rfind(b"\n") + 1
            if cut:
                yield data[:cut]
            elif held > limits.max_record + _BLOCK:
                raise Refused("line too long", f"a line of more than {limits.max_record:,} bytes")
            rest, held = [data[cut:]], len(data) - cut
    if data := b"".join(rest):
        yield data


def _whole_lines(data: bytes) -> Iterator[bytes]:
    if cut := data.rfind(b"\n") + 1:
        yield data[:cut]
