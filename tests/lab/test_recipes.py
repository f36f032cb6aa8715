"""Guest images made by each recipe boot, and are verified with no further step."""

import os
from collections.abc import Iterator, Mapping

import pytest

from tests.lab import needed, recipe_images
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.recipe_images import RecipeImage

ALWAYS = {"mmdebstrap", "cloud-init"}
"""The other images take longer to build than all of these tests may."""
_WANTED = set(recipe_images.RECIPES) if os.environ.get("SAMEMACHINE_RECIPES") == "all" else ALWAYS


def hindrance(recipe: str) -> str | None:
    """Say why a recipe is not tried; None: it is."""
    if recipe not in _WANTED:
        return "it takes minutes: SAMEMACHINE_RECIPES=all"
    return recipe_images.hindrance(recipe)


@pytest.fixture(scope="module")
def booting(request: pytest.FixtureRequest, host_a: Host) -> Iterator[Mapping[str, Guest | str]]:
    """A guest of each recipe's image, started side by side, or why there is no image."""
    found: dict[str, Guest | str] = {}
    for recipe in recipe_images.RECIPES:
        if hindrance(recipe):
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
        name=f"from-{recipe}", machine="pc-q35-7.2", image=image.folder,
        second_disk=image.seed or "/lab/data.raw",
    )  # fmt: skip


@pytest.mark.parametrize("recipe", recipe_images.RECIPES)
def test_it_boots_and_is_verified(
    recipe: str, booting: Mapping[str, Guest | str], host_a: Host
) -> None:
    if recipe not in booting:
        pytest.skip(str(hindrance(recipe)))
    guest = booting[recipe]
    assert isinstance(guest, Guest), guest
    guest.wait_channel(300)
    found = audit(host_a, guest.name)
    assert found.domains[guest.name]["verdict"] == "verified"
    assert found.domains[guest.name]["depth"] == "guest"
    assert found.exit_code == 0
    guest.destroy()
