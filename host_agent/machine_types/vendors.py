"""Who makes machine types: how each names them, and how it stands to QEMU's own. Tables. Pure.

A distribution with machine types of its own is a member of ``Vendor`` and a row of ``SCHEMES``; one
that says what it makes of QEMU's types has a row in ``POLICIES`` as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

FAMILIES = ("pc-i440fx", "pc-q35", "virt", "pseries", "s390-ccw-virtio")
"""Machines whose types QEMU keeps as they were, version by version."""


class Vendor(StrEnum):
    """Who makes machine types of a scheme of names; a distribution as os-release(5) has it."""

    UPSTREAM = "upstream"
    UBUNTU = "ubuntu"
    RHEL = "rhel"
    PROXMOX = "proxmox"
    OPAQUE = "opaque"
    """A name of no known scheme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How one of them names its types."""

    vendor: Vendor
    pattern: re.Pattern[str]
    """With the groups ``family``, ``version``, ``release`` (in numbers, but Ubuntu's codenames),
    ``features`` and ``increment``, as far as its names have them."""
    prefix: str = ""
    """What stands before the release."""


# [0-9], since \d takes the digits of every script; without leading zeros, which would get lost.
_NUMBER = r"(?:0|[1-9][0-9]{0,3})"
_VERSION = rf"{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?"
FAMILY = "|".join(FAMILIES)
# Up to 1.3 QEMU's only PC was named pc-1.3 (hw/i386/pc_piix.c of 1.4 begins pc-i440fx-1.4).
_OLD_PC = r"pc-(?P<old>0\.1[0-5]|1\.[0-3])"
_UPSTREAM = re.compile(
    rf"{_OLD_PC}|(?P<family>{FAMILY})-(?P<version>{_VERSION})(?:-(?P<features>sxxm))?"
)
# proxmox/qemu-server src/PVE/QemuServer/Machine.pm
_PROXMOX = re.compile(
    rf"(?P<family>{FAMILY})-(?P<version>{_VERSION})\+(?P<increment>pve{_NUMBER})"
    r"(?:\.(?P<features>pxe))?"
)
# qemu-kvm's patches "Add … machine types"; el6 had rhel6.N.0 alone.
_RHEL = re.compile(
    rf"(?P<family>{FAMILY})-rhel(?P<release>{_VERSION})(?:-(?P<features>sxxm))?"
    rf"|rhel(?P<old>6\.{_NUMBER}\.0)"
)
# Ubuntu's policy QemuKVMMigration: <family>-<version>-<codename>[-N], and today's
# <family>-<codename>[-feature]…[-vN] (define-ubuntu-machine-types.patch).
_UBUNTU = re.compile(
    rf"(?P<family>{FAMILY})-(?:(?P<version>{_VERSION})-)?(?P<release>[a-z]{{4,}})"
    r"(?P<features>(?:-(?:hpb|maxcpus|sxxm))*)(?:-(?P<increment>v?[1-9][0-9]{0,3}))?"
)

SCHEMES = (
    Scheme(vendor=Vendor.UPSTREAM, pattern=_UPSTREAM),
    Scheme(vendor=Vendor.PROXMOX, pattern=_PROXMOX),
    Scheme(vendor=Vendor.RHEL, pattern=_RHEL, prefix="rhel"),
    Scheme(vendor=Vendor.UBUNTU, pattern=_UBUNTU),
)
"""In the order in which they are tried: Ubuntu's takes almost any word for a codename."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One distribution's policy."""

    name: str
    """As people write it."""
    upstream: str
    """How it stands to QEMU's own types."""
    source: str


POLICIES: Mapping[Vendor, Policy] = {
    Vendor.UBUNTU: Policy(
        name="Ubuntu",
        upstream="Ubuntu gives no guarantees",
        source="wiki.ubuntu.com/QemuKVMMigration, Machine Type handling Summary",
    ),
    Vendor.RHEL: Policy(
        name="RHEL",
        upstream="RHEL supports its own only",
        source="qemu-kvm, patches 'Add … machine types'",
    ),
}
"""Distributions that are not here (Debian, Fedora, …) offer QEMU's types and support them."""
