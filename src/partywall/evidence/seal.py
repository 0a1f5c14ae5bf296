"""The seal of a scan: the hash of every file of it and of the seal before it, signed where there is a key."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from partywall import __version__
from partywall.errors import UserError
from partywall.evidence import events
from partywall.evidence.attestations import digest
from partywall.evidence.capture import LOST
from partywall.evidence.rows import FOLDER, ROW_HASH, canonical, evidence_files, sha256
from partywall.evidence.signing import key_id
from partywall.lake.snapshot import LOCK, DataDirectory
from partywall.lake.writer import write_error

if TYPE_CHECKING:
    from partywall.evidence.signing import Signer

SEAL: Final = "seal.json"
_TITLE: Final = b"partywall seal 1\n"


class SealedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a scan: its path below the scan's directory, sha256 and size in bytes."""

    path: str
    sha256: str
    size: int


class SealedEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The evidence rows of a scan: how many, the sha256 over their sorted hashes, whether none were lost."""

    rows: int
    root: str
    complete: bool


class Previous(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scan that was sealed before, and the sha256 of its seal's file."""

    scan: str
    sha256: str


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature over `message`; `public_key` (DER) and `value` are base64."""

    algorithm: str
    key_id: str
    public_key: str
    value: str


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `seal.json` holds. `params`: the parameters of checks that a user set for this scan."""

    scan: str
    made_at: datetime
    version: str
    files: list[SealedFile]
    params: dict[str, dict[str, Any]]
    attestations: str
    """The hash of the last attestation record at that time: it stands for all before it."""
    previous: Previous | None = None
    evidence: SealedEvidence | None = None
    signature: Signature | None = None
    format: int = 1


def message(seal: Seal) -> bytes:
    """What is signed of a seal: the sha256 of all of it but the signature, below a title."""
    plain = msgspec.to_builtins(msgspec.structs.replace(seal, signature=None))
    del plain["signature"]
    return _TITLE + sha256(canonical(plain)).encode()


def seal(
    directory: Path,
    data: DataDirectory,
    params: Mapping[str, Mapping[str, Any]],
    signer: Signer | None = None,
    now: datetime | None = None,
) -> Seal:
    """Seals a scan that is about to be published (the caller holds `data.publishing`).

    Raises UserError where a file cannot be read or written, or the signer refuses.
    """
    try:
        files = [SealedFile(name, *digest(directory / name)) for name in file_names(directory)]
    except OSError as error:
        raise UserError(f"cannot read a file of the scan {directory.name} to seal it: {error}") from error
    made = Seal(
        scan=directory.name.removesuffix(".partial"),
        made_at=now or datetime.now(UTC),
        version=__version__,
        files=files,
        params={check: dict(values) for check, values in params.items()},
        attestations=events.head(data.path),
        previous=_previous(data),
        evidence=evidence_root(directory),
    )
    if signer is not None:
        signed = signer.sign(message(made))
        signature = Signature(
            signer.algorithm,
            key_id(signer.public_key),
            base64.b64encode(signer.public_key).decode(),
            base64.b64encode(signed).decode(),
        )
        made = msgspec.structs.replace(made, signature=signature)
    path = directory / SEAL
    try:
        with path.with_suffix(".tmp").open("wb") as file:
            file.write(orjson.dumps(msgspec.to_builtins(made), option=orjson.OPT_INDENT_2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".tmp").rename(path)
    except OSError as error:
        raise write_error(path, error) from error
    return made


def read_seal(directory: Path) -> Seal | None:
    """The seal of a scan, None where it has none. Raises UserError where it is no seal."""
    path = directory / SEAL
    try:
        return msgspec.json.decode(path.read_bytes(), type=Seal)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise UserError(f"{path} is damaged or no seal: {error}") from error


def file_names(directory: Path) -> list[str]:
    """The files of a scan that a seal covers, sorted: all but the seal and a writer's lock."""
    return sorted(
        name
        for p in directory.rglob("*")
        if p.is_file() and (name := p.relative_to(directory).as_posix()) not in (SEAL, LOCK)
    )


def evidence_root(directory: Path) -> SealedEvidence | None:
    """The hash that stands for all evidence rows of a scan, None where it has no evidence."""
    import pyarrow.parquet as pq

    if not (directory / FOLDER).is_dir():
        return None
    hashes: list[str] = []
    for path in evidence_files(directory):
        hashes += pq.read_table(path, columns=[ROW_HASH])[ROW_HASH].to_pylist()
    lost = (directory / FOLDER / LOST).exists()
    return SealedEvidence(len(hashes), root_of(hashes), not lost)


def root_of(hashes: list[str]) -> str:
    """The sha256 over row hashes, sorted, one a line."""
    return sha256("".join(f"{h}\n" for h in sorted(hashes)).encode())


def _previous(data: DataDirectory) -> Previous | None:
    """The end of the chain: the sealed scan that no other follows (the latest by id, were there several)."""
    sealed: dict[str, str] = {}
    followed: set[str] = set()
    for name in data.published():
        path = data.scans / name / SEAL
        if not path.is_file():
            continue
        sealed[name] = digest(path)[0]
        try:
            known = read_seal(data.scans / name)
        except UserError:
            # A damaged seal is followed all the same: that it was there is what the chain shows.
            continue
        if known is not None and known.previous is not None:
            followed.add(known.previous.scan)
    ends = [name for name in sealed if name not in followed]
    return Previous(ends[-1], sealed[ends[-1]]) if ends else None
