"""A guest: its XML, its life, and commands inside it through the qemu-guest-agent."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape

from tests.lab import pace

if TYPE_CHECKING:
    from tests.lab.host import Host

CHANNEL = """<channel type='unix'><source mode='bind'/>
      <target type='virtio' name='org.samemachine.guest.0'/></channel>"""
# Variables without keys: secure boot would refuse our kernel.
_UEFI = """<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>"""
_UNIT = "samemachine-guest"
_XML = """<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory><vcpu>{vcpus}</vcpu>
  {sysinfo}
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>
    {loader}
    <kernel>{image}/kernel</kernel><initrd>{image}/initrd</initrd>
    <cmdline>console=ttyS0 root=/dev/vda rw quiet {cmdline}</cmdline>
    {smbios}
  </os>
  <features><acpi/><apic/></features>
  {cpu}
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='unsafe'/>
      <source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/>
      <source file='{second_disk}'/><target dev='vdb' bus='virtio'/><readonly/></disk>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='{console}'/></serial>
    <channel type='unix'><source mode='bind'/>
      <target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    {channel}
    <memballoon model='none'/>
  </devices>
</domain>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestOptions:
    """What a test can choose of a guest."""

    name: str
    machine: str = "pc-i440fx-7.2"
    memory: int = 512
    """MiB."""
    vcpus: int = 1
    channel: bool = True
    agent: bool = True
    """Whether the guest agent runs in the guest."""
    system: bool = False
    """Whether systemd runs it, as in a user's guest; else it boots in half the time."""
    cpu: str | None = None
    """A model that libvirt knows, or ``max``."""
    uefi: bool = False
    sysinfo: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Block → entry → text."""
    image: str = "/lab"
    """Folder with its kernel, its initrd and what its disk is an overlay over."""
    second_disk: str = "/lab/data.raw"
    edit: Callable[[str], str] = lambda xml: xml
    """A last change of the XML."""

    def xml(self) -> str:
        """Return the domain XML."""
        blocks = "".join(
            f"<{block}>"
            + "".join(
                f"<entry name='{name}'>{escape(text)}</entry>" for name, text in texts.items()
            )
            + f"</{block}>"
            for block, texts in self.sysinfo.items()
        )
        return self.edit(
            _XML.format(
                name=self.name,
                uuid=self.uuid,
                memory=self.memory,
                vcpus=self.vcpus,
                machine=self.machine,
                disk=self.disk,
                console=self.console,
                image=self.image,
                second_disk=self.second_disk,
                sysinfo=f"<sysinfo type='smbios'>{blocks}</sysinfo>" if blocks else "",
                smbios="<smbios mode='sysinfo'/>" if blocks else "",
                loader=_UEFI if self.uefi else "",
                cmdline=self._cmdline(),
                cpu=self._cpu(),
                channel=CHANNEL if self.channel else "",
            )
        )

    @property
    def quick(self) -> bool:
        """Whether the lab's own first process runs it, which is on the lab's own image alone."""
        return not self.system and self.image == "/lab"

    @property
    def diskless(self) -> bool:
        """Whether it lives in its memory alone, and has no disk of its own."""
        return False

    def _cmdline(self) -> str:
        if self.quick:
            return "init=/sbin/quick-init" + ("" if self.agent else " quick.agent=no")
        return "" if self.agent else "systemd.mask=samemachine-guest.service"

    def _cpu(self) -> str:
        if self.cpu == "max":
            return "<cpu mode='maximum'/>"
        return f"<cpu mode='custom'><model>{self.cpu}</model></cpu>" if self.cpu else ""

    @property
    def uuid(self) -> str:
        """A UUID that follows from the name."""
        return str(uuid5(NAMESPACE_URL, f"samemachine-lab:{self.name}"))

    @property
    def disk(self) -> str:
        """The guest's own disk, an overlay over the image."""
        return f"/var/lib/libvirt/images/{self.name}.qcow2"

    @property
    def console(self) -> str:
        """What the guest printed on its serial line."""
        return f"/var/log/libvirt/qemu/{self.name}.console"


