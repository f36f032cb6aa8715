"""Which packages are named where a store's keys are told."""

from dataclasses import replace

import pytest

from host_agent.checks import certificates, template
from host_agent.evidence.nvram import Nvram
from host_agent.firmware import packages
from tests.unit.host_agent.shared.uefi_rows import NEW, OLD, OWN, store, uefi


def kept(release: str, path: str) -> Nvram:
    """A store with the digests that a package's template has."""
    ((_, file),) = packages.holding(path, release)
    made = store(OLD)
    databases = {
        name: replace(one, sha256=(file.databases or {}).get(name, OWN.sha256))
        for name, one in made.databases.items()
    }
    return replace(made, databases=databases)


@pytest.mark.parametrize("other", [store(OLD), store(OLD, NEW)])
def test_whose_template_a_store_is(other: Nvram) -> None:
    own = kept("debian:bookworm", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
    said = template.check(uefi(own, other)).sentence
    assert "; its keys are those of the template of ovmf 2020.11" in said
    assert "(debian:bookworm), ovmf 2025.02" in said
    assert "qemu-efi" not in said
    assert "its keys are" not in template.check(uefi(store(OLD), other)).sentence


@pytest.mark.parametrize(
    ("architecture", "named", "other"),
    [
        ("x86_64", "ovmf-generic 2026.08", "qemu-efi"),
        ("aarch64", "qemu-efi-aarch64 2026.08", "ovmf"),
        ("riscv64", "have the recovery keys at hand", "In the templates"),
    ],
)
def test_whose_template_has_what_a_store_lacks(architecture: str, named: str, other: str) -> None:
    remedy = certificates.check(uefi(store(OLD), architecture=architecture)).remedy or ""
    assert named in remedy
    assert other not in remedy
