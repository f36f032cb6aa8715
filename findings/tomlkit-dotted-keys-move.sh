#!/bin/sh
# tomlkit 0.15.2: in a document with dotted keys, a table that is added below their first part is
# written in the middle of them. The keys after it then belong to the new table: what is read back
# is another document, though tomlkit's own view of it before was right, and no error is raised.
#
# One would expect the new table behind all keys that stand there already, as it comes where the
# same is written with [headers], or where there is one dotted key only. TOML 1.0 ("Table"): what
# follows a header belongs to it. An inventory of hosts, or a pyproject.toml, to which a program adds
# one table so loses others: they are still in the file, below a name that nobody asks for.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 2>/dev/null tomlkit==0.15.2
cat >"$folder/try.py" <<'END_OF_PYTHON'
import tomllib
from importlib.metadata import version

import tomlkit

print("tomlkit", version("tomlkit"))
for text in (
    "site.node1.uri = 'one'\nsite.node2.uri = 'two'\nsite.limit = 4\n",
    "[site]\nlimit = 4\n[site.node1]\nuri = 'one'\n[site.node2]\nuri = 'two'\n",
    "site.limit = 4\n",
):
    document = tomlkit.parse(text)
    document["site"]["node3"] = {"uri": "three"}
    meant = document.unwrap()
    read = tomllib.loads(tomlkit.dumps(document))
    print("the same" if read == meant else f"another: {read}")
END_OF_PYTHON
"$folder/venv/bin/python" "$folder/try.py" >"$folder/seen"
cat "$folder/seen"
diff - "$folder/seen" <<'END_SEEN'
tomlkit 0.15.2
another: {'site': {'node1': {'uri': 'one'}, 'node3': {'uri': 'three', 'site': {'node2': {'uri': 'two'}, 'limit': 4}}}}
the same
the same
END_SEEN
echo "as it was seen"
