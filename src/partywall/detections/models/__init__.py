"""Models: behaviour in the logs that no rule can say. `run` is what `partywall detect` calls after the rules.

A model is a module of this package, named in MODULES, with a `MODEL`. Each is asked about what is new since
it was last stored, gives the same detections for the same records, and says itself what it cannot do yet.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.detections.detection import Detection

if TYPE_CHECKING:
    from partywall.detections.ingest.store import LogStore
    from partywall.detections.models.lists import Lists
    from partywall.detections.models.memory import Memory

MODULES: Final = ("flow", "trail")
"""The modules that hold a MODEL, in the order in which they are asked."""
LISTS: Final = "lists"
"""The directory of the data directory whose files are the user's lists of bad addresses and domains."""
DIRECTORY: Final = "models"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model may look at."""

    logs: LogStore
    data: Path
    lists: Lists
    memory: Memory
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What models found, and what they say of themselves: learning since …, off for want of …"""

    detections: list[Detection] = field(default_factory=list[Detection])
    notes: tuple[str, ...] = ()
    stored: Callable[[], None] = field(default=lambda: None)
    """To be called when the detections are stored: until then the same records are asked about again."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model: what it is called, GuardDuty's types that it stands for, and how it is asked."""

    name: str
    types: tuple[str, ...]
    run: Callable[[Asked], Answer]


def models() -> list[Model]:
    """Every model, in order."""
    return [importlib.import_module(f"{__name__}.{name}").MODEL for name in MODULES]


def run(logs: LogStore, lists: Sequence[Path] = (), now: datetime | None = None) -> Answer:
    """Asks every model about what is new in the log tables.

    `lists` are further files or directories of bad addresses and domains, besides `lists/` in the data
    directory. Raises UserError where a list or the memory of the models cannot be read or written.
    """
    from partywall.detections.models.lists import read
    from partywall.detections.models.memory import Memory

    data = logs.directory.parent
    own = data / LISTS
    bad = read([*([own] if own.is_dir() else []), *lists])
    memory = Memory(data / DIRECTORY)
    asked = Asked(logs, data, bad, memory, now or datetime.now(UTC))
    found: list[Detection] = []
    notes: list[str] = []
    if bad.refused:
        notes.append(f"{bad.refused:,} entries of your lists are no address, network or domain")
    for model in models():
        answer = model.run(asked)
        found += answer.detections
        notes += answer.notes
    return Answer(found, tuple(dict.fromkeys(notes)), memory.save)
