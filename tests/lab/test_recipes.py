"""Guest images made by each recipe boot, and are verified with no further step."""

from collections.abc import Callable

import pytest

from tests.lab import recipe_images
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.recipe_images import RecipeImage


@pytest.fixture(params=recipe_images.RECIPES)
def image(request: pytest.FixtureRequest, lab: Lab) -> RecipeImage:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    # Building takes minutes: its progress must be seen.
    with capture.global_and_fixture_disabled():
        return recipe_images.image(request.param)


def test_it_boots_and_is_verified(
    image: RecipeImage, host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    options = GuestOptions(
        name=f"from-{image.recipe}", machine="pc-q35-7.2", image=image.folder,
        second_disk=image.seed or "/lab/data.raw",
    )  # fmt: skip
    guest = new_guest(options).start()
    guest.wait_channel(240)
    found = audit(host_a, guest.name)
    assert found.domains[guest.name]["verdict"] == "verified"
    assert found.domains[guest.name]["depth"] == "guest"
    assert found.exit_code == 0
