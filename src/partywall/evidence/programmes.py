"""AWS's compliance programmes, from `programmes.yaml`: how Artifact names their reports and agreements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

_FILE: Final = "programmes.yaml"


class Programme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One programme; the lists hold regular expressions, `except_` what rules a report out."""

    id: str
    name: str
    speaks: Literal["period", "validity", "agreement"]
    reports: list[str] = []
    except_: list[str] = msgspec.field(default=[], name="except")
    bridge: list[str] = []
    agreement: str = ""

    def is_report(self, name: str, series: str) -> bool:
        """Whether a report of AWS is one of this programme."""
        return _any(self.reports, name, series) and not _any(self.except_, name, series)

    def is_bridge(self, name: str, series: str) -> bool:
        """Whether a report is the letter that covers the time after this programme's latest period."""
        return _any(self.bridge, name, series)

    def is_agreement(self, name: str) -> bool:
        """Whether an agreement is the one that this programme asks for."""
        return bool(self.agreement) and _any([self.agreement], name, "")


@cache
def programmes() -> Mapping[str, Programme]:
    """Every programme by id."""
    import yaml

    text = files("partywall.evidence").joinpath(_FILE).read_text(encoding="utf-8")
    listed = msgspec.convert(yaml.safe_load(text), list[Programme])
    return {p.id: p for p in listed}


def _any(patterns: Sequence[str], name: str, series: str) -> bool:
    # A series such as "PCI" holds many reports: it only fills in what a name leaves out.
    text = f"{series} {name}" if series and series.casefold() not in name.casefold() else name
    return any(re.search(p, text, re.IGNORECASE) for p in patterns)
