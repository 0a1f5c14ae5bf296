"""Verifies a scan: all hashes of its files and answers, the chain of seals, and every verdict."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from partywall import __version__
from partywall.errors import UserError
from partywall.evidence import attestations, events
from partywall.evidence.attestations import digest
from partywall.evidence.rows import BODY, ROW_HASH, canonical, evidence_files, row_hash, sha256
from partywall.evidence.seal import SEAL, Seal, file_names, message, read_seal, root_of
from partywall.evidence.signing import is_signed, key_id
from partywall.lake.snapshot import DataDirectory, Manifest, read_manifest

_SHOWN: Final = 200
"""Differing verdicts and rows that are told of one by one; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was sealed: `where`: a file, a row, a call, or a verdict."""

    kind: str
    """file, row, seal, chain, signature, attestation, evidence or verdict."""
    where: str
    what: str


@dataclass(slots=True)
class Verification:
    """What verifying a scan found; `notes` tell what could not be shown, one sentence each."""

    scan: str
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[str] = field(default_factory=list[str])
    files: int = 0
    rows: int = 0
    verdicts: int = 0
    signed_by: str = ""
    """The id of the key that signed the seal, "" where it is unsigned or its signature is wrong."""

    @property
    def sound(self) -> bool:
        """Whether nothing differs."""
        return not self.problems

    def add(self, kind: str, where: str, what: str) -> None:
        """Notes a problem."""
        self.problems.append(Problem(kind, where, what))


def verify(
    data: DataDirectory,
    directory: Path,
    *,
    trusted: bytes | None = None,
    again: bool = True,
    checks_dirs: Sequence[Path] = (),
) -> Verification:
    """Verifies one scan of a data directory. `trusted`: the public key (DER) that must have signed it.

    With `again`, every verdict is judged anew from the evidence, in a temporary directory and without AWS.
    Raises UserError where the scan has no readable manifest.
    """
    result = Verification(directory.name)
    verify_chain(data, result)
    seal: Seal | None = None
    try:
        seal = read_seal(directory)
    except UserError as error:
        result.add("seal", SEAL, str(error))
    if seal is not None:
        verify_seal(directory, seal, result, trusted)
        _verify_attestations(data, seal, result)
    elif not any(p.where == SEAL for p in result.problems):
        result.notes.append("the scan is not sealed: an earlier version of partywall made it")
        if trusted is not None:
            result.add("signature", SEAL, "there is no seal, so nothing that the key could have signed")
    try:
        verify_rows(directory, seal, result)
        if again and evidence_files(directory):
            _judge_again(directory, seal, checks_dirs, result)
        elif again:
            result.notes.append("the scan kept no evidence, so its verdicts cannot be judged again")
    except UserError as error:
        result.add("file", directory.name, str(error))
    return result


def verify_chain(data: DataDirectory, result: Verification) -> None:
    """Every seal of a data directory against the seal that names it as the one before."""
    for name in data.published():
        try:
            seal = read_seal(data.scans / name)
        except UserError as error:
            if name != result.scan:
                result.add("chain", f"{name}/{SEAL}", str(error))
            continue
        if seal is None or seal.previous is None:
            continue
        before = data.scans / seal.previous.scan / SEAL
        if not before.is_file():
            result.add(
                "chain", f"{name}/{SEAL}", f"follows the scan {seal.previous.scan}, whose seal is missing"
            )
        elif digest(before)[0] != seal.previous.sha256:
            what = f"was changed after the scan {name} was sealed upon it"
            result.add("chain", f"{seal.previous.scan}/{SEAL}", what)


def verify_seal(directory: Path, seal: Seal, result: Verification, trusted: bytes | None = None) -> None:
    """Every file of a scan against its seal, and the seal's signature."""
    if seal.scan != directory.name:
        result.add("seal", SEAL, f"is the seal of {seal.scan}")
    sealed = {f.path: f for f in seal.files}
    there = set(file_names(directory))
    for path in sorted(there - set(sealed)):
        result.add("file", path, "was added after the scan was sealed")
    for path, file in sealed.items():
        if path not in there:
            result.add("file", path, "is missing")
            continue
        try:
            found, size = digest(directory / path)
        except OSError as error:
            result.add("file", path, f"cannot be read: {error}")
            continue
        result.files += 1
        if found != file.sha256:
            told = f"; it has {size} bytes, and had {file.size}" if size != file.size else ""
            result.add("file", path, f"was changed after the scan was sealed{told}")
    if seal.evidence is not None and not seal.evidence.complete:
        result.notes.append("the scan was killed and resumed, and its evidence of before may be incomplete")
    _verify_signature(seal, result, trusted)


