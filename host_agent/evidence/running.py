"""The QEMU process of a domain, and the tables that a probe of it gave."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from host_agent.firmware.smbios import Smbios


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The QEMU process as the host sees it."""

    pid: int
    machine: str | None
    uuid: UUID | None
    binary: str
    binary_deleted: bool
    """The file was removed under the running process, as a package upgrade does."""
    replaced: bool | None
    """Whether the file at the binary's path is another one now; None: not to be seen."""
    arguments: tuple[str, ...]
    """The whole command line. It may hold secrets: it is never shown or stored."""
    stopped: bool
    """The process is stopped by a signal and does nothing."""
    started: float
    """Seconds since 1970-01-01 UTC, by the host's clock as it is set now: to be shown only."""
    ticks: int = 0
    """When it started, in clock ticks since the host booted: no clock that is set changes it."""
    host_boot: str | None = None
    """The host's own boot id; None: it is not to be seen."""
    name: str | None = None
    """The domain's, as it was given to QEMU."""

    @property
    def root(self) -> Path:
        """What the process has as its root directory, in its own mount namespace."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def came(self) -> bool:
        """Whether it took up a guest that another process had started, or a saved one."""
        return "-incoming" in self.arguments

    @property
    def process(self) -> str | None:
        """What tells this process from any other, of this host at least; None: it can't be told."""
        return None if self.host_boot is None else f"{self.host_boot}:{self.pid}:{self.ticks}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedTables:
    """The SMBIOS tables that a QEMU binary builds for a domain, by a probe."""

    binary: str
    smbios: Smbios | None
    """None: a machine of this type leaves the tables to the firmware."""
    masked: frozenset[tuple[int, str]]
    """Fields that are not compared, by type and name: they depend on the accelerator."""
    accelerator: str
    """What the probe used: ``kvm``, ``tcg`` …"""
    qemu: str | None
    """The binary's version, such as ``7.2.22``."""
    options: str
    """What decided the tables (``options.to_text``)."""
    parts: tuple[str, ...] = ()
    """What else the machine shows (``fingerprint_parts``); empty: it is not known."""
