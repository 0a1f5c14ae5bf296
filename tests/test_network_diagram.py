"""The VPC map: subnets by their routes, a layout in which nothing overlaps, a page that trusts nobody."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from partywall.analysis.network.diagram import TIERS, Block, Box, Gate, Link, Map, Spot, map_of
from partywall.analysis.network.study import study
from partywall.analysis.policy import FACTS
from partywall.cli.app import app
from partywall.errors import UserError
from partywall.lake.engine import Lake
from partywall.outputs.network_layout import Frame, lay_out
from partywall.outputs.network_map import render, render_svg
from tests.support import DemoScan

HOSTILE = "</title><script>alert(1)</script>\"'&\x1b[31m\u202e"


@pytest.fixture(scope="module")
def drawn(demo: DemoScan) -> Map:
    return map_of(study(Lake(demo.directory, FACTS)))


def test_subnets_are_told_by_their_routes(drawn: Map) -> None:
    tiers = {(box.name, block.name): (block.tier, block.way) for box in drawn.boxes for block in box.blocks}
    assert tiers["production-legacy", "legacy-public-a"][0] == "public"
    assert tiers["production-legacy", "legacy-private-a"] == ("isolated", "leads nowhere else")
    assert tiers["production-main", "main-private-a"][0] == "private"
    assert tiers["production-shared", "shared-private-a"][1].startswith("transit gateway tgw-")


def test_what_the_internet_reaches_is_marked_with_its_ports(drawn: Map) -> None:
    found = {s.title: s for box in drawn.boxes for block in box.blocks for s in block.spots}
    assert "tcp 22" in found["jump-2019"].ports
    assert found["web-1"].ports == ""
    assert any("HTTPS 443" in door for door in found["web-1"].doors)
    assert found["orders"].kind == "database"
    assert "tcp 22" in render_svg(drawn)


def test_links_join_the_vpcs_and_empty_ones_are_left_out(drawn: Map) -> None:
    names = {box.id: box.name for box in drawn.boxes}
    joined = {link.kind: {names[end] for end in link.ends} for link in drawn.links}
    assert joined["transit gateway"] == {"production-main", "production-shared"}
    peerings = [{names[e] for e in link.ends} for link in drawn.links if link.kind == "peering"]
    assert {"sandbox-main", "production-main"} in peerings
    assert drawn.left_out > 0
    assert all(box.blocks for box in drawn.boxes)


def _box(draw: Any, number: int) -> Box:
    zones = draw(st.integers(0, 4))
    blocks = [
        Block(
            f"subnet-{number}-{zone}-{i}",
            draw(st.sampled_from(["", "a", "a-very-long-name-of-a-subnet-that-does-not-fit-anywhere"])),
            f"zone-{zone}",
            ("10.0.0.0/24",),
            draw(st.sampled_from(TIERS)),
            "somewhere",
            "rtb-1",
            (),
            tuple(
                Spot(f"i-{k}", f"kind {k % 5}", "", "", "", (), "tcp 22" if k % 3 == 0 else "", ())
                for k in range(draw(st.integers(0, 12)))
            ),
        )
        for zone in range(zones)
        for i in range(draw(st.integers(0, 5)))
    ]
    gates = [Gate("endpoint", f"vpce-{g}", f"endpoint {g}") for g in range(draw(st.integers(0, 14)))]
    account = str(number % 3)
    return Box(
        f"vpc-{number}", "", account, "eu-west-1", draw(st.sampled_from(["", "sandbox"])),
        ("10.0.0.0/16",), tuple(gates), tuple(blocks),
    )  # fmt: skip


@st.composite
def maps(draw: Any) -> Map:
    boxes = sorted((_box(draw, n) for n in range(draw(st.integers(1, 9)))), key=lambda b: b.account)
    ids = [box.id for box in boxes]
    links = [
        Link(
            f"link-{n}",
            draw(st.sampled_from(["peering", "transit gateway"])),
            "",
            tuple(draw(st.lists(st.sampled_from(ids), min_size=1, max_size=6, unique=True))),
        )
        for n in range(draw(st.integers(0, 5)))
    ]
    return Map(tuple(boxes), tuple(links))


def _apart(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]


def _place(frame: Frame) -> tuple[float, float, float, float]:
    return frame.x, frame.y, frame.width, frame.height


@settings(max_examples=60, deadline=None)
@given(maps())
def test_nothing_overlaps_and_lines_keep_out_of_boxes(found: Map) -> None:
    layout = lay_out(found)
    assert layout == lay_out(found)
    for one, other in combinations(layout.frames, 2):
        assert _apart(_place(one), _place(other))
    for frame in layout.frames:
        x, y, width, height = _place(frame)
        assert x >= 0 and x + width <= layout.width and y + height <= layout.height
        inner = [(c.x, c.y, c.width, c.height) for c in frame.cards]
        inner += [(p.x, p.y, p.width, 22) for p in frame.pills]
        for one, other in combinations(inner, 2):
            assert _apart(one, other)
        assert all(a >= 0 and b >= 0 and a + c <= width and b + d <= height for a, b, c, d in inner)
    for wire in layout.wires:
        for x1, y1, x2, y2 in _segments(wire.path):
            for frame in layout.frames:
                x, y, width, height = _place(frame)
                within = x < max(x1, x2) and min(x1, x2) < x + width
                assert not (within and y < max(y1, y2) and min(y1, y2) < y + height), (wire, frame.box.id)
    heights = [y for wire in layout.wires for _, y, _, y2 in _segments(wire.path) if y == y2]
    assert len(set(heights)) == len(heights), "two lines of two links lie upon one another"


def _segments(path: str) -> list[tuple[float, float, float, float]]:
    found: list[tuple[float, float, float, float]] = []
    for x, y, way, to in re.findall(r"M([\d.]+) ([\d.]+)([HV])([\d.]+)", path):
        a, b, c = float(x), float(y), float(to)
        found.append((a, b, c, b) if way == "H" else (a, b, a, c))
    return found


def test_names_of_an_account_are_text_and_nothing_else() -> None:
    spot = Spot(HOSTILE, HOSTILE, HOSTILE, "", "", (HOSTILE,), HOSTILE, (HOSTILE,))
    block = Block(HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), "public", HOSTILE, HOSTILE, (HOSTILE,), (spot,))
    gate = Gate(HOSTILE, HOSTILE, HOSTILE)
    box = Box("v", HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), (gate,), (block,))
    links = tuple(Link(HOSTILE, kind, HOSTILE, ("v",), (HOSTILE,)) for kind in ("peering", "transit gateway"))
    found = Map((box,), links, {HOSTILE: HOSTILE}, 1, (HOSTILE,))
    page, picture = render(found, HOSTILE), render_svg(found)
    assert page.count("<script") == 2
    assert "<script" not in picture
    assert "\x1b" not in page and "\x1b" not in picture
    root = ElementTree.fromstring(picture)
    assert {e.tag.rpartition("}")[2] for e in root.iter()} <= {
        "svg", "style", "g", "title", "text", "rect", "path", "circle",
    }  # fmt: skip
    data = re.search(r'id="data">(.*?)</script>', page, re.S)
    assert data is not None
    assert json.loads(data[1])["v"]["title"] == HOSTILE
    for text in (page, picture.replace('xmlns="http://www.w3.org/2000/svg"', "")):
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import|style=|onclick=", text)


def test_the_command_writes_a_page_or_a_picture(demo: DemoScan, tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["network", "diagram", "--data", str(demo.data), *words])

    page, picture = tmp_path / "map.html", tmp_path / "map.svg"
    assert run("-o", str(page)).exit_code == 0
    assert "production-main" in page.read_text()
    assert run("-o", str(picture), "--vpc", "production-legacy").exit_code == 0
    ElementTree.fromstring(picture.read_text())
    assert "jump-2019" in picture.read_text()
    assert "sandbox-main" not in picture.read_text()
    accounts = {box.name: box.account for box in map_of(study(Lake(demo.directory, FACTS))).boxes}
    assert run("-o", str(picture), "--account", accounts["sandbox-main"]).exit_code == 0
    assert "sandbox-main" in picture.read_text() and "jump-2019" not in picture.read_text()
    for words, told in (
        (("-o", str(tmp_path / "map.png")), ".html or .svg"),
        (("--vpc", "production-man"), "did you mean production-main"),
        (("--account", "999999999999"), "was not scanned"),
        (("-o", str(tmp_path / "none" / "map.svg")), "cannot write"),
    ):
        found = run(*words)
        assert isinstance(found.exception, UserError) and told in str(found.exception)
