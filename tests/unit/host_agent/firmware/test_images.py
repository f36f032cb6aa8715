"""Which firmware images are where a domain is to go."""

from dataclasses import replace

import pytest

from host_agent.firmware.images import Place, Presence, look
from host_agent.machine_types import domain_capabilities

BOOKWORM, TRIXIE = Place(release="debian:bookworm"), Place(release="debian:trixie")
UPGRADED = replace(TRIXIE, upgraded=True)
SMALL, LARGE = "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_CODE_4M.fd"
ROM, OWN = "/usr/share/ovmf/OVMF.fd", "/srv/firmware/OVMF_CODE.fd"
FEDORAS = "/usr/share/edk2/ovmf/OVMF_CODE.fd"
HOST = Place(release=None, libvirt=(11, 3, 0), listed={LARGE})
OLD_HOST = Place(release=None, libvirt=(9, 0, 0), listed={LARGE})
YES, NO, DOUBTFUL, NOT_KNOWN = Presence.YES, Presence.NO, Presence.DOUBTFUL, Presence.NOT_KNOWN


@pytest.mark.parametrize(
    ("path", "here", "there", "found"),
    [
        (SMALL, BOOKWORM, TRIXIE, NO),
        (SMALL, BOOKWORM, Place(release="ubuntu:noble"), NO),
        (SMALL, BOOKWORM, Place(release="ubuntu:jammy"), YES),
        (SMALL, BOOKWORM, Place(release="debian:bookworm-backports"), YES),
        ("/usr/share/OVMF/OVMF_VARS.ms.fd", BOOKWORM, UPGRADED, NO),
        # A remote host does not say which release it is; libvirt lists not all that is there,
        # and backports bring a newer one beside older images.
        (SMALL, BOOKWORM, HOST, DOUBTFUL),
        (SMALL, BOOKWORM, OLD_HOST, YES),
        (LARGE, BOOKWORM, TRIXIE, YES),
        (LARGE, BOOKWORM, HOST, YES),
        ("/usr/share/OVMF/OVMF_VARS_4M.fd", BOOKWORM, HOST, YES),
        (LARGE, BOOKWORM, replace(HOST, listed=()), NOT_KNOWN),
        (LARGE, BOOKWORM, Place(release="ubuntu:noble"), YES),
        (LARGE, BOOKWORM, Place(release="ubuntu:bionic"), NOT_KNOWN),
        (ROM, BOOKWORM, TRIXIE, Presence.GROWN),
        (ROM, TRIXIE, Place(release="debian:forky"), YES),
        (ROM, BOOKWORM, HOST, DOUBTFUL),
        (FEDORAS, BOOKWORM, TRIXIE, NOT_KNOWN),
        (FEDORAS, BOOKWORM, UPGRADED, NOT_KNOWN),
        (OWN, BOOKWORM, HOST, NOT_KNOWN),
        (OWN, BOOKWORM, UPGRADED, YES),
    ],
)
def test_rows(path: str, here: Place, there: Place, found: Presence) -> None:
    assert look(path, here, there).there is found


def test_what_libvirt_lists() -> None:
    xml = (
        "<domainCapabilities><os><loader supported='yes'><value>/a.fd</value><value> /b.fd </value>"
        "<enum name='type'><value>rom</value></enum></loader></os></domainCapabilities>"
    )
    assert domain_capabilities.loaders(xml) == {"/a.fd", "/b.fd"}
    assert domain_capabilities.loaders("<nothing") == frozenset()
