"""`partywall network` as people meet it: wrong names, ambiguous ones, what is told besides the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from partywall.cli.app import app
from partywall.errors import UserError
from tests.support import DemoScan


def _run(demo: DemoScan, *words: str) -> Any:
    return CliRunner().invoke(app, ["network", *words, "--data", str(demo.data)])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("path", "--from", "internet", "--to", "jmp-2019"), "nearest: jump-2019"),
        (("path", "--from", "web-1", "--to", "web-1"), "are the same place"),
        (("path", "--from", "web-1", "--to", "orders", "--port", "70000"), "from 0 to 65535"),
        (("path", "--from", "web-1", "--to", "orders", "--protocol", "tcpp"), "--protocol is tcp"),
        (("path", "--from", "web-1", "--to", "orders", "--protocol", "50", "--port", "1"), "has ports"),
        (("exposure", "jmp-2019"), "did you mean jump-2019?"),
        (("exposure", "jump-2019", "--scan", "1999"), "is called '1999'"),
        (("matrix", "--from", "nobody-here"), "is called 'nobody-here'"),
    ],
)
def test_wrong_use_is_one_sentence(demo: DemoScan, words: tuple[str, ...], told: str) -> None:
    found = _run(demo, *words)
    assert isinstance(found.exception, UserError)
    assert told in str(found.exception)
    assert "\n" not in str(found.exception)


def test_an_ambiguous_name_tells_which_is_shown(demo: DemoScan) -> None:
    found = _run(demo, "path", "--from", "env:sandbox", "--to", "orders", "--port", "5432")
    assert found.exit_code == 0
    assert "interfaces answer to env:sandbox; shown is migration-1" in found.output
    assert "vpc-peering-connection" in found.output


def test_what_is_reached_by_a_front_door_alone_is_told_so(demo: DemoScan) -> None:
    found = _run(demo, "path", "--from", "internet", "--to", "web-1")
    assert "internet to web-1: not reachable" in found.output
    assert "but a front door leads there: HTTPS 443 of arn:aws:elasticloadbalancing" in found.output


def test_listings_call_things_by_what_holds_them(demo: DemoScan) -> None:
    rows = json.loads(_run(demo, "exposure", "jump-2019", "--format", "json").output)
    assert [(row["name"], "tcp 22" in row["internet"]) for row in rows] == [("jump-2019", True)]
    assert all(
        r["kind"] == "function-url"
        for r in json.loads(_run(demo, "exposure", "function-url", "--format", "json").output)
    )
    matrix = json.loads(_run(demo, "matrix", "--from", "web-1", "--to", "orders", "--format", "json").output)
    assert [(row["from"], row["to"], row["open"]) for row in matrix] == [
        ("web-1", "orders (rds)", "tcp 5432")
    ]
    csv = _run(demo, "matrix", "--from", "web-1", "--format", "csv").output
    assert csv.splitlines()[0] == "from,from account,to,to account,open"
