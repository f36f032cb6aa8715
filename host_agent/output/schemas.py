"""The published schemas of what the commands print as JSON (JSON Schema, draft 2020-12).

Each file of ``data/schemas`` is one, whole without the others. Its ``$id`` is what an output has as
``$schema``.
"""

import json
from collections.abc import Mapping
from importlib import resources

from host_agent.errors import UsageError

_FOLDER = "data", "schemas"
_ENDING = ".json"


def titles() -> Mapping[str, str]:
    """Return the names of the schemas, each with the commands that print such a document."""
    folder = resources.files("host_agent").joinpath(*_FOLDER)
    names = sorted(file.name.removesuffix(_ENDING) for file in folder.iterdir())
    return {name: str(json.loads(text(name))["title"]) for name in names}


def text(name: str) -> str:
    """Return a schema by its name or its id; raises ``UsageError``."""
    folder = resources.files("host_agent").joinpath(*_FOLDER)
    files = {file.name.removesuffix(_ENDING): file for file in folder.iterdir()}
    file = files.get(name) or files.get(name.removeprefix("urn:samemachine:schema:")[:-2])
    if file is None:
        raise UsageError(f"there is no schema {name!r}; there are: {', '.join(sorted(files))}")
    return file.read_text(encoding="utf-8")
