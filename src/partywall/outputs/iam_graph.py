"""The attack graph as one self-contained page: who becomes an administrator, over whom, by which steps.

The page makes no request; a Content-Security-Policy with the hashes of its own style and script lets nothing
else run or load. Text from the account goes in as JSON and is shown as text nodes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from partywall.analysis.iam.escalation import Hop
    from partywall.analysis.iam.escalation_study import Study, Way

_CHOKES: Final = 8
_BASE_ENDS: Final = "/* Head */"


def render(study: Study, title: str = "") -> str:
    """The page. `title` tells what was read, such as the scan's time."""
    import jinja2
    from markupsafe import Markup

    from partywall.outputs.html import asset, digest

    style = asset("report.css").partition(_BASE_ENDS)[0] + asset("iam_graph.css")
    script = '"use strict";\n' + "\n".join(asset(name) for name in ("dom.js", "iam_graph.js"))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("partywall.outputs.html", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("iam_graph.html.j2").render(
        title=title,
        style=Markup(style),
        script=Markup(script),
        style_hash=digest(style),
        script_hash=digest(script),
        data=Markup(json_text(payload(study))),
    )


def json_text(value: Any) -> str:
    """JSON that ends no script element, whatever names an account holds."""
    import orjson

    text = orjson.dumps(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


class _Strings:
    """Texts told once, and their places."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def add(self, text: str) -> int:
        return self.index.setdefault(text, len(self.index))


def payload(study: Study) -> dict[str, Any]:
    """The page's data.

    `nodes`: [ARN, account, admin, certainty ("" of an administrator), hops, next, own steps] with `next` the
    place of the node that is become by the own steps: a principal, one raised by the caller, or new rights;
    hops as [step, source, target, certain, [[action, resource, statements]]], texts by their place in
    `strings`.
    """
    from partywall.analysis.iam.access_actions import spelled
    from partywall.analysis.iam.escalation_study import how
    from partywall.analysis.iam.scan_actors import gap_words

    strings = _Strings()
    steps: dict[str, int] = {}
    told: list[dict[str, str]] = []

    def step_of(hop: Hop) -> int:
        if hop.step.id not in steps:
            steps[hop.step.id] = len(told)
            step = hop.step
            told.append(
                {"id": step.id, "title": step.title, "how": how(step), "why": step.why, "fix": step.fix}
            )
        return steps[hop.step.id]

    ways = study.ways()
    by_arn = {way.principal: way for way in ways}
    places: dict[str, int] = {}
    nodes: list[list[Any]] = []

    def node(key: str, arn: str, sort: str) -> int:
        if key not in places:
            places[key] = len(nodes)
            nodes.append([strings.add(arn), arn.split(":")[4], sort, "", [], -1, 0, []])
        return places[key]

    for way in ways:
        node(way.principal, way.principal, "principal")
    for arn in sorted(study.least.admins):
        node(arn, arn, "admin")
    for way in ways:
        own, next_ = _next(way, by_arn, study, node)
        hops = [
            [
                step_of(hop),
                strings.add(hop.source),
                strings.add(hop.target),
                hop.certain,
                [
                    [e.action, strings.add(e.resource), [strings.add(s) for s in e.statements]]
                    for e in evidence
                ],
            ]
            for hop, evidence in zip(way.hops, way.evidence, strict=True)
        ]
        nodes[places[way.principal]][3:] = [way.certainty, hops, next_, own, [gap_words(g) for g in way.gaps]]
    graph = study.most.graph
    return {
        "strings": list(strings.index),
        "steps": told,
        "nodes": nodes,
        "principals": len(study.reading.people.persons),
        "accounts": sorted(study.reading.people.world.accounts),
        "chokes": [
            [places[c.principal], c.passing, c.cut] for c in graph.chokes(_CHOKES) if c.principal in places
        ],
        "grants": [
            [c.policy, spelled([c.action])[0], c.passing, c.cut, c.holders[:1], len(c.holders)]
            for c in graph.grant_chokes(_CHOKES)
        ],
        "not_read": [gap_words(gap) for gap in sorted(study.reading.gaps)],
        "assumptions": study.reading.people.world.assumptions,
    }


def _next(way: Way, by_arn: dict[str, Way], study: Study, node: Any) -> tuple[int, int]:
    """How many of a way's first hops its principal takes itself, and the node that it becomes by them."""
    own = 0
    while own < len(way.hops) and way.hops[own].source == way.principal:
        own += 1
    last = way.hops[own - 1].target
    known = last in by_arn or last in study.least.admins
    if known and last != way.principal and (own < len(way.hops) or last in study.least.admins):
        return own, node(last, last, "principal")
    if known and last != way.principal:
        return own, node(f"raised {last}", last, "raised")
    account = way.principal.split(":")[4]
    partition = way.principal.split(":")[1]
    return own, node(f"new {account}", f"arn:{partition}:iam::{account}:root", "new")
