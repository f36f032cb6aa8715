#!/bin/sh
# python-debian 1.1.1 (PyPI): two versions that are equal by == have different hashes, so a set keeps
# both, and a dict that has the one does not have the other.
#
# One would expect what Python asks of every class, that equal objects have equal hashes. Equal is what
# dpkg calls equal: 1.0, 1.0-0, 0:1.0 and 1.00 are one version to it (Debian policy, 5.6.12), and to ==
# here. The hash is that of the text. So "which of these versions do I not have" has another answer by
# a list than by a set: a loop with == finds the version, `in` does not. Needs Debian's dpkg.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 2>/dev/null python-debian==1.1.1
cat >try.py <<'END_OF_PYTHON'
import importlib.metadata
import subprocess

from debian.debian_support import Version

print("python-debian", importlib.metadata.version("python-debian"))
one = Version("1.0")
for text in ("1.0-0", "0:1.0", "1.00"):
    other = Version(text)
    dpkg = subprocess.run(("dpkg", "--compare-versions", "1.0", "eq", text), check=False)
    print(
        f"1.0 and {text}: dpkg: {dpkg.returncode == 0}, ==: {one == other}",
        f"in a list: {one in [other]}, in a set: {one in {other}}",
        sep=", ",
    )
END_OF_PYTHON
venv/bin/python try.py >seen
cat seen
diff - seen <<'END_SEEN'
python-debian 1.1.1
1.0 and 1.0-0: dpkg: True, ==: True, in a list: True, in a set: False
1.0 and 0:1.0: dpkg: True, ==: True, in a list: True, in a set: False
1.0 and 1.00: dpkg: True, ==: True, in a list: True, in a set: False
END_SEEN
echo "as it was seen"
