"""GuardDuty's finding types on CloudTrail, and our rules and models that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from partywall.detections.sigma.rules import RuleSet

TABLE: Final = Path(__file__).parent / "guardduty.yaml"
BY_RULES: Final = "rules"
BY_MODELS: Final = "models"


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A type, the titles of the rules and names of the models for it, and what it needs beside them.

    `needs` is "" where a rule or model stands for the type as it is, else what is missing; a model for which
    the user has to bring something says that.
    """

    type: str
    rules: tuple[str, ...]
    needs: str
    models: tuple[str, ...] = ()


def table() -> dict[str, str]:
    """Each type: `rules`, `models`, `models: what the user brings`, or what it needs that neither has."""
    import yaml

    return cast(dict[str, str], yaml.safe_load(TABLE.read_text("utf-8")))


def equivalents(loaded: RuleSet) -> list[Equivalent]:
    """Every type of the table with the rules of a rule set that name it, and our models."""
    from partywall.detections.models import models

    named: dict[str, list[str]] = {}
    for each in (*loaded.rules, *loaded.correlations):
        named.setdefault(str(each.about.extra.get("finding", "")), []).append(each.about.title)
    modelled: dict[str, list[str]] = {}
    for model in models():
        for name in model.types:
            modelled.setdefault(name, []).append(model.name)
    return [
        Equivalent(name, tuple(sorted(named.get(name, ()))), _needs(needs), tuple(modelled.get(name, ())))
        for name, needs in table().items()
    ]


def _needs(told: str) -> str:
    if told == BY_RULES:
        return ""
    return told.removeprefix(BY_MODELS).removeprefix(": ")
