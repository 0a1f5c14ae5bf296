"""Intents: sentences that say what may, must and must not reach what, read from a file or a configuration.

    places:
      web: [group:web, tag:tier=web]
      db: [group:orders-db]
    intents:
      - web may reach db on 5432; nothing else may
      - no path from env:sandbox to env:production
      - internet must reach web on tcp 443

Places are names for selectors of `select.places_of`; a selector may stand in an intent itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from partywall.analysis.network.answers import Ask
from partywall.analysis.network.sets import EMPTY, Spans
from partywall.errors import UserError, did_you_mean

GRAMMAR: Final = """\
places:                                    names for what you speak of, each one selector or a list
  web: group:web
  db: [group:orders-db, "tag:tier=data"]
intents:
  - no path from web to internet           nothing gets there, on any port (also: web must not reach internet)
  - web must reach db on 5432              each of web reaches one of db (also: web reaches db on 5432)
  - web must reach every db on 5432        each of web reaches each of db
  - web may reach db on 5432; nothing else may
                                           nobody else reaches db at all, and web no other port of it; what
                                           other lines let reach db may, too (also: only web may reach db)

ports      443    80, 443    8000-8100    udp 53    tcp 443 and udp 53    icmp    (tcp where nothing is said)
selectors  internet  on-premises  an id (i-, eni-, sg-, subnet-, vpc-)  an ARN  a name  an address or block
           an account id  group:NAME  subnet:NAME  vpc:NAME  account:ID  env:production  tag:KEY=VALUE
"""
PREFIXES: Final = ("group", "subnet", "vpc", "account", "env", "tag", "arn")
_KEYS: Final = ("places", "intents")
_FORMS: Final = (
    ("no", re.compile(r"no path from (?P<source>\S+) to (?P<target>\S+)(?: on (?P<on>.+))?", re.I)),
    (
        "no",
        re.compile(r"(?P<source>\S+) (?:must|may|can) ?not reach (?P<target>\S+)(?: on (?P<on>.+))?", re.I),
    ),
    (
        "must",
        re.compile(
            r"(?P<source>\S+) (?:reaches|must reach) (?P<every>every )?(?P<target>\S+)(?: on (?P<on>[^;]+))?",
            re.I,
        ),
    ),
    ("may", re.compile(r"only (?P<source>\S+) may reach (?P<target>\S+)(?: on (?P<on>[^;]+))?", re.I)),
    (
        "may",
        re.compile(
            r"(?P<source>\S+) may reach (?P<target>\S+?)(?: on (?P<on>[^;]+?))?"
            r"(?P<rest> ?; ?nothing else may(?: reach it)?)?",
            re.I,
        ),
    ),
)
_WORDS: Final = (
    "no path from", "must not reach", "may not reach", "must reach", "reaches", "may reach", "only",
    "nothing else may",
)  # fmt: skip
_PORT: Final = re.compile(
    r"(?:(?P<protocol>tcp|udp|icmp|icmpv6)\b ?)?(?:(?P<low>\d+)(?: ?- ?(?P<high>\d+))?)?", re.I
)
_PROTOCOLS: Final = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}


@dataclass(frozen=True, slots=True)
class Intent:
    """One sentence: what may, must or must not reach what."""

    text: str
    line: int
    kind: str
    """no, may or must."""
    source: str
    target: str
    on: str = ""
    asks: tuple[Ask, ...] = (Ask(),)
    only: bool = False
    every: bool = False

    @property
    def services(self) -> Spans:
        """The protocols and ports that it speaks of."""
        found = EMPTY
        for each in self.asks:
            found = found | each.flows[0][0]
        return found

    @property
    def key(self) -> str:
        """The same for the same sentence, whatever its case and line, and whatever its places stand for."""
        return hashlib.sha256(self.text.lower().encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Intents:
    """The intents of a file and the places that it names."""

    file: str = ""
    places: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    intents: tuple[Intent, ...] = ()

    def kept(self) -> dict[str, Any]:
        """As a scan's manifest keeps them; empty where there are none."""
        if not self.intents:
            return {}
        lines = [{"text": each.text, "line": each.line} for each in self.intents]
        return {"file": self.file, "places": dict(self.places), "intents": lines}

    @staticmethod
    def of(kept: Mapping[str, Any]) -> Intents:
        """Of what a manifest keeps. Raises UserError where it was tampered with."""
        file = str(kept.get("file", ""))
        lines = [(each["line"], each["text"]) for each in kept.get("intents", ())]
        return Intents(file, kept.get("places", {}), _intents(file, lines))


