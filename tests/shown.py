"""Which tests ``make test`` leaves to ``make test-all``, and with which files those passed.

A test is *long* where it repeats for breadth what a shorter one has shown in principle: further
recipes, releases, steps. It names its subject, and the subject its files. ``make test`` leaves a
long test out while the subject's files are those with which ``make test-all`` passed last: that
writes ``tests/shown.json``. So a change of a subject brings its long tests back by itself.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.checkout import CHECKOUT

SIZES = ("once", "all")
_FILE = CHECKOUT / "tests/shown.json"

# Subject → files that it rests on, as patterns from the top.
SUBJECTS: Mapping[str, Sequence[str]] = {
    "images": ("packaging/images/**/*", "tests/lab/recipe_images.py", "tests/lab/image_tools.py"),
    "oci": ("packaging/oci/*", "tests/packaging/oci_image.py"),
    "ansible": ("packaging/ansible/**/*", "host_agent/hosts/ansible*.py", "tests/lab/ansible.txt"),
    "debian": ("packaging/debian/**/*", "packaging/make-deb", "tests/packaging/deb*.py"),
    "unit": (
        "packaging/systemd/*",
        "packaging/debian/samemachine-host.*",
        "host_agent/commands/serve.py",
        "host_agent/verify/serve.py",
        "host_agent/qemu/session.py",
        "host_agent/qemu/probe.py",
        "host_agent/qemu/enter_root.py",
    ),
    "wheels": ("packaging/wheels/**/*", "tests/packaging/roots.py", "tests/packaging/wheels.py"),
    "upgrade": ("host_agent/upgrade/*.py", "host_agent/records/upgrade_*.py"),
    "stores": (
        "host_agent/qemu/nvram*.py",
        "host_agent/evidence/nvram.py",
        "host_agent/evidence/known_certificates.py",
        "host_agent/case/uefi_stores.py",
    ),
    "verdicts": (
        "host_agent/verify/verify.py",
        "host_agent/verify/folding.py",
        "host_agent/evidence/baseline*.py",
        "host_agent/checks/same_*.py",
        "host_agent/case/occasion.py",
    ),
    "migrate": ("host_agent/migrate/*.py", "host_agent/hypervisor/migration.py"),
    "serve": ("host_agent/verify/serve.py", "host_agent/verify/schedule.py"),
    "vmstate": ("host_agent/atlas/vmstate*.py", "host_agent/data/atlases/*"),
    "rehearsal": (
        "host_agent/qemu/*.py",
        "host_agent/evidence/*.py",
        "guest_agent/evidence/*.py",
        "host_agent/case/rehearsing.py",
        "host_agent/domain/native_cards.py",
    ),
    "sealed": (
        "host_agent/qemu/domain_tpm.py",
        "host_agent/qemu/measured_boot.py",
        "host_agent/qemu/boot_disks.py",
        "host_agent/qemu/fresh_tpm.py",
        "host_agent/qemu/rehearsal_disks.py",
        "host_agent/evidence/measured.py",
        "host_agent/evidence/sealed.py",
        "tests/lab/sealed_image.py",
        "tests/lab/test_sealed.py",
        "tests/sealed_disks.py",
    ),
    "traced": ("tests/lab/straced.py", "tests/lab/test_nothing_is_written.py"),
    "matrix": ("tests/lab/matrix/*", "tests/lab/worse_qemu.py"),
    "architectures": (
        "tests/lab/test_*architectures*.py",
        "tests/lab/test_arm64.py",
        "tests/lab/test_atlases_of_others.py",
        "tests/lab/test_types_raised.py",
        "tests/lab/test_x86_rows.py",
        "tests/lab/foreign*.py",
        "host_agent/domain/memory_places.py",
        "host_agent/guest/booted_*.py",
        "host_agent/qemu/fw_cfg_reader.py",
        "host_agent/checks/*.py",
        "host_agent/checks/shared/platform.py",
        "host_agent/evidence/*.py",
        "guest_agent/evidence/*.py",
    ),
    "channel": ("proto/samemachine/*.py", "host_agent/guest/*.py"),
}


def rows(values: Iterable[Any], once: Collection[Any], subject: str) -> list[ParameterSet]:
    """Return rows of a parametrized test, of which all are long but those of ``once``."""
    mark = pytest.mark.long(subject)
    return [pytest.param(value, marks=() if value in once else mark) for value in values]


def digest(subject: str) -> str:
    """Return a name for the present content of a subject's files."""
    found = hashlib.sha256()
    files = {file for pattern in SUBJECTS[subject] for file in CHECKOUT.glob(pattern)}
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            found.update(f"{file.relative_to(CHECKOUT)}\0".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]


def left_out() -> frozenset[str]:
    """Return the subjects whose long tests have been shown with the files that are there."""
    try:
        written = json.loads(_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return frozenset()
    return frozenset(subject for subject in SUBJECTS if written.get(subject) == digest(subject))


def write() -> None:
    """Write down that all long tests passed with the files that are there."""
    found = {subject: digest(subject) for subject in SUBJECTS}
    _FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
