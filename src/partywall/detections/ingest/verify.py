"""CloudTrail's log file integrity: digests' signatures, their chain, and the log files that they name.

After AWS's pages "Validating CloudTrail log file integrity" and "Custom implementations of CloudTrail log
file integrity validation". What cannot be checked (no public key, no signature at hand) is unknown, never
valid.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import msgspec

from partywall.detections.ingest.limits import Damaged, Limits
from partywall.detections.ingest.unpack import Counted, unpacked

if TYPE_CHECKING:
    from partywall.detections.ingest.client import Client

_DIGEST_NAME: Final = re.compile(r"_CloudTrail-Digest_.*_(\d{8}T\d{6}Z)\.json(?:\.gz)?$")
_LOG_NAME: Final = re.compile(r"(\d{12})_CloudTrail_([a-z0-9-]+)_(\d{8}T\d{4}Z)_[^/]*\.json(?:\.gz)?$")
_NO_PREVIOUS: Final = "null"


class State(StrEnum):
    """How a digest, a log file or a stretch of time stands."""

    VALID = "valid"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    FORGED = "forged"
    MISSING = "missing"
    MOVED = "moved"
    UNREADABLE = "unreadable"
    GAP = "gap"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was checked: a digest, a log file, or a gap between digests."""

    kind: str
    uri: str
    state: State
    why: str = ""


@dataclass(slots=True)
class Verified:
    """What a verification came to."""

    checked: list[Checked] = field(default_factory=list[Checked])

    def count(self, kind: str, *states: State) -> int:
        """How many of a kind are in one of the states (in any, if none is named)."""
        return sum(c.kind == kind and (not states or c.state in states) for c in self.checked)

    @property
    def proven(self) -> bool:
        """Whether there was anything, and all of it is valid."""
        return bool(self.checked) and all(c.state is State.VALID for c in self.checked)


class Digest(msgspec.Struct):
    """A digest file's content, by AWS's page "CloudTrail digest file structure"."""

    awsAccountId: str = ""
    digestStartTime: str = ""
    digestEndTime: str = ""
    digestS3Bucket: str = ""
    digestS3Object: str = ""
    digestPublicKeyFingerprint: str = ""
    previousDigestS3Bucket: str | None = None
    previousDigestS3Object: str | None = None
    previousDigestHashValue: str | None = None
    previousDigestSignature: str | None = None
    logFiles: list[LogFile] = []


class LogFile(msgspec.Struct):
    """A log file as a digest names it."""

    s3Bucket: str = ""
    s3Object: str = ""
    hashValue: str = ""


class Place(Protocol):
    """Where the files are: a bucket, or a copy of it."""

    def names(self) -> Iterable[str]:
        """The keys of all files, as far as they are known (of a copy: the ends of the keys)."""
        ...

    def chunks(self, bucket: str, key: str) -> Iterator[bytes] | None:
        """A file's bytes as stored; None where it is not there."""
        ...

    def signature(self, bucket: str, key: str) -> str:
        """The signature kept beside a digest; "" where it is not known."""
        ...


class Folder:
    """A directory that a bucket was copied into, whole or in part."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file():
                self._by_name[path.name].append(path)

    def names(self) -> Iterable[str]:
        for paths in self._by_name.values():
            yield from (str(path) for path in paths)

    def chunks(self, bucket: str, key: str) -> Iterator[bytes] | None:
        path = self._path(key)
        return None if path is None else iter([path.read_bytes()])

    def signature(self, bucket: str, key: str) -> str:
        """Copies do not keep S3's metadata: the next digest tells."""
        return ""

    def _path(self, key: str) -> Path | None:
        if Path(key).is_absolute():
            return Path(key)
        paths = self._by_name.get(key.rpartition("/")[2], [])
        return next((p for p in paths if p.as_posix().endswith("/" + key)), paths[0] if paths else None)


