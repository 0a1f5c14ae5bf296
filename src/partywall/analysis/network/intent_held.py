"""Intents held against a scan's network: kept, breached by what, or unknown for lack of which calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from partywall.analysis.network.addresses import cidr
from partywall.analysis.network.answers import Answer, Ask, Place, path
from partywall.analysis.network.assumed import is_assumed
from partywall.analysis.network.intent import Intent, Intents
from partywall.analysis.network.model import Interface
from partywall.analysis.network.select import places_of
from partywall.analysis.network.sets import EMPTY, FULL, Spans
from partywall.analysis.network.steps import Outcome
from partywall.analysis.network.study import Study
from partywall.analysis.network.tables import SOURCES
from partywall.analysis.network.titles import called
from partywall.analysis.network.words import blocker_lines, path_lines, services_text
from partywall.errors import UserError, did_you_mean

Call = dict[str, str]
_NAMING: Final = (*SOURCES, "vpc_security_group", "ec2_instance")
"""Where one of these was not listed, more may answer to a selector than is known."""
_SIDES: Final = {"internet": "the internet", "outside": "other networks"}


@dataclass(frozen=True, slots=True)
class Breach:
    """Two places between which there is, or is not, what an intent says. `alike`: further such pairs."""

    source: Place
    target: Place
    services: Spans
    alike: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """How an intent stands: kept, breached or unknown, with what shows it."""

    intent: Intent
    state: str
    because: str = ""
    breaches: tuple[Breach, ...] = ()
    hops: tuple[str, ...] = ()
    """The way of the first breach, hop by hop; for what must be reached, everything that stops it."""
    failed: tuple[Call, ...] = ()
    """The calls for lack of which it is not known, as elements of `_failed`."""
    sources: int = 0
    targets: int = 0


@dataclass(frozen=True, slots=True)
class _Reach:
    sure: Spans
    maybe: Spans
    missing: bool


@dataclass
class _Sides:
    """The places that an intent speaks of; `doubt`: calls for lack of which there may be more."""

    sources: list[Place]
    targets: list[Place]
    doubt: list[Call] = field(default_factory=list[Call])


class Holder:
    """Holds intents against one scan."""

    def __init__(self, found: Study, intents: Intents) -> None:
        self._found = found
        self._intents = intents
        self._reaches: dict[tuple[object, object], _Reach] = {}
        self._hidden = found.failing(_NAMING)

    def all(self) -> Iterator[Held]:
        """How each intent stands, in the file's order."""
        return map(self.hold, self._intents.intents)

    def hold(self, intent: Intent) -> Held:
        """How one intent stands; one that names nothing is unknown, since a slip of the pen must not pass."""
        try:
            sides = _Sides(self.named(intent.source), self.named(intent.target, target=True))
        except UserError as error:
            call = {
                "call": "rows", "operation": "partywall:network_intent", "region": "", "outcome": "error",
                "code": "NothingNamed", "denied_by": "", "message": str(error),
            }  # fmt: skip
            return Held(intent, "unknown", str(error), failed=(*self._hidden, call))
        if any(self._by_name(s) for s in (intent.source, intent.target)) or intent.only:
            sides.doubt = self._hidden
        if intent.kind == "must":
            return self._must(intent, sides)
        return self._not(intent, sides)

    def named(self, text: str, *, target: bool = False) -> list[Place]:
        """The places of a name of the file, or of a selector. Raises UserError where there are none."""
        places: dict[Place, None] = {}
        for selector in self._intents.places.get(text, [text]):
            try:
                places |= dict.fromkeys(places_of(self._found, selector, target=target))
            except UserError as error:
                near = did_you_mean(text, self._intents.places) if text not in self._intents.places else ""
                raise UserError(f"{str(error).partition(';')[0]}{near}" if near else str(error)) from None
        return list(places)

    def _by_name(self, text: str) -> bool:
        """Whether more may answer to a selector than was listed: to all but sides, blocks and single ids."""
        for selector in self._intents.places.get(text, [text]):
            if selector.lower() in ("internet", "on-premises", "outside") or selector.startswith("eni-"):
                continue
            try:
                cidr(selector)
            except ValueError:
                return True
        return False

    # What reaches what.

    def _key(self, place: Place) -> object:
        """Alike for places that fare alike."""
        each = self._found.world.interfaces.get(place.id) if place.kind == "interface" else None
        if each is None:
            return place
        known = self._found.class_of.get(each.id)
        public = any(a.public is not None or a.carrier is not None for a in each.addresses)
        return (known.first if known else each.id, public)

    def _reach(self, source: Place, target: Place, here: object, there: object) -> _Reach:
        held = self._reaches.get((here, there))
        if held is None and not self._perhaps(source, target):
            held = self._reaches[here, there] = _Reach(EMPTY, EMPTY, False)
        if held is None:
            answer = path(self._found.world, source, target)
            held = _Reach(answer.services, answer.possible, answer.outcome is Outcome.UNKNOWN)
            self._reaches[here, there] = held
        return held

    def _perhaps(self, source: Place, target: Place) -> bool:
        """Whether it is worth a look: all pairs of private addresses are known at once."""
        here, there = self.interface(source), self.interface(target)
        if here is None or there is None or any(a.public is not None for a in there.addresses):
            return True
        one, other = self._found.class_of.get(here.id), self._found.class_of.get(there.id)
        if one is None or other is None or one is other:
            return True
        return other.first in self._found.pairs.get(one.first, {})

    def _pairs(
        self, sources: Iterable[Place], targets: Iterable[Place]
    ) -> Iterator[tuple[Place, Place, _Reach, int]]:
        """Pairs of places with what the one reaches of the other, alike ones once with their number."""
        grouped: list[dict[object, list[Place]]] = [{}, {}]
        for groups, places in zip(grouped, (sources, targets), strict=True):
            for place in places:
                groups.setdefault(self._key(place), []).append(place)
        for here, those in grouped[0].items():
            for there, others in grouped[1].items():
                pair = next(((s, t) for s in those[:2] for t in others[:2] if s != t), None)
                if pair is not None:
                    alike = len(those) * len(others) - len(set(those) & set(others))
                    yield (*pair, self._reach(*pair, here, there), alike)

    # The kinds of intents.

    def _not(self, intent: Intent, sides: _Sides) -> Held:
        """No path, or nothing else: whatever gets through of what must not is a breach."""
        found: list[Breach] = []
        doubts: list[tuple[Place, Place, Spans]] = []
        refused: list[tuple[Iterable[Place], dict[Place, Spans]]] = []
        if intent.kind == "no":
            refused.append((sides.sources, {}))
        elif intent.only:
            allowed = self._allowed(intent)
            refused.append((dict.fromkeys([*sides.sources, *allowed, *self._others(sides)]), allowed))
        for sources, allowed in refused:
            by_allowance: dict[Spans, list[Place]] = {}
            for source in sources:
                by_allowance.setdefault(allowed.get(source, EMPTY), []).append(source)
            for granted, those in by_allowance.items():
                asked = (intent.services if intent.kind == "no" else FULL) - granted
                for source, target, reach, count in self._pairs(those, sides.targets):
                    if reach.sure & asked:
                        found.append(Breach(source, target, reach.sure & asked, count - 1))
                    elif reach.maybe & asked or (reach.missing and asked):
                        doubts.append((source, target, asked))
        calls = [*self._unread(doubts), *sides.doubt]
        # A name that a denied call would have told may make one of those that reach it one of those that may.
        if found and not (sides.doubt and (intent.only or self._by_environment(intent))):
            return self._breached(intent, sides, found)
        if doubts or sides.doubt or found:
            return self._unknown(intent, sides, doubts, calls)
        return self._held(intent, "kept", sides)

    def _must(self, intent: Intent, sides: _Sides) -> Held:
        asked = intent.services
        failing: list[tuple[Place, Place]] = []
        doubts: list[tuple[Place, Place, Spans]] = []
        by_source: dict[Place, list[tuple[Place, Place, _Reach, int]]] = {}
        for source in sides.sources:
            pairs = list(self._pairs([source], sides.targets))
            if pairs:
                by_source[source] = pairs
        for pairs in by_source.values():
            passing = [p for p in pairs if not asked - p[2].sure or (asked == FULL and p[2].sure)]
            if passing if not intent.every else len(passing) == len(pairs):
                continue
            lacking = [p for p in pairs if p not in passing]
            open_ = [p for p in lacking if p[2].missing or p[2].maybe & (asked - p[2].sure)]
            if len(open_) == len(lacking) or (open_ and not intent.every):
                doubts.append((*open_[0][:2], asked))
            else:
                failing.append(next(p[:2] for p in lacking if p not in open_))
        if failing and not sides.doubt:
            return self._lacking(intent, sides, failing)
        if failing or doubts or sides.doubt:
            return self._unknown(intent, sides, doubts, [*self._unread(doubts), *sides.doubt])
        return self._held(intent, "kept", sides)

    def _allowed(self, intent: Intent) -> dict[Place, Spans]:
        """Who may reach what of an intent's target by any line of the file about the same target."""
        found: dict[Place, Spans] = {}
        for other in self._intents.intents:
            if other.kind != "no" and other.target.lower() == intent.target.lower():
                try:
                    places = self.named(other.source)
                except UserError:
                    continue
                for place in places:
                    found[place] = found.get(place, EMPTY) | other.services
        return found

    def _others(self, sides: _Sides) -> Iterator[Place]:
        """All that might reach a target and was not named: the internet, other networks, other interfaces."""
        yield from (Place.internet(), Place.outside())
        targets = set(sides.targets)
        for each in self._found.scanned.network.interfaces:
            place = Place.interface(each.id)
            if place not in targets or is_assumed(each):
                yield place

    def _by_environment(self, intent: Intent) -> bool:
        """Whether a denied call may hide that something is of another environment than it seems."""
        named = [s for side in (intent.source, intent.target) for s in self._intents.places.get(side, [side])]
        return any(not s.startswith(("eni-", "i-", "sg-", "arn:", "group:")) for s in named) and bool(
            self._found.failing(("vpc", "vpc_subnet"))
        )

    # What is told of them.

    def _held(self, intent: Intent, state: str, sides: _Sides) -> Held:
        return Held(intent, state, sources=len(sides.sources), targets=len(sides.targets))

    def _breached(self, intent: Intent, sides: _Sides, found: list[Breach]) -> Held:
        found = self._merged(found)
        first = found[0]
        more = sum(1 + each.alike for each in found) - 1
        because = (
            f"{self.title(first.source)} reaches {self.title(first.target)}"
            f" on {services_text(first.services)}" + (f", and {more} more" if more else "")
        )
        hops: list[str] = []
        for ask in intent.asks if intent.kind == "no" else (Ask(),):
            answer = path(self._found.world, first.source, first.target, ask)
            if answer.outcome is Outcome.REACHABLE and answer.best is not None:
                hops = path_lines(self._found.world, answer.best)
                break
        return Held(
            intent, "breached", because, tuple(found), tuple(hops), (), len(sides.sources), len(sides.targets)
        )

    def _merged(self, found: list[Breach]) -> list[Breach]:
        """Breaches by name, the internet's first: what has an interface in each zone is told once."""
        merged: dict[tuple[str, str, Spans], Breach] = {}
        for each in found:
            key = (self.title(each.source), self.title(each.target), each.services)
            held = merged.get(key)
            merged[key] = replace(held, alike=held.alike + each.alike + 1) if held else each
        return [
            merged[k] for k in sorted(merged, key=lambda k: (merged[k].source.kind == "interface", k[:2]))
        ]

    def _lacking(self, intent: Intent, sides: _Sides, failing: list[tuple[Place, Place]]) -> Held:
        source, target = failing[0]
        more = len(failing) - 1
        because = (
            f"{self.title(source)} does not reach {self.title(target)}"
            + (f" on {intent.on}" if intent.on else "")
            + (f", nor do {more} more" if more else "")
        )
        stopped: list[str] = []
        for ask in intent.asks:
            answer = path(self._found.world, source, target, ask)
            if answer.outcome is Outcome.NOT_REACHABLE:
                stopped += blocker_lines(self._found.world, answer)
        breaches = tuple(Breach(here, there, EMPTY) for here, there in failing)
        return Held(
            intent, "breached", because, breaches, tuple(dict.fromkeys(stopped)), (),
            len(sides.sources), len(sides.targets),
        )  # fmt: skip

    def _unknown(
        self, intent: Intent, sides: _Sides, doubts: list[tuple[Place, Place, Spans]], calls: list[Call]
    ) -> Held:
        if doubts:
            source, target, _ = doubts[0]
            because = f"not known whether {self.title(source)} reaches {self.title(target)}"
        else:
            because = "not everything that it speaks of was listed"
        told = list({tuple(call.items()): call for call in calls}.values())
        named = ", ".join(dict.fromkeys(c["operation"] for c in told[:3] if c.get("operation")))
        because += f": {named} did not answer" if named else ""
        return Held(
            intent,
            "unknown",
            because,
            failed=tuple(told),
            sources=len(sides.sources),
            targets=len(sides.targets),
        )

    def _unread(self, doubts: list[tuple[Place, Place, Spans]]) -> list[Call]:
        """The calls for lack of which some pairs are not known (of the first few: they repeat)."""
        found: list[Call] = []
        for source, target, _ in doubts[:20]:
            answer: Answer = path(self._found.world, source, target)
            unread = answer.unread or answer.missing
            found += self._found.scanned.failed(unread)
        return found

    def title(self, place: Place) -> str:
        """A place for people."""
        if place.kind == "interface":
            each = self._found.world.interfaces.get(place.id)
            return called(self._found, each) if each is not None else place.id
        if place.addresses is not None and place.kind == "address":
            from partywall.analysis.network.addresses import text

            low, high = place.addresses.spans[0][0], place.addresses.spans[-1][1]
            return text(low) if low == high else f"{text(low)} to {text(high)}"
        return _SIDES.get(place.kind, place.kind)

    def interface(self, place: Place) -> Interface | None:
        """The interface of a place that is one."""
        return self._found.world.interfaces.get(place.id) if place.kind == "interface" else None


def hold(found: Study, intents: Intents) -> list[Held]:
    """How each intent stands over a scan."""
    return list(Holder(found, intents).all())
