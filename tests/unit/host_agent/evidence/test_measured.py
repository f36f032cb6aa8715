"""Which registers another machine changes, and what opens then."""

from collections.abc import Sequence

import pytest

from host_agent.evidence import measured
from host_agent.evidence.hardware import LuksToken, Tpm, TpmEvent
from host_agent.evidence.measured import Register
from samemachine import event_log
from samemachine.event_log import Event
from tests import event_logs
from tests.event_logs import SHA256

VOLUME, ROM, VARIABLE, ACTION, ACPI = 0x80000008, 0x80000004, 0x80000001, 0x80000007, 0xA
NAME = "SecureBoot".encode("utf-16le")
SECURE_BOOT = bytes(16) + (10).to_bytes(8, "little") + bytes(8) + NAME


def boot(*events: tuple[int, int, bytes], loader: bool = False) -> tuple[Event, ...]:
    """What is measured: a few events, separators, and what a loader adds."""
    log = event_logs.head(SHA256)
    for pcr, kind, data in (*events, *((number, 4, bytes(4)) for number in range(8))):
        log += event_logs.event(pcr, kind, data, SHA256)
    if loader:
        log += event_logs.event(4, 0x80000003, b"shim", SHA256)
        log += event_logs.event(7, 0x800000E0, b"authority", SHA256)
    return tuple(event_log.events(log))


OLD = ((0, VOLUME, b"2022.11"), (7, VARIABLE, SECURE_BOOT + b"\0"), (2, ROM, b"rom"))
NEW = ((0, VOLUME, b"2025.02"), (7, VARIABLE, SECURE_BOOT), (2, ROM, b"rom"), (1, ACPI, b"MCFG"))


def guest(events: Sequence[Event], *tokens: LuksToken, log: bool = True, known: bool = True) -> Tpm:
    told = [TpmEvent(pcr=one.pcr, type=one.type, sha256=one.sha256.hex()) for one in events]
    return Tpm(
        pcrs=tuple(value.hex() for value in event_log.replayed(events)),
        log="00" * 32 if log else None,
        events=tuple(told) if log else (),
        tokens=tokens if known else None,
    )


def fates(registers: Sequence[Register]) -> str:
    """A letter a register: changes, stays, or is not known."""
    return "".join({True: "C", False: "-", None: "?"}[one.changes] for one in registers)


@pytest.mark.parametrize(
    ("has", "log", "told"),
    [
        (boot(*OLD), True, "CC-----C"),
        (boot(*OLD), False, "CC-----C"),
        # A loader ran: its own part stays, where the log tells which that is.
        (boot(*OLD, loader=True), True, "CC-----C"),
        (boot(*OLD, loader=True), False, "CC--?--?"),
        # It booted on other software than runs now.
        (boot((0, VOLUME, b"older"), *OLD[1:]), True, "?C-----C"),
        (boot((0, VOLUME, b"older"), *OLD[1:], loader=True), False, "?C--?--?"),
        # What a start will measure is what it has.
        (boot(*NEW, loader=True), True, "--------"),
    ],
)
def test_a_forecast_counts_where_today_is_what_the_guest_has(
    has: tuple[Event, ...], log: bool, told: str
) -> None:
    found = measured.forecast(boot(*OLD), boot(*NEW), guest(has, log=log))
    assert fates(found.registers) == told


def test_why() -> None:
    found = measured.forecast(boot(*OLD), boot(*NEW), guest(boot(*OLD))).registers
    assert [found[number].why for number in (0, 1, 7)] == [
        ("a firmware volume",),
        ("ACPI tables from QEMU",),
        ("variable SecureBoot",),
    ]


def test_another_order_is_another_value() -> None:
    one, two = (1, ACPI, b"a"), (1, ACPI, b"b")
    found = measured.forecast(boot(one, two), boot(two, one), guest(boot(one, two))).registers
    assert found[1] == Register(number=1, changes=True, why=("the order of events",))


