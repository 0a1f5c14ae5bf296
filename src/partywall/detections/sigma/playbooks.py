"""What to do about a finding: contain, investigate, recover."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Playbook:
    """Steps in order; `{…}` in them stand for what a finding names."""

    key: str
    title: str
    contain: tuple[str, ...]
    investigate: tuple[str, ...]
    recover: tuple[str, ...]


@cache
def playbooks() -> dict[str, Playbook]:
    """All playbooks by key."""
    import yaml

    text = (Path(__file__).parent / "playbooks.yaml").read_text(encoding="utf-8")
    return {
        key: Playbook(
            key, book["title"], *(tuple(book[part]) for part in ("contain", "investigate", "recover"))
        )
        for key, book in yaml.safe_load(text).items()
    }