def read(file: Path) -> Intents:
    """A file of intents; raises UserError with file and line where it says something else."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read the intents {file}: {reason}") from error
    return of_node(_composed(text, str(file)), str(file))


def of_config(given: Any, config: Path) -> Intents:
    """What the key `intents` of a configuration says: the path of a file beside it, or the same in place.

    Raises UserError with file and line.
    """
    import yaml

    if isinstance(given, str):
        file = Path(given)
        return read(file if file.is_absolute() else config.parent / file)
    root = _composed(config.read_text(encoding="utf-8"), str(config))
    if isinstance(root, yaml.MappingNode):
        for key, node in cast("list[tuple[Any, Any]]", root.value):
            if key.value == "intents":
                return of_node(node, str(config))
    return Intents()


def _composed(text: str, file: str) -> Any:
    import yaml

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        raise UserError(f"{where}: this is no YAML ({getattr(error, 'problem', error)})") from error


def of_node(root: Any, file: str) -> Intents:
    """The intents of a node of YAML: a map of places and intents, or a bare list of intents."""
    import yaml

    places: dict[str, list[str]] = {}
    listed: Any = root if isinstance(root, yaml.SequenceNode) else None
    if isinstance(root, yaml.MappingNode):
        for key, value in cast("list[tuple[Any, Any]]", root.value):
            line = _line(key)
            if key.value not in _KEYS:
                hint = did_you_mean(str(key.value), _KEYS, "; it has places and intents")
                raise UserError(f"{file}:{line}: unknown key {key.value!r}{hint}")
            if key.value == "intents":
                listed = value
            elif isinstance(value, yaml.MappingNode):
                places = _places(value, file)
            elif value.tag != "tag:yaml.org,2002:null":
                raise UserError(
                    f"{file}:{line}: places are names with a selector or a list of selectors each"
                )
    elif listed is None:
        raise UserError(f"{file}:{_line(root)}: a file of intents has the keys places and intents")
    if not isinstance(listed, yaml.SequenceNode) or not listed.value:
        line = _line(listed if listed is not None else root)
        raise UserError(f"{file}:{line}: there are no intents in it: list one sentence a line under intents:")
    lines: list[tuple[int, str]] = []
    for item in cast("list[Any]", listed.value):
        if not isinstance(item, yaml.ScalarNode):
            raise UserError(
                f"{file}:{_line(item)}: an intent is one sentence; put it in quotes where it holds a colon"
                " and a space"
            )
        lines.append((_line(item), str(item.value)))
    return Intents(file, places, _intents(file, lines))


def _line(node: Any) -> int:
    return node.start_mark.line + 1 if node is not None else 1


def _places(node: Any, file: str) -> dict[str, list[str]]:
    import yaml

    found: dict[str, list[str]] = {}
    for key, value in cast("list[tuple[Any, Any]]", node.value):
        name, line = str(key.value), _line(key)
        if not name or re.search(r"\s|;", name):
            raise UserError(f"{file}:{line}: {name!r} is no name of a place: it is one word")
        if name in found:
            raise UserError(f"{file}:{line}: the place {name} is named twice")
        items = cast("list[Any]", value.value) if isinstance(value, yaml.SequenceNode) else [value]
        if not items or not all(isinstance(i, yaml.ScalarNode) and i.value for i in items):
            raise UserError(f"{file}:{line}: the place {name} needs a selector or a list of selectors")
        for item in items:
            _selector(str(item.value), file, _line(item))
        found[name] = [str(item.value) for item in items]
    return found


def _selector(text: str, file: str, line: int) -> None:
    """Raises UserError for a selector that can name nothing."""
    prefix, colon, rest = text.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z-]+", prefix):
        return
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    else:
        return
    if prefix not in PREFIXES:
        known = ", ".join(f"{p}:" for p in PREFIXES)
        hint = did_you_mean(prefix, PREFIXES, f"; known are {known}")
        raise UserError(f"{file}:{line}: {text!r}: no selector begins with {prefix}:{hint}")
    if not rest or (prefix == "tag" and "=" not in rest):
        form = "tag:KEY=VALUE" if prefix == "tag" else f"{prefix}:NAME"
        raise UserError(f"{file}:{line}: {text!r} is no selector: write {form}")


def _intents(file: str, lines: list[tuple[int, str]]) -> tuple[Intent, ...]:
    found: dict[str, Intent] = {}
    for line, text in lines:
        intent = parse(text, file, line)
        if intent.key in found:
            raise UserError(
                f"{file}:{line}: the intent of line {found[intent.key].line} once more: {intent.text}"
            )
        found[intent.key] = intent
    return tuple(found.values())


def parse(text: str, file: str = "intents", line: int = 1) -> Intent:
    """An intent of its sentence. Raises UserError with file and line where it is none."""
    sentence = " ".join(text.split()).rstrip(".")
    for kind, form in _FORMS:
        match = form.fullmatch(sentence)
        if match is None:
            continue
        named = match.groupdict()
        for side in ("source", "target"):
            _selector(named[side], file, line)
        asks = _asks(file, line, named["on"])
        only = bool(named.get("rest")) or sentence.lower().startswith("only ")
        every = bool(named.get("every"))
        on = named["on"] or ""
        return Intent(sentence, line, kind, named["source"], named["target"], on, asks, only, every)
    raise UserError(f"{file}:{line}: not understood: {sentence!r}{_near(sentence)}")


def _near(sentence: str) -> str:
    """What a sentence may have meant: the phrase of the grammar that is nearest to some of its words."""
    words = re.split(r"[ ;]+", sentence.lower())
    runs = [" ".join(words[i : i + n]) for n in (3, 2, 1) for i in range(len(words) - n + 1)]
    for run in runs:
        hint = did_you_mean(run, _WORDS, cutoff=0.75) if run not in _WORDS else ""
        if hint:
            return f"{hint} (instead of {run!r})"
    return (
        "; write A may reach B on 5432; nothing else may, or A must reach B on 443, or no path from A to B"
        " (partywall network intent --explain)"
    )


def _asks(file: str, line: int, on: str | None) -> tuple[Ask, ...]:
    """What "on …" asks for; a protocol holds until another is named."""
    if on is None:
        return (Ask(),)
    found: list[Ask] = []
    protocol = "tcp"
    for part in re.split(r" ?, ?(?:and )?| and ", on.strip(), flags=re.IGNORECASE):
        match = _PORT.fullmatch(part.strip())
        if not match or not part.strip():
            names = did_you_mean(part.split(" ")[0].lower(), _PROTOCOLS, cutoff=0.5)
            hint = names or ": write 443, 8000-8100, udp 53 or icmp, with commas between"
            raise UserError(f"{file}:{line}: {part.strip() or on!r} is no port{hint}")
        protocol = (match["protocol"] or protocol).lower()
        low = match["low"]
        if low is None:
            found.append(Ask(_PROTOCOLS[protocol]))
            continue
        first, last = int(low), int(match["high"] or low)
        if last > (255 if protocol.startswith("icmp") else 65535) or first > last:
            raise UserError(f"{file}:{line}: {part.strip()!r} is no port or range of ports from 0 to 65535")
        found.append(Ask(_PROTOCOLS[protocol], (first, last)))
    return tuple(found)
