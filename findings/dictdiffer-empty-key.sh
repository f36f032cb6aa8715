#!/bin/sh
# dictdiffer 0.10.0: what is added to or removed from a value under an empty key at the top of a
# document is, when the library applies its own difference, added to or removed from the document itself.
#
# A change there is applied where it belongs, since its path is ".version". That of an addition or a
# removal is the path of the place alone, "", which is how the document itself is named as well. Deeper
# down the path of the same key is "labels.", and all is well. No error is raised where the document
# happens to have a key of that name itself: that one goes, and the other one stays.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 2>/dev/null dictdiffer==0.10.0
cat >"$folder/try.py" <<'END_OF_PYTHON'
from importlib.metadata import version

import dictdiffer

print("dictdiffer", version("dictdiffer"))
OLD = {"version": 3, "packages": 1, "": {"name": "app", "version": "1.0"}}
for new in (
    {"version": 3, "packages": 1, "": {"name": "app", "version": "1.1"}},
    {"version": 3, "packages": 1, "": {"name": "app"}},
    {"version": 3, "packages": 1, "": {"name": "app", "version": "1.0", "packages": 7}},
):
    changes = list(dictdiffer.diff(OLD, new))
    patched = dictdiffer.patch(changes, OLD)
    print(changes, "as wanted" if patched == new else patched)
changes = list(dictdiffer.diff({"labels": OLD}, {"labels": new}))
patched = dictdiffer.patch(changes, {"labels": OLD})
print(changes, "as wanted" if patched == {"labels": new} else patched)
END_OF_PYTHON
"$folder/venv/bin/python" "$folder/try.py" >"$folder/seen"
cat "$folder/seen"
diff - "$folder/seen" <<'END_SEEN'
dictdiffer 0.10.0
[('change', '.version', ('1.0', '1.1'))] as wanted
[('remove', '', [('version', '1.0')])] {'packages': 1, '': {'name': 'app', 'version': '1.0'}}
[('add', '', [('packages', 7)])] {'version': 3, 'packages': 7, '': {'name': 'app', 'version': '1.0'}}
[('add', 'labels.', [('packages', 7)])] as wanted
END_SEEN
echo "as it was seen"
