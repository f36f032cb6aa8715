"""A string of SMBIOS as the tools in a guest print it. Pure."""

import re

from host_agent.printable import printable

MAX_BYTES = 512
"""The wire contract's limit of one string, to which the guest agent cuts."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def forms(text: str) -> frozenset[str]:
    """Return what the guest agent may report of a string that firmware holds whole.

    dmidecode prints a dot for each byte that is no printable ASCII (``ascii_filter`` in its
    dmidecode.c); Linux shows the string as it is, or nothing of one of spaces only
    (drivers/firmware/dmi_scan.c ``dmi_string_nosave``). Either reader cuts the spaces at the ends.
    """
    dotted = "".join(
        character if " " <= character <= "~" else "." * len(character.encode("utf-8", "replace"))
        for character in text
    )
    plain = _CONTROL.sub("?", text.strip("\0 \t\r\n"))
    cut = (one.encode("utf-8", "replace")[:MAX_BYTES] for one in (dotted.strip(" "), plain))
    return frozenset(printable(one.decode("utf-8", "ignore")) for one in cut)
