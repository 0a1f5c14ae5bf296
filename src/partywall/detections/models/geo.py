"""Where addresses are: country, coordinates and autonomous system, from MaxMind DB files of the user's.

Every `*.mmdb` in `ip-db/` of the data directory is asked, in the order of names; what the first does not
know the next may. Files of the npm packages `@ip-location-db/*-mmdb` (CC0 and CC-BY) are read, and MaxMind's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any, Final, Self, cast

from partywall.errors import UserError

DIRECTORY: Final = "ip-db"
_EARTH: Final = 6371.0
"""Kilometres: the mean radius."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of an address; "" and None where it is not."""

    country: str = ""
    """ISO 3166-1 alpha-2."""
    asn: str = ""
    """AS64500."""
    org: str = ""
    where: tuple[float, float] | None = None
    """Latitude and longitude in degrees."""

    def named(self) -> str:
        """As people read it: "AS64500 Example Net"."""
        return f"{self.asn} {self.org}".strip()


class Places:
    """Databases of addresses; none where the directory has none, and then every place is unknown."""

    def __init__(self, directory: Path) -> None:
        self._readers: list[Any] = []
        self.sources: list[str] = []
        """Each database: file, type, the day on which it was made."""
        files = sorted(directory.glob("*.mmdb")) if directory.is_dir() else []
        if not files:
            return
        import maxminddb

        for file in files:
            try:
                reader = maxminddb.open_database(file)
                about = reader.metadata()
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                raise UserError(f"cannot read the database of addresses {file}: {error}") from error
            made = datetime.fromtimestamp(about.build_epoch, UTC).date()
            self._readers.append(reader)
            self.sources.append(f"{file.name} ({about.database_type}, {made})")

    def __bool__(self) -> bool:
        return bool(self._readers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.close()

    def of(self, addresses: Iterable[str]) -> dict[str, Place]:
        """What is known of some addresses; texts that are none are left out."""
        found: dict[str, Place] = {}
        for text in addresses if self._readers else ():
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                continue
            place = Place()
            for reader in self._readers:
                try:
                    told = reader.get(address)
                except ValueError:
                    # A database of IPv4 alone was asked of an address of IPv6.
                    continue
                if isinstance(told, dict):
                    place = _with(place, cast("Mapping[str, Any]", told))
            if place != Place():
                found[text] = place
        return found


def _with(place: Place, told: Mapping[str, Any]) -> Place:
    """A place with what one database tells, in the words of MaxMind or of ip-location-db."""
    country: Any = told.get("country_code") or _in(told, "country", "iso_code")
    number: Any = told.get("autonomous_system_number") or told.get("asn")
    org: Any = told.get("autonomous_system_organization") or told.get("as_name")
    latitude: Any = told.get("latitude", _in(told, "location", "latitude"))
    longitude: Any = told.get("longitude", _in(told, "location", "longitude"))
    where = place.where
    if where is None and isinstance(latitude, int | float) and isinstance(longitude, int | float):
        where = (float(latitude), float(longitude))
    asn = str(number).upper() if number else ""
    return Place(
        place.country or (country.upper() if isinstance(country, str) else ""),
        place.asn or (asn if asn.startswith("AS") or not asn else f"AS{asn}"),
        place.org or (str(org)[:100] if org else ""),
        where,
    )


def _in(told: Mapping[str, Any], outer: str, inner: str) -> Any:
    found: Any = told.get(outer)
    return cast("Mapping[str, Any]", found).get(inner) if isinstance(found, dict) else None


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Kilometres on the great circle between two coordinates in degrees."""
    (a, b), (c, d) = ((radians(x), radians(y)) for x, y in (one, other))
    half = sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2
    return 2 * _EARTH * asin(min(1.0, sqrt(half)))