def test_a_log_that_gives_another_value_counts_for_nothing() -> None:
    lying = guest(boot(*OLD, loader=True))
    values = ("ff" * 32, *lying.pcrs[1:])
    other = Tpm(pcrs=values, log=lying.log, events=lying.events, tokens=())
    assert fates(measured.forecast(boot(*OLD), boot(*NEW), other).registers) == "?C-----C"


def token(
    pcrs: tuple[int, ...] | None,
    kind: str = "systemd-tpm2",
    pin: str = "",
    signed: int | None = None,
) -> LuksToken:
    return LuksToken(
        device="vda3",
        type=kind,
        pin=pin,
        pcrs=pcrs,
        bank="sha256",
        signed_pcrs=() if signed is None else (signed,),
    )


@pytest.mark.parametrize(
    ("one", "opens"),
    [
        (token((7,)), False),
        (token((0, 2, 4)), False),
        (token((2,)), True),
        (token(()), True),
        (token((8, 11)), True),
        (token((2, 3)), True),
        (token(None), None),
        (token((), signed=11), True),
        (token((), signed=7), None),
        (token((7,), "clevis", "tpm2"), False),
        (token(None, "clevis", "sss"), None),
    ],
)
def test_what_opens(one: LuksToken, opens: bool | None) -> None:
    (key,) = measured.forecast(boot(*OLD), boot(*NEW), guest(boot(*OLD), one)).keys or ()
    assert key.opens is opens


def test_what_is_not_known_of_a_register() -> None:
    other = ((0, VOLUME, b"2024.02"), (7, VARIABLE, SECURE_BOOT + b"\1"))
    has = guest(boot(*other), token((7,)), token((0, 7)))
    keys = measured.forecast(boot(*OLD), boot(*NEW), has).keys or ()
    assert [one.opens for one in keys] == [None, None]


@pytest.mark.parametrize(
    ("tokens", "known", "asks"),
    [
        ((token((7,)),), True, True),
        ((token((2,)), token((7,)), token(None)), True, True),
        ((token((2,)), token(None)), True, None),
        ((token((2,)),), True, False),
        ((), True, False),
        ((), False, None),
    ],
)
def test_who_asks(tokens: tuple[LuksToken, ...], known: bool, asks: bool | None) -> None:
    has = guest(boot(*OLD), *tokens, known=known)
    assert measured.forecast(boot(*OLD), boot(*NEW), has).asks is asks


def test_what_is_bound_does_not_matter_where_nothing_changes() -> None:
    has = guest(boot(*OLD), known=False)
    assert measured.forecast(boot(*OLD), boot(*OLD), has).asks is False


# A guest that came from QEMU 7.2 with OVMF 2022.11: this host's QEMU measures ACPI otherwise.
CAME = ((0, VOLUME, b"2022.11"), (7, VARIABLE, SECURE_BOOT + b"\0"), (1, ACPI, b"7.2"))
CARRIED = (*CAME[:2], (1, ACPI, b"10.0"))
HERE = (*NEW[:2], (1, ACPI, b"10.0"))


def test_a_guest_that_came_with_its_firmware() -> None:
    """The one that came along is rehearsed: it is what a reset runs, and this host's a stop."""
    has = guest(boot(*CAME, loader=True), token((7,)), token((1,)), token((2,)))
    carried = boot(*CARRIED)
    reset = measured.forecast(carried, carried, has)
    assert fates(reset.registers) == "-?------"
    assert [one.opens for one in reset.keys or ()] == [True, None, True]
    start = measured.forecast(carried, boot(*HERE), has)
    assert fates(start.registers) == "C?-----C"
    assert [one.opens for one in start.keys or ()] == [False, None, True]
    assert start.asks is True


