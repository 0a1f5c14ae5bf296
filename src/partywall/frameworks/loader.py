"""Frameworks, control objectives and the evidence for them: from YAML, or from one JSON made of it.

A framework is one file `catalogue/ID.yaml`, a map of the fields of `model.Framework`:

    id: pci-dss-4.0.1
    name: PCI DSS
    version: 4.0.1
    aliases: [pci]
    about: …
    source: …
    programme: pci-dss               # of programmes.yaml; "" where there is none
    requirements:
      - {id: "1", title: Network security controls}           # a heading: no parts
      - id: 1.3.1
        parent: "1.3"
        type: X                      # T technical, P process, I AWS's, X several of them
        title: …
        aws: {what: …}               # programmes: [..] where other than the framework's own
        technical:
          objectives: [inbound-restricted]
          params: {some-check: {days: 90}}                    # what the requirement sets for these checks
          checks: [{check: some-check, weight: proves, why: …}]
          why: …
        process: {statement: …}
        why: …

Evidence is `evidence/*.yaml`, a list of `EvidenceGroup`: an objective, and checks that bear on it with one
weight for one reason. `evidence/unmapped.yaml` is a list of `Unmapped`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from partywall.errors import UserError, did_you_mean
from partywall.frameworks.files import FrameworkError, read_yaml
from partywall.frameworks.model import Evidence, Framework, Objective, Weight

_HERE: Final = Path(__file__).parent
CATALOGUE: Final = _HERE / "catalogue"
EVIDENCE: Final = _HERE / "evidence"
OBJECTIVES: Final = _HERE / "objectives.yaml"
UNMAPPED: Final = "unmapped.yaml"
BUILT: Final = _HERE / "frameworks.json"
"""Part of a wheel, whose YAML files nobody edits; a checkout has none."""
_KEPT: Final = _HERE / "__pycache__" / "frameworks.json"
_READERS: Final = ("loader.py", "model.py", "files.py")


class EvidenceGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Checks that bear on an objective with one weight, for one reason."""

    objective: str
    weight: Weight
    why: str
    checks: list[str]
    by: str = "partywall"
    set_on: date | None = None
    params: dict[str, Any] = {}


class Unmapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Checks that bear on no objective, and why that is so."""

    why: str
    checks: list[str]


class Library(msgspec.Struct, frozen=True):
    """All that comes with partywall: frameworks, objectives, evidence groups, checks left out."""

    frameworks: list[Framework]
    objectives: list[Objective]
    groups: list[EvidenceGroup]
    unmapped: list[Unmapped]
    stamp: str = ""

    def evidence(self) -> dict[str, list[Evidence]]:
        """Objective id -> its rows of evidence, in the files' order."""
        found: dict[str, list[Evidence]] = {objective.id: [] for objective in self.objectives}
        for group in self.groups:
            rows = found.setdefault(group.objective, [])
            rows += [
                Evidence(check, group.weight, group.why, group.by, group.set_on, group.params)
                for check in group.checks
            ]
        return found


def read_library() -> Library:
    """Everything from the YAML files; raises FrameworkError at the first fault."""
    frameworks = [read_yaml(path, Framework) for path in sorted(CATALOGUE.glob("*.yaml"))]
    files = [path for path in sorted(EVIDENCE.glob("*.yaml")) if path.name != UNMAPPED]
    unmapped = EVIDENCE / UNMAPPED
    return Library(
        frameworks,
        read_yaml(OBJECTIVES, list[Objective]),
        [group for path in files for group in read_yaml(path, list[EvidenceGroup])],
        read_yaml(unmapped, list[Unmapped]) if unmapped.exists() else [],
    )


@cache
def library() -> Library:
    """What comes with partywall: from its JSON, else the YAML. Raises FrameworkError for a fault there."""
    if BUILT.exists():
        built = _read(BUILT)
        if built is not None:
            return built
    stamp = _stamp()
    kept = _read(_KEPT)
    if kept is not None and kept.stamp == stamp:
        return kept
    found = msgspec.structs.replace(read_library(), stamp=stamp)
    # A checkout that cannot be written to, or a full disk, is only slower.
    with contextlib.suppress(OSError):
        write(_KEPT, found)
    return found


def write(path: Path, found: Library) -> None:
    """Writes the library as JSON, whole or not at all; raises OSError where the place cannot be written."""
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(found))
    temporary.replace(path)


def _read(path: Path) -> Library | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Library)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _stamp() -> str:
    """Names, times and sizes of the files and of the code that reads them."""
    files = [OBJECTIVES, *CATALOGUE.glob("*.yaml"), *EVIDENCE.glob("*.yaml"), *(_HERE / n for n in _READERS)]
    marks = [
        f"{file.relative_to(_HERE)} {(state := file.stat()).st_mtime_ns} {state.st_size}"
        for file in sorted(files)
    ]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


def load_frameworks(directories: Iterable[Path] = ()) -> dict[str, Framework]:
    """The frameworks by id: partywall's, then those of a user's directories (`*.yaml`).

    Raises UserError for a directory that is not there, FrameworkError for a fault or an id or alias that is
    taken.
    """
    found = {framework.id: framework for framework in library().frameworks}
    names = {name: f.id for f in found.values() for name in (f.id, *f.aliases)}
    for directory in directories:
        if not directory.is_dir():
            raise UserError(
                f"there is no directory of frameworks at {directory}; --frameworks-dir names one with"
                " *.yaml files"
            )
        for path in sorted([*directory.glob("*.yaml"), *directory.glob("*.yml")]):
            framework = read_yaml(path, Framework)
            for name in (framework.id, *framework.aliases):
                if name in names:
                    raise FrameworkError(f"{path}: the name {name!r} is taken by {names[name]}; give another")
                names[name] = framework.id
            found[framework.id] = framework
    return found


def find(frameworks: Mapping[str, Framework], name: str) -> Framework:
    """The framework of an id or alias; raises UserError with the nearest names."""

    word = name.casefold()
    names = {key.casefold(): f for f in frameworks.values() for key in (f.id, *f.aliases)}
    if word not in names:
        hint = did_you_mean(word, names, f"; there are {', '.join(sorted(frameworks))}", cutoff=0.5)
        raise UserError(f"there is no framework {name!r}{hint}")
    return names[word]
