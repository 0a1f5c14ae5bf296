"""Lists of bad addresses and domains that users bring: STIX 2.1 indicators, CSV, or one a line.

What a list is of (CLASSES) is told by an indicator's name, labels and types, else by the file's name:
`tor-exits.txt`, `c2.csv`. Everything else is the user's own list.
"""

from __future__ import annotations

import csv
import hashlib
import ipaddress
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from partywall.errors import UserError

CUSTOM: Final = "custom"
CLASSES: Final = {
    "tor": r"\btor\b|onion",
    "mining": r"min(er|ers|ing)\b|crypto-?(curr|coin|mine|jack)|\b(bit)?coins?\b",
    "sinkhole": r"sink-?hole|black-?hole",
    "drop": r"drop-?(point|zone)|exfil",
    "control": r"\bc2\b|\bc&c\b|\bcnc\b|command[- ]and[- ]control|botnet",
    "dga": r"\bdga\b|generated-domain",
    "phishing": r"phish",
    "drive-by": r"drive-?by|exploit-?kit",
    "abused": r"\babused?\b",
    "suspicious": r"suspicio|anomalous-activity",
    "malicious": r"malware|malicio|reputation",
}
"""Classes of lists, each with what names it, in order: the first that is named holds."""

_MOST: Final = 256 * 1024 * 1024
_COMPARISON: Final = re.compile(
    r"(ipv4-addr|ipv6-addr|domain-name):value\s*(=|ISSUBSET|IN)\s*(\([^)]*\)|'(?:[^'\\]|\\.)*')"
)
_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'")
_DOMAIN: Final = re.compile(
    r"(?i)(?=.{4,253}$)(?:\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


class Entry(NamedTuple):
    """What a list says of an address or a domain."""

    cls: str
    """One of CLASSES, or CUSTOM."""
    list: str
    """The file's name."""
    entry: str
    """The network or domain of the list."""


@dataclass(slots=True)
class Lists:
    """Bad networks by family and prefix length, and bad domains. Of several entries the first read holds."""

    networks: dict[tuple[int, int], dict[int, Entry]] = field(
        default_factory=dict[tuple[int, int], dict[int, Entry]]
    )
    domains: dict[str, Entry] = field(default_factory=dict[str, Entry])
    refused: int = 0
    """Entries that are no address, network or domain."""
    version: str = ""
    """Of what was read: lists of the same entries have the same."""

    def __bool__(self) -> bool:
        return bool(self.networks or self.domains)

    def add(self, text: str, cls: str, source: str) -> bool:
        """Takes one address, network or domain in; False where it is none, or all of the internet."""
        text = text.strip().strip("\"'").replace("[.]", ".").replace("[:]", ":").rstrip(".")
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            if not _DOMAIN.fullmatch(text):
                return False
            name = text.lower().removeprefix("*.")
            self.domains.setdefault(name, Entry(cls, source, name))
            return True
        length = network.prefixlen
        if length == 0:
            return False
        if isinstance(network, ipaddress.IPv6Network):
            mapped = network.network_address.ipv4_mapped
            if mapped is not None and length > 96:
                return self.add(f"{mapped}/{length - 96}", cls, source)
        key = int(network.network_address) >> (network.max_prefixlen - length)
        entries = self.networks.setdefault((network.version, length), {})
        entries.setdefault(key, Entry(cls, source, str(network)))
        return True

    def addresses(self, texts: Iterable[str]) -> dict[str, Entry]:
        """The listed ones among some addresses; of networks the narrowest holds. Other texts are none."""
        found: dict[str, Entry] = {}
        lengths = sorted(self.networks, key=lambda each: -each[1])
        for text in texts if lengths else ():
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                continue
            if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
                address = address.ipv4_mapped
            number, bits = int(address), address.max_prefixlen
            for family, length in lengths:
                if family != address.version:
                    continue
                if (told := self.networks[family, length].get(number >> (bits - length))) is not None:
                    found[text] = told
                    break
        return found

    def names(self, texts: Iterable[str]) -> dict[str, Entry]:
        """The names among some that are listed domains, or lie below one; the nearest holds."""
        found: dict[str, Entry] = {}
        for text in texts if self.domains else ():
            labels = text.lower().rstrip(".").split(".")
            for at in range(len(labels) - 1):
                if (told := self.domains.get(".".join(labels[at:]))) is not None:
                    found[text] = told
                    break
        return found


def read(paths: Sequence[Path], now: datetime | None = None) -> Lists:
    """The lists of files and of directories' files; STIX indicators that `now` finds expired are left out.

    Raises UserError for one that cannot be read, or that is not empty and holds no entry.
    """
    lists, digest = Lists(), hashlib.sha256()
    for file in _files(paths):
        try:
            if file.stat().st_size > _MOST:
                raise UserError(f"the list {file} is over 256 MiB: split it")
            content = file.read_bytes()
        except OSError as error:
            raise UserError(f"cannot read the list {file}: {error}") from error
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(content).digest())
        text = content.decode("utf-8-sig", "replace")
        if text.lstrip()[:1] in ("{", "["):
            fine = _stix(text, file, lists, now or datetime.now(UTC))
        else:
            fine = _lines(text, file, lists)
        if not fine:
            raise UserError(
                f"the list {file} holds no address, network or domain: bring STIX 2.1 JSON, CSV or one a line"
            )
    lists.version = digest.hexdigest()[:16] if lists else ""
    return lists


