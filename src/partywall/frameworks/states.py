"""How requirements stand: the states of their parts, and of the whole, never better than what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import msgspec

from partywall.frameworks.model import Evidence, Framework, Requirement, State, Weight
from partywall.frameworks.tally import Judged, Tallies, Tally

if TYPE_CHECKING:
    from partywall.evidence.model import Attestation, Inherited

ALL: Final = "*"
"""The account id that stands for all accounts of a scan together."""
_RANK: Final = {Weight.PROVES: 0, Weight.SUPPORTS: 1, Weight.CONTRADICTS: 2}


@dataclass(frozen=True, slots=True)
class Part:
    """How one part of a requirement stands. `state` None: its evidence says nothing by itself."""

    kind: str
    """aws, technical or process."""
    state: State | None
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a requirement stands in an account, with what its checks found there."""

    requirement: Requirement
    account_id: str
    state: State
    parts: tuple[Part, ...]
    checks: Mapping[str, int]
    """pass, fail, unknown, excepted, not_applicable -> how many checks."""
    resources: Mapping[str, int]
    """The same words -> how many resources, counted once for each check."""

    def part(self, kind: str) -> Part | None:
        """The part of a kind, where the requirement has one."""
        return next((p for p in self.parts if p.kind == kind), None)


def technical_state(evidence: Iterable[tuple[Weight, Tally]]) -> State | None:
    """How a technical part stands by its checks; None where nothing fails and nothing could prove it.

    A fail that no exception covers breaks it; a gap anywhere leaves it open; what proves it must have passed
    over a population. Where every check answered and found nothing to evaluate it is not applicable.
    """
    rows = list(evidence)
    if any(t.fails for _, t in rows):
        return State.NOT_SATISFIED
    if not rows or any(t.unknown or t.lacking for _, t in rows):
        return State.NOT_EVALUATED
    if not any(t.passes or t.excepted for _, t in rows):
        return State.NOT_APPLICABLE
    proofs = [t for weight, t in rows if weight is Weight.PROVES]
    if proofs and not any(t.passes or t.excepted for t in proofs):
        return State.NOT_EVALUATED
    if any(t.excepted for _, t in rows):
        return State.EXCEPTED
    return State.SATISFIED if proofs else None


def whole_state(parts: Sequence[State | None]) -> State:
    """How a requirement stands by its parts' states: never better than the least known of them.

    A part that says nothing (None) leaves the verdict to the others, one that does not apply as well; where
    no other is left, the requirement is not evaluated, or not applicable.
    """
    told = [state for state in parts if state is not None]
    for state in _WORST_FIRST:
        if state in told:
            return state
    if not told:
        return State.NOT_EVALUATED
    bearing = {state for state in told if state is not State.NOT_APPLICABLE}
    if not bearing:
        # Silent evidence beside a part that does not apply is no proof that nothing applies.
        return State.NOT_APPLICABLE if len(told) == len(parts) else State.NOT_EVALUATED
    return bearing.pop() if len(bearing) == 1 else State.SATISFIED


_WORST_FIRST: Final = (
    State.NOT_SATISFIED,
    State.NOT_EVALUATED,
    State.INHERITED_STALE,
    State.ATTESTED_EXPIRED,
    State.EXCEPTED,
)


def is_heading(requirement: Requirement) -> bool:
    """Whether it only groups others: it takes no state of its own."""
    return not (requirement.aws or requirement.technical or requirement.process or requirement.unprovable)


def counted(framework: Framework) -> list[Requirement]:
    """The requirements that take a state: neither headings nor withdrawn."""
    return [r for r in framework.requirements if not r.withdrawn and not is_heading(r)]


def evidence_for(
    requirement: Requirement, evidence: Mapping[str, Sequence[Evidence]]
) -> list[tuple[Evidence, str]]:
    """The rows of evidence of a technical part, each check once: its own, then those of its objectives.

    With each row goes the objective that brought it ("" for the requirement's own). Where several bring the
    same check, the heaviest row counts. Parameters that the requirement sets hold for whatever brought it.
    """
    part = requirement.technical
    if part is None:
        return []
    found: dict[str, tuple[Evidence, str]] = {}
    rows = [(row, "") for row in part.checks]
    rows += [(row, name) for name in part.objectives for row in evidence.get(name, ())]
    for row, origin in rows:
        held = found.get(row.check)
        if held is None or (held[1] and _RANK[row.weight] < _RANK[held[0].weight]):
            found[row.check] = (row, origin)
    return [
        (
            msgspec.structs.replace(row, params={**row.params, **part.params[row.check]})
            if row.check in part.params
            else row,
            origin,
        )
        for row, origin in found.values()
    ]


