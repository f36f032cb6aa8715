"""Whose recovery keys are asked for, said of many guests in a line or two."""

from dataclasses import replace

import pytest

from host_agent.domain.definition import Definition
from host_agent.evidence import recovery_keys
from host_agent.evidence.measured import Outlook
from host_agent.missing import Missing
from tests.unit.host_agent.shared.cases import DEFINITION, NOTHING
from tests.unit.host_agent.shared.tpm_rows import LOST, OTHER, SAME, TPM, outlook

ASKS, OPENS = outlook(OTHER, False), outlook(SAME, True)
NOT_KNOWN = outlook(LOST, None)
Row = tuple[Definition, Outlook | Missing | None]


def uefi(number: int, found: Outlook | Missing | None) -> Row:
    tpm = None if found is None else TPM
    return replace(DEFINITION, name=f"vm{number}", firmware="efi", tpm=tpm), found


BIOS = replace(DEFINITION, name="old", firmware="bios")
PLAIN = [uefi(number, None) for number in range(10, 46)]


@pytest.mark.parametrize(
    ("looked", "lines"),
    [
        (
            [*(uefi(at, ASKS) for at in range(3)), uefi(3, OPENS), *PLAIN, (BIOS, None)],
            ["3 of 40 UEFI guests will ask for the recovery key at their first stop and start: "
             "suspend the bindings before: vm0, vm1, vm2"],
        ),
        (
            [uefi(0, OPENS), uefi(1, NOT_KNOWN), uefi(2, NOTHING)],
            ["of 2 of 3 UEFI guests it is not known whether they will ask for the recovery key at "
             "their first stop and start: vm1, vm2"],
        ),
        (
            [*(uefi(at, ASKS) for at in range(7)), uefi(8, NOTHING)],
            ["7 of 8 UEFI guests will ask for the recovery key at their first stop and start: "
             "suspend the bindings before: vm0, vm1, vm2, vm3, vm4 and 2 more",
             "of 1 of 8 UEFI guests it is not known whether they will ask for the recovery key at "
             "their first stop and start: vm8"],
        ),
        (
            [uefi(0, OPENS), (replace(BIOS, tpm=TPM), OPENS)],
            ["none of 2 guests with a UEFI or a TPM will ask for the recovery key at their first "
             "stop and start"],
        ),
        ([uefi(0, ASKS)], ["the guest will ask for the recovery key at its first stop and start: "
                           "suspend the bindings before"]),
        ([uefi(0, NOTHING)], ["it is not known whether the guest will ask for the recovery key at "
                              "its first stop and start"]),
        ([uefi(0, None)], ["the guest will not ask for the recovery key at its first stop and "
                           "start"]),
    ],
)  # fmt: skip
def test_what_is_said(looked: list[Row], lines: list[str]) -> None:
    found = recovery_keys.of(looked)
    assert found is not None
    assert list(found.sentences) == lines


def test_who_has_neither_uefi_nor_tpm_is_not_counted() -> None:
    assert recovery_keys.of([(BIOS, None)]) is None
