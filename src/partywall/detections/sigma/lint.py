"""What is wrong with rules that do load: what a reader or a finding needs and is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from partywall.detections.sigma.nodes import Leaf, Text, Wild, leaves
from partywall.detections.sigma.playbooks import playbooks
from partywall.detections.sigma.rules import About, Problem, Rule, RuleSet, load

_REFERENCE: Final = re.compile(r"https://\S+\.\S+")
_NEEDED: Final = ("title", "status", "description", "references", "tags", "falsepositives")
_FINDING: Final = re.compile(r"[A-Z][A-Za-z]+:[A-Za-z0-9]+/[A-Za-z0-9.&!]+")


def lint(paths: list[Path], *, ours: bool = False) -> tuple[RuleSet, list[Problem]]:
    """Load rules and look at each; `ours` also asks for a playbook and for examples, as our rules have.

    Rules of other logs than CloudTrail are not looked at.
    """
    loaded = load(paths)
    problems = list(loaded.problems)
    for each in (*loaded.rules, *loaded.correlations):
        messages = list(_about(each.about))
        if isinstance(each, Rule):
            messages += _condition(each)
        if ours:
            messages += _ours(each.about)
        problems += [Problem(each.about.path, each.about.line, message) for message in messages]
    return loaded, sorted(problems, key=lambda problem: (str(problem.path), problem.line, problem.message))


def _about(about: About) -> Iterator[str]:
    for name in _NEEDED:
        if not getattr(about, name):
            yield f"{about.title or 'a rule'}: no {name}"
    if about.references and not any(_REFERENCE.match(each) for each in about.references):
        yield f"{about.title}: no reference is a web address"
    if about.tags and not about.techniques:
        yield f"{about.title}: no tag names an ATT&CK technique, such as attack.t1098.001"


def _condition(rule: Rule) -> Iterator[str]:
    asked = list(leaves(rule.condition))
    if all(leaf.field is None for leaf in asked):
        yield f"{rule.about.title}: only keywords, so every record's whole text is searched"
    for leaf in asked:
        if _is_source(leaf):
            yield f"{rule.about.title}: eventSource {_text(leaf)} is not an address such as iam.amazonaws.com"


def _is_source(leaf: Leaf) -> bool:
    text = _text(leaf)
    return leaf.field == "eventSource" and text is not None and "." not in text


def _text(leaf: Leaf) -> str | None:
    if not isinstance(leaf.test, Text) or any(isinstance(part, Wild) for part in leaf.test.parts):
        return None
    return leaf.test.literal()


def _ours(about: About) -> Iterator[str]:
    playbook = about.extra.get("playbook")
    if playbook not in playbooks():
        yield f"{about.title}: the playbook {playbook} is none of {', '.join(playbooks())}"
    finding = about.extra.get("finding")
    if finding is not None and not _FINDING.fullmatch(str(finding)):
        yield f"{about.title}: the finding type {finding} is not Purpose:Resource/Name"
    events = about.extra.get("events")
    for kind in ("match", "clean"):
        if not isinstance(events, dict) or not events.get(kind):
            yield f"{about.title}: no events under {kind}"
    if not about.tactics:
        yield f"{about.title}: no tag names an ATT&CK tactic"
