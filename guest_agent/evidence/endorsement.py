"""Which TPM it is: a fingerprint of its endorsement key's public part, as the TPM tells it.

TCG TPM 2.0 Library, part 3, 12.4 (TPM2_ReadPublic), which needs no secret and changes nothing; the
handles are of TCG's Registry of Reserved TPM 2.0 Handles, 2.3.1, and swtpm_setup keeps its keys
there. The private part never leaves a TPM.
"""

import hashlib
import os
from pathlib import Path
from typing import Optional

_DEVICE = "dev/tpmrm0"
_HANDLES = (0x81010001, 0x81010002, 0x81010016)
"""RSA 2048, NIST P256 and P384."""
_COMMAND = bytes.fromhex("8001 0000000e 00000173")
"""Without sessions, its length, TPM_CC_ReadPublic."""
_HEAD = 10
_MOST = 4096


def fingerprint(root: Path = Path("/")) -> Optional[str]:
    """Return the SHA-256 of the first such key's public area, in hexadecimal digits.

    None: it has none there, or may not be asked.
    """
    try:
        for handle in _HANDLES:
            found = public_area(_asked(root, _COMMAND + handle.to_bytes(4, "big")))
            if found is not None:
                return hashlib.sha256(found).hexdigest()
    except OSError:
        pass
    return None


def public_area(answer: bytes) -> Optional[bytes]:
    """Return the key's public area of an answer (TPMT_PUBLIC); None: it says that there is none."""
    if len(answer) < _HEAD + 2 or answer[6:_HEAD] != bytes(4):
        return None
    size = int.from_bytes(answer[_HEAD : _HEAD + 2], "big")
    area = answer[_HEAD + 2 : _HEAD + 2 + size]
    return area if area and len(area) == size else None


def _asked(root: Path, command: bytes) -> bytes:
    # Not the device that one program alone can have open.
    descriptor = os.open(root / _DEVICE, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.write(descriptor, command)
        return os.read(descriptor, _MOST)
    finally:
        os.close(descriptor)
