"""A program of its own: read variable stores with virt-firmware, one after another, without rights.

Started as ``python nvram_decoding.py USER MEMORY SECONDS``. On its standard input come
requests, each a line ``FORM SIZE LENGTH`` and so many bytes: pieces of a store of that size, each
with its place and length before it, 32 bits; 0xff is what lies between. For each request it prints
one line of JSON, ``{"answer": …}`` or ``{"error": sentence}`` (``evidence/nvram`` has what an
answer holds). It first prints ``{"ready": true}``, or ``{"lacks": module}``.

What a guest wrote is hostile: the library gets it only when all rights are given up, and memory
and processor time are bounded. It ends after an error, after a minute without a request, and with
whoever started it.
"""

import codecs
import ctypes
import hashlib
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

_SET_NO_NEW_PRIVILEGES = 38
"""prctl(2)"""
_GLOBAL, _IMAGE_SECURITY = (
    "8be4df61-93ca-11d2-aa0d-00e098032b8c",
    "d719b2cb-3d3a-4596-a3bc-dad00e67656f",
)
"""Vendors (UEFI specification, 3.3 and 32.4): a variable is known by its vendor and its name."""
_DATABASES = (
    (_GLOBAL, "PK"), (_GLOBAL, "KEK"), (_IMAGE_SECURITY, "db"), (_IMAGE_SECURITY, "dbx"),
)  # fmt: skip
_BOOT_ORDER = _GLOBAL, "BootOrder"
_ENABLE = "f0a30bc7-af08-4556-99c4-001009c93a44", "SecureBootEnable"
"""edk2 MdeModulePkg/Include/Guid/AuthenticatedVariableFormat.h: EFI_SECURE_BOOT_ENABLE_NAME."""
_HARDWARE, _MESSAGING, _MEDIA = 1, 3, 4
"""Types of a device path's nodes (UEFI specification, 10.3)."""
_PCI, _MAC, _HARD_DRIVE = 1, 11, 1
"""Subtypes."""
_GPT = b"\2"
"""The form of a partition's signature that is a GUID."""
_ACTIVE = 1
_IDLE = 60.0
_MOST_LINE = 64
_MOST_TEXT = 400
_MOST_KEPT = 256
"""Of databases and of boot entries, most of which many stores share."""


