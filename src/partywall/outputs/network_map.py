"""The VPC map as a drawing (SVG) and as one self-contained page that tells more of what is clicked.

The page makes no request; a Content-Security-Policy with the hashes of its own style and script lets nothing
else run or load. Text from the account is escaped, or goes in as JSON and is shown as text nodes only.
"""

from __future__ import annotations

from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from partywall.analysis.network.diagram import Block, Box, Map
from partywall.outputs.network_layout import LINE, PILL, Card, Frame, Layout, Wire, clipped, lay_out, summary
from partywall.outputs.text import visible

_HUES: Final = 6
_SPOTS: Final = 200
_BASE_ENDS: Final = "/* Head */"


def render_svg(found: Map) -> str:
    """The drawing alone, with its own style in light and dark."""
    from partywall.outputs.html import asset

    colours = asset("report.css").partition("* { box-sizing")[0].replace(":root", "svg")
    return _svg(lay_out(found), found, f"<style>{colours}{asset('network_map_svg.css')}</style>")


def render(found: Map, title: str = "") -> str:
    """The page. `title` tells what was read, such as the scan's time."""
    import jinja2
    from markupsafe import Markup

    from partywall.outputs.html import asset, digest
    from partywall.outputs.iam_graph import json_text

    style = (
        asset("report.css").partition(_BASE_ENDS)[0] + asset("network_map_svg.css") + asset("network_map.css")
    )
    script = '"use strict";\n' + "\n".join(asset(name) for name in ("dom.js", "network_map.js"))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("partywall.outputs.html", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("network_map.html.j2").render(
        title=visible(title),
        summary=summary(found),
        left_out=found.left_out,
        unread=[visible(call) for call in found.unread],
        style=Markup(style),
        script=Markup(script),
        style_hash=digest(style),
        script_hash=digest(script),
        drawing=Markup(_svg(lay_out(found), found, "")),
        data=Markup(json_text(details(found))),
    )


def details(found: Map) -> dict[str, Any]:
    """What the page tells of each VPC, subnet and link, by its id."""
    told: dict[str, Any] = {}
    for box in found.boxes:
        told[box.id] = _box_details(found, box)
        for block in box.blocks:
            told[block.id] = _block_details(box, block)
    for link in found.links:
        names = {box.id: box.name or box.id for box in found.boxes}
        told[link.id] = {
            "title": link.name or link.id,
            "kind": link.kind,
            "facts": [["id", link.id], *(["joins", f"{names[e]} ({e})"] for e in link.ends)],
            "lines": list(link.notes),
            "ends": list(link.ends),
        }
    return told


def _box_details(found: Map, box: Box) -> dict[str, Any]:
    account = found.accounts.get(box.account, "")
    facts = [
        ["id", box.id],
        ["account", f"{box.account} {account}".strip() + ("" if box.scanned else " (not scanned)")],
        ["Region", box.region],
        *([["environment", box.environment]] if box.environment else []),
        *(["block", cidr] for cidr in box.cidrs),
    ]
    lines = [f"{gate.label}: {gate.id}" for gate in box.gates]
    links = [link for link in found.links if box.id in link.ends]
    lines += [f"{link.kind}: {link.name or link.id}" for link in links]
    return {"title": box.name or box.id, "kind": "VPC", "facts": facts, "lines": lines}


def _block_details(box: Box, block: Block) -> dict[str, Any]:
    spots = [
        [
            s.title,
            s.kind,
            s.id,
            s.private,
            s.public,
            ", ".join(s.groups),
            s.ports,
            list(s.doors),
            s.is_doubtful,
        ]
        for s in block.spots[:_SPOTS]
    ]
    facts = [
        ["id", block.id],
        ["VPC", f"{box.name} ({box.id})" if box.name else box.id],
        ["zone", block.zone],
        *(["block", cidr] for cidr in block.cidrs),
        ["leads out", block.way],
        ["route table", block.table],
    ]
    return {
        "title": block.name or block.id,
        "kind": f"{block.tier} subnet",
        "facts": facts,
        "routes": list(block.routes),
        "spots": spots,
        "more": max(len(block.spots) - _SPOTS, 0),
    }


# The drawing.


def _text(x: float, y: float, words: str, name: str, width: float = 0, letter: float = 6.4) -> str:
    shown = clipped(visible(words), width, letter) if width else visible(words)
    return f'<text x="{x:g}" y="{y:g}" class="{name}">{escape(shown)}</text>'


def _svg(layout: Layout, found: Map, style: str) -> str:
    width, height = round(layout.width), round(layout.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="group" aria-label={quoteattr("VPC map: " + summary(found))}>',
        style,
    ]
    parts += [_text(x, y, words, "band") for words, x, y in layout.bands]
    parts += [_wire(wire) for wire in layout.wires]
    parts += [_frame(frame) for frame in layout.frames]
    return "".join(parts) + "</svg>"


def _open(kind: str, id_: str, words: str, label: str) -> str:
    """A group that can be found, focused and asked for more."""
    return (
        f'<g class="{kind}" data-id={quoteattr(visible(id_))} data-words={quoteattr(visible(words).lower())}'
        f' tabindex="0" role="button" aria-label={quoteattr(visible(label))}>'
        f"<title>{escape(visible(label))}</title>"
    )


def _wire(wire: Wire) -> str:
    link, (x, y) = wire.link, wire.label
    name = link.name if link.name and link.name != link.id else ""
    words = f"{link.kind} {name} {link.id}".replace("  ", " ")
    label = f"{words} joins {', '.join(link.ends)}"
    dots = "".join(f'<circle cx="{a:g}" cy="{b:g}" r="4"/>' for a, b in wire.dots)
    kind = f"wire hue{wire.place % _HUES}" + (" hub" if link.kind != "peering" else "")
    told = _open(kind, link.id, " ".join((words, *link.notes)), label)
    told += f'<path class="touch" d="{wire.path}"/><path d="{wire.path}"/>{dots}'
    if link.kind == "peering":
        told += _text(x, y, f"peering {name or link.id}", "wire-name")
    else:
        more = f" · {len(link.notes)} more" if link.notes else ""
        shown = f"{name or link.id} · {len(link.ends)} VPCs{more}"
        width = len(visible(shown)) * 6.6 + 128
        told += (
            f'<rect class="hub-box" x="{x:g}" y="{y - 12:g}" width="{width:g}" height="24" rx="12"/>'
            + _text(x + 12, y + 4, "Transit gateway", "small")
            + _text(x + 112, y + 4, shown, "pill-name")
        )
    return told + "</g>"


def _frame(frame: Frame) -> str:
    box = frame.box
    words = " ".join((box.name, box.id, box.account, box.region, box.environment, *box.cidrs))
    gates = " ".join(f"{g.label} {g.id}" for g in box.gates)
    kind = "vpc" if box.scanned else "vpc foreign"
    parts = [
        f'<g transform="translate({frame.x:g} {frame.y:g})">',
        _open(kind, box.id, f"{words} {gates}", f"VPC {box.name or box.id}"),
        f'<rect class="frame" width="{frame.width:g}" height="{frame.height:g}" rx="10"/>',
        _text(14, 23, box.name or box.id, "vpc-name", frame.width - (110 if box.environment else 28), 8.2),
        _text(14, 40, f"{', '.join(box.cidrs[:2])} · {box.region} · {box.id}", "small", frame.width - 28),
    ]
    if box.environment:
        parts.append(_text(frame.width - 14, 23, box.environment, "environment", 90))
    for pill in frame.pills:
        opened = " open" if pill.gate.kind == "internet gateway" else ""
        parts.append(
            f'<g class="pill{opened}"><title>{escape(visible(f"{pill.gate.label} {pill.gate.id}"))}</title>'
            f'<rect x="{pill.x:g}" y="{pill.y:g}" width="{pill.width:g}" height="{PILL}" rx="11"/>'
            + _text(pill.x + 10, pill.y + 15, pill.gate.label, "pill-name")
            + "</g>"
        )
    parts += [_text(x + 2, y + 13, zone, "zone", 210) for zone, x, y in frame.zones]
    parts.append("</g>")
    parts += [_card(card) for card in frame.cards]
    return "".join(parts) + "</g>"


def _card(card: Card) -> str:
    block = card.block
    spots = " ".join(f"{s.title} {s.id} {s.private} {s.public}" for s in block.spots[:_SPOTS])
    words = " ".join((block.name, block.id, block.zone, *block.cidrs, block.tier, block.way, spots))
    label = f"{block.tier} subnet {block.name or block.id}"
    if block.exposed:
        label += f", {len(block.exposed)} reached from the internet"
    tier = block.tier.replace(" ", "-")
    parts = [
        _open(f"subnet {tier}", block.id, words, label),
        f'<rect class="card-box" x="{card.x:g}" y="{card.y:g}" width="{card.width:g}"'
        f' height="{card.height:g}" rx="6"/>',
        f'<rect class="edge" x="{card.x:g}" y="{card.y:g}" width="5" height="{card.height:g}" rx="2.5"/>',
        _text(card.x + 13, card.y + 18, block.name or block.id, "name", card.width - 84, 7),
        _text(card.x + card.width - 8, card.y + 18, block.tier, "tier"),
    ]
    y = card.y + 18
    for line in card.lines:
        y += LINE
        parts.append(_text(card.x + 13, y, line, "small", card.width - 20))
    for line in card.alarms:
        y += LINE
        parts.append(f'<circle class="alarm-dot" cx="{card.x + 17:g}" cy="{y - 4:g}" r="4"/>')
        parts.append(_text(card.x + 25, y, line, "alarm", card.width - 32, 7.3))
    return "".join(parts) + "</g>"
