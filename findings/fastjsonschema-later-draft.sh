#!/bin/sh
# fastjsonschema 2.22.3: a schema that names draft 2020-12 in `$schema` is compiled as draft 7, with no
# word of it. What changed its meaning since then goes both ways: it refuses documents that are valid
# (`items: false` after `prefixItems` means "no more than these", and in draft 7 "none at all"), and
# takes ones that are not (`unevaluatedProperties`, `dependentRequired` and `prefixItems` are passed
# over).
#
# One would expect an error: the schema says which rules it is written by, and the library's manual
# names drafts 4, 6 and 7 as those that it knows; for the first two of these it does read `$schema`.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'fastjsonschema==2.22.3' 'jsonschema==4.26.0' 2>/dev/null
cat >try.py <<'END'
from importlib import metadata

import fastjsonschema
import jsonschema

PAIR = {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"pair": PAIR, "disk": {}, "bus": {}},
    "dependentRequired": {"disk": ["bus"]},
    "unevaluatedProperties": False,
}
DOCUMENTS = {"a pair": {"pair": ["vda", 1]}, "no bus": {"disk": "vda"}, "a stranger": {"cpu": 1}}


def fast(document):
    try:
        compiled(document)
    except fastjsonschema.JsonSchemaValueException as error:
        return f"refused: {error}"
    return "taken"


def by_the_draft(document):
    errors = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))
    return "refused" if errors else "taken"


print("fastjsonschema", metadata.version("fastjsonschema"))
compiled = fastjsonschema.compile(SCHEMA)
for name, document in DOCUMENTS.items():
    print(f"{name}: {fast(document)}; by the draft: {by_the_draft(document)}")
END
venv/bin/python -W error try.py >seen
cat seen
diff - seen <<'END_SEEN'
fastjsonschema 2.22.3
a pair: refused: data.pair must not be there; by the draft: taken
no bus: taken; by the draft: refused
a stranger: taken; by the draft: refused
END_SEEN
echo "as it was seen"
