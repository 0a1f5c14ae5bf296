"""GuardDuty's finding types on CloudTrail, and our rules that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from partywall.detections.sigma.rules import RuleSet

TABLE: Final = Path(__file__).parent / "guardduty.yaml"
BY_RULES: Final = "rules"


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A type, the titles of the rules that stand for it, and what it needs where there is none."""

    type: str
    rules: tuple[str, ...]
    needs: str


def table() -> dict[str, str]:
    """Each type: `rules`, or what it needs that a rule does not have."""
    import yaml

    return cast(dict[str, str], yaml.safe_load(TABLE.read_text("utf-8")))


def equivalents(loaded: RuleSet) -> list[Equivalent]:
    """Every type of the table with the rules of a rule set that name it."""
    named: dict[str, list[str]] = {}
    for each in (*loaded.rules, *loaded.correlations):
        named.setdefault(str(each.about.extra.get("finding", "")), []).append(each.about.title)
    return [
        Equivalent(name, tuple(sorted(named.get(name, ()))), "" if needs == BY_RULES else needs)
        for name, needs in table().items()
    ]
