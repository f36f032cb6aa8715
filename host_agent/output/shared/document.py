"""JSON as programs are given it, and where it says how it is to be read."""

import json
from collections.abc import Callable, Mapping
from typing import Any


def document(
    name: str, form: Mapping[str, Any], *, other: Callable[[Any], Any] | None = None
) -> str:
    """Return a form as text: indented, in ASCII whatever a guest or a host wrote, with a newline.

    ``schema`` in a form changes when a field changes its meaning or goes; it and the name are in
    ``$schema``, the id of the published schema (``data/schemas``). other: what is made of a value
    that JSON has no word for.
    """
    return json.dumps(_named(name, form), indent=2, ensure_ascii=True, default=other) + "\n"


def one_line(name: str, form: Mapping[str, Any]) -> str:
    """Return a form as one line of text, for a stream of them."""
    return json.dumps(_named(name, form), ensure_ascii=True) + "\n"


def _named(name: str, form: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": f"urn:samemachine:schema:{name}:{form['schema']}", **form}
