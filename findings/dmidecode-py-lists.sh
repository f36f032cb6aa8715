#!/bin/sh
# dmidecode 0.9.0 (PyPI), which reads the text of dmidecode(8): what stands below a line that has a
# value of its own ends the whole reading, and an empty value is a list.
#
# 1. A chassis of a real server prints "Contained Elements: 1" and the elements below it, indented
#    (dmi_chassis_elements in dmidecode.c). Reading that raises AttributeError: 'str' object has no
#    attribute 'append', and nothing of the other structures is returned either.
# 2. "Serial Number:" without a text, which firmware with an empty string gives, is the list [],
#    where every other value is a str; printed, it is the text "[]".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 2>/dev/null dmidecode==0.9.0
cat >try.py <<'END'
import importlib.metadata

from dmidecode import parse_dmi

print("dmidecode", importlib.metadata.version("dmidecode"))

SYSTEM = (
    "Handle 0x0100, DMI type 1, 27 bytes\nSystem Information\n"
    "\tManufacturer: QEMU\n\tSerial Number:\n\tVersion: pc-q35-7.2\n\n"
)
CHASSIS = (
    "Handle 0x0300, DMI type 3, 25 bytes\nChassis Information\n\tManufacturer: ACME\n"
    "\tContained Elements: 1\n\t\tProcessor (0)\n\tSKU Number: Not Specified\n\n"
)
((kind, fields),) = parse_dmi(SYSTEM)
print("empty value:", repr(fields["Serial Number"]))
try:
    print(parse_dmi(SYSTEM + CHASSIS))
except AttributeError as error:
    print("list below a value: AttributeError:", error)
END
venv/bin/python try.py >seen
cat seen
diff - seen <<'END'
dmidecode 0.9.0
empty value: []
list below a value: AttributeError: 'str' object has no attribute 'append'
END
echo "as it was seen"
