"""Asking the models of callers about written records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from partywall.detections.detection import Detection
from partywall.detections.ingest.ingest import ingest
from partywall.detections.ingest.store import LogStore
from partywall.detections.models import Answer, Asked
from partywall.detections.models.lists import Lists, class_of
from partywall.detections.models.memory import Memory
from partywall.detections.models.trail import run
from tests.stories import Record

ACCOUNT = "111122223333"


class Watched:
    """A data directory whose logs grow; `ask` is what `partywall detect` does with the models."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "data"
        self._files = directory
        directory.mkdir(exist_ok=True)
        self._count = 0

    def add(self, records: Iterable[Record]) -> None:
        """More records, as one file."""
        self._count += 1
        file = self._files / f"records-{self._count}.json"
        file.write_text(json.dumps({"Records": list(records)}))
        assert ingest([file], self.data).total("rejected") == 0

    def ask(self, *listed: tuple[str, str]) -> Answer:
        """What the models say of what is new; `listed`: (file of a list, address)."""
        lists = Lists()
        for name, address in listed:
            assert lists.add(address, class_of(name), name)
        lists.version = str(listed)
        memory = Memory(self.data / "models")
        answer = run(Asked(LogStore(self.data), self.data, lists, memory, datetime(2026, 12, 1, tzinfo=UTC)))
        memory.save()
        return answer


def asked(directory: Path, records: Sequence[Record], *listed: tuple[str, str]) -> list[Detection]:
    """The detections of the models in some records, nothing being known before."""
    watched = Watched(directory)
    watched.add(records)
    return watched.ask(*listed).detections
