"""Which QEMU each target of a plan is rehearsed under."""

from pathlib import Path

import pytest

from host_agent.commands.shared.rehearsed_qemu import under_each
from host_agent.errors import UsageError
from host_agent.migrate.facts import Under

A, B = Path("/srv/a"), Path("/srv/b")


@pytest.mark.parametrize(
    ("qemus", "roots", "targets", "made"),
    [
        ((), (), 1, (Under(seconds=9),)),
        ((), (A, B), 2, (Under(seconds=9, root=A), Under(seconds=9, root=B))),
        # Of the later ones it is not said.
        (("q",), (A,), 3, (Under(seconds=9, qemu="q", root=A), *[Under(seconds=9)] * 2)),
        (("q",), (A, B), 2, (Under(seconds=9, qemu="q", root=A), Under(seconds=9, root=B))),
    ],
)
def test_each_is_of_one_target(
    qemus: tuple[str, ...], roots: tuple[Path, ...], targets: int, made: tuple[Under, ...]
) -> None:
    assert under_each(qemus, roots, 9, targets, rehearse=True, read_esp=False) == made


def test_nothing_is_rehearsed_unasked() -> None:
    assert under_each((), (), 9, 2, rehearse=False, read_esp=False) is None
    with pytest.raises(UsageError, match="they need --rehearse"):
        under_each((), (A,), 9, 1, rehearse=False, read_esp=False)
    with pytest.raises(UsageError, match=r"--read-esp .* needs --rehearse"):
        under_each((), (), 9, 1, rehearse=False, read_esp=True)
    (under,) = under_each((), (), 9, 1, rehearse=True, read_esp=True) or ()
    assert under.read_esp


@pytest.mark.parametrize("given", [(("q", "q"), ()), ((), (A, B))])
def test_more_than_there_are_targets(given: tuple[tuple[str, ...], tuple[Path, ...]]) -> None:
    with pytest.raises(UsageError, match="there are only 1: --to"):
        under_each(*given, 9, 1, rehearse=True, read_esp=False)
