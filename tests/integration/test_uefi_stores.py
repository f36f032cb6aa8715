"""Where a domain's store and its template are found, and what comes of them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host_agent.case.uefi_stores import UefiStores
from host_agent.domain.definition import Declared
from host_agent.domain.uefi import Store, Uefi
from host_agent.evidence.nvram import Nvram
from host_agent.missing import Missing, Reason
from tests import nvram_stores
from tests.unit.host_agent.shared.cases import DEFINITION, NOTHING, RUNNING, declared


@pytest.fixture(scope="module")
def stores() -> UefiStores:
    return UefiStores()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A host's files: a guest's store, and its firmware's template of today."""
    for name, template in (("store", "trixie.ms"), ("X_VARS.fd", "forky.ms")):
        (tmp_path / name).write_bytes(nvram_stores.template(template))
    return tmp_path


def domain(path: Path | None, template: Path | None = None, loader: Path | None = None) -> Declared:
    store = Store(
        path=None if path is None else str(path),
        form="raw",
        template=None if template is None else str(template),
        template_form="raw",
    )
    uefi = Uefi(secure=None, secure_boot=None, enrolled_keys=None, store=store)
    return declared(
        replace(
            DEFINITION,
            firmware="efi",
            uefi=uefi,
            loader=None if loader is None else str(loader),
        )
    )


def certificates(found: Nvram | Missing) -> int:
    assert isinstance(found, Nvram), found
    return len(found.certificates("KEK", "db"))


def test_the_store_is_that_of_the_xml_where_no_process_is_seen(
    stores: UefiStores, folder: Path
) -> None:
    assert certificates(stores.kept(domain(folder / "store"), NOTHING)) == 4
    missing = stores.kept(domain(folder / "nonesuch"), NOTHING)
    assert isinstance(missing, Missing)
    assert missing.reason is Reason.ABSENT


def test_the_store_is_that_of_the_process_where_one_is_seen(
    stores: UefiStores, folder: Path
) -> None:
    words: Any = ("qemu", "-drive", f"file={folder}/X_VARS.fd,if=pflash,unit=1,format=raw")
    # Whose root directory is ours.
    running = replace(RUNNING, pid=os.getpid(), arguments=words)
    assert certificates(stores.kept(domain(folder / "store"), running)) == 8


@pytest.mark.parametrize("named", ["by the XML", "by the loader's name"])
def test_the_template(stores: UefiStores, folder: Path, named: str) -> None:
    template = folder / "X_VARS.fd" if named == "by the XML" else None
    one = domain(folder / "store", template, folder / "X_CODE.secboot.fd")
    assert certificates(stores.template(one.definition)) == 8


@pytest.mark.parametrize("loader", [None, Path("/usr/share/ovmf/OVMF.fd")])
def test_there_is_no_template(stores: UefiStores, loader: Path | None) -> None:
    found = stores.template(domain(None, None, loader).definition)
    assert isinstance(found, Missing)
    assert "of which template" in found.sentence


def test_a_bios_keeps_nothing(stores: UefiStores) -> None:
    for found in (stores.kept(declared(), NOTHING), stores.template(DEFINITION)):
        assert isinstance(found, Missing)
        assert "no UEFI" in found.sentence
