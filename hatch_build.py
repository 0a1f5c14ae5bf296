"""Puts the checks and the frameworks into the wheel as JSON, which loads ten times as fast as YAML."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface):
    """Compiles the YAML of checks and of frameworks; an editable install keeps reading it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the JSON to a standard wheel. Raises CheckError or FrameworkError for a malformed file."""
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root) / "src"))
        from partywall.checks import compiled
        from partywall.checks.loader import CATALOGUE, load_directory
        from partywall.frameworks import loader as frameworks

        folder = Path(tempfile.mkdtemp())
        compiled.write(folder / compiled.BUILT.name, load_directory(CATALOGUE))
        build_data["force_include"][str(folder / compiled.BUILT.name)] = (
            f"partywall/checks/{compiled.BUILT.name}"
        )
        frameworks.write(folder / frameworks.BUILT.name, frameworks.read_library())
        build_data["force_include"][str(folder / frameworks.BUILT.name)] = (
            f"partywall/frameworks/{frameworks.BUILT.name}"
        )
