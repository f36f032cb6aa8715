"""The files of a domain's disks."""

import pytest

from host_agent.domain.definition import DomainXmlError
from host_agent.domain.disk_layers import Layer, LayeredDisk, parse

BASE = "<backingStore type='file'><format type='raw'/><source file='/b.raw'/>{}</backingStore>"
OVERLAY = "<driver type='qcow2'/><source file='/a.qcow2'/>{}"
BLOCK = "<source dev='/dev/vg/a'/>"


def disk(inside: str, device: str = "disk") -> str:
    return f"<disk type='file' device='{device}'>{inside}<target dev='vda'/></disk>"


def layers(*disks: str) -> tuple[LayeredDisk, ...]:
    return parse(f"<domain><devices>{''.join(disks)}</devices></domain>")


@pytest.mark.parametrize(
    ("inside", "chain"),
    [
        ("<driver type='raw'/><source file='/a.raw'/>", (("/a.raw", "raw"),)),
        (BLOCK, (("/dev/vg/a", "raw"),)),
        (OVERLAY.format("<backingStore/>"), (("/a.qcow2", "qcow2"),)),
        (OVERLAY.format(BASE.format("<backingStore/>")),
         (("/a.qcow2", "qcow2"), ("/b.raw", "raw"))),
        (OVERLAY.format(BASE.format("")), (("/a.qcow2", "qcow2"), ("/b.raw", "raw"))),
        # What is not declared is not followed.
        (OVERLAY.format(""), None),
        (OVERLAY.format("<backingStore type='file'><source file='/b'/></backingStore>"), None),
        ("<source protocol='nbd' name='a'/>", None),
        ("<source file='/a'><slices/></source>", None),
        (OVERLAY.format("<backingStore type='file'><format type='qcow2'/></backingStore>"), None),
    ],
)  # fmt: skip
def test_a_chain(inside: str, chain: tuple[tuple[str, str], ...] | None) -> None:
    (found,) = layers(disk(inside))
    wanted = None if chain is None else tuple(Layer(path=path, form=form) for path, form in chain)
    assert found == LayeredDisk(target="vda", layers=wanted)


def test_what_is_no_disk() -> None:
    assert layers(disk(BLOCK, "cdrom"), disk(BLOCK, "floppy")) == ()
    deep = BASE.replace("raw'", "qcow2'")
    chain = "<backingStore/>"
    for _ in range(70):
        chain = deep.format(chain)
    assert layers(disk(OVERLAY.format(chain)))[0].layers is None
    with pytest.raises(DomainXmlError):
        parse("<domain")
