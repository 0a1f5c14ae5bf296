"""Packs for auditors: verified with nothing but Python's standard library, and found out when changed."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.evidence import attestations
from partywall.evidence.signing import new_key
from partywall.scan import Selection
from tests.support import DemoScan

SELECTED = Selection(regions=("us-east-1", "eu-west-1"), services=("s3", "kms", "artifact"))
SCRIPT = Path(__file__).parent.parent / "src/partywall/outputs/pack/verify.py"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def pack(demo: DemoScan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed pack of a small scan, with an attestation by somebody hostile and a period, unzipped."""
    from partywall.cli.period import write_pack
    from partywall.collect.recorder import ReplayTransport
    from partywall.config import Config
    from partywall.evidence.signing import load_signer
    from partywall.lake.snapshot import DataDirectory
    from partywall.scan import Scan, load_checks
    from tests.support import identity, unlimited

    place = tmp_path_factory.mktemp("pack")
    new_key(place / "key")
    day = date(2026, 1, 1)
    attestations.add(
        place / "data",
        framework="pci-dss-4.0.1",
        requirement="12.1.1",
        statement=HOSTILE,
        author="=cmd|' /C calc'!A0",
        reviewer="Grace",
        effective=day,
        valid_until=date(2100, 1, 1),
    )
    replayer = ReplayTransport(demo.recording())
    scan = Scan(
        DataDirectory(place / "data"),
        [identity(demo.accounts[0])],
        SELECTED,
        load_checks(SELECTED, Config()),
        Config(),
        replayer,  # type: ignore[arg-type]
        caller=unlimited(replayer),
        signer=load_signer(str(place / "key")),
    )
    path = scan.run()
    today = scan._now.date()
    write_pack(
        place / "data", path.name, "pci", place / "pack.zip", (today, today), 7, str(place / "key"), (), None
    )
    with zipfile.ZipFile(place / "pack.zip") as archive:
        archive.extractall(place / "pack")
    return place


def run(*arguments: Any) -> tuple[int, str]:
    """Runs the script alone: no packages, no environment."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_verifies_itself_with_pythons_standard_library_alone(pack: Path) -> None:
    code, told = run(pack / "pack/verify.py", "--public-key", pack / "key.pub")
    assert (code, "nothing was changed" in told, "PROBLEM" in told) == (0, True, False), told
    assert told.count("is signed by the key") == 2
    assert run(SCRIPT, pack / "pack.zip", "--public-key", pack / "key.pub")[0] == 0
    new_key(pack / "other")
    code, told = run(SCRIPT, pack / "pack.zip", "--public-key", pack / "other.pub")
    assert code == 1 and "another key" in told


def test_every_changed_file_is_named(pack: Path) -> None:
    with zipfile.ZipFile(pack / "pack.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    kinds = {n.split("/")[0] if "/" in n else n: n for n in files}
    assert set(kinds) >= {
        *("index.html", "manifest.json", "manifest.sig.json", "verify.py", "requirements.csv", "checks.csv"),
        *(
            "findings.csv",
            "populations.csv",
            "attestations.csv",
            "exceptions.csv",
            "poam.csv",
            "inherited.csv",
        ),
        *("evidence", "seals", "attestations", "period_requirements.csv", "public_key.pem"),
    }
    module = _script()
    for name in kinds.values():
        raw = files[name]
        changed = {
            **files,
            name: raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :],
        }
        problems = _problems(module, changed)
        assert problems and (name in " ".join(problems) or name.startswith("manifest")), (name, problems)
        gone = {n: c for n, c in files.items() if n != name}
        assert name == "manifest.sig.json" or _problems(module, gone), name
    assert any("evil" in p for p in _problems(module, {**files, "evil.html": b""}))


def test_a_changed_answer_is_named_even_where_the_manifest_was_made_anew(pack: Path) -> None:
    with zipfile.ZipFile(pack / "pack.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    module = _script()
    name = "evidence/s3-ListBuckets.jsonl"
    files[name] = files[name].replace(b'"Name":"', b'"Name":"x', 1)
    manifest = json.loads(files["manifest.json"])
    manifest["files"][name] = module.sha256(files[name])
    files["manifest.json"] = json.dumps(manifest).encode()
    problems = _problems(module, files)
    assert any(p.startswith(f"{name}, line 1: s3:ListBuckets in ") for p in problems), problems
    assert any("the signature of the pack is wrong" in p for p in problems)


def test_the_page_is_harmless_and_its_figures_add_up(pack: Path) -> None:
    page = (pack / "pack/index.html").read_text()
    assert HOSTILE not in page and "<script" not in page
    assert "default-src 'none'" in page
    rows = list(csv.DictReader(io.StringIO((pack / "pack/requirements.csv").read_text())))
    whole = [r for r in rows if r["account_id"] == "*"]
    assert f"How the {len(whole)} requirements stand" in page
    stated = list(csv.DictReader(io.StringIO((pack / "pack/attestations.csv").read_text())))
    assert [r["author"][:2] for r in stated] == ["'="]
    assert [r["state"] for r in whole if r["requirement"] == "12.1.1"] == ["attested"]
    populations = list(csv.DictReader(io.StringIO((pack / "pack/populations.csv").read_text())))
    assert any(int(r["passes"]) or int(r["fails"]) for r in populations)
    assert "report-0000000000000004:1" in (pack / "pack/inherited.csv").read_text()


def test_no_credential_is_in_the_evidence(pack: Path) -> None:
    from partywall.tables.secret_patterns import secret_kinds

    for path in (pack / "pack/evidence").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            for text in _strings(json.loads(line)["answer"]):
                assert not secret_kinds(text) or "masked" in text, (path.name, text[:80])


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32), st.integers(0, 63), st.integers(1, 255))
@settings(max_examples=15, deadline=None)
def test_the_scripts_ed25519_agrees_with_the_library(
    message: bytes, seed: bytes, place: int, change: int
) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = key.sign(message)
    module = _script()
    assert module.ed25519(public, message, signature)
    broken = bytes(b ^ (change if i == place else 0) for i, b in enumerate(signature))
    assert not module.ed25519(public, message, broken)
    assert not module.ed25519(public, message + b"x", signature)


def test_ed25519_of_rfc_8032() -> None:
    """Section 7.1, test 2; and s is refused where it is not reduced (section 5.1.7)."""
    module = _script()
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert module.ed25519(public, b"\x72", signature)
    s = int.from_bytes(signature[32:], "little") + module._L
    assert not module.ed25519(public, b"\x72", signature[:32] + s.to_bytes(32, "little"))


class _Files:
    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def names(self) -> list[str]:
        return sorted(self._files)

    def read(self, name: str) -> bytes:
        return self._files[name]


def _problems(module: Any, files: dict[str, bytes]) -> list[str]:
    found = module.Pack(_Files(files), None)
    found.verify()
    return found.problems


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("pack_verify", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for inner in value.values() for s in _strings(inner)]
    if isinstance(value, list):
        return [s for inner in value for s in _strings(inner)]
    return []
