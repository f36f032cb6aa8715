"""Network cards of a command line that libvirt wrote for nobody's start: as the XML has them."""

import json

import pytest

from host_agent.domain.native_cards import restored

XML = """<domain><devices>
  <controller type='pci' index='0' model='pcie-root'/>
  <controller type='pci' index='1' model='pcie-root-port'/>
  <controller type='pci' index='2' model='pcie-root-port'><alias name='ua-two'/></controller>
  <interface type='network'><mac address='52:54:00:00:00:0A'/>{more}</interface>
</devices></domain>"""
CARD: dict[str, object] = {
    "driver": "virtio-net-pci", "netdev": "hostnet0", "id": "net0", "mac": "52:54:00:00:00:0a",
    "bus": "pci.3", "addr": "0x0",
}  # fmt: skip
PORT: dict[str, object] = {
    "driver": "pcie-root-port",
    "port": 8,
    "chassis": 3,
    "id": "pci.3",
    "bus": "pcie.0",
}
OWN: dict[str, object] = {**PORT, "id": "pci.1"}


def line(*devices: dict[str, object]) -> tuple[str, ...]:
    words = ["qemu", "-machine", "pc-q35-9.0"]
    for device in devices:
        words += ["-device", json.dumps(device, separators=(",", ":"))]
    return tuple(words)


def card(more: str, device: dict[str, object]) -> dict[str, object]:
    found = restored(line(device), XML.format(more=more))
    assert found[:4] == ("qemu", "-machine", "pc-q35-9.0", "-device")
    return dict(json.loads(found[4]))


@pytest.mark.parametrize(
    ("more", "changed"),
    [
        ("", {}),
        ("<address type='pci' bus='0x00' slot='0x05' function='0x0'/>",
         {"bus": "pcie.0", "addr": "0x5"}),
        ("<address type='pci' bus='0x01' slot='0x00' function='0x1' multifunction='on'/>",
         {"bus": "pci.1", "addr": "0x0.0x1", "multifunction": True}),
        ("<address type='pci' bus='0x02' slot='0x00'/>", {"bus": "ua-two", "addr": "0x0"}),
        ("<address type='pci' bus='0x09' slot='0x00'/>", {}),
        ("<address type='pci' bus='0x00' slot='five'/>", {}),
        ("<address type='ccw' cssid='0xfe'/>", {}),
        ("<acpi index='7'/><rom bar='off'/>", {"acpi-index": 7, "rombar": 0}),
        ("<alias name='net3'/>", {"id": "net3"}),
        ("<driver queues='4' rx_queue_size='512' packed='on' iommu='off'/><mtu size='9000'/>",
         {"mq": True, "vectors": 10, "rx_queue_size": 512, "packed": True,
          "iommu_platform": False, "host_mtu": 9000}),
        ("<driver queues='1'/>", {}),
        ("<rom enabled='no'/>", {"romfile": ""}),
        ("<rom file='/a,b'/>", {"romfile": "/a,b"}),
        ("<driver rss='on' rss_hash_report='off'><host csum='off'/><guest tso4='off'/></driver>",
         {"rss": True, "hash": False, "csum": False, "guest_tso4": False}),
    ],
)  # fmt: skip
def test_what_the_xml_has(more: str, changed: dict[str, object]) -> None:
    assert card(more, CARD) == CARD | changed


def test_a_card_of_the_hosts_own_has_a_place_and_nothing_else() -> None:
    place = "<address type='pci' bus='0x01' slot='0x00'/><rom file='/x'/>"
    hostdev = XML.replace("type='network'", "type='hostdev'").format(more=place)
    own: dict[str, object] = {"driver": "vfio-pci", "id": "net0", "bus": "pci.1", "addr": "0x0"}
    assert restored(line(CARD), hostdev) == line(own)


def test_two_of_one_address_keep_their_order() -> None:
    places = [f"<address type='pci' bus='0x00' slot='0x0{slot}'/>" for slot in (5, 6)]
    interface = "<interface type='network'><mac address='52:54:00:00:00:0a'/>{}</interface>"
    more = "".join(interface.format(place) for place in places)
    controllers = "<controller type='pci' index='0' model='pci-root'/>"
    found = restored(line(CARD, CARD), f"<domain><devices>{controllers}{more}</devices></domain>")
    assert [json.loads(word)["addr"] for word in found if word.startswith("{")] == ["0x5", "0x6"]


def test_of_another_model_the_options_of_virtio_are_left() -> None:
    more = "<driver queues='4' packed='on'/><mtu size='9000'/><acpi index='7'/>"
    assert card(more, {**CARD, "driver": "e1000"}) == CARD | {"driver": "e1000", "acpi-index": 7}


def test_a_controller_that_was_added_for_it_goes() -> None:
    at_root = XML.format(more="<address type='pci' bus='0x00' slot='0x05'/>")
    placed: dict[str, object] = CARD | {"bus": "pcie.0", "addr": "0x5"}
    assert restored(line(OWN, PORT, CARD), at_root) == line(OWN, placed)
    # One that something else is behind stays.
    other: dict[str, object] = {"driver": "e1000", "id": "x", "bus": "pci.3"}
    assert restored(line(PORT, other, CARD), at_root) == line(PORT, other, placed)
    # Of an XML without controllers all are libvirt's.
    mac = "<mac address='52:54:00:00:00:0a'/>"
    bare = f"<domain><devices><interface>{mac}</interface></devices></domain>"
    assert restored(line(PORT, CARD), bare) == line(PORT, CARD)


def test_as_older_versions_write_it() -> None:
    named = "virtio-net-pci,netdev=hostnet0,id=net0,mac=52:54:00:00:00:0a"
    words = ("-device", f"{named},bus=pci.0,addr=0x3")
    more = "<address type='pci' bus='0x01' slot='0x02'/><driver packed='on'/><rom file='/a,b'/>"
    assert restored(words, XML.format(more=more)) == (
        "-device",
        f"{named},bus=pci.1,addr=0x2,romfile=/a,,b,packed=on",
    )


@pytest.mark.parametrize("xml", ["", "<domain/>", "no XML"])
def test_nothing_is_told(xml: str) -> None:
    words = (*line(CARD), "-device", "{broken", "-device", "e1000,mac=52:54:00:00:00:0b")
    assert restored(words, xml) == words
