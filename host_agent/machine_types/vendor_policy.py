"""What distributions that have machine types of their own say of QEMU's. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from host_agent.machine_types.names import Vendor, parse


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


def own(names: Iterable[str], family: str | None) -> Policy | None:
    """Return the policy of a host that offers a distribution's own types of a family."""
    for name in names:
        parts = parse(name)
        if parts.family == family and parts.vendor in POLICIES:
            return POLICIES[parts.vendor]
    return None
