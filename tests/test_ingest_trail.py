"""Questions over the trail, its integrity, and logs that come from AWS."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from partywall.demo.emulator import Emulator
from partywall.detections.ingest.bucket import objects
from partywall.detections.ingest.client import Client
from partywall.detections.ingest.ingest import Asked, ingest, ingest_addresses
from partywall.detections.ingest.limits import Limits
from partywall.detections.ingest.questions import Span, sql, what, when, who
from partywall.detections.ingest.store import LogStore
from partywall.detections.ingest.verify import Digest, Folder, State, Verified, filed_keys, to_sign, verify
from partywall.errors import UserError
from tests.ingest_events import event, text, wrapped

EVE, BOB = "arn:aws:iam::111122223333:user/eve", "arn:aws:iam::111122223333:user/bob"
SESSION = "arn:aws:sts::111122223333:assumed-role/"


def _call(index: int, name: str, key: str, arn: str, issued: str = "", **more: Any) -> dict[str, Any]:
    identity = {"type": "IAMUser" if ":user/" in arn else "AssumedRole", "arn": arn, "accessKeyId": key}
    answer = {"credentials": {"accessKeyId": issued}} if issued else None
    given = {"readOnly": False, "requestParameters": None, **more}
    return event(index * 60, eventName=name, userIdentity=identity, responseElements=answer, **given)


@pytest.fixture
def store(tmp_path: Path) -> LogStore:
    logs, like = {"bucketName": "logs"}, {"bucketName": "logs-2"}
    (tmp_path / "x").write_bytes(
        text(
            [
                _call(0, "AssumeRole", "AKIA1", EVE, "ASIA1"),
                _call(1, "AssumeRole", "ASIA1", SESSION + "a/s", "ASIA2"),
                _call(2, "PutBucketPolicy", "ASIA2", SESSION + "b/s", requestParameters=logs),
                _call(3, "GetBucketPolicy", "AKIA2", BOB, requestParameters=logs, readOnly=True),
                _call(4, "GetBucketPolicy", "AKIA2", BOB, requestParameters=like, readOnly=True),
                _call(5, "DeleteBucket", "AKIA2", BOB, requestParameters=like, errorCode="AccessDenied"),
            ]
        )
    )
    ingest([tmp_path / "x"], tmp_path / "data")
    return LogStore(tmp_path / "data")


def test_a_credential_is_followed_to_all_that_came_of_it(store: LogStore) -> None:
    for subject in ("AKIA1", EVE, "eve"):
        found = what(store, subject, Span()).to_pylist()
        assert [r["event"] for r in found] == ["s3:AssumeRole", "s3:AssumeRole", "s3:PutBucketPolicy"]
        assert {r["first_principal"] for r in found} == {EVE}
    # The chain is older than the span that is asked about.
    late = what(store, "eve", Span(since=datetime(2026, 11, 1, 0, 2, tzinfo=UTC))).to_pylist()
    assert [(r["event"], r["first_principal"]) for r in late] == [("s3:PutBucketPolicy", EVE)]
    depth = sql(store, 'SELECT "accessKeyId", depth, "firstArn" FROM credential_chain ORDER BY depth')
    assert [tuple(r.values()) for r in depth.to_pylist()] == [("ASIA1", 1, EVE), ("ASIA2", 2, EVE)]


def test_who_touched_a_resource_by_its_whole_name(store: LogStore) -> None:
    found = who(store, "logs", Span()).to_pylist()
    assert [(r["first_principal"], r["events"], r["writes"]) for r in found] == [(EVE, 1, 1), (BOB, 1, 0)]
    assert who(store, "log", Span()).num_rows == 0
    assert who(store, "x' OR 1=1 --\\E.*", Span()).num_rows == 0


def test_what_changed_before_a_moment(store: LogStore) -> None:
    end = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
    found = [r["event"] for r in when(store, end, timedelta(hours=1)).to_pylist()]
    assert found == ["s3:PutBucketPolicy", "s3:AssumeRole", "s3:AssumeRole"]
    assert when(store, end, timedelta(hours=1), "logs").num_rows == 1
    assert when(store, end - timedelta(hours=1), timedelta(hours=1)).num_rows == 0


def test_a_circle_of_credentials_ends(tmp_path: Path) -> None:
    circle = [_call(0, "AssumeRole", "ASIA1", EVE, "ASIA2"), _call(1, "AssumeRole", "ASIA2", EVE, "ASIA1")]
    (tmp_path / "x").write_bytes(text(circle))
    ingest([tmp_path / "x"], tmp_path / "data")
    assert what(LogStore(tmp_path / "data"), "ASIA1", Span()).num_rows == 2


class Trail:
    """A copy of a bucket with a chain of signed digests, each naming one log file."""

    def __init__(self, root: Path, count: int = 3) -> None:
        self.root = root
        self.key = rsa.generate_private_key(65537, 2048)
        form = serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        self.public = self.key.public_key().public_bytes(*form)
        keys = {"PublicKeyList": [{"Fingerprint": "f1", "Value": base64.b64encode(self.public).decode()}]}
        (root / "keys.json").write_text(json.dumps(keys))
        self.copy = root / "copy"
        previous: dict[str, Any] = dict.fromkeys(
            f"previousDigest{n}" for n in ("S3Bucket", "S3Object", "HashValue", "Signature")
        )
        self.digests: list[Path] = []
        self.logs: list[Path] = []
        for hour in range(count):
            log = self._name(
                "CloudTrail", f"111122223333_CloudTrail_eu-west-1_20261101T{hour:02}30Z_x.json.gz"
            )
            content = wrapped(3, hour * 3)
            self.logs.append(self.put(log, content))
            key = self._name(
                "CloudTrail-Digest",
                f"111122223333_CloudTrail-Digest_eu-west-1_main_eu-west-1_20261101T{hour + 1:02}0000Z"
                ".json.gz",
            )
            told = {
                "awsAccountId": "111122223333",
                "digestStartTime": f"2026-11-01T{hour:02}:00:00Z",
                "digestEndTime": f"2026-11-01T{hour + 1:02}:00:00Z",
                "digestS3Bucket": "trail",
                "digestS3Object": key,
                "digestPublicKeyFingerprint": "f1",
                **previous,
                "logFiles": [
                    {"s3Bucket": "trail", "s3Object": log, "hashValue": hashlib.sha256(content).hexdigest()}
                ],
            }
            body = text(told)
            self.digests.append(self.put(key, body))
            hashed = hashlib.sha256(body).hexdigest()
            known = {k: v for k, v in told.items() if k in Digest.__struct_fields__ and k != "logFiles"}
            signature = self.key.sign(
                to_sign(Digest(**known), hashed).encode(), padding.PKCS1v15(), hashes.SHA256()
            ).hex()
            previous = {
                "previousDigestS3Bucket": "trail",
                "previousDigestS3Object": key,
                "previousDigestHashValue": hashed,
                "previousDigestSignature": signature,
            }
        self.last_signature = signature

    @staticmethod
    def _name(kind: str, base: str) -> str:
        return f"AWSLogs/111122223333/{kind}/eu-west-1/2026/11/01/{base}"

    def put(self, key: str, content: bytes) -> Path:
        path = self.copy / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content))
        return path

    def check(self) -> Verified:
        place = Folder(self.copy)
        last = self.digests[-1].name
        # S3 would give the newest digest's signature with the object; a copy does not keep it.
        place.signature = lambda bucket, key: self.last_signature if key.endswith(last) else ""  # type: ignore[method-assign]
        return verify(place, filed_keys(self.root / "keys.json"))


def _states(found: Verified) -> set[tuple[str, State]]:
    return {(c.kind, c.state) for c in found.checked if c.state is not State.VALID}


def test_an_untouched_trail_is_proven(tmp_path: Path) -> None:
    found = Trail(tmp_path).check()
    assert found.proven
    assert (found.count("digest", State.VALID), found.count("log", State.VALID)) == (3, 3)


def test_the_signed_text_is_as_documented() -> None:
    digest = Digest(digestEndTime="2015-08-17T15:01:31Z", digestS3Bucket="b", digestS3Object="k")
    assert to_sign(digest, "ab") == "2015-08-17T15:01:31Z\nb/k\nab\nnull"
    digest.previousDigestSignature = "cd"
    assert to_sign(digest, "ab").endswith("\nab\ncd")


def test_whatever_is_tampered_with_is_seen(tmp_path: Path) -> None:
    def made(name: str) -> Trail:
        (tmp_path / name).mkdir()
        return Trail(tmp_path / name)

    trail = made("log changed")
    trail.logs[0].write_bytes(gzip.compress(wrapped(2)))
    assert _states(trail.check()) == {("log", State.CHANGED)}
    trail = made("log gone")
    trail.logs[1].unlink()
    assert _states(trail.check()) == {("log", State.MISSING)}
    trail = made("log torn")
    trail.logs[1].write_bytes(trail.logs[1].read_bytes()[:50])
    assert _states(trail.check()) == {("log", State.CHANGED)}
    trail = made("log added")
    trail.put(trail._name("CloudTrail", "111122223333_CloudTrail_eu-west-1_20261101T0115Z_y.json.gz"), b"{}")
    assert _states(trail.check()) == {("log", State.UNLISTED)}
    trail = made("digest gone")
    trail.digests[1].unlink()
    assert ("digest", State.MISSING) in _states(trail.check())
    trail = made("digest changed")
    body = gzip.decompress(trail.digests[0].read_bytes()).replace(b'"logFiles":[{', b'"logFiles":[ {')
    trail.digests[0].write_bytes(gzip.compress(body))
    assert _states(trail.check()) == {("digest", State.CHANGED)}
    trail = made("newest forged")
    body = gzip.decompress(trail.digests[2].read_bytes()).replace(b'"logFiles":[{', b'"logFiles":[ {')
    trail.digests[2].write_bytes(gzip.compress(body))
    assert _states(trail.check()) == {("digest", State.FORGED)}
    trail = made("renamed")
    trail.digests[0].rename(trail.digests[0].with_name(trail.digests[0].name.replace("T01", "T05")))
    assert ("digest", State.MOVED) in _states(trail.check())


def test_what_cannot_be_checked_is_unknown_and_proves_nothing(tmp_path: Path) -> None:
    trail = Trail(tmp_path)
    (tmp_path / "keys.json").write_text('{"PublicKeyList": []}')
    found = trail.check()
    assert found.count("digest", State.UNKNOWN) == 3
    assert not found.proven
    assert not verify(Folder(tmp_path / "nothing"), lambda *_: {}).proven
    with pytest.raises(UserError, match="no public keys"):
        filed_keys(tmp_path / "absent")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def client(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    from partywall.aws.credentials import resolve

    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000000",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with Client(resolve()) as made:
        yield made


def _boto(service: str) -> Any:
    return get_session().create_client(service, region_name="us-east-1")


def _organisation(s3: Any, bucket: str) -> list[str]:
    """An organisation trail's layout: two accounts, two Regions, three days, a file each."""
    s3.create_bucket(Bucket=bucket)
    keys: list[str] = []
    for account in ("111122223333", "444455556666"):
        for region in ("eu-west-1", "us-east-1"):
            for day in ("09", "20", "21"):
                key = f"AWSLogs/o-abc/{account}/CloudTrail/{region}/2026/11/{day}/f_{day}.json.gz"
                body = gzip.compress(wrapped(4, 10 * len(keys)))
                s3.put_object(Bucket=bucket, Key=key, Body=body)
                keys.append(key)
    digest = "AWSLogs/o-abc/111122223333/CloudTrail-Digest/eu-west-1/2026/11/20/d.json.gz"
    s3.put_object(Bucket=bucket, Key=digest, Body=gzip.compress(b"{}"))
    return keys


