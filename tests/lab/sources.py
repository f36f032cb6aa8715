"""Where Debian's packages come from: the mirror that this machine's own apt uses."""

import re
from pathlib import Path

_URIS = re.compile(r"^URIs:\s*(\S+)|^deb\s+(?:\[[^]]*\]\s+)?(\S+)", re.MULTILINE)


def debian_mirror(root: Path = Path("/")) -> str:
    """Return the URI of the archive (not of its security part) in apt's sources.

    Both forms of sources.list(5) are read. Raises ``LookupError`` where there is none.
    """
    folder = root / "etc/apt"
    texts = [
        file.read_text(encoding="utf-8", errors="replace")
        for file in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*")))
        if file.is_file()
    ]
    for text in texts:
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        found = _URIS.findall("\n".join(lines))
        for uri in (deb822 or line for deb822, line in found):
            if uri.rstrip("/").endswith("/debian"):
                return str(uri)
    raise LookupError("apt's sources name no Debian archive (an URI that ends with /debian)")