class Judge:
    """Judges requirements of one framework over one scan's tallies, attestations and inherited evidence."""

    def __init__(
        self,
        framework: Framework,
        evidence: Mapping[str, Sequence[Evidence]],
        tallies: Tallies,
        attestations: Sequence[Attestation],
        inherited: Mapping[str, Inherited],
        today: date,
    ) -> None:
        self.framework = framework
        self._evidence = evidence
        self._tallies = tallies
        self._inherited = inherited
        self._today = today
        self._attestations: dict[str, list[Attestation]] = {}
        for attestation in attestations:
            if attestation.framework in (framework.id, *framework.aliases):
                # An alias names the framework as well as its id does.
                same = msgspec.structs.replace(attestation, framework=framework.id)
                self._attestations.setdefault(attestation.requirement, []).append(same)
        self._technical: dict[tuple[str, tuple[tuple[Weight, Judged], ...]], tuple[Part, _Counts]] = {}

    def standings(self, account: str = ALL) -> list[Standing]:
        """How each counted requirement stands in an account, "*" for all of the scan together."""
        return [self.standing(requirement, account) for requirement in counted(self.framework)]

    def standing(self, requirement: Requirement, account: str = ALL) -> Standing:
        """How one requirement stands."""
        parts: list[Part] = []
        checks: Mapping[str, int] = {}
        resources: Mapping[str, int] = {}
        if requirement.aws is not None:
            parts.append(self._aws(requirement.aws.programmes))
        if requirement.technical is not None:
            part, (checks, resources) = self._technical_part(requirement, account)
            if part.state is None and requirement.process is None:
                part = Part("technical", State.NOT_EVALUATED, part.why)
            parts.append(part)
        if requirement.process is not None:
            parts.append(self._process(requirement.id, account))
        state = whole_state([p.state for p in parts])
        return Standing(requirement, account, state, tuple(parts), checks, resources)

    def _aws(self, programmes: Sequence[str]) -> Part:
        names = programmes or ([self.framework.programme] if self.framework.programme else [])
        if not names:
            return Part("aws", State.NOT_EVALUATED, "no AWS compliance programme speaks of it")
        found = [self._inherited[name] for name in names if name in self._inherited]
        if not found:
            return Part("aws", State.NOT_EVALUATED, f"no report of {', '.join(names)} was read")
        best = min(found, key=lambda i: _INHERITED.index(i.state))
        return Part("aws", State(best.state), best.why)

    def _process(self, requirement: str, account: str) -> Part:
        from partywall.evidence.attestations import in_force

        mine = self._attestations.get(requirement, [])
        accounts = self._tallies.accounts if account == ALL else [account]
        states = {in_force(mine, self.framework.id, requirement, a, self._today) for a in accounts}
        if not accounts or None in states:
            return Part("process", State.NOT_EVALUATED, "nobody attests to it" + (" everywhere" * bool(mine)))
        if str(State.ATTESTED_EXPIRED) in states:
            return Part("process", State.ATTESTED_EXPIRED, "the attestation has run out")
        return Part("process", State.ATTESTED, ", ".join(a.id for a in mine))

    def _technical_part(self, requirement: Requirement, account: str) -> tuple[Part, _Counts]:
        rows = [
            (e.weight, Judged.of(e.check, e.params)) for e, _ in evidence_for(requirement, self._evidence)
        ]
        key = (account, tuple(rows))
        if key not in self._technical:
            tallied = [(weight, judged, self._tallies.get(judged, account)) for weight, judged in rows]
            state = technical_state((weight, t) for weight, _, t in tallied)
            self._technical[key] = (Part("technical", state, _why(state, tallied)), _counts(tallied))
        return self._technical[key]


_INHERITED: Final = (State.INHERITED, State.INHERITED_STALE, State.NOT_EVALUATED)
_Counts = tuple[Mapping[str, int], Mapping[str, int]]
_STATUSES: Final[tuple[str, ...]] = ("pass", "fail", "unknown", "excepted", "not_applicable")


def _counts(tallied: Sequence[tuple[Weight, Judged, Tally]]) -> _Counts:
    checks: dict[str, int] = {}
    for status in _STATUSES:
        checks[status] = 0
    total = Tally()
    for _, _, t in tallied:
        checks[t.status] += 1
        total += t
    numbers = (total.passes, total.fails, total.unknown, total.excepted, total.not_applicable)
    return checks, dict(zip(_STATUSES, numbers, strict=True))


def _why(state: State | None, tallied: Sequence[tuple[Weight, Judged, Tally]]) -> str:
    """One sentence on why a technical part stands as it does."""
    if state is State.NOT_SATISFIED:
        failing = [judged.check for _, judged, t in tallied if t.fails]
        return f"{len(failing)} of {len(tallied)} checks fail: {_listed(failing)}"
    if state is State.NOT_EVALUATED:
        gaps = [(judged.check, t.lacking) for _, judged, t in tallied if t.unknown or t.lacking]
        if gaps:
            why = next((why for _, why in gaps if why), "calls were not answered")
            return (
                f"{len(gaps)} of {len(tallied)} checks are unknown ({why}): {_listed([c for c, _ in gaps])}"
            )
        return "no check bears on it" if not tallied else "what would prove it had nothing to evaluate"
    if state is State.EXCEPTED:
        return f"exceptions cover {sum(t.excepted for _, _, t in tallied)} failing resources"
    if state is State.NOT_APPLICABLE:
        return "nothing there to evaluate"
    if state is None:
        return "nothing speaks against it, and no check proves it"
    return f"all {sum(1 for _, _, t in tallied if t.passes)} checks with a population pass"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
