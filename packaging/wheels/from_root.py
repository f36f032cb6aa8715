"""What the wheels say of themselves, read from the root's pyproject.toml, where it stands once."""

import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_CHECKOUT = Path(__file__).resolve().parents[2]


class FromRoot(MetadataHookInterface):
    """Fills in version, dependencies, commands and the rest of one side.

    Configured by ``requires``, the root's optional dependencies that are this wheel's own, and
    ``command``, the root's script that it installs.
    """

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in ``metadata``, the ``[project]`` table of the wheel."""
        text = (_CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
        root = tomllib.loads(text)["project"]
        for name in ("version", "license", "classifiers"):
            metadata[name] = root[name]
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": (_CHECKOUT / "README.md").read_text(encoding="utf-8"),
        }
        requires = self.config.get("requires")
        if requires is None:
            metadata["dependencies"] = []
            return
        # Both sides of a wire speak the contract of their own version.
        contract = f"samemachine=={root['version']}"
        extras = root["optional-dependencies"]
        metadata["dependencies"] = [contract, *extras[requires]]
        command = self.config["command"]
        metadata["scripts"] = {command: root["scripts"][command]}
        if requires == "host":
            metadata["optional-dependencies"] = {
                name: extras[name] for name in ("postgresql", "uefi")
            }
