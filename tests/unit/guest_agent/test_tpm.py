"""The group tpm: registers, the firmware's log, and tokens of LUKS2 headers."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import endorsement, luks, tpm
from samemachine import event_log
from samemachine.event_log import LogError
from samemachine.v1 import guest_pb2
from tests import event_logs
from tests.event_logs import SHA1, SHA256
from tests.unit.guest_agent import trees

REGISTERS = "sys/class/tpm/tpm0/pcr-sha256"
LOG = "sys/kernel/security/tpm0/binary_bios_measurements"
VOLUME, VARIABLE = 0x80000008, 0x80000001
BOTH = event_logs.head(SHA1, SHA256) + b"".join(
    event_logs.event(pcr, kind, data, SHA1, SHA256)
    for pcr, kind, data in ((0, VOLUME, b"volume"), (7, VARIABLE, b"SecureBoot"), (9, 13, b"grub"))
)


def with_tpm(root: Path, log: bytes | None = BOTH) -> Path:
    for number in range(24):
        trees.write(root, f"{REGISTERS}/{number}", f"{number:064X}\n")
    if log is not None:
        trees.write(root, LOG, log)
    return root


def header(root: Path, name: str, number: str, tokens: Any, *, known: bool = True) -> None:
    area = json.dumps({"keyslots": {"0": {"salt": "s"}}, "tokens": tokens}).encode()
    size = 16384
    binary = b"LUKS\xba\xbe\0\2" + size.to_bytes(8, "big")
    trees.write(root, f"dev/{name}", binary.ljust(4096, b"\0") + area.ljust(size - 4096, b"\0"))
    trees.write(root, f"sys/class/block/{name}/dev", f"{number}\n")
    if known:
        trees.write(root, f"run/udev/data/b{number}", "E:ID_FS_TYPE=crypto_LUKS\n")


def test_registers_and_log(tmp_path: Path) -> None:
    found = tpm.read(with_tpm(tmp_path))
    assert [int.from_bytes(value, "big") for value in found.pcrs] == list(range(8))
    assert (found.log_bytes, found.log_sha256) == (len(BOTH), hashlib.sha256(BOTH).digest())
    assert list(found.events) == [
        guest_pb2.TpmEvent(pcr=0, type=VOLUME, sha256=hashlib.sha256(b"volume").digest()),
        guest_pb2.TpmEvent(pcr=7, type=VARIABLE, sha256=hashlib.sha256(b"SecureBoot").digest()),
    ]
    assert not found.luks_read


AREA = bytes.fromhex("0001000b00030072") + b"public"
THE_KEY = (
    bytes.fromhex("8001 0000001c 00000000") + len(AREA).to_bytes(2, "big") + AREA + b"\0\x22name"
)


def test_which_tpm_it_is(tmp_path: Path) -> None:
    root = with_tpm(tmp_path)
    assert tpm.read(root).endorsement_sha256 == ""
    # Of a file, what is read comes after what was written.
    trees.write(root, "dev/tpmrm0", bytes(14) + THE_KEY)
    told = tpm.read(root).endorsement_sha256
    assert told == hashlib.sha256(AREA).hexdigest()
    asked = (root / "dev/tpmrm0").read_bytes()[:14]
    assert asked == bytes.fromhex("8001 0000000e 00000173 81010001")


@pytest.mark.parametrize(
    "answer", [b"", THE_KEY[:9], bytes.fromhex("8001 0000000a 0000018b"), THE_KEY[:-12]]
)
def test_a_tpm_that_has_no_such_key(tmp_path: Path, answer: bytes) -> None:
    trees.write(tmp_path, "dev/tpmrm0", bytes(14) + answer)
    assert endorsement.fingerprint(tmp_path) is None


@pytest.mark.parametrize("log", [None, b"", b"\0" * 64, BOTH[:-1], event_logs.head(SHA1)])
def test_without_a_log_that_can_be_read(tmp_path: Path, log: bytes | None) -> None:
    found = tpm.read(with_tpm(tmp_path, log))
    assert len(found.pcrs) == 8
    assert not found.events
    assert found.log_bytes == len(log or b"")


def test_more_events_than_are_told(tmp_path: Path) -> None:
    one = event_logs.event(0, VOLUME, b"", SHA256)
    found = tpm.read(with_tpm(tmp_path, event_logs.head(SHA256) + one * (tpm.MAX_EVENTS + 1)))
    assert found.log_sha256
    assert not found.events


@pytest.mark.parametrize("register", [None, "no number"])
def test_no_registers(tmp_path: Path, register: str | None) -> None:
    with pytest.raises(EvidenceError) as raised:
        tpm.read(tmp_path)
    assert raised.value.reason is AbsenceReason.ABSENT
    for number in range(8):
        (tmp_path / "sys/class/tpm/tpm0").mkdir(parents=True, exist_ok=True)
        if register is not None:
            trees.write(tmp_path, f"{REGISTERS}/{number}", register)
    with pytest.raises(EvidenceError) as raised:
        tpm.read(tmp_path)
    wanted = AbsenceReason.ABSENT if register is None else AbsenceReason.FAILED
    assert raised.value.reason is wanted


def clevis(way: Any) -> dict[str, Any]:
    protected = base64.urlsafe_b64encode(json.dumps({"alg": "dir", "clevis": way}).encode())
    jwe = {"protected": protected.rstrip(b"=").decode(), "ciphertext": "secret"}
    return {"type": "clevis", "keyslots": ["1"], "jwe": jwe}


SYSTEMD = {
    "type": "systemd-tpm2", "keyslots": ["1"], "tpm2-blob": "secret", "tpm2-pcrs": [7, 4],
    "tpm2-pcr-bank": "sha256", "tpm2_pubkey_pcrs": [11], "tpm2-policy-hash": "secret",
}  # fmt: skip


@pytest.mark.parametrize(
    ("token", "told"),
    [
        (SYSTEMD, {"bound": True, "pcrs": [4, 7], "bank": "sha256", "signed_pcrs": [11]}),
        ({"type": "systemd-tpm2", "tpm2-pcrs": []}, {"bound": True}),
        ({**SYSTEMD, "tpm2_pcrlock": True}, {"bank": "sha256"}),
        ({**SYSTEMD, "tpm2-pcrs": [24]}, {"bank": "sha256"}),
        ({**SYSTEMD, "tpm2-pcrs": "7"}, {"bank": "sha256"}),
        ({"type": "systemd-fido2", "fido2-salt": "secret"}, {}),
        (clevis({"pin": "tpm2", "tpm2": {"pcr_bank": "sha1", "pcr_ids": "7,0"}}),
         {"pin": "tpm2", "bound": True, "pcrs": [0, 7], "bank": "sha1"}),
        (clevis({"pin": "tpm2", "tpm2": {}}), {"pin": "tpm2", "bound": True}),
        (clevis({"pin": "tpm2", "tpm2": {"pcr_ids": "x"}}), {"pin": "tpm2"}),
        (clevis({"pin": "sss", "sss": {"t": 1}}), {"pin": "sss"}),
        ({"type": "clevis", "jwe": {"protected": "!"}}, {}),
    ],
)  # fmt: skip
def test_a_token(tmp_path: Path, token: dict[str, Any], told: dict[str, Any]) -> None:
    header(tmp_path, "vda3", "254:3", {"0": token})
    (found,) = luks.tokens(tmp_path) or []
    assert found == guest_pb2.LuksToken(device="vda3", type=token["type"], **told)
    assert b"secret" not in found.SerializeToString()


def test_only_what_udev_knows_is_opened(tmp_path: Path) -> None:
    header(tmp_path, "vdb", "254:16", {"0": SYSTEMD}, known=False)
    assert luks.tokens(tmp_path) is None
    header(tmp_path, "vda", "254:0", {"10": {"type": "b"}, "9": {"type": "a"}})
    found = luks.tokens(tmp_path) or []
    assert [(one.device, one.type) for one in found] == [("vda", "a"), ("vda", "b")]


@pytest.mark.parametrize("tokens", [[0], {"0": {}}, {"x": SYSTEMD}, {"0": "text"}])
def test_of_a_header_that_is_not_understood_nothing_is_known(tmp_path: Path, tokens: Any) -> None:
    header(tmp_path, "vda", "254:0", tokens)
    header(tmp_path, "vdb", "254:16", {"0": SYSTEMD})
    assert luks.tokens(tmp_path) is None


def test_more_tokens_than_are_told(tmp_path: Path) -> None:
    for name, number in (("vda", 0), ("vdb", 16)):
        header(tmp_path, name, f"254:{number}", {str(one): {"type": "a"} for one in range(129)})
    assert luks.tokens(tmp_path) is None


def test_a_header_of_another_version_or_size(tmp_path: Path) -> None:
    header(tmp_path, "vda", "254:0", {"0": SYSTEMD})
    file = tmp_path / "dev/vda"
    whole = file.read_bytes()
    for head, told in ((b"LUKS\xba\xbe\0\1", []), (b"LUKS\xba\xbe\0\2" + b"\xff" * 8, None)):
        file.write_bytes(head + whole[len(head) :])
        assert luks.tokens(tmp_path) == told
    file.write_bytes(b"")
    assert luks.tokens(tmp_path) is None


def test_what_the_registers_become() -> None:
    values = event_log.replayed(event_log.events(BOTH + bytes(100)))
    assert values[0] == hashlib.sha256(bytes(32) + hashlib.sha256(b"volume").digest()).digest()
    assert values[1] == bytes(32)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (b"", "middle"),
        (b"\1" * 64, "names its form"),
        (event_logs.head(SHA256).replace(b"Event03", b"Event02"), "another form"),
        (event_logs.head(), "declares 0 algorithms"),
        (event_logs.head(SHA1), "no digests in SHA-256"),
        (event_logs.head(SHA256) + event_logs.event(0, 1, b"", SHA1), "not declared"),
        (event_logs.head(SHA1, SHA256) + event_logs.event(0, 1, b"", SHA1), "no digest in SHA-256"),
        (event_logs.head(SHA256) + b"\1\0\0\0" * 3 + b"\xff" * 90, "not declared"),
        (event_logs.head(SHA256) + b"\x11\0\0\0" * 3 + b"\xff" * 90, "has 17 digests"),
    ],
)
def test_what_is_no_log(log: bytes, words: str) -> None:
    with pytest.raises(LogError, match=words):
        list(event_log.events(log))
