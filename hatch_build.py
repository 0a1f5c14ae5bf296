"""Puts the catalogue of checks into the wheel as one JSON file, which loads ten times as fast as its YAML."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface):
    """Compiles `checks/catalogue/*.yaml`; an editable install keeps reading the YAML."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the JSON to a standard wheel. Raises CheckError for a malformed check file."""
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root) / "src"))
        from partywall.checks import compiled
        from partywall.checks.loader import CATALOGUE, load_directory

        folder = Path(tempfile.mkdtemp())
        compiled.write(folder / compiled.BUILT.name, load_directory(CATALOGUE))
        build_data["force_include"][str(folder / compiled.BUILT.name)] = (
            f"partywall/checks/{compiled.BUILT.name}"
        )
