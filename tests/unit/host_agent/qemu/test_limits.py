"""What memory a QEMU that is probed may have."""

from host_agent.qemu.session import limits


def test_what_its_guest_would_have_is_counted() -> None:
    """Its memory is mapped and never touched: it counts as addresses, not as data."""
    data, addresses = limits(1, 0)
    assert limits(1, 1 << 40) == (data, addresses + (1 << 40))
    more_data, more_addresses = limits(2, 0)
    assert more_data > data
    assert more_addresses > addresses
    # What no limit can say is none.
    assert limits(1, 1 << 70)[1] < 1 << 64
