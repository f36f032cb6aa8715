"""Who manages a domain, from XML of every stack."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.domain import owner
from host_agent.domain.definition import DomainXmlError, parse
from host_agent.domain.owner import Owner, OwnerKind
from host_agent.output.shared.names import whose

DOMAINS = Path(__file__).parents[3] / "data" / "domains"
UUID = "00112233-4455-6677-8899-aabbccddeeff"
NOVA = "http://openstack.org/xmlns/libvirt/nova/1.0"
ROWS = {
    "nova": (OwnerKind.NOVA, "shop-db-1", "project acme"),
    "ovirt": (OwnerKind.OVIRT, None, None),
    "ovirt-4.1": (OwnerKind.OVIRT, None, None),
    "zstack": (OwnerKind.ZSTACK, None, None),
    "unraid": (OwnerKind.UNRAID, None, None),
    "truenas": (OwnerKind.TRUENAS, "plex", None),
    "kubevirt": (OwnerKind.KUBEVIRT, "shop-db", "namespace prod"),
    "cloudstack": (OwnerKind.CLOUDSTACK, None, None),
    "opennebula": (OwnerKind.OPENNEBULA, "build runner", "group users"),
    "boxes": (OwnerKind.BOXES, None, None),
    "cockpit": (OwnerKind.COCKPIT, None, None),
    "virt-manager": (OwnerKind.LIBVIRT, None, None),
    "vagrant": (OwnerKind.LIBVIRT, None, None),
}


def owned(metadata: str, name: str = "vm1") -> Owner:
    return owner.of(
        parse(
            f"<domain><name>{name}</name><uuid>{UUID}</uuid><metadata>{metadata}</metadata></domain>"
        )
    )


def test_every_file_has_a_row_and_a_source() -> None:
    assert {file.stem for file in DOMAINS.glob("*.xml")} == set(ROWS)
    sources = (DOMAINS / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}.xml`" in sources for name in ROWS)


def test_every_owner_has_a_row() -> None:
    assert {kind for kind, _, _ in ROWS.values()} == set(OwnerKind)


@pytest.mark.parametrize("file", ROWS)
def test_who_it_is(file: str) -> None:
    definition = parse((DOMAINS / f"{file}.xml").read_text(encoding="utf-8"))
    kind, name, project = ROWS[file]
    assert owner.of(definition) == Owner(kind=kind, name=name, project=project)


@pytest.mark.parametrize(
    ("metadata", "kind", "name"),
    [
        (f"<n:instance xmlns:n='{NOVA}'><n:name> a\n b </n:name></n:instance>", "Nova", "a b"),
        (f"<instance xmlns='{NOVA}'><name>db</name></instance>", "Nova", "db"),
        (f"<n:instance xmlns:n='{NOVA}'><n:name/></n:instance>", "Nova", None),
        (f"<n:instance xmlns:n='{NOVA}'/>", "Nova", None),
        (f"<n:instance xmlns:n='{NOVA}'><n:name>{'a' * 2000}</n:name></n:instance>", "Nova", None),
        ("<b:gnome-boxes xmlns:b='http://live.gnome.org/Boxes/'/>", "Boxes", None),
        ("<instance xmlns='http://openstack.org/xmlns/libvirt/other'/>", "libvirt", None),
        ("<kubevirt/>", "libvirt", None),
        ("<kubevirt xmlns='http://kubevirt.io'/>", "KubeVirt", None),
    ],
)
def test_forms(metadata: str, kind: str, name: str | None) -> None:
    found = owned(metadata)
    assert (found.kind, found.name, found.project) == (kind, name, None)


def test_it_is_said_with_the_owners_own_name() -> None:
    def said(file: str) -> str:
        return whose(parse((DOMAINS / f"{file}.xml").read_text(encoding="utf-8")))

    assert said("nova") == "shop-db-1 (Nova, project acme)"
    assert said("kubevirt") == "shop-db (KubeVirt, namespace prod)"
    assert said("ovirt") == "(oVirt)"
    assert said("virt-manager") == ""


SPACES = st.sampled_from(
    [mark.namespace for mark in owner._MARKS] + [NOVA, "", "urn:x", "http://kubevirt.io/"]
)
XML = st.recursive(
    st.text(max_size=20) | st.sampled_from(["<name>x</name>", "<!-- c -->", "<?p i?>", "&#x85;"]),
    lambda inner: st.builds(
        lambda tag, space, text: f"<{tag} xmlns='{space}'>{text}</{tag}>",
        st.sampled_from(["instance", "vm", "name", "owner", "project", "gname", "kubevirt"]),
        SPACES,
        inner,
    ),
    max_leaves=6,
)


@given(XML, st.sampled_from(["vm1", "a_b", "_", "_b", "a_", "\u202eevil", "&amp;"]))
def test_what_domain_xml_accepts_has_an_owner(metadata: str, name: str) -> None:
    with contextlib.suppress(DomainXmlError):
        definition = parse(
            f"<domain><name>{name}</name><uuid>{UUID}</uuid><metadata>{metadata}</metadata></domain>"
        )
        found = owner.of(definition)
        assert found.name is None or 0 < len(found.name) <= 1024
        assert whose(definition).isprintable()


def test_whose_definitions_are_left_to_them() -> None:
    """What is changed in theirs is lost at the next start: neither a type nor a channel is."""
    ours = {owner.OwnerKind.LIBVIRT, owner.OwnerKind.BOXES, owner.OwnerKind.COCKPIT}
    assert set(owner.OwnerKind) - ours == owner.WRITES_DEFINITION
