"""Tables of cases, each after a page of AWS's documentation: what reaches what, and why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from partywall.analysis.network.answers import Answer, path
from partywall.analysis.network.explain import blocker_shapes
from partywall.analysis.network.steps import Outcome
from partywall.analysis.network.world import World
from tests.network_world import Builder, merged, parse_ask

FILES = sorted((Path(__file__).parent / "network_cases").glob("*.yaml"))


def cases() -> list[Any]:
    """(network, question, answer) of every case; each file has its base networks under `networks`."""
    found: list[Any] = []
    for file in FILES:
        held = yaml.safe_load(file.read_text())
        for case in held["cases"]:
            assert case["page"], case
            base = held["networks"][case.get("network", "base")]
            written = merged(base, case.get("with", {}))
            for question, expected in case["ask"].items():
                id = f"{file.stem}: {case['title']}: {question}"
                found.append(pytest.param(written, question, expected, case.get("appliances", False), id=id))
    return found


CASES = cases()


@pytest.mark.parametrize(("written", "question", "expected", "appliances"), CASES)
def test_case(written: dict[str, Any], question: str, expected: str, appliances: bool) -> None:
    outcome, *reasons = expected.split()
    world = World(Builder(written).build(), appliances)
    source, target, ask = parse_ask(question)
    answer = path(world, source, target, ask)
    assert answer.outcome.value == outcome, told(world, answer)
    if answer.outcome is Outcome.NOT_REACHABLE:
        codes = {each["ExplanationCode"] for each in blocker_shapes(world, answer)}
        assert codes, "what stops it is named"
        assert not reasons or codes == set(reasons), told(world, answer)
    elif answer.outcome is Outcome.UNKNOWN:
        # What no call could tell (an appliance's own rules, a draw of AWS's) has a reason alone.
        assert {each.call for each in answer.unread} - {""} == set(reasons), told(world, answer)
        assert answer.unread and all(each.call or each.reason for each in answer.unread)
    else:
        assert answer.path and not answer.blockers


def told(world: World, answer: Answer) -> str:
    """What was found, for whoever reads a failure."""
    steps = [
        (s.kind.value, s.component, s.code, s.reply, s.maybe) for c in answer.cells for s in c.trace.steps
    ]
    return f"{answer.outcome} {blocker_shapes(world, answer)} {answer.unread}\n" + "\n".join(map(str, steps))


def test_there_are_enough_cases_and_none_twice() -> None:
    assert len(CASES) >= 450
    assert len({each.id for each in CASES}) == len(CASES)
