"""Atlases of other architectures: what is shipped is what Debian's QEMU shows."""

import json

import pytest

from tests.lab.host import Host

pytestmark = [pytest.mark.long("architectures"), pytest.mark.timeout(600)]
_ATLAS = "/root/here.json"


@pytest.mark.parametrize("architecture", ["riscv64", "loongarch64", "s390x"])
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_shipped_atlas_is_what_the_release_shows(
    many_a: Host, many_b: Host, release: str, architecture: str
) -> None:
    host = many_a if release == "bookworm" else many_b
    binary = f"/usr/bin/qemu-system-{architecture}"
    done = host.samemachine("probe", "--qemu", binary, "--output", _ATLAS, timeout=300)
    assert done.returncode == 0, done
    shipped = f"debian:{release}:{architecture}"
    done = host.samemachine("diff", shipped, _ATLAS, "--format", "json")
    document = json.loads(done.stdout)
    assert (document["gone"], document["added"], document["not_compared"]) == ([], [], [])
    # The release's packages may have been updated since, in their firmware and ROMs at the most.
    assert {one["area"] for one in document["differences"]} <= {"firmware", "ROM"}, document
    assert document["states"]["changes"] == [], document["states"]
