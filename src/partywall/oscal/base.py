"""What every OSCAL document is made of: stable uuids, tokens, properties, metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from partywall import __version__
from partywall.outputs.text import visible

if TYPE_CHECKING:
    from partywall.frameworks.model import Framework

VERSION: Final = "1.2.1"
"""The version of OSCAL that the documents are written in (NIST, "OSCAL Layers and Models")."""
NAMESPACE: Final = UUID("6f0b8a53-9d6d-5c1e-9a0e-3d1b7c3f2a41")
"""Of all our uuids: the same thing has the same uuid in every document of the same scan."""
NS: Final = "urn:partywall:oscal"
"""Namespace of our properties."""
OSCAL_NS: Final = "http://csrc.nist.gov/ns/oscal"
NIST: Final = "nist-800-53-r5"
NIST_CATALOG: Final = (
    "https://raw.githubusercontent.com/usnistgov/oscal-content/main/nist.gov/SP800-53/rev5/json/"
    "NIST_SP-800-53_rev5_catalog.json"
)
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>])")


def uid(*parts: str) -> str:
    """The uuid of what these parts name."""
    return str(uuid5(NAMESPACE, "\x1f".join(parts)))


def when(moment: datetime) -> str:
    """A time as OSCAL writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(text: str) -> str:
    """Text on one line, with nothing invisible in it and neither end blank; "-" for none."""
    return " ".join(visible(text.replace("\n", " ")).split()) or "-"


def plain(text: str) -> str:
    """Text that people wrote, on one line, for a field of Markdown: none of it is markup."""
    return _MARKUP.sub(r"\\\1", line(text))


def prop(name: str, value: str | int, ns: str = NS) -> dict[str, Any]:
    """A property; its value is plain text."""
    return {"name": name, "ns": ns, "value": line(str(value))}


def props(**values: str | int | None) -> list[dict[str, Any]]:
    """Our properties by name (_ stands for -), those that are None or "" left out."""
    return [prop(n.replace("_", "-"), v) for n, v in values.items() if v is not None and v != ""]


def clean(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that hold something: OSCAL has no empty lists and no nulls."""
    return {name: value for name, value in entries.items() if value is not None and value not in ([], "")}


def metadata(title: str, made_at: datetime, parties: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A document's metadata. `made_at` is the scan's time, so that the same scan gives the same document."""
    return clean(
        {
            "title": line(title),
            "last-modified": when(made_at),
            "version": __version__,
            "oscal-version": VERSION,
            "roles": [{"id": "provider", "title": "Provider"}, {"id": "customer", "title": "Customer"}],
            "parties": [dict(p) for p in parties],
        }
    )


def document(root: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A whole document; its uuid differs wherever its content does."""
    found = clean(body)
    content = json.dumps(found, sort_keys=True, ensure_ascii=False)
    return {root: {"uuid": uid("document", root, content), **found}}


def aws_party() -> dict[str, Any]:
    """AWS as a party."""
    return {"uuid": uid("party", "aws"), "type": "organization", "name": "Amazon Web Services"}


class Controls:
    """The control ids of a framework's requirements, and the catalog that has them."""

    def __init__(self, framework: Framework) -> None:
        self.framework = framework
        self.nist = framework.id == NIST
        self.href = NIST_CATALOG if self.nist else "catalog.json"
        self._ids: dict[str, str] = {}
        taken: set[str] = set()
        for requirement in framework.requirements:
            name = str(requirement.attributes.get("oscal_id") or "") if self.nist else ""
            name = name or (nist_id(requirement.id) if self.nist else self._token(requirement.id))
            unique, number = name, 2
            while unique in taken:
                unique, number = f"{name}-{number}", number + 1
            taken.add(unique)
            self._ids[requirement.id] = unique

    def _token(self, name: str) -> str:
        token = re.sub(r"[^A-Za-z0-9._-]+", "-", name.replace(")(", ".").replace("(", ".").replace(")", ""))
        return (
            f"_{self.framework.id}_{token}"
            if self.framework.id[0].isdigit()
            else f"{self.framework.id}_{token}"
        )

    def id(self, requirement: str) -> str:
        """The control id of a requirement."""
        return self._ids[requirement]

    def statement(self, requirement: str) -> str:
        """The id of the control's statement."""
        return f"{self._ids[requirement]}_smt"


def nist_id(name: str) -> str:
    """The id of a control in NIST's catalog: AC-2(1) is ac-2.1."""
    return re.sub(r"\((\d+)\)", r".\1", name).replace(" ", "").casefold()
