"""A QEMU command line as libvirt writes it → the device models that it adds. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from host_agent.untrusted_text import TextError, json_of

_FLASH = "cfi.pflash01"
"""What a firmware image is put into (``hw/i386/pc_sysfw.c``, ``hw/arm/virt.c``)."""


def models(arguments: Sequence[str]) -> frozenset[str]:
    """Return the names of the models; what can't be read as an option is left out."""
    return frozenset(_named(arguments))


def _named(arguments: Sequence[str]) -> Iterator[str]:
    for option, value in pairwise(arguments):
        if option == "-device":
            name = _driver(value)
            if name:
                yield name
        elif (option == "-machine" and "pflash0=" in value) or (
            option == "-drive" and "if=pflash" in value
        ):
            yield _FLASH


def _driver(value: str) -> str | None:
    if not value.startswith("{"):
        return value.partition(",")[0].removeprefix("driver=")
    try:
        form = json_of(value)
    except TextError:
        return None
    name = form.get("driver") if isinstance(form, dict) else None
    return name if isinstance(name, str) else None
