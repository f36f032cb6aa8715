"""The list of libvirt's elements, held against the schemas of the libvirts of this lab's hosts."""

import pytest

from host_agent.domain.elements import names
from tests import domain_schema
from tests.lab import images

SCHEMAS = "usr/share/libvirt/schemas"


@pytest.mark.parametrize(
    "image",
    [images.BULLSEYE, images.BOOKWORM, images.TRIXIE, images.FORKY],
    ids=lambda image: image.suite,
)
def test_no_element_of_a_hosts_libvirt_is_missing(image: images.HostImage) -> None:
    lacking = {
        path: attributes - names().get(path, frozenset())
        for path, attributes in domain_schema.names(images.host_root(image) / SCHEMAS).items()
        if path not in names() or not attributes <= names()[path]
    }
    assert lacking == {}
