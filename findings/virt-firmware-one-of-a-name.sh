#!/bin/sh
# virt-firmware 26.10 (PyPI): of two UEFI variables that have one name and two vendors, virt-fw-vars
# shows, and keeps, the last one alone. A store that goes through it has lost the other.
#
# One would expect both: a variable is named by its name and its vendor's GUID together (UEFI
# specification, 8.2), so that no vendor need know another's names. The library's list of variables
# goes by the name. Who asks such a list for "db" gets whatever variable of that name was written
# last, be it the database of secure boot or an application's own.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv library
library/bin/pip install --quiet virt-firmware==26.10
cat >store.json <<'END_OF_STORE'
{"version": 2, "variables": [
 {"name": "Colour", "guid": "5f4a3c1e-0001-4000-8000-000000000001", "attr": 7, "data": "01"},
 {"name": "Colour", "guid": "5f4a3c1e-0002-4000-8000-000000000002", "attr": 7, "data": "02"},
 {"name": "Size", "guid": "5f4a3c1e-0001-4000-8000-000000000001", "attr": 7, "data": "03"}
]}
END_OF_STORE
library/bin/virt-fw-vars --input store.json --output-json written.json >/dev/null 2>&1
python3 - >seen <<'END_OF_PYTHON'
import json

for name in ("store.json", "written.json"):
    with open(name, encoding="utf-8") as file:
        for one in json.load(file)["variables"]:
            print(name, one["name"], one["guid"], one["data"])
END_OF_PYTHON
cat seen
diff - seen <<'END_SEEN'
store.json Colour 5f4a3c1e-0001-4000-8000-000000000001 01
store.json Colour 5f4a3c1e-0002-4000-8000-000000000002 02
store.json Size 5f4a3c1e-0001-4000-8000-000000000001 03
written.json Colour 5f4a3c1e-0002-4000-8000-000000000002 02
written.json Size 5f4a3c1e-0001-4000-8000-000000000001 03
END_SEEN
echo "as it was seen"
