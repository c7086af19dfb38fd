"""What the wheel holds besides the package: the panel, where it has been built (`make panel`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PanelHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        built = Path(self.root, "panel", "out")
        if version == "standard" and (built / "index.html").is_file():
            build_data["force_include"][str(built)] = "gridwire/panel"
