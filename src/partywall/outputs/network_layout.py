"""Where things stand on the VPC map: boxes on shelves, subnets in columns by zone, links in channels between.

All lengths are in pixels of the drawing. The layout depends on the facts alone: the same map is drawn alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from partywall.analysis.network.diagram import TIERS, Block, Box, Gate, Link, Map, Spot
from partywall.outputs.text import plural

COLUMN: Final = 218
GAP: Final = 10
PAD: Final = 14
LINE: Final = 15
HEAD: Final = 50
PILL: Final = 22
ZONE: Final = 20
LANE: Final = 18
SHELF: Final = 1480
TOP: Final = 16
BAND: Final = 34
_SHOWN: Final = 3
_LETTER: Final = 6.4
"""Mean width of a letter of the 11.5 px font."""


@dataclass(frozen=True, slots=True)
class Pill:
    """A gateway, drawn as a rounded label."""

    gate: Gate
    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Card:
    """A subnet's place, with its lines of text below the name."""

    block: Block
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    alarms: tuple[str, ...]


@dataclass(slots=True)
class Frame:
    """A VPC's place with all that is in it."""

    box: Box
    width: float
    height: float
    pills: list[Pill]
    zones: list[tuple[str, float, float]]
    """Name, x and y of each zone's heading."""
    cards: list[Card]
    x: float = 0
    y: float = 0
    shelf: int = 0
    drops: list[str] = field(default_factory=list[str])
    """The links that leave it, in order."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A link as drawn: its path, the dots at VPCs, and where its label stands."""

    link: Link
    path: str
    dots: tuple[tuple[float, float], ...]
    label: tuple[float, float]
    place: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything with its place."""

    width: float
    height: float
    frames: tuple[Frame, ...]
    wires: tuple[Wire, ...]
    bands: tuple[tuple[str, float, float], ...]
    """Account and Region headings with x and y."""


def clipped(text: str, width: float, letter: float = _LETTER) -> str:
    """A text that fits a width, with an ellipsis where it had to be cut."""
    room = int(width / letter)
    return text if len(text) <= room else text[: max(room - 1, 1)] + "…"


def alarm(spot: Spot) -> str:
    """What the internet reaches of an interface, in one line."""
    return f"{spot.title}: {spot.ports}" if spot.ports else f"{spot.title}: perhaps reached"


def _card(block: Block) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines of a subnet's card, and what the internet reaches in it."""
    counts = [f"{n} {kind if n == 1 else _many(kind)}" for kind, n in block.counts.items()]
    held: list[str] = [""]
    for told in counts:
        longer = f"{held[-1]}, {told}" if held[-1] else told
        if len(longer) * _LETTER > COLUMN - 26 and held[-1]:
            held.append(told)
        else:
            held[-1] = longer
    out = {"public": "to ", "private": "by ", "isolated": "", "not known": ""}[block.tier] + block.way
    lines = [", ".join(block.cidrs[:1]) or block.id, out, *(held if held[0] else ["empty"])]
    exposed = block.exposed
    alarms = [alarm(spot) for spot in exposed[:_SHOWN]]
    if len(exposed) > _SHOWN:
        alarms.append(f"{len(exposed) - _SHOWN} more reached from the internet")
    return tuple(lines), tuple(alarms)


def _many(kind: str) -> str:
    if kind in ("unattached", "other"):
        return kind
    return kind[:-1] + "ies" if kind.endswith("y") else kind + "s"


def _frame(box: Box) -> Frame:
    zones = sorted({b.zone for b in box.blocks})
    width = max(len(zones), 1) * (COLUMN + GAP) - GAP + 2 * PAD if box.blocks else 300
    width = max(width, 300)
    pills: list[Pill] = []
    x, y = float(PAD), float(HEAD)
    for gate in box.gates:
        wide = len(gate.label) * _LETTER + 20
        if x + wide > width - PAD and x > PAD:
            x, y = float(PAD), y + PILL + 5
        pills.append(Pill(gate, x, y, wide))
        x += wide + 6
    y = y + PILL + 10 if pills else y
    heads = [(zone or "zone not known", float(PAD + i * (COLUMN + GAP)), y) for i, zone in enumerate(zones)]
    y += ZONE if zones else 0
    cards: list[Card] = []
    for tier in TIERS:
        columns = [[b for b in box.blocks if b.tier == tier and b.zone == zone] for zone in zones]
        for row in range(max(map(len, columns), default=0)):
            there = [(i, column[row]) for i, column in enumerate(columns) if row < len(column)]
            told = [(i, block, *_card(block)) for i, block in there]
            height = max(28 + LINE * (len(lines) + len(alarms)) for _, _, lines, alarms in told)
            for i, block, lines, alarms in told:
                left = PAD + i * (COLUMN + GAP)
                cards.append(Card(block, left, y, COLUMN, height, lines, alarms))
            y += height + GAP
    bottom = y + PAD - GAP if cards else y + (4 if pills else 0)
    return Frame(box, width, max(bottom, 64), pills, heads, cards)