def main() -> None:
    """Serve until the standard input ends."""
    user, memory = (int(word) for word in sys.argv[1:3])
    seconds = float(sys.argv[3])
    try:
        library = Library()
    except ImportError as error:
        _print({"lacks": str(error.name or error)})
        return
    _give_up_rights(user)
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        resource.setrlimit(kind, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _print({"ready": True})
    requests = sys.stdin.buffer
    # Both signals' default ends us.
    signal.setitimer(signal.ITIMER_REAL, _IDLE)
    while line := requests.readline(_MOST_LINE):
        signal.setitimer(signal.ITIMER_REAL, 0)
        form, size, length = line.decode("ascii").split()
        content = _whole(int(size), requests.read(int(length)))
        # It counts our own time, not that of the machine.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            answer: dict[str, object] = {"answer": library.read(form, content)}
        except MemoryError:
            answer = {"error": "more memory is needed for it than it gets"}
        except SystemExit:
            answer = {"error": "virt-firmware finds no variables in it"}
        except Exception as error:  # noqa: BLE001 - whatever the library makes of hostile bytes
            answer = {"error": f"virt-firmware can't read it ({type(error).__name__})"}
        signal.setitimer(signal.ITIMER_PROF, 0)
        _print(answer)
        if "error" in answer:
            return
        signal.setitimer(signal.ITIMER_REAL, _IDLE)


def _whole(size: int, pieces: bytes) -> bytes:
    """Return a store of its pieces."""
    found: list[bytes] = []
    at = end = 0
    while at < len(pieces):
        place, length = struct.unpack_from("<LL", pieces, at)
        at += 8
        found += [b"\xff" * (place - end), pieces[at : at + length]]
        at, end = at + length, place + length
    return b"".join([*found, b"\xff" * (size - end)])


def _print(answer: Mapping[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(answer, separators=(',', ':'))}\n")
    sys.stdout.flush()


def _give_up_rights(user: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


class Library:
    """virt-firmware, and what of its objects is answered; raises ``ImportError``."""

    def __init__(self) -> None:
        """Load all that reading takes: without rights, files that are ours alone can't be read."""
        from cryptography.hazmat.backends import default_backend  # noqa: PLC0415
        from virt.firmware.efi import bootentry, efivar, guids, siglist  # noqa: PLC0415
        from virt.firmware.misc import cert_not_valid_after  # noqa: PLC0415
        from virt.firmware.varstore import edk2, jstore  # noqa: PLC0415

        # It would be loaded at the first certificate.
        default_backend()
        for codec in ("utf-16le", "utf-8", "ascii"):
            codecs.lookup(codec)
        self._bootentry, self._efivar, self._guids = bootentry, efivar, guids
        self._siglist, self._not_valid_after = siglist, cert_not_valid_after
        self._jstore = jstore
        # It makes an object of each hash as soon as it has a variable of such a name: we have it
        # do so where we need one, and once for all stores with the same database.
        efivar.sigdb_names = ()
        self._signatures = lru_cache(_MOST_KEPT)(self._of_database)
        self._entry = lru_cache(_MOST_KEPT)(self._of_entry)

        class InMemory(edk2.Edk2VarStore):  # type: ignore[misc]  # it has no types
            """A store that is at hand, as its ``Edk2VarStoreQcow2`` has one in another form."""

            def readfile(self) -> None:
                self.filedata = self.filename

        self._in_memory = InMemory

        class OfVendors(efivar.EfiVarList):  # type: ignore[misc]  # as above
            """Variables by vendor and name: the library's own list keeps the last one of a name."""

            def __setitem__(self, name: str, variable: Any) -> None:
                super().__setitem__((str(variable.guid), name), variable)

        efivar.EfiVarList = OfVendors

    def read(self, form: str, content: bytes) -> dict[str, object]:
        """Return what a store holds."""
        variables = self._variables(form, content)
        enable = variables.get(_ENABLE)
        boot, unreadable = [], []
        for (vendor, name), variable in variables.items():
            number = _boot_number(name) if vendor == _GLOBAL else None
            if number is None:
                continue
            try:
                boot.append(self._entry(number, variable.data))
            except Exception:  # noqa: BLE001 - whatever the library makes of hostile bytes
                unreadable.append(number)
        order = variables[_BOOT_ORDER].data if _BOOT_ORDER in variables else b""
        return {
            "databases": {
                name: self._database(variables[vendor, name])
                for vendor, name in _DATABASES
                if (vendor, name) in variables
            },
            "secure_boot_enable": None if enable is None else enable.data[:1] == b"\1",
            "boot_order": [
                int.from_bytes(order[at : at + 2], "little") for at in range(0, len(order) - 1, 2)
            ],
            "boot": sorted(boot, key=lambda one: one["number"]),
            "unreadable": sorted(unreadable),
            "variables": len(variables),
        }

    def _variables(self, form: str, content: bytes) -> Mapping[tuple[str, str], Any]:
        found = (
            self._jstore.JsonVarStore(_in_memory(content))
            if form == "json"
            else self._in_memory(content)
        ).get_varlist()
        # Of another JSON the library makes what that is.
        if not isinstance(found, self._efivar.EfiVarList):
            sys.exit("no variables")
        return found  # type: ignore[no-any-return]

    def _database(self, variable: Any) -> dict[str, object]:
        written = None if variable.time is None else variable.time.date().isoformat()
        return {**self._signatures(variable.data), "written": written}

    def _of_database(self, data: bytes) -> Mapping[str, object]:
        certificates, hashes = [], 0
        for one in self._siglist.EfiSigDB(data):
            if str(one.guid) == self._guids.EfiCertX509:
                certificates += [self._certificate(one.x509, item["data"]) for item in one]
            elif str(one.guid) == self._guids.EfiCertSha256:
                hashes += len(one)
        return {
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "certificates": certificates,
            "hashes": hashes,
        }

    def _certificate(self, certificate: Any, raw: bytes) -> dict[str, object]:
        after = None if certificate is None else self._not_valid_after(certificate)
        return {
            "sha256": hashlib.sha256(raw).hexdigest(),
            "subject": None if certificate is None else _common_name(certificate.subject),
            "issuer": None if certificate is None else _common_name(certificate.issuer),
            "not_after": None if after is None else after.date().isoformat(),
        }

    def _of_entry(self, number: int, raw: bytes) -> dict[str, Any]:
        entry = self._bootentry.BootEntry(data=raw)
        path = list(entry.devicepath)
        mac = next((one.data[:6] for one in _of(path, _MESSAGING, _MAC)), None)
        disk: bytes = next((one.data for one in _of(path, _MEDIA, _HARD_DRIVE)), b"")
        return {
            "number": number,
            "active": bool(entry.attr & _ACTIVE),
            "title": str(entry.title)[:_MOST_TEXT],
            "path": str(entry.devicepath)[:_MOST_TEXT],
            # A node has the function first (UEFI specification, 10.3.2.1).
            "pci": [[one.data[1], one.data[0]] for one in _of(path, _HARDWARE, _PCI)],
            "mac": None if mac is None else ":".join(f"{byte:02x}" for byte in mac),
            "partition": str(self._guids.parse_bin(disk, 20)) if disk[37:] == _GPT else None,
        }


def _of(path: list[Any], kind: int, subtype: int) -> Iterator[Any]:
    return (one for one in path if (one.devtype, one.subtype) == (kind, subtype))


def _boot_number(name: str) -> int | None:
    """Return the number of ``Boot####``; None: it is no such variable."""
    digits = name.removeprefix("Boot")
    if name == digits or len(digits) != 4 or not set(digits) <= set("0123456789ABCDEF"):
        return None
    return int(digits, 16)


def _common_name(name: Any) -> str | None:
    found = [part.value for part in name if part.oid.dotted_string == "2.5.4.3"]
    return str(found[0])[:_MOST_TEXT] if found else None


def _in_memory(content: bytes) -> str:
    """Return the path of a file that holds it, and that is gone with us."""
    descriptor = os.memfd_create("nvram")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    return f"/proc/self/fd/{descriptor}"


if __name__ == "__main__":
    main()