def test_a_bucket_is_listed_from_a_day_on_and_read_once(client: Client, tmp_path: Path) -> None:
    keys = _organisation(_boto("s3"), "org-trail-1")
    every = [o.key for o in objects(client, "org-trail-1", "") if "Digest" not in o.key]
    assert every == sorted(keys)
    since = datetime(2026, 11, 21, tzinfo=UTC)
    late = [o.key for o in objects(client, "org-trail-1", "", since) if "Digest" not in o.key]
    assert late == [k for k in sorted(keys) if "/09/" not in k]
    early = objects(client, "org-trail-1", "", None, datetime(2026, 11, 10, tzinfo=UTC))
    assert [o.key for o in early] == [k for k in sorted(keys) if "/09/" in k]
    data = tmp_path / "data"
    address = ["s3://org-trail-1/AWSLogs/"]
    done = ingest_addresses(address, data, Limits(), lambda: client, Asked())
    assert done.total("stored") == 48
    assert sorted({r.status for r in done.files}) == ["done", "skipped"]
    assert LogStore(data).reports()[0].uri.startswith("s3://org-trail-1/AWSLogs/o-abc/")


def test_a_bucket_that_is_not_there_is_told_in_one_sentence(client: Client, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="NoSuchBucket"):
        ingest_addresses(["s3://nobody-has-this-1"], tmp_path / "d", Limits(), lambda: client, Asked())
    with pytest.raises(UserError, match="names no bucket"):
        ingest_addresses(["s3://../x"], tmp_path / "d", Limits(), lambda: client, Asked())


