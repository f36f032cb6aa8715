"""What a domain XML says of its TPM. Pure.

libvirt docs/formatdomain.rst, "TPM device"; where an emulator's state lies is decided by
``src/qemu/qemu_tpm.c: qemuTPMEmulatorStorageBuildPath``.
"""

from dataclasses import dataclass
from uuid import UUID

from lxml import etree

EMULATOR = "emulator"
_STORAGE = "/var/lib/libvirt/swtpm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tpm:
    """A domain's TPM, as one XML declares it."""

    model: str | None
    """``tpm-tis``, ``tpm-crb``, ``tpm-spapr`` …; None: not said."""
    back_end: str
    """``emulator``, ``passthrough``, ``external``."""
    version: str | None
    """``1.2``, ``2.0``; None: not said, as of one that is not emulated."""
    state: str | None
    """The folder, or from libvirt 10.10 on the file, of its state; None: it is not emulated."""
    kept: bool
    """Whether the state of a transient domain outlives it (``persistent_state``)."""


def of(root: etree._Element, uuid: UUID) -> Tpm | None:
    """Return what a ``<domain>`` says of its TPM; None: it has none."""
    device = root.find("devices/tpm")
    backend = None if device is None else device.find("backend")
    if device is None or backend is None:
        return None
    kind, version = backend.get("type", ""), backend.get("version")
    source = backend.find("source")
    path = None if source is None else source.get("path")
    folder = "tpm1.2" if version == "1.2" else "tpm2"
    return Tpm(
        model=device.get("model"),
        back_end=kind,
        version=version,
        state=(path or f"{_STORAGE}/{uuid}/{folder}") if kind == EMULATOR else None,
        kept=backend.get("persistent_state") == "yes",
    )
