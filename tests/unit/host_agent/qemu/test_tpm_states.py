"""Which process has which TPM's state, of trees as libvirt, /proc and swtpm make them."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from host_agent.domain.tpm import Tpm
from host_agent.evidence.running import Running
from host_agent.evidence.tpm_state import TpmState
from host_agent.missing import NOT_RUNNING, Missing, Reason
from host_agent.qemu.tpm_states import TpmStates
from tests.unit.host_agent.shared.cases import RUNNING

STORAGE = "/var/lib/libvirt/swtpm"


def declared(name: str) -> Tpm:
    state = f"{STORAGE}/{name}/tpm2"
    return Tpm(model="tpm-crb", back_end="emulator", version="2.0", state=state, kept=False)


def qemu(name: str) -> Running:
    arguments = (
        "qemu", "-chardev", "socket,id=charserial0,path=/other", "-chardev",
        f"socket,id=chrtpm,path=/run/libvirt/qemu/swtpm/{name}.sock",
        "-tpmdev", "emulator,id=tpm-tpm0,chardev=chrtpm",
    )  # fmt: skip
    return replace(RUNNING, name=name, arguments=arguments)


def swtpm(root: Path, pid: int, name: str, state: str | None = None) -> None:
    pids, entry = root / "run/libvirt/qemu/swtpm", root / "proc" / str(pid)
    pids.mkdir(parents=True, exist_ok=True)
    entry.mkdir(parents=True)
    (pids / f"{pid}-{name}-swtpm.pid").write_text(f"{pid}\n", encoding="ascii")
    arguments = (
        "/usr/bin/swtpm", "socket", "--ctrl",
        f"type=unixio,path=/run/libvirt/qemu/swtpm/{name}.sock,mode=0600",
        "--tpmstate", state or f"dir={STORAGE}/{name}/tpm2,mode=0600", "--tpm2",
    )  # fmt: skip
    (entry / "cmdline").write_bytes("\0".join((*arguments, "")).encode())
    (entry / "exe").symlink_to("/usr/bin/swtpm")
    (entry / "root").symlink_to("/nowhere")


def kept(root: Path, name: str, text: str = "secret") -> Path:
    file = root / STORAGE.lstrip("/") / name / "tpm2" / "tpm2-00.permall"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="ascii")
    return file


def test_a_state_of_its_own(tmp_path: Path) -> None:
    kept(tmp_path, "vm1")
    swtpm(tmp_path, 41, "vm1")
    found = TpmStates([qemu("vm1")], tmp_path).of(declared("vm1"), qemu("vm1"))
    place = f"{STORAGE}/vm1/tpm2"
    assert found == TpmState(place=place, there=True, swtpm="/usr/bin/swtpm", replaced=True)


@pytest.mark.parametrize(
    "state", [f"dir={STORAGE}/vm1/tpm2", f"backend-uri=file://{STORAGE}/vm1/tpm2/tpm2-00.permall"]
)
def test_two_with_one_state(tmp_path: Path, state: str) -> None:
    kept(tmp_path, "vm1")
    swtpm(tmp_path, 41, "vm1")
    swtpm(tmp_path, 42, "vm2", state)
    found = TpmStates([qemu("vm1"), qemu("vm2")], tmp_path).of(declared("vm1"), qemu("vm1"))
    assert isinstance(found, TpmState)
    assert found.others == ("vm2",)


def test_one_state_by_two_names(tmp_path: Path) -> None:
    file = kept(tmp_path, "vm1")
    other = kept(tmp_path, "vm2")
    other.unlink()
    os.link(file, other)
    swtpm(tmp_path, 41, "vm1")
    swtpm(tmp_path, 42, "vm2")
    found = TpmStates([qemu("vm1"), qemu("vm2")], tmp_path).of(declared("vm2"), qemu("vm2"))
    assert isinstance(found, TpmState)
    assert found.others == ("vm1",)


def test_of_a_domain_that_is_off(tmp_path: Path) -> None:
    kept(tmp_path, "vm1")
    found = TpmStates([], tmp_path).of(declared("vm1"), NOT_RUNNING)
    assert found == TpmState(place=f"{STORAGE}/vm1/tpm2", there=True)


def test_no_state(tmp_path: Path) -> None:
    found = TpmStates([], tmp_path).of(declared("vm1"), NOT_RUNNING)
    if os.geteuid() == 0:
        assert found == TpmState(place=f"{STORAGE}/vm1/tpm2", there=False)
    else:
        assert isinstance(found, Missing)
        assert found.reason is Reason.DENIED


@pytest.mark.parametrize("arguments", [(), ("qemu", "-tpmdev", "{"), ("qemu", "-tpmdev", "")])
def test_a_process_that_is_not_to_be_seen(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    kept(tmp_path, "vm1")
    running = replace(RUNNING, arguments=arguments)
    found = TpmStates([running], tmp_path).of(declared("vm1"), running)
    assert isinstance(found, Missing)
    assert found.reason is Reason.ABSENT


def test_one_that_is_not_emulated(tmp_path: Path) -> None:
    found = TpmStates([], tmp_path).of(replace(declared("vm1"), state=None), NOT_RUNNING)
    assert isinstance(found, Missing)
    assert found.reason is Reason.UNSUPPORTED
