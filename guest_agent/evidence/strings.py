"""Makes a string of a device or the kernel fit for the report: bounded, printable, valid UTF-8."""

import re
from typing import Union

MAX_BYTES = 512
"""The wire contract's limit of one string."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(raw: Union[str, bytes]) -> str:
    """Return the text without spaces around it, controls as ``?``, cut to 512 bytes of UTF-8.

    Bytes that are no UTF-8, also those of a file's name that Python keeps as surrogates, become
    U+FFFD.
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = _CONTROL.sub("?", _SURROGATE.sub("\ufffd", text).strip("\0 \t\r\n"))
    return text.encode()[:MAX_BYTES].decode("utf-8", "ignore")
