"""The catalogue of escalation steps as data: what each needs, what it reaches and what it yields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

REACHES: Final = frozenset(
    (
        "policy",
        "old-policy",
        "user",
        "user-with-password",
        "user-without-password",
        "role",
        "group",
        "assumable-role",
        "saml-role",
        "service-role",
        "holding-role",
        "new",
    )
)
YIELDS: Final = frozenset(("everything", "identity", "group", "unbounded", "account"))


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    `reach`: what it acts on: a customer managed policy (`old-policy`: one with another version that allows
    everything), a user, a role, a group, a role that the caller may assume, that trusts a SAML provider, a
    service (`service-role`, by `service`) or that an existing resource holds (`holding-role`, by `holding`),
    or something new.
    `yields`: `identity` the target's rights; `everything` within the boundary and SCPs of those who hold the
    target; `group` the group's policies; `unbounded` one's rights without the boundary; `account` whatever
    the account's SCPs leave.
    `needs`: action -> what it must reach: `target`, `holding`, `provider`, or a pattern of ARNs of which
    one suffices, for it is the caller who names what is made (`*`: any).
    `who`: `any`, `user` (only users gain by it) or `self` (acts on the caller alone).
    `context`, `absent`: condition keys as the caller would set them, or leave out.
    """

    id: str
    title: str
    reach: str
    yields: str
    needs: Mapping[str, str]
    why: str
    fix: str
    examples: Mapping[str, Any]
    who: str = "any"
    service: str = ""
    holding: str = ""
    context: Mapping[str, str] = field(default_factory=dict[str, str])
    absent: Sequence[str] = ()

    def __hash__(self) -> int:
        # Its mappings have no hash; the id names it.
        return hash(self.id)


@lru_cache(maxsize=1)
def steps() -> tuple[Step, ...]:
    """All steps of the catalogue, read once."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (Path(__file__).parent / "escalation.yaml").read_text(encoding="utf-8")
    entries = cast("list[dict[str, Any]]", yaml.load(text, Loader=loader))
    made = tuple(Step(**entry) for entry in entries)
    for step in made:
        if step.reach not in REACHES or step.yields not in YIELDS:
            raise ValueError(f"{step.id}: no such reach or yield: {step.reach}, {step.yields}")
    return made
