#!/usr/bin/env python3
"""Verifies an auditor's pack of partywall with nothing but Python's standard library.

    python3 verify.py                     the directory that this script is in
    python3 verify.py PACK.zip            a pack that is still one file
    ... --public-key KEY.pem              the key that must have signed (else the pack's own is taken)

Exit code 0: nothing was changed since the pack was made. 1: something was, and it is named. It recomputes
the hash of every file, of every answer that AWS gave and of what is said of it, the chain of seals over the
scans, the chain of attestations, and the ed25519 signatures (RFC 8032).
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Coordinates = tuple[int, int, int, int]

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig.json"
UNLISTED = (MANIFEST, SIGNATURE)


def sha256(raw: bytes) -> str:
    """The sha256 of bytes in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


class Folder:
    """The files of a pack in a directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """The paths of all files, with slashes."""
        found = (p for p in self.path.rglob("*") if p.is_file())
        return sorted(p.relative_to(self.path).as_posix() for p in found)

    def read(self, name: str) -> bytes:
        """A file's bytes."""
        return (self.path / name).read_bytes()


class Archive:
    """The files of a pack in a zip."""

    def __init__(self, path: Path) -> None:
        self.zip = zipfile.ZipFile(path)

    def names(self) -> list[str]:
        """The paths of all files."""
        return sorted(n for n in self.zip.namelist() if not n.endswith("/"))

    def read(self, name: str) -> bytes:
        """A file's bytes."""
        return self.zip.read(name)


# Ed25519 as RFC 8032, section 5.1, describes it: only verification, which has no secrets to guard.
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)


def _add(a: Coordinates, b: Coordinates) -> Coordinates:
    """The sum of two points in extended coordinates (section 5.1.4)."""
    s = (a[1] - a[0]) * (b[1] - b[0]) % _P
    t = (a[1] + a[0]) * (b[1] + b[0]) % _P
    c = 2 * a[3] * b[3] * _D % _P
    d = 2 * a[2] * b[2] % _P
    e, f, g, h = t - s, d - c, d + c, t + s
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _multiple(point: Coordinates, times: int) -> Coordinates:
    found = (0, 1, 1, 0)
    while times:
        if times & 1:
            found = _add(found, point)
        point = _add(point, point)
        times >>= 1
    return found


def _equal(a: Coordinates, b: Coordinates) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % _P == 0 and (a[1] * b[2] - b[1] * a[2]) % _P == 0


def _point(raw: bytes) -> Coordinates | None:
    """The point of its 32 bytes (section 5.1.3), None where they are none."""
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return (x, y, 1, x * y % _P)


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of 64 bytes over a message fits a public key of 32."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or _BASE is None or s >= _L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    return _equal(_multiple(_BASE, s), _add(r, _multiple(key, h)))


# What comes before an ed25519 key in DER (RFC 8410).
_SPKI = bytes.fromhex("302a300506032b6570032100")


