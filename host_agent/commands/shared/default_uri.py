"""Which libvirt is meant where none is named, in virsh's order.

``virsh(1)``: VIRSH_DEFAULT_CONNECT_URI, then what libvirt itself goes by: LIBVIRT_DEFAULT_URI, then
``uri_default`` of libvirt.conf (libvirt ``src/libvirt.c: virConnectGetDefaultURI``). Where none of
them says anything, libvirt would try one driver after the other: here it is the system's QEMU.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

VARIABLES = ["VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI"]
OTHERWISE = "qemu:///system"
_MAX_BYTES = 256 * 1024
# libvirt's src/util/virconf.c: a string is in quotes of either kind.
_SETTING = re.compile(
    r"""^[ \t]*uri_default[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)')""", re.MULTILINE
)


def of(
    environment: Mapping[str, str] = os.environ, root: Path = Path("/"), user: int | None = None
) -> str:
    """Return the URI; ``user``: whose file is read, None: who runs this."""
    named = (environment.get(name) for name in VARIABLES)
    file = _file(environment, root, os.geteuid() if user is None else user)
    return next((uri for uri in named if uri), None) or setting(_text(file)) or OTHERWISE


def setting(text: str) -> str | None:
    """Return ``uri_default`` of a libvirt.conf; None: it is not set. The last one counts."""
    found = _SETTING.findall(text)
    return (found[-1][0] or found[-1][1] or None) if found else None


def _file(environment: Mapping[str, str], root: Path, user: int) -> Path | None:
    """Root has the system's file, others their own alone (``virConnectGetConfigFilePath``)."""
    if user == 0:
        return root / "etc/libvirt/libvirt.conf"
    folder = environment.get("XDG_CONFIG_HOME")
    if not folder:
        home = environment.get("HOME")
        folder = f"{home}/.config" if home else None
    return None if folder is None else root / folder.lstrip("/") / "libvirt/libvirt.conf"


def _text(file: Path | None) -> str:
    """Return a file's text; one that can't be read says nothing."""
    if file is None or not file.is_file():
        return ""
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
