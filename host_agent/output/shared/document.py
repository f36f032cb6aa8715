"""JSON as programs are given it."""

import json
from collections.abc import Callable, Mapping
from typing import Any


def document(form: Mapping[str, Any], *, other: Callable[[Any], Any] | None = None) -> str:
    """Return a form as text: indented, in ASCII whatever a guest or a host wrote, with a newline.

    ``schema`` in a form changes when a field changes its meaning or goes. other: what is made of a
    value that JSON has no word for.
    """
    return json.dumps(form, indent=2, ensure_ascii=True, default=other) + "\n"