class Pack:
    """A pack under verification: `problems` and `notes` are sentences."""

    def __init__(self, files: Folder | Archive, trusted: bytes | None) -> None:
        self.files = files
        self.trusted = trusted
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.answers = 0
        self.seal: Any = None

    def verify(self) -> None:
        """Looks at everything."""
        names = self.files.names()
        if MANIFEST not in names:
            self.problems.append(f"{MANIFEST} is missing: this is no pack")
            return
        raw = self.files.read(MANIFEST)
        try:
            manifest: Any = json.loads(raw)
            listed: dict[str, str] = dict(manifest["files"])
        except (ValueError, KeyError, TypeError):
            self.problems.append(f"{MANIFEST} is damaged")
            return
        for name in names:
            if name not in listed and name not in UNLISTED and "__pycache__" not in name:
                self.problems.append(f"{name} was added")
        for name, wanted in sorted(listed.items()):
            if name not in names:
                self.problems.append(f"{name} is missing")
            elif sha256(self.files.read(name)) != wanted:
                self.problems.append(f"{name} was changed")
        signature = None
        if SIGNATURE in names:
            try:
                signature = json.loads(self.files.read(SIGNATURE))
            except ValueError:
                self.problems.append(f"{SIGNATURE} is damaged")
        self.signed("the pack", signature, b"partywall pack 1\n" + sha256(raw).encode(), True)
        try:
            self.seals([n for n in names if n.startswith("seals/")], str(manifest["scan"]))
            self.rows([n for n in names if n.startswith("evidence/") and n.endswith(".jsonl")])
            self.attestations([n for n in names if n.startswith("attestations/")])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self.problems.append(f"a file of the pack is damaged ({type(error).__name__}: {error})")

    def signed(self, what: str, signature: Any, message: bytes, needed: bool = False) -> None:
        """Checks a signature, or notes that there is none."""
        if signature is None:
            if self.trusted and needed:
                self.problems.append(f"{what} is not signed")
            else:
                self.notes.append(f"{what} is not signed: whoever could change it could make it anew")
            return
        try:
            public = base64.b64decode(signature["public_key"], validate=True)
            value = base64.b64decode(signature["value"], validate=True)
            algorithm = signature["algorithm"]
        except (ValueError, KeyError, TypeError):
            self.problems.append(f"the signature of {what} is damaged")
            return
        if self.trusted and public != self.trusted:
            self.problems.append(f"{what} was signed with another key, {sha256(public)[:16]}")
        elif algorithm != "ed25519":
            self.notes.append(
                f"{what} is signed by {algorithm}, which this script cannot check; partywall can"
            )
        elif not public.startswith(_SPKI) or not ed25519(public[len(_SPKI) :], message, value):
            self.problems.append(f"the signature of {what} is wrong")
        else:
            whose = "" if self.trusted else ": compare the key with one that you trust (--public-key)"
            self.notes.append(f"{what} is signed by the key {sha256(public)[:16]}{whose}")

    def seals(self, names: Sequence[str], scan: str) -> None:
        """The chain of seals, the signature of each, and the hashes that the evidence was sealed by."""
        for name in names:
            seal = json.loads(self.files.read(name))
            before = seal.get("previous")
            if before:
                earlier = f"seals/{before['scan']}.json"
                if earlier not in names:
                    self.notes.append(f"the seal of {before['scan']} is not here: the chain begins after it")
                elif sha256(self.files.read(earlier)) != before["sha256"]:
                    self.problems.append(f"{earlier} is not the seal that {name} follows")
            signature = seal.pop("signature")
            plain = json.dumps(seal, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            message = b"partywall seal 1\n" + sha256(plain.encode()).encode()
            if seal["scan"] == scan:
                self.seal = seal
                self.signed(f"the scan {scan}", signature, message)
            elif signature is not None:
                self.signed(f"the scan {seal['scan']}", signature, message)
        if self.seal is None:
            self.notes.append(f"the scan {scan} was not sealed")

    def rows(self, names: Sequence[str]) -> None:
        """Every answer against its hash, and each row's facts against those that were sealed."""
        known: set[str] | None = None
        hashes = "evidence/hashes.txt"
        sealed = (self.seal or {}).get("evidence")
        if hashes in self.files.names():
            raw = self.files.read(hashes)
            known = set(raw.decode().split())
            if sealed and sha256(raw) != sealed["root"]:
                self.problems.append(f"{hashes} is not what the scan {self.seal['scan']} was sealed with")
        elif sealed:
            self.problems.append(f"{hashes} is missing")
        for name in names:
            lines = self.files.read(name).decode().splitlines()
            for number, line in enumerate(lines, 1):
                self.answers += 1
                for fault in row_faults(line, known):
                    self.problems.append(f"{name}, line {number}: {fault}")

    def attestations(self, names: Sequence[str]) -> None:
        """The chain of what people recorded."""
        before = ""
        heads = {""}
        for number, name in enumerate(names, 1):
            raw = self.files.read(name)
            event = json.loads(raw)
            if event["number"] != number:
                self.problems.append(f"{name}: the record {number} before it is missing")
                return
            if event["previous"] != before:
                self.problems.append(f"{name} does not follow the record before it: one was changed")
                return
            before = sha256(raw)
            heads.add(before)
        if self.seal is not None and self.seal["attestations"] not in heads:
            self.problems.append("the attestations are not those that the scan was sealed with")


def row_faults(line: str, known: set[str] | None) -> list[str]:
    """What is wrong with one line of evidence: {"answer":…,"row":…,"row_sha256":"…"}."""
    decoder = json.JSONDecoder()
    head, middle, tail = '{"answer":', ',"row":', ',"row_sha256":"'
    try:
        if not line.startswith(head):
            raise ValueError
        _, end = decoder.raw_decode(line, len(head))
        answer = line[len(head) : end]
        if not line.startswith(middle, end):
            raise ValueError
        start = end + len(middle)
        row, end = decoder.raw_decode(line, start)
        facts = line[start:end]
        if not line.startswith(tail, end) or not line.endswith('"}'):
            raise ValueError
        told = line[end + len(tail) : -2]
        wanted = row["sha256"]
        where = f"{row['service']}:{row['operation']} in {row['account_id']} {row['region']}"
    except (ValueError, KeyError, TypeError):
        return ["is no row of evidence"]
    faults: list[str] = []
    if sha256(answer.encode()) != wanted:
        faults.append(f"{where}: the answer is not the one that was hashed")
    if sha256(facts.encode()) != told:
        faults.append(f"{where}: what is said of the call was changed")
    if known is not None and told not in known:
        faults.append(f"{where}: this row is not among those that were sealed")
    return faults


def main(arguments: Sequence[str]) -> int:
    """Verifies what the arguments name; returns the exit code."""
    trusted = None
    places: list[Path] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--public-key" and words:
            lines = Path(words.pop(0)).read_text().split("\n")
            trusted = base64.b64decode("".join(x for x in lines if "-----" not in x))
        elif word.startswith("-"):
            sys.stdout.write(__doc__ or "")
            return 2
        else:
            places.append(Path(word))
    place = places[0] if places else Path(__file__).resolve().parent
    pack = Pack(Archive(place) if place.is_file() else Folder(place), trusted)
    pack.verify()
    for problem in pack.problems:
        sys.stdout.write(f"PROBLEM: {problem}\n")
    for note in pack.notes:
        sys.stdout.write(f"note: {note}\n")
    verdict = "something is not as it was" if pack.problems else "nothing was changed"
    sys.stdout.write(f"{verdict}; {pack.answers} answers looked at\n")
    return 1 if pack.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
