"""Probes that were made, kept on disk by what was asked of which binary.

It saves time, and it outlives a package upgrade: once the old binary's modules are gone it can't be
started any more, while a domain still runs on it. What can't be read or written here is made again.
"""

from dataclasses import asdict
from pathlib import Path

from host_agent.firmware import fingerprint as fingerprints
from host_agent.firmware.fingerprint import Blobs, FingerprintError
from host_agent.printable import printable
from host_agent.qemu.binary import Identity
from host_agent.qemu.kept_files import UNREADABLE, KeptFiles, default_folder
from host_agent.qemu.options import ProbeOptions
from host_agent.qemu.probe import Probed

_SCHEMA = 2
_MAX_FILES = 10_000


class FingerprintStore:
    """A folder of probes, of which the oldest are removed where there are more than ``most``."""

    def __init__(self, folder: Path | None = None, most: int = _MAX_FILES) -> None:
        self._files = KeptFiles(folder or default_folder("probes"), most)

    def get(
        self, binary: Identity, options: ProbeOptions, *, tables: bool = False
    ) -> Probed | None:
        """Return a kept probe; None: there is none that can be read.

        ``tables``: one of which the tables alone are those of these options.
        """
        try:
            form = self._files.get(_asked(binary, options, tables=tables))
            probed = Probed(
                fingerprint=fingerprints.from_form(
                    form["fingerprint"], fingerprints.decode_blobs(form["blobs"])
                ),
                masked=frozenset((int(kind), str(field)) for kind, field in form["masked"]),
                qemu=printable(str(form["qemu"])),
            )
        except (*UNREADABLE, FingerprintError):
            return None
        asked = tuple(map(printable, options.command()))
        return probed if probed.fingerprint.options == asked else None

    def put(
        self, binary: Identity, options: ProbeOptions, probed: Probed, *, tables: bool = False
    ) -> None:
        """Keep a probe; a full disk or a folder that is not ours costs nothing but time later."""
        blobs: Blobs = {}
        form = {
            "fingerprint": fingerprints.to_form(probed.fingerprint, blobs),
            "blobs": blobs,
            "masked": sorted(probed.masked),
            "qemu": probed.qemu,
        }
        self._files.put(_asked(binary, options, tables=tables), form)


def _asked(binary: Identity, options: ProbeOptions, *, tables: bool) -> list[object]:
    what = [_SCHEMA, asdict(binary), options.architecture, options.command()]
    return [*what, "tables"] if tables else what