def class_of(*texts: str) -> str:
    """The class that some words name; CUSTOM where they name none."""
    said = " ".join(texts).lower().replace("_", "-")
    return next((name for name, pattern in CLASSES.items() if re.search(pattern, said)), CUSTOM)


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        try:
            inside = sorted(path.iterdir()) if path.is_dir() else [path]
        except OSError as error:
            raise UserError(f"cannot read the lists {path}: {error}") from error
        found += [file for file in inside if file == path or (file.is_file() and file.name[0] != ".")]
    return found


def _lines(text: str, file: Path, lists: Lists) -> bool:
    """Rows of a CSV, or lines: the first address or domain of each. False where there are rows and none."""
    cls, taken = class_of(file.stem), 0
    lines = [line for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#;"]
    for number, row in enumerate(csv.reader(lines)):
        cells = [word for cell in row for word in cell.split()]
        if any(lists.add(cell, cls, file.name) for cell in cells):
            taken += 1
        elif number:
            # The first line may be a header.
            lists.refused += 1
    return bool(taken) or not lines


def _stix(text: str, file: Path, lists: Lists, now: datetime) -> bool:
    """The indicators of a bundle, or of one object. False where there is none that can be read."""
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"the list {file} is no JSON: {error}") from error
    objects: Any = cast("dict[str, Any]", told).get("objects", [told]) if isinstance(told, dict) else told
    taken = False
    for each in cast("list[Any]", objects) if isinstance(objects, list) else ():
        if not isinstance(each, dict):
            continue
        entry = cast("dict[str, Any]", each)
        if entry.get("type") != "indicator":
            continue
        if entry.get("revoked") or _expired(entry, now):
            taken = True
            continue
        words = [str(entry.get("name", ""))]
        for key in ("labels", "indicator_types"):
            values: Any = entry.get(key)
            words += map(str, cast("list[Any]", values)) if isinstance(values, list) else []
        kinds = entry.get("kill_chain_phases")
        words += ["c2"] if "command-and-control" in json.dumps(kinds) else []
        # An indicator's own words say more than the name of the feed, unless they say no more than "bad".
        own, feed = class_of(*words), class_of(file.stem)
        cls = feed if own in (CUSTOM, "malicious", "suspicious") and feed != CUSTOM else own
        values_found = [
            value
            for match in _COMPARISON.finditer(str(entry.get("pattern", "")))
            for value in _QUOTED.findall(match.group(3))
        ]
        some = [lists.add(value, cls, file.name) for value in values_found]
        taken = taken or any(some)
        lists.refused += not any(some)
    return taken


def _expired(entry: dict[str, Any], now: datetime) -> bool:
    try:
        until = datetime.fromisoformat(str(entry["valid_until"]))
    except (KeyError, ValueError):
        return False
    return (until if until.tzinfo else until.replace(tzinfo=UTC)) <= now