class Guest:
    """One guest on one host."""

    def __init__(self, host: "Host", options: GuestOptions) -> None:
        self.host = host
        self.options = options
        self.name = options.name
        self.uuid = options.uuid
        self._started = 0.0

    def define(self) -> None:
        """Make its disk and define it."""
        self.make_disk()
        self.host.run("virsh", "define", "/dev/stdin", text_input=self.options.xml())

    def make_disk(self) -> None:
        """Make an empty overlay over its image, where it has one."""
        if self.options.diskless:
            return
        self.host.run(
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-F",
            "raw",
            "-b",
            f"{self.options.image}/disk.raw",
            self.options.disk,
        )

    def start(self) -> "Guest":
        """Start it; ``wait_ready`` waits until it has booted."""
        self._started = time.monotonic()
        self.host.virsh("start", self.name)
        return self

    def wait_ready(self, seconds: float = 60) -> "Guest":
        """Wait until commands can be run in it, and until its agent has opened its channel."""
        self._until(lambda: self._agent_command({"execute": "guest-ping"}) is not None, seconds)
        if self.options.agent and self.options.channel:
            self.wait_channel(seconds)
        if self._started:
            pace.booted(time.monotonic() - self._started)
        return self

    def wait_channel(self, seconds: float = 60) -> None:
        """Wait until our agent has opened its channel; nothing else has to run in the guest."""
        self._until(self.channel_open, seconds)

    def wait_rebooted(self, boot_id: str, seconds: float = 60) -> "Guest":
        """Wait until another boot than this one is ready."""
        self._until(lambda: self._boot_id() not in {boot_id, ""}, seconds)
        return self.wait_ready(seconds)

    def _boot_id(self) -> str:
        try:
            return self.run("cat", "/proc/sys/kernel/random/boot_id").strip()
        except (RuntimeError, TypeError):
            # Its agent is away while it reboots.
            return ""

    def _until(self, true: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + pace.stretched(seconds)
        while not true():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready: {self._where_it_is()}")
            time.sleep(0.2)

    def _where_it_is(self) -> str:
        """Say what is known of a guest that does nothing: its kernel is quiet until it fails."""
        asked = ("domstate", "--reason"), ("qemu-monitor-command", "--hmp")
        told = [self.console()[-3000:]]
        for words, more in zip(asked, ((), ("info registers -a",)), strict=True):
            done = self.host.run("virsh", *words, self.name, *more, check=False)
            # Of each processor where it is; what else it has is no help.
            told += [line for line in done.stdout.splitlines() if "HLT=" in line or not more]
        return "\n".join(told)

    def channel_open(self) -> bool:
        """Whether a program in the guest has the agent's port open."""
        return "name='org.samemachine.guest.0' state='connected'" in self.xml()

    def stop_agent(self) -> None:
        """Stop our agent in the guest, and wait until libvirt has noticed."""
        self.control_agent("stop")
        self._until(lambda: not self.channel_open(), 20)

    def start_agent(self) -> None:
        """Start our agent in the guest, and wait until libvirt has noticed."""
        self.control_agent("start")
        self._until(self.channel_open, 20)

    def control_agent(self, what: str) -> None:
        """``start`` it, ``stop`` it, or send all its processes a signal: ``STOP``, ``CONT``."""
        if self.options.quick:
            self.run("quick-agent", what)
        elif what in {"start", "stop"}:
            self.run("systemctl", what, _UNIT)
        else:
            self.run("systemctl", "kill", f"--signal={what}", _UNIT)

    def agent_pid(self) -> int:
        """The agent's resident process, by its number in the guest."""
        if self.options.quick:
            return int(self.run("quick-agent", "pid"))
        return int(self.run("systemctl", "show", "--property=MainPID", "--value", _UNIT))

    def _agent_command(self, command: Mapping[str, Any]) -> Any:
        done = self.host.run(
            "virsh",
            "qemu-agent-command",
            "--timeout",
            pace.words(5),
            self.name,
            json.dumps(command),
            check=False,
        )
        return json.loads(done.stdout)["return"] if done.returncode == 0 else None

    def run(self, *command: str, check: bool = True, seconds: float = 60) -> str:
        """Run a command in the guest and return what it prints."""
        arguments = {"path": command[0], "arg": list(command[1:]), "capture-output": True}
        started = self._agent_command({"execute": "guest-exec", "arguments": arguments})
        if started is None:
            raise RuntimeError(f"{self.name}: nobody in the guest answers")
        deadline = time.monotonic() + pace.stretched(seconds)
        while True:
            status = {"execute": "guest-exec-status", "arguments": {"pid": started["pid"]}}
            answer = self._agent_command(status)
            if answer and answer["exited"]:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name}: {' '.join(command)} does not end")
            time.sleep(0.05)
        out = base64.b64decode(answer.get("out-data", "")).decode("utf-8", "replace")
        if check and answer.get("exitcode"):
            err = base64.b64decode(answer.get("err-data", "")).decode("utf-8", "replace")
            raise RuntimeError(f"{self.name}: {' '.join(command)}: {answer['exitcode']} {out}{err}")
        return out

    def xml(self) -> str:
        """Return the active XML."""
        return self.host.virsh("dumpxml", self.name)

    @property
    def qemu_pid(self) -> int:
        """QEMU's process, as the host sees it."""
        file = self.host.root / f"run/libvirt/qemu/{self.name}.pid"
        return int(file.read_text(encoding="ascii"))

    @property
    def channel_socket(self) -> str:
        """QEMU's socket of the agent's channel, on the host."""
        return self.channel_on(self.host)

    def channel_on(self, host: "Host") -> str:
        """QEMU's socket of the agent's channel, where it has moved to just now."""
        _, _, rest = host.virsh("dumpxml", self.name).partition("<channel type='unix'>")
        for part in rest.split("<channel type='unix'>"):
            if "org.samemachine.guest.0" in part:
                return part.split("path='")[1].split("'")[0]
        raise LookupError(f"{self.name} has no channel")

    def console(self) -> str:
        """What the guest printed on its serial line."""
        file = Path(f"{self.host.root}{self.options.console}")
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def reboot(self) -> None:
        """Reset the guest, as its own reboot does."""
        self.host.virsh("reset", self.name)

    def shut_down(self) -> None:
        """Ask it to power off, and wait until it has.

        It may be off before libvirt has read its agent's answer: libvirt then asks by ACPI, and
        says that the domain is not running (``qemuDomainShutdownFlags`` in qemu_driver.c).
        """
        self.host.run("virsh", "shutdown", self.name, check=False)
        self._until(lambda: self.host.virsh("domstate", self.name) == "shut off", 60)

    def destroy(self) -> None:
        """Stop it at once."""
        self.host.virsh("destroy", self.name)

    def remove(self) -> None:
        """Stop it and forget it."""
        self.host.run("virsh", "destroy", self.name, check=False)
        self.host.run("virsh", "undefine", "--nvram", self.name, check=False)
        self.host.guests.pop(self.name, None)

    def make_room(self, to: "Host") -> None:
        """Make the disk that libvirt copies into."""
        to.run("mkdir", "-p", "/var/lib/libvirt/images")
        Guest(to, self.options).make_disk()

    def carry(self, to: "Host", *files: str) -> None:
        """Take it to another host while it is off: its definition by libvirt, and its files.

        ``files``: others than its disk; of a folder all that is in it.
        """
        self.host.virsh("migrate", "--offline", "--persistent", self.name, to.tcp_uri)
        disks = () if self.options.diskless else (self.options.disk,)
        for name in (*disks, *files):
            here, there = (host.root / name.lstrip("/") for host in (self.host, to))
            there.parent.mkdir(parents=True, exist_ok=True)
            if here.is_dir():
                shutil.copytree(here, there, dirs_exist_ok=True)
            else:
                shutil.copyfile(here, there)
        self.host.guests.pop(self.name, None)
        self.host = to
        to.guests[self.name] = self

    def moving(self, to: "Host", bandwidth: int) -> "subprocess.Popen[str]":
        """Begin to move it live, with so many MiB/s, and return virsh; its output is to be read."""
        return self.host.popen(
            *self._migration(to),
            "--bandwidth",
            str(bandwidth),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _migration(self, to: "Host") -> list[str]:
        self.make_room(to)
        storage = () if self.options.diskless else ("--copy-storage-inc", "--migrate-disks", "vda")
        # libvirt can't see that the file of the same path is not the same file.
        return [
            "virsh",
            "migrate",
            "--live",
            "--persistent",
            "--unsafe",
            *storage,
            self.name,
            to.tcp_uri,
            f"tcp://{to.name}",
        ]

    def migrate(self, to: "Host") -> subprocess.CompletedProcess[str]:
        """Move it live to another host, where it is then this object's."""
        done = self.host.run(*self._migration(to), timeout=180)
        self.host.guests.pop(self.name, None)
        self.host = to
        to.guests[self.name] = self
        return done
