"""Probes that were made, kept on disk by what was asked of which binary.

It saves time, and it outlives a package upgrade: once the old binary's modules are gone it can't be
started any more, while a domain still runs on it. What can't be read or written here is made again.

The folder must be the user's own, and nobody else may write there: a probe that another one put
there would be believed.
"""

import gzip
import hashlib
import json
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from host_agent import whole_file
from host_agent.firmware import fingerprint as fingerprints
from host_agent.firmware.fingerprint import Blobs, FingerprintError
from host_agent.printable import printable
from host_agent.qemu.binary import Identity
from host_agent.qemu.options import ProbeOptions
from host_agent.qemu.probe import Probed
from host_agent.untrusted_text import json_of
from host_agent.whole_file import UNFINISHED

_SCHEMA = 2
_MAX_BYTES = 4 * 1024 * 1024
_MAX_FILES = 10_000
_SUFFIX = ".json.gz"
_UNREADABLE = (
    OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError, OverflowError,
    RecursionError,
)  # fmt: skip
"""What reading a file that is damaged, or none of ours, may raise."""


def default_folder() -> Path:
    """Return where this user's probes are kept (file-hierarchy(7))."""
    if os.geteuid() == 0:
        return Path("/var/cache/samemachine/probes")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "samemachine/probes"


class FingerprintStore:
    """A folder of probes, of which the oldest are removed where there are more than ``most``."""

    def __init__(self, folder: Path | None = None, most: int = _MAX_FILES) -> None:
        self._folder = folder or default_folder()
        self._most = most

    def get(
        self, binary: Identity, options: ProbeOptions, *, tables: bool = False
    ) -> Probed | None:
        """Return a kept probe; None: there is none that can be read.

        ``tables``: one of which the tables alone are those of these options.
        """
        name = _name(binary, options, tables=tables)
        try:
            with self._opened() as folder:
                descriptor = os.open(
                    name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder
                )
                with os.fdopen(descriptor, "rb") as file, gzip.open(file) as stream:
                    raw = stream.read(_MAX_BYTES + 1)
                with suppress(OSError):
                    # Whoever is used stays: the oldest are removed.
                    os.utime(name, dir_fd=folder)
            form = json_of(raw.decode())
            probed = Probed(
                fingerprint=fingerprints.from_form(
                    form["fingerprint"], fingerprints.decode_blobs(form["blobs"])
                ),
                masked=frozenset((int(kind), str(field)) for kind, field in form["masked"]),
                qemu=printable(str(form["qemu"])),
            )
        except (*_UNREADABLE, FingerprintError):
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
        raw = gzip.compress(json.dumps(form).encode(), compresslevel=3)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._opened() as folder:
                self._prune(folder)
                whole_file.write(folder, _name(binary, options, tables=tables), raw)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The folder, whatever its path leads to later; raises ``OSError`` where it isn't ours."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            status = os.fstat(folder)
            if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError(f"{self._folder} belongs to somebody else as well")
            yield folder
        finally:
            os.close(folder)

    def _prune(self, folder: int) -> None:
        used = {}
        for name in os.listdir(folder):
            if name.endswith((_SUFFIX, UNFINISHED)):
                # Another process may be removing them just now.
                with suppress(FileNotFoundError):
                    used[name] = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
        if len(used) >= self._most:
            for name in sorted(used, key=used.__getitem__)[: max(1, self._most // 10)]:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)


def _name(binary: Identity, options: ProbeOptions, *, tables: bool) -> str:
    what = [_SCHEMA, asdict(binary), options.architecture, options.command()]
    asked = json.dumps([*what, "tables"] if tables else what)
    return f"{hashlib.sha256(asked.encode()).hexdigest()}{_SUFFIX}"
