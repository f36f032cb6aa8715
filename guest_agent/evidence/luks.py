"""What the tokens of LUKS2 headers say: by what a disk is unlocked, and what that is bound to.

LUKS2 On-Disk Format Specification 1.1.1, 2 and 3; a token's fields are systemd's
(``src/shared/cryptsetup-tpm2.c``) and clevis's (``luks/clevis-luks-common-functions``). Of a token
the named fields alone are looked at: no key material is.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from guest_agent.errors import EvidenceError
from guest_agent.evidence.files import read_head
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

MAX_TOKENS = 256
_MOST_DEVICES = 1024
_MAGIC, _OLD_MAGIC = b"LUKS\xba\xbe\0\2", b"LUKS\xba\xbe\0\1"
_HEAD = 4096
"""Bytes before the JSON area."""
_MOST_HEADER = 4 << 20
_MOST_DATABASE = 64 * 1024
_KNOWN = "/run/udev/data"
_IS_LUKS = b"E:ID_FS_TYPE=crypto_LUKS"
_MOST_REGISTER = 24


def tokens(root: Path = Path("/")) -> "Optional[list[guest_pb2.LuksToken]]":
    """Return the tokens of all block devices; None: not all of them can be told.

    Only a device of which udev says that it has a header is opened. Where udev says nothing, or one
    header is damaged or too large, nobody may take what the others say for all.
    """
    if not (root / _KNOWN.lstrip("/")).is_dir():
        return None
    found: list[guest_pb2.LuksToken] = []
    for name in _devices(root):
        try:
            head = read_head(root, f"/dev/{name}", _HEAD)
            if head.startswith(_OLD_MAGIC):
                # LUKS1 has no tokens.
                continue
            size = int.from_bytes(head[8:16], "big")
            if not head.startswith(_MAGIC) or not _HEAD < size <= _MOST_HEADER:
                return None
            told = parse(name, read_head(root, f"/dev/{name}", size)[_HEAD:])
        except EvidenceError:
            return None
        if told is None or len(found) + len(told) > MAX_TOKENS:
            return None
        found += told
    return found


def _devices(root: Path) -> Iterator[str]:
    for device in sorted((root / "sys/class/block").glob("*"))[:_MOST_DEVICES]:
        try:
            number = read_head(root, f"/sys/class/block/{device.name}/dev", 32).decode().strip()
            database = read_head(root, f"{_KNOWN}/b{number}", _MOST_DATABASE)
        except (EvidenceError, UnicodeDecodeError):
            continue
        if _IS_LUKS in database.splitlines():
            yield device.name.replace("!", "/")


def parse(device: str, area: bytes) -> "Optional[list[guest_pb2.LuksToken]]":
    """Return the tokens of a header's JSON area; None: it is not of that form."""
    try:
        found = json.loads(area.split(b"\0", 1)[0])["tokens"]
        return [_token(device, found[number]) for number in sorted(found, key=int)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _token(device: str, token: "dict[str, Any]") -> guest_pb2.LuksToken:
    kind = clean(str(token["type"]))
    made = guest_pb2.LuksToken(device=clean(device), type=kind)
    if kind == "systemd-tpm2":
        pcrs, signed = (_numbers(token.get(key, [])) for key in ("tpm2-pcrs", "tpm2_pubkey_pcrs"))
        # With pcrlock the policy is in the TPM.
        if pcrs is not None and signed is not None and not token.get("tpm2_pcrlock"):
            made.bound = True
            made.pcrs.extend(pcrs)
            made.signed_pcrs.extend(signed)
        made.bank = clean(str(token.get("tpm2-pcr-bank", "")))
    elif kind == "clevis":
        _clevis(made, token)
    return made


def _clevis(made: guest_pb2.LuksToken, token: "dict[str, Any]") -> None:
    """Take what the protected header of a JWE (RFC 7516, 4) says of the way."""
    try:
        protected = str(token["jwe"]["protected"])
        padded = protected + "=" * (-len(protected) % 4)
        way = json.loads(base64.urlsafe_b64decode(padded))["clevis"]
        made.pin = clean(str(way["pin"]))
        if made.pin != "tpm2":
            return
        said = str(way["tpm2"].get("pcr_ids", ""))
        pcrs = _numbers([int(one) for one in said.split(",")] if said else [])
        made.bank = clean(str(way["tpm2"].get("pcr_bank", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    if pcrs is not None:
        made.bound = True
        made.pcrs.extend(pcrs)


def _numbers(found: object) -> "Optional[list[int]]":
    """Return the registers; None: they are none."""
    if not isinstance(found, list) or len(found) > _MOST_REGISTER:
        return None
    if not all(type(one) is int and 0 <= one < _MOST_REGISTER for one in found):
        return None
    return sorted(set(found))