def test_a_large_object_comes_in_pieces(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from partywall.detections.ingest import bucket

    s3 = _boto("s3")
    s3.create_bucket(Bucket="large-1")
    s3.put_object(Bucket="large-1", Key="one.json", Body=wrapped(500))
    monkeypatch.setattr(bucket, "_PIECE", 10_000)
    done = ingest_addresses(["s3://large-1/"], tmp_path / "d", Limits(), lambda: client, Asked())
    assert [(r.status, r.stored) for r in done.files] == [("done", 500)]


def test_a_log_group_is_read_and_gone_on_with(client: Client, tmp_path: Path) -> None:
    logs = _boto("logs")
    logs.create_log_group(logGroupName="trail-1")
    logs.create_log_stream(logGroupName="trail-1", logStreamName="s")
    now = int(datetime.now(UTC).timestamp() * 1000) - 60_000
    messages = [{"timestamp": now + i, "message": text(event(i)).decode()} for i in range(5)]
    messages.append(
        {"timestamp": now + 9, "message": "2 123456789012 eni-0a 10.0.0.1 10.0.0.2 1 2 6 1 4 5 6 ACCEPT OK"}
    )
    logs.put_log_events(logGroupName="trail-1", logStreamName="s", logEvents=messages)
    asked = Asked(regions=("us-east-1",))
    done = ingest_addresses(["logs://trail-1"], tmp_path / "d", Limits(), lambda: client, asked)
    assert (done.total("stored"), done.files[0].kind) == (6, "vpc_flow+cloudtrail"), done.files
    # Gone on with from shortly before the last look's end: the same five events come again.
    asked = Asked(regions=("us-east-1",))
    fresh = Client(client.identity)
    done = ingest_addresses(["logs://trail-1"], tmp_path / "d", Limits(), lambda: fresh, asked)
    assert done.files[0].duplicates == 5


class _History:
    """A client whose LookupEvents answers two pages; `asked` keeps what was asked of it."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.identity = type("Who", (), {"account_id": "111122223333"})
        self.region = "eu-west-1"
        self.events = events
        self.asked: list[dict[str, Any]] = []

    def __enter__(self) -> _History:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def pages(self, service: str, operation: str, params: dict[str, Any], region: str) -> Iterator[Any]:
        assert (service, operation, region) == ("cloudtrail", "LookupEvents", "eu-west-1")
        self.asked.append(params)
        for some in (self.events[:3], self.events[3:]):
            yield {"Events": [{"EventId": e["eventID"], "CloudTrailEvent": json.dumps(e)} for e in some]}


def test_live_history_goes_on_where_it_was_left(tmp_path: Path) -> None:
    made: Any = _History([event(i) for i in range(5)])
    asked = Asked(live=True)
    first = ingest_addresses([], tmp_path / "d", Limits(), lambda: made, asked)
    again = ingest_addresses([], tmp_path / "d", Limits(), lambda: made, asked)
    assert (first.total("stored"), again.total("stored"), again.total("duplicates")) == (5, 0, 5)
    before, after = made.asked
    assert before["EndTime"] - before["StartTime"] == timedelta(days=1)
    assert before["EndTime"] - after["StartTime"] == timedelta(minutes=20)
