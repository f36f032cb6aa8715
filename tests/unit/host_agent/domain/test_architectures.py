"""One table of words for an architecture."""

import pytest

from host_agent.domain import architectures


@pytest.mark.parametrize(
    ("word", "libvirt", "qemu", "kept"),
    [
        ("x86_64", "x86_64", "x86_64", "x86_64"), ("amd64", "x86_64", "x86_64", "x86_64"),
        ("i686", "i686", "i386", "x86_64"), ("i386", "i686", "i386", "x86_64"),
        ("aarch64", "aarch64", "aarch64", "aarch64"), ("arm64", "aarch64", "aarch64", "aarch64"),
        ("armv7l", "armv7l", "arm", "arm"), ("armhf", "armv7l", "arm", "arm"),
        ("armv6l", "armv6l", "arm", "arm"), ("arm", "armv7l", "arm", "arm"),
        ("ppc64", "ppc64", "ppc64", "ppc64"), ("ppc64le", "ppc64le", "ppc64", "ppc64"),
        ("PPC64EL", "ppc64le", "ppc64", "ppc64"), ("s390x", "s390x", "s390x", "s390x"),
        ("riscv64", "riscv64", "riscv64", "riscv64"), ("hppa", "parisc", "hppa", "hppa"),
        ("nonsense", None, "nonsense", "nonsense"), ("", None, "", ""),
    ],
)  # fmt: skip
def test_words(word: str, libvirt: str | None, qemu: str, kept: str) -> None:
    assert architectures.libvirts(word) == libvirt
    assert architectures.qemus(word) == qemu
    assert architectures.kept_as(word) == kept


@pytest.mark.parametrize("word", architectures.LIBVIRTS)
def test_each_of_libvirts_words_speaks_for_itself(word: str) -> None:
    assert word in architectures.spoken_for(word)
    assert architectures.alike(word)[0] == word


def test_which_guests_an_atlas_speaks_for() -> None:
    assert set(architectures.spoken_for("x86_64")) == {"x86_64", "i686"}
    assert set(architectures.spoken_for("ppc64")) == {"ppc64", "ppc64le"}
    assert architectures.spoken_for("nonsense") == ("nonsense",)
    assert set(architectures.alike("ppc64el")) == {"ppc64le", "ppc64"}