def test_a_guest_that_came_held_against_what_is_installed() -> None:
    """Where the firmware that came can't be read, of what differs nothing is known."""
    here = boot(*HERE)
    found = measured.forecast(here, here, guest(boot(*CAME, loader=True), token((7,))))
    assert fates(found.registers) == "??-----?"
    assert found.asks is None


def test_what_no_tpm_keeps() -> None:
    has = guest(boot(*OLD), token(None, "systemd-fido2"), token(None, "clevis", "tang"))
    assert measured.forecast(boot(*OLD), boot(*NEW), has).keys == ()
    assert measured.forecast(boot(*OLD), boot(*NEW), guest(boot(*OLD), known=False)).keys is None


def test_names() -> None:
    assert str(measured.Bound(token=token((0, 7)), opens=True)) == "vda3 (systemd-tpm2, PCR 0, 7)"
    assert str(measured.Bound(token=token(None), opens=None)) == "vda3 (systemd-tpm2, PCR ?)"
    assert str(measured.Bound(token=token(()), opens=True)) == "vda3 (systemd-tpm2, PCR none)"


SHIM, GRUB = (4, 0x80000003, b"shim"), (4, 0x80000003, b"grub")


def loaded(
    *events: tuple[int, int, bytes], after: tuple[tuple[int, int, bytes], ...]
) -> tuple[Event, ...]:
    """What is measured where the loader runs as well."""
    log = event_logs.head(SHA256)
    for pcr, kind, data in (*events, *((number, 4, bytes(4)) for number in range(8)), *after):
        log += event_logs.event(pcr, kind, data, SHA256)
    return tuple(event_log.events(log))


@pytest.mark.parametrize(
    ("firmware", "after", "told"),
    [
        (OLD, (SHIM, GRUB), "--------"),
        (NEW, (SHIM, GRUB), "CC-----C"),
        (OLD, (GRUB, SHIM), "----C---"),
        (OLD, (GRUB,), "----C---"),
        # Another boot entry is taken, which measures more.
        (OLD, (SHIM, GRUB, SHIM), "----C---"),
        # It may only be slower.
        (OLD, (SHIM,), "----?---"),
        (NEW, (), "CC--?--C"),
    ],
)
def test_a_loader_that_was_rehearsed(
    firmware: tuple[tuple[int, int, bytes], ...],
    after: tuple[tuple[int, int, bytes], ...],
    told: str,
) -> None:
    today = loaded(*OLD, after=(SHIM, GRUB))
    has = guest(today, token((4,)), log=False)
    found = measured.forecast(today, loaded(*firmware, after=after), has, loader=True)
    assert fates(found.registers) == told
    assert measured.agrees(today, has)
    assert measured.same_loader(today, loaded(*firmware, after=after)) == (after == (SHIM, GRUB))
    # Without, the loader's part is its disk's, which stays.
    assert fates(measured.forecast(today, loaded(*firmware, after=after), has).registers)[4] == "-"


def test_a_loader_that_is_not_the_guests() -> None:
    has = guest(loaded(*OLD, after=(SHIM, GRUB)), log=False)
    today = loaded(*OLD, after=(SHIM,))
    assert not measured.agrees(today, has)
    found = measured.forecast(today, loaded(*NEW, after=(SHIM,)), has, loader=True)
    assert fates(found.registers) == "CC--?--C"


@pytest.mark.parametrize(("after", "told"), [((SHIM,), "-"), ((SHIM, GRUB), "?"), ((GRUB,), "?")])
def test_a_loader_of_which_today_tells_a_part(
    after: tuple[tuple[int, int, bytes], ...], told: str
) -> None:
    """The guest's log shows that the firmware does the same, and the loader is not seen whole."""
    has = guest(loaded(*OLD, after=(SHIM, GRUB)), log=True)
    found = measured.forecast(
        loaded(*OLD, after=(SHIM,)), loaded(*OLD, after=after), has, loader=True
    )
    assert fates(found.registers) == f"----{told}---"
