"""A QEMU that a test writes: a program that speaks qtest and QMP as QEMU does, until it must not.

``write`` makes an executable of this file and the lines of a test; it runs with the system's own
Python, as nobody, and so needs the standard library only. Words and answers are those of QEMU 7.2.
"""

import base64
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

TYPES = "pc-i440fx-1.0", "pc-q35-2.0", "pc-q35-3.0"
BAD = TYPES[1]
"""The type with which things go wrong, where the others must go on."""

_DMA_LOW = 0x518
_PCI_ADDRESS = 0xCF8
_DIRECTORY, _FIRST_KEY = 0x19, 0x20
_RAM = 8 * 1024 * 1024
_INFO_RAMBLOCK = """\
              Block Name    PSize              Offset               Used              Total
                  pc.ram    4 KiB  0x0000000000000000 0x0000000020000000 0x0000000020000000\r
                 pc.bios    4 KiB  0x0000000020000000 0x0000000000001000 0x0000000000001000\r
"""


def write(folder: Path, *lines: str, interpreter: str = "/usr/bin/python3 -IS") -> Path:
    """Write a program that runs these lines after this file; none: a QEMU that behaves."""
    program = folder / "qemu-system-x86_64"
    source = Path(__file__).read_text(encoding="utf-8") if "python" in interpreter else ""
    body = "\n".join(lines or ("Qemu().serve()",))
    program.write_text(f"#!{interpreter}\n{source}\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def write_bad_at(folder: Path, *lines: str, machine: str = BAD) -> Path:
    """Write one that behaves, but runs these lines before it serves with one machine type."""
    body = "\n".join(lines).replace("\n", "\n    ")
    return write(
        folder, "qemu = Qemu()", f"if qemu.type == {machine!r}:\n    {body}", "qemu.serve()"
    )


def smbios(product: str = "Standard PC (Q35 + ICH9, 2009)") -> bytes:
    """Return types 1 and 127."""
    system = bytes([1, 27, 0, 1, 1, 2, 0, 0]) + bytes(19)
    return system + b"QEMU\0" + product.encode() + b"\0\0" + bytes([127, 4, 0, 0x7F, 0, 0])


def acpi() -> bytes:
    """Return one table in a blob of QEMU's usual size."""
    table = b"APIC" + (44).to_bytes(4, "little") + bytes([1, 0]) + b"BOCHS BXPC    " + bytes(20)
    return table.ljust(0x20000, b"\0")


FILES: Mapping[str, bytes] = {
    "etc/e820": bytes(8) + (512 << 20).to_bytes(8, "little") + bytes([1, 0, 0, 0]),
    "etc/smbios/smbios-tables": smbios(),
    "etc/acpi/tables": acpi(),
}

RSDP_AT, SMBIOS_AT, ACPI_AT = 0xE1000, 0xF1000, 0x400000
"""Where a firmware leaves its anchors and its tables."""
BUSES = [
    {
        "bus": 0,
        "devices": [
            {"bus": 0, "slot": 0, "function": 0, "qdev_id": ""},
            {
                "bus": 0, "slot": 1, "function": 0, "qdev_id": "pci.1",
                "pci_bridge": {
                    "devices": [{"bus": 1, "slot": 2, "function": 0, "qdev_id": "net0"}]
                },
            },
        ],
    }
]  # fmt: skip
"""What QMP's ``query-pci`` returns, as far as it is read."""


def _whole(raw: bytes, at: int, length: int = 0) -> bytes:
    """Return it with the checksum at that place right."""
    length = length or len(raw)
    total = -sum(raw[:length]) % 256
    return raw[:at] + bytes([total]) + raw[at + 1 :]


def _table(signature: bytes, body: bytes) -> bytes:
    head = signature + (36 + len(body)).to_bytes(4, "little") + bytes([1, 0]) + b"BOCHS BXPC    "
    return _whole(head + (1).to_bytes(4, "little") + b"BXPC" + (1).to_bytes(4, "little") + body, 9)


def left_by_firmware() -> dict[int, bytes]:
    """Return address → what lies there when a BIOS has run: both anchors, RSDT, FADT and DSDT."""
    dsdt, root = ACPI_AT + 0x200, ACPI_AT + 0x400
    fadt = bytes(4) + dsdt.to_bytes(4, "little") + bytes(72)
    tables = smbios()
    length, place = len(tables).to_bytes(2, "little"), (SMBIOS_AT + 0x20).to_bytes(4, "little")
    anchor = b"_SM_\0\x1f\2\x08" + bytes(8) + b"_DMI_\0" + length + place + b"\2\0\x28"
    return {
        RSDP_AT: _whole(b"RSD PTR \0BOCHS \0" + root.to_bytes(4, "little"), 8),
        SMBIOS_AT: _whole(anchor, 4),
        SMBIOS_AT + 0x20: tables,
        ACPI_AT: _table(b"FACP", fadt),
        dsdt: _table(b"DSDT", b"code"),
        root: _table(b"RSDT", ACPI_AT.to_bytes(4, "little")),
    }


STATES = {
    "vmschkmachine": {"Name": "none"},
    "e1000": {
        "Name": "e1000", "version_id": 2, "minimum_version_id": 1,
        "Description": {
            "name": "e1000", "version_id": 2, "minimum_version_id": 1,
            "Fields": [
                {"field": "rxbuf_size", "version_id": 0, "field_exists": False, "size": 4}
            ],
        },
    },
}  # fmt: skip
"""What it writes for ``-dump-vmstate``."""
_TREE_WORDS = (0xD00DFEED, 60, 40, 56, 40, 17, 16, 0, 4, 16, 1, 0, 2, 9)
TREE = b"".join(word.to_bytes(4, "big") for word in _TREE_WORDS) + bytes(4)
"""A device tree of a root without properties."""


class Qemu:
    """One that behaves; a test replaces what must go wrong."""

    def __init__(self) -> None:
        given = sys.argv[1:]
        self.dump = given[given.index("-dump-vmstate") + 1] if "-dump-vmstate" in given else None
        self.states = json.dumps(STATES)
        self.type = given[given.index("-machine") + 1].split(",")[0]
        self.types: Sequence[str] = TYPES
        self.files = dict(FILES)
        self.sizes: dict[str, int] = {}
        """What the directory says where it lies."""
        self.directory: bytes | None = None
        self.features = 3
        self.answers: dict[str, Any] = {}
        """QMP command → what it returns instead."""
        self.raw: dict[str, bytes] = {}
        """QMP command, or word of qtest → what is sent instead, without end of line."""
        self.left = left_by_firmware()
        """What is in memory as soon as it goes on."""
        self.config: dict[int, int] = {0: 0x29C08086, 8: 0x06000002, 0x0C: 0, 0x2C: 0x11001AF4}
        """Offset → double word of every PCI function's configuration."""
        self._config_at = 0
        self.write_tree: Callable[[str], object] = lambda path: Path(path).write_bytes(TREE)
        self.qtest, self.qmp = (self._channel(given, name) for name in ("qtest", "qmp"))
        self._ram = bytearray(_RAM)
        self._selected = b""
        self._at = 0
        self._dma_high = 0

    @staticmethod
    def _channel(given: Sequence[str], name: str) -> socket.socket:
        start = f"socket,id={name},fd="
        number = next(word[len(start) :] for word in given if word.startswith(start))
        return socket.socket(fileno=int(number))

    def serve(self) -> None:
        """Answer, and stay, as QEMU does, when nobody asks any more; or write and end."""
        if self.dump is not None:
            Path(self.dump).write_text(self.states, encoding="utf-8")
            sys.exit()
        self.qmp.sendall(b'{"QMP": {"version": {}, "capabilities": ["oob"]}}\r\n')
        waiting = {self.qtest: b"", self.qmp: b""}
        while waiting:
            for channel in select.select(list(waiting), [], [])[0]:
                data = channel.recv(65536)
                *lines, waiting[channel] = (waiting[channel] + data).split(b"\n")
                answer = self.on_qtest if channel is self.qtest else self.on_qmp
                for line in lines:
                    channel.sendall(answer(line))
                if not data:
                    del waiting[channel]
        signal.pause()

    def on_qmp(self, line: bytes) -> bytes:
        asked = json.loads(line)
        command = asked["execute"]
        if command in self.raw:
            return self.raw[command]
        if command == "dumpdtb":
            self.write_tree(asked["arguments"]["filename"])
        if command == "cont":
            for at, blob in self.left.items():
                self._ram[at : at + len(blob)] = blob
        answers = {
            "query-pci": BUSES,
            "query-version": {
                "qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2+dfsg-7",
            },
            "query-target": {"arch": "x86_64"},
            "query-machines": [{"name": name} for name in ("none", *self.types)],
            "qom-list-types": [{"name": "e1000", "parent": "pci-device"}],
            "human-monitor-command": _INFO_RAMBLOCK,
        }  # fmt: skip
        returned = self.answers.get(command, answers.get(command, {}))
        return json.dumps({"return": returned}).encode() + b"\r\n"

    def on_qtest(self, line: bytes) -> bytes:
        word, *numbers = line.decode().split()
        if word in self.raw:
            return self.raw[word]
        given = [int(number, 0) for number in numbers]
        if word == "outw":
            self._selected, self._at = self.behind(given[1]), 0
        elif word == "inb":
            value = self._selected[self._at] if self._at < len(self._selected) else 0
            self._at += 1
            return b"OK 0x%04x\n" % value
        elif word == "write":
            self._ram[given[0] : given[0] + given[1]] = given[2].to_bytes(given[1], "big")
        elif word == "outl" and given[0] == _PCI_ADDRESS:
            self._config_at = given[1] & 0xFF
        elif word == "inl":
            return b"OK 0x%04x\n" % self.config.get(self._config_at, 0)
        elif word == "outl" and given[0] == _DMA_LOW:
            self._copy(int.from_bytes(given[1].to_bytes(4, "little"), "big"))
        elif word == "b64read":
            at = given[0] if given[0] < _RAM else 0
            blob = bytes(self._ram[at : at + given[1]]).ljust(given[1], b"\0")
            return b"OK " + base64.b64encode(blob) + b"\n"
        return b"OK\n"

    def behind(self, key: int) -> bytes:
        """Return what fw_cfg has behind a key."""
        if key == _DIRECTORY:
            return self._entries() if self.directory is None else self.directory
        here = {0: b"QEMU", 1: bytes([self.features, 0, 0, 0])}
        here |= dict(enumerate(self.files.values(), _FIRST_KEY))
        return here.get(key, b"")

    def _entries(self) -> bytes:
        entries = b"".join(
            self.sizes.get(name, len(blob)).to_bytes(4, "big")
            + key.to_bytes(2, "big")
            + bytes(2)
            + name.encode().ljust(56, b"\0")
            for key, (name, blob) in enumerate(self.files.items(), _FIRST_KEY)
        )
        return len(self.files).to_bytes(4, "big") + entries

    def _copy(self, block: int) -> None:
        control = int.from_bytes(self._ram[block : block + 4], "big")
        length = int.from_bytes(self._ram[block + 4 : block + 8], "big")
        to = int.from_bytes(self._ram[block + 8 : block + 16], "big")
        self._ram[to : to + length] = self.behind(control >> 16)[:length].ljust(length, b"\0")


def serve_from_a_child() -> None:
    """What a wrapper script does that starts QEMU and ends."""
    if os.fork() == 0:
        Qemu().serve()
    os._exit(0)


def report(name: str) -> None:
    """Tell the ``Witness`` of that name that we are here; it will learn when we end."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(f"\0{name}")
    # Open as long as this process, and what it starts, runs.
    line.detach()


class Witness:
    """Hears from programs of other users where they are, and when they have ended."""

    def __init__(self) -> None:
        self.name = f"samemachine-test-{os.getpid()}-{time.monotonic_ns()}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"\0{self.name}")
        self._listener.listen()
        self._listener.settimeout(30)
        self._lines: list[socket.socket] = []

    def __enter__(self) -> "Witness":
        return self

    def __exit__(self, *_: object) -> None:
        for line in (self._listener, *self._lines):
            line.close()

    def wait(self) -> int:
        """Wait for a report, and return its process."""
        line, _ = self._listener.accept()
        line.settimeout(30)
        self._lines.append(line)
        pid, _, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(pid)

    def wait_for_the_end(self) -> None:
        """Return when all who reported have ended."""
        for line in self._lines:
            assert line.recv(1) == b""


def endless(descriptor: int, data: bytes) -> None:
    """Write the same again and again."""
    while True:
        os.write(descriptor, data)
