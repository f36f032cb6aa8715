#!/bin/sh
# xmldiff 3.0 (with lxml 6.1.3): the script of changes that it writes, applied by itself to the very
# document, puts an element that moves into a following sibling of the same name into the one after.
#
# The place that it moves to is written as it is before the move, and looked up after the element was
# taken out: bridge[2] is the third one by then. No error is raised, unless there is no third. One would
# expect that a difference applied to the old document gives the new one. Here a PCI bridge ends up
# behind another bridge, so everything behind it has another address.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 2>/dev/null xmldiff==3.0 lxml==6.1.3
cat >"$folder/try.py" <<'END_OF_PYTHON'
from importlib.metadata import version

from lxml import etree
from xmldiff import main

print("xmldiff", version("xmldiff"))
OLD = "<pci><bridge id='1'/><bridge id='2'/><bridge id='3'/></pci>"
NEW = "<pci><bridge id='2'><bridge id='1'/></bridge><bridge id='3'/></pci>"
changes = main.diff_trees(etree.fromstring(OLD), etree.fromstring(NEW))
print(changes[-1])
patched = main.patch_tree(changes, etree.fromstring(OLD))
print("wanted: ", etree.tostring(etree.fromstring(NEW)).decode())
print("patched:", etree.tostring(patched).decode())
END_OF_PYTHON
"$folder/venv/bin/python" "$folder/try.py" >"$folder/seen"
cat "$folder/seen"
diff - "$folder/seen" <<'END_SEEN'
xmldiff 3.0
MoveNode(node='/pci/bridge[1]', target='/pci/bridge[2]', position=0)
wanted:  <pci><bridge id="2"><bridge id="1"/></bridge><bridge id="3"/></pci>
patched: <pci><bridge id="2"/><bridge id="3"><bridge id="1"/></bridge></pci>
END_SEEN
echo "as it was seen"
