"""The catalogue in one JSON file: in a wheel built along with it, in a checkout kept beside the byte code."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from partywall.checks.loader import CATALOGUE, LoadedCheck, Place, load_directory
from partywall.checks.model import Check

BUILT: Final = CATALOGUE.parent / "catalogue.json"
"""Part of a wheel, whose YAML files nobody edits; a checkout has none."""
_KEPT: Final = CATALOGUE.parent / "__pycache__" / "catalogue.json"
_READERS: Final = ("loader.py", "model.py", "compiled.py")


class _Entry(msgspec.Struct, array_like=True):
    check: Check
    file: str
    places: dict[str, tuple[int, int]]


class _File(msgspec.Struct, array_like=True):
    stamp: str
    entries: list[_Entry]


def catalogue_checks() -> list[LoadedCheck]:
    """The checks that come with partywall; from the YAML wherever the JSON is missing, old or damaged."""
    if BUILT.exists():
        built = _read(BUILT, "")
        if built is not None:
            return built
    stamp = _stamp()
    kept = _read(_KEPT, stamp)
    if kept is not None:
        return kept
    loaded = load_directory(CATALOGUE)
    # A checkout that cannot be written to, or a full disk, is only slower.
    with contextlib.suppress(OSError):
        write(_KEPT, loaded, stamp)
    return loaded


def write(path: Path, checks: Iterable[LoadedCheck], stamp: str = "") -> None:
    """Writes checks whole or not at all; raises OSError where the place cannot be written."""
    entries: list[_Entry] = []
    for loaded in checks:
        file = Path(loaded.place("").file).relative_to(CATALOGUE)
        entries.append(
            _Entry(loaded.check, str(file), {key: (p.line, p.column) for key, p in loaded.places.items()})
        )
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(_File(stamp, entries)))
    temporary.replace(path)


def _read(path: Path, stamp: str) -> list[LoadedCheck] | None:
    """The checks of a JSON file; None where it is missing, damaged or of other files than the stamp's."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if found.stamp != stamp:
        return None
    loaded: list[LoadedCheck] = []
    for entry in found.entries:
        file = str(CATALOGUE / entry.file)
        places = {key: Place(file, line, column) for key, (line, column) in entry.places.items()}
        loaded.append(LoadedCheck(entry.check, places))
    return loaded


def _stamp() -> str:
    """Names, times and sizes of the check files and of the code that reads them."""
    files = [*CATALOGUE.rglob("*.y*ml"), *(CATALOGUE.parent / name for name in _READERS)]
    marks = [
        f"{file.relative_to(CATALOGUE.parent)} {(state := file.stat()).st_mtime_ns} {state.st_size}"
        for file in sorted(files)
    ]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()
