"""Reads what a command printed as JSON, and holds it against the published schema.

A published schema is open: keys may be added. Here it is closed, so that no key goes unpublished.
"""

import json
from functools import cache
from typing import Any

from host_agent.output import schemas

try:
    import jsonschema
except ImportError:  # where the tests run without their own libraries, in an installed image
    jsonschema = None


def read(text: str | bytes) -> Any:
    """Return the document; raises where it is not as its schema says."""
    document = json.loads(text)
    if jsonschema is not None:
        _validator(document["$schema"]).validate(document)
    return document


@cache
def _validator(name: str) -> Any:
    assert jsonschema is not None
    schema = json.loads(schemas.text(name))
    assert schema["$id"] == name
    checker = jsonschema.Draft202012Validator
    checker.check_schema(schema)
    return checker(closed(schema), format_checker=checker.FORMAT_CHECKER)


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no key that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(one) for name, one in schema.items()}
    if made.get("type") == "object" and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made
