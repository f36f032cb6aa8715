"""Words for an architecture: libvirt's, QEMU's, and those of people, as one table. Pure.

libvirt's are those of ``src/util/virarch.c``; where QEMU calls its target otherwise
(``src/qemu/qemu_capabilities.c: virQEMUCapsArchToString``) that stands here. Facts about machine
types and atlases are kept by QEMU's word, for both PC targets under ``x86_64``.
"""

from collections.abc import Mapping

LIBVIRTS = (
    "aarch64", "alpha", "armv6l", "armv7b", "armv7l", "cris", "i686", "ia64", "lm32",
    "loongarch64", "m68k", "microblaze", "microblazeel", "mips", "mips64", "mips64el", "mipsel",
    "or32", "parisc", "parisc64", "ppc", "ppc64", "ppc64le", "ppcemb", "riscv32", "riscv64",
    "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "unicore32", "x86_64", "xtensa",
    "xtensaeb",
)  # fmt: skip
_QEMUS: Mapping[str, str] = {
    "i686": "i386", "armv6l": "arm", "armv7l": "arm", "armv7b": "arm", "or32": "or1k",
    "parisc": "hppa", "parisc64": "hppa", "ppc64le": "ppc64",
}  # fmt: skip
# Words of QEMU's, Debian's ports and uname(1) that libvirt does not have.
_MEANT: Mapping[str, str] = {
    "i386": "i686", "i486": "i686", "i586": "i686", "x86": "i686",
    "amd64": "x86_64", "x86-64": "x86_64", "x64": "x86_64",
    "arm64": "aarch64", "arm": "armv7l", "armhf": "armv7l", "armel": "armv6l",
    "ppc64el": "ppc64le", "powerpc": "ppc", "powerpc64": "ppc64", "powerpc64le": "ppc64le",
    "or1k": "or32", "hppa": "parisc", "loong64": "loongarch64",
}  # fmt: skip
X86 = frozenset({"x86_64", "i686"})


def libvirts(word: str) -> str | None:
    """Return libvirt's word for an architecture; None: it is no word for one."""
    plain = word.strip().lower()
    known = _MEANT.get(plain, plain)
    return known if known in LIBVIRTS else None


def qemus(word: str) -> str:
    """Return QEMU's word for its target; a word that nobody knows stays as it is."""
    known = libvirts(word) or word
    return _QEMUS.get(known, known)


def kept_as(word: str) -> str:
    """Return the word by which facts and atlases of an architecture are kept."""
    target = qemus(word)
    return "x86_64" if target == "i386" else target


def spoken_for(word: str) -> tuple[str, ...]:
    """Return libvirt's words of the guests for which facts that are kept by a word speak."""
    found = tuple(one for one in LIBVIRTS if kept_as(one) == kept_as(word))
    return found or (word,)


def alike(word: str) -> tuple[str, ...]:
    """Return libvirt's words that may be meant by a word, the likeliest first.

    ``ppc64`` is libvirt's for one byte order and QEMU's for both.
    """
    known = libvirts(word) or word
    others = (one for one in LIBVIRTS if qemus(one) == qemus(known) and one != known)
    return (known, *others)
