"""The architectures of which a matrix has guests, and how a refusal there is judged."""

from typing import Any

import pytest

from tests.lab import foreign_guest
from tests.lab.foreign_images import ARCHITECTURES
from tests.lab.matrix import judging, kinds
from tests.lab.matrix.cells import Outcome
from tests.lab.matrix.kinds import KINDS, KindError


@pytest.mark.parametrize(
    ("word", "architecture"),
    [("amd64", "x86_64"), ("arm64", "aarch64"), ("ppc64el", "ppc64le"), ("s390x", "s390x")],
)
def test_words_of_debian_and_libvirt(word: str, architecture: str) -> None:
    assert kinds.of(word).architecture == kinds.of(architecture).architecture == architecture


def test_others_are_refused_by_what_there_is() -> None:
    # Its machine type has no versions, and no release takes another's guests.
    with pytest.raises(KindError, match="no guests of 'riscv64'; there are of x86_64, aarch64"):
        kinds.of("riscv64")


def test_a_card_on_the_labs_network_takes_the_place_of_the_guests_own() -> None:
    assert foreign_guest._XML.count(kinds._CARD) == 1
    assert {kind.architecture for kind in KINDS} - {"x86_64"} <= ARCHITECTURES.keys()


SAID = "internal error: QEMU unexpectedly closed the monitor: load of migration failed"
KNOWN = {"check": "move-refusal", "outcome": "fail", "sentence": "b refuses the registers"}


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ([], Outcome.BEYOND),
        ([KNOWN], Outcome.EXPECTED),
        # It is not known for sure.
        ([{**KNOWN, "outcome": "warn"}], Outcome.BEYOND),
        ([{**KNOWN, "check": "move-vmstate"}], Outcome.BEYOND),
    ],
)
def test_a_refusal_that_was_measured_before_is_expected(
    findings: list[dict[str, Any]], outcome: Outcome
) -> None:
    told = judging.measured(findings)
    found = judging.of_refusal(SAID, None, offered=True, measured=told)
    assert found.outcome is outcome
    assert (KNOWN["sentence"] in found.sentences) is (outcome is Outcome.EXPECTED)
    # That was foretold by nobody.
    file = "Failed to open file '/usr/share/AAVMF/AAVMF_VARS.fd': No such file or directory"
    gone = judging.of_refusal(file, None, offered=True, measured=told)
    assert gone.outcome is Outcome.BEYOND
    lost = judging.of_refusal("keepalive timeout", None, offered=True, measured=told)
    assert lost.outcome is Outcome.UNKNOWN
