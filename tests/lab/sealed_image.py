"""A guest as Debian boots it under UEFI: shim, GRUB and kernel from an EFI system partition.

It is the lab's guest, with tools that bind a LUKS2 disk to the TPM. All three are signed as Debian
signs them, so it boots with secure boot, too.
"""

import shutil
from pathlib import Path

from tests.lab import cache, guest_packages, images
from tests.lab.image_tools import Tool
from tests.lab.sources import debian_mirror

_TOOLS = (
    "cryptsetup-bin", "libtss2-esys-3.0.2-0", "libtss2-mu0", "libtss2-rc0",
    "libtss2-tcti-device0",
)  # fmt: skip
_LOADERS = Tool(
    name="loaders",
    suite="bookworm",
    packages=("shim-signed", "grub-efi-amd64-signed", "fdisk", "dosfstools", "mtools"),
)
_CONFIGURATION = """
set timeout=0
linux /vmlinuz console=ttyS0 root=/dev/vda rw quiet init=/sbin/quick-init
initrd /initrd
boot
"""
_MAKE = """
truncate --size=97M /place/boot.raw
printf 'label: gpt\\nstart=2048, size=194560, type=uefi\\n' | sfdisk --quiet /place/boot.raw
mkfs.vfat -F 32 -C /place/esp.raw 97280 >/dev/null
mmd -i /place/esp.raw ::EFI ::EFI/BOOT ::EFI/debian
mcopy -i /place/esp.raw /usr/lib/shim/shimx64.efi.signed ::EFI/BOOT/BOOTX64.EFI
mcopy -i /place/esp.raw /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed ::EFI/BOOT/grubx64.efi
mcopy -i /place/esp.raw /place/grub.cfg ::EFI/debian/grub.cfg
mcopy -i /place/esp.raw /files/kernel ::vmlinuz
mcopy -i /place/esp.raw /files/initrd ::initrd
dd if=/place/esp.raw of=/place/boot.raw bs=1M seek=1 conv=notrunc,sparse status=none
rm /place/esp.raw /place/grub.cfg
"""


def folder() -> str:
    """Return the folder of ``disk.raw`` and ``boot.raw`` as the hosts see it, built if need be."""
    base = images.guest().kernel.parent
    packages = guest_packages.packages()
    parts = (base.name, guest_packages.folder().name, *_TOOLS, _CONFIGURATION, _MAKE)

    def make(place: Path) -> None:
        (place / "grub.cfg").write_text(_CONFIGURATION, encoding="ascii")
        _LOADERS.run(place, {"/files": base}, "/place", "sh", "-euc", _MAKE)
        tools = _tools(place)
        # A layer over the guest's root.
        root = Path(f"{tools}:{base / 'root'}")
        images.install(packages, root, place / "disk.raw", size="1300M")
        shutil.rmtree(tools)

    return f"/lab/cache/{cache.build('sealed', cache.key('sealed 1', *parts), make).name}"


def _tools(place: Path) -> Path:
    """Make a folder of the tools' files, and of nothing that a package manager keeps."""
    found = place / "tools"
    extract = ("mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(_TOOLS)}")
    images.run(*extract, "bookworm", found, debian_mirror())
    for part in sorted(found.iterdir()):
        if part.name in {"bin", "sbin", "lib"}:
            # As the root has it: merged.
            shutil.copytree(part, found / "usr" / part.name, symlinks=True, dirs_exist_ok=True)
        if part.name != "usr":
            shutil.rmtree(part)
    return found
