"""Where the state of a data directory is; asked by every command, so nothing heavy is imported here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FILE: Final = "state.db"
URL_VARIABLE: Final = "PARTYWALL_STATE"
"""Environment variable with the URL of a PostgreSQL database for the state."""


def state_url(data: Path, url: str = "") -> str:
    """The URL of the state of a data directory: as given, else of the environment, else its own file."""
    return url or os.environ.get(URL_VARIABLE, "") or f"sqlite:///{(data / FILE).absolute()}"


def exists(data: Path, url: str = "") -> bool:
    """Whether there is a state to read: one given by URL, or the file in the data directory."""
    return bool(url or os.environ.get(URL_VARIABLE)) or (data / FILE).exists()
