#!/bin/sh
# cbor2 6.3.0: a compiled pattern is written as its text alone. Its flags are dropped without a word,
# so what is read back is another pattern: IGNORECASE matches one case only, VERBOSE takes its blanks
# and comments for text.
#
# One would expect an error, or the flags before the text, as in "(?i)web": CBOR's tag for patterns
# (35, RFC 8949, 3.4.5.3) has no room for flags, but Python's re reads them there. Of a value that
# can't be kept as it is, such as a datetime without a timezone, the same library refuses to write it.
# A list of names to be passed over, written on one host and read on another, so lets others pass.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 2>/dev/null cbor2==6.3.0
cat >"$folder/try.py" <<'END_OF_PYTHON'
import re
from datetime import datetime
from importlib.metadata import version

import cbor2

print("cbor2", version("cbor2"))
for pattern, text in (
    (re.compile("^web", re.IGNORECASE), "WEB1"),
    (re.compile("^web [0-9] # a number", re.VERBOSE), "web1"),
    (re.compile("^b", re.MULTILINE), "a\nb"),
    (re.compile("(?i)^web"), "WEB1"),
):
    read = cbor2.loads(cbor2.dumps(pattern))
    print(f"{pattern.pattern!r}: before {bool(pattern.search(text))}, after {bool(read.search(text))}")
try:
    cbor2.dumps(datetime(2026, 1, 2))
except Exception as error:
    print("datetime:", type(error).__name__)
END_OF_PYTHON
"$folder/venv/bin/python" "$folder/try.py" >"$folder/seen"
cat "$folder/seen"
diff - "$folder/seen" <<'END_SEEN'
cbor2 6.3.0
'^web': before True, after False
'^web [0-9] # a number': before True, after False
'^b': before True, after False
'(?i)^web': before True, after True
datetime: CBOREncodeError
END_SEEN
echo "as it was seen"
