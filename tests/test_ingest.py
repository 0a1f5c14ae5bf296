"""Ingest of logs: every form read, each record once, dirt counted by file, nothing else lost."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.detections.ingest.ingest import Ingested, ingest
from partywall.detections.ingest.limits import Limits
from partywall.detections.ingest.split import records
from partywall.detections.ingest.state import FileReport
from partywall.detections.ingest.store import LogStore
from partywall.errors import UserError
from tests.ingest_events import event, text, wrapped

FLOW = "2 123456789012 eni-0a 10.0.0.1 10.0.0.2 443 50000 6 10 840 1620140661 1620140721 ACCEPT OK\n"
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
    " log-status"
)


class World:
    """A directory of logs and a data directory."""

    def __init__(self, root: Path) -> None:
        self.logs, self.data = root / "in", root / "data"
        self.logs.mkdir()

    def put(self, name: str, content: bytes) -> Path:
        path = self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def read(self, **limits: Any) -> Ingested:
        return ingest([self.logs], self.data, Limits(**limits))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        found = LogStore(self.data).connect().sql(sql).to_arrow_table().to_pylist()
        return [tuple(row.values()) for row in found]

    def ids(self) -> set[str]:
        return {row[0] for row in self.rows('SELECT "eventID" FROM cloudtrail')}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _lines(values: list[Any]) -> bytes:
    return b"".join(text(v) + b"\n" for v in values)


def _events(count: int = 5) -> list[dict[str, Any]]:
    return [event(i) for i in range(count)]


FORMS: dict[str, Callable[[], bytes]] = {
    "file": lambda: wrapped(5),
    "gzip": lambda: gzip.compress(wrapped(5)),
    "gzip members": lambda: gzip.compress(wrapped(2)) + gzip.compress(wrapped(3, 2)),
    "gzip twice": lambda: gzip.compress(gzip.compress(wrapped(5))),
    "zstd frames": lambda: zstandard.compress(wrapped(2)) + zstandard.compress(wrapped(3, 2)),
    "lines": lambda: _lines(_events()),
    "list": lambda: text(_events()),
    "one after the other": lambda: b"".join(map(text, _events())),
    "files by line": lambda: wrapped(2) + b"\n" + wrapped(3, 2),
    "indented": lambda: json.dumps({"Records": _events()}, indent=2).encode(),
    "byte order mark": lambda: b"\xef\xbb\xbf" + wrapped(5),
    "EventBridge": lambda: _lines([{"detail-type": "AWS API Call", "detail": e} for e in _events()]),
    "LookupEvents": lambda: text({"Events": [{"CloudTrailEvent": json.dumps(e)} for e in _events()]}),
    "subscription": lambda: b"".join(
        text({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": json.dumps(e)}]})
        for e in _events()
    ),
    "export": lambda: b"".join(b"2026-11-01T00:00:00.000Z " + text(e) + b"\n" for e in _events()),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_events(world: World, form: str) -> None:
    world.put("any.name", FORMS[form]())
    done = world.read()
    assert done.problems() == []
    assert world.ids() == {e["eventID"] for e in _events()}


def test_columns_hold_what_the_record_says(world: World) -> None:
    issued = {"credentials": {"accessKeyId": "ASIAEXAMPLE000000009"}}
    given = event(1, eventName="AssumeRole", responseElements=issued, new={"field": [1, None]})
    world.put("a", text({"Records": [given]}))
    world.read()
    columns = '"userIdentity.userName", "issuedAccessKeyId", "readOnly", account, region, date, raw'
    ((user, key, read_only, account, region, date, raw),) = world.rows(f"SELECT {columns} FROM cloudtrail")
    assert (user, key, read_only) == ("ann", "ASIAEXAMPLE000000009", True)
    assert (account, region, date) == ("111122223333", "eu-west-1", "2026-11-01")
    assert json.loads(raw) == given


def test_reading_twice_adds_nothing(world: World) -> None:
    path = world.put("a.json", wrapped(50))
    assert world.read().total("stored") == 50
    assert [r.status for r in world.read().files] == ["again"]
    # The same events in another file, some of them new: late and delivered twice.
    path.unlink()
    world.put("b.json.gz", gzip.compress(_lines([event(i) for i in range(40, 60)])))
    done = world.read()
    assert (done.total("stored"), done.total("duplicates")) == (10, 10)
    assert len(world.ids()) == world.rows("SELECT count(*) FROM cloudtrail")[0][0] == 60


def test_an_id_used_for_two_events_loses_neither(world: World) -> None:
    made_up = "11111111-2222-3333-4444-555555555555"
    first, second = (event(1, eventID=made_up, requestParameters={"key": k}) for k in "ab")
    reordered = dict(reversed(first.items()))
    world.put("a", _lines([first, second, first]))
    world.read()
    world.put("b", _lines([reordered, event(2, eventID="EXAMPLE"), event(3, eventID="EXAMPLE")]))
    world.read()
    assert world.rows("SELECT count(*) FROM cloudtrail") == [(4,)]


def test_dirt_is_counted_by_file_and_loses_nothing_else(world: World) -> None:
    good = _events(10)
    half = text(event(90))[:200]
    world.put(
        "bad/half", b'{"Records":[' + b",".join([*map(text, good[:5]), half, *map(text, good[5:])]) + b"]}"
    )
    world.put("bad/lines", b"\n".join([text(event(20)), half, b"garbage", text(event(21))]))
    world.put("bad/utf8", text({"Records": [event(30)]}).replace(b"aws-cli", b"aws\xff\xfe"))
    world.put("bad/surrogate", text({"Records": [event(31)]}).replace(b"aws-cli", b"aws\\ud800"))
    world.put("bad/types", _lines([event(32, sourceIPAddress=7, userIdentity="nobody", readOnly="true")]))
    world.put(
        "bad/time", _lines([event(33, eventTime="yesterday"), event(34, eventTime="2099-01-01T00:00:00Z")])
    )
    world.put(
        "bad/place", _lines([event(35, recipientAccountId="../../x", awsRegion="/etc", userIdentity=None)])
    )
    world.put("bad/big", _lines([event(36, requestParameters={"x": "y" * (1 << 20)})]))
    world.put("bad/unknown", b'{"neither": 1}\n')
    world.put("bad/text", b"not a log\n")
    world.put("bad/empty", b"")
    world.put(
        "bad/deep", b'{"Records":[' + text(event(37)) + b"," + b"[" * 50_000 + b"," + text(event(38)) + b"]}"
    )
    world.put("digest", text({"digestS3Bucket": "b", "digestS3Object": "o", "logFiles": []}))
    world.put("z", wrapped(5, 50))
    told = {Path(r.uri).name: r for r in world.read().files}
    expected = {*range(10), 20, 21, *range(30, 39), *range(50, 55)}
    assert world.ids() == {event(i)["eventID"] for i in expected}
    assert (told["half"].rejected, told["half"].stored) == (1, 10)
    assert (told["lines"].rejected, told["lines"].stored) == (2, 2)
    assert "not UTF-8" in told["utf8"].problems
    assert "mended record" in told["surrogate"].problems
    assert "field of another type" in told["types"].problems
    assert told["time"].problems == {"invalid time": 1, "clock skew": 1}
    assert told["unknown"].status == told["text"].status == "unknown"
    assert told["empty"].status == told["digest"].status == "skipped"
    assert told["z"].problems == {}
    place = world.rows(f"SELECT account, region FROM cloudtrail WHERE \"eventID\" = '{event(35)['eventID']}'")
    assert place == [("unknown", "unknown")]
    assert all(p.resolve().is_relative_to(world.data) for p in world.data.rglob("*"))


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_truncated_file_gives_what_it_holds(world: World, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(wrapped(3000))
    world.put("cut", packed[: len(packed) // 2])
    world.put("whole", pack(wrapped(5, 5000)))
    cut, whole = world.read().files
    assert cut.status == "damaged"
    assert any(kind.startswith("truncated") for kind in cut.problems)
    assert whole.stored == 5
    assert {event(i)["eventID"] for i in range(cut.stored)} <= world.ids()
    if pack is gzip.compress:
        assert cut.stored > 1000


def test_a_bomb_is_refused_and_loses_no_other(world: World) -> None:
    deflate = zlib.compressobj(9, wbits=31)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(80)) + deflate.flush()
    world.put("a", wrapped(1))
    world.put("bomb", bomb)
    world.put("nested", gzip.compress(bomb))
    world.put("z", wrapped(1, 1))
    told = {Path(r.uri).name: r for r in world.read(ratio_from=1 << 20).files}
    assert told["bomb"].status == told["nested"].status == "refused"
    assert told["bomb"].bytes_unpacked < 40 << 20
    assert len(world.ids()) == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_cut_into_chunks_and_blocks_gives_the_same_values(data: st.DataObject) -> None:
    value = st.recursive(
        st.none() | st.integers(-9, 9) | st.text(max_size=8), lambda v: st.lists(v, max_size=3), max_leaves=5
    )
    given_ = data.draw(st.lists(st.dictionaries(st.text(max_size=6), value, max_size=4), max_size=12))
    form = data.draw(st.sampled_from(["wrapped", "list", "lines", "joined", "indented"]))
    raw = {
        "wrapped": lambda: text({"Records": given_}),
        "list": lambda: text(given_),
        "lines": lambda: _lines(given_),
        "joined": lambda: b"".join(map(text, given_)),
        "indented": lambda: json.dumps({"Records": given_}, indent=1).encode(),
    }[form]()
    size = data.draw(st.integers(1, 64))
    report = FileReport("x")
    chunks = [raw[i : i + size] for i in range(0, len(raw), size)]
    limits = Limits(block=data.draw(st.integers(16, 256)))
    found = [json.loads(bytes(r)) for batch in records(chunks, limits, report) for r in batch]
    assert (found, report.rejected) == (given_, 0)


def test_flow_logs_of_any_format(world: World) -> None:
    world.put("a", FLOW.encode() * 3)
    world.put(
        "b.gz", gzip.compress(f"{HEADER}\n{FLOW}2 1 eni-1 - - - - - - - 1 2 - NODATA\nbroken\n".encode())
    )
    world.put(
        "c", b"pkt-srcaddr tcp-flags new-field start\n2001:db8::1 18 x 1620140661\n10.0.0.9 2x - 1620140661\n"
    )
    parquet = {
        "version": pa.array([5], pa.int32()),
        "srcaddr": ["-"],
        "dstaddr": ["10.0.0.7"],
        "start": [1620140661],
    }
    pq.write_table(pa.table(parquet), world.put("d", b""))
    path = "AWSLogs/210987654321/vpcflowlogs/us-west-2/2026/11/01/x.log.gz"
    world.put(path, gzip.compress(b"srcaddr start\n10.9.9.9 1620140661\n"))
    told = {Path(r.uri).name: r for r in world.read().files}
    assert (told["a"].stored, told["b.gz"].stored, told["b.gz"].rejected) == (3, 2, 1)
    assert told["c"].problems == {"invalid number": 1}
    found = world.rows("SELECT pkt_srcaddr, tcp_flags, unmapped FROM vpc_flow WHERE pkt_srcaddr IS NOT NULL")
    assert sorted(found) == [("10.0.0.9", None, None), ("2001:db8::1", 18, '{"new-field": "x"}')] or sorted(
        found
    ) == [("10.0.0.9", None, None), ("2001:db8::1", 18, '{"new_field": "x"}')]
    assert world.rows("SELECT srcaddr, version FROM vpc_flow WHERE dstaddr = '10.0.0.7'") == [(None, 5)]
    place = world.rows("SELECT account, region FROM vpc_flow WHERE srcaddr = '10.9.9.9'")
    assert place == [("210987654321", "us-west-2")]
    assert world.read().total("stored") == 0


def test_times_choose_parts_and_rows(world: World) -> None:
    from datetime import UTC, datetime

    late = [event(i, eventTime=f"2026-11-0{i % 9 + 1}T12:00:00Z") for i in range(9)]
    world.put("a", _lines([*late, event(50, eventTime="never")]))
    world.read()
    store, connection = LogStore(world.data), LogStore(world.data).connect()
    span = datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC)
    assert len(store.parts("cloudtrail", *span)) == 3
    chosen = connection.sql(store.relation("cloudtrail", *span, columns=["eventID"])).fetchall()
    assert {row[0] for row in chosen} == {event(i)["eventID"] for i in (2, 3, 50)}
    with pytest.raises(UserError, match="no column"):
        store.relation("cloudtrail", columns=["x"])
    with pytest.raises(UserError, match="no log table"):
        store.relation("x")


_KILLED = """
import sys
from pathlib import Path
from partywall.detections.ingest.ingest import ingest
from partywall.detections.ingest.limits import Limits
ingest([Path(sys.argv[1])], Path(sys.argv[2]), Limits(flush_rows=400, block=20_000))
"""


@pytest.mark.parametrize("log", ["cloudtrail", "vpc_flow"])
def test_killed_at_any_moment_it_goes_on_without_loss_or_double(world: World, log: str) -> None:
    for i in range(12):
        # Larger than what is held at a time, so that parts are written before their file ends.
        flow = FLOW.replace("840", str(i)).encode() * 3000
        world.put(f"{i:02}.gz", gzip.compress(wrapped(3000, i * 3000) if log == "cloudtrail" else flow))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        command = [sys.executable, "-c", _KILLED, str(world.logs), str(world.data)]
        with subprocess.Popen(command, env=environment) as running:
            before = len(list(world.data.rglob("*.parquet")))
            end = time.monotonic() + 20
            while running.poll() is None and time.monotonic() < end:
                if len(list(world.data.rglob("*.parquet"))) >= before + 8:
                    break
                time.sleep(0.005)
            running.send_signal(signal.SIGKILL)
        # What a reader sees meanwhile is whole files, whatever lies about.
        seen = world.rows(f"SELECT count(*) FROM {log}")[0][0]
        assert seen % 3000 == 0
    world.read()
    assert world.rows(f"SELECT count(*) FROM {log}") == [(36_000,)]
    listed = {world.data / "logs" / p.path for p in LogStore(world.data).parts(log)}
    assert set(world.data.rglob("*.parquet")) == listed
    assert not list(world.data.rglob("*.tmp"))


def test_two_writers_are_told_apart(world: World) -> None:
    from partywall.detections.ingest.writer import LogWriter

    writer = LogWriter(world.data / "logs", Limits())
    with pytest.raises(UserError, match="another partywall"):
        world.read()
    writer.release()
    assert world.read().files == []
