"""The lab's fixtures: hosts that start when a test asks for them, and end with the run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab import lab as laboratory
from tests.lab import needed, pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.lab import Lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stretch each test's limit as all deadlines here: it ends what hangs, and judges nothing."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            own = item.get_closest_marker("timeout")
            seconds = own.args[0] if own else 150
            item.add_marker(pytest.mark.timeout(pace.stretched(seconds)), append=False)


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The lab, its images built."""
    needed.require()
    with needed.shown(request):
        laboratory.build()
    with laboratory.running() as running:
        yield running


@pytest.fixture(scope="session")
def host_a(lab: Lab) -> Host:
    """Debian 12: QEMU 7.2, libvirt 9.0; samemachine with the newest libraries from PyPI."""
    return lab.host("hosta")


@pytest.fixture(scope="session")
def host_b(lab: Lab) -> Host:
    """Debian 13: QEMU 10.0, libvirt 11.3; samemachine with Debian's own Python and libraries."""
    return lab.host("hostb")


@pytest.fixture(scope="session")
def host_c(lab: Lab) -> Host:
    """As host A, but for the one test that upgrades its packages."""
    return lab.host("hostc")


@pytest.fixture(scope="session")
def many_a(lab: Lab) -> Host:
    """As host A, with QEMU and firmware for guests of other architectures."""
    return lab.host("hosti")


@pytest.fixture(scope="session")
def many_b(lab: Lab) -> Host:
    """As host B, with QEMU and firmware for guests of other architectures."""
    return lab.host("hostj")


@pytest.fixture(scope="session")
def fleet(host_a: Host) -> dict[str, Guest]:
    """Guests that most tests share, booted side by side. Who changes one puts it back."""
    options = [
        GuestOptions(name="i440fx", machine="pc-i440fx-7.2", system=True),
        GuestOptions(name="q35", machine="pc-q35-7.2"),
        GuestOptions(name="bare", machine="pc-q35-7.2", channel=False, agent=False),
    ]
    guests = {option.name: host_a.guest(option).start() for option in options}
    for guest in guests.values():
        guest.wait_ready()
    return guests


@pytest.fixture
def new_guest(host_a: Host) -> Iterator[Callable[[GuestOptions], Guest]]:
    """Makes guests of host A that are removed after the test."""
    made: list[Guest] = []

    def make(options: GuestOptions) -> Guest:
        made.append(host_a.guest(options))
        return made[-1]

    yield make
    for guest in made:
        guest.remove()
