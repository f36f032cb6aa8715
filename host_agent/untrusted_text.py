"""JSON and TOML that anybody may have written, parsed within bounds. Pure.

The parsers of Python's library read what is nested too deep or numbers of too many digits with
errors of other kinds than their own, JSON of a few bytes a value with forty times its size, and a
TOML key of many parts in the square of their number.
"""

import json
import tomllib
from typing import Any

MOST_VALUES = 1_000_000
"""Values of one document; the largest atlas that is shipped has 29,914."""
_MOST_DOTS = 2_000_000
"""Sum of the squares of the dots in a line; a key lies in one line."""


class TextError(ValueError):
    """The text can't be parsed; the sentence completes "it is no JSON: …"."""


def json_of(text: str, most: int = MOST_VALUES) -> Any:
    """Return what a JSON text says; raises ``TextError``."""
    # A value needs a comma, a colon or a bracket before it, except for the first one.
    if sum(map(text.count, ",:[{")) > most:
        raise TextError(f"it has more than {most} values")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise TextError("it is nested too deep") from error
    except ValueError as error:
        raise TextError(str(error)) from error


def toml_of(text: str) -> dict[str, Any]:
    """Return what a TOML text says; raises ``TextError``."""
    if sum(line.count(".") ** 2 for line in text.split("\n")) > _MOST_DOTS:
        raise TextError("it has keys of too many parts, or too many dots in a line")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise TextError("it is nested too deep") from error
    except ValueError as error:
        raise TextError(str(error)) from error
