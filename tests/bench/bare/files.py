"""Floor: qemu-guest-agent reads four files in each guest. Called with how many guests at once."""

import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import libvirt
import libvirt_qemu

FILES = (
    "/sys/firmware/dmi/tables/smbios_entry_point",
    "/sys/firmware/dmi/tables/DMI",
    "/sys/firmware/qemu_fw_cfg/by_name/etc/smbios/smbios-tables/raw",
    "/proc/sys/kernel/random/boot_id",
)


def ask(domain: libvirt.virDomain, command: str, **arguments: object) -> Any:
    asked = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(libvirt_qemu.qemuAgentCommand(domain, asked, 60, 0))["return"]


def read(domain: libvirt.virDomain) -> None:
    for file in FILES:
        handle = ask(domain, "guest-file-open", path=file, mode="r")
        found = ask(domain, "guest-file-read", handle=handle, count=65536)
        assert base64.b64decode(found["buf-b64"])
        ask(domain, "guest-file-close", handle=handle)


connection = libvirt.open("qemu:///system")
with ThreadPoolExecutor(max_workers=int(sys.argv[1])) as pool:
    list(pool.map(read, connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)))
connection.close()
