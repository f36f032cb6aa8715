"""A QEMU package that was made worse on purpose: what a packager's test is to catch."""

import subprocess
from pathlib import Path

OTHER_SMBIOS, OTHER_SLOT, REFUSED = "pc-q35-7.1", "pc-i440fx-7.1", "pc-q35-7.0"
"""Each is worse in its own way."""
_BINARY = "/usr/bin/qemu-system-x86_64"
_CONTROL = """Package: qemu-worse
Version: 1
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: QEMU, and three machine types of it are not what they were
"""
_DIVERT = f"""#!/bin/sh
set -e
dpkg-divert --package qemu-worse --add --rename --divert {_BINARY}.real {_BINARY}
"""
_WRAPPER = rf"""#!/bin/sh
real={_BINARY}.real
case " $* " in
*" -machine {OTHER_SMBIOS}"[,\ ]*) exec "$real" "$@" -smbios type=2,manufacturer=Worse ;;
*" -machine {REFUSED}"[,\ ]*) echo "$0: unsupported machine type {REFUSED}" >&2; exit 1 ;;
*" -machine {OTHER_SLOT}"[,\ ]*)
    for word; do
        shift
        case $word in
        *virtio-net-pci*)
            word=$(printf %s "$word" | sed 's/"addr":"0x[0-9a-f]*"/"addr":"0x1d"/') ;;
        esac
        set -- "$@" "$word"
    done ;;
esac
exec "$real" "$@"
"""


def package(folder: Path) -> Path:
    """Make the package in a folder, to be laid over a suite's own."""
    tree = folder / "tree"
    for name, text in (
        ("DEBIAN/control", _CONTROL),
        ("DEBIAN/preinst", _DIVERT),
        (_BINARY.lstrip("/"), _WRAPPER),
    ):
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o644 if name.endswith("control") else 0o755)
    deb = folder / "qemu-worse.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb)]
    subprocess.run(command, check=True, capture_output=True)
    return deb
