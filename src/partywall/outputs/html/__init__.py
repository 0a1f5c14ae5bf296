"""One self-contained page: styles, script and all findings in a single file that makes no request.

The findings are columns of dictionary codes, gzipped and in base64; the page unpacks them itself and shows
text from the account only as text. A Content-Security-Policy with the hashes of the page's own style and
script lets nothing else run or load.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final

from partywall.outputs.html.payload import write_payload

if TYPE_CHECKING:
    from partywall.findings.model import Report

_PARTS: Final = (
    "data",
    "filter",
    "dom",
    "overview",
    "facets",
    "list",
    "detail",
    "wall",
    "compliance",
    "attack",
    "threats",
    "views",
    "main",
)
_PAYLOAD_MARK: Final = "@@payload@@"


def dump(report: Report, stream: BinaryIO) -> None:
    """Writes the page, its findings streamed."""
    head, _, tail = _page(report).partition(_PAYLOAD_MARK)
    stream.write(head.encode())
    write_payload(report, stream)
    stream.write(tail.encode())


def _page(report: Report) -> str:
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("partywall.outputs.html", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = asset("report.css") + asset("attack.css") + asset("threats.css")
    script = '"use strict";\n' + "\n".join(asset(f"{name}.js") for name in _PARTS)
    return environment.get_template("report.html.j2").render(
        scan=report.scan,
        started=report.scan.started_at.strftime("%Y-%m-%d %H:%M UTC"),
        style=Markup(style),
        script=Markup(script),
        style_hash=digest(style),
        script_hash=digest(script),
        payload=_PAYLOAD_MARK,
    )


def asset(name: str) -> str:
    """The text of one of the page's parts."""
    from importlib import resources

    return resources.files("partywall.outputs.html").joinpath("assets", name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """What a Content-Security-Policy calls an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
