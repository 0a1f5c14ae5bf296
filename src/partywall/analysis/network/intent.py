"""Intents: a file that says what must be reachable and what must not be, held against a scan's network.

    places:
      web: [group:web, tag:tier=web]
      db: [group:orders-db]
    intents:
      - web may reach db on 5432; nothing else may
      - no path from env:sandbox to env:production
      - internet reaches web on tcp 443

Places are names for selectors of `select.places_of`; a selector may stand in an intent itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from partywall.analysis.network.answers import Answer, Ask, Place, path
from partywall.analysis.network.assumed import is_assumed
from partywall.analysis.network.select import places_of
from partywall.analysis.network.steps import Outcome
from partywall.analysis.network.study import Study
from partywall.errors import UserError

_NO: Final = re.compile(
    r"^no path from (?P<source>\S+) to (?P<target>\S+?)(?: on (?P<on>.+))?$", re.IGNORECASE
)
_MAY: Final = re.compile(
    r"^(?P<source>\S+) (?P<verb>may reach|reaches|must reach) (?P<target>\S+?)(?: on (?P<on>[^;]+?))?"
    r"(?P<only>; *nothing else may)?$",
    re.IGNORECASE,
)
_ON: Final = re.compile(
    r"^(?:(?P<protocol>tcp|udp) )?(?P<low>\d{1,5})(?:-(?P<high>\d{1,5}))?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Intent:
    """One line: what may, must or must not reach what."""

    text: str
    line: int
    kind: str
    """no, may or must."""
    source: str
    target: str
    ask: Ask
    only: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """How an intent stands: kept, breached or unknown, with what shows it."""

    intent: Intent
    state: str
    because: str = ""
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class IntentFile:
    """A file's intents and the places that it names."""

    places: dict[str, list[str]]
    intents: list[Intent]


def read(file: Path) -> IntentFile:
    """A file of intents; raises UserError with file and line where it says something else."""
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    try:
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        loaded: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        raise UserError(f"{where}: this is no YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(loaded, dict) or set(cast("dict[str, Any]", loaded)) - {"places", "intents"}:
        raise UserError(f"{file}:1: a file of intents has the keys places and intents")
    named: Any = cast("dict[str, Any]", loaded).get("places") or {}
    if not isinstance(named, dict):
        raise UserError(f"{file}:1: places are names with a selector or a list of selectors each")
    places = {str(k): [str(x) for x in (v if isinstance(v, list) else [v])] for k, v in named.items()}
    lines = [
        (item.start_mark.line + 1, str(item.value))
        for key, value in node.value
        if key.value == "intents"
        for item in value.value
    ]
    if not lines:
        raise UserError(f"{file}:1: there are no intents in it")
    return IntentFile(places, [_intent(file, line, text) for line, text in lines])


def _intent(file: Path, line: int, text: str) -> Intent:
    stripped = " ".join(text.split())
    no = _NO.match(stripped)
    if no:
        return Intent(stripped, line, "no", no["source"], no["target"], _ask(file, line, no["on"]))
    may = _MAY.match(stripped)
    if not may:
        raise UserError(
            f"{file}:{line}: not understood: {stripped!r}; write A may reach B on 5432; nothing else may, or"
            " A reaches B on 443, or no path from A to B"
        )
    kind = "may" if may["verb"].lower() == "may reach" else "must"
    ask = _ask(file, line, may["on"])
    return Intent(stripped, line, kind, may["source"], may["target"], ask, bool(may["only"]))


def _ask(file: Path, line: int, on: str | None) -> Ask:
    if on is None:
        return Ask()
    found = _ON.match(on.strip())
    if not found or int(found["high"] or found["low"]) > 65535:
        raise UserError(f"{file}:{line}: {on!r} is no port: write 5432, 8000-8100 or udp 53")
    protocol = 17 if (found["protocol"] or "tcp").lower() == "udp" else 6
    return Ask(protocol, (int(found["low"]), int(found["high"] or found["low"])))


def hold(found: Study, file: Path, intents: IntentFile) -> Iterator[Held]:
    """How each intent stands over a scan. Raises UserError where one names what is not there."""
    for intent in intents.intents:
        try:
            yield _hold(found, intents.places, intent)
        except UserError as error:
            raise UserError(f"{file}:{intent.line}: {error}") from error


def _hold(found: Study, names: dict[str, list[str]], intent: Intent) -> Held:
    sources = [p for s in names.get(intent.source, [intent.source]) for p in places_of(found, s)]
    targets = [p for s in names.get(intent.target, [intent.target]) for p in places_of(found, s, target=True)]
    unknown: Held | None = None
    if intent.kind == "must":
        for source in sources:
            answers = [path(found.world, source, t, intent.ask) for t in targets if t != source]
            if answers and not any(a.outcome is Outcome.REACHABLE for a in answers):
                doubtful = any(a.outcome is Outcome.UNKNOWN for a in answers)
                held = Held(intent, "unknown" if doubtful else "breached", _who(source), answers[0])
                if not doubtful:
                    return held
                unknown = held
        return unknown or Held(intent, "kept")
    refused: list[tuple[Place, Ask]] = []
    if intent.kind == "no":
        refused = [(source, intent.ask) for source in sources]
    elif intent.only:
        others = [
            Place.interface(each.id)
            for each in found.scanned.network.interfaces
            if Place.interface(each.id) not in (*sources, *targets) or is_assumed(each)
        ]
        refused = [(p, Ask()) for p in (Place.internet(), Place.outside(), *others) if p not in sources]
    for source, ask in refused:
        for target in targets:
            if source == target:
                continue
            answer = path(found.world, source, target, ask)
            if answer.outcome is Outcome.REACHABLE:
                return Held(intent, "breached", f"{_who(source)} reaches {_who(target)}", answer)
            if answer.outcome is Outcome.UNKNOWN and unknown is None:
                unknown = Held(intent, "unknown", f"{_who(source)} to {_who(target)}", answer)
    if intent.kind == "may" and intent.only and intent.ask.ports is not None:
        for source in sources:
            for target in targets:
                answer = path(found.world, source, target)
                more = answer.services - intent.ask.flows[0][0]
                if source != target and more:
                    return Held(intent, "breached", f"{_who(source)} reaches more of {_who(target)}", answer)
    return unknown or Held(intent, "kept")


def _who(place: Place) -> str:
    return place.id or place.kind
