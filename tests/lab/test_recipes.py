"""Guest images made by each recipe boot, and are verified with no further step."""

from collections.abc import Iterator, Mapping

import pytest

from tests import shown
from tests.lab import needed, pace, recipe_images
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.recipe_images import RecipeImage


@pytest.fixture(scope="module")
def booting(request: pytest.FixtureRequest, host_a: Host) -> Iterator[Mapping[str, Guest | str]]:
    """A guest of each recipe's image, started side by side, or why there is no image."""
    found: dict[str, Guest | str] = {}
    asked = {
        item.callspec.params["recipe"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    }
    for recipe in recipe_images.RECIPES:
        if recipe not in asked:
            continue
        try:
            with needed.shown(request):
                image = recipe_images.image(recipe)
        except (OSError, RuntimeError, ValueError) as error:
            found[recipe] = str(error)
        else:
            found[recipe] = host_a.guest(_options(recipe, image))
    guests = [one for one in found.values() if isinstance(one, Guest)]
    for guest in guests:
        guest.start()
    yield found
    for guest in guests:
        guest.remove()


def _options(recipe: str, image: RecipeImage) -> GuestOptions:
    return GuestOptions(
        name=f"from-{recipe}",
        machine="pc-q35-7.2",
        image=image.folder,
        second_disk=image.seed or "/lab/data.raw",
    )


@pytest.mark.parametrize("recipe", shown.rows(recipe_images.RECIPES, {"mmdebstrap"}, "images"))
def test_it_boots_and_is_verified(
    recipe: str, booting: Mapping[str, Guest | str], host_a: Host
) -> None:
    guest = booting[recipe]
    assert isinstance(guest, Guest), guest
    guest.wait_channel(120)
    # A cold guest's first answer takes its time, and others boot beside it.
    found = audit(host_a, guest.name, "--timeout", pace.words(60))
    assert found.domains[guest.name]["verdict"] == "verified"
    assert found.domains[guest.name]["depth"] == "guest"
    assert found.exit_code == 0
    guest.destroy()
