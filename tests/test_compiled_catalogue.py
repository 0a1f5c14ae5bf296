"""The compiled catalogue says what the YAML says, and gives way where it is old or damaged."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from partywall.checks import compiled
from partywall.checks.loader import CATALOGUE, load_directory


def _plain(checks: list[compiled.LoadedCheck]) -> list[tuple[object, dict[str, compiled.Place]]]:
    return [(msgspec.to_builtins(c.check), dict(c.places)) for c in checks]


def test_json_holds_what_the_yaml_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = load_directory(CATALOGUE)
    compiled.write(tmp_path / "catalogue.json", read)
    monkeypatch.setattr(compiled, "BUILT", tmp_path / "catalogue.json")
    monkeypatch.setattr(compiled, "load_directory", None)
    found = compiled.catalogue_checks()
    assert len(found) > 300
    assert _plain(found) == _plain(read)
    assert [c.check for c in found] == [c.check for c in read]


@pytest.mark.parametrize("damage", [b"", b"{}", b'["stamp"', b'["another stamp", []]', b"\xff\xfe"])
def test_a_kept_file_that_does_not_fit_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    kept = tmp_path / "__pycache__" / "catalogue.json"
    kept.parent.mkdir()
    kept.write_bytes(damage)
    monkeypatch.setattr(compiled, "BUILT", tmp_path / "none.json")
    monkeypatch.setattr(compiled, "_KEPT", kept)
    first = load_directory(CATALOGUE)[:3]
    monkeypatch.setattr(compiled, "load_directory", lambda _: first)
    assert compiled.catalogue_checks() == first
    monkeypatch.setattr(compiled, "load_directory", None)
    assert compiled.catalogue_checks() == first
    monkeypatch.setattr(compiled, "_stamp", lambda: "an edited file")
    monkeypatch.setattr(compiled, "load_directory", lambda _: first[:1])
    assert compiled.catalogue_checks() == first[:1]


def test_a_checkout_that_cannot_be_written_reads_the_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(compiled, "BUILT", tmp_path / "none.json")
    monkeypatch.setattr(compiled, "_KEPT", tmp_path / "file" / "catalogue.json")
    first = load_directory(CATALOGUE)[:3]
    monkeypatch.setattr(compiled, "load_directory", lambda _: first)
    assert compiled.catalogue_checks() == first
