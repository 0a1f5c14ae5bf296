"""Attack paths as a page that draws each from left to right: alone, or as a page of the report.

The page makes no request; a Content-Security-Policy with the hashes of its own style and script lets nothing
else run or load. Text from the account goes in as JSON and is shown as text nodes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from partywall.analysis.attack_paths.study import AttackStudy

_DRAWN: Final = 400
"""At most so many paths are in the page, the worst; it says of how many."""
_CHANGES: Final = 12
_BASE_ENDS: Final = "/* Head */"


def attack_page(found: AttackStudy) -> dict[str, Any]:
    """The page's data: paths as rows of `attack_path`, what cuts most of them, what is not known."""
    from partywall.analysis.attack_paths.cut import plan
    from partywall.analysis.attack_paths.tables import path_row

    made = plan(found.paths, _CHANGES)
    dropped = ("_failed", "tags", "region")
    rows = [path_row(path, rank) for rank, path in enumerate(found.paths[:_DRAWN], 1)]
    return {
        "paths": [{k: v for k, v in row.items() if k not in dropped} for row in rows],
        "total": len(found.paths),
        "known": made.paths,
        "smallest": made.smallest,
        "cuts": [
            {
                "kind": cut.change.kind,
                "subject": cut.change.subject,
                "text": cut.change.text,
                "check": cut.change.check,
                "alone": cut.alone,
                "together": cut.together,
            }
            for cut in made.cuts
        ],
        "undecided": found.undecided,
        "failed": sorted({str(call["operation"]) for call in found.failed if call["operation"]}),
        "targets": len(found.targets),
    }


def render(found: AttackStudy, title: str = "") -> str:
    """The page by itself. `title` tells what was read, such as the scan's time."""
    import jinja2
    from markupsafe import Markup

    from partywall.outputs.html import asset, digest
    from partywall.outputs.iam_graph import json_text

    style = asset("report.css").partition(_BASE_ENDS)[0] + asset("attack.css")
    script = '"use strict";\n' + "\n".join(asset(name) for name in ("dom.js", "attack.js", "attack_alone.js"))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("partywall.outputs.html", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("attack.html.j2").render(
        title=title,
        style=Markup(style),
        script=Markup(script),
        style_hash=digest(style),
        script_hash=digest(script),
        data=Markup(json_text(attack_page(found))),
    )
