"""Which strings look like machine types, and how old they are. Pure.

Names are opaque until a grammar knows them: an unknown one is compared as a string, never guessed.
"""

import re

_UPSTREAM = re.compile(
    r"(?:pc|pc-i440fx|pc-q35|virt|pseries|s390-ccw-virtio)-(\d+)\.(\d+)(?:\.\d+)?"
)
_RHEL_X86 = re.compile(r"pc-(i440fx|q35)-rhel(\d+\.\d+\.\d+)")
_RHEL6 = re.compile(r"rhel(6\.\d+\.0)")
_UBUNTU = re.compile(r"(?:pc-i440fx|pc-q35|virt|pseries|s390-ccw-virtio)-[a-z]{4,}(?:-[a-z0-9]+)*")
_PVE = re.compile(r"\+pve\d+(?:\.pxe)?$")


def is_machine_type(text: str) -> bool:
    """Tell whether a string has the form of a versioned machine type's name."""
    return any(
        pattern.fullmatch(canonical(text)) for pattern in (_UPSTREAM, _RHEL_X86, _RHEL6, _UBUNTU)
    )


def canonical(name: str) -> str:
    """Return the name as QEMU looks it up: Proxmox's ``+pveN`` is cut off before that."""
    return _PVE.sub("", name)


def upstream_version(name: str) -> tuple[int, int] | None:
    """Return (major, minor) of an upstream name such as ``pc-q35-7.2``; None for any other."""
    found = _UPSTREAM.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else None


_FAMILIES = ("pc-i440fx-", "pc-q35-", "virt-", "pseries-", "s390-ccw-virtio-")


def is_versioned_family(name: str) -> bool:
    """Tell whether QEMU keeps machine types of this name as they were, version by version."""
    return name.startswith(_FAMILIES)


def rhel_description(name: str) -> str | None:
    """Return the description that RHEL's x86 machine types put in the place of the name.

    i440fx has a space after RHEL, q35 a hyphen (patches "Add x86_64 machine types" of qemu-kvm).
    """
    if found := _RHEL_X86.fullmatch(name):
        chipset = {
            "i440fx": "RHEL {} PC (i440FX + PIIX, 1996)",
            "q35": "RHEL-{} PC (Q35 + ICH9, 2009)",
        }
        return chipset[found[1]].format(found[2])
    if found := _RHEL6.fullmatch(name):
        return f"RHEL {found[1]} PC"
    return None


def is_ubuntu(name: str) -> bool:
    """Tell whether the name is of Ubuntu's scheme ``<family>-<codename>[-suffix]``."""
    return bool(_UBUNTU.fullmatch(name))