def _heading(found: Map, box: Box) -> str:
    name = found.accounts.get(box.account, "")
    told = f"Account {box.account}" + (f" ({name})" if name else "")
    return told if box.scanned else f"{told}, not scanned"


def lay_out(found: Map) -> Layout:
    """The places of all that a map holds."""
    frames = [_frame(box) for box in found.boxes]
    by_id = {frame.box.id: frame for frame in frames}
    for link in found.links:
        for end in link.ends:
            by_id[end].drops.append(link.id)
    shelf_width = max([SHELF, *(frame.width for frame in frames)])
    shelves, headed = _shelves(found, frames, shelf_width)
    for number, shelf in enumerate(shelves):
        for frame in shelf:
            frame.shelf = number
    touched = {link.id: sorted({by_id[end].shelf for end in link.ends}) for link in found.links}
    trunks = [link.id for link in found.links if len(touched[link.id]) > 1 or link.kind != "peering"]
    margin = 22 + 14 * len(trunks)
    hubs = [link for link in found.links if link.kind != "peering"]
    y = float(TOP + len(hubs) * 30 + (8 if hubs else 0))
    lanes: dict[tuple[str, int], float] = {}
    bands: list[tuple[str, float, float]] = []
    for number, shelf in enumerate(shelves):
        if number in headed:
            bands.append((headed[number], margin, y + 20))
            y += BAND
        x = float(margin)
        for frame in shelf:
            frame.x, frame.y = x, y
            x += frame.width + 26
        y += max(frame.height for frame in shelf) + 14
        here = [link.id for link in found.links if number in touched[link.id]]
        for place, id_ in enumerate(here):
            lanes[id_, number] = y + 6 + place * LANE
        y += len(here) * LANE + 14
    wires = [
        _wire(link, place, by_id, touched[link.id], lanes, trunks, hubs)
        for place, link in enumerate(found.links)
    ]
    width = max([frame.x + frame.width for frame in frames], default=0) + 22
    return Layout(max(width, 360), y + 8, tuple(frames), tuple(wires), tuple(bands))


def _shelves(found: Map, frames: list[Frame], width: float) -> tuple[list[list[Frame]], dict[int, str]]:
    """Frames in rows that fit the width; each account begins a row, with its heading."""
    shelves: list[list[Frame]] = []
    headed: dict[int, str] = {}
    used, account = 0.0, ""
    for frame in frames:
        if frame.box.account != account or used + frame.width > width:
            shelves.append([])
            used = 0.0
            if frame.box.account != account:
                headed[len(shelves) - 1] = _heading(found, frame.box)
                account = frame.box.account
        shelves[-1].append(frame)
        used += frame.width + 26
    return shelves, headed


def _wire(
    link: Link,
    place: int,
    by_id: dict[str, Frame],
    touched: list[int],
    lanes: dict[tuple[str, int], float],
    trunks: list[str],
    hubs: list[Link],
) -> Wire:
    """A link's drops from its VPCs to lanes below them, joined by a trunk at the left."""
    trunk = 16 + 14 * trunks.index(link.id) if link.id in trunks else None
    parts: list[str] = []
    dots: list[tuple[float, float]] = []
    label: tuple[float, float] | None = None
    for shelf in touched:
        y = lanes[link.id, shelf]
        xs: list[float] = []
        for end in link.ends:
            frame = by_id[end]
            if frame.shelf == shelf:
                x = frame.x + 30 + 16 * frame.drops.index(link.id)
                xs.append(x)
                dots.append((x, frame.y + frame.height))
                parts.append(f"M{x:g} {frame.y + frame.height:g}V{y:g}")
        first = min(xs) if trunk is None else float(trunk)
        parts.append(f"M{first:g} {y:g}H{max(xs):g}")
        if label is None:
            label = (min(xs) + 8, y - 4)
    if trunk is not None:
        ys = [lanes[link.id, shelf] for shelf in touched]
        top = min(ys, default=0.0)
        if link in hubs:
            top = float(TOP + hubs.index(link) * 30 + 12)
            parts.append(f"M{trunk:g} {top:g}H{trunk + 14:g}")
            label = (trunk + 14, top)
        parts.append(f"M{trunk:g} {top:g}V{max(ys, default=top):g}")
    return Wire(link, "".join(parts), tuple(dots), label or (0.0, 0.0), place)


def summary(found: Map) -> str:
    """The map in a sentence."""
    blocks = [b for box in found.boxes for b in box.blocks]
    spots = sum(len(b.spots) for b in blocks)
    reached = sum(len(b.exposed) for b in blocks)
    told = [
        plural(len(found.boxes), "VPC"),
        plural(len(blocks), "subnet"),
        plural(spots, "interface"),
        f"{reached} reached from the internet",
    ]
    return ", ".join(told)
