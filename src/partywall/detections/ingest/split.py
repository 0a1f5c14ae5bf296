"""Finds the JSON records in a stream of bytes: wrapped, listed, by line or one after the other.

A block of whole records is decoded at once where that can be guessed from how the last began; where the guess
is wrong or a record is broken, the records of the block are taken one by one, and a broken one is passed over
to the beginning of the next. Both ways msgspec does the reading: the position that it names in its error is
where a value ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from partywall.detections.ingest.limits import Damaged, Limits
from partywall.detections.ingest.state import FileReport

_RAW: Final = msgspec.json.Decoder(msgspec.Raw)
_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_WRAPPER: Final = re.compile(
    rb'\{[^\[\]{}]{0,4096}?"(?:Records|Events|events|records|results|hits)"\s*:\s*\[', re.S
)
_FIRST_KEY: Final = re.compile(rb'\{\s*"[^"\\]{1,64}"')
_BETWEEN: Final = re.compile(rb"[\s,\]}\x00]*+")
_COMMAS: Final = re.compile(rb"[\s,]*+")
_TRAILING: Final = "JSON is malformed: trailing characters (byte "
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_BOM: Final = b"\xef\xbb\xbf"
# A record begins so, in CloudTrail's own files and in those of the other logs in JSON.
_USUAL: Final = rb'\{\s*"(?:eventVersion|version|timestamp|Records'


def records(chunks: Iterable[bytes], limits: Limits, report: FileReport) -> Iterator[list[msgspec.Raw]]:
    """Lists of whole JSON values, in order. What is no JSON is counted in the report and passed over.

    A stream that breaks off (Damaged) gives all whole records before that, then raises it.
    """
    return _Splitter(limits, report).run(iter(chunks))


class _Splitter:
    def __init__(self, limits: Limits, report: FileReport) -> None:
        self._limits = limits
        self._report = report
        self._rest = b""
        self._inside = False
        """Within the list of a wrapper, where records are parted by commas, not by lines."""
        self._begin = b""
        self._anchor = re.compile(_USUAL + rb')"')

    def run(self, chunks: Iterator[bytes]) -> Iterator[list[msgspec.Raw]]:
        damage: Damaged | None = None
        ended = False
        first = True
        while not ended:
            block, size = [self._rest] if self._rest else [], len(self._rest)
            # A record that did not end in the last block is read on at least as far again.
            wanted = max(self._limits.block, min(2 * size, size + self._limits.max_record))
            while size < wanted:
                try:
                    chunk = next(chunks, b"")
                except Damaged as error:
                    damage, chunk = error, b""
                if not chunk:
                    ended = True
                    break
                block.append(chunk)
                size += len(chunk)
            data = b"".join(block)
            if first:
                data, first = data.removeprefix(_BOM), False
            yield from self._split(self._text(data, ended), ended)
        if damage is not None:
            raise damage

    def _text(self, data: bytes, ended: bool) -> bytes:
        """The block in UTF-8: other bytes become U+FFFD. A character cut by its end stays as it is."""
        try:
            data.decode()
        except UnicodeDecodeError as error:
            if not ended and error.start >= len(data) - 3 and error.reason == "unexpected end of data":
                return data
            cut = len(data) if ended else max(data.rfind(b"}"), data.rfind(b"\n")) + 1
            text = data[:cut].decode(errors="replace")
            self._report.problem("not UTF-8", str(error), 1)
            return text.encode() + data[cut:]
        return data

    def _split(self, data: bytes, ended: bool) -> Iterator[list[msgspec.Raw]]:
        at = _COMMAS.match(data).end() if self._inside else self._enter(data)  # type: ignore[union-attr]
        if self._inside and (cut := self._cut(data, at, ended)) > at:
            try:
                yield _RAWS.decode(b"[%b]" % memoryview(data)[at:cut])
            except (msgspec.DecodeError, RecursionError):
                pass
            else:
                self._rest = data[cut:]
                return
        elif not self._inside and (cut := len(data) if ended else data.rfind(b"\n") + 1):
            try:
                found = _RAW.decode_lines(memoryview(data)[at:cut])
            except (msgspec.DecodeError, RecursionError):
                pass
            else:
                yield found
                self._rest = data[cut:]
                return
        yield from self._one_by_one(data, at, ended)

    def _enter(self, data: bytes) -> int:
        """Steps into the list of a wrapper, or a bare list, if one begins here; returns where it does."""
        at = _BETWEEN.match(data, 0).end()  # type: ignore[union-attr]
        if data[at : at + 1] == b"[":
            self._inside = True
            return at + 1
        if data[at : at + 1] == b"{" and (wrapper := _WRAPPER.match(data, at)):
            self._inside = True
            return wrapper.end()
        return at

    def _cut(self, data: bytes, at: int, ended: bool) -> int:
        """Where a record most likely ends, as late as may be; 0 if it cannot be guessed."""
        if ended:
            return max(data.rfind(b"]"), 0)
        if not self._begin:
            found = _FIRST_KEY.search(data, at)
            if found is None:
                return 0
            self._begin = found.group()
            self._learn(found.group())
        return data.rfind(b"}," + self._begin) + 1

    def _learn(self, begin: bytes) -> None:
        key = re.escape(begin[begin.index(b'"') + 1 : -1])
        self._anchor = re.compile(_USUAL + rb"|" + key + rb')"')

    def _one_by_one(self, data: bytes, at: int, ended: bool) -> Iterator[list[msgspec.Raw]]:
        found: list[msgspec.Raw] = []
        view = memoryview(data)
        size = len(data)
        while True:
            gap = _BETWEEN.match(data, at)
            at, before = (gap.end(), at) if gap else (at, at)
            if self._inside and b"]" in data[before:at]:
                self._inside = False
            if at >= size:
                break
            if not self._inside and data[at] in b"[{":
                inner = self._enter(data[at : at + 8192])
                if self._inside:
                    at += inner
                    continue
            end = self._value(view, at)
            if end < 0 and not ended and size - at < self._limits.max_record:
                break
            if end > 0:
                found.append(msgspec.Raw(bytes(view[at:end])))
                at = end
                continue
            mended = self._mended(data, at)
            if mended is not None:
                text, at = mended
                found.append(msgspec.Raw(text))
                continue
            at = self._pass_over(data, at, ended)
        if found:
            yield found
        self._rest = data[at:]

    @staticmethod
    def _value(view: memoryview, at: int) -> int:
        """Where the value that begins there ends; 0 if it is broken, -1 if more bytes may mend it."""
        try:
            _RAW.decode(view[at:])
        except msgspec.DecodeError as error:
            text = str(error)
            if text.startswith(_TRAILING):
                return at + int(text[len(_TRAILING) : -1]) - 1
            # A number that the block's end cuts ("-", "1.") is told from a wrong one by its place alone.
            at_end = text.endswith(f"(byte {len(view) - at})")
            return -1 if at_end or "truncated" in text else 0
        except RecursionError:
            return 0
        return len(view)

    def _mended(self, data: bytes, at: int) -> tuple[bytes, int] | None:
        """A value that only Python's lenient reader takes (half a surrogate pair, control characters)."""
        if data[at : at + 1] != b"{":
            return None
        # Its end is not known: up to the next record's beginning, else the longest that it may be.
        begin = self._anchor.search(data, at + 1)
        longest = at + self._limits.max_record
        for stop in (begin.end() if begin else 0, min(longest, len(data))):
            text = data[at:stop].decode(errors="replace")
            try:
                value, length = json.JSONDecoder(strict=False).raw_decode(text)
            except (ValueError, RecursionError):
                continue
            clean = _SURROGATE.sub("�", json.dumps(value, ensure_ascii=False, separators=(",", ":")))
            self._report.problem("mended record", f"at its byte {at:,}: characters that JSON does not allow")
            return clean.encode(), at + len(text[:length].encode())
        return None

    def _pass_over(self, data: bytes, at: int, ended: bool) -> int:
        """Counts a broken record and returns where the next may begin."""
        self._report.records += 1
        self._report.rejected += 1
        self._report.problem("broken record", data[at : at + 120].decode(errors="replace"))
        begins = [m.start()] if (m := self._anchor.search(data, at + 1)) else []
        if not self._inside and (line := data.find(b"\n", at)) >= 0:
            begins.append(line + 1)
        if begins:
            return min(begins)
        return len(data) if ended else max(at + 1, len(data) - 128)
