"""What goes wrong with one thing is said of that one, in a sentence."""

import pytest

from host_agent.domain.definition import DomainXmlError
from host_agent.errors import LibvirtError
from host_agent.guard import guarded, said


def test_what_goes_well_is_returned() -> None:
    assert guarded(lambda: 3, len) == 3


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (LibvirtError("libvirt refused it"), "libvirt refused it"),
        (DomainXmlError("it is no XML"), "it is no XML"),
        (LibvirtError("\x1b[31m" + "x" * 9000), "\\x1b[31m" + "x" * 995 + "…"),
    ],
)
def test_our_own_errors_are_sentences(error: Exception, sentence: str) -> None:
    def fail() -> None:
        raise error

    assert guarded(fail, str) == sentence


def test_any_other_says_where() -> None:
    def fail() -> None:
        raise TypeError("cannot \x07")

    sentence = guarded(fail, str)
    assert sentence is not None
    assert sentence.startswith("TypeError: cannot \\x07 in test_guard.py, line ")
    assert sentence.endswith("please report it")


def test_without_a_place() -> None:
    assert said(KeyError("a")) == "KeyError: 'a'; that is a fault of samemachine, please report it"


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_the_program_can_be_ended(end: type[BaseException]) -> None:
    def leave() -> None:
        raise end

    with pytest.raises(end):
        guarded(leave, str)
