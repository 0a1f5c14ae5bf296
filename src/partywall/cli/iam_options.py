"""Options that several commands of `partywall iam` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--from-file",
        help="What `aws iam get-account-authorization-details` wrote, in place of a scan (repeat).",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="With --from-file: what files cannot hold stays open.")
]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--context", help="A key of the request: aws:SourceIp=192.0.2.1 (repeat; the same key adds values)."
    ),
]