def _verify_signature(seal: Seal, result: Verification, trusted: bytes | None) -> None:
    if seal.signature is None:
        if trusted is not None:
            result.add("signature", SEAL, "is not signed")
        else:
            result.notes.append(
                "the seal is not signed: it shows accidents, but whoever can write here could seal anew"
            )
        return
    try:
        public = base64.b64decode(seal.signature.public_key, validate=True)
        signed = base64.b64decode(seal.signature.value, validate=True)
    except ValueError:
        result.add("signature", SEAL, "the signature is not base64")
        return
    if key_id(public) != seal.signature.key_id or not is_signed(
        public, seal.signature.algorithm, message(seal), signed
    ):
        result.add("signature", SEAL, "does not fit what is sealed")
    elif trusted is not None and public != trusted:
        result.add("signature", SEAL, f"was made with another key, {seal.signature.key_id[:16]}…")
    else:
        result.signed_by = seal.signature.key_id
        if trusted is None:
            result.notes.append(
                "the signature fits the public key in the seal; whose key that is only --public-key can show"
            )


def _verify_attestations(data: DataDirectory, seal: Seal, result: Verification) -> None:
    try:
        known = attestations.load(data.path)
    except UserError as error:
        result.add("attestation", events.FOLDER, str(error))
        return
    for what in attestations.file_problems(data.path, known):
        result.add("attestation", events.FOLDER, what)
    heads = {"", *(digest(path)[0] for path in events.event_files(data.path))}
    if seal.attestations not in heads:
        result.add(
            "attestation",
            events.FOLDER,
            "the last record at the time of the scan was changed or removed since it was sealed",
        )


def verify_rows(directory: Path, seal: Seal | None, result: Verification) -> None:
    """Every evidence row: the answer against its hash and canonical form, the row's facts against theirs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    hashes: list[str] = []
    number = 0
    for path in evidence_files(directory):
        name = path.relative_to(directory).as_posix()
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=500):
                    for row in batch.to_pylist():
                        where = f"{name} row {row['number']} ({row['service']}:{row['operation']}"
                        where += f" in account {row['account_id']}, {row['region']})"
                        for what in row_faults(row, number):
                            result.add("row", where, what)
                        hashes.append(row[ROW_HASH] or "")
                        number += 1
        except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
            result.add("file", name, f"cannot be read: {str(error)[:200]}")
    result.rows = number
    sealed = seal.evidence if seal is not None else None
    if sealed is None:
        return
    if number != sealed.rows:
        result.add("evidence", "evidence", f"has {number} rows, and had {sealed.rows}")
    elif root_of(hashes) != sealed.root:
        result.add("evidence", "evidence", "the rows are not those that were sealed")


def row_faults(row: dict[str, Any], number: int) -> list[str]:
    """What is wrong with an evidence row that should have this number."""
    faults: list[str] = []
    body = (row[BODY] or "").encode()
    if row["number"] != number:
        faults.append(f"is where the row {number} should be: rows are missing or out of order")
    if sha256(body) != row["sha256"]:
        faults.append("the answer is not the one that was hashed")
    try:
        if canonical(orjson.loads(body)) != body:
            faults.append("the answer is not in canonical form")
    except orjson.JSONDecodeError:
        faults.append("the answer is not JSON")
    if row["asked_at"] is None or row_hash(row) != row[ROW_HASH]:
        faults.append("what it says of the call was changed")
    return faults


def _judge_again(
    directory: Path, seal: Seal | None, checks_dirs: Sequence[Path], result: Verification
) -> None:
    """Judges the scan anew from its evidence and compares listings and verdicts."""
    from partywall.evidence.again import differences, perform

    manifest: Manifest = read_manifest(directory)
    if manifest.version != __version__:
        result.notes.append(
            f"partywall {manifest.version} made the scan and {__version__} judges it again: a verdict may"
            " differ because a check did"
        )
    with tempfile.TemporaryDirectory(prefix="partywall-verify-") as folder:
        performed = perform(directory, manifest, dict(seal.params) if seal else {}, checks_dirs, Path(folder))
        for check in performed.unknown:
            result.add("verdict", check, "this check is not known here: name its directory with --checks-dir")
        for call in performed.missing[:_SHOWN]:
            result.add("evidence", call, "the answer to this call is missing")
        if len(performed.missing) > _SHOWN:
            result.add(
                "evidence", "more calls", f"{len(performed.missing) - _SHOWN} more answers are missing"
            )
        found, result.verdicts = differences(directory, performed.directory, performed.unknown)
    for where, what in found[:_SHOWN]:
        result.add("verdict", where, what)
    if len(found) > _SHOWN:
        result.add("verdict", "more verdicts", f"{len(found) - _SHOWN} more differ")
