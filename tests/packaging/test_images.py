"""Guest images made by each recipe hold the guest side, and nothing that it knows.

That they boot and are verified is shown by tests/lab/test_recipes.py, which these here save from
building.
"""

import subprocess
from pathlib import Path

import pytest

from tests import shown
from tests.lab import cache, needed, recipe_images


def listed(disk: Path, folder: str) -> set[str]:
    """Return the names in a folder of a disk; empty where it has no such folder."""
    done = subprocess.run(
        ["debugfs", "-R", f"ls -p {folder}", disk], capture_output=True, text=True, check=True
    )
    return {line.split("/")[5] for line in done.stdout.splitlines() if "/" in line} - {".", ".."}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("recipe", shown.rows(recipe_images.RECIPES, {"mmdebstrap"}, "images"))
def test_it_is_built(recipe: str, request: pytest.FixtureRequest) -> None:
    needed.require()
    with needed.shown(request):
        image = recipe_images.image(recipe)
    disk = cache.directory() / Path(image.folder).name / "disk.raw"
    assert {"etc", "usr", "proc", "sys"} <= listed(disk, "/")
    assert listed(disk, "/var/lib/samemachine") == set()
    if image.seed is None:
        assert "samemachine-guest" in listed(disk, "/usr/bin")
        assert listed(disk, "/etc/samemachine") == {"guest.conf"}
