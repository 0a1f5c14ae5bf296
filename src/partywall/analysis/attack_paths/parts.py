"""The parts of an attack path: entries, steps, changes, routes and targets, and how they are weighed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

CERTAIN: Final = "certain"
POSSIBLE: Final = "possible"
UNKNOWN: Final = "unknown"
CERTAINTIES: Final = (CERTAIN, POSSIBLE, UNKNOWN)
"""How sure a step is: by configuration alone; if something beside it holds (a fault in software, a guessed
password, an open condition); or not known, since something was not read."""
Call = Mapping[str, str]
"""A failed call, as an element of `_failed`."""


@dataclass(frozen=True, slots=True)
class Factor:
    """Why a path is more or less likely (`likelihood`, a share) or does more damage (`damage`, of 100)."""

    name: str
    why: str
    likelihood: float = 1.0
    damage: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What would cut a step. `check`: the id of the check that stands for it, whose fix tells how."""

    kind: str
    subject: str
    text: str
    check: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """By which equal changes are told."""
        return self.kind, self.subject, self.text


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: what is done from `source` to `target` (ARNs, or what an entry is called)."""

    kind: str
    title: str
    source: str
    target: str
    certainty: str
    technique: str
    technique_name: str
    why: str
    factors: tuple[Factor, ...]
    evidence: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    failed: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a path begins. `arn`: the key's user, the workload, the other account; "" for the internet."""

    kind: str
    arn: str
    title: str
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What would hurt. `key_arn`: the KMS key that it must be decrypted with to be read; "" for none."""

    kind: str
    table: str
    account: str
    region: str
    arn: str
    name: str
    tags: Mapping[str, str] | None
    step: str
    factors: tuple[Factor, ...]
    actions: Mapping[str, str]
    key_arn: str = ""
    safe: bool = False
    """A lock or the like takes it out of everybody's reach."""
    failed: tuple[Call, ...] = ()
    """The calls that did not answer about it."""

    @property
    def damage(self) -> int:
        """Of 100."""
        return min(100, sum(f.damage for f in self.factors))


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One way from an entry to a target, step by step."""

    entry: Entry
    target: Target
    steps: tuple[Step, ...]

    @property
    def certainty(self) -> str:
        """That of its least sure step."""
        return max((s.certainty for s in self.steps), key=CERTAINTIES.index, default=CERTAIN)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """All that its likelihood comes from; factors of 1 tell nothing."""
        found = [*self.entry.factors, *(f for s in self.steps for f in s.factors)]
        return tuple(f for f in found if f.likelihood != 1.0)

    @property
    def likelihood(self) -> int:
        """Of 100, at least 1: the factors multiplied."""
        made = 1.0
        for factor in self.factors:
            made *= factor.likelihood
        return max(1, min(100, round(100 * made)))

    @property
    def score(self) -> float:
        """Likelihood times damage, 0 to 100: what paths are ranked by."""
        return self.likelihood * self.target.damage / 100

    @property
    def changes(self) -> tuple[Change, ...]:
        """Each of these alone cuts the route."""
        return tuple({c.key: c for s in self.steps for c in s.changes}.values())

    @property
    def order(self) -> tuple[object, ...]:
        """The best first: surest, likeliest, shortest."""
        return CERTAINTIES.index(self.certainty), -self.likelihood, len(self.steps), self.text

    @property
    def text(self) -> str:
        """The path in one line."""
        return "; then ".join(s.title for s in self.steps)


@dataclass(frozen=True)
class Model:
    """The weights, from `model.yaml`."""

    data: Mapping[str, Any]

    def entry(self, kind: str, arn: str, title: str, *factors: Factor) -> Entry:
        """An entry with its likelihood's reason."""
        told = self.data["entries"][kind]
        own = Factor(kind, told["why"], float(told["likelihood"]))
        return Entry(kind, arn, title or told["title"], (own, *factors))

    def factor(self, name: str, why: str = "") -> Factor:
        """A named factor; `why` tells it more exactly."""
        told = self.data["factors"][name]
        return Factor(name, why or told["why"], float(told.get("likelihood", 1.0)), told.get("damage", 0))

    def step(
        self,
        kind: str,
        source: str,
        target: str,
        *,
        name: str = "",
        title: str = "",
        why: str = "",
        certainty: str = CERTAIN,
        factors: Iterable[Factor] = (),
        evidence: Iterable[str] = (),
        changes: Iterable[tuple[str, str]] = (),
        failed: Iterable[Call] = (),
    ) -> Step:
        """A step of the catalogue. `changes`: (subject, text) of what cuts it."""
        told = self.data["steps"][kind]
        label = name or short(target)
        share = float(told["likelihood"])
        own = [Factor(kind, title or told["title"].format(target=label), share)] if share != 1.0 else []
        if certainty == UNKNOWN:
            own.append(self.factor("not-known"))
        change = told["change"]
        return Step(
            kind,
            title or told["title"].format(target=label),
            source,
            target,
            certainty,
            told["technique"],
            told["technique_name"],
            why or told["why"],
            (*own, *factors),
            tuple(evidence),
            tuple(Change(change["kind"], subject, text, change["check"]) for subject, text in changes),
            tuple(failed),
        )

    def tagged(self, tags: Mapping[str, str] | None, what: str) -> bool | None:
        """Whether some tag says `classified` or `production`; None where tags are not known."""
        if tags is None:
            return None
        keys, values = self._patterns[what]
        return any(
            keys.fullmatch(k.lower()) is not None and values.fullmatch((v or "").lower()) is not None
            for k, v in tags.items()
        )

    @cached_property
    def _patterns(self) -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
        return {
            what: (re.compile(self.data[what]["keys"]), re.compile(self.data[what]["values"]))
            for what in ("classified", "production")
        }


@cache
def model() -> Model:
    """The weights as they are shipped."""
    from importlib import resources

    import yaml

    text = resources.files("partywall.analysis.attack_paths").joinpath("model.yaml").read_text("utf-8")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Model(yaml.load(text, loader))


def short(arn: str) -> str:
    """The last part of an ARN, as people name the thing."""
    return arn.split(":", 5)[-1] if arn.startswith("arn:") else arn