class Bucket:
    """A bucket, below a prefix."""

    def __init__(self, client: Client, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._signatures: dict[tuple[str, str], str] = {}

    def names(self) -> Iterable[str]:
        from partywall.detections.ingest.bucket import objects

        return (found.key for found in objects(self._client, self._bucket, self._prefix))

    def chunks(self, bucket: str, key: str) -> Iterator[bytes] | None:
        from partywall.detections.ingest.client import CallRefused

        bucket = bucket or self._bucket
        try:
            answer = self._client.call("s3", "GetObject", {"Bucket": bucket, "Key": key})
        except CallRefused as refused:
            if refused.code in ("NoSuchKey", "404"):
                return None
            raise
        kept = cast("dict[str, str]", answer.get("Metadata") or {})
        self._signatures[bucket, key] = kept.get("signature", "")
        return iter([answer["Body"]])

    def signature(self, bucket: str, key: str) -> str:
        return self._signatures.get((bucket or self._bucket, key), "")


Keys = Callable[[str, str, str], Mapping[str, bytes]]
"""Public keys (fingerprint -> DER) of a Region for digests from one time to another (ISO 8601)."""


def verify(place: Place, keys: Keys, since: str = "", until: str = "") -> Verified:
    """Checks each digest that ends in a span of time (ISO 8601; all if empty), and each log file it names."""
    found = Verified()
    names = sorted(place.names())
    chains: dict[str, list[_Read]] = defaultdict(list)
    for name in names:
        ending = _DIGEST_NAME.search(name)
        if ending is None or not _within(ending.group(1), since, until):
            continue
        read = _read(place, name, found)
        if read is not None:
            base = name.rpartition("/")[2]
            chains[base[: base.rindex("_")]].append(read)
    listed: set[str] = set()
    for digests in chains.values():
        digests.sort(key=lambda read: (read.digest.digestEndTime, read.name))
        _chain(place, digests, keys, found)
        for read in digests:
            for log in read.digest.logFiles:
                listed.add(log.s3Object.rpartition("/")[2])
                found.checked.append(_log(place, log))
    found.checked += _unlisted(names, listed, chains)
    return found


@dataclass(slots=True)
class _Read:
    name: str
    digest: Digest
    hash: str

    @property
    def bucket(self) -> str:
        return self.digest.digestS3Bucket

    @property
    def uri(self) -> str:
        return f"s3://{self.digest.digestS3Bucket}/{self.digest.digestS3Object}"


def _within(stamp: str, since: str, until: str) -> bool:
    plain = stamp[:8] + stamp[9:15]
    return (not since or plain >= _digits(since)) and (not until or plain < _digits(until))


def _digits(when: str) -> str:
    return re.sub(r"\D", "", when).ljust(14, "0")[:14]


def _content(chunks: Iterator[bytes]) -> bytes:
    return b"".join(unpacked(Counted(chunks), Limits(max_unpacked=1 << 30)))


def _read(place: Place, name: str, found: Verified) -> _Read | None:
    try:
        chunks = place.chunks("", name)
        content = _content(chunks or iter(()))
        digest = msgspec.json.decode(content, type=Digest)
    except (Damaged, msgspec.DecodeError, OSError, RecursionError) as error:
        found.checked.append(Checked("digest", name, State.UNREADABLE, str(error)[:200]))
        return None
    return _Read(name, digest, hashlib.sha256(content).hexdigest())


def _chain(place: Place, digests: list[_Read], keys: Keys, found: Verified) -> None:
    """The digests of one trail in one Region, in the order of time."""
    after: dict[str, _Read] = {r.digest.previousDigestS3Object or "": r for r in digests}
    here = {r.digest.digestS3Object for r in digests}
    for i, read in enumerate(digests):
        digest = read.digest
        later = after.get(digest.digestS3Object)
        found.checked.append(_digest(place, read, later, keys))
        previous = digest.previousDigestS3Object
        if i and previous is None:
            ended = digests[i - 1].digest.digestEndTime
            why = f"the chain begins anew: no digests were made from {ended} to {digest.digestStartTime}"
            found.checked.append(Checked("gap", read.uri, State.GAP, why))
        elif i and previous not in here:
            uri = f"s3://{digest.previousDigestS3Bucket}/{previous}"
            found.checked.append(Checked("digest", uri, State.MISSING, "the digest after it names it"))


def _digest(place: Place, read: _Read, later: _Read | None, keys: Keys) -> Checked:
    digest = read.digest
    if not read.name.endswith(digest.digestS3Object.rpartition("/")[2]):
        return Checked("digest", read.name, State.MOVED, f"it says that it is {read.uri}")
    if later is not None and later.digest.previousDigestHashValue not in (None, read.hash):
        return Checked("digest", read.uri, State.CHANGED, "its hash is not what the digest after it names")
    beside = place.signature("", read.name)
    told = (later.digest.previousDigestSignature if later is not None else None) or ""
    if beside and told and beside.lower() != told.lower():
        return Checked(
            "digest", read.uri, State.FORGED, "its signature is not what the digest after it names"
        )
    signature = beside or told
    if not signature:
        why = "its signature is in S3's metadata, which a copy does not keep, and no later digest is here"
        return Checked("digest", read.uri, State.UNKNOWN, why)
    region = _region(digest.digestS3Object)
    key = keys(region, digest.digestStartTime, digest.digestEndTime).get(digest.digestPublicKeyFingerprint)
    if key is None:
        why = f"no public key {digest.digestPublicKeyFingerprint} is known in {region}"
        return Checked("digest", read.uri, State.UNKNOWN, why)
    if not signed(digest, read.hash, signature, key):
        return Checked("digest", read.uri, State.FORGED, "CloudTrail's key did not sign this")
    return Checked("digest", read.uri, State.VALID)


def signed(digest: Digest, hashed: str, signature: str, key: bytes) -> bool:
    """Whether CloudTrail signed a digest with the hash `hashed` (SHA-256, hex); `key` is DER (PKCS #1)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        public = load_der_public_key(key)
        assert isinstance(public, RSAPublicKey)
        public.verify(
            bytes.fromhex(signature), to_sign(digest, hashed).encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except (InvalidSignature, ValueError, AssertionError):
        return False
    return True


def to_sign(digest: Digest, hashed: str) -> str:
    """The text that CloudTrail signs."""
    path = f"{digest.digestS3Bucket}/{digest.digestS3Object}"
    return "\n".join((digest.digestEndTime, path, hashed, digest.previousDigestSignature or _NO_PREVIOUS))


def _region(key: str) -> str:
    found = re.search(r"/CloudTrail-Digest/([a-z0-9-]+)/", "/" + key)
    return found.group(1) if found else ""


def _log(place: Place, log: LogFile) -> Checked:
    uri = f"s3://{log.s3Bucket}/{log.s3Object}"
    digest = hashlib.sha256()
    try:
        chunks = place.chunks(log.s3Bucket, log.s3Object)
        if chunks is None:
            return Checked("log", uri, State.MISSING, "a digest names it")
        for chunk in unpacked(Counted(chunks), Limits()):
            digest.update(chunk)
    except (Damaged, OSError) as error:
        return Checked("log", uri, State.CHANGED, f"it cannot be unpacked any more: {error}"[:200])
    if digest.hexdigest() != log.hashValue.lower():
        return Checked("log", uri, State.CHANGED, "its hash is not what the digest names")
    return Checked("log", uri, State.VALID)


def _unlisted(
    names: Collection[str], listed: Collection[str], chains: Mapping[str, list[_Read]]
) -> Iterator[Checked]:
    """Log files of a time that digests cover, which none of them names: someone else's, or late."""
    spans: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for digests in chains.values():
        for read in digests:
            where = read.digest.awsAccountId, _region(read.digest.digestS3Object)
            spans[where].append((_digits(read.digest.digestStartTime), _digits(read.digest.digestEndTime)))
    for name in names:
        base = name.rpartition("/")[2]
        log = _LOG_NAME.search(base)
        if log is None or base in listed:
            continue
        stamp = _digits(log.group(3))
        # A file is named for the minute of its delivery, and stands in the digest of that hour.
        if any(first < stamp < last for first, last in spans.get((log.group(1), log.group(2)), [])):
            yield Checked("log", name, State.UNLISTED, "no digest of its time names it")


def listed_keys(client: Client) -> Keys:
    """Public keys as CloudTrail's ListPublicKeys tells them, asked once for each Region and day."""
    known: dict[tuple[str, str], dict[str, bytes]] = {}

    def keys(region: str, start: str, end: str) -> Mapping[str, bytes]:
        from datetime import UTC, datetime, timedelta

        if (region, start[:10]) not in known:
            try:
                day = datetime.fromisoformat(start[:10]).replace(tzinfo=UTC)
            except ValueError:
                return {}
            asked = {"StartTime": day - timedelta(days=1), "EndTime": day + timedelta(days=2)}
            found: dict[str, bytes] = {}
            for page in client.pages("cloudtrail", "ListPublicKeys", asked, region):
                found |= {k["Fingerprint"]: bytes(k["Value"]) for k in page.get("PublicKeyList", [])}
            known[region, start[:10]] = found
        return known[region, start[:10]]

    return keys


def filed_keys(path: Path) -> Keys:
    """Public keys of a file: what `aws cloudtrail list-public-keys` printed, or several of these in a list.

    Raises UserError where it holds none.
    """
    import base64
    import binascii

    from partywall.errors import UserError

    try:
        told = msgspec.json.decode(path.read_bytes())
        answers: list[dict[str, Any]] = told if isinstance(told, list) else [told]
        found = {
            str(k["Fingerprint"]): base64.b64decode(k["Value"]) for a in answers for k in a["PublicKeyList"]
        }
    except (OSError, msgspec.DecodeError, KeyError, TypeError, binascii.Error) as error:
        raise UserError(
            f"{path} holds no public keys ({error}): write `aws cloudtrail list-public-keys` into it"
        ) from error
    return lambda region, start, end: found
