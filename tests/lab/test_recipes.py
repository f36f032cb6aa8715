"""Guest images made by each recipe boot, and are verified with no further step."""

from collections.abc import Iterator, Mapping

import pytest

from tests.lab import recipe_images
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.recipe_images import RecipeImage


@pytest.fixture(scope="module")
def booting(request: pytest.FixtureRequest, host_a: Host) -> Iterator[Mapping[str, Guest]]:
    """A guest of each recipe's image, started side by side."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    # Building takes minutes: its progress must be seen.
    with capture.global_and_fixture_disabled():
        here = [recipe for recipe in recipe_images.RECIPES if not recipe_images.hindrance(recipe)]
        images = {recipe: recipe_images.image(recipe) for recipe in here}
    guests = {recipe: host_a.guest(_options(recipe, image)) for recipe, image in images.items()}
    for guest in guests.values():
        guest.start()
    yield guests
    for guest in guests.values():
        guest.remove()


def _options(recipe: str, image: RecipeImage) -> GuestOptions:
    return GuestOptions(
        name=f"from-{recipe}", machine="pc-q35-7.2", image=image.folder,
        second_disk=image.seed or "/lab/data.raw",
    )  # fmt: skip


@pytest.mark.parametrize("recipe", recipe_images.RECIPES)
def test_it_boots_and_is_verified(recipe: str, booting: Mapping[str, Guest], host_a: Host) -> None:
    if recipe not in booting:
        pytest.skip(str(recipe_images.hindrance(recipe)))
    guest = booting[recipe]
    guest.wait_channel(300)
    found = audit(host_a, guest.name)
    assert found.domains[guest.name]["verdict"] == "verified"
    assert found.domains[guest.name]["depth"] == "guest"
    assert found.exit_code == 0
    guest.destroy()
