"""What a baseline keeps of a domain's devices, and who may have written it."""

import contextlib
import json
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.qemu import kept_rehearsal, options, rehearsal_shape
from host_agent.qemu.command_line import OptionsError
from host_agent.qemu.rehearsal_options import RehearsalOptions
from tests.unit.host_agent.qemu.test_rehearsal_options import BARE, DEVICES, ROWS, WHOLE, taken

LINES = {
    "whole": WHOLE,
    "older form": f"{BARE} -drive file=/usr/share/OVMF/CODE.fd,if=pflash,format=raw,unit=0",
    "ipmi": f"{BARE} -device ipmi-bmc-sim,id=b -device isa-ipmi-kcs,bmc=b",
    **{name: f"{BARE} {row[0]}" for name, row in DEVICES.items()},
    **{f"{kind} {made}": f"{BARE} {line.replace('KIND', kind)}" for kind, line, made in ROWS},
}


def kept(line: str) -> tuple[str, options.ProbeOptions, RehearsalOptions]:
    """The devices, and the machine as the same baseline keeps it."""
    words, own = shlex.split(line), taken(line)
    machine = options.from_text(
        options.to_text(options.from_command_line(words, own.machine.architecture))
    )
    return kept_rehearsal.to_text(own), machine, own


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_what_is_kept_is_what_is_rehearsed(line: str) -> None:
    text, machine, own = kept(line)
    read = kept_rehearsal.from_text(text, machine, own)
    one, _ = rehearsal_shape.of(own)
    again, _ = rehearsal_shape.of(read)
    # A ROM is said before the devices; the order of options of another kind decides nothing.
    assert replace(again, devices=()) == replace(one, devices=())
    assert sorted(again.devices) == sorted(one.devices)


def test_nothing_that_names_one_thing_is_kept() -> None:
    text, _, _ = kept(WHOLE)
    for own in ("52:54", "S/1", "/", "00112233"):
        assert own not in text
    assert kept_rehearsal.of_command_line(shlex.split(WHOLE), "x86_64") == text


@pytest.mark.parametrize("line", ["-device '[1]'", "-object sev-guest,id=l"])
def test_what_can_not_be_rehearsed_is_not_kept(line: str) -> None:
    assert kept_rehearsal.of_command_line(shlex.split(f"{BARE} {line}"), "x86_64") is None


def test_what_is_too_long_is_not_kept() -> None:
    many = " ".join(f"-device pci-testdev,id={'x' * 60}{number}" for number in range(4000))
    assert kept_rehearsal.of_command_line(shlex.split(f"{BARE} {many}"), "x86_64") is None


MORE = [
    ["-device", "loader,file=/FILE"], ["-device", "e1000,romfile=/FILE"], ["-S"], ["/FILE"],
    ["-device", "vfio-pci,host=0000:06:12.5"], ["-bios", "/FILE"], ["-kernel", "/FILE"],
    ["-drive", "file=/FILE"], ["-blockdev", "driver=file,filename=/FILE,node-name=x"],
    ["-chardev", "file,id=x,path=/FILE"], ["-netdev", "tap,id=x"], ["-readconfig", "/FILE"],
    ["-object", "memory-backend-file,id=x,mem-path=/FILE,size=1G"], ["-smp", "4000,maxcpus=4000"],
    ["-machine", "pflash0=x"], ["-m", "8T"], ["-fw_cfg", "name=opt/x,file=/FILE"],
    ["-device"], ["-smbios", "file=/FILE"], ["-cpu", "host"],
]  # fmt: skip


@pytest.mark.parametrize("more", MORE, ids=" ".join)
def test_devices_that_are_not_kept_of_a_domain_are_not_taken(more: list[str]) -> None:
    text, machine, own = kept(f"{BARE} -device e1000,id=net0")
    form = json.loads(text)
    with pytest.raises(OptionsError):
        kept_rehearsal.from_text(
            json.dumps({**form, "devices": form["devices"] + more}), machine, own
        )


WRONG = [
    {"devices": None}, {"devices": "-S"}, {"devices": [1]}, {"devices": ["\0"]},
    {"devices": ["-S"] * 20_000}, {"firmware": "flash"}, {"firmware": None}, {"irqchip": None},
    {"irqchip": "/x"}, {"irqchip": "on,pflash0=x"}, {"left_out": [1]},
    {"left_out": [[1, [], None]]}, {"left_out": [["a", None, None]]},
    {"left_out": [["a", [1], None]]}, {"left_out": [["a", [], 1]]}, {"left_out": None},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_form_that_is_not_ours_is_not_taken(wrong: dict[str, object]) -> None:
    text, machine, own = kept(BARE)
    with pytest.raises(OptionsError):
        kept_rehearsal.from_text(json.dumps({**json.loads(text), **wrong}), machine, own)


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, "{}", "x" * 300_000, "NaN"])
def test_a_text_that_is_none_is_not_taken(text: str) -> None:
    _, machine, own = kept(BARE)
    with pytest.raises(OptionsError):
        kept_rehearsal.from_text(text, machine, own)


def test_the_firmware_is_the_one_of_today() -> None:
    text, machine, own = kept(WHOLE)
    newer = taken(WHOLE.replace("CODE.fd", "CODE_4M.fd"))
    assert kept_rehearsal.from_text(text, machine, newer).flash == newer.flash != own.flash
    with pytest.raises(OptionsError, match="of another kind"):
        kept_rehearsal.from_text(text, machine, taken(BARE))


@given(st.lists(st.sampled_from([*MORE, ["-device", "e1000"]]).map(" ".join) | st.text(max_size=9)))
def test_whatever_was_written_nothing_but_devices_is_taken(words: list[str]) -> None:
    text, machine, own = kept(BARE)
    with contextlib.suppress(OptionsError):
        read = kept_rehearsal.from_text(
            json.dumps({**json.loads(text), "devices": words}), machine, own
        )
        assert "/FILE" not in " ".join(read.command())
